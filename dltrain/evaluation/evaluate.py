"""`evaluate`: metrics of a run on a part of its data, or on other data."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from dltrain.config.catalog.metrics import split_part
from dltrain.data import load_dataset, read_part, skipping_broken, with_images
from dltrain.data.dataset import Dataset, Part
from dltrain.errors import DataError, RunError, UsageError
from dltrain.evaluation.fingerprints import fingerprint_faults
from dltrain.evaluation.load_run import StoredRun, load_run
from dltrain.evaluation.member_metrics import measure_members
from dltrain.evaluation.metrics.gates import check_gates, parse_gates
from dltrain.evaluation.metrics.pca_baseline import load_pca
from dltrain.evaluation.metrics.reconstruction import report_reconstruction
from dltrain.evaluation.metrics.report import report_part, restore_priors, restore_reference
from dltrain.evaluation.moved_data import find_moved, with_places
from dltrain.evaluation.scored import Scored
from dltrain.evaluation.spread_sample import sample_note, spread_rows, take_part
from dltrain.evaluation.training_rows import warn_of_training_rows
from dltrain.model.corruption import corruption_of
from dltrain.model.encode import encode_part
from dltrain.model.forward import Forward, evaluation_batch_size
from dltrain.model.keras_import import import_keras
from dltrain.processes.helper import HelperProcess
from dltrain.reporting import Reporter

NO_MEMBERS: dict[str, dict[str, Any]] = {}


@dataclass(slots=True)
class EvaluateResult:
    """What an evaluation came to; the attributes are those of `FitResult`, of one part.

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
        scored: the rows and what the model says of them; None where the input is reconstructed.
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


