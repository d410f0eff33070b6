"""What is told from a table's beginning is what its whole tells: of quotes that stay open, and of categories written out."""

from __future__ import annotations

from pathlib import Path

import polars
import pytest

from dltrain.config.types import DataConfig
from dltrain.data.look import read_facts
from dltrain.data.tables.parquet_file import read_parquet
from dltrain.data.tables.sample import BLOCK, read_head
from dltrain.data.tables.streamed.chunks import _batches as streamed_batches
from dltrain.errors import DataError
from dltrain.storage import bounds


def test_an_open_quote_in_the_first_row_of_a_large_table_is_told_as_one(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text('a,b,y\n"1,2,0\n' + "3,4,1\n5,6,0\n" * 200_000)
    facts = read_facts(DataConfig("csv", path=(str(file),), target=("y",)), seed=0)
    fault = facts.errors[0]
    assert (fault.message, fault.line, fault.column) == ("the quote that opens here is never closed", 2, 1)


def test_a_field_of_more_lines_than_the_beginning_is_read_to_its_end(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    first = 'a,y\n"' + "line\n" * (BLOCK // 2) + '",0\n'
    file.write_text(first + "b,1\n" * (4 * BLOCK))
    head, complete, _ = read_head(str(file), 1000)
    assert head.startswith(first.encode())
    assert head[len(first) :].count(b"b,1\n") * 4 == len(head) - len(first)
    assert not complete


@pytest.mark.parametrize("kind", [polars.Categorical(), polars.Enum(["a" * 10_000])])
def test_a_long_category_in_each_row_is_refused_before_it_is_written_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: polars.DataType
) -> None:
    monkeypatch.setattr(bounds, "ALWAYS_ALLOWED", 1 << 20)
    file = str(tmp_path / "rows.parquet")
    polars.DataFrame({"a": polars.Series(["a" * 10_000]).cast(kind).new_from_index(0, 1000)}).write_parquet(file)
    for read in (lambda: read_parquet(file), lambda: list(streamed_batches(file, 1000))):
        with pytest.raises(DataError, match="over 200 times its size"):
            read()
