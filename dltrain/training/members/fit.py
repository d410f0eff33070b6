"""`fit` of an ensemble: the members' fits in directories of their own, below the one run that holds their average."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dltrain.data.dataset import Dataset
from dltrain.data.splits import Rows
from dltrain.errors import DltrainError, InterruptedRun, RunError
from dltrain.evaluation.metrics.bootstrap.jackknife import add_metric_intervals
from dltrain.evaluation.metrics.report import reference_of, report_part, restore_priors
from dltrain.evaluation.predictions.held_out import write_held_out
from dltrain.evaluation.spread_sample import sample_note, spread_rows, take_part
from dltrain.model.forward import Forward, evaluation_batch_size
from dltrain.model.members import member_configs
from dltrain.reporting import Reporter
from dltrain.storage.atomic import make_folder, now
from dltrain.storage.run import Run
from dltrain.training.evaluating import find_smearing
from dltrain.training.history import RowsInMemory
from dltrain.training.members.averaged import (
    Average,
    average_runs,
    held_out_outputs,
    joined_findings,
    mean_history,
    member_documents,
    score,
)
from dltrain.training.members.folds import cut, fold_rows
from dltrain.training.members.plan import why_in_turn
from dltrain.training.members.train import Epochs, train_in_turn, train_together
from dltrain.training.result import FitResult
from dltrain.training.saving.record import Evaluated, RunRecord
from dltrain.training.segments import to_tensors

FOLDER = "members"


class EnsembleFit:
    """One fit of an ensemble: what its stages share.

    Args:
        record: of the run, which has begun; its heads are those of a member.
        fit_one: `fit`, which trains a member by itself.
    """

    def __init__(self, record: RunRecord, fit_one: Callable[..., object]) -> None:
        self.record, self.run, self.config, self.training = record, record.run, record.config, record.config.needed_training
        self.session, self.dataset = record.session, record.dataset
        self._fit_one = fit_one
        self.members = [Run(self.run.inside(FOLDER, str(number + 1))) for number in range(self.training.members.count)]
        self.rows: list[tuple[Rows, Rows]] = []  # of each member those it is trained on and those it validates on, with folds

    def fit(self) -> FitResult:
        """Train the members and average them."""
        if self.training.members.folds:
            self.session.helper.submit(fold_rows, self.config, self.dataset)
            self.rows = self.session.helper.result(self.session.reporter)
        with self.session.watch.timed("train"):
            self._train()
        with self.session.watch.timed("evaluate"):
            self.session.reporter.status("averaging the members")
            history = mean_history(self.members)
            means = RowsInMemory(self.run.history_file)
            means.rows = history
            means.write()
            best = bool(self.rows) or "validation" in self.dataset.parts
            average = average_runs(self.config, self.dataset.schema, self.record.heads, self.run, self.members, best)
            self.record.heads = average.heads
            found = self._evaluate(average)
        self.record.pictures.history(None)
        manifest, stages = self.record.manifest, self.training.stages
        manifest.epochs, manifest.stopped_early = len(history), len(history) < self.training.num_epochs
        manifest.phase, manifest.phase_epochs = len(stages), min(len(history), stages[-1].epochs)
        self.record.conclude(found, epochs=len(history), epoch=len(history))
        self.record.draw(found)
        return self.record.result()

    def _data_of(self, member: int) -> Dataset:
        return cut(self.dataset, self.rows[member]) if self.rows else self.dataset

    def _train(self) -> None:
        """Train the members; the manifest says how it ended where it did not come to an end."""
        configs = member_configs(self.config)
        reason = why_in_turn(self.config)
        self.record.manifest.engine = "in turn" if reason else "stacked"
        manner = f"one after the other, because {reason}" if reason else "together, as one program"
        self.session.reporter.status(f"training {len(configs)} members {manner}")
        self.record.write()
        self.session.signals.defer()
        status, resume = "failed", f"dltrain fit --resume {self.run.path}"
        make_folder(self.run.path / FOLDER)
        paths = [member.path for member in self.members]
        try:
            if reason:
                train_in_turn(configs, self._data_of, paths, self._fit_member, self.session)
            else:
                datasets = [self._data_of(index) for index in range(len(configs))]
                self._tell_start(datasets[0])
                epochs = Epochs(len(configs), self.session.reporter, self.session.should_stop)
                train_together(configs, datasets, paths, self.session, epochs)
            self.session.signals.undefer("after training; the run is saved", resume)
            status = "running"
        except InterruptedRun as error:
            status = "interrupted"
            number = error.exit_code - 128
            raise InterruptedRun(error.faults[0].message, signal_number=number, hint=resume) from error
        except DltrainError as error:
            status = "diverged" if error.exit_code == 4 else "failed"
            self.record.manifest.reason = error.faults[0].message
            raise
        finally:
            if status != "running":
                self.record.manifest.status, self.record.manifest.ended = status, now()
                with contextlib.suppress(RunError):  # the first error is the one to show
                    self.record.write()

    def _tell_start(self, dataset: Dataset) -> None:
        num_steps = -(-dataset.parts["train"].num_rows // self.training.batch_size)
        self.session.reporter.run_started(str(self.run.path), 0, self.training.epochs, num_steps)

    def _fit_member(self, config: Any, data: Dataset, path: Any, reporter: Reporter) -> object:
        session = self.session
        options = {"argv": session.argv, "threads": session.threads, "reporter": reporter, "dataset": data}
        options |= {"draws": False, "tracks": False}
        return self._fit_one(config, run_dir=path, resume="auto", **options)

    def _evaluate(self, average: Average) -> Evaluated:
        """Metrics of the average, and of its members; with folds the validation part is what each row was held out from."""
        dataset, record, notes = self.dataset, self.record, []
        parts = dict(dataset.parts)
        sample = spread_rows(parts["train"])
        if sample is not None:
            parts["train"] = take_part(parts["train"], sample)
            notes.append(sample_note(sample))
        record.manifest.same_beginning = average.frozen is not None or None
        encoded = average.encode(parts, dataset.schema, self.training, self.session)
        tensors = {name: to_tensors(part) for name, part in encoded.items()}
        forward = Forward(average.scored(self.training.stages[-1]), evaluation_batch_size(tensors["train"].inputs))
        find_smearing(record, parts, tensors, forward)
        average.heads = record.heads

        def of_part(name: str) -> tuple[Mapping[str, float], Sequence[Any]]:
            data = tensors[name]
            return forward.evaluate(data.inputs, data.targets, data.weights)

        train, held_out = dataset.parts["train"], None
        if self.rows:
            whole = average.encode({"train": train}, dataset.schema, self.training, self.session)["train"]
            outputs = held_out_outputs(average, whole, self.rows)
            held_out = outputs, train
        reports = record.report(parts, of_part, average.weights, held_out)
        if held_out is not None:
            logs = score(outputs, train, dataset.schema, average, self.training.stages[-1])
            described = record.manifest.reference
            known = reference_of(train, described), restore_priors(described, dataset.schema.targets)
            reports["validation"] = report_part("validation", logs, record.heads, outputs, train, *known)
            add_metric_intervals(reports["validation"], record.config, record.heads, outputs, train)
            write_held_out(self.run.path, record.heads, outputs, train)
            notes.append(
                f"The validation metrics are of the {train.num_rows:,} rows that are not of the test part, each as the one "
                "member says that was not trained on it."
            )
        members, diagnosis = member_documents(self.members), joined_findings(self.members)
        return Evaluated(reports, parts, average.weights, notes, diagnosis, members=members)
