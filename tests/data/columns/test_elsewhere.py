"""Numbers and dates of new rows that lie where those of training did not are said, with both ranges; ordinary ones are not."""

from pathlib import Path

import numpy as np
import polars
import pytest

from dltrain.config.types import DataConfig, SplitConfig
from dltrain.data import load_dataset
from dltrain.data.new_rows import read_part
from dltrain.data.tables.preprocessing import TablePreprocessing
from dltrain.errors import Fault
from dltrain.reporting import Reporter

FEATURES = {"price": "number", "size": "number", "share": "number", "day": "date"}


class Listening(Reporter):
    def __init__(self) -> None:
        self.heard: list[Fault] = []

    def warning(self, fault: Fault) -> None:
        self.heard.append(fault)


def make_table() -> polars.DataFrame:
    """500 rows with a price of a long tail, a size, a share that is mostly 0, and a date."""
    draw = np.random.default_rng(0)
    size = draw.normal(70, 15, 500).clip(20, 140).round(1)
    days = polars.Series(np.datetime64("2020-01-01") + draw.integers(0, 700, 500)).dt.strftime("%Y-%m-%d")
    price = draw.lognormal(3, 1, 500).round(2)
    share = np.where(draw.random(500) < 0.9, 0, draw.random(500)).round(3)
    return polars.DataFrame(
        {"price": price, "size": size, "share": share, "day": days, "rent": size * 3 + draw.normal(0, 5, 500)}
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> TablePreprocessing:
    path = tmp_path_factory.mktemp("trained") / "t.csv"
    make_table()[:300].write_csv(path)
    config = DataConfig("csv", path=(str(path),), target=("rent",), features=FEATURES, split=SplitConfig(test=0.25))
    dataset = load_dataset(config, seed=0)
    assert not [warning for warning in dataset.warnings if "far from nearly all" in warning]
    assert isinstance(dataset.preprocessing, TablePreprocessing)
    return TablePreprocessing.from_state(*dataset.preprocessing.to_state())


def said_of(trained: TablePreprocessing, frame: polars.DataFrame, path: Path, *, with_targets: bool = False) -> list[str]:
    frame.write_csv(path)
    listening = Listening()
    read_part(trained, [str(path)], with_targets=with_targets, reporter=listening)
    return [fault.message for fault in listening.heard if fault.code == "another_scale"]


@pytest.mark.parametrize("with_targets", [False, True], ids=["predict", "evaluate"])
@pytest.mark.parametrize(
    ("name", "change", "told"),
    [
        ("price", lambda c: c * 100, "price in {most} of 200 rows: "),
        ("size", lambda c: (c * 10).round(), "size in 200 of 200 rows: "),
        ("size", lambda c: c / 1000, "size in 200 of 200 rows: "),
        ("share", lambda c: c * 100, "share in "),
        ("size", lambda c: polars.Series(["1e39", *c.cast(str)[1:]]), "size in 1 of 200 rows: "),
        ("day", lambda c: polars.Series(["1970-01-01", *c[1:]]), "day in 1 of 200 rows: 1970-01-01 to 2021-"),
    ],
    ids=["cents", "decimal sign", "thousandths", "percent", "beyond float32", "a day far from all"],
)
def test_values_far_from_those_of_training_are_said_once(trained, tmp_path, name, change, told, with_targets):
    frame = make_table()[300:]
    frame = frame.with_columns(change(frame[name]).alias(name))
    (said,) = said_of(trained, frame, tmp_path / "new.csv", with_targets=with_targets)
    assert told.split("{most}")[0] in said
    low, high = make_table()[:300][name].min(), make_table()[:300][name].max()
    first, last = said.split("(training: ")[1].split(")")[0].split(",")[0].split(" to ")
    assert str(low) <= first <= last <= str(high) if name == "day" else low <= float(first) < float(last) <= high


def test_ordinary_rows_are_not_said(trained, tmp_path):
    frame = make_table()[300:]
    assert said_of(trained, frame, tmp_path / "new.csv") == []
    assert said_of(trained, frame[:1].with_columns(size=polars.lit(160.0)), tmp_path / "one.csv") == []
    assert said_of(trained, frame.with_columns(size=polars.lit(None, polars.Float64)), tmp_path / "gaps.csv") == []


def test_what_was_stored_before_ranges_were_says_nothing(trained, tmp_path):
    state, arrays = trained.to_state()
    older = TablePreprocessing.from_state(state, {name: array for name, array in arrays.items() if name != "seen"})
    frame = make_table()[300:].with_columns(size=polars.lit(1e9))
    assert said_of(older, frame, tmp_path / "new.csv") == []
