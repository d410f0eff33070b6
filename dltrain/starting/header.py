"""Whether the first row of a text names its columns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from dltrain.data.columns.dates.formats import candidates
from dltrain.data.columns.reading import USUAL_MISSING
from dltrain.data.tables.text_layout import YEAR, are_years, is_figure
from dltrain.later import polars

HEAD_LINES = 1_000


def has_header(frame: polars.DataFrame) -> bool:
    """Whether the first row of a table of text names the columns.

    A word above numbers says so, and so do a count of the columns and years that follow each other where no row below has
    such; otherwise a number, or a word that stands again below, says the opposite.
    """
    first, body = frame.row(0), frame.slice(1)
    is_data = False
    counts = [[str(number) for number in range(begin, begin + len(first))] for begin in (0, 1)]
    if len(first) > 2 and [*first] in counts and any(not column.drop_nulls().str.contains(r"^-?\d*$").all() for column in body):
        return True  # an array without names, as pandas writes it
    if (are_years(first) and not any(are_years(row) for row in body.head(100).iter_rows())) or years_above_amounts(first, body):
        return True  # a table with a column for each year
    for cell, values in zip(first, body, strict=True):
        values = values.drop_nulls()
        values = values.filter(~values.is_in(["", *USUAL_MISSING]))
        if not cell or cell in USUAL_MISSING:
            continue
        if is_figure(cell) or _looks_like(cell, values):
            is_data = True
        elif len(values) and (values.cast(float, strict=False).null_count() == 0 or all(map(is_figure, values[:HEAD_LINES]))):
            return True
        elif (values == cell).any():
            is_data = True
    return not is_data


def years_above_amounts(first: Sequence[str | None], body: polars.DataFrame) -> bool:
    """Whether the only numbers of the first row are years that follow each other, each above a column that holds none."""
    places = [place for place, cell in enumerate(first) if cell and is_figure(cell.strip())]
    years = [str(first[place]).strip() for place in places]
    if len(years) < 2 or not all(YEAR.fullmatch(year) for year in years):
        return False
    if any(int(late) - int(early) != 1 for early, late in pairwise(years)):
        return False
    below = [body[:, place].drop_nulls().head(HEAD_LINES).to_list() for place in places]
    return all(any(map(is_figure, values)) and not any(YEAR.fullmatch(value.strip()) for value in values) for values in below)


def _looks_like(cell: str, values: polars.Series) -> bool:
    """Whether a cell with digits in it is written as many below: an amount, a date, a number with a comma."""
    look = _look_of(cell)
    some = values.head(HEAD_LINES).to_list()
    return "0" in look and 5 * sum(_look_of(value) == look for value in some) > len(some)


def _look_of(cell: str) -> str:
    """A cell without what differs among cells of a kind: digits, the sign, the name of a month."""
    look = re.sub(r"\d+", "0", cell.lstrip("-+"))
    return re.sub(r"[^\W\d_]+", "a", look) if candidates(cell) else look
