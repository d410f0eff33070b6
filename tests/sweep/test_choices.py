"""Choices by name, each with several keys and with parameters of its own, and keys that are varied with others alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dltrain.checking.check import check_with_facts
from dltrain.checking.sweep_checks import check_sweep
from dltrain.config import load_config
from dltrain.data.look import read_facts
from dltrain.errors import ConfigError
from dltrain.sweep.check_trials import describe_trials
from dltrain.sweep.choosing import build_strategy
from dltrain.sweep.combinations import grid, grid_size, num_configurations
from dltrain.sweep.dimension import Dimension
from dltrain.sweep.plan import SweepOptions, base_text, plan_sweep, trial_config
from dltrain.sweep.study import importance
from dltrain.sweep.sweep import sweep
from tests.sweep.support import SMALL, faked, small
from tests.sweep.test_strategies import trial_of

CHOICES = (
    SMALL
    + """
sweep:
  choices:
    model:
      small: {}
      large:
        model.layers: [Dense: {units: 8}, Dense: {units: 4}]
        training.optimizer.learning_rate: 0.003
        parameters: {model.layers.1.units: [3, 6]}
  parameters:
    droprate: {choices: [0.1, 0.3], where: {model: small}}
    model: [small, large]
    training.batch_size: [8, 16]
"""
)
SMALL_ONES = [{"model": "small", "training.batch_size": size, "droprate": rate} for size in (8, 16) for rate in (0.1, 0.3)]
LARGE_ONES = [
    {"model": "large", "model.layers.1.units": units, "training.batch_size": size} for units in (3, 6) for size in (8, 16)
]


def as_set(trials: list[dict]) -> set[frozenset]:
    return {frozenset(trial.items()) for trial in trials}


@pytest.mark.parametrize("strategy", ["grid", "random", "tpe"])
def test_each_strategy_finds_every_trial_once_and_none_that_cannot_be(tmp_path: Path, strategy: str) -> None:
    plan = plan_sweep(small(text=CHOICES), SweepOptions(strategy=strategy, trials=50))
    assert grid_size(plan.space) == num_configurations(plan.space) == 8
    chosen: list[dict] = []
    found = build_strategy(plan, tmp_path)
    while parameters := found.choose(1):
        chosen += parameters
        found.tell(trial_of(len(chosen), parameters[0], float(len(chosen))))
    assert len(chosen) == 8
    assert as_set(chosen) == as_set(SMALL_ONES + LARGE_ONES)
    assert {trial["model"] for trial in found.candidates()} == {"small", "large"}
    again = build_strategy(plan_sweep(small(text=CHOICES), SweepOptions(strategy=strategy, trials=50)), tmp_path)
    again.resume([trial_of(number, parameters, 1.0) for number, parameters in enumerate(chosen[:5], 1)])
    rest = again.choose(50)
    assert as_set(chosen[:5] + rest) == as_set(chosen)
    assert len(rest) == 3


def test_a_trial_s_config_has_what_its_choice_sets() -> None:
    plan = plan_sweep(small(text=CHOICES))
    text = base_text(plan.config)
    large = trial_config(plan, LARGE_ONES[2], text)
    assert [layer.component.arguments["units"] for layer in large.model.layers] == [8, 6]
    assert large.training is not None
    assert large.training.optimizer.arguments == {"learning_rate": 0.003}
    assert large.training.batch_size == 8
    first = trial_config(plan, SMALL_ONES[1], text)
    assert [layer.component.name for layer in first.model.layers] == ["Dense", "Dropout"]
    assert first.model.layers[1].component.arguments["rate"] == 0.3


def test_by_name_on_the_command_line_and_all_of_them_where_nothing_is_said() -> None:
    plan = plan_sweep(small(text=CHOICES), SweepOptions(over=["model=large"]))
    assert list(grid(plan.space)) == [{"model": "large", "model.layers.1.units": units} for units in (3, 6)]
    alone = SMALL + "sweep: {choices: {depth: {1: {model.layers.0.units: 3}, 2: {parameters.droprate: 0.4}}}}"
    plan = plan_sweep(small(text=alone))
    assert list(grid(plan.space)) == [{"depth": "1"}, {"depth": "2"}]
    second = trial_config(plan, {"depth": "2"}, base_text(plan.config))
    assert second.model.layers[1].component.arguments["rate"] == 0.4  # which the parameter stands for
    conditional = plan_sweep(
        small(text=alone), SweepOptions(over=["depth=1,2", "training.batch_size={choices: [4, 8], where: {depth: 2}}"])
    )
    assert grid_size(conditional.space) == 3


def test_choices_that_are_not_varied_are_said() -> None:
    text = (
        SMALL
        + "sweep: {choices: {size: {small: {}, large: {model.layers.0.units: 8}}}, parameters: {training.batch_size: [4, 8]}}"
    )
    plan = plan_sweep(small(text=text))
    assert grid_size(plan.space) == 2
    [said] = plan.repeats
    assert "size is not varied" in said
    assert "`size: [small, large]`" in said
    assert describe_trials(small(text=text)) == ["sweep: 2 trials, grid, over training.batch_size; compared by loss", said]
    assert describe_trials(small()) == []
    assert not plan_sweep(small(text=text), SweepOptions(over=["training.batch_size=4,8"])).repeats
    assert not plan_sweep(small(text=CHOICES)).repeats


MOVED = (
    SMALL.replace("{droprate: 0.1}", "{droprate: 0.1, width: 8}")
    + """
