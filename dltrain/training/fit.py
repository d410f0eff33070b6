"""`fit`: from a config to a run on disk. The stages in order; each is a function of another room."""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from dltrain.checking.argument_checks import check_tensorboard
from dltrain.checking.check import check_config, check_dataset, raise_for_errors
from dltrain.checking.places import placed
from dltrain.config import dump_yaml
from dltrain.config.types import NO_DATA, Config, TrainingConfig
from dltrain.data.dataset import Dataset, Part
from dltrain.errors import ConfigError, DataError, DltrainError, Fault, InterruptedRun, RunError, fault_documents
from dltrain.evaluation.drawing.figure import draw_or_warn
from dltrain.evaluation.drawing.forecast import plot_forecast
from dltrain.evaluation.drawing.mistakes import FILE as MISTAKES_FILE
from dltrain.evaluation.drawing.mistakes import Mistake, plot_mistakes, sheet_of_mistakes
from dltrain.evaluation.drawing.reconstructions import plot_reconstructions, rows_of_sheet
from dltrain.evaluation.metrics.gates import check_gates, parse_gates
from dltrain.evaluation.metrics.pca_baseline import PcaBaseline, fit_pca
from dltrain.evaluation.spread_sample import sample_note, spread_rows, take_part
from dltrain.model.build import build_model, describe_layers
from dltrain.model.compile import compile_model
from dltrain.model.corruption import corruption_of
from dltrain.model.forward import Forward
from dltrain.model.heads.head import Head
from dltrain.model.heads.own_units import set_smearing
from dltrain.model.heads.reconstruction import code_layer
from dltrain.model.heads.rules import resolve_heads
from dltrain.model.keras_import import import_keras
from dltrain.processes.helper import HelperProcess
from dltrain.processes.signals import StopSignals
from dltrain.reporting import Reporter, WarningList
from dltrain.storage.atomic import now, to_json, write_atomically
from dltrain.storage.run import Run
from dltrain.training.diagnosis import diagnose_fit, finding_documents
from dltrain.training.environment import describe_environment, logging_to, settings_note
from dltrain.training.jobs import load_and_check, plot, warm_up_plots
from dltrain.training.loop import Tensors
from dltrain.training.phases import Phases
from dltrain.training.result import FitResult, evaluate_parts, smear
from dltrain.training.saving.record import end_manifest, first_manifest, metrics_document, resolved_config, save_data_files
from dltrain.training.saving.resuming import compare_with_run, open_run
from dltrain.training.saving.state import holding
from dltrain.training.segments import take_tensors
from dltrain.training.trainer import ShouldStop, Trainer
from dltrain.wording import without_credentials

logger = logging.getLogger(__name__)

FILE_SOURCES = ("csv", "parquet", "npz")


