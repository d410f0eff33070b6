"""What a fit writes beside its weights: resolved config, manifest, row ids, metrics; and which model it calls its best."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from dltrain.config import dump_yaml, load_config_text, resolve
from dltrain.config.types import Config, TrainingConfig
from dltrain.data.dataset import Dataset
from dltrain.errors import ConfigError, Fault, is_own_bug
from dltrain.evaluation.metrics.report import PartReport, describe_reference
from dltrain.evaluation.training_rows import save_training_rows
from dltrain.model.encode import resolve_class_weights
from dltrain.model.heads.head import Head
from dltrain.model.weights.h5_limits import why_not_h5
from dltrain.storage.atomic import now, write_atomically
from dltrain.storage.run import Run
from dltrain.training.callbacks import EpochCallbacks, metric_direction, resolve_monitor
from dltrain.training.environment import git_commit
from dltrain.training.saving.model_file import model_bytes
from dltrain.wording import without_credentials

MAX_ROW_IDS = 2_000_000


def resolved_config(config: Config, dataset: Dataset, heads: Sequence[Head], folder: Path) -> dict[str, Any]:
    """The config with all that was inferred: kinds and task of the data, output and loss of the model.

    Args:
        config: the checked config.
        dataset: its data.
        heads: of its model.
        folder: the run directory.
    """
    inferred = dict(dataset.resolved)
    if len(heads) == 1:
        head = heads[0]
        inferred["training.loss"] = {head.loss.name: dict(head.loss.arguments)}
        if config.model.output == "auto" and len(head.layers) < 2:
            layer = head.layers[0].component if head.layers else None
            inferred["model.output"] = {layer.name: dict(layer.arguments)} if layer else "none"
    else:
        inferred["training.loss"] = {head.targets[0].name: _plain_loss(head) for head in heads}
    text = dump_yaml(resolve(config, inferred))
    # Read once more, so that what is written has one form, whether it was inferred or given.
    return dict(load_config_text(text, folder=folder).resolved)


def _plain_loss(head: Head) -> dict[str, Any]:
    """The loss of one target of several, with its weight, as a config holds it."""
    return {head.loss.name: dict(head.loss.arguments), **({} if head.loss_weight == 1.0 else {"weight": head.loss_weight})}


def first_manifest(
    config: Config, dataset: Dataset, heads: Sequence[Head], *, argv: Sequence[str], threads: int, environment: Mapping[str, Any]
) -> dict[str, Any]:
    """The manifest with which a run begins."""
    train = dataset.parts["train"]
    wanted = config.training.stages[-1].class_weight if config.training else None
    class_weights = resolve_class_weights(wanted, train, heads)
    return {
        "status": "running",
        "name": config.name,
        "argv": [without_credentials(word) for word in argv],
        "config": str(config.file) if config.file else None,
        "seed": config.seed,
        "task": ", ".join(dict.fromkeys(target.task for target in dataset.schema.targets)),
        "threads": threads,
        "environment": environment,
        "data": {"fingerprint": dataset.fingerprint, "details": dataset.fingerprint_details},
        "reference": describe_reference(dataset.schema, train, class_weights),
        "git_commit": git_commit(),
        "started": now(),
    }


def save_data_files(run: Run, dataset: Dataset) -> None:
    """Write what a run keeps of its data: how it was prepared, which rows went where, and what tells a training row."""
    dataset.preprocessing.save(run.path)
    _save_row_ids(run, dataset)
    save_training_rows(run.state, dataset.parts["train"])


def end_manifest(manifest: dict[str, Any], status: str, *, epochs: int, stopped: bool, phase: int, phase_epochs: int) -> None:
    """Note in a manifest how the training ended.

    Args:
        manifest: changed in place.
        status: "running" where only the evaluation is left, else how the run ended.
        epochs: trained in all.
        stopped: whether it ended before its epochs were over.
        phase: the phase that was trained last, from 1.
        phase_epochs: epochs trained of it.
    """
    manifest |= {"status": status, "epochs": epochs, "stopped_early": stopped, "ended": now()}
    manifest |= {"phase": phase, "phase_epochs": phase_epochs}


def _save_row_ids(run: Run, dataset: Dataset) -> None:
    """Which rows of the source went to which part; for millions of rows the rule, config and seed, says it."""
    if sum(part.num_rows for part in dataset.parts.values()) > MAX_ROW_IDS:
        return
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **{name: np.asarray(part.row_ids) for name, part in dataset.parts.items()})
    write_atomically(run.state / "parts.npz", buffer.getvalue())


def best_monitor(
    model: Any, training: TrainingConfig, columns: list[str], callbacks: EpochCallbacks, *, has_validation: bool
) -> tuple[str | None, str]:
    """The history column that makes a model the best, and whether "min" or "max" of it; None: no best model is kept.

    Raises:
        ConfigError: there will be no such column, or its direction is not known.
    """
    config, path = training.checkpoint, "training.checkpoint"
    early = callbacks.early_stopping_monitor
    if config.monitor is None and early is not None and has_validation:
        return early
    if config.monitor is None and not has_validation:
        return ("loss" if config.filepath and config.save_best_only else None), "min"
    monitor = resolve_monitor(config.monitor, columns, path=f"{path}.monitor", has_validation=has_validation)
    return monitor, metric_direction(training, monitor, config.mode, path=f"{path}.mode")


def refuse_h5(model: Any, training: TrainingConfig, *, trained: Any = None) -> None:
    """Refuse a model that the checkpoints' format cannot hold.

    Args:
        model: the whole model.
        training: format and optimizer.
        trained: the part of it that is trained, if it is not the whole, to be written instead: bodies are known by their layers.

    Raises:
        ConfigError: with `format: keras` as the way out.
    """
    if training.checkpoint.format != "h5":
        return
    try:
        data = model_bytes(model if trained is None else trained, "h5")
        reason = why_not_h5(model, training.optimizer.name, lambda: data if trained is None else model_bytes(model, "h5"))
    except Exception as error:  # whatever Keras raises here is the answer that is asked for
        if is_own_bug(error):
            raise
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    if reason:
        hint = "set `training.checkpoint.format: keras`"
        path = "training.checkpoint.format"
        raise ConfigError(Fault(f"an .h5 file cannot hold this model: {reason}", path=path, hint=hint))


def metrics_document(
    reports: Mapping[str, PartReport],
    metrics: Mapping[str, Mapping[str, float]],
    *,
    weights: str,
    epoch: int,
    gates: Sequence[Any],
    notes: Sequence[str],
    diagnosis: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """What metrics.json holds.

    Args:
        reports: of the parts.
        metrics: part -> metric -> value.
        weights: "best" or "last": whose metrics these are.
        epoch: at whose end, from 1, the weights were so.
        gates: what was required, with value and whether it was met.
        notes: sentences for the user.
        diagnosis: what the figures say is wrong.
    """
    shown = next(name for name in ("test", "validation", "train") if name in reports)
    return {
        "part": shown,
        "weights": weights,
        "epoch": epoch,
        "metrics": metrics,
        "baseline": reports[shown].baseline,
        "baselines": {name: report.baseline for name, report in reports.items()},
        "report": reports[shown].report,
        "reports": {name: report.report for name, report in reports.items()},
        "standard_errors": {name: report.standard_errors for name, report in reports.items()},
        "intervals": {name: report.intervals for name, report in reports.items()},
        "intervals_of": {name: report.units for name, report in reports.items()},
        "gates": [asdict(gate) for gate in gates],
        "notes": list(notes),
        "diagnosis": list(diagnosis),
    }
