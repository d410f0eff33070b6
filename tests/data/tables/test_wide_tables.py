"""Plain numbers of wide tables are read as they are one by one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars
import pytest

from dltrain.config import dump_yaml, load_config_text
from dltrain.config.load import resolve
from dltrain.config.text import yaml_reader
from dltrain.data import load_dataset
from dltrain.data.columns.kinds import infer_kind
from dltrain.data.columns.reading import Reading, read_numbers
from dltrain.data.load import MOST_FEATURES_WRITTEN
from dltrain.data.tables.wide_tables import MANY_COLUMNS, read_plain_numbers


def _frame() -> polars.DataFrame:
    texts = {
        "whole": ["1", "20", "3"],
        "real": ["1.5", "-2e3", "0.25"],
        "gap": ["1", None, "3"],
        "word": ["1", "NA", "3"],
        "code": ["007", "12", "13"],
        "text": ["a", "b", "a"],
        "infinite": ["inf", "1", "2"],
        "kept": ["1", "2", "1"],
    }
    padding = {f"n{index}": ["1", "0.5", str(index)] for index in range(MANY_COLUMNS)}
    return polars.DataFrame({**texts, **padding})


def test_only_plain_numbers_become_numbers_and_mean_what_they_meant() -> None:
    frame, reading = _frame(), Reading()
    read = read_plain_numbers(frame, reading, {"kept"})
    assert read.columns == frame.columns
    changed = [name for name in frame.columns if str(read[name].dtype) == "Float64"]
    assert changed == ["whole", "real", *(f"n{index}" for index in range(MANY_COLUMNS))]
    for name in ("whole", "real", "n17"):
        assert infer_kind(read[name], reading) == infer_kind(frame[name], reading)
        np.testing.assert_array_equal(read_numbers(read[name], reading)[0], read_numbers(frame[name], reading)[0])


@pytest.mark.parametrize("reading", [Reading(decimal=","), Reading(thousands="."), Reading(missing=("-1",))])
def test_numbers_written_in_another_way_are_left_to_the_usual_reading(reading: Reading) -> None:
    frame = _frame()
    assert read_plain_numbers(frame, reading, ()) is frame


def test_a_narrow_table_is_left_alone() -> None:
    frame = polars.DataFrame({"a": ["1", "2"]})
    assert read_plain_numbers(frame, Reading(), ()) is frame


@pytest.mark.parametrize("suffix", ["csv", pytest.param("parquet", marks=pytest.mark.slow)])
def test_b4_a_table_of_many_columns_has_a_resolved_config_that_can_be_read(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one of 20,000, whose names would be more than a config may hold."""
    monkeypatch.setattr(yaml_reader, "MOST_NODES", MOST_FEATURES_WRITTEN)
    width = MOST_FEATURES_WRITTEN + 1
    numbers = np.random.default_rng(0).normal(size=(72, width)).round(3)
    frame = polars.DataFrame(numbers, schema=[f"gene_{i}" for i in range(width)])
    frame = frame.with_columns(polars.Series("y", ["ALL", "AML"] * 36))
    frame.write_parquet(tmp_path / "t.parquet") if suffix == "parquet" else frame.write_csv(tmp_path / "t.csv")
    text = f"data: {{source: {suffix}, path: t.{suffix}, target: y, split: {{test: 0.25}}}}\nmodel: {{layers: [Dense: {{units: 2}}]}}\n"
    config = load_config_text(text, folder=tmp_path)
    dataset = load_dataset(config.data, seed=0)
    assert dataset.schema.inputs[0].shape == (width,)
    again = load_config_text(dump_yaml(resolve(config, dataset.resolved)), folder=tmp_path)
    assert again.data.task == "classification"
    assert load_dataset(again.data, seed=0).schema.inputs == dataset.schema.inputs
