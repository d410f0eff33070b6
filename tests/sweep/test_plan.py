"""What a sweep is to do, from block and options; and what cannot be."""

from __future__ import annotations

import pytest

from dltrain.errors import ConfigError, UsageError
from dltrain.sweep.plan import plan_sweep
from tests.sweep.support import SMALL, small


def test_without_block_and_over_it_is_the_learning_rate():
    plan = plan_sweep(small())
    assert plan.given == {"training.optimizer.learning_rate": [0.0001, 0.001, 0.01, 0.1]}
    assert (plan.strategy, plan.metric, plan.mode, plan.trials, plan.engine) == ("grid", "loss", "min", None, "auto")


def test_over_takes_the_place_of_the_blocks_parameters_and_options_that_of_its_keys():
    text = SMALL + "sweep: {parameters: {droprate: [0.1]}, strategy: random, trials: 3, metric: val_accuracy, jobs: 2}\n"
    plan = plan_sweep(small(text=text))
    assert (plan.strategy, plan.trials, plan.metric, plan.mode, plan.jobs) == ("random", 3, "val_accuracy", "max", 2)
    plan = plan_sweep(small(text=text), over=["training.batch_size=8,16"], strategy="grid", trials=1, metric="rmse", jobs=1)
    assert plan.given == {"training.batch_size": [8, 16]}
    assert (plan.strategy, plan.trials, plan.metric, plan.mode, plan.jobs) == ("grid", 1, "rmse", "min", 1)


def test_a_range_without_end_is_drawn_from():
    plan = plan_sweep(small(), over=["droprate={low: 0.0, high: 0.5}"])
    assert (plan.strategy, plan.trials) == ("random", 20)
    with pytest.raises(ConfigError, match="without end"):
        plan_sweep(small(), over=["droprate={low: 0.0, high: 0.5}"], strategy="grid")


def test_what_makes_a_model_the_best_is_what_is_compared():
    plan = plan_sweep(small("training.early_stopping={monitor: val_accuracy, patience: 1}", "training.metrics=[accuracy]"))
    assert (plan.metric, plan.mode) == ("accuracy", "max")


def test_folds_and_seeds_alone_are_one_trial_of_several_fits():
    assert plan_sweep(small("data.split={folds: 3}")).fits_per_trial == 3
    plan = plan_sweep(small("sweep={seeds: 4}"))
    assert (plan.space, plan.seeds) == ((), (7, 8, 9, 10))
    assert plan_sweep(small("sweep={seeds: [5, 1]}", "data.split={folds: 3}")).fits_per_trial == 6


@pytest.mark.parametrize(
    ("overrides", "options", "said"),
    [
        (["training=none"], {}, "leaves nothing to fit"),
        (["sweep={seeds: 2, pruning: true}"], {}, "cannot be stopped in the first"),
        (["sweep={seeds: 2, parameters: {seed: [1, 2]}}"], {}, "varied twice"),
        (["sweep={seeds: 2}"], {"strategy": "tpe"}, "needs a key to vary"),
    ],
)
def test_contradictions(overrides, options, said):
    with pytest.raises(ConfigError, match=said):
        plan_sweep(small(*overrides), **options)


def test_one_fold_is_no_sweep():
    with pytest.raises(UsageError, match="one fold"):
        plan_sweep(small("data.split={folds: 3, fold: 2}"))
