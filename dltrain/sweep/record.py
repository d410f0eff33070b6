"""What a sweep writes down while it goes on: `sweep.json`, `trials.csv`; and how it is read back."""

from __future__ import annotations

import json
import math
import re
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dltrain.config.catalog.metrics import find_value
from dltrain.errors import RunError
from dltrain.evaluation.predictions.files import to_csv
from dltrain.parts import COMPARED_ON
from dltrain.storage.atomic import to_json, write_atomically
from dltrain.storage.bounds import most_of_run
from dltrain.storage.run import Run
from dltrain.storage.values import attributes
from dltrain.sweep.plan import SweepPlan
from dltrain.sweep.trials import Trial, TrialFit

SWEEP_FILE = "sweep.json"
TRIALS_FILE = "trials.csv"
_MACHINE = re.compile(
    r"its process was killed by SIG|its node is lost|No space left on device|Disk quota exceeded|Cannot allocate memory"
    r"|Input/output error|Too many open files|MemoryError|ResourceExhausted|OOM"
)


def reports_of(trial: Trial) -> dict[str, dict[str, Any]]:
    """Part -> the table by class of a trial, its fits' mean; the labels of gates such as `f1[spam]>=0.9`."""
    every = [Run(fit.path).read_metrics().get("reports", {}) for fit in trial.fits if fit.status in ("finished", "pruned")]
    result = {}
    for part in set.intersection(*(set(reports) for reports in every)) if every else ():
        result[part] = {"classes": _over_fits([reports[part].get("classes", {}) for reports in every], statistics.fmean)}
    return result


def intervals_of(trial: Trial) -> dict[str, dict[str, list[float]]]:
    """Part -> metric -> its interval, of a trial of one fit; the mean of several has none."""
    if len(trial.fits) != 1:
        return {}
    return dict(Run(trial.fits[0].path).read_metrics().get("intervals", {}))


def settle(trial: Trial, plan: SweepPlan) -> None:
    """Compute metrics, value and spread of a trial whose fits have ended, from what they wrote.

    Raises:
        RunError: a file of a fit is damaged.
    """
    documents = []
    for fit in trial.fits:
        if fit.status in ("finished", "pruned"):
            document = Run(fit.path).read_metrics()
            fit.epoch = document.get("epoch")
            documents.append(document)
    every = [document.get("metrics", {}) for document in documents]
    trial.metrics = _over_fits(every, statistics.fmean)
    if len(trial.fits) > 1 and len(every) > 1:
        trial.spreads = _over_fits(every, statistics.stdev)
    found = find_value(plan.metric, trial.metrics, COMPARED_ON)
    if found is None or len(documents) < len(trial.fits) or not math.isfinite(found[2]):
        return
    part, name, trial.value = found
    if len(trial.fits) > 1:
        trial.spread = trial.spreads.get(part, {}).get(name)
        trial.standard_error = None if trial.spread is None else trial.spread / math.sqrt(len(every))
    else:
        trial.standard_error = documents[0].get("standard_errors", {}).get(part, {}).get(name)


def _over_fits(every: Sequence[Mapping[str, Mapping[str, float]]], of: Any) -> dict[str, dict[str, float]]:
    """Mean or deviation of each metric that all fits have, part by part; or of each score of a class, class by class."""
    found: dict[str, dict[str, float]] = {}
    for part, names in (every[0] if every else {}).items():
        for name in names:
            values = [metrics.get(part, {}).get(name) for metrics in every]
            numbers = [float(value) for value in values if isinstance(value, int | float)]
            if len(numbers) == len(values) and all(map(math.isfinite, numbers)):
                found.setdefault(part, {})[name] = numbers[0] if len(numbers) == 1 else float(of(numbers))
    return found


def trial_document(trial: Trial, folder: Path) -> dict[str, Any]:
    """A trial as plain values; paths of runs are relative to the working directory as the sweep's own is."""
    first = trial.fits[0]
    document: dict[str, Any] = {
        "number": trial.number,
        "parameters": dict(trial.parameters),
        **attributes(trial, "status", "metrics", "value", "standard_error"),
        "epoch": first.epoch if len(trial.fits) == 1 else None,
        "run": str(folder / "trials" / f"{trial.number:04d}"),
    }
    errors = [fit.error for fit in trial.fits if fit.error]
    if errors:
        document["error"] = errors[0]
    if len(trial.fits) > 1 or first.path.name != f"{trial.number:04d}":
        document |= {"spread": trial.spread, "spreads": trial.spreads, "fits": [_fit_document(fit) for fit in trial.fits]}
    return document


