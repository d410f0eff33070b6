"""Later rows without a column of weights, which count once, and with pictures that lie elsewhere or are named by bare numbers."""

from __future__ import annotations

import json
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars
import pytest

from dltrain.config import load_config_text
from dltrain.config.types import DataConfig, ImagesConfig, SplitConfig
from dltrain.data.load import load_dataset
from dltrain.data.new_rows import read_part
from dltrain.errors import DataError
from dltrain.reporting import Reporter, WarningList
from tests.data.sources.support import write_picture


def test_rows_without_weights_count_once(tmp_path: Path) -> None:
    rows = [f"{row % 7},{row % 3 + 1},{'yes' if row % 2 else 'no'}" for row in range(40)]
    (tmp_path / "t.csv").write_text("x,w,y\n" + "\n".join(rows) + "\n")
    (tmp_path / "n.csv").write_text("y,x\nyes,1\nno,2\n")
    (tmp_path / "o.csv").write_text("y,x,w\nyes,1,3\nno,2,1\n")
    (tmp_path / "bad.csv").write_text("y,x,w\nyes,1,3\nno,2,\n")
    config = DataConfig("csv", path=(str(tmp_path / "t.csv"),), target=("y",), weight="w", split=SplitConfig(test=0.25))
    stored = load_dataset(config, seed=1).preprocessing
    heard = WarningList(Reporter())
    part = read_part(stored, [str(tmp_path / "n.csv")], with_targets=True, reporter=heard)
    assert part.weights is None
    assert part.num_rows == 2
    assert any("no column w (data.weight)" in warning.message for warning in heard.warnings)
    weighted = read_part(stored, [str(tmp_path / "o.csv")], with_targets=True).weights
    assert np.asarray(weighted).tolist() == [3, 1]
    heard = WarningList(Reporter())
    assert read_part(stored, [str(tmp_path / "n.csv")], with_targets=False, reporter=heard).num_rows == 2
    assert not heard.warnings
    with pytest.raises(DataError, match="weight column w"):
        read_part(stored, [str(tmp_path / "bad.csv")], with_targets=True)


def test_where_pictures_are_is_said_unless_it_was_asked_for_and_lost_zeros_are_named(tmp_path: Path) -> None:
    for folder in ("train", "other"):
        for index in range(40):
            write_picture(tmp_path / folder / f"{index:04d}.png", (8, 8), seed=index)
    for name, numbers in (("train", [f"{index:04d}" for index in range(40)]), ("bare", [str(index) for index in range(40)])):
        rows = [f"{number},{index % 7},{'ab'[index % 2]}" for index, number in enumerate(numbers)]
        (tmp_path / f"{name}.csv").write_text("id,x,y\n" + "\n".join(rows) + "\n")
    config = DataConfig(
        "csv",
        path=(str(tmp_path / "train.csv"),),
        target=("y",),
        features={"id": "image", "x": "number"},
        images=ImagesConfig((str(tmp_path / "train"),), ".png"),
        split=SplitConfig(test=0.25),
        arguments={"image_size": [8, 8]},
    )
    stored = load_dataset(config, seed=1).preprocessing
    for images, num_warnings in (((), 1), ((str(tmp_path / "other"),), 0)):
        heard = WarningList(Reporter())
        read_part(stored, [str(tmp_path / "train.csv")], with_targets=True, images=images, reporter=heard)
        assert sum("are looked for in" in warning.message for warning in heard.warnings) == num_warnings
    with pytest.raises(DataError) as caught:
        read_part(stored, [str(tmp_path / "bare.csv")], with_targets=False)
    assert "0000.png is there" in (caught.value.faults[0].hint or "")
    assert "write 0000 in place of 0" in (caught.value.faults[0].hint or "")


ROWS = "".join(f"{row % 7}.5,{'ab'[row % 2]},2020-01-{row % 28 + 1:02d},{row % 5}\n" for row in range(60))
WRITTEN = {
    "plain": "x,kind,day,y\n" + ROWS,
    "preamble": "Report\nof 2020, by hand\n\nx,kind,day,y\n" + ROWS,
    "comments": "# exported\n# twice\nx,kind,day,y\n" + ROWS,
    "semicolons": "sep=;\n" + ("x,kind,day,y\n" + ROWS).replace(",", ";"),
    "blank": "\n\nx,kind,day,y\n" + ROWS,
    "other names beside": "Report\nz,y,day,kind,x\n" + "".join("0," + ",".join(line.split(",")[::-1]) + "\n" for line in ROWS.split()),
}  # fmt: skip
OPTIONS: dict[str, dict[str, Any]] = {"preamble": {"skip": 3}, "comments": {"comment": "#"}, "semicolons": {"separator": ";"}}


@pytest.mark.parametrize("trained_on", ["plain", "preamble", "comments", "semicolons"])
def test_a9_lines_before_the_header_may_be_others_than_those_of_the_training(trained_on: str, tmp_path: Path) -> None:
    for name, text in WRITTEN.items():
        (tmp_path / f"{name}.csv").write_text(text)
    config = DataConfig(
        "csv",
        path=(str(tmp_path / f"{trained_on}.csv"),),
        target=("y",),
        task="regression",
        split=SplitConfig(test=0.25),
        **OPTIONS.get(trained_on, {}),
    )
    stored = load_dataset(config, seed=1).preprocessing
    expected = read_part(stored, [str(tmp_path / f"{trained_on}.csv")], with_targets=True)
    for name in WRITTEN:
        found = read_part(stored, [str(tmp_path / f"{name}.csv")], with_targets=True)
        np.testing.assert_array_equal(found.inputs["features"], expected.inputs["features"], err_msg=name)
        np.testing.assert_array_equal(found.targets["y"], expected.targets["y"], err_msg=name)


