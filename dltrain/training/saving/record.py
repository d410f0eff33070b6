"""The record of a fit: what is written of it when it begins, is gone on with, ends or is interrupted."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config import dump_yaml, resolve
from dltrain.config.found_rate import said_of_found
from dltrain.config.types import Config
from dltrain.data.dataset import Dataset, Part
from dltrain.errors import with_faults
from dltrain.evaluation.drawing.mistakes import sheet_of_mistakes
from dltrain.evaluation.drawing.reconstructions import Sheet
from dltrain.evaluation.masks.sheet import MaskSheet
from dltrain.evaluation.metrics.bootstrap.jackknife import add_metric_intervals
from dltrain.evaluation.metrics.gates import Gate, check_gates
from dltrain.evaluation.metrics.learned_baselines import learned_baselines
from dltrain.evaluation.metrics.report import PartReport, describe_reference, reference_of, report_part, restore_priors
from dltrain.evaluation.predictions.held_out import write_held_out
from dltrain.evaluation.training_rows import save_training_rows
from dltrain.model.encode import resolve_class_weights
from dltrain.model.heads.head import Head
from dltrain.model.heads.inferred import inferred_values
from dltrain.parts import PARTS, judged_part
from dltrain.storage.atomic import now, write_atomically
from dltrain.storage.layout import PICTURES
from dltrain.storage.run import Run
from dltrain.storage.stored import wrong_values_told
from dltrain.training.environment import git_commit, settings_note
from dltrain.training.pace import Pace
from dltrain.training.result import FitResult, asked_metrics
from dltrain.training.saving.answers import HeldOut, settle_answers
from dltrain.training.saving.manifest import Manifest, named_by
from dltrain.training.saving.pictures import Pictures
from dltrain.training.saving.resuming import compare_with_run, require_as_left
from dltrain.training.session import Session
from dltrain.wording import without_credentials

MAX_ROW_IDS = 2_000_000


@dataclass(slots=True)
class Evaluated:
    """The evaluation of a trained model.

    Attributes:
        reports: part -> report.
        parts: the rows that were reported on, of a large training part only some.
        weights: "best" or "last": whose metrics these are.
        notes: sentences for the user, beside those of the reports.
        diagnosis: what the figures say is wrong, as plain values.
        members: what the members of an ensemble come to, as plain values.
        sheet: of a reconstruction, pictures beside what was made of them.
        masks: of pixels with classes, pictures beside what is true and what is said.
    """

    reports: Mapping[str, PartReport]
    parts: Mapping[str, Part]
    weights: str
    notes: Sequence[str] = ()
    diagnosis: Sequence[Mapping[str, Any]] = ()
    sheet: Sheet | None = None
    masks: MaskSheet | None = None
    members: Mapping[str, Any] = field(default_factory=dict)

    @property
    def shown(self) -> str:
        """The part whose report is the run's."""
        return judged_part(self.reports) or PARTS[0]

    @property
    def metrics(self) -> dict[str, dict[str, float]]:
        """Part -> metric -> value."""
        return {name: report.metrics for name, report in self.reports.items()}


