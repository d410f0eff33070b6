"""Permutation importance: how much worse a model gets where one column's values are permuted among the rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.catalog.metrics import find_direction, find_name
from dltrain.data.arrays.disk_array import in_memory
from dltrain.data.columns.column import FeatureColumn
from dltrain.data.preprocessing import Preprocessing
from dltrain.data.series.preprocessing import SeriesPreprocessing
from dltrain.data.tables.preprocessing import TablePreprocessing, input_name
from dltrain.errors import Fault, UsageError
from dltrain.evaluation.metrics.intervals import Drawn, Interval, Units, draw
from dltrain.evaluation.metrics.part_intervals import sums_of_part, units_of_part
from dltrain.evaluation.metrics.report import answers_of
from dltrain.evaluation.scored import Scored
from dltrain.evaluation.spread_sample import take_part

if TYPE_CHECKING:
    from dltrain.evaluation.evaluate import EvaluateResult

REPEATS = 5
MOST_ROWS = 10_000
_DECIDING = ("log_loss", "rmse", "accuracy")
_SEED = 0x1397


@dataclass(frozen=True, slots=True)
class Importance:
    """The importance of one column, or of one input.

    Attributes:
        name: of it.
        kind: "column" or "input".
        value: by how much the metric gets worse without it, the mean over the repeats.
        interval: of that, with a confidence of 95 %; None: too few rows.
    """

    name: str
    kind: str
    value: float
    interval: Interval | None


@dataclass(frozen=True, slots=True)
class Importances:
    """The importance of all columns, the largest first.

    Attributes:
        metric: what gets worse.
        whole: its value with all columns.
        rows, repeats: how many rows were dealt out anew, and how often.
        columns: their importances.
        notes: sentences for the user.
    """

    metric: str
    whole: float
    rows: int
    repeats: int
    columns: list[Importance]
    notes: list[str] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """As plain values."""
        return {name: value for name, value in asdict(self).items() if name != "notes"}


@dataclass(frozen=True, slots=True)
class Dealt:
    """Columns whose values are permuted together.

    Attributes:
        name: of the column or input.
        kind: "column" or "input".
        places: input's number -> which of its last axis's numbers; None: all of it.
    """

    name: str
    kind: str
    places: dict[int, NDArray[np.int64] | None]


def importances(scored: Scored, metric: str | None = None, repeats: int = REPEATS) -> Importances:
    """Permutation importance (Breiman, Machine Learning 45, 2001) of the columns on the rows of a part.

    The numbers of one column - its date parts, its one-hot categories - are dealt out together, as are those of a named input.

    Args:
        scored: the part.
        metric: what gets worse; None: the log loss of classes, rmse of numbers.
        repeats: how often each column is dealt out.

    Raises:
        UsageError: there are no columns, or no such metric.
    """
    dealt = what_is_dealt(scored.stored.preprocessing)
    if not dealt:
        raise UsageError("--importance needs a run on columns", hint="pictures and arrays have none")
    rows = np.arange(scored.part.num_rows)
    notes: list[str] = []
    if len(rows) > MOST_ROWS:
        rows = np.sort(np.random.default_rng(_SEED).choice(rows, MOST_ROWS, replace=False))
        notes.append(f"Importances are those on {MOST_ROWS:,} rows of the part, drawn at random.")
    part = take_part(scored.part, rows)
    inputs = [in_memory(part.inputs[spec.name]) for spec in scored.stored.preprocessing.schema.inputs]

    def values_of(outputs: Sequence[NDArray[Any]]) -> tuple[dict[str, Drawn], Units | None]:
        sums = sums_of_part(scored.heads, answers_of(scored.heads, outputs), part, {})
        units = units_of_part(part, sums)
        if units is None:
            none = np.zeros(0)
            plain = {p + key: Drawn(value, none, none) for p, one in sums.items() for key, value in one.values().items()}
            return plain, None
        return {p + key: value for p, one in sums.items() for key, value in draw(one, units).items()}, units

    whole, units = values_of([np.asarray(output)[rows] for output in scored.outputs])
    name = _metric(metric, whole)
    sign = -1.0 if find_direction(name) == "max" else 1.0
    generator = np.random.default_rng([_SEED, len(rows)])
    found = []
    for one in dealt:
        drawn = []
        for _ in range(repeats):
            order = generator.permutation(len(rows))
            drawn.append(values_of(scored.forward.outputs(_dealt_out(inputs, one, order)))[0][name].less(whole[name]))
        mean = Drawn(
            sign * float(np.mean([each.value for each in drawn])),
            sign * np.mean([each.samples for each in drawn], axis=0),
            sign * np.mean([each.without for each in drawn], axis=0),
        )
        found.append(Importance(one.name, one.kind, mean.value, mean.interval() if units is not None else None))
    found.sort(key=lambda one: (one.kind, -one.value))
    return Importances(name, whole[name].value, len(rows), repeats, found, notes)


def weigh_columns(result: EvaluateResult, metric: str | None = None, repeats: int = REPEATS) -> Importances:
    """The importances on what was evaluated; what there is to say of them is added to its notes."""
    if result.scored is None:
        raise UsageError("--importance needs a run that predicts a target")
    found = importances(result.scored, metric, repeats)
    result.notes += found.notes
    return found


def what_is_dealt(preprocessing: Preprocessing) -> list[Dealt]:
    """The columns of a run, and its named inputs, as places among the model's inputs; none where it has no columns."""
    inputs = preprocessing.schema.inputs
    table = preprocessing.table if isinstance(preprocessing, SeriesPreprocessing) else preprocessing
    if not isinstance(table, TablePreprocessing):
        return []
    found: list[Dealt] = []
    for column in table.features:
        places = _places_of(column, table, [(spec.name, spec.columns) for spec in inputs])
        if isinstance(preprocessing, SeriesPreprocessing) and column.name in preprocessing.series.known:
            places = _with_later(places, preprocessing)
        if places:
            found.append(Dealt(column.name, "column", places))
    covered = {number for one in found for number in one.places}
    is_named = bool(table.groups) and len(inputs) > 1
    for number, spec in enumerate(inputs):
        if (is_named and len(spec.columns) > 1) or number not in covered:
            found.append(Dealt(spec.name, "input", {number: None}))
    return found


