"""Object stores (`s3://`, `gs://`, `az://`, `hf://`) through fsspec, which is imported where one is asked for.

Credentials are those that each store's own client finds: `AWS_ACCESS_KEY_ID` and its siblings, `GOOGLE_APPLICATION_CREDENTIALS`,
`AZURE_STORAGE_ACCOUNT_NAME`, `HF_TOKEN`.
"""

from __future__ import annotations

import glob
import logging
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from dltrain.errors import DataError, reason_of
from dltrain.storage.far.address import STORES, bare, scheme_of
from dltrain.storage.far.failure import absent, failed, refused
from dltrain.storage.far.http import ATTEMPTS, PAUSE

CHUNK = 1 << 20
BLOCK = 8 << 20  # that are asked for at once: of what was cut no more is asked for twice
CREDENTIALS = {
    "s3": "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY or AWS_PROFILE",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS",
    "az": "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
    "hf": "HF_TOKEN",
}
# What the clients raise that is no error of Python's own: module, class. Looked up where the module was imported.
_FAILURES = (
    ("botocore.exceptions", "BotoCoreError"),
    ("botocore.exceptions", "ClientError"),
    ("gcsfs.retry", "HttpError"),
    ("google.auth.exceptions", "GoogleAuthError"),
    ("azure.core.exceptions", "AzureError"),
    ("huggingface_hub.errors", "HfHubHTTPError"),
    ("httpx", "HTTPError"),
    ("httpx2", "HTTPError"),
    ("aiohttp", "ClientError"),
)
# Of the facts that a store tells of an object, those that name its version.
_VERSIONS = ("ETag", "etag", "md5Hash", "sha256", "blob_id", "oid", "LastModified", "last_modified", "mtime", "created")
# Hugging Face's client names the version of a file where it is asked for all that it knows.
_OPTIONS: Mapping[str, Mapping[str, Any]] = {"hf": {"expand_info": True}}

T = TypeVar("T")


class StoredObject:
    """An object of a store, opened for reading.

    Attributes:
        etag: what names its version.
        num_bytes: its size.
        modified: nothing; what names the version is the ETag.

    Raises:
        DataError: it is not there, is refused, or the store does not answer.
    """

    is_unchanged = False
    modified = ""

    def __init__(self, address: str) -> None:
        self._address = address
        self._files, self._path = _open_store(address)
        self.etag, self.num_bytes = self._look()

    def _look(self) -> tuple[str, int]:
        info = _asked(self._address, lambda: self._files.info(self._path, refresh=True))
        if info.get("type") == "directory":
            hint = f"name its files: {bare(self._address).rstrip('/')}/*"
            raise DataError(f"{bare(self._address)} is a folder, not a file", hint=hint)
        return _version(info), int(info.get("size") or 0)

    def blocks(self) -> Iterator[bytes]:
        """The content; where the connection is cut, it goes on behind what has arrived.

        Raises:
            DataError: the store fails for good, or the object changed while it was read.
        """
        done, cuts, file = 0, 0, None
        while True:
            try:
                file = self._open(done) if file is None else file
                block = file.read(CHUNK)
            except IndexError:  # what s3fs makes of a timeout, which has no words
                raise _said(self._address, TimeoutError()) from None
            except (FileNotFoundError, PermissionError, TimeoutError) as error:
                raise _said(self._address, error) from None
            except _failures() as error:
                cuts += 1
                if cuts == ATTEMPTS:
                    said = f"the connection was cut after {done:,} of {self.num_bytes:,} bytes, {ATTEMPTS} times"
                    raise failed(self._address, f"{said} ({reason_of(error)})") from None
                time.sleep(PAUSE * cuts)
                file = None
                continue
            if not block:
                break
            done, cuts = done + len(block), 0
            yield block
        file.close()
        if (self.etag, done) != self._look():
            raise failed(self._address, "it changed while it was read", "start again")

    def _open(self, place: int) -> Any:
        file = self._files.open(self._path, "rb", block_size=BLOCK)
        if place:
            file.seek(place)
        return file

    def close(self) -> None:
        """Nothing is held."""


def list_folder(address: str) -> dict[str, tuple[str, int]] | None:
    """The objects below a folder: name below it -> its version and size; None where the address is no folder."""
    files, path = _open_store(address)
    if not _asked(address, lambda: files.isdir(path)):
        return None
    found = _asked(address, lambda: files.find(path, detail=True))
    start = path.rstrip("/") + "/"
    below = {name.removeprefix(start): info for name, info in found.items() if name.startswith(start) and not name.endswith("/")}
    return {name: (_version(below[name]), int(below[name].get("size") or 0)) for name in sorted(below)}


def _version(info: Mapping[str, Any]) -> str:
    return next((str(info[name]) for name in _VERSIONS if info.get(name)), "")


def find_objects(pattern: str) -> list[str]:
    """The addresses that a pattern stands for, sorted; the address itself where it is no pattern."""
    if not glob.has_magic(pattern):
        return [pattern]
    files, path = _open_store(pattern)
    found = _asked(pattern, lambda: files.glob(path))
    return sorted(f"{scheme_of(pattern)}://{name}" for name in found)


def _open_store(address: str) -> tuple[Any, str]:
    scheme = scheme_of(address)
    logging.getLogger("gcsfs").setLevel(logging.ERROR)  # it warns of each call that is made without credentials
    try:
        import fsspec

        files, path = fsspec.core.url_to_fs(address, use_listings_cache=False, **_OPTIONS.get(scheme, {}))
    except ImportError:
        hint = "pip install 'dltrain[cloud]'"
        raise DataError(f"{scheme}:// needs fsspec and {STORES[scheme]}, which are not installed", hint=hint) from None
    except _failures() as error:
        raise _said(address, error) from None
    return files, path


def _asked(address: str, ask: Callable[[], T]) -> T:
    try:
        return ask()
    except _failures() as error:
        raise _said(address, error) from None


def _said(address: str, error: Exception) -> DataError:
    """What a store's client raised, in the user's words."""
    credentials = CREDENTIALS[scheme_of(address)]
    if isinstance(error, FileNotFoundError):
        return absent(address, "there is no such object or bucket", credentials)
    if isinstance(error, PermissionError):
        return refused(address, f"access is refused ({reason_of(error)})", credentials)
    if isinstance(error, TimeoutError):
        return failed(address, "nothing arrived in time")
    reason = reason_of(error)
    if re.search("credential|authenticat|unauthori", type(error).__name__ + reason, re.IGNORECASE):
        return refused(address, reason, credentials)
    return failed(address, reason)


def _failures() -> tuple[type[Exception], ...]:
    found = [getattr(sys.modules.get(module), name, None) for module, name in _FAILURES]
    return (OSError, ValueError, RuntimeError, *(kind for kind in found if kind is not None))
