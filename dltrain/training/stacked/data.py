"""The data of fits that are trained together: what they share is read once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from dltrain.checking.check import check_dataset, raise_for_errors
from dltrain.config.sources import GENERATED
from dltrain.config.types import Config, DataConfig
from dltrain.data.dataset import Dataset
from dltrain.data.load import prepare, read_raw
from dltrain.errors import DltrainError
from dltrain.reporting import Reporter
from dltrain.training.helper_jobs import data_for_model

# Sources that make their rows from the seed.


def same_data(config: Config, other: Config) -> bool:
    """Whether two fits have the same parts."""
    return _request(config) == _request(other)


def read_together(configs: Sequence[Config], *, reporter: Reporter) -> list[Dataset | DltrainError]:
    """Read, split and preprocess the data of several fits, and hold each config against its own.

    Args:
        configs: no two with the same data.
        reporter: hears of the stages.

    Returns:
        A data set for each, or why there is none.
    """
    raws: list[tuple[Any, Any]] = []
    found: list[Dataset | DltrainError] = []
    for config in configs:
        data, seed = _request(config)
        source = (replace(data, split=replace(data.split, seed=None, fold=None)), seed if data.source in GENERATED else None)
        try:
            raw = next((raw for other, raw in raws if other == source), None)
            if raw is None:
                raw = read_raw(data, seed=config.seed, reporter=reporter)
                raws.append((source, raw))
            dataset = prepare(data, *raw, seed=config.seed, reporter=reporter)
            raise_for_errors(check_dataset(config, dataset))
        except DltrainError as error:
            found.append(error)
        else:
            found.append(dataset)
    return found


def _request(config: Config) -> tuple[DataConfig, int | None]:
    """The data block, and the seed if the parts depend on it."""
    data = data_for_model(config.data, config.model)
    fixed = data.split.seed is not None and data.source not in GENERATED
    return data, None if fixed else config.seed
