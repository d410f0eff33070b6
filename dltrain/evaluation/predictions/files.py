"""Predictions as csv, jsonl, parquet or npz."""

from __future__ import annotations

import errno
import io
import json
import math
import re
import sys
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dltrain.errors import RunError, UsageError, reason_of
from dltrain.later import polars
from dltrain.wording import counted, json_without_controls, one_line, percent, shown_column, without_controls

FORMATS = ("csv", "jsonl", "parquet", "npz")
_SUFFIXES = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet", ".pq": "parquet", ".npz": "npz"}

# What a spreadsheet takes for the start of a formula, full-width forms included (OWASP, "CSV Injection").
_RUNS_IN_SPREADSHEET = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
MOST_LINES = 10  # pictures that are answered in words
LIKELY = 3
WORTH_A_WORD = 0.005
_LONGEST_SHOWN = 40
_FOUND = "rows are found by that column: a spreadsheet would run it"
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_NEEDS_QUOTES = re.compile(r'[",\r\n]|^\s|\s$|^$')


def choose_format(destination: str, wanted: str | None = None) -> str:
    """The format to write: as wanted, else by the file's suffix, else csv.

    Raises:
        UsageError: an unknown format, or a suffix that stands for none.
    """
    if wanted is not None:
        if wanted not in FORMATS:
            raise UsageError(f"--format must be one of {', '.join(FORMATS)}, found {wanted!r}")
        return wanted
    suffix = Path(destination).suffix.lower()
    if suffix and suffix not in _SUFFIXES:
        hint = f"name it by what it holds ({', '.join(_SUFFIXES)}), or say it with --format {'|'.join(FORMATS)}"
        raise UsageError(f"predictions are not written as {suffix}: {destination}", hint=hint)
    return _SUFFIXES.get(suffix, "csv")


def prediction_columns(
    identifiers: Mapping[str, Sequence[str]],
    prediction: Sequence[Any],
    probabilities: Mapping[str, Any] | None = None,
    others: Mapping[str, Any] | None = None,
) -> dict[str, Sequence[Any]]:
    """Put the columns in order: identifying ones, `prediction`, `probability_<label>` each, others.

    There is no column `prediction` where there are others and no predictions (several targets, a layer's values).

    An identifying column whose name is taken by one of the others gets `input_` in front.
    """
    own: dict[str, Sequence[Any]] = {} if others and len(prediction) == 0 else {"prediction": prediction}
    own |= {f"probability_{label}": values for label, values in (probabilities or {}).items()}
    own |= others or {}
    columns: dict[str, Sequence[Any]] = {}
    for name, values in identifiers.items():
        while name in own or name in columns:
            name = f"input_{name}"
        columns[name] = values
    return columns | own


def picture_lines(columns: Mapping[str, Sequence[Any]]) -> list[str]:
    """A line to read for each of a few pictures, such as `cat.png: tabby 93.1 %, tiger cat 4.2 %`; none for anything else.

    Args:
        columns: as `prediction_columns` orders them.
    """
    if next(iter(columns), "") != "file" or "prediction" not in columns or len(columns["file"]) > MOST_LINES:
        return []
    given = {name.removeprefix("probability_"): values for name, values in columns.items() if name.startswith("probability_")}
    lines = []
    for row, (file, prediction) in enumerate(zip(columns["file"], columns["prediction"], strict=True)):
        named = (
            (columns[f"label_{name}"][row] if f"label_{name}" in columns else name, values) for name, values in given.items()
        )
        likely = sorted(((float(values[row]), label) for label, values in named), key=lambda pair: -pair[0])
        words = [f"{label} {percent(share)}" for share, label in likely[:LIKELY] if share >= WORTH_A_WORD]
        first = prediction if isinstance(prediction, str) else f"{math.nan if prediction is None else prediction:.9g}"
        lines.append(one_line(f"{file}: {', '.join(words) or first}"))
    return lines


