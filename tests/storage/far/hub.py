"""A server of this machine that answers as Hugging Face's Hub does, to what its own client asks for files of a dataset.

By the Hub's description of its API: https://huggingface.co/docs/hub/api.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
import urllib.parse
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "hf_token_of_a_test"


class Hub(ThreadingHTTPServer):
    """Files of one dataset, and what is asked of it.

    Attributes:
        repository: its name, `owner/name`.
        files: path -> content.
        is_private: only who knows the token sees it.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.repository = "people/tables"
        self.files: dict[str, bytes] = {}
        self.is_private = False
        self.asked: list[str] = []

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def described(self, path: str) -> dict[str, Any]:
        """A file as the Hub lists it."""
        content = self.files[path]
        commit = {"id": "1" * 40, "title": "Add files", "date": "2026-01-01T00:00:00.000Z"}
        version = hashlib.sha1(content).hexdigest()
        return {"type": "file", "path": path, "size": len(content), "oid": version, "lastCommit": commit}

    def below(self, folder: str) -> list[dict[str, Any]]:
        """All that lies below a folder, folders first."""
        start = f"{folder}/" if folder else ""
        names = [path for path in self.files if path.startswith(start)]
        folders = {path[:place] for path in names for place in range(len(start), len(path)) if path[place] == "/"}
        return [{"type": "directory", "path": name, "oid": "0"} for name in sorted(folders)] + [
            self.described(name) for name in names
        ]


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Hub

    def log_message(self, *_: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        hub, asked = self.server, urllib.parse.urlsplit(self.path)
        path, query = urllib.parse.unquote(asked.path), urllib.parse.parse_qs(asked.query)
        hub.asked.append(f"{self.command} {path}")
        api, files = f"/api/datasets/{hub.repository}", f"/datasets/{hub.repository}/resolve/main/"
        if hub.is_private and self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._refuse(401, "RepoNotFound", "Invalid username or password.")
        elif path in (api, f"{api}/revision/main"):
            self._say({"id": hub.repository, "sha": "1" * 40, "private": hub.is_private, "tags": [], "siblings": []})
        elif path.startswith(f"{api}/tree/main"):
            folder = path.removeprefix(f"{api}/tree/main").strip("/")
            found, deep = hub.below(folder), query.get("recursive") == ["true"]
            depth = folder.count("/") + bool(folder)
            found = [one for one in found if deep or one["path"].count("/") == depth]
            if found:
                self._say(found)
            else:
                self._refuse(404, "EntryNotFound", f"{folder} does not exist on main")
        elif path.startswith(files) and path.removeprefix(files) in hub.files:
            self._send(hub.files[path.removeprefix(files)])
        else:
            self._refuse(404, "EntryNotFound" if path.startswith(files) else "RepoNotFound", "not found")

    def do_POST(self) -> None:
        hub, path = self.server, urllib.parse.unquote(self.path)
        hub.asked.append(f"POST {path}")
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        kind = self.headers.get("Content-Type", "")
        wanted = json.loads(body)["paths"] if "json" in kind else urllib.parse.parse_qs(body)["paths"]
        assert path == f"/api/datasets/{hub.repository}/paths-info/main"
        wanted = [wanted] if isinstance(wanted, str) else wanted
        self._say([one for one in hub.below("") if one["path"] in wanted])

    def _send(self, content: bytes) -> None:
        begin, _, end = self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")
        last = min(int(end), len(content) - 1) if end else len(content) - 1
        part = content[int(begin) : last + 1]
        self.send_response(206 if "Range" in self.headers else 200)
        self.send_header("Content-Range", f"bytes {begin}-{last}/{len(content)}")
        self._end(part, "application/octet-stream")

    def _say(self, document: Any) -> None:
        self.send_response(200)
        self._end(json.dumps(document).encode(), "application/json")

    def _refuse(self, status: int, code: str, message: str) -> None:
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("X-Error-Message", message)
        self._end(json.dumps({"error": message}).encode(), "application/json")

    def _end(self, content: bytes, kind: str) -> None:
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


@contextlib.contextmanager
def serving() -> Iterator[Hub]:
    """A hub that listens for as long as the context lasts."""
    hub = Hub()
    thread = threading.Thread(target=hub.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.shutdown()
        hub.server_close()
