"""How many rows each part gets."""

from __future__ import annotations

import math

from dltrain.wording import counted


class SplitError(ValueError):
    """Rows cannot be put into the parts that the config asks for."""


def rolling_sizes(num_rows: int, test: float | None, folds: int, fold: int) -> dict[str, int]:
    """Rows of each part where the origin rolls on: each fold trains on all rows before those that it is validated on.

    The rows that the test part leaves are cut as scikit-learn's `TimeSeriesSplit` cuts them; those after a fold's validation part
    are of none (`rest`).

    Args:
        num_rows: of the series, in the order of time.
        test: share that is kept for the test, the last rows.
        folds: how many.
        fold: which, from 1 on.

    Raises:
        SplitError: there are too few rows.
    """
    num_test = math.ceil(num_rows * test) if test else 0
    size = (num_rows - num_test) // (folds + 1)
    if size < 1:
        raise SplitError(f"{_rows_are(num_rows)} too few for {folds} folds in the order of time")
    later = (folds - fold) * size
    return {"train": num_rows - num_test - later - size, "validation": size, "rest": later, "test": num_test}


def part_sizes(
    num_rows: int, test: float | None, validation: float | None, *, validation_as_keras: bool = False
) -> dict[str, int]:
    """Rows of each part: test of all, validation of what remains, rounded up as scikit-learn's `train_test_split` rounds.

    `validation_as_keras` rounds as `validation_split` does, which for some numbers is one row more.

    Raises:
        SplitError: nothing would be left for training.
    """
    num_test = math.ceil(num_rows * test) if test else 0
    num_validation = math.ceil((num_rows - num_test) * validation) if validation else 0
    if validation and validation_as_keras:
        num_validation = num_rows - num_test - math.floor((num_rows - num_test) * (1.0 - validation))
    num_train = num_rows - num_test - num_validation
    if num_train < 1:
        raise SplitError(
            f"{_rows_are(num_rows)} too few: {num_test} for test, {num_validation} for validation, none left for training"
        )
    return {"train": num_train, "validation": num_validation, "test": num_test}


def fold_sizes(num_rows: int, test: float | None, folds: int, fold: int) -> dict[str, int]:
    """Rows of each part where one of some folds, counted from 1, is the validation part of what the test part leaves.

    Raises:
        SplitError: more folds than rows, or nothing would be left for training.
    """
    sizes = part_sizes(num_rows, test, None)
    left = sizes["train"]
    if reason := why_no_folds(left, folds):
        raise SplitError(reason)
    held_out = left // folds + (fold <= left % folds)
    return {"train": left - held_out, "validation": held_out, "test": sizes["test"]}


def _rows_are(count: int) -> str:
    return f"{counted(count, 'row')} {'is' if count == 1 else 'are'}"


def why_no_folds(num_rows: int, folds: int) -> str:
    """Why so many rows cannot be cut into so many folds, in words; empty where they can."""
    return "" if 2 <= folds <= num_rows else f"expected 2 to {num_rows} folds for {num_rows} rows, got {folds}"
