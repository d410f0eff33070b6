"""What is odd about a table: gaps, copies, leaks, outliers. Each with its columns or rows and what one would usually do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.data.columns.reading import Reading, mend, read_numbers
from dltrain.data.raw import Locate
from dltrain.data.tables.column_names import column_of, only
from dltrain.errors import Fault
from dltrain.later import polars
from dltrain.wording import counted, listed, shares_of

NUM_ROWS_NAMED = 5
MANY_MISSING = 0.5
IMBALANCE = 0.05
RARE_LABEL = 0.02
OUTLIER_DISTANCE = 20.0  # in widths of the middle half of the values


@dataclass(slots=True)
class Quality:
    """What a look at all of the data gives: lines that describe it, and findings, each with what one would usually do."""

    lines: list[str] = field(default_factory=list)
    findings: list[Fault] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class LabelsView:
    """A target of several labels: its name, the labels, int8 [rows, labels], and what stands between them."""

    name: str
    labels: Sequence[str]
    codes: NDArray[np.int8]
    separator: str


@dataclass(frozen=True, slots=True)
class TableView:
    """A table with the roles of its columns.

    Attributes:
        frame: raw columns.
        features: name -> kind, of the columns that the model sees.
        targets: name -> class codes [rows] or numbers [rows].
        classes: target -> labels in code order; absent for numbers.
        parts: part -> rows.
        reading: how text becomes values.
        locate: the place of a row.
        labels: the target of several labels, if it is one.
    """

    frame: polars.DataFrame
    features: Mapping[str, str]
    targets: Mapping[str, NDArray[Any]]
    classes: Mapping[str, Sequence[str]]
    parts: Mapping[str, NDArray[np.int64]]
    reading: Reading
    locate: Locate
    labels: LabelsView | None = None


def odd(message: str, hint: str, file: str | None = None, line: int | None = None) -> Fault:
    """A finding: what is odd, with columns or rows; what to do about it; where the first row concerned stands."""
    return Fault(message, file, line or None, hint=hint, severity="warning")


def inspect_table(view: TableView) -> Quality:
    """Look at all rows and columns; seconds for 500,000 rows of 30 columns."""
    quality = Quality()
    quality.lines += rows_by_part(view.targets, view.classes, view.parts)
    quality.findings += _imbalance(view)
    if view.labels is not None:
        inspect_labels(quality, view.labels, view.parts)
    values = {name: _values(view, name, kind) for name, kind in view.features.items()}
    quality.findings += _gaps_and_constants(view, values)
    quality.findings += _same_columns(view)
    quality.findings += _ids(view, values)
    quality.findings += _same_rows(view)
    quality.findings += _outliers(view, values)
    return quality


def rows_by_part(
    targets: Mapping[str, NDArray[Any]], classes: Mapping[str, Sequence[str]], parts: Mapping[str, NDArray[np.int64]]
) -> list[str]:
    """A line for each part: rows, and rows of each class."""
    lines = []
    for part, rows in parts.items():
        words = [f"{part}: {len(rows):,} rows"]
        for target, labels in classes.items():
            counts = np.bincount(targets[target][rows], minlength=len(labels)).tolist()
            words.append(f"{target}: {shares_of(zip(labels, counts, strict=True), len(rows))}")
        lines.append("; ".join(words))
    return lines


def inspect_labels(quality: Quality, labels: LabelsView, parts: Mapping[str, NDArray[np.int64]]) -> None:
    """Rows of each label in each part, rare labels, labels that always stand together; added to what was found."""
    taught = np.concatenate([labels.codes[rows] for rows in parts.values()])
    for part, rows in parts.items():
        counts = labels.codes[rows].sum(axis=0, dtype=np.int64).tolist()
        shares = shares_of(zip(labels.labels, counts, strict=True), len(rows))
        none = int(np.count_nonzero(~labels.codes[rows].any(axis=1)))
        quality.lines.append(f"{part}: {len(rows):,} rows, {none:,} without a label; {labels.name}: {shares}")
    counts = taught.sum(axis=0, dtype=np.int64)
    rare = [place for place in range(len(labels.labels)) if counts[place] < RARE_LABEL * len(taught)]
    if rare:
        words = listed([f"{labels.labels[place]} {counts[place]:,} of {len(taught):,}" for place in rare], 6)
        hint = "judge by f1_macro and each label's average precision; `data.labels: {min_count: 20}` leaves rare labels out"
        quality.findings.append(odd(f"labels of {labels.name} that are rare: {words}", hint))
    together = taught.astype(np.float32).T @ taught.astype(np.float32)
    same = [
        f"{labels.labels[one]} and {labels.labels[other]}"
        for one in range(len(labels.labels))
        for other in range(one + 1, len(labels.labels))
        if counts[one] and together[one, other] == counts[one] == counts[other]
    ]
    if same:
        hint = "one of them says the same as the other: two spellings, or a column that was made of another?"
        quality.findings.append(odd(f"labels of {labels.name} that always stand together: {listed(same, 6)}", hint))


def _values(view: TableView, name: str, kind: str) -> NDArray[np.float64] | None:
    """A number column as float64 with NaN for gaps; None for other kinds."""
    if kind != "number":
        return None
    return read_numbers(column_of(view.frame, name), view.reading)[0]


def _imbalance(view: TableView) -> Iterator[Fault]:
    for target, labels in view.classes.items():
        counts = np.bincount(view.targets[target], minlength=len(labels))
        total = int(counts.sum())
        rare = [int(code) for code in np.flatnonzero(counts < IMBALANCE * total / max(len(labels) / 2, 1)) if counts[code]]
        if rare:
            words = listed([f"{labels[code]} {counts[code]:,} of {total:,}" for code in rare], 6)
            yield odd(
                f"{target} is imbalanced: {words}",
                "judge by recall, F1 or AUC rather than accuracy; `training.class_weight: balanced` weighs rare classes up",
            )


def _gaps_and_constants(view: TableView, values: Mapping[str, NDArray[np.float64] | None]) -> Iterator[Fault]:
    total = view.frame.height
    for name in view.features:
        numbers = values[name]
        if numbers is not None:
            missing = int(np.isnan(numbers).sum())
            seen = numbers[~np.isnan(numbers)]
            constant = bool(len(seen)) and bool((seen == seen[0]).all())
            example = f"{seen[0]:g}" if constant else ""
        else:
            series = mend(column_of(view.frame, name), view.reading)
            missing = series.null_count()
            known = series.drop_nulls()
            constant = bool(len(known)) and bool((known == known[0]).all())
            example = str(known[0]) if constant else ""
        if constant and missing:  # without gaps, it is no feature
            yield odd(f"column {name} is constant: {example} (and {missing:,} gaps)", "only the gap can tell something")
        if missing > MANY_MISSING * total:
            yield odd(
                f"column {name} is missing in {missing:,} of {total:,} rows ({_share(missing, total, 0)})",
                f"drop it (data.drop: [{name}]), or see that the gap itself means something",
            )
        elif missing:
            yield odd(
                f"column {name} is missing in {missing:,} of {total:,} rows ({_share(missing, total, 1)})",
                "numbers are filled with the median (data.impute) and marked, a gap in a category is a category of its own",
            )


def _share(count: int, total: int, digits: int) -> str:
    """`16.7 %`; what is not nothing and not all is not told as that."""
    share, least = 100 * count / total, 10.0**-digits
    if 0 < share < least / 2:
        return f"under {least:.{digits}f} %"
    if 100 - least / 2 <= share < 100:
        return f"over {100 - least:.{digits}f} %"
    return f"{share:.{digits}f} %"


def _same_columns(view: TableView) -> Iterator[Fault]:
    """Feature columns that hold the same in every row; those of one value are told of, or kept, for that."""
    sums: dict[tuple[Any, ...], list[str]] = {}
    for name in view.features:
        hashes = column_of(view.frame, name).hash(seed=0).to_numpy()
        if len(hashes) > 1 and (hashes == hashes[0]).all():
            continue
        with np.errstate(over="ignore"):
            key = (int(hashes.sum()), int((hashes * np.arange(1, len(hashes) + 1, dtype=np.uint64)).sum()))
        sums.setdefault(key, []).append(name)
    for names in sums.values():
        same = [
            name
            for name in names[1:]
            if column_of(view.frame, name).equals(view.frame[names[0]], check_names=False, null_equal=True)
        ]
        if same:
            yield odd(f"columns {names[0]} and {listed(same)} are the same in every row", f"data.drop: [{', '.join(same)}]")


def _ids(view: TableView, values: Mapping[str, NDArray[np.float64] | None]) -> Iterator[Fault]:
    """Feature columns that differ in every row and look like names of rows."""
    for name, kind in view.features.items():
        numbers = values[name]
        if view.frame.height < 50 or kind not in ("number", "category"):
            continue
        if numbers is not None and not (np.isfinite(numbers).all() and (numbers == np.floor(numbers)).all()):
            continue
        column = column_of(view.frame, name)
        if column.n_unique() != view.frame.height:
            continue
        counts = numbers is not None and (float(np.ptp(numbers)) < 1.5 * view.frame.height)
        if counts or numbers is None:
            yield odd(
                f"column {name} differs in every row and looks like a name or a count of the rows",
                f"data.drop: [{name}], or data.identifiers: [{name}] to have it beside the predictions",
            )


def _same_rows(view: TableView) -> Iterator[Fault]:
    """Rows that occur more than once: within a part they count double, across parts the test has been seen in training."""
    names = list(view.features)
    if not names:
        return
    keys = only(view.frame, names).hash_rows(seed=1).to_numpy()
    owner = np.full(len(keys), -1, np.int64)
    part_names = list(view.parts)
    for index, rows in enumerate(view.parts.values()):
        owner[rows] = index
    order = np.argsort(keys, kind="stable")
    groups = np.cumsum(np.diff(keys[order], prepend=keys[order[0]]) != 0)
    sizes = np.bincount(groups)
    copies = int((sizes[sizes > 1] - 1).sum())
    if not copies:
        return
    members = order[sizes[groups] > 1]
    member_groups = groups[sizes[groups] > 1]
    for index, part in enumerate(part_names[1:], 1):
        trained = (
            np.unique(member_groups[owner[members] == part_names.index("train")])
            if "train" in part_names
            else np.zeros(0, np.int64)
        )
        leaked = members[(owner[members] == index) & np.isin(member_groups, trained)]
        if len(leaked):
            file, line = view.locate(int(leaked[0]))
            yield odd(
                f"{counted(len(leaked), 'row')} of the {part} part {'has' if len(leaked) == 1 else 'have'} the same features as "
                f"rows of the training part ({'row' if len(leaked) == 1 else 'rows'} {_named(leaked)})",
                "the part looks easier than new data is; take copies out, or keep them together with data.split.group",
                file,
                line,
            )
    alike = _alike(members, member_groups * len(part_names) + owner[members], owner[members] >= 0)
    of_parts = (member_groups[owner[members] == index] for index in range(len(part_names)))
    same_part = sum(len(found) - len(np.unique(found)) for found in of_parts)
    if same_part:
        file, line = view.locate(int(alike[1]))
        are = "row is a copy" if same_part == 1 else "rows are copies"
        yield odd(
            f"{same_part:,} {are} of another row of the same part in all features "
            f"(such as rows {_named(alike[:NUM_ROWS_NAMED])})",
            "copies count double in training; take them out unless they are different cases that look alike",
            file,
            line,
        )
    conflicts = _conflicts(view, members, member_groups)
    if conflicts:
        yield odd(
            f"{counted(conflicts, 'group')} of rows {'has' if conflicts == 1 else 'have'} the same features and "
            "different targets",
            "no model can get all of them right: see whether a column is missing",
        )


def _alike(rows: NDArray[np.int64], groups: NDArray[np.int64], counted: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The counted rows of groups that have several of them, group after group."""
    rows, groups = rows[counted], groups[counted]
    order = np.argsort(groups, kind="stable")
    _, places, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    return rows[order][sizes[places[order]] > 1]


