"""Types that others have added to Parquet: periods of pandas are dates, what nothing is known of is refused or left out."""

from __future__ import annotations

import datetime
from pathlib import Path

import polars
import pytest

from dltrain.config import load_config_text
from dltrain.data.tables.parquet_file import without_edge_blanks
from dltrain.errors import DataError
from tests.data.streaming import IN_MEMORY, STREAMED, load_as


def added(name: str, values: list[object], stored: polars.DataType, metadata: str | None = None) -> polars.Series:
    return polars.Series("p", values, stored).ext.to(polars.Extension(name, stored, metadata))


@pytest.mark.parametrize(
    ("freq", "number", "begins"),
    [
        ("M", 540, datetime.date(2015, 1, 1)), ("Q-DEC", -1, datetime.date(1969, 10, 1)), ("Y-DEC", 45, datetime.date(2015, 1, 1)),
        ("A-DEC", -2, datetime.date(1968, 1, 1)), ("D", 31, datetime.date(1970, 2, 1)),
        ("h", 25, datetime.datetime(1970, 1, 2, 1)), ("min", 61, datetime.datetime(1970, 1, 1, 1, 1)),
    ],
)  # fmt: skip
def test_a_period_is_the_date_that_it_begins_with(freq: str, number: int, begins: datetime.date) -> None:
    frame = polars.DataFrame([added("pandas.period", [number, None], polars.Int64(), f'{{"freq": "{freq}"}}')])
    assert without_edge_blanks(frame)[0]["p"].to_list() == [begins, None]


@pytest.mark.parametrize("bound", [IN_MEMORY, STREAMED])
def test_a_column_of_an_added_type_is_read_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: str) -> None:
    columns = [polars.Series("a", [float(row) for row in range(30)]), polars.Series("y", ["u", "v"] * 15)]
    months = added("pandas.period", [*range(30)], polars.Int64(), '{"freq": "M"}')
    weeks = added("pandas.period", [*range(30)], polars.Int64(), '{"freq": "W-SUN"}').alias("w")
    polars.DataFrame([*columns, months, weeks]).write_parquet(tmp_path / "t.parquet")

    def load(data: str):  # type: ignore[no-untyped-def]
        text = f"data: {{source: parquet, path: t.parquet, {data}}}\nmodel: {{layers: []}}\n"
        return load_as(monkeypatch, bound, load_config_text(text, folder=tmp_path).data)

    dataset = load("target: y")
    assert dataset.schema.inputs[0].columns == ("a", "p year", "p month", "p day", "p weekday", "p day number")
    assert any("w (values of type pandas.period)" in str(line) for line in dataset.summary)
    for data in ("target: w", "target: y, features: {w: number}", "target: y, split: {group: w, test: 0.2}"):
        with pytest.raises(DataError) as caught:
            load(data)
        assert "values of type pandas.period" in str(caught.value)
