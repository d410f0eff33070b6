"""Runs on pictures: exact on resume with augmentation, streamed or not; what they leave behind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dltrain.data.arrays.disk_array import in_memory
from dltrain.data.arrays.scaled_pixels import ScaledPixels
from dltrain.evaluation.drawing.mistakes import NUM_SHOWN, worst_mistakes
from dltrain.evaluation.drawing.picture_sheet import Line, _dots, _within
from dltrain.evaluation.evaluate import evaluate
from dltrain.evaluation.predictions.predict import predict
from dltrain.model.forward import Forward
from dltrain.model.pixels import pixel_tensor, take_rows, to_tensors
from dltrain.training.fit import fit
from tests.data.sources.support import write_picture
from tests.drawn import drawing_pictures
from tests.training.support import assert_same_bits, config_of, fit_with_interruptions

TEXT = """
name: small
seed: 7
data:
  source: image_folder
  path: pictures
  image_size: [8, 9]
  split: {test: 0.25, validation: 0.25}
  augment:
    - RandomFlip: {mode: horizontal}
    - RandomRotation: {factor: 0.1}
    - RandomTranslation: {height_factor: 0.2, width_factor: 0.2}
model:
  layers:
    - Conv2D: {filters: 3, kernel_size: 3, activation: relu}
    - Flatten
    - Dropout: {rate: 0.3}
training:
  epochs: 3
  batch_size: 5
  metrics: [accuracy]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    for seed, label in enumerate(("cat", "dog", "eel")):
        for index in range(12):
            write_picture(folder / "pictures" / label / f"{index:02d}.png", (20, 16), seed=100 * seed + index)
    return folder


