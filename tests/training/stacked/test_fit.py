"""Stacked trials end as their own fits do, whatever differs between them; interrupted ones end with the same bits."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dltrain.errors import DataError
from dltrain.evaluation.evaluate import evaluate
from dltrain.model.keras_import import import_keras
from dltrain.storage.run import Run
from dltrain.training.fit import fit
from dltrain.training.stacked.steps import StackedSteps
from dltrain.training.stacked.structure import why_not_stacked
from dltrain.training.stacked.trial import StackedFit
from tests.training.stacked.support import assert_like_own_fits, fit_stacked
from tests.training.support import NOISE, assert_same_bits, config_of, newest_state, rows_of

RATE = "training.optimizer.learning_rate="
LAYERS = (
    "model.layers=[Dense: {units: 6, activation: relu, kernel_regularizer: {L1L2: {l1: 0.001, l2: 0.01}}}, BatchNormalization,"
    " Dropout: {rate: 0.3}, LayerNormalization, GaussianNoise: {stddev: 0.1}, PReLU]"
)
SHORT = "training.epochs=3"
REAL = """
name: real
seed: 4
data: {source: SOURCE, split: {test: 0.2, validation: 0.25}}
model:
  layers:
    - Dense: {units: 8, activation: relu}
training:
  epochs: 4
  batch_size: 16
  optimizer: {SGD: {momentum: 0.9}}
