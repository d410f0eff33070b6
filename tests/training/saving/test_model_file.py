"""A file that is written again has the bytes of one that is made anew."""

from __future__ import annotations

import io
from typing import Any
from unittest import mock

import numpy as np
import pytest

from dltrain.model.keras_import import import_keras
from dltrain.training.saving import model_file
from dltrain.training.saving.model_file import ModelFile, model_bytes
from dltrain.training.saving.state import capture_values


def written(content: Any) -> bytes:
    file = io.BytesIO()
    content(file)
    return file.getvalue()


def compiled(*layers: Any, shape: tuple[int, ...] = (6,)) -> Any:
    keras = import_keras()
    inputs = outputs = keras.Input(shape, name="x")
    for layer in layers:
        outputs = layer(outputs)
    model = keras.Model(inputs, outputs)
    model.compile(keras.optimizers.Adam(0.01), keras.losses.MeanSquaredError())
    return model


def change(model: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for variable in model.weights:
        variable.assign(rng.normal(size=variable.shape).astype("float32"))


def test_later_files_are_those_that_keras_makes() -> None:
    keras = import_keras()
    layers = keras.layers
    body = keras.Sequential([keras.Input((6,)), layers.Dense(5, name="inner")], name="body")
    body.trainable = False
    model = compiled(body, layers.Dense(4, name="a"), layers.BatchNormalization(name="b"), layers.Dropout(0.5), layers.Dense(1))
    rest = keras.Model(model.layers[1].output, model.output)
    for trained in (model, rest):
        file = ModelFile(model, trained, "h5")
        for seed in range(3):
            change(trained, seed)
            model.optimizer.learning_rate = 0.1**seed  # it stands in the file
            with mock.patch.object(model_file, "_built", wraps=model_file._built) as built:
                found = written(file.prepare())
            assert built.call_count == (seed == 0)
            assert found == model_bytes(model, "h5")


@pytest.mark.parametrize("built_before", [False, True])
def test_a_file_of_earlier_values_is_that_of_then(built_before: bool) -> None:
    keras = import_keras()
    layers = keras.layers
    model = compiled(layers.Dense(4), layers.BatchNormalization(), layers.Dense(1))
    model.optimizer.build(model.trainable_variables)
    file = ModelFile(model, model, "h5")
    if built_before:
        file.prepare()
    moments = []
    for seed in range(3):
        change(model, seed)
        model.optimizer.learning_rate = 0.1**seed
        moments.append((capture_values(model), model_bytes(model, "h5")))
    contents = [file.prepare(values) for values, _ in moments]
    change(model, 9)  # training goes on before they are written
    for content, (_, wanted) in zip(contents, moments, strict=True):
        assert written(content) == wanted
    assert float(model.optimizer.learning_rate.numpy()) == pytest.approx(0.01)


def test_models_that_differ_in_numbers_have_one_image(tmp_path: Any) -> None:
    keras = import_keras()
    layers = keras.layers
    body = layers.Dense(5, name="body", trainable=False)
    models = [compiled(body, layers.Dropout(rate, name="b"), layers.Dense(1, name="c")) for rate in (0.25, 1 / 3)]
    file = ModelFile(models[0], models[0], "h5")
    other = ModelFile(models[1], models[1], "h5", like=file)
    with mock.patch.object(model_file, "_built", wraps=model_file._built) as built:
        for seed in range(2):
            for model, one in zip(models, (file, other)):
                change(model, seed)
                found = written(one.prepare())
                assert found == model_bytes(model, "h5")
    assert built.call_count == 1 + 4
    different = compiled(body, layers.Dropout(0.25, name="b"), layers.Dense(1, name="d"))
    assert written(ModelFile(different, different, "h5", like=file).prepare()) == model_bytes(different, "h5")
    found = written(other.prepare())
    (tmp_path / "model.h5").write_bytes(found)
    loaded = keras.models.load_model(tmp_path / "model.h5")
    assert loaded.layers[2].rate == 1 / 3
    assert loaded.optimizer.get_config() == models[1].optimizer.get_config()


def test_what_does_not_fit_in_its_place_is_made_anew() -> None:
    keras = import_keras()
    model = compiled(keras.layers.Dense(2, name="a"))
    file = ModelFile(model, model, "h5")
    file.prepare()
    model.compile(keras.optimizers.Adam(), keras.losses.Huber(name="long" * 100), metrics=[keras.metrics.MeanSquaredError()])
    assert written(file.prepare()) == model_bytes(model, "h5")


@pytest.mark.parametrize("file_format", ["keras"])
def test_other_formats_are_made_each_time(file_format: str, tmp_path: Any) -> None:
    keras = import_keras()
    model = compiled(keras.layers.Dense(2, name="a"))
    file = ModelFile(model, model, file_format)
    for seed in range(2):
        change(model, seed)
        (tmp_path / f"{seed}.keras").write_bytes(written(file.prepare()))
        found = keras.models.load_model(tmp_path / f"{seed}.keras")
        np.testing.assert_array_equal(found.get_weights()[0], model.get_weights()[0])
