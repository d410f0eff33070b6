"""Dimensions, grids, draws, and what `--over` words mean."""

from __future__ import annotations

import math
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dltrain.config import load_config_text
from dltrain.config.blocks.sweep import read_over
from dltrain.errors import ConfigError
from dltrain.sweep.combinations import grid, grid_size
from dltrain.sweep.space import build_space, short_names, show, show_value, words_of
from dltrain.sweep.strategies.random import RandomStrategy
from tests.sweep.support import SMALL, small


def space_of(*words: str):
    config = small()
    return build_space(config, read_over(words, config))


def test_over_words_are_lists_ranges_and_components():
    config = small()
    words = [
        "droprate=0.0,0.2",
        "training.optimizer=adam,{SGD: {momentum: 0.9}}",
        "training.optimizer.learning_rate={low: 1e-4, high: 1e-1, log: true}",
        "training.batch_size=[16, 32]",
        "model.layers.0.units=8",
    ]
    assert read_over(words, config) == {
        "droprate": [0.0, 0.2],
        "training.optimizer": ["adam", {"SGD": {"momentum": 0.9}}],
        "training.optimizer.learning_rate": {"low": 1e-4, "high": 0.1, "log": True},
        "training.batch_size": [16, 32],
        "model.layers.0.units": [8],
    }


def test_one_component_is_a_choice_and_a_misspelt_range_is_a_fault():
    assert read_over(["training.optimizer={SGD: {momentum: 0.9}}"], small()) == {
        "training.optimizer": [{"SGD": {"momentum": 0.9}}]
    }
    with pytest.raises(ConfigError) as caught:
        read_over(["droprate={lo: 0, high: 1}"], small())
    assert "did you mean" in str(caught.value)


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("training.optimizer.learning_rate=1e-4..1e-1", "{low: 1e-4, high: 1e-1}"),
        ("droprate=0.1:0.5", "{low: 0.1, high: 0.5}"),
        ("layers.0.units=8,16", "write model.layers.0.units"),
        ("units=8,16", "model.layers.0.units"),
        ("dropout_rate=0.1,0.2", "droprate"),
        ("epochs=3,4", "write training.epochs"),
    ],
)
def test_e4_over_names_the_right_spelling(word, hint):
    with pytest.raises(ConfigError) as caught:
        read_over([word], small())
    assert hint in (caught.value.faults[0].hint or "")


def test_all_faults_of_over_words_come_at_once():
    with pytest.raises(ConfigError) as caught:
        read_over(["drprate=1,2", "nonsense", "training.epochs=", "training.batch_size={low: 4}", "data.limit=[1"], small())
    text = str(caught.value)
    assert len(caught.value.faults) == 5
    for said in ('did you mean "droprate"', "expected KEY=VALUE,VALUE", "empty list", "needs `high`", "cannot be read"):
        assert said in text


def test_a_grid_is_every_combination_the_last_key_fastest():
    space = space_of("training.batch_size=8,16", "droprate=0.0,0.5,0.9")
    trials = [tuple(trial.values()) for trial in grid(space)]
    assert trials == [(8, 0.0), (8, 0.5), (8, 0.9), (16, 0.0), (16, 0.5), (16, 0.9)]
    assert grid_size(space) == 6


@pytest.mark.parametrize(
    ("word", "values"),
    [
        ("training.batch_size={low: 8, high: 11}", (8, 9, 10, 11)),
        ("training.batch_size={low: 8, high: 20, step: 5}", (8, 13, 18)),
        ("training.batch_size={low: 8, high: 100, log: true}", (8, 16, 32, 64, 100)),
        ("droprate={low: 0, high: 0.3, step: 0.1}", (0, 0.1, 0.2, 0.3)),
        ("droprate={low: 0.0, high: 0.9}", ()),
        ("training.optimizer.learning_rate={low: 1e-4, high: 1e-1, log: true}", ()),
    ],
)
def test_values_of_a_range(word, values):
    assert tuple(space_of(word)[0].values) == values


@given(low=st.floats(1e-6, 1.0), ratio=st.floats(1.001, 1e6), log=st.booleans(), seed=st.integers(0, 2**32))
def test_draws_stay_in_their_range(low, ratio, log, seed):
    config = small()
    given_space = {"training.optimizer.learning_rate": {"low": low, "high": low * ratio, "log": log}}
    [dimension] = build_space(config, given_space)
    generator = random.Random(seed)
    for _ in range(20):
        assert low <= dimension.draw(generator) <= low * ratio


def test_a_logarithmic_range_is_drawn_by_ratio():
    [dimension] = space_of("training.optimizer.learning_rate={low: 1e-4, high: 1e-0, log: true}")
    generator = random.Random(1)
    draws = sorted(math.log10(dimension.draw(generator)) for _ in range(2000))
    assert draws[1000] == pytest.approx(-2.0, abs=0.15)


