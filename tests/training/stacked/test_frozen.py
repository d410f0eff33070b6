"""Trials behind the same frozen layers: these are built and computed once, and each trial still is its own fit."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dltrain.config.types import Config
from dltrain.model.forward import Forward
from dltrain.model.keras_import import import_keras
from dltrain.storage.run import Run
from dltrain.training.stacked import templates
from dltrain.training.stacked.structure import num_frozen, shares_frozen, why_not_network, why_not_stacked
from tests.training.stacked.support import assert_like_own_fits, fit_stacked
from tests.training.support import assert_same_bits, config_of
from tests.training.test_frozen_features import FROZEN

RATE = "training.optimizer.Adam.learning_rate="


@pytest.fixture(autouse=True)
def _empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLTRAIN_CACHE", str(tmp_path / "cache"))


def frozen(*overrides: str) -> Config:
    return config_of(FROZEN, *overrides)


CASES = {
    "rates": [[f"training.optimizer.learning_rate={rate}"] for rate in (0.001, 0.01)],
    "dropout": [[f"model.layers.4.rate={rate}"] for rate in (0.1, 0.6)],
}


@pytest.mark.parametrize("case", ["rates", pytest.param("dropout", marks=pytest.mark.slow)])
def test_each_trial_is_its_own_fit(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, thorough: bool) -> None:
    built: list[int] = []
    build = templates.build_model
    monkeypatch.setattr(
        templates, "build_model", lambda *args, **given: built.append(given["shared"][1]) or build(*args, **given)
    )
    fits = assert_like_own_fits([frozen(*words) for words in CASES[case]], tmp_path, last=not thorough)
    assert built == ([0] if case == "rates" else [0, 2])
    keras = import_keras()
    x = np.random.default_rng(0).normal(size=(5, 12, 12, 3)).astype("float32")
    for index, one in list(enumerate(fits))[0 if thorough else -1 :]:
        for name in ("best.h5", "last.h5"):
            ours = keras.models.load_model(one.path / "checkpoints" / name)
            own = keras.models.load_model(tmp_path / f"own-{index}" / "checkpoints" / name)
            assert [layer.name for layer in ours.layers] == [layer.name for layer in own.layers]
            np.testing.assert_allclose(ours(x), own(x), atol=1e-4)
            assert ours.optimizer.get_config() == own.optimizer.get_config()
            assert [layer.get_config() for layer in ours.layers] == [layer.get_config() for layer in own.layers]
        assert Run(one.path).read_manifest()["features"]["layers"][0] == "body"


@pytest.mark.slow
def test_other_heads_find_body_and_features_of_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dltrain.processes.signals import StopSignals
    from dltrain.training.fit import fit
    from dltrain.training.session import Session
    from dltrain.training.stacked.fit import Stacks
    from dltrain.training.stacked.trial import StackedFit

    monkeypatch.setattr("dltrain.training.frozen_features.FeatureStore.find", lambda *_: np.zeros(90, bool))
    calls: list[int] = []
    original = Forward.outputs
    monkeypatch.setattr(Forward, "outputs", lambda self, inputs: calls.append(len(inputs[0])) or original(self, inputs))
    fits = [StackedFit(frozen(f"model.layers.3.units={units}"), tmp_path / str(units)) for units in (3, 7)]
    with StopSignals() as signals:
        signals.defer()
        stacks = Stacks(Session(signals=signals))
        for one in fits:  # of other structures: a stack each
            stacks.fit([one], on_start=lambda index: None, on_epoch=lambda *_: False)
    assert sum(calls) == 90
    for one in fits:
        own = fit(one.config, run_dir=Path(f"{one.path}-own"))
        metrics = Run(one.path).read_metrics()["metrics"]
        for part, values in own.metrics.items():
            assert metrics[part] == pytest.approx(values, abs=1e-4)


@pytest.mark.slow
def test_an_interrupted_stack_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dltrain.training.stacked.steps import StackedSteps

    configs = [frozen(f"training.optimizer.learning_rate={rate}") for rate in (0.001, 0.01)]
    whole = fit_stacked(configs, tmp_path / "whole")
    for owner, method in ((Forward, "outputs"), (StackedSteps, "train")):
        original = getattr(owner, method)

        def interrupted(*args: Any, original: Any = original) -> Any:
            os.kill(os.getpid(), signal.SIGTERM)
            return original(*args)

        with monkeypatch.context() as patch:
            patch.setenv("DLTRAIN_CACHE", str(tmp_path / "other"))
            patch.setattr(owner, method, interrupted)
            patch.setattr("dltrain.training.frozen_features._READ_BYTES", 16 * 12 * 12 * 3 * 4)
            patch.setattr("dltrain.training.frozen_features.evaluation_batch_size", lambda _: 16)
            cut = fit_stacked(configs, tmp_path / "cut")
        assert {one.status for one in cut} == {"interrupted"}
    cut = fit_stacked(configs, tmp_path / "cut")
    for one, other in zip(whole, cut):
        assert other.status == "finished"
        assert_same_bits(one.path, other.path)


def test_which_first_layers_are_computed_once() -> None:
    assert num_frozen(frozen()) == 2
    assert why_not_stacked(frozen()) is None
    assert why_not_network(frozen()) is None
    assert num_frozen(frozen("training.cache_features=false")) == 0
    assert "Conv2D" in str(why_not_stacked(frozen("training.cache_features=false")))
    assert num_frozen(frozen("model.layers.0.trainable=true")) == 0
    assert num_frozen(frozen("model.layers.1.trainable=true")) == 1
    assert shares_frozen(frozen(), frozen("model.layers.3.units=9", "model.layers.4.rate=0.5"))
    assert not shares_frozen(frozen(), frozen("model.layers.0.filters=7"))
    assert not shares_frozen(frozen(), frozen("seed=8"))  # other weights
    many = ["data.rows=4900000", "model.layers.2=Flatten"]
    assert "too large" in str(why_not_network(frozen(*many)))
    body = "model.layers=[MobileNet: {weights: imagenet, alpha: 0.25}, GlobalAveragePooling2D, Dense: {units: 4}]"
    pretrained = [frozen("data.shape=[32, 32, 3]", body, f"seed={seed}") for seed in (1, 2)]
    assert shares_frozen(*pretrained)
    drawn = [frozen("data.shape=[32, 32, 3]", body.replace("imagenet", "none"), f"seed={seed}") for seed in (1, 2)]
    assert not shares_frozen(*drawn)
