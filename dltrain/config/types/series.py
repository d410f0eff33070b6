"""The `data.series` block: how rows in the order of time become windows."""

from __future__ import annotations

from dataclasses import dataclass

from dltrain.config.types.key import keyed


@dataclass(frozen=True, slots=True)
class SeriesConfig:
    """Rows in the order of time, cut into windows; `gaps` None: split where nearly all rows are evenly apart."""

    time: tuple[str, ...] = keyed(
        "name|list(name)",
        "Column of the time, or one of dates and one of times of the day, or columns year, month, day, hour; by default the rows "
        "are in order.",
        (),
        example="date",
        told=None,
    )
    id: tuple[str, ...] = keyed(
        "name|list(name)",
        "Column, or columns, that tell several series of one table apart: one model learns them all, no window crosses two.",
        (),
        example="store",
        told=None,
        names_columns=True,
    )
    known: tuple[str, ...] = keyed(
        "list(name)",
        "Columns known ahead, such as promotions and holidays: each row of a window has their values `horizon` rows later beside "
        "its own, so that the last ones have those of the rows that are foretold. Predictions need these rows in the file.",
        (),
        example=["promo", "holiday"],
        names_columns=True,
    )
    static: tuple[str, ...] = keyed(
        "list(name)",
        "Columns that stay the same in a series, such as its type: refused where they change; a window has one value of each, "
        "put beside each of its rows.",
        (),
        example=["region"],
        names_columns=True,
    )
    history: int = keyed("int>=1", "Rows that the model sees.", 1, example=24, told=None, required=True)
    horizon: int = keyed("int>=1", "Rows after them that it foretells, each of them.", 1, example=3)
    stride: int = keyed(
        "int>=1",
        "Rows from one window's beginning to the next's; of what is foretold or labelled by row, `predict` has every window.",
        1,
        example=2,
    )
    sampling: int = keyed(
        "int>=1",
        "Rows from one that the model sees to the next: of measurements each ten minutes 6 takes one an hour.",
        1,
        example=6,
    )
    offset: int | None = keyed(
        "int>=0",
        "Rows from the last that the model sees to the first that it foretells: with a horizon of 1 the value at +72 alone; by "
        "default 1, the next row. Of a label by default 0: that of the window's last row.",
        example=72,
    )
    season: int | None = keyed(
        "int>=1", "Rows after which things repeat, for the baseline; by default by the time between rows.", example=12
    )
    history_from: str = keyed(
        "'part'|'before'",
        "Where the history of a part's first windows is from: the part itself, or the rows before it as well, so that each of "
        "its rows is foretold and short parts of many series have windows.",
        "part",
        example="before",
    )
    quantiles: tuple[float, ...] = keyed(
        "list(number(0,1))",
        "Quantiles to foretell, 0.5 among them, which is the forecast itself: learnt by the pinball loss, and never crossing.",
        (),
        example=[0.1, 0.5, 0.9],
    )
    scale: str | None = keyed(
        "'per_series'",
        "Scale each window by its own mean and deviation, and its forecast back: for series of different levels. The loss weighs "
        "each window by one over its variance.",
        example="per_series",
    )
    calendar: str | None = keyed(
        "'days'|'business_days'|'open_days'|'month_ends'|'business_month_ends'",
        "Which days rows are on: weekends and holidays between two rows are then no gap, and forecasts fall on such days. Open "
        "days are those of the week that have rows, as of shops closed on Sundays. By default every step is as long as most.",
        example="business_days",
    )
    holidays: tuple[str, ...] = keyed(
        "list(text)",
        "Days that the calendar leaves out: no row is on them, no forecast falls on one, and they are no gap.",
        (),
        example=["2024-12-25", "2025-01-01"],
    )
    label_of: str | None = keyed(
        "'row'|'series'",
        "With data.task classification: what has a label, a row (the window's last one, or that of `offset`) or a series as a "
        "whole, whose windows all have it and which is in one part; by default a series where no label changes within one.",
        example="row",
        told=None,
    )
    gaps: str | None = keyed(
        "'split'|'ignore'", "Whether windows stop at a gap in time; by default where the rows are evenly apart.", example="ignore"
    )

    @property
    def span(self) -> int:
        """Rows from the first that a window has to its last, both included."""
        return (self.history - 1) * self.sampling + 1

    @property
    def first_ahead(self) -> int:
        """Rows from a window's last to the first that is foretold."""
        return 1 if self.offset is None else self.offset

    @property
    def aheads(self) -> range:
        """Rows from a window's last to each that is foretold."""
        return range(self.first_ahead, self.first_ahead + self.horizon)

    @property
    def reach(self) -> int:
        """Rows from a window's last to the last that is foretold."""
        return self.first_ahead + self.horizon - 1
