"""The runs of a folder: listed, found by a part of their name, removed."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dltrain import system
from dltrain.errors import RunError, UsageError
from dltrain.reporting import Reporter
from dltrain.storage.bounds import most_of_run
from dltrain.storage.formats.other_files import DATA_SUFFIXES
from dltrain.storage.removal import remove_run_files
from dltrain.storage.run import Run
from dltrain.storage.stored import require_own
from dltrain.wording import nearest

# As dltrain writes it: two blanks before a key of the manifest itself, and no line feed within a text.
_STARTED = re.compile(rb'^  "started": "([\w:.+-]*)"', re.MULTILINE)
_TOLD = 500  # runs, after which it is told again how far it is
# There is no folder of such a name.
_NO_FOLDER = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP)


@dataclass(frozen=True, slots=True)
class RunInfo:
    """A run as `dltrain runs` lists it."""

    path: Path
    name: str
    status: str
    started: str
    seconds: float | None
    task: str | None
    metrics: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    config: str | None = None
    is_locked: bool = False
    num_bytes: int = 0
    is_own: bool = False


def list_runs(runs: Path, *, limit: int | None = None, reporter: Reporter | None = None) -> list[RunInfo]:
    """The runs below a folder, newest first; folders that are no runs are left out.

    Args:
        runs: the folder.
        limit: the first so many alone; of the others no more is read than when they began.
        reporter: hears how far it is, where there are many.

    Raises:
        RunError: the folder is there and cannot be read.
    """
    folders = _newest_first(run_folders(Path(runs)))[:limit]
    infos = []
    for place, folder in enumerate(folders):
        if reporter is not None and place % _TOLD == _TOLD - 1:
            reporter.status(f"reading the runs: {place + 1:,} of {len(folders):,}")
        infos.append(_run_info(Run(folder)))
    return infos


def run_folders(runs: Path) -> list[Path]:
    """The folders below one that have a manifest, or of which that cannot be known, by name.

    Raises:
        RunError: the folder is there and cannot be read.
    """
    try:
        names = sorted(os.listdir(runs))
    except ValueError:  # a zero byte in the name
        return []
    except OSError as error:
        if error.errno in _NO_FOLDER:
            return []
        raise RunError(f"the runs in {runs} cannot be read: {error.strerror}") from error
    return [runs / name for name in names if _may_have(runs / name / "manifest.json")]


def _may_have(file: Path) -> bool:
    try:
        file.lstat()
    except OSError as error:
        return error.errno not in _NO_FOLDER
    return True


def status_of(manifest: Mapping[str, Any], *, is_locked: bool) -> str:
    """How a run ended, or "running" where a process holds its lock."""
    status = str(manifest.get("status", "failed"))
    # Its process was killed before it could say so.
    return "interrupted" if status == "running" and not is_locked else status


def _run_info(run: Run) -> RunInfo:
    try:
        manifest = run.read_manifest()
        metrics = run.read_metrics(manifest)
    except RunError:
        return RunInfo(run.path, run.path.name, "damaged", "", None, None)
    locked = run.is_locked()
    parts = metrics.get("metrics")
    return RunInfo(
        path=run.path,
        name=str(manifest.get("name", run.path.name)),
        status=status_of(manifest, is_locked=locked),
        started=str(manifest.get("started", "")),
        seconds=_total_seconds(manifest.get("seconds")),
        task=manifest.get("task"),
        metrics=parts if isinstance(parts, dict) else {},
        config=manifest.get("config"),
        is_locked=locked,
        num_bytes=_bytes_below(run.path),
        is_own=run.is_manifest_own(manifest),
    )


def _bytes_below(folder: Path) -> int:
    """The bytes of all files below a folder, none of them beyond a link; what a fit that is running has just removed has none."""
    total, waiting = 0, [str(folder)]
    while waiting:
        with contextlib.suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    found = entry.stat(follow_symlinks=False)
                    total += found.st_size if stat.S_ISREG(found.st_mode) else 0
                    waiting += [entry.path] if stat.S_ISDIR(found.st_mode) else []
    return total


def _total_seconds(seconds: Any) -> float | None:
    """What the manifest says, if it is a duration: it may be anybody's."""
    total = seconds.get("total") if isinstance(seconds, dict) else None
    return total if isinstance(total, (int, float)) and 0 <= total < 1e12 else None


