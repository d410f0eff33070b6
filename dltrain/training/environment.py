"""Where a run takes place: what may change its last bits, the commit it was started from, and its log."""

from __future__ import annotations

import contextlib
import logging
import os
import platform
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from dltrain.model.keras_import import SETTINGS, ignored_settings, import_keras


def describe_environment(threads: int) -> dict[str, Any]:
    """What may change the last bits of a result."""
    import tensorflow as tf

    import dltrain

    keras = import_keras()
    return {
        "dltrain": dltrain.__version__,
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
        "threads": threads,
        "onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "default"),
        "processor": _processor(),
        "keras_settings": dict(SETTINGS),
    }


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


@contextlib.contextmanager
def logging_to(path: Path, *, name: str = "dltrain") -> Iterator[None]:
    """Write a logger's lines, by default the package's, to a file."""
    root = logging.getLogger(name)
    handler = logging.FileHandler(path, delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
        handler.close()
