"""What cells are not as they were said or seen to be: words of `missing` and `replace` that none is, codes where none was."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dltrain.config.types import DataConfig
from dltrain.data.columns.reading import Reading, holds
from dltrain.data.columns.spoken import bare_number, bare_numbers, first_code, words_among, words_as_gaps
from dltrain.data.tables.column_names import column_of
from dltrain.errors import Note, warn
from dltrain.later import polars
from dltrain.wording import listed, shown_column

if TYPE_CHECKING:
    from dltrain.data.columns.column import FeatureColumn


@dataclass(slots=True)
class UnmetWords:
    """Words in `missing` and `replace` that have not occurred in the cells seen so far.

    Attributes:
        missing: of `data.missing`.
        replace: column -> of `data.replace`.
        drop: columns that are not looked at for the first.
    """

    missing: list[str]
    replace: dict[str, list[str]]
    drop: frozenset[str] = frozenset()

    @classmethod
    def of(cls, config: DataConfig) -> UnmetWords:
        """All words of a config."""
        replaced = {name: [word for word in words if word] for name, words in config.replace.items()}
        return cls([word for word in config.missing or () if word], replaced, frozenset(config.drop))

    def __bool__(self) -> bool:
        return bool(self.missing) or any(self.replace.values())

    def among(self, frame: polars.DataFrame, reading: Reading) -> list[tuple[str | None, str]]:
        """The words that occur in some rows: (column, or None for `missing`; word)."""
        columns = [name for name in frame.columns if name not in self.drop]
        met: list[tuple[str | None, str]] = [
            (None, word)
            for word in list(self.missing)
            if any(holds(column_of(frame, name), (word,), reading).any() for name in columns)
        ]
        for name, words in self.replace.items():
            met += [(name, word) for word in list(words) if holds(column_of(frame, name), (word,), reading).any()]
        return met

    def remove(self, met: Iterable[tuple[str | None, str]]) -> None:
        """Take out words that were met."""
        for name, word in met:
            words = self.missing if name is None else self.replace[name]
            if word in words:
                words.remove(word)

    def warnings(self) -> list[Note]:
        """One of those of `missing`, and one of each column's."""
        missing = f"data.missing: no value of the table is {listed([repr(word) for word in self.missing], 8)}"
        said = [missing] if self.missing else []
        said += [
            f"data.replace: no value of {shown_column(name)} is {listed([repr(word) for word in words], 8)}"
            for name, words in self.replace.items()
            if words
        ]
        return [warn(text, "no_such_value") for text in said]


def unmet_words(config: DataConfig, frame: polars.DataFrame, reading: Reading) -> list[Note]:
    """Warnings of words in `missing` and `replace` that occur in no cell of the table."""
    words = UnmetWords.of(config)
    words.remove(words.among(frame, reading))
    return words.warnings()


def new_codes(frame: polars.DataFrame, columns: Sequence[FeatureColumn], reading: Reading) -> list[Note]:
    """Warnings of codes with leading zeros in later rows, in columns of numbers that had none while the run was made."""
    met, there = [], {*frame.columns}
    for column in columns:
        if column.kind == "number" and column.name not in reading.codes and column.name in there:
            code = first_code(column_of(frame, column.name), reading)
            met += [] if code is None else [f"{shown_column(column.name)} ({code})"]
    said = "values with leading zeros, where the training has numbers; they are read as numbers, without the zeros"
    return [warn(f"{said}: {listed(met, 8)}", "late_codes")] if met else []


def said_of_gaps(frame: polars.DataFrame, reading: Reading, names: Collection[str], *, are_later: bool = False) -> list[Note]:
    """What is said of words in some rows that are read as no value: of those of the columns named that are there."""
    have = {*frame.columns} & {*names}
    there = [name for name in reading.gaps if name in have]
    return words_as_gaps(words_among(frame, there, reading), frame.height, are_later=are_later)


def said_of_units(frame: polars.DataFrame, reading: Reading, names: Collection[str]) -> list[Note]:
    """What is said of numbers in some rows without the unit of training's: of those of the columns named that are there."""
    have = {*frame.columns} & {*(reading.units or {})}
    there = [name for name in names if name in have]
    return bare_numbers({name: bare_number(column_of(frame, name), reading) for name in there}, reading)
