"""What a fit comes to: metrics and report of each part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from dltrain.data.dataset import Part
from dltrain.errors import Fault
from dltrain.evaluation.metrics.pca_baseline import PcaBaseline
from dltrain.evaluation.metrics.reconstruction import report_reconstruction
from dltrain.evaluation.metrics.report import PartReport, reference_of, report_part, restore_priors
from dltrain.evaluation.predictions.held_out import write_held_out
from dltrain.model.corruption import Corrupt
from dltrain.model.forward import Forward
from dltrain.model.heads.head import Head
from dltrain.training.loop import Tensors


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
        intervals: part -> metric -> between which values it is with a confidence of 95 %.
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
    intervals: dict[str, Any] = field(default_factory=dict)


def smear(heads: Sequence[Head], outputs: Sequence[NDArray[Any]], part: Part) -> tuple[Head, ...]:
    """The heads with the smearing that a part's residuals ask for.

    Args:
        heads: of the model.
        outputs: one array [rows, ...] per head, for the part's rows.
        part: the rows.
    """
    return tuple(
        replace(
            head,
            targets=tuple(
                target.with_smearing(part.targets[target.name], output[:, index], part.weights) if target.is_log else target
                for index, target in enumerate(head.targets)
            ),
        )
        for head, output in zip(heads, outputs, strict=True)
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
    described = manifest.get("reference", {})
    reference, priors = reference_of(train, described), restore_priors(described)
    for name, part in parts.items():
        if part.num_rows:
            data = tensors[name]
            if heads[0].task == "reconstruction":
                reports[name] = report_reconstruction(name, forward, data.inputs, data.targets, data.weights, pca, corrupt)
                continue
            logs, outputs = forward.evaluate(data.inputs, data.targets, data.weights)
            reports[name] = report_part(name, logs, heads, outputs, part, reference, priors)
            if held_out is not None and name == "validation":
                write_held_out(held_out, heads, outputs, part)
    return reports
