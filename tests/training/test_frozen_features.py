"""A frozen beginning is computed once: the same losses, whole models in the files, a cache that may be damaged or gone."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dltrain.config.types import Config
from dltrain.data.arrays.feature_store import FeatureStore, digest_rows
from dltrain.errors import InterruptedRun
from dltrain.evaluation.evaluate import evaluate
from dltrain.model.forward import Forward
from dltrain.model.frozen import find_frozen_prefix
from dltrain.model.keras_import import import_keras
from dltrain.reporting import Reporter
from dltrain.training.fit import FitResult, fit
from tests.support import examples
from tests.training.support import assert_same_bits, config_of, fit_in_empty_cache, fit_with_interruptions, newest_state, rows_of

FROZEN = """
name: frozen
seed: 7
data:
  source: noise
  rows: 90
  shape: [12, 12, 3]
  split: {test: 0.2, validation: 0.25}
model:
  layers:
    - Conv2D: {name: body, filters: 6, kernel_size: 3, activation: relu, trainable: false}
    - BatchNormalization: {trainable: false}
    - GlobalAveragePooling2D
    - Dense: {units: 5, activation: relu}
    - Dropout: {rate: 0.3}
training:
  epochs: 3
  batch_size: 8
  class_weight: balanced
  optimizer: {Adam: {learning_rate: 0.01}}
  checkpoint: {filepath: "frozen_{epoch:02d}_{val_loss:.3f}.h5", save_best_only: true}
