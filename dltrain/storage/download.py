"""Fetches one published file: checked, bounded, whole or not at all.

urllib is imported where it is needed: with ssl it takes longer than reading a cached dataset.
"""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from dltrain.errors import reason_of
from dltrain.reporting import Reporter
from dltrain.storage.atomic import open_new
from dltrain.storage.removal import remove_abandoned, remove_temporary, temporary_files_of, temporary_name

CHUNK = 1 << 18
TIMEOUT = 30.0
ATTEMPTS = 3
PAUSE = 1.0


@dataclass(frozen=True, slots=True)
class Remote:
    """A published file.

    Attributes:
        filename: what it is stored as.
        url: where its publisher, or the library that documents it, serves it.
        checksum: "sha256:..." or "md5:..." as published.
        num_bytes: its size, about; more than twice of it is not accepted.
    """

    filename: str
    url: str
    checksum: str
    num_bytes: int


class DownloadError(Exception):
    """Why a file could not be fetched, in a few words; the caller says what that means for the user."""


def download(remote: Remote, folder: Path, reporter: Reporter) -> Path:
    """Fetch `remote` into `folder` (made if need be) and return the file's path.

    Tried again when the connection breaks or the server is busy. The file appears under its name only once its checksum is right.

    Raises:
        DownloadError: host unknown or down, timed out, refused, cut short, wrong checksum, disk full.
    """
    import http.client
    import urllib.error

    for attempt in range(1, ATTEMPTS + 1):
        try:
            return _download_once(remote, folder, reporter)
        except urllib.error.HTTPError as error:
            reason, passing = f"the server answered {error.code} {error.reason}", error.code in (429, 500, 502, 503, 504)
        except urllib.error.URLError as error:
            # Host unknown, refused or silent: waiting a second does not help.
            reason, passing = reason_of(error.reason), False
        except (_CutShortError, ConnectionError, http.client.HTTPException) as error:
            reason, passing = str(error) or type(error).__name__, True
        except TimeoutError:
            reason, passing = f"nothing arrived for {TIMEOUT:.0f} seconds", False
        except OSError as error:
            reason, passing = f"cannot write {error.filename or folder}: {reason_of(error)}", False
        if not passing or attempt == ATTEMPTS:
            raise DownloadError(reason)
        reporter.detail(f"{remote.filename}: {reason}; trying again")
        time.sleep(PAUSE * attempt)
    raise AssertionError("unreachable")


class _CutShortError(Exception):
    """The connection ended before the announced size."""


def _download_once(remote: Remote, folder: Path, reporter: Reporter) -> Path:
    import urllib.request

    reporter.status(f"downloading {remote.filename} ({_megabytes(remote.num_bytes)})")
    request = urllib.request.Request(remote.url, headers={"User-Agent": "dltrain"})
    path = folder / remote.filename
    temporary = folder / temporary_name(path)  # of this process alone, on whichever machine or in whichever container it runs
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
            length = response.headers.get("Content-Length")
            total = int(length) if length and length.isdecimal() else None
            folder.mkdir(parents=True, exist_ok=True)
            remove_abandoned(temporary_files_of(path))
            with open_new(temporary) as file:
                found = _copy(response, file, remote, total, reporter)
                file.flush()
                os.fsync(file.fileno())
        expected = remote.checksum.partition(":")[2]
        if found != expected:
            raise DownloadError(f"its checksum is wrong: expected {remote.checksum}, received {found}")
        os.replace(temporary, path)
        return path
    finally:
        remove_temporary(temporary)


def _copy(response: Any, file: IO[bytes], remote: Remote, total: int | None, reporter: Reporter) -> str:
    """Copy the body while hashing it and telling how far it is; returns the hex digest."""
    algorithm = remote.checksum.partition(":")[0]
    digest = hashlib.new(algorithm, usedforsecurity=algorithm != "md5")
    limit = max(2 * remote.num_bytes, 1 << 20)
    done, told = 0, time.monotonic()
    while chunk := response.read(CHUNK):
        done += len(chunk)
        if done > limit:
            raise DownloadError(f"it sends more than {_megabytes(limit)} where {_megabytes(remote.num_bytes)} were expected")
        digest.update(chunk)
        file.write(chunk)
        if time.monotonic() - told >= 0.25:
            told = time.monotonic()
            reporter.status(f"downloading {remote.filename}: {done / 1e6:.0f} of {_megabytes(total or remote.num_bytes)}")
    if total is not None and done < total:
        raise _CutShortError(f"the connection ended after {done:,} of {total:,} bytes")
    return digest.hexdigest()


def _megabytes(num_bytes: int) -> str:
    return f"{num_bytes / 1e6:.0f} MB" if num_bytes >= 10_000_000 else f"{num_bytes / 1e6:.1f} MB"
