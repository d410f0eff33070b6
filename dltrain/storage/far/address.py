"""Addresses of data elsewhere: what is one, and what may be written and shown of it."""

from __future__ import annotations

import posixpath
import re
import urllib.parse

from dltrain.wording import hide_secret, without_credentials

WEB = ("http", "https")
# Scheme -> the package by which fsspec reads it.
STORES = {"s3": "s3fs", "gs": "gcsfs", "az": "adlfs", "hf": "huggingface_hub"}
_OTHER_NAMES = {"s3a": "s3", "s3n": "s3", "gcs": "gs", "abfs": "az", "abfss": "az"}
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{1,20})://")
HIDDEN = "***"


def is_far(path: str) -> bool:
    """Whether it is an address, of whatever scheme, and no path."""
    return _SCHEME.match(path) is not None


def scheme_of(address: str) -> str:
    """The scheme in small letters."""
    found = _SCHEME.match(address)
    return found[1].lower() if found else ""


def why_unreadable(address: str) -> tuple[str, str] | None:
    """What is wrong with an address and what to write in its place; None where nothing is."""
    scheme = scheme_of(address)
    if scheme in WEB or scheme in STORES:
        try:
            host = urllib.parse.urlsplit(address).netloc
        except ValueError:
            host = ""
        return None if host else (f"{bare(address)} names no host or bucket", "such as https://example.org/data.csv")
    if scheme == "file":
        return f"{bare(address)} is a file of this machine", "give its path alone"
    meant = _OTHER_NAMES.get(scheme)
    hint = f"write {meant}://" if meant else f"addresses begin with {', '.join(f'{name}://' for name in (*WEB, *STORES))}"
    return f"{scheme}:// is not read", hint


def bare(address: str) -> str:
    """The address without user, password and signature: what is stored and shown of it."""
    return without_credentials(address)


def remember_secret(address: str) -> None:
    """From now on nothing is written or shown but the bare address."""
    if bare(address) != address:
        hide_secret(address, bare(address))


def file_name(address: str) -> str:
    """A name for the copy of the file, with the ending of the address's path."""
    name = posixpath.basename(urllib.parse.unquote(urllib.parse.urlsplit(address).path).rstrip("/"))
    name = re.sub(r"[^\w.-]", "_", name).lstrip(".")[-100:]
    return name or "data"
