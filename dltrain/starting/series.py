"""A first config of a series, that foretells numbers or labels windows: time, what tells several apart, how far back, a net."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.types import DataConfig, SeriesConfig, SplitConfig
from dltrain.data.columns.reading import mend, text_of, to_numbers
from dltrain.data.fitted import Fitted
from dltrain.data.load import SILENT
from dltrain.data.raw import locator
from dltrain.data.series.calendars import BUSINESS_DAYS, DAY, MONTH, OPEN_DAYS, WORKING_DAYS, Step, closed_days
from dltrain.data.series.fit import fit_series
from dltrain.data.series.groups import read_groups
from dltrain.data.series.labels import WHOLE_SERIES
from dltrain.data.series.preprocessing import SeriesPreprocessing
from dltrain.data.series.several import find_several
from dltrain.data.series.times import read_times
from dltrain.data.series.wide import how_to_turn
from dltrain.data.tables.column_names import column_of
from dltrain.errors import DataError, UsageError, texts
from dltrain.starting.block import Block
from dltrain.starting.common_blocks import SEED, open_config
from dltrain.starting.nets.forecast import MOST_ROWS, net_of
from dltrain.starting.nets.forecast import ROWS_BACK as FEW_ROWS_BACK
from dltrain.starting.starter import Wishes
from dltrain.starting.table_text import Studied, render_columns, render_source, render_target
from dltrain.starting.target import by_number
from dltrain.wording import column_hint, listed

IN_ORDER = "rows"  # in place of a column of times
OWN = "\0"  # the name of a column beside those of a table, which are called anything else
SHARE = 0.2  # of the last rows to test on, and of those before them to stop in time
SEASONS_BACK, ROWS_BACK = 2, 24
MOST_SHOWN = 20
MOST_LISTED = 250  # holidays
MOST_BACK = 200  # a season of more rows is none that the windows hold
# Of the rows of a series: the most that are seen and that are foretold, so that each part has windows.
SHARE_BACK, SHARE_AHEAD = 0.3, 0.1
LEVEL = 1.0  # a change of the mean by so many deviations is one of the level
PATIENCE, EPOCHS, BATCH_SIZE = 15, 200, 32
FEWEST_EPOCHS, MOST_STEPS = 20, 20_000  # of many rows an epoch teaches more
MOST_LABELLED = 64  # rows of a window that has a label
LARGE = 10_000  # rows of all series, of more of which a batch is larger
RECURRENT: list[Any] = [{"GRU": {"units": 32}}]
RECURRENT_REASON = "a recurrent layer reads the window row by row; `configs/nhits.yaml` and `configs/dlinear.yaml` are others"

LAST_REASON = "a recurrent layer reads the window row by row, the one with the label last"
CONVOLVED: list[Any] = [
    {"Conv1D": {"filters": 32, "kernel_size": 5, "padding": "same", "activation": "relu"}},
    {"Conv1D": {"filters": 32, "kernel_size": 5, "padding": "same", "activation": "relu"}},
    "GlobalAveragePooling1D",
]
CONVOLVED_REASON = "convolutions find what tells the labels apart, wherever in the window it is"


@dataclass(frozen=True, slots=True)
class Plan:
    """What the windows are, and why.

    Attributes:
        series: the `series:` block.
        count: of series in the table.
        rows: of a usual series.
        apart: how far one row is from the next, in words.
        moves: whether the level at the end is another than before.
        labels: whether windows have labels, and nothing is foretold.
        net: all layers, with the output, and why these; None: a usual net.
    """

    series: SeriesConfig
    count: int
    rows: int
    apart: str
    moves: bool
    labels: bool = False
    net: tuple[list[Any], str] | None = None

    @property
    def all_rows(self) -> int:
        """Rows of all series."""
        return self.count * self.rows


def start_series(head: str, found: Studied, path: tuple[str, ...], wishes: Wishes) -> tuple[str, Sequence[str]]:
    """The config of a forecast, or of windows that have a label each, and what was found, a line each.

    Args:
        head: what the data is, in a line.
        found: what was found out of the table.
        path: of the table, as the config names it.
        wishes: the column of the time, and how far ahead.

    Raises:
        UsageError: no such column, or a horizon of labels.
        DataError: rows without a time, or as a fit would.
    """
    names = found.raw.frame.columns
    is_titled = bool(path) and found.config.header is not False
    wide = how_to_turn(names, path[0], found.config.separator or ",") if is_titled else None
    if wide is not None:
        raise UsageError("no column holds the times: the columns are called by them", hint=wide)
    config = _with_series(found, _time_columns(found, wishes.series or ""))
    if found.target.spec.task != "regression":
        return _start_labels(head, found, path, config, wishes)
    plan = _plan(config, found, wishes.horizon)
    try:
        series, fitted = _fit_windows(config, plan.series, found)
    except DataError as error:
        if wishes.horizon is None:
            raise
        faults = [replace(fault, hint="a smaller --horizon, or none") for fault in error.faults]
        raise DataError(faults) from error
    plan = replace(plan, series=series)
    if plan.all_rows <= MOST_ROWS:
        plan = replace(plan, net=net_of(fitted, found.target.name))
    return _told(head, replace(found, config=replace(config, path=path)), plan, fitted)


def _fit_windows(config: DataConfig, series: SeriesConfig, found: Studied) -> tuple[SeriesConfig, Fitted]:
    """A fit of windows, which go across gaps where the runs between these are shorter than one; and what the windows are."""
    try:
        return series, fit_series(replace(config, series=series), found.raw, SEED, None, SILENT)
    except DataError:
        series = replace(series, gaps="ignore")
        return series, fit_series(replace(config, series=series), found.raw, SEED, None, SILENT)


def _told(head: str, found: Studied, plan: Plan, fitted: Fitted) -> tuple[str, Sequence[str]]:
    """The config of the windows that were fitted, and what was found."""
    unseen = [f"{name} ({why})" for name, why in _unseen(found).items()]
    said = [f"not learnt from: {listed(unseen, MOST_SHOWN)}"] if unseen else []
    return _render(head, found, plan), [*texts(fitted.notes, "note"), *said]


def _start_labels(
    head: str, found: Studied, path: tuple[str, ...], config: DataConfig, wishes: Wishes
) -> tuple[str, Sequence[str]]:
    """The config of windows that have a label each, that of their last row or of their whole series; and what was found."""
    series, raw = config.series, found.raw
    assert series is not None
    if wishes.horizon is not None:
        raise UsageError(f"--horizon is of numbers that are foretold, and {found.target.name} holds classes")
    runs = _runs_of_labels(found, series)
    counts = raw.frame.group_by(*series.id).len(OWN)[OWN].to_numpy() if series.id else np.array([raw.frame.height])
    whole = bool(series.id) and len(runs) == len(counts)
    rows = int(np.median(counts))
    back = int(np.quantile(counts, SHARE)) if whole else min(int(np.median(runs)), int(SHARE_BACK * rows))
    span = max(2, min(back, MOST_LABELLED))
    made = replace(
        series, history=span, offset=0, label_of=WHOLE_SERIES if whole else None, history_from="part" if whole else "before"
    )
    made, fitted = _fit_windows(config, made, found)
    looked = fitted.preprocessing
    assert isinstance(looked, SeriesPreprocessing)
    made = _with_calendar(made, looked.step, found)
    plan = Plan(made, len(counts), rows, _apart(looked.step, made), moves=False, labels=True)
    return _told(head, replace(found, config=replace(config, path=path)), plan, fitted)


def _runs_of_labels(found: Studied, series: SeriesConfig) -> NDArray[np.int64]:
    """How many rows one below the other have the same label, of each such run in the order of time within each series."""
    frame, columns = found.raw.frame, found.columns
    groups = read_groups(frame, series.id, columns.reading, locator(found.raw)).codes
    order = np.lexsort((read_times(frame, series.time, columns.reading, locator(found.raw)).values, groups))
    labels = text_of(mend(column_of(frame, found.target.name), columns.reading)).fill_null("").to_numpy()[order]
    groups = groups[order]
    begins = np.flatnonzero(np.append(True, (labels[1:] != labels[:-1]) | (groups[1:] != groups[:-1])))
    lengths: NDArray[np.int64] = np.diff(np.append(begins, len(labels)))
    return lengths


def _apart(step: Step, series: SeriesConfig) -> str:
    calendar = {"business_days": BUSINESS_DAYS, "open_days": OPEN_DAYS}.get(series.calendar or "", step.calendar)
    return f"{replace(step, calendar=calendar).describe()} apart" + (
        f" in {series.time[0]}" if step.unit == "number" and series.time else ""
    )


def _unseen(found: Studied) -> dict[str, str]:
    """The columns that are no features, and why: free text, dates beside the time, names of rows."""
    series = found.config.series
    assert series is not None
    used = (*(found.config.features or ()), *series.time, *series.id, found.target.name)
    return {
        name: kind.left_out or ("one value in all rows" if name in found.columns.constant else kind.kind)
        for name, kind in found.columns.kinds.items()
        if name not in used
    }


def _time_columns(found: Studied, asked: str) -> tuple[str, ...]:
    """The column of the times; or those of a date and its time of the day, or of a year, a month, ...; none: rows in order."""
    names = found.raw.frame.columns
    if asked.strip() in [name.strip() for name in names]:
        return (_time_column(found, asked),)
    if asked == IN_ORDER:
        return ()
    return tuple(_time_column(found, one) for one in asked.split(","))


def _time_column(found: Studied, asked: str) -> str:
    names = found.raw.frame.columns
    time: str | None = next((name for name in names if name == asked or name.strip() == asked.strip()), None)
    if time is None and found.config.header is False:
        time = by_number(asked, names)
    if time is None:
        hint = f"{column_hint(asked, names)}; `--series {IN_ORDER}` where the rows are in order and none tells the time"
        raise UsageError(f"there is no column {asked} of times", hint=hint)
    if time == found.target.name:
        raise UsageError(f"{time} is the target, and cannot be the time as well", hint="init --series TIME --target COLUMN")
    return time


def _with_series(found: Studied, time: tuple[str, ...]) -> DataConfig:
    """The `data:` block with windows of one row, of which the distance of rows and what stays the same can be told."""
    raw, columns, target = found.raw, found.columns, found.target
    times = read_times(raw.frame, time, columns.reading, locator(raw)).values
    several = find_several(raw.frame, times, {*time, target.name})
    ids = several.columns if several is not None else ()
    told = {target.name: "number"} if target.spec.task == "regression" else {}
    features = {
        name: kind.kind
        for name, kind in columns.kinds.items()
        if not kind.left_out
        and name not in (*found.config.drop, *ids, *time, target.name)
        and kind.kind in ("number", "category", "boolean")
    }
    static = [name for name in features if ids and _stays(found, name, ids)]
    series = SeriesConfig(time=time, id=tuple(ids), static=tuple(static), history_from="before")
    return replace(
        found.config,
        task=target.spec.task,
        features={**told, **features},
        drop=(),
        identifiers=(),
        series=series,
        split=SplitConfig(test=SHARE, validation=SHARE),
        clip_target=False,
    )


def _stays(found: Studied, name: str, ids: Sequence[str]) -> bool:
    """Whether a column has one value in each series, and not the same in all."""
    frame = found.raw.frame.select(*ids).with_columns(mend(column_of(found.raw.frame, name), found.columns.reading).alias(OWN))
    return int(frame.group_by(*ids).n_unique()[OWN].max()) == 1 and frame[OWN].n_unique() > 1


def _plan(config: DataConfig, found: Studied, horizon: int | None) -> Plan:
    series, raw = config.series, found.raw
    assert series is not None
    _refuse_tail(found, series)
    looked = fit_series(config, raw, SEED, None, SILENT).preprocessing
    assert isinstance(looked, SeriesPreprocessing)
    counts = raw.frame.group_by(*series.id).len(OWN)[OWN].to_numpy() if series.id else np.array([raw.frame.height])
    rows = int(np.median(counts))
    season = looked.series.season
    season = season if season is not None and season <= MOST_BACK // SEASONS_BACK else None
    is_small = len(counts) * rows <= MOST_ROWS
    back = SEASONS_BACK * season if season else FEW_ROWS_BACK if is_small else ROWS_BACK
    ahead = horizon or max(1, min(season or 1, int(SHARE_AHEAD * rows)))
    moves = _moves(found, series)
    scale = "per_series" if series.id or moves or is_small else None
    made = replace(series, history=max(2, min(back, int(SHARE_BACK * rows))), horizon=ahead, scale=scale)
    made = _with_calendar(made, looked.step, found)
    return Plan(made, len(counts), rows, _apart(looked.step, made), moves)


def _with_calendar(series: SeriesConfig, step: Step, found: Studied) -> SeriesConfig:
    """The block with the days that rows are on: days of the week without rows, and single days that no series has, are no gap."""
    if not step.calendar or step.unit in (MONTH, "number") or step.has_places:
        return series
    times = read_times(found.raw.frame, series.time, found.columns.reading, locator(found.raw))
    holidays = closed_days(np.unique(np.floor_divide(times.clock, DAY)), step)
    return replace(
        series,
        calendar="business_days" if step.calendar == WORKING_DAYS else "open_days",
        holidays=tuple(str(day) for day in holidays.astype("datetime64[D]")) if len(holidays) <= MOST_LISTED else (),
    )


def _ordered(found: Studied, series: SeriesConfig) -> NDArray[np.float64]:
    """The target of all rows, in the order of time."""
    times = read_times(found.raw.frame, series.time, found.columns.reading, locator(found.raw)).values
    values = to_numbers(mend(column_of(found.raw.frame, found.target.name), found.columns.reading), found.columns.reading)
    return values[np.argsort(times, kind="stable")]


def _refuse_tail(found: Studied, series: SeriesConfig) -> None:
    """Refuse a table of which the rows to test on have no target, as those of a future that is to be foretold."""
    values, name = _ordered(found, series), found.target.name
    has = np.flatnonzero(np.isfinite(values))
    empty = len(values) - 1 - int(has[-1]) if len(has) else 0
    if empty >= SHARE * len(values) and not series.id:  # of several each has a tail of its own
        ahead = "`series: {known: [...]}` names columns that are known ahead, and `predict` takes such rows"
        hint = f"write the config from the rows before, in a file of their own; {ahead}"
        raise DataError(f"the last {empty:,} of {len(values):,} rows have no {name}, and on them it would be tested", hint=hint)


def _moves(found: Studied, series: SeriesConfig) -> bool:
    """Whether the last rows' mean is a deviation off that of the rows before: a net sees no such values in training."""
    values = _ordered(found, series)
    before, after = np.split(values, [int((1 - SHARE) * len(values))])
    return bool(abs(np.nanmean(after) - np.nanmean(before)) > LEVEL * np.nanstd(before))


