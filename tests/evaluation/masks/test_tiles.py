"""Large pictures in tiles: what each pixel says by itself is said of it, wherever tiles lie."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dltrain.data.pictures.form import PictureForm
from dltrain.data.pictures.reader import PictureReader
from dltrain.evaluation.masks.tiles import OVERLAP, _told, starts_of
from tests.support import examples


@given(length=st.integers(1, 500), tile=st.integers(1, 80))
def test_tiles_reach_from_end_to_end_and_overlap(length: int, tile: int) -> None:
    starts = starts_of(length, tile)
    assert starts[0] == 0
    assert length <= tile or starts[-1] + tile == length
    steps = np.diff(starts)
    assert (steps > 0).all()
    assert (steps <= tile - tile // OVERLAP + 1).all()


@given(height=st.integers(1, 40), width=st.integers(1, 40), tile=st.integers(2, 16), color=st.booleans(), seed=st.integers(0, 99))
@settings(max_examples=examples(20, 60), deadline=None)
def test_a_model_that_looks_at_one_pixel_says_the_same_in_tiles(
    height: int, width: int, tile: int, color: bool, seed: int
) -> None:
    """Told as one picture, the class of a pixel is the place of its value in steps of 64: an answer that no tile changes."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3 if color else 1)).astype(np.uint8)
    form = PictureForm((tile, tile), color=color)
    maker = SimpleNamespace(
        form=form,
        reader=PictureReader("image_folder", form, 0.0, 255.0, None, None),
        head=SimpleNamespace(classes=("a", "b", "c", "d")),
        preprocessing=SimpleNamespace(transform=lambda raw, with_targets: raw.images),
        probabilities=lambda part: enumerate(np.eye(4)[part[..., 0] // 64]),
    )
    codes, is_finite = _told(maker, pixels, (tile, tile))
    np.testing.assert_array_equal(codes, pixels[..., 0] // 64)
    assert is_finite
