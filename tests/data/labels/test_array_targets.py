"""Words and numbers that mean "no value", replaced values and rows without a target, in arrays and tables of pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dltrain.config import load_config_text
from dltrain.config.types import DataConfig, SeriesConfig, SplitConfig
from dltrain.data.arrays.disk_array import in_memory
from dltrain.data.load import load_dataset, load_parts
from dltrain.data.new_rows import read_part
from dltrain.data.pictures.preprocessing import PicturePreprocessing
from dltrain.errors import ConfigError, DataError
from tests.data.sources.support import Recorder, write_picture

X = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
NUMBERS = np.round(X.sum(axis=1) * 10, 1) + 100


def archive(folder: Path, y: Any, x: Any = X) -> DataConfig:
    np.savez(folder / "a.npz", x=x, y=y)
    return DataConfig(source="npz", path=(str(folder / "a.npz"),), split=SplitConfig(test=0.25))


def with_keys(config: DataConfig, **keys: Any) -> DataConfig:
    return DataConfig(**{name: getattr(config, name) for name in config.__dataclass_fields__} | keys)


def with_gaps(values: np.ndarray, gap: Any) -> np.ndarray:
    values = values.copy()
    values[[3, 10, 59]] = gap
    return values


@pytest.mark.parametrize("word", ["-200", "-200.0", "-2e2"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64])
def test_a6_numbers_of_arrays_that_mean_no_value(tmp_path, word, dtype):
    config = with_keys(archive(tmp_path, with_gaps(NUMBERS, -200).astype(dtype)), missing=(word,))
    with pytest.raises(DataError, match=r"row 4: no value for the target \(3 such rows\)") as caught:
        load_dataset(config, seed=0)
    assert "data.missing_target: drop" in str(caught.value.faults[0].hint)
    dataset = load_dataset(with_keys(config, missing_target="drop"), seed=0)
    rows = np.concatenate([part.row_ids for part in dataset.parts.values()])
    assert sorted(rows.tolist()) == sorted(set(range(60)) - {3, 10, 59})
    spec = dataset.preprocessing.targets[0]
    found = np.concatenate([part.targets["target"] for part in dataset.parts.values()]) * spec.scale + spec.mean
    np.testing.assert_allclose(found, NUMBERS.astype(dtype)[rows], rtol=1e-5)
    assert "3 of 60" in " ".join(dataset.summary)


def test_a14_rows_without_a_number_are_left_out_by_a_stored_run_as_well(tmp_path):
    config = with_keys(archive(tmp_path, with_gaps(NUMBERS, np.nan)), missing_target="drop")
    dataset = load_dataset(config, seed=0)
    stored = PicturePreprocessing.from_state(*dataset.preprocessing.to_state())
    recorder = Recorder()
    part = read_part(stored, [str(tmp_path / "a.npz")], with_targets=True, reporter=recorder)
    assert part.row_ids.tolist() == [row for row in range(60) if row not in (3, 10, 59)]
    assert "3 of 60" in str(recorder.warnings)
    assert read_part(stored, [str(tmp_path / "a.npz")], with_targets=False).num_rows == 60
    strict = PicturePreprocessing.from_state(*load_dataset(archive(tmp_path, NUMBERS), seed=0).preprocessing.to_state())
    archive(tmp_path, with_gaps(NUMBERS, np.nan))
    with pytest.raises(DataError, match="row 4: no value"):
        read_part(strict, [str(tmp_path / "a.npz")], with_targets=True)


@pytest.mark.parametrize("word", ["?", "", "unknown"])
def test_a14_labels_of_arrays_that_mean_no_value(tmp_path, word):
    labels = with_gaps(np.where(NUMBERS > 100, "high", "low").astype("U8"), word)
    config = with_keys(archive(tmp_path, labels), missing_target="drop", missing=None if word != "unknown" else ("unknown",))
    dataset = load_dataset(config, seed=0)
    assert dataset.schema.targets[0].classes == ("high", "low")
    part = dataset.parts["train"]
    assert part.targets["target"].tolist() == [0 if NUMBERS[row] > 100 else 1 for row in part.row_ids]
    stored = PicturePreprocessing.from_state(*dataset.preprocessing.to_state())
    assert read_part(stored, [str(tmp_path / "a.npz")], with_targets=True).num_rows == 57
    with pytest.raises(DataError, match="no value for the target"):
        load_dataset(with_keys(config, missing_target="fail"), seed=0)


def test_a6_targets_of_arrays_are_replaced_by_value(tmp_path):
    config = archive(tmp_path, with_gaps(NUMBERS, -200))
    dataset = load_dataset(with_keys(config, replace={"y": {"-200.00": "100"}}), seed=0)
    spec = dataset.preprocessing.targets[0]
    values = np.zeros(60)
    for part in dataset.parts.values():
        values[part.row_ids] = part.targets["target"] * spec.scale + spec.mean
    np.testing.assert_allclose(values, with_gaps(NUMBERS, 100), rtol=1e-5)
    labels = archive(tmp_path, with_gaps(np.where(NUMBERS > 100, "high", "low").astype("U8"), "hi"))
    assert load_dataset(with_keys(labels, replace={"y": {"hi": "high"}}), seed=0).schema.targets[0].classes == ("high", "low")
    with pytest.raises(DataError, match="z is not the array of the targets"):
        load_dataset(with_keys(labels, replace={"z": {"hi": "high"}}), seed=0)


def test_a6_words_that_no_array_holds_are_said_and_gaps_in_inputs_are_refused(tmp_path):
    config = archive(tmp_path, NUMBERS)
    dataset = load_dataset(with_keys(config, missing=("-999",), replace={"y": {"-5": "5"}}), seed=0)
    assert "data.missing: no value of the arrays is '-999'" in dataset.warnings
    assert "data.replace: no target is '-5'" in dataset.warnings
    x = X.copy()
    x[7, 1] = -999
    with pytest.raises(DataError, match=r"row 8: an input is -999, which means no value \(1 such rows\)"):
        load_dataset(with_keys(archive(tmp_path, NUMBERS, x), missing=("-999",)), seed=0)


def test_arrays_of_keras_with_gaps_in_both_parts(tmp_path):
    y = with_gaps(np.arange(60) % 3, -1)
    np.savez(tmp_path / "a.npz", x_train=X[:40], y_train=y[:40], x_test=X[40:], y_test=y[40:])
    config = DataConfig(
        source="npz", path=(str(tmp_path / "a.npz"),), missing=("-1",), missing_target="drop", task="classification"
    )
    parts = load_dataset(config, seed=0).parts
    assert (parts["train"].num_rows, parts["test"].num_rows) == (38, 19)


@pytest.mark.parametrize("word", ["", "NA", "?"])
def test_a14_rows_of_a_table_of_pictures_without_a_label(tmp_path, monkeypatch, word):
    monkeypatch.setenv("DLTRAIN_CACHE", str(tmp_path / "cache"))
    rows = []
    for index in range(12):
        write_picture(tmp_path / f"{index}.png", (8, 8), seed=index)
        rows.append(f"{index}.png,{word if index in (2, 7) else 'cat' if index % 2 else 'dog'}")
    (tmp_path / "t.csv").write_text("file,label\n" + "\n".join(rows) + "\n")
    config = DataConfig(source="image_folder", path=(str(tmp_path / "t.csv"),), arguments={"image_size": [8, 8]})
    with pytest.raises(DataError, match="no value in the column label") as caught:
        load_dataset(config, seed=0)
    assert [fault.line for fault in caught.value.faults] == [4, 9]
    assert "missing_target: drop" in str(caught.value.faults[0].hint)
    dataset = load_dataset(with_keys(config, missing_target="drop"), seed=0)
    assert dataset.parts["train"].targets["target"].tolist() == [1, 0, 0, 1, 0, 1, 1, 0, 1, 0]
    assert "2 of 12 rows have no value for label" in " ".join(dataset.summary)
    stored = PicturePreprocessing.from_state(*dataset.preprocessing.to_state())
    part = read_part(stored, [str(tmp_path / "t.csv")], with_targets=True)
    np.testing.assert_array_equal(in_memory(part.inputs["image"]), in_memory(dataset.parts["train"].inputs["image"]))


def test_a14_rows_of_a_series_without_a_target_are_nobodys_target(tmp_path):
    lines = [f"2020-01-{day:02d},{'' if day in (5, 20) else day % 7}" for day in range(1, 32)]
    (tmp_path / "t.csv").write_text("day,y\n" + "\n".join(lines))
    config = DataConfig(
        source="csv",
        path=(str(tmp_path / "t.csv"),),
        target=("y",),
        series=SeriesConfig(time=("day",), history=3, horizon=1),
        missing_target="drop",
    )
    dataset = load_dataset(config, seed=0)
    assert dataset.parts["train"].num_rows == 28 - 2
    assert "2 rows without y are nobody's target" in dataset.summary


def test_what_is_for_tables_is_refused_for_named_pictures():
    with pytest.raises(ConfigError, match=r"data.missing: is for tables[^$]*data.missing_target: is for tables"):
        load_config_text("data: {source: digits, missing: [a], missing_target: drop}", folder=Path())


def test_b1_arrays_of_float64_are_scaled_before_they_are_rounded(tmp_path):
    x = 6371000.25 + X.astype(np.float64)
    assert len(np.unique(x.astype(np.float32))) < 20
    dataset = load_dataset(archive(tmp_path, NUMBERS, x), seed=0)
    part = dataset.parts["train"]
    rows = x[part.row_ids]
    expected = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    np.testing.assert_allclose(in_memory(part.inputs["features"]), expected, atol=1e-5)
    stored = PicturePreprocessing.from_state(*dataset.preprocessing.to_state())
    np.savez(tmp_path / "one.npz", x=rows[:1])
    one = read_part(stored, [str(tmp_path / "one.npz")], with_targets=False)
    np.testing.assert_allclose(in_memory(one.inputs["features"]), expected[:1], atol=1e-5)
    assert not dataset.warnings
    fine = load_dataset(archive(tmp_path, NUMBERS, 300.1 + 1e-7 * X.astype(np.float64)), seed=0)
    assert "3 of the 3 values of a row vary in the training part by less than float32" in fine.warnings[0]


def test_arrays_that_float32_holds_are_float32(tmp_path):
    for x in (np.round(X * 8).astype(np.int64), np.round(X * 8).astype(np.float64) / 4, X.astype(np.float64)):
        assert load_parts(archive(tmp_path, NUMBERS, x), seed=0)[0].images.dtype == np.float32
    assert load_parts(archive(tmp_path, NUMBERS, X.astype(np.float64) / 3), seed=0)[0].images.dtype == np.float64


def test_numbers_of_arrays_that_may_be_meant_as_labels_are_said_so_as_in_tables(tmp_path):
    [said] = [target.reason for target in load_dataset(archive(tmp_path, np.arange(60) % 10), seed=0).preprocessing.targets]
    assert said == "the target holds numbers, 10 different whole ones; data.task: classification would make each a class"
    [said] = [target.reason for target in load_dataset(archive(tmp_path, NUMBERS), seed=0).preprocessing.targets]
    assert said.endswith(f"numbers of {len(np.unique(NUMBERS))} values")


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        (NUMBERS.astype(np.float64) * 1e60, "no float64 can tell the error"),
        (2**60 + np.arange(60) % 50, "whole numbers beyond 2^53, some of which a float64 does not tell apart"),
    ],
)
def test_numbers_of_arrays_that_no_error_can_be_told_of_are_refused_as_in_tables(tmp_path, numbers, said):
    with pytest.raises(DataError, match="the target h") as caught:
        load_dataset(archive(tmp_path, numbers), seed=0)
    assert said in caught.value.faults[0].message


@pytest.mark.parametrize(
    ("numbers", "code"),
    [
        (np.r_[1e9, 1e9, NUMBERS[2:]], "far_value"),
        (NUMBERS.astype(np.float64) * 1e24, "beyond_float32"),
        (np.where(np.arange(60) % 5, np.arange(60), -999), "far_code"),
    ],
)
def test_numbers_of_arrays_are_warned_of_as_those_of_tables(tmp_path, numbers, code):
    assert code in [note.code for note in load_dataset(archive(tmp_path, numbers), seed=0).notes]


def test_a_number_that_is_the_same_in_all_training_rows_of_arrays_is_refused_as_in_tables(tmp_path):
    config = archive(tmp_path, NUMBERS)
    np.savez(tmp_path / "test.npz", x=X, y=NUMBERS)
    np.savez(tmp_path / "a.npz", x=X, y=np.full(60, 7.0))
    same = with_keys(config, test=(str(tmp_path / "test.npz"),), split=SplitConfig(), task="regression")
    with pytest.raises(DataError, match="the target is the same in every row of the training part"):
        load_dataset(same, seed=0)


@pytest.mark.parametrize("told", [lambda known: known > 0, lambda known: known * 3 + 1], ids=["classes", "numbers"])
def test_an_input_of_arrays_that_gives_the_target_away_is_said_as_in_tables(tmp_path, told):
    x = np.random.default_rng(1).normal(size=(200, 5)).astype(np.float32)
    y = told(x[:, 1])
    x[:, 2] = y

    def said(*columns: int) -> list[str]:
        notes = load_dataset(archive(tmp_path, y, x[:, columns]), seed=0).notes
        return [note.text for note in notes if note.code == "tells_the_target"]

    (text,) = said(0, 3, 2, 4)
    assert text.startswith("column 3 of the inputs ")
    assert "the target almost perfectly (1.0000)" in text
    assert "take it out of the array" in text
    assert said(0, 3, 4) == []


def test_a_key_for_columns_of_dates_is_refused_for_arrays(tmp_path):
    with pytest.raises(ConfigError) as caught:
        load_config_text("data: {source: npz, path: a.npz, dates: day_first}\nmodel: {layers: []}\n", folder=tmp_path)
    assert [(fault.path, fault.message) for fault in caught.value.faults] == [
        ("data.dates", "is for tables; npz holds pictures or arrays")
    ]


def test_many_numbers_that_are_kept_as_text_are_told_as_such(tmp_path):
    numbers = np.arange(300) % 30 / 2
    x = np.random.default_rng(0).random((300, 3))

    def said(words: list[str], **keys: Any) -> list[str]:
        dataset = load_dataset(with_keys(archive(tmp_path, np.array(words), x), **keys), seed=0)
        return [note.text for note in dataset.notes if note.code in ("nearly_numbers", "numbers_among_labels")]

    (text,) = said([f"{number:.1f}" for number in numbers])
    assert text.startswith("the 30 labels of target, such as '0.0', are numbers that are kept as text: it is learnt as classes")
    assert said([f"{number:.1f}" for number in numbers], task="classification") == []
    (text,) = said(["n.d." if number == 3 else f"{number:.1f}" for number in numbers])
    assert "29 of the 30 labels of target are numbers, not 'n.d.'" in text
    assert said([f"{row % 30:03d}" for row in range(300)]) == []
    assert said([str(row % 10) for row in range(300)]) == []
