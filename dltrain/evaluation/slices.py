"""Metrics of a part slice by slice: where a model is good, and where it is worse than the baseline."""

from __future__ import annotations

import itertools
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.catalog.metrics import find_direction
from dltrain.data.columns.dates.reading import to_dates
from dltrain.data.columns.kinds import ColumnKind, infer_kind
from dltrain.data.columns.reading import mend, read_numbers, text_of
from dltrain.data.dataset import Part
from dltrain.data.series.answers import least_block
from dltrain.data.series.preprocessing import SeriesPreprocessing
from dltrain.data.splits import blocks_in_order
from dltrain.data.tables.column_names import column_of, name_of
from dltrain.errors import DataError, Fault, UsageError
from dltrain.evaluation.metrics.forecasts.forecast import forecast_baseline
from dltrain.evaluation.metrics.gates import Gate, check_gates
from dltrain.evaluation.metrics.intervals import LEAST_UNITS, Interval, intervals
from dltrain.evaluation.metrics.label_metrics import label_baseline
from dltrain.evaluation.metrics.metrics import classification_baseline, regression_baseline
from dltrain.evaluation.metrics.part_intervals import sums_of_part, units_of_part
from dltrain.evaluation.metrics.report import restore_reference
from dltrain.evaluation.row_errors import WORSE, RowErrors, row_errors
from dltrain.evaluation.scored import Scored
from dltrain.later import polars
from dltrain.model.heads.head import layer_name
from dltrain.wording import column_hint

if TYPE_CHECKING:
    from dltrain.data.tables.preprocessing import TablePreprocessing
    from dltrain.evaluation.evaluate import EvaluateResult

QUANTILES = 4  # slices of a column of numbers
FEW_NUMBERS = 10  # so many different ones are slices each
MOST_SPANS = 12  # slices of a column of dates
MOST_SLICES = 20  # of a column of words; the rarer ones are one together
MOST_SERIES = 1000  # of a column that tells series apart
MISSING, OTHERS = "(missing)", "(others)"
_DECIDING = ("log_loss", "rmse")
_WORST = ("log_loss", "mase", "rmse")  # what slices are sorted by: of series that each has its own size, mase


@dataclass(frozen=True, slots=True)
class Slice:
    """Some rows of a part.

    Attributes:
        column: by which it was cut.
        name: its value, or the span of its numbers.
        rows: how many.
        metrics: of these rows.
        intervals: metric -> between which values it is with a confidence of 95 %.
        baseline: metric -> of always saying the training part's most frequent class, or mean.
        standings: target, or "" where there is one -> "better" or "worse" than the baseline by more than chance explains, row by
            row and by the score that the verdict goes by, or "not shown".
        is_worse: whether it is for one of the targets.
    """

    column: str
    name: str
    rows: int
    metrics: dict[str, float]
    intervals: dict[str, Interval] = field(default_factory=dict)
    baseline: dict[str, float] = field(default_factory=dict)
    standings: dict[str, str] = field(default_factory=dict)
    is_worse: bool = False

    @property
    def seems_worse(self) -> bool:
        """Whether a deciding metric is worse than the baseline's, and chance explains it."""
        is_better = bool(self.standings) and all(standing == "better" for standing in self.standings.values())
        return not (self.is_worse or is_better) and any(
            self.metrics[name] > self.baseline[name]
            for name in self.baseline
            if name in self.metrics and name.endswith(_DECIDING)
        )

    def document(self) -> dict[str, Any]:
        """The slice as plain values, for JSON."""
        return asdict(self)


def slice_part(scored: Scored, columns: Mapping[str, polars.Series]) -> list[Slice]:
    """Cut a part by columns, each by itself.

    Args:
        scored: the part with its answers.
        columns: name -> the values of the part's rows.

    Returns:
        Column by column, the worst slice first.
    """
    found: list[Slice] = []
    errors = row_errors(scored)
    is_series = isinstance(scored.stored.preprocessing, SeriesPreprocessing)
    for column, values in columns.items():
        names, codes = cut(values, MOST_SERIES if is_series else MOST_SLICES)
        slices = [_slice(scored, errors, column, name, np.flatnonzero(codes == code)) for code, name in enumerate(names)]
        found += sorted((one for one in slices if one.rows), key=_badness)
    return found


def cut_result(result: EvaluateResult, columns: Sequence[str], *, own_gates: bool = True) -> list[Slice]:
    """Cut what was evaluated by the columns asked for, and by those of the run's config, whose gates are added to the result.

    Args:
        result: of an evaluation.
        columns: asked for.
        own_gates: hold the slices to what the config requires of them.
    """
    scored = getattr(result, "scored", None)
    own = scored.stored.config.evaluation.slices if scored is not None and own_gates else {}
    wanted = list(dict.fromkeys([*columns, *own]))
    if not wanted:
        return []
    if scored is None:
        raise UsageError(
            "--by needs a run that predicts one answer for a row",
            hint="masks have metrics by class, such as iou[cell]; of a reconstruction `predict` gives the error of each row",
        )
    slices = slice_part(scored, part_columns(scored, wanted))
    result.gates += slice_gates(slices, own if result.part != "train" else {}, result.part)
    return slices


