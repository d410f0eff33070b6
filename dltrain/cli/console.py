"""What the terminal shows: results on stdout, progress and log lines on stderr. The only file that imports rich."""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from dltrain.cli.faults import render_faults
from dltrain.cli.streams import discard, is_terminal
from dltrain.cli.sweep_table import SweepTable
from dltrain.cli.text import format_number, format_seconds, table
from dltrain.errors import Fault, as_warning, fault_documents, reason_of
from dltrain.reporting import Reporter
from dltrain.storage.atomic import to_json
from dltrain.wording import counted, one_line, printable

if TYPE_CHECKING:
    from rich.live import Live

logger = logging.getLogger("dltrain.console")

# The live line is drawn this often at most. A redraw costs about a millisecond, so it stays far below 1 % of the training.
_REDRAW_SECONDS = 0.25
_STATUS_SECONDS = 10.0
_EPOCH_LINES = 40
_EPOCH_LINE_SECONDS = 30.0


@dataclass(slots=True)
class Settings:
    """What the options common to all commands say."""

    json: bool = False
    quiet: bool = False
    verbose: int = 0
    threads: int | None = None

    @property
    def words(self) -> list[str]:
        """The options that say so."""
        threads = [] if self.threads is None else ["--threads", str(self.threads)]
        return [*["--json"] * self.json, *["-q"] * self.quiet, *["-v"] * self.verbose, *threads]


def _columns(stream: IO[str] | None) -> int | None:
    """Of the terminal that the stream is; None where it is none."""
    return max(shutil.get_terminal_size().columns, 20) if is_terminal(stream) else None


