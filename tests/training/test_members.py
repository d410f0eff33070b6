"""Ensembles: what the members are, what their average is, and that nothing of a fit is lost on the way."""

from __future__ import annotations

import csv
import json
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dltrain.checking.check import check_config
from dltrain.config.types import Config
from dltrain.errors import InterruptedRun
from dltrain.evaluation.evaluate import evaluate
from dltrain.evaluation.load_run import load_run
from dltrain.evaluation.predictions.predict import predict
from dltrain.model.keras_import import import_keras
from dltrain.reporting import Reporter
from dltrain.storage.removal import remove_run_files
from dltrain.training.fit import fit
from tests.training.support import config_of
from tests.training.test_fit import learnable

FOLDS = "training.members={folds: 3}"
SHORT = ("training.epochs=4",)
IN_TURN = ("training.tensorboard=true",)


def weights_of(run: Path) -> list[Any]:
    keras = import_keras()
    return [
        np.asarray(weight) for weight in keras.models.load_model(run / "checkpoints" / "best.h5", compile=False).get_weights()
    ]


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("three")
    return fit(learnable(folder, "training.members=3", *SHORT), run_dir=folder / "run").run


@pytest.fixture(scope="module")
def three_in_turn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, one after the other: TensorBoard watches a model by itself."""
    folder = tmp_path_factory.mktemp("in_turn")
    return fit(learnable(folder, "training.members=3", *IN_TURN, *SHORT), run_dir=folder / "run").run


@pytest.fixture(scope="module")
def two_in_turn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first two of them, one after the other."""
    folder = tmp_path_factory.mktemp("two_in_turn")
    return fit(learnable(folder, "training.members=2", *IN_TURN, *SHORT), run_dir=folder / "run").run


def test_the_average_is_that_of_the_members_in_plain_keras(three: Path) -> None:
    keras = import_keras()
    rows = np.random.default_rng(1).normal(size=(7, 3)).astype("float32")
    members = [
        np.asarray(keras.models.load_model(three / "members" / str(number) / "checkpoints" / "best.h5")(rows))
        for number in (1, 2, 3)
    ]
    average = keras.models.load_model(three / "checkpoints" / "best.h5")
    np.testing.assert_allclose(average(rows), np.mean(members, axis=0), rtol=1e-6)
    assert np.ptp(members, axis=0).min() > 0  # they are different models
    history = list(csv.DictReader((three / "history.csv").open()))
    own = [list(csv.DictReader((three / "members" / str(number) / "history.csv").open())) for number in (1, 2, 3)]
    np.testing.assert_allclose(float(history[2]["val_loss"]), np.mean([float(rows[2]["val_loss"]) for rows in own]))


def test_the_first_member_is_the_fit_without_others_and_the_same_in_turn(three: Path, two_in_turn: Path, tmp_path: Path) -> None:
    alone = fit(learnable(tmp_path, *SHORT), run_dir=tmp_path / "alone").run
    for ours, own in zip(weights_of(three / "members" / "1"), weights_of(alone), strict=True):
        np.testing.assert_allclose(ours, own, atol=1e-5)
    assert json.loads((two_in_turn / "manifest.json").read_text())["engine"] == "in turn"
    for number in ("1", "2"):
        for ours, own in zip(weights_of(two_in_turn / "members" / number), weights_of(three / "members" / number), strict=True):
            np.testing.assert_allclose(ours, own, atol=1e-5)


def test_predictions_spread_as_the_members_and_evaluate_measures_each(three: Path) -> None:
    data = str(three.parent / "rows.csv")
    found = predict(three, data=[data])
    singles = [predict(three / "members" / str(number), data=[data]) for number in (1, 2, 3)]
    assert found.probabilities is not None
    said = np.stack([one.probabilities["up"] for one in singles if one.probabilities is not None])
    np.testing.assert_allclose(found.probabilities["up"], said.mean(axis=0), rtol=1e-5)
    chosen = np.where(np.asarray(found.prediction) == "up", said, 1 - said)
    np.testing.assert_allclose(found.columns["spread"], chosen.std(axis=0, ddof=1), rtol=1e-3, atol=1e-7)
    result = evaluate(three)
    stored = json.loads((three / "metrics.json").read_text())
    assert result.metrics == pytest.approx(stored["metrics"]["test"])
    measured = [evaluate(three / "members" / str(number)).metrics for number in (1, 2, 3)]
    for name in ("accuracy", "roc_auc", "loss"):
        values = result.members[name]["values"]
        assert values == pytest.approx([metrics[name] for metrics in measured], abs=1e-5)
        assert values == pytest.approx(stored["members"]["metrics"]["test"][name]["values"], abs=1e-5)
        assert result.members[name]["min"] == min(values)