class RunRecord:
    """What is written of a fit, by itself or one of several that are trained together.

    In order: `compare` where it is gone on with, `begin`, `write` once all decisions are made, `ended` when training has, then
    `report`, `finish` and `result`.

    Args:
        run: the run directory.
        config: the checked config.
        dataset: its data.
        heads: of its model.
        session: how it was started, and who hears of it.
        manifest: that of the run, where it is gone on with.
    """

    def __init__(
        self,
        run: Run,
        config: Config,
        dataset: Dataset,
        heads: Sequence[Head],
        session: Session,
        manifest: Manifest | None = None,
    ) -> None:
        self.run, self.config, self.dataset, self.heads, self.session = run, config, dataset, tuple(heads), session
        self.resumed = manifest is not None
        self.argv = [without_credentials(word) for word in session.argv]
        self.manifest = manifest or self._first_manifest()
        self.pictures = Pictures(run, config.name, session.drawers, session.reporter)
        self._resolved = resolve(config, {**dataset.resolved, **inferred_values(config.model, heads)})
        self._result: FitResult | None = None

    def _first_manifest(self) -> Manifest:
        config, dataset, train = self.config, self.dataset, self.dataset.parts["train"]
        wanted = config.training.stages[-1].class_weight if config.training else None
        return Manifest(
            name=config.name,
            argv=self.argv,
            config=str(config.file) if config.file else None,
            seed=config.seed,
            task=", ".join(dict.fromkeys(target.task for target in dataset.schema.targets)),
            threads=self.session.threads,
            environment=self.session.environment,
            data={"fingerprint": dataset.fingerprint, "details": dataset.fingerprint_details},
            preprocessing=dataset.kept,
            reference=describe_reference(dataset.schema, train, resolve_class_weights(wanted, train, self.heads)),
            git_commit=git_commit(),
            started=now(),
            named=named_by(config),
        )

    def compare(self) -> None:
        """Hold config, data and environment of a run that is gone on with against those of now, and tell what is odd.

        Raises:
            ConfigError: a key has changed that makes it another experiment.
            DataError: it is not the data of the run.
        """
        note = settings_note()
        if note:
            self.session.reporter.warning(note)
        if self.resumed:
            session = self.session
            compare_with_run(self.run, self.manifest, self.dataset, self._resolved, session.environment, session.reporter)

    @property
    def is_done(self) -> bool:
        """Whether a run that is gone on with has nothing left to do."""
        found, stages = self.manifest, self.config.needed_training.stages
        if not self.resumed or found.status != "finished" or (found.phase or 1) < len(stages):
            return False
        done = found.phase_epochs if found.phase_epochs is not None else found.epochs
        return bool(found.stopped_early) or (done or 0) >= stages[-1].epochs

    def begin(self) -> None:
        """Write what a run begins with.

        Raises:
            RunError: something cannot be written, or was changed since an earlier fit left it.
        """
        if self.resumed:
            require_as_left(self.run, self.manifest, self.config, self.dataset.schema, self.heads)
            self.manifest.go_on(self.argv, self.session.environment)
            self.write()  # first, for the digest of the config is that of the old one
        else:
            self.dataset.preprocessing.save(self.run.path)
            _save_row_ids(self.run, self.dataset)
            save_training_rows(self.run.state, self.dataset.parts["train"])
        self.run.remove_temporary_files()
        self.run.keep_code({} if self.config.code is None else self.config.code.sources)
        write_atomically(self.run.config_file, dump_yaml(self._resolved).encode())

    def write(self) -> None:
        """Write the manifest with the warnings so far; on a resume those of before as well.

        Raises:
            RunError: it cannot be written.
        """
        self.manifest.warnings = with_faults(self.manifest.warnings, self.session.reporter.warnings)
        self.run.write_manifest(self.manifest.document())

    def ended(self, status: str, pace: Pace, reason: str | None = None) -> None:
        """Note how training ended.

        Args:
            status: "running" where it is over and what it came to is still to be found out; any other is the end of the run.
            pace: where it ended.
            reason: why it diverged or failed.

        Raises:
            RunError: the manifest cannot be written.
        """
        found, phase = self.manifest, pace.phase
        found.status, found.epochs, found.stopped_early, found.ended = status, pace.epoch, pace.stopped, now()
        found.reason = reason
        found.phase, found.phase_epochs = phase.index + 1, pace.epoch - phase.first_epoch
        if status != "running":
            self.write()

    def report(
        self,
        parts: Mapping[str, Part],
        evaluate: Callable[[str], tuple[Mapping[str, float], Sequence[NDArray[Any]]]],
        weights: str,
        held_out: HeldOut | None = None,
    ) -> dict[str, PartReport]:
        """Metrics and report of each part that has rows, and what makes answers of outputs; what a fold held out is written.

        Args:
            parts: name -> rows.
            evaluate: gives, for a part's name, loss and metrics, and the outputs: one array [rows, ...] per head.
            weights: "best" or "last": whose outputs they are.
            held_out: outputs and rows to fit calibration and thresholds to; None: those of the validation part.
        """
        validated = "validation" in parts and bool(parts["validation"].num_rows)
        known = {"validation": evaluate("validation")} if validated else {}
        if held_out is None and validated:
            held_out = known["validation"][1], parts["validation"]
        asked, reporter = self.config.evaluation, self.session.reporter
        self.heads = settle_answers(self.run.path, asked, self.heads, weights, held_out, reporter)
        described = self.manifest.reference
        priors = restore_priors(described, self.dataset.schema.targets)
        reference = reference_of(self.dataset.parts["train"], described)
        reports = {}
        for name, part in parts.items():
            if part.num_rows:
                logs, outputs = known.pop(name) if name in known else evaluate(name)
                reports[name] = report_part(name, logs, self.heads, outputs, part, reference, priors)
                if name != "train":  # what was learned from is judged by none
                    add_metric_intervals(reports[name], self.config, self.heads, outputs, part)
                if name == "validation" and self.config.data.split.fold is not None:
                    write_held_out(self.run.path, self.heads, outputs, part)
        wanted = self.config.evaluation.baselines
        if wanted and reports:
            shown = judged_part(reports) or PARTS[0]
            train, schema = self.dataset.parts["train"], self.dataset.schema
            reports[shown].report["learned"] = learned_baselines(wanted, schema, train, parts[shown], self.config.seed)
        return reports

    def finish(self, found: Evaluated, pace: Pace) -> None:
        """Write the fit's results.

        Args:
            found: what the model is worth.
            pace: where training ended.

        Raises:
            RunError: a file cannot be written.
        """
        epoch = pace.checkpoints.epoch_of(found.weights, pace.callbacks.restored_epoch or pace.epoch)
        self.conclude(found, epochs=pace.epoch, epoch=epoch)

    def conclude(self, found: Evaluated, *, epochs: int, epoch: int) -> None:
        """`finish` for a training that has no pace of its own: its epochs are given.

        Args:
            found: what the model is worth.
            epochs: trained in all.
            epoch: at whose end, from 1, the weights were so.

        Raises:
            RunError: a file cannot be written.
        """
        shown = found.reports[found.shown]
        reports = {name: report.report for name, report in found.reports.items()}
        notes = [*(note for report in found.reports.values() for note in report.notes), *found.notes]
        notes += said_of_found(self.manifest.found_rate)
        intervals = {name: report.intervals for name, report in found.reports.items()}
        gates = list(check_gates(self.config.evaluation.require, found.metrics, reports=reports, intervals=intervals))
        self.session.watch.stop()
        seconds = dict(self.session.watch.seconds)
        self.run.write_metrics(metrics_document(found, epoch=epoch, gates=gates, notes=notes))
        self.manifest.status, self.manifest.weights = "finished", found.weights
        self.manifest.seconds, self.manifest.ended, self.manifest.files = seconds, now(), self.run.digests()
        self.write()
        self._result = FitResult(
            status="finished" if all(gate.met for gate in gates) else "gates_failed",
            run=self.run.path,
            epochs=epochs,
            weights=found.weights,
            metrics=found.metrics,
            asked=asked_metrics(self.config, found.metrics),
            baseline=shown.baseline,
            report=shown.report,
            intervals=intervals,
            gates=gates,
            seconds=seconds,
            notes=notes,
            diagnosis=[dict(finding) for finding in found.diagnosis],
            warnings=self.session.reporter.warnings,
            resumed=self.resumed,
            members=dict(found.members),
        )

    def trained(self, pace: Pace) -> FitResult:
        """What is known in a process that trained along with the chief, which alone evaluates."""
        return FitResult("finished", self.run.path, pace.epoch, "last", {}, {}, {}, [], {}, resumed=self.resumed)

    def draw_history(self, pace: Pace) -> None:
        """Have the picture of the history drawn; `result` waits for it."""
        best_epoch = pace.checkpoints.best_epoch
        self.pictures.history(None if best_epoch is None else best_epoch + 1)

    def draw(self, found: Evaluated) -> None:
        """Have the pictures of the evaluation drawn; `result` waits for them."""
        shown = found.reports[found.shown]
        self.draw_results(found)
        self.pictures.forecast(found.shown, shown.forecasts)
        self.pictures.reconstructions(found.sheet)
        self.pictures.masks(found.masks)
        sheet = sheet_of_mistakes(replace(self.dataset, parts=dict(found.parts)), found.shown, shown.mistakes)
        self.pictures.mistakes(sheet)

    def draw_results(self, found: Evaluated) -> None:
        """Draw predictions against true values; the picture is there when this returns."""
        self.pictures.results(found.reports[found.shown].report)

    def result(self) -> FitResult:
        """The fit's result, once its pictures are drawn and its trackers told; what could not be is a warning.

        Raises:
            RunError: the manifest cannot be written.
        """
        result = self._result
        assert result is not None, "the fit has not finished"
        num_warnings = len(self.session.reporter.warnings)
        self.session.drawers.wait()
        self.session.tracking.finish()
        if len(self.session.reporter.warnings) > num_warnings:
            self.write()
        result.pictures = self.pictures.drawn()
        return result

    def nothing_to_do(self) -> FitResult:
        """The result of a run that was finished already."""
        stored, reporter = self.run.read_metrics(), self.session.reporter
        metrics, intervals = stored.get("metrics", {}), stored.get("intervals", {})
        with wrong_values_told(self.run.path, is_as_written=self.run.is_as_written):
            gates = list(check_gates(self.config.evaluation.require, metrics, reports=stored.get("reports"), intervals=intervals))
        self.session.watch.stop()
        return FitResult(
            status="finished" if all(gate.met for gate in gates) else "gates_failed",
            run=self.run.path,
            epochs=self.manifest.epochs or 0,
            weights=self.manifest.weights or "last",
            metrics=metrics,
            asked=asked_metrics(self.config, metrics),
            baseline=stored.get("baseline", {}),
            report=stored.get("report", {}),
            intervals=intervals,
            gates=gates,
            seconds=self.session.watch.seconds,
            notes=["The run is finished: there was nothing left to do.", *stored.get("notes", [])],
            diagnosis=stored.get("diagnosis", []),
            warnings=reporter.warnings,
            resumed=True,
            is_stored=True,
            members=stored.get("members", {}),
            pictures=[name for name in PICTURES if (self.run.path / name).is_file()],
        )


