"""Columns whose cells hold several values: lists of numbers, records, whole pictures; and the command that takes them apart."""

from __future__ import annotations

import os
from collections.abc import Mapping

from dltrain.data.columns.reading import PICTURE_STARTS, PICTURES, SAMPLE_ROWS
from dltrain.data.files import read_blocks, to_utf8
from dltrain.data.tables.text_encoding import detect_encoding
from dltrain.data.tables.text_format import SAMPLE_BYTES, find_separator
from dltrain.errors import DataError
from dltrain.later import polars
from dltrain.storage.formats.other_files import source_by_name
from dltrain.wording import counted, listed

# As pixels, embeddings and spectra are written into one cell: blanks or commas between; two numbers are a list in brackets alone.
_NUMBER = r"(?:[-+]?\.?\d[-+.eE\d]*|nan|NaN|null|None)"
_BARE_LIST, _LIST = rf"{_NUMBER}(?:[\s,;]+{_NUMBER}){{7,}}", rf"{_NUMBER}(?:[\s,;]+{_NUMBER})+"
LIST_OF_NUMBERS = rf"^\s*(?:{_BARE_LIST}|\[\s*{_LIST}\s*\]|\(\s*{_LIST}\s*\))\s*$"
LISTS, AS_TEXT, OWN_COLUMNS = "lists of ", " as text", "each of which needs a column of its own"
# How the reasons begin of columns that a command takes apart.
RECORDS = "records of "
APART = (LISTS, RECORDS, PICTURES)
# Numbers with a decimal comma, which blanks or semicolons are between.
_COMMAS = r"^[\s\[(]*[-+]?\d+,\d+(?:\s*[\s;]\s*[-+]?\d+,\d+)+[\s\])]*$"
OF_COMMAS = " with decimal commas"


def several_in_cells(series: polars.Series) -> str:
    """Why a column of Parquet whose cells hold several values is no feature; empty: they do not."""
    return numbers_in_lists(series) or _pictures_in_cells(series) or _records_in_cells(series)


def lists_as_text(sample: polars.Series) -> str:
    """Why a column of text that holds lists of numbers is no feature; empty: it holds none, or not as many in each cell."""
    if not sample.str.contains(LIST_OF_NUMBERS).all():
        return ""
    has_commas = bool(sample.str.contains(_COMMAS).all())
    lengths = sample.str.count_matches(r"[^\s;\[\]()]+" if has_commas else r"[^\s,;\[\]()]+")
    if lengths.min() != lengths.max():
        return ""
    return f"{LISTS}{lengths[0]:,} numbers{OF_COMMAS * has_commas}{AS_TEXT}, {OWN_COLUMNS}"


def _records_in_cells(series: polars.Series) -> str:
    """Why a column of Parquet whose cells are records is no feature; empty: it is none."""
    fields = [field.name for field in getattr(series.dtype, "fields", ())]
    return f"{RECORDS}{counted(len(fields), 'field')} ({listed(fields, 4)}), {OWN_COLUMNS}" if fields else ""


def _pictures_in_cells(series: polars.Series) -> str:
    """Why a column of Parquet whose cells are whole files of pictures is no feature; empty: it is none."""
    fields = [field.name for field in getattr(series.dtype, "fields", ())]
    values = series.drop_nulls().head(SAMPLE_ROWS)
    values = values.struct.field("bytes").drop_nulls() if "bytes" in fields else values
    if str(values.dtype) != "Binary" or not len(values):
        return ""
    suffix = next((suffix for start, suffix in PICTURE_STARTS.items() if values[0].startswith(start)), "")
    return f"{PICTURES} ({suffix})" if suffix else ""


def numbers_in_lists(series: polars.Series) -> str:
    """Why a column of Parquet's lists of numbers is no feature; empty: it holds none, or not as many in each cell."""
    inner = getattr(series.dtype, "inner", None)
    if inner is None or not inner.is_numeric():
        return ""
    lengths = series.drop_nulls().head(SAMPLE_ROWS).cast(polars.List(inner)).list.len()
    is_even = len(lengths) and lengths.min() == lengths.max()
    return f"{LISTS}{counted(int(lengths[0]), 'number')}, {OWN_COLUMNS}" if is_even else ""


def apart_command(columns: Mapping[str, str], file: str) -> str:
    """What to do about columns that are left out as lists of numbers, or as pictures: a command; empty: none of them is.

    Args:
        columns: columns, and why they are left out.
        file: the table, as its user calls it.
    """
    pictures = [name for name, reason in columns.items() if reason.startswith(PICTURES)]
    if pictures:
        return _picture_command(pictures[0], columns[pictures[0]], file)
    lists = {name: reason for name, reason in columns.items() if reason.startswith((LISTS, RECORDS))}
    if not lists:
        return ""
    made = []
    for name, reason in lists.items():
        if reason.startswith(RECORDS):
            made.append(f"polars.col({name!r}).name.prefix_fields({name + '_'!r})")
            continue
        how = "cast(polars.List(polars.Float64))"
        if AS_TEXT in reason:
            signs = r"[^\s;()\[\]]+" if OF_COMMAS in reason else r"[^\s,;()\[\]]+"
            point = ".str.replace(',', '.')" * (OF_COMMAS in reason)
            how = f"str.extract_all(r'{signs}').list.eval(polars.element(){point}.cast(polars.Float64, strict=False))"
        fields = f"[f'{name}_{{i}}' for i in range({reason.removeprefix(LISTS).split()[0].replace(',', '')})]"
        made.append(f"polars.col({name!r}).{how}.list.to_struct(fields={fields})")
    kind = source_by_name(file)
    new = f"{os.path.splitext(os.path.basename(file))[0]}_apart.parquet"
    names = ", ".join(map(repr, lists))
    written = _written(file) if kind == "csv" else ""
    code = f"polars.read_{kind}({file!r}{written}).with_columns({', '.join(made)}).unnest({names}).write_parquet({new!r})"
    return f'`python -c "import polars; {code}"` makes columns of them'


def _written(file: str) -> str:
    """The arguments of `polars.read_csv` by which a file is read, where it is not written with commas and in UTF-8."""
    try:
        head = next(read_blocks(file, SAMPLE_BYTES), b"")
        encoding = detect_encoding(head)
        separator = find_separator(to_utf8(head[: head.rfind(b"\n") + 1] or head, encoding, file), '"')
    except (DataError, LookupError, UnicodeError):  # it is elsewhere, or its beginning is cut within a letter
        return ""
    said = f", separator={separator!r}" if separator != "," else ""
    return said + (f", encoding={encoding!r}" if encoding else "")


def _picture_command(name: str, reason: str, file: str) -> str:
    stem, there = os.path.splitext(os.path.basename(file))[0], os.path.dirname(file)
    suffix = reason.removeprefix(f"{PICTURES} (").rstrip(")")
    folder, new = os.path.join(there, f"{stem}_pictures"), os.path.join(there, f"{stem}_named.parquet")
    cells = f"c = t[{name!r}]; c = c.struct['bytes'] if c.dtype == polars.Struct else c"
    files = f"n = [f'{stem}_pictures/{{i}}{suffix}' for i in range(len(t))]"
    write = f"[pathlib.Path({there!r}, f).write_bytes(b) for f, b in zip(n, c)]"
    table = f"t.with_columns(polars.Series({name!r}, n)).write_parquet({new!r})"
    code = f"t = polars.read_parquet({file!r}); {cells}; {files}; pathlib.Path({folder!r}).mkdir(); {write}; {table}"
    return f'`python -c "import pathlib, polars; {code}"` makes files of them, and a table that names these: {new}'
