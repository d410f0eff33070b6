"""Several fits as one: data, models, training and results of a stack, a whole run directory for each of them."""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.checking.check import check_dataset
from dltrain.config.curves import is_curve
from dltrain.config.durations import config_with_steps
from dltrain.data.dataset import Dataset
from dltrain.data.request import DataRequest
from dltrain.errors import DltrainError, InterruptedRun
from dltrain.evaluation.metrics.report import PartReport
from dltrain.later import tensorflow as tf
from dltrain.model.compile import build_metrics
from dltrain.model.encode import EncodedPart, encode_part, resolve_class_weights
from dltrain.model.keras_import import import_keras
from dltrain.processes.helper import HelperProcess
from dltrain.reporting import WarningList, warn_each
from dltrain.storage.new_run import begin_again, create_run, refuse_links_to_trial
from dltrain.storage.run import Run
from dltrain.system import usable_cores
from dltrain.training.compiler import decide_jit_compile
from dltrain.training.diagnosis import diagnose_fit
from dltrain.training.environment import logging_to
from dltrain.training.frozen_features import note_features
from dltrain.training.jobs import load_all
from dltrain.training.saving.manifest import Manifest
from dltrain.training.saving.model_file import refuse_h5
from dltrain.training.saving.record import Evaluated, RunRecord
from dltrain.training.saving.smearing import keep_smearing, learns_logarithms
from dltrain.training.session import Session, Stopwatch, placement_of
from dltrain.training.stacked.rows import Orders, StackedPart, stack_parts
from dltrain.training.stacked.steps import StackedState, StackedSteps
from dltrain.training.stacked.structure import network_of, trained_rows
from dltrain.training.stacked.templates import Template, Templates, parts_of
from dltrain.training.stacked.train import StackedTrainer
from dltrain.training.stacked.trial import HostCopy, StackedFit, StackedTrial, trial_logger

# (trial's place in the stack, 0-based epoch, Keras's names to values) -> whether it shall stop
OnEpoch = Callable[[int, int, Mapping[str, float]], bool]

# What the weights, gradients and optimizers of the trials that train together may take; further trials make a further stack.
STACK_BYTES = 512 << 20
MOST_TRIALS = 64