def find_run(word: str, runs: Path) -> Path:
    """The run that a user's word means: a path, `latest`, or a unique prefix of a run's name below `runs`.

    Raises:
        UsageError: no run, or more than one, answers to the word.
        RunError: the path exists but is no run.
    """
    path = Path(word)
    is_folder = os.path.isdir(path)
    if is_folder and os.path.lexists(path / "manifest.json"):
        return path
    known = run_folders(Path(runs))
    if word == "latest" and known:
        return _latest(known)
    matches = [folder for folder in known if folder.name.startswith(word)] if word else []
    exact = [match for match in matches if match.name == word]
    if exact or len(matches) == 1:
        return (exact or matches)[0]
    if is_folder and not matches:
        raise RunError(f"{path} is no run: it has no manifest.json", hint="`dltrain runs` lists the runs")
    if matches:
        names = ", ".join(sorted(match.name for match in matches)[:5])
        raise UsageError(f"{len(matches)} runs in {runs} begin with {word!r}: {names}", hint="write more of the name")
    if os.path.isfile(path) and path.suffix in (".yaml", ".yml"):
        hint = f"`dltrain fit {word}` makes one; `dltrain trace {word} --input '1, 2'` computes with the weights that it gives"
        raise UsageError(f"{word} is a config, not a run", hint=hint)
    if os.path.isfile(path) and path.suffix.casefold() in DATA_SUFFIXES:
        hint = f"`dltrain predict RUN --data {word}` and `dltrain evaluate RUN --data {word}` take it"
        raise UsageError(f"{word} is a file of data, not a run", hint=hint)
    hint = "`dltrain runs` lists the runs" if known else f"there are no runs in {runs}; a run elsewhere is named by its path"
    beside = {name: str(path.parent / name) for name in _names_beside(path)} if word else {}
    near = nearest(path.name, [*(["latest"] if known else []), *(folder.name for folder in known), *beside])
    hint = f'did you mean "{beside.get(near, near)}"? {hint}' if near else hint
    raise UsageError(
        f"no run answers to {word!r}: it is neither a run's path, nor `latest`, nor the beginning of a run's name", hint=hint
    )


def _latest(folders: Sequence[Path]) -> Path:
    """The run that began last; one whose manifest cannot be read only where there is no other."""
    return next((folder for folder in _newest_first(folders) if _is_readable(folder)), max(folders))


def _newest_first(folders: Sequence[Path]) -> list[Path]:
    begun = sorted(((_started(folder), folder.name, folder) for folder in folders), reverse=True)
    return [folder for _, _, folder in begun]


def _started(folder: Path) -> str:
    """When a run began, looked for in its manifest without understanding all else that stands there: there may be many runs."""
    name = "manifest.json"
    try:
        descriptor = os.open(f"{folder}/{name}", os.O_RDONLY | system.NO_LINK | system.NO_WAIT | system.BINARY)
        try:
            is_file = stat.S_ISREG(os.fstat(descriptor).st_mode)
            found = _STARTED.search(os.read(descriptor, most_of_run(name))) if is_file else None
        finally:
            os.close(descriptor)
    except OSError:  # a link within the run is read below
        found = None
    if found:
        return found[1].decode("ascii", "replace")
    try:
        return str(Run(folder).read_manifest().get("started", ""))
    except RunError:
        return ""


def _is_readable(folder: Path) -> bool:
    try:
        Run(folder).read_manifest()
    except RunError:
        return False
    return True


def _names_beside(path: Path) -> list[str]:
    """Names of the runs in the folder where a path would be, for a hint."""
    try:
        return [folder.name for folder in run_folders(path.parent)]
    except RunError:
        return []


def best_of_sweep(path: Path) -> Path:
    """The run of a sweep's best trial; any other run is itself.

    Raises:
        RunError: it is a sweep that has not come to a best trial.
    """
    manifest = Run(path).read_manifest()
    if manifest.get("kind") != "sweep":
        return path
    best = manifest.get("best")
    if not isinstance(best, str):
        hint = f"dltrain sweep --resume {path}"
        raise RunError(f"{path} is a sweep ({manifest.get('status')}) without a best trial yet", hint=hint)
    found = path / best
    require_own(found, path)
    if not (found / "manifest.json").is_file():
        raise RunError(f"{found}, the best trial of the sweep, is no run", hint="the sweep is damaged")
    return found


def remove_run(path: Path) -> list[Path]:
    """Delete a run: the files that dltrain writes, and the directory, if nothing else is in it.

    Returns:
        What was in it and is not dltrain's: it stays where it is.

    Raises:
        RunError: it is no run, or a live process holds it.
        OSError: something cannot be removed.
    """
    run = Run(Path(path))
    if run.path.is_symlink():
        raise RunError(f"{path} is a link; nothing was removed", hint=f"the run is {run.path.resolve()}")
    if not run.manifest_file.exists():
        raise RunError(f"{path} is no run: it has no manifest.json; nothing was removed")
    if not run.is_own():
        raise RunError(f"{path} is no run of dltrain's: its manifest.json is another program's; nothing was removed")
    with run.kept_from_others() as is_free:
        if not is_free:
            raise RunError(f"the run {path} is in use; nothing was removed", hint="end its process first")
        left = remove_run_files(run.path)
        if not left:
            run.path.rmdir()
    return left


def prunable_runs(infos: Sequence[RunInfo]) -> list[RunInfo]:
    """What `dltrain runs prune` removes: of the runs that are listed, those that never got to an end and no live process holds.

    A link to a run is not one of them: where the run is, somebody else may keep it.
    """
    unfinished = [info for info in infos if info.status in ("interrupted", "diverged", "failed")]
    return [info for info in unfinished if not info.is_locked and not info.path.is_symlink() and info.is_own]
