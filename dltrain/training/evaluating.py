"""Evaluation at the end of a fit: metrics and reports of its parts, and the diagnosis."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from dltrain.data.dataset import Part
from dltrain.evaluation.drawing.reconstructions import rows_of_sheet
from dltrain.evaluation.masks.score import report_segmentation
from dltrain.evaluation.masks.sheet import sheet_of_masks
from dltrain.evaluation.metrics.pca_baseline import PcaBaseline, fit_pca
from dltrain.evaluation.metrics.reconstruction import report_reconstruction
from dltrain.evaluation.metrics.report import PartReport
from dltrain.evaluation.spread_sample import sample_note, spread_rows, take_part
from dltrain.model.corruption import Corrupt, corruption_of
from dltrain.model.forward import Forward
from dltrain.model.heads.own_units import set_smearing
from dltrain.model.heads.reconstruction import code_layer
from dltrain.parts import PARTS
from dltrain.training.diagnosis import diagnose_fit
from dltrain.training.loop import Tensors
from dltrain.training.phases import Phases
from dltrain.training.saving.record import Evaluated, RunRecord
from dltrain.training.saving.smearing import keep_smearing, learns_logarithms
from dltrain.training.saving.state import holding
from dltrain.training.segments import take_tensors
from dltrain.training.trainer import Trainer


def evaluate_fit(record: RunRecord, trainer: Trainer, phases: Phases) -> Evaluated:
    """Evaluate the best model, or the last one where there is no validation part, on every part.

    Args:
        record: of the fit.
        trainer: that of the last phase.
        phases: has the parts as tensors, and the model's pass forward.
    """
    dataset, tensors, forward = record.dataset, phases.tensors, phases.forward
    best = trainer.pace.checkpoints.best if "validation" in dataset.parts else None
    weights = "best" if best is not None else "last"
    parts, evaluated, notes = dict(dataset.parts), dict(tensors), []
    sample = spread_rows(parts["train"])
    if sample is not None:
        parts["train"] = take_part(parts["train"], sample)
        evaluated["train"] = take_tensors(tensors["train"], sample)
        notes.append(sample_note(sample))
    if record.config.evaluation.slices:
        notes.append("`dltrain evaluate` holds the run to what evaluation.slices requires.")
    is_reconstruction = record.heads[0].is_reconstruction
    pca = _fit_pca(record) if is_reconstruction else None
    corrupt = corruption_of(record.config, dataset.schema)
    with holding(trainer.model, best) if best is not None else contextlib.nullcontext():
        find_smearing(record, parts, evaluated, forward)
        if is_reconstruction:
            reports = _report_reconstructions(parts, evaluated, forward, pca, corrupt)
        elif record.heads[0].is_mask:
            reports = _report_masks(record, parts, evaluated, forward)
        else:
            reports = record.report(parts, lambda name: _evaluate(forward, evaluated[name]), weights)
        found = Evaluated(reports, parts, weights, notes)
        if pca is not None:
            found.sheet = rows_of_sheet(dataset, found.shown, forward, corrupt)
        elif record.heads[0].is_mask:
            found.masks = sheet_of_masks(dataset.preprocessing, parts[found.shown], found.shown, record.heads[0], forward)
    seconds = record.session.watch.seconds["train"]
    found.diagnosis = diagnose_fit(
        record, trainer.model, tensors["train"], reports, trainer.pace, weights=weights, seconds=seconds
    )
    return found


def _evaluate(forward: Forward, data: Tensors) -> tuple[Mapping[str, float], Sequence[NDArray[Any]]]:
    return forward.evaluate(data.inputs, data.targets, data.weights)


def _report_reconstructions(
    parts: Mapping[str, Part],
    tensors: Mapping[str, Tensors],
    forward: Forward,
    pca: PcaBaseline | None,
    corrupt: Corrupt | None,
) -> dict[str, PartReport]:
    """Metrics and report of each part that has rows, against what principal components reach."""
    reports = {}
    for name, part in parts.items():
        if part.num_rows:
            data = tensors[name]
            reports[name] = report_reconstruction(name, forward, data.inputs, data.targets, data.weights, pca, corrupt)
    return reports


def _report_masks(
    record: RunRecord, parts: Mapping[str, Part], tensors: Mapping[str, Tensors], forward: Forward
) -> dict[str, PartReport]:
    """Metrics and report of each part that has rows, pixel by pixel."""
    head, described = record.heads[0], record.manifest.reference
    return {
        name: report_segmentation(name, forward, tensors[name], head, described, part.blocks)
        for name, part in parts.items()
        if part.num_rows
    }


def _fit_pca(record: RunRecord) -> PcaBaseline | None:
    """The baseline of a reconstruction, kept for later evaluations."""
    config, dataset = record.config, record.dataset
    code = code_layer(config.model, dataset.schema)
    if code is None:
        return None
    train = dataset.parts["train"].inputs[dataset.schema.inputs[0].name]
    record.session.reporter.status(f"principal components, as many as {code[0]} has numbers")
    pca = fit_pca(train, code[1], layer=code[0], seed=config.seed)
    pca.save(record.run.state)
    return pca


def find_smearing(record: RunRecord, parts: Mapping[str, Part], tensors: Mapping[str, Tensors], forward: Forward) -> None:
    """Find the smearing of targets whose logarithm was learned by the first part that there is."""
    if learns_logarithms(record.heads):
        part = next(name for name in PARTS if name in parts)
        keep_smearing(record, forward.outputs(tensors[part].inputs), parts[part])
        set_smearing(forward.model, record.heads)
