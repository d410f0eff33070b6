"""How numbers are written is told by all rows, gaps or not, header or not: what `init` writes reads the values that were written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars
import pytest

from dltrain.cli.app import run as command
from dltrain.config import load_config_text
from dltrain.data.columns.reading import read_numbers
from dltrain.data.columns.units import find_unit
from dltrain.data.raw import RawTable
from dltrain.data.sources import read_source
from dltrain.data.tables.column_names import column_of
from dltrain.data.tables.fitting.reading import reading_of, with_units
from dltrain.reporting import Reporter

VALUES = np.random.default_rng(5).normal(500, 150, 60).round(2)
LARGE = (VALUES * 1000).round(2)


def comma(value: float) -> str:
    return f"{value:.2f}".replace(".", ",")


def grouped(value: float) -> str:
    return f"{value:,.2f}"


def column(folder: Path, text: str | bytes, target: str, name: str) -> np.ndarray:
    """A column of a table by the config that `init` writes for it."""
    (folder / "t.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    assert command(["init", str(folder / "t.csv"), f"--target={target}", "-o", str(folder / "c.yaml")]) == 0
    config = load_config_text((folder / "c.yaml").read_text(), folder=folder).data
    assert config.features is None or name in config.features
    raw = read_source(config, seed=0, reporter=Reporter())
    assert isinstance(raw, RawTable)
    return read_numbers(column_of(raw.frame, name), with_units(config, raw, reading_of(config, raw)))[0]


@pytest.mark.parametrize("gap", ["NA", "?", "NULL", "no data"])
@pytest.mark.parametrize(("written", "values"), [(comma, VALUES), (grouped, LARGE)])
def test_gaps_in_many_rows_hide_no_sign(gap: str, written, values: np.ndarray, tmp_path: Path) -> None:
    lines = [f"{gap if row % 4 == 0 else written(value)};{row % 3};{row}" for row, value in enumerate(values)]
    expected = np.where(np.arange(60) % 4 == 0, np.nan, values)
    np.testing.assert_array_equal(column(tmp_path, "a;b;y\n" + "\n".join(lines), "y", "a"), expected)


@pytest.mark.parametrize(
    ("early", "late", "late_values"),
    [
        ("{:.1f}", "{:,.1f}", 1_000.5),
        ("{:.0f}", "{:.1f}|", 20.5),
        ("{:.1f}", "1 200.5", 1_200.5),
        ("${:.2f}", "${:,.2f}", 4_321.25),
    ],
)
def test_signs_that_only_late_rows_show(early: str, late: str, late_values: float, tmp_path: Path) -> None:
    last = late.format(late_values) if not late.endswith("|") else late[:-1].format(late_values).replace(".", ",")
    values = (np.arange(3_000) % 700 + 100).astype(float)
    lines = [f"{early.format(value)};{row % 7}" for row, value in enumerate(values)]
    lines += [f"{last};{row}" for row in range(5)]
    found = column(tmp_path, "a;y\n" + "\n".join(lines), "y", "a")
    np.testing.assert_array_equal(found, [*values, *[late_values] * 5])


@pytest.mark.parametrize(
    ("written", "values"),
    [
        (lambda value: f"{comma(value)};{comma(value + 1)};{comma(value * 3)}", VALUES),
        (lambda value: f"${value:.2f},{value / 9:.1f}%,${value * 3:.2f}", VALUES),
        (lambda value: f"{value:.2f} kg,2020-01-{int(value) % 28 + 1:02d},{value * 2:.1f} m", VALUES),
        (lambda value: f"{grouped(value)};{grouped(value + 1)};{grouped(value * 3)}", LARGE),
        (lambda value: f"{grouped(value)};{value + 1:,.0f};{grouped(value * 3)}", LARGE),
    ],
)
def test_a_first_row_of_amounts_is_no_header(written, values: np.ndarray, tmp_path: Path) -> None:
    found = column(tmp_path, "\n".join(map(written, values)) + "\n", "-1", "column_1")
    np.testing.assert_array_equal(found, values)


def test_names_with_digits_above_amounts_are_a_header(tmp_path: Path) -> None:
    lines = [f"{comma(value)};{comma(value + 1)};{comma(value * 3)}" for value in VALUES]
    np.testing.assert_array_equal(column(tmp_path, "2019;v 1;Q1\n" + "\n".join(lines), "Q1", "v 1"), (VALUES + 1).round(2))


def test_a_blank_before_quotes_hides_no_decimal_comma(tmp_path: Path) -> None:
    lines = [f'"{comma(value)}", "{row}", "{comma(value * 2)}"' for row, value in enumerate(VALUES)]
    np.testing.assert_array_equal(column(tmp_path, '"a", "b", "y"\n' + "\n".join(lines), "y", "a"), VALUES)


@pytest.mark.parametrize("word", ["zł", "Москва", "Αθήνα", "東京", "İzmir"])
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_wide_text_without_a_mark_in_any_alphabet(word: str, encoding: str, tmp_path: Path) -> None:
    lines = [f"{value},{word},{row}" for row, value in enumerate(VALUES)]
    text = f"a,{word},y\n" + "\n".join(lines)
    np.testing.assert_array_equal(column(tmp_path, text.encode(encoding), "y", "a"), VALUES)


def test_a_column_that_some_words_keep_from_being_numbers_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["<0.5", "trace", "~3", "n.d.", "see note 7"]
    lines = [f"{words[row % 5] if row % 3 == 0 else value},{row % 3},{row}" for row, value in enumerate(VALUES)]
    Path("t.csv").write_text("a,b,y\n" + "\n".join(lines))
    assert command(["init", "t.csv", "--target=y", "-o", "c.yaml"]) == 0
    assert "warning: a: 40 of 60 values are numbers" in capsys.readouterr().err


@pytest.mark.parametrize("gap", ["-", "no data", "x"])
@pytest.mark.parametrize("unit", ["kg", "m/s", "%"])
def test_words_among_numbers_with_a_unit_are_no_values(gap: str, unit: str, tmp_path: Path) -> None:
    lines = [f"{gap if row % 4 == 0 else f'{value:.2f} {unit}'},{row}" for row, value in enumerate(VALUES)]
    expected = np.where(np.arange(60) % 4 == 0, np.nan, VALUES)
    np.testing.assert_array_equal(column(tmp_path, "a,y\n" + "\n".join(lines), "y", "a"), expected)


@pytest.mark.parametrize("row", ["{};{};0", '"{}",{},0', "{}|{}|0"])
def test_a_power_of_ten_shows_the_decimal_comma(row: str, tmp_path: Path) -> None:
    values = [float(f"{value:.3e}") for value in VALUES]
    lines = [row.format(f"{value:.3e}".replace(".", ","), number) for number, value in enumerate(values)]
    header = row.format("a", "y").replace('"', "").replace("0", "b")
    np.testing.assert_array_equal(column(tmp_path, "\n".join([header, *lines]), "y", "a"), values)


@pytest.mark.parametrize("units", [(" s", " d"), (" in", " in"), (" cc", "")])
def test_units_are_no_flags(units: tuple[str, str]) -> None:
    cells = [f"{value:.1f}{(*units, '', '', '')[row % 5]}" for row, value in enumerate(VALUES)]
    assert find_unit(polars.Series(cells)) == ""


def test_flags_of_eurostat_are_left_out_and_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = {0: " p", 3: " b", 5: " bu"}
    cells = [": c" if row % 20 == 7 else f"{value:.1f}{flags.get(row % 9, '')}" for row, value in enumerate(VALUES)]
    lines = [f"AT{row % 5}\t{cell}\t{row}" for row, cell in enumerate(cells)]
    expected = np.where(np.arange(60) % 20 == 7, np.nan, [float(f"{value:.1f}") for value in VALUES])
    np.testing.assert_array_equal(column(tmp_path, "geo\t2019\ty\n" + "\n".join(lines), "y", "2019"), expected)
    assert "flags behind some" in capsys.readouterr().err


@pytest.mark.parametrize("unit", ["%", " kg"])
def test_numbers_of_which_some_have_a_unit_are_told(unit: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [f"{row}{unit if row % 2 else ''},{row % 7},{row % 5}" for row in range(60)]
    (tmp_path / "t.csv").write_text("a,b,y\n" + "\n".join(lines), encoding="utf-8")
    command(["init", str(tmp_path / "t.csv"), "--target=y"])
    said = capsys.readouterr().err
    assert f"a: some numbers have {unit.strip()!r} behind them or before, others nothing" in said
