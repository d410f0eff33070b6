"""Whole sweeps with fits in this process: what is written, compared, refused, and gone on with."""

from __future__ import annotations

import csv
import json
import os
import signal
from pathlib import Path

import pytest

from dltrain.cli.app import run as command
from dltrain.config import load_config
from dltrain.data import load_dataset
from dltrain.errors import ConfigError, InterruptedRun, RunError, UsageError
from dltrain.evaluation.load_run import load_run
from dltrain.storage.run import Run
from dltrain.storage.run_list import list_runs
from dltrain.sweep.sweep import sweep
from dltrain.training.fit import fit
from tests.sweep.support import SMALL, faked, small
from tests.training.support import assert_same_bits, interrupted_at_call

RATES = "training.optimizer.learning_rate=0.001,0.01,0.1"


def rows_of(path: Path) -> list[dict[str, str]]:
    with (path / "trials.csv").open() as file:
        return list(csv.DictReader(file))


def test_a_sweep_holds_all_that_is_promised(inline, tmp_path, pictures_are_drawn):
    inline()
    result = sweep(
        small(),
        over=["training.optimizer.learning_rate=0.001,0.1", "droprate=0.0,0.5"],
        runs=tmp_path / "runs",
        argv=["dltrain", "sweep"],
    )
    assert result.status == "finished"
    assert [trial["number"] for trial in result.trials] == [1, 2, 3, 4]
    names = {"best.yaml", "trials.csv", "sweep.json", "curves.png", "parameters.png", "config.yaml", "manifest.json", "log.txt"}
    assert names <= {path.name for path in result.run.iterdir()}
    assert all((result.run / name).read_bytes().startswith(b"\x89PNG") for name in ("curves.png", "parameters.png"))
    for trial in result.trials:
        run = Run(Path(trial["run"]))
        assert run.read_manifest()["status"] == "finished"
        assert run.read_metrics()["metrics"] == trial["metrics"]
        stored = load_config(run.config_file)
        assert stored.training.optimizer.arguments["learning_rate"] == trial["parameters"]["training.optimizer.learning_rate"]
        assert stored.model.layers[1].component.arguments["rate"] == trial["parameters"]["droprate"]
    values = [trial["metrics"]["validation"]["loss"] for trial in result.trials]
    assert result.best["number"] == values.index(min(values)) + 1
    assert [float(row["value"]) for row in rows_of(result.run)] == values
    assert set(result.importance) == {"training.optimizer.learning_rate", "droprate"}
    assert set(result.comparison) == {"next", "difference", "noise", "differs", "text", "recommended", "best_value"}
    lowest = {"trial": values.index(min(values)) + 1, "metric": "loss", "value": min(values)}
    assert result.comparison["best_value"] == lowest
    assert all(trial["epoch"] == best_epoch(Path(trial["run"])) for trial in result.trials)
    assert result.asked_metric == "accuracy"
    assert result.comparison["noise"] > 0
    document = json.loads((result.run / "sweep.json").read_text())
    assert document["trials"] == result.trials
    assert not list(result.run.rglob("*.tmp"))
    [info] = list_runs(tmp_path / "runs")
    assert (info.status, info.name, info.metrics["validation"]) == ("finished", "small", result.best["metrics"]["validation"])
    assert load_run(result.run).run.path == Path(result.best["run"])
    best = fit(load_config(result.run / "best.yaml"), run_dir=tmp_path / "again")
    assert best.metrics == result.best["metrics"]
    again = sweep(resume=result.run)
    assert (again.status, again.trials) == ("finished", result.trials)


