"""What trackers are told of a run, whichever tracker it is: parameters, metrics by epoch, final metrics, files, report."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from dltrain.cli.reports.contents import run_page
from dltrain.cli.reports.html import render_html
from dltrain.cli.reports.several import sweep_page
from dltrain.config import load_config
from dltrain.config.canonical import with_defaults
from dltrain.evaluation.drawing.history import read_history
from dltrain.storage.layout import PICTURES, all_paths
from dltrain.storage.run import Run
from dltrain.storage.run_list import status_of
from dltrain.sweep.compare import flat
from dltrain.wording import without_credentials

_MOST_STEPS = 1 << 31
_FILES = ("config.yaml", "manifest.json", "metrics.json", "history.csv", "log.txt", *PICTURES)
_SWEEP_FILES = (*_FILES[:3], "sweep.json", "trials.csv", "best.yaml", "curves.png", "parameters.png")


@dataclass(frozen=True, slots=True)
class Epoch:
    """One row of the history: its number from 1, when it ended (milliseconds since 1970), and what is finite of it."""

    number: int
    ended: int
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Told:
    """A run at one moment, as it is told to a tracker.

    Attributes:
        path: the run directory.
        name: of the experiment.
        mark: by which a tracker finds the run again, whatever it calls it.
        parent: mark of the sweep that it is a trial of; None: it is none.
        status: as in the manifest.
        started, ended: milliseconds since 1970.
        commit: of git; empty: not known.
        values: key of the config -> value as text.
        epochs: of the history.
        final: metrics of each part, as `test_accuracy`, and at whose epoch's end the weights were so.
        step: that epoch.
        files: those of the run that a tracker keeps.
        page: gives the report as HTML.
        has_model: whether it is to be exported for the tracker: of a sweep the best trial alone is.
    """

    path: Path
    name: str
    mark: str
    status: str
    started: int
    ended: int
    commit: str
    final: Mapping[str, float]
    step: int
    page: Callable[[], str]
    parent: str | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    epochs: Sequence[Epoch] = ()
    files: Sequence[Path] = ()
    has_model: bool = True
    kind: str = "run"

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come, unless it is gone on with."""
        return self.status not in ("running", "None")

    @property
    def end(self) -> str:
        """Which end of it this is: it may be gone on with, and be found to be the best of its sweep."""
        return f"{self.status} {self.ended}{' with its model' if self.has_model else ''}"

    @property
    def label(self) -> str:
        """The name of its directory."""
        return sendable(self.path.resolve().name)


@dataclass(slots=True)
class Logged:
    """A run as a tracker has it now.

    Attributes:
        run: the run directory.
        identity: the tracker's name for it.
        is_new: False: it was there already, and nothing was sent.
        notes: sentences for the user.
    """

    run: Path
    identity: str
    is_new: bool
    notes: list[str] = field(default_factory=list)


class Tracker(Protocol):
    """Keeps runs. Told of one again, it takes what is new of it."""

    def send(self, told: Told) -> Logged:
        """Send a run to the tracker, whole or as far as it has got.

        Raises:
            DataError: it does not answer, or refuses.
        """

    def broken_off(self, told: Told) -> None:
        """Say of a run that its process ended and left it as it is; what is still to come is sent when it is gone on with."""

    def close(self) -> None:
        """Nothing more will be told."""


def tell(path: Path) -> Iterator[Told]:
    """A run; of a sweep, the sweep and then its trials.

    Raises:
        RunError: it is no run, or damaged.
    """
    run = Run(path)
    run.refuse_foreign_files()
    manifest = run.read_manifest()
    if manifest.get("kind") != "sweep":
        yield _tell_run(run, manifest, None)
        return
    whole = _tell_sweep(run, manifest)
    yield whole
    best = str(manifest.get("best", ""))
    below = all_paths(path / "trials")
    for fit in sorted(file.parent for file in below if file.name == "manifest.json" and "members" not in file.parts):
        one = Run(fit)
        yield _tell_run(one, one.read_manifest(), whole, has_model=str(fit.relative_to(path)) == best)