sweep:
  choices:
    size:
      small: {model.layers: [Dense: {units: $width}], parameters: {width: [3, 4]}}
      large:
        model.layers: [Dense: {units: 32}, Dense: {units: $width}]
        parameters: {width: [5, 6]}
"""
)


def units_of(text: str, *over: str) -> list[tuple[dict, list[int]]]:
    plan = plan_sweep(small(text=text), SweepOptions(over=list(over)))
    base = base_text(plan.config)
    found = []
    for parameters in grid(plan.space):
        layers = trial_config(plan, parameters, base).model.layers
        found.append((parameters, [layer.component.arguments.get("units") for layer in layers]))
    return found


def test_a_parameter_stands_where_the_choice_puts_it() -> None:
    assert units_of(MOVED) == [
        ({"size": "small", "width": 3}, [3]),
        ({"size": "small", "width": 4}, [4]),
        ({"size": "large", "width": 5}, [32, 5]),
        ({"size": "large", "width": 6}, [32, 6]),
    ]
    # Given by the choice itself, and varied only where the choice has it.
    given = MOVED.replace("parameters: {width: [5, 6]}", "parameters.width: 7").replace(", parameters: {width: [3, 4]}", "")
    assert [units for _, units in units_of(given)] == [[8], [32, 7]]
    bare = MOVED.replace("$width}], parameters: {width: [3, 4]}", "8}]").replace("        parameters: {width: [5, 6]}\n", "")
    over = ["size=small,large", "width={choices: [5, 6], where: {size: large}}"]
    assert [units for _, units in units_of(bare, *over)] == [[8], [32, 5], [32, 6]]


def test_a_parameter_that_is_nowhere_in_a_choice_and_a_key_set_twice_are_blamed_where_they_stand() -> None:
    bare = MOVED.replace("$width}], parameters: {width: [3, 4]}", "8}]").replace("        parameters: {width: [5, 6]}\n", "")
    with pytest.raises(ConfigError, match=r"varied with size=small as well, where \$width is nowhere") as caught:
        units_of(bare, "size=small,large", "width=5,6")
    assert caught.value.faults[0].hint == "write width: {choices: [...], where: {size: [large]}}"
    twice = MOVED.replace("{width: [5, 6]}", "{width: [5, 6], model.layers.1.units: [7]}")
    with pytest.raises(ConfigError, match="is set by width and model") as caught:
        units_of(twice)
    assert caught.value.faults[0].path == "sweep.choices.size.large.parameters.model.layers.1.units"


@pytest.mark.parametrize(
    ("block", "said"),
    [
        ("choices: {size: {small: {training.batchsize: 8}}}", "sweep.choices.size.small"),
        ("choices: {size: {small: {nonsense: 8}}}", "neither a parameter nor a key"),
        ("choices: {size: {small: [8]}}", "expected a mapping of keys to values"),
        ("choices: {droprate: {small: {}}}", "is a parameter as well"),
        ("choices: {size: {small: {}}}, parameters: {size: [smal]}", 'did you mean "small"'),
        ("choices: {size: {small: {parameters: {size: [small]}}}}", "chosen within one of its own choices"),
        ("choices: {size: {small: {extends: a.yaml}}}", "extends no file"),
        ("parameters: {seed: {choices: [1, 2], where: {size: 3}}}", "varied with size, which is not"),
        ("parameters: {seed: {choices: [1, 2], where: {droprate: 3}}, droprate: [0.1, 0.2]}", "3, which is none of its values"),
        ("parameters: {seed: {choices: [1, 2], where: {droprate: 0.1}}, droprate: {low: 0.1, high: 0.2}}", "which is a range"),
        (
            "parameters: {seed: {choices: [1, 2], where: {droprate: 0.1}}, droprate: {choices: [0.1, 0.2], where: {seed: 1}}}",
            "in a circle",
        ),
        (
            "choices: {size: {small: {training.batch_size: 8}}}, parameters: {size: [small], training.batch_size: [4, 8]}",
            "training.batch_size is set by size=small and training.batch_size",
        ),
    ],
)
def test_what_cannot_be_is_said_by_check(block: str, said: str) -> None:
    try:
        config = small(text=f"{SMALL}sweep: {{{block}}}\n")
    except ConfigError as error:
        found = [str(fault) for fault in error.faults]
    else:
        found = [str(fault) for fault in check_sweep(config)]
        found += [str(fault) for fault in check_with_facts(config, read_facts(config.data, seed=config.seed)).errors]
        try:
            plan_sweep(config)
        except ConfigError as error:
            found += [str(fault) for fault in error.faults]
    assert any(said in text for text in found), found


def test_a_choice_that_cannot_be_trained_is_blamed_where_it_stands() -> None:
    text = SMALL + "sweep:\n  choices:\n    size:\n      small: {}\n      wide: {model.layers.0.units: -3}\n"
    [fault] = check_sweep(small(text=text))
    assert (fault.line, fault.path) == (len(text.splitlines()), "sweep.choices.size.wide.model.layers.0.units")


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 2), st.integers(0, 2)), max_size=5))
def test_as_many_combinations_as_there_are(shapes: list[tuple[int, int, int]]) -> None:
    """Each dimension may be varied with one value of an earlier one."""
    space: list[Dimension] = []
    for index, (count, value, before) in enumerate(shapes):
        where = {f"d{before}": (value,)} if before < index and value < len(space[before].values) else {}
        space.append(Dimension(f"d{index}", (f"d{index}",), tuple(range(count)), where=where))
    trials = list(grid(space))
    assert len(trials) == len(as_set(trials)) == grid_size(space) == num_configurations(space)
    for trial in trials:
        assert {one.name for one in space if one.is_varied(trial)} == set(trial)


def test_importance_is_of_what_all_trials_have() -> None:
    plan = plan_sweep(small(text=CHOICES))
    trials = [(trial, float(trial["training.batch_size"])) for trial in SMALL_ONES + LARGE_ONES]
    found = importance(plan.space, trials, "min")
    assert set(found) == {"model", "training.batch_size"}
    assert found["training.batch_size"] > 0.9


def test_a_sweep_over_choices_goes_on_to_more_of_them(tmp_path: Path, inline: Callable[..., object]) -> None:
    inline(faked(lambda parameters: 0.5))
    file = tmp_path / "small.yaml"
    block = "sweep: {choices: {size: {small: {}, large: {model.layers.0.units: 8, parameters: {training.batch_size: [8, 16]}}"
    file.write_text(SMALL + block + "}}}\n")
    first = sweep(load_config(file), run_dir=tmp_path / "sizes")
    assert [trial["parameters"] for trial in first.trials] == [
        {"size": "small"},
        {"size": "large", "training.batch_size": 8},
        {"size": "large", "training.batch_size": 16},
    ]
    assert "size,training.batch_size" in (tmp_path / "sizes" / "trials.csv").read_text()
    stored = load_config(tmp_path / "sizes" / "config.yaml")  # which says the same sweep
    assert plan_sweep(stored).identity["choices"] == plan_sweep(load_config(file)).identity["choices"]
    file.write_text(SMALL + block + ", huge: {model.layers.0.units: 64}}}}\n")
    more = sweep(load_config(file), resume=tmp_path / "sizes")
    assert [trial["parameters"] for trial in more.trials[3:]] == [{"size": "huge"}]
    assert more.trials[:3] == first.trials
    file.write_text(SMALL + block.replace("units: 8", "units: 9") + "}}}\n")
    with pytest.raises(ConfigError, match="own config and space"):
        sweep(load_config(file), resume=tmp_path / "sizes")