@given(seed=st.integers(0, 1000), few=st.integers(1, 15))
def test_random_trials_are_a_function_of_space_and_seed_and_begin_alike(seed, few):
    space = space_of("training.optimizer.learning_rate={low: 1e-4, high: 1e-1, log: true}", "droprate=0.0,0.2,0.5")
    more = RandomStrategy(space, seed, 20).choose(100)
    assert RandomStrategy(space, seed, few).choose(100) == more[:few]
    strategy = RandomStrategy(space, seed, 20)
    assert [trial for count in (1, 2, 3, 14) for trial in strategy.choose(count)] == more


def test_d6_siblings_random_draws_of_whole_numbers_are_tried_once_each() -> None:
    space = space_of("training.batch_size={low: 8, high: 10, log: true}", "droprate=0.0,0.2")
    trials = RandomStrategy(space, 0, 20).choose(100)
    assert {tuple(trial.values()) for trial in trials} == {(size, rate) for size in (8, 9, 10) for rate in (0.0, 0.2)}
    assert len(trials) == 6


def test_random_trials_of_a_finite_space_do_not_repeat():
    space = space_of("training.batch_size=8,16", "droprate=0.0,0.2,0.5")
    trials = RandomStrategy(space, 3, 50).choose(100)
    assert len(trials) == 6
    assert len({tuple(trial.items()) for trial in trials}) == 6


def test_a_parameter_reaches_every_key_it_stands_at():
    text = SMALL.replace("units: 5", "units: $size").replace("{droprate: 0.1}", "{droprate: 0.1, size: $inner, inner: 4}")
    text = text.replace("    - Dropout", "    - Dense: {units: $size}\n    - Dropout")
    config = load_config_text(text, folder=Path())
    space = build_space(config, read_over(["inner=8,16", "droprate=0.3"], config))
    assert space[0].keys == ("model.layers.0.units", "model.layers.1.units")
    assert words_of(space, {"inner": 16, "droprate": 0.3}) == [
        "model.layers.0.units=16",
        "model.layers.1.units=16",
        "model.layers.2.rate=0.3",
    ]


def test_a_component_is_put_in_before_its_arguments():
    space = space_of("training.optimizer.learning_rate=0.1", "training.optimizer=adam,SGD")
    words = words_of(space, {"training.optimizer.learning_rate": 0.1, "training.optimizer": "SGD"})
    assert words == ['training.optimizer="SGD"', "training.optimizer.learning_rate=0.1"]


@pytest.mark.parametrize(
    ("names", "short"),
    [
        (["model.layers.0.units"], ["layers.0.units"]),
        (["model.layers.hidden.units"], ["hidden.units"]),
        (["model.layers.0"], ["layers.0"]),
        (["model.layers"], ["layers"]),
        (["model.output"], ["output"]),
        (["model.layers.0.kernel_regularizer.l2"], ["layers.0.kernel_regularizer.l2"]),
        (["data.split.test", "data.test"], ["split.test", "test"]),
        (["data.augment.0.factor"], ["augment.0.factor"]),
        (["training.early_stopping.patience"], ["early_stopping.patience"]),
        (["training.phases.0.epochs"], ["phases.0.epochs"]),
        (["training.optimizer.learning_rate.decay_steps"], ["learning_rate.decay_steps"]),
        (["training.loss"], ["training.loss"]),  # `loss` is the column of what came out
        (["parameters.size", "seed"], ["size", "seed"]),
        (["data.scale", "parameters.scale"], ["data.scale", "parameters.scale"]),
    ],
)
def test_e5_short_names_say_what_they_are(names, short):
    assert list(short_names(names).values()) == short


def test_names_are_as_short_as_they_can_be():
    assert short_names(["training.optimizer.learning_rate", "droprate"]) == {
        "training.optimizer.learning_rate": "learning_rate",
        "droprate": "droprate",
    }
    names = ["model.layers.0.units", "model.layers.1.units"]
    assert list(short_names(names).values()) == ["layers.0.units", "layers.1.units"]
    assert (
        show({"training.optimizer": {"SGD": {"momentum": 0.9}}, "droprate": 0.25}) == "optimizer=SGD(momentum=0.9) droprate=0.25"
    )


def test_paths_are_told_from_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "first").mkdir(parents=True)
    config = small()
    found = read_over(["extends=a.yaml,b.yaml", "model.weights=runs/first,latest", f"data.path={tmp_path}/c.csv"], config)
    assert show({name: values[0] for name, values in found.items()}) == "extends=a.yaml weights=runs/first path=c.csv"
    assert found["model.weights"] == [str(tmp_path / "runs" / "first"), "latest"]  # a name is looked up when it is used


def test_paths_outside_the_working_directory_are_written_the_shorter_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert show_value(f"{tmp_path}/c.csv") == "../c.csv"
    assert show_value([f"{tmp_path}/c.csv", f"{tmp_path}/here/d.csv"]) == '["../c.csv", "d.csv"]'
    assert show_value("/c.csv") == "/c.csv"