def test_what_new_rows_are_to_hold_is_said_without_keys_of_a_config(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(WRITTEN["plain"])
    config = DataConfig("csv", path=(str(tmp_path / "t.csv"),), target=("y",), task="regression", split=SplitConfig(test=0.25))
    stored = load_dataset(config, seed=1).preprocessing
    (tmp_path / "n.csv").write_text("x,kind,day\n$1.5,a,2020-01-01\n1.5,a,01.02.2020\n")
    with pytest.raises(DataError) as caught:
        read_part(stored, [str(tmp_path / "n.csv")], with_targets=False)
    said = [(fault.line, fault.message, fault.hint or "") for fault in caught.value.faults]
    assert [line for line, _, _ in said] == [2, 3]
    assert all("as in the training" in message and "write it as the training rows have it" in hint for _, message, hint in said)
    assert not any("data." in hint for _, _, hint in said)
    assert "2020-12-31" in said[1][2]


DAYS = [date(2019, 6, 17) + timedelta(days=7 * row) for row in range(60)]
# How the training writes its days, how new rows do, and whether that leaves no choice.
WRITTEN_OTHERWISE = [
    ("%Y-%m-%d", "%d.%m.%Y", True),
    ("%Y-%m-%d", "%m/%d/%Y", True),
    ("%Y-%m-%d", "%b %d, %Y", True),
    ("%Y-%m-%d", "%Y%m%d", True),
    ("%d/%m/%Y", "%d.%m.%y", True),
    ("%d/%m/%Y", "%m/%d/%Y", False),  # the training's way reads some of them
    ("%Y-%m-%d", "%Y-%m-%dT%H:%M:%S+00:00", None),  # the clock's time, as before
]


@pytest.mark.parametrize(("taught", "written", "is_read"), WRITTEN_OTHERWISE)
@pytest.mark.parametrize("how", ["a table", "a series"])
def test_dates_that_are_written_otherwise_are_read_and_said(
    how: str, taught: str, written: str, is_read: bool | None, tmp_path: Path
) -> None:
    for name, form, days in (
        ("t", taught, DAYS),
        ("n", written, DAYS),
        ("few", "%d/%m/%Y", [date(2019, 3, 4), date(2019, 5, 6)]),
    ):
        rows = [f'"{day.strftime(form)}";{index % 7};{index % 5}.5' for index, day in enumerate(days)]
        (tmp_path / f"{name}.csv").write_text("day;x;y\n" + "\n".join(rows) + "\n")
    more = {"features": {"day": "date", "x": "number"}, "split": {"test": 0.25}}
    if how == "a series":
        more = {"series": {"time": "day", "history": 3}, "split": {"test": 0.2}}
    data = {"source": "csv", "path": "t.csv", "target": "y", "task": "regression", **more}
    config = load_config_text(json.dumps({"data": data, "model": {"layers": ["Flatten"]}}), folder=tmp_path).data
    stored = load_dataset(config, seed=1).preprocessing
    expected = read_part(stored, [str(tmp_path / "t.csv")], with_targets=True)
    heard = WarningList(Reporter())
    if is_read is False:
        with pytest.raises(DataError, match="written %d/%m/%Y"):
            read_part(stored, [str(tmp_path / "n.csv")], with_targets=True)
        return
    found = read_part(stored, [str(tmp_path / "n.csv")], with_targets=True, reporter=heard)
    for name, array in expected.inputs.items():
        np.testing.assert_array_equal(np.asarray(found.inputs[name]), np.asarray(array))
    said = [warning.message for warning in heard.warnings if "as in the training, and are read so" in warning.message]
    assert len(said) == bool(is_read)
    assert not is_read or written.replace("%Y%m%d", "%Y%m%d here") in said[0]
    if taught == "%Y-%m-%d":
        with pytest.raises(DataError, match="04/03/2019"):
            read_part(stored, [str(tmp_path / "few.csv")], with_targets=how == "a table")


@pytest.mark.parametrize("target", ["y", "took"])
def test_lengths_of_time_may_be_text_in_later_rows(target: str, tmp_path: Path) -> None:
    took = [timedelta(seconds=90 * row) for row in range(60)]
    frame = polars.DataFrame(
        {"took": took, "at": [time(row % 24, row) for row in range(60)], "y": [row % 7 for row in range(60)]}
    )
    frame.write_parquet(tmp_path / "t.parquet")
    rows = [f"{length},{at:%H:%M:%S},{y}" for length, at, y in frame.iter_rows()]
    (tmp_path / "n.csv").write_text("took,at,y\n" + "\n".join(rows) + "\n")
    (tmp_path / "pairs.csv").write_text("took,at,y\n1:30,00:00:00,1\n")
    config = DataConfig("parquet", path=(str(tmp_path / "t.parquet"),), target=(target,), task="regression")
    stored = load_dataset(config, seed=1).preprocessing
    expected, found = (read_part(stored, [str(tmp_path / name)], with_targets=True) for name in ("t.parquet", "n.csv"))
    np.testing.assert_array_equal(np.asarray(found.inputs["features"]), np.asarray(expected.inputs["features"]))
    np.testing.assert_array_equal(np.asarray(found.targets[target]), np.asarray(expected.targets[target]))
    with pytest.raises(DataError, match="1:30"):  # hours and minutes, or minutes and seconds
        read_part(stored, [str(tmp_path / "pairs.csv")], with_targets=True)