class Console(Reporter):
    """Shows results, progress and log lines as the settings, the streams and the environment allow.

    On a terminal one live line follows the training; elsewhere, and with NO_COLOR or TERM=dumb, there are plain lines only.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()
        self.run: str | None = None
        self.warnings: list[Fault] = []
        self.goes_on = False  # the command gives more than what it prints: files, or an exit code that is its answer
        self.lost: str | None = None  # why standard output could not be written
        self._live: Live | None = None
        self._last_draw = 0.0
        self._last_line = 0.0
        self._last_status = ""
        self._first_epoch = 0
        self._num_epochs = 0
        self._num_steps = 0
        self._pace_from: tuple[float, float] | None = None
        self._pending: tuple[int, dict[str, float], float] | None = None
        self._sweep: SweepTable | None = None

    # Results

    def result(self, text: str) -> None:
        """Lines of the result; with --json nothing, for then `document` says it."""
        if not self.settings.json:
            self._clear()
            self._write(sys.stdout, printable(text) + "\n")

    @property
    def width(self) -> int | None:
        """Columns of the terminal that results go to; None where they go elsewhere."""
        return _columns(sys.stdout)

    def verbatim(self, text: str) -> None:
        """A result that another program reads back: unchanged, except on a terminal, which it must not steer."""
        if not self.settings.json:
            self._clear()
            self._write(sys.stdout, printable(text) if is_terminal(sys.stdout) else text)

    def document(self, document: Mapping[str, Any]) -> None:
        """With --json: the one document of the command, with the warnings that were shown."""
        if self.settings.json:
            self._clear()
            if "status" in document:  # how a command ended, and no JSON Schema
                document = {**document, "warnings": fault_documents(self.warnings)}
            self._write(sys.stdout, _ascii_json(document) + "\n")

    def faults(self, faults: Iterable[Fault]) -> None:
        """Errors and warnings with place and next step; a warning that was shown before is not shown again."""
        shown = []
        for fault in faults:
            if fault.severity == "error":
                shown.append(fault)
            elif fault not in self.warnings:
                self.warnings.append(fault)
                shown.append(fault)
        text = render_faults(shown, _columns(sys.stderr))
        if text:
            self.line(text)

    def line(self, text: str) -> None:
        """A line on stderr whatever the settings."""
        self._clear()
        self._write(sys.stderr, printable(text) + "\n")

    def close(self) -> None:
        """Leave the terminal as it was."""
        self._keep_pending()
        self._clear()

    def commands(self, lines: Iterable[str]) -> None:
        """Lines that a CI job is to act on, made fit for it already."""
        self._clear()
        self._write(sys.stdout, "".join(f"{line}\n" for line in lines))

    def _write(self, stream: IO[str] | None, text: str) -> None:
        """Write, or give the stream up where it cannot be written; a command that gives nothing else has then failed."""
        if stream is None:
            return
        try:
            stream.write(text)
            stream.flush()
        except BrokenPipeError:  # the reader has seen enough (`| head`)
            discard(stream)
        except (OSError, ValueError) as error:  # a full disk, a terminal that is gone, a stream that was closed
            discard(stream)
            reason = reason_of(error)
            name = "standard output" if stream is sys.stdout else "standard error"
            logger.debug("%s cannot be written (%s): the command goes on without it", name, reason)
            if stream is sys.stdout:
                self.lost = self.lost or reason
            if stream is sys.stdout and self.goes_on:
                self.warning(f"standard output cannot be written ({reason}): the command goes on without it")

    # What the library reports

    def status(self, text: str) -> None:
        """On a terminal the live line; elsewhere a line for each stage, and one in ten seconds for a stage that counts."""
        if self.settings.quiet:
            return
        if self._draw(text):
            return
        stage = re.sub(r"[\d.,]+", "#", text)
        if stage != self._last_status or time.monotonic() - self._last_line > _STATUS_SECONDS:
            self.line(one_line(text))
            self._last_line = time.monotonic()
        self._last_status = stage

    def detail(self, text: str) -> None:
        """A line with -v."""
        if self.settings.verbose:
            self.line(text)

    def warning(self, warning: str | Fault) -> None:
        """Its place and next step, also with -q."""
        self.faults([as_warning(warning)])

    def data_ready(self, summary: Sequence[str]) -> None:
        """The lines as they are."""
        if summary and not self.settings.quiet:
            self.line("\n".join(map(one_line, summary)))

    def model_ready(self, layers: Sequence[Mapping[str, Any]], num_parameters: int, num_trainable: int) -> None:
        """A table of the layers and the sum of their parameters."""
        if self.settings.quiet:
            return
        rows = [
            [
                str(layer.get("name", "")),
                str(layer.get("class", "")),
                _shape(layer.get("output_shape")),
                format_number(layer.get("parameters")),
                "frozen" if layer.get("parameters") and not layer.get("trainable", True) else "",
            ]
            for layer in layers
        ]
        total = f"{num_parameters:,} parameters"
        if num_trainable != num_parameters:
            total += f", {num_trainable:,} of them trainable"
        self.line(table(["layer", "class", "output shape", "parameters", ""], rows, left=3, left_after=4) + f"\n{total}")

    def run_started(self, run: str, first_epoch: int, num_epochs: int, num_steps: int) -> None:
        """Say where the run is and what lies ahead."""
        self.run = run
        self._first_epoch, self._num_epochs, self._num_steps = first_epoch, num_epochs, num_steps
        self._pace_from, self._last_line = None, time.monotonic()
        if not self.settings.quiet:
            goes_on = f", going on after epoch {first_epoch}" if first_epoch else ""
            if first_epoch >= num_epochs > 0:
                goes_on = f"; after {first_epoch:,} there is none left to train"
            steps = f"{counted(num_steps, 'step')} each"
            self.line(f"training {run}: {counted(num_epochs, 'epoch')} of {steps}{goes_on}")
            self._draw("compiling the training step")

    def phase_started(
        self, phase: int, num_phases: int, first_epoch: int, num_epochs: int, num_steps: int, num_trainable: int
    ) -> None:
        """Say which phase begins; the counts of epochs and steps are its own."""
        self._keep_pending()
        self._num_epochs, self._num_steps, self._pace_from = num_epochs, num_steps, None
        if not self.settings.quiet:
            steps = f"{counted(num_steps, 'step')} an epoch"
            self.line(
                f"phase {phase + 1} of {num_phases}, after epoch {first_epoch}: {num_trainable:,} parameters trained, {steps}"
            )

    def step(self, epoch: int, step: int, logs: Mapping[str, float]) -> None:
        """Redraw the live line, if it is time; nothing off a terminal."""
        if self._is_time_to_draw():
            done = epoch - self._first_epoch + (step / self._num_steps if self._num_steps else 0)
            place = f"epoch {epoch + 1}/{self._num_epochs}  step {step:,}/{self._num_steps:,}"
            self._draw_logs(f"{place}{self._left(done)}", logs)

    def epoch_end(self, epoch: int, logs: Mapping[str, float], seconds: float) -> None:
        """The live line; off a terminal a line, but of many epochs only some and the last."""
        if self.settings.quiet:
            return
        self._pending = (epoch, dict(logs), seconds)
        if self._is_live():
            if self._is_time_to_draw():
                self._draw_logs(f"{self._epoch(epoch)}{self._left(epoch + 1 - self._first_epoch)}", logs)
            return
        every = -(-self._num_epochs // _EPOCH_LINES)
        overdue = time.monotonic() - self._last_line > _EPOCH_LINE_SECONDS
        if epoch == self._first_epoch or (epoch + 1) % every == 0 or overdue:
            self._keep_pending()

    def finished(self) -> None:
        """The last epoch stays to be read."""
        self._keep_pending()

    def sweep_started(self, run: str, num_trials: int, fits_per_trial: int, metric: str) -> None:
        """Say where the sweep is and what lies ahead."""
        self.run, self._sweep = run, SweepTable(num_trials, metric)
        if not self.settings.quiet:
            each = f" of {fits_per_trial} fits" if fits_per_trial > 1 else ""
            self.line(f"sweep {run}: {counted(num_trials, 'trial')}{each}, compared by {metric}")

    def trial_changed(self, trial: Mapping[str, Any]) -> None:
        """On a terminal the table of the trials; elsewhere a line for each that ends."""
        if self.settings.quiet or self._sweep is None:
            return
        self._sweep.update(trial)
        if trial["is_ended"] and not self._is_live():
            self.line(self._sweep.line(trial))
        elif self._is_time_to_draw() or (trial["is_ended"] and self._is_live()):
            self._draw(self._sweep.text())

    # How it is written

    def _keep_pending(self) -> None:
        pending, self._pending = self._pending, None
        if pending is not None:
            epoch, logs, seconds = pending
            self.line(f"{self._epoch(epoch)}  {_logs(logs)}  {format_seconds(seconds)}")
            self._last_line = time.monotonic()

    def _epoch(self, epoch: int) -> str:
        return f"epoch {epoch + 1:>{len(str(self._num_epochs))}}/{self._num_epochs}"

    def _is_time_to_draw(self) -> bool:
        """True once in a while, and never off a terminal."""
        if self.settings.quiet or time.monotonic() - self._last_draw < _REDRAW_SECONDS:
            return False
        self._last_draw = time.monotonic()
        return self._is_live()

    def _left(self, done: float) -> str:
        """The time that the remaining epochs take at the pace since the first steps, which wait for the compiler."""
        now, total = time.monotonic(), self._num_epochs - self._first_epoch
        if self._pace_from is None:
            self._pace_from = (now, done)
        elapsed, advanced = now - self._pace_from[0], done - self._pace_from[1]
        if elapsed < 2 or advanced <= 0 or done >= total:
            return ""
        return f"  {format_seconds(elapsed / advanced * (total - done))} left"

    def _is_live(self) -> bool:
        return not os.environ.get("NO_COLOR") and os.environ.get("TERM", "") not in ("dumb", "") and is_terminal(sys.stderr)

    def _draw_logs(self, head: str, logs: Mapping[str, float]) -> None:
        """The live line of an epoch; what does not fit beside the losses is left out, and nothing is cut in its middle."""
        width = max(shutil.get_terminal_size().columns - 4, 10)
        names = list(logs)
        while len(names) > 1 and len(f"{head}  {_logs({name: logs[name] for name in names})}") > width:
            names.remove(max(names, key=_tells_least))
        self._draw(f"{head}  {_logs({name: logs[name] for name in names})}")

    def _draw(self, text: str) -> bool:
        """Show the text as the live line; False where there is no terminal for it."""
        if not self._is_live():
            return False
        from rich.console import Console as RichConsole
        from rich.live import Live
        from rich.text import Text

        terminal = self._live.console if self._live else RichConsole(file=sys.stderr)
        # A few columns stay free: a ^C echoed at the very end would wrap the line, and half of it would remain.
        width = max(terminal.width - 4, 10)
        lines = [one_line(line, width) for line in text.split("\n")][: max(terminal.height - 2, 1)]
        line = Text("\n".join(lines), no_wrap=True, style="cyan")
        try:
            if self._live is None:
                self._live = Live(
                    line, console=terminal, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False
                )
                self._live.start(refresh=True)
                terminal.show_cursor(True)  # a killed process could not bring it back
            else:
                self._live.update(line, refresh=True)
        except (OSError, ValueError):  # the terminal is gone
            self._live = None
            discard(sys.stderr)
            return False
        self._last_draw = time.monotonic()
        return True

    def _clear(self) -> None:
        """Take the live line away, so that what follows stands on a line of its own."""
        live, self._live = self._live, None
        if live is not None:
            try:
                live.stop()
            except (OSError, ValueError):
                discard(sys.stderr)


class ConsoleHandler(logging.Handler):
    """Passes the library's log records to the console: warnings always, the rest with -v (INFO) and -vv (DEBUG)."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console
        self.addFilter(lambda record: record.name != logger.name)  # the console speaks of itself in the log alone

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record, if the settings ask for its level."""
        least = {0: logging.WARNING, 1: logging.INFO}.get(self._console.settings.verbose, logging.DEBUG)
        if record.levelno == logging.WARNING:
            self._console.warning(record.getMessage())
        elif record.levelno >= least:
            self._console.line(f"{record.levelname.lower()}: {record.getMessage()}")


def _ascii_json(document: Mapping[str, Any]) -> str:
    """Strict JSON that any encoding of stdout can carry."""
    return json.dumps(json.loads(to_json(document)), ensure_ascii=True, indent=2, allow_nan=False)


def _tells_least(name: str) -> int:
    """How soon a value is left out of a narrow line: the rate first, the losses last."""
    order = ("val_loss", "loss")
    if name in order:
        return order.index(name)
    return 4 if name == "learning_rate" else 2 if name.startswith("val_") else 3


def _logs(logs: Mapping[str, float]) -> str:
    return "  ".join(
        f"{name} {value:.4g}" if name == "learning_rate" else f"{name} {format_number(value)}" for name, value in logs.items()
    )


def _shape(shape: Any) -> str:
    return str(tuple(shape)) if isinstance(shape, (list, tuple)) else str(shape if shape is not None else "")
