"""Keys of `training` that stand for arguments of the optimizer."""

from __future__ import annotations

import pytest

from dltrain.config import dump_yaml
from dltrain.config.types import Component
from tests.config.support import DATA, faults_of, load


def optimizers(text: str, *words: str) -> list[Component]:
    training = load(DATA + text, *words).training
    assert training is not None
    return [stage.optimizer for stage in training.stages]


def test_the_keys_are_arguments_of_every_optimizer() -> None:
    phases = "phases: [{epochs: 1}, {epochs: 1, optimizer: {SGD: {momentum: 0.5}}}]"
    found = optimizers(f"training: {{clip_norm: 0.5, gradient_accumulation: 4, {phases}}}")
    assert [optimizer.name for optimizer in found] == ["Adam", "SGD"]
    for optimizer in found:
        assert optimizer.arguments["clipnorm"] == 0.5
        assert optimizer.arguments["gradient_accumulation_steps"] == 4
    assert found[1].arguments["momentum"] == 0.5


def test_what_is_written_down_has_the_key_where_it_was_and_can_be_changed_there() -> None:
    config = load(DATA + "training: {clip_norm: 0.5, gradient_accumulation: 2, phases: [{epochs: 1, optimizer: sgd}]}")
    text = dump_yaml(config.resolved)
    assert "clipnorm" not in text
    assert load(text) == config
    again = load(text, "training.clip_norm=2", "training.gradient_accumulation=1").training
    assert again is not None
    assert again.stages[0].optimizer.arguments == {"clipnorm": 2}


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        ("{clip_norm: 1, optimizer: {Adam: {clipnorm: 2}}}", "training.clip_norm", "Adam says `clipnorm: 2`"),
        (
            "{clip_norm: 1, phases: [{epochs: 1, optimizer: {SGD: {clipnorm: 2}}}]}",
            "training.clip_norm",
            "SGD says `clipnorm: 2`",
        ),
        (
            "{gradient_accumulation: 3, optimizer: {Adam: {gradient_accumulation_steps: 2}}}",
            "training.gradient_accumulation",
            "Adam says `gradient_accumulation_steps: 2`",
        ),
    ],
)
def test_a_key_and_an_argument_that_differ_are_told_at_the_key(text: str, path: str, message: str) -> None:
    [fault] = faults_of(DATA + f"training: {text}")
    assert (fault.path, fault.message) == (path, message)
    assert fault.line is not None


@pytest.mark.parametrize("word", ["max_grad_norm", "clipnorm", "accumulate_grad_batches"])
def test_words_of_others_are_answered(word: str) -> None:
    [fault] = faults_of(DATA + f"training: {{{word}: 2}}")
    assert "training.clip_norm" in str(fault.hint) or "training.gradient_accumulation" in str(fault.hint)


@pytest.mark.parametrize("word", ["max_grad_norm", "clip_grad_norm_", "gradient_clip_val"])
def test_norms_of_all_gradients_together_are_told_from_those_of_each(word: str) -> None:
    [fault] = faults_of(DATA + f"training: {{{word}: 2}}")
    assert "global_clipnorm is of all together" in str(fault.hint)


def test_averages_over_epochs_begin_at_a_share_that_is_written_down() -> None:
    config = load(DATA + "training: {average: swa}")
    assert config.training is not None
    assert (config.training.average, config.training.average_from) == ("swa", "75 %")
    assert load(dump_yaml(config.resolved)) == config
    [fault] = faults_of(DATA + "training: {average: swa, optimizer: {Adam: {use_ema: true}}}")
    assert (fault.path, fault.message) == ("training.average", "Adam says `use_ema: true`")
