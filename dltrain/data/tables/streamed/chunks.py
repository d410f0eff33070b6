"""A table too long for memory, a chunk of rows at a time: raw text or Parquet to columns of the kinds that are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.types import DataConfig
from dltrain.data.columns.column import FeatureColumn, read_feature
from dltrain.data.columns.reading import Reading, word_numbers
from dltrain.data.columns.spoken import bare_number, first_code
from dltrain.data.columns.unmet_words import UnmetWords
from dltrain.data.files import check_utf8, read_blocks
from dltrain.data.tables.column_names import column_of, only
from dltrain.data.tables.parquet_file import parquet_faults, refuse_repeated, without_edge_blanks
from dltrain.data.tables.streamed.text_chunks import (
    CHUNK_BYTES,
    Records,
    count_records,
    read_text_columns,
    read_typed_columns,
    scan_records,
    text_chunks,
)
from dltrain.data.tables.text_format import Framing
from dltrain.data.tables.text_layout import PLAIN, TextLayout
from dltrain.data.tables.text_parse import read_columns, strip_field_blanks
from dltrain.data.tables.text_scan import WidthCheck
from dltrain.later import polars
from dltrain.wording import shown

Bad = dict[str, tuple[NDArray[np.int64], Any]]
BATCH_ROWS = 100_000


@dataclass(slots=True)
class Wanted:
    """The columns to keep and how.

    Attributes:
        columns: name -> its kind; None: as it was read.
        reading: how text becomes values.
        exact: columns of numbers that are to be kept as they are read if one of them is no number or a code such as 01.
        has_words: a chunk held a word for "no value" in a column of numbers, so the next ones may as well.
        unmet: words of the config that no chunk held so far: the next ones are looked through for them.
    """

    columns: Mapping[str, FeatureColumn | None]
    reading: Reading
    exact: frozenset[str] = frozenset()
    has_words: bool = False
    unmet: UnmetWords | None = None

    @property
    def numbers(self) -> list[str]:
        """The columns that are numbers, whatever their text is."""
        kept = [name for name, column in self.columns.items() if column is not None and column.by_kind.holds_numbers]
        return [name for name in kept if name not in self.exact]

    @property
    def is_plain(self) -> bool:
        """Whether numbers are written as every program writes them."""
        reading = self.reading
        return reading.decimal == "." and not reading.thousands and not reading.replace and not reading.units

    @property
    def has_number_words(self) -> bool:
        """Whether a word for "no value" could be taken for a number."""
        return bool(word_numbers(self.reading.missing, self.reading))

    @property
    def is_all_read(self) -> bool:
        """Whether every column is converted, so that words for "no value" may become gaps in all of them."""
        return all(column is not None for column in self.columns.values())


@dataclass(slots=True)
class Chunk:
    """Some rows of a file.

    Attributes:
        num_rows: how many records there are.
        frame: the wanted columns of all or the first of them; None: not asked for.
        bad: column -> rows that hold no value of its kind, and all values.
        bare: column -> its first number without the unit of the others.
        coded: columns of numbers -> their first code with zeros before it.
        origin: (row of the chunk, file, line) wherever the distance between row and line changes.
        widths: fields and lines of the records where they were counted one by one.
        met: words that were looked for and are in these rows.
        last: the texts of the last row, by the source's columns; empty where it is not among the rows.
        repeats: lines with the header once more.
        empty: rows without any value behind them, at the file's end.
    """

    num_rows: int
    frame: polars.DataFrame | None = None
    bad: Bad = field(default_factory=dict)
    bare: Mapping[str, float] = field(default_factory=dict)
    coded: Mapping[str, str] = field(default_factory=dict)
    origin: tuple[tuple[int, str, int], ...] = ()
    widths: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None
    met: list[tuple[str | None, str]] = field(default_factory=list)
    last: tuple[str | None, ...] = ()
    repeats: Sequence[int] = ()
    empty: int = 0

    def count_in(self, check: WidthCheck) -> None:
        """Tell the check of widths about the records."""
        if self.widths is not None:
            check.add(*self.widths)
        elif self.num_rows:
            check.add_right(self.num_rows, self.origin[0][2])


# Makes a chunk: (wanted columns, most rows to keep); None in place of the columns only checks and counts.
MakeChunk = Callable[[Wanted | None, int | None], Chunk]


@dataclass(frozen=True, slots=True)
class TextSource:
    """A delimited text file."""

    file: str
    layout: TextLayout
    encoding: str | None
    framing: Framing = PLAIN

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns."""
        return self.layout.columns

    @property
    def key(self) -> list[Any]:
        """What decides how the file is read."""
        layout = self.layout
        return [
            list(layout.columns),
            layout.first,
            layout.separator,
            layout.quote,
            self.encoding,
            *([repr(self.framing)] if self.framing != PLAIN else []),
        ]

    def describe(self, num_rows: int) -> str:
        """The line about it in the summary."""
        return self.layout.describe(Path(self.file).name, num_rows)

    def width_check(self) -> WidthCheck:
        """A check of its records."""
        return self.layout.width_check(shown(self.file))

    def chunks(self, see: Callable[[bytes], Any]) -> Iterator[MakeChunk]:
        """The file in order, each chunk to be made in any thread.

        Args:
            see: is given the bytes of the file, in order.
        """
        first, empty = self.layout.first, list[int]()
        for content, line in text_chunks(self.file, self.encoding, self.layout.quote, CHUNK_BYTES, see, empty):
            content = self.framing.apply(content, line)
            if first and content.isspace():
                continue
            content, repeats = self.layout.without_repeats(content, line, begins=first > 0)
            yield _Text(self, content, line, first, repeats, sum(empty)).make
            first = 0


