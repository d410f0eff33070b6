"""Rows of a part that stand in the training part as well, in all features and targets: what is measured on them is too good."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.types.data import IMAGE
from dltrain.data.columns.column import FeatureColumn
from dltrain.data.columns.kinds import is_prose
from dltrain.data.splits import Rows
from dltrain.errors import Note, warn
from dltrain.later import polars
from dltrain.wording import counted, listed

COPIES = "copies_in_several_parts"  # the code of the warning
FEWEST, SHARE = 5, 0.02
# So many rows of a part are looked for, in tables of up to so many cells: a second at the most.
MOST_LOOKED_AT, MOST_CELLS, MOST_COLUMNS = 5_000, 20_000_000, 2_000
MOST_LEFT_OUT = 16
SAMPLE = 1_000


def warn_of_copies(
    columns: Sequence[FeatureColumn],
    values_of: Callable[[FeatureColumn], Any],
    targets: Mapping[str, NDArray[Any]],
    parts: Mapping[str, Rows],
) -> list[Note]:
    """A warning of each part of which a notable share stands in the training part too; none where looking would take long.

    Rows of a few columns with a few values each are alike by chance. Then these values make no more different rows than there are
    to train on, or still more rows are alike in all columns but one; copies are not: only where these are few is anything said.

    Args:
        columns: the features.
        values_of: their values in all rows, float64 or a series.
        targets: values of what is predicted in all rows.
        parts: part -> rows.
    """
    train = parts.get("train", np.zeros(0, np.int64))
    looked_at = {name: rows[:: -(-len(rows) // MOST_LOOKED_AT)] for name, rows in parts.items() if name != "train" and len(rows)}
    num_rows = max((int(rows[-1]) + 1 for rows in parts.values() if len(rows)), default=0)
    too_large = num_rows * len(columns) > MOST_CELLS or len(columns) > MOST_COLUMNS
    if not columns or not looked_at or not len(train) or too_large:
        return []
    whole = np.zeros(num_rows, np.uint64)
    told: list[tuple[int, NDArray[np.uint64]]] = []  # how many values, and the hashes, of columns that rows may share by chance
    for place, name in enumerate(targets):
        answers = targets[name].reshape(len(targets[name]), -1)[:num_rows]
        for column in range(answers.shape[1]):
            told = _with(told, whole, _hashes(answers[:, column].astype(np.float64), 1_000 * place + column), by_chance=True)
    possible = 1.0  # different rows of features
    for place, feature in enumerate(columns):
        values = values_of(feature)[:num_rows]
        is_own = feature.kind == "text" and is_prose(values.drop_nulls().head(SAMPLE))
        hashes = _hashes(values, 1_000_000 + place)
        different = _count_different(hashes)
        possible *= math.inf if is_own or feature.kind == IMAGE or 2 * different >= min(SAMPLE, num_rows) else different
        told = _with(told, whole, hashes, by_chance=not is_own and feature.kind != IMAGE)
    if possible <= len(train):
        return []
    found: list[Note] = []
    for name, rows in looked_at.items():
        same = np.isin(whole[rows], whole[train])
        count = int(same.sum())
        if count < max(FEWEST, SHARE * len(rows)):
            continue
        nearly = np.zeros(len(rows), bool)
        for _, hashes in told:
            nearly |= _are_nearly_among(whole - hashes, whole, rows, train)
        if int(nearly.sum()) <= count / 2:
            found.append(warn(_said(name, count, len(rows), len(parts[name])), COPIES))
    return found


def warn_of_same_files(names: Sequence[str], digests: Sequence[str], parts: Mapping[str, Rows]) -> list[Note]:
    """A warning of each part that holds files whose content is that of a file of an earlier part, the training part first.

    Args:
        names: of the file of each row.
        digests: of its content; empty: they are not known.
        parts: part -> rows.
    """
    if not digests:
        return []
    seen: dict[str, tuple[str, str]] = {}
    same: dict[tuple[str, str], list[str]] = {}
    for part, rows in parts.items():
        for row in rows.tolist():
            first, name = seen.setdefault(digests[row], (part, names[row]))
            if first != part:
                same.setdefault((part, first), []).append(f"{names[row]} = {name}")
    found: list[Note] = []
    for (part, first), pairs in same.items():
        have, other = "has" if len(pairs) == 1 else "have", "training" if first == "train" else first
        said = f"{counted(len(pairs), 'file')} of the {part} part {have} the very content of files of the {other} part"
        how = "the part looks easier than new data is; take the copies out"
        found.append(warn(f"{said} ({listed(pairs, 3)}): {how}", COPIES))
    return found


def _said(part: str, count: int, looked_at: int, num_rows: int) -> str:
    seen = (
        f"{looked_at:,} rows of the {part} part that were looked at"
        if looked_at < num_rows
        else f"{num_rows:,} rows of the {part} part"
    )
    said = (
        f"{count:,} of the {seen} ({100 * count / looked_at:.0f} %) {'is' if count == 1 else 'are'} in the training part as well"
    )
    return (
        f"{said}, with the same features and target: the part looks easier than new data is; take copies out of the table, or "
        "keep them together by a column that tells what they are copies of (data.split.group)"
    )


def _with(
    told: list[tuple[int, NDArray[np.uint64]]], whole: NDArray[np.uint64], hashes: NDArray[np.uint64], *, by_chance: bool
) -> list[tuple[int, NDArray[np.uint64]]]:
    """The columns with the most different values, of which this one may be; it is added to the hashes of whole rows."""
    whole += hashes
    if not by_chance:
        return told
    return sorted([*told, (_count_different(hashes), hashes)], key=lambda entry: -entry[0])[:MOST_LEFT_OUT]


def _count_different(hashes: NDArray[np.uint64]) -> int:
    """How many different values some of the rows have."""
    return len(np.unique(hashes[:: max(1, len(hashes) // SAMPLE)]))


def _hashes(values: Any, seed: int) -> NDArray[np.uint64]:
    """Of a column's values, other ones for each column; numbers that are equal have the same."""
    series = polars.Series(values + 0.0) if isinstance(values, np.ndarray) else values
    hashes: NDArray[np.uint64] = series.hash(seed=seed).to_numpy()
    return hashes


def _are_nearly_among(hashes: NDArray[np.uint64], whole: NDArray[np.uint64], rows: Rows, others: Rows) -> NDArray[np.bool_]:
    """Of each row, whether one of the others that differs has the hash of its rest."""
    wanted, places = np.unique(hashes[rows], return_inverse=True)
    found = hashes[others]
    at = np.minimum(np.searchsorted(wanted, found), len(wanted) - 1)
    is_met = wanted[at] == found
    least, most = np.full(len(wanted), np.iinfo(np.uint64).max, np.uint64), np.zeros(len(wanted), np.uint64)
    np.minimum.at(least, at[is_met], whole[others][is_met])
    np.maximum.at(most, at[is_met], whole[others][is_met])
    own = whole[rows]
    return np.asarray((most[places] >= least[places]) & ((least[places] != own) | (most[places] != own)))
