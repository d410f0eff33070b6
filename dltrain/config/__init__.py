"""The config language: text → positions → validated, resolved `Config`. Never imports TensorFlow or Keras.

YAML stands in `text`, the readers of the blocks in `blocks`, what Keras offers in `catalog`; begin with `types.py`,
then `load.py`.
"""

from __future__ import annotations

from dltrain.config.catalog.catalog import Catalog, load_catalog
from dltrain.config.load import load_config, load_config_text, resolve
from dltrain.config.overrides import split_words
from dltrain.config.text.yaml_writer import dump_yaml
from dltrain.config.types import Config

__all__ = ["Catalog", "Config", "dump_yaml", "load_catalog", "load_config", "load_config_text", "resolve", "split_words"]
