"""The data of members that validate on different folds: cut out of one data set, so that all take the same prepared rows.

What is fitted to the data (means, categories, vocabularies) is fitted once to all rows that are not of the test part: one model
file takes one kind of input.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.types import MULTILABEL, Config
from dltrain.data.columns.reading import text_of
from dltrain.data.dataset import Dataset
from dltrain.data.labels.stratify import deal_groups
from dltrain.data.load import read_raw
from dltrain.data.raw import RawTable
from dltrain.data.request import DataRequest
from dltrain.data.splits import Rows, fold_indices
from dltrain.data.tables.column_names import column_of
from dltrain.errors import DataError
from dltrain.evaluation.spread_sample import take_part
from dltrain.reporting import Reporter


def fold_rows(config: Config, dataset: Dataset, *, reporter: Reporter) -> list[tuple[Rows, Rows]]:
    """Of each member the rows of the training part that it is trained on, and those that it validates on.

    Classes are spread evenly over the folds; with `data.split.group` the rows of a group are in one fold.

    Raises:
        DataError: there are fewer rows, or groups, than folds.
    """
    folds = config.needed_training.members.folds
    assert folds is not None
    train = dataset.parts["train"]
    split = config.data.split
    seed = config.seed if split.seed is None else split.seed
    path = "training.members.folds"
    if split.group is not None:
        codes = _groups(config, split.group, train.row_ids, reporter)
        found = int(codes.max(initial=-1)) + 1
        if found < folds:
            raise DataError(f"{found} groups of {split.group} are too few for {folds} folds", path=path, hint="fewer folds")
        if split.stratify:
            classes = np.asarray(train.targets[dataset.schema.targets[0].name])
            part = deal_groups(codes, classes.astype(np.int64).ravel(), [1 / folds] * folds, seed)
            if len(np.unique(part)) == folds:
                return [_rows_of(codes, np.flatnonzero(part == number)) for number in range(folds)]
        return [_rows_of(codes, held) for _, held in fold_indices(found, folds, seed=seed)]
    if train.num_rows < folds:
        raise DataError(f"{train.num_rows} rows are too few for {folds} folds", path=path, hint="fewer folds")
    targets = dataset.schema.targets
    stratify = len(targets) == 1 and targets[0].task in ("classification", MULTILABEL) and split.stratify is not False
    labels = np.asarray(train.targets[targets[0].name]) if stratify else None
    return fold_indices(train.num_rows, folds, seed=seed, labels=labels)


def _rows_of(codes: NDArray[Any], held: Rows) -> tuple[Rows, Rows]:
    is_held = np.isin(codes, held)
    return np.flatnonzero(~is_held), np.flatnonzero(is_held)


def _groups(config: Config, column: str, row_ids: NDArray[np.int64], reporter: Reporter) -> NDArray[np.int64]:
    """The group of each row, as a number."""
    raw, _ = read_raw(DataRequest.of(config).data, seed=config.seed, reporter=reporter)
    assert isinstance(raw, RawTable)
    values = text_of(column_of(raw.frame, column))[row_ids].fill_null("").to_list()
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(value, len(numbers)) for value in values], np.int64)


def cut(dataset: Dataset, rows: tuple[Rows, Rows]) -> Dataset:
    """The data set of one member: its training rows, its fold as the validation part, and the test part."""
    train, held = (take_part(dataset.parts["train"], chosen) for chosen in rows)
    rest = {name: part for name, part in dataset.parts.items() if name not in ("train", "validation")}
    return replace(dataset, parts={"train": train, "validation": held, **rest})
