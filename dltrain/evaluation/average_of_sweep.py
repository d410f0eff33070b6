"""The best trials of a finished sweep as one model that averages them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from dltrain.errors import RunError, UsageError
from dltrain.evaluation.load_run import StoredRun, load_run
from dltrain.model.compile import compile_model
from dltrain.model.members import average_models, averaged_heads, have_same_beginning
from dltrain.model.own_code.importing import require_trust
from dltrain.storage.run import Run
from dltrain.storage.stored import anything, list_of, map_of, read_json, require_own, text

_SWEEP = {"trials": list_of(map_of(anything)), "mode": text}


@dataclass(slots=True)
class AverageOfRuns(StoredRun):
    """Several runs of the same prepared rows, whose models are averaged; all but the models is the first one's.

    Attributes:
        runs: the runs, best first.
    """

    runs: tuple[StoredRun, ...] = field(default=())

    @property
    def is_average(self) -> bool:
        """True: several runs are averaged."""
        return True

    def in_float32(self) -> Self:
        """As in `StoredRun`."""
        return replace(super(AverageOfRuns, self).in_float32(), runs=tuple(run.in_float32() for run in self.runs))

    def build(self, weights: Path, *, layer: str | None = None) -> Any:
        """The average, each of its models with the same of its checkpoints as the first one has.

        Args:
            weights: from `checkpoint`, of the first run.
            layer: refused: the average has no layers of its own.
        """
        if layer is not None:
            raise UsageError("the average of several runs has no layers of its own", hint=f"ask one of them: {self.run.path}")
        models = [run.build(run.checkpoint(weights.stem)[1]) for run in self.runs]
        average = average_models(models, self.runs[0].heads, same_beginning=have_same_beginning(models))
        if self.config.training is not None:
            compile_model(average, self.heads, self.config.training)
        return average


def load_trusted(run: Path, trials: int | None) -> StoredRun:
    """A run whose model is to be built: own code that it has is refused before anything else is done, unless it is trusted.

    Args:
        run: the run directory.
        trials: of a sweep: the average of so many of its best trials; None: the run, or the best trial.

    Raises:
        RunError: it is no run, or damaged.
        UsageError: its own code is not trusted, or the sweep has no such average.
    """
    stored = load_run(run) if trials is None else load_average(run, trials)
    require_trust(stored.config.code)
    return stored


def load_average(sweep: Path, count: int) -> StoredRun:
    """The best trials of a sweep as one stored run.

    Args:
        sweep: the sweep's directory.
        count: how many of its trials, 1 for the best alone.

    Raises:
        UsageError: it is no sweep, has fewer trials that finished, or they do not take the same prepared rows.
        RunError: it is damaged.
    """
    manifest = Run(sweep).read_manifest()
    if manifest.get("kind") != "sweep":
        raise UsageError(f"{sweep} is no sweep", hint="a run is exported as it is; `training.members: 5` trains an average")
    paths = _best(sweep, str(manifest.get("best", "")))
    if len(paths) < count:
        raise UsageError(f"{count} trials are to be averaged, but {len(paths)} finished", hint=f"--top {len(paths)}")
    runs = [load_run(path) for path in paths[:count]]
    if count == 1:
        return runs[0]
    _refuse_different(runs)
    first = runs[0]
    if any(head.answers is not None for run in runs for head in run.heads):
        message = f"the trials of {sweep} have a calibration or a threshold each, which their average has not"
        raise UsageError(message, hint="`training.members` trains an average, and fits them to that; --top 1 is the best trial")
    return AverageOfRuns(
        first.run, first.config, first.manifest, first.preprocessing, averaged_heads(first.heads), None, tuple(runs)
    )


def _best(sweep: Path, chosen: str) -> list[Path]:
    """The runs of the trials that finished: that which the sweep calls its best, then by value; last those stopped early."""
    document = read_json(sweep / "sweep.json", _SWEEP)
    sign = -1.0 if document.get("mode") == "max" else 1.0
    found = []
    for trial in document.get("trials", ()):
        value, number = trial.get("value"), trial.get("number")
        if trial.get("status") not in ("finished", "pruned") or not isinstance(value, (int, float)) or not math.isfinite(value):
            continue
        if not isinstance(number, int) or "fits" in trial:
            raise UsageError(f"the trials of {sweep} are of several fits each", hint="`training.members` trains such an average")
        path = sweep / "trials" / f"{number:04d}"
        require_own(path, sweep)
        if not (path / "manifest.json").is_file():
            raise RunError(f"{path} is no run", hint="the sweep is damaged")
        found.append((path != sweep / chosen, trial.get("status") == "pruned", sign * value, number, path))
    return [path for *_, path in sorted(found)]


def _refuse_different(runs: Sequence[StoredRun]) -> None:
    """Refuse runs whose models take other prepared rows, or say something else."""
    first = runs[0]
    for other in runs[1:]:
        if other.preprocessing.to_state()[0] != first.preprocessing.to_state()[0]:
            what = "prepare their data differently"
        elif _fingerprint(other) != _fingerprint(first):
            what = "were trained on other rows"
        elif [(head.classes, head.units, head.encoding, head.logits) for head in other.heads] != [
            (head.classes, head.units, head.encoding, head.logits) for head in first.heads
        ]:
            what = "put out other things"
        else:
            continue
        message = f"the trials {first.run.path.name} and {other.run.path.name} {what}: their models have no average"
        hint = "vary the model or the training alone; with data.split.seed given, seeds leave the rows as they are"
        raise UsageError(message, hint=hint)


def _fingerprint(run: StoredRun) -> Any:
    data = run.manifest.get("data")
    return data.get("fingerprint") if isinstance(data, dict) else None