def cut(values: polars.Series, most: int = MOST_SLICES) -> tuple[list[str], NDArray[np.int64]]:
    """The names of the slices of a column, and which of them each row is in.

    Args:
        values: of the rows: numbers, dates, or text.
        most: so many slices of words at the most.

    Numbers of more than ten values are cut at their quartiles, what stands for no number apart; dates by the year, quarter,
    month, day or hour, whichever is the finest of at most twelve slices; words and few numbers by value.
    """
    if values.dtype.is_temporal():
        values = _spans(values)
    elif values.dtype.is_numeric():
        numbers = values.to_numpy().astype(np.float64)
        if len(np.unique(numbers[np.isfinite(numbers)])) > FEW_NUMBERS:
            return _cut_numbers(numbers)
        values = polars.Series([f"{number:.10g}" if np.isfinite(number) else None for number in numbers])
    texts = ["" if value is None else str(value) for value in values.to_list()]
    texts = [text if text.strip() else MISSING for text in texts]
    names, inverse, counts = np.unique(np.array(texts, object), return_inverse=True, return_counts=True)
    if len(names) <= most:
        return [str(name) for name in names], inverse.astype(np.int64)
    order = np.argsort(-counts, kind="stable")
    place = np.full(len(names), most - 1)
    place[order[: most - 1]] = np.arange(most - 1)
    return [*(str(names[index]) for index in order[: most - 1]), OTHERS], place[inverse].astype(np.int64)


def values_of(series: polars.Series, preprocessing: TablePreprocessing) -> polars.Series:
    """A column of the table as numbers, dates or text: as the run reads it, or, where the run does not, as `init` would.

    Raises:
        UsageError: it holds lists or such.
    """
    reading = preprocessing.reading
    if series.dtype.is_nested() or series.dtype == polars.Binary:
        raise UsageError(f"--by cuts by values, and {name_of(series)} holds {series.dtype}", hint="--by another column")
    known = next((column for column in preprocessing.features if column.name == name_of(series)), None)
    kind = infer_kind(series, reading) if known is None else ColumnKind(known.kind, known.date_format)
    if kind.kind == "number":
        return polars.Series(read_numbers(series, reading)[0])
    series = mend(series, reading)
    return to_dates(series, kind.date_format) if kind.kind == "date" else text_of(series)


def slice_gates(slices: Sequence[Slice], require: Mapping[str, Sequence[str]], part: str) -> list[Gate]:
    """Hold each slice of a column to what is required of it.

    Args:
        slices: of these columns.
        require: column -> gates.
        part: the part's name.
    """
    gates: list[Gate] = []
    for column, texts in require.items():
        for one in slices:
            if one.column == column and texts:
                found = check_gates(texts, {part: one.metrics}, part=part, intervals={part: one.intervals})
                gates += [replace(gate, require=f"{gate.require} by {column}: {one.name}") for gate in found]
    return gates


def part_columns(scored: Scored, names: Sequence[str]) -> dict[str, polars.Series]:
    """The values of some columns of the table that a part is of, in its rows' order.

    Raises:
        UsageError: the run is on no table, or the table has no such column.
    """
    from dltrain.data.new_rows import read_rows_again, why_not_again

    if isinstance(scored.stored.preprocessing, SeriesPreprocessing):
        return _id_columns(scored, names)
    reason = why_not_again(scored.places, scored.paths, scored.stored.preprocessing)
    if reason:
        raise UsageError(f"--by cuts the rows of a table by its columns; {reason}")
    frame, preprocessing = read_rows_again(
        scored.places, scored.paths, scored.stored.preprocessing, seed=scored.stored.config.seed
    )
    # The blanks around names of a header are left out, as the config's own names are looked up.
    found = {name: name if name in frame.columns else name.strip() for name in names}
    missing = [name for name, column in found.items() if column not in frame.columns]
    if missing:
        faults = [Fault(f"there is no column {name} to cut by", hint=_column_hint(name, frame.columns)) for name in missing]
        raise UsageError(faults)
    rows = scored.part.row_ids
    if len(rows) and int(rows.max()) >= frame.height:
        raise DataError("the data has changed while it was evaluated")
    return {name: values_of(column_of(frame, column), preprocessing)[rows] for name, column in found.items()}


def _column_hint(name: str, columns: Sequence[str]) -> str:
    several = [part.strip() for part in name.split(",")]
    if len(several) > 1 and all(part in columns for part in several):
        return "name each by itself: " + " ".join(f"--by {shlex.quote(part)}" for part in several)
    return column_hint(name, columns)


