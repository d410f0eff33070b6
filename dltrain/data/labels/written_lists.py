"""Lists of labels that were written as text: `['a', 'b']` by pandas, `["a", "b"]` by JSON, `{a,b}` by a database."""

from __future__ import annotations

import ast
import contextlib
import json
import re

from dltrain.data.columns.reading import Reading, is_text, mend
from dltrain.later import polars

_LIST = r"^(\[[^\[\]]*\]|\{[^{}]*\}|\([^()]*\))$"
# A label in quotes, in which the quote itself stands behind a backslash; or one without.
_LABEL = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^,\s'"][^,]*""")


def read_written_lists(series: polars.Series, reading: Reading) -> polars.Series | None:
    """The column as one of lists, as Parquet holds them; None unless each cell that holds something is written so.

    Args:
        series: the raw column.
        reading: its words for "no value".
    """
    if not is_text(series):
        return None
    cells = mend(series, reading).str.strip_chars()
    cells = cells.set(cells == "", None)
    filled = cells.drop_nulls()
    if not len(filled) or filled[0][0] not in "[{(" or not filled.str.contains(_LIST).all():
        return None
    lists = [None if cell is None else [_bare(label) for label in _LABEL.findall(cell[1:-1])] for cell in cells]
    return polars.Series(series.name, lists, polars.List(polars.String))


def _bare(label: str) -> str:
    label = label.strip()
    if len(label) < 2 or label[0] not in "'\"" or label[-1] != label[0]:
        return label
    if "\\" not in label:
        return label[1:-1]
    for read in (json.loads, ast.literal_eval):  # a text alone: neither runs anything
        with contextlib.suppress(ValueError, SyntaxError):
            return str(read(label))
    return re.sub(r"\\(.)", r"\1", label[1:-1])
