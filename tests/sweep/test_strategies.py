"""Which trials the strategies choose, given what came out."""

from __future__ import annotations

import json
import math
import statistics
from pathlib import Path

import pytest

from dltrain.config.blocks.sweep import read_over
from dltrain.errors import RunError
from dltrain.sweep.comparison import compare
from dltrain.sweep.plan import SweepOptions, plan_sweep
from dltrain.sweep.space import build_space
from dltrain.sweep.strategies.capacity import CapacityStrategy
from dltrain.sweep.strategies.grid import GridStrategy
from dltrain.sweep.strategies.strategy import Strategy
from dltrain.sweep.strategies.tpe import PrunedStrategy, TpeStrategy
from dltrain.sweep.study import Study, importance
from dltrain.sweep.trials import Trial, TrialFit
from tests.sweep.support import small


def space_of(*words: str):
    config = small()
    return build_space(config, read_over(words, config))


def trial_of(number: int, parameters: dict, value: float | None, error: float = 0.0, status: str = "finished") -> Trial:
    fit = TrialFit(number, parameters, small(), Path(f"{number:04d}"), status=status)
    return Trial(number, parameters, [fit], value=value, standard_error=error)


def play(strategy: Strategy, value, first: int = 1, most: int = 1000) -> list[Trial]:
    """Run a strategy to its end, one trial at a time."""
    trials = []
    while len(trials) < most and (chosen := strategy.choose(1)):
        trials.append(trial_of(first + len(trials), chosen[0], value(chosen[0])))
        strategy.tell(trials[-1])
    return trials


SIZES = "model.layers.0.units={low: 2, high: 256, log: true}"


def test_capacity_grows_until_the_gain_is_chance():
    strategy = CapacityStrategy(space_of(SIZES), "min")
    losses = {2: 1.0, 4: 0.7, 8: 0.5, 16: 0.48, 32: 0.2}
    trials = []
    while chosen := strategy.choose(4):
        assert len(chosen) == 1
        assert strategy.choose(1) == []  # the next size waits for this one
        units = chosen[0]["model.layers.0.units"]
        trials.append(trial_of(len(trials) + 1, chosen[0], losses[units], error=0.05))
        strategy.tell(trials[-1])
    assert [trial.parameters["model.layers.0.units"] for trial in trials] == [2, 4, 8, 16]
    assert strategy.chosen is trials[2]
    assert "not more than chance" in strategy.reason


def test_capacity_goes_on_where_it_was_interrupted():
    space = space_of(SIZES)
    done = [trial_of(n, {"model.layers.0.units": 2**n}, 1.0 / n, error=0.01) for n in (1, 2)]
    running = trial_of(3, {"model.layers.0.units": 8}, None, status="interrupted")
    strategy = CapacityStrategy(space, "min")
    strategy.resume([*done, running])
    assert strategy.choose(1) == []
    strategy.tell(trial_of(3, {"model.layers.0.units": 8}, 0.1, error=0.01))
    assert strategy.choose(1) == [{"model.layers.0.units": 16}]


def test_capacity_of_a_metric_of_which_more_is_better_passes_a_size_that_diverged():
    strategy = CapacityStrategy(space_of("model.layers.0.units=1,2,3,4"), "max")
    values = {1: 0.5, 2: None, 3: 0.9, 4: 0.9}
    trials = play(strategy, lambda trial: values[trial["model.layers.0.units"]])
    assert len(trials) == 4
    assert strategy.chosen is trials[2]


def bowl(parameters: dict) -> float:
    rate, drop = parameters["training.optimizer.learning_rate"], parameters["droprate"]
    return (math.log10(rate) + 2) ** 2 + (drop - 0.2) ** 2


TPE_SPACE = (
    "training.optimizer.learning_rate={low: 1e-5, high: 1.0, log: true}",
    "droprate={low: 0.0, high: 0.9}",
    "training.optimizer=adam,{SGD: {momentum: 0.9}}",
)


def tpe(folder: Path, most: int, pruning: str | None = None) -> TpeStrategy:
    space = space_of(*TPE_SPACE)
    folder.mkdir(exist_ok=True)
    return TpeStrategy(space, lambda: Study(folder, space, mode="min", seed=1, parallel=False, pruning=pruning, epochs=10), most)


def test_tpe_goes_on_after_a_kill_as_if_nothing_had_been(tmp_path):
    whole = play(tpe(tmp_path / "whole", 24), bowl)
    first = tpe(tmp_path / "killed", 24)
    done = play(first, bowl, most=12)
    running = trial_of(13, first.choose(1)[0], None, status="interrupted")
    (tmp_path / "killed" / "optuna.journal.lock").symlink_to("held by the killed process")
    with (tmp_path / "killed" / "optuna.journal").open("ab") as journal:
        journal.write(b'{"op_code": 4, "torn')
    second = tpe(tmp_path / "killed", 24)
    second.resume([*done, running])
    ended = trial_of(13, running.parameters, bowl(running.parameters))
    second.tell(ended)
    rest = play(second, bowl, first=14)
    assert [trial.parameters for trial in (*done, ended, *rest)] == [trial.parameters for trial in whole]
    drawn, learnt = ([bowl(trial.parameters) for trial in part] for part in (whole[:10], whole[10:]))
    assert statistics.median(learnt) < statistics.median(drawn)
    assert {type(trial.parameters["training.optimizer"]) for trial in whole} == {str, dict}


