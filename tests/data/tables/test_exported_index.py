"""The index that pandas writes beside a table is no feature, in no file: on sorted classes it would give them away."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars
import pytest

from dltrain.config.types import DataConfig, SplitConfig
from dltrain.data import load_dataset
from dltrain.errors import DataError
from tests.data.streaming import IN_MEMORY, STREAMED, assert_same, load_as, small_chunks

ROWS = 120
INDEX = np.random.default_rng(4).permutation(ROWS)


def config(path: Path) -> DataConfig:
    return DataConfig(path.suffix[1:], path=(str(path),), target=("y",), split=SplitConfig(test=0.25))


def written(path: Path, name: str) -> Path:
    labels = ["no" if place < ROWS / 2 else "yes" for place in INDEX]
    frame = polars.DataFrame({name: INDEX, "a": np.random.default_rng(5).normal(size=ROWS), "y": labels})
    frame.write_parquet(path) if path.suffix == ".parquet" else frame.write_csv(path)
    return path


@pytest.mark.parametrize("name", ["", "Unnamed: 0", "index", "level_0", "__index_level_0__", "...1", "#", "rn"])
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_b2_an_index_is_left_out_and_said(tmp_path: Path, name: str, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLTRAIN_CACHE", str(tmp_path / "cache"))
    small_chunks(monkeypatch, 300)
    given = config(written(tmp_path / f"t.{suffix}", name))
    dataset = load_as(monkeypatch, IN_MEMORY, given)
    assert dataset.resolved["data.features"] == {"a": "number"}
    [line] = [line for line in dataset.summary if line.startswith("left out")]
    assert "the index of a table that was exported" in line
    if name or suffix == "csv":  # polars writes no Parquet column without a name
        assert_same(dataset, load_as(monkeypatch, STREAMED, given))


def test_b2_an_index_that_is_asked_for_is_a_feature(tmp_path: Path) -> None:
    given = config(written(tmp_path / "t.csv", ""))
    for features in ({"unnamed_1": "number"}, {"unnamed_1": None}):
        dataset = load_dataset(replace(given, features=features), seed=1)
        assert dataset.schema.inputs[0].columns == ("unnamed_1",)


def test_b2_an_index_alone_can_be_asked_for(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("index,y\n" + "".join(f"{place},{3 * place}\n" for place in INDEX))
    given = DataConfig("csv", path=(str(tmp_path / "t.csv"),), target=("y",))
    with pytest.raises(DataError, match="no column is left to learn from") as caught:
        load_dataset(given, seed=1)
    assert "`data.features: [index]` takes it all the same" in str(caught.value.faults[0].hint)
    assert load_dataset(replace(given, features={"index": None}), seed=1).schema.inputs[0].columns == ("index",)


def test_a_feature_with_another_role_is_told_which(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("key,a,y\n" + "".join(f"k{row},{row % 5},{row % 2}\n" for row in range(40)))
    asked = DataConfig(
        "csv", path=(str(tmp_path / "t.csv"),), target=("y",), identifiers=("key",), features={"a": None, "key": None, "y": None}
    )
    with pytest.raises(DataError) as caught:
        load_dataset(asked, seed=0)
    said = [fault.message for fault in caught.value.faults]
    assert said == [
        "key has another role (data.identifiers), so it is no feature",
        "y has another role (data.target), so it is no feature",
    ]