def evaluate(
    run: Path,
    *,
    data: Sequence[str] = (),
    part: str | None = None,
    weights: str | None = None,
    require: Sequence[str] = (),
    own_gates: bool = True,
    allow_changed: bool = False,
    skip_broken: bool = False,
    images: Sequence[str] = (),
    overrides: Sequence[str] = (),
    threads: int | None = None,
    reporter: Reporter | None = None,
) -> EvaluateResult:
    """Compute the metrics of a run.

    Args:
        run: the run directory.
        data: files of other data, read as the run's own was; empty: the run's data, split as in training.
        part: "test", "validation" or "train"; None: the first of these that the run has.
        weights: "best", "last", or None: the run's model.
        require: gates, besides those of the run's config.
        own_gates: hold the run to what its config requires.
        allow_changed: go on, with a warning, where the data is not what the run was trained on.
        skip_broken: leave out pictures that cannot be used, and name them, instead of failing.
        images: folders of the pictures that a table names, in place of the run's own.
        overrides: where the run's data is now, if it was moved: words such as "data.path=FILE".
        threads: threads for one operation; None: those of the run.
        reporter: is told what happens.

    Raises:
        DataError: the data is missing, unfit, or not that of the run.
        RunError: the run is damaged.
        UsageError: no such part, weights or metric.
    """
    reporter = reporter or Reporter()
    parse_gates(require)
    stored = load_run(run)
    name, checkpoint = stored.checkpoint(weights)
    if data and part is not None:
        raise UsageError("--data and --part exclude each other", hint="--part names a part of the run's own data")
    if data and overrides:
        raise UsageError(f"--data and {overrides[0]} exclude each other", hint="data.path says where the run's own data is now")
    told: list[str] = []
    if not data:
        config, told = find_moved(with_places(stored.run, overrides) if overrides else stored.config.data, stored.run.path)
        images = images or (config.images.folder if config.images != stored.config.data.images else ())
    preprocessing = with_images(stored.preprocessing, images) if images else stored.preprocessing
    helper = HelperProcess()
    try:
        if data:
            helper.submit(_read, skipping_broken(preprocessing) if skip_broken else preprocessing, list(data))
        else:
            if images:
                config = replace(config, images=replace(config.images, folder=tuple(map(os.path.abspath, images))))
            helper.submit(_load, config, stored.config.seed, preprocessing)
        reporter.status("importing Keras")
        import_keras(threads or stored.threads)
        reporter.status("reading data")
        found = helper.result(reporter)
    finally:
        helper.kill()
    if data:
        shown, rows = "data", found
        for warning in warn_of_training_rows(stored.run.state, rows):
            reporter.warning(warning)
    else:
        shown, rows = _choose(found, part, stored, reporter, allow_changed=allow_changed)
    sample = spread_rows(rows) if shown == "train" else None
    if sample is not None:
        rows = take_part(rows, sample)
        told.append(sample_note(sample))
    model = stored.build(checkpoint)
    encoded = encode_part(rows, stored.preprocessing.schema, stored.heads)
    forward = Forward(model, evaluation_batch_size(encoded.inputs))
    scored, members = None, NO_MEMBERS
    if stored.heads[0].task == "reconstruction":
        pca = load_pca(stored.run.state, math.prod(stored.preprocessing.schema.inputs[0].shape))
        corrupt = corruption_of(stored.config, stored.preprocessing.schema)
        report = report_reconstruction(shown, forward, encoded.inputs, encoded.targets, encoded.weights, pca, corrupt)
    else:
        logs, outputs = forward.evaluate(encoded.inputs, encoded.targets, encoded.weights)
        described, targets = stored.manifest.get("reference", {}), stored.preprocessing.schema.targets
        reference, priors = restore_reference(described, targets), restore_priors(described, targets)
        report = report_part(shown, logs, stored.heads, outputs, rows, reference, priors)
        if stored.is_average and stored.config.training is not None:
            members = measure_members(model, encoded, rows, stored.heads, stored.config.training)
        scored = Scored(stored, rows, encoded, forward, outputs, None if data else config, tuple(data))
    own, notes = _own_gates(stored.config.evaluation.require, shown) if own_gates else ((), [])
    intervals = {shown: report.intervals}
    gates = check_gates(
        [*own, *require], {shown: report.metrics}, part=shown, reports={shown: report.report}, intervals=intervals
    )
    return EvaluateResult(
        run=stored.run.path,
        part=shown,
        weights=name,
        metrics=report.metrics,
        baseline=report.baseline,
        report=report.report,
        intervals=report.intervals,
        units=report.units,
        scored=scored,
        members=members,
        gates=list(gates),
        notes=[*told, *report.notes, *notes],
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


def _choose(
    dataset: Dataset, part: str | None, stored: StoredRun, reporter: Reporter, *, allow_changed: bool
) -> tuple[str, Part]:
    recorded = stored.manifest.get("data", {})
    if not isinstance(recorded, dict):
        raise RunError(f"the manifest of {stored.run.path} does not say what data it was trained on", hint="the run is damaged")
    if recorded.get("fingerprint") != dataset.fingerprint:
        details = recorded.get("details")
        faults = fingerprint_faults(details if isinstance(details, dict) else {}, dataset.fingerprint_details)
        if not allow_changed:
            raise DataError([*faults[:-1], _with_hint(faults[-1], "--allow-changed evaluates all the same")])
        for fault in faults:
            reporter.warning(fault.message)
    name = part or next(candidate for candidate in ("test", "validation", "train") if candidate in dataset.parts)
    if name not in dataset.parts:
        raise UsageError(f"the run has no {name} part", hint=f"it has {', '.join(dataset.parts)}")
    if part is None and name != "test":
        reporter.warning(f"the run has no test part: these are the metrics of the {name} part")
    return name, dataset.parts[name]


def _with_hint(fault: Any, hint: str) -> Any:
    return replace(fault, hint=hint)


def _load(config: Any, seed: int, preprocessing: Any, *, reporter: Reporter) -> Dataset:
    return load_dataset(config, seed=seed, preprocessing=preprocessing, reporter=reporter)


def _read(preprocessing: Any, paths: list[str], *, reporter: Reporter) -> Part:
    return read_part(preprocessing, paths, with_targets=True, reporter=reporter)
