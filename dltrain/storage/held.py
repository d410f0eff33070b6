"""Folders that are opened once and written through their open descriptor, so that a link put in their place leads nowhere.

A path is looked up anew with each call, and a folder in the middle of it may be another one by then. So each is opened once, and
what is done there by name is done in what was opened. Windows has no such calls: there it is done by the path.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dltrain import system

_OPEN = os.O_RDONLY | system.FOLDER | system.NO_CHILD
_held: dict[str, tuple[int, int]] = {}  # path of a folder -> its device and number, which no other has as long as it is in use


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """Write below a folder into this very one, through no link in it, until the block ends; what is not there is not held."""
    path = os.path.abspath(folder)
    found = None
    if _root_of(path) is None:
        with contextlib.suppress(OSError):
            found = os.stat(path)
    if found is None:
        yield
        return
    _held[path] = found.st_dev, found.st_ino
    try:
        yield
    finally:
        del _held[path]


@dataclass(frozen=True, slots=True)
class Place:
    """A name in a folder that is open.

    Attributes:
        path: the whole path.
        folder: the open folder; None where the system does nothing by it.
    """

    path: Path
    folder: int | None

    @property
    def name(self) -> str | Path:
        """What the system is told, together with the folder."""
        return self.path if self.folder is None else self.path.name

    def beside(self, name: str) -> Place:
        """Another name in the same folder."""
        return Place(self.path.with_name(name), self.folder)

    def open(self, flags: int) -> int:
        """Open what has this name, as `os.open` does; no link is followed."""
        return os.open(self.name, flags | system.NO_LINK | system.NO_CHILD | system.BINARY, 0o666, dir_fd=self.folder)

    def rename(self, new: Place) -> None:
        """Give a file or a folder another name, there or in another folder, in the place of what has that name."""
        os.replace(self.name, new.name, src_dir_fd=self.folder, dst_dir_fd=new.folder)

    def link(self, new: Place) -> None:
        """Give a file a second name in the same folder; where there is something of that name, FileExistsError."""
        os.link(self.name, new.name, src_dir_fd=self.folder, dst_dir_fd=self.folder, follow_symlinks=self.folder is None)

    def make_folder(self) -> None:
        """Make a folder of this name, if there is nothing; what is there and is none raises FileExistsError."""
        try:
            os.mkdir(self.name, dir_fd=self.folder)
        except FileExistsError:
            if not stat.S_ISDIR(self._stat().st_mode):
                raise

    def remove(self) -> None:
        """Remove a file, or a folder that is empty; what is gone already, and a folder that holds something, is no error."""
        with contextlib.suppress(FileNotFoundError):
            if not stat.S_ISDIR(self._stat().st_mode):
                os.unlink(self.name, dir_fd=self.folder)
                return
            try:
                os.rmdir(self.name, dir_fd=self.folder)
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise

    def discard(self) -> None:
        """Remove a file that is no longer needed, if it is there; what the system refuses twice stays."""
        for _ in range(2):
            with contextlib.suppress(OSError):
                os.unlink(self.name, dir_fd=self.folder)
                return

    def sync(self) -> None:
        """Wait until the names in the folder are on the disk."""
        if self.folder is not None:
            os.fsync(self.folder)

    def require_same_folder(self) -> None:
        """Refuse to go on by the path where another folder was put in the place of the one that is open (raises OSError)."""
        parent = self.path.parent
        if self.folder is not None and not os.path.samestat(os.fstat(self.folder), os.stat(parent)):
            raise _replaced(parent)

    def _stat(self) -> os.stat_result:
        return os.stat(self.name, dir_fd=self.folder, follow_symlinks=False)


@contextlib.contextmanager
def place_of(path: Path) -> Iterator[Place]:
    """A path whose folder is open until the block ends.

    Below a folder that is held, each folder on the way is opened from the one above, and none is a link.

    Raises:
        OSError: a folder cannot be opened, was put in the place of the one that is held, or is a link below it.
    """
    path = Path(path)
    parent = os.path.dirname(os.path.abspath(path))
    if not ({os.open, os.stat, os.unlink, os.rmdir, os.mkdir, os.rename} <= os.supports_dir_fd):
        yield Place(path, None)
        return
    root = _root_of(parent)
    with contextlib.ExitStack() as opened:
        folder = os.open(parent if root is None else root, _OPEN)
        opened.callback(os.close, folder)
        if root is not None:
            found = os.fstat(folder)
            if (found.st_dev, found.st_ino) != _held[root]:
                raise _replaced(root)
            for part in Path(parent).relative_to(root).parts:
                folder = _step(folder, part)
                opened.callback(os.close, folder)
        yield Place(path, folder)


def is_held(path: Path) -> bool:
    """Whether the folder of a path, or one above it, is held."""
    return _root_of(os.path.dirname(os.path.abspath(path))) is not None


def _root_of(path: str) -> str | None:
    """The folder that is held which is, or holds, this one."""
    return next((root for root in _held if f"{path}{os.sep}".startswith(root.rstrip(os.sep) + os.sep)), None) if _held else None


def _replaced(folder: Path | str) -> OSError:
    return OSError(errno.ESTALE, f"another folder was put in the place of {folder} meanwhile", str(folder))


def _step(folder: int, part: str) -> int:
    try:
        return os.open(part, _OPEN | system.NO_LINK, dir_fd=folder)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            raise OSError(errno.ENOTDIR, f"{part} on the way is a link or no folder by now", part) from error
        raise
