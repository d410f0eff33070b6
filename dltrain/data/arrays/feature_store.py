"""Features of rows in dltrain's cache: outputs of a model's frozen layers, kept row by row under a digest of the row.

Because each row is found by itself, other splits, subsets and seeds of the same pictures find theirs as well.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import math
import os
import secrets
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain import system
from dltrain.errors import RunError
from dltrain.reporting import Reporter
from dltrain.settings import cache_folder, whole_number
from dltrain.storage.atomic import write_atomically

# All features together; what was used longest ago makes room.
QUOTA = 4 << 30
_DAMAGE = (OSError, ValueError, KeyError, TypeError, EOFError, MemoryError, zipfile.BadZipFile, zlib.error, NotImplementedError)


def feature_quota() -> int:
    """Bytes that stored features may take: `$DLTRAIN_FEATURE_BYTES`, else 4 GiB; 0 stores nothing."""
    return whole_number("DLTRAIN_FEATURE_BYTES", QUOTA)


def digest_rows(rows: NDArray[Any]) -> NDArray[np.uint64]:
    """A digest of 128 bits for each row's values: uint64 [rows, 2]."""
    rows = np.ascontiguousarray(rows)
    digests = np.empty((len(rows), 2), np.uint64)
    for index, row in enumerate(rows.reshape(len(rows), -1)):
        digests[index] = np.frombuffer(hashlib.blake2b(row.view(np.uint8).data, digest_size=16).digest(), np.uint64)
    return digests


class FeatureStore:
    """The features that one frozen part gives. A store that cannot be read or written costs time, not the run.

    Args:
        key: names the frozen part, its weights and the form of its input.
        shape: of one row's features.
        reporter: hears of what is damaged or cannot be stored.
    """

    def __init__(self, key: str, shape: tuple[int, ...], reporter: Reporter) -> None:
        self.folder = cache_folder() / "features" / key
        self._shape, self._reporter = shape, reporter

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Wait while another process computes features of the same frozen part, so that it is not done twice."""
        with contextlib.ExitStack() as stack:
            with contextlib.suppress(OSError):
                self.folder.mkdir(parents=True, exist_ok=True)
                file = stack.enter_context(open(self.folder / ".lock", "ab"))
                try:
                    system.lock(file)
                except BlockingIOError:
                    self._reporter.status("waiting for another process that computes the same features")
                    system.lock(file, wait=True)
            yield

    def find(self, digests: NDArray[np.uint64], features: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Put the stored features of rows into their places.

        Args:
            digests: from `digest_rows`.
            features: [rows, ...], filled where a row is found.

        Returns:
            Which rows were found.
        """
        found = np.zeros(len(digests), bool)
        for path in sorted(self.folder.glob("*.npz")):
            if found.all():
                break
            try:
                self._read(path, digests, features, found)
            except FileNotFoundError:
                continue  # another process made room
            except _DAMAGE as error:
                self._reporter.detail(f"stored features {path} are damaged ({error or type(error).__name__}); computed anew")
                with contextlib.suppress(OSError):
                    path.unlink()
        return found

    def _read(self, path: Path, digests: NDArray[np.uint64], features: NDArray[np.float32], found: NDArray[np.bool_]) -> None:
        with np.load(path, allow_pickle=False) as file:
            known = file["digests"]
            if known.dtype != np.uint64 or known.ndim != 2 or known.shape[1] != 2:
                raise ValueError("no digests")
            order = np.argsort(known[:, 0], kind="stable")
            places = np.searchsorted(known[order, 0], digests[:, 0]).clip(max=max(len(order) - 1, 0))
            rows = order[places] if len(order) else places
            hits = np.flatnonzero((known[rows] == digests).all(axis=1) & ~found) if len(order) else np.empty(0, np.int64)
            if not len(hits):
                return
            stored = file["features"]  # read to its end, so that its checksum is looked at
            if stored.dtype != np.float32 or stored.shape != (len(known), *self._shape):
                raise ValueError("features of another shape")
        features[hits] = stored[rows[hits]]
        found[hits] = True
        with contextlib.suppress(OSError):
            os.utime(path)

    def add(self, digests: NDArray[np.uint64], features: NDArray[np.float32]) -> Path | None:
        """Store features of rows; the longest unused of all make room for them. Returns the file, None where there is none."""
        if not len(digests):
            return None
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, digests=digests, features=features)
        data = buffer.getvalue()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if not _make_room(self.folder.parent, len(data)):
                quota = feature_quota()
                self._reporter.detail(f"features of {len(data):,} bytes are not stored: at most {quota:,} bytes may be")
                return None
            path = self.folder / f"{secrets.token_hex(8)}.npz"
            write_atomically(path, data)
        except (OSError, RunError) as error:
            self._reporter.detail(f"features are not stored: {error}")
            return None
        return path

    @property
    def row_bytes(self) -> int:
        """Bytes that one row's features take."""
        return 4 * math.prod(self._shape)


def _make_room(folder: Path, num_bytes: int) -> bool:
    """Remove the longest unused until so many bytes more are within the quota; False where they never can be."""
    quota = feature_quota()
    if num_bytes > quota:
        return False
    files = []
    for path in folder.glob("*/*.npz"):
        with contextlib.suppress(OSError):
            status = path.stat()
            files.append((status.st_mtime_ns, status.st_size, path))
    total = sum(size for _, size, _ in files)
    for _, size, path in sorted(files):
        if total + num_bytes <= quota:
            break
        with contextlib.suppress(OSError):
            path.unlink()
        total -= size
    return True
