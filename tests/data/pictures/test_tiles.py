"""Large pictures as rows of tiles: each pixel is counted in one of them, and nothing is put beside a picture but what is ignored."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from dltrain.config.types import DataConfig, SplitConfig
from dltrain.data import load_dataset
from dltrain.data.arrays.disk_array import in_memory
from dltrain.data.dataset import IGNORED
from dltrain.data.pictures.form import PictureForm
from dltrain.data.pictures.tiles import large_notes, tile_size, tiles_of
from dltrain.errors import ConfigError, DataError
from tests.data.pictures.test_masks import read, save

SIDES = st.integers(1, 60)


@given(height=SIDES, width=SIDES, down=st.integers(1, 30), across=st.integers(1, 30))
def test_each_pixel_is_counted_once(height: int, width: int, down: int, across: int) -> None:
    counts = np.zeros((height, width), int)
    for tile in tiles_of((height, width), (down, across)):
        left, top, right, bottom = tile.counted
        counts[tile.top + top : tile.top + bottom, tile.left + left : tile.left + right] += 1
        assert (right <= across, bottom <= down) == (True, True)
        assert tile.cut(np.zeros((height, width, 1), np.uint8)).shape == (down, across, 1)
    assert (counts == 1).all()


def test_tiles_have_the_shape_of_the_model_s_pictures() -> None:
    assert tile_size(PictureForm((32, 64)), 100) == (50, 100)


@pytest.mark.parametrize("size", [(5, 7), (20, 35), (16, 8)])
def test_tiles_are_cut_of_picture_and_mask_alike(tmp_path: Path, size: tuple[int, int]) -> None:
    mask = np.random.default_rng(3).integers(0, 3, size, np.uint8)
    raw = read(save(tmp_path, {"a": mask}), image_size=[8, 8], tiles=8)
    pixels = np.asarray(Image.open(tmp_path / "pictures" / "a.jpg"))
    seen = np.full(size, IGNORED, np.uint8)
    for name, image, codes in zip(raw.names, in_memory(raw.images), raw.target, strict=True):
        left, top = map(int, name.split("@")[1].split(","))
        own = pixels[top : top + 8, left : left + 8]
        np.testing.assert_array_equal(image[: own.shape[0], : own.shape[1]], own)
        place = np.argwhere(codes != IGNORED)
        seen[top + place[:, 0], left + place[:, 1]] = codes[codes != IGNORED]
    np.testing.assert_array_equal(seen, mask)
    assert raw.pictures.tolist() == [0] * len(raw.images)


def test_brought_to_another_size_a_tile_ignores_what_another_counts(tmp_path: Path) -> None:
    raw = read(save(tmp_path, {"a": np.repeat(np.arange(3, dtype=np.uint8), 8)[None].repeat(16, 0)}), image_size=[8, 8], tiles=16)
    assert raw.names == ("data/pictures/a.jpg@0,0".replace("data", tmp_path.name), f"{tmp_path.name}/pictures/a.jpg@8,0")
    np.testing.assert_array_equal(raw.target[0], np.repeat(np.arange(2, dtype=np.uint8), 4)[None].repeat(8, 0))
    np.testing.assert_array_equal(raw.target[1], np.repeat(np.array([IGNORED, 2], np.uint8), 4)[None].repeat(8, 0))


def test_pixels_that_are_ignored_are_told_by_their_share_of_the_masks_themselves(tmp_path: Path) -> None:
    mask = np.zeros((20, 20), np.uint8)
    mask[:, 9:] = 1
    mask[:2] = 255  # one tenth, though the nine tiles share pixels that count in one of them alone
    folder = save(tmp_path, {"a": mask})
    for more in ({"tiles": 8}, {"fit": "pad", "image_size": [40, 64]}):
        raw = read(folder, ignore=255, **more)
        assert any(note.text.startswith("10.0 % of the masks' pixels are ignored: 255") for note in raw.notes)


def test_the_tiles_of_a_picture_are_in_one_part(tmp_path: Path) -> None:
    masks = {f"{number}": np.arange(2, dtype=np.uint8).repeat(200 + 10 * number).reshape(20, -1) for number in range(10)}
    config = DataConfig(
        "image_folder",
        path=(str(save(tmp_path, masks)),),
        task="segmentation",
        arguments={"image_size": [16, 16], "tiles": 16},
        split=SplitConfig(test=0.2, validation=0.25),
    )
    parts = load_dataset(config, seed=1).parts
    pictures = [{name.split("@")[0] for name in part.identifiers["file"]} for part in parts.values()]
    assert [len(names) for names in pictures] == [6, 2, 2]
    assert len(set.union(*pictures)) == 10
    assert all(len(np.unique(part.blocks)) == len(names) for part, names in zip(parts.values(), pictures, strict=True))


def test_what_cannot_be_cut_is_refused(tmp_path: Path) -> None:
    folder = save(tmp_path, {"a": np.arange(2, dtype=np.uint8).repeat(200).reshape(20, 20)})
    with pytest.raises(ConfigError, match=r"data\.fit: pad is of whole pictures"):
        read(folder, fit="pad", tiles=16)
    Image.fromarray(np.zeros((20, 21), np.uint8)).save(folder / "masks" / "a.png")
    with pytest.raises(DataError, match="expected the 20×20 pixels") as caught:
        read(folder, tiles=16)
    assert len(caught.value.faults) == 1


def test_pictures_of_which_little_is_seen_are_said() -> None:
    form = PictureForm((16, 16))
    assert large_notes([(63, 63)], form, "{width}") == []
    (note,) = large_notes([(20, 64)], form, "data.tiles: {width}")
    assert "up to 64 pixels a side are brought to 16×16" in note.text
    assert note.text.endswith("data.tiles: 16 shows the model tiles of 16 pixels as they are")
