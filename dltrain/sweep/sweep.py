"""`sweep`: many fits of one config, chosen by a strategy, run by an engine, compared and written down."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import dltrain
from dltrain.config.types import Config
from dltrain.errors import DltrainError, InterruptedRun, RunError, UsageError, with_faults
from dltrain.evaluation.metrics.gates import check_gates, parse_gates
from dltrain.model.own_code.importing import require_trust
from dltrain.processes.helper import HelperProcess
from dltrain.processes.signals import StopSignals
from dltrain.reporting import Reporter, WarningList, warn_each
from dltrain.storage.atomic import now, write_atomically
from dltrain.storage.held import held
from dltrain.storage.new_run import create_run
from dltrain.storage.removal import remove_paths
from dltrain.storage.run import Run
from dltrain.sweep.checks import read_facts_here
from dltrain.sweep.choosing import choose_engine, jobs_that_fit
from dltrain.sweep.outcome import Outcome, write_outcome
from dltrain.sweep.pictures import warm_up
from dltrain.sweep.plan import SweepOptions, SweepPlan, plan_sweep
from dltrain.sweep.progress import Progress
from dltrain.sweep.record import intervals_of, read_record, reports_of
from dltrain.sweep.resuming import plan_document, resume_plan, stored_config_text, with_recorded
from dltrain.training.environment import git_commit, logging_to
from dltrain.training.saving.manifest import named_by
from dltrain.training.saving.tracking import Listening, Tracking
from dltrain.training.session import Session, Stopwatch
from dltrain.wording import without_credentials

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class SweepResult:
    """The result of a sweep.

    Attributes:
        status: "finished", "trials_crashed", "gates_failed", or "stopped" (`on_failure: stop`).
        run: the sweep's directory.
        trials: as plain values, as in `sweep.json`.
        best: the best of them, or None.
        metric: what was compared.
        mode: "min" or "max".
        asked_metric: what the config asks for beside it, or None.
        comparison: whether the best differs from the next: difference, noise, differs, and a sentence.
        importance: key -> its share of the metric's variation; empty where it cannot be told.
        gates: what was required of the best, with value and whether it was met.
        seconds: wall time in all.
        notes: sentences for the user.
        files: what was written beside the trials.
    """

    status: str
    run: Path
    trials: list[dict[str, Any]]
    best: dict[str, Any] | None
    metric: str
    mode: str
    comparison: dict[str, Any]
    importance: dict[str, float]
    gates: list[Any]
    seconds: float
    asked_metric: str | None = None
    notes: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)

    @property
    def num_crashed(self) -> int:
        """How many trials crashed."""
        return sum(trial["status"] == "failed" for trial in self.trials)


def sweep(
    config: Config | None = None,
    *,
    argv: Sequence[str] = (),
    runs: Path = Path("runs"),
    run_dir: Path | None = None,
    resume: Path | None = None,
    threads: int | None = None,
    reporter: Reporter | None = None,
    **options: Any,
) -> SweepResult:
    """Run many fits of a config, and write a sweep directory with a run directory for each of them.

    Args:
        config: from `load_config`; with `resume` it may be None.
        argv: the command line, for the manifests.
        runs: parent of the sweep's directory.
        run_dir: the sweep's directory itself.
        resume: a sweep's directory to go on with.
        threads: threads for one operation in each fit; None: one where several fits run at a time.
        reporter: is told what happens.
        options: the attributes of `SweepOptions`, such as `over`.

    Raises:
        DltrainError: with the exit code that fits; trials that crash or diverge are results, not errors.
    """
    watch, asked = Stopwatch(), SweepOptions(**options)
    tracking = Tracking()
    reporter = WarningList(Listening(reporter or Reporter(), tracking))
    warn_each(reporter, config.warnings if config is not None else ())
    helper = HelperProcess()
    try:
        if resume is not None:
            run, created = Run(Path(resume)), False
            plan = resume_plan(run, config, asked)
        else:
            if config is None:
                raise UsageError("a config is needed, or a sweep to go on with")
            require_trust(config.code)
            plan = plan_sweep(config, asked)
            run, created = _create(plan.config.name, runs, run_dir), True
        require_trust(plan.config.code)
        plan = replace(plan, config=plan.config.requiring(asked.require))
        parse_gates(plan.config.evaluation.require)
        tracking.names = plan.config.training.track if plan.config.training else ()
        with StopSignals() as signals, held(run.path):  # it may be discarded, when it is locked no longer
            words = [without_credentials(word) for word in argv]
            session = Session(words, reporter=reporter, signals=signals, helper=helper, watch=watch, tracking=tracking)
            try:
                with run.locked(), logging_to(run.log_file), tracking:
                    return _Sweep(plan, run, asked, session, threads).run_all(resumed=not created)
            except (DltrainError, KeyboardInterrupt) as error:
                if created and _came_to_nothing(run, error):
                    run.discard()
                raise
    finally:
        helper.kill()


def _came_to_nothing(run: Run, error: BaseException) -> bool:
    """Whether nothing was begun in a sweep's new directory: what was asked for cannot be done here."""
    return not run.manifest_file.exists() or (isinstance(error, UsageError) and not (run.path / "trials").exists())


