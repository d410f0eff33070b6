"""Reading data for fits of several folds, one after the other: the files are read once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dltrain.config.types import DataConfig
from dltrain.data.dataset import Dataset
from dltrain.data.fit_streamed import why_streamed
from dltrain.data.load import load_dataset, prepare, read_raw
from dltrain.reporting import Reporter


class FoldReader:
    """Loads data sets; what was read for one fold is kept for the next, until the last has been cut from it."""

    def __init__(self) -> None:
        self._key = ""
        self._raw: Any = None

    def load(self, config: DataConfig, *, seed: int, reporter: Reporter) -> Dataset:
        """As `load_dataset`, and the same to the bit.

        Raises:
            DataError, ConfigError: as `load_dataset`.
        """
        if config.split.fold is None or why_streamed(config):
            return load_dataset(config, seed=seed, reporter=reporter)
        key = repr((replace(config, places={}, split=replace(config.split, fold=None)), seed))
        if key != self._key:
            self._key, self._raw = "", None
            self._raw = read_raw(config, seed=seed, reporter=reporter)
            self._key = key
        raw, details = self._raw
        dataset = prepare(config, raw, details, seed=seed, reporter=reporter)
        if config.split.fold == config.split.folds:
            self._key, self._raw = "", None
        return dataset
