"""What a user hears of a series: its season, and what is missing in it."""

from __future__ import annotations

import numpy as np

from dltrain.config.types import DataConfig
from dltrain.data.series.preprocessing import SeriesPreprocessing, SeriesValues


def season_lines(config: DataConfig, preprocessing: SeriesPreprocessing) -> list[str]:
    """What was guessed of the season, if nothing was said of it."""
    assert config.series is not None
    season, step = preprocessing.series.season, preprocessing.step.describe()
    if config.series.season is not None:
        return []
    if season is None:
        return [f"season: none is usual where rows are {step} apart; data.series.season says one"]
    return [f"season: {season} rows, as is usual where they are {step} apart; data.series.season says otherwise"]


def gap_lines(preprocessing: SeriesPreprocessing, values: SeriesValues) -> list[str]:
    """What stands in for missing values, and the rows whose missing target is not learnt."""
    lines = []
    past = preprocessing.observed(values)
    words = [f"{name} {count:,}" for name, missing in values.missing.items() if (count := int((missing & past).sum()))]
    if words:
        how = "the last known value stands in, and a column marks them" if preprocessing.last_known else "filled by data.impute"
        lines.append(f"missing values: {', '.join(words)}; {how}")
    for name, column in values.targets.items():
        count = int((np.isnan(column) & past).sum())
        if count:
            lines.append(f"{count:,} rows without {name} are nobody's target")
    if not past.all():
        lines.append(f"{(~past).sum():,} rows after the last target of their series hold what is known ahead, and are of no part")
    return lines
