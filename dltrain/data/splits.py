"""Which rows belong to which part: pure functions of the seed and of the order of the data."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.data.labels.stratify import deal_groups, deal_out
from dltrain.data.part_sizes import SplitError, part_sizes, why_no_folds
from dltrain.parts import PARTS, part_called
from dltrain.wording import quoted

Rows = NDArray[np.int64]


def split_rows(
    num_rows: int, *, seed: int, test: float | None = None, validation: float | None = None, labels: NDArray[Any] | None = None
) -> dict[str, Rows]:
    """Random parts, sorted rows in each; with `labels` stratified.

    Each class then has its share of every part to within one row, and at least one row where it has as many rows as there
    are parts and the part has a place for each class.

    Args:
        num_rows: how many rows there are.
        seed: of the draw.
        test: share of all rows.
        validation: share of the rows that remain.
        labels: int class codes [num_rows]; 0 or 1 for each of several labels [num_rows, labels]; or None.
    """
    sizes = part_sizes(num_rows, test, validation)
    generator = np.random.default_rng([seed, 0x5EED])
    if labels is not None and labels.ndim == 2:
        number = deal_out(labels, list(sizes.values()), generator)
        rows = {name: np.flatnonzero(number == place) for place, name in enumerate(sizes)}
        return _named(rows["train"], rows["validation"], rows["test"])
    order = generator.permutation(num_rows)
    if num_rows <= np.iinfo(np.int32).max:
        order = order.astype(np.int32)  # half the memory
    if labels is None:
        test_rows, rest = order[: sizes["test"]], order[sizes["test"] :]
        validation_rows, train_rows = rest[: sizes["validation"]], rest[sizes["validation"] :]
    else:
        later = 1 + bool(sizes["validation"])
        test_rows, rest = _take_stratified(order, labels, sizes["test"], keep=later)
        validation_rows, train_rows = _take_stratified(rest, labels, sizes["validation"], keep=1)
    return _named(train_rows, validation_rows, test_rows)


def split_in_order(num_rows: int, *, test: float | None = None, validation: float | None = None) -> dict[str, Rows]:
    """The last rows become test, those before them validation: as `train_test_split(shuffle=False)` and `validation_split`.

    Raises:
        SplitError: too few rows.
    """
    sizes = part_sizes(num_rows, test, validation, validation_as_keras=True)
    order = np.arange(num_rows)
    first_test = num_rows - sizes["test"]
    return _named(order[: sizes["train"]], order[sizes["train"] : first_test], order[first_test:])


def split_like_scikit_learn(
    num_rows: int,
    *,
    seed: int,
    test: float | None = None,
    validation: float | None = None,
    labels: NDArray[Any] | None = None,
    last_validation: bool = False,
) -> dict[str, Rows]:
    """The rows that scikit-learn's `train_test_split(random_state=seed)` draws, the same numbers without its import.

    Args:
        num_rows: how many rows there are.
        seed: the `random_state` of both draws.
        test: share of all rows.
        validation: share of the rows that remain, drawn from them in the order that the first draw left.
        labels: what is given as `stratify`, codes in the order of the sorted labels.
        last_validation: no second draw: validation is the end of that order, as Keras's `validation_split` takes it.

    Raises:
        SplitError: too few rows, for the parts or for the classes.
    """
    if seed > np.iinfo(np.uint32).max:
        raise SplitError(f"scikit-learn takes no seed above {np.iinfo(np.uint32).max}, found {seed}: say data.split.seed")
    sizes = part_sizes(num_rows, test, validation, validation_as_keras=last_validation)
    rest, drawn = np.arange(num_rows), {"test": np.zeros(0, np.int64), "validation": np.zeros(0, np.int64)}
    for name in ("test", "validation"):
        if not sizes[name]:
            continue
        if name == "validation" and last_validation:
            rest, drawn[name] = rest[: -sizes[name]], rest[-sizes[name] :]
            continue
        kept, taken = _train_test_split(len(rest), sizes[name], seed, None if labels is None else labels[rest])
        rest, drawn[name] = rest[kept], rest[taken]
    return _named(rest, drawn["validation"], drawn["test"])


def _train_test_split(num_rows: int, num_taken: int, seed: int, labels: NDArray[Any] | None) -> tuple[Rows, Rows]:
    """Places that stay and places that are taken, in scikit-learn's order (its ShuffleSplit and StratifiedShuffleSplit)."""
    generator = np.random.RandomState(seed)
    if labels is None:
        order = generator.permutation(num_rows)
        return order[num_taken:], order[:num_taken]
    _, codes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    if min(num_taken, num_rows - num_taken) < len(counts):
        message = f"{num_rows} rows cannot be stratified: {num_taken} are taken and {num_rows - num_taken} stay"
        raise SplitError(f"{message}, of {len(counts)} classes")
    stay = _most_likely_counts(counts, num_rows - num_taken, generator)
    take = _most_likely_counts(counts - stay, num_taken, generator)
    kept: list[NDArray[np.int64]] = []
    taken: list[NDArray[np.int64]] = []
    members = np.split(np.argsort(codes, kind="stable"), np.cumsum(counts)[:-1])
    for rows, num_kept, num_out in zip(members, stay, take, strict=True):
        shuffled = rows[generator.permutation(len(rows))]
        kept.append(shuffled[:num_kept])
        taken.append(shuffled[num_kept : num_kept + num_out])
    return generator.permutation(np.concatenate(kept)), generator.permutation(np.concatenate(taken))