def fit(
    config: Config,
    *,
    argv: Sequence[str] = (),
    runs: Path = Path("runs"),
    run_dir: Path | None = None,
    resume: Path | Literal["auto"] | None = None,
    require: Sequence[str] = (),
    threads: int | None = None,
    reporter: Reporter | None = None,
    dataset: Dataset | None = None,
    should_stop: ShouldStop | None = None,
) -> FitResult:
    """Train what a config describes and write a run directory.

    Args:
        config: from `load_config`.
        argv: the command line, for the manifest.
        runs: parent of the run directory.
        run_dir: the run directory itself.
        resume: a run directory to go on with; "auto": `run_dir` if something is there, else start in it.
        require: gates besides those of the config.
        threads: threads for one operation; None: all cores, or on a resume those of the run.
        reporter: is told what happens.
        dataset: the config's data, where it is read already.
        should_stop: asked at each epoch's end (0-based epoch, Keras's names to values); True ends the training there, as an
            early stopping does.

    Raises:
        DltrainError: with the exit code that fits.
    """
    if config.training is None or config.data.source == NO_DATA:
        key = "training" if config.training is None else "data"
        hint = "`dltrain trace CONFIG --input '1, 2'` computes what the net makes of numbers"
        hint += "; to train it, give it a `training:` block" if key == "training" else "; to train it, say where its data is"
        raise ConfigError(placed(config, [Fault(f"`{key}: none` leaves nothing to fit", path=key, hint=hint)]))
    training, config = config.training, config.requiring(require)
    parse_gates(config.evaluation.require)
    wrong = [item for item in check_tensorboard(config, training) if item.severity == "error"]
    if wrong:  # told before anything is imported or read
        raise ConfigError(wrong)
    reporter = WarningList(reporter or Reporter())
    for warning in config.warnings:
        reporter.warning(warning)
    resumed, run, created = open_run(config, runs=runs, run_dir=run_dir, resume=resume)
    with StopSignals() as signals:
        try:
            with run.locked(), logging_to(run.log_file):
                session = _Fit(config, training, run, resumed, list(argv), threads, reporter, signals)
                session.should_stop = should_stop
                with session.helper_process():
                    return session.fit(config.evaluation.require, dataset)
        except (DltrainError, KeyboardInterrupt, OSError):
            if created and not (run.manifest_file.exists()):
                run.discard()
            raise


