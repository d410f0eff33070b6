"""Object stores (`s3://`, `gs://`, `az://`, `hf://`) through fsspec, which is imported where one is asked for.

Credentials are those that each store's own client finds: `AWS_ACCESS_KEY_ID` and its siblings, `GOOGLE_APPLICATION_CREDENTIALS`,
`AZURE_STORAGE_ACCOUNT_NAME`, `HF_TOKEN`.
"""

from __future__ import annotations

import glob
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from dltrain.errors import DataError, Fault, reason_of
from dltrain.storage.far.address import STORES, bare, scheme_of
from dltrain.storage.far.failure import absent, failed, refused

CHUNK = 1 << 20
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
    ("aiohttp", "ClientError"),
)
# Of the facts that a store tells of an object, those that name its version.
_VERSIONS = ("ETag", "etag", "md5Hash", "sha256", "blob_id", "oid", "LastModified", "last_modified", "mtime", "created")

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
            raise DataError(Fault(f"{bare(self._address)} is a folder, not a file", hint=hint))
        return _version(info), int(info.get("size") or 0)

    def blocks(self) -> Iterator[bytes]:
        """The content.

        Raises:
            DataError: the store fails for good, or the object changed while it was read.
        """
        done = 0
        file = _asked(self._address, lambda: self._files.open(self._path, "rb"))
        with file:
            while block := _asked(self._address, lambda: file.read(CHUNK)):
                done += len(block)
                yield block
        if (self.etag, done) != self._look():
            raise failed(self._address, "it changed while it was read", "start again")

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
    try:
        import fsspec

        files, path = fsspec.core.url_to_fs(address, use_listings_cache=False)
    except ImportError:
        hint = "pip install 'dltrain[cloud]'"
        raise DataError(Fault(f"{scheme}:// needs fsspec and {STORES[scheme]}, which are not installed", hint=hint)) from None
    except _failures() as error:
        raise failed(address, reason_of(error)) from None
    return files, path


def _asked(address: str, ask: Callable[[], T]) -> T:
    scheme = scheme_of(address)
    try:
        return ask()
    except FileNotFoundError:
        raise absent(address, "there is no such object or bucket") from None
    except PermissionError as error:
        raise refused(address, f"access is refused ({reason_of(error)})", CREDENTIALS[scheme]) from None
    except TimeoutError:
        raise failed(address, "nothing arrived in time") from None
    except _failures() as error:
        reason = reason_of(error)
        if "credential" in type(error).__name__.lower() + reason.lower():
            raise refused(address, reason, CREDENTIALS[scheme]) from None
        raise failed(address, reason) from None


def _failures() -> tuple[type[Exception], ...]:
    found = [getattr(sys.modules.get(module), name, None) for module, name in _FAILURES]
    return (OSError, ValueError, RuntimeError, *(kind for kind in found if kind is not None))
