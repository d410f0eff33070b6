"""How numbers are written is told by all rows, gaps or not, header or not: what `init` writes reads the values that were written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars
import pytest

from dltrain.cli.app import run as command
from dltrain.config import load_config_text
from dltrain.data import load_dataset
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
    assert f"a: some numbers have {unit.strip()!r} behind them or before, others not" in said


def written_and_said(folder: Path, lines: list[str], capsys: pytest.CaptureFixture[str], target: str = "y") -> tuple[str, str]:
    """What `init` writes for a table, its comments on one line each, and what it says besides."""
    (folder / "t.csv").write_text("\n".join(lines), encoding="utf-8")
    assert command(["init", str(folder / "t.csv"), f"--target={target}", "-o", str(folder / "c.yaml")]) == 0
    return (folder / "c.yaml").read_text().replace("\n  #   ", " "), capsys.readouterr().err


@pytest.mark.parametrize(
    ("codes", "why"),
    [
        ([f"1.{row % 12}" for row in range(60)], "as versions have"),
        ([f"3.{6 + row % 7}" for row in range(60)], "as versions have"),
        ([f"+4917{row * 987_654_321 % 9_000_000 + 1_000_000}" for row in range(60)], "as telephone numbers have"),
    ],
)
@pytest.mark.parametrize("wide", [0, pytest.param(600, marks=pytest.mark.slow)])
def test_versions_and_telephone_numbers_are_codes(codes, why, wide: int, tmp_path: Path, capsys) -> None:
    others = "".join(f",{column}" for column in range(wide))
    names = "".join(f",x{column}" for column in range(wide))
    lines = [f"v,b,y{names}", *(f"{code},{row % 7},{row}{others}" for row, code in enumerate(codes))]
    text, _ = written_and_said(tmp_path, lines, capsys)
    assert why in text
    config = load_config_text("data: {source: csv, path: t.csv, target: y}\nmodel: {layers: []}\n", folder=tmp_path).data
    told = [note.text for note in load_dataset(config, seed=0).notes if "taken for codes" in note.text]
    assert len(told) == 1
    assert why in told[0]


@pytest.mark.parametrize(
    "cells", [["1.5", "1.50", "1.75", "1.8", "1.10"], ["0.1", "0.2", "0.9", "0.10"], ["1.20", "1.35", "2.50"]]
)
def test_decimals_are_no_versions(cells: list[str], tmp_path: Path) -> None:
    lines = [f"{cells[row % len(cells)]},{row}" for row in range(60)]
    found = column(tmp_path, "a,y\n" + "\n".join(lines), "y", "a")
    np.testing.assert_array_equal(found, [float(cells[row % len(cells)]) for row in range(60)])


def test_telephone_numbers_show_no_sign_between_thousands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = ["phone,b,y", *(f"+49 {row * 37 % 900 + 100} {row * 91 % 900 + 100},{row % 7},{row}" for row in range(60))]
    text, _ = written_and_said(tmp_path, lines, capsys)
    assert "thousands" not in text
    assert "left out: phone (text, all different)" in text


@pytest.mark.parametrize("sign", ["£", "£ ", "$", "US$"])
@pytest.mark.parametrize("separator", [";", "\t"])
def test_no_pound_has_thousandths(sign: str, separator: str, tmp_path: Path) -> None:
    values = [row * 1_237 % 90_000 + 1_000 for row in range(60)]
    lines = [separator.join((f"{sign}{value:,}", str(row % 7), str(row))) for row, value in enumerate(values)]
    found = column(tmp_path, "\n".join([separator.join("aby"), *lines]), "y", "a")
    np.testing.assert_array_equal(found, values)


def test_thousandths_of_euros_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = ["a;b;y", *(f"€{row + 1},{row * 37 % 900 + 100};{row % 7};{row}" for row in range(60))]
    text, said = written_and_said(tmp_path, lines, capsys)
    assert "numbers such as 1,100 could be read in two ways" in text
    assert "data.decimal: '.' reads it as 1100" in said


def test_a_row_of_totals_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = ["n,a,y", *(f"r{row},{row},{row * 2}" for row in range(60)), f"Total,{sum(range(60))},{2 * sum(range(60))}"]
    text, said = written_and_said(tmp_path, lines, capsys)
    for told in (text, said):
        assert "the last row is called 'Total' and holds the sums of the others" in told


def test_how_dates_are_read_is_said_in_full(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    zones = ["+02:00", "+01:00"]
    lines = ["t,a,y", *(f"2021-10-{row % 28 + 1:02d}T0{row % 9}:30:00{zones[row % 2]},{row % 7},{row}" for row in range(60))]
    text, _ = written_and_said(tmp_path, lines, capsys)
    assert 'so its hours are those of UTC; data.dates: {t: "%Y-%m-%dT%H:%M:%S%z @Europe/Berlin"}' in text


def test_few_whole_numbers_of_a_status_are_classes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = ["a,Status", *(f"{row * 7 % 31},{row % 3}" for row in range(60))]
    text, _ = written_and_said(tmp_path, lines, capsys, "Status")
    assert "task: classification" in text
    lines[0] = "a,amount"
    (tmp_path / "u.csv").write_text("\n".join(lines))
    config = load_config_text("data: {source: csv, path: u.csv, target: amount}\nmodel: {layers: []}\n", folder=tmp_path).data
    reason = load_dataset(config, seed=0).schema.targets[0].reason
    assert reason == "`amount` holds numbers, 3 different whole ones; data.task: classification would make each a class"


def test_decimal_commas_below_lines_of_text_separate_nothing(tmp_path: Path) -> None:
    lines = ["# made by hand", "# twice", "a;y", *(f"{comma(value)};{row}" for row, value in enumerate(VALUES))]
    np.testing.assert_array_equal(column(tmp_path, "\n".join(lines), "y", "a"), VALUES)


def test_a_blank_in_each_line_separates_nothing_where_commas_do(tmp_path: Path) -> None:
    lines = [f'{row % 28 + 1:02d}.06.2019 14:27,"{value:,.2f}",{row}' for row, value in enumerate(LARGE)]
    np.testing.assert_array_equal(column(tmp_path, "n Zimmer,b,y\n" + "\n".join(lines), "y", "b"), LARGE)


def test_amounts_that_are_or_more_beside_those_that_are_or_less_are_no_value(tmp_path: Path) -> None:
    written = ["-", '"250,000+"', '"2,500-"', *(f"{value:.0f}" for value in LARGE)]
    lines = "\n".join(f"{text},{row % 3},{row}" for row, text in enumerate(written))
    expected = [np.nan] * 3 + LARGE.round(0).tolist()
    np.testing.assert_array_equal(column(tmp_path, "a,b,y\n" + lines, "y", "a"), expected)


@pytest.mark.parametrize("written", ["{:.1f}/5", "{:.1f} / 5"])
def test_marks_out_of_five_are_numbers_and_words_among_them_no_values(written: str, tmp_path: Path) -> None:
    marks = np.round(1 + VALUES % 4, 1)
    cells = [written.format(mark) for mark in marks]
    cells[3:6] = ["NEW", "-", "NEW"]
    rows = [f"{cell},{row % 7},{'ab'[row % 2]}" for row, cell in enumerate(cells)]
    read = column(tmp_path, "\n".join(["rate,votes,place", *rows]) + "\n", "votes", "rate")
    marks[3:6] = np.nan
    np.testing.assert_array_equal(read.ravel(), marks.ravel())


@pytest.mark.parametrize(
    "cells",
    [
        [f"{day}/12" for day in range(1, 32)],  # days of December
        [f"{100 + row}/80" for row in range(40)],  # blood pressure
        [f"{row}/{5 + row % 2}" for row in range(5)] * 4,
    ],
)
def test_other_numbers_with_a_slash_are_no_marks(cells: list[str]) -> None:
    assert find_unit(polars.Series(cells)) == ""


def test_numbers_of_two_units_are_no_names_of_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cells = [f"{value:.2f} {'kmpl' if row % 20 else 'km/kg'}" for row, value in enumerate(VALUES)]
    rows = [f"{cell},{row % 7},{'ab'[row % 2]}" for row, cell in enumerate(cells)]
    (tmp_path / "t.csv").write_text("\n".join(["mileage,votes,place", *rows]) + "\n")
    assert command(["init", str(tmp_path / "t.csv"), "--target=votes", "-o", str(tmp_path / "c.yaml")]) == 0
    assert "mileage: numbers with different units (km/kg, kmpl)" in " ".join(capsys.readouterr().err.split())


def test_numbers_behind_which_each_line_ends_with_a_sign_are_numbers(tmp_path: Path) -> None:
    lines = "".join(f"{row % 4},{'abc'[row % 3]},{value:.2f};\n" for row, value in enumerate(VALUES))
    np.testing.assert_array_equal(column(tmp_path, lines, "2", "column_3").ravel(), VALUES)


def test_columns_each_written_in_one_way_are_not_told_to_be_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [f"{comma(value)};{value / 100:.{1 + row % 2 * 2}f};{row % 3}" for row, value in enumerate(VALUES)]
    points = [float(row.split(";")[1]) for row in rows]
    for name, values in (("a", VALUES), ("b", points)):
        (tmp_path / name).mkdir()
        np.testing.assert_array_equal(column(tmp_path / name, "a;b;y\n" + "\n".join(rows), "y", name), values)
    assert "warning" not in capsys.readouterr().err


def test_a_code_for_no_value_in_the_target_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [f"{row % 7},{-200 if row % 4 == 0 else value / 100:.2f}" for row, value in enumerate(VALUES)]
    column(tmp_path, "x,co\n" + "\n".join(rows), "co", "x")
    told = capsys.readouterr().err
    assert "co:" in told
    assert 'if that is a code, `data.replace: {co: {"-200": ""}}` makes it no value' in told


@pytest.mark.parametrize("dash", ["-", "\u2013", "--"])
def test_dashes_in_most_rows_of_a_ledger_are_no_words(dash: str, tmp_path: Path) -> None:
    amounts = np.concatenate([VALUES, VALUES + 0.5])
    cells = [dash if row % 4 else f"{value:.2f}" for row, value in enumerate(amounts)]
    text = "account,debit,y\n" + "".join(f"{'ab'[row % 2]},{cell},{row * 7 % 31}.5\n" for row, cell in enumerate(cells))
    found = column(tmp_path, text, "y", "debit")
    np.testing.assert_array_equal(found, [np.nan if row % 4 else value for row, value in enumerate(amounts)])
    assert "a dash in a ledger means 0" in " ".join((tmp_path / "c.yaml").read_text().replace("#", " ").split())
