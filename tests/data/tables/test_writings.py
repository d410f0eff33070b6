"""One table in many writings, in memory and streamed: the columns are those that polars reads by hand, dates and gaps as well."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars
import pytest

from dltrain.config.types import DataConfig
from dltrain.data.columns.column import read_feature
from dltrain.data.sources import read_source
from dltrain.data.tables.column_names import column_of
from dltrain.data.tables.fit import fit_table
from dltrain.data.tables.preprocessing import TablePreprocessing
from dltrain.data.tables.streamed.column_files import ColumnFiles
from dltrain.data.tables.streamed.fit import fit_streamed
from dltrain.reporting import Reporter
from tests.data.streaming import small_chunks
from tests.support import shared_data

FAST_ROWS = 1_000
# How polars reads each by hand: columns of dates and how they are written, and the target.
TABLES: dict[str, tuple[dict[str, str], str]] = {
    "tabular/bike_sharing/bike_sharing.csv": ({"date": "%Y-%m-%d %H:%M:%S"}, "cnt"),
    "tabular/california_housing/housing.csv": ({}, "median_house_value"),
    "tabular/concrete/concrete_data.csv": ({}, "Strength"),
    "tabular/employee_salaries/employee_salaries.csv": ({"date_first_hired": "%m/%d/%Y"}, "current_annual_salary"),
    "tabular/hourly_wages/hourly_wages.csv": ({}, "wage_per_hour"),
    "tabular/telco_churn/WA_Fn-UseC_-Telco-Customer-Churn.csv": ({}, "MonthlyCharges"),
    "tabular/titanic/test.csv": ({}, "Fare"),
    "tabular/titanic/train.csv": ({}, "Fare"),
    "timeseries/beijing_pm25/pollution.csv": ({}, "TEMP"),
    "timeseries/classic/daily-max-temperatures.csv": ({"Date": "%Y-%m-%d"}, "Temperature"),
    "timeseries/classic/daily-min-temperatures.csv": ({"Date": "%Y-%m-%d"}, "Temp"),
    "timeseries/classic/daily-total-female-births.csv": ({"Date": "%Y-%m-%d"}, "Births"),
}
FAST = ("titanic/train", "daily-min")
GERMAN = {"separator": ";", "decimal_comma": True, "datetime_format": "%d.%m.%Y %H:%M:%S"}


def _text(**options: Any) -> Callable[[polars.DataFrame], bytes]:
    return lambda frame: frame.write_csv(**options).encode()


WRITINGS: dict[str, Callable[[polars.DataFrame], bytes]] = {
    "comma.csv": _text(),
    "semicolon.csv": _text(separator=";", null_value="NA"),
    "tab.csv": _text(separator="\t"),
    "german.csv": _text(**GERMAN),
    "quoted.csv": _text(quote_style="always", datetime_format="%m/%d/%Y %H:%M"),
    "wide.csv": lambda frame: frame.write_csv().encode("utf-16"),
    "packed.csv.gz": lambda frame: gzip.compress(frame.write_csv(**GERMAN).encode()),
}


def by_hand(file: Path, dates: dict[str, str]) -> polars.DataFrame:
    frame = polars.read_csv(file, null_values=["", " ", "NA"], infer_schema_length=None)
    return frame.with_columns(polars.col(name).str.to_datetime(written) for name, written in dates.items())


def kind_of(series: polars.Series) -> str:
    if series.dtype.is_temporal():
        return "date"
    return "number" if series.dtype.is_numeric() else "category"


def columns_read(config: DataConfig, *, streamed: bool) -> tuple[dict[str, Any], np.ndarray[Any, Any]]:
    """All features by their kinds, and the target."""
    if streamed:
        raw, fitted = fit_streamed(config, seed=0, stored=None, reporter=Reporter(), reason="asked for")
    else:
        raw = read_source(config, seed=0, reporter=Reporter())  # type: ignore[assignment]
        fitted = fit_table(config, raw, 0, None)
    preprocessing = fitted.preprocessing
    assert isinstance(preprocessing, TablePreprocessing)
    reading, found = preprocessing.reading, {}
    for column in preprocessing.features:
        if isinstance(raw.frame, ColumnFiles):
            found[column.name] = raw.frame.values(column, reading)
        else:
            found[column.name] = read_feature(column_of(raw.frame, column.name), column, reading)[0]
    return found, np.asarray(fitted.parts["train"].targets[config.target[0]]).ravel()


def compare(found: dict[str, Any], frame: polars.DataFrame, what: str) -> int:
    """How many cells were compared, each for equality."""
    assert set(found) == set(frame.columns), what
    for name in frame.columns:
        expected = frame[name]
        if kind_of(expected) == "number":
            values = expected.cast(polars.Float64).fill_null(float("nan")).to_numpy()
            np.testing.assert_array_equal(found[name], values, err_msg=f"{what} {name}")
        elif kind_of(expected) == "date":
            assert found[name].to_list() == expected.to_list(), f"{what} {name}"
        else:
            assert found[name].to_list() == expected.str.strip_chars().to_list(), f"{what} {name}"
    return frame.height * frame.width


@pytest.mark.parametrize(
    "name", [name if any(word in name for word in FAST) else pytest.param(name, marks=pytest.mark.slow) for name in TABLES]
)
def test_every_writing_is_read_as_polars_reads_it_by_hand(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLTRAIN_CACHE", str(tmp_path / "cache"))
    is_fast = any(word in name for word in FAST)
    small_chunks(monkeypatch, 10_000 if is_fast else 300_000)
    dates, target = TABLES[name]
    frame = by_hand(shared_data(name), dates)
    frame = frame.filter(frame[target].is_not_null()).head(FAST_ROWS if is_fast else frame.height)
    frame.write_parquet(tmp_path / "columns.parquet")
    features = frame.drop(target)
    config = DataConfig(
        "csv",
        target=(target,),
        task="regression",
        features={column.name: kind_of(column) for column in features},
        scale="none",
        scale_target=False,
        constant_columns="keep",
    )
    compared = 0
    for written, write in {**WRITINGS, "columns.parquet": None}.items():
        if write is not None:
            (tmp_path / written).write_bytes(write(frame))
        source = "parquet" if written.endswith(".parquet") else "csv"
        asked = replace(config, source=source, path=(str(tmp_path / written),))
        for streamed in (False, True):
            what = f"{written} {'streamed' if streamed else 'in memory'}"
            found, truth = columns_read(asked, streamed=streamed)
            compared += compare(found, features, what)
            np.testing.assert_array_equal(truth.astype(np.float32), frame[target].to_numpy().astype(np.float32), err_msg=what)
            compared += frame.height
    print(f"{name}: {compared:,} cells compared in {len(WRITINGS) + 1} writings, in memory and streamed")
    assert compared == 2 * (len(WRITINGS) + 1) * frame.height * frame.width
