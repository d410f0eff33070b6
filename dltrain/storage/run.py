"""The run directory that exists: its names, its layout, the lock, the manifest. `new_run.py` makes one.

runs/lfw-20261122-101500-3f2a/
  config.yaml  manifest.json  history.csv  metrics.json  preprocessing.json  preprocessing.npz
  checkpoints/best.h5  checkpoints/last.h5  state/  log.txt
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dltrain import system
from dltrain.errors import RunError
from dltrain.storage.atomic import (
    cannot_write,
    make_folder,
    to_json,
    unshare,
    write_atomically,
)
from dltrain.storage.documents import MANIFEST, METRICS, STATUSES, with_cells, with_matrices
from dltrain.storage.held import held, place_of
from dltrain.storage.layout import FILES, all_paths, own_files, own_paths
from dltrain.storage.removal import remove_abandoned, remove_run_files
from dltrain.storage.stored import (
    Check,
    check_digest,
    digests,
    read_json,
    require_own,
)

LOCK_TEXT = re.compile(rb"process \d+ on .*", flags=re.DOTALL)


_LOCK = os.O_RDWR | os.O_CREAT | os.O_APPEND | system.NO_WAIT  # a pipe is not waited for


@dataclass(frozen=True, slots=True)
class Run:
    """A run directory that exists. All paths of its layout come from here.

    Attributes:
        path: the directory.
        was_there: it was the user's, and empty, before this process wrote into it.
    """

    path: Path
    was_there: bool = False

    def inside(self, folder: str, name: str) -> Path:
        """A path below one of the run's folders, made from a name that a config or a stored file gave.

        Raises:
            RunError: it would lead out of the folder, by its name or by a link in the way.
        """
        path = self.path / folder / name
        parts = Path(name).parts
        if not parts or Path(name).is_absolute() or ".." in parts or "\0" in name or not path.is_relative_to(self.path / folder):
            raise RunError(f"{name!r} leads out of {self.path / folder}", hint="refused as unsafe")
        for step in [path, *path.parents][: len(parts) + 1]:
            if step.is_symlink():
                raise RunError(f"{step} is a link", hint="refused as unsafe")
        return path

    @property
    def config_file(self) -> Path:
        """The resolved config; `dltrain fit` on it repeats the run."""
        return self.path / "config.yaml"

    @property
    def manifest_file(self) -> Path:
        """Status, argv, seed, versions, threads, compiler choice, data fingerprint, times."""
        return self.path / "manifest.json"

    @property
    def history_file(self) -> Path:
        """One row per epoch."""
        return self.path / "history.csv"

    @property
    def metrics_file(self) -> Path:
        """Final metrics, baseline, confusion matrix."""
        return self.path / "metrics.json"

    @property
    def checkpoints(self) -> Path:
        """best, last, and the files that the template names."""
        return self.path / "checkpoints"

    @property
    def state(self) -> Path:
        """What an exact resume needs."""
        return self.path / "state"

    @property
    def code(self) -> Path:
        """Copies of the config's own code, where it has some."""
        return self.path / "code"

    def keep_code(self, sources: Mapping[str, bytes]) -> None:
        """Write the config's own code into the run.

        Args:
            sources: name of each file -> its bytes.

        Raises:
            RunError: it cannot be written, or a link is in the way.
        """
        for name, source in sources.items():
            path = self.inside("code", name)
            make_folder(path.parent)
            write_atomically(path, source)

    @property
    def log_file(self) -> Path:
        """What happened, with times."""
        return self.path / "log.txt"

    def read_manifest(self) -> dict[str, Any]:
        """The manifest as plain values.

        Raises:
            RunError: it is missing, too large, or a value in it is not what dltrain writes.
        """
        return _read_own_json(self.manifest_file, MANIFEST)

    def is_own(self) -> bool:
        """Whether the manifest is one that dltrain writes, of a run or a sweep."""
        try:
            manifest = self.read_manifest()
        except RunError:
            return False
        return self.is_manifest_own(manifest)

    @staticmethod
    def is_manifest_own(manifest: Mapping[str, Any]) -> bool:
        """The same of a manifest that was read."""
        environment = manifest.get("environment")
        return manifest.get("status") in STATUSES and isinstance(environment, dict) and "dltrain" in environment

    def write_manifest(self, manifest: Mapping[str, Any]) -> None:
        """Replace the manifest atomically."""
        write_atomically(self.manifest_file, (to_json(manifest) + "\n").encode())

    def digests(self) -> dict[str, str]:
        """SHA-256 of what is read back of the run, for the manifest: name below the run -> digest."""
        return digests(self.path, self._read_back())

    def _read_back(self) -> list[Path]:
        """The files, there or not, of which the manifest has digests.

        The states of training are left out: they hold a checksum of each array, and a damaged one has another before it.
        """
        names = (
            "config.yaml",
            "metrics.json",
            "history.csv",
            "held_out.csv",
            "answers.json",
            "preprocessing.json",
            "preprocessing.npz",
            "sweep.json",
        )
        files = [path for folder in ("checkpoints", "state", "code") for path in own_files(self.path, folder)]
        kept = [path for path in files if not path.name.startswith((".", "state-"))]
        return [*(self.path / name for name in names), *kept]

    def check_digests(self, manifest: Mapping[str, Any], *, checkpoint: int | None = None) -> None:
        """Hold what an earlier fit left behind against its digests, before a later one makes it its own.

        Args:
            manifest: of the run.
            checkpoint: bytes that a checkpoint of the run's model may have, where that is known.

        Raises:
            RunError: a file was changed since the run ended.
        """
        recorded = manifest.get("files")
        for file in self._read_back() if recorded else ():
            if file.is_file() and not file.is_symlink():
                most = checkpoint if file.is_relative_to(self.checkpoints) else None
                check_digest(self.path, file, recorded, most=most)

    def is_as_written(self) -> bool:
        """Whether all that is read back of it has the digests of its manifest; what was found out later has none."""
        try:
            manifest = self.read_manifest()
            self.check_digests(manifest)
        except (OSError, RunError):
            return False
        found_later = os.path.lexists(self.path / "state" / "findings.json")
        return bool(manifest.get("files")) and not found_later

    def check_file(self, file: Path) -> None:
        """Hold one of the run's files against the digest that the manifest has of it, if it has one.

        Raises:
            RunError: it was changed since the run ended.
        """
        check_digest(self.path, file, self.read_manifest().get("files"))

    def read_metrics(self, manifest: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """What metrics.json holds; empty where the run has not got that far.

        Args:
            manifest: of the run, where it was read already.

        Raises:
            RunError: it was changed since the run ended, or a value in it is not what dltrain writes.
        """
        if not self.metrics_file.exists():
            return {}
        found = _read_own_json(self.metrics_file, METRICS)
        check_digest(self.path, self.metrics_file, (self.read_manifest() if manifest is None else manifest).get("files"))
        try:
            return with_matrices(found)
        except ValueError as error:
            raise RunError(f"{self.metrics_file}: {error}", hint="the run is damaged or not dltrain's") from error

    def write_metrics(self, document: Mapping[str, Any]) -> None:
        """Write metrics.json.

        Raises:
            RunError: the disk does not take it.
        """
        write_atomically(self.metrics_file, (to_json(with_cells(document)) + "\n").encode())

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the run for this process; the kernel lets go of it when the process ends, however it ends.

        Raises:
            RunError: a live process holds it.
        """
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(held(self.path))
                with place_of(self.path / ".lock") as place:
                    descriptor = place.open(_LOCK)
                file = stack.enter_context(os.fdopen(descriptor, "a+b"))
            except OSError as error:
                raise cannot_write(self.path / ".lock", error) from error
            try:
                system.lock(file)
            except BlockingIOError as error:
                raise self._in_use() from error
            if os.fstat(descriptor).st_nlink > 1:  # what is written would be in a file elsewhere as well
                unshare(self.path / ".lock")
                with self.locked():
                    yield
                return
            file.seek(0)
            file.truncate()
            file.write(f"process {os.getpid()} on {socket.gethostname()}".encode())
            file.flush()
            yield

    def _in_use(self) -> RunError:
        holder = "another process"
        with contextlib.suppress(OSError), open(self.path / ".lock", "rb") as file:
            holder = file.read(200).decode(errors="replace").strip() or holder
        return RunError(f"the run {self.path} is in use by {holder}", hint="wait until it ends, or choose another --run-dir")

    def refuse_in_use(self) -> None:
        """Refuse a directory that a live process writes.

        Raises:
            RunError: one does.
        """
        if self.is_locked():
            raise self._in_use()

    def is_locked(self) -> bool:
        """Whether a live process holds the run."""
        with self.kept_from_others(shared=True) as is_free:
            return not is_free

    @contextlib.contextmanager
    def kept_from_others(self, *, shared: bool = False) -> Iterator[bool]:
        """Let no process begin with the run meanwhile, without writing into it; whether none holds it now."""
        try:
            descriptor = os.open(self.path / ".lock", os.O_RDONLY | system.NO_LINK | system.NO_WAIT)
        except OSError:
            yield True  # nobody ever held it
            return
        try:
            is_free = True
            try:
                system.lock(descriptor, shared=shared)
            except BlockingIOError:
                is_free = False
            except OSError:
                pass  # a file system without locks
            yield is_free
        finally:
            os.close(descriptor)

    def refuse_foreign_files(self) -> None:
        """Refuse a run in which something of the layout is a link that leads out of it, or neither a file nor a folder.

        Raises:
            RunError: the first such thing.
        """
        paths = [self.path / name for name in sorted(FILES)]
        for folder in (self.checkpoints, self.state, self.code):
            require_own(folder, self.path)
            paths += all_paths(folder) if folder.is_dir() else ()
        for path in paths:
            require_own(path, self.path)

    def is_only_begun(self) -> bool:
        """Whether a process of dltrain was killed here before it had anything to keep: no manifest, no checkpoint, no epoch.

        A lock file proves that it was dltrain; a directory without one may hold nothing at all but empty folders.
        """
        own = set(own_paths(self.path))
        every = set(all_paths(self.path))
        if self.manifest_file.exists() or every - own:
            return False
        files = {path for path in every if not path.is_dir()}
        if any(path.is_relative_to(self.checkpoints) for path in files if not path.name.endswith(".tmp")):
            return False
        return not self._has_epochs() and (not files or self._lock_file_is_own(is_alone=files == {self.path / ".lock"}))

    def _has_epochs(self) -> bool:
        """Whether its history has a whole row beneath the names of the columns."""
        if not self.history_file.is_file():
            return False
        with open(self.history_file, "rb") as file:
            return file.read(1 << 20).count(b"\n") > 1

    def _lock_file_is_own(self, *, is_alone: bool) -> bool:
        """Whether the lock file says which process made it; before it could, it is empty, and the first file of all."""
        try:
            with open(self.path / ".lock", "rb") as file:
                content = file.read(400)
        except OSError:
            return False
        return LOCK_TEXT.fullmatch(content) is not None or (is_alone and not content)

    def discard(self) -> None:
        """Remove what this process wrote into a run directory that has come to nothing, and the directory, if it made it.

        Another process may have begun in it meanwhile: then all stays.
        """
        with contextlib.suppress(OSError), self.kept_from_others() as is_free:
            left = remove_run_files(self.path) if is_free else [self.path]
            if not left and not self.was_there:
                self.path.rmdir()

    def remove_temporary_files(self) -> None:
        """Remove what killed processes, of whatever command, left of unfinished writes."""
        with contextlib.suppress(OSError):
            below = [path for name in ("checkpoints", "state", "code") for path in own_files(self.path, name)]
            remove_abandoned([*self.path.glob(".*.tmp"), *below])


def _read_own_json(path: Path, schema: Mapping[str, Check]) -> dict[str, Any]:
    require_own(path, path.parent)
    try:
        return read_json(path, schema)
    except FileNotFoundError as error:
        raise RunError(f"{path.parent} is no run: it has no {path.name}") from error
