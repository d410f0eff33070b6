"""The interface of engines, which run the fits of a sweep."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from dltrain.processes.signals import StopSignals
from dltrain.reporting import Reporter
from dltrain.sweep.trials import TrialFit


class FitSource(Protocol):
    """Where an engine gets its fits from. Strategies that learn choose the next trial when it is asked for."""

    def take(self, most: int) -> list[TrialFit]:
        """Up to `most` fits to run now, in their order; each is handed out once.

        Empty means: none now. More may come after a running fit was yielded; where none is running, there are no more.
        """
        ...


class FitObserver:
    """Is told how the fits go; every method does nothing here. Called in the process of the sweep."""

    def fit_started(self, fit: TrialFit) -> None:
        """The fit begins, or goes on after an interruption."""

    def epoch_end(self, fit: TrialFit, epoch: int, logs: Mapping[str, float]) -> bool:
        """A fit's epoch is done.

        Args:
            fit: which.
            epoch: 0-based.
            logs: Keras's names to values, as in `Reporter.epoch_end`.

        Returns:
            True: it falls behind and shall stop here: the run is brought to its end as by an early stopping, and the fit is
            yielded with the status `pruned`. An engine may act on it a little later than at this epoch.
        """
        return False


@dataclass(slots=True)
class EngineContext:
    """What all engines are given.

    Attributes:
        reporter: stages, details with `-v`, warnings.
        signals: deferred; when `signals.received` is not None the engine ends what it runs: states are saved, those fits
            are yielded as `interrupted`, and `run` returns.
        observer: is told of starts and epochs.
        argv: the command line, for the manifests of the runs.
        jobs: fits at a time; None: as the engine finds best.
        threads: threads for one operation, as `--threads` says; None: not given.
    """

    reporter: Reporter
    signals: StopSignals
    observer: FitObserver = field(default_factory=FitObserver)
    argv: Sequence[str] = ()
    jobs: int | None = None
    threads: int | None = None


class Engine(Protocol):
    """Runs fits.

    After a fit was yielded its run directory is whole like one of `dltrain fit`: config.yaml, manifest.json, history.csv,
    metrics.json (not where it diverged or failed), preprocessing, checkpoints, state. The sweep reads metrics and curves from
    there; of the `TrialFit` the engine sets only `status` and `error`. The engine neither writes outside the fits' directories
    nor raises for what goes wrong in one fit.
    """

    name: str

    def why_not(self, fits: Sequence[TrialFit]) -> str | None:
        """None where this engine can run all these fits and gains by it; else the reason, a clause ("their layers differ").

        Called before anything heavy is imported, with all fits that are known by now; it imports no TensorFlow.
        """
        ...

    def run(self, source: FitSource, context: EngineContext) -> Iterator[TrialFit]:
        """Run what the source gives until it has no more; yield each fit when it has ended.

        Raises:
            DltrainError: nothing can be run at all (a cluster that does not answer, data that no trial can read).
        """
        ...
