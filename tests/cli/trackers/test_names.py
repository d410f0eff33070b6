"""Names and values that trackers don't take as they are: each is sent, none in the place of another, and found again."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dltrain.cli.trackers.mlflow import MlflowTracker, _cut_values, _keys, _reason
from dltrain.cli.trackers.told import Epoch, Told, milliseconds, sendable
from dltrain.cli.trackers.wandb import _project

HOSTILE = [
    "a$b", "a#b", "..b", "/x", "a//b", "../x", ".", "..", "a/../b", "a/", "", " ", "é", "日本", "a\nb", "x" * 400, "x" * 399 + "y", "it's",
    'a\'b"c', "a\\", "a\\'b", "a\0b", "f1[cat/dog]", "%",
]  # fmt: skip


def told(mark: str, **given: object) -> Told:
    usual = {
        "path": Path("run"), "name": "hostile names", "mark": mark, "parent": None, "status": "finished", "started": 1000, "ended": 2000,
        "commit": "", "values": {}, "epochs": [], "final": {}, "step": 1, "files": [], "page": lambda: "<p>", "has_model": False,
    }  # fmt: skip
    return Told(**{**usual, **given})  # type: ignore[arg-type]


@given(st.lists(st.one_of(st.text(), st.sampled_from(HOSTILE), st.text("/.ab$", max_size=6)), unique=True))
def test_every_name_has_one_of_its_own_that_mlflow_takes(names: list[str]) -> None:
    keys = _keys(names)
    assert list(keys) == names
    assert len(set(keys.values())) == len(names)
    for key in keys.values():  # as `mlflow.utils.validation` has it
        assert re.fullmatch(r"[/\w.\- ]+", key)
        assert len(key) <= 250
        assert posixpath.normpath(key) == key
        assert key != "."
        assert not key.startswith(("/", ".."))


def test_values_that_are_cut_are_named() -> None:
    assert _cut_values({"a": "v" * 6000, "b": "x"}) == []
    (said,) = _cut_values({"a": "v" * 6000, "data.drop": "v" * 6001})
    assert "data.drop is cut" in said


def test_usual_names_stay() -> None:
    usual = ["loss", "val_loss", "test_accuracy", "training.optimizer.learning_rate", "model.layers.0.units", "é/b c"]
    assert list(_keys(usual).values()) == usual


def test_what_is_told_can_be_written_down() -> None:
    assert sendable("a\udcffé") == "a?é"
    assert milliseconds("1900-01-01T00:00:00+00:00") == 0
    assert [_project(name) for name in ("a/b:c#%?\\", "x" * 500, "", "é b")] == ["a-b-c----", "x" * 128, "dltrain", "é b"]


def test_mlflow_takes_them_and_finds_the_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("mlflow")
    monkeypatch.chdir(tmp_path)
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    one = told(
        "m 1", values=dict.fromkeys(HOSTILE, "v" * 9000), final=dict.fromkeys(HOSTILE, 0.5), epochs=[Epoch(1, 1500, {"a": 1.0})]
    )
    tracker = MlflowTracker(uri)
    run = tracker.send(one)
    stored = tracker._client.get_run(run.identity).data
    assert (len(stored.params), len(stored.metrics)) == (len(HOSTILE), len(HOSTILE) + 1)
    assert {len(value) for value in stored.params.values()} == {6000}
    for mark in HOSTILE:
        first = MlflowTracker(uri).send(told(f"{mark} 2020"))
        again = MlflowTracker(uri).send(told(f"{mark} 2020"))
        assert (first.is_new, again.is_new, again.identity) == (True, False, first.identity)


def test_of_a_request_that_failed_what_is_at_the_bottom_is_said() -> None:
    class RetryError(Exception):
        def __init__(self, reason: Exception) -> None:
            super().__init__(f"HTTPConnectionPool(host='h', port=1): Max retries exceeded (Caused by {reason!r})")
            self.reason = reason

    asked = "API request to http://h/api failed with exception"
    broken = OSError("Connection aborted.", ConnectionResetError(104, "Connection reset by peer"))
    for reason, said in (
        (broken, "Connection reset by peer"),
        (ValueError("too many 500 error responses"), "too many 500 error responses"),
        (
            TimeoutError("HTTPConnectionPool(host='h', port=1): Read timed out. (read timeout=5)"),
            "Read timed out. (read timeout=5)",
        ),
    ):
        around = RuntimeError(RetryError(reason))
        error = RuntimeError(f"{asked} {around}")
        error.__context__ = around
        assert _reason(error) == said
    assert _reason(RuntimeError("no such experiment")) == "no such experiment"