@dataclass(frozen=True, slots=True)
class _Text:
    """A chunk of a text file."""

    source: TextSource
    content: bytes
    line: int
    first: int
    repeats: Sequence[int] = ()
    empty: int = 0

    def make(self, wanted: Wanted | None, most: int | None) -> Chunk:
        """See `MakeChunk`.

        Raises:
            DataError: no UTF-8 text, or quotes out of place.
        """
        chunk = self._make(wanted, most)
        chunk.repeats, chunk.empty = self.repeats, self.empty
        return chunk

    def _make(self, wanted: Wanted | None, most: int | None) -> Chunk:
        source = self.source
        content = check_utf8(self.content, source.file, self.line)
        records = count_records(content, self.line, source.layout, self.first)
        if records is not None and records.num_records and wanted is not None:
            chunk = self._read(records, content, wanted, most)
            if chunk is not None:
                return chunk
        # What was only counted is looked at record by record where the reader does not agree, or nobody reads it.
        records = scan_records(content, self.line, source.file, source.layout, self.first)
        assert records.scan is not None
        widths = records.scan.num_fields[self.first :], records.scan.lines[self.first :]
        if wanted is None or not records.num_records or (widths[0] != len(source.columns)).any():
            return Chunk(records.num_records, origin=records.origin(shown(source.file)), widths=widths)
        chunk = self._read(records, content, wanted, most)
        assert chunk is not None
        chunk.widths = widths
        return chunk

    def _read(self, records: Records, content: bytes, wanted: Wanted, most: int | None) -> Chunk | None:
        """The columns of the text; None where the reader does not agree with the count."""
        layout, names = self.source.layout, list(wanted.columns)
        frame, done = None, tuple[str, ...]()
        is_typed = wanted.is_plain and wanted.numbers and not wanted.has_number_words and not wanted.unmet
        if records.scan is None and is_typed:
            words = wanted.reading.missing if wanted.is_all_read else None
            has_words = wanted.has_words
            if words is not None or not has_words:
                frame = read_typed_columns(records, layout, names, wanted.numbers, words if has_words else None)
            if frame is None and words is not None and not has_words:
                frame = read_typed_columns(records, layout, names, wanted.numbers, words)
                wanted.has_words = frame is not None
            done = tuple(wanted.numbers) if frame is not None else ()
        if frame is None:
            frame = read_text_columns(records, layout, self.source.file)
            if frame is None:
                return None
        frame = frame.head(most) if most is not None else frame
        last = self._last(records, content) if most is None else ()
        met = wanted.unmet.among(frame, wanted.reading) if wanted.unmet and not done else []
        chunk = read_kinds(frame, wanted, done)
        chunk.num_rows, chunk.origin = records.num_records, records.origin(shown(self.source.file))
        chunk.met, chunk.last = met, last
        return chunk

    def _last(self, records: Records, content: bytes) -> tuple[str | None, ...]:
        """The cells of the text's last record."""
        layout, scan = self.source.layout, records.scan
        record = records.content.rstrip(b"\n").rpartition(b"\n")[2]
        if scan is not None:
            record = strip_field_blanks(content[scan.starts[-1] : scan.ends[-1]], scan, len(scan.starts) - 1)
        frame = read_columns(record, layout.columns, layout.separator, layout.quote, shown(self.source.file), self.line)
        return tuple(frame.row(0)) if frame.height == 1 else ()


