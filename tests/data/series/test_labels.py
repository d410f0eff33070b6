"""Windows with a label: of the row where they end, of one later, or of a whole series."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars
import pytest

from dltrain.config.types import DataConfig, SeriesConfig, SplitConfig
from dltrain.data import Dataset, load_dataset
from dltrain.data.arrays.disk_array import in_memory
from dltrain.data.series.preprocessing import SeriesPreprocessing
from dltrain.errors import DataError

SHARES = SplitConfig(test=0.25, validation=0.25)
HISTORY = 4


def table(num_series: int = 16, length: int = 12, labels: Sequence[str] = ("high", "low")) -> polars.DataFrame:
    """Series whose values tell place and row: 100 times the number of the series and that of the row."""
    ids, rows = np.repeat(np.arange(num_series), length), np.tile(np.arange(length), num_series)
    return polars.DataFrame(
        {"id": ids, "at": rows, "x": 100.0 * ids + rows, "kind": [labels[place] for place in ids % len(labels)]}
    )


def load(path: Path, frame: polars.DataFrame, *, split: SplitConfig = SHARES, test: str = "", **series: Any) -> Dataset:
    frame.write_csv(path)
    block = SeriesConfig(**{"id": ("id",), "time": ("at",), "history": HISTORY, "offset": 0, **series})
    paths = {"test": (test,)} if test else {}
    config = DataConfig("csv", path=(str(path),), target=("kind",), task="classification", series=block, split=split, **paths)
    return load_dataset(config, seed=3)


def own(dataset: Dataset, part: str) -> np.ndarray:
    """The values of a part's windows as they stand in the file."""
    preprocessing = dataset.preprocessing
    assert isinstance(preprocessing, SeriesPreprocessing)
    [column] = [column for column in preprocessing.table.features if column.name == "x"]
    values = in_memory(dataset.parts[part].inputs["features"])[:, :, 0]
    return np.asarray(np.round(values * column.numbers[0].spread + column.numbers[0].center))


def test_a_series_is_in_one_part_and_its_windows_have_its_label(tmp_path: Path) -> None:
    dataset = load(tmp_path / "s.csv", table())
    assert dataset.schema.inputs[0].columns == ("x",)  # neither the label nor what tells the series apart
    classes = dataset.schema.targets[0].classes
    assert classes == ("high", "low")
    seen: set[int] = set()
    for name, count in (("train", 9), ("validation", 3), ("test", 4)):
        part, windows = dataset.parts[name], own(dataset, name)
        series = windows[:, 0] // 100
        assert (windows // 100 == series[:, None]).all()
        assert part.num_rows == count * (12 - HISTORY + 1)
        assert [classes[code] for code in part.targets["kind"]] == [("high", "low")[int(place) % 2] for place in series]
        assert not seen & set(series.tolist())
        seen |= set(series.tolist())
        assert part.blocks_by == "series"
        assert (np.unique(part.blocks[part.blocks == part.blocks[0]]) == part.blocks[0]).all()  # type: ignore[index]
    # Each label in the same shares, as scikit-learn stratifies.
    assert np.bincount(dataset.parts["test"].targets["kind"]).tolist() == [18, 18]
    assert "labels: one for each series, as none changes within one; data.series.label_of: row says otherwise" in dataset.summary
    assert dataset.resolved["data.series.label_of"] == "series"
    stored = SeriesPreprocessing.from_state(*dataset.preprocessing.to_state())
    assert stored.schema == dataset.schema
    assert stored.series.label_of == "series"


@pytest.mark.parametrize("offset", [0, 2])
def test_labels_of_rows_are_those_of_the_row_at_the_offset(tmp_path: Path, offset: int) -> None:
    frame = table(4, 40).with_columns(kind=polars.when(polars.col("at") % 5 < 2).then(polars.lit("a")).otherwise(polars.lit("b")))
    dataset = load(tmp_path / "s.csv", frame, offset=offset)
    for name in ("train", "validation", "test"):
        part, windows = dataset.parts[name], own(dataset, name)
        last = windows[:, -1] % 100
        expected = ["a" if (row + offset) % 5 < 2 else "b" for row in last]
        assert [dataset.schema.targets[0].classes[code] for code in part.targets["kind"]] == expected
        assert part.identifiers["at" if "at" in part.identifiers else "time"] == [f"{int(row + offset)}" for row in last]
    # In time: the last quarter of each series is the test part.
    assert min(own(dataset, "test")[:, 0] % 100) == 30
    assert dataset.resolved["data.series.label_of"] == "row"
    assert any("tell the label of the" in line for line in dataset.summary)


def test_rows_without_a_label_are_nobody_s(tmp_path: Path) -> None:
    frame = table(4, 40).with_columns(
        kind=polars.when(polars.col("at") == 5)
        .then(None)
        .when(polars.col("at") % 2 == 0)
        .then(polars.lit("a"))
        .otherwise(polars.lit("b"))
    )
    dataset = load(tmp_path / "s.csv", frame)
    assert 5 not in own(dataset, "train")[:, -1] % 100
    assert "4 rows without kind are nobody's target" in dataset.summary


def test_files_that_each_count_their_series(tmp_path: Path) -> None:
    """Series 0 of the test file is not that of the training file, and may have another label."""
    other = table(labels=("low", "high"))
    other.write_csv(tmp_path / "test.csv")
    dataset = load(tmp_path / "s.csv", table(), split=SplitConfig(), test=str(tmp_path / "test.csv"))
    assert {name: part.num_rows for name, part in dataset.parts.items()} == {"train": 16 * 9, "test": 16 * 9}
    assert dataset.parts["test"].targets["kind"].tolist() == (1 - dataset.parts["train"].targets["kind"]).tolist()


@pytest.mark.parametrize(
    ("frame", "series", "words"),
    [
        (table().with_columns(kind=polars.col("at").cast(str)), {"label_of": "series"}, "kind is '1' here and '0' in line 2"),
        (table(labels=("a", "b", "b", "b", "b", "b", "b", "b") * 2).filter(polars.col("id") < 8), {}, "that of one series alone"),
        (table(labels=("a",)), {}, "has one class only"),
        (table(3), {}, "one series alone|too few|at least|nothing"),
    ],
)
def test_series_that_cannot_be_told_apart_are_named(
    tmp_path: Path, frame: polars.DataFrame, series: dict[str, Any], words: str
) -> None:
    with pytest.raises(DataError, match=words):
        load(tmp_path / "s.csv", frame, **series)