def _render(head: str, found: Studied, plan: Plan) -> str:
    config, series = found.config, plan.series
    block = Block()
    open_config(block, head)
    render_source(block, found)
    render_target(block, found)
    render_columns(block, found)
    gaps = sorted(name for name in config.features or () if name in found.columns.missing and name != found.target.name)
    if gaps:
        block.entry("impute", "median", f"without a value in some rows: {listed(gaps)}; for numbers the median stands in")
    kinds = found.columns.kinds  # what cannot be read is said above
    if unseen := [f"{name} ({why})" for name, why in _unseen(found).items() if not kinds[name].left_out]:
        block.remark(f"not learnt from: {listed(unseen, MOST_SHOWN)}", indent=2)
    _render_series(block, series, plan)
    past = [name for name in config.features or () if name not in (found.target.name, *series.static)]
    if past and not plan.labels:
        block.remark(
            f"only the past of {listed(past)} is looked at; what is known ahead, such as holidays, prices, promotions, goes into "
            "`series: {known: [...]}`, and predictions then need those rows",
            indent=2,
        )
    shares = "the last rows of each series; validation: of those before, to stop in time"
    if series.label_of is not None:
        shares = "of each label as many of its series; validation: of the others, to stop in time"
    block.entry("split", {"test": SHARE, "validation": SHARE}, shares)
    _render_net(block, plan)
    return block.text()


