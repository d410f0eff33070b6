"""Several raw tables or stacks of pictures as one, with the parts they came as."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from dltrain.data.arrays.disk_array import in_memory
from dltrain.data.raw import TWO_READINGS, Raw, RawPictures, RawTable
from dltrain.data.tables.column_names import only
from dltrain.errors import DataError, Fault, Note, warn
from dltrain.later import polars
from dltrain.wording import column_hint, listed

MOST_SAID = 3  # notes of a kind, of several files


def combine_tables(tables: Sequence[RawTable], may_lack: Collection[str] = ()) -> RawTable:
    """Put tables below one another, columns matched by name; columns that the first lacks are left out and said.

    Args:
        tables: at least one.
        may_lack: columns that some of them may be without: they are empty there, and it is said.

    Raises:
        DataError: a table lacks another column of the first.
    """
    joined = _joined(tables, may_lack)
    return joined if len(tables) == 1 else replace(joined, notes=tuple(few_of(joined.notes)))


def _joined(tables: Sequence[RawTable], may_lack: Collection[str] = ()) -> RawTable:
    """As `combine_tables`, with all notes."""
    if len(tables) == 1:
        return tables[0]
    columns = list(tables[0].frame.columns)
    columns += [name for name in may_lack if name not in columns and any(name in table.frame.columns for table in tables)]
    origin: list[tuple[int, str, int]] = []
    notes: list[Note] = []
    faults: list[Fault] = []
    rows = 0
    for table in tables:
        name = _name_of(table)
        lacking = [column for column in columns if column not in table.frame.columns]
        missing = [column for column in lacking if column not in may_lack]
        surplus = [column for column in table.frame.columns if column not in columns]
        if missing:
            message = f"has no column {listed(missing)}, which {_name_of(tables[0])} has"
            faults.append(Fault(message, file=name, hint=column_hint(missing[0], table.frame.columns)))
        elif lacking:
            notes.append(Note(f"{name}: without {listed(lacking)}, which is yet to come"))
        origin += [(rows + row, file, line) for row, file, line in table.origin]
        rows += table.frame.height
        notes += table.notes
        if surplus:
            said = f"{name}: columns that {_name_of(tables[0])} lacks are left out: {listed(surplus)}"
            notes.append(warn(said, "surplus_columns"))
    if faults:
        raise DataError(faults)
    reading = _agreed(tables)
    return replace(
        tables[0],
        frame=polars.concat([_with_all(table.frame, columns) for table in tables], how="vertical_relaxed", rechunk=True),
        origin=tuple(origin),
        details=_merged([table.details for table in tables]),
        notes=tuple(note for note in notes if note.code != TWO_READINGS or not _is_overruled(note, tables, reading)),
        reading=reading,
    )


def _with_all(frame: polars.DataFrame, names: Sequence[str]) -> polars.DataFrame:
    """These columns of a frame, empty ones where it lacks them."""
    lacking = [polars.lit(None).alias(name) for name in names if name not in frame.columns]
    return only(frame.with_columns(lacking) if lacking else frame, names)


def few_of(notes: Sequence[Note]) -> list[Note]:
    """The first notes of each kind; how many more there are is said in one line, so that hundreds of files fill no screen.

    Args:
        notes: of several files: a line of what each holds, or warnings, of which those of one code are of a kind.
    """
    kinds = Counter((note.level, note.code) for note in notes)
    seen: Counter[tuple[str, str]] = Counter()
    kept = []
    for note in notes:
        kind = (note.level, note.code)
        seen[kind] += 1
        more = kinds[kind] - MOST_SAID
        if seen[kind] <= MOST_SAID or more == 1:  # a line that says "1 more" could as well be the one
            kept.append(note)
        elif seen[kind] == kinds[kind]:
            kept.append(replace(note, text=f"… and {more:,} more {'files' if note.level == 'note' else 'like this'}"))
    return kept


def combine_parts(raws: Mapping[str, Raw]) -> Raw:
    """One raw whose `parts` are the given ones; "train" stays whole to be split where it is the only one without rows of its own.

    Raises:
        DataError: the parts do not fit together (columns, shapes, kinds).
    """
    names = list(raws)
    tables = [raw for raw in raws.values() if isinstance(raw, RawTable)]
    pictures = [raw for raw in raws.values() if isinstance(raw, RawPictures)]
    lengths = [num_rows(raw) for raw in raws.values()]
    ends = np.cumsum([0, *lengths])
    parts = {name: np.arange(ends[index], ends[index + 1]) for index, name in enumerate(names)}
    if len(tables) == len(raws):
        return replace(_joined(tables), parts=parts)  # the notes of each part are few already
    if len(pictures) < len(raws):
        raise DataError("one part is a table and another holds pictures")
    shapes = {raw.images.shape[1:] for raw in pictures}
    if len(shapes) > 1:
        raise DataError(f"the parts have arrays of different shapes: {listed(sorted(shapes))}")
    if len({raw.target is None for raw in pictures}) > 1:
        raise DataError("one part has a target, another has none")
    first = pictures[0]
    return replace(
        first,
        images=np.concatenate([in_memory(raw.images) for raw in pictures]),
        target=None if first.target is None else np.concatenate([raw.target for raw in pictures if raw.target is not None]),
        names=tuple(name for raw in pictures for name in raw.names),
        details=_merged([raw.details for raw in pictures]),
        notes=tuple(note for raw in pictures for note in raw.notes),
        parts=parts,
    )


def num_rows(raw: Raw) -> int:
    """Rows of a table, or pictures."""
    return int(raw.frame.height) if isinstance(raw, RawTable) else len(raw.images)


def _name_of(table: RawTable) -> str:
    return table.origin[0][1] if table.origin else next(iter(table.details), "the table")


def _merged(details: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for one in details:
        merged.update(one)
    return merged


def _agreed(tables: Sequence[RawTable]) -> dict[str, Any]:
    """How all of the tables are written.

    The signs of numbers are those of the files whose values show them; a file of whole numbers alone shows none. Where no file
    shows them, they are those that were taken, and said, for values of two readings.

    Raises:
        DataError: two files show different ones.
    """
    readings = [table.reading for table in tables]
    agreed = {key: value for key, value in readings[0].items() if all(reading.get(key) == value for reading in readings)}
    shown = [table for table in tables if table.reading.get("is_sure")]
    telling = shown or [table for table in tables if table.reading.get("unsure")]
    if not telling:
        return agreed
    found: dict[str, str] = {}
    for table in telling:
        for key in ("decimal", "thousands"):
            sign = table.reading.get(key)
            if sign is not None and found.setdefault(key, sign) != sign:
                raise _different_signs(telling[0], table)
    if found.get("thousands") == found["decimal"]:
        raise _different_signs(telling[0], next(table for table in telling if table.reading.get("thousands")))
    for table in tables:  # 1.344 beside a file with 2,5 can only be a thousand
        sign = table.reading.get("unsure")
        if shown and sign and sign != found["decimal"]:
            found.setdefault("thousands", sign)
    for key in ("decimal", "thousands", "is_sure", "remark", "unsure"):
        agreed.pop(key, None)
    kept = {"is_sure": "true"} if shown else {key: telling[0].reading[key] for key in ("remark", "unsure")}
    return {**agreed, **found, **kept}


def _different_signs(first: RawTable, other: RawTable) -> DataError:
    signs = [
        f'the decimal sign "{table.reading["decimal"]}"'
        + (f' and "{table.reading["thousands"]}" between thousands' if table.reading.get("thousands") else "")
        for table in (first, other)
    ]
    message = f"its numbers have {signs[1]}, those of {_name_of(first)} {signs[0]}"
    return DataError(message, file=_name_of(other), hint="write the numbers of all files in one way")


def _is_overruled(note: Note, tables: Sequence[RawTable], reading: Mapping[str, Any]) -> bool:
    """Whether a note says of numbers with two readings that they are taken in one way, and another file shows the other."""
    for table in tables:
        sign = table.reading.get("unsure")
        if sign and note.text.endswith(table.reading["remark"]):
            return bool((table.reading.get("thousands") == sign) != (reading.get("thousands") == sign))
    return False
