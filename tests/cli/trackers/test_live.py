"""Trackers that hear of a run while it is trained: down, silent, broken; none of it costs a fit anything."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from dltrain.cli.app import run
from dltrain.reporting import Reporter, WarningList
from dltrain.training.saving.tracking import Listening, Tracking

CONFIG = """
data: {source: iris, split: {test: 0.3, validation: 0.2}}
model: {layers: [{Dense: {units: 4, activation: relu}}]}
training: {epochs: 2, track: [mlflow]}
"""


@contextmanager
def server(answer: bytes | None) -> Iterator[str]:
    """A server on loopback that answers every connection with these bytes; None: it takes them and is silent."""
    listening = socket.create_server(("127.0.0.1", 0))
    listening.settimeout(0.2)
    is_over, taken = threading.Event(), []

    def serve() -> None:
        while not is_over.is_set():
            try:
                channel, _ = listening.accept()
            except TimeoutError:
                continue
            taken.append(channel)
            if answer is not None:
                channel.recv(1 << 16)
                channel.sendall(answer)
                channel.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        is_over.set()
        thread.join()
        for channel in taken:
            channel.close()
        listening.close()


@pytest.fixture(autouse=True)
def there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dltrain.training.saving.tracking.find_spec", lambda name: object())


BROKEN = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "said", "most"),
    [
        (None, "does not answer within 3 s", 29),
        (BROKEN, "answers 500", 26),
        ("down", "cannot be reached: Connection refused", 26),
    ],
    ids=["silent", "broken", "down"],
)
def test_what_is_wrong_with_a_server_is_said_once_and_soon(answer, said, most, tmp_path, monkeypatch):
    tracking, reporter = Tracking(["mlflow"]), WarningList(Reporter())
    (tmp_path / "manifest.json").write_text("{}")
    with server(None if answer == "down" else answer) as place:
        address = "http://user:secret@127.0.0.1:9" if answer == "down" else place
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        started = time.monotonic()
        with tracking:
            tracking.start(tmp_path, reporter)
            tracking.finish()
        assert time.monotonic() - started < most  # 20 s of them, for a machine with much to do starts Python late
    (warning,) = reporter.warnings
    assert said in warning.message
    assert "`dltrain log RUN --to mlflow` sends it later" in warning.message
    assert "secret" not in warning.message


def test_a_fit_with_a_tracker_that_is_down_is_a_fit(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    (tmp_path / "iris.yaml").write_text(CONFIG)
    assert run(["fit", str(tmp_path / "iris.yaml"), "--run-dir", str(tmp_path / "run"), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["status"] == "finished"
    told = [warning["message"] for warning in document["warnings"] if "cannot be reached" in warning["message"]]
    assert len(told) == 1
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert manifest["status"] == "finished"
    assert [warning["message"] for warning in manifest["warnings"]].count(told[0]) == 1


def test_a_process_that_dies_is_said_and_one_that_is_silent_is_ended(tmp_path, monkeypatch):
    for code, said in (("import sys; sys.exit(3)", "ended by itself"), ("import time; time.sleep(60)", "does not answer")):
        monkeypatch.setattr("dltrain.training.saving.tracking._START", f"{code} # {{path!r}} {{words!r}}")
        monkeypatch.setattr("dltrain.training.saving.tracking.SILENCE", 1.0)
        tracking, reporter = Tracking(["mlflow"]), WarningList(Reporter())
        tracking.start(tmp_path, reporter)
        started = time.monotonic()
        tracking.finish()
        assert time.monotonic() - started < 15
        (warning,) = reporter.warnings
        assert said in warning.message


def test_they_are_heard_at_the_end_of_an_epoch(tmp_path, monkeypatch):
    monkeypatch.setattr("dltrain.training.saving.tracking._START", "print('problem it is full', flush=True) # {path!r} {words!r}")
    tracking, heard = Tracking(["mlflow"]), WarningList(Reporter())
    reporter = Listening(heard, tracking)
    tracking.start(tmp_path, heard)
    until = time.monotonic() + 20
    while not heard.warnings and time.monotonic() < until:
        reporter.epoch_end(0, {}, 0.1)
        time.sleep(0.02)
    assert [warning.message for warning in heard.warnings] == ["it is full"]
    tracking.finish()


def test_what_is_not_installed_is_a_warning_of_check(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("dltrain.checking.argument_checks.importlib.util.find_spec", lambda name: None)
    (tmp_path / "iris.yaml").write_text(CONFIG.replace("[mlflow]", "wandb"))
    assert run(["check", str(tmp_path / "iris.yaml")]) == 0
    assert "the package wandb is not installed: it is told nothing" in capsys.readouterr().err
