from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dltrain.config.durations import duration, is_duration, steps_of, with_steps
from dltrain.config.types import Component, TrainingConfig
from tests.config.support import DATA, faults_of, load

SCHEDULE = "training: {epochs: 8, batch_size: 10, optimizer: {SGD: {learning_rate: {%s}}}}\n"


def rate_of(text: str, num_rows: int, *words: str) -> Component:
    training = load(DATA + text, *words).training
    assert training is not None
    rate = with_steps(training, num_rows).optimizer.arguments["learning_rate"]
    assert isinstance(rate, Component)
    return rate


@pytest.mark.parametrize(
    ("text", "steps"),
    [("3 epochs", 30), ("1 epoch", 10), ("0.5 epochs", 5), ("10 %", 8), ("100%", 80), ("0.1 %", 1), ("2Epochs", 20), ("7", 7)],
)
def test_steps_of_an_epoch_and_of_the_whole(text: str, steps: int) -> None:
    cosine = SCHEDULE % f"CosineDecay: {{initial_learning_rate: 0.1, decay_steps: {text}}}"
    assert rate_of(cosine, 95).arguments["decay_steps"] == steps


def test_they_follow_the_overrides_and_stay_words_in_what_is_stored() -> None:
    pieces = SCHEDULE % "PiecewiseConstantDecay: {boundaries: [25 %, 6 epochs], values: [3, 2, 1]}"
    assert rate_of(pieces, 100).arguments["boundaries"] == [20, 60]
    assert rate_of(pieces, 100, "training.epochs=16", "training.batch_size=20").arguments["boundaries"] == [20, 30]
    plain = load(DATA + pieces).resolved["training"]["optimizer"]["SGD"]["learning_rate"]
    assert plain["PiecewiseConstantDecay"]["boundaries"] == ["25 %", "6 epochs"]


def test_phases_count_their_own_steps() -> None:
    text = "training: {batch_size: 10, warmup: 50 %, optimizer: SGD, phases: [{epochs: 2}, {epochs: 4, warmup: 1 epoch}]}"
    training = load(DATA + text).training
    assert training is not None
    stages = with_steps(training, 100).stages
    assert [stage.optimizer.arguments["learning_rate"].arguments["decay_steps"] for stage in stages] == [10, 10]
    assert all(stage.warmup is None for stage in stages)


def test_the_warm_up_is_a_schedule_of_keras() -> None:
    text = "training: {epochs: 4, batch_size: 10, warmup: 25 %, optimizer: OPTIMIZER}"
    line = rate_of(text.replace("OPTIMIZER", "SGD"), 100)
    assert (line.name, line.arguments["end_learning_rate"], line.arguments["decay_steps"]) == ("PolynomialDecay", 0.01, 10)
    cosine = "{SGD: {learning_rate: {CosineDecay: {initial_learning_rate: 0.3, decay_steps: 75 %}}}}"
    assert rate_of(text.replace("OPTIMIZER", cosine), 100).arguments == {
        "initial_learning_rate": 0.0,
        "warmup_target": 0.3,
        "warmup_steps": 10,
        "decay_steps": 30,
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{warmup: 0 %}", "`N epochs`, `N %`"),
        ("{warmup: 101 %}", "`N epochs`, `N %`"),
        ("{warmup: 3 weeks}", "`N epochs`, `N %`"),
        ("{warmup: 1, optimizer: {SGD: {learning_rate: {FlatCos: {peak: 1}}}}}", "FlatCos begins by itself"),
        ("{warmup: 1, reduce_lr_on_plateau: true}", "cannot lower"),
        ("{epochs: 3 epochs}", "whole number"),
    ],
)
def test_what_is_no_duration(text: str, message: str) -> None:
    assert message in faults_of(DATA + f"training: {text}")[0].message


@given(st.integers(1, 10**6), st.integers(1, 10**4), st.floats(0.001, 100))
def test_a_share_is_within_the_training(an_epoch: int, epochs: int, percent: float) -> None:
    text = duration(f"{percent:.6f} %")
    if text is not None:
        assert is_duration(text)
        assert 1 <= steps_of(text, an_epoch, an_epoch * epochs) <= an_epoch * epochs


def test_settings_without_durations_are_the_same() -> None:
    training = TrainingConfig()
    assert with_steps(training, 100) is training