class Stacks:
    """Reads data and trains stacks, one after the other.

    Args:
        session: how the fits were started, and who hears of them; its signals are deferred.
        draws: whether each fit gets a picture of its results, one that costs next to nothing; the others are drawn of the best.
    """

    def __init__(self, session: Session, *, draws: bool = True) -> None:
        self.session, self.draws = session, draws
        self.templates = Templates()
        self._datasets: dict[str, Dataset | DltrainError] = {}

    def fit(self, fits: Sequence[StackedFit], *, on_start: Callable[[int], None], on_epoch: Callable[..., bool]) -> None:
        """Train fits of one structure; their `status` and `error` say how each ended, and their directories are whole.

        Args:
            fits: of one structure, see `structure_of`.
            on_start: told the number of a fit in `fits` that begins.
            on_epoch: told number, 0-based epoch and logs of each epoch; True stops the fit there.
        """
        self.fit_on(self._read(fits), fits, on_start=on_start, on_epoch=on_epoch)

    def fit_on(
        self,
        datasets: Sequence[Dataset | None],
        fits: Sequence[StackedFit],
        *,
        on_start: Callable[[int], None],
        on_epoch: Callable[..., bool],
    ) -> None:
        """The same on data that was read already; fits without any are left out."""
        groups: dict[str, list[int]] = {}
        for index, dataset in enumerate(datasets):
            if dataset is not None:
                groups.setdefault(_shapes(dataset), []).append(index)
        for members in groups.values():
            for part in self._cut(fits, datasets, members):
                if self.session.signals.received is not None:
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
            self.session.reporter.status("importing Keras")
            self.session.placement = placement_of(fits[0].config.training)
            import_keras(self.session.threads, placement=self.session.placement)
            self.session.reporter.status("reading data")
            found = helper.result(self.session.reporter)
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
                self.session.reporter.data_ready(read.summary)
                warn_each(self.session.reporter, check_dataset(fit.config, read).warnings)
            if not isinstance(read, DltrainError) and "train" in read.parts:
                fit.config = config_with_steps(fit.config, read.parts["train"].num_rows)
            result.append(None if isinstance(read, DltrainError) else read)
        if not any(result):
            raise next(read for read in self._datasets.values() if isinstance(read, DltrainError))
        return result

    def _cut(self, fits: Sequence[StackedFit], datasets: Sequence[Dataset | None], members: list[int]) -> list[list[int]]:
        """Fits of one structure and shape as stacks that memory can hold."""
        config, dataset = fits[members[0]].config, datasets[members[0]]
        assert dataset is not None
        network = network_of(config, dataset.schema)
        trained = trained_rows(config, network)
        widest = max((math.prod(length or 1 for length in row.found.output or ()) for row in trained), default=1)
        parameters = sum(row.found.parameters or 0 for row in trained)
        rows = max(part.num_rows for part in dataset.parts.values())
        kept = rows * math.prod(length or 1 for length in network.rows[-1].found.output or ())
        numbers = 6 * parameters + 4 * config.needed_training.batch_size * widest + kept
        most = int(max(1, min(MOST_TRIALS, STACK_BYTES // (4 * numbers))))
        return [members[first : first + most] for first in range(0, len(members), most)]


class _Stack:
    """The fits of one stack, from their data to their results."""

    def __init__(self, stacks: Stacks, fits: Sequence[StackedFit], datasets: Sequence[Dataset]) -> None:
        self.session = replace(stacks.session, watch=Stopwatch())
        self.fits, self.datasets, self.templates, self.draws = fits, datasets, stacks.templates, stacks.draws

    def fit(self, on_epoch: OnEpoch) -> None:
        """Train them all, and write their results.

        Args:
            on_epoch: told place, 0-based epoch and logs of each epoch; True stops the fit there.
        """
        watch = self.session.watch
        with contextlib.ExitStack() as stack:
            with watch.timed("build"):
                runs = [_open(fit) for fit in self.fits]
                for index, run in enumerate(runs):
                    stack.enter_context(run.locked())
                    stack.enter_context(logging_to(run.log_file, name=trial_logger(index).name))
                try:
                    trainer, parts = self._prepare(runs, on_epoch)
                except InterruptedRun:  # nothing was trained: the fits begin anew, on the features computed till then
                    for fit in self.fits:
                        fit.status = "interrupted"
                    return
                for fit in self.fits:
                    fit.status = "running"
            with watch.timed("train"):
                done = trainer.train(self.session.signals)
            if done:
                self._evaluate(trainer, parts)
                return
            for trial in trainer.trials:
                trial.fit.status = "interrupted"
                trial.record.ended("interrupted", trial.pace)

    def _prepare(self, runs: Sequence[Run], on_epoch: OnEpoch) -> tuple[StackedTrainer, dict[str, StackedPart]]:
        host = HostCopy()
        templates = self.templates.build([fit.config for fit in self.fits], self.datasets)
        model, body = templates[0].model, templates[0].body
        training = self.fits[0].config.needed_training
        refuse_h5(templates[0].whole, training, trained=None if body is None else model)
        parts, train = self._parts(templates)
        seeds = [fit.config.draw_seed for fit in self.fits]
        orders = Orders(train, seeds, batch_size=training.batch_size, shuffle=training.shuffle)
        names = list(model.get_metrics_result())
        records = [self._record(index, run, template) for index, (run, template) in enumerate(zip(runs, templates))]
        trials = [
            StackedTrial(fit, index, record, template, host, names, functools.partial(on_epoch, index))
            for index, (fit, record, template) in enumerate(zip(self.fits, records, templates))
        ]
        jit_compile = self._begin(trials, orders.num_steps)
        weight_decay = training.optimizer.arguments.get("weight_decay")
        steps = StackedSteps(
            [template.model for template in templates],
            [model.optimizer, *(trial.optimizer for trial in trials[1:])],
            [template.heads[0] for template in templates],
            [template.model.loss for template in templates],
            orders=orders,
            jit_compile=jit_compile,
            weight_decay=weight_decay if is_curve(weight_decay) else None,
        )
        state = _first_state(templates, steps)
        trainer = StackedTrainer(trials, steps, train, parts.get("validation"), orders=orders, state=state, host=host)
        if any(record.resumed for record in records):
            trainer.restore()
        epochs = max(trial.training.epochs for trial in trials)
        together = f"{len(trials)} fits trained together, {orders.num_steps} steps an epoch, up to {epochs} epochs"
        self.session.reporter.detail(together)
        return trainer, parts

    def _record(self, index: int, run: Run, template: Template) -> RunRecord:
        """That of a trial, which keeps its own warnings."""
        session = replace(self.session, reporter=WarningList(self.session.reporter))
        manifest = Manifest.read(run) if run.manifest_file.exists() else None
        return RunRecord(run, self.fits[index].config, self.datasets[index], template.heads, session, manifest)

    def _parts(self, templates: Sequence[Template]) -> tuple[dict[str, StackedPart], StackedPart]:
        """All parts as they are judged, and the training part as it is trained on, with the classes' weights."""
        chosen, different = _distinct(self.datasets)
        training, session = self.fits[0].config.needed_training, self.session
        plain: list[dict[str, EncodedPart]] = []
        weighted: list[EncodedPart] = []
        for place, dataset in enumerate(different):
            template = templates[chosen.index(place)]
            heads = template.heads
            encoded = {name: encode_part(part, dataset.schema, heads) for name, part in dataset.parts.items()}
            more: dict[str, Any] = {"threads": session.threads, "reporter": session.reporter, "signals": session.signals}
            plain.append(parts_of(template, dataset, encoded, **more))
            weights = resolve_class_weights(training.class_weight, dataset.parts["train"], heads)
            if weights:
                of_rows = encode_part(dataset.parts["train"], dataset.schema, heads, weights).weights
                weighted.append(replace(plain[-1]["train"], weights=of_rows))
        build_metrics(templates[0].model, (weighted or [plain[0]["train"]])[0])
        parts = {name: stack_parts([found[name] for found in plain], chosen) for name in plain[0]}
        return parts, stack_parts(weighted, chosen) if weighted else parts["train"]

    def _begin(self, trials: Sequence[StackedTrial], num_steps: int) -> bool:
        """Write what runs begin with, or hold config and data of earlier ones against what is there now; decide about XLA."""
        known = next((trial.record.manifest.compiler for trial in trials if trial.record.manifest.compiler), None)
        model, training = trials[0].template.model, trials[0].training
        if known:
            compiler = dict(known)
        else:
            # XLA draws other random numbers: with any, each fit's own decision is the stack's. Without, more work pays earlier.
            draws = any(hasattr(layer, "seed_generator") for layer in model.layers)
            work = num_steps * training.epochs * (1 if draws else len(trials))
            jit_compile, reason = decide_jit_compile(training.jit_compile, model, work)
            compiler = {"jit_compile": jit_compile, "reason": reason}
        told = f"XLA {'on' if compiler['jit_compile'] else 'off'}: {compiler['reason']}"
        self.session.reporter.detail(told)
        together = f"trained together with {len(trials) - 1} others; {told}"

        def write(trial: StackedTrial) -> None:
            record, manifest, body = trial.record, trial.record.manifest, trial.template.body
            warn_each(record.session.reporter, record.config.warnings)
            record.compare()
            for line in trial.dataset.summary:
                trial.logger.debug("data: %s", line)
            for warning in check_dataset(record.config, trial.dataset).warnings:
                trial.logger.debug("%s", warning)
                record.session.reporter.warning(warning)
            trial.logger.debug("%s", together)
            record.begin()
            if body is not None:
                note_features(manifest, body.frozen, body.digest)
            manifest.compiler, manifest.engine = compiler, "stacked"
            manifest.stack = {"fits": len(trials), "place": trial.index}
            record.write()

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(write, trials))
        return bool(compiler["jit_compile"])

    def _evaluate(self, trainer: StackedTrainer, parts: dict[str, StackedPart]) -> None:
        """Metrics of each trial's model, its best where there is a validation part, on every part."""
        with self.session.watch.timed("evaluate"):
            for trial in trainer.trials:
                trial.finish()
            weights, evaluated = self._evaluate_all(trainer, parts)
        kept = [trial for trial in trainer.trials if trial.ended_as != "diverged"]

        def report(trial: StackedTrial) -> dict[str, PartReport]:
            def of_trial(name: str) -> tuple[dict[str, float], list[NDArray[Any]]]:
                logs, outputs = evaluated[name]
                return {key: float(values[trial.index]) for key, values in logs.items()}, [outputs[trial.index]]

            return trial.record.report({name: trial.dataset.parts[name] for name in evaluated}, of_trial, weights[trial.index])

        with ThreadPoolExecutor(usable_cores()) as pool:
            found = [
                Evaluated(reports, trial.dataset.parts, weights[trial.index])
                for trial, reports in zip(kept, pool.map(report, kept))
            ]
        seconds = self.session.watch.seconds["train"] / len(self.fits)
        for trial, ended in zip(kept, found):
            model, train = trial.dressed_model(trial.values()), parts["train"].of(trial.index)
            ended.diagnosis = diagnose_fit(
                trial.record, model, train, ended.reports, trial.pace, weights=ended.weights, seconds=seconds
            )

        def write(trial: StackedTrial, ended: Evaluated) -> None:
            trial.record.ended("running", trial.pace)
            trial.record.finish(ended, trial.pace)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(write, kept, found))
        for trial in trainer.trials:
            if trial.ended_as == "diverged":
                trial.record.ended("diverged", trial.pace, trial.fit.error)
            trial.fit.status = str(trial.ended_as)
        for trial, ended in zip(kept, found) if self.draws else ():
            trial.record.draw_results(ended)

    def _evaluate_all(self, trainer: StackedTrainer, parts: dict[str, StackedPart]) -> tuple[list[str], dict[str, Any]]:
        """The weights that are judged of each trial, and all models' outputs for each part."""
        values, weights = [], []
        for trial in trainer.trials:
            best = trial.pace.checkpoints.best if "validation" in parts else None
            weights.append("best" if best is not None else "last")
            found = best or trial.values()
            values.append(found.model if trial.ended_as != "diverged" else [np.zeros_like(array) for array in found.model])
        stacked = tuple(tf.constant(np.stack(arrays)) for arrays in zip(*values))
        if learns_logarithms(trainer.trials[0].record.heads):
            _, outputs = trainer.steps.evaluate(stacked, parts["train"], outputs=True)
            for trial in trainer.trials:
                if trial.ended_as != "diverged":
                    keep_smearing(trial.record, [outputs[trial.index]], trial.dataset.parts["train"])
            trainer.steps.set_smearing([trial.record.heads[0] for trial in trainer.trials])
        return weights, {
            name: trainer.steps.evaluate(stacked, part, outputs=True) for name, part in parts.items() if part.most_rows
        }


def _open(fit: StackedFit) -> Run:
    """The run directory of a fit, made now unless an interrupted run is in it."""
    refuse_links_to_trial(fit.path)
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

    def joined(groups: list[list[Any]]) -> tuple[Any, ...]:
        return tuple(tf.stack([variable.value for variable in variables]) for variables in zip(*groups))

    return StackedState(
        joined([template.model.variables for template in templates]),
        joined([template.model.optimizer.variables for template in templates]),
        steps.fresh_metrics(),
    )
