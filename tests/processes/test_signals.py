"""What a signal does to a run."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from dltrain.errors import ConfigError, InterruptedRun
from dltrain.evaluation.drawing.figure import draw_or_warn
from dltrain.processes.signals import StopSignals
from dltrain.reporting import Reporter
from dltrain.training.fit import fit
from dltrain.training.saving import model_file
from tests.training.support import NOISE, config_of


def interrupt(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def taken_for_its_own_error() -> None:
    try:
        interrupt()
    except Exception as error:
        raise ConfigError(f"Keras does not read it back: {error}") from error


def test_an_interruption_that_was_taken_for_another_error_is_one() -> None:
    with pytest.raises(InterruptedRun, match="interrupted by SIGTERM before training began") as caught, StopSignals():
        taken_for_its_own_error()
    assert caught.value.exit_code == 143

    def after_training() -> None:
        with StopSignals() as signals:
            signals.defer()
            signals.undefer("after training", "go on")
            taken_for_its_own_error()

    with pytest.raises(InterruptedRun, match="after training"):
        after_training()


def test_other_errors_are_what_they_are() -> None:
    with pytest.raises(ConfigError), StopSignals():
        raise ConfigError("no such layer")

    def while_noted() -> None:
        with StopSignals() as signals:
            signals.defer()
            interrupt()
            raise ConfigError("no such layer")

    with pytest.raises(ConfigError):  # the loop looks at what was noted
        while_noted()


def test_a_picture_that_is_interrupted_is_no_picture_that_failed() -> None:
    with pytest.raises(InterruptedRun), StopSignals():
        draw_or_warn(interrupt, "history.png", reporter=Reporter())


def test_a_fit_that_is_interrupted_while_a_model_is_tried_out_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever Keras raises there is taken for what the format cannot hold."""
    monkeypatch.setattr(model_file, "model_bytes", interrupt)
    with pytest.raises(InterruptedRun) as caught:
        fit(config_of(NOISE), run_dir=tmp_path / "run")
    assert caught.value.exit_code == 143
    assert not (tmp_path / "run").exists()
