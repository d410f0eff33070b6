"""What a sweep is made of: trials, each a choice of values; and the fits of a trial, one for each seed and fold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dltrain.config.types import Config

# How a fit can end. finished: trained to its end; pruned: a whole run, stopped early because others were better; diverged: its
# loss left the finite numbers, which is a result; failed: it crashed, ran out of memory, or its data or config was refused.
ENDED = ("finished", "pruned", "diverged", "failed")


def epochs_text(fits: Iterable[int | None]) -> str | None:
    """The epoch at whose end metrics were reached: `7`, of several fits `5-12`; None: it is not known."""
    epochs = [epoch for epoch in fits if epoch is not None]
    if not epochs:
        return None
    first, last = min(epochs), max(epochs)
    return str(last) if first == last else f"{first}-{last}"


@dataclass(slots=True)
class TrialFit:
    """One fit: what an engine runs.

    Attributes:
        trial: number of its trial, from 1.
        parameters: what the trial sets: key (or parameter) as the sweep names it -> value.
        config: the whole checked config of this fit, seed and fold included; no `sweep:` block.
        path: the run directory, `SWEEP/trials/0007` (with several fits a trial `SWEEP/trials/0007/seed-3`, `.../fold-2`).
            It need not exist. Where an interrupted run is in it, the fit goes on with that run.
        fold: which fold is held out, from 1; None without folds (it is also `config.data.split.fold`).
        status: "waiting", "running", one of `ENDED`, or "interrupted": a signal came, and the run goes on with the next
            resume. The engine sets it.
        epoch: at whose end, from 1, the weights were those that its metrics are of; None: it is not known (yet).
        error: for `failed` and `diverged`: what happened, in one line; the engine sets it.
    """

    trial: int
    parameters: Mapping[str, Any]
    config: Config
    path: Path
    fold: int | None = None
    status: str = "waiting"
    epoch: int | None = None
    error: str | None = None

    @property
    def seed(self) -> int:
        """The seed of this fit."""
        return self.config.seed

    @property
    def label(self) -> str:
        """What tells this fit from the others, in a few words: `7`, `7 seed-3`, `7 fold-2`."""
        number = f"{self.trial:04d}"
        return str(self.trial) if self.path.name == number else f"{self.trial} {self.path.name}"


@dataclass(slots=True)
class Trial:
    """One choice of values, and its results.

    Attributes:
        number: from 1, in the order in which the strategy chose it.
        parameters: key (or parameter) as the sweep names it -> value.
        fits: one, or one for each seed and fold.
        metrics: part -> metric -> value; the mean where there are several fits.
        spreads: part -> metric -> sample standard deviation over the fits; empty with one fit.
        value: of the metric that is compared; None until all fits have ended, and where one diverged or failed.
        spread: sample standard deviation of that value over the fits; None with one fit.
        standard_error: of the value: over the fits, or with one fit over the rows it was computed on; None: not known.
    """

    number: int
    parameters: Mapping[str, Any]
    fits: list[TrialFit]
    metrics: dict[str, dict[str, float]] = field(default_factory=dict)
    spreads: dict[str, dict[str, float]] = field(default_factory=dict)
    value: float | None = None
    spread: float | None = None
    standard_error: float | None = None

    @property
    def epoch(self) -> str | None:
        """The epochs at whose ends the fits reached their metrics, as a text."""
        return epochs_text(fit.epoch for fit in self.fits)

    @property
    def is_ended(self) -> bool:
        """Whether all fits have ended."""
        return all(fit.status in ENDED for fit in self.fits)

    @property
    def status(self) -> str:
        """Of all fits together: the worst of the ended ones; `waiting`, `running` or `interrupted` until all have ended."""
        statuses = {fit.status for fit in self.fits}
        if statuses <= set(ENDED):
            return next(status for status in ("failed", "diverged", "pruned", "finished") if status in statuses)
        if "interrupted" in statuses:
            return "interrupted"
        return "waiting" if statuses == {"waiting"} else "running"
