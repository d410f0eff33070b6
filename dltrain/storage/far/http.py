"""Files of the web: asked for anew only where they changed, gone on with where the connection was cut.

Conditional requests and ranges are those of RFC 9110, https://www.rfc-editor.org/rfc/rfc9110, sections 13 and 14.
urllib is imported where it is needed: with ssl it takes longer than reading a table.
"""

from __future__ import annotations

import base64
import contextlib
import ipaddress
import os
import re
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from dltrain.errors import DataError, reason_of
from dltrain.storage.far.address import HIDDEN
from dltrain.storage.far.failure import absent, failed, refused

CHUNK = 1 << 18
TIMEOUT = 30.0
ATTEMPTS = 4
PAUSE = 1.0
PASSING = (429, 500, 502, 503, 504)
WHERE = "~/.netrc (or the file that NETRC names), or from the address as it is given"


class WebFile:
    """A file of the web that is opened for reading.

    Args:
        address: with credentials, if any.
        known: the `etag` and `modified` of a copy; empty: there is none.

    Attributes:
        is_unchanged: the copy is what the server has.
        etag, modified: what the server says of the file; empty where it says nothing.
        num_bytes: its size, or None where the server does not say.

    Raises:
        DataError: what is wrong, each kind with its own words.
    """

    def __init__(self, address: str, known: Mapping[str, Any]) -> None:
        self._address = address
        asked = {"If-None-Match": known.get("etag"), "If-Modified-Since": known.get("modified")}
        self._response = self._patiently({name: value for name, value in asked.items() if value})
        self.is_unchanged = self._response is None
        headers = {} if self._response is None else self._response.headers
        self.etag: str = headers.get("ETag") or ""
        self.modified: str = headers.get("Last-Modified") or ""
        self.num_bytes = _number(headers.get("Content-Length"))

    def blocks(self) -> Iterator[bytes]:
        """The content; where the connection is cut, the rest of the same version is asked for.

        Raises:
            DataError: cut for good, or the file changed in the meantime.
        """
        import http.client

        done, attempt = 0, 1
        while True:
            reason = ""
            try:
                while block := self._response.read(CHUNK):
                    done += len(block)
                    yield block
                if self.num_bytes is None or done >= self.num_bytes:
                    return
            except (ConnectionError, TimeoutError, http.client.HTTPException):
                pass
            finally:
                self._response.close()
            reason = f"the connection was cut after {done:,} of {self.num_bytes or done:,} bytes"
            if attempt == ATTEMPTS:
                raise failed(self._address, f"{reason}, {ATTEMPTS} times")
            time.sleep(PAUSE * attempt)
            attempt += 1
            self._go_on(done, reason)

    def _go_on(self, done: int, reason: str) -> None:
        validator = self.etag if self.etag and not self.etag.startswith("W/") else self.modified
        if not validator:
            raise failed(self._address, f"{reason}, and the server names no version by which to go on")
        self._response = self._patiently({"Range": f"bytes={done}-", "If-Range": validator})
        headers = self._response.headers
        is_rest = self._response.status == 206 and re.match(rf"bytes {done}-", headers.get("Content-Range") or "")
        if is_rest:
            return
        if (headers.get("ETag") or "") != self.etag or (headers.get("Last-Modified") or "") != self.modified:
            raise failed(self._address, f"{reason}, and the file changed in the meantime", "start again")
        left = done  # a server without ranges sends the same version from its beginning
        while left and (block := self._response.read(min(CHUNK, left))):
            left -= len(block)

    def close(self) -> None:
        """Give the connection back."""
        if self._response is not None:
            self._response.close()

    def _patiently(self, headers: Mapping[str, str]) -> Any:
        """The response, None where nothing changed; tried again when the server is busy or the connection breaks."""
        import http.client
        import urllib.error

        for attempt in range(1, ATTEMPTS + 1):
            try:
                return _open(self._address, headers)
            except (urllib.error.URLError, TimeoutError, ConnectionError, http.client.HTTPException) as error:
                if isinstance(error, urllib.error.HTTPError):
                    error.close()
                    if error.code == 304:
                        return None
                said, passes = _judged(self._address, error)
                if not passes or attempt == ATTEMPTS:
                    raise said from None
            time.sleep(PAUSE * attempt)
        raise AssertionError("unreachable")


def _judged(address: str, error: Exception) -> tuple[DataError, bool]:
    """What a failed request is called, and whether it may go well when it is tried again."""
    import urllib.error

    if isinstance(error, urllib.error.HTTPError):
        return _by_status(address, error.code, error.reason), error.code in PASSING
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, TimeoutError):
        return failed(address, f"nothing arrived for {TIMEOUT:g} seconds"), False
    if isinstance(error, urllib.error.URLError):
        return failed(address, reason_of(error.reason)), isinstance(reason, ConnectionResetError)
    return failed(address, str(error) or type(error).__name__), True


def _by_status(address: str, code: int, reason: str) -> DataError:
    said = f"the server answered {code} {reason}"
    if code in (401, 403, 407):
        if HIDDEN in address:
            said += "; its password or signature is not stored"
        return refused(address, said, WHERE)
    return absent(address, said) if code in (404, 410) else failed(address, said)


def _open(address: str, headers: Mapping[str, str]) -> Any:
    import urllib.request

    split = urlsplit(address)
    host = split.netloc.rpartition("@")[2]
    plain = urlunsplit(split._replace(netloc=host, fragment=""))
    plain = re.sub(r"[^\x21-\x7e]", lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), plain)
    request = urllib.request.Request(plain, headers={"User-Agent": "dltrain", "Accept-Encoding": "identity", **headers})
    word = _credentials(split)
    if word:  # unredirected: another host that the server names does not get it
        request.add_unredirected_header("Authorization", f"Basic {base64.b64encode(word.encode()).decode()}")
    return urllib.request.build_opener(_redirects(split)).open(request, timeout=TIMEOUT)


def _redirects(first: SplitResult) -> Any:
    """What follows the server to another address: from https to https alone, and never from outside to this network."""
    import urllib.error
    import urllib.request

    class Redirects(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
            to = urlsplit(newurl)
            if to.scheme not in ("http", "https") or (first.scheme == "https" and to.scheme != "https"):
                raise urllib.error.URLError(f"the server sends on to {to.scheme}://, which is not followed")
            if _is_inner(to.hostname) and not _is_inner(first.hostname):
                raise urllib.error.URLError("the server sends on to an address inside this network, which is not followed")
            return super().redirect_request(req, fp, code, msg, headers, newurl)

    return Redirects()


def _is_inner(host: str | None) -> bool:
    if host in (None, "localhost"):
        return True
    with contextlib.suppress(ValueError):
        return not ipaddress.ip_address(host or "").is_global
    return False


def _credentials(split: SplitResult) -> str:
    """`user:password`, of the address or of the user's .netrc."""
    if split.username is not None and split.username != HIDDEN:
        return f"{unquote(split.username)}:{unquote(split.password or '')}"
    import netrc

    try:
        found = netrc.netrc(os.environ.get("NETRC")).authenticators(split.hostname or "")
    except (OSError, netrc.NetrcParseError):
        return ""
    return f"{found[0]}:{found[2] or ''}" if found else ""


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdecimal() else None