@dataclass(frozen=True, slots=True)
class ParquetSource:
    """A Parquet file.

    Attributes:
        file: its path.
        columns: names.
        num_rows: rows.
        is_whole: columns of fractional type -> whether they hold whole numbers only, where that decides how they are written.
    """

    file: str
    columns: tuple[str, ...]
    num_rows: int
    is_whole: Mapping[str, bool] = field(default_factory=dict)

    @property
    def key(self) -> list[Any]:
        """What decides how the file is read."""
        return [list(self.columns)]

    def describe(self, num_rows: int) -> str:
        """The line about it in the summary."""
        return f"{Path(self.file).name}: {num_rows:,} rows, {len(self.columns)} columns"

    def width_check(self) -> None:
        """Its rows are all equally wide."""
        return

    def chunks(self, see: Callable[[bytes], Any]) -> Iterator[MakeChunk]:
        """See `TextSource.chunks`."""
        for block in read_blocks(self.file, CHUNK_BYTES):
            see(block)
        first = 0
        with parquet_faults(self.file):
            for frame in _batches(self.file, self.num_rows):
                yield _Rows(self, frame, first).make
                first += frame.height


@dataclass(frozen=True, slots=True)
class _Rows:
    """A chunk of a Parquet file."""

    source: ParquetSource
    frame: Any
    first: int

    def make(self, wanted: Wanted | None, most: int | None) -> Chunk:
        """See `MakeChunk`."""
        origin = () if self.first else ((0, shown(self.source.file), 0),)
        if wanted is None:
            return Chunk(self.frame.height, origin=origin)
        frame, _ = without_edge_blanks(self.frame if most is None else self.frame.head(most))
        met = wanted.unmet.among(frame, wanted.reading) if wanted.unmet else []
        cells = frame.tail(1).rows() if most is None else []
        last = tuple(cell if isinstance(cell, str) else None for cell in cells[0]) if cells else ()
        chunk = read_kinds(as_text(only(frame, list(wanted.columns)), self.source.is_whole), wanted, ())
        chunk.num_rows, chunk.origin, chunk.met, chunk.last = self.frame.height, origin, met, last
        return chunk


def _batches(file: str, num_rows: int) -> Iterator[polars.DataFrame]:
    lazy = polars.scan_parquet(file, glob=False)
    if hasattr(lazy, "collect_batches"):
        batches = lazy.collect_batches(chunk_size=BATCH_ROWS, maintain_order=True)
    else:
        batches = (lazy.slice(first, BATCH_ROWS).collect() for first in range(0, num_rows, BATCH_ROWS))
    size = 0
    for batch in batches:
        yield refuse_repeated(batch, file, size)
        size += int(batch.estimated_size())


def as_text(frame: polars.DataFrame, is_whole: Mapping[str, bool]) -> polars.DataFrame:
    """Columns of fractional type as text, written alike in all chunks."""
    return frame.with_columns(
        (column.fill_nan(None).cast(polars.Int64) if whole else column.fill_nan(None)).cast(polars.String).alias(name)
        for name, whole in is_whole.items()
        if name in frame.columns
        for column in [column_of(frame, name)]
    )


def whole_columns(file: str, num_rows: int, frame: polars.DataFrame, config: DataConfig) -> dict[str, bool]:
    """Columns of fractional type that the config makes categories or replaces values in: whether they hold whole numbers only."""

    forced = {name for name, kind in (config.features or {}).items() if kind == "category"} | {*config.replace}
    names = [name for name in frame.columns if name in forced and column_of(frame, name).dtype.is_float()]
    if not names:
        return {}
    found = dict.fromkeys(names, True)
    for batch in _batches(file, num_rows):
        for name in names:
            values = column_of(batch, name).fill_nan(None)
            found[name] &= bool((values.is_finite() & (values == values.round(0)) & (values.abs() < 2**53)).fill_null(True).all())
    return found


def read_kinds(frame: polars.DataFrame, wanted: Wanted, done: tuple[str, ...]) -> Chunk:
    """The wanted columns as values of their kinds, what could not be read, and what is odd about numbers.

    Args:
        frame: text, or values of a file's own types.
        wanted: columns and kinds.
        done: columns that are numbers already.
    """
    columns, bad, bare, coded = list[polars.Series](), {}, {}, {}
    for name, column in wanted.columns.items():
        series = column_of(frame, name)
        if column is not None and name not in done:
            if column.kind == "number" and (code := first_code(series, wanted.reading)) is not None:
                coded[name] = code
            if (number := bare_number(series, wanted.reading)) is not None:
                bare[name] = number
            values, rows, mended = read_feature(series, column, wanted.reading)
            series = polars.Series(name, values, nan_to_null=True) if isinstance(values, np.ndarray) else values
            if len(rows):
                bad[name] = rows, mended
        columns.append(series.alias(name))
    return Chunk(frame.height, polars.DataFrame(columns), bad, bare, coded)
