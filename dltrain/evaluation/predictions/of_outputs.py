"""Predictions as a model's outputs make them: labels with probabilities, numbers in their own units, reconstructions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.data.arrays.disk_array import in_memory
from dltrain.data.dataset import Part
from dltrain.data.labels.cells import joined
from dltrain.data.pictures.preprocessing import PicturePreprocessing
from dltrain.data.preprocessing import Preprocessing
from dltrain.data.tables.preprocessing import TablePreprocessing
from dltrain.errors import Fault
from dltrain.evaluation.metrics.reconstruction import row_errors
from dltrain.evaluation.predictions.files import prediction_columns
from dltrain.later import polars
from dltrain.model.heads.answers import decide, decide_labels
from dltrain.model.heads.head import Head


@dataclass(slots=True)
class Predictions:
    """Predictions for rows.

    Attributes:
        identifiers: columns that name the rows: column -> text for each row.
        prediction: label or number for each row; None where a classifier's numbers are not finite.
        probabilities: label -> probability for each row, for classes; None for numbers.
        columns: further columns: those of several targets, of the most probable labels, of the layer that was asked for; of a
            mask `share_<label>`, and `mask`, its file; of a reconstruction `error` (mean squared error of the row's scaled
            numbers, whose mean `evaluate` calls `mse`) and the numbers in their own units.
        arrays: what `columns` holds number by number, in its own shape: name -> array [rows, ...].
        notes: sentences for the user.
        warnings: what the user should know of the data, where it was asked for from Python.
    """

    identifiers: dict[str, Sequence[str]]
    prediction: list[Any]
    probabilities: dict[str, NDArray[np.float64]] | None = None
    columns: dict[str, Any] = field(default_factory=dict)
    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    warnings: list[Fault] = field(default_factory=list)

    def to_frame(self) -> polars.DataFrame:
        """The columns that the command line writes, as a frame."""
        columns = prediction_columns(self.identifiers, self.prediction, self.probabilities, self.columns)
        return polars.DataFrame([polars.Series(name, values) for name, values in columns.items()])


def finite_rows(output: NDArray[Any]) -> list[bool]:
    """Whether all numbers of a row are finite, for each row."""
    return [bool(known) for known in np.isfinite(output.reshape(len(output), -1)).all(axis=1)]


def reconstructions_of(preprocessing: Preprocessing, output: NDArray[Any], part: Part) -> Predictions:
    """What was made of each row, in the units of the data, and how far it is from the row: what is unusual stands out.

    Args:
        preprocessing: of the run.
        output: of the model [rows, ...].
        part: the rows.
    """
    seen = in_memory(part.inputs[preprocessing.schema.inputs[0].name])
    result = Predictions(part.identifiers, [])
    result.columns["error"] = in_nine_digits(row_errors(seen, output))
    if isinstance(preprocessing, TablePreprocessing):
        columns = preprocessing.read_back(output)
        if columns:
            result.columns |= {f"prediction_{name}": values for name, values in columns.items()}
            return result
    elif isinstance(preprocessing, PicturePreprocessing) and not preprocessing.steps:
        add_numbers(result, "output", preprocessing.unscale(output).astype(np.float32))
        return result
    result.notes.append(
        "the columns output_… are numbers as the model sees them: what made them of the data's own cannot be undone "
        "(data.transform, model.inputs)"
    )
    add_numbers(result, "output", output)
    return result


def add_numbers(result: Predictions, name: str, output: NDArray[Any]) -> None:
    """The numbers of each row, as an array and as a column each."""
    flat = output.reshape(len(output), -1)
    result.arrays[name] = output
    result.columns |= {f"{name}_{index}": flat[:, index] for index in range(flat.shape[1])}


def predictions_of(heads: Sequence[Head], answers: Sequence[NDArray[Any]], part: Part, top: int | None) -> Predictions:
    """Labels and probabilities, or numbers in the target's own units, from a model's answers.

    Args:
        heads: of the model; no reconstruction.
        answers: from `answers_of`.
        part: the rows.
        top: as for `predict`.
    """
    result = Predictions(part.identifiers, [])
    several = sum(target.is_middle for head in heads for target in head.targets) > 1
    for head, said in zip(heads, answers, strict=True):
        if head.is_multilabel:
            _add_labels(result, head, said, top)
        elif head.classes:
            _add_classes(result, head, said, top, several=several)
        else:
            for index, target in enumerate(head.targets):
                values = in_nine_digits(said[:, index], None if target.is_bent else target.scale).tolist()
                if not target.is_middle:
                    result.columns[f"quantile_{target.quantile:g}" + (f"_{target.plain_name}" if several else "")] = values
                elif several:
                    result.columns[f"prediction_{target.name}"] = values
                else:
                    result.prediction = values
    return result


def add_spread(
    result: Predictions, heads: Sequence[Head], answers: Sequence[NDArray[Any]], members: Sequence[Sequence[NDArray[Any]]]
) -> None:
    """Add columns `spread`: the sample standard deviation over the members of an ensemble, of the number or the probability.

    With several labels they are called `spread_<label>`. The probabilities are those that the members say, before the average
    is calibrated.

    Args:
        result: the predictions of the average.
        heads: of the model.
        answers: of the average, from `answers_of`.
        members: the same of each member, from `member_answers`.
    """
    several = sum(target.is_middle for head in heads for target in head.targets) > 1
    for place, head in enumerate(heads):
        if head.is_multilabel:
            each = np.std(np.stack([one[place] for one in members]), axis=0, ddof=1)
            result.columns |= {f"spread_{label}": in_nine_digits(each[:, index]) for index, label in enumerate(head.classes)}
            continue
        if head.task == "classification":
            chosen = decide(head, answers[place])[:, None]
            said = [np.take_along_axis(one[place], chosen, axis=1)[:, 0] for one in members]
            result.columns["spread" + (f"_{head.targets[0].name}" if several else "")] = _spread(said)
            continue
        for index, target in enumerate(head.targets):
            if not target.is_middle:
                continue
            said = [np.asarray(one[place][:, index], np.float64) for one in members]
            result.columns["spread" + (f"_{target.name}" if several else "")] = _spread(said)


def _spread(said: Sequence[NDArray[Any]]) -> list[float]:
    values: list[float] = in_nine_digits(np.std(np.stack(said), axis=0, ddof=1)).tolist()
    return values


def in_nine_digits(values: NDArray[np.float64], scale: float | None = None) -> NDArray[np.float64]:
    """Numbers without the digits that the model did not give: of a float32, nine say all.

    Args:
        values: of any shape, all of one column or of one kind.
        scale: of the target. Where its mean is so far above it that nine digits would take from what the model said, all of the
            values have more, as many as it takes.
    """
    for digits in range(9, 18):
        short = np.array([float(f"{value:.{digits}g}") for value in values.ravel().tolist()], np.float64).reshape(values.shape)
        if scale is None or not np.isfinite(scale):
            break
        is_off = np.abs(short - values, where=np.isfinite(values), out=np.zeros(values.shape)) > scale * 2**-24
        if not is_off.any():
            break
    return short


def _add_classes(result: Predictions, head: Head, probabilities: NDArray[np.float64], top: int | None, *, several: bool) -> None:
    finite = finite_rows(probabilities)
    labels = [head.classes[index] if known else None for index, known in zip(decide(head, probabilities), finite)]
    probabilities = in_nine_digits(probabilities)
    name = head.targets[0].name
    if several:
        result.columns[f"prediction_{name}"] = labels
    else:
        result.prediction = labels
    if top is not None:
        result.columns |= most_probable(head.classes, probabilities, top, f"_{name}" if several else "")
    elif several:
        result.columns |= {f"probability_{name}_{label}": probabilities[:, index] for index, label in enumerate(head.classes)}
    else:
        result.probabilities = {label: probabilities[:, index] for index, label in enumerate(head.classes)}


def _add_labels(result: Predictions, head: Head, probabilities: NDArray[np.float64], top: int | None) -> None:
    """Columns `labels` (those that are said, as a cell of the data has them) and `probability_<label>`."""
    finite = finite_rows(probabilities)
    said = joined(decide_labels(head, probabilities), head.targets[0])
    result.columns["labels"] = [text if known else None for text, known in zip(said, finite)]
    probabilities = in_nine_digits(probabilities)
    if top is not None:
        result.columns |= most_probable(head.classes, probabilities, top)
    else:
        result.columns |= {f"probability_{label}": probabilities[:, index] for index, label in enumerate(head.classes)}


def most_probable(labels: Sequence[str], probabilities: NDArray[Any], top: int, ending: str = "") -> dict[str, Any]:
    """Columns `label_1`, `probability_1`, `label_2`, ...: each row's own most probable labels, the first of equal ones first.

    Args:
        labels: in the order of the probabilities.
        probabilities: [rows, labels].
        top: how many; no more than there are.
        ending: of the words `label` and `probability`.
    """
    order = np.argsort(-probabilities, axis=1, kind="stable")[:, :top]
    finite = finite_rows(probabilities)
    columns: dict[str, Any] = {}
    for place in range(order.shape[1]):
        chosen = [labels[index] if known else None for index, known in zip(order[:, place], finite)]
        columns[f"label{ending}_{place + 1}"] = chosen
        columns[f"probability{ending}_{place + 1}"] = np.take_along_axis(probabilities, order[:, place : place + 1], axis=1)[:, 0]
    return columns
