"""Where data comes from, one file a source; each has `read(config, *, seed, reporter)`.

The small datasets that come with scikit-learn share `bundled.py`.
"""

from __future__ import annotations

import importlib

from dltrain.config.catalog.sources import SOURCES
from dltrain.config.types import DataConfig, config_fault
from dltrain.data.raw import Raw
from dltrain.errors import ConfigError
from dltrain.reporting import Reporter

BUNDLED = ("breast_cancer", "diabetes", "digits", "iris", "wine")


def read_source(config: DataConfig, *, seed: int, reporter: Reporter) -> Raw:
    """Read `config.path`, or the named dataset, with the source that `config.source` names.

    Raises:
        DataError: missing or unreadable.
        ConfigError: no such source.
    """
    if config.source not in SOURCES:
        raise ConfigError(
            config_fault(config, "data.source", f"unknown source {config.source}", f"sources: {', '.join(SOURCES)}")
        )
    name = "bundled" if config.source in BUNDLED else config.source
    module = importlib.import_module(f"dltrain.data.sources.{name}")
    raw: Raw = module.read(config, seed=seed, reporter=reporter)
    return raw
