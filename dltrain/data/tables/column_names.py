"""Columns of a table by their names, which may be anything: polars takes some for patterns of names."""

from __future__ import annotations

import re
from collections.abc import Sequence

from dltrain.config.types import DataConfig
from dltrain.errors import DataError
from dltrain.later import polars
from dltrain.storage.bounds import NAME_BYTES

NO_PATTERN = "\0"
UNNAMED = re.compile(r"unnamed_\d+")


def refuse_long_names(names: Sequence[str], file: str) -> None:
    """Refuse names of columns that no table has: each is written again wherever the column is spoken of.

    Raises:
        DataError: one is longer than the bound.
    """
    lengths = [len(name.encode(errors="surrogatepass")) for name in names]
    longest = max(lengths, default=0)
    if longest > NAME_BYTES.value:
        message = f"the name of column {lengths.index(longest) + 1} is {longest:,} bytes long, more than {NAME_BYTES.value:,}"
        hint = f"if the file has no header line: data.header: false; {NAME_BYTES.hint}"
        raise DataError(message, file=file or None, hint=hint)


def comment_hint(names: Sequence[str]) -> str:
    """What to say where the names of columns do not do and the first begins as comments do; empty: it does not."""
    first = next((name for name in names if not UNNAMED.fullmatch(name)), "")  # one may stand for names of rows
    mark = next((mark for mark in ("#", "%", "//") if first.startswith(mark)), None)
    return f'if its first line is a comment, `data.comment: "{mark}"` leaves out lines that begin so' if mark else ""


def only(frame: polars.DataFrame, names: Sequence[str]) -> polars.DataFrame:
    """Some columns."""
    return polars.DataFrame([frame.get_column(name) for name in names])


def column_of(frame: polars.DataFrame, name: str) -> polars.Series:
    """One column of a table in memory, or of its columns on disk.

    It is called by its `marked` name, of which `name_of` gives the name in the table.
    """
    return frame[name].alias(marked(name))


def marked(name: str) -> str:
    """What a series may be called: its methods ask polars for it by its name, where `^x$` finds others without this mark."""
    return name + NO_PATTERN if name.startswith("^") and name.endswith("$") else name


def name_of(series: polars.Series) -> str:
    """The name of a column in its table."""
    return str(series.name).removesuffix(NO_PATTERN)


def named_columns(config: DataConfig) -> list[tuple[str, str]]:
    """(key path, column) of every column that the config names."""
    named = [("data.target", name) for name in config.target]
    named += [(f"data.features.{name}", name) for name in config.features or ()]
    named += [("data.drop", name) for name in config.drop]
    named += [("data.identifiers", name) for name in config.identifiers]
    named += [(f"data.replace.{name}", name) for name in config.replace]
    gaps = config.arguments.get("gaps") or ()
    named += [("data.gaps", name) for name in ([gaps] if isinstance(gaps, str) else gaps)]
    named += [("data.weight", config.weight)] if config.weight else []
    for key in ("time", "id", "known", "static") if config.series else ():
        named += [(f"data.series.{key}", name) for name in getattr(config.series, key)]
    for key in ("column", "group", "time"):
        name = getattr(config.split, key)
        named += [(f"data.split.{key}", name)] if name else []
    for key in ("scale", "impute", "encode", "min_count", "embedding_size", "dates"):
        option = getattr(config, key)
        named += [(f"data.{key}.{name}", name) for name in option] if isinstance(option, dict) else []
    return named
