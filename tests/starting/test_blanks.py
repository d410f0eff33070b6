"""Tables whose columns runs of blanks separate, as older collections of data are written: a first config says so."""

from pathlib import Path

import pytest

from dltrain.config import load_config_text
from dltrain.data.load import read_raw
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