def _create(name: str, runs: Path, run_dir: Path | None) -> Run:
    run = create_run(f"{name}-sweep", runs=runs, run_dir=run_dir)
    remove_paths([run.checkpoints, run.state])
    return run


class _Sweep:
    """One call of `sweep`: what its stages share."""

    def __init__(self, plan: SweepPlan, run: Run, options: SweepOptions, session: Session, threads: int | None) -> None:
        self.plan, self.run, self.options, self.session, self.threads = plan, run, options, session, threads
        self.reporter, self.signals, self.helper = session.reporter, session.signals, session.helper
        self.manifest: dict[str, Any] = {}
        self._is_warming_up = False

    def run_all(self, *, resumed: bool) -> SweepResult:
        """Run all stages of the sweep."""
        run, recorded = self.run, []
        if resumed:
            self.manifest = run.read_manifest()
            run.check_digests(self.manifest)
            recorded = read_record(run)
            self.plan = with_recorded(self.plan, recorded, self.options)
        plan = self.plan
        if recorded and plan.strategy == "tpe" and plan.jobs != 1 and (plan.trials or 0) > len(recorded):
            self.reporter.warning(
                "what Optuna suggests depends on which trials had ended: with --jobs 1 alone more trials are those that would"
                " have been chosen at once"
            )
        progress = Progress(plan, run, self.reporter, self._facts, recorded, retry_failed=self.options.retry_failed)
        engine = choose_engine(plan, progress.known_fits(), self.reporter, self.options)
        self.jobs = plan.jobs
        if engine.name == "processes":
            self.jobs = jobs_that_fit(plan, len(progress.known_fits()), progress.largest, self.reporter)
        self._begin(resumed)
        self.session.tracking.start(run.path, self.reporter)
        self.signals.defer()
        progress.begin()
        self.helper.submit(warm_up)
        self._is_warming_up = True
        try:
            self._train(engine, progress)
        except BaseException as error:
            self._end("interrupted" if isinstance(error, InterruptedRun | KeyboardInterrupt) else "failed")
            raise
        hint = f"dltrain sweep --resume {run.path}"
        if self.signals.received is not None and progress.is_unfinished:
            self._end("interrupted")
            left = progress.words_on_what_is_left()
            raise InterruptedRun(f"interrupted; {left}", signal_number=self.signals.received, hint=hint)
        self.signals.undefer("while the result was put together; the trials are saved", hint)
        self.reporter.status("putting the result together")
        self._await_helper()
        outcome = write_outcome(plan, run, progress, self.helper, self.reporter)
        best = outcome.best
        gates = []
        if best is not None and best.metrics:
            require = plan.config.evaluation.require
            gates = check_gates(require, best.metrics, reports=reports_of(best), intervals=intervals_of(best))
        return self._result(progress, outcome, gates)

    def _facts(self, data: Any, seed: int) -> Any:
        """What is known of the data; asked in the helper, which may import what this process should not."""
        self._await_helper()
        self.helper.submit(read_facts_here, data, seed)
        return self.helper.result(self.reporter)

    def _await_helper(self) -> None:
        """Until the helper has imported what drawing needs."""
        if self._is_warming_up:
            self._is_warming_up = False
            self.helper.result(self.reporter)

    def _begin(self, resumed: bool) -> None:
        """Write what a sweep begins with."""
        if resumed:
            self.manifest["status"] = "running"
            if self.manifest.pop("files", None):  # first: a kill between the two would leave a config that has another digest
                self.run.write_manifest(self.manifest)
            self.manifest |= {"argv": self.session.argv, "plan": plan_document(self.plan)}
            self.manifest["resumed"] = [*self.manifest.get("resumed", []), now()]
            write_atomically(self.run.config_file, stored_config_text(self.plan).encode())  # values may have been added
        else:
            config = self.plan.config
            self.manifest = {
                "kind": "sweep",
                "status": "running",
                "name": config.name,
                "argv": self.session.argv,
                "config": str(config.file) if config.file else None,
                "seed": config.seed,
                "environment": {"dltrain": dltrain.__version__},
                "plan": plan_document(self.plan),
                "named": named_by(config),
                "git_commit": git_commit(),
                "started": now(),
            }
            self.run.remove_temporary_files()
            self.run.keep_code({} if config.code is None else config.code.sources)
            write_atomically(self.run.config_file, stored_config_text(self.plan).encode())
        self.run.write_manifest(self.manifest)

    def _train(self, engine: Any, progress: Progress) -> None:
        from dltrain.sweep.engines import EngineContext

        context = EngineContext(
            self.reporter,
            self.signals,
            observer=progress,
            argv=self.session.argv,
            jobs=self.jobs,
            threads=self.threads,
        )
        if progress.is_unfinished:
            for fit in engine.run(progress, context):
                progress.ended(fit)

    def _end(self, status: str) -> None:
        warnings = with_faults(self.manifest.get("warnings", ()), self.reporter.warnings)
        self.manifest |= {"warnings": warnings, "status": status, "ended": now(), "seconds": {"total": self._seconds()}}
        try:
            self.run.write_manifest(self.manifest)
        except RunError as error:  # the first error is the one to show
            logger.warning("%s", error)

    def _seconds(self) -> float:
        before = (self.manifest.get("seconds") or {}).get("total", 0.0) if self.manifest.get("resumed") else 0.0
        self.session.watch.stop()
        return round(before + self.session.watch.seconds["total"], 3)

    def _result(self, progress: Progress, outcome: Outcome, gates: list[Any]) -> SweepResult:
        crashed = sum(trial.status == "failed" for trial in progress.trials)
        status = "finished"
        if crashed:
            status = "stopped" if progress.is_unfinished else "trials_crashed"
        elif not all(gate.met for gate in gates):
            status = "gates_failed"
        document = progress.document(outcome)
        seconds = self._seconds()
        if outcome.best is not None:
            self.manifest["best"] = str(outcome.best.fits[0].path.relative_to(self.run.path))
        self.manifest["files"] = self.run.digests()
        ended, num_warnings = "failed" if status == "stopped" else "finished", len(self.session.reporter.warnings)
        self._end(ended)
        self.session.tracking.finish()
        if len(self.session.reporter.warnings) > num_warnings:
            self._end(ended)
        return SweepResult(
            status=status,
            run=self.run.path,
            trials=document["trials"],
            best=document["best"],
            metric=self.plan.metric,
            mode=self.plan.mode,
            asked_metric=document["asked_metric"],
            comparison=document["comparison"],
            importance=outcome.importance,
            gates=list(gates),
            seconds=seconds,
            notes=outcome.notes,
            files=outcome.files,
        )