def test_folds_hold_out_each_row_once_and_leave_the_test_part(tmp_path: Path) -> None:
    result = fit(learnable(tmp_path, FOLDS, *SHORT), run_dir=tmp_path / "run")
    parts = [np.load(result.run / "members" / str(number) / "state" / "parts.npz") for number in (1, 2, 3)]
    whole = np.load(result.run / "state" / "parts.npz")
    held = np.concatenate([part["validation"] for part in parts])
    assert sorted(held) == sorted(whole["train"])
    for part in parts:
        assert sorted([*part["train"], *part["validation"]]) == sorted(whole["train"])
        np.testing.assert_array_equal(part["test"], whole["test"])
    rows = list(csv.DictReader((result.run / "held_out.csv").open()))
    right = np.mean([row["prediction"] == row["true_y"] for row in rows])
    assert len(rows) == len(whole["train"])
    assert result.metrics["validation"]["accuracy"] == pytest.approx(right)
    losses = [float(row["probability_up" if row["true_y"] == "up" else "probability_down"]) for row in rows]
    assert result.metrics["validation"]["loss"] == pytest.approx(-np.mean(np.log(losses)), rel=1e-4)
    assert evaluate(result.run, part="train").members == {}  # each has learnt other rows of it
    assert "accuracy" in result.members["metrics"]["test"]


class _Killed(Exception):
    pass


class StopAt(Reporter):
    """Sends a signal at an epoch's end, or ends there without a word to anybody."""

    def __init__(self, epoch: int, sent: int | None) -> None:
        self._epoch, self._sent = epoch, sent

    def epoch_end(self, epoch: int, logs: Mapping[str, float], seconds: float) -> None:
        if epoch == self._epoch:
            if self._sent is None:
                raise _Killed
            os.kill(os.getpid(), self._sent)