class _Fit:
    """One fit: what its stages share."""

    def __init__(
        self,
        config: Config,
        training: TrainingConfig,
        run: Run,
        resumed: bool,
        argv: list[str],
        threads: int | None,
        reporter: WarningList,
        signals: StopSignals,
    ) -> None:
        self.config, self.training, self.run, self.resumed = config, training, run, resumed
        self.argv = [without_credentials(word) for word in argv]
        self.reporter, self.signals = reporter, signals
        self.manifest: dict[str, Any] = run.read_manifest() if resumed else {}
        self.threads = threads or self.manifest.get("threads") or os.cpu_count() or 1
        self.seconds: dict[str, float] = {}
        self.notes: list[str] = []
        self.started = time.monotonic()
        self.helper = HelperProcess(forked=False)
        self.should_stop: ShouldStop | None = None

    @contextlib.contextmanager
    def helper_process(self) -> Iterator[None]:
        """Keep a helper process for as long as the context lasts."""
        self.helper = HelperProcess()
        try:
            yield
        except BaseException:
            self.helper.kill()
            raise
        self.helper.close()

    @contextlib.contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the wall time of the context to a stage's seconds."""
        started = time.monotonic()
        try:
            yield
        finally:
            self.seconds[stage] = round(self.seconds.get(stage, 0.0) + time.monotonic() - started, 3)

    def fit(self, require: Sequence[str], dataset: Dataset | None) -> FitResult:
        """All stages."""
        if dataset is None:
            dataset, warnings = self._read()
        else:
            warnings = raise_for_errors(check_dataset(self.config, dataset)).warnings
            import_keras(self.threads)
        self.helper.submit(warm_up_plots)
        self.reporter.data_ready(dataset.summary)
        for line in dataset.summary:
            logger.debug("data: %s", line)
        for warning in warnings:
            logger.debug("%s", warning)
            self.reporter.warning(warning)
        if "train" not in dataset.parts or dataset.parts["train"].num_rows == 0:
            raise DataError("no rows are left for training", hint="lower the fractions of `data.split`")
        with self.timed("build"):
            heads, model = self._build(dataset)
            resolved = resolved_config(self.config, dataset, heads, self.run.path)
            finished = self._begin_or_go_on(dataset, heads, resolved, require)
            if finished is not None:
                self.helper.result(self.reporter)
                return finished
            phases = Phases(
                self.config,
                self.training,
                dataset,
                heads,
                model,
                run=self.run,
                manifest=self.manifest,
                threads=self.threads,
                reporter=self.reporter,
                should_stop=self.should_stop,
            )
            trainer = phases.first(resumed=self.resumed)
        with self.timed("train"):
            trainer = self._train(phases, trainer)
        self.helper.result(self.reporter)
        best_epoch = None if trainer.checkpoints.best_epoch is None else trainer.checkpoints.best_epoch + 1
        self.helper.submit(
            draw_or_warn, plot, "history.png", self.run.history_file, self.run.path / "history.png", self.config.name, best_epoch
        )
        result = self._evaluate(dataset, heads, trainer, phases.tensors, phases.forward, require)
        self.helper.result(self.reporter)
        return result

    def _read(self) -> tuple[Dataset, Sequence[Fault]]:
        """The data, and what is odd about it, the model or the training."""
        if self.config.data.source not in FILE_SOURCES:  # what is known without reading a file costs no Keras to refuse
            raise_for_errors(check_config(self.config))
        self.helper.submit(load_and_check, self.config)
        with self.timed("import"):
            self.reporter.status("importing Keras")
            import_keras(self.threads)
        with self.timed("data"):
            self.reporter.status("reading data")
            dataset, warnings = self.helper.result(self.reporter)
        return dataset, warnings

    def _build(self, dataset: Dataset) -> tuple[tuple[Head, ...], Any]:
        heads = resolve_heads(self.config.model, dataset.schema, self.training.loss, self.training.metrics)
        model = build_model(self.config.model, dataset.schema, heads, seed=self.config.seed, augment=self.config.data.augment)
        compile_model(model, heads, self.training.stages[0])
        for head in heads:
            self.reporter.detail(head.reason)
        self.reporter.model_ready(describe_layers(model), model.count_params(), sum(_size(v) for v in model.trainable_variables))
        return heads, model

    def _begin_or_go_on(
        self, dataset: Dataset, heads: Sequence[Head], resolved: dict[str, Any], require: Sequence[str]
    ) -> FitResult | None:
        """Write what a run begins with; or hold config and data of an earlier one against what is there now.

        Returns:
            The result of a run that has nothing left to do, else None.
        """
        environment = describe_environment(self.threads)
        note = settings_note()
        if note:
            self.reporter.warning(note)
        if self.resumed:
            compare_with_run(self.run, self.manifest, dataset, resolved, environment, self.reporter)
            if self._is_done():
                return self._nothing_to_do(require)
            self.run.check_digests(self.manifest)
            self.manifest.pop("files", None)  # the digests of what is written anew
            self.manifest |= {
                "status": "running",
                "argv": self.argv,
                "environment": environment,
            }
            self.manifest["resumed"] = [*self.manifest.get("resumed", []), now()]
            self._write_manifest()  # first, for the digest of the config is that of the old one
        else:
            save_data_files(self.run, dataset)
            self.manifest = first_manifest(
                self.config, dataset, heads, argv=self.argv, threads=self.threads, environment=environment
            )
        self.run.remove_temporary_files()
        write_atomically(self.run.config_file, dump_yaml(resolved).encode())
        return None

    def _is_done(self) -> bool:
        stages, found = self.training.stages, self.manifest
        if found.get("status") != "finished" or int(found.get("phase", 1)) < len(stages):
            return False
        return bool(found.get("stopped_early")) or int(found.get("phase_epochs", found.get("epochs", 0))) >= stages[-1].epochs

    def _nothing_to_do(self, require: Sequence[str]) -> FitResult:
        metrics = self.run.read_metrics()
        gates = check_gates(
            require, metrics.get("metrics", {}), reports=metrics.get("reports"), intervals=metrics.get("intervals", {})
        )
        self.seconds["total"] = round(time.monotonic() - self.started, 3)
        return FitResult(
            status="finished" if all(gate.met for gate in gates) else "gates_failed",
            run=self.run.path,
            epochs=int(self.manifest.get("epochs", 0)),
            weights=str(self.manifest.get("weights", "last")),
            metrics=metrics.get("metrics", {}),
            baseline=metrics.get("baseline", {}),
            report=metrics.get("report", {}),
            intervals=metrics.get("intervals", {}),
            gates=list(gates),
            seconds=self.seconds,
            notes=["The run is finished: there was nothing left to do."],
            diagnosis=metrics.get("diagnosis", []),
            warnings=self.reporter.warnings,
            resumed=True,
        )

    def _write_manifest(self) -> None:
        """The manifest with the warnings so far; on a resume those of before as well."""
        kept = self.manifest.setdefault("warnings", [])
        kept += [document for document in fault_documents(self.reporter.warnings) if document not in kept]
        self.run.write_manifest(self.manifest)

    def _train(self, phases: Phases, trainer: Trainer) -> Trainer:
        """Train phase after phase; returns the trainer of the last one."""
        self._write_manifest()
        status = "failed"
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
        except DltrainError as error:
            status = "diverged" if error.exit_code == 4 else "failed"
            raise
        finally:
            trainer.history.close()
            end_manifest(
                self.manifest,
                status,
                epochs=trainer.epoch,
                stopped=trainer.stopped,
                phase=trainer.phase + 1,
                phase_epochs=trainer.epoch - trainer.first_epoch,
            )
            if status != "running":
                with contextlib.suppress(RunError):  # the first error is the one to show
                    self._write_manifest()
        return trainer

    def _fit_pca(self, dataset: Dataset) -> PcaBaseline | None:
        """The baseline of a reconstruction, kept for later evaluations."""
        code = code_layer(self.config.model, dataset.schema)
        if code is None:
            return None
        train = dataset.parts["train"].inputs[dataset.schema.inputs[0].name]
        self.reporter.status(f"principal components, as many as {code[0]} has numbers")
        pca = fit_pca(train, code[1], layer=code[0], seed=self.config.seed)
        pca.save(self.run.state)
        return pca

    def _smear(
        self,
        dataset: Dataset,
        heads: Sequence[Head],
        parts: Mapping[str, Part],
        tensors: Mapping[str, Tensors],
        forward: Forward,
    ) -> Sequence[Head]:
        """The heads, and the stored preprocessing, with the smearing of targets whose logarithm was learned; see `TargetSpec`.

        The residuals are those of the training part, or of the rows of it that are evaluated.
        """
        if not any(target.is_log for head in heads for target in head.targets):
            return heads
        part = next(name for name in ("train", "validation", "test") if name in parts)
        outputs = forward.outputs(tensors[part].inputs)
        smeared = smear(heads, outputs, parts[part])
        factors = {target.name: target.smearing for head in smeared for target in head.targets}
        preprocessing = dataset.preprocessing.with_smearing(factors)
        preprocessing.save(self.run.path)
        stored = {target.name: target for target in preprocessing.schema.targets}
        heads = [replace(head, targets=tuple(stored[target.name] for target in head.targets)) for head in heads]
        set_smearing(forward.model, heads)
        return heads

    def _evaluate(
        self,
        dataset: Dataset,
        heads: Sequence[Head],
        trainer: Trainer,
        tensors: Mapping[str, Tensors],
        forward: Forward,
        require: Sequence[str],
    ) -> FitResult:
        started = time.monotonic()
        best = trainer.checkpoints.best if "validation" in dataset.parts else None
        weights = "best" if best is not None else "last"
        parts = dict(dataset.parts)
        pca = self._fit_pca(dataset) if heads[0].task == "reconstruction" else None
        corrupt = corruption_of(self.config, dataset.schema)
        sample = spread_rows(parts["train"])
        evaluated = dict(tensors)
        if sample is not None:
            parts["train"] = take_part(parts["train"], sample)
            evaluated["train"] = take_tensors(tensors["train"], sample)
        with holding(trainer.model, best) if best is not None else contextlib.nullcontext():
            held_out = self.run.path if self.config.data.split.fold else None
            train = dataset.parts["train"]
            heads = self._smear(dataset, heads, parts, evaluated, forward)
            reports = evaluate_parts(parts, heads, evaluated, forward, train, self.manifest, pca, held_out, corrupt)
            shown = next(name for name in ("test", "validation", "train") if name in reports)
            sheet = rows_of_sheet(dataset, shown, forward, corrupt) if pca is not None else None
        metrics = {name: report.metrics for name, report in reports.items()}
        notes = [note for report in reports.values() for note in report.notes]
        if sample is not None:
            notes.append(sample_note(sample))
        found = diagnose_fit(
            trainer.model,
            self.config.model,
            heads,
            tensors["train"],
            dataset,
            reports,
            metrics,
            history=trainer.history.rows,
            weights=weights,
            epochs=trainer.training.epochs,
            stopped=trainer.stopped,
            train_seconds=self.seconds["train"],
        )
        diagnosis = finding_documents(found)
        intervals = {name: report.intervals for name, report in reports.items()}
        gates = check_gates(
            require, metrics, reports={name: report.report for name, report in reports.items()}, intervals=intervals
        )
        self.seconds["evaluate"] = round(time.monotonic() - started, 3)
        self.seconds["total"] = round(time.monotonic() - self.started, 3)
        epoch = trainer.checkpoints.epoch_of(weights, trainer.epoch)
        document = metrics_document(reports, metrics, weights=weights, epoch=epoch, gates=gates, notes=notes, diagnosis=diagnosis)
        write_atomically(self.run.metrics_file, (to_json(document) + "\n").encode())
        self.manifest |= {"status": "finished", "weights": weights, "seconds": self.seconds, "ended": now()}
        self.manifest["files"] = self.run.digests()
        self._write_manifest()
        if reports[shown].forecasts:
            title = f"{self.config.name}, {shown} part"
            self._draw(plot_forecast, self.run.path / "forecast.png", title, reports[shown].forecasts)
        if sheet is not None:
            self._draw(plot_reconstructions, self.run.path / "reconstructions.png", sheet)
        notes += self._draw_mistakes(replace(dataset, parts=parts), shown, reports[shown].mistakes)
        self._write_manifest()  # a picture that could not be drawn is a warning
        return FitResult(
            status="finished" if all(gate.met for gate in gates) else "gates_failed",
            run=self.run.path,
            epochs=trainer.epoch,
            weights=weights,
            metrics=metrics,
            baseline=reports[shown].baseline,
            report=reports[shown].report,
            intervals=intervals,
            gates=list(gates),
            seconds=self.seconds,
            notes=notes,
            diagnosis=diagnosis,
            warnings=self.reporter.warnings,
            resumed=self.resumed,
        )

    def _draw(self, draw: Callable[..., None], picture: Path, *args: Any) -> None:
        """A picture of the run, which is complete without it."""
        self.helper.submit(draw_or_warn, draw, picture.name, picture, *args)
        self.helper.result(self.reporter)

    def _draw_mistakes(self, dataset: Dataset, part: str, mistakes: Sequence[Mistake]) -> list[str]:
        """What a picture run got wrong, as a picture; the run is complete without it. Returns a sentence that names it."""
        sheet = sheet_of_mistakes(dataset, part, mistakes)
        if sheet is None:
            return []
        file = self.run.path / MISTAKES_FILE
        self._draw(plot_mistakes, file, sheet)
        return [f"The most confident mistakes of the {part} part are drawn in {file}"] if file.exists() else []


def _plain_loss(head: Head) -> dict[str, Any]:
    """The loss of one target of several, with its weight, as a config holds it."""
    return {head.loss.name: dict(head.loss.arguments), **({} if head.loss_weight == 1.0 else {"weight": head.loss_weight})}


def _size(variable: Any) -> int:
    size = 1
    for length in variable.shape:
        size *= int(length)
    return size
