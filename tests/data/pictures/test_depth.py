"""Pictures of more than 8 bits a pixel, and how any picture is resized: against Pillow and Keras by hand."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from dltrain.config import load_config_text
from dltrain.config.types import DataConfig
from dltrain.data.arrays.disk_array import in_memory
from dltrain.data.load import load_dataset
from dltrain.data.new_rows import read_part
from dltrain.data.pictures.depth import Depth, bits_of, find_depth, notes_of_frames
from dltrain.data.pictures.form import INTERPOLATIONS, PictureForm
from dltrain.data.pictures.preprocessing import PicturePreprocessing
from dltrain.errors import DataError
from dltrain.model.keras_import import import_keras
from tests.data.sources.support import write_picture


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLTRAIN_CACHE", str(tmp_path / "cache"))


def config_of(folder: Path, *lines: str) -> DataConfig:
    words = ["data:", "  source: image_folder", "  path: p", "  image_size: [6, 5]", "  color: grayscale"]
    return load_config_text("\n".join([*words, *(f"  {line}" for line in lines)]), file="c.yaml", folder=folder).data


def write_deep(folder: Path, highest: float, *, dtype: type = np.uint16, kind: str = "png") -> NDArray[np.float64]:
    """Six pictures of two classes; returns their values in the order of reading."""
    values = np.random.default_rng(0).uniform(0, highest, (6, 6, 5))
    values = values if dtype is np.float32 else np.round(values)
    values[0, 0, 0] = highest
    for index, picture in enumerate(values.astype(dtype)):
        path = folder / "p" / "ab"[index // 3] / f"{index}.{kind}"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(path)
    return values.astype(dtype).astype(np.float64)


def test_c4_pictures_of_8_bits_among_deeper_ones_are_said(tmp_path: Path) -> None:
    write_deep(tmp_path, 4000)
    assert not [said for said in load_dataset(config_of(tmp_path), seed=0).warnings if "8 bits" in said]
    write_picture(tmp_path / "p" / "a" / "plain.png", (6, 5), mode="L")
    [said] = [said for said in load_dataset(config_of(tmp_path), seed=0).warnings if "8 bits" in said]
    assert said.startswith("6 pictures of more than 8 bits a pixel, with values up to 4,000: 4,095 is taken for white")
    assert "in the other 1 it is 255" in said


@pytest.mark.parametrize(
    ("highest", "dtype", "kind", "white"),
    [
        (4000, np.uint16, "png", 4095),
        (4000, np.uint16, "tif", 4095),
        (1000, np.uint16, "png", 1023),
        (60000, np.uint16, "png", 65535),
        (200, np.uint16, "png", 255),
        (4000, np.int32, "tif", 4095),
        (4000, np.float32, "tif", 4095),
        (0.9, np.float32, "tif", 1),
        (1.625, np.float32, "tif", 1.625),
        (100.5, np.float32, "tif", 100.5),
        (250.5, np.float32, "tif", 255),
    ],
)
def test_c4_white_by_what_training_shows(highest: float, dtype: type, kind: str, white: float, tmp_path: Path) -> None:
    values = write_deep(tmp_path, highest, dtype=dtype, kind=kind)
    dataset = load_dataset(config_of(tmp_path), seed=0)
    images = in_memory(dataset.parts["train"].inputs["image"])[..., 0]
    np.testing.assert_allclose(images, values / white, atol=0.51 / 255)
    assert len(np.unique(images)) > 20
    assert any(f"{white:,} is taken for white" in line for line in dataset.summary)
    assert dataset.resolved.get("data.depth") == bits_of(white)
    assert isinstance(dataset.preprocessing, PicturePreprocessing)
    again = PicturePreprocessing.from_state(*dataset.preprocessing.to_state())
    part = read_part(again, [str(tmp_path / "p")], with_targets=True)
    np.testing.assert_array_equal(in_memory(part.inputs["image"])[..., 0], images)


def test_c4_big_endian_tiff(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 4000, (6, 5))
    (tmp_path / "p").mkdir()
    Image.frombytes("I;16B", (5, 6), values.astype(">u2").tobytes()).save(tmp_path / "p" / "a.tif")
    with Image.open(tmp_path / "p" / "a.tif") as image:
        assert image.mode.startswith("I;16")
        decoded = PictureForm((6, 5), color=False, white=4095.0).decode(image)[..., 0]
    np.testing.assert_array_equal(decoded, np.round(values * 255 / 4095))


def test_c4_the_depth_can_be_said_and_what_is_beyond_is_white(tmp_path: Path) -> None:
    values = write_deep(tmp_path, 4000)
    dataset = load_dataset(config_of(tmp_path, "depth: 10"), seed=0)
    images = in_memory(dataset.parts["train"].inputs["image"])[..., 0]
    np.testing.assert_allclose(images, np.minimum(values, 1023) / 1023, atol=0.51 / 255)


def test_c4_white_is_that_of_training_not_of_other_parts(tmp_path: Path) -> None:
    write_deep(tmp_path, 1000)
    write_deep(tmp_path / "other", 4000)
    dataset = load_dataset(config_of(tmp_path, "test: other/p"), seed=0)
    assert dataset.resolved["data.depth"] == 10


def test_c4_eight_bits_stay_and_say_nothing(tmp_path: Path) -> None:
    for label in "ab":
        write_picture(tmp_path / "p" / label / "0.png", (5, 6), mode="L", seed=ord(label))
    dataset = load_dataset(config_of(tmp_path), seed=0)
    assert "data.depth" not in dataset.resolved
    assert not any("white" in line for line in dataset.summary)
    assert find_depth([str(tmp_path / "p" / "a" / "0.png"), str(tmp_path / "nothing.png")]) == Depth()


@pytest.mark.parametrize("value", [-3.0, np.nan])
def test_c4_what_is_no_brightness_is_refused(value: float, tmp_path: Path) -> None:
    write_deep(tmp_path, 0.9, dtype=np.float32, kind="tif")
    broken = np.full((6, 5), value, np.float32)
    Image.fromarray(broken).save(tmp_path / "p" / "a" / "0.tif")
    with pytest.raises(DataError, match=r"expected pixels from 0 \(black\) on"):
        load_dataset(config_of(tmp_path), seed=0)


def test_c4_a_column_of_pictures(tmp_path: Path) -> None:
    values = write_deep(tmp_path, 4000)
    lines = [f"p/{'ab'[index // 3]}/{index}.png,{index}" for index in range(6)]
    (tmp_path / "t.csv").write_text("\n".join(["file,y", *lines]) + "\n")
    text = (
        "data: {source: csv, path: t.csv, target: y, task: regression, features: {file: image}, image_size: [6, 5], color: false}"
    )
    dataset = load_dataset(load_config_text(text, file="c.yaml", folder=tmp_path).data, seed=0)
    images = dataset.parts["train"].inputs["file"][..., 0]
    np.testing.assert_allclose(in_memory(images), values / 4095, atol=0.51 / 255)
    assert dataset.resolved["data.depth"] == 12
    assert any("4,095 is taken for white" in line for line in dataset.summary)
    preprocessing = type(dataset.preprocessing).from_state(*dataset.preprocessing.to_state())
    part = read_part(preprocessing, [str(tmp_path / "t.csv")], with_targets=False)
    np.testing.assert_array_equal(part.inputs["file"][..., 0], images)


@pytest.mark.parametrize("color", ["rgb", "grayscale"])
@pytest.mark.parametrize("kind", ["RGB", "L", "RGBA", "LA", "P", "CMYK", "jpg"])
def test_f5_as_load_img(kind: str, color: str, tmp_path: Path) -> None:
    mode = "RGB" if kind == "jpg" else kind
    path = write_picture(tmp_path / {"CMYK": "a.tif", "jpg": "a.jpg"}.get(kind, "a.png"), (80, 60), mode=mode)
    for name in ("nearest", "bilinear", "bicubic", "hamming", "box", "lanczos"):
        theirs = import_keras().utils.load_img(path, color_mode=color, target_size=(11, 9), interpolation=name)
        with Image.open(path) as image:
            ours = PictureForm((11, 9), color=color == "rgb", interpolation=name).decode(image)
        np.testing.assert_array_equal(ours, np.asarray(theirs).reshape(ours.shape))


def test_f5_stored_with_the_run_and_old_runs_stay(tmp_path: Path) -> None:
    for label in "ab":
        write_picture(tmp_path / "p" / label / "0.png", (50, 60), mode="L", seed=ord(label))
    seen = {}
    for name in [None, *INTERPOLATIONS]:
        dataset = load_dataset(config_of(tmp_path, *([f"interpolation: {name}"] if name else [])), seed=0)
        assert isinstance(dataset.preprocessing, PicturePreprocessing)
        again = PicturePreprocessing.from_state(*dataset.preprocessing.to_state())
        part = read_part(again, [str(tmp_path / "p")], with_targets=True)
        seen[name] = in_memory(part.inputs["image"])
        np.testing.assert_array_equal(seen[name], in_memory(dataset.parts["train"].inputs["image"]))
        assert (dataset.preprocessing.reader or {}).get("interpolation") == name
    np.testing.assert_array_equal(seen[None], seen["bilinear"])
    assert not np.array_equal(seen["nearest"], seen["bilinear"])


@pytest.mark.parametrize("most", [65536, 4096], ids=["16 bits", "12 of 16"])
def test_c4_sixteen_bits_for_each_colour_are_said(tmp_path: Path, most: int) -> None:
    values = np.random.default_rng(0).integers(0, most, (6, 5, 3)).astype(">u2")
    lines = b"".join(b"\0" + line.tobytes() for line in values)
    for label in "ab":
        chunks = [(b"IHDR", struct.pack(">IIBBBBB", 5, 6, 16, 2, 0, 0, 0)), (b"IDAT", zlib.compress(lines)), (b"IEND", b"")]
        data = b"".join(
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
        )
        (tmp_path / "p" / label).mkdir(parents=True)
        (tmp_path / "p" / label / "0.png").write_bytes(b"\x89PNG\r\n\x1a\n" + data)
    dataset = load_dataset(config_of(tmp_path), seed=0)
    assert "of 2 pictures of 16 bits for each colour the upper 8 bits are read" in str(dataset.warnings)
    assert ("whose values go up to 15 of 255" in str(dataset.warnings)) == (most == 4096)


def test_c4_tiff_of_sixteen_bits_for_each_colour_is_said(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 65536, (6, 5, 3)).astype("<u2")
    body = values.tobytes()
    tags = [
        (256, 4, 1, 5), (257, 4, 1, 6), (258, 3, 3, 8 + len(body)), (259, 3, 1, 1), (262, 3, 1, 2), (273, 4, 1, 8), (277, 3, 1, 3),
        (278, 4, 1, 6), (279, 4, 1, len(body)),
    ]  # fmt: skip
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    end = struct.pack("<HHHH", 16, 16, 16, len(tags)) + entries + struct.pack("<I", 0)
    path = tmp_path / "0.tif"
    path.write_bytes(b"II*\0" + struct.pack("<I", 8 + len(body) + 6) + body + end)
    found = find_depth([str(path)])
    assert (found.num_coarse, found.num_deep, found.white) == (1, 0, None)
    assert found.highest_coarse == values.max() >> 8


@pytest.mark.parametrize("kind", ["gif", "tif", "webp"])
def test_of_files_of_several_frames_it_is_said_that_the_first_is_read(kind: str, tmp_path: Path) -> None:
    frames = [Image.new("RGB", (8, 8), (40 * number, 0, 0)) for number in range(3)]
    (tmp_path / "p" / "a").mkdir(parents=True)
    (tmp_path / "p" / "b").mkdir()
    for number in range(4):
        frames[0].save(tmp_path / "p" / "ab"[number % 2] / f"{number}.{kind}")
    alone = [str(path) for path in (tmp_path / "p").rglob("*.*")]
    assert notes_of_frames([*alone, str(tmp_path / "nothing.gif")]) == []
    frames[0].save(tmp_path / "p" / "a" / f"several.{kind}", save_all=True, append_images=frames[1:])
    dataset = load_dataset(config_of(tmp_path, "depth: 8"), seed=0)
    [said] = [note for note in dataset.notes if note.code == "several_frames"]
    assert said.level == "warning"
    assert f"1 picture ({tmp_path}" in said.text
    assert f"several.{kind}) holds more than one frame" in said.text
