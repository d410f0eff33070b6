"""Why something could not be fetched."""

from __future__ import annotations

from dltrain.errors import DataError, Fault
from dltrain.settings import is_offline
from dltrain.storage.far.address import bare


class NotFetchedError(DataError):
    """There is no copy, and nothing may be fetched now."""


def failed(address: str, reason: str, hint: str | None = None) -> DataError:
    """The error of an address that cannot be fetched."""
    return DataError(f"{bare(address)} cannot be fetched: {reason}", hint=hint)


def refused(address: str, reason: str, credentials: str) -> DataError:
    """The error of an address that asks for credentials, or for others."""
    return failed(address, reason, f"credentials are taken from {credentials}; none is stored with a run")


def absent(address: str, reason: str, credentials: str = "") -> DataError:
    """The error of an address at which nothing is, or nothing that is shown without credentials."""
    hint = "is the address spelled right? letters, large and small, count"
    return failed(address, reason, f"{hint}; what is not public needs {credentials}" if credentials else hint)


def not_fetched(address: str) -> NotFetchedError:
    """The error of an address of which there is no copy where none may be made."""
    if is_offline():
        fault = Fault(f"{bare(address)} is not fetched: DLTRAIN_OFFLINE is set, and there is no copy of it on this machine")
        return NotFetchedError(fault)
    return NotFetchedError(f"{bare(address)} is not fetched", hint="--data fetches it")
