"""The class of every pixel: trained, resumed, held against Keras by hand, evaluated and predicted in a fresh process."""

from __future__ import annotations

import itertools
import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dltrain.checking.check import check_config
from dltrain.data import load_dataset
from dltrain.data.arrays.disk_array import in_memory
from dltrain.data.dataset import IGNORED
from dltrain.data.sources.shapes import CLASSES, draw
from dltrain.errors import ConfigError, DataError, UsageError
from dltrain.evaluation.evaluate import evaluate
from dltrain.evaluation.export import export
from dltrain.evaluation.load_run import load_run
from dltrain.evaluation.predictions.predict import predict
from dltrain.evaluation.predictions.stored_part import predict_part
from dltrain.model.build import build_model
from dltrain.model.heads.rules import resolve_heads
from dltrain.training.fit import fit
from tests.drawn import drawing_pictures
from tests.support import history_rows
from tests.training.support import assert_same_bits, config_of, fit_with_interruptions

SHAPES = """
name: pixels
seed: 5
data:
  source: image_folder
  path: data
  task: segmentation
  image_size: [16, 16]
  classes: [background, circle, square, triangle]
  ignore: 255
  split: {test: 0.25, validation: 0.25}
  augment:
    - RandomFlip
    - RandomRotation: {factor: 0.1, fill_mode: constant}
model:
  layers:
    - Conv2D: {filters: 6, kernel_size: 3, padding: same, activation: relu, name: fine}
    - MaxPooling2D: {}
    - Conv2D: {filters: 8, kernel_size: 3, padding: same, activation: relu}
    - UpSampling2D: {name: up}
    - Concatenate: {from: [up, fine]}
training:
  epochs: 3
  batch_size: 8
  class_weight: {background: 0.5}
"""


def save_shapes(folder: Path, count: int) -> Path:
    """Pictures 40×32 with masks whose edges are ignored."""
    for kind in ("pictures", "masks"):
        (folder / kind).mkdir(parents=True)
    for number in range(count):
        picture, mask = draw(np.random.default_rng(number), 40, border=1)
        Image.fromarray(picture[:, :32]).save(folder / "pictures" / f"{number:02}.png")
        Image.fromarray(mask[:, :32]).save(folder / "masks" / f"{number:02}.png")
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("pixels")
    save_shapes(made / "data", 32)
    return made


# A net and pictures for what concerns neither.
SIMPLE = (
    "model.layers=[{Conv2D: {filters: 6, kernel_size: 3, padding: same, activation: relu}}]",
    "data.augment=null",
    "training.epochs=1",
)


@pytest.fixture(scope="module")
def whole(folder: Path, thorough: bool) -> Path:
    with drawing_pictures() if thorough else nullcontext():
        fit(config_of(SHAPES, folder=folder), run_dir=folder / "whole")
    return folder / "whole"


