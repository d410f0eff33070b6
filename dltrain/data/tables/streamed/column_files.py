"""Columns of a table on disk, read one at a time: stands for the frame of a `RawTable` that does not fit in memory."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from dltrain.data.arrays.disk_array import DiskArray, in_memory
from dltrain.data.columns.column import FeatureColumn, Surprises, read_feature
from dltrain.data.columns.kinds import ColumnKind
from dltrain.data.columns.reading import Reading, text_of
from dltrain.data.columns.spoken import bare_number, first_code
from dltrain.data.columns.unmet_words import UnmetWords
from dltrain.data.tables.column_names import column_of
from dltrain.errors import Note, RunError
from dltrain.later import polars

AS_READ = "as read"


@dataclass(slots=True)
class ColumnFiles:
    """A table in Parquet files of some thousand rows each.

    Attributes:
        folder: where they are.
        columns: names of all columns of the source, also of those that are not kept.
        height: rows.
        files: name and rows of each file, in order.
        stored: column -> what it is stored as: `AS_READ`, or values of the kind "number", "boolean", "date", "category".
        surprises: column -> what could not be read as that kind.
        kinds: column -> what the first rows say it is; columns that are not there are to be judged by all rows.
        unmet: words of the config that no row holds.
        last_rows: of each source its first row, the row behind its last, and the texts of the last.
        bare: column of numbers with a unit -> the first of them without it.
        coded: column of numbers -> the first of them with zeros before it.
    """

    folder: Path
    columns: list[str]
    height: int
    files: Sequence[tuple[str, int]]
    stored: Mapping[str, str]
    surprises: Mapping[str, Surprises]
    kinds: Mapping[str, ColumnKind] = field(default_factory=dict)
    unmet: UnmetWords = field(default_factory=lambda: UnmetWords([], {}))
    last_rows: Sequence[tuple[int, int, Mapping[str, str | None]]] = ()
    bare: Mapping[str, float] = field(default_factory=dict)
    coded: Mapping[str, str] = field(default_factory=dict)

    @property
    def width(self) -> int:
        """Columns of the source."""
        return len(self.columns)

    def __getitem__(self, name: str) -> polars.Series:
        """A whole column as it is stored."""
        if self.stored[name] == "number":
            return polars.Series(name, self.numbers(name), nan_to_null=True)
        return polars.concat([series for _, series in self.pieces(name)], rechunk=False)

    def pieces(self, name: str) -> Iterator[tuple[int, polars.Series]]:
        """First row and values of each piece of a column, as it is stored."""
        first = 0
        for file, num_rows in self.files:
            yield first, column_of(self.read(file, [name]), name)
            first += num_rows

    def read(self, file: str, names: Sequence[str]) -> polars.DataFrame:
        """Some columns of a file."""
        order = list(polars.read_parquet_schema(self.folder / file))  # by place, since names may look like patterns
        return polars.read_parquet(
            self.folder / file, columns=[order.index(name) for name in names], memory_map=False, glob=False
        )

    def values(self, column: FeatureColumn, reading: Reading) -> Any:
        """A column's values by kind, all rows: float64 array, or a series of dates or text."""
        if column.by_kind.is_array:
            return self.numbers(column.name, column, reading)
        return polars.concat(
            [self.piece_values(series, column, reading) for _, series in self.pieces(column.name)], rechunk=False
        )

    def piece_values(self, series: polars.Series, column: FeatureColumn, reading: Reading) -> Any:
        """Values by kind of a piece of a column."""
        if self.stored[column.name] == AS_READ:
            return read_feature(series, column, reading)[0]
        return _to_array(series) if column.by_kind.is_array else series

    def categories_of(self, column: FeatureColumn, reading: Reading, chosen: NDArray[np.bool_], times: int = 1) -> polars.Series:
        """The values, among them null, that the chosen rows [rows] of a category hold, each no more than so many times."""
        seen = polars.Series("", [], polars.String)
        for first, series in self.pieces(column.name):
            values = self.piece_values(series, column, reading).filter(polars.Series(chosen[first : first + len(series)]))
            if times == 1:
                seen = polars.concat([seen, values.unique().alias("")]).unique()
            else:
                both = polars.concat([seen, values.alias("")]).alias("word").to_frame()
                seen = both.filter(polars.int_range(polars.len()).over("word") < times)["word"].alias("")
        return seen

    def surprises_of(self, column: FeatureColumn, reading: Reading) -> Surprises:
        """What could not be read as values of the column's kind."""
        if self.stored[column.name] != AS_READ:
            return self.surprises.get(column.name, Surprises())
        found = Surprises()
        for first, series in self.pieces(column.name):
            _, bad, mended = read_feature(series, column, reading)
            found.add(bad, mended, first)
        return found

    def bare_number(self, name: str, reading: Reading) -> float | None:
        """See `bare_number`."""
        if self.stored[name] != AS_READ:
            return self.bare.get(name)
        found = (bare_number(series, reading) for _, series in self.pieces(name))
        return next((number for number in found if number is not None), None)

    def first_code(self, name: str, reading: Reading) -> str | None:
        """See `first_code`."""
        if self.stored[name] != AS_READ:
            return self.coded.get(name)
        found = (first_code(series, reading) for _, series in self.pieces(name))
        return next((code for code in found if code is not None), None)

    def unmet_words(self, reading: Reading) -> list[Note]:
        """See `unmet_words`; columns whose unit only late rows show are looked through once more, with it."""
        unmet, units = self.unmet, reading.units or {}
        for name in [
            name for name, words in unmet.replace.items() if words and name in units and self.stored.get(name) == AS_READ
        ]:
            for _, series in self.pieces(name):
                unmet.remove(UnmetWords([], {name: unmet.replace[name]}).among(series.alias(name).to_frame(), reading))
        return unmet.warnings()

    def numbers(self, name: str, column: FeatureColumn | None = None, reading: Reading | None = None) -> NDArray[np.float64]:
        """A whole column of numbers as it is stored, or read as a column of that kind; NaN where there is no value."""
        numbers = np.empty(self.height)
        for first, series in self.pieces(name):
            values = _to_array(series) if column is None or reading is None else self.piece_values(series, column, reading)
            numbers[first : first + len(series)] = values
        return numbers


