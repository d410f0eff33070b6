"""Several fits as one: data, models, training and results of a stack, a whole run directory for each of them."""

from __future__ import annotations

import contextlib
import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np

from dltrain.checking.check import check_dataset
from dltrain.config import dump_yaml
from dltrain.config.curves import is_curve
from dltrain.config.types import Config, TrainingConfig
from dltrain.data.dataset import Dataset, Part
from dltrain.data.request import DataRequest
from dltrain.errors import DltrainError, InterruptedRun, fault_documents
from dltrain.evaluation.metrics.gates import check_gates
from dltrain.evaluation.metrics.report import PartReport, reference_of, report_part, restore_priors
from dltrain.evaluation.predictions.held_out import write_held_out
from dltrain.model.build import make_component
from dltrain.model.compile import build_metrics
from dltrain.model.encode import EncodedPart, encode_part, resolve_class_weights
from dltrain.model.keras_import import import_keras
from dltrain.processes.helper import HelperProcess
from dltrain.processes.signals import StopSignals
from dltrain.reporting import Reporter
from dltrain.storage.atomic import now, to_json, write_atomically
from dltrain.storage.run import Run, begin_again, create_run
from dltrain.training.compiler import decide_jit_compile
from dltrain.training.diagnosis import diagnose_fit, finding_documents
from dltrain.training.environment import describe_environment, logging_to, settings_note
from dltrain.training.frozen_features import note_features
from dltrain.training.jobs import load_all
from dltrain.training.saving.record import (
    end_manifest,
    first_manifest,
    metrics_document,
    refuse_h5,
    resolved_config,
    save_data_files,
)
from dltrain.training.saving.resuming import compare_with_run
from dltrain.training.stacked.rows import Orders, StackedPart, stack_parts
from dltrain.training.stacked.steps import StackedState, StackedSteps
from dltrain.training.stacked.structure import network_of, trained_rows
from dltrain.training.stacked.templates import Template, Templates, parts_of
from dltrain.training.stacked.train import OnEpoch, StackedTrainer
from dltrain.training.stacked.trial import HostCopy, StackedFit, StackedTrial, trial_logger

# What the weights, gradients and optimizers of the trials that train together may take; further trials make a further stack.
STACK_BYTES = 512 << 20
MOST_TRIALS = 64


