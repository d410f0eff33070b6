"""The config language: text → positions → validated, resolved `Config`. Never imports TensorFlow or Keras.

`tree.py` makes one tree of the text and of all that is said elsewhere, `reading.py` and `blocks` turn it into the values of
`types`. YAML stands in `text`, what Keras offers in `catalog`, `explain` and JSON Schema in `help`, names from other libraries in
`old_words`, layers that Keras lacks in `composed`, a config's own Python in `own_code`. Whether a config fits its data is told by
`checking`. Read `types/config.py` first, then `load.py`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dltrain.config.catalog.catalog import Catalog, load_catalog
    from dltrain.config.load import load_config, load_config_text, resolve
    from dltrain.config.overrides import split_words
    from dltrain.config.text.yaml_writer import dump_yaml
    from dltrain.config.types import Config

__all__ = ["Catalog", "Config", "dump_yaml", "load_catalog", "load_config", "load_config_text", "resolve", "split_words"]
_PLACES = {
    "Catalog": "catalog.catalog",
    "Config": "types",
    "dump_yaml": "text.yaml_writer",
    "load_catalog": "catalog.catalog",
    "load_config": "load",
    "load_config_text": "load",
    "resolve": "load",
    "split_words": "overrides",
}


def __getattr__(name: str) -> Any:
    """What only some commands need is imported when it is first asked for: `explain` reads no config."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_PLACES[name]}"), name)
