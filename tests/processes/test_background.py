"""Jobs beside the training come one after the other, and what they raise is raised where they are waited for."""

from __future__ import annotations

import threading

import pytest

from dltrain.errors import RunError
from dltrain.processes.background import Background


def test_jobs_come_one_after_the_other() -> None:
    done: list[int] = []
    first_may_end = threading.Event()

    def first() -> None:
        first_may_end.wait(120)
        done.append(1)

    with Background() as background:
        background.start(first)
        assert done == []
        threading.Timer(0.05, first_may_end.set).start()
        background.start(lambda: done.append(2))
        assert done[0] == 1
    assert done == [1, 2]


def refuse() -> None:
    raise RunError("no space")


def test_an_error_is_raised_once_and_nothing_is_begun_after_it() -> None:
    background = Background()
    background.start(refuse)
    done: list[int] = []
    with pytest.raises(RunError, match="no space"):
        background.start(lambda: done.append(1))
    assert done == []
    background.wait()


def test_the_end_of_the_context_waits_and_raises() -> None:
    with pytest.raises(RunError, match="no space"), Background() as background:
        background.start(refuse)


def test_an_error_of_the_training_goes_before_that_of_its_save(caplog: pytest.LogCaptureFixture) -> None:
    def train() -> None:
        with Background() as background:
            background.start(refuse)
            raise ValueError("diverged")

    with pytest.raises(ValueError, match="diverged"):
        train()
    assert "no space" in caplog.text
