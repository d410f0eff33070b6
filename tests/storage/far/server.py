"""A server on the loopback that cuts, refuses, changes its mind and keeps silent."""

from __future__ import annotations

import base64
import http.server
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Far(http.server.ThreadingHTTPServer):
    """Serves `files`; `asked` holds the method, the path and the headers of each request.

    Attributes:
        cuts: how many more answers end in the middle.
        etag: of all files; None: no version is named.
        ranges: whether parts are served.
        word: user:password that `/private` asks for.
        token: what `/signed?signature=` must be.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.cuts = 0
        self.etag: str | None = '"one"'
        self.ranges = True
        self.status: dict[str, int] = {}
        self.word = "ada:s3cr3t-pw"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Any

    def do_GET(self) -> None:
        far, path = self.server, self.path.partition("?")[0]
        far.asked.append((self.path, dict(self.headers)))
        if path == "/silent.csv":
            time.sleep(1.0)
            return
        if path == "/on.csv":
            self._end(302, {"Location": far.files["/on.csv"].decode()})
            return
        allowed = "Basic " + base64.b64encode(far.word.encode()).decode()
        if path.startswith("/private") and self.headers.get("Authorization") != allowed:
            self._end(401)
            return
        if path.startswith("/signed") and "signature=g00d-sign" not in self.path:
            self._end(403)
            return
        if path in far.status or path not in far.files:
            self._end(far.status.get(path, 404))
            return
        self._serve(far, far.files[path])

    def _serve(self, far: Far, body: bytes) -> None:
        headers = {} if far.etag is None else {"ETag": far.etag}
        if far.etag is not None and self.headers.get("If-None-Match") == far.etag:
            self._end(304, headers)
            return
        start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").rstrip("-"))
        if start and far.ranges and self.headers.get("If-Range") == far.etag:
            self.send_response(206)
            headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
            body = body[start:]
        else:
            self.send_response(200)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if far.cuts:
            far.cuts -= 1
            body = body[: len(body) // 2]
        self.wfile.write(body)
        self.close_connection = True

    def _end(self, status: int, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if status != 304:
            self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *values: object) -> None:
        del format, values


@contextmanager
def far_server() -> Iterator[Far]:
    with Far() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
