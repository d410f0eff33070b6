"""Copies of far files in the cache: one for each version, made once, within the cache's quota."""

from __future__ import annotations

import contextlib
import contextvars
import glob
import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dltrain.errors import DataError, RunError
from dltrain.reporting import Reporter
from dltrain.settings import is_offline
from dltrain.storage.atomic import write_atomically
from dltrain.storage.bounds import FILES
from dltrain.storage.far.address import HIDDEN, STORES, WEB, bare, file_name, is_far, remember_secret, scheme_of, why_unreadable
from dltrain.storage.far.failure import not_fetched
from dltrain.storage.far.http import WebFile
from dltrain.storage.far.stores import StoredObject, find_objects, list_folder
from dltrain.storage.stored import read_json, text, whole
from dltrain.storage.stored_folders import META, find_folders, forget, hold, make_folder
from dltrain.wording import name_path

# A fit looks at its files several times, and all of it is to see the same version of them.
SAME_FOR_SECONDS = 60.0
# Taken for the size of what does not say how large it is.
UNKNOWN_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Copy:
    """A far file as it lies in the cache.

    Attributes:
        address: the bare one.
        path: of the copy.
        etag: what the server calls the version; empty: it does not say.
        sha256: of the content.
        num_bytes: its size.
        said: what a user should know of it; empty: nothing.
    """

    address: str
    path: str
    etag: str
    sha256: str
    num_bytes: int
    said: str = ""


_recent: dict[str, tuple[Copy, float]] = {}
_by_path: dict[str, Copy] = {}
_may_fetch: contextvars.ContextVar[bool] = contextvars.ContextVar("may_fetch", default=True)


@contextlib.contextmanager
def fetching(allowed: bool) -> Iterator[None]:
    """For as long as the context lasts, far files are fetched or not; copies that are there are read in any case."""
    token = _may_fetch.set(allowed)
    try:
        yield
    finally:
        _may_fetch.reset(token)


def copy_of(path: str) -> Copy | None:
    """The far file whose copy lies at a path of the cache; None for all other paths."""
    return _by_path.get(path)


def was_fetched(address: str) -> bool:
    """Whether this user has a copy of what is there, or for a pattern: of something below it."""
    start = bare(address).partition("*")[0]
    if start == bare(address):
        return bool(find_folders(_prefix(address)))
    return any(str(_read(folder).get("address", "")).startswith(start) for folder in find_folders("far-"))


def fetch_all(address: str) -> list[str]:
    """Paths of copies of all files that an address, or a pattern of an object store, stands for.

    Raises:
        DataError: nothing there, refused, cut, or silent; each in its own words.
        NotFetchedError: there is no copy, and nothing may be fetched.
    """
    remember_secret(address)
    wrong = why_unreadable(address)
    if wrong is not None:
        raise DataError(wrong[0], hint=wrong[1])
    if scheme_of(address) in WEB:
        return [_fetch(address).path]
    if not _may_fetch.get() or is_offline():
        if glob.has_magic(address):  # which objects there are is not known
            raise not_fetched(address)
        return [_fetch(address).path]
    found = find_objects(address)
    if not found:
        raise DataError(f"no object matches {bare(address)}")
    return [_fetch(name).path for name in found]


def fetch_places(paths: Sequence[str]) -> list[str]:
    """The paths with copies in the place of far files and folders.

    A folder is copied as a whole; where one of its objects changed, anew.

    Raises:
        DataError, NotFetchedError: as `fetch_all`.
    """
    found: list[str] = []
    for path in paths:
        if not is_far(path):
            found.append(path)
        elif scheme_of(path) not in STORES or glob.has_magic(path):
            found += fetch_all(path)
        else:
            if not _may_fetch.get() or is_offline():
                held = sorted(find_folders(_prefix(path)), key=lambda folder: (folder / META).stat().st_mtime_ns)
                if not held:
                    raise not_fetched(path)
                found.append(_copy(held[-1]).path)
                continue
            listing = list_folder(path)
            found += fetch_all(path) if listing is None else [_fetch_folder(path, listing)]
    return found


