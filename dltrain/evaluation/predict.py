"""`predict`: from raw rows or pictures to predictions, in a process that has only the run directory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.data import read_part, read_words
from dltrain.data.dataset import Part
from dltrain.data.table_preprocessing import TablePreprocessing
from dltrain.errors import UsageError
from dltrain.evaluation.load_run import load_run, run_outputs
from dltrain.evaluation.report import probabilities_of, values_of
from dltrain.helper_process import HelperProcess
from dltrain.model.head import Head
from dltrain.model.keras_import import import_keras
from dltrain.reporting import Reporter


@dataclass(slots=True)
class Predictions:
    """Predictions for rows.

    Attributes:
        identifiers: columns that name the rows: column -> text for each row.
        prediction: label or number for each row.
        probabilities: label -> probability for each row, for classes; None for numbers.
        columns: further columns of numbers: those of several targets, or of the layer that was asked for.
        arrays: what `columns` holds number by number, in its own shape: name -> array [rows, ...].
        notes: sentences for the user.
    """

    identifiers: dict[str, list[str]]
    prediction: list[Any]
    probabilities: dict[str, NDArray[np.float64]] | None = None
    columns: dict[str, Any] = field(default_factory=dict)
    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def predict(
    run: Path,
    *,
    data: Sequence[str],
    weights: str | None = None,
    top: int | None = None,
    layer: str | None = None,
    words: Sequence[str] = (),
    threads: int | None = None,
    reporter: Reporter | None = None,
) -> Predictions:
    """Predict from raw rows or pictures.

    Args:
        run: the run directory.
        data: files, folders or patterns.
        weights: "best", "last", or None: the run's model.
        top: keep only the columns of the `top` labels with the highest mean probability.
        layer: give what this layer computes instead of the predictions.
        words: single words, for runs on words; `data` is then not looked at.
        threads: threads for one operation; None: those of the run.
        reporter: is told what happens.

    Raises:
        DataError: the data is missing or does not fit.
        RunError: the run is damaged.
        UsageError: the run cannot predict from what was given.
    """
    reporter = reporter or Reporter()
    stored = load_run(run)
    if words and stored.preprocessing.source != "word_vectors":
        raise UsageError("--word needs a run on words", hint=f"the run's data is {stored.config.data.source}; give it --data")
    _, checkpoint = stored.checkpoint(weights)
    helper = HelperProcess()
    try:
        if words:
            helper.submit(read_words, stored.preprocessing, list(words))
        else:
            helper.submit(_read, stored.preprocessing, list(data))
        reporter.status("importing Keras")
        import_keras(threads or stored.threads)
        reporter.status("reading data")
        part: Part = helper.result(reporter)
    finally:
        helper.kill()
    model = stored.build(checkpoint, layer=layer)
    outputs = run_outputs(model, [part.inputs[spec.name] for spec in stored.preprocessing.schema.inputs])
    if layer is not None:
        return _layer_values(layer, outputs, part)
    result = predictions_of(stored.heads, outputs, part, top)
    preprocessing = stored.preprocessing
    if stored.heads[0].task == "reconstruction" and isinstance(preprocessing, TablePreprocessing):
        columns = preprocessing.read_back(outputs[0])
        if columns:
            result.columns = {f"prediction_{name}": values for name, values in columns.items()}
    return result


def _read(preprocessing: Any, paths: list[str], *, reporter: Reporter) -> Part:
    return read_part(preprocessing, paths, with_targets=False, reporter=reporter)


def _layer_values(layer: str, outputs: Sequence[NDArray[Any]], part: Part) -> Predictions:
    result = Predictions(part.identifiers, [])
    for number, output in enumerate(outputs):
        _add_numbers(result, layer if len(outputs) == 1 else f"{layer}_{number}", output)
    return result


def _add_numbers(result: Predictions, name: str, output: NDArray[Any]) -> None:
    """The numbers of each row, as an array and as a column each."""
    flat = output.reshape(len(output), -1)
    result.arrays[name] = output
    result.columns |= {f"{name}_{index}": flat[:, index] for index in range(flat.shape[1])}


def predictions_of(heads: Sequence[Head], outputs: Sequence[NDArray[Any]], part: Part, top: int | None) -> Predictions:
    """Labels and probabilities, or numbers in the target's own units, from a model's outputs.

    Args:
        heads: of the model.
        outputs: one array [rows, ...] per head.
        part: the rows.
        top: as for `predict`.
    """
    result = Predictions(part.identifiers, [])
    several = sum(len(head.targets) for head in heads) > 1
    for head, output in zip(heads, outputs, strict=True):
        if head.task == "classification":
            _add_classes(result, head, output, top, several=several)
        elif head.task == "regression":
            for index, target in enumerate(head.targets):
                values = values_of(target, output[:, index]).tolist()
                if several:
                    result.columns[f"prediction_{target.name}"] = values
                else:
                    result.prediction = values
        else:
            _add_numbers(result, "output", output)
    return result


def _add_classes(result: Predictions, head: Head, output: NDArray[Any], top: int | None, *, several: bool) -> None:
    probabilities = probabilities_of(head, output)
    labels = [head.classes[index] for index in probabilities.argmax(axis=1)]
    keep = list(range(len(head.classes)))
    if top is not None and top < len(keep):
        keep = sorted(np.argsort(-probabilities.mean(axis=0), kind="stable")[:top].tolist())
        result.notes.append(f"probabilities of {top} of {len(head.classes)} classes are given (--top {top})")
    if several:
        name = head.targets[0].name
        result.columns[f"prediction_{name}"] = labels
        result.columns |= {f"probability_{name}_{head.classes[index]}": probabilities[:, index] for index in keep}
    else:
        result.prediction = labels
        result.probabilities = {head.classes[index]: probabilities[:, index] for index in keep}