def _conflicts(view: TableView, members: NDArray[np.int64], groups: NDArray[np.int64]) -> int:
    """Groups of equal rows that do not agree in a class."""
    if view.labels is not None:
        _, sets = np.unique(view.labels.codes[members], axis=0, return_inverse=True)
        pairs = np.unique(np.stack([groups, sets.reshape(-1)], axis=1), axis=0)
        return int((np.bincount(pairs[:, 0]) > 1).sum())
    for target in view.classes:
        codes = view.targets[target][members].astype(np.int64)
        pairs = np.unique(np.stack([groups, codes], axis=1), axis=0)
        return int((np.bincount(pairs[:, 0]) > 1).sum())
    return 0


def _named(rows: NDArray[np.int64]) -> str:
    return listed([f"{int(row) + 1:,}" for row in rows[:NUM_ROWS_NAMED]]) + (", …" if len(rows) > NUM_ROWS_NAMED else "")


def _outliers(view: TableView, values: Mapping[str, NDArray[np.float64] | None]) -> Iterator[Fault]:
    for name, numbers in values.items():
        if numbers is None:
            continue
        known = np.flatnonzero(np.isfinite(numbers))
        if len(known) < 20:
            continue
        low, middle, high = np.quantile(numbers[known], (0.25, 0.5, 0.75))
        width = high - low
        if width == 0:
            continue
        distance = np.abs(numbers[known] - middle) / width
        far = known[distance > OUTLIER_DISTANCE]
        if len(far) and len(far) <= 0.01 * len(known):
            worst = int(known[np.argmax(distance)])
            file, line = view.locate(worst)
            yield odd(
                f"column {name} holds {counted(len(far), 'value')} far from all others "
                f"(the farthest {numbers[worst]:g}, "
                f"half of all lie between {low:g} and {high:g}; rows {_named(far)})",
                f"see whether they are mistakes; data.scale: {{{name}: smooth_clip}} keeps them from squeezing the rest",
                file,
                line,
            )