def _tell_run(run: Run, manifest: Mapping[str, Any], sweep: Told | None, *, has_model: bool = True) -> Told:
    resolved = load_config(run.config_file).resolved if run.config_file.is_file() else {}
    values = flat(with_defaults(resolved)) if resolved else {}
    told = _tell(run, manifest, lambda: render_html(run_page(run.path)))
    return replace(
        told,
        name=sweep.name if sweep else told.name,
        parent=sweep.mark if sweep else None,
        # A trial has no lock of its own where many are trained as one program.
        status=told.status if sweep else status_of(manifest, is_locked=run.is_locked()),
        values={key: sendable(without_credentials(str(value))) for key, value in values.items() if value is not None},
        epochs=list(_epochs(run, told.started)),
        files=_there(run, _FILES),
        has_model=has_model and manifest.get("status") == "finished",
    )


def _tell_sweep(run: Run, manifest: Mapping[str, Any]) -> Told:
    plan = manifest.get("plan", {})
    values = {f"sweep.{key}": str(plan[key]) for key in ("metric", "mode", "strategy") if plan.get(key) is not None}
    told = _tell(run, manifest, lambda: render_html(sweep_page(run.path)))
    return replace(told, values=values, files=_there(run, _SWEEP_FILES), has_model=False, kind="sweep")


def _tell(run: Run, manifest: Mapping[str, Any], page: Callable[[], str]) -> Told:
    """What is told of runs and sweeps alike."""
    document = run.read_metrics()
    return Told(
        path=run.path,
        name=str(manifest.get("name", run.path.name)),
        mark=_mark(run, manifest),
        status=str(manifest.get("status")),
        started=milliseconds(manifest.get("started")),
        ended=milliseconds(manifest.get("ended") or manifest.get("started")),
        commit=str(manifest.get("git_commit") or ""),
        final=dict(_final(document)),
        step=_step(document),
        page=page,
    )


def _mark(run: Run, manifest: Mapping[str, Any]) -> str:
    return f"{sendable(run.path.resolve().name)} {manifest.get('started', '')}"


def _there(run: Run, names: Sequence[str]) -> list[Path]:
    return [place for name in names if (place := run.path / name).is_file() and not place.is_symlink()]


def _epochs(run: Run, started: int) -> Iterator[Epoch]:
    """The rows of the history; a number that is not finite is none to a tracker's database."""
    history = read_history(run.history_file)
    ended = float(started)
    for place, epoch in enumerate(history.get("epoch", ())):
        seconds = history["seconds"][place] if "seconds" in history else 0.0
        ended += 1000 * seconds if math.isfinite(seconds) else 0
        if math.isfinite(epoch):
            row = {name: column[place] for name, column in history.items() if name not in ("epoch", "phase")}
            finite = {name: float(value) for name, value in row.items() if math.isfinite(value)}
            yield Epoch(int(epoch), int(ended) + place, finite)


def _final(document: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for part, values in document.get("metrics", {}).items():
        for name, value in values.items():
            if isinstance(value, int | float) and math.isfinite(value):
                yield f"{part}_{name}", float(value)


def _step(document: Mapping[str, Any]) -> int:
    epoch = document.get("epoch")
    return epoch if isinstance(epoch, int) and 0 <= epoch < _MOST_STEPS else 0


def sendable(text: str) -> str:
    """The text, with a `?` for each byte of a file's name that is no letter in UTF-8: no tracker takes such."""
    return text.encode(errors="replace").decode()


def milliseconds(text: Any) -> int:
    """Since 1970, of a time as a manifest has it; 0 where it is none."""
    try:
        return max(0, int(1000 * datetime.fromisoformat(str(text).replace("Z", "+00:00")).timestamp()))
    except (ValueError, OverflowError):
        return 0
