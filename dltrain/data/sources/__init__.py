"""Where data comes from, one file a source; each ends with its `SOURCE`. What that is, stands in `source.py`.

The small datasets that come with scikit-learn share `bundled.py`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from dltrain.config.catalog.sources import INSTALLED, SOURCES
from dltrain.config.types import DataConfig, config_fault
from dltrain.errors import ConfigError
from dltrain.reporting import Reporter

if TYPE_CHECKING:
    from dltrain.data.raw import Raw
    from dltrain.data.sources.source import DataSource


def find_source(name: str) -> DataSource:
    """The source of that name; one of `SOURCES`."""
    file = "bundled" if SOURCES[name].kept == INSTALLED else name
    source: DataSource = importlib.import_module(f"dltrain.data.sources.{file}").SOURCE
    return source


def source_of(config: DataConfig) -> DataSource:
    """The source that a config names.

    Raises:
        ConfigError: there is none, or it is given options that it does not have.
    """
    check_source(config)
    return find_source(config.source)


def check_source(config: DataConfig) -> None:
    """Raise ConfigError if there is no such source, or it is given options that it does not have."""
    from dltrain.data.sources.arguments import refuse_unknown

    if config.source not in SOURCES:
        raise ConfigError(
            config_fault(config, "data.source", f"unknown source {config.source}", f"sources: {', '.join(SOURCES)}")
        )
    refuse_unknown(config)


def read_source(config: DataConfig, *, seed: int, reporter: Reporter) -> Raw:
    """Read `config.path`, or the named dataset, with the source that `config.source` names.

    Raises:
        DataError: missing or unreadable.
        ConfigError: no such source, or options that it does not have.
    """
    return source_of(config).read(config, seed=seed, reporter=reporter)