@pytest.fixture(scope="module")
def whole(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run in one go."""
    run = tmp_path_factory.mktemp("whole") / "run"
    with drawing_pictures():
        fit(config_of(TEXT, folder=folder), run_dir=run)
    return run


@pytest.mark.slow
@pytest.mark.parametrize("plan", [[1], [2, 3], [5, 1, 1, 2]], ids=str)
def test_augmented_pictures_go_on_to_the_bit(
    plan: list[int], folder: Path, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit_with_interruptions(config_of(TEXT, folder=folder), tmp_path / "run", monkeypatch, plan)
    assert_same_bits(whole, tmp_path / "run")


def test_streamed_pictures_go_on_to_the_bit(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLTRAIN_STREAM_BYTES", "0")
    config = config_of(TEXT, folder=folder)
    result = fit(config, run_dir=tmp_path / "one")
    assert evaluate(tmp_path / "one", part="train").metrics == result.metrics["train"]
    fit_with_interruptions(config, tmp_path / "two", monkeypatch, [3])
    assert_same_bits(tmp_path / "one", tmp_path / "two")


def test_what_a_run_leaves_behind(folder: Path, whole: Path) -> None:
    metrics = evaluate(whole).metrics
    predictions = predict(whole, data=[str(folder / "pictures")])
    assert len(predictions.prediction) == 36
    assert predictions.identifiers["file"][0].endswith("pictures/cat/00.png")
    one = predict(whole, data=[str(folder / "pictures" / "eel" / "03.png")])
    row = predictions.identifiers["file"].index(one.identifiers["file"][0])
    assert one.probabilities is not None
    assert predictions.probabilities is not None
    for label, values in one.probabilities.items():
        assert values[0] == predictions.probabilities[label][row], "a picture's own, whatever comes with it"
    everything = evaluate(whole, data=[str(folder / "pictures")]).metrics
    labels = [Path(file).parent.name for file in predictions.identifiers["file"]]
    right = np.mean([label == said for label, said in zip(labels, predictions.prediction, strict=True)])
    assert everything["accuracy"] == pytest.approx(right)
    if metrics["accuracy"] < 1:
        with Image.open(whole / "mistakes.png") as sheet:
            assert min(sheet.size) > 100


def test_augmentation_is_on_in_training_only(folder: Path, whole: Path) -> None:
    from dltrain.evaluation.load_run import load_run

    stored = load_run(whole)
    model = stored.build(stored.checkpoint(None)[1])
    pixels = np.random.default_rng(0).random((6, 8, 9, 3), np.float32)
    flip = model.get_layer("random_translation").output
    import keras

    watcher = keras.Model(model.inputs, flip)
    np.testing.assert_array_equal(np.asarray(watcher(pixels, training=False)), pixels)
    assert np.abs(np.asarray(watcher(pixels, training=True)) - pixels).max() > 0.05


@pytest.mark.parametrize(
    ("center", "spread"),
    [(0.0, 255.0), (0.0, 1.0), (0.0, 0.3), (12.0, 255.0), ("pixel", "pixel")],
    ids=["unit", "none", "odd", "range", "standard"],
)
def test_pixels_are_scaled_to_the_same_bits_wherever_it_is_done(center: float | str, spread: float | str) -> None:
    import tensorflow as tf

    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 256, (40, 5, 4, 3), dtype=np.uint8)
    shape = (5, 4, 3)
    centers = rng.random(shape) * 200 if center == "pixel" else np.array(float(center))
    spreads = rng.random(shape) * 90 + 1e-3 if spread == "pixel" else np.array(float(spread))
    array = ScaledPixels(pixels, centers, spreads)
    expected = ((pixels.astype(np.float64) - centers) / spreads).astype(np.float32)
    np.testing.assert_array_equal(in_memory(array), expected)
    rows = np.array([3, 0, 39, 3])
    np.testing.assert_array_equal(in_memory(array.take(rows)), expected[rows])
    tensor = to_tensors(pixel_tensor(array))
    assert tensor.shape == pixels.shape
    for jit_compile in (False, True):
        function = tf.function(take_rows, autograph=False, jit_compile=jit_compile)
        np.testing.assert_array_equal(function(tensor, tf.constant(rows)).numpy(), expected[rows])


def test_files_labels_and_pixels_are_those_of_keras(tmp_path: Path) -> None:
    import keras
    import tensorflow as tf

    from dltrain.data import load_dataset

    for number, (label, size) in enumerate((("b", (9, 8)), ("a", (9, 8)), ("a", (40, 33)))):
        write_picture(tmp_path / label / f"{number}.png", size, seed=number)
    theirs = keras.utils.image_dataset_from_directory(tmp_path, image_size=(8, 9), shuffle=False, batch_size=None, verbose=False)
    config = config_of(
        TEXT.replace("path: pictures", f"path: {tmp_path}"), "data.split=null", "data.augment=null", "data.scale=none"
    )
    part = load_dataset(config.data, seed=0).parts["train"]
    pixels = in_memory(part.inputs["image"])
    assert part.identifiers["file"] == [f"{tmp_path.name}/{name}" for name in ("a/1.png", "a/2.png", "b/0.png")]
    assert part.targets["target"].tolist() == [int(label) for _, label in theirs]
    same_size = [np.asarray(image) for image, _ in theirs]
    np.testing.assert_array_equal(pixels[[0, 2]], np.stack([same_size[0], same_size[2]]))
    with Image.open(tmp_path / "a" / "2.png") as image:
        whole = np.asarray(image, np.float32)
    smooth = tf.image.resize(whole, (8, 9), antialias=True).numpy()  # Keras leaves pixels out where it makes pictures smaller
    np.testing.assert_allclose(pixels[1], smooth, atol=1.5)


def test_one_model_evaluates_parts_of_either_kind() -> None:
    import keras

    inputs = keras.Input((4, 4, 1))
    model = keras.Model(inputs, keras.layers.Flatten()(inputs))
    model.compile(loss=keras.losses.MeanSquaredError())
    forward = Forward(model, 16)
    pixels = np.random.default_rng(2).integers(0, 256, (33, 4, 4, 1), dtype=np.uint8)
    array = ScaledPixels(pixels, np.array(0.0), np.array(255.0))
    target = np.zeros((33, 16), np.float32)
    kinds = [in_memory(array), array, to_tensors(pixel_tensor(array))]
    found = [forward.evaluate([kind], [target], None) for kind in kinds]
    for logs, (output,) in found:
        assert logs == found[0][0]
        np.testing.assert_array_equal(output, found[0][1][0])


def test_the_most_confident_mistakes_first() -> None:
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6], [0.7, 0.3], [0.05, 0.95]])
    found = worst_mistakes(np.array([0, 0, 0, 1, 1]), probabilities, ["a", "b"], probabilities.argmax(axis=1))
    assert [(mistake.row, mistake.label, mistake.prediction) for mistake in found] == [
        (1, "a", "b"),
        (3, "b", "a"),
        (2, "a", "b"),
    ]
    assert [round(mistake.probability, 2) for mistake in found] == [0.8, 0.7, 0.6]
    many = worst_mistakes(np.ones(100, np.int64), np.tile([[0.6, 0.4]], (100, 1)), ["a", "b"], np.zeros(100, np.int64))
    assert len(many) == NUM_SHOWN


def test_a_line_under_a_picture_is_as_long_as_the_picture_and_keeps_its_figures() -> None:
    for word in ("cat", "W" * 60, "i" * 60, "", "{}", "\u00e9" * 30):
        font, text = _within(Line("said {} (92 %)", word, "#000000"), _dots(1.4))
        assert text.startswith("said ")
        assert text.endswith(" (92 %)")
        assert font.getlength(text) <= _dots(1.4)
        assert word in text or "\u2026" in text
