"""An engine that fits in the tests' own process, and small experiments to sweep over."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from dltrain.config import load_config_text
from dltrain.config.types import Config
from dltrain.reporting import Reporter
from dltrain.sweep.engines.engine import EngineContext, FitSource
from dltrain.sweep.engines.run_fit import run_fit
from dltrain.sweep.trials import TrialFit

SMALL = """
name: small
seed: 7
parameters: {droprate: 0.1}
data:
  source: noise
  rows: 120
  shape: [6]
  split: {test: 0.2, validation: 0.25}
model:
  layers:
    - Dense: {units: 5, activation: relu}
    - Dropout: {rate: $droprate}
training:
  epochs: 2
  batch_size: 16
"""


def small(*overrides: str, text: str = SMALL) -> Config:
    """A config that trains in half a second."""
    return load_config_text(text, file="small.yaml", folder=Path(), overrides=list(overrides))


class InlineEngine:
    """Fits one after the other, here.

    Args:
        before: called before each fit; what it returns, if anything, is status and error in place of the fit.
    """

    name = "inline"

    def __init__(self, before: Callable[[TrialFit, EngineContext], tuple[str, str | None] | None] | None = None) -> None:
        self.before = before
        self.fits: list[str] = []

    def why_not(self, fits: Sequence[TrialFit]) -> str | None:
        return None

    def run(self, source: FitSource, context: EngineContext) -> Iterator[TrialFit]:
        while context.signals.received is None:
            taken = source.take(1)
            if not taken:
                return
            fit = taken[0]
            context.observer.fit_started(fit)
            found = self.before(fit, context) if self.before else None
            fit.status, fit.error = found or self._fit(fit, context)
            if fit.status == "interrupted":  # the fit, which is in the sweep's own process here, has taken the signal
                context.signals.received = signal.SIGINT
            yield fit

    def _fit(self, fit: TrialFit, context: EngineContext) -> tuple[str, str | None]:
        self.fits.append(fit.label)
        stopped = False

        def should_stop(epoch: int, logs: Mapping[str, float]) -> bool:
            nonlocal stopped
            stopped = context.observer.epoch_end(fit, epoch, logs)
            return stopped

        return run_fit(
            fit.config,
            fit.path,
            argv=context.argv,
            threads=None,
            reporter=Reporter(),
            should_stop=should_stop,
            was_stopped=lambda: stopped,
        )


def faked(value: Callable[[Mapping[str, object]], float], standard_error: float = 0.0) -> Callable[..., tuple[str, None]]:
    """For `InlineEngine.before`: a run that has not trained, with a validation loss that is a function of the trial's values."""

    def before(fit: TrialFit, context: EngineContext) -> tuple[str, None]:
        from dltrain.storage.atomic import to_json, write_atomically
        from dltrain.storage.run import Run

        run = Run(fit.path)
        run.path.mkdir(parents=True, exist_ok=True)
        loss = value(fit.parameters)
        document = {"metrics": {"validation": {"loss": loss}}, "standard_errors": {"validation": {"loss": standard_error}}}
        write_atomically(run.metrics_file, to_json(document).encode())
        run.write_manifest({"status": "finished", "epochs": 1})
        write_atomically(run.history_file, f"epoch,loss,val_loss\n1,{loss},{loss}\n".encode())
        return "finished", None

    return before
