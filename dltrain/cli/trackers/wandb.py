"""Runs of Weights & Biases: config, metrics by epoch, summary, files, the exported model; trials in the group of their sweep."""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import os
import re
import tempfile
from pathlib import Path
from typing import Any

from dltrain.cli.trackers.told import Logged, Told
from dltrain.errors import DataError, DltrainError, UsageError, reason_of
from dltrain.evaluation.export import export
from dltrain.storage.atomic import write_atomically
from dltrain.wording import without_credentials

_LONGEST_NAME = 128  # of Weights & Biases
_END = "dltrain-end.txt"  # which end of a run is written in that folder of the offline mode


class WandbTracker:
    """Sends runs to the server that `wandb login` knows, or writes them to the folder `wandb` where WANDB_MODE is offline.

    Args:
        project: its name; None: WANDB_PROJECT, else the config's name.

    Raises:
        UsageError: wandb is not installed.
    """

    def __init__(self, project: str | None = None) -> None:
        if importlib.util.find_spec("wandb") is None:
            raise UsageError("Weights & Biases is not installed", hint="pip install 'dltrain[wandb]'")
        os.environ.setdefault("WANDB_SILENT", "true")
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
        logging.getLogger("wandb").setLevel(logging.ERROR)
        self._project = project
        self._open: dict[str, Any] = {}  # mark -> the run under way
        self._sent: dict[str, int] = {}  # mark -> epochs
        self._over: dict[str, str] = {}  # mark -> which end

    def send(self, told: Told) -> Logged:
        """See `Tracker`. Trials are sent when their sweep is over: one run is under way at a time."""
        identity = identity_of(told.mark)
        waits = told.parent is not None and not (told.is_over and told.parent in self._over)
        if self._over.get(told.mark) == told.end or waits or not told.values or _is_written(told, identity):
            return Logged(told.path, identity, is_new=False)
        import wandb

        try:
            run = self._open.get(told.mark) or self._begin(told, identity)
            for epoch in told.epochs[self._sent.get(told.mark, 0) :]:
                run.log({**epoch.values, "epoch": epoch.number}, step=epoch.number)
            self._sent[told.mark] = len(told.epochs)
            notes = self._finish(run, told) if told.is_over else []
        except (wandb.errors.Error, OSError) as error:
            reason = without_credentials(reason_of(error))
            hint = "the run is as it was; what was not sent is sent by `dltrain log RUN --to wandb` later"
            raise DataError(f"Weights & Biases does not take the run: {reason}", hint=hint) from error
        if told.is_over:
            self._over[told.mark] = told.end
        return Logged(told.path, identity, is_new=True, notes=notes)

    def broken_off(self, told: Told) -> None:
        """Say of a run that its process ended and left it as it is."""
        run = self._open.pop(told.mark, None)
        if run is not None:
            run.finish(exit_code=1)

    def close(self) -> None:
        """See `Tracker`."""
        for run in self._open.values():
            run.finish()
        self._open.clear()

    def _begin(self, told: Told, identity: str) -> Any:
        import wandb

        run = wandb.init(
            project=self._project or os.environ.get("WANDB_PROJECT") or _project(told.name),
            id=identity,
            name=told.label[:_LONGEST_NAME],
            group=identity_of(told.parent) if told.parent else (identity if told.kind == "sweep" else None),
            job_type="trial" if told.parent else told.kind,
            config=dict(told.values),
            resume=None if _is_offline() else "allow",
            settings=wandb.Settings(silent=True, console="off", init_timeout=20, x_disable_stats=True, disable_git=True),
        )
        self._open[told.mark] = run
        return run

    def _finish(self, run: Any, told: Told) -> list[str]:
        import wandb

        run.summary.update({**told.final, "dltrain.status": told.status})
        notes: list[str] = []
        with tempfile.TemporaryDirectory() as folder:
            kept = wandb.Artifact(f"run-{run.id}", type="run")
            for file in told.files:
                kept.add_file(str(file))
            report = Path(folder) / "report.html"
            with kept.new_file(report.name, mode="w") as page:
                page.write(told.page())
            run.log_artifact(kept)
            if told.has_model:
                try:
                    made = export(told.path, format="saved_model", destination=Path(folder) / "exported")
                except DltrainError as error:
                    notes.append(f"the model of {told.path} is not among what was sent: {error.faults[0].message}")
                else:
                    model = wandb.Artifact(
                        f"model-{run.id}", type="model", metadata={"inputs": made.inputs, "outputs": made.outputs}
                    )
                    model.add_dir(str(made.path))
                    run.log_artifact(model)
            written = Path(run.dir).parent
            run.finish(exit_code=0 if told.status in ("finished", "pruned") else 1)
        if _is_offline():
            write_atomically(written / _END, told.end.encode())
        self._open.pop(told.mark, None)
        return notes


def _is_offline() -> bool:
    return os.environ.get("WANDB_MODE", "").lower() in ("offline", "dryrun")


def _is_written(told: Told, identity: str) -> bool:
    """Whether this end of a run is in a folder of the offline mode, which `wandb sync` sends."""
    if not told.is_over or not _is_offline():
        return False
    try:
        ends = (Path(os.environ.get("WANDB_DIR") or ".") / "wandb").glob(f"offline-run-*-{identity}/{_END}")
        return any(file.read_bytes() == told.end.encode() for file in ends)
    except OSError:  # then it is written once more
        return False


def _project(name: str) -> str:
    """A name of a project that it takes."""
    return re.sub(r"[/\\#?%:]", "-", name)[:_LONGEST_NAME] or "dltrain"


def identity_of(mark: str) -> str:
    """The id of a run there: the same each time, so that what is sent again goes to the same run."""
    return hashlib.sha256(mark.encode()).hexdigest()[:16]