def _most_likely_counts(counts: Rows, size: int, generator: Any) -> Rows:
    """How many rows of each class `size` draws take most likely, ties broken by the generator (scikit-learn's approximation)."""
    exact = counts / counts.sum() * size
    given = np.floor(exact)
    missing = int(size - given.sum())
    for remainder in np.sort(np.unique(exact - given))[::-1] if missing > 0 else ():
        [places] = np.where(exact - np.floor(exact) == remainder)
        chosen = generator.choice(places, size=min(len(places), missing), replace=False)
        given[chosen] += 1
        missing -= len(chosen)
        if not missing:
            break
    return np.asarray(given.astype(np.int64))


def _take_stratified(order: NDArray[Any], labels: NDArray[Any], size: int, keep: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Take `size` rows from the front of `order`, of each class its share; leave each class `keep` rows where it can be."""
    if not size:
        return order[:0], order
    codes = labels[order]
    counts = np.bincount(codes)
    if len(counts) <= np.iinfo(np.int16).max:
        codes = codes.astype(np.int16)  # sorted by radix, in a quarter of the memory
    by_class = np.argsort(codes, kind="stable")
    first_of_class = np.cumsum(counts) - counts
    present = np.flatnonzero(counts)
    taken = np.zeros(len(order), bool)
    for code, share in zip(present, allot(counts[present], size, keep), strict=True):
        taken[by_class[first_of_class[code] : first_of_class[code] + share]] = True
    return order[taken], order[~taken]


def allot(counts: Rows, size: int, keep: int = 1) -> Rows:
    """How many of `size` rows each class gives: its share rounded down, the rest to the largest remainders.

    Classes that would give none give one where places suffice; each class keeps `keep` rows where it has more than that.
    """
    exact = counts * (size / counts.sum())
    given = np.floor(exact).astype(np.int64)
    limit = np.where(counts > keep, counts - keep, np.where(counts > 1, counts - 1, 0))
    limit = np.minimum(np.maximum(limit, given), np.ceil(exact).astype(np.int64))
    if limit.sum() < size:
        limit = np.maximum(limit, np.minimum(np.ceil(exact).astype(np.int64), counts))
    remaining = size - int(given.sum())
    if len(counts) <= size:
        needy = np.flatnonzero((given == 0) & (limit > 0))
        chosen = needy[np.argsort(-(exact - given)[needy], kind="stable")][:remaining]
        given[chosen] += 1
        remaining -= len(chosen)
    open_places = np.flatnonzero(given < limit)
    chosen = open_places[np.argsort(-(exact - given)[open_places], kind="stable")][:remaining]
    given[chosen] += 1
    remaining -= len(chosen)
    for index in np.argsort(-(counts - given), kind="stable")[:remaining]:
        given[index] += 1
    return np.asarray(given)


def split_groups(
    groups: NDArray[Any],
    *,
    seed: int,
    test: float | None = None,
    validation: float | None = None,
    labels: NDArray[Any] | None = None,
) -> dict[str, Rows]:
    """Random parts that keep all rows of a group together; groups are drawn until a part has its share of the rows.

    With `labels`, class codes of the rows, the classes have about their shares in each part.

    Raises:
        SplitError: fewer groups than parts, or with `labels` a part without any.
    """
    sizes = part_sizes(len(groups), test, validation)
    names, codes, counts = np.unique(groups, return_inverse=True, return_counts=True)
    wanted = [name for name in ("test", "validation") if sizes[name]]
    too_few = f"{len(names)} groups are too few for {len(wanted) + 1} parts"
    if len(names) <= len(wanted):
        raise SplitError(too_few)
    if labels is not None:
        shares = [sizes[name] / len(groups) for name in ("train", *wanted)]
        owner = deal_groups(codes, np.unique(labels, return_inverse=True)[1], shares, seed)
        if len(np.unique(owner)) <= len(wanted):
            raise SplitError(f"{too_few} with the shares of the classes in each")
    else:
        order = list(np.random.default_rng([seed, 0x6E0]).permutation(len(names)))
        owner = np.zeros(len(names), np.int64)
        for number, name in enumerate(wanted, 1):
            rows = 0
            while rows < sizes[name] and len(order) > len(wanted) - number + 1:
                group = order.pop()
                owner[group] = number
                rows += int(counts[group])
    parts = {name: np.flatnonzero(owner[codes] == number) for number, name in enumerate(wanted, 1)}
    empty = np.zeros(0, np.int64)
    return _named(np.flatnonzero(owner[codes] == 0), parts.get("validation", empty), parts.get("test", empty))


def split_time(times: NDArray[Any], *, test: float | None = None, validation: float | None = None) -> dict[str, Rows]:
    """The last rows by time become test, those before them validation; equal times stay in the order of the data."""
    sizes = part_sizes(len(times), test, validation)
    order = np.argsort(times, kind="stable")
    first_validation = sizes["train"]
    first_test = first_validation + sizes["validation"]
    return _named(order[:first_validation], order[first_validation:first_test], order[first_test:])


def blocks_in_order(count: int, least: int = 1) -> NDArray[np.int64]:
    """The numbers of the blocks of so many rows in the order of time.

    Their length grows with the third root of the rows, as does that of the best ones for a variance (Hall, Horowitz and Jing,
    Biometrika 82, 1995).

    Args:
        count: of the rows.
        least: rows of a block.
    """
    length = max(least, math.ceil(2 * count ** (1 / 3)))
    return np.asarray(np.arange(count) // max(1, min(length, count // 5)))


def split_column(values: Sequence[str | None], codes: NDArray[Any] | None = None) -> dict[str, Rows]:
    """Parts as a column names them.

    Args:
        values: of all rows; or the different values, where `codes` are given.
        codes: int [rows]: which of the values a row holds.

    Raises:
        SplitError: a value is no part's name (the message quotes it), or no row is for training.
    """
    names = np.array([part_called(str(value)) or "" for value in values])
    codes = np.arange(len(values)) if codes is None else codes
    unknown = np.flatnonzero((names == "")[codes])
    if len(unknown):
        raise SplitError(f"row {unknown[0] + 1} holds {quoted(values[codes[unknown[0]]])}; expected train, validation or test")
    rows = {name: np.flatnonzero((names == name)[codes]) for name in PARTS}
    if not len(rows["train"]):
        raise SplitError("no row is for training (train)")
    return _named(*rows.values())


def fold_indices(num_rows: int, folds: int, *, seed: int, labels: NDArray[Any] | None = None) -> list[tuple[Rows, Rows]]:
    """(training rows, held-out rows) of each fold: every row is held out once; with `labels` each class is spread evenly.

    Raises:
        SplitError: more folds than rows.
    """
    if reason := why_no_folds(num_rows, folds):
        raise SplitError(reason)
    generator = np.random.default_rng([seed, 0xF01D])
    if labels is not None and labels.ndim == 2:
        sizes = [num_rows // folds + (number < num_rows % folds) for number in range(folds)]
        dealt = deal_out(labels, sizes, generator)
        return [(np.flatnonzero(dealt != number), np.flatnonzero(dealt == number)) for number in range(folds)]
    order = generator.permutation(num_rows)
    if labels is not None:
        order = order[np.argsort(labels[order], kind="stable")]
    fold = np.empty(num_rows, np.int64)
    fold[order] = np.arange(num_rows) % folds
    return [(np.flatnonzero(fold != number), np.flatnonzero(fold == number)) for number in range(folds)]


def _named(train: NDArray[Any], validation: NDArray[Any], test: NDArray[Any]) -> dict[str, Rows]:
    parts = {"train": train, "validation": validation, "test": test}
    return {name: np.sort(rows).astype(np.int64) for name, rows in parts.items() if len(rows) or name == "train"}


def describe_parts(parts: Mapping[str, int], manner: str) -> str:
    """`parts: train 574, test 192 (25 %, stratified)` of the numbers of rows."""
    total = sum(parts.values())
    words = []
    for name, num_rows in parts.items():
        share = "" if name == "train" else f" ({100 * num_rows / total:.3g} %)"
        words.append(f"{name} {num_rows:,}{share}")
    return f"parts: {', '.join(words)}" + (f", {manner}" if manner and len(parts) > 1 else "")
