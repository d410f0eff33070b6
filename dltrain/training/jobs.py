"""What a fit leaves to its helper process: reading the data; drawing stands in `saving.pictures`."""

from __future__ import annotations

from collections.abc import Sequence

from dltrain.checking.check import check_dataset, raise_for_errors
from dltrain.config.types import Config
from dltrain.data.dataset import Dataset
from dltrain.data.request import DataRequest, SharedReader
from dltrain.errors import DltrainError, Fault
from dltrain.reporting import Reporter

# What a helper process read for one fold it keeps for the next.
_READER = SharedReader()


def load_and_check(config: Config, *, reporter: Reporter) -> tuple[Dataset, tuple[Fault, ...]]:
    """Read a config's data, hold the config against it, and say what is odd."""
    dataset = _READER.load(DataRequest.of(config), reporter=reporter)
    return dataset, raise_for_errors(check_dataset(config, dataset)).warnings


def load_all(configs: Sequence[Config], *, reporter: Reporter) -> list[Dataset | DltrainError]:
    """Read the data of fits that are trained together, and hold each config against its own.

    Args:
        configs: no two with the same data.
        reporter: hears of the stages.

    Returns:
        A data set for each, or why there is none.
    """
    requests = [DataRequest.of(config) for config in configs]
    reader = SharedReader()
    found: list[Dataset | DltrainError] = []
    for index, (config, request) in enumerate(zip(configs, requests, strict=True)):
        try:
            dataset = reader.load(request, reporter=reporter, coming=requests[index + 1 :])
            raise_for_errors(check_dataset(config, dataset))
        except DltrainError as error:
            found.append(error)
        else:
            found.append(dataset)
    return found
