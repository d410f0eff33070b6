"""`fit`: from a config to a run on disk. The stages in order; each is a function of another room."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from dltrain.checking.argument_checks import check_tensorboard
from dltrain.checking.check import check_config, check_dataset, raise_for_errors
from dltrain.checking.places import placed
from dltrain.checking.placing.devices import check_devices
from dltrain.checking.placing.several import refuse_several
from dltrain.config.durations import config_with_steps
from dltrain.config.found_rate import asks_for_rate, with_rate
from dltrain.config.types import NO_DATA, Config, TrainingConfig
from dltrain.data.dataset import Dataset
from dltrain.data.look import FILE_SOURCES, require_files
from dltrain.errors import ConfigError, DataError, DltrainError, Fault, InterruptedRun, RunError, WorkerLostError
from dltrain.evaluation.metrics.gates import parse_gates
from dltrain.model.build import build_model, describe_layers
from dltrain.model.compile import compile_model
from dltrain.model.heads.head import Head
from dltrain.model.heads.rules import heads_of
from dltrain.model.keras_import import import_keras
from dltrain.model.own_code.blame import blames_own_code
from dltrain.model.own_code.importing import require_trust
from dltrain.model.weights.transfer import taken_lines
from dltrain.processes.helper import HelperProcess
from dltrain.processes.signals import StopSignals
from dltrain.reporting import Reporter, WarningList, warn_each
from dltrain.storage.atomic import to_json
from dltrain.storage.held import held
from dltrain.storage.run import Run
from dltrain.training.environment import logging_to, tell_device
from dltrain.training.evaluating import evaluate_fit
from dltrain.training.finding.rate import find_rate_on
from dltrain.training.jobs import load_and_check
from dltrain.training.members.fit import EnsembleFit
from dltrain.training.phases import Phases
from dltrain.training.result import FitResult
from dltrain.training.saving.manifest import Manifest
from dltrain.training.saving.pictures import Drawers
from dltrain.training.saving.record import RunRecord
from dltrain.training.saving.resuming import open_run
from dltrain.training.saving.tracking import Listening, Tracking
from dltrain.training.session import FitOptions, Session
from dltrain.training.trainer import Trainer
from dltrain.training.workers.local import group_of

logger = logging.getLogger(__name__)


@blames_own_code
def fit(
    config: Config,
    *,
    argv: Sequence[str] = (),
    runs: Path = Path("runs"),
    run_dir: Path | None = None,
    resume: Path | Literal["auto"] | None = None,
    threads: int | None = None,
    reporter: Reporter | None = None,
    **options: Any,
) -> FitResult:
    """Train what a config describes and write a run directory.

    Args:
        config: from `load_config`.
        argv: the command line, for the manifest.
        runs: parent of the run directory.
        run_dir: the run directory itself.
        resume: a run directory to go on with; "auto": `run_dir` if something is there, else start in it.
        threads: threads for one operation; None: all cores, or on a resume those of the run.
        reporter: is told what happens.
        options: the attributes of `FitOptions`, such as `require`.

    Raises:
        DltrainError: with the exit code that fits.
    """
    require_trust(config.code)
    given = FitOptions(**options)
    config, training = _to_be_trained(config, given)
    tracking = Tracking(training.track if given.tracks else ())
    reporter = WarningList(Listening(reporter or Reporter(), tracking))
    warn_each(reporter, config.warnings)
    resumed, run, created = open_run(config, runs=runs, run_dir=run_dir, resume=resume)
    with StopSignals() as signals, held(run.path):  # it may be discarded, when it is locked no longer
        try:
            with run.locked(), logging_to(run.log_file), tracking:
                tracking.start(run.path, reporter)
                manifest = Manifest.read(run) if resumed else None
                threads = threads or (manifest.threads if manifest else None)
                with (
                    group_of(config, training, given, threads, reporter) as (group, placement, threads),
                    _helper_process() as helper,
                ):
                    drawers = Drawers([helper] if given.draws else [])
                    session = Session(argv, threads or os.cpu_count() or 1, reporter, signals, helper, drawers, given.should_stop)
                    session.group, session.placement, session.tracking = group, placement, tracking
                    stages = _Fit(config, training, run, session, manifest)
                    read, warnings = stages.read() if given.dataset is None else stages.take(given.dataset)
                    return stages.fit(read, warnings)
        except (DltrainError, KeyboardInterrupt, OSError):
            if created and not (run.manifest_file.exists()):
                run.discard()
            raise


def _to_be_trained(config: Config, given: FitOptions) -> tuple[Config, TrainingConfig]:
    """The config with all gates, and its training; what cannot be trained is told before anything is imported or read.

    Raises:
        ConfigError: there is nothing to fit, a package is missing, or several processes cannot fit it together.
        UsageError: a gate cannot be read.
    """
    if config.training is None or config.data.source == NO_DATA:
        key = "training" if config.training is None else "data"
        hint = "`dltrain trace CONFIG --input '1, 2'` computes what the net makes of numbers"
        hint += "; to train it, give it a `training:` block" if key == "training" else "; to train it, say where its data is"
        raise ConfigError(placed(config, [Fault(f"`{key}: none` leaves nothing to fit", path=key, hint=hint)]))
    training, config = config.training, config.requiring(given.require)
    parse_gates(config.evaluation.require)
    if given.workers > 1 or given.group is not None:
        refuse_several(config, training)
    found = (*check_tensorboard(config, training), *check_devices(config, training))
    wrong = [item for item in found if item.severity == "error"]
    if wrong:  # told before anything is imported or read
        raise ConfigError(wrong)
    return config, training


@contextlib.contextmanager
def _helper_process() -> Iterator[HelperProcess]:
    """A helper process for as long as the context lasts."""
    helper = HelperProcess()
    try:
        yield helper
    except BaseException:
        helper.kill()
        raise
    helper.close()


class _Fit:
    """One fit: what its stages share."""

    def __init__(self, config: Config, training: TrainingConfig, run: Run, session: Session, manifest: Manifest | None) -> None:
        self.config, self.training, self.run, self.session, self.manifest = config, training, run, session, manifest
        self.reporter, self.signals, self.watch = session.reporter, session.signals, session.watch

    def fit(self, dataset: Dataset, warnings: Sequence[Fault]) -> FitResult:
        """All stages that follow upon the data, of which something may be odd."""
        self.session.drawers.warm_up()
        self._tell_of(dataset, warnings)
        rate = self._find_rate(dataset) if self.session.group.is_chief else None
        self._share_rate(rate)
        self.config = config_with_steps(self.config, dataset.parts["train"].num_rows)
        self.training = self.config.training or self.training
        if self.training.members.are_several:
            return self._fit_members(dataset, rate)
        with self.watch.timed("build"):
            heads, model = self._build(dataset)
            record = RunRecord(self.run, self.config, dataset, heads, self.session, self.manifest)
            record.manifest.found_rate = rate
            record.compare()
            if record.is_done:
                self.session.drawers.wait()
                return record.nothing_to_do()
            record.begin()
            self._require_same(dataset)
            phases = Phases(record, model)
            trainer = phases.first(resumed=record.resumed)
        with self.watch.timed("train"):
            trainer = self._train(record, phases, trainer)
        if not self.session.group.is_chief:
            return record.trained(trainer.pace)
        record.draw_history(trainer.pace)
        with self.watch.timed("evaluate"):
            found = evaluate_fit(record, trainer, phases)
        record.finish(found, trainer.pace)
        record.draw(found)
        return record.result()

    def _find_rate(self, dataset: Dataset) -> dict[str, Any] | None:
        """Put the rate that the config asks to be found into it; a run that goes on has it from its beginning.

        Returns:
            The rate and the reason for it, for the manifest; None where none was asked for.
        """
        if self.manifest is not None:
            known = self.manifest.found_rate
            if known is not None:
                self.config = with_rate(self.config, known.get("learning_rate"))
            return known  # of a run that began with a number, what is asked for now is another experiment
        if not asks_for_rate(self.training):
            return None
        with self.watch.timed("build"):
            self.reporter.status("finding the learning rate")
            found = find_rate_on(self.config, dataset)
        if found.rate is None:
            hint = "training.optimizer.learning_rate=NUMBER"
            message = f"no learning rate was found, the optimizer's default is taken: {found.reason}"
            self.reporter.warning(Fault(message, path="training.optimizer.learning_rate", hint=hint, severity="warning"))
        else:
            self.reporter.data_ready([f"learning rate: {found.rate:g}; {found.reason}"])
        logger.debug("learning rate: %s; %s", found.rate, found.reason)
        self.config = with_rate(self.config, found.rate)
        return {"learning_rate": found.rate, "reason": found.reason}

    def _share_rate(self, rate: dict[str, Any] | None) -> None:
        """All processes take the rate that the chief has found."""
        group = self.session.group
        if group.count > 1 and asks_for_rate(self.training):
            found = group.of_chief((rate or {}).get("learning_rate") or 0.0)
            self.config = with_rate(self.config, found or None)

    def _require_same(self, dataset: Dataset) -> None:
        """Hold what this process is about to train on what against the chief's."""
        group = self.session.group
        group.require_same(dataset.fingerprint, "data")
        settings = {name: self.config.resolved.get(name) for name in ("model", "training", "seed")}
        group.require_same(to_json(settings), "config")

    def _fit_members(self, dataset: Dataset, rate: dict[str, Any] | None) -> FitResult:
        """The stages of an ensemble, whose members are fits by themselves."""
        heads = heads_of(self.config, dataset.schema)
        record = RunRecord(self.run, self.config, dataset, heads, self.session, self.manifest)
        record.manifest.found_rate = rate
        record.compare()
        self.session.drawers.wait()
        if record.is_done:
            return record.nothing_to_do()
        record.begin()
        return EnsembleFit(record, fit).fit()

    def read(self) -> tuple[Dataset, Sequence[Fault]]:
        """The data, and what is odd about it, the model or the training."""
        if self.config.data.source not in FILE_SOURCES:  # what is known without reading a file costs no Keras to refuse
            raise_for_errors(check_config(self.config))
        require_files(self.config.data)
        self.session.helper.submit(load_and_check, self.config)
        with self.watch.timed("import"):
            self.reporter.status("importing Keras")
            import_keras(self.session.threads, self.session.group.connect, self.session.placement)
            tell_device(self.training, self.reporter)
        with self.watch.timed("data"):
            self.reporter.status("reading data")
            dataset, warnings = self.session.helper.result(self.reporter)
        return dataset, warnings

    def take(self, dataset: Dataset) -> tuple[Dataset, Sequence[Fault]]:
        """Data that was read already, and what is odd about it."""
        warnings = raise_for_errors(check_dataset(self.config, dataset)).warnings
        import_keras(self.session.threads, self.session.group.connect, self.session.placement)
        return dataset, warnings

    def _tell_of(self, dataset: Dataset, warnings: Sequence[Fault]) -> None:
        self.reporter.data_ready(dataset.summary)
        for line in dataset.summary:
            logger.debug("data: %s", line)
        for warning in warnings:
            logger.debug("%s", warning)
            self.reporter.warning(warning)
        if "train" not in dataset.parts or dataset.parts["train"].num_rows == 0:
            raise DataError("no rows are left for training", hint="lower the fractions of `data.split`")

    def _build(self, dataset: Dataset) -> tuple[tuple[Head, ...], Any]:
        heads = heads_of(self.config, dataset.schema)
        model = build_model(
            self.config.model, dataset.schema, heads, seed=self.config.draw_seed, augment=self.config.data.augment
        )
        compile_model(model, heads, self.training.stages[0])
        for head in heads:
            self.reporter.detail(head.reason)
        if rows := getattr(model, "dltrain_taken", ()):
            lines = taken_lines(rows, Path(self.config.model.weights or "").name)
            self.reporter.data_ready(lines)
            logger.debug("%s", "\n".join(lines))
        self.reporter.model_ready(describe_layers(model), model.count_params(), sum(_size(v) for v in model.trainable_variables))
        return heads, model

    def _train(self, record: RunRecord, phases: Phases, trainer: Trainer) -> Trainer:
        """Train phase after phase; returns the trainer of the last one."""
        record.write()
        status, reason = "failed", None
        self.signals.defer()
        if self.signals.received is not None:
            raise InterruptedRun("interrupted before training began", signal_number=self.signals.received)
        try:
            trainer.train(self.signals)
            while phases.has_more(trainer):
                if self.signals.received is not None:
                    raise trainer.interruption(self.signals)
                trainer = phases.following(trainer)
                trainer.train(self.signals)
            self.signals.undefer("after training; the run is saved", f"dltrain fit --resume {self.run.path}")
            status = "running"
        except InterruptedRun:
            status = "interrupted"
            raise
        except WorkerLostError as error:
            status = "interrupted"
            hint = f"go on, with as many workers or others: dltrain fit --resume {self.run.path}{self.session.group.words}"
            lost = WorkerLostError([replace(fault, hint=hint) for fault in error.faults])
            lost.run = self.run.path
            raise lost from error
        except DltrainError as error:
            status, reason = "diverged" if error.exit_code == 4 else "failed", error.faults[0].message
            raise
        finally:
            phases.history.close()
            with contextlib.suppress(RunError):  # the first error is the one to show
                record.ended(status, trainer.pace, reason)
        return trainer


def _size(variable: Any) -> int:
    size = 1
    for length in variable.shape:
        size *= int(length)
    return size
