"""Losses, metrics and random layers of masks beside Keras's own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dltrain.config.types import Component, LossConfig, ModelConfig, TrainingConfig
from dltrain.data.dataset import IGNORED, InputSpec, Schema, TargetSpec
from dltrain.model.compile import compile_model
from dltrain.model.heads.pixel_targets import PixelScorer, random_layers
from dltrain.model.heads.rules import resolve_heads

CLASSES = ("ground", "cell", "edge")


def compiled(loss: str | None, layers: list[Any] | None = None, classes: tuple[str, ...] = CLASSES, **arguments: Any) -> Any:
    """A model of pictures 6×6×2 that a convolution ends, compiled as dltrain does, and its head."""
    import keras

    schema = Schema((InputSpec("image", (6, 6, 2)),), (TargetSpec("mask", "segmentation", classes),))
    component = None if loss is None else LossConfig(Component("loss", loss, arguments))
    metrics = (Component("metric", "MeanIoU"),)
    head = resolve_heads(ModelConfig(), schema, component, metrics)[0]
    keras.utils.set_random_seed(1)
    tensor = inputs = keras.Input((6, 6, 2), name="image")
    for layer in layers or ():
        tensor = layer(tensor)
    last = head.layers[0].component
    assert last.name == "Conv2D"
    assert last.arguments["kernel_size"] == 1
    output = keras.layers.Conv2D(last.arguments["filters"], 1, activation=last.arguments["activation"])(tensor)
    model = keras.Model(inputs, output)
    compile_model(model, [head], TrainingConfig(optimizer=Component("optimizer", "SGD"), metrics=metrics))
    return model, head


def rows(classes: int = 3, ignored: bool = True) -> tuple[Any, Any]:
    rng = np.random.default_rng(2)
    x, codes = rng.normal(size=(5, 6, 6, 2)).astype("float32"), rng.integers(0, classes, (5, 6, 6)).astype("uint8")
    if ignored:
        codes[rng.random(codes.shape) < 0.3] = IGNORED
    return x, codes


def losses(model: Any, x: Any, codes: Any) -> tuple[float, dict[str, float]]:
    model.reset_metrics()
    y_pred = model(x, training=False)
    loss = float(model._compute_loss(x=None, y=codes, y_pred=y_pred, sample_weight=None, training=False))
    model.compute_metrics(None, codes, y_pred, None)
    return loss, {name: float(value) for name, value in model.get_metrics_result().items() if name != "loss"}


def test_cross_entropy_is_keras_with_ignore_class() -> None:
    import keras

    model, head = compiled(None)
    x, codes = rows()
    loss, metrics = losses(model, x, codes)
    expected = keras.losses.SparseCategoricalCrossentropy(ignore_class=IGNORED)(codes.astype("int32"), model(x))
    assert head.loss.name == "SparseCategoricalCrossentropy"
    assert loss == pytest.approx(float(expected), rel=1e-6)
    mean_iou = keras.metrics.MeanIoU(3, ignore_class=IGNORED, sparse_y_pred=False)
    mean_iou.update_state(codes.astype("int32"), model(x))
    said = np.asarray(model(x)).argmax(axis=-1)
    assert metrics["mean_iou"] == pytest.approx(float(mean_iou.result()), rel=1e-6)
    assert metrics["accuracy"] == pytest.approx((said == codes)[codes != IGNORED].mean(), rel=1e-6)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("Dice", {}), ("Dice", {"axis": [1, 2]}), ("CategoricalFocalCrossentropy", {}), ("CategoricalCrossentropy", {})],
)
def test_other_losses_are_keras_of_the_pixels_that_count(name: str, arguments: dict[str, Any]) -> None:
    import keras

    model, _ = compiled(name, **arguments)
    x, codes = rows(ignored=False)
    loss, _ = losses(model, x, codes)
    made = getattr(keras.losses, name)(**arguments)
    assert loss == pytest.approx(float(made(np.eye(3, dtype="float32")[codes], model(x))), rel=1e-5)
    codes[:, 3:] = IGNORED  # is as if the pictures ended there
    above = made(np.eye(3, dtype="float32")[codes[:, :3]], model(x)[:, :3])
    assert losses(model, x, codes)[0] == pytest.approx(float(above), rel=1e-5)


def test_losses_are_their_closed_forms() -> None:
    """In NumPy: Dice of all pixels and classes together (Milletari et al. 2016), focal of each pixel (Lin et al. 2017)."""
    for name in ("Dice", "CategoricalFocalCrossentropy", None):
        model, _ = compiled(name)
        x, codes = rows(ignored=False)
        codes[:, 4:] = IGNORED
        counted = codes != IGNORED
        given = np.asarray(model(x), np.float64)[counted]
        true = np.eye(3)[codes[counted]]
        of_true = (given * true).sum(axis=1)
        expected = {
            "Dice": 1 - 2 * of_true.sum() / (given.sum() + true.sum()),
            "CategoricalFocalCrossentropy": (0.25 * (1 - of_true) ** 2 * -np.log(of_true)).mean(),
            None: -np.log(of_true).mean(),
        }[name]
        assert losses(model, x, codes)[0] == pytest.approx(expected, rel=1e-4), name


def test_dice_with_an_axis_is_the_mean_of_each_classs_own() -> None:
    model, _ = compiled("Dice", axis=[0, 1, 2])
    x, codes = rows(ignored=False)
    codes[:, 4:] = IGNORED
    given = np.asarray(model(x), np.float64)[:, :4].reshape(-1, 3)
    true = np.eye(3)[codes[:, :4].ravel()]
    of_classes = 1 - 2 * (given * true).sum(axis=0) / (given.sum(axis=0) + true.sum(axis=0))
    assert losses(model, x, codes)[0] == pytest.approx(of_classes.mean(), rel=1e-4)


def test_two_classes_are_one_probability_a_pixel() -> None:
    import keras

    model, head = compiled(None, classes=("ground", "cell"))
    x, codes = rows(2)
    loss, metrics = losses(model, x, codes)
    counted = codes != IGNORED
    given = np.asarray(model(x), np.float64)[..., 0]
    assert (head.units, head.loss.name) == (1, "BinaryCrossentropy")
    expected = -np.where(codes == 1, np.log(given), np.log(1 - given))[counted].mean()
    assert loss == pytest.approx(expected, rel=1e-5)
    mean_iou = keras.metrics.MeanIoU(2)
    mean_iou.update_state(codes[counted], (given > 0.5)[counted])
    assert metrics["mean_iou"] == pytest.approx(float(mean_iou.result()), rel=1e-6)
    assert metrics["accuracy"] == pytest.approx(((given > 0.5) == codes)[counted].mean(), rel=1e-6)


GEOMETRIC = [
    ("RandomFlip", {"mode": "horizontal_and_vertical"}),
    ("RandomRotation", {"factor": 0.2}),
    ("RandomTranslation", {"height_factor": 0.3, "width_factor": 0.3}),
    ("RandomZoom", {"height_factor": 0.3}),
    ("RandomShear", {"x_factor": 0.3, "y_factor": 0.3}),
]


@pytest.mark.parametrize("fill", [{}, {"fill_mode": "constant", "fill_value": 0.5}], ids=["as usual", "constant"])
@pytest.mark.parametrize(("name", "arguments"), GEOMETRIC, ids=[name for name, _ in GEOMETRIC])
def test_masks_turn_as_their_pictures(name: str, arguments: dict[str, Any], fill: dict[str, Any]) -> None:
    """A picture that shows its own mask shows the turned one, but for the pixels on its edge, which are a mixture."""
    import keras

    if name == "RandomFlip" and fill:
        pytest.skip("it fills nothing")
    layer = getattr(keras.layers, name)(seed=3, **arguments, **fill)
    codes = np.zeros((4, 24, 24), "uint8")
    codes[0, :12], codes[1, 5:18, 3:11], codes[2, :, 16:], codes[3, 12:, 12:] = 1, 1, 1, 1
    inputs = keras.Input((24, 24, 1))
    model = keras.Model(inputs, keras.layers.Conv2D(2, 1)(layer(inputs)))
    _, head = compiled("CategoricalCrossentropy", classes=("ground", "cell"))
    from dltrain.model.heads.pixel_targets import _remember_draws

    assert random_layers(model) == [layer]
    _remember_draws(layer)
    seen = np.asarray(layer(codes[..., None].astype("float32"), training=True))[..., 0]
    turned = np.asarray(PixelScorer(head, [layer]).turned(codes, None)[0])
    assert not np.array_equal(turned, codes)
    sure = (seen < 0.02) | (seen > 0.98)
    is_filled = np.abs(seen - 0.5) < 1e-6
    assert np.array_equal(turned[sure], (seen > 0.5)[sure].astype("uint8"))
    assert sure.mean() > 0.5
    if fill:
        assert (turned[is_filled] == IGNORED).mean() > 0.9
        assert (turned == IGNORED).any()
    else:
        assert set(np.unique(turned)) == {0, 1}


@pytest.mark.parametrize("name", ["RandomBrightness", "RandomContrast"])
def test_what_changes_colours_leaves_masks(name: str) -> None:
    import keras

    layer = getattr(keras.layers, name)(0.5, seed=1)
    _, head = compiled(None)
    from dltrain.model.heads.pixel_targets import _remember_draws

    _remember_draws(layer)
    x, codes = rows()
    layer(np.abs(x), training=True)
    assert np.array_equal(np.asarray(PixelScorer(head, [layer]).turned(codes, None)[0]), codes)


def test_a_last_convolution_that_fits_is_the_output() -> None:
    from dltrain.config.types import LayerConfig

    schema = Schema((InputSpec("image", (6, 6, 2)),), (TargetSpec("mask", "segmentation", CLASSES),))
    layer = LayerConfig(Component("layer", "Conv2D", {"filters": 3, "kernel_size": 3, "activation": "softmax"}))
    head = resolve_heads(ModelConfig(layers=(layer,)), schema, None)[0]
    assert head.layers == ()
    assert head.units == 3
