"""Parquet files that anyone may have made: what they unpack to is reckoned before memory is given, and damage is told."""

from __future__ import annotations

import contextlib
import io
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dltrain.data.columns.reading import is_added_type
from dltrain.data.tables.column_names import column_of, refuse_long_names
from dltrain.errors import DataError, Note
from dltrain.later import polars
from dltrain.storage.bounds import COLUMNS, RATIO, ROW_BYTES, most_unpacked
from dltrain.storage.formats.parquet_footer import column_bytes
from dltrain.wording import listed, shown

MOST_NAMED = 8
# How long a period of pandas is -> the unit of numpy that counts them, and how many of these it has.
_PERIODS = {
    **dict.fromkeys(("Y-DEC", "A-DEC"), ("Y", 1)), "Q-DEC": ("M", 3), "M": ("M", 1), "D": ("D", 1),
    **dict.fromkeys(("h", "H"), ("h", 1)), **dict.fromkeys(("min", "T"), ("m", 1)), **dict.fromkeys(("s", "S"), ("s", 1)),
}  # fmt: skip
VALUE_BYTES = 16  # what a value takes whose type says nothing else: text is a view of so many bytes


@contextlib.contextmanager
def parquet_faults(file: str) -> Iterator[None]:
    """What polars raises about a damaged file is the file's fault; a panic of its Rust code is one of them."""
    try:
        yield
    except (OSError, ValueError, MemoryError, polars.exceptions.PolarsError, polars.exceptions.PanicException) as error:
        message = f"not a readable parquet file: {' '.join(str(error).split())[:200]}"
        raise DataError(message, file=shown(file)) from error


def read_parquet(file: str, num_rows: int | None = None) -> polars.DataFrame:
    """The table of a file, or its first rows.

    Raises:
        DataError: damaged, none, or unpacking to an absurd size.
    """
    _refuse_bomb(file)
    with parquet_faults(file):
        return refuse_repeated(polars.read_parquet(file, n_rows=num_rows, glob=False), file)


def read_parquet_content(file: str) -> tuple[polars.DataFrame, bytes]:
    """The table of a file, and its bytes.

    Raises:
        DataError: damaged, none, or unpacking to an absurd size.
    """
    _refuse_bomb(file)
    with parquet_faults(file):
        content = Path(file).read_bytes()
        return refuse_repeated(polars.read_parquet(io.BytesIO(content)), file), content


def without_edge_blanks(frame: polars.DataFrame) -> tuple[polars.DataFrame, list[str]]:
    """Text without the blanks around it, as that of CSV is read; and the columns that had any. Periods of pandas are dates."""
    mended = {}
    frame = _plain(frame)
    for name in frame.columns:
        series = column_of(frame, name)
        is_category = str(series.dtype).startswith(("Categorical", "Enum"))
        if series.dtype != polars.String and not is_category:
            continue
        text = series.cast(polars.String)
        stripped = text.str.strip_chars()
        if (stripped != text).any():
            mended[name] = stripped.cast(polars.Categorical) if is_category else stripped
    if mended:
        frame = polars.DataFrame(
            [mended[name].alias(name) if name in mended else column_of(frame, name).alias(name) for name in frame.columns]
        )
    return frame, list(mended)


def _plain(frame: polars.DataFrame) -> polars.DataFrame:
    """The columns of types that others have added to Parquet as what they mean, where that is known."""
    added = {name for name in frame.columns if is_added_type(frame.schema[name])}
    if not added:
        return frame
    return polars.DataFrame(
        [
            (_plain_column if name in added else lambda series: series)(column_of(frame, name)).alias(name)
            for name in frame.columns
        ]
    )


def _plain_column(series: polars.Series) -> polars.Series:
    """A period of pandas as the day or the second that it begins with; text of a meaning of its own as text."""
    name, stored = series.dtype.ext_name(), series.ext.storage()
    if name != "pandas.period":
        return stored if stored.dtype == polars.String else series
    freq = re.search(r'"freq"\s*:\s*"([\w-]+)"', series.dtype.ext_metadata() or "")
    unit, times = _PERIODS.get(freq[1] if freq else "", ("", 0))
    if not unit:
        return series
    begins = (stored.fill_null(0).to_numpy() * times).astype(f"datetime64[{unit}]")
    is_day = unit in "YMD"
    dates = polars.Series(begins.astype(f"datetime64[{'D' if is_day else 'us'}]"))
    return polars.select(polars.when(stored.is_not_null()).then(dates)).to_series()


def blanks_note(file: str, names: list[str]) -> list[Note]:
    """What is said of columns that had blanks around their text."""
    return (
        [Note(f"{Path(file).name}: blanks around the text of {listed(names, MOST_NAMED)} left out, as in CSV")] if names else []
    )


def count_parquet_rows(file: str) -> int:
    """Rows of a file.

    Raises:
        DataError: damaged, or none.
    """
    with parquet_faults(file):
        return int(polars.scan_parquet(file, glob=False).select(polars.len()).collect().item())


def _refuse_bomb(file: str) -> None:
    with parquet_faults(file):
        size = os.path.getsize(file)
        if not size:
            raise DataError("the file is empty", file=shown(file))
        schema: Mapping[str, Any] = polars.read_parquet_schema(file)
        if len(schema) > COLUMNS.value:
            raise DataError(f"has {len(schema):,} columns, more than {COLUMNS.value:,}", file=shown(file), hint=COLUMNS.hint)
        refuse_long_names(list(schema), shown(file))
        limit = most_unpacked(size)
        total = max(count_parquet_rows(file) * (ROW_BYTES + sum(map(_value_bytes, schema.values()))), column_bytes(file))
    if total > limit:
        raise _bomb(file, size, total)


def refuse_repeated(frame: polars.DataFrame, file: str, before: int = 0) -> polars.DataFrame:
    """The rows that were read, unless they are a text of the file over and over: that is kept once here, and copied later on.

    Args:
        frame: of polars, which takes views of it.
        file: of which they are.
        before: bytes of the file's rows that were read before these.

    Raises:
        DataError: written out they are too large for the file.
    """
    size, total = os.path.getsize(file), before + _written_out(frame)
    if total > most_unpacked(size):
        raise _bomb(file, size, total)
    return frame


def _written_out(frame: polars.DataFrame) -> int:
    """Bytes of a table whose texts each stand by themselves: of categories polars counts their numbers alone."""
    total = int(frame.estimated_size())
    for name in frame.columns:
        series = column_of(frame, name)
        if isinstance(series.dtype, (polars.Categorical, polars.Enum)):
            total += int(series.cat.len_bytes().cast(polars.Int64).sum() or 0)
    return total


def _bomb(file: str, size: int, total: int) -> DataError:
    message = f"its {size >> 10:,} kB unpack to {total >> 20:,} MB or more, over {RATIO.value} times its size"
    return DataError(message, file=shown(file), hint=RATIO.hint)


def _value_bytes(dtype: Any) -> int:
    """Bytes of a value in memory, from below."""
    if dtype in (polars.Boolean, polars.Int8, polars.UInt8, polars.Int16, polars.UInt16):
        return 1
    if dtype in (polars.Int32, polars.UInt32, polars.Float32, polars.Date):
        return 4
    return 8 if dtype.is_numeric() or dtype.is_temporal() else VALUE_BYTES
