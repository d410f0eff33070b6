"""Parts are disjoint, complete, repeatable, sized as scikit-learn sizes them, and stratified to within a row."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedGroupKFold

from dltrain.config import dump_yaml, load_config_text
from dltrain.config.load import resolve
from dltrain.data import load_dataset
from dltrain.data.facts import expected_rows
from dltrain.data.labels.stratify import deal_groups
from dltrain.data.part_sizes import SplitError
from dltrain.data.splits import (
    fold_indices,
    part_sizes,
    split_column,
    split_groups,
    split_in_order,
    split_like_scikit_learn,
    split_rows,
    split_time,
)
from dltrain.errors import ConfigError

SHARES = st.one_of(st.none(), st.floats(0.05, 0.5))
LABELS = st.lists(st.integers(0, 4), min_size=12, max_size=200)


def assert_partition(parts: dict[str, np.ndarray], num_rows: int) -> None:
    together = np.concatenate(list(parts.values()))
    assert sorted(together.tolist()) == list(range(num_rows))
    for rows in parts.values():
        assert (np.diff(rows) > 0).all()


@given(st.integers(8, 500), SHARES, SHARES, st.integers(0, 2**31))
def test_random_parts(num_rows: int, test: float | None, validation: float | None, seed: int) -> None:
    parts = split_rows(num_rows, seed=seed, test=test, validation=validation)
    assert_partition(parts, num_rows)
    sizes = part_sizes(num_rows, test, validation)
    assert {name: len(rows) for name, rows in parts.items()} == {name: size for name, size in sizes.items() if size}
    again = split_rows(num_rows, seed=seed, test=test, validation=validation)
    assert all((parts[name] == again[name]).all() for name in parts)


@given(LABELS, st.floats(0.1, 0.5), SHARES, st.integers(0, 1000))
def test_stratified_parts(labels: list[int], test: float, validation: float | None, seed: int) -> None:
    codes = np.array(labels)
    parts = split_rows(len(codes), seed=seed, test=test, validation=validation, labels=codes)
    assert_partition(parts, len(codes))
    sizes = part_sizes(len(codes), test, validation)
    assert {name: len(rows) for name, rows in parts.items()} == {name: size for name, size in sizes.items() if size}
    counts = np.bincount(codes)
    if counts[counts > 0].min() < 2 * len(parts):
        return
    share = np.bincount(codes[parts["test"]], minlength=len(counts)) - counts * sizes["test"] / len(codes)
    assert (np.abs(share) <= 1).all()
    assert (np.bincount(codes[parts["train"]], minlength=len(counts))[counts > 0] > 0).all()
    if sizes["test"] >= len(counts):
        assert (np.bincount(codes[parts["test"]], minlength=len(counts))[counts > 0] > 0).all()


def test_sizes_are_those_of_scikit_learn() -> None:
    from sklearn.model_selection import train_test_split

    assert part_sizes(766, 0.25, None) == {"train": 574, "validation": 0, "test": 192}
    for num_rows in (10, 33, 100, 767):
        for share in (0.07, 0.2, 0.25, 0.3, 1 / 3):
            train, test = train_test_split(np.arange(num_rows), test_size=share)
            sizes = part_sizes(num_rows, share, None)
            assert (sizes["train"], sizes["test"]) == (len(train), len(test))


def test_another_seed_gives_other_parts() -> None:
    assert (split_rows(100, seed=0, test=0.5)["test"] != split_rows(100, seed=1, test=0.5)["test"]).any()


def test_rare_class_is_in_every_part() -> None:
    codes = np.array([0] * 97 + [1] * 3)
    for seed in range(20):
        parts = split_rows(100, seed=seed, test=0.2, validation=0.2, labels=codes)
        assert [int(codes[parts[name]].sum()) for name in ("train", "validation", "test")] == [1, 1, 1]


def test_too_few_rows() -> None:
    with pytest.raises(ValueError, match="none left for training"):
        split_rows(2, seed=0, test=0.5, validation=0.9)


@given(st.lists(st.integers(0, 8), min_size=30, max_size=120), st.integers(0, 100))
def test_groups_never_straddle(groups: list[int], seed: int) -> None:
    if len(set(groups)) < 4:
        return
    parts = split_groups(np.array(groups), seed=seed, test=0.25, validation=0.25)
    assert_partition(parts, len(groups))
    assert set(parts) == {"train", "validation", "test"}
    seen = [{groups[row] for row in rows} for rows in parts.values()]
    assert sum(len(one) for one in seen) == len(set(groups))


def test_too_few_groups() -> None:
    with pytest.raises(ValueError, match="2 groups are too few for 3 parts"):
        split_groups(np.array([1, 1, 2, 2, 2, 2, 2, 2]), seed=0, test=0.2, validation=0.2)


@given(st.lists(st.integers(0, 50), min_size=10, max_size=60))
def test_time_keeps_the_last_for_test(times: list[int]) -> None:
    array = np.array(times)
    parts = split_time(array, test=0.2, validation=0.2)
    assert_partition(parts, len(times))
    assert array[parts["train"]].max() <= array[parts["validation"]].min()
    assert array[parts["validation"]].max() <= array[parts["test"]].min()


def test_column_names_parts() -> None:
    parts = split_column(["train", "Validation", "test", "val", " TRAIN "])
    assert {name: rows.tolist() for name, rows in parts.items()} == {"train": [0, 4], "validation": [1, 3], "test": [2]}
    with pytest.raises(ValueError, match="row 2 holds 'tset'"):
        split_column(["train", "tset"])
    with pytest.raises(ValueError, match="no row is for training"):
        split_column(["test", "test"])


@given(LABELS, st.integers(2, 6))
def test_folds_hold_each_row_out_once_and_spread_classes(labels: list[int], folds: int) -> None:
    codes = np.array(labels)
    made = fold_indices(len(codes), folds, seed=1, labels=codes)
    assert sorted(row for _, held in made for row in held) == list(range(len(codes)))
    for train, held in made:
        assert not set(train) & set(held)
        assert len(train) + len(held) == len(codes)
    for code in set(labels):
        counts = [int((codes[held] == code).sum()) for _, held in made]
        assert max(counts) - min(counts) <= 1


@given(
    st.lists(st.integers(0, 3), min_size=24, max_size=300),
    st.sampled_from([0.1, 0.2, 0.25, 0.3, 1 / 3, 0.5]),
    st.sampled_from([None, 0.1, 0.2, 0.25, 0.3]),
    st.integers(0, 2**32 - 1),
    st.booleans(),
    st.sampled_from(["codes", "words"]),
)
def test_f6_rows_are_those_of_train_test_split(
    labels: list[int], test: float, validation: float | None, seed: int, stratify: bool, kind: str
) -> None:
    from sklearn.model_selection import train_test_split

    codes = np.array([*labels, 0, 0, 0, 0, 1, 1, 1, 1])
    y = np.array(["ash", "beech", "fir", "oak"])[codes] if kind == "words" else codes
    num_rows = len(codes)

    def split(rows: np.ndarray, share: float) -> tuple[np.ndarray, np.ndarray]:
        train, taken = train_test_split(rows, test_size=share, random_state=seed, stratify=y[rows] if stratify else None)
        return train, taken

    given_labels = codes if stratify else None
    try:
        rest, expected_test = split(np.arange(num_rows), test)
        expected = {"train": rest, "test": expected_test}
        if validation is not None:
            expected["train"], expected["validation"] = split(rest, validation)
    except ValueError:  # a class of a single row, or more classes than rows: ours may be content with it
        return
    found = split_like_scikit_learn(num_rows, seed=seed, test=test, validation=validation, labels=given_labels)
    assert {name: rows.tolist() for name, rows in found.items()} == {
        name: sorted(rows.tolist()) for name, rows in expected.items()
    }
    assert_partition(found, num_rows)
    if validation is not None:  # what `validation_split` takes of the arrays that the first draw left
        at = math.floor(len(rest) * (1.0 - validation))
        both = split_like_scikit_learn(
            num_rows, seed=seed, test=test, validation=validation, labels=given_labels, last_validation=True
        )
        assert both["validation"].tolist() == sorted(rest[at:].tolist())
        assert both["train"].tolist() == sorted(rest[:at].tolist())


@given(st.integers(8, 1000), SHARES, st.sampled_from([0.1, 0.2, 0.25, 0.3, 0.33]))
def test_f6_the_last_rows_are_those_of_validation_split(num_rows: int, test: float | None, validation: float) -> None:
    from keras.src.trainers.data_adapters.array_slicing import train_validation_split
    from sklearn.model_selection import train_test_split

    rest, expected_test = np.arange(num_rows), np.zeros(0, int)
    if test is not None:
        rest, expected_test = train_test_split(rest, test_size=test, shuffle=False)
    [train], [held_out] = train_validation_split((rest,), validation_split=validation)
    found = split_in_order(num_rows, test=test, validation=validation)
    assert found["train"].tolist() == np.asarray(train).tolist()
    assert found["validation"].tolist() == np.asarray(held_out).tolist()
    assert found.get("test", np.zeros(0, int)).tolist() == expected_test.tolist()


def test_f6_a_table_is_split_as_the_config_says(tmp_path: Path) -> None:
    from sklearn.model_selection import train_test_split

    labels = np.random.default_rng(3).choice(["9", "10", "11"], 90)
    lines = [f"{i},{i * i % 17},{label}" for i, label in enumerate(labels)]
    (tmp_path / "t.csv").write_text("a,b,y\n" + "\n".join(lines) + "\n")
    frame = labels.astype(int)  # as pandas reads them
    text = "data: {{source: csv, path: t.csv, target: y, task: classification, features: [a, b], split: {}}}\nmodel: {{layers: [Flatten]}}"
    for stratify in (False, True):
        said = f"{{test: 0.2, validation: 0.25, seed: 42, like: scikit-learn, stratify: {str(stratify).lower()}}}"
        config = load_config_text(text.format(said), folder=tmp_path)
        dataset = load_dataset(config.data, seed=0)
        rest, test = train_test_split(np.arange(90), test_size=0.2, random_state=42, stratify=frame if stratify else None)
        train, held_out = train_test_split(rest, test_size=0.25, random_state=42, stratify=frame[rest] if stratify else None)
        for name, rows in {"train": train, "validation": held_out, "test": test}.items():
            assert dataset.parts[name].row_ids.tolist() == sorted(rows.tolist())
        assert any("as scikit-learn draws with seed 42" in line for line in dataset.summary)
        again = load_config_text(dump_yaml(resolve(config, dataset.resolved)), folder=tmp_path)  # as a run stores it
        assert again.data.split == config.data.split
    last = load_dataset(load_config_text(text.format("{validation: 0.3, shuffle: false}"), folder=tmp_path).data, seed=0)
    assert last.parts["validation"].row_ids.tolist() == list(range(62, 90))  # 28 of 90: Keras computes 90 · (1 - 0.3) = 62.99…
    assert {name: part.num_rows for name, part in last.parts.items()} == expected_rows(
        load_config_text(text.format("{validation: 0.3, shuffle: false}"), folder=tmp_path).data, 90
    )


@pytest.mark.parametrize(
    ("split", "said"),
    [
        ("{test: 0.2, like: scikit-learn, shuffle: false}", "not drawn like anything"),
        ("{test: 0.2, shuffle: false, stratify: true}", "the last rows cannot be stratified"),
        ("{folds: 3, like: scikit-learn}", "`folds` says which row goes where"),
        ("{group: a, test: 0.2, shuffle: false}", "`group` says which row goes where"),
        ("{test: 0.2, like: scikit-learn, seed: 4294967296}", "no seed above 4294967295"),
        ("{validation: 0.2, like: scikit-learn and keras}", "no test part"),
        ("{test: 0.2, like: sklearn}", "scikit-learn"),
    ],
)
def test_f6_what_contradicts_itself_is_refused(tmp_path: Path, split: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        load_config_text(f"data: {{source: csv, path: t.csv, split: {split}}}\nmodel: {{layers: [Flatten]}}", folder=tmp_path)


def test_a_group_is_one_however_its_number_is_written(tmp_path: Path) -> None:
    groups = [[f"{row % 12}", f"{row % 12}.0"][row // 12 % 2] for row in range(96)]
    (tmp_path / "t.csv").write_text("g,a,y\n" + "\n".join(f"{group},{row},{row % 7}.5" for row, group in enumerate(groups)))
    text = "data: {source: csv, path: t.csv, target: y, features: [a], split: {group: g, test: 0.3}}\nmodel: {layers: [Dense: {units: 2}]}\n"
    dataset = load_dataset(load_config_text(text, folder=tmp_path).data, seed=0)
    sides = [{float(groups[row]) for row in dataset.parts[part].row_ids} for part in ("train", "test")]
    assert sides[0] | sides[1] == set(range(12))
    assert not sides[0] & sides[1]


@given(
    sizes=st.lists(st.integers(1, 9), min_size=12, max_size=60),
    classes=st.integers(2, 4),
    seed=st.integers(0, 99),
    mixed=st.booleans(),
)
def test_stratified_groups_stay_whole_and_keep_the_shares_of_the_classes(sizes, classes, seed, mixed):
    groups = np.repeat(np.arange(len(sizes)), sizes)
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, len(groups)) if mixed else rng.integers(0, classes, len(sizes))[groups]
    try:
        parts = split_groups(groups, seed=seed, test=0.25, validation=0.25, labels=labels)
    except SplitError:
        return
    assert sorted(np.concatenate(list(parts.values())).tolist()) == list(range(len(groups)))
    owners = [set(groups[rows].tolist()) for rows in parts.values()]
    assert sum(map(len, owners)) == len(sizes)
    totals = np.bincount(labels, minlength=classes)
    most = np.array([np.bincount(labels[groups == group], minlength=classes) for group in range(len(sizes))]).max(axis=0)
    for name, rows in parts.items():
        wanted = totals * {"train": 0.5625, "validation": 0.1875, "test": 0.25}[name]
        assert (np.abs(np.bincount(labels[rows], minlength=classes) - wanted) <= 2 * most + 2).all()


def test_stratified_groups_are_as_even_as_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(60), rng.integers(2, 30, 60))
    labels = rng.choice(3, 60, p=[0.7, 0.2, 0.1])[groups]
    shares = np.bincount(labels) / len(labels)

    def spread(folds):
        return np.mean([np.abs(np.bincount(labels[rows], minlength=3) / len(rows) - shares).sum() for rows in folds])

    theirs = [test for _, test in StratifiedGroupKFold(4, shuffle=True, random_state=0).split(labels, labels, groups)]
    part = deal_groups(groups, labels, [0.25] * 4, 0)[groups]
    ours = [np.flatnonzero(part == number) for number in range(4)]
    assert spread(ours) <= spread(theirs) + 0.02
    assert max(map(len, ours)) - min(map(len, ours)) <= max(map(len, theirs)) - min(map(len, theirs)) + 10
