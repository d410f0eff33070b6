"""Quotes that surround no fields, as in texts between tabs: told, read as letters where the config says so, and by `init`."""

from pathlib import Path

import pytest

from dltrain.config import load_config_text
from dltrain.data.load import load_dataset, read_raw
from dltrain.errors import ConfigError
from dltrain.starting.start import make_starter

ROWS = [f"{('ham', 'spam')[row % 2]}\tmessage {row} of {row * 7 % 5}" for row in range(30)]
JOINED = ['ham\t"begins with a quote', 'spam\tends with one"']
OPEN = ['ham\tsaid "hello', *JOINED]


def load(folder: Path, lines: list[str], quote: str = ""):
    (folder / "t.tsv").write_text("\n".join(lines) + "\n")
    text = f"data: {{source: csv, path: t.tsv, header: false, target: column_1, features: {{column_2: text}}{quote}}}\n"
    return load_config_text(text + "model: {layers: [{Dense: {units: 2}}]}\n", folder=folder).data


def test_lines_that_quotes_join_are_told_and_read_apart_without_quotes(tmp_path: Path) -> None:
    joined = load_dataset(load(tmp_path, [*JOINED, *ROWS]), seed=0)
    assert any("quotes join lines that each have 2 fields without them; data.quote: none" in text for text in joined.warnings)
    raw, _ = read_raw(load(tmp_path, [*JOINED, *ROWS], ", quote: none"), seed=0)
    assert raw.frame.height == 32
    assert raw.frame["column_2"][:2].to_list() == ['"begins with a quote', 'ends with one"']
    meant = load_dataset(load(tmp_path, [*JOINED, *ROWS], """, quote: '"'"""), seed=0)
    assert not any("quotes join" in text for text in meant.warnings)


def test_fields_of_several_lines_are_no_such(tmp_path: Path) -> None:
    lines = ['ham\t"one line', 'and another"', *ROWS]
    dataset = load_dataset(load(tmp_path, lines), seed=0)
    assert not any("quotes join" in text for text in dataset.warnings)


@pytest.mark.parametrize("first", [OPEN, JOINED])
def test_a_first_config_says_that_quotes_are_letters(first: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.tsv").write_text("\n".join([*ROWS, *first, *ROWS]) + "\n")
    config = load_config_text(make_starter("t.tsv", target="1").text, folder=tmp_path)
    assert config.data.quote == "none"
    raw, _ = read_raw(config.data, seed=0)
    assert raw.frame.height == 60 + len(first)
    (tmp_path / "t.tsv").write_text("\n".join([*ROWS, 'ham\t"one line', 'and another"']) + "\n")
    assert "quote:" not in make_starter("t.tsv", target="1").text


def test_a_quote_is_one_character_or_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="expected a single character"):
        load(tmp_path, ROWS, ", quote: xy")
