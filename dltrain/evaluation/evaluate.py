"""`evaluate`: metrics of a run on a part of its data, or on other data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dltrain.config.catalog.metrics import split_part
from dltrain.errors import Fault
from dltrain.evaluation.asked_rows import MeasuredRows, ReadRows
from dltrain.evaluation.average_of_sweep import load_trusted
from dltrain.evaluation.load_run import StoredRun, asked_model, find_checkpoint, member_heads
from dltrain.evaluation.masks.score import report_segmentation
from dltrain.evaluation.member_metrics import measure_members
from dltrain.evaluation.metrics.bootstrap.jackknife import add_metric_intervals
from dltrain.evaluation.metrics.gates import check_gates, parse_gates
from dltrain.evaluation.metrics.learned_baselines import learned_baselines
from dltrain.evaluation.metrics.pca_baseline import load_pca
from dltrain.evaluation.metrics.reconstruction import report_reconstruction
from dltrain.evaluation.metrics.report import report_part, restore_priors, restore_reference
from dltrain.evaluation.scored import Scored, ScoredMasks
from dltrain.model.corruption import corruption_of
from dltrain.model.encode import encode_part
from dltrain.model.forward import Forward, evaluation_batch_size
from dltrain.model.heads.stored_answers import with_threshold
from dltrain.model.own_code.blame import blames_own_code
from dltrain.reporting import Reporter

NO_MEMBERS: dict[str, dict[str, Any]] = {}


@dataclass(slots=True)
class EvaluateResult:
    """The result of an evaluation; the attributes are those of `FitResult`, of one part.

    Attributes:
        run: the run directory.
        part: "test", "validation", "train", or "data" for other data.
        weights: "best" or "last".
        metrics: metric -> value.
        baseline: metric -> value of the training part's majority class or mean.
        report: for classes, confusion matrix and table.
        gates: what was required, with value and whether it was met.
        notes: sentences for the user.
        intervals: metric -> between which values it is with a confidence of 95 %.
        units: what was drawn to find these: `by`, `units`, `resamples`, `level`.
        members: of an ensemble: metric -> mean, min, max and values of its members.
        scored: the rows and what the model says of them; None where that is an array a row: a reconstruction, a mask.
        masks: the pictures and what the model says of their pixels.
        warnings: what the user should know of the data, where it was asked for from Python.
    """

    run: Path
    part: str
    weights: str
    metrics: dict[str, float]
    baseline: dict[str, float]
    report: dict[str, Any]
    gates: list[Any]
    notes: list[str] = field(default_factory=list)
    intervals: dict[str, Any] = field(default_factory=dict)
    units: dict[str, Any] = field(default_factory=dict)
    scored: Scored | None = field(default=None, repr=False)
    members: dict[str, dict[str, Any]] = field(default_factory=dict)
    masks: ScoredMasks | None = field(default=None, repr=False)
    warnings: list[Fault] = field(default_factory=list)


@blames_own_code
def evaluate(
    run: Path,
    *,
    weights: str | None = None,
    trials: int | None = None,
    require: Sequence[str] = (),
    own_gates: bool = True,
    threads: int | None = None,
    reporter: Reporter | None = None,
    **rows: Any,
) -> EvaluateResult:
    """Compute the metrics of a run.

    Args:
        run: the run directory.
        weights: "best", "last", or None: the run's model.
        trials: of a sweep: the average of so many of its best trials; None: the best one.
        require: gates, besides those of the run's config.
        own_gates: hold the run to what its config requires.
        threads: threads for one operation; None: those of the run.
        reporter: is told what happens.
        rows: how and on which rows, by the attributes of `MeasuredRows`, such as `part` or `data`.

    Raises:
        DataError: the data is missing, unfit, or not that of the run.
        RunError: the run is damaged.
        UsageError: no such part, weights or metric.
    """
    reporter = reporter or Reporter()
    parse_gates(require)
    stored = load_trusted(run, trials)
    asked = MeasuredRows(**rows)
    if asked.threshold is not None:
        stored.heads = with_threshold(stored.heads, asked.threshold)
    name, checkpoint = find_checkpoint(stored, weights, reporter)
    found = asked.read(stored, threads or stored.threads, reporter)
    with asked_model(stored, checkpoint) as model:
        result = _measure(stored, model, found)
    result.weights = name
    if trials is not None:
        result.run = run
        result.notes.append(
            f"This is the average of the sweep's {trials} best trials." if trials > 1 else "This is the best trial of the sweep."
        )
    own, notes = _own_gates(stored.config.evaluation.require, found.name) if own_gates else ((), [])
    intervals, reports = {found.name: result.intervals}, {found.name: result.report}
    result.gates = list(
        check_gates([*own, *require], {found.name: result.metrics}, part=found.name, reports=reports, intervals=intervals)
    )
    result.notes += notes
    return result


def _measure(stored: StoredRun, model: Any, found: ReadRows) -> EvaluateResult:
    """Metrics and report of the model on the rows, without gates."""
    encoded = encode_part(found.part, stored.preprocessing.schema, stored.heads)
    forward = Forward.of(model, evaluation_batch_size(encoded.inputs))
    scored, masks, members = None, None, NO_MEMBERS
    if stored.heads[0].is_reconstruction:
        pca = load_pca(stored.run.state, math.prod(stored.preprocessing.schema.inputs[0].shape))
        corrupt = corruption_of(stored.config, stored.preprocessing.schema)
        report = report_reconstruction(found.name, forward, encoded.inputs, encoded.targets, encoded.weights, pca, corrupt)
    elif stored.heads[0].is_mask:
        described = stored.manifest.get("reference", {})
        report = report_segmentation(found.name, forward, encoded, stored.heads[0], described, found.part.blocks)
        masks = None if report.pixels is None else ScoredMasks(stored.heads[0], found.part, report.pixels)
    else:
        logs, outputs = forward.evaluate(encoded.inputs, encoded.targets, encoded.weights)
        described, targets = stored.manifest.get("reference", {}), stored.preprocessing.schema.targets
        reference, priors = restore_reference(described, targets), restore_priors(described, targets)
        report = report_part(found.name, logs, stored.heads, outputs, found.part, reference, priors)
        add_metric_intervals(report, stored.config, stored.heads, outputs, found.part)
        # Members of folds have each learnt other rows of the training part: what they say of all of it is no one's number.
        training = stored.config.training
        if stored.is_average and training is not None and not (found.name == "train" and training.members.folds):
            members = measure_members(model, encoded, found.part, stored.heads, training, member_heads(stored))
        if stored.config.evaluation.baselines and found.train is not None:
            wanted, schema = stored.config.evaluation.baselines, stored.preprocessing.schema
            report.report["learned"] = learned_baselines(wanted, schema, found.train, found.part, stored.config.seed)
        scored = Scored(stored, found.part, encoded, forward, outputs, found.config, found.paths)
    return EvaluateResult(
        run=stored.run.path,
        part=found.name,
        weights="",
        metrics=report.metrics,
        baseline=report.baseline,
        report=report.report,
        gates=[],
        intervals=report.intervals,
        units=report.units,
        scored=scored,
        members=members,
        masks=masks,
        notes=[*found.notes, *report.notes],
    )


def _own_gates(require: Sequence[str], shown: str) -> tuple[list[str], list[str]]:
    """Those of the config's gates that the part shown can be held against, and sentences on the others."""
    kept, notes = [], []
    for text in require:
        named = split_part(parse_gates([text])[0].name)[0]
        # One that names no part is not met by what the model was trained on.
        if (named or shown) == shown and (named or shown != "train"):
            kept.append(text)
        else:
            of = f"is of the {named} part" if named else "says nothing on the training part"
            notes.append(f"The config's gate {text} {of}, so it is not applied here.")
    return kept, notes
