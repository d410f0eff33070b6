"""Words that mean the same, words among numbers, and lengths of time by their type: said, refused, or read as what they are."""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np
import polars
import pytest

from dltrain.config import load_config_text
from dltrain.data import load_dataset
from dltrain.errors import DataError
from tests.data.sources.support import write_picture
from tests.data.streaming import IN_MEMORY, STREAMED, load_as
from tests.data.tables.test_writing import MODEL


def load(folder: Path, frame: polars.DataFrame, *options: str):
    frame.write_csv(folder / "t.csv")
    data = ", ".join(["source: csv", "path: t.csv", "target: y", "split: {test: 0.25}", *options])
    return load_dataset(load_config_text(f"data: {{{data}}}\n{MODEL}", folder=folder).data, seed=0)


@pytest.mark.parametrize(
    ("words", "alike"),
    [
        (["Yes", "yes", "no"], ["'Yes' and 'yes'"]),
        (["TRUE", "True", "FALSE"], ["'TRUE' and 'True'"]),
        (["No", "No.", "Yes"], ["'No' and 'No.'"]),
        (["caf\u00e9", "cafe\u0301", "bar"], ["'cafe\u0301' and 'caf\u00e9'"]),
        (["True", "true", "1"], ["'True' and 'true' and '1'"]),
        (["yes", "y", "no"], ["'yes' and 'y'"]),
        (["0", "1", "f"], []),
        (["yes", "no", "noo"], []),
        (["1", "2", "10"], []),
    ],
)
def test_labels_that_are_one_word_are_said(words, alike, tmp_path):
    labels = [words[i % 3] for i in range(48)]
    dataset = load(tmp_path, polars.DataFrame({"x": np.arange(48) % 7, "y": labels}), "task: classification")
    assert len(dataset.schema.targets[0].classes) == 3
    said = [warning for warning in dataset.warnings if "different labels" in warning]
    assert len(said) == len(alike)
    assert all(pair in said[0] for pair in alike)


def test_the_hint_makes_them_one_and_columns_are_told_as_well(tmp_path):
    frame = polars.DataFrame({"x": ["Male", "male", "f"] * 16, "y": ["Yes", "yes", "no"] * 16})
    assert sum("different categories" in warning for warning in load(tmp_path, frame).warnings) == 1
    dataset = load(tmp_path, frame, 'replace: {y: {"yes": "Yes"}, x: {"male": "Male"}}')
    assert dataset.schema.targets[0].classes == ("Yes", "no")
    assert not [warning for warning in dataset.warnings if "different" in warning]


def test_folders_that_are_one_word_are_said(tmp_path):
    for label in ("Cat", "cat", "dog"):
        for number in range(4):
            write_picture(tmp_path / "p" / label / f"{number}.png", (4, 4), seed=number)
    data = "source: image_folder, path: p, image_size: [4, 4], split: {test: 0.25}"
    dataset = load_dataset(load_config_text(f"data: {{{data}}}\n{MODEL}", folder=tmp_path).data, seed=0)
    assert dataset.schema.targets[0].classes == ("Cat", "cat", "dog")
    assert sum("'Cat' and 'cat' are different labels" in said and "one folder" in said for said in dataset.warnings) == 1


@pytest.mark.parametrize("word", ["1_000", "-", "0x10", "see note"])
def test_a_word_among_the_numbers_of_a_target_is_asked_about(word, tmp_path, monkeypatch):
    frame = polars.DataFrame({"x": range(30), "y": [*map(str, range(0, 58, 2)), word]})
    with pytest.raises(DataError, match=r"29 different numbers, and .*number or a label") as caught:
        load(tmp_path, frame)
    assert len(caught.value.faults) == 1
    config = load_config_text(
        f"data: {{source: csv, path: t.csv, target: y, split: {{test: 0.25}}}}\n{MODEL}", folder=tmp_path
    ).data
    for bound in (IN_MEMORY, STREAMED):
        with pytest.raises(DataError, match="number or a label"):
            load_as(monkeypatch, bound, config)
    dataset = load(tmp_path, frame, f'replace: {{y: {{"{word}": ""}}}}', "missing_target: drop")
    assert dataset.schema.targets[0].task == "regression"
    assert sum(part.num_rows for part in dataset.parts.values()) == 29


def test_many_dates_are_no_target_unless_each_is_meant_as_a_label(tmp_path, monkeypatch):
    days = [str(datetime.date(2020, 1, 1) + datetime.timedelta(day)) for day in range(30)]
    load(tmp_path, polars.DataFrame({"x": range(60), "y": days * 2}), "task: classification")
    config = load_config_text("data: {source: csv, path: t.csv, target: y, split: {test: 0.25}}\n" + MODEL, folder=tmp_path).data
    for bound in (IN_MEMORY, STREAMED):
        with pytest.raises(DataError, match=r"30 different dates .2020-01-01, 2020-01-02, 2020-01-03, and 27 more"):
            load_as(monkeypatch, bound, config)
    dataset = load(tmp_path, polars.DataFrame({"x": range(60), "y": days[:3] * 20}))  # two terms and a holiday: classes
    assert dataset.schema.targets[0].classes == tuple(days[:3])


@pytest.mark.parametrize("bound", [IN_MEMORY, STREAMED])
def test_dates_by_their_type_in_parquet_are_labels_as_their_text_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    days = [datetime.date(2024, 1, 1 + row % 3) for row in range(30)]
    frame = polars.DataFrame({"x": [float(row) for row in range(30)], "y": days})
    frame.write_parquet(tmp_path / "t.parquet")
    frame.write_csv(tmp_path / "t.csv")
    found, expected = (
        load_as(
            monkeypatch,
            bound,
            load_config_text(f"data: {{source: {source}, path: t.{source}, target: y}}\n{MODEL}", folder=tmp_path).data,
        )
        for source in ("parquet", "csv")
    )
    assert found.schema.targets[0].classes == expected.schema.targets[0].classes == ("2024-01-01", "2024-01-02", "2024-01-03")
    np.testing.assert_array_equal(found.parts["train"].targets["y"], expected.parts["train"].targets["y"])


def test_few_grades_with_a_word_stay_labels(tmp_path):
    dataset = load(tmp_path, polars.DataFrame({"x": range(48), "y": ["1", "2", "3", "none of it"] * 12}))
    assert dataset.schema.targets[0].classes == ("1", "2", "3", "none of it")


def test_lengths_of_time_of_a_parquet_file_are_seconds(tmp_path):
    lasts = [datetime.timedelta(minutes=minute, milliseconds=250) for minute in range(24)]
    at = [datetime.time(hour, 30) for hour in range(24)]
    frame = polars.DataFrame({"lasts": lasts, "at": at, "y": [2 * length for length in lasts]})
    frame.write_parquet(tmp_path / "t.parquet")
    data = "source: parquet, path: t.parquet, target: y, scale: none, scale_target: false"
    dataset = load_dataset(load_config_text(f"data: {{{data}}}\n{MODEL}", folder=tmp_path).data, seed=0)
    part = dataset.parts["train"]
    seconds = np.array([length.total_seconds() for length in lasts], np.float32)
    np.testing.assert_array_equal(part.targets["y"], 2 * seconds)
    (rows,) = part.inputs.values()
    np.testing.assert_array_equal(rows, np.column_stack([seconds, np.arange(24) * 3600 + 1800]).astype(np.float32))
    assert any("read as numbers of seconds: lasts, at" in line for line in dataset.summary)