@pytest.mark.parametrize(
    ("more", "sent"),
    [
        pytest.param((), None, id="killed-together"),
        pytest.param(IN_TURN, signal.SIGTERM, id="SIGTERM-in turn", marks=pytest.mark.slow),
        pytest.param((), signal.SIGTERM, id="SIGTERM-together", marks=pytest.mark.slow),
        pytest.param(IN_TURN, None, id="killed-in turn", marks=pytest.mark.slow),
    ],
)
def test_an_interrupted_ensemble_ends_to_the_bit_where_an_uninterrupted_one_does(
    more: tuple[str, ...], sent: int | None, three: Path, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    config = learnable(tmp_path, "training.members=3", *more, *SHORT)
    whole = request.getfixturevalue("three_in_turn") if more else three
    with pytest.raises(InterruptedRun if sent else _Killed):
        fit(config, run_dir=tmp_path / "cut", reporter=StopAt(1, sent))
    if sent:
        assert json.loads((tmp_path / "cut" / "manifest.json").read_text())["status"] == "interrupted"
    resumed = fit(config, resume=tmp_path / "cut")
    for ours, own in zip(weights_of(resumed.run), weights_of(whole), strict=True):
        np.testing.assert_array_equal(ours, own)
    left = [[row["loss"] for row in csv.DictReader((run / "history.csv").open())] for run in (resumed.run, whole)]
    assert left[0] == left[1]
    again = fit(config, resume=resumed.run)
    assert again.notes[0] == "The run is finished: there was nothing left to do."
    assert again.members == json.loads((whole / "metrics.json").read_text())["members"]


@pytest.mark.slow
def test_a_finished_ensemble_goes_on_where_its_epochs_are_raised(three: Path, tmp_path: Path) -> None:
    short = fit(learnable(tmp_path, "training.members=3", "training.epochs=2"), run_dir=tmp_path / "short")
    assert short.epochs == 2
    longer = fit(learnable(tmp_path, "training.members=3", *SHORT), resume=short.run)
    assert longer.epochs == 4
    for ours, own in zip(weights_of(longer.run), weights_of(three), strict=True):
        np.testing.assert_array_equal(ours, own)


def test_averages_of_logarithms_are_the_same_in_metrics_and_predictions(tmp_path: Path) -> None:
    config = learnable(tmp_path, "training.members=2", "data.scale_target=log", *SHORT, regression=True)
    run = fit(config, run_dir=tmp_path / "run").run
    stored = json.loads((run / "metrics.json").read_text())["metrics"]["test"]
    rows = np.load(run / "state" / "parts.npz")["test"]
    found = predict(run, data=[str(tmp_path / "rows.csv")])
    true = np.loadtxt(tmp_path / "rows.csv", delimiter=",", skiprows=1, usecols=3)[rows]
    said = np.asarray(found.prediction)[rows]
    assert stored["rmse"] == pytest.approx(float(np.sqrt(np.mean((said - true) ** 2))), rel=1e-5)
    assert (np.asarray(found.columns["spread"]) > 0).all()
    [head] = load_run(run).heads
    assert head.targets[0].smearing != 1.0
    members = json.loads((run / "metrics.json").read_text())["members"]["metrics"]["test"]
    for name, one in evaluate(run).members.items():  # each with the smearing of its own
        assert one["values"] == pytest.approx(members[name]["values"], rel=1e-4, abs=1e-4), name


@pytest.mark.slow
def test_logits_are_averaged_as_probabilities(tmp_path: Path) -> None:
    run = fit(learnable(tmp_path, "training.members=2", "model.logits=true", *SHORT), run_dir=tmp_path / "run").run
    data = str(tmp_path / "rows.csv")
    singles = [predict(run / "members" / str(number), data=[data]).probabilities for number in (1, 2)]
    found = predict(run, data=[data]).probabilities
    assert found is not None
    np.testing.assert_allclose(found["up"], np.mean([one["up"] for one in singles if one is not None], axis=0), rtol=1e-5)


def test_all_of_a_run_with_members_is_removed(three: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(three, tmp_path / "copy")
    assert not remove_run_files(tmp_path / "copy")
    assert not list((tmp_path / "copy").iterdir())


def refusals(config: Config) -> str:
    """What `check` says, which `fit` holds a config to before it trains."""
    return "\n".join(str(fault) for fault in check_config(config).errors)


def test_what_has_no_folds_is_refused_with_the_way_out(tmp_path: Path) -> None:
    for words in ("data.split={time: a, test: 0.2}", "data.split={shuffle: false, test: 0.2}", "data.split={time: b, test: 0.1}"):
        message = refusals(learnable(tmp_path, FOLDS, words))
        assert "training.members.folds" in message
        assert "`training.members: 3` makes members of other seeds" in message
    assert "members are averaged in what they predict" in refusals(config_of(LEARNS_ITSELF, folder=tmp_path))


def test_a_column_of_training_and_test_rows_leaves_folds_to_validate_on(tmp_path: Path) -> None:
    path = tmp_path / "parts.csv"
    for words, is_refused in ((("train", "test"), False), (("train", "valid", "test"), True)):
        path.write_text("a,part,y\n" + "".join(f"{i % 7},{words[i % len(words)]},{i % 7 * 2}\n" for i in range(60)))
        text = (
            f"data: {{source: csv, path: {path}, target: y, task: regression, split: {{column: part}}}}\nmodel: {{layers: []}}\n"
        )
        message = refusals(config_of(text + "training: {epochs: 1, members: {folds: 3}}\n", folder=tmp_path))
        assert ("the column part says which rows validate" in message) == is_refused
        assert bool(message) == is_refused


def test_a_share_for_validation_is_said_to_be_left_out(tmp_path: Path) -> None:
    config = learnable(tmp_path, FOLDS)
    assert config.data.split.validation is None
    assert "each of the 3 members validates on another fold" in str(config.warnings[0])


LEARNS_ITSELF = """
data: {source: digits, task: reconstruction}
model: {layers: [Flatten, {Dense: {units: 4}}, {Dense: {units: 64}}, {Reshape: {target_shape: [8, 8, 1]}}]}
training: {epochs: 1, members: 2}
"""