def _save_row_ids(run: Run, dataset: Dataset) -> None:
    """Which rows of the source went to which part; for millions of rows the rule, config and seed, says it."""
    if sum(part.num_rows for part in dataset.parts.values()) > MAX_ROW_IDS:
        return
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **{name: np.asarray(part.row_ids) for name, part in dataset.parts.items()})
    write_atomically(run.state / "parts.npz", buffer.getvalue())


def metrics_document(found: Evaluated, *, epoch: int, gates: Sequence[Gate], notes: Sequence[str]) -> dict[str, Any]:
    """What metrics.json holds.

    Args:
        found: what the model is worth.
        epoch: at whose end, from 1, the weights were so.
        gates, notes: what was required, with value and whether it was met; sentences for the user.
    """
    shown = found.reports[found.shown]
    return {
        "part": found.shown,
        "weights": found.weights,
        "epoch": epoch,
        "metrics": found.metrics,
        "baseline": shown.baseline,
        "baselines": {name: report.baseline for name, report in found.reports.items()},
        "report": shown.report,
        "reports": {name: report.report for name, report in found.reports.items()},
        "standard_errors": {name: report.standard_errors for name, report in found.reports.items()},
        "intervals": {name: report.intervals for name, report in found.reports.items()},
        "intervals_of": {name: report.units for name, report in found.reports.items()},
        "verdicts": {name: {key: asdict(one) for key, one in report.verdicts.items()} for name, report in found.reports.items()},
        "gates": [asdict(gate) for gate in gates],
        "notes": list(notes),
        "diagnosis": list(found.diagnosis),
        **({"members": found.members} if found.members else {}),
    }