class RowTexts(Sequence[str]):
    """What a column on disk says of the rows of a part, as text; a piece of it is in memory.

    Args:
        files: the columns.
        name: of one that is kept as it was read.
        rows: int64 [rows], on disk: which rows of the table.
    """

    def __init__(self, files: ColumnFiles, name: str, rows: DiskArray) -> None:
        self.files, self.name, self.rows = files, name, rows
        self.starts = np.cumsum([0, *(num_rows for _, num_rows in files.files)])
        self.piece, self.texts = -1, [""]

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self[row] for row in range(*index.indices(len(self)))]
        if not 0 <= index < len(self):
            raise IndexError(index)
        return self._text_of(int(self.rows.read(index, index + 1)[0]))

    def __iter__(self) -> Iterator[str]:
        return (self._text_of(row) for row in in_memory(self.rows).tolist())

    def _text_of(self, row: int) -> str:
        piece = int(np.searchsorted(self.starts, row, "right")) - 1
        if piece != self.piece:
            series = column_of(self.files.read(self.files.files[piece][0], [self.name]), self.name)
            self.piece, self.texts = piece, text_of(series).fill_null("").to_list()
        return self.texts[row - int(self.starts[piece])]


def _to_array(series: polars.Series) -> NDArray[np.float64]:
    array: NDArray[np.float64] = series.fill_null(float("nan")).to_numpy(writable=True)
    return array


def write_meta(path: Path, document: Mapping[str, Any]) -> None:
    """Write what `read_meta` reads."""
    path.write_text(json.dumps(document, ensure_ascii=False, default=str))


def needed_meta(path: Path) -> dict[str, Any]:
    """The description of a folder that is there.

    Raises:
        RunError: it is not readable.
    """
    document = read_meta(path)
    if not document:
        raise RunError(f"{path} cannot be read", hint="is the disk in order? the folder is made anew when it is removed")
    return document


def read_meta(path: Path) -> dict[str, Any]:
    """A folder's description; empty where it is not readable."""
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}
