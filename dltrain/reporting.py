"""How the library tells what it is doing. The command line shows it; a library user may ignore it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from dltrain.errors import Fault, Note, as_warning


class Warned(Protocol):
    """A result that says what the user should know."""

    warnings: list[Fault]


Result = TypeVar("Result", bound=Warned)


class Reporter:
    """Receives what happens during a fit or an evaluation; every method does nothing here. Subclass what you want to see."""

    def status(self, text: str) -> None:
        """A stage begins ("reading data", "importing Keras", "downloading ... 12 of 233 MB")."""

    def detail(self, text: str) -> None:
        """A decision with its reason, for `-v` ("XLA: on, because ...")."""

    def warning(self, warning: str | Fault) -> None:
        """Something the user should know, with its place where it has one; the run goes on."""

    def data_ready(self, summary: Sequence[str]) -> None:
        """The data is read: rows, columns, classes, parts, a line each."""

    def model_ready(self, layers: Sequence[Mapping[str, Any]], num_parameters: int, num_trainable: int) -> None:
        """The model is built. Each layer: {"name", "class", "output_shape", "parameters", "trainable"}."""

    def run_started(self, run: str, first_epoch: int, num_epochs: int, num_steps: int) -> None:
        """Training begins at `first_epoch` (0-based; above 0 on a resume) with `num_steps` steps an epoch."""

    def phase_started(
        self, phase: int, num_phases: int, first_epoch: int, num_epochs: int, num_steps: int, num_trainable: int
    ) -> None:
        """A phase (0-based) of several begins after `first_epoch` epochs; `num_epochs` are those of the run by its end."""

    def step(self, epoch: int, step: int, logs: Mapping[str, float]) -> None:
        """Some steps of an epoch are done (called a few times a second at the most)."""

    def epoch_end(self, epoch: int, logs: Mapping[str, float], seconds: float) -> None:
        """An epoch is done; `logs` are Keras's names to values (`loss`, `val_loss`, ..., `learning_rate`)."""

    def finished(self) -> None:
        """Training ended; evaluation follows."""

    def sweep_started(self, run: str, num_trials: int, fits_per_trial: int, metric: str) -> None:
        """A sweep begins: so many trials at the most, compared by the metric."""

    def trial_changed(self, trial: Mapping[str, Any]) -> None:
        """A fit of a trial began, finished an epoch or ended.

        `trial` holds: number; fit (what tells this fit from the others); parameters (text); status; epoch (from 1) and epochs;
        metric and value; spread; metrics; error; is_ended (of the whole trial).
        """


class WarningList(Reporter):
    """Passes on what it hears and keeps the warnings, each once.

    Args:
        listener: hears what this one is told; of equal warnings the first alone.

    Attributes:
        warnings: in the order in which they came.
    """

    def __init__(self, listener: Reporter) -> None:
        self.warnings: list[Fault] = []
        self._listener = listener
        for name in vars(Reporter):
            if not name.startswith("_") and name != "warning":
                setattr(self, name, getattr(listener, name))

    def warning(self, warning: str | Fault) -> None:
        """Keep it and pass it on, unless it was there before."""
        fault = as_warning(warning)
        if fault not in self.warnings:
            self.warnings.append(fault)
            self._listener.warning(fault)


def warn_each(reporter: Reporter, warnings: Iterable[str | Fault | Note]) -> None:
    """Tell a reporter of several things that the user should know."""
    for warning in warnings:
        reporter.warning(as_warning(warning) if isinstance(warning, Note) else warning)


def told(ask: Callable[..., Result], *arguments: Any, reporter: Reporter | None = None, **options: Any) -> Result:
    """What a function returns, with the warnings among its attributes that its reporter was told."""
    heard = WarningList(reporter or Reporter())
    result = ask(*arguments, reporter=heard, **options)
    result.warnings = heard.warnings
    return result
