"""Unpacks a tar archive without trusting it."""

from __future__ import annotations

import os
import shutil
import tarfile
import zlib
from pathlib import Path, PurePosixPath

from dltrain.errors import DataError, RunError
from dltrain.storage.atomic import cannot_write
from dltrain.storage.removal import remove_temporary, temporary_name


def unpack_tar(archive: Path, folder: Path, *, max_bytes: int, max_members: int) -> None:
    """Unpack files and folders of `archive` into the new folder `folder`: all of them, or `folder` does not appear.

    Only regular files and folders with relative paths that stay inside are taken; owners, modes and times are not.

    Raises:
        DataError: not a tar archive, cut short, a member that is a link or a device, leaves the folder, or is beyond the limits.
        RunError: the disk does not take it.
    """
    temporary = folder.with_name(temporary_name(folder))
    try:
        temporary.mkdir(parents=True)
        with tarfile.open(archive, "r:*") as tar:
            _unpack_members(tar, archive, temporary, max_bytes=max_bytes, max_members=max_members)
        if not folder.exists():
            os.replace(temporary, folder)
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise DataError(f"expected a whole tar archive: {error}", file=str(archive), hint="download it again") from error
    except OSError as error:
        if error.errno is None:  # gzip's own complaints carry no number
            raise DataError(f"expected a whole tar archive: {error}", file=str(archive)) from error
        # Another process that unpacked the same archive meanwhile is no failure.
        if not folder.is_dir():
            raise cannot_write(folder, error) from error
    finally:
        remove_temporary(temporary)


def _unpack_members(tar: tarfile.TarFile, archive: Path, folder: Path, *, max_bytes: int, max_members: int) -> None:
    num_bytes = num_members = 0
    for member in tar:
        num_members += 1
        num_bytes += max(member.size, 0)
        path = PurePosixPath(member.name)
        reason = None
        if path.is_absolute() or ".." in path.parts or "\\" in member.name or "\0" in member.name:
            reason = "leads out of the archive's folder"
        elif not (member.isreg() or member.isdir()):
            reason = "is neither a file nor a folder"
        elif num_bytes > max_bytes:
            reason = f"takes the archive beyond {max_bytes:,} bytes"
        elif num_members > max_members:
            reason = f"takes the archive beyond {max_members:,} files"
        if reason:
            raise DataError(f"refused: its member {member.name!r} {reason}", file=str(archive))
        target = folder.joinpath(*path.parts)
        if member.isdir():
            target.mkdir(parents=True, exist_ok=True)
            continue
        source = tar.extractfile(member)
        if source is None:
            raise RunError(f"cannot read {member.name!r} of {archive}")
        target.parent.mkdir(parents=True, exist_ok=True)
        with source, open(target, "wb") as file:
            shutil.copyfileobj(source, file)
