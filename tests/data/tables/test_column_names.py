"""Names of columns without end, and without end of the same, are told at once."""

from __future__ import annotations

import io
from pathlib import Path

import polars
import pytest

from dltrain.config.types import DataConfig
from dltrain.data import load_dataset
from dltrain.data.tables import text_layout
from dltrain.data.tables.text_layout import _lines_that_are
from dltrain.errors import DataError

LONG = "x" * 70_000


def table(path: Path, names: list[str], *rows: list[str]) -> DataConfig:
    path.write_text(",".join(names) + "\n" + "".join(",".join(cells) + "\n" for cells in rows) * 40)
    return DataConfig("csv", path=(str(path),), target=(names[-1],))


def test_attack_15_a_name_that_no_column_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = table(tmp_path / "t.csv", ["a", LONG, "y"], ["1", "2", "no"], ["3", "4", "yes"])
    with pytest.raises(DataError, match="the name of column 2 is 70,000 bytes long, more than 65,536") as caught:
        load_dataset(config, seed=0)
    assert "DLTRAIN_MAX_NAME_BYTES" in str(caught.value.faults[0].hint)
    polars.DataFrame({"a": [1, 2], LONG: [1, 2], "y": [0, 1]}).write_parquet(tmp_path / "t.parquet")
    stored = DataConfig("parquet", path=(str(tmp_path / "t.parquet"),), target=("y",))
    with pytest.raises(DataError, match="the name of column 2 is 70,000 bytes long"):
        load_dataset(stored, seed=0)
    monkeypatch.setenv("DLTRAIN_MAX_NAME_BYTES", "70000")
    load_dataset(config, seed=0)


def test_attack_15_a_thousand_equal_names_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(text_layout, "is_number", lambda cell: bool(asked.append(cell)))
    config = table(tmp_path / "t.csv", ["a"] * 1000 + ["y"], ["1"] * 1000 + ["no"])
    with pytest.raises(DataError) as caught:
        load_dataset(config, seed=0)
    assert [fault.message for fault in caught.value.faults][::10] == [
        "the column name 'a' stands at 1 and again at 2", "and 989 more",
    ]  # fmt: skip
    assert len(asked) < 10_000


def test_a_line_is_found_where_it_stands_alone() -> None:
    content = b"\xef\xbb\xbfa,b\n1,2\na,b\r\na,b,c\nxa,b\n\xef\xbb\xbfa,b\na,b"
    lines = io.BytesIO(content).readlines()
    expected = [index for index, line in enumerate(lines) if line.strip().removeprefix(b"\xef\xbb\xbf") == b"a,b"]
    found = [content.count(b"\n", 0, start) for start, _ in _lines_that_are(b"a,b", content)]
    assert found == expected == [0, 2, 5, 6]
    assert [content[start:end] for start, end in _lines_that_are(b"a,b", content)] == [
        b"\xef\xbb\xbfa,b", b"a,b\r", b"\xef\xbb\xbfa,b", b"a,b",
    ]  # fmt: skip
