"""The `data.series` block as a run's preprocessing stores it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from dltrain.config.types import SeriesConfig
from dltrain.data.series.calendars import CALENDAR_KEYS
from dltrain.storage.values import attributes, one_of, texts, typed

MOST_STEPS = 1 << 20


def stored_series(series: SeriesConfig) -> dict[str, Any]:
    """The block as plain values; `known` is the key of the series that are known, so that the columns have another."""
    steps = attributes(series, "history", "horizon", "stride", "sampling", "offset", "season", "gaps", "history_from")
    more = attributes(series, "quantiles", "scale", "label_of", "calendar", "holidays")
    values = {**attributes(series, "time", "id"), "known_ahead": series.known, "static": series.static, **steps, **more}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def restored_series(state: Mapping[str, Any], features: Collection[str]) -> SeriesConfig:
    """A `SeriesConfig` of the values that `stored_series` wrote; keys that an older run does not have take their defaults.

    Args:
        state: the plain values.
        features: the columns that windows hold.

    Raises:
        ValueError: it is something else.
    """
    history, horizon, stride = (typed(state, name, int) for name in ("history", "horizon", "stride"))
    season = None if state["season"] is None else typed(state, "season", int)
    sampling = typed(state, "sampling", int) if "sampling" in state else 1
    offset = None if state.get("offset") is None else typed(state, "offset", int)
    if not all(1 <= number <= MOST_STEPS for number in (history, horizon, stride, sampling, season or 1, (offset or 0) + 1)):
        raise ValueError("history, horizon, stride, sampling, offset or season out of range")
    return SeriesConfig(
        time=texts(state, "time"),
        id=texts(state, "id") if "id" in state else (),
        known=_features(state, "known_ahead", features),
        static=_features(state, "static", features),
        history=history,
        horizon=horizon,
        stride=stride,
        sampling=sampling,
        offset=offset,
        season=season,
        gaps=one_of(state, "gaps", ("split", "ignore")),
        history_from=one_of(state, "history_from", ("part", "before")) if "history_from" in state else "part",
        quantiles=_quantiles(state.get("quantiles", [])),
        scale=None if state.get("scale") is None else one_of(state, "scale", ("per_series",)),
        label_of=None if state.get("label_of") is None else one_of(state, "label_of", ("row", "series")),
        calendar=None if state.get("calendar") is None else one_of(state, "calendar", tuple(CALENDAR_KEYS)),
        holidays=texts(state, "holidays") if "holidays" in state else (),
    )


def _features(state: Mapping[str, Any], key: str, features: Collection[str]) -> tuple[str, ...]:
    """Names of features; none in a run of before there were such keys."""
    names = texts(state, key) if key in state else ()
    if set(names) - set(features):
        raise ValueError(f"{key} names a column that is no feature")
    return names


def _quantiles(stored: Any) -> tuple[float, ...]:
    if not isinstance(stored, list) or not all(isinstance(value, float) and 0 < value < 1 for value in stored):
        raise ValueError("quantiles out of range")
    if stored != sorted(set(stored)) or (stored and 0.5 not in stored):
        raise ValueError("quantiles out of order")
    return tuple(stored)
