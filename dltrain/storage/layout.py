"""The names of all that dltrain writes into a run directory; what has another name is somebody else's."""

from __future__ import annotations

import contextlib
import os
import re
import string
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from dltrain.errors import RunError, reason_of

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
        "optuna.journal",
    }
)
# Folder -> what the names of its files look like, besides those that the manifest tells: what a config names.
FOLDERS = {
    "checkpoints": re.compile(r"(best|last)\.(h5|keras)"),
    "state": re.compile(r"state-\d+-\d+\.npz|(best|findings)\.json|(parts|training_rows|baseline)\.npz"),
    "tensorboard": re.compile(r".*tfevents.*|.+\.(pb|pbtxt|pipeline|tsv)|keras_embedding\.ckpt.*"),
    "code": re.compile(r".+\.py"),
}
_ITS_OWN = FILES | FOLDERS.keys() - {"tensorboard"} | {"trials", "members"}
# As `removal.temporary_name` makes them, with the writing process, and with the suffix that some formats must have.
UNFINISHED = re.compile(r"\..+\.(\d{1,9})-[0-9a-f]{8}\.tmp(\.\w{1,10})?")
# Folders in each other below one of a run's; a config may name some.
DEEPEST = 64
TRIALS = "trials"
_TRIAL = re.compile(r"\d{4,}")
_FIT = re.compile(r"(seed-\d+-?)?(fold-\d+)?")  # of a trial
_MEMBERS = "members"  # of an ensemble: each a run by itself
_MEMBER = re.compile(r"\d+")
# What a template's fields become; nothing is tried twice, however many fields a stranger writes.
_NUMBER = r"(?> *[-+]?(\d++(\.\d++)?([eE][-+]?\d++)?|(?i:nan|inf))%?)"
_VALUE = {"epoch": r" *+\d++"}


def _patterns(run: Path) -> dict[str, re.Pattern[str]]:
    """Folder of a run -> what its own files in it are called: FOLDERS, and what the manifest says that the config named.

    Without a manifest to say so, nothing but what every run has is dltrain's, and code, which nothing else is put beside.

    Raises:
        OSError: the system does not let it be read.
    """
    from dltrain.storage.documents import MANIFEST  # the names alone, which `--help` needs, need none of this
    from dltrain.storage.stored import read_json

    manifest = run / "manifest.json"
    refused: OSError | None = None
    try:
        found = {} if manifest.is_symlink() else read_json(manifest, {"named": MANIFEST["named"]})
    except FileNotFoundError:
        return FOLDERS
    except RunError as error:
        if not isinstance(error.__cause__, OSError):
            return FOLDERS
        refused = error.__cause__
    if refused is not None:  # what it names is not known: nothing is to be taken for a stranger's
        raise refused  # not within the block above: each of the two would be the reason of the other
    named = found.get("named", {})
    patterns = FOLDERS | {"code": re.compile("|".join(re.escape(name) for name in named.get("code", ())) or "(?!)")}
    if "checkpoints" in named:
        with contextlib.suppress(ValueError):  # no template
            patterns["checkpoints"] = re.compile(f"{FOLDERS['checkpoints'].pattern}|{_name_of(named['checkpoints'])}")
    if "tensorboard" in named and not is_taken(named["tensorboard"]):
        patterns[PurePosixPath(named["tensorboard"]).parts[0]] = FOLDERS["tensorboard"]
    return patterns


def _name_of(template: str) -> str:
    """What the names look like that come of a template of checkpoints."""
    parts = string.Formatter().parse(template)
    return "".join(re.escape(before) + ("" if field is None else _VALUE.get(field, _NUMBER)) for before, field, _, _ in parts)


def own_paths(folder: Path) -> Iterator[Path]:
    """All paths below a run directory that dltrain made, what is in a folder before the folder itself; links are never followed.

    Args:
        folder: of a run or of a sweep, whose trials are runs.
    """
    patterns = _patterns(folder)
    for path in sorted(folder.iterdir()):
        if not _is_folder(path):
            if path.name in FILES or UNFINISHED.fullmatch(path.name):
                yield path
        elif path.name in patterns:
            yield from _own_files(path, patterns[path.name])
            yield path
        elif path.name == TRIALS:
            for trial in sorted(path.iterdir()):
                yield from _own_trial(trial)
            yield path
        elif path.name == _MEMBERS:
            for member in sorted(path.iterdir()):
                if _MEMBER.fullmatch(member.name) and _is_folder(member):
                    yield from own_paths(member)
                    yield member
            yield path


def own_files(run: Path, name: str) -> Iterator[Path]:
    """The files in one of a run's folders that dltrain made; none where there is no such folder."""
    folder = run / name
    if _is_folder(folder):
        yield from (path for path in _own_files(folder, _patterns(run)[name]) if not path.is_dir())


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def all_paths(folder: Path) -> Iterator[Path]:
    """All that is below a folder of a run, whoever made it; links are not followed.

    Raises:
        RunError: folders stand in each other as no config names them, or the system does not let one be looked into.
    """
    waiting = [folder]
    while waiting:
        place = waiting.pop()
        if len(place.parts) - len(folder.parts) > DEEPEST:
            raise RunError(f"{folder} holds folders in each other, more than {DEEPEST} levels", hint="the run is not dltrain's")
        try:
            with os.scandir(place) as entries:
                found = [(place / entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
        except FileNotFoundError:  # removed meanwhile
            continue
        except OSError as error:
            raise RunError(f"{place} cannot be looked into: {reason_of(error)}", hint="the run is damaged") from error
        yield from (path for path, _ in found)
        waiting += [path for path, is_folder in found if is_folder]


def _own_files(folder: Path, pattern: re.Pattern[str], below: str = "") -> Iterator[Path]:
    for path in sorted(folder.iterdir()) if below.count("/") <= DEEPEST else ():
        if path.is_symlink():
            continue
        if path.is_dir():
            yield from _own_files(path, pattern, f"{below}{path.name}/")
            yield path
        elif pattern.fullmatch(below + path.name) or UNFINISHED.fullmatch(path.name):
            yield path


def _own_trial(folder: Path) -> Iterator[Path]:
    """What a trial consists of: a run, or one for each fold or seed."""
    if not _TRIAL.fullmatch(folder.name) or not _is_folder(folder):
        return
    yield from own_paths(folder)
    for fit in sorted(folder.iterdir()):
        if _FIT.fullmatch(fit.name) and _is_folder(fit):
            yield from own_paths(fit)
            yield fit
    yield folder


def is_taken(name: str) -> bool:
    """Whether a path below a run directory is the directory itself, or leads into what dltrain keeps there for itself."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    return not parts or parts[0] in _ITS_OWN
