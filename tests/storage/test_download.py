from __future__ import annotations

import hashlib
import http.server
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from dltrain.reporting import Reporter
from dltrain.storage import download as downloads
from dltrain.storage.download import DownloadError, Remote, download
from tests.data.sources.support import Recorder

CONTENT = bytes(range(256)) * 4096  # 1 MiB


class Server(http.server.BaseHTTPRequestHandler):
    """`/good`, `/cut` (announces more than it sends), `/busy` (fails twice, then serves), `/missing`, `/endless`."""

    requests: list[str] = []

    def do_GET(self) -> None:
        self.requests.append(self.path)
        busy = self.path == "/busy" and self.requests.count("/busy") < 3
        self.send_response({"/missing": 404}.get(self.path, 503 if busy else 200))
        body = CONTENT[: len(CONTENT) // 2] if self.path == "/cut" else CONTENT
        if self.path != "/endless":
            self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        try:
            for _ in range(50 if self.path == "/endless" else 1):
                self.wfile.write(body)
        except ConnectionError:
            pass

    def log_message(self, format: str, *values: object) -> None:
        del format, values


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(downloads, "PAUSE", 0.0)
    Server.requests.clear()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def remote(url: str, checksum: str | None = None) -> Remote:
    return Remote("file.bin", url, checksum or f"sha256:{hashlib.sha256(CONTENT).hexdigest()}", len(CONTENT))


def test_whole_file_with_either_checksum(server: str, tmp_path: Path) -> None:
    recorder = Recorder()
    path = download(remote(f"{server}/good"), tmp_path / "new" / "folder", recorder)
    assert path == tmp_path / "new" / "folder" / "file.bin"
    assert path.read_bytes() == CONTENT
    assert recorder.statuses[0] == "downloading file.bin (1.0 MB)"
    download(remote(f"{server}/good", f"md5:{hashlib.md5(CONTENT).hexdigest()}"), tmp_path, recorder)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file.bin", "new"]


def test_progress_is_told_in_bytes_of_total(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(1000))
    monkeypatch.setattr(downloads.time, "monotonic", lambda: next(clock))
    recorder = Recorder()
    download(remote(f"{server}/good"), tmp_path, recorder)
    assert "downloading file.bin: 1 of 1.0 MB" in recorder.statuses


@pytest.mark.parametrize(
    ("path", "checksum", "message", "num_requests"),
    [
        ("/good", "sha256:" + "0" * 64, "its checksum is wrong: expected sha256:000", 1),
        ("/missing", None, "the server answered 404", 1),
        ("/cut", None, "the connection ended after 524,288 of 1,048,576 bytes", 3),
        ("/endless", None, "it sends more than 2.1 MB where 1.0 MB were expected", 1),
    ],
)
def test_failures_leave_nothing(
    path: str, checksum: str | None, message: str, num_requests: int, server: str, tmp_path: Path
) -> None:
    with pytest.raises(DownloadError, match=message):
        download(remote(server + path, checksum), tmp_path, Reporter())
    assert not list(tmp_path.iterdir())
    assert Server.requests == [path] * num_requests


def test_failure_keeps_the_file_of_before(server: str, tmp_path: Path) -> None:
    (tmp_path / "file.bin").write_bytes(b"old")
    with pytest.raises(DownloadError):
        download(remote(f"{server}/cut"), tmp_path, Reporter())
    assert (tmp_path / "file.bin").read_bytes() == b"old"


def test_busy_server_is_asked_again(server: str, tmp_path: Path) -> None:
    recorder = Recorder()
    assert download(remote(f"{server}/busy"), tmp_path, recorder).read_bytes() == CONTENT
    assert len(Server.requests) == 3
    assert "trying again" in recorder.details[0]


def test_host_down_silent_or_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(downloads, "TIMEOUT", 0.3)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        with pytest.raises(DownloadError, match="refused"):
            download(remote(f"http://127.0.0.1:{closed.getsockname()[1]}/"), tmp_path, Reporter())
        closed.listen()  # takes the connection, never answers
        with pytest.raises(DownloadError, match=r"timed out|nothing arrived"):
            download(remote(f"http://127.0.0.1:{closed.getsockname()[1]}/"), tmp_path, Reporter())
    with pytest.raises(DownloadError, match=r"\w"):
        download(remote("http://no-such-host.invalid/"), tmp_path, Reporter())
    assert not list(tmp_path.iterdir())


def test_folder_that_cannot_be_written(server: str, tmp_path: Path) -> None:
    (tmp_path / "a file").write_text("in the way")
    with pytest.raises(DownloadError, match="cannot write"):
        download(remote(f"{server}/good"), tmp_path / "a file" / "below", Reporter())


def test_fetched_twice_at_once_it_is_whole_both_times(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As by two containers that share a cache: each has processes of the same numbers."""
    meet = threading.Barrier(2, timeout=20)
    copy = downloads._copy

    def together(*arguments: object) -> str:
        meet.wait()  # both have their file open
        found = copy(*arguments)  # type: ignore[arg-type]
        meet.wait()
        return found

    monkeypatch.setattr(downloads, "_copy", together)
    wrong: list[object] = []

    def fetch() -> None:
        try:
            download(remote(f"{server}/good"), tmp_path, Reporter())
        except Exception as error:
            wrong.append(error)

    threads = [threading.Thread(target=fetch) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert (tmp_path / "file.bin").read_bytes() == CONTENT
    assert [path.name for path in tmp_path.iterdir()] == ["file.bin"]


def test_no_link_is_followed_and_what_a_killed_process_left_goes(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    (tmp_path / "precious").write_text("keep me")
    gone = subprocess.Popen(["true"])
    gone.wait()
    (cache / f".file.bin.{gone.pid}-0123abcd.tmp").write_bytes(b"half of it")
    monkeypatch.setattr(downloads, "temporary_name", lambda path: ".foreseen")
    (cache / ".foreseen").symlink_to(tmp_path / "precious")
    with pytest.raises(DownloadError, match="cannot write"):
        download(remote(f"{server}/good"), cache, Reporter())
    assert (tmp_path / "precious").read_text() == "keep me"
    assert download(remote(f"{server}/good"), cache, Reporter()).read_bytes() == CONTENT
    assert [path.name for path in cache.iterdir()] == ["file.bin"]
