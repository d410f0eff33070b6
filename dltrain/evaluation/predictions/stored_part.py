"""Predictions for the rows of a part that the run has, beside what is true and how far off they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.data.arrays.disk_array import in_memory
from dltrain.data.dataset import Part
from dltrain.errors import UsageError
from dltrain.evaluation.asked_rows import MeasuredRows
from dltrain.evaluation.evaluate import evaluate
from dltrain.evaluation.load_run import StoredRun, asked_model, find_checkpoint, load_run, run_outputs
from dltrain.evaluation.member_metrics import member_answers, member_outputs
from dltrain.evaluation.metrics.label_metrics import label_losses
from dltrain.evaluation.metrics.metrics import class_losses
from dltrain.evaluation.predictions.held_out import true_columns
from dltrain.evaluation.predictions.of_outputs import Predictions, add_spread, in_nine_digits, predictions_of, reconstructions_of
from dltrain.evaluation.predictions.predict import refuse_other_tasks
from dltrain.evaluation.predictions.series_answers import answered_rows
from dltrain.model.heads.head import Head
from dltrain.model.own_code.importing import require_trust
from dltrain.reporting import Reporter


def predict_part(run: Path, part: str, *, top: int | None = None, windows: bool = False, **options: Any) -> Predictions:
    """Predict for the rows of a part of the run's own data.

    Args:
        run: the run directory.
        part: "test", "validation" or "train".
        top, windows: as for `predict`.
        options: weights, images, threads, reporter, as for `evaluate`.

    Returns:
        With `row` (from 1, in the source's whole order) and `true_<target>` among what names the rows, and `error` among the
        columns: of a class the negative log of the probability given to the true one, whose mean is `log_loss`; of several labels
        the mean of the labels'; of a number
        how far off it is, whose mean is `mae`. With several targets `error_<target>`. Of a reconstruction `error` is that of
        `predict`, whose mean is `mse`.
    """
    stored = load_run(run)
    refuse_other_tasks(stored, top, windows=windows)
    if stored.heads[0].is_mask:
        message = "--part gives a row's answer beside the true one; here each pixel has one"
        hint = f"dltrain evaluate {run} --part {part} measures them; --data PATH --masks FOLDER writes masks"
        raise UsageError(message, hint=hint)
    if stored.heads[0].is_reconstruction:
        return _reconstructed(stored, part, **options)
    found = evaluate(run, part=part, own_gates=False, **options)
    scored = found.scored
    assert scored is not None, "of what is not a reconstruction"
    told = answered_rows(scored.heads, scored.answers, scored.part, windows=windows)
    result = predictions_of(scored.heads, told.answers, told.part, top)
    if scored.stored.is_average:
        _, *members = member_outputs(scored.forward.model, scored.encoded.inputs, scored.heads)
        add_spread(result, scored.heads, told.answers, [told.joined(one) for one in member_answers(scored.heads, members)])
    named: dict[str, Any] = {} if told.series else {"row": (row_ids(scored.part) + 1).tolist()}
    result.identifiers = named | _in_memory(result.identifiers) | true_columns(scored.heads, told.part)
    result.columns = {**result.columns, **told.columns, **errors_of(scored.heads, told.answers, told.part)}
    result.notes += told.notes
    result.notes += [note for note in found.notes if "evenly spread" in note]
    return result


def _reconstructed(
    stored: StoredRun,
    part: str,
    *,
    weights: str | None = None,
    threads: int | None = None,
    reporter: Reporter | None = None,
    **rows: Any,
) -> Predictions:
    """What was made of the rows of a part, for a run that reconstructs its input."""
    require_trust(stored.config.code)
    reporter = reporter or Reporter()
    _, checkpoint = find_checkpoint(stored, weights, reporter)
    found = MeasuredRows(part=part, **rows).read(stored, threads or stored.threads, reporter)
    inputs = [found.part.inputs[spec.name] for spec in stored.preprocessing.schema.inputs]
    with asked_model(stored, checkpoint) as model:
        (output,) = run_outputs(model, inputs)
    result = reconstructions_of(stored.preprocessing, output, found.part)
    result.identifiers = {"row": (row_ids(found.part) + 1).tolist(), **_in_memory(result.identifiers)}
    return result


def _in_memory(identifiers: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    return {name: list(texts) for name, texts in identifiers.items()}


def row_ids(part: Part) -> NDArray[np.int64]:
    """Which rows of the source a part holds, from 0."""
    return part.row_ids if part.row_file is None else np.asarray(in_memory(part.row_file))


def errors_of(heads: Sequence[Head], answers: Sequence[NDArray[Any]], part: Part) -> dict[str, NDArray[np.float64]]:
    """How far each row's prediction is off: `error`, or `error_<target>` of several."""
    several = sum(target.is_middle for head in heads for target in head.targets) > 1
    found: dict[str, NDArray[np.float64]] = {}
    for head, said in zip(heads, answers, strict=True):
        for index, target in enumerate(head.targets):
            if not target.is_middle:
                continue
            stored = part.targets[target.name]
            name = f"error_{target.name}" if several else "error"
            if head.is_multilabel:
                found[name] = label_losses(np.asarray(stored) > 0, said).mean(axis=1)
            elif head.classes:
                found[name] = class_losses(stored, said)
            else:
                found[name] = np.abs(said[:, index] - target.to_own(stored))
    return {name: in_nine_digits(values) for name, values in found.items()}
