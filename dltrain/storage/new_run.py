"""The run directory that is not there yet: what it is called, and where it may be."""

from __future__ import annotations

import contextlib
import datetime
import secrets
from pathlib import Path

from dltrain.errors import RunError
from dltrain.storage.atomic import cannot_write
from dltrain.storage.layout import TRIALS
from dltrain.storage.outputs import refuse_inside_run
from dltrain.storage.run import Run


def begin_again(run: Run) -> Run:
    """A directory in which a process was killed before it had anything to keep, to begin in once more.

    Raises:
        RunError: it cannot be written.
    """
    try:
        for folder in (run.checkpoints, run.state):
            folder.mkdir(exist_ok=True)
    except OSError as error:
        raise cannot_write(run.path, error) from error
    return Run(run.path, was_there=True)


def refuse_links_to_trial(path: Path) -> None:
    """Refuse the folder of a fit of a sweep to which a link leads: it was put there since the sweep looked at its own.

    Args:
        path: of the fit, `trials/0001` or `trials/0001/seed-1` below the sweep.

    Raises:
        RunError: there is a link.
    """
    steps = [path, *path.parents][:3]
    names = [step.name for step in steps]
    for step in steps[: names.index(TRIALS) + 1] if TRIALS in names else ():
        if step.is_symlink():
            raise RunError(f"{step} is a link", hint="refused as unsafe")


def create_run(name: str, *, runs: Path, run_dir: Path | None = None) -> Run:
    """Make the directory for a new run, with its folders.

    Args:
        name: the experiment's name, first word of the directory's name.
        runs: parent of the new directory, when `run_dir` is None.
        run_dir: this very directory; it may exist, but must be empty.

    Raises:
        RunError: `run_dir` is not empty, is in use, is no directory, is in a folder of another run, or cannot be written.
    """
    was_there = False
    stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
    try:
        if run_dir is None:
            refuse_inside_run(Path(runs))
            while True:
                path = Path(runs) / f"{name}-{stamp}-{secrets.token_hex(2)}"
                path.parent.mkdir(parents=True, exist_ok=True)
                with contextlib.suppress(FileExistsError):
                    path.mkdir()
                    break
        else:
            path = Path(run_dir)
            refuse_inside_run(path)
            was_there = path.is_dir()
            if path.exists() and not path.is_dir():
                raise RunError(f"{path} is a file; a run needs a directory", hint="choose another --run-dir")
            if path.is_dir() and any(path.iterdir()):
                Run(path).refuse_in_use()
                if (path / "manifest.json").exists():
                    hint = "`--resume` goes on with a run that was begun there; otherwise choose another --run-dir"
                    raise RunError(f"{path} is not empty", hint=hint)
                raise RunError(f"{path} is not empty: there is something here that is no run", hint="choose another --run-dir")
            path.mkdir(parents=True, exist_ok=True)
        run = Run(path, was_there)
        run.checkpoints.mkdir()
        run.state.mkdir()
    except OSError as error:
        raise cannot_write(Path(error.filename or run_dir or runs), error) from error
    return run
