"""Every real table, read by what `init` writes, holds what pandas reads by hand: numbers to the bit, gaps, words; however written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars
import pytest

from dltrain.cli.app import run as command
from dltrain.config import load_config_text
from dltrain.config.types import DataConfig
from dltrain.data.arrays.disk_array import rows_in_memory
from dltrain.data.columns.reading import USUAL_MISSING, mend, text_of, to_numbers
from dltrain.data.raw import RawTable
from dltrain.data.sources import read_source
from dltrain.data.tables.column_names import column_of
from dltrain.data.tables.fitting.reading import reading_of
from dltrain.reporting import Reporter
from tests.data.streaming import load_as, small_chunks
from tests.support import shared_data

NO_HEADER = {"header": None}
# How pandas reads each by hand, and the target.
TABLES: dict[str, tuple[dict[str, Any], str]] = {
    "tabular/adult/adult-test.csv": ({**NO_HEADER, "skipinitialspace": True}, "-1"),
    "tabular/adult/adult-train.csv": ({**NO_HEADER, "skipinitialspace": True}, "-1"),
    "tabular/ames_housing/AmesHousing.csv": ({}, "SalePrice"),
    "tabular/ames_housing/AmesHousing2.csv": ({}, "SalePrice"),
    "tabular/bank_marketing/bank-additional-full.csv": ({"sep": ";"}, "y"),
    "tabular/bank_marketing/bank-additional.csv": ({"sep": ";"}, "y"),
    "tabular/bank_marketing/bank-full.csv": ({"sep": ";"}, "y"),
    "tabular/bank_marketing/bank.csv": ({"sep": ";"}, "y"),
    "tabular/bike_sharing/bike_sharing.csv": ({}, "cnt"),
    "tabular/california_housing/housing.csv": ({}, "median_house_value"),
    "tabular/car_prices_msrp/car_data.csv": ({}, "MSRP"),
    "tabular/concrete/concrete_data.csv": ({}, "Strength"),
    "tabular/employee_salaries/employee_salaries.csv": ({}, "current_annual_salary"),
    "tabular/hourly_wages/hourly_wages.csv": ({}, "wage_per_hour"),
    "tabular/hourly_wages/hourly_wages_all534.csv": ({}, "wage_per_hour"),
    "tabular/pima_diabetes/pima-indians-diabetes.csv": (NO_HEADER, "-1"),
    "tabular/telco_churn/WA_Fn-UseC_-Telco-Customer-Churn.csv": ({}, "Churn"),
    "tabular/titanic/test.csv": ({}, "Fare"),
    "tabular/titanic/titanic_all_numeric_datacamp.csv": ({}, "survived"),
    "tabular/titanic/titanic_seaborn.csv": ({}, "survived"),
    "tabular/titanic/train.csv": ({}, "Survived"),
    "tabular/wine_quality/winequality-red.csv": (NO_HEADER, "-1"),
    "tabular/wine_quality/winequality-white.csv": (NO_HEADER, "-1"),
    "tabular/wine_quality/winequality-white_with_header.csv": ({"sep": ";"}, "quality"),
    "text/ag_news_test/test.csv": (NO_HEADER, "1"),
    "text/sms_spam/sms_spam.csv": ({}, "label"),
    "timeseries/beijing_pm25/pollution.csv": ({}, "pm2.5"),
    "timeseries/classic/airline-passengers.csv": ({}, "Passengers"),
    "timeseries/classic/daily-max-temperatures.csv": ({}, "Temperature"),
    "timeseries/classic/daily-min-temperatures.csv": ({}, "Temp"),
    "timeseries/classic/daily-total-female-births.csv": ({}, "Births"),
    "timeseries/classic/monthly-car-sales.csv": ({}, "Sales"),
    "timeseries/classic/monthly-sunspots.csv": ({}, "Sunspots"),
}
FAST = ("bank-additional.csv", "titanic/train.csv", "winequality-red")
WRITINGS: dict[str, Callable[[pd.DataFrame, Path], Any]] = {
    "comma.csv": lambda frame, file: frame.to_csv(file, index=False),
    "semicolon.csv": lambda frame, file: frame.to_csv(file, index=False, sep=";"),
    "tab.csv": lambda frame, file: frame.to_csv(file, index=False, sep="\t"),
    "pipe.csv": lambda frame, file: frame.to_csv(file, index=False, sep="|"),
    "german.csv": lambda frame, file: frame.to_csv(file, index=False, sep=";", decimal=","),
    "german_tab.csv": lambda frame, file: frame.to_csv(file, index=False, sep="\t", decimal=","),
    "quoted.csv": lambda frame, file: frame.to_csv(file, index=False, decimal=","),
    "marked.csv": lambda frame, file: frame.to_csv(file, index=False, encoding="utf-16"),
    "wide.csv": lambda frame, file: frame.to_csv(file, index=False, encoding="utf-16-le"),
    "wider.csv": lambda frame, file: frame.to_csv(file, index=False, encoding="utf-32"),
    "widest.csv": lambda frame, file: frame.to_csv(file, index=False, encoding="utf-32-be"),
    "packed.csv.gz": lambda frame, file: frame.to_csv(file, index=False, sep=";", decimal=","),
    "columns.parquet": lambda frame, file: to_polars(frame).write_parquet(file),
}


def to_polars(frame: pd.DataFrame) -> polars.DataFrame:
    columns = {name: [None if pd.isna(value) else value for value in frame[name].tolist()] for name in frame}
    return polars.DataFrame(columns, strict=False)


def by_hand(file: Path, options: dict[str, Any]) -> pd.DataFrame:
    words = ["", " ", *USUAL_MISSING]  # a blank alone is an empty field
    frame = pd.read_csv(file, keep_default_na=False, na_values=words, low_memory=False, encoding="utf-8-sig", **options)
    if "header" in options:
        frame.columns = [f"column_{index + 1}" for index in range(frame.shape[1])]
    return frame


def compare(config: DataConfig, expected: pd.DataFrame, what: str) -> int:
    """How many cells were compared."""
    raw = read_source(config, seed=0, reporter=Reporter())
    assert isinstance(raw, RawTable)
    reading = reading_of(config, raw)
    assert list(raw.frame.columns) == list(expected.columns), what
    assert raw.frame.height == len(expected), what
    for name in expected:
        series, values = mend(column_of(raw.frame, name), reading), expected[name]
        if pd.api.types.is_numeric_dtype(values) and values.dtype != bool:
            # Equal as numbers are, NaN as NaN: no tolerance.
            np.testing.assert_array_equal(to_numbers(series, reading), values.to_numpy(np.float64), err_msg=f"{what} {name}")
        else:
            words = [None if pd.isna(value) else str(value).strip().casefold() for value in values]
            # Blanks around a word are taken off a text; Parquet keeps them.
            found = [None if value is None else value.strip().casefold() for value in text_of(series).to_list()]
            assert found == words, f"{what} {name}"
    return int(expected.size)


@pytest.mark.parametrize(
    "name", [name if any(word in name for word in FAST) else pytest.param(name, marks=pytest.mark.slow) for name in TABLES]
)
def test_columns_are_those_of_pandas(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options, target = TABLES[name]
    file = shared_data(name)
    frame = by_hand(file, options)
    assert command(["init", str(file), f"--target={target}", "-o", str(tmp_path / "c.yaml")]) == 0
    own = load_config_text((tmp_path / "c.yaml").read_text(), folder=tmp_path).data
    compared = compare(own, frame, "as it is")
    frame = frame.head(2_000)
    for written, write in WRITINGS.items():
        # A column of numbers that holds a word is text to pandas, which then leaves its points as they are.
        mixed = [column for column in frame if pd.to_numeric(frame[column], errors="coerce").notna().any()]
        mixed = [column for column in mixed if not pd.api.types.is_numeric_dtype(frame[column])]
        table = frame.drop(columns=mixed)
        write(table, tmp_path / written)
        source = "parquet" if written.endswith(".parquet") else "csv"
        config = load_config_text(
            f"data: {{source: {source}, path: {written}, task: reconstruction}}\n"
            "model: {layers: [{Dense: {units: 2}}]}\ntraining: {epochs: 1}\n",
            folder=tmp_path,
        ).data
        compared += compare(config, table, written)
    assert compared >= frame.size


@pytest.mark.parametrize("name", ["tabular/california_housing/housing.csv", "tabular/bike_sharing/bike_sharing.csv"])
@pytest.mark.parametrize("written", ["comma.csv", "german.csv", "quoted.csv", "wide.csv", "packed.csv.gz", "columns.parquet"])
def test_numbers_that_are_streamed_are_those_of_pandas(
    name: str, written: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options, target = TABLES[name]
    frame = by_hand(shared_data(name), options).select_dtypes("number").dropna().head(3_000)
    WRITINGS[written](frame, tmp_path / written)
    source = "parquet" if written.endswith(".parquet") else "csv"
    config = load_config_text(
        f"data: {{source: {source}, path: {written}, target: {target}, task: regression, scale: none, scale_target: false}}\n"
        "model: {layers: [{Dense: {units: 2}}]}\ntraining: {epochs: 1}\n",
        folder=tmp_path,
    ).data
    small_chunks(monkeypatch, 20_000)
    part = load_as(monkeypatch, "0", config).parts["train"]
    names = load_as(monkeypatch, "0", config).schema.inputs[0].columns
    rows = rows_in_memory(next(iter(part.inputs.values())), np.arange(part.num_rows))
    compared = 0
    for place, column in enumerate(names):
        expected = frame[column].to_numpy(np.float64).astype(np.float32)
        np.testing.assert_array_equal(rows[:, place], expected, err_msg=column)
        compared += len(expected)
    assert compared >= 3_000 * 4
