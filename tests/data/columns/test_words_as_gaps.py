"""Columns of numbers in which any word is no value: `data.gaps`, in memory and streamed, and of later rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars
import pytest

from dltrain.config.types import DataConfig
from dltrain.data.raw import RawTable
from dltrain.errors import ConfigError, DataError, Note
from tests.data.streaming import IN_MEMORY, STREAMED, assert_same, load_as, small_chunks


def _table(folder: Path, name: str, words: dict[int, str], unit: str = "", num_rows: int = 120) -> DataConfig:
    area = np.random.default_rng(0).integers(200, 900, num_rows)
    lines = [f"{words.get(row, f'{value}{unit}')},{row % 7},{2 * value}" for row, value in enumerate(area)]
    file = folder / f"{name}.csv"
    file.write_text("\n".join(["area,rooms,price", *lines]) + "\n")
    return DataConfig("csv", {"gaps": ["area"]}, path=(str(file),), target=("price",))


WORDS = {3: "34 - 50", 9: "12Sq. Meter", 20: "sold", 21: "sold", 77: "inf"}


@pytest.mark.parametrize("unit", ["", " kmpl", "%"])
def test_words_are_gaps_in_memory_and_streamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unit: str) -> None:
    small_chunks(monkeypatch, 400)
    config = _table(tmp_path, "train", {**WORDS, 50: "7 km/kg"}, unit)
    resident, streamed = load_as(monkeypatch, IN_MEMORY, config), load_as(monkeypatch, STREAMED, config)
    assert_same(resident, streamed)
    [said] = [line for line in resident.summary if "data.gaps" in line]
    assert "area: 6 of 120 ('34 - 50', '12Sq. Meter', 'sold')" in said
    columns = resident.schema.inputs[0].columns
    rows = np.asarray(resident.parts["train"].inputs["features"])
    assert np.flatnonzero(rows[:, columns.index("area missing")]).tolist() == [3, 9, 20, 21, 50, 77]


def test_a_word_that_training_never_met_is_a_gap_of_later_rows_and_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = load_as(monkeypatch, IN_MEMORY, _table(tmp_path, "train", WORDS)).preprocessing
    again = type(stored).from_state(*stored.to_state())
    later = _table(tmp_path, "later", {0: "lost", 5: "34 - 51"})
    found = load_as(monkeypatch, IN_MEMORY, later, again)
    assert any("area: 2 of 120 ('lost', '34 - 51')" in line for line in found.summary)
    rows = np.asarray(found.parts["train"].inputs["features"])
    missing = found.schema.inputs[0].columns.index("area missing")
    assert np.flatnonzero(rows[:, missing]).tolist() == [0, 5]


def test_without_it_words_are_refused_and_only_numbers_have_such_gaps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = _table(tmp_path, "train", WORDS)
    with pytest.raises(DataError, match="expected a finite number"):
        load_as(monkeypatch, IN_MEMORY, replace(config, arguments={}, features={"area": "number", "rooms": None}))
    with pytest.raises(ConfigError, match="only numbers have such gaps"):
        load_as(monkeypatch, IN_MEMORY, replace(config, features={"area": "category"}))
    with pytest.raises(DataError, match="aera is not a column"):
        load_as(monkeypatch, IN_MEMORY, replace(config, arguments={"gaps": "aera"}))


def test_of_rows_that_come_after_the_fit_it_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = load_as(monkeypatch, IN_MEMORY, _table(tmp_path, "train", WORDS)).preprocessing
    notes: list[Note] = []
    frame = polars.DataFrame({"area": ["300", "lost"], "rooms": ["1", "2"]})
    stored.transform(RawTable(frame), with_targets=False, notes=notes)
    assert [(note.level, note.code) for note in notes] == [("warning", "words_as_gaps")]