@pytest.mark.slow
def test_resumes_to_the_bit_with_turned_masks(folder: Path, whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = fit_with_interruptions(config_of(SHAPES, folder=folder), folder / "cut", monkeypatch, [2, 3])
    assert_same_bits(whole, folder / "cut")
    assert result.metrics == json.loads((whole / "metrics.json").read_text())["metrics"]
    assert (whole / "masks.png").read_bytes().startswith(b"\x89PNG")


def test_evaluation_gives_the_same_again_and_of_other_pictures(folder: Path, whole: Path) -> None:
    from sklearn.metrics import jaccard_score

    document = json.loads((whole / "metrics.json").read_text())
    again = evaluate(whole, part="test")
    assert again.metrics == document["metrics"]["test"]
    assert again.metrics["mean_iou"] == pytest.approx(again.metrics["mean_iou"])
    other = save_shapes(folder / "other", 6)
    found = evaluate(whole, data=[str(other)])
    said, true = saved_masks(whole, other, folder / "said")
    assert set(np.unique(said)) <= {0, 1, 2, 3}
    assert found.report["counts"] == "pixels"
    # The other pictures in the model's own size are told as `predict` says them in Python.
    arrays = predict(whole, data=[str(other)]).arrays["mask"]
    part = load_dataset(config_of(SHAPES.replace("path: data", "path: other"), folder=folder).data, seed=5).parts
    codes = {file: mask for one in part.values() for file, mask in zip(one.identifiers["file"], one.targets["mask"])}
    small = np.stack([codes[name] for name in sorted(codes)])
    counted = small != IGNORED
    expected = jaccard_score(small[counted], arrays[counted], average="macro")
    assert found.metrics["mean_iou"] == pytest.approx(expected)
    assert true.shape == said.shape


def saved_masks(run: Path, pictures: Path, where: Path) -> tuple[Any, Any]:
    """Predicted masks as they stand in the files, and the true ones."""
    result = predict(run, data=[str(pictures)], masks=where)
    files = [Image.open(path) for path in result.columns["mask"]]
    assert all(image.mode == "P" and image.size == (32, 40) for image in files)
    said = np.stack([np.asarray(image) for image in files])
    shares = np.stack([result.columns[f"share_{label}"] for label in CLASSES], axis=1)
    assert shares == pytest.approx(np.stack([(said == code).mean(axis=(1, 2)) for code in range(4)], axis=1))
    return said, np.stack([np.asarray(Image.open(path)) for path in sorted((pictures / "masks").iterdir())])


@pytest.mark.parametrize("width", [16, 20])
def test_a_large_picture_is_told_in_tiles(folder: Path, whole: Path, width: int) -> None:
    """Of a picture 23×40 as by hand in plain Keras and Pillow: each tile weighs as far as a pixel is from its edges.

    Tiles wider than the model's pictures are brought to their size, and what is said of them back.
    """
    import keras

    pixels = np.random.default_rng(4).integers(0, 256, (23, 40, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(folder / "large.png")
    table, masks = folder / "large.csv", folder / f"tiles{width}"
    table.write_text("file\nlarge.png\n")
    result = predict(whole, data=[str(table)], masks=masks, tiles=width)
    model = keras.models.load_model(whole / "checkpoints" / "best.h5")
    ramp = np.minimum(np.arange(width) + 1, width - np.arange(width))
    total = np.zeros((23, 40, 4))
    for top, left in itertools.product((0, 23 - width), np.linspace(0, 40 - width, 3).round().astype(int)):
        tile = np.asarray(Image.fromarray(pixels[top : top + width, left : left + width]).resize((16, 16), Image.BILINEAR))
        (told,) = np.asarray(model(tile[np.newaxis] / np.float32(255), training=False))
        back = [Image.fromarray(plane).resize((width, width), Image.BILINEAR) for plane in told.transpose(2, 0, 1).copy()]
        total[top : top + width, left : left + width] += np.outer(ramp, ramp)[..., None] * np.stack(back, axis=-1)
    said = np.asarray(Image.open(masks / "large.png"))
    assert (said == total.argmax(axis=-1)).mean() > 0.99
    assert result.columns["share_circle"] == pytest.approx([(said == 1).mean()])
    np.testing.assert_array_equal(result.arrays["mask"], said[np.newaxis])


def test_masks_of_tiles_go_into_an_array_where_one_can_hold_them(folder: Path, whole: Path) -> None:
    for number, height in enumerate((30, 33)):
        Image.new("RGB", (20, height)).save(folder / f"tall{number}.png")
    result = predict(whole, data=[str(folder / f"tall{number}.png") for number in range(2)], tiles=16)
    assert not result.arrays
    assert "--masks FOLDER writes the masks as PNG, which an npz file does not hold, as they differ in size" in result.notes[0]
    with pytest.raises(UsageError, match="--tiles and --layer exclude"):
        predict(whole, data=[str(folder / "tall0.png")], layer="fine", tiles=16)


def test_tiles_are_cut_of_the_pictures_that_the_folder_of_images_holds(folder: Path) -> None:
    lines = [f"data/pictures/{number:02}.png,data/masks/{number:02}.png" for number in range(8)]
    (folder / "pairs.csv").write_text("\n".join(["file,mask", *lines]))
    words = (f"data.path={folder / 'pairs.csv'}", "data.target=mask", *SIMPLE)
    fit(config_of(SHAPES, *words, folder=folder), run_dir=folder / "of_table")
    for place, grey in (("dark", 0), ("light", 255)):
        (folder / place / "far").mkdir(parents=True)
        Image.new("RGB", (40, 24), (grey, grey, grey)).save(folder / place / "far" / "one.png")
    table = folder / "dark" / "new.csv"
    table.write_text("file\nfar/one.png\n")
    light = predict(folder / "of_table", data=[str(table)], images=[str(folder / "light")], tiles=16)
    there = predict(folder / "of_table", data=[str(folder / "light" / "far" / "one.png")], tiles=16)
    np.testing.assert_array_equal(light.arrays["mask"], there.arrays["mask"])
    assert not np.array_equal(light.arrays["mask"], predict(folder / "of_table", data=[str(table)], tiles=16).arrays["mask"])


def test_a_picture_that_is_cut_short_is_left_out_of_those_told_in_tiles(folder: Path, whole: Path) -> None:
    for name in ("good", "torn"):
        Image.effect_noise((40, 24), 50).save(folder / f"{name}.png")
    (folder / "torn.png").write_bytes((folder / "good.png").read_bytes()[:400])
    asked = [str(folder / "good.png"), str(folder / "torn.png")]
    assert len(predict(whole, data=asked, tiles=16, skip_broken=True).identifiers["file"]) == 1
    with pytest.raises(DataError, match=r"torn\.png"):
        predict(whole, data=asked, tiles=16)


def test_a_run_on_tiles_is_measured_on_each_pixel_once_and_predicts_in_tiles(folder: Path) -> None:
    """The pictures 40×32 are larger than the tiles; what is measured is held against masks told tile by tile."""
    from sklearn.metrics import jaccard_score

    config = config_of(SHAPES, "data.tiles=16", *SIMPLE, f"data.path={folder / 'data'}", folder=folder)
    result = fit(config, run_dir=folder / "tiles")
    parts = load_dataset(config.data, seed=config.seed).parts
    pictures = {name: {file.split("@")[0] for file in part.identifiers["file"]} for name, part in parts.items()}
    assert {name: len(files) for name, files in pictures.items()} == {"train": 18, "validation": 6, "test": 8}
    assert not pictures["train"] & pictures["test"]
    assert {name: part.num_rows for name, part in parts.items()} == {"train": 18 * 6, "validation": 6 * 6, "test": 8 * 6}
    model = load_run(folder / "tiles").build(folder / "tiles" / "checkpoints" / "best.h5")
    outputs = model.predict(in_memory(parts["test"].inputs["image"]), verbose=0)
    true = parts["test"].targets["mask"]
    masks = [np.asarray(Image.open(folder / "data" / "masks" / f"{Path(name).stem}.png")) for name in pictures["test"]]
    assert (true != IGNORED).sum() == sum((mask != 255).sum() for mask in masks)
    expected = jaccard_score(true[true != IGNORED], outputs.argmax(axis=-1)[true != IGNORED], average="macro")
    assert result.metrics["test"]["mean_iou"] == pytest.approx(expected, abs=1e-6)
    again = evaluate(folder / "tiles", data=[str(folder / "data")])
    assert again.metrics["mean_iou"] > 0
    assert again.units["by"] == "pictures"
    assert again.units["units"] == 32
    assert export(folder / "tiles", destination=folder / "tiles.keras").num_rows == 8
    (picture,) = [str(folder / "data" / "pictures" / "03.png")]
    by_itself, asked = predict(folder / "tiles", data=[picture]), predict(folder / "tiles", data=[picture], tiles=16)
    np.testing.assert_array_equal(by_itself.arrays["mask"], asked.arrays["mask"])
    assert by_itself.arrays["mask"].shape == (1, 40, 32)
    with pytest.raises(UsageError, match="--part gives a row's answer"):
        predict_part(folder / "tiles", "test")


def test_a_script_by_hand_in_keras_has_the_same_losses(folder: Path) -> None:
    """The same first weights and the same order of rows: Keras's own fit, its own `ignore_class`."""
    import keras

    text = SHAPES[: SHAPES.index("  augment")] + SHAPES[SHAPES.index("model:") :]
    config = config_of(text, "training.class_weight=null", "training.shuffle=false", folder=folder)
    fit(config, run_dir=folder / "beside")
    dataset = load_dataset(config.data, seed=config.seed)
    heads = resolve_heads(config.model, dataset.schema, None)
    first = build_model(config.model, dataset.schema, heads, seed=config.draw_seed)

    inputs = keras.Input((16, 16, 3))
    fine = keras.layers.Conv2D(6, 3, padding="same", activation="relu")(inputs)
    deep = keras.layers.Conv2D(8, 3, padding="same", activation="relu")(keras.layers.MaxPooling2D()(fine))
    joined = keras.layers.Concatenate()([keras.layers.UpSampling2D()(deep), fine])
    model = keras.Model(inputs, keras.layers.Conv2D(4, 1, activation="softmax")(joined))
    model.set_weights(first.get_weights())
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(ignore_class=255))

    def arrays(name: str) -> tuple[Any, Any]:
        part = dataset.parts[name]
        pictures = part.inputs["image"]
        scaled = pictures if isinstance(pictures, np.ndarray) else pictures.take(np.arange(len(pictures))).read(0, len(pictures))
        return np.asarray(scaled, np.float32), part.targets["mask"].astype("int32")

    by_hand = model.fit(*arrays("train"), batch_size=8, epochs=3, shuffle=False, verbose=0).history["loss"]
    own = [row["loss"] for row in history_rows(folder / "beside" / "history.csv")]
    assert own == pytest.approx(by_hand, rel=2e-5)


def test_the_h5_opens_in_plain_keras(whole: Path) -> None:
    import keras

    model = keras.models.load_model(whole / "checkpoints" / "last.h5")
    stored = load_run(whole)
    own = stored.build(stored.checkpoint("last")[1])
    x = np.random.default_rng(0).random((2, 16, 16, 3), np.float32)
    assert np.array_equal(model.predict(x, verbose=0), own.predict(x, verbose=0))


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("training.members=3", "members are averaged"),
        ("evaluation.calibrate=temperature", "probabilities of classes are calibrated"),
        ("evaluation.baselines=[linear]", "each pixel has a class"),
        ("data.augment=[MixUp]", "without their masks"),
        ("model.layers.0={RandomFlip: {name: fine}}", "leaves their masks"),
        ("training.loss=Dice", "pixels have no weights"),
        ("data.split.stratify=true", "no one class of a picture"),
        ("data.target=kind", "masks are what is learnt"),
        ("data.scale_target=log", "there is no number to learn the logarithm of"),
        ("data.clip_target=true", "there is no number to keep within a range"),
        ("model.output={Dense: {units: 3, activation: softmax}}", "cannot tell 4 classes apart"),
        ("model.layers.3={MaxPooling2D: {name: up}}", "Concatenate"),
    ],
)
def test_what_does_not_go_with_masks_is_said_before_training(folder: Path, word: str, said: str) -> None:
    result = check_config(config_of(SHAPES, word, folder=folder))
    assert any(said in fault.message for fault in result.errors), [str(fault) for fault in result.errors]


def test_a_transform_leaves_no_pixels(folder: Path) -> None:
    with pytest.raises(ConfigError, match="has no pixels"):
        config_of(SHAPES, "data.transform=[{PCA: {n_components: 2}}]", folder=folder)
