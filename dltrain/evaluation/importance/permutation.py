"""Permutation importance: how much worse a model gets where one column's values are permuted among the rows; and of words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.data.columns.column import FeatureColumn
from dltrain.data.columns.tokens import NUM_RESERVED
from dltrain.data.pictures.preprocessing import PicturePreprocessing
from dltrain.data.preprocessing import Preprocessing
from dltrain.data.series.preprocessing import SeriesPreprocessing
from dltrain.data.tables.preprocessing import TablePreprocessing, input_name
from dltrain.errors import UsageError
from dltrain.evaluation.importance.sample import SEED, Sample, sample_of
from dltrain.evaluation.importance.tokens import token_worths
from dltrain.evaluation.metrics.intervals import Drawn, Interval
from dltrain.evaluation.scored import Scored
from dltrain.wording import quoted

REPEATS = 5
_MOST_NUMBERS = 200  # of a row of an array


@dataclass(frozen=True, slots=True)
class Importance:
    """The importance of one column, one input or one token.

    Attributes:
        name: of it.
        kind: "column", "input", or "token" of a text.
        value: by how much the metric gets worse without it, of columns the mean over the repeats.
        interval: of that, with a confidence of 95 %; None: too few rows.
        held_by: of a token: how many rows hold it.
    """

    name: str
    kind: str
    value: float
    interval: Interval | None
    held_by: int | None = None


@dataclass(frozen=True, slots=True)
class Importances:
    """The importance of all columns, the largest first.

    Attributes:
        metric: what gets worse.
        whole: its value with all columns.
        rows, repeats: how many rows were dealt out anew, and how often.
        columns: their importances, then those of tokens.
        notes: sentences for the user.
    """

    metric: str
    whole: float
    rows: int
    repeats: int
    columns: list[Importance]
    notes: list[str] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """The importances as plain values, for JSON."""
        return {name: value for name, value in asdict(self).items() if name != "notes"}


@dataclass(frozen=True, slots=True)
class Dealt:
    """Columns whose values are permuted together, as places among the model's inputs.

    Attributes:
        name: of the column or input.
        kind: "column" or "input".
        places: input's number -> which of its last axis's numbers; None: all of it.
    """

    name: str
    kind: str
    places: dict[int, NDArray[np.int64] | None]


def importances(scored: Scored, metric: str | None = None, repeats: int = REPEATS) -> Importances:
    """Permutation importance (Breiman, Machine Learning 45, 2001) of the columns on the rows of a part, and that of words.

    The numbers of one column - its date parts, its one-hot categories - are dealt out together, as are those of a named input. A
    word is taken out of all texts.

    Args:
        scored: the part.
        metric: what gets worse; None: the log loss of classes, rmse of numbers.
        repeats: how often each column is dealt out.

    Raises:
        UsageError: there are no columns, or no such metric.
    """
    preprocessing = scored.stored.preprocessing
    dealt = what_is_dealt(preprocessing)
    if not dealt:
        raise UsageError("--importance needs a run on columns, texts or pictures", hint="the numbers of this one have no names")
    sample = sample_of(scored, metric)
    num_rows = sample.part.num_rows
    notes = [f"Importances are those on {num_rows:,} rows of the part, drawn at random."] if sample.is_drawn else []
    generator = np.random.default_rng([SEED, num_rows])
    found = []
    for one in dealt:
        drawn = []
        for _ in range(repeats):
            order = generator.permutation(num_rows)
            drawn.append(sample.drawn(scored.forward.outputs(_dealt_out(sample.inputs, one, order))).less(sample.whole))
        mean = Drawn(
            sample.sign * float(np.mean([each.value for each in drawn])),
            sample.sign * np.mean([each.samples for each in drawn], axis=0),
            sample.sign * np.mean([each.without for each in drawn], axis=0),
        )
        interval = mean.interval() if sample.units is not None else None
        found.append(Importance(one.name, one.kind, mean.value, interval))
    found.sort(key=lambda one: (one.kind, -one.value))
    found += _tokens(sample, preprocessing, notes)
    return Importances(sample.metric, sample.whole.value, num_rows, repeats, found, notes)


def _tokens(sample: Sample, preprocessing: Preprocessing, notes: list[str]) -> list[Importance]:
    """The words of all columns of text, with the column's name where there are several."""
    if not isinstance(preprocessing, TablePreprocessing):
        return []
    names = [spec.name for spec in preprocessing.schema.inputs]
    columns = [column for column in preprocessing.features if column.tokenizer is not None]
    found = []
    for column in columns:
        group = next((one.name for one in preprocessing.groups if one.columns == (column.name,)), input_name(column))
        if column.tokenizer is None or group not in names:
            continue
        worths, tried = token_worths(sample, names.index(group))
        if tried:
            notes.append(f"Of {quoted(column.name)} the {tried:,} tokens that most rows hold were taken out, one at a time.")
        vocabulary, before = column.tokenizer.vocabulary, f"{column.name}: " if len(columns) > 1 else ""
        found += [
            Importance(f"{before}{vocabulary[one.code - NUM_RESERVED]}", "token", one.value, one.interval, one.rows)
            for one in worths
        ]
    return found


def what_is_dealt(preprocessing: Preprocessing) -> list[Dealt]:
    """The columns of a run, and its named inputs, as places among the model's inputs; none where it has no columns."""
    inputs = preprocessing.schema.inputs
    table = preprocessing.table if isinstance(preprocessing, SeriesPreprocessing) else preprocessing
    if isinstance(table, PicturePreprocessing) and len(inputs[0].shape) == 1 and inputs[0].shape[0] <= _MOST_NUMBERS:
        names = inputs[0].columns or [f"number {place + 1}" for place in range(inputs[0].shape[0])]
        return [Dealt(name, "column", {0: np.array([place])}) for place, name in enumerate(names)]
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
