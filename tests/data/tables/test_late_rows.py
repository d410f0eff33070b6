"""What only rows behind the first 10,000 show: a streamed table takes it as the table in memory does."""

import datetime
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars
import pytest

from dltrain.config.types import DataConfig, SplitConfig
from dltrain.data import Dataset
from dltrain.data.new_rows import read_part
from dltrain.reporting import Reporter, WarningList
from tests.data.streaming import IN_MEMORY, STREAMED, assert_same, load_as

NUM_ROWS, LATE = 10_120, 10_050


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLTRAIN_CACHE", str(tmp_path / "cache"))


def late(first: Callable[[int], str], then: Callable[[int], str]) -> list[str]:
    return [first(row) if row < LATE else then(row) for row in range(NUM_ROWS)]


def day(row: int, date_format: str) -> str:
    return (datetime.date(1990, 1, 1) + datetime.timedelta(days=row)).strftime(date_format)


COLUMNS = {
    "weight": late(lambda row: f"{row % 97}.5 kg", lambda row: f"{row % 97}.5"),
    "share": late(lambda row: f"{row % 97}%", lambda row: f"0.{row % 97}"),
    "day_first": late(lambda row: f"{row % 12 + 1:02}/{row % 11 + 1:02}/2020", lambda row: f"{row % 15 + 13}/02/2020"),
    "month_first": late(lambda row: f"{row % 12 + 1:02}/{row % 11 + 1:02}/2020", lambda row: f"02/{row % 15 + 13}/2020"),
    "compact": late(lambda row: f"{row % 12 + 1:02}{row % 11 + 1:02}2020", lambda row: f"{row % 15 + 13}022020"),
    "offset": late(lambda row: day(row, "%Y-%m-%dT01:00:00+01:00"), lambda row: day(row, "%Y-%m-%dT01:00:00+02:00")),
    "height": late(lambda row: "", lambda row: f"{row % 97} cm"),
    "gap": late(lambda row: str(row % 13), lambda row: "" if row % 7 == 0 else str(row % 13)),
    "fraction": late(lambda row: str(row % 13), lambda row: f"{row % 13}.5"),
    "color": late(lambda row: "rgb"[row % 3], lambda row: "x"),
    "y": [f"{row % 89}.25" for row in range(NUM_ROWS)],
}


def load_both(path: Path, monkeypatch: pytest.MonkeyPatch, **options: object) -> Dataset:
    given = {"target": ("y",), "split": SplitConfig(test=0.25), **options}
    config = DataConfig("csv", path=(str(path),), **given)  # type: ignore[arg-type]
    resident, streamed = load_as(monkeypatch, IN_MEMORY, config), load_as(monkeypatch, STREAMED, config)
    assert_same(resident, streamed)
    return streamed


def test_late_rows_are_taken_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    polars.DataFrame(COLUMNS).write_csv(tmp_path / "t.csv")
    streamed = load_both(tmp_path / "t.csv", monkeypatch)
    told = " | ".join(streamed.warnings)
    assert f"weight {LATE % 97}.5 for {LATE % 97}.5 kg" in told
    assert f"share 0.{LATE % 97}" in told
    assert "offset: offsets of time differ (+01:00, +02:00)" in told
    assert "can be read day first or month first" not in told  # the late rows tell
    dates = streamed.resolved["data.dates"]
    assert [dates[name] for name in ("day_first", "month_first", "compact")] == ["%d/%m/%Y", "%m/%d/%Y", "%d%m%Y"]
    kinds = streamed.resolved["data.features"]
    assert (kinds["height"], kinds["weight"], kinds["color"]) == ("number", "number", "category")
    # Another config finds the columns on disk, and a date that is asked for is asked of all rows as well.
    features = {"weight": None, "day_first": "date", "height": None}
    asked = load_both(tmp_path / "t.csv", monkeypatch, features=features)
    assert asked.resolved["data.dates"] == {"day_first": "%d/%m/%Y"}
    assert f"weight {LATE % 97}.5 for {LATE % 97}.5 kg" in " | ".join(asked.warnings)


def test_codes_as_targets_that_only_late_rows_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    codes = late(lambda row: str(row % 40 + 10), lambda row: f"0{row % 10}")
    polars.DataFrame({"code": codes, "y": COLUMNS["y"]}).write_csv(tmp_path / "t.csv")
    load_both(tmp_path / "t.csv", monkeypatch)  # as a feature it is a number, which does for no target
    classes = load_both(tmp_path / "t.csv", monkeypatch, target=("code",)).schema.targets[0].classes
    assert {"01", "10"} < set(classes)