def _with_later(
    places: Mapping[int, NDArray[np.int64] | None], preprocessing: SeriesPreprocessing
) -> dict[int, NDArray[np.int64] | None]:
    """Of a column known ahead: those of its values to come as well, which stand behind the numbers of all columns."""
    known = preprocessing.known_places
    width = preprocessing.schema.inputs[0].shape[-1] - len(known)
    return {
        number: None if own is None else np.concatenate([own, width + np.flatnonzero(np.isin(known, own))])
        for number, own in places.items()
    }


def _places_of(
    column: FeatureColumn, table: TablePreprocessing, inputs: Sequence[tuple[str, tuple[str, ...]]]
) -> dict[int, NDArray[np.int64] | None]:
    if column.is_embedded:
        own = next((group.name for group in table.groups if group.columns == (column.name,)), input_name(column))
        return {number: None for number, (name, _) in enumerate(inputs) if name == own}
    if table.steps:  # what was made of all of them together is no column's own
        return {}
    places: dict[int, NDArray[np.int64] | None] = {}
    for number, (name, columns) in enumerate(inputs):
        members = next((group.columns for group in table.groups if group.name == name), None)
        if columns and (members is None or column.name in members):
            others = [one for one in table.features if not one.is_embedded and (members is None or one.name in members)]
            order = sorted(others, key=lambda one: members.index(one.name)) if members else others
            start = sum(len(one.columns) for one in order[: [one.name for one in order].index(column.name)])
            if column.columns:
                places[number] = np.arange(start, start + len(column.columns))
    return places


def _dealt_out(inputs: Sequence[NDArray[Any]], one: Dealt, order: NDArray[np.int64]) -> list[NDArray[Any]]:
    """The inputs with some of their numbers in another order of the rows."""
    found = list(inputs)
    for number, places in one.places.items():
        array = inputs[number]
        if places is None:
            found[number] = array[order]
        else:
            found[number] = array.copy()
            found[number][..., places] = array[order][..., places]
    return found


def _metric(wanted: str | None, there: dict[str, Drawn]) -> str:
    if wanted is None:
        return next((name for name in _DECIDING if name in there), None) or next(
            name for key in _DECIDING for name in there if name.endswith(f"_{key}")
        )
    name = find_name(wanted, there)
    if name is None:
        known = ", ".join(key for key in there if "[" not in key)
        raise UsageError(Fault(f"there is no importance by {wanted!r}", hint=f"the metrics are {known}"))
    return name