def best_epoch(run: Path) -> int:
    """The epoch of the lowest validation loss, from what the run wrote of each."""
    with (run / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    return int(min(rows, key=lambda row: float(row["val_loss"]))["epoch"])


OPTIMIZERS = (
    "training.optimizer=adam, {Adam: {}}, sgd, Adam, {Adam: {learning_rate: 0.001, amsgrad: false}}, {SGD: {learning_rate: 0.1}}"
)


@pytest.mark.parametrize("strategy", ["grid", "random", "tpe"])
def test_one_configuration_is_one_trial_however_it_is_spelled(inline, tmp_path, strategy):
    inline(faked(lambda values: 0.5))
    result = sweep(small(), over=[OPTIMIZERS], strategy=strategy, run_dir=tmp_path / "s")
    named = sorted(str(trial["parameters"]["training.optimizer"]) for trial in result.trials)
    assert named == ["adam", "sgd", "{'SGD': {'learning_rate': 0.1}}"]
    assert "training.optimizer: adam and Adam are the same; it is trained once" in result.notes


@pytest.mark.parametrize(
    ("over", "words", "said"),
    [
        ("seed=1,2", [], "the trials differ in seed, by which the parts are drawn"),
        ("seed=1,2", ["data.split.seed=5"], ""),
        ("seed=1,2", ["data.split.shuffle=false"], ""),
        ("data.split.test=0.1,0.2", [], "the trials differ in data.split"),
        ("training.batch_size=8,16", [], ""),
    ],
)
def test_trials_on_other_rows_are_not_put_beside_each_other_in_silence(inline, tmp_path, over, words, said):
    inline(faked(lambda values: 0.5))
    result = sweep(small(*words), over=[over], run_dir=tmp_path / "s")
    found = [note for note in result.notes if "not of the same rows" in note]
    assert [note[: len(said)] for note in found] == ([said] if said else [])


LAYERS = (
    "model.layers.0={Dense: {units: 4}}, {Dense: {units: 4, use_bias: true}}, {Dense: {units: 4, activation: linear}}, "
    "{Dense: {units: 4, activation: null, kernel_initializer: glorot_uniform}}, {Dense: {units: 4, kernel_initializer: "
    "{GlorotUniform: {seed: null}}}}, {Dense: {units: 4, bias_initializer: zeros}}, {Dense: {units: 4, activation: relu}}, "
    "{Dense: {units: 4, kernel_initializer: he_normal}}, {Dense: {units: 4, use_bias: false}}"
)


def test_a_layer_with_its_defaults_written_out_is_the_same_layer(inline, tmp_path):
    inline(faked(lambda values: 0.5))
    result = sweep(small(), over=[LAYERS], run_dir=tmp_path / "s")
    found = [trial["parameters"]["model.layers.0"]["Dense"] for trial in result.trials]
    plain = {"units": 4}
    assert found == [
        plain, {**plain, "activation": "relu"}, {**plain, "kernel_initializer": "he_normal"}, {**plain, "use_bias": False}
    ]  # fmt: skip


def test_what_two_keys_make_the_same_is_one_trial(inline, tmp_path):
    inline(faked(lambda values: 0.5))
    rates = "training.optimizer.learning_rate=0.001,0.1"
    result = sweep(small(), over=["training.optimizer=adam,{Adam: {learning_rate: 0.1}},SGD", rates], run_dir=tmp_path / "s")
    assert len(result.trials) == 4  # Adam and SGD at two rates each: a key goes over what the optimizer brings
    assert "2 combinations are the same as another, and left out" in result.notes


@pytest.mark.parametrize("words", [["droprate=0, 0.0, 0.5"], ["model.layers.0.activation=relu,ReLU,RELU,tanh"]])
def test_values_that_are_written_otherwise_are_one(inline, tmp_path, words):
    inline(faked(lambda values: 0.5))
    assert len(sweep(small(), over=words, run_dir=tmp_path / "s").trials) == 2


def test_a_sweep_goes_on_with_another_spelling_of_its_values(inline, tmp_path):
    inline(faked(lambda values: 0.5))
    sweep(small(), over=["training.optimizer=adam,{SGD: {learning_rate: 0.1}}"], run_dir=tmp_path / "s")
    other = ["training.optimizer={Adam: {}},{sgd: {learning_rate: 0.1, momentum: 0.0}}"]
    assert len(sweep(small(), over=other, resume=tmp_path / "s").trials) == 2
    with pytest.raises(ConfigError, match=r"training\.optimizer"):
        sweep(small(), over=["training.optimizer=adam,sgd"], resume=tmp_path / "s")


def test_every_trial_is_checked_before_the_first_and_a_fault_is_said_once(inline, tmp_path):
    engine = inline()
    text = SMALL + "sweep:\n  parameters:\n    training.batch_size: [8, 16]\n    droprate: [0.1, 1.5, 2.5]\n"
    with pytest.raises(ConfigError) as caught:
        sweep(small(text=text), run_dir=tmp_path / "s")
    faults = caught.value.faults
    assert len(faults) == 2
    assert {(fault.line, fault.path) for fault in faults} == {(20, "model.layers.1.rate")}
    assert "in trial 2 and 1 more" in faults[0].message
    assert engine.fits == []
    assert not (tmp_path / "s").exists()


def test_a_fault_of_the_config_itself_is_not_said_of_each_trial(inline, tmp_path):
    inline()
    text = SMALL.replace("  batch_size: 16", "  batch_size: 16\n  metrics: [accuracy]\n  early_stopping: {monitor: val_acuracy}")
    with pytest.raises(ConfigError) as caught:
        sweep(small(text=text), run_dir=tmp_path / "s")
    [fault] = caught.value.faults
    assert "trial" not in fault.message
    assert fault.line == 18


def test_a_metric_that_can_be_none_is_refused_before_training(inline, tmp_path):
    engine = inline()
    with pytest.raises(UsageError, match="acuracy"):
        sweep(small(), metric="acuracy", run_dir=tmp_path / "s")
    assert engine.fits == []


def test_diverged_trials_are_results_and_crashed_ones_are_counted(inline, tmp_path):
    outcomes = {2: ("diverged", "not finite"), 3: ("failed", "killed by SIGKILL")}
    fake = faked(lambda parameters: 0.5)
    inline(lambda fit, context: outcomes.get(fit.trial) or fake(fit, context))
    result = sweep(small(), over=[RATES], run_dir=tmp_path / "s")
    assert result.status == "trials_crashed"
    assert result.num_crashed == 1
    assert [trial["status"] for trial in result.trials] == ["finished", "diverged", "failed"]
    assert result.trials[2]["error"] == "killed by SIGKILL"
    assert result.best["number"] == 1
    again = sweep(resume=result.run)
    assert (again.status, [trial["status"] for trial in again.trials]) == (result.status, ["finished", "diverged", "failed"])


def test_a_real_divergence_is_a_result(inline, tmp_path):
    inline()
    config = small("training.optimizer={SGD: {learning_rate: 1e30}}", "training.loss=mse", "model.output={Dense: {units: 1}}",
                   "data.task=regression", "data.classes=0", "model.layers.0.activation=linear")  # fmt: skip
    result = sweep(config, over=["training.optimizer.learning_rate=1e30"], run_dir=tmp_path / "s")
    assert result.trials[0]["status"] == "diverged"
    assert result.status == "finished"
    assert result.best is None
    assert "diverged: trial 1" in " ".join(result.notes)


def test_on_failure_stop_leaves_the_rest(inline, tmp_path):
    fake, fits = faked(lambda parameters: 0.5), []
    inline(lambda fit, context: fits.append(fit.label) or (("failed", "no") if fit.trial == 1 else fake(fit, context)))
    result = sweep(small("sweep={on_failure: stop}"), over=[RATES], run_dir=tmp_path / "s")
    assert result.status == "stopped"
    assert fits == ["1"]
    assert sweep(resume=result.run).status == "trials_crashed"
    assert fits == ["1", "2", "3"]


def test_an_interrupted_sweep_goes_on_inside_its_trial_and_repeats_none(inline, tmp_path, monkeypatch):
    engine = inline()
    config = small("training.epochs=3")
    over = ["training.optimizer.learning_rate=0.001,0.01"]
    with interrupted_at_call(monkeypatch, 20), pytest.raises(InterruptedRun) as caught:
        sweep(config, over=over, run_dir=tmp_path / "cut")
    assert caught.value.exit_code == 130
    assert caught.value.faults[-1].hint == f"dltrain sweep --resume {tmp_path / 'cut'}"
    assert engine.fits == ["1", "2"]
    record = json.loads((tmp_path / "cut" / "sweep.json").read_text())
    assert [trial["status"] for trial in record["trials"]] == ["finished", "interrupted"]
    assert Run(tmp_path / "cut").read_manifest()["status"] == "interrupted"
    result = sweep(resume=tmp_path / "cut")
    assert engine.fits == ["1", "2", "2"]
    whole = fit(small("training.epochs=3", "training.optimizer.learning_rate=0.01"), run_dir=tmp_path / "whole")
    assert result.trials[1]["metrics"] == whole.metrics
    assert_same_bits(whole.run, tmp_path / "cut" / "trials" / "0002")


def test_a_trial_that_ended_unrecorded_is_not_run_again(inline, tmp_path):
    engine = inline()
    first = sweep(small(), over=["training.optimizer.learning_rate=0.001,0.01"], run_dir=tmp_path / "s")
    record = json.loads((first.run / "sweep.json").read_text())
    record["trials"] = [{**trial, "status": "running", "metrics": {}} for trial in record["trials"][:1]]
    (first.run / "sweep.json").write_text(json.dumps(record))
    manifest = Run(first.run).read_manifest()
    Run(first.run).write_manifest({name: value for name, value in manifest.items() if name != "files"} | {"status": "running"})
    engine.fits.clear()
    result = sweep(resume=first.run)
    assert engine.fits == ["2"]  # the fit itself finds its run finished
    assert result.trials == first.trials


def test_another_config_or_space_is_refused_with_the_difference(inline, tmp_path):
    inline(faked(lambda parameters: 1.0))
    sweep(small(), over=[RATES], run_dir=tmp_path / "s")
    with pytest.raises(ConfigError) as caught:
        sweep(small("training.epochs=5"), over=["training.optimizer.learning_rate=0.001,0.01"], resume=tmp_path / "s")
    said = {fault.path: fault.message for fault in caught.value.faults}
    assert said["training.epochs"] == "was 2 when the sweep began, is 5 now"
    assert "0.1" in said["sweep.parameters.training.optimizer.learning_rate"]
    same = sweep(small(), over=[RATES], resume=tmp_path / "s")
    assert same.status == "finished"
    with pytest.raises(ConfigError, match="strategy"):
        sweep(strategy="random", resume=tmp_path / "s")


def test_more_trials_may_be_asked_for_on_a_resume(inline, tmp_path):
    inline(faked(lambda parameters: parameters["droprate"]))
    over = ["droprate={low: 0.0, high: 0.9}"]
    first = sweep(small(), over=over, trials=3, run_dir=tmp_path / "s")
    more = sweep(resume=first.run, trials=5)
    assert len(more.trials) == 5
    assert more.trials[:3] == first.trials
    assert sweep(small(), over=over, trials=5, run_dir=tmp_path / "t").trials[4]["parameters"] == more.trials[4]["parameters"]


@pytest.mark.parametrize("strategy", ["tpe", pytest.param("random", marks=pytest.mark.slow)])
def test_more_trials_are_those_that_would_have_been_chosen_at_once(inline, tmp_path, strategy):
    inline(faked(lambda parameters: (parameters["droprate"] - 0.3) ** 2))
    more = {"over": ["droprate={low: 0.0, high: 0.9}", "training.batch_size=8,16,32"], "strategy": strategy, "jobs": 1}
    whole = sweep(small(), **more, trials=14, run_dir=tmp_path / "whole")
    first = sweep(small(), **more, trials=11, run_dir=tmp_path / "s")
    grown = sweep(resume=first.run, trials=14)
    assert [trial["parameters"] for trial in grown.trials] == [trial["parameters"] for trial in whole.trials]


def test_added_values_of_a_grid_are_run_alone(inline, tmp_path):
    inline(faked(lambda parameters: parameters["droprate"]))
    first = sweep(small(), over=["droprate=0.1,0.5", "training.optimizer=adam,sgd"], run_dir=tmp_path / "s")
    assert len(first.trials) == 4
    run: list[dict[str, object]] = []
    inline(faked(lambda parameters: run.append(parameters) or parameters["droprate"]))
    over = ["droprate=0.1,0.3,0.5", "training.optimizer=SGD,{Adam: {}},RMSprop"]
    grown = sweep(small(), over=over, resume=first.run)
    assert len(run) == 5
    assert grown.trials[:4] == first.trials
    asked = {(rate, name) for rate in (0.1, 0.3, 0.5) for name in ("adam", "sgd", "RMSprop")}
    assert {(each["parameters"]["droprate"], each["parameters"]["training.optimizer"]) for each in grown.trials} == asked
    assert grown.best["parameters"]["droprate"] == 0.1
    again = sweep(resume=first.run)  # what was added is the sweep's now
    assert (len(again.trials), again.status) == (9, "finished")
    with pytest.raises(ConfigError) as caught:  # a value that is left out is another sweep
        sweep(over=["droprate=0.1,0.9", "training.optimizer=adam,sgd,RMSprop"], resume=first.run)
    assert "name all of them" in str(caught.value.faults[-1].hint)


@pytest.mark.parametrize("strategy", ["grid", *(pytest.param(name, marks=pytest.mark.slow) for name in ("random", "tpe"))])
def test_trials_that_a_resume_cannot_have_are_said(inline, tmp_path, strategy):
    inline(faked(lambda parameters: parameters["droprate"]))
    over = ["droprate=0.1,0.3,0.5"]
    first = sweep(small(), over=over, trials=2, strategy=strategy, jobs=1, run_dir=tmp_path / "s")
    fewer = sweep(resume=first.run, trials=1, retry_failed=True)
    assert "2 trials are there already, more than the 1 that were asked for: none is taken away" in fewer.notes
    assert "no trial had crashed: there was nothing to try again" in fewer.notes
    more = sweep(resume=first.run, trials=9)
    assert (len(first.trials), len(fewer.trials), len(more.trials)) == (2, 2, 3)
    assert "there are 3 configurations: no more trials, though 9 were asked for" in more.notes
    assert not any("trials" in note for note in sweep(resume=first.run).notes)


def test_added_values_beyond_the_number_of_trials_are_said(inline, tmp_path):
    inline(faked(lambda parameters: parameters["droprate"]))
    first = sweep(small(), over=["droprate=0.1,0.3"], trials=2, run_dir=tmp_path / "s")
    grown = sweep(small(), over=["droprate=0.1,0.3,0.5"], resume=first.run)
    assert len(grown.trials) == 2
    assert "2 of 3 configurations are tried, as was said before; `--trials 3` tries all of them" in grown.notes
    assert len(sweep(resume=first.run, trials=3).trials) == 3


def test_two_processes_cannot_have_one_sweep(inline, tmp_path):
    inline(faked(lambda parameters: 1.0))
    first = sweep(small(), over=[RATES], run_dir=tmp_path / "s")
    with Run(first.run).locked(), pytest.raises(RunError, match="in use"):
        sweep(resume=first.run)
    with pytest.raises(RunError, match="not empty"):
        sweep(small(), run_dir=first.run)


def test_a_run_is_no_sweep_and_a_sweep_no_run(inline, tmp_path):
    inline(faked(lambda parameters: 1.0))
    first = sweep(small(), over=[RATES], run_dir=tmp_path / "s")
    with pytest.raises(RunError, match="is a sweep"):
        fit(small(), resume=first.run)
    with pytest.raises(RunError, match="is a run, not a sweep"):
        sweep(resume=first.run / "trials" / "0001")


@pytest.mark.parametrize("content", ["", "{}", '{"trials": [1]}', '{"trials": [{"number": 7}]}', "[" * 100_000])
def test_a_damaged_record_is_refused(inline, tmp_path, content):
    inline(faked(lambda parameters: 1.0))
    first = sweep(small(), over=["droprate=0.1"], run_dir=tmp_path / "s")
    (first.run / "sweep.json").write_text(content)
    with pytest.raises(RunError, match=r"sweep\.json"):
        sweep(resume=first.run)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("given", []),
        ("keys", {"droprate": 1}),
        ("seeds", "12"),
        ("seeds", [0.5]),
        ("mode", "up"),
        ("trials", -1),
        ("choices", []),
        ("engine", "another"),
    ],
)
def test_a_damaged_plan_is_refused(inline, tmp_path, key, value):
    inline(faked(lambda parameters: 1.0))
    first = sweep(small(), over=["droprate=0.1"], run_dir=tmp_path / "s")
    manifest = json.loads((first.run / "manifest.json").read_text())
    manifest["plan"][key] = value
    (first.run / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(RunError, match=rf"manifest\.json: plan\.{key}[\w.]* is not what dltrain writes there"):
        sweep(resume=first.run)
    del manifest["plan"]
    (first.run / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(RunError, match=r"has no plan\.given"):
        sweep(resume=first.run)


@pytest.mark.parametrize(
    "given", [5, None, {"low": 1}, {"low": "a", "high": 2}, {"low": 0.1, "high": 1, "step": 0}, {"choices": 3}, True]
)
def test_a_plan_of_values_of_another_kind_is_refused(inline, tmp_path, given):
    inline(faked(lambda parameters: 1.0))
    first = sweep(small(), over=["droprate=0.1"], run_dir=tmp_path / "s")
    manifest = json.loads((first.run / "manifest.json").read_text())
    manifest["plan"]["given"] = {"droprate": given}
    (first.run / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(RunError, match=r"manifest\.json holds a value that dltrain does not write there"):
        sweep(resume=first.run)


def test_gates_are_on_the_best(inline, tmp_path):
    inline(faked(lambda parameters: parameters["droprate"]))
    over = ["droprate=0.1,0.4"]
    assert sweep(small(), over=over, run_dir=tmp_path / "a", require=["val_loss<0.2"]).status == "finished"
    result = sweep(small(), over=over, run_dir=tmp_path / "b", require=["val_loss<0.05"])
    assert (result.status, result.gates[0].value) == ("gates_failed", 0.1)


def test_the_best_differs_only_by_more_than_chance(inline, tmp_path):
    inline(faked(lambda parameters: parameters["droprate"], standard_error=0.02))
    near = sweep(small(), over=["droprate=0.1,0.12"], run_dir=tmp_path / "a")
    assert near.comparison["noise"] == pytest.approx(2 * 0.02 * 2**0.5)
    assert near.comparison["differs"] is False
    assert sweep(small(), over=["droprate=0.1,0.5"], run_dir=tmp_path / "b").comparison["differs"] is True


def test_seeds_repeat_each_trial_and_compare_by_mean_and_spread(inline, tmp_path):
    seeds = []

    def by_its_seed(fit, context):
        seeds.append(fit.config.seed)
        return faked(lambda parameters: parameters["droprate"] + fit.config.seed / 100)(fit, context)

    inline(by_its_seed)
    result = sweep(small("sweep={seeds: [3, 5]}", "training.epochs=1"), over=["droprate=0.0,0.5"], run_dir=tmp_path / "s")
    assert len(result.trials) == 2
    assert seeds == [3, 5, 3, 5]
    for trial in result.trials:
        runs = [Run(Path(entry["run"])) for entry in trial["fits"]]
        assert [run.path.name for run in runs] == ["seed-3", "seed-5"]
        losses = [run.read_metrics()["metrics"]["validation"]["loss"] for run in runs]
        assert trial["value"] == pytest.approx(sum(losses) / 2)
        assert trial["spread"] == pytest.approx(abs(losses[0] - losses[1]) / 2**0.5)
    assert result.comparison["noise"] == max(trial["spread"] for trial in result.trials)


def test_folds_hold_each_row_out_once(inline, tmp_path):
    inline()
    config = small("data.split={folds: 2, test: 0.2}", "training.epochs=1")
    result = sweep(config, run_dir=tmp_path / "s")
    [trial] = result.trials
    assert [entry["fold"] for entry in trial["fits"]] == [1, 2]
    every = [Run(Path(entry["run"])).read_metrics()["metrics"] for entry in trial["fits"]]
    losses = [metrics["validation"]["loss"] for metrics in every]
    assert trial["metrics"]["validation"]["loss"] == pytest.approx(sum(losses) / 2)
    with (result.run / "out_of_fold.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len({row["row"] for row in rows}) == 96
    assert {row["fold"] for row in rows} == {"1", "2"}
    right = sum(row["prediction"] == row["true_target"] for row in rows if row["fold"] == "2")
    size = sum(row["fold"] == "2" for row in rows)
    assert every[1]["validation"]["accuracy"] == pytest.approx(right / size)
    best = load_config(result.run / "best.yaml")
    assert (best.data.split.folds, best.data.split.test) == (None, 0.2)
    assert list(load_dataset(best.data, seed=best.seed).parts) == ["train", "test"]
    assert result.best is not None
    shares = [document["baselines"]["validation"]["accuracy"] for document in map(metrics_of, trial["fits"])]
    assert result.best["baseline"]["validation"]["accuracy"] == pytest.approx(sum(shares) / 2)
    assert Run(result.run).read_metrics()["baselines"] == result.best["baseline"]
    [said] = [note for note in result.notes if note.startswith("The model is")]
    assert "over the 2 folds" in said
    assert Run(result.run).read_metrics()["notes"] == [said]


def metrics_of(entry):
    return Run(Path(entry["run"])).read_metrics()


def test_folds_with_early_stopping_leave_one_fold_for_it(inline, tmp_path):
    inline(faked(lambda parameters: 1.0))
    result = sweep(small("data.split={folds: 3}", "training.early_stopping={patience: 1}"), run_dir=tmp_path / "s")
    assert load_config(result.run / "best.yaml").data.split.fold == 1


def test_capacity_names_the_chosen_size(inline, tmp_path):
    inline(faked(lambda parameters: 1.0 / min(parameters["model.layers.0.units"], 8), standard_error=0.01))
    over = ["model.layers.0.units={low: 2, high: 256, log: true}"]
    result = sweep(small(), over=over, strategy="capacity", run_dir=tmp_path / "s")
    assert [trial["parameters"]["model.layers.0.units"] for trial in result.trials] == [2, 4, 8, 16]
    assert result.best["parameters"]["model.layers.0.units"] == 8
    assert "the chosen size is trial 3" in result.notes[0]


def test_pruned_trials_are_whole_runs_with_fewer_epochs(inline, tmp_path):
    """Five that were no worse are made up, the sixth is a fit."""

    def before(fit, context):
        if fit.trial == 6:
            return None
        for epoch in range(8):
            context.observer.epoch_end(fit, epoch, {"loss": 0.5, "val_loss": 0.5})
        return faked(lambda parameters: 0.5)(fit, context)

    engine = inline(before)
    config = small("training.epochs=8", "sweep={pruning: true}", "training.optimizer=SGD", "data.rows=100")
    over = ["training.optimizer.learning_rate=0.01,0.011,0.012,0.013,0.014,50.0"]
    result = sweep(config, over=over, run_dir=tmp_path / "s")
    assert engine.fits == ["6"]
    last = result.trials[5]
    assert last["status"] == "pruned"
    manifest = Run(Path(last["run"])).read_manifest()
    assert manifest["status"] == "finished"
    assert manifest["epochs"] < 8
    assert result.best["number"] != 6


def test_a_signal_between_trials_leaves_the_rest_for_a_resume(inline, tmp_path):
    fake = faked(lambda parameters: parameters["droprate"])

    def before(fit, context):
        if fit.trial == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        return fake(fit, context)

    inline(before)
    with pytest.raises(InterruptedRun) as caught:
        sweep(small(), over=["droprate=0.1,0.2,0.3,0.4"], run_dir=tmp_path / "s")
    assert caught.value.exit_code == 143
    inline(fake)
    assert len(sweep(resume=tmp_path / "s").trials) == 4


def test_a_space_of_a_parameter_at_several_keys_goes_on(inline, tmp_path):
    text = SMALL.replace("    - Dropout", "    - Dense: {units: 4}\n    - Dropout: {rate: $droprate}\n    - Dropout", 1)
    fake = faked(lambda parameters: parameters["droprate"])
    configs = []

    def before(fit, context):
        configs.append(fit.config)
        return fake(fit, context)

    inline(before)
    first = sweep(small(text=text), over=["droprate=0.1,0.2"], run_dir=tmp_path / "s")
    (first.run / "sweep.json").unlink()
    assert sweep(resume=first.run).trials == first.trials
    assert [[layer.component.arguments.get("rate") for layer in config.model.layers] for config in configs] == [
        [None, None, 0.1, 0.1],
        [None, None, 0.2, 0.2],
    ] * 2


@pytest.mark.parametrize(
    ("error", "retry", "statuses"),
    [
        ("KeyError: 'x'", False, ["finished", "failed"]),
        ("KeyError: 'x'", True, ["finished", "finished"]),
        ("its process was killed by SIGKILL, perhaps for want of memory", False, ["finished", "finished"]),
        pytest.param("cannot write x: No space left on device", False, ["finished", "finished"], marks=pytest.mark.slow),
    ],
)
def test_attack_10_failed_trials_are_tried_again(inline, tmp_path, error, retry, statuses):
    fake, fits = faked(lambda parameters: parameters["droprate"]), []
    inline(lambda fit, context: ("failed", error) if fit.trial == 2 else fake(fit, context))
    result = sweep(small(), over=["droprate=0.0,0.5"], run_dir=tmp_path / "s")
    assert [trial["status"] for trial in result.trials] == ["finished", "failed"]
    inline(lambda fit, context: fits.append(fit.trial) or fake(fit, context))
    again = sweep(resume=result.run, retry_failed=retry)
    assert [trial["status"] for trial in again.trials] == statuses
    assert fits == ([2] if statuses[1] == "finished" else [])
    assert again.status == ("finished" if statuses[1] == "finished" else "trials_crashed")


def test_f3_dead_units_of_trials_are_said(inline, tmp_path):
    inline()
    config = small("model.layers.0.bias_initializer={Constant: {value: -50.0}}", "training.epochs=1")
    result = sweep(config, over=["training.optimizer.learning_rate=0.001,0.01"], run_dir=tmp_path / "s")
    assert any(note.startswith("dead units: trials 1") for note in result.notes)


@pytest.mark.parametrize(
    ("swept", "num_trials"),
    [
        ("model.layers.0.kernel_initializer: [he_normal, {HeNormal: {}}, {RandomNormal: {stddev: 0.1}}, zeros]", 3),
        ("model.layers.0.kernel_initializer: [he_normal, he_norml]", None),
        ("model.layers.0.kernel_regularizer: [null, {L2: {l2: 0.01}}, l1]", 3),
        ("training.optimizer.learning_rate: [0.1, {ExponentialDecay: {initial_learning_rate: 0.1, decay_steps: 9, decay_rate: 0.9}}]", 2),
        ("training.optimizer.learning_rate: [0.1, {ExponentialDecay: {initial_learning_rate: 0.1}}]", None),
        ("training.optimizer: [{SGD: {learning_rate: {CosineDecay: {initial_learning_rate: 0.1, decay_steps: 9}}}}, adam]", 2),
        ("model.layers.1: [{Dropout: {rate: 0.3}}, BatchNormalization, {Dense: {units: 3, activation: tanh}}]", 3),
        ("model.layers.1: [{Dropout: {rate: 3}}, BatchNormalization]", None),
        ("model.layers.1: [Dropuot, BatchNormalization]", None),
        ("data.scale: [standard, minmax, none]", 3),
        ("data.scale: [standard, minmaxx]", None),
        ("model: [{layers: []}, {layers: [{Dense: {units: 3}}]}]", 2),
        ("model: [{layers: [{Dense: {units: 3}}]}, {layer: []}]", None),
        ("model.output: [auto, {Dense: {units: 2, activation: softmax}}]", 2),
        ("data.split: [{test: 0.2, validation: 0.2}, {test: 0.3, validation: 0.1}]", 2),
        ("training.metrics: [[accuracy], [{AUC: {curve: PR}}]]", 2),
        ("training.batch_size: [8, '8x']", None),
    ],
)  # fmt: skip
def test_f2_check_and_sweep_say_the_same(inline, tmp_path, swept, num_trials):
    inline(faked(lambda values: 0.5))
    file = tmp_path / "s.yaml"
    file.write_text(SMALL + f"sweep:\n  parameters:\n    {swept}\n")
    code = command(["check", str(file), "-q"])
    if num_trials is not None:
        assert code == 0
        assert len(sweep(load_config(file), run_dir=tmp_path / "s").trials) == num_trials
        return
    assert code == 2
    with pytest.raises(ConfigError):
        sweep(load_config(file), run_dir=tmp_path / "s")
    assert not (tmp_path / "s").exists()
