"""What a sweep is to do, from block and options; and what cannot be."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dltrain.checking.check import check_config
from dltrain.config import load_config
from dltrain.config.types import SweepConfig
from dltrain.data.load import load_dataset
from dltrain.errors import ConfigError, DataError, UsageError
from dltrain.sweep.choosing import build_strategy
from dltrain.sweep.plan import SweepOptions, base_text, plan_sweep, trial_config
from tests.sweep.support import SMALL, small


def test_without_block_and_over_it_is_the_learning_rate():
    plan = plan_sweep(small())
    assert plan.given == {"training.optimizer.learning_rate": [0.0001, 0.001, 0.01, 0.1]}
    assert (plan.strategy, plan.metric, plan.mode, plan.trials, plan.engine) == ("grid", "loss", "min", None, "auto")


def test_of_a_rate_that_follows_a_curve_the_peak_is_swept():
    plan = plan_sweep(small("training.optimizer={Adam: {learning_rate: {CosLog4: {peak: 0.3}}}}"))
    assert plan.given == {"training.optimizer.learning_rate.peak": [0.0001, 0.001, 0.01, 0.1]}


def test_over_takes_the_place_of_the_blocks_parameters_and_options_that_of_its_keys():
    text = SMALL + "sweep: {parameters: {droprate: [0.1]}, strategy: random, trials: 3, metric: val_accuracy, jobs: 2}\n"
    plan = plan_sweep(small(text=text))
    assert (plan.strategy, plan.trials, plan.metric, plan.mode, plan.jobs) == ("random", 3, "val_accuracy", "max", 2)
    plan = plan_sweep(
        small(text=text), SweepOptions(over=["training.batch_size=8,16"], strategy="grid", trials=1, metric="rmse", jobs=1)
    )
    assert plan.given == {"training.batch_size": [8, 16]}
    assert (plan.strategy, plan.trials, plan.metric, plan.mode, plan.jobs) == ("grid", 1, "rmse", "min", 1)


def test_a_range_without_end_is_drawn_from():
    plan = plan_sweep(small(), SweepOptions(over=["droprate={low: 0.0, high: 0.5}"]))
    assert (plan.strategy, plan.trials) == ("random", 20)
    with pytest.raises(ConfigError, match="without end"):
        plan_sweep(small(), SweepOptions(over=["droprate={low: 0.0, high: 0.5}"], strategy="grid"))


def test_what_makes_a_model_the_best_is_what_is_compared():
    plan = plan_sweep(small("training.early_stopping={monitor: val_accuracy, patience: 1}", "training.metrics=[accuracy]"))
    assert (plan.metric, plan.mode) == ("accuracy", "max")


def test_folds_and_seeds_alone_are_one_trial_of_several_fits():
    assert plan_sweep(small("data.split={folds: 3}")).fits_per_trial == 3
    plan = plan_sweep(small("sweep={seeds: 4}"))
    assert (plan.space, tuple(plan.seeds)) == ((), (7, 8, 9, 10))
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
        plan_sweep(small(*overrides), SweepOptions(**options))


def test_one_fold_is_no_sweep():
    with pytest.raises(UsageError, match="one fold"):
        plan_sweep(small("data.split={folds: 3, fold: 2}"))


def test_d2_the_compared_metric_has_the_direction_of_its_class():
    mae = "training.metrics=[{MeanAbsoluteError: {name: closeness}}]"
    assert plan_sweep(small(mae, "sweep={metric: closeness}")).mode == "min"
    assert plan_sweep(small("training.metrics=[{AUC: {name: rank_loss}}]", "sweep={metric: val_rank_loss}")).mode == "max"
    assert plan_sweep(small(mae, "sweep={metric: closeness, mode: max}")).mode == "max"
    with pytest.raises(UsageError, match="no metric 'closenes'"):
        plan_sweep(small(mae, "sweep={metric: closenes}"))
    own = small()
    with pytest.raises(ConfigError, match="whether more or less of 'p_closeness' is better is not known") as caught:
        plan_sweep(replace(own, data=replace(own.data, target=("p", "q")), sweep=SweepConfig(metric="p_closeness")))
    assert caught.value.faults[0].path == "sweep.mode"


def test_d6_a_range_is_never_listed():
    over = ["seed={low: 0, high: 4294967295}"]
    with pytest.raises(ConfigError) as caught:
        plan_sweep(small(), SweepOptions(over=over))
    assert "4,294,967,296 trials" in str(caught.value)
    for strategy in ("grid", "random", "tpe"):
        plan = plan_sweep(small(), SweepOptions(over=over, strategy=strategy, trials=3))
        candidates = build_strategy(plan, Path()).candidates()
        assert len(candidates) <= 6
        assert all(0 <= trial["seed"] <= 4294967295 for trial in candidates)
    for word in (
        "sweep={seeds: 1000000000000}",
        "sweep={trials: 1000000000000, strategy: random, parameters: {seed: {low: 0, high: 9}}}",
    ):
        with pytest.raises(ConfigError):
            plan_sweep(small(word))
    plan = plan_sweep(small(), SweepOptions(over=["droprate={low: 0, high: 0.9, step: 1e-12}"], trials=2))
    assert [trial["droprate"] for trial in build_strategy(plan, Path()).candidates()] == [0.0, 1e-12]
    with pytest.raises(ConfigError):
        plan_sweep(small(), SweepOptions(over=["model.layers.0.units={low: 1, high: 100000000000}"], strategy="capacity"))


@pytest.mark.parametrize("strategy", ["grid", "random", "tpe"])
def test_d6_fewer_configurations_than_trials_are_said(strategy):
    over = ["training.batch_size=8,16"]
    said = "there are 2 configurations: no more trials, though 6 were asked for"
    assert plan_sweep(small(), SweepOptions(over=over, strategy=strategy, trials=6)).repeats == (said,)
    assert plan_sweep(small(), SweepOptions(over=over, strategy=strategy, trials=2)).repeats == ()
    assert plan_sweep(small(), SweepOptions(over=over, strategy=strategy)).repeats == ()


def test_d6_a_value_that_is_listed_twice_is_tried_once():
    plan = plan_sweep(small(), SweepOptions(over=["training.batch_size=8,16,8"]))
    assert [trial["training.batch_size"] for trial in build_strategy(plan, Path()).candidates()] == [8, 16]


def test_keys_of_a_trial_stand_where_the_sweep_file_has_them(tmp_path):
    """What is wrong with the data of a trial is told at the user's own line, and by `check` as well."""
    (tmp_path / "t.csv").write_text("a,b,y\n" + "".join(f"{row},{row % 4},{row * 2}.5\n" for row in range(6)))
    file = tmp_path / "c.yaml"
    file.write_text(
        "training: {epochs: 1}\nmodel: {layers: [{Dense: {units: 2}}]}\nsweep: {parameters: {training.epochs: [1, 2]}}\n"
        "data:\n  source: csv\n  path: t.csv\n  target: y\n  split: {folds: 9}\n"
    )
    plan = plan_sweep(load_config(file))
    made = trial_config(plan, {"training.epochs": 2}, base_text(plan.config))
    with pytest.raises(DataError) as caught:
        load_dataset(made.data, seed=0)
    checked = check_config(plan.config)
    for fault in (caught.value.faults[0], checked.errors[0]):
        assert (fault.file, fault.line, fault.column) == (str(file), 8, 10)
        assert fault.message == "expected 2 to 6 folds for 6 rows, got 9"
    assert checked.exit_code == 3