def _id_columns(scored: Scored, names: Sequence[str]) -> dict[str, polars.Series]:
    """The columns that tell the series of a part's windows apart; a window has no other column."""
    known = {name: values for name, values in scored.part.identifiers.items() if name not in ("time", "row")}
    known |= {name.removeprefix("id_"): values for name, values in known.items() if name in ("id_time", "id_row")}
    missing = [name for name in names if name not in known]
    if missing:
        hint = f"--by {next(iter(known))}" if known else "the run has one series (data.series.id tells several apart)"
        raise UsageError(f"--by cuts the windows of series by what tells these apart, not by {missing[0]}", hint=hint)
    return {name: polars.Series(name, known[name], dtype=polars.String) for name in names}


def _spans(dates: polars.Series) -> polars.Series:
    """The decades, years, quarters, months, days or hours of dates, as text: the finest of which there are not too many."""
    year = dates.dt.year().cast(polars.String)
    finest_first = (
        dates.dt.strftime("%Y-%m-%d %H h"),
        dates.dt.strftime("%Y-%m-%d"),
        dates.dt.strftime("%Y-%m"),
        year + " Q" + dates.dt.quarter().cast(polars.String),
        year,
        year.str.replace(r".$", "0s"),
    )
    return next((named for named in finest_first if named.drop_nulls().n_unique() <= MOST_SPANS), finest_first[-1])


def _cut_numbers(values: NDArray[np.float64]) -> tuple[list[str], NDArray[np.int64]]:
    finite = values[np.isfinite(values)]
    edges = np.unique(np.quantile(finite, np.linspace(0, 1, QUANTILES + 1)[1:-1]))
    codes = np.searchsorted(edges, values, "left").astype(np.int64)
    codes[~np.isfinite(values)] = len(edges) + 1
    ends = [f"{edge:.4g}" for edge in edges]
    names = [f"at most {ends[0]}", *(f"{low} to {high}" for low, high in itertools.pairwise(ends)), f"above {ends[-1]}", MISSING]
    return names, codes


def _slice(scored: Scored, errors: Mapping[str, RowErrors], column: str, name: str, rows: NDArray[np.int64]) -> Slice:
    if not len(rows):
        return Slice(column, name, 0, {})
    from dltrain.evaluation.spread_sample import take_part

    some = take_part(replace(scored.part, inputs={}), rows)
    if isinstance(scored.stored.preprocessing, SeriesPreprocessing) and some.references:
        some.blocks = _blocks_of_time(some, scored.stored.preprocessing)
    sums = sums_of_part(scored.heads, [values[rows] for values in scored.answers], some, {})
    units = units_of_part(some, sums)
    metrics = {prefix + key: value for prefix, one in sums.items() for key, value in one.values().items()}
    ends = {prefix + key: value for prefix, one in sums.items() for key, value in intervals(one, units).items()}
    baseline = forecast_baseline(scored.heads, some) if some.references else _baseline(scored, rows)
    standings = {prefix.removesuffix("_"): one.standing(rows, units) for prefix, one in errors.items()}
    return Slice(column, name, len(rows), metrics, ends, baseline, standings, WORSE in standings.values())


def _blocks_of_time(some: Part, preprocessing: SeriesPreprocessing) -> NDArray[np.int64]:
    """Windows of a slice that are drawn together: neighbours of one series; all of it where five blocks would cut futures up."""
    least = least_block(preprocessing.series)
    codes = np.zeros(some.num_rows, np.int64) if some.series is None else some.series.codes
    blocks, count = np.empty(some.num_rows, np.int64), 0
    for code in np.unique(codes):
        rows = np.flatnonzero(codes == code)
        is_short = len(rows) < LEAST_UNITS * (least // 2)
        blocks[rows] = count + (0 if is_short else blocks_in_order(len(rows), least))
        count = int(blocks[rows].max()) + 1
    return blocks


def _baseline(scored: Scored, rows: NDArray[np.int64]) -> dict[str, float]:
    """What always saying the same reaches, of each target."""
    targets = scored.stored.preprocessing.schema.targets
    described = scored.stored.manifest.get("reference", {})
    if any(target.name not in described for target in targets):
        return {}
    reference, found = restore_reference(described, targets), dict[str, float]()
    for head in scored.heads:
        for target in head.targets:
            seen, stored = reference[target.name], scored.part.targets[target.name][rows]
            if head.is_multilabel:
                own = label_baseline(seen[0], seen[1], stored)
            elif head.classes:
                own = classification_baseline(seen, stored, len(head.classes))
            else:
                own = regression_baseline(target.to_own(seen), target.to_own(stored))
            name = head.name if head.classes else layer_name(target.name)
            found |= {(f"{name}_" if len(targets) > 1 else "") + key: value for key, value in own.items()}
    return found


def _badness(one: Slice) -> float:
    """What slices are sorted by: the deciding metric, worst first."""
    name = next((key for key in (*_WORST, *one.metrics) if key in one.metrics), None)
    if name is None:
        return 0.0
    return one.metrics[name] if find_direction(name) == "max" else -one.metrics[name]
