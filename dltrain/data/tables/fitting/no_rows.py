"""Rows of a table that are none: totals and means at its end or between others, headers and comments further down."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dltrain.data.columns.reading import Reading, is_number, is_text, mend, to_numbers
from dltrain.data.dataset import TargetSpec
from dltrain.data.tables.column_names import column_of
from dltrain.data.tables.fitting.far_codes import FEW_CODES
from dltrain.errors import Note, warn
from dltrain.wording import COMMENTS, TOTALS, listed, quoted, shown_column

if TYPE_CHECKING:
    from dltrain.data.columns.column import FeatureColumn
    from dltrain.data.raw import RawTable

MOST_COMMENTS = 0.2
# Called so, a row holds the mean of the others.
MEANS = re.compile(r"(?i)average|avg\.?|mean|mittelwert|durchschnitt|mittel|moyenne|media|promedio|média|gemiddelde|среднее")


def totals_rows(raw: RawTable, reading: Reading) -> list[Note]:
    """A warning of each file whose last row sums up the others, see `totals_row`."""
    frame, warnings = raw.frame, list[Note]()
    files = [file for _, file, _ in raw.origin] or [""]
    starts = [row for place, (row, _, _) in enumerate(raw.origin) if place == 0 or files[place] != files[place - 1]] or [0]
    several = len(starts) > 1

    def numbers_of(name: str, first: int, end: int) -> NDArray[np.float64]:
        series = column_of(frame, name)[first:end]
        is_number = is_text(series) or series.dtype.is_numeric()
        return to_numbers(mend(series, reading), reading) if is_number else np.full(end - first, np.nan)

    texts = [name for name in frame.columns if is_text(column_of(frame, name))]
    for first, end in zip(starts, [*starts[1:], frame.height], strict=True):
        last = {name: column_of(frame, name)[end - 1] for name in texts}
        file = next(file for row, file, _ in reversed(raw.origin) if row < end) if several else ""
        numbers = partial(numbers_of, first=first, end=end)
        warnings += totals_row(last, frame.columns, numbers, end - first, file, is_text=bool(raw.reading))
    return warnings


def _is_sum(said: float, above: NDArray[np.float64], precision: float) -> bool:
    """Whether a number is the sum of others, of which a few are not 0: a single 1 above a 1 is no sum."""
    return bool(np.count_nonzero(above) >= FEW_CODES and abs(said - above.sum()) <= precision * max(abs(said), 1e-9))


def _is_mean(said: float, above: NDArray[np.float64]) -> bool:
    """Whether a number is the mean of others that vary, as far as their deviation tells: each year is near the mean of years."""
    spread = float(above.std()) if len(above) > 1 else 0.0
    return spread > 0 and abs(said - float(above.mean())) <= 0.02 * spread


def totals_row(
    last: Mapping[str, str | None],
    columns: Sequence[str],
    numbers_of: Callable[[str], NDArray[np.float64]],
    num_rows: int,
    file: str = "",
    *,
    is_text: bool = True,
) -> list[Note]:
    """A warning where the last row of a file is called so and holds the sums or means of the numbers above, or nothing but sums.

    Args:
        last: column -> text of that row.
        columns: of the file.
        numbers_of: gives the file's rows of a column.
        num_rows: of the file.
        file: its name, where there are several.
        is_text: it has lines.
    """
    called = [name for name, text in last.items() if TOTALS.fullmatch((text or "").strip())]
    means = [name for name, text in last.items() if MEANS.fullmatch((text or "").strip())]
    # What is not kept as text in a stream is no empty cell: only a row that is called nothing is told by its empty cells.
    empty = [name for name, text in last.items() if not (text or "").strip()] if not (called or means) else []
    if not (called or means or empty) or num_rows < FEW_CODES + 1:
        return []
    of_means = bool(means) and not called
    of_sums, others = list[str](), list[str]()
    for name in columns:
        if name in (*called, *means, *empty):
            continue
        numbers = numbers_of(name)
        above = numbers[:-1][np.isfinite(numbers[:-1])]
        fits = _is_mean(numbers[-1], above) if of_means else _is_sum(numbers[-1], above, 0.005 if called else 1e-4)
        if fits:
            of_sums.append(name)
        elif not called and not means:
            return []  # a row that is called nothing has nothing but sums
        elif np.isfinite(numbers[-1]):
            others.append(name)
    # Words for a mean are classes as well (`media`, `mittel`), and one number may be near the mean by chance.
    if not of_sums or (of_means and len(of_sums) <= len(others)):
        return []
    word = last[(called or means or empty)[0]] or ""
    begins = is_text and bool(word) and (called or means)[0] == columns[0]
    how = f"`data.comment: {word}` leaves out lines that begin so" if begins else "take it out of the file"
    is_called = f"is called {quoted(word)} and holds" if word else "has no value but"
    what = f"the last row{f' of {file}' if file else ''} {is_called} the {'means' if of_means else 'sums'} of the others"
    return [warn(f"{what} ({shown_column(of_sums[0])}): it is no row; {how}", "row_of_totals")]


def odd_words(
    columns: Sequence[FeatureColumn], specs: Sequence[TargetSpec], order: Sequence[str], reading: Reading
) -> list[Note]:
    """Warnings of categories and labels that name no thing: the column's own name, a total, what begins as comments do.

    Args:
        columns: fitted to the training part.
        specs: what is to be learnt.
        order: all columns of the table: a comment begins in the first.
        reading: how its text becomes values.
    """
    known = [(column.name, (*column.categories, *column.rare)) for column in columns if column.kind == "category"]
    known += [(spec.name, spec.classes) for spec in specs if spec.classes]
    named = {name: [word for word in words if word.strip(" \"'").casefold() == name.casefold()] for name, words in known}
    # A category may be called as its column is (`remote` or not); not each in each column, and a number or a date never is.
    others = {column.name for column in columns if column.kind in ("number", "date", "boolean")}
    others |= {spec.name for spec in specs if not spec.classes}
    are_headers = all(named.values()) and any(len(words) > 2 for _, words in known)
    are_among_numbers = all(is_number(word) for name, words in known for word in words if word not in named[name])
    are_headers &= are_among_numbers or all(name in (reading.replace or {}).get(name, {}) for name in others)
    found = []
    for name, words in known:
        totals = [word for word in words if TOTALS.fullmatch(word.strip())] if len(words) > 2 else []
        comments = [word for word in words if word.startswith(COMMENTS)] if name == order[0] else []
        found += _odd(name, named[name], "headers in the middle of the file", order) if are_headers else []
        found += _odd(name, totals, "sums of the others", order)
        are_few = len(words) > 2 and len(comments) <= max(1, MOST_COMMENTS * len(words))
        found += _odd(name, comments, "comments", order) if are_few else []
    return found


def _odd(name: str, words: Sequence[str], what: str, order: Sequence[str]) -> list[Note]:
    if not words:
        return []
    sign = next((mark for mark in COMMENTS if words[0].startswith(mark)), words[0])
    begins = name == order[0]
    how = f"`data.comment: {json.dumps(sign)}` leaves out lines that begin so" if begins else "take them out of the file"
    said = f"{shown_column(name)} is {listed([repr(word) for word in words], 3)} in some rows: if these are {what}, {how}"
    return [warn(said, "odd_words")]