class Stacks:
    """Reads data and trains stacks, one after the other.

    Args:
        argv: the command line, for the manifests.
        threads: threads for one operation; None: all cores.
        reporter: is told what happens.
        signals: deferred.
    """

    def __init__(self, *, argv: Sequence[str], threads: int | None, reporter: Reporter, signals: StopSignals) -> None:
        self.argv, self.threads = list(argv), threads or os.cpu_count() or 1
        self.reporter, self.signals = reporter, signals
        self.templates = Templates()
        self._datasets: dict[str, Dataset | DltrainError] = {}

    def fit(self, fits: Sequence[StackedFit], *, on_start: Callable[[int], None], on_epoch: Callable[..., bool]) -> None:
        """Train fits of one structure; their `status` and `error` say how each ended, and their directories are whole.

        Args:
            fits: of one structure, see `structure_of`.
            on_start: told the number of a fit in `fits` that begins.
            on_epoch: told number, 0-based epoch and logs of each epoch; True stops the fit there.
        """
        datasets = self._read(fits)
        groups: dict[str, list[int]] = {}
        for index, dataset in enumerate(datasets):
            if dataset is not None:
                groups.setdefault(_shapes(dataset), []).append(index)
        for members in groups.values():
            for part in self._cut(fits, datasets, members):
                if self.signals.received is not None:
                    for index in part:
                        fits[index].status = "interrupted"
                    continue
                chosen = [fits[index] for index in part]
                found = [dataset for index in part if (dataset := datasets[index]) is not None]
                for index in part:
                    on_start(index)

                def told(place: int, epoch: int, logs: Any, part: list[int] = part) -> bool:
                    return on_epoch(part[place], epoch, logs)

                _Stack(self, chosen, found).fit(told)

    def _read(self, fits: Sequence[StackedFit]) -> list[Dataset | None]:
        """The data of each fit, read once for all that share it; None where it cannot be read, which the fit then says."""
        helper = HelperProcess()
        try:
            keys = [DataRequest.of(fit.config).key for fit in fits]
            wanted = {key: fit.config for key, fit in zip(keys, fits, strict=True) if key not in self._datasets}
            helper.submit(load_all, list(wanted.values()))
            self.reporter.status("importing Keras")
            import_keras(self.threads)
            self.reporter.status("reading data")
            found = helper.result(self.reporter)
        finally:
            helper.kill()
        told = bool(self._datasets)
        self._datasets |= dict(zip(wanted, found, strict=True))
        result: list[Dataset | None] = []
        for key, fit in zip(keys, fits, strict=True):
            read = self._datasets[key]
            if isinstance(read, DltrainError):
                fit.status, fit.error = "failed", str(read.faults[0])
            elif not told:
                told = True
                self.reporter.data_ready(read.summary)
                for warning in check_dataset(fit.config, read).warnings:
                    self.reporter.warning(warning)
            result.append(None if isinstance(read, DltrainError) else read)
        if not any(result):
            raise next(read for read in self._datasets.values() if isinstance(read, DltrainError))
        return result

    def _cut(self, fits: Sequence[StackedFit], datasets: Sequence[Dataset | None], members: list[int]) -> list[list[int]]:
        """Fits of one structure and shape as stacks that memory can hold."""
        config, dataset = fits[members[0]].config, datasets[members[0]]
        assert config.training is not None
        assert dataset is not None
        network = network_of(config, dataset.schema)
        trained = trained_rows(config, network)
        widest = max((math.prod(length or 1 for length in row.found.output or ()) for row in trained), default=1)
        parameters = sum(row.found.parameters or 0 for row in trained)
        rows = max(part.num_rows for part in dataset.parts.values())
        kept = rows * math.prod(length or 1 for length in network.rows[-1].found.output or ())
        numbers = 6 * parameters + 4 * config.training.batch_size * widest + kept
        most = int(max(1, min(MOST_TRIALS, STACK_BYTES // (4 * numbers))))
        return [members[first : first + most] for first in range(0, len(members), most)]


class _Stack:
    """The fits of one stack, from their data to their results."""

    def __init__(self, stacks: Stacks, fits: Sequence[StackedFit], datasets: Sequence[Dataset]) -> None:
        self.reporter, self.signals, self.threads, self.argv = stacks.reporter, stacks.signals, stacks.threads, stacks.argv
        self.fits, self.datasets, self.templates = fits, datasets, stacks.templates
        self.seconds: dict[str, float] = {}
        self.started = time.monotonic()

    def fit(self, on_epoch: OnEpoch) -> None:
        """Train them all, and write what they came to."""
        with contextlib.ExitStack() as stack:
            started = time.monotonic()
            runs = [_open(fit) for fit in self.fits]
            for index, run in enumerate(runs):
                stack.enter_context(run.locked())
                stack.enter_context(logging_to(run.log_file, name=trial_logger(index).name))
            try:
                trainer, parts = self._prepare(runs, on_epoch)
            except InterruptedRun:  # nothing was trained: the fits begin anew, on the features that were computed till then
                for fit in self.fits:
                    fit.status = "interrupted"
                return
            for fit in self.fits:
                fit.status = "running"
            self.seconds["build"] = round(time.monotonic() - started, 3)
            started = time.monotonic()
            done = trainer.train(self.signals)
            self.seconds["train"] = round(time.monotonic() - started, 3)
            if done:
                started = time.monotonic()
                for trial in trainer.trials:
                    trial.finish()
                self._evaluate(trainer, parts, started)
            else:
                self._interrupted(trainer)

    def _prepare(self, runs: Sequence[Run], on_epoch: OnEpoch) -> tuple[StackedTrainer, dict[str, StackedPart]]:
        host = HostCopy()
        templates = self.templates.build([fit.config for fit in self.fits], self.datasets)
        model, body = templates[0].model, templates[0].body
        refuse_h5(templates[0].whole, _training(self.fits[0].config), trained=None if body is None else model)
        parts, train = self._parts(templates)
        training = _training(self.fits[0].config)
        seeds = [fit.config.seed for fit in self.fits]
        orders = Orders(train, seeds, batch_size=training.batch_size, shuffle=training.shuffle)
        keras = import_keras()
        optimizers = [make_component(keras, _training(fit.config).optimizer) for fit in self.fits]
        names = list(model.get_metrics_result())
        trials = [
            StackedTrial(fit, index, run, dataset, template, optimizer, host, names)
            for index, (fit, run, dataset, template, optimizer) in enumerate(
                zip(self.fits, runs, self.datasets, templates, optimizers)
            )
        ]
        resumed = [run.manifest_file.exists() for run in runs]
        jit_compile = self._begin(trials, resumed, orders.num_steps)
        weight_decay = training.optimizer.arguments.get("weight_decay")
        steps = StackedSteps(
            [template.model for template in templates],
            [model.optimizer, *optimizers[1:]],
            [template.heads[0] for template in templates],
            [template.model.loss for template in templates],
            orders=orders,
            batch_size=training.batch_size,
            jit_compile=jit_compile,
            weight_decay=weight_decay if is_curve(weight_decay) else None,
        )
        state = _first_state(templates, steps)
        trainer = StackedTrainer(
            trials,
            steps,
            train,
            parts.get("validation"),
            orders=orders,
            state=state,
            host=host,
            reporter=self.reporter,
            on_epoch=on_epoch,
        )
        if any(resumed):
            trainer.restore()
        epochs = max(trial.training.epochs for trial in trials)
        self.reporter.detail(f"{len(trials)} fits trained together, {orders.num_steps} steps an epoch, up to {epochs} epochs")
        return trainer, parts

    def _parts(self, templates: Sequence[Template]) -> tuple[dict[str, StackedPart], StackedPart]:
        """All parts as they are judged, and the training part as it is trained on, with the classes' weights."""
        chosen, different = _distinct(self.datasets)
        training = _training(self.fits[0].config)
        plain: list[dict[str, EncodedPart]] = []
        weighted: list[EncodedPart] = []
        for place, dataset in enumerate(different):
            template = templates[chosen.index(place)]
            heads = template.heads
            encoded = {name: encode_part(part, dataset.schema, heads) for name, part in dataset.parts.items()}
            more: dict[str, Any] = {"threads": self.threads, "reporter": self.reporter, "signals": self.signals}
            plain.append(parts_of(template, dataset, encoded, **more))
            weights = resolve_class_weights(training.class_weight, dataset.parts["train"], heads)
            if weights:
                of_rows = encode_part(dataset.parts["train"], dataset.schema, heads, weights).weights
                weighted.append(replace(plain[-1]["train"], weights=of_rows))
        build_metrics(templates[0].model, (weighted or [plain[0]["train"]])[0])
        parts = {name: stack_parts([found[name] for found in plain], chosen) for name in plain[0]}
        return parts, stack_parts(weighted, chosen) if weighted else parts["train"]

    def _begin(self, trials: Sequence[StackedTrial], resumed: Sequence[bool], num_steps: int) -> bool:
        """Write what runs begin with, or hold config and data of earlier ones against what is there now; decide about XLA."""
        environment = describe_environment(self.threads)
        note = settings_note()
        if note:
            self.reporter.warning(note)
        manifests = [trial.run.read_manifest() if was else None for trial, was in zip(trials, resumed)]
        known = next((manifest["compiler"] for manifest in manifests if manifest and "compiler" in manifest), None)
        model, training = trials[0].template.model, trials[0].training
        if known:
            compiler = dict(known)
        else:
            # XLA draws other random numbers: with any, each fit's own decision is the stack's. Without, more work pays earlier.
            draws = any(hasattr(layer, "seed_generator") for layer in model.layers)
            work = num_steps * training.epochs * (1 if draws else len(trials))
            jit_compile, reason = decide_jit_compile(training.jit_compile, model, work)
            compiler = {"jit_compile": jit_compile, "reason": reason}
        self.reporter.detail(f"XLA {'on' if compiler['jit_compile'] else 'off'}: {compiler['reason']}")

        def write(trial: StackedTrial, manifest: dict[str, Any] | None) -> None:
            run, config = trial.run, trial.fit.config
            resolved = resolved_config(config, trial.dataset, trial.template.heads, run.path)
            if manifest is not None:
                compare_with_run(run, manifest, trial.dataset, resolved, environment, self.reporter)
                run.check_digests(manifest)
                manifest["resumed"] = [*manifest.get("resumed", []), now()]
            else:
                save_data_files(run, trial.dataset)
                manifest = first_manifest(
                    config, trial.dataset, trial.template.heads, argv=self.argv, threads=self.threads, environment=environment
                )
            body = trial.template.body
            if body is not None:
                note_features(manifest, body.frozen, body.digest)
            manifest.pop("files", None)  # the digests of what is written anew
            manifest |= {"status": "running", "argv": self.argv, "environment": environment, "compiler": compiler}
            for line in trial.dataset.summary:
                trial.logger.debug("data: %s", line)
            warnings = check_dataset(config, trial.dataset).warnings
            manifest["warnings"] = fault_documents(warnings)
            for warning in warnings:
                trial.logger.debug("%s", warning)
            together = f"trained together with {len(trials) - 1} others"
            trial.logger.debug("%s; XLA %s: %s", together, "on" if compiler["jit_compile"] else "off", compiler["reason"])
            trial.manifest = manifest | {"engine": "stacked", "stack": {"fits": len(trials), "place": trial.index}}
            run.remove_temporary_files()
            if run.manifest_file.exists():  # first, for the digest of the config is that of the old one
                run.write_manifest(trial.manifest)
            write_atomically(run.config_file, dump_yaml(resolved).encode())
            run.write_manifest(trial.manifest)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(write, trials, manifests))
        return bool(compiler["jit_compile"])

    def _interrupted(self, trainer: StackedTrainer) -> None:
        for trial in trainer.trials:
            trial.fit.status = "interrupted"
            _end(trial, "interrupted", stopped=False)
            trial.run.write_manifest(trial.manifest)

    def _evaluate(self, trainer: StackedTrainer, parts: dict[str, StackedPart], started: float) -> None:
        """Metrics of each trial's model, its best where there is a validation part, on every part."""
        import tensorflow as tf

        values, weights = [], []
        for trial in trainer.trials:
            best = trial.checkpoints.best if "validation" in parts else None
            weights.append("best" if best is not None else "last")
            found = best or trial.values()
            values.append(found.model if trial.ended_as != "diverged" else [np.zeros_like(array) for array in found.model])
        stacked = tuple(tf.constant(np.stack(arrays)) for arrays in zip(*values))
        evaluated = {name: trainer.steps.evaluate(stacked, part, outputs=True) for name, part in parts.items() if part.most_rows}
        self.seconds["evaluate"] = round(time.monotonic() - started, 3)
        self.seconds["total"] = round(time.monotonic() - self.started, 3)

        kept = [trial for trial in trainer.trials if trial.ended_as != "diverged"]
        with ThreadPoolExecutor(8) as pool:
            reports = dict(zip((trial.index for trial in kept), pool.map(lambda trial: self._reports(trial, evaluated), kept)))
        findings = {
            trial.index: self._diagnose(trial, parts["train"], reports[trial.index], weights[trial.index]) for trial in kept
        }

        def write(trial: StackedTrial) -> None:
            _end(trial, "diverged" if trial.ended_as == "diverged" else "finished", stopped=trial.stopped)
            if trial.ended_as != "diverged":
                self._write_metrics(trial, weights[trial.index], reports[trial.index], findings[trial.index])
                trial.manifest |= {"weights": weights[trial.index], "seconds": self.seconds}
            trial.manifest["files"] = trial.run.digests()
            trial.run.write_manifest(trial.manifest)
            trial.fit.status = str(trial.ended_as)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(write, trainer.trials))

    def _reports(self, trial: StackedTrial, evaluated: Mapping[str, Any]) -> dict[str, PartReport]:
        """Of each part."""
        heads, dataset = trial.template.heads, trial.dataset
        described = trial.manifest.get("reference", {})
        reference, priors = reference_of(dataset.parts["train"], described), restore_priors(described)
        reports = {}
        for name, (logs, outputs) in evaluated.items():
            part: Part = dataset.parts[name]
            row = {key: float(values[trial.index]) for key, values in logs.items()}
            reports[name] = report_part(name, row, heads, [outputs[trial.index]], part, reference, priors)
            if name == "validation" and trial.fit.config.data.split.fold is not None:
                write_held_out(trial.run.path, heads, [outputs[trial.index]], part)
        return reports

    def _diagnose(
        self, trial: StackedTrial, train: StackedPart, reports: Mapping[str, PartReport], weights: str
    ) -> list[dict[str, Any]]:
        """What the trial's figures say is wrong, as plain values."""
        found = diagnose_fit(
            trial.dressed_model(trial.values()),
            trial.fit.config.model,
            trial.template.heads,
            train.of(trial.index),
            trial.dataset,
            reports,
            {name: report.metrics for name, report in reports.items()},
            history=trial.rows,
            weights=weights,
            epochs=trial.training.epochs,
            stopped=trial.stopped,
            train_seconds=self.seconds["train"] / len(self.fits),
        )
        return finding_documents(found)

    def _write_metrics(
        self, trial: StackedTrial, weights: str, reports: Mapping[str, PartReport], diagnosis: Sequence[Mapping[str, Any]]
    ) -> None:
        metrics = {name: report.metrics for name, report in reports.items()}
        notes = [note for report in reports.values() for note in report.notes]
        require = trial.fit.config.evaluation.require
        intervals = {name: report.intervals for name, report in reports.items()}
        gates = check_gates(
            require, metrics, reports={name: report.report for name, report in reports.items()}, intervals=intervals
        )
        epoch = trial.checkpoints.epoch_of(weights, trial.epoch)
        document = metrics_document(reports, metrics, weights=weights, epoch=epoch, gates=gates, notes=notes, diagnosis=diagnosis)
        write_atomically(trial.run.metrics_file, (to_json(document) + "\n").encode())


def _end(trial: StackedTrial, status: str, *, stopped: bool) -> None:
    """Note how a trial ended; what is trained in phases is never stacked."""
    end_manifest(trial.manifest, status, epochs=trial.epoch, stopped=stopped, phase=1, phase_epochs=trial.epoch)


def _training(config: Config) -> TrainingConfig:
    assert config.training is not None
    return config.training


def _open(fit: StackedFit) -> Run:
    """The run directory of a fit, made now unless an interrupted run is in it."""
    run = Run(fit.path)
    if run.manifest_file.exists():
        run.refuse_foreign_files()
        return run
    if run.path.is_dir() and any(run.path.iterdir()) and not run.is_locked() and run.is_only_begun():
        return begin_again(run)
    return create_run(fit.config.name, runs=fit.path.parent, run_dir=fit.path)


def _shapes(dataset: Dataset) -> str:
    """What of a data set the program depends on."""
    inputs = [
        (spec.name, spec.shape, spec.dtype, spec.vocabulary_size, spec.embedding_dimension) for spec in dataset.schema.inputs
    ]
    targets = [(spec.name, spec.task, spec.classes) for spec in dataset.schema.targets]
    return repr((inputs, targets, sorted(dataset.parts)))


def _distinct(datasets: Sequence[Dataset]) -> tuple[list[int], list[Dataset]]:
    """Of each fit which of the different data sets is its own, and these."""
    different: list[Dataset] = []
    chosen = []
    for dataset in datasets:
        place = next((index for index, other in enumerate(different) if other is dataset), None)
        if place is None:
            place = len(different)
            different.append(dataset)
        chosen.append(place)
    return chosen, different


def _first_state(templates: Sequence[Template], steps: StackedSteps) -> StackedState:
    """Initial weights of each trial: those of its own fit."""
    import tensorflow as tf

    def joined(groups: list[list[Any]]) -> tuple[Any, ...]:
        return tuple(tf.stack([variable.value for variable in variables]) for variables in zip(*groups))

    return StackedState(
        joined([template.model.variables for template in templates]),
        joined([template.model.optimizer.variables for template in templates]),
        steps.fresh_metrics(),
    )
