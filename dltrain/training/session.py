"""What one call of `fit`, or one sweep, gives to all its stages: who started it, with what, and who hears of it."""

from __future__ import annotations

import contextlib
import functools
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dltrain.cards import Placement
from dltrain.config.types import TrainingConfig
from dltrain.data.dataset import Dataset
from dltrain.processes.helper import HelperProcess
from dltrain.processes.signals import StopSignals
from dltrain.reporting import Reporter, WarningList
from dltrain.training.environment import describe_environment
from dltrain.training.saving.pictures import Drawers
from dltrain.training.saving.tracking import Tracking
from dltrain.training.workers.group import Alone

# (0-based epoch, Keras's names to values) -> whether to end the training here
ShouldStop = Callable[[int, Mapping[str, float]], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class FitOptions:
    """What a fit is given beside its config, of which a fit by itself needs nothing.

    Attributes:
        require: gates besides those of the config.
        dataset: the config's data, where it is read already.
        should_stop: asked at each epoch's end (0-based epoch, Keras's names to values); True ends the training there, as an
            early stopping does.
        draws: whether the run gets all its pictures; else only that of its results, which costs next to nothing.
        tracks: whether the trackers that the config names are told of it by itself.
        workers: processes of this machine that train together, this one included.
        group: the processes that train together, this one among them, where they are there already.
        card: which of the cards that this process sees it computes on, where there are several.
    """

    require: Sequence[str] = ()
    dataset: Dataset | None = None
    should_stop: ShouldStop | None = None
    draws: bool = True
    tracks: bool = True
    workers: int = 1
    group: Alone | None = None
    card: int | None = None


def placement_of(training: TrainingConfig | None, card: int | None = None) -> Placement:
    """What a training asks to be computed on.

    Args:
        training: its block.
        card: which of the cards, where there are several.
    """
    return Placement(card=card) if training is None else Placement(training.devices, card, training.deterministic)


class Stopwatch:
    """Wall time by stage.

    Attributes:
        seconds: stage -> seconds so far; "total" is there when it was asked for.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._started = time.monotonic()

    @contextlib.contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the wall time of the context to a stage's seconds."""
        started = time.monotonic()
        try:
            yield
        finally:
            self.seconds[stage] = round(self.seconds.get(stage, 0.0) + time.monotonic() - started, 3)

    def stop(self) -> None:
        """Note the seconds in all."""
        self.seconds["total"] = round(time.monotonic() - self._started, 3)


@dataclass
class Session:
    """What all stages of a fit, or of fits that are trained together, are given.

    Attributes:
        argv: the command line, for the manifest.
        threads: threads for one operation.
        reporter: is told what happens, and keeps the warnings for the manifest.
        signals: what came from outside.
        helper: reads data.
        drawers: draw pictures in the background, of which one may be the helper: nothing is asked of it while they draw.
        should_stop: asked at each epoch's end, where it is not None; True ends the training there.
        watch: measures the stages.
        tracking: the trackers that are told of the run.
        group: the processes that train together.
        placement: what this process computes on.
    """

    argv: Sequence[str] = ()
    threads: int = field(default_factory=lambda: os.cpu_count() or 1)
    reporter: WarningList = field(default_factory=lambda: WarningList(Reporter()))
    signals: StopSignals = field(default_factory=StopSignals)
    helper: HelperProcess = field(default_factory=lambda: HelperProcess(forked=False))
    drawers: Drawers = field(default_factory=lambda: Drawers([HelperProcess(forked=False)]))
    should_stop: ShouldStop | None = None
    watch: Stopwatch = field(default_factory=Stopwatch)
    tracking: Tracking = field(default_factory=Tracking)
    group: Alone = field(default_factory=Alone)
    placement: Placement = field(default_factory=Placement)

    @functools.cached_property
    def environment(self) -> Mapping[str, Any]:
        """What may change the last bits of a result."""
        return describe_environment(self.threads, workers=self.group.count, placement=self.placement)
