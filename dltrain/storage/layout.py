"""The names of all that dltrain writes into a run directory; what has another name is somebody else's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

# Which trials of a sweep have a picture.
EVERY_TRIAL, BEST_TRIAL, NO_TRIAL = "every trial", "the best trial", "no trial"
# The pictures of a fit by itself, in the order in which they are told, and who of a sweep has them too: a PNG takes longer to
# draw than many a trial to train. All other files of a fit each trial has, whoever runs it.
PICTURES = {
    "history.png": BEST_TRIAL,
    "results.svg": EVERY_TRIAL,
    "forecast.png": NO_TRIAL,
    "mistakes.png": NO_TRIAL,
    "reconstructions.png": NO_TRIAL,
    "masks.png": NO_TRIAL,
}
# By a later evaluation.
_LATER = (
    "results_train.svg",
    "results_validation.svg",
    "results_test.svg",
    "results_data.svg",
    "importance.svg",
    "importance.png",
)
FILES = frozenset(
    {
        ".lock",
        "config.yaml",
        "manifest.json",
        "metrics.json",
        "history.csv",
        "preprocessing.json",
        "preprocessing.npz",
        "held_out.csv",
        "answers.json",
        "log.txt",
        *PICTURES,
        *_LATER,
        # of a sweep
        "sweep.json",
        "trials.csv",
        "best.yaml",
        "out_of_fold.csv",
        "curves.png",
        "parameters.png",
    }
)
# Folder -> what the names of its files look like.
FOLDERS = {
    "checkpoints": re.compile(r".+\.(h5|keras|json)"),
    "state": re.compile(r".+\.(npz|json|h5|npy)"),
    "tensorboard": re.compile(r".*tfevents.*|.+\.(pb|pbtxt|pipeline|tsv|json)"),
    "code": re.compile(r".+\.py"),
}
_ITS_OWN = FILES | FOLDERS.keys() - {"tensorboard"} | {"trials", "members"}
_TEMPORARY = re.compile(r"\..+\.tmp[\w.-]*")
_TRIALS = "trials"
_MEMBERS = "members"  # of an ensemble: each a run by itself


def own_paths(folder: Path) -> Iterator[Path]:
    """All paths below a run directory that dltrain made, what is in a folder before the folder itself; links are never followed.

    Args:
        folder: of a run or of a sweep, whose trials are runs.
    """
    for path in sorted(folder.iterdir()):
        is_folder = path.is_dir() and not path.is_symlink()
        if not is_folder:
            if path.name in FILES or _TEMPORARY.fullmatch(path.name):
                yield path
        elif path.name in FOLDERS:
            yield from _own_files(path, FOLDERS[path.name])
            yield path
        elif path.name == _TRIALS:
            for trial in sorted(path.iterdir()):
                yield from _own_trial(trial)
            yield path
        elif path.name == _MEMBERS:
            for member in sorted(path.iterdir()):
                if member.is_dir() and not member.is_symlink():
                    yield from own_paths(member)
                    yield member
            yield path


def own_files(run: Path, name: str) -> Iterator[Path]:
    """The files in one of a run's folders that dltrain made; none where there is no such folder."""
    folder = run / name
    if folder.is_dir() and not folder.is_symlink():
        yield from (path for path in _own_files(folder, FOLDERS[name]) if not path.is_dir())


def _own_files(folder: Path, pattern: re.Pattern[str]) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.is_symlink():
            continue
        if path.is_dir():
            yield from _own_files(path, pattern)
            yield path
        elif pattern.fullmatch(path.name) or _TEMPORARY.fullmatch(path.name):
            yield path


def _own_trial(folder: Path) -> Iterator[Path]:
    """What a trial consists of: a run, or one for each fold or seed."""
    if folder.is_symlink() or not folder.is_dir():
        return
    yield from own_paths(folder)
    for fit in sorted(folder.iterdir()):
        if fit.name not in FOLDERS and fit.is_dir() and not fit.is_symlink():
            yield from own_paths(fit)
            yield fit
    yield folder


def is_taken(name: str) -> bool:
    """Whether a path below a run directory is the directory itself, or leads into what dltrain keeps there for itself."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    return not parts or parts[0] in _ITS_OWN