def _fetch_folder(address: str, listing: Mapping[str, tuple[str, int]]) -> str:
    if len(listing) > FILES.value:
        raise DataError(f"{bare(address)} holds {len(listing):,} objects, more than {FILES.value:,}", hint=FILES.hint)
    version = _digest(json.dumps(list(listing.items())))
    name = file_name(address)

    def fill(into: Path) -> None:
        for below in listing:
            target = into / name / below
            if ".." in Path(below).parts or not target.resolve().is_relative_to(into.resolve()):
                raise DataError(f"{bare(address)} holds an object whose name leads out of it: {below}")
            target.parent.mkdir(parents=True, exist_ok=True)
            content = StoredObject(f"{address.rstrip('/')}/{below}")
            write_atomically(target, lambda file, content=content: file.writelines(content.blocks()))  # type: ignore[misc]
        facts = {"address": bare(address), "etag": version, "name": name, "bytes": sum(size for _, size in listing.values())}
        write_atomically(into / META, json.dumps({**facts, "sha256": ""}).encode())

    total = sum(size for _, size in listing.values())
    copy = _copy(make_folder(f"{_prefix(address)}{version}", total, fill, Reporter()))
    name_path(copy.path, bare(address).rstrip("/"))
    return copy.path


def _fetch(address: str) -> Copy:
    name = bare(address)
    before, since = _recent.get(address, (None, 0.0))
    if before is None or time.monotonic() - since > SAME_FOR_SECONDS:
        before = _latest(address)
    _recent[address] = before, time.monotonic()
    _by_path[before.path] = before
    name_path(before.path, name)
    return before


def _latest(address: str) -> Copy:
    held = sorted(find_folders(_prefix(address)), key=lambda folder: (folder / META).stat().st_mtime_ns)
    newest = held[-1] if held else None
    known = _read(newest) if newest is not None else {}
    if not _may_fetch.get() or is_offline():
        if newest is None:
            raise not_fetched(address)
        return _copy(newest, f"{bare(address)}: the copy on this machine is read, whether it changed was not asked")
    if HIDDEN in address and newest is not None:
        said = f"{bare(address)}: the copy on this machine is read, as the password or signature of the address is not stored"
        return _copy(newest, said)
    file = WebFile(address, known) if scheme_of(address) in WEB else StoredObject(address)
    try:
        if newest is not None and (file.is_unchanged or (not file.modified and file.etag and file.etag == known.get("etag"))):
            return _copy(newest)
        version = file.etag or file.modified or str(time.time_ns())
        folder = f"{_prefix(address)}{_digest(f'{version} {file.num_bytes}')}"
        made = make_folder(folder, file.num_bytes or UNKNOWN_BYTES, lambda into: _fill(into, address, file), Reporter())
    finally:
        file.close()
    if newest is None or made == newest:
        return _copy(made)
    if _read(made).get("sha256") == known.get("sha256"):
        if not (file.etag or file.modified):
            forget(made)  # a server that names no version sends the same file each time
            return _copy(newest)
        return _copy(made)
    tags = f" (ETag {known['etag']}, now {file.etag})" if known.get("etag") and file.etag else ""
    return _copy(made, f"{bare(address)} changed since it was last fetched{tags}")


def _fill(folder: Path, address: str, file: WebFile | StoredObject) -> None:
    digest, size = hashlib.sha256(), 0
    name = file_name(address)

    def write(into: Any) -> None:
        nonlocal size
        for block in file.blocks():
            digest.update(block)
            size += len(block)
            into.write(block)

    write_atomically(folder / name, write)
    facts = {"address": bare(address), "etag": file.etag, "modified": file.modified, "name": name, "bytes": size}
    write_atomically(folder / META, json.dumps({**facts, "sha256": digest.hexdigest()}).encode())


def _copy(folder: Path, said: str = "") -> Copy:
    hold(folder)
    with contextlib.suppress(OSError):
        now = time.time_ns()  # finer than the kernel's own
        os.utime(folder / META, ns=(now, now))  # of several versions the one that was used last is what the next is held against
    facts = _read(folder)
    path = str(folder / Path(str(facts.get("name", "data"))).name)
    etag, sha256, size = str(facts.get("etag", "")), str(facts.get("sha256", "")), facts.get("bytes", 0)
    return Copy(str(facts.get("address", "")), path, etag, sha256, size if isinstance(size, int) else 0, said)


def _read(folder: Path) -> Mapping[str, Any]:
    try:
        return read_json(
            folder / META, {"address": text, "etag": text, "sha256": text, "bytes": whole(0, 1 << 60)}, limit=1 << 16
        )
    except (RunError, OSError):
        return {}


def _prefix(address: str) -> str:
    return f"far-{_digest(bare(address))}-"


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=10).hexdigest()
