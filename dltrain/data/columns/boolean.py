"""Columns of true and false: the numbers 1 and 0, filled where there is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dltrain.data.columns.kind import Learning
from dltrain.data.columns.number import Number, make_gaps
from dltrain.data.columns.reading import Reading, mend, to_booleans, unreadable
from dltrain.data.columns.scaling import NO_VALUE, fit_number, same_value, why_untaught
from dltrain.later import polars

if TYPE_CHECKING:
    from dltrain.data.columns.column import FeatureColumn


class Boolean(Number):
    """True or false."""

    name = "boolean"
    has_categories = True
    is_amount = False

    def read(
        self, series: polars.Series, column: FeatureColumn, reading: Reading
    ) -> tuple[Any, NDArray[np.int64], polars.Series]:
        """See `Kind.read`."""
        series = mend(series, reading)
        values = to_booleans(series)
        return values, unreadable(series, values), series

    def expected(self, column: FeatureColumn) -> str:
        """See `Kind.expected`."""
        return "true or false"

    def learn(self, column: FeatureColumn, seen: Any, how: Learning) -> FeatureColumn:
        """Learn the value that stands in for missing ones."""
        fill = how.impute if not isinstance(how.impute, str) or how.impute == "none" else "most_frequent"
        untaught = why_untaught(seen)
        if untaught and untaught != NO_VALUE:
            untaught = same_value("true" if seen[0] else "false")
        return replace(column, numbers=(fit_number(column.name, seen, "none", fill),), untaught=untaught)

    def unit_range(self, column: FeatureColumn) -> bool:
        """See `Kind.unit_range`."""
        return True

    def show(self, values: NDArray[np.float64]) -> Any:
        """The nearer of the two words."""
        return ["true" if value >= 0.5 else "false" for value in values]

    def judged_by(self, column: FeatureColumn) -> str:
        """See `Number.judged_by`."""
        return ""

    def describe(self, columns: Sequence[FeatureColumn]) -> str:
        """See `Kind.describe`."""
        return ""

    def make_up(self, column: FeatureColumn, generator: np.random.Generator, count: int, words: Sequence[str]) -> NDArray[Any]:
        """See `Kind.make_up`."""
        gaps = make_gaps(column, generator, count)
        return np.where(gaps, np.nan, generator.integers(0, 2, count)).astype(np.float32)


BOOLEAN = Boolean()
