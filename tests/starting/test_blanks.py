"""Tables whose columns runs of blanks separate, as older collections of data are written: a first config says so."""

from pathlib import Path

import pytest

from dltrain.config import load_config_text
from dltrain.config.types import DataConfig
from dltrain.data.load import read_raw
from dltrain.errors import DataError
from dltrain.starting.start import make_starter
from tests.data.streaming import IN_MEMORY, STREAMED, assert_same, load_as, small_chunks

HORSEPOWER = ["?" if row == 5 else f"{row * 37 % 200}.0" for row in range(60)]
ALIGNED = [f'{18 + row % 9:.1f}   {4 + row % 3}   {power}\t"ford {row % 12}"' for row, power in enumerate(HORSEPOWER)]
TABS = ["\t\t" if row % 9 == 4 else "\t" for row in range(60)]
DOUBLED_TABS = [f"{row * 7 % 11}.5\t{row * 3 % 13}.25{tabs}{row % 3}" for row, tabs in enumerate(TABS)]
LEADING = [f" {row % 5} {row * 7 % 11}.125  {row * 3 % 17}.5 " for row in range(60)]
MOMENTS = [f"2024-01-{1 + row % 28:02} {row % 24:02}:00\t{row * 7 % 11}\t{row * 3 % 17}" for row in range(60)]
EMPTY_CELLS = ["\t".join([str(row), "" if row % 7 == 3 else "x", str(row * 3 % 17)]) for row in range(60)]


@pytest.mark.parametrize(("lines", "columns"), [(ALIGNED, 4), (DOUBLED_TABS, 3), (LEADING, 3)])
def test_runs_of_blanks_separate(lines: list[str], columns: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.data").write_text("\n".join(lines) + "\n")
    config = load_config_text(make_starter("t.data", target="1").text, folder=tmp_path)
    assert (config.data.separator, config.data.header) == ("whitespace", False)
    raw, _ = read_raw(config.data, seed=0)
    assert (raw.frame.height, raw.frame.width) == (60, columns)


@pytest.mark.parametrize(("lines", "separator"), [(MOMENTS, "tab"), (EMPTY_CELLS, "tab")])
def test_blanks_inside_fields_do_not(lines: list[str], separator: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.tsv").write_text("\n".join(lines) + "\n")
    config = load_config_text(make_starter("t.tsv", target="-1").text, folder=tmp_path)
    assert config.data.separator == separator
    raw, _ = read_raw(config.data, seed=0)
    assert (raw.frame.height, raw.frame.width) == (60, 3)


@pytest.mark.parametrize("signs", ["::", "||"])
def test_two_signs_separate(signs: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    cells = [
        (str(row), f"{row % 7}:{row % 60:02}", f'"a {signs} b"' if row % 9 == 0 else "c|d", str(row * 3 % 17))
        for row in range(60)
    ]
    (tmp_path / "t.dat").write_text("\n".join(signs.join(row) for row in cells if '"' not in row[2]) + "\n")
    config = load_config_text(make_starter("t.dat", target="-1").text, folder=tmp_path)
    assert (config.data.separator, config.data.header) == (signs, False)
    (tmp_path / "t.dat").write_text("\n".join(signs.join(row) for row in cells) + "\n")
    raw, _ = read_raw(config.data, seed=0)
    assert raw.frame.rows() == [tuple(cell.strip('"') for cell in row) for row in cells]
    small_chunks(monkeypatch, 64)
    assert_same(load_as(monkeypatch, IN_MEMORY, config.data), load_as(monkeypatch, STREAMED, config.data))


ABOVE = "Report of sales\n\nmade 2020\n"


@pytest.mark.parametrize("before", ["", ABOVE])
@pytest.mark.parametrize(
    ("signs", "row"),
    [
        ("::", "{row},5::{row},25::{label}"),  # more commas than signs, but of numbers
        ("||", "{row}||{label}||{label}"),
        ("||", "Jan {row}, 2020||Feb {row}, 2020||{label}"),
        ("::", "{row} kg::0,25::{label}"),
        ("  ", '{row}.5  "{label} {label}"  {label}'),
    ],
)
def test_signs_below_other_lines(signs: str, row: str, before: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [row.format(row=number % 28 + 1, label="ab"[number % 2]) for number in range(40)]
    (tmp_path / "t.txt").write_text(before + "\n".join([signs.join(['"one"', '"two"', '"y"']), *rows]) + "\n")
    config = load_config_text(make_starter("t.txt", target="y").text, folder=tmp_path)
    assert (config.data.separator, config.data.skip) == (signs if signs.strip() else "whitespace", 3 if before else 0)
    raw, _ = read_raw(config.data, seed=0)
    assert raw.frame.rows() == [tuple(cell.strip('"') for cell in line.split(signs)) for line in rows]


@pytest.mark.parametrize("before", ["", " The Boston data\n of 1978.\n\n"])
def test_rows_that_go_over_two_lines_are_told(before: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [f" 0.{row:05}  18.00   2.310  0  0.5380\n  {row % 7}.5750  65.20" for row in range(1, 40)]
    (tmp_path / "t.data").write_text(before + "\n".join(rows) + "\n")
    with pytest.raises(DataError, match="each row goes over 2 lines, of 5, 2 values"):
        make_starter("t.data", target="-1")
    said = DataConfig(
        "csv", path=("t.data",), separator="whitespace", header=False, skip=before.count("\n"), target=("column_1",)
    )
    with pytest.raises(DataError, match="each row goes over 2 lines, of 5, 2 values") as caught:
        read_raw(said, seed=0)
    assert "skip" not in str(caught.value)