def test_codes_among_numbers_that_only_late_rows_show_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As numbers they lose their zeros; those that the first rows show are categories."""
    codes = late(lambda row: str(row % 40 + 10), lambda row: f"00{row % 10}")
    gaps = late(lambda row: str(row % 40 + 10), lambda row: "000" if row % 2 else "0.5")
    polars.DataFrame({"code": codes, "gap": gaps, "y": COLUMNS["y"]}).write_csv(tmp_path / "t.csv")
    streamed = load_both(tmp_path / "t.csv", monkeypatch, replace={"gap": {"000": ""}})
    said = [note for note in streamed.warnings if "leading zeros" in note]
    assert len(said) == 1
    assert said[0].startswith(f"code: values with leading zeros, such as 00{LATE % 10}, ")
    asked = load_both(tmp_path / "t.csv", monkeypatch, features={"code": "number", "gap": "number"})
    assert not any("leading zeros" in note for note in asked.warnings)
    polars.DataFrame({"code": codes, "y": COLUMNS["y"]}).write_parquet(tmp_path / "t.parquet")
    config = DataConfig("parquet", path=(str(tmp_path / "t.parquet"),), target=("y",))
    for way in (IN_MEMORY, STREAMED):
        assert "leading zeros" in " | ".join(load_as(monkeypatch, way, config).warnings)


def test_codes_that_only_later_files_show_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = [str(row % 40 + 10) for row in range(NUM_ROWS)]
    polars.DataFrame({"code": numbers, "y": COLUMNS["y"]}).write_csv(tmp_path / "t.csv")
    codes = late(lambda row: str(row % 40 + 10), lambda row: f"00{row % 10}")
    polars.DataFrame({"code": codes, "y": COLUMNS["y"]}).write_csv(tmp_path / "codes.csv")
    told: dict[str, list[str]] = {}
    for trained in ("t.csv", "codes.csv"):
        # Who asks for numbers knows of the codes there are; the run keeps that.
        stored = load_both(tmp_path / trained, monkeypatch, features={"code": "number"}).preprocessing
        for with_targets in (True, False):
            heard = WarningList(Reporter())
            part = read_part(stored, [str(tmp_path / "codes.csv")], with_targets=with_targets, reporter=heard)
            told.setdefault(trained, []).extend(note.message for note in heard.warnings if "leading zeros" in note.message)
            assert len(np.unique(np.asarray(part.inputs["features"])[LATE:])) == 10
    assert told["codes.csv"] == []
    assert len(told["t.csv"]) == 2
    assert f"code (00{LATE % 10})" in told["t.csv"][0]


def test_words_that_are_numbers_of_a_unit_that_only_late_rows_show_are_met(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    polars.DataFrame({"height": COLUMNS["height"], "y": COLUMNS["y"]}).write_csv(tmp_path / "t.csv")
    word = f"{(LATE + 3) % 97}"
    streamed = load_both(tmp_path / "t.csv", monkeypatch, replace={"height": {word: "", "9999": ""}})
    assert [note for note in streamed.warnings if "data.replace" in note] == ["data.replace: no value of height is '9999'"]


def test_fractions_of_parquet_as_categories_and_units_beside_replace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    thirds = polars.Series("third", [row % 7 / 3 for row in range(NUM_ROWS)], dtype=polars.Float32)
    day_first = COLUMNS["day_first"]
    frame = polars.DataFrame({"third": thirds, "weight": COLUMNS["weight"], "day": day_first, "y": range(NUM_ROWS)})
    frame.write_parquet(tmp_path / "t.parquet")
    features = {"third": "category", "weight": None, "day": "category"}
    config = DataConfig(
        "parquet", path=(str(tmp_path / "t.parquet"),), target=("y",), features=features, replace={"weight": {"3.5": ""}}
    )
    resident, streamed = load_as(monkeypatch, IN_MEMORY, config), load_as(monkeypatch, STREAMED, config)
    assert_same(resident, streamed)
    words = {column.name: column.categories for column in streamed.preprocessing.features}  # type: ignore[attr-defined]
    assert set(words["third"]) == {str(np.float32(part / 3)) for part in range(7)}
