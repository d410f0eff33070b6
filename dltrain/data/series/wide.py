"""Tables with a column for each time, as `2015-07-01`, `2015-07-02`, ... or `d_1`, `d_2`, ...: a row is a whole series there."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

from dltrain.later import polars
from dltrain.storage.formats.other_files import source_by_name

FEWEST, MOST_OTHERS = 12, 0.5  # columns of times, and the share of all that may be something else
_COUNTED = re.compile(r"(?:d|day|w|wk|week|m|month|h|hour|t|time)[ _.-]?(\d+)", re.IGNORECASE)
_YEARS = range(1500, 2200)


def find_times(names: Sequence[str]) -> tuple[slice, bool] | None:
    """The run of columns that are called by times, one after the other, and whether these are numbers of a count.

    Args:
        names: of all columns, in their order.

    Returns:
        None where there is no such run, or it is no more than half of the table.
    """
    for told, counted in ((_counts(names), True), (_years(names), False), (_dates(names), False)):
        run = _longest(told)
        if run.stop - run.start >= max(FEWEST, MOST_OTHERS * len(names)):
            return run, counted
    return None


def how_to_turn(names: Sequence[str], file: str, separator: str = ",") -> str | None:
    """A command that makes a row for each time of a table with a column for each, for a hint; None: it is no such table.

    Args:
        names: of all columns, in their order.
        file: the table, as a person would name it.
        separator: of its fields.
    """
    found = find_times(names)
    if found is None:
        return None
    run, counted = found
    what = f"a row of {file} is a series, with a column for each time ({names[run.start]}, {names[run.start + 1]}, ...)"
    if not re.fullmatch(r"[\w.,+/-]+", file):
        return f"{what}: write a row for each time (`unpivot` of polars, `melt` of pandas)"
    target, stem = "time", f"{Path(file).with_suffix('')}_long"
    others = "t.columns" + (f"[:{run.start}]" if run.start else "[:0]")
    others += f" + t.columns[{run.stop}:]" if run.stop < len(names) else ""
    if source_by_name(file) == "parquet":
        reader = f'polars.read_parquet("{file}")'
    else:
        sign = f", separator={json.dumps(separator)}" if separator != "," else ""
        reader = f'polars.read_csv("{file}", infer_schema_length=None{sign})'
    numbered = f'.with_columns(polars.col("{target}").str.extract("([0-9]+)$").cast(int))' if counted else ""
    code = f't.unpivot(index={others}, variable_name="{target}", value_name="value"){numbered}.write_csv("{stem}.csv")'
    command = f"python -c 'import polars; t = {reader}; {code}'"
    return f"{what}: {command} makes a row of each; then --target value --series time"


def _longest(steps: Sequence[int | None]) -> slice:
    """The longest run of numbers that grow by the same step, as 1960, 1961, ..."""
    best, start = slice(0, 0), 0
    for at in range(len(steps) + 1):
        here = steps[at] if at < len(steps) else None
        before = steps[at - 1] if at else None
        if here is None or before is None or here <= before:
            if at - start > best.stop - best.start and steps[start] is not None:
                best = slice(start, at)
            start = at
    return best


def _counts(names: Sequence[str]) -> list[int | None]:
    found = [_COUNTED.fullmatch(name.strip()) for name in names]
    return [int(match[1]) if match and len(match[1]) < 10 else None for match in found]


def _years(names: Sequence[str]) -> list[int | None]:
    found = [re.fullmatch(r"[Yy]?(\d{4})(?: \[YR\d{4}\])?", name.strip()) for name in names]
    return [int(match[1]) if match and int(match[1]) in _YEARS else None for match in found]


def _dates(names: Sequence[str]) -> list[int | None]:
    """The dates as seconds since 1970, all written alike."""
    from dltrain.data.columns.dates.reading import to_moments
    from dltrain.data.columns.kinds import infer_kind
    from dltrain.data.columns.reading import Reading

    series = polars.Series("time", [name if re.search(r"\d.*\D.*\d|\d{6}", name) else None for name in names], polars.String)
    told = series.drop_nulls()
    if len(told) < FEWEST:
        return [None] * len(names)
    kind = infer_kind(told, Reading())
    if kind.kind != "date":
        return [None] * len(names)
    return [None if at is None else int(at) for at in to_moments(series, kind.date_format).dt.epoch("s").to_list()]
