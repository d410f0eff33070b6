"""Rows with several labels are dealt out so that each label has its share of every part."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dltrain.data.labels.stratify import deal_out
from dltrain.data.splits import fold_indices, split_rows
from tests.support import examples


def labels_of(seed: int, rows: int, shares: list[float]) -> np.ndarray:
    return (np.random.default_rng(seed).random((rows, len(shares))) < shares).astype(np.int8)


@settings(max_examples=examples(13, 40), deadline=None)
@given(
    st.integers(0, 10_000),
    st.integers(30, 300),
    st.lists(st.floats(0.02, 0.6), min_size=1, max_size=6),
    st.sampled_from([0.1, 0.2, 0.25, 0.5]),
)
def test_each_label_has_its_share_of_each_part(seed: int, rows: int, shares: list[float], test: float) -> None:
    labels = labels_of(seed, rows, shares)
    parts = split_rows(rows, seed=seed, test=test, validation=0.2, labels=labels)
    assert sorted(np.concatenate(list(parts.values())).tolist()) == list(range(rows))
    plain = split_rows(rows, seed=seed, test=test, validation=0.2)
    assert {name: len(part) for name, part in parts.items()} == {name: len(part) for name, part in plain.items()}
    for part in parts.values():
        expected = labels.sum(axis=0) * len(part) / rows
        # Rows have several labels: the last of them may pull a part off by a row for each other label.
        assert (np.abs(labels[part].sum(axis=0) - expected) <= 1 + len(shares)).all()
    again = split_rows(rows, seed=seed, test=test, validation=0.2, labels=labels)
    assert all(np.array_equal(parts[name], again[name]) for name in parts)


def test_it_is_closer_than_chance_and_rare_labels_are_in_every_part() -> None:
    labels = labels_of(3, 2_000, [0.3, 0.1, 0.02, 0.01, 0.15])

    def worst(parts: dict[str, np.ndarray]) -> float:
        shares = labels.mean(axis=0)
        return max(float(np.abs(labels[part].mean(axis=0) / shares - 1).max()) for part in parts.values())

    stratified = split_rows(2_000, seed=1, test=0.2, validation=0.2, labels=labels)
    assert worst(stratified) < 0.06 < worst(split_rows(2_000, seed=1, test=0.2, validation=0.2))
    other = split_rows(2_000, seed=2, test=0.2, validation=0.2, labels=labels)
    assert not np.array_equal(stratified["test"], other["test"])


def test_rows_without_labels_fill_what_is_left() -> None:
    labels = np.zeros((10, 2), np.int8)
    labels[0, 0] = labels[1, 0] = 1
    dealt = deal_out(labels, [5, 5], np.random.default_rng(0))
    assert np.bincount(dealt).tolist() == [5, 5]
    assert dealt[0] != dealt[1]


def test_folds_hold_out_each_row_once_with_their_share_of_each_label() -> None:
    labels = labels_of(5, 203, [0.3, 0.1])
    folds = fold_indices(203, 4, seed=1, labels=labels)
    assert sorted(np.concatenate([held for _, held in folds]).tolist()) == list(range(203))
    for train, held in folds:
        assert len(train) + len(held) == 203
        assert (np.abs(labels[held].sum(axis=0) - labels.sum(axis=0) / 4) <= 2).all()
