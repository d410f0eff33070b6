"""How the text of a table becomes values, and which columns there must be."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dltrain.config.types import MULTILABEL, DataConfig, config_fault
from dltrain.data.columns.reading import USUAL_MISSING, Reading, find_units
from dltrain.data.columns.spoken import unusable_types
from dltrain.data.labels.cells import is_list
from dltrain.data.raw import RawTable
from dltrain.data.tables.column_names import column_of, comment_hint, named_columns
from dltrain.errors import NUM_SHOWN, ConfigError, DataError, capped
from dltrain.later import polars
from dltrain.wording import column_hint, cut_middle

TEXT_OPTIONS = ("columns", "header", "quote", "encoding", "separator", "skip", "comment", "units_row")


def gaps_of(config: DataConfig) -> tuple[str, ...]:
    """Columns of numbers in which what is none is no value."""
    named = config.arguments.get("gaps") or ()
    return (named,) if isinstance(named, str) else tuple(named)


def reading_of(config: DataConfig, raw: RawTable) -> Reading:
    """How text becomes values."""
    return Reading(
        USUAL_MISSING if config.missing is None else tuple(config.missing),
        config.decimal or raw.reading.get("decimal", "."),
        config.thousands or raw.reading.get("thousands"),
        config.replace,
        config.dates,
        gaps=gaps_of(config),
    )


def with_units(config: DataConfig, raw: RawTable, reading: Reading) -> Reading:
    """The reading with what the numbers of each text column are written with; words that are meant as such keep it."""
    words = {name for name, kind in (config.features or {}).items() if kind not in (None, "number")}
    targets = {*config.target, *raw.target} if config.series is None or config.task == "classification" else set[str]()
    words |= targets if config.task in ("classification", MULTILABEL) else set()
    return find_units(raw.frame, reading, targets if config.task is None else (), words)


def text_options(config: DataConfig, raw: RawTable) -> dict[str, Any]:
    """How the text was read, as the config says it or as was found out: with that a run reads its own files again."""
    said = {key: getattr(config, key) for key in TEXT_OPTIONS}
    found = {key: raw.reading.get(key) if value is None else value for key, value in said.items()}
    return {key: value for key, value in found.items() if value is not None and (key, value) != ("skip", 0)}


def are_lists(config: DataConfig, series: polars.Series) -> bool:
    """Whether a target holds lists of labels, as Parquet can."""
    return config.task == MULTILABEL and is_list(series)


def check_columns(config: DataConfig, raw: RawTable) -> None:
    """Every column that the config names must be there, and of a type that can be read (raises DataError)."""
    have = raw.frame.columns
    wrong = [name for name in gaps_of(config) if (config.features or {}).get(name) not in (None, "number")]
    if wrong:
        message = f"{wrong[0]} is to be of kind {(config.features or {})[wrong[0]]}, and only numbers have such gaps"
        raise ConfigError(config_fault(config, "data.gaps", message))
    where = raw.origin[0][1] if raw.origin else config.source
    known = set(have)
    absent = [(key, name) for key, name in named_columns(config) if name not in known]
    faults = [
        config_fault(
            config,
            key,
            f"{cut_middle(name)} is not a column of {where}",
            # To look for a name that is near takes its time: of those that are only counted nobody reads it.
            "; ".join(filter(None, [column_hint(name, have), comment_hint(have)])) if place < NUM_SHOWN else None,
        )
        for place, (key, name) in enumerate(absent)
    ]
    if not faults:
        used = [(key, name) for key, name in named_columns(config) if not key.startswith("data.drop")]
        used = [(key, name) for key, name in used if key != "data.target" or not are_lists(config, column_of(raw.frame, name))]
        roles = {name: f"which {key.removesuffix(f'.{name}')} names" for key, name in used}
        file = raw.origin[0][1] if raw.origin else None
        faults = unusable_types(raw.frame, roles, file)
        lists = [name for key, name in used if key == "data.target" and is_list(column_of(raw.frame, name))]
        if lists and faults:
            faults[0] = replace(faults[0], hint=f"`data.labels: {{}}` takes the lists of {lists[0]} for several labels per row")
    if faults:
        raise DataError(capped(faults))
