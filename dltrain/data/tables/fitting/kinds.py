"""The kind of each column, and which columns are features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from dltrain.config.catalog.date_formats import EPOCHS, NO_DATES, split_writing
from dltrain.config.types import DataConfig, config_fault
from dltrain.config.types.data import IMAGE
from dltrain.data.columns.column import FeatureColumn
from dltrain.data.columns.dates.finding import nearest_writing
from dltrain.data.columns.kinds import ColumnKind, date_writing, infer_kind, infer_time
from dltrain.data.columns.reading import OF_TYPE, SAMPLE_ROWS, Reading, mend
from dltrain.data.pictures.form import parse_form
from dltrain.data.raw import RawTable
from dltrain.data.tables.cells_apart import apart_command
from dltrain.data.tables.column_names import column_of, name_of
from dltrain.data.tables.fitting.targets import target_names
from dltrain.errors import DataError, Fault, Note, capped, warn
from dltrain.later import polars

NOTHING_KNOWN: Mapping[str, ColumnKind] = {}


def _roles(config: DataConfig, raw: RawTable) -> dict[str, str]:
    """The columns that have another role than that of a feature, and the key that gives it."""
    split = config.split
    named = {
        "data.identifiers": config.identifiers,
        "data.drop": config.drop,
        "data.split.time": (split.time,),
        "data.split.group": (split.group,),
        "data.split.column": (split.column,),
        "data.weight": (config.weight,),
        "data.target": (*target_names(config, raw), *config.target, *raw.target),
    }
    return {name: key for key, names in named.items() for name in names if name}


def column_kinds(
    config: DataConfig, raw: RawTable, reading: Reading, known: Mapping[str, ColumnKind] = NOTHING_KNOWN
) -> dict[str, ColumnKind]:
    """The kind of each column that may be a feature, as the config says or as it looks; those that are known already stay."""
    roles = _roles(config, raw)
    kinds = {}
    for name in raw.frame.columns if config.features is None else config.features:
        if name in roles:
            continue
        if name in known:
            kinds[name] = known[name]
            continue
        if config.features is None and name in raw.kinds:
            kinds[name] = ColumnKind(raw.kinds[name])
            continue
        series = column_of(raw.frame, name)
        kinds[name] = infer_kind(series, reading)
        if config.features is not None:
            kinds[name] = _forced(series, kinds[name], config.features[name], reading)
    return kinds


def decided_dates(
    config: DataConfig, raw: RawTable, reading: Reading, kinds: Mapping[str, ColumnKind], times: Sequence[str] = ()
) -> tuple[Reading, list[Note]]:
    """The reading with how each column's dates are written, as was found out, and warnings of what was guessed.

    Args:
        config: of the data.
        raw: the table.
        reading: as the config says.
        kinds: of the columns that may be features.
        times: further columns of dates, beside that of `split.time`.
    """
    found = {name: kind for name, kind in kinds.items() if kind.kind == "date"}
    for name in (*times, *([config.split.time] if config.split.time else [])):
        if name not in found:
            kind = infer_time(mend(column_of(raw.frame, name), reading), reading)
            found |= {name: kind} if kind.kind == "date" else {}
    # Dates of Parquet are written nowhere: what begins with @ is a zone without a format.
    written = {name: kind.date_format for name, kind in found.items() if kind.date_format and kind.date_format[0] != "@"}
    if isinstance(reading.dates, Mapping):
        written |= {name: NO_DATES for name, said in reading.dates.items() if said == NO_DATES}
    notes = [warn(kind.note, "dates_guessed") for kind in found.values() if kind.note]
    return replace(reading, dates=written or None), notes


def feature_columns(
    config: DataConfig, raw: RawTable, kinds: Mapping[str, ColumnKind]
) -> tuple[list[FeatureColumn], list[tuple[str, str]]]:
    """The columns to use with their kinds, and those left out with the reason.

    Raises:
        DataError: a column that was asked for cannot be a feature.
    """
    columns: list[FeatureColumn] = []
    left_out: list[tuple[str, str]] = []
    faults: list[Fault] = []
    for name in raw.frame.columns if config.features is None else config.features:
        kind = kinds.get(name)
        if kind is None:
            if config.features is not None:
                message = f"{name} has another role ({_roles(config, raw)[name]}), so it is no feature"
                faults.append(config_fault(config, f"data.features.{name}", message))
        elif kind.left_out and config.features is not None:
            if kind.left_out.startswith(OF_TYPE):
                message, hint = f"the column {name} holds {kind.left_out}", f"data.features: {{{name}: number}} takes its seconds"
                faults.append(config_fault(config, f"data.features.{name}", message, hint))
                continue
            if apart := apart_command({name: kind.left_out}, raw.origin[0][1] if raw.origin else "t.csv"):
                message = f"the column {name} holds {kind.left_out}"
                faults.append(config_fault(config, f"data.features.{name}", message, apart))
                continue
            message = f"{name} is text that looks like names ({kind.left_out})"
            hint = f"data.features: {{{name}: text}} learns from its words, {{{name}: category}} from each different text"
            faults.append(config_fault(config, f"data.features.{name}", message, hint))
        elif kind.left_out:
            left_out.append((name, kind.left_out))
        else:
            form = parse_form(config) if kind.kind == IMAGE else None
            on_error = str(config.arguments.get("on_error") or "fail")
            columns.append(FeatureColumn(name, kind.kind, kind.date_format, form=form, images=config.images, on_error=on_error))
    if faults:
        raise DataError(capped(faults))
    return columns, left_out


def _forced(series: polars.Series, inferred: ColumnKind, forced: str | None, reading: Reading) -> ColumnKind:
    """The kind that the config asks for; a feature named without a kind is used whatever it looks like."""
    if forced is None:
        return replace(inferred, left_out="" if inferred.kind != "text" else inferred.left_out)
    date_format = inferred.date_format
    said = reading.dates_of(name_of(series))
    if forced == "date" and said is not None and split_writing(said)[0] in EPOCHS:
        return ColumnKind(forced, said)
    if forced == "date" and date_format is None:
        sample = mend(series, reading).drop_nulls().head(SAMPLE_ROWS)
        if len(sample) and str(sample.dtype) == "String":
            written = date_writing(series, sample, reading) or nearest_writing(sample)
            return ColumnKind(forced, written.text if written else None, note=written.note if written else "")
    return ColumnKind(forced, date_format, note=inferred.note) if forced == "date" else ColumnKind(forced)