def _render_net(block: Block, plan: Plan) -> None:
    """The `model:` and the `training:` block: of few rows a small net and many epochs, of many the other way round."""
    rows = plan.all_rows
    layers, reason = plan.net or (RECURRENT, RECURRENT_REASON)
    if plan.labels:
        layers, reason = (CONVOLVED, CONVOLVED_REASON) if plan.series.label_of else (RECURRENT, LAST_REASON)
    batch_size = BATCH_SIZE if rows < LARGE else 8 * BATCH_SIZE
    epochs = int(np.clip(MOST_STEPS * batch_size // rows, FEWEST_EPOCHS, EPOCHS))
    block.open("model")
    block.entry("layers", layers, reason)
    if plan.net is None:
        block.remark("the output layer and the loss follow from the task", indent=4)
    else:
        block.entry("output", "none", "the last layer is the forecast")
    block.open("training")
    rate = 0.01 if plan.net else 0.005 if layers is RECURRENT else 0.003
    block.entry("optimizer", {"Adam": {"learning_rate": rate}})
    block.entry("epochs", epochs, "at the most; early stopping ends it when validation no longer improves")
    block.entry("batch_size", batch_size)
    if plan.labels:
        block.entry("metrics", ["accuracy"])
    block.entry("early_stopping", {"monitor": "val_loss", "patience": min(PATIENCE, max(3, epochs // 10))})


def _render_series(block: Block, series: SeriesConfig, plan: Plan) -> None:
    several = f"{plan.count:,} series, of {plan.rows:,} rows as a rule, " if series.id else f"{plan.rows:,} rows "
    what = f"tell the next {series.horizon}; `dltrain init --horizon N` or this line changes it"
    if plan.labels:
        what = f"have the label of {'their series' if series.label_of else 'the last of them (`offset: 1`: of the next one)'}"
    block.remark(f"{several}{plan.apart}: {series.history} rows {what}", indent=2)
    entries: dict[str, Any] = {"time": series.time[0] if len(series.time) == 1 else list(series.time)} if series.time else {}
    if series.id:
        entries["id"] = list(series.id) if len(series.id) > 1 else series.id[0]
    if series.static:
        entries["static"] = list(series.static)
    entries |= {"history": series.history, **({} if plan.labels else {"horizon": series.horizon})}
    remarks = []
    if series.label_of is not None:
        entries["label_of"] = series.label_of
        remarks.append("a series is in one part, and has one answer")
    if series.scale is not None:
        entries["scale"] = series.scale
        remarks.append(
            "each window by its own mean and deviation, "
            + ("for the level moves" if plan.moves else "large and small ones alike" if series.id else "as its change is learnt")
        )
    if series.calendar is not None:
        entries["calendar"] = series.calendar
        remarks.append("days of the week without rows are no gap")
    if series.holidays:
        entries["holidays"] = list(series.holidays)
        said = "1 other day without rows" if len(series.holidays) == 1 else f"{len(series.holidays)} other days without rows"
        remarks.append(f"{said} taken for holidays: add those to come, or forecasts fall on them")
    if series.history_from == "before":
        entries["history_from"] = series.history_from
        remarks.append("a part's first windows see the rows before it")
    if series.gaps is not None:
        entries["gaps"] = series.gaps
        remarks.append("rows on both sides of a gap in time count as neighbours, for between gaps there is hardly a window")
    block.entry("series", entries, "; ".join(remarks))
