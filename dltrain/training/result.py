"""What a fit comes to: metrics and report of each part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from dltrain.data.dataset import Part
from dltrain.data.disk_array import is_streamed, rows_in_memory
from dltrain.errors import Fault
from dltrain.evaluation.held_out import write_held_out
from dltrain.evaluation.pca_baseline import PcaBaseline
from dltrain.evaluation.reconstruction import report_reconstruction
from dltrain.evaluation.report import PartReport, report_part, restore_priors
from dltrain.model.corruption import Corrupt
from dltrain.model.forward import Forward
from dltrain.model.head import Head
from dltrain.training.loop import Tensors

MOST_EVALUATED = 2_000_000  # rows of a training part on disk, where it is the only part


@dataclass(slots=True)
class FitResult:
    """What a fit came to.

    Attributes:
        status: "finished", or "gates_failed" where a required metric was not reached.
        run: the run directory.
        epochs: epochs trained.
        weights: "best" or "last": which checkpoint is the run's model, whose metrics these are.
        metrics: part -> metric -> value.
        baseline: metric -> value on the test part, else the validation part, else the training part.
        report: for classes the confusion matrix and the table by class, of the same part.
        gates: what was required, with value and whether it was met.
        seconds: wall time by stage: import, data, build, train, evaluate, total.
        notes: sentences for the user.
        diagnosis: what the figures say is wrong: {"kind", "sentence", "advice", "figures"} each.
        warnings: what the user should know, each once; the same as in the manifest.
        resumed: whether it went on with an earlier run.
    """

    status: str
    run: Path
    epochs: int
    weights: str
    metrics: dict[str, dict[str, float]]
    baseline: dict[str, float]
    report: dict[str, Any]
    gates: list[Any]
    seconds: dict[str, float]
    notes: list[str] = field(default_factory=list)
    diagnosis: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[Fault] = field(default_factory=list)
    resumed: bool = False


def is_long(part: Part) -> bool:
    """Whether a part is on disk and too long for its predictions to be held in memory and sorted."""
    return part.num_rows > MOST_EVALUATED and any(is_streamed(array) for array in part.inputs.values())


def thin(part: Part) -> Part:
    """So many rows of a part as are evaluated at the most, in memory, evenly spread over it."""
    rows = np.linspace(0, part.num_rows - 1, MOST_EVALUATED).astype(np.int64)
    return replace(
        part,
        inputs={name: rows_in_memory(array, rows) for name, array in part.inputs.items()},
        targets={name: rows_in_memory(array, rows) for name, array in part.targets.items()},
        weights=None if part.weights is None else part.weights[rows],
        row_ids=part.row_ids[rows] if part.row_file is None else rows_in_memory(part.row_file, rows),
        identifiers={name: [values[row] for row in rows.tolist()] for name, values in part.identifiers.items()},
        row_file=None,
        references={
            name: {target: values[rows] for target, values in forecasts.items()} for name, forecasts in part.references.items()
        },
    )


def evaluate_parts(
    parts: Mapping[str, Part],
    heads: Sequence[Head],
    tensors: Mapping[str, Tensors],
    forward: Forward,
    train: Part,
    manifest: Mapping[str, Any],
    pca: PcaBaseline | None = None,
    held_out: Path | None = None,
    corrupt: Corrupt | None = None,
) -> dict[str, PartReport]:
    """Metrics and report of each part.

    Args:
        parts, heads, tensors, forward: what is evaluated, and by which model.
        train: the training part, for the baselines.
        manifest: of the run, which says what verdicts are held against.
        pca: the baseline of a reconstruction.
        held_out: folder into which the validation part's predictions are written, or None.
        corrupt: what a denoising model is trained to undo, or None.
    """
    reports = {}
    for name, part in parts.items():
        if part.num_rows:
            data = tensors[name]
            if heads[0].task == "reconstruction":
                reports[name] = report_reconstruction(name, forward, data.inputs, data.targets, data.weights, pca, corrupt)
                continue
            logs, outputs = forward.evaluate(data.inputs, data.targets, data.weights)
            reports[name] = report_part(
                name, logs, heads, outputs, part, train.targets, restore_priors(manifest.get("reference", {}))
            )
            if held_out is not None and name == "validation":
                write_held_out(held_out, heads, outputs, part)
    return reports