def write_predictions(
    destination: str,
    columns: Mapping[str, Sequence[Any]],
    *,
    format: str | None = None,
    raw: bool = False,
    arrays: Mapping[str, Any] | None = None,
    num_naming: int = 0,
) -> None:
    """Write predictions to a file, whole or not at all, or to stdout.

    Args:
        destination: a file, or `-` for stdout.
        columns: name -> values [rows], as `prediction_columns` orders them.
        format: `csv`, `jsonl`, `parquet`, `npz`; None: by the suffix, else csv.
        arrays: for npz: name -> array [rows, ...], instead of the columns that hold its numbers one by one.
        raw: leave text that a spreadsheet would run as a formula as it is. Otherwise such a csv cell gets an apostrophe in front.
            Numbers never get one, and jsonl and parquet hold text unchanged.
        num_naming: so many of the first columns name the rows: their text is never changed, for rows are found by it.

    Raises:
        UsageError: an unknown format, or parquet to a terminal.
        RunError: the system does not take it.
    """
    format = choose_format(destination, format)
    if destination == "-" and format in ("parquet", "npz") and sys.stdout.isatty():
        raise UsageError(f"{format} is not text and was not written to the terminal", hint="name a file with -o, or pipe it on")
    content = {
        "csv": lambda: to_csv(columns, raw=raw, num_naming=num_naming),
        "jsonl": lambda: to_jsonl(columns),
        "parquet": lambda: to_parquet(columns),
        "npz": lambda: to_npz(columns, arrays or {}),
    }[format]()
    if destination == "-":
        _write_to_stdout(content)
        return
    _write_file(Path(destination), content)


def _write_to_stdout(content: bytes) -> None:
    try:
        if sys.stdout is None:
            raise OSError(errno.EBADF, "it is closed")
        sys.stdout.flush()
        if sys.stdout.isatty():  # a label steers no terminal; a pipe gets what the data says
            content = without_controls(content.decode()).encode()
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    except BrokenPipeError:  # the reader has what it wanted
        raise
    except OSError as error:
        reason = f"standard output cannot be written: {reason_of(error)}"
        raise RunError(f"predictions were not written: {reason}", hint="name a file with -o") from error


def _write_file(path: Path, content: bytes) -> None:
    from dltrain.storage.atomic import write_atomically
    from dltrain.storage.outputs import is_stream

    try:
        write_atomically(path if is_stream(path) else path.resolve(), content)
    except (OSError, RunError) as error:
        reason = error.faults[0].message if isinstance(error, RunError) else f"cannot write {path}: {reason_of(error)}"
        raise RunError(f"predictions were not written: {reason}") from error


def to_csv(columns: Mapping[str, Sequence[Any]], *, raw: bool = False, num_naming: int = 0) -> bytes:
    """UTF-8, commas, one header line, LF, quotes where needed (RFC 4180).

    Numbers have the shortest form that reads back to the same bits; a number that is missing leaves its cell empty.

    Args:
        columns: name -> values [rows].
        raw: leave text as it is, whatever a spreadsheet makes of it.
        num_naming: so many of the first columns are left as they are in any case.
    """
    leave = [raw or place < num_naming for place in range(len(columns))]
    header = [_text_cell(name, raw=left) for name, left in zip(columns, leave, strict=True)]
    cells = [_csv_cells(values, raw=left) for values, left in zip(columns.values(), leave, strict=True)]
    lines = [",".join(header), *map(",".join, zip(*cells, strict=True))]
    return ("\n".join(lines) + "\n").encode("utf-8", errors="backslashreplace")


def row_documents(columns: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """A mapping of plain values for each row; a number that is not finite is None."""
    names = list(columns)
    plain = [[_plain(value) for value in _list(values)] for values in columns.values()]
    return [dict(zip(names, row)) for row in zip(*plain, strict=True)]


def to_jsonl(columns: Mapping[str, Sequence[Any]]) -> bytes:
    """One JSON object a line."""
    rows = (json_without_controls(json.dumps(row, ensure_ascii=False, allow_nan=False)) for row in row_documents(columns))
    return "".join(f"{row}\n" for row in rows).encode("utf-8", errors="backslashreplace")


def to_parquet(columns: Mapping[str, Sequence[Any]]) -> bytes:
    """Apache Parquet; arrays keep their type, text is String."""
    frame = polars.DataFrame({name: polars.Series(name, values) for name, values in columns.items()})
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    return buffer.getvalue()


def to_npz(columns: Mapping[str, Sequence[Any]], arrays: Mapping[str, Any]) -> bytes:
    """An archive of arrays without pickles: the given ones, and each column whose numbers they do not hold."""
    held = {name: np.asarray(array) for name, array in arrays.items()}
    inside = {f"{name}_{index}" for name, array in held.items() for index in range(int(np.prod(array.shape[1:])))}
    for name, values in columns.items():
        if name not in held and name not in inside:
            array = np.asarray(values)
            is_text = array.dtype == object
            held[name] = np.array(["" if value is None else str(value) for value in values]) if is_text else array
    buffer = io.BytesIO()
    # Not by keyword: a column may be called as an argument of savez is.
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, array in held.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)
    return buffer.getvalue()


