"""The export's resizing against Pillow's own."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from dltrain.data.pictures.form import FITS, PictureForm
from dltrain.model.export.resize import resize
from dltrain.model.keras_import import import_keras

KERNELS = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "hamming": Image.Resampling.HAMMING,
    "lanczos": Image.Resampling.LANCZOS,
}


def both(pixels, height, width, kernel):
    """Pillow's picture and the export's, [height, width, channels]."""
    mine = np.asarray(resize(import_keras().ops, pixels[np.newaxis].astype(np.float32), height, width, kernel))[0]
    grey = pixels[:, :, 0] if pixels.shape[2] == 1 else pixels
    # In one call Pillow takes the cheaper direction first; here it is always the width.
    stretched = Image.fromarray(grey).resize((width, len(pixels)), KERNELS[kernel])
    theirs = np.asarray(stretched.resize((width, height), KERNELS[kernel]), np.float32)
    return theirs.reshape(mine.shape), mine


@settings(max_examples=8)
@given(
    st.sampled_from(sorted(KERNELS)),
    st.tuples(*[st.integers(1, 60)] * 4),
    st.sampled_from([1, 3]),
    st.integers(0, 2**32 - 1),
)
def test_pixels_are_those_of_pillow(kernel, sizes, channels, seed):
    pixels = np.random.default_rng(seed).integers(0, 256, (sizes[0], sizes[1], channels)).astype(np.uint8)
    theirs, mine = both(pixels, sizes[2], sizes[3], kernel)
    # Pillow counts in whole numbers of 2^-22; where a level lies on the border, it may fall to the other side.
    assert np.abs(theirs - mine).max() <= 1
    assert (theirs != mine).sum() <= max(8, 0.06 * mine.size)


@pytest.mark.parametrize("kernel", sorted(KERNELS))
def test_the_same_size_changes_nothing(kernel):
    pixels = np.random.default_rng(0).integers(0, 256, (17, 9, 3)).astype(np.uint8)
    np.testing.assert_array_equal(both(pixels, 17, 9, kernel)[1], pixels)


def test_a_photograph_of_usual_size():
    rows, columns = np.mgrid[0:900, 0:1200]
    pixels = np.stack([rows * 255 // 900, columns * 255 // 1200, (rows * columns) % 256], axis=2).astype(np.uint8)
    theirs, mine = both(pixels, 150, 150, "bilinear")
    assert np.abs(theirs - mine).max() <= 1
    assert (theirs != mine).mean() <= 0.02


@pytest.mark.parametrize("size", [(70, 40), (40, 71), (64, 64), (20, 33), (7, 300)])
@pytest.mark.parametrize("fit", FITS)
def test_cut_and_bordered_as_a_run_reads_them(fit, size):
    rows, columns = np.mgrid[0 : size[0], 0 : size[1]]
    pixels = np.stack([rows * 3 % 256, columns * 2 % 256, (rows + columns) % 256], axis=2).astype(np.uint8)
    theirs = PictureForm((24, 36), fit).decode(Image.fromarray(pixels)).astype(np.float32)
    mine = np.asarray(resize(import_keras().ops, pixels[np.newaxis].astype(np.float32), 24, 36, "bilinear", fit))[0]
    # Where Pillow begins with the height, levels differ a little more.
    assert np.abs(theirs - mine).max() <= 3
    assert np.abs(theirs - mine).mean() <= 0.1


@pytest.mark.parametrize("fit", ["stretch", "crop", "pad"])
def test_a_model_that_resizes_is_saved_by_keras(fit, tmp_path):
    keras = import_keras()
    pictures = keras.Input((None, None, 3), name="image")
    model = keras.Model(pictures, resize(keras.ops, pictures, 6, 4, "bilinear", fit))
    model.save(tmp_path / "m.keras")
    values = np.random.default_rng(0).integers(0, 256, (1, 9, 13, 3)).astype(np.float32)
    again = keras.models.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(again.predict(values, verbose=0), model.predict(values, verbose=0))


@pytest.mark.parametrize(("kernel", "theirs"), [("nearest", "NEAREST"), ("box", "BOX"), ("area", "BOX"), ("lanczos3", "LANCZOS")])
def test_f5_every_interpolation_as_pillow(kernel, theirs):
    for height, width in ((37, 51), (9, 7), (24, 20), (12, 10)):
        pixels = np.random.default_rng(height).integers(0, 256, (height, width, 3)).astype(np.uint8)
        mine = np.asarray(resize(import_keras().ops, pixels[np.newaxis].astype(np.float32), 12, 11, kernel))[0]
        expected = np.asarray(Image.fromarray(pixels).resize((11, 12), Image.Resampling[theirs]), np.float32)
        assert np.abs(mine - expected).max() <= 1
