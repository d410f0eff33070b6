"""`training.phases`: what a phase takes, what it inherits, and where what is wrong with it stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from dltrain.config import dump_yaml, load_config_text
from dltrain.config.types import TrainingConfig
from dltrain.errors import ConfigError

TEXT = """
data: {source: noise, rows: 90, shape: [12, 12, 3], split: {validation: 0.25}}
model:
  layers: [Conv2D: {name: body, filters: 6, kernel_size: 3, trainable: false}, GlobalAveragePooling2D]
training:
  epochs: 4
  optimizer: {Adam: {learning_rate: 0.01}}
  early_stopping: {patience: 2}
  phases:
    - {}
    - {epochs: 3, unfreeze: body, optimizer: {SGD: {learning_rate: 1e-4}}, early_stopping: false}
    - {unfreeze: [body, output], cache_features: auto, class_weight: balanced}
"""


def training_of(text: str, *overrides: str) -> TrainingConfig:
    config = load_config_text(text, folder=Path("/nowhere"), overrides=list(overrides))
    assert config.training is not None
    again = load_config_text(dump_yaml(config.resolved), folder=Path("/elsewhere"))
    assert again == config
    return config.training


def test_a_phase_has_what_it_says_and_else_what_the_block_says() -> None:
    training = training_of(TEXT)
    first, second, third = training.stages
    assert [stage.epochs for stage in training.stages] == [4, 3, 4]
    assert training.num_epochs == 11
    assert [stage.optimizer.name for stage in training.stages] == ["Adam", "SGD", "Adam"]
    assert (first.early_stopping, second.early_stopping) == ({"patience": 2}, None)
    assert (first.class_weight, third.class_weight) == (None, "balanced")
    assert [phase.unfreeze for phase in training.phases] == [None, ("body",), ("body", "output")]
    assert first.phases == ()


def test_without_phases_the_block_is_the_only_stage() -> None:
    training = training_of(TEXT.partition("  phases")[0])
    assert training.stages == (training,)
    assert training.num_epochs == 4


def test_overrides_reach_into_phases() -> None:
    training = training_of(TEXT, "training.phases.1.optimizer.learning_rate=0.5", "training.phases.0.epochs=7")
    assert training.stages[1].optimizer.arguments == {"learning_rate": 0.5}
    assert training.num_epochs == 14


@pytest.mark.parametrize(
    ("phase", "path", "message"),
    [
        ("{metrics: [AUC]}", "metrics", "holds for all phases"),
        ("{loss: mse}", "loss", "holds for all phases"),
        ("{checkpoint: true}", "checkpoint", "holds for all phases"),
        ("{epohcs: 3}", "epohcs", "unknown key of a phase"),
        ("{phases: []}", "phases", "unknown key of a phase"),
        ("5", "", "expected a mapping of keys"),
        ("{epochs: 0}", "epochs", "at least 1"),
        ("{unfreeze: 0}", "unfreeze", "found 0"),
        ("{unfreeze: {a: 1}}", "unfreeze", "found a mapping"),
        ("{early_stopping: {monitor: val_f}}", "early_stopping.monitor", "no metric val_f"),
        ("{optimizer: {Adm: {}}}", "optimizer", "unknown optimizer"),
        ("{optimizer: {SGD: {momentun: 0.9}}}", "optimizer.momentun", "unknown argument"),
    ],
)
def test_what_is_wrong_stands_at_its_phase(phase: str, path: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        training_of(f"{TEXT}    - {phase}\n")
    [fault] = caught.value.faults
    assert fault.path == f"training.phases.3.{path}".rstrip(".")
    assert message in fault.message
    assert fault.line == 13


def test_a_list_is_wanted_and_not_an_endless_one() -> None:
    for phases, message in (("{epochs: 3}", "expected a list"), (f"[{', '.join(['{epochs: 1}'] * 101)}]", "at most 100")):
        with pytest.raises(ConfigError, match=message):
            training_of(TEXT.partition("  phases")[0] + f"  phases: {phases}\n")