def formula_notes(columns: Mapping[str, Sequence[Any]], num_naming: int) -> list[str]:
    """Sentences about text that a spreadsheet would run as a formula: what a csv does with it, a column each.

    Args:
        columns: as they are written.
        num_naming: so many of the first name the rows.
    """
    notes = []
    for place, (name, values) in enumerate(columns.items()):
        if place < num_naming and _is_formula(name):
            notes.append(f"the name of {shown_column(name)} begins as a formula does and is left as in the data, for {_FOUND}")
        found = [value for value in values if isinstance(value, str) and _is_formula(value)]
        if not found:
            continue
        such = f"{counted(len(found), 'value')} in {shown_column(name)}, such as {found[0][:_LONGEST_SHOWN]!r}"
        done = (
            f"left as in the data, for {_FOUND}"
            if place < num_naming
            else "given an apostrophe in front, so that no spreadsheet runs it; --raw leaves it as it is"
        )
        notes.append(f"{such}: text that begins as a formula does is {done}")
    return notes


def control_notes(columns: Mapping[str, Sequence[Any]]) -> list[str]:
    """A sentence about text with control characters, which a csv holds as it is in the data; none where there is none.

    Labels and identifiers are what rows and other tables are matched by: they are changed nowhere but on a terminal.

    Args:
        columns: as they are written.
    """
    found = [name for name in columns if _CONTROL.search(name)]
    found += [value for values in columns.values() for value in values if isinstance(value, str) and _CONTROL.search(value)]
    if not found:
        return []
    said = f"{counted(len(found), 'text')} with control characters, such as {found[0][:_LONGEST_SHOWN]!r}"
    done = "left as in the data, for labels and rows are found by them; a terminal that shows the file obeys them"
    return [f"{said}: {done}, --format jsonl escapes them"]


def neutralize(text: str) -> str:
    """Put an apostrophe before text that a spreadsheet would run as a formula; numbers such as `-5` and signs alone stay."""
    return f"'{text}" if _is_formula(text) else text


def _is_formula(text: str) -> bool:
    return text.startswith(_RUNS_IN_SPREADSHEET) and not _NUMBER.fullmatch(text) and bool(text.strip("=+-@"))


def _text_cell(text: str, *, raw: bool) -> str:
    text = text if raw else neutralize(text)
    return '"' + text.replace('"', '""') + '"' if _NEEDS_QUOTES.search(text) else text


def _csv_cells(values: Sequence[Any], *, raw: bool) -> list[str]:
    array = values if isinstance(values, np.ndarray) else None
    if array is not None and array.dtype.kind == "f":
        # A float32 is written with its own few digits, not with those of the float64 it would become.
        return ["" if text == "nan" else text for text in array.astype(str).tolist()]
    return [_csv_cell(value, raw=raw) for value in _list(values)]


def _csv_cell(value: Any, *, raw: bool) -> str:
    if isinstance(value, str):
        return _text_cell(value, raw=raw)
    if value is None or (isinstance(value, float) and value != value):
        return ""
    return str(value)


def _list(values: Sequence[Any]) -> Sequence[Any]:
    if not isinstance(values, np.ndarray):
        return values
    if values.dtype == np.float32:
        return [float(text) for text in values.astype(str)]
    plain: list[Any] = values.tolist()
    return plain


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not np.isfinite(value) else value