def _changed(lines: list[bytes], key: str, value: object) -> list[bytes]:
    return [json.dumps({**one, key: value}).encode() if key in one else line for line in lines for one in [json.loads(line)]]


DAMAGES = {
    "nested": lambda lines: [b"{" * 100_000, *lines],
    "a list": lambda lines: [b"[]", *lines],
    "another operation": lambda lines: [*lines, b'{"op_code": 99, "worker_id": "a"}'],
    "no time": lambda lines: _changed(lines, "datetime_start", "yesterday"),
    "no distributions": lambda lines: _changed(lines, "distribution", "{}"),
    "no number": lambda lines: _changed(lines, "op_code", [1]),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=list(DAMAGES))
def test_a_journal_of_other_lines_is_a_damaged_sweep(tmp_path, damage):
    done = play(tpe(tmp_path / "tpe", 24), bowl, most=3)
    file = tmp_path / "tpe" / "optuna.journal"
    file.write_bytes(b"\n".join(damage(file.read_bytes().splitlines())) + b"\n")
    again = tpe(tmp_path / "tpe", 24)
    with pytest.raises(RunError, match=r"optuna\.journal is not what was written there"):
        again.resume(done)


@pytest.mark.parametrize("pruning", ["median", "successive_halving"])
def test_a_trial_that_falls_behind_is_pruned(tmp_path, pruning):
    space = space_of("droprate=0.0,0.1,0.2,0.3,0.4,0.5,0.6,0.7")
    study = Study(tmp_path, space, mode="min", seed=1, parallel=False, pruning=pruning, epochs=16)
    strategy = PrunedStrategy(GridStrategy(space), lambda: study)
    pruned = {}
    for number in range(1, 9):
        [parameters] = strategy.choose(1)
        level = 1.0 if number < 8 else 9.0
        stops = (epoch for epoch in range(16) if strategy.report(number, epoch, level + parameters["droprate"] - 0.01 * epoch))
        pruned[number] = next(stops, None)
        status = "finished" if pruned[number] is None else "pruned"
        strategy.tell(trial_of(number, parameters, level, status=status))
    assert pruned[1] is None
    assert pruned[8] is not None


def test_importance_finds_what_matters():
    space = space_of("droprate={low: 0.0, high: 0.9}", "training.batch_size=8,16,32")
    trials = [({"droprate": i / 20, "training.batch_size": (8, 16, 32)[i % 3]}, (i / 20) ** 2) for i in range(18)]
    shares = importance(space, trials, "min")
    assert next(iter(shares)) == "droprate"
    assert shares["droprate"] > 0.8
    assert sum(shares.values()) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("words", "different"),
    [
        (["training.batch_size=8,16"], 2),
        (["training.batch_size=8,16,8", "training.optimizer=adam,{SGD: {learning_rate: 0.1}}"], 4),
        (["model.layers.0.units={low: 1, high: 5, log: true}"], 5),
        (["droprate={low: 0.0, high: 0.3, step: 0.1}"], 4),
    ],
)
def test_d6_tpe_trains_nothing_twice_and_ends_when_all_was_trained(tmp_path, words, different):
    space = space_of(*words)
    study = Study(tmp_path, space, mode="min", seed=1, parallel=False, pruning=None, epochs=10)
    trials = play(TpeStrategy(space, lambda: study, 12), lambda parameters: float(len(str(parameters))))
    texts = [str(sorted(trial.parameters.items())) for trial in trials]
    assert len(texts) == len(set(texts)) == different


def test_d6_tpe_that_goes_on_knows_what_was_trained(tmp_path):
    space = space_of("training.batch_size=8,16,32")
    first = TpeStrategy(space, lambda: Study(tmp_path, space, mode="min", seed=1, parallel=False, pruning=None, epochs=1), 9)
    trials = play(first, lambda parameters: 1.0, most=2)
    second = TpeStrategy(space, lambda: Study(tmp_path, space, mode="min", seed=1, parallel=False, pruning=None, epochs=1), 9)
    second.resume(trials)
    rest = play(second, lambda parameters: 1.0, first=3)
    assert sorted(trial.parameters["training.batch_size"] for trial in [*trials, *rest]) == [8, 16, 32]


def test_d6_the_best_is_compared_with_another_configuration():
    plan = plan_sweep(small(), SweepOptions(over=["training.batch_size=8,16"]))
    values = [(8, 0.5), (8, 0.5), (16, 0.9)]
    trials = [trial_of(number, {"training.batch_size": size}, value) for number, (size, value) in enumerate(values, 1)]
    found = compare(trials, plan)
    assert (found.best.number, found.next.number) == (1, 3)
    assert found.difference == pytest.approx(0.4)
