"""The trials of a running sweep as a table of plain text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dltrain.cli.text import format_number, table

_MOST_ROWS = 12


class SweepTable:
    """Remembers what was told of each trial.

    Args:
        num_trials: how many there are at the most.
        metric: what they are compared by.
    """

    def __init__(self, num_trials: int, metric: str) -> None:
        self._num_trials, self._metric = num_trials, metric
        self._trials: dict[str, Mapping[str, Any]] = {}
        self._ended: set[int] = set()

    def update(self, trial: Mapping[str, Any]) -> None:
        """Take what `Reporter.trial_changed` told."""
        self._trials.pop(trial["fit"], None)  # what changed last stands last
        self._trials[trial["fit"]] = dict(trial)
        if trial["is_ended"]:
            self._ended.add(trial["number"])

    def line(self, trial: Mapping[str, Any]) -> str:
        """One ended trial: its place in the sweep, its values, what came out."""
        spread = f" ± {format_number(trial['spread'])}" if trial.get("spread") is not None else ""
        found = f"{self._metric} {format_number(trial['value'])}{spread}" if trial["value"] is not None else trial["status"]
        if trial["value"] is not None and trial.get("asked"):
            name, number = trial["asked"]
            found += f", {name} {format_number(number)}"
        if trial["value"] is not None and trial.get("epoch_of_metrics"):
            found += f", epoch {trial['epoch_of_metrics']}"
        status = "" if trial["status"] == "finished" or trial["value"] is None else f"  {trial['status']}"
        error = f": {trial['error']}" if trial.get("error") and trial["value"] is None else ""
        width = len(str(self._num_trials))
        values = f"  {trial['parameters']}" if trial["parameters"] else ""
        number = f"trial {trial['number']:>{width}}"
        return f"[{len(self._ended):>{width}}/{self._num_trials}] {number}{values}  {found}{status}{error}"

    def text(self) -> str:
        """The trials that changed last, and how many have ended."""
        shown = list(self._trials.values())[-_MOST_ROWS:]
        rows = []
        for trial in sorted(shown, key=lambda trial: (trial["number"], trial["fit"])):
            epoch = f"{trial['epoch']}/{trial['epochs']}" if trial["epoch"] else ""
            value = "" if trial["value"] is None else f"{trial['metric']} {format_number(trial['value'])}"
            rows.append([trial["fit"], trial["parameters"], trial["status"], epoch, value])
        head = f"{len(self._ended)} of {self._num_trials} trials done"
        return f"{head}\n{table(['trial', 'values', 'status', 'epoch', ''], rows, left=3)}"
