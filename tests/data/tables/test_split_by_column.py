"""Parts that a column names: as the words are written in the wild, and a share of the training rows for validation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dltrain.config import load_config_text
from dltrain.data import load_dataset
from dltrain.data.dataset import Dataset
from dltrain.errors import DataError
from dltrain.parts import part_called
from tests.data.streaming import IN_MEMORY, STREAMED

TRAIN, TEST = 60, 20


def write(folder: Path, words: tuple[str, ...] = ("train", "test")) -> Path:
    usage = [words[0]] * TRAIN + [words[1]] * TEST + [word for word in words[2:] for _ in range(TEST)]
    rows = [f"{i},{'yes' if i % 3 else 'no'},{part}" for i, part in enumerate(usage)]
    path = folder / "t.csv"
    path.write_text("\n".join(["a,y,usage", *rows]) + "\n")
    return path


def load(path: Path, split: str, more: str = "") -> Dataset:
    text = f"data: {{source: csv, path: {path}, target: y, split: {split}, features: [a]{more}}}\nmodel: {{layers: []}}\n"
    return load_dataset(load_config_text(text, folder=path.parent).data, seed=3)


@pytest.mark.parametrize("bound", [IN_MEMORY, STREAMED])
def test_validation_is_a_share_of_the_rows_to_train_on(bound: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLTRAIN_STREAM_BYTES", bound)
    monkeypatch.setenv("DLTRAIN_CACHE", str(tmp_path / "cache"))
    parts = load(write(tmp_path), "{column: usage, validation: 0.1}").parts
    assert {name: part.num_rows for name, part in parts.items()} == {"train": 54, "validation": 6, "test": TEST}
    targets = parts["validation"].targets["y"]
    assert np.sum(np.asarray(targets) == 0) == 2  # a third, as of all
    if bound == STREAMED:  # the rows stay on disk
        return
    assert parts["test"].row_ids.tolist() == list(range(TRAIN, TRAIN + TEST))
    assert sorted([*parts["train"].row_ids, *parts["validation"].row_ids]) == list(range(TRAIN))
    again = load(write(tmp_path), "{column: usage, validation: 0.1, seed: 8}").parts["validation"].row_ids
    assert again.tolist() != parts["validation"].row_ids.tolist()


def test_a_column_that_names_rows_for_validation_leaves_none_to_draw(tmp_path: Path) -> None:
    path = write(tmp_path, ("Training", "PublicTest", "PrivateTest"))
    parts = load(path, "{column: usage}").parts
    assert {name: part.num_rows for name, part in parts.items()} == {"train": TRAIN, "validation": TEST, "test": TEST}
    with pytest.raises(DataError, match="the column usage names rows for validation itself"):
        load(path, "{column: usage, validation: 0.1}")


def test_other_words_are_said_by_replace(tmp_path: Path) -> None:
    path = write(tmp_path, ("0", "1", "2"))
    with pytest.raises(DataError, match="holds '0'; expected train, validation or test"):
        load(path, "{column: usage}")
    parts = load(path, "{column: usage}", ", replace: {usage: {0: train, 1: validation, 2: test}}").parts
    assert {name: part.num_rows for name, part in parts.items()} == {"train": TRAIN, "validation": TEST, "test": TEST}


def test_words_for_parts() -> None:
    for part, words in {
        "train": ("train", " TRAIN ", "Training", "train_set", "Training Data"),
        "validation": ("val", "Validation", "valid", "dev", "PublicTest", "validation-set"),
        "test": ("test", "Testing", "PrivateTest", "testset"),
    }.items():
        assert [part_called(word) for word in words] == [part] * len(words)
    assert [part_called(word) for word in ("tset", "", "set", "data", "trains", "testament")] == [None] * 6


def test_a_part_without_targets_is_told(tmp_path: Path) -> None:
    path = write(tmp_path)
    path.write_text(
        "\n".join(line.replace("yes,test", ",test").replace("no,test", ",test") for line in path.read_text().split("\n"))
    )
    with pytest.raises(DataError, match="column usage: no row of the test part has a value for the target"):
        load(path, "{column: usage}", ", missing_target: drop")
