"""dltrain's own cache: where downloads go, and arrays decoded once so that the next run need not."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.errors import RunError
from dltrain.reporting import Reporter
from dltrain.settings import cache_folder
from dltrain.storage.arrays import DAMAGE
from dltrain.storage.atomic import write_atomically

# Decoded anew when the way of decoding changes.
FORMAT = 1
# Above this a copy costs more disk than the time it saves is worth.
LARGEST_COPY = 1 << 30

Decode = Callable[[], Mapping[str, NDArray[Any]]]


def file_stamp(path: Path) -> tuple[int, int]:
    """Size in bytes and time of the last change in nanoseconds: what a cached copy of a file's content is held against."""
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns


def cache_key(dataset: str, stamp: object) -> str:
    """A file name for what `dataset` decodes to; `stamp` is any JSON value that changes when the result would."""
    text = json.dumps([FORMAT, dataset, stamp], sort_keys=True)
    return f"{dataset}-{hashlib.blake2b(text.encode(), digest_size=12).hexdigest()}"


def cached_arrays(key: str, names: Sequence[str], decode: Decode, reporter: Reporter) -> Mapping[str, NDArray[Any]]:
    """The arrays `names` stored under `key`; where there are none, what `decode` returns, which is then stored.

    A cache that cannot be read or written costs time, not the run.
    """
    arrays: Mapping[str, NDArray[Any]] | None = _load(key, reporter)
    if arrays is None or set(arrays) != set(names):
        arrays = decode()
        _store(key, arrays, reporter)
    return arrays


def _load(key: str, reporter: Reporter) -> dict[str, NDArray[Any]] | None:
    path = cache_folder() / "decoded" / f"{key}.npz"
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except FileNotFoundError:
        return None
    except DAMAGE as error:
        reporter.detail(f"cached copy {path} is not readable ({error}); made anew")
        return None


def _store(key: str, arrays: Mapping[str, NDArray[Any]], reporter: Reporter) -> None:
    if sum(array.nbytes for array in arrays.values()) > LARGEST_COPY:
        return
    folder = cache_folder() / "decoded"
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / f"{key}.npz", buffer.getvalue())
    except (OSError, RunError) as error:
        reporter.detail(f"the decoded data is not cached: {error}")


def digest_arrays(*arrays: NDArray[Any]) -> str:
    """blake2b over types, shapes and contents, independent of paths and of the machine's byte order."""
    digest = hashlib.blake2b(digest_size=20)
    for array in arrays:
        little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
        digest.update(f"{little.dtype.str}{little.shape}".encode())
        digest.update(little.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def describe_arrays(dataset: str, inputs: NDArray[Any], target: NDArray[Any]) -> dict[str, Any]:
    """`Raw.details` of a named dataset: its content's digest, size and number of rows."""
    return {dataset: {"digest": digest_arrays(inputs, target), "bytes": inputs.nbytes + target.nbytes, "rows": len(inputs)}}
