"""Is it the same data? A digest of contents and of how they are read, never of where they lie."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.types import DataConfig
from dltrain.data.arrays.disk_array import in_memory
from dltrain.data.files import digest
from dltrain.data.raw import Raw, RawPictures

# Arguments that the resolved config gives where the first one gave none: the data itself says them.
FOUND_OUT = ("depth",)


def fingerprint(config: DataConfig, raw: Raw, details: Sequence[Mapping[str, Any]]) -> str:
    """Hex digest of the data and of what decides which values are read from it.

    Args:
        config: source, its arguments, and the options of reading.
        raw: the data; its arrays are hashed where the source brings no digest of its own.
        details: one entry for each file, in order, as `RawTable.details` has them.
    """
    contents: list[Any] = [entry.get("digest") for entry in details]
    if not contents or not all(contents):
        contents = [array_digest(array) for array in _arrays(raw)]
    asked = {
        "source": config.source,
        "arguments": {key: config.arguments[key] for key in sorted(config.arguments) if key not in FOUND_OUT},
        "columns": list(raw.frame.columns) if not isinstance(raw, RawPictures) else list(raw.images.shape[1:]),
        "parts": {name: len(rows) for name, rows in raw.parts.items()},
        "replace": {name: dict(words) for name, words in config.replace.items()},
        "missing": None if config.missing is None else sorted(config.missing),
        "thousands": config.thousands or (None if isinstance(raw, RawPictures) else raw.reading.get("thousands")),
        "limit": config.limit,
    }
    if config.missing_target != "fail":  # not said in the fingerprints of runs that were stored before it could be
        asked["missing_target"] = config.missing_target
    return digest(json.dumps([asked, contents], sort_keys=True, default=str).encode())


def digests_of_folder(files: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Of files in order, each its name (from the folder's own on) and what it is: `digest` of all, `inside` without that name.

    A folder that was given another name has the same `inside`.
    """
    whole, inside = [], []
    for name, content in files:
        whole.append(f"{name}\0{content}\n")
        inside.append(f"{name.partition('/')[2] or name}\0{content}\n")
    return {
        key: digest("".join(lines).encode("utf-8", "surrogateescape")) for key, lines in (("digest", whole), ("inside", inside))
    }


def is_same_inside(before: Any, after: Any) -> bool:
    """Whether two entries of details are of folders that differ in their own name at the most."""
    if not isinstance(before, Mapping) or not isinstance(after, Mapping) or not before.get("inside"):
        return False
    return {**before, "digest": None} == {**after, "digest": None}


def array_digest(array: NDArray[Any]) -> str:
    """Digest of an array's type, shape and values."""
    array = np.ascontiguousarray(array)
    head = f"{array.dtype.str} {array.shape} ".encode()
    return digest(head + digest(array.reshape(-1).view(np.uint8).data).encode())


def _arrays(raw: Raw) -> list[NDArray[Any]]:
    if isinstance(raw, RawPictures):
        images = in_memory(raw.images)
        return [images] if raw.target is None else [images, raw.target]
    hashes = raw.frame.hash_rows(seed=0) if raw.frame.width else None
    return [] if hashes is None else [hashes.to_numpy()]
