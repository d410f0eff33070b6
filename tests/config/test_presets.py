"""`model.preset` is what it stands for, as if it had been written."""

from __future__ import annotations

from pathlib import Path

import pytest

from dltrain.config import dump_yaml, load_config_text
from dltrain.config.presets import PRESETS
from dltrain.config.types import Component, Config
from dltrain.errors import ConfigError

TEXT = """
data: {source: csv, path: houses.csv, target: price, task: regression}
model: {preset: realmlp}
"""


def config_of(text: str, *overrides: str) -> Config:
    return load_config_text(text, file="c.yaml", folder=Path("."), overrides=list(overrides))


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_the_resolved_config_is_the_same_experiment_without_the_name(name: str) -> None:
    config = config_of(TEXT, f"model.preset={name}")
    assert "preset" not in config.resolved["model"]
    assert config_of(dump_yaml(config.resolved)) == config


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_an_input_of_something_else_than_columns_is_told(name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config_of(TEXT, f"model={{preset: {name}, inputs: {{q: [[a]]}}}}")
    assert caught.value.faults[0].path.startswith("model.inputs.q")  # type: ignore[union-attr]


def test_realmlp_is_that_of_the_paper() -> None:
    config = config_of(TEXT)
    assert config.training is not None
    names = [layer.component.name for layer in config.model.layers]
    assert names == ["PeriodicEmbedding", "FeatureScaling", *["Dense", "ParametricActivation", "Dropout"] * 3]
    given = config.training.optimizer.arguments
    assert config.training.optimizer.name == "AdamW"
    assert (config.training.epochs, config.training.batch_size, given["beta_2"]) == (256, 256, 0.95)
    assert given["learning_rate"] == Component("curve", "CosLog4", {"peak": 0.2})
    assert given["weight_decay"] == Component("curve", "FlatCos", {"peak": 0.02})
    assert config.model.layers[4].component.arguments["rate"] == Component("curve", "FlatCos", {"peak": 0.15})
    assert [word for group in given["groups"] for word in group["match"]][3:] == [
        "feature_scaling",
        "parametric_activation*",
        "bias",
        "Dense",
    ]
    classes = config_of(TEXT, "data.task=classification").training
    assert classes is not None
    assert classes.optimizer.arguments["learning_rate"].arguments == {"peak": 0.04}


def test_what_the_config_gives_itself_stays() -> None:
    config = config_of(TEXT + "training: {epochs: 3, early_stopping: {patience: 2}}\n")
    assert config.training is not None
    assert (config.training.epochs, config.training.batch_size) == (3, 256)
    assert config.training.early_stopping == {"patience": 2, "monitor": "loss"}
    own = config_of(TEXT.replace("{preset: realmlp}", "{preset: realmlp, layers: [{Dense: {units: 4}}]}"))
    assert [layer.component.name for layer in own.model.layers] == ["Dense"]
    assert own.training is not None
    assert [group["match"] for group in own.training.optimizer.arguments["groups"]] == [["bias"], ["Dense"]]


def test_every_part_can_be_overridden() -> None:
    words = [
        "model.layers.2.units=64",
        "training.optimizer.learning_rate.peak=0.1",
        "training.optimizer.groups.3.learning_rate=2",
    ]
    config = config_of(TEXT, *words)
    assert config.training is not None
    assert config.model.layers[2].component.arguments["units"] == 64
    assert config.training.optimizer.arguments["learning_rate"].arguments["peak"] == 0.1
    assert config.training.optimizer.arguments["groups"][3]["learning_rate"] == 2


@pytest.mark.parametrize("word", ["model.preset=realmlp", "model={preset: RealMLP}"])
def test_an_override_can_name_the_preset(word: str) -> None:
    config = config_of(TEXT.replace("model: {preset: realmlp}", "model: {layers: []}").replace(", layers: []", ""), word)
    config = config_of("data: {source: csv, path: houses.csv, target: price, task: regression}", word)
    assert config == config_of(TEXT)


def test_without_a_task_it_is_said_what_it_is_taken_for() -> None:
    config = config_of(TEXT.replace(", task: regression", ""))
    [warning] = [warning for warning in config.warnings if warning.path == "model.preset"]
    assert "it is taken for classes" in warning.message
    assert not config_of("data: {source: california_housing}\nmodel: {preset: realmlp}").warnings


def test_an_unknown_preset_is_an_error_at_its_place() -> None:
    with pytest.raises(ConfigError) as caught:
        config_of(TEXT.replace("realmlp", "realmpl"))
    [fault] = caught.value.faults
    assert (fault.line, fault.path) == (3, "model.preset")
    assert 'did you mean "realmlp"?' in str(fault.hint)


def test_tabm_has_one_target() -> None:
    text = TEXT.replace("target: price", "target: [price, rooms]")
    with pytest.raises(ConfigError) as caught:
        config_of(text, "model.preset=tabm")
    [fault] = caught.value.faults
    assert "data.target names 2" in fault.message
    assert "realmlp" in str(fault.hint)
    assert config_of(text, "model.preset=realmlp").model.layers


def test_numbers_embedded_by_ranges_come_with_the_scale_that_these_are_made_for() -> None:
    config = config_of(TEXT, "model.preset=realmlp_ple")
    names = [layer.component.name for layer in config.model.layers]
    assert names == ["PiecewiseLinearEmbedding", "FeatureScaling", *["Dense", "ParametricActivation", "Dropout"] * 3]
    assert config.data.scale == "quantile"
    assert config.training is not None
    groups = [word for group in config.training.optimizer.arguments["groups"] for word in group["match"]]
    assert groups == ["feature_scaling", "parametric_activation*", "bias", "Dense"]
    assert not config.warnings
    own = config_of(TEXT.replace("realmlp", "realmlp_ple").replace("task:", "scale: standard, task:"))
    assert own.data.scale == "standard"
    assert [warning.path for warning in own.warnings] == ["data.scale"]
    several = config_of(TEXT, "model={preset: realmlp_ple, inputs: {numbers: [a, b], kind: [kind]}}", "data.encode=embedding")
    assert [layer.component.name for layer in several.model.layers][:3] == [
        "PiecewiseLinearEmbedding",
        "Embedding",
        "Concatenate",
    ]