"""
CASES: dict[str, tuple[str, list[list[str]]]] = {
    "rates and seeds, each with rows of its own, with every kind of layer": (
        NOISE,
        [[LAYERS, SHORT, f"{RATE}{rate}", f"seed={seed}"] for rate, seed in ((0.001, 1), (0.01, 2))],
    ),
    "callbacks and checkpoints": (
        NOISE,
        [
            [
                f"{RATE}{rate}",
                "training.early_stopping={patience: 1, restore_best_weights: true}",
                "training.reduce_lr_on_plateau={patience: 0, factor: 0.5}",
                "training.checkpoint={filepath: 'e_{epoch:02d}.h5', save_best_only: true}",
                "training.epochs=8",
            ]
            for rate in (1e30, 0.0001, 0.01)
        ],
    ),
}
SLOW: dict[str, tuple[str, list[list[str]]]] = {
    "schedules and clipping": (
        NOISE,
        [
            [f"training.optimizer={{AdamW: {{learning_rate: {{CosineDecay: {given}}}, clipnorm: {norm}}}}}"]
            for given, norm in (
                ("{initial_learning_rate: 0.01, decay_steps: 20}", 1.0),
                ("{initial_learning_rate: 0.0, decay_steps: 9, warmup_target: 0.1, warmup_steps: 5}", 0.1),
            )
        ],
    ),
    "rates alone, with every kind of layer": (NOISE, [[LAYERS, SHORT, f"{RATE}{rate}"] for rate in (0.001, 0.01)]),
    "seeds alone, with every kind of layer": (NOISE, [[LAYERS, SHORT, f"seed={seed}"] for seed in (1, 2)]),
    "dropout rates": (NOISE, [[f"model.layers=[Dense: {{units: 5}}, Dropout: {{rate: {rate}}}]"] for rate in (0.1, 0.5)]),
    "with XLA": (NOISE, [[LAYERS, SHORT, "training.jit_compile=true", f"{RATE}{rate}"] for rate in (0.001, 0.01)]),
    "label smoothing": (NOISE, [[f"training.loss={{BinaryCrossentropy: {{label_smoothing: {s}}}}}"] for s in (0.1, 0.3)]),
    "smoothing of many": (
        REAL.replace("SOURCE", "iris"),
        [[f"training.loss={{CategoricalCrossentropy: {{label_smoothing: {s}}}}}"] for s in (0.0, 0.3)],
    ),
    "class weights and metrics": (
        REAL.replace("SOURCE", "breast_cancer"),
        [["training.class_weight=balanced", "training.metrics=[AUC, Precision, F1Score]", f"{RATE}{r}"] for r in (0.001, 0.01)],
    ),
    "regression": (
        REAL.replace("SOURCE", "diabetes"),
        [["training.metrics=[mae, R2Score]", f"{RATE}{r}"] for r in (0.001, 0.01)],
    ),
    "epochs": (NOISE, [["training.epochs=2"], ["training.epochs=5"]]),
}


@pytest.mark.parametrize("case", [*CASES, *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)])
def test_each_trial_is_its_own_fit(case: str, tmp_path: Path, thorough: bool) -> None:
    text, overrides = {**CASES, **SLOW}[case]
    assert_like_own_fits([config_of(text, *words) for words in overrides], tmp_path, last=case in CASES and not thorough)


# How each optimizer steps in a stack is held by test_optimizers.
OPTIMIZERS = ("Adam", "{SGD: {momentum: 0.9}}", "RMSprop", "Adagrad", "Nadam", "Lion")


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_trials_on_embedded_categories_are_their_own_fits(optimizer: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    words, numbers = rng.integers(0, 6, (120, 2)), rng.normal(size=120)
    lines = [f"w{a},w{b},{n:.3f},{'yes' if a + n > 3 else 'no'}" for (a, b), n in zip(words, numbers)]
    (tmp_path / "words.csv").write_text("\n".join(["a,b,n,y", *lines]))
    text = REAL.replace("source: SOURCE", "source: csv, path: words.csv, target: y, encode: embedding")
    words_of = [[f"training.optimizer={optimizer}", SHORT, f"{RATE}{rate}"] for rate in (0.001, 0.01)]
    assert_like_own_fits([config_of(text, *given, folder=tmp_path) for given in words_of], tmp_path)


def configs(*rates: float, more: tuple[str, ...] = ()) -> list[Any]:
    return [config_of(NOISE, *more, f"{RATE}{rate}") for rate in rates]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> list[StackedFit]:
    """Two fits, stacked and not interrupted."""
    return fit_stacked(configs(0.001, 0.01), tmp_path_factory.mktemp("pair") / "stack")


@pytest.mark.parametrize("number", [9, *(pytest.param(number, marks=pytest.mark.slow) for number in (1, 17))])
def test_an_interrupted_stack_ends_with_the_same_bits(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layers = "model.layers=[Dense: {units: 5}, BatchNormalization, Dropout: {rate: 0.3}]"
    stop = (layers, "training.early_stopping={patience: 1}", "training.epochs=4")
    monkeypatch.setattr("dltrain.training.stacked.train.CALL_SECONDS", 0.0)
    whole = fit_stacked(configs(0.001, 0.1, 1e30, more=stop), tmp_path / "whole")
    original = StackedSteps.train
    calls = 0

    def train(self: StackedSteps, *args: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == number:
            os.kill(os.getpid(), signal.SIGTERM)
        return original(self, *args)

    with monkeypatch.context() as patch:
        patch.setattr(StackedSteps, "train", train)
        cut = fit_stacked(configs(0.001, 0.1, 1e30, more=stop), tmp_path / "cut")
    assert {one.status for one in cut} == {"interrupted"}
    assert {Run(one.path).read_manifest()["status"] for one in cut} == {"interrupted"}
    cut = fit_stacked(configs(0.001, 0.1, 1e30, more=stop), tmp_path / "cut")
    assert [one.status for one in cut] == [one.status for one in whole] == ["finished", "finished", "diverged"]
    for one, other in zip(whole, cut):
        assert_same_bits(one.path, other.path)
        assert one.error == other.error
        if one.status == "finished":
            assert Run(one.path).read_metrics() == Run(other.path).read_metrics()


def test_one_trial_behind_the_others_takes_all_back_to_where_they_met(
    pair: list[StackedFit], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dltrain.training.stacked.train.EPOCH_SAVE_SECONDS", 0.0)
    monkeypatch.setattr("dltrain.training.stacked.train._SAVE_SHARE", 1e9)
    fit_stacked(configs(0.001, 0.01, more=("training.epochs=3",)), tmp_path / "cut")
    for index, kept in ((0, 2), (1, 3)):  # as if killed while the third epoch's states were written
        for path in (tmp_path / "cut" / str(index) / "state").glob("state-*.npz"):
            if int(path.stem.split("-")[1]) > kept:
                path.unlink()
            else:
                _as_if_running(path)
    cut = fit_stacked(configs(0.001, 0.01), tmp_path / "cut")
    for one, other in zip(pair, cut, strict=True):
        assert_same_bits(one.path, other.path)


def test_a_trial_that_is_over_is_kept_as_it_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dltrain.training.stacked.train.EPOCH_SAVE_SECONDS", 0.0)
    monkeypatch.setattr("dltrain.training.stacked.train._SAVE_SHARE", 1e9)
    fit_stacked(configs(0.001, 0.01, more=("training.epochs=3",)), tmp_path)
    ended = newest_state(tmp_path / "0")
    for path in (tmp_path / "1" / "state").glob("state-000003-*.npz"):  # as if the last state of the other was not written
        path.unlink()
    fit_stacked(configs(0.001, 0.01, more=("training.epochs=3",)), tmp_path)
    for before, now in zip(ended.metrics, newest_state(tmp_path / "0").metrics, strict=True):
        np.testing.assert_array_equal(before, now)


def _as_if_running(path: Path) -> None:
    """A state file that does not say that its trial has ended."""
    import json

    with np.load(path) as file:
        arrays = dict(file)
    meta = json.loads(arrays["meta"].tobytes())
    meta["memory"]["ended_as"] = None
    arrays["meta"] = np.frombuffer(json.dumps(meta).encode(), np.uint8)
    np.savez(path, **arrays)


def test_what_diverges_disturbs_no_other(pair: list[StackedFit], tmp_path: Path) -> None:
    beside = fit_stacked(configs(0.001, 0.01, 1e30), tmp_path / "beside")
    assert [one.status for one in beside] == ["finished", "finished", "diverged"]
    assert "learning rate was 1e+30" in str(beside[2].error)
    for one, other in zip(pair, beside):
        for row, same in zip(rows_of(one.path), rows_of(other.path), strict=True):
            assert row == pytest.approx(same, abs=1e-6)
    assert not Run(beside[2].path).metrics_file.exists()
    assert Run(beside[2].path).read_manifest()["status"] == "diverged"


def test_a_trial_that_is_told_to_stop_ends_there(tmp_path: Path) -> None:
    fits = fit_stacked(configs(0.001, 0.01), tmp_path / "stack", on_epoch=lambda index, epoch: index == 1 and epoch == 1)
    assert [one.status for one in fits] == ["finished", "pruned"]
    assert [len(rows_of(one.path)) for one in fits] == [4, 2]
    manifest = Run(fits[1].path).read_manifest()
    assert (manifest["status"], manifest["epochs"], manifest["stopped_early"]) == ("finished", 2, True)
    assert Run(fits[1].path).read_metrics()["metrics"]["test"]["loss"] > 0


def test_a_run_of_a_stack_is_one_like_any_other(tmp_path: Path) -> None:
    keras = import_keras()
    dropouts = [config_of(NOISE, f"model.layers=[Dense: {{units: 4}}, Dropout: {{rate: {rate}}}]") for rate in (0.2, 0.5)]
    fits = fit_stacked(dropouts, tmp_path / "stack")
    for one, rate in zip(fits, (0.2, 0.5)):
        run = Run(one.path)
        model = keras.models.load_model(run.checkpoints / "best.h5")
        assert next(layer for layer in model.layers if isinstance(layer, keras.layers.Dropout)).rate == rate
    stored = run.read_metrics()["metrics"]["test"]
    assert evaluate(one.path).metrics == pytest.approx(stored, rel=1e-5)
    more = config_of(NOISE, f"model.layers=[Dense: {{units: 4}}, Dropout: {{rate: {rate}}}]", "training.epochs=6")
    assert fit(more, resume=one.path).epochs == 6
    assert len(rows_of(one.path)) == 6


def test_data_that_cannot_be_read_fails_its_own_fits_alone(tmp_path: Path) -> None:
    good = config_of(NOISE)
    bad = config_of(
        NOISE.replace("source: noise\n  rows: 90\n  shape: [6]", "source: csv\n  path: nowhere.csv\n  target: y"), folder=tmp_path
    )
    fits = fit_stacked([good, bad], tmp_path / "stack")
    assert [one.status for one in fits] == ["finished", "failed"]
    assert "nowhere.csv" in str(fits[1].error)
    with pytest.raises(DataError, match=r"nowhere\.csv"):
        fit_stacked([bad], tmp_path / "none")


@pytest.mark.slow
def test_trials_of_several_labels_are_their_own_fits(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    x = draw.normal(size=(120, 3)).astype(np.float32)
    np.savez(tmp_path / "t.npz", x=x, y=np.stack([x[:, 0] > 0, x[:, 1] > 0.5, x[:, 2] + x[:, 0] > 0], axis=1).astype(np.int8))
    configs = [
        config_of(
            f"data: {{source: npz, path: {tmp_path / 't.npz'}, task: multilabel, split: {{test: 0.2, validation: 0.25}}}}\n"
            f"model: {{layers: [{{Dense: {{units: 6, activation: relu}}}}]}}\n"
            f"training: {{epochs: 3, optimizer: {{Adam: {{learning_rate: {rate}}}}}, metrics: [F1Score, accuracy, AUC]}}"
        )
        for rate in (0.01, 0.03)
    ]
    assert why_not_stacked(configs[0]) is None
    assert_like_own_fits(configs, tmp_path)
