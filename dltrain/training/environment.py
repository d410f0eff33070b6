"""Where a run takes place: what may change its last bits, the commit it was started from, and its log."""

from __future__ import annotations

import contextlib
import logging
import os
import platform
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from dltrain.cards import CPU, Placement
from dltrain.config.types import TrainingConfig
from dltrain.errors import RunError, reason_of
from dltrain.later import tensorflow as tf
from dltrain.model.keras_import import SETTINGS, ignored_settings, import_keras
from dltrain.reporting import Reporter
from dltrain.storage.atomic import open_to_append
from dltrain.wording import one_line, printable

logger = logging.getLogger(__name__)
# Variables by which the libraries choose among ways of computing that round differently, beside those that have a name below.
_CHANGING = re.compile(
    r"(TF_)?XLA_FLAGS|TF_(DETERMINISTIC_OPS|NUM_(INTRA|INTER)OP_THREADS|CUDNN_\w+|DISABLE_\w+|ENABLE_\w+)|NVIDIA_TF32_OVERRIDE"
    r"|CUBLAS_WORKSPACE_CONFIG|(ONEDNN|DNNL)_\w+|OPENBLAS_CORETYPE|MKL_(CBWR|ENABLE_INSTRUCTIONS)|OMP_NUM_THREADS"
)
_NAMED = "TF_ENABLE_ONEDNN_OPTS"


def describe_environment(threads: int, *, workers: int = 1, placement: Placement | None = None) -> dict[str, Any]:
    """What may change the last bits of a result."""
    import dltrain

    keras = import_keras()
    return {
        "dltrain": dltrain.__version__,
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
        "threads": threads,
        **({"workers": workers} if workers > 1 else {}),
        "device": computing_device(),
        "deterministic": placement is not None and placement.deterministic,
        "onednn": os.environ.get(_NAMED, "default"),
        "variables": changing_variables(),
        "processor": _processor(),
        "keras_settings": dict(SETTINGS),
    }


def changing_variables() -> dict[str, str]:
    """The variables of this process that may change the last bits of what libraries compute."""
    names = sorted(name for name in os.environ if _CHANGING.fullmatch(name) and name != _NAMED)
    return {name: printable(os.environ[name]) for name in names}


def computing_device() -> str:
    """What TensorFlow computes on in this process: `cpu`, or the name of the card."""
    cards = tf.config.get_visible_devices("GPU")
    return str(tf.config.experimental.get_device_details(cards[0]).get("device_name", "gpu")) if cards else CPU


def tell_device(training: TrainingConfig, reporter: Reporter) -> None:
    """Say on which card the training takes place, and what it has that the config does not use."""
    cards = tf.config.get_visible_devices("GPU")
    if not cards:
        return
    reporter.detail(f"computed on {computing_device()}")
    found = tf.config.experimental.get_device_details(cards[0]).get("compute_capability")
    # From there on numbers of 16 bits have units of their own; those of bfloat16 came with 8.0.
    if found is not None and tuple(found) >= (7, 0) and training.precision == "float32":
        policy = "mixed_bfloat16" if tuple(found) >= (8, 0) else "mixed_float16"
        reporter.detail(f"the card has tensor cores, which training.precision={policy} uses")


def settings_note() -> str:
    """What Keras's own settings ask for that no run follows, in a sentence; empty where they ask for nothing else."""
    asked = ", ".join(f"{name}: {value}" for name, value in ignored_settings.items())
    return f"Keras's own settings say {asked}: not followed, a run is computed as its config says" if asked else ""


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def git_commit() -> str | None:
    """The commit of the working directory, if it is in a git repository."""
    try:
        found = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() or None


class LogFile(logging.FileHandler):
    """A run's `log.txt`: a line for each record, and what is in it steers no terminal. Where it cannot be written, none is kept.

    Args:
        path: the file; links are not followed.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, encoding="utf-8", errors="backslashreplace", delay=True)
        self._gave_up = False
        self.setFormatter(_LogLine("%(asctime)s %(levelname)s %(name)s: %(message)s"))

    def _open(self) -> Any:
        descriptor = open_to_append(Path(self.baseFilename))
        return os.fdopen(descriptor, "a", encoding=self.encoding, errors=self.errors)

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record; a disk that is full ends the log and not the run."""
        if self._gave_up:
            return
        try:
            if self.stream is None:
                self.stream = self._open()
            self.stream.write(self.format(record) + self.terminator)
            self.stream.flush()
        except (OSError, ValueError, RunError) as error:
            self._gave_up = True
            with contextlib.suppress(OSError, ValueError):
                self.close()
            logger.warning(
                "%s cannot be written (%s): the run goes on without it",
                self.baseFilename,
                reason_of(error),
            )

    def close(self) -> None:
        """Close the file; what cannot be flushed is given up."""
        with contextlib.suppress(OSError, ValueError):
            super().close()


class _LogLine(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        trace = f"\n{self.formatException(record.exc_info)}" if record.exc_info else ""
        message = logging.LogRecord(record.name, record.levelno, "", 0, one_line(record.getMessage()), None, None)
        message.created, message.msecs = record.created, record.msecs
        return super().format(message) + printable(trace)


class _Onward(logging.Handler):
    """Hands lines of a level to the loggers above."""

    def __init__(self, level: int, above: logging.Logger | None) -> None:
        super().__init__(level)
        self.above = above

    def emit(self, record: logging.LogRecord) -> None:
        if self.above is not None and self.above.hasHandlers():
            self.above.callHandlers(record)


@contextlib.contextmanager
def logging_to(path: Path, *, name: str = "dltrain") -> Iterator[None]:
    """Write a logger's lines, by default the package's, to a file.

    What a program that uses the package has set up for its own log hears no more of them than it would without the file.
    """
    root = logging.getLogger(name)
    level, propagates = root.level, root.propagate
    handlers: list[logging.Handler] = [LogFile(path)]
    if propagates:
        handlers.append(_Onward(root.getEffectiveLevel(), root.parent))
        root.propagate = False
    for handler in handlers:
        root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        for handler in handlers:
            root.removeHandler(handler)
            handler.close()
        root.setLevel(level)
        root.propagate = propagates