def _fit_document(fit: TrialFit) -> dict[str, Any]:
    document = {**attributes(fit, "seed", "fold", "status", "epoch"), "run": str(fit.path)}
    return document | ({"error": fit.error} if fit.error else {})


def write_record(run: Run, document: Mapping[str, Any], trials: Sequence[Trial], plan: SweepPlan) -> None:
    """Write `sweep.json` and `trials.csv`, each whole or not at all."""
    write_atomically(run.path / SWEEP_FILE, (to_json(document) + "\n").encode())
    write_atomically(run.path / TRIALS_FILE, trials_csv(trials, plan))


def trials_csv(trials: Sequence[Trial], plan: SweepPlan) -> bytes:
    """A row for each trial: its values, status, the metric compared, all metrics, epochs and seconds."""
    columns: dict[str, list[Any]] = {"trial": [trial.number for trial in trials]}
    for dimension in plan.space:
        columns[dimension.name] = [_cell(trial.parameters.get(dimension.name)) for trial in trials]
    columns["status"] = [trial.status for trial in trials]
    columns["value"] = [trial.value for trial in trials]
    if plan.fits_per_trial > 1:
        columns["spread"] = [trial.spread for trial in trials]
    names = dict.fromkeys((part, name) for trial in trials for part, values in trial.metrics.items() for name in values)
    for part, name in names:
        columns[f"{part}.{name}"] = [trial.metrics.get(part, {}).get(name) for trial in trials]
    columns["epoch"] = [trial.epoch for trial in trials]
    manifests = [_manifest(trial.fits[0]) if trial.is_ended else {} for trial in trials]
    columns["epochs"] = [manifest.get("epochs") for manifest in manifests]
    columns["seconds"] = [(manifest.get("seconds") or {}).get("total") for manifest in manifests]
    columns["run"] = [f"trials/{trial.number:04d}" for trial in trials]
    return to_csv({name: ["" if value is None else value for value in values] for name, values in columns.items()})


def _cell(value: Any) -> Any:
    return value if isinstance(value, int | float | str | None) else json.dumps(value)


def _manifest(fit: TrialFit) -> dict[str, Any]:
    try:
        return Run(fit.path).read_manifest()
    except RunError:
        return {}


def read_record(run: Run) -> list[dict[str, Any]]:
    """The trials that `sweep.json` holds; none where a sweep was killed before it chose the first.

    Raises:
        RunError: the file is damaged.
    """
    file = run.path / SWEEP_FILE
    try:
        if not file.exists():
            return []
        if file.is_symlink() or not file.is_file() or file.stat().st_size > most_of_run(SWEEP_FILE):
            raise RunError(f"{file} is not what dltrain writes", hint="the sweep is damaged")
        document = json.loads(file.read_bytes())
        trials = document["trials"]
        for number, trial in enumerate(trials, 1):
            if trial["number"] != number or not isinstance(trial["parameters"], dict) or not isinstance(trial["status"], str):
                raise ValueError(f"trial {number}")
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise RunError(f"{file} cannot be read: {error}", hint="the sweep is damaged") from error
    return list(trials)


def was_the_machine(error: str | None) -> bool:
    """Whether a fit failed through the machine: its process was killed, a disk was full, memory was short."""
    return _MACHINE.search(error or "") is not None


def recall_fit(fit: TrialFit, recorded: Mapping[str, Any]) -> None:
    """Restores a fit of an interrupted sweep: its recorded status, or that of its run where it ended unrecorded."""
    status = recorded.get("status")
    if status in ("finished", "pruned", "diverged", "failed"):
        fit.status, fit.error = status, recorded.get("error")
        return
    found = _manifest(fit).get("status")
    if found in ("finished", "diverged"):
        fit.status = found
        fit.error = "its loss left the finite numbers" if found == "diverged" else None
