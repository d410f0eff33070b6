"""Dates of new rows that are written otherwise than those of training: read where nothing but one way of writing fits them."""

from __future__ import annotations

from dltrain.config.catalog.date_formats import EPOCHS, split_writing
from dltrain.data.columns.dates.finding import find_compact_writing, find_writing
from dltrain.data.columns.dates.reading import to_dates
from dltrain.later import polars


def written_otherwise(series: polars.Series, writing: str | None) -> str | None:
    """How a column's dates are written, where that is another way than in training and leaves no choice; else None.

    A column of which training's writing reads some is no such one: what it does not read there is a slip, or the other order of
    day and month, by which the others would be read wrongly.

    Args:
        series: mended values of new rows.
        writing: that of training.
    """
    date_format, zone = split_writing(writing)
    if series.dtype != polars.String or date_format in EPOCHS:
        return None
    values = series.drop_nulls()
    if not len(values) or to_dates(values, writing).is_not_null().any():
        return None
    found = find_writing(values) or find_compact_writing(values)
    if found is None or found.note:
        return None
    other, its_zone = split_writing(found.text)
    if (zone is None) != (its_zone is None):  # moments, and what a clock showed somewhere: nothing tells where
        return None
    return other if zone is None else f"{other} @{zone}"
