"""Notes for the user on a series: its season and labels as guessed, columns whose past is not seen, missing values."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.types import DataConfig, SeriesConfig
from dltrain.data.series.labels import WHOLE_SERIES
from dltrain.data.series.preprocessing import SeriesPreprocessing
from dltrain.data.series.timeline import SeriesValues
from dltrain.wording import listed


def season_lines(config: DataConfig, preprocessing: SeriesPreprocessing) -> list[str]:
    """What was guessed of the season, if nothing was said of it."""
    assert config.series is not None
    season, step, hours = preprocessing.series.season, preprocessing.step.describe(), preprocessing.step.describe_hours()
    if config.series.season is not None or preprocessing.classifies:
        return []
    if season is None:
        return [f"season: none is usual where rows are {step} apart; data.series.season says one"]
    if hours:
        return [f"season: {season} rows, a day, as rows are {hours}; data.series.season says otherwise"]
    return [f"season: {season} rows, as is usual where they are {step} apart; data.series.season says otherwise"]


def past_lines(preprocessing: SeriesPreprocessing) -> list[str]:
    """Which columns are foretold without their own past being seen."""
    seen = {column.name for column in preprocessing.table.features}
    unseen = [] if preprocessing.classifies else [name for name in _foretold(preprocessing) if name not in seen]
    return [f"the past of {listed(unseen)} is not seen, as data.features names other columns"] if unseen else []


def _foretold(preprocessing: SeriesPreprocessing) -> list[str]:
    return list(dict.fromkeys(spec.column or spec.name for spec in preprocessing.schema.targets))


def label_lines(asked: SeriesConfig, preprocessing: SeriesPreprocessing) -> list[str]:
    """What was guessed of the labels, if nothing was said of them."""
    if not preprocessing.classifies or asked.label_of is not None or not asked.id:
        return []
    if preprocessing.series.label_of == WHOLE_SERIES:
        return ["labels: one for each series, as none changes within one; data.series.label_of: row says otherwise"]
    return ["labels: of rows; data.series.label_of: series gives each series one, and parts of whole series"]


def told_targets(preprocessing: SeriesPreprocessing, values: SeriesValues) -> dict[str, NDArray[Any]]:
    """The values of each target that are summed up for the user: all that are there, of whole series one label each."""
    if not preprocessing.classifies:
        return {name: column[np.isfinite(column)] for name, column in values.targets.items()}
    rows = np.arange(len(values.timeline.rows))
    if preprocessing.series.label_of == WHOLE_SERIES:
        rows = rows[np.append(True, np.diff(values.timeline.groups.codes) != 0)[: len(rows)]]
    return {name: column[rows][np.isfinite(column[rows])].astype(np.int32) for name, column in values.targets.items()}


def gap_lines(preprocessing: SeriesPreprocessing, values: SeriesValues) -> list[str]:
    """How missing values are filled, and the rows whose missing target is not learnt."""
    lines = []
    past = preprocessing.observed(values)
    gaps = {name: count for name, missing in values.missing.items() if (count := int((missing & past).sum()))}
    if gaps:
        words = ", ".join(f"{name} {count:,}" for name, count in gaps.items())
        columns = [column for column in preprocessing.table.features if column.name in gaps]
        marks = ", and a column marks them" if all(column.numbers[0].indicator for column in columns) else ""
        how = f"the last known value stands in{marks}" if preprocessing.last_known else "filled by data.impute"
        lines.append(f"missing values: {words}; {how}")
    for name, column in values.targets.items():
        count = int((np.isnan(column) & past).sum())
        if count:
            lines.append(f"{count:,} rows without {name} are nobody's target")
    if not past.all():
        lines.append(f"{(~past).sum():,} rows after the last target of their series hold what is known ahead, and are of no part")
    return lines
