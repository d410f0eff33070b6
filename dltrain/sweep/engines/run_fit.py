"""One fit of a sweep, and what became of it: what engines do that run each fit by itself."""

from __future__ import annotations

import contextlib
import os
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dltrain.config.types import Config
from dltrain.errors import DivergenceError, DltrainError, InterruptedRun
from dltrain.storage.atomic import open_to_append
from dltrain.storage.new_run import refuse_links_to_trial
from dltrain.storage.run import Run
from dltrain.training.fit import fit

# A process of a sweep that was killed may take so long to save what it was at.
_PATIENCE = 30.0


def run_fit(
    config: Config, path: Path, *, was_stopped: Callable[[], bool] = lambda: False, **options: Any
) -> tuple[str, str | None]:
    """Fit, or go on with the run that is in `path`; nothing is raised for what goes wrong.

    Args:
        config: as for `fit`.
        path: the run directory.
        was_stopped: whether `should_stop` ended it.
        options: as for `fit`: argv, threads, reporter, dataset, should_stop.

    Returns:
        Status as in `TrialFit`, and for `failed` and `diverged` what happened.
    """
    try:
        refuse_links_to_trial(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        _wait_for(Run(path))
        fit(config, run_dir=path, resume="auto", draws=False, tracks=False, **options)
    except InterruptedRun:
        return "interrupted", None
    except DivergenceError as error:
        return "diverged", error.faults[0].message
    except DltrainError as error:
        return "failed", "; ".join(fault.message for fault in error.faults[:3])
    except Exception as error:  # the other trials go on, whatever this one met
        _keep_traceback(Run(path))
        first = (str(error).splitlines() or [""])[0]
        return "failed", f"{type(error).__name__}: {first[:300]}"
    return ("pruned" if was_stopped() else "finished"), None


def _wait_for(run: Run) -> None:
    """Until the process of an earlier sweep that holds the run has saved it and ended."""
    until = time.monotonic() + _PATIENCE
    while run.path.is_dir() and run.is_locked() and time.monotonic() < until:
        time.sleep(0.1)


def _keep_traceback(run: Run) -> None:
    with contextlib.suppress(DltrainError, OSError), os.fdopen(open_to_append(run.log_file), "ab") as log:
        log.write(traceback.format_exc().encode(errors="backslashreplace"))