"""


class Heard(Reporter):
    """Keeps the details."""

    def __init__(self) -> None:
        self.details: list[str] = []

    def detail(self, text: str) -> None:
        self.details.append(text)

    def about_features(self) -> str:
        [line] = [line for line in self.details if "computed once" in line]
        return line


@pytest.fixture(autouse=True)
def _empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLTRAIN_CACHE", str(tmp_path / "cache"))


def frozen(*overrides: str) -> Config:
    return config_of(FROZEN, *overrides)


@pytest.fixture(scope="module")
def heard() -> Heard:
    """What `whole` has said."""
    return Heard()


@pytest.fixture(scope="module")
def whole(heard: Heard, tmp_path_factory: pytest.TempPathFactory) -> FitResult:
    """A run that found no stored features and was not interrupted."""
    return fit_in_empty_cache(frozen(), tmp_path_factory, heard)


def test_losses_and_metrics_are_those_of_training_without_the_cache(whole: FitResult, heard: Heard, tmp_path: Path) -> None:
    plain = fit(frozen("training.cache_features=false"), run_dir=tmp_path / "plain")
    assert "body … global_average_pooling2d are computed once: 90 rows of 6 numbers" in heard.about_features()
    for ours, theirs in zip(rows_of(whole.run), rows_of(plain.run), strict=True):
        assert ours == pytest.approx(theirs, abs=1e-5)
    for part, metrics in plain.metrics.items():
        assert whole.metrics[part] == pytest.approx(metrics, abs=1e-5)
    assert len(newest_state(whole.run).values.model) < len(newest_state(plain.run).values.model)


def test_files_hold_the_whole_model_and_take_pictures(whole: FitResult) -> None:
    from dltrain.data import load_dataset

    keras = import_keras()
    again = evaluate(whole.run, part="validation")
    assert again.metrics == pytest.approx(whole.metrics["validation"], abs=1e-6)
    part = load_dataset(frozen().data, seed=7).parts["validation"]
    files = sorted((whole.run / "checkpoints").glob("*.h5"))
    assert {"best.h5", "last.h5"} < {file.name for file in files}
    for file in files:
        model = keras.models.load_model(file)
        assert [layer.name for layer in model.layers][1:4] == ["body", "batch_normalization", "global_average_pooling2d"]
        assert model.input_shape == (None, 12, 12, 3)
        if file.name == "last.h5":
            history = model.fit(part.inputs["image"], part.targets["target"].astype("float32")[:, None], verbose=0).history
            assert np.isfinite(history["loss"]).all()
    best = keras.models.load_model(whole.run / "checkpoints" / "best.h5")
    outputs = best.predict(part.inputs["image"], verbose=0)
    loss = float(keras.losses.BinaryCrossentropy()(part.targets["target"].astype("float32")[:, None], outputs))
    assert loss == pytest.approx(whole.metrics["validation"]["loss"], abs=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("plan", [[1], [6, 5]], ids=str)
def test_resumes_to_the_bit(plan: list[int], whole: FitResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fit_with_interruptions(frozen(), tmp_path / "cut", monkeypatch, plan)
    assert_same_bits(whole.run, tmp_path / "cut")


def test_other_splits_and_heads_find_the_features_and_other_bodies_do_not(tmp_path: Path, thorough: bool) -> None:
    def stored(*overrides: str) -> str:
        heard = Heard()
        fit(
            frozen("training.epochs=1", "data.scale=none", *overrides),
            run_dir=tmp_path / str(len(list(tmp_path.iterdir()))),
            reporter=heard,
        )
        return heard.about_features().partition("numbers, ")[2].partition(" of them")[0]

    assert stored() == "0"
    assert stored("data.limit=50", "data.split.seed=5", "model.layers.3.units=9", "training.optimizer=sgd") == "50"
    assert stored("seed=8") == "0"  # other weights of the body
    if thorough:
        assert stored("data.split.seed=5", "model.layers.3.units=9", "training.optimizer=sgd") == "90"
        assert stored("model.layers.body.activation=tanh") == "0"


def test_damaged_features_are_computed_anew(tmp_path: Path) -> None:
    short = frozen("training.epochs=1")
    fit(short, run_dir=tmp_path / "first")
    [file] = (tmp_path / "cache" / "features").glob("*/*.npz")
    whole = file.read_bytes()
    damages = (whole[:2000] + bytes([whole[2000] ^ 255]) + whole[2001:], whole[:-300], b"")
    for number, damaged in enumerate(damages[: examples(1, 3)]):
        for stored in (tmp_path / "cache" / "features").glob("*/*.npz"):
            stored.write_bytes(damaged)
        heard = Heard()
        fit(short, run_dir=tmp_path / f"again{number}", reporter=heard)
        assert "0 of them stored" in heard.about_features()
        assert any("damaged" in line for line in heard.details)
        assert_same_bits(tmp_path / "first", tmp_path / f"again{number}")


def test_a_cache_that_cannot_be_written_costs_time_not_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("DLTRAIN_CACHE", str(tmp_path / "file"))
    heard = Heard()
    fit(frozen("training.epochs=1"), run_dir=tmp_path / "run", reporter=heard)
    assert any("features are not stored" in line for line in heard.details)


def test_the_longest_unused_features_make_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(3, 10, 4)).astype("float32")
    heard = Heard()
    stores = [FeatureStore(f"key{index}", (4,), heard) for index in range(3)]
    stores[0].add(digest_rows(rows[0]), rows[0])
    [first] = stores[0].folder.glob("*.npz")
    size = first.stat().st_size
    monkeypatch.setenv("DLTRAIN_FEATURE_BYTES", str(int(2.5 * size)))
    stores[1].add(digest_rows(rows[1]), rows[1])
    [second] = stores[1].folder.glob("*.npz")
    os.utime(first, ns=(1, 1))
    os.utime(second, ns=(2, 2))
    found = np.zeros((10, 4), np.float32)
    assert stores[0].find(digest_rows(rows[0][::-1]), found).all()  # used now: it stays
    np.testing.assert_array_equal(found, rows[0][::-1])
    stores[2].add(digest_rows(rows[2]), rows[2])
    assert [len(list(store.folder.glob("*.npz"))) for store in stores] == [1, 0, 1]
    monkeypatch.setenv("DLTRAIN_FEATURE_BYTES", str(size - 1))
    stores[1].add(digest_rows(rows[1]), rows[1])
    assert "not stored" in heard.details[-1]
    assert not list(stores[1].folder.glob("*.npz"))


def test_an_interrupted_computation_goes_on_where_it_was(
    whole: FitResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = Forward.outputs
    calls = 0

    def outputs(self: Forward, inputs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        return original(self, inputs)

    monkeypatch.setattr("dltrain.training.frozen_features._READ_BYTES", 16 * 12 * 12 * 3 * 4)
    monkeypatch.setattr("dltrain.training.frozen_features.evaluation_batch_size", lambda _: 16)
    with monkeypatch.context() as patch:
        patch.setattr(Forward, "outputs", outputs)
        with pytest.raises(InterruptedRun):
            fit(frozen(), run_dir=tmp_path / "cut", resume="auto")
    heard = Heard()
    fit(frozen(), run_dir=tmp_path / "cut", resume="auto", reporter=heard)
    assert "16 of them stored" in heard.about_features()
    assert "74 to compute" in heard.about_features()
    assert_same_bits(whole.run, tmp_path / "cut")


def test_two_processes_do_not_compute_the_same_features_at_once(tmp_path: Path) -> None:
    store = FeatureStore("shared", (2,), Heard())
    order = []

    def second() -> None:
        with FeatureStore("shared", (2,), Heard()).locked():
            order.append("second")

    with store.locked():
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(0.2)
        order.append("first")
    thread.join(120)
    assert order == ["first", "second"]


def sequential(*layers: Any, shape: tuple[int, ...] = (8, 8, 3)) -> Any:
    keras = import_keras()
    return keras.Sequential([keras.Input(shape), *layers])


def test_what_belongs_to_the_frozen_beginning() -> None:
    keras = import_keras()
    layers = keras.layers

    def prefix_of(*before: Any) -> tuple[str, ...] | None:
        model = sequential(*before, layers.Flatten(name="end"), layers.Dense(2, name="head"))
        functional = keras.Model(model.inputs, model.outputs)
        found = find_frozen_prefix(functional)
        return None if found is None else found.layers

    conv = lambda: layers.Conv2D(4, 3, trainable=False, name="conv")  # noqa: E731
    assert prefix_of(layers.Rescaling(2.0, name="scale")) is None  # nothing that would be saved
    assert prefix_of(layers.Rescaling(2.0, name="scale"), conv()) == ("scale", "conv", "end")
    assert prefix_of(layers.Conv2D(4, 3, name="trained")) is None
    assert prefix_of(layers.RandomFlip(name="flip"), conv()) is None
    assert prefix_of(conv(), layers.Dropout(0.5, name="drop")) == ("conv",)
    assert prefix_of(conv(), layers.Dropout(0.0, name="none")) == ("conv", "none", "end")
    assert prefix_of(conv(), layers.UpSampling2D(name="up")) == ("conv",)  # more numbers, no more work saved
    assert prefix_of(conv(), layers.UpSampling2D(name="up"), layers.AveragePooling2D(4, name="pool")) == (
        "conv", "up", "pool", "end",
    )  # fmt: skip
    # Its moving statistics change in training, though it has nothing that is trained.
    moving = layers.BatchNormalization(center=False, scale=False, name="moving")
    assert prefix_of(conv(), moving) == ("conv",)
    assert prefix_of(conv(), layers.BatchNormalization(trainable=False, name="still")) == ("conv", "still", "end")
    assert prefix_of(conv(), layers.ActivityRegularization(l2=0.1, name="penalty")) == ("conv",)


def test_a_skip_around_a_frozen_layer_ends_the_beginning_before_it() -> None:
    keras = import_keras()
    inputs = keras.Input((8,))
    frozen = keras.layers.Dense(8, trainable=False, name="frozen")(inputs)
    again = keras.layers.Dense(8, trainable=False, name="again")(frozen)
    joined = keras.layers.Add()([frozen, again])
    model = keras.Model(inputs, keras.layers.Dense(1)(joined))
    found = find_frozen_prefix(model)
    assert found is not None
    assert found.layers == ("frozen",)
    x = np.random.default_rng(0).normal(size=(4, 8)).astype("float32")
    np.testing.assert_allclose(found.rest(found.prefix(x)), model(x), rtol=1e-6)
    assert [id(v) for v in found.rest.trainable_variables] == [id(v) for v in model.trainable_variables]
