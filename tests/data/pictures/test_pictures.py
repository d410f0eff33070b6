from __future__ import annotations

import contextlib
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from dltrain.config.types import DataConfig
from dltrain.data.pictures.reader import read_pictures
from dltrain.data.sources import lfw_people
from dltrain.errors import DataError, Note, RunError
from dltrain.reporting import Reporter
from tests.data.sources.support import write_faces, write_picture
from tests.support import examples, shared_data

LFW = {
    "source": "lfw_people",
    "slice": [[70, 195], [78, 172]],
    "resize": 0.25,
    "color": False,
    "size": [31, 23],
    "original": [250, 250],
    "range": [0.0, 1.0],
}
MNIST = {"source": "mnist", "size": [28, 28], "color": False, "range": [0.0, 255.0]}
CIFAR = {"source": "cifar10", "size": [32, 32], "color": True, "range": [0.0, 255.0]}


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLTRAIN_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize("color", [False, True])
def test_real_faces_become_the_very_pixels_of_training(color: bool) -> None:
    folder = shared_data("lfw/lfw_home/lfw_funneled")
    arguments = {"min_faces_per_person": 500, "resize": 0.25, "color": color}
    raw = lfw_people.read(DataConfig("lfw_people", arguments=arguments, path=(str(folder),)), seed=0, reporter=Reporter())
    assert raw.reader is not None
    files = [str(folder / name) for name in raw.names[:40]]
    pictures = read_pictures(files, raw.reader, with_labels=True, classes=("Colin Powell", "George W Bush"))
    np.testing.assert_array_equal(pictures.images, raw.images[:40])
    assert pictures.images.dtype == raw.images.dtype
    assert pictures.target is not None
    assert set(pictures.target) == {1}
    assert pictures.notes == ()


def test_folder_glob_and_file_in_sorted_order_once(tmp_path: Path) -> None:
    faces = write_faces(tmp_path / "faces", {"Bo": 2, "Ann_Lee": 3})
    (faces / "notes.txt").write_text("no picture")
    (faces / ".hidden.jpg").write_text("no picture")
    names = [
        "Ann_Lee/Ann_Lee_0001.jpg",
        "Ann_Lee/Ann_Lee_0002.jpg",
        "Ann_Lee/Ann_Lee_0003.jpg",
        "Bo/Bo_0001.jpg",
        "Bo/Bo_0002.jpg",
    ]
    expected = tuple(str(faces / name) for name in names)
    whole = read_pictures([str(faces)], LFW, with_labels=True)
    assert whole.names == expected
    assert whole.classes == ("Ann Lee", "Bo")
    assert np.asarray(whole.target).tolist() == [0, 0, 0, 1, 1]
    unlabelled = read_pictures([str(faces)], LFW, with_labels=False)
    assert unlabelled.notes == (Note("1 files that are no pictures by their name were passed over"),)
    assert read_pictures([str(faces / "*" / "*.jpg")], LFW, with_labels=False).names == expected
    assert read_pictures([expected[4], str(faces)], LFW, with_labels=False).names == (expected[4], *expected[:4])
    assert whole.images.shape == (5, 31, 23, 1)


def test_labels_come_from_folders_and_unknown_ones_are_named(tmp_path: Path) -> None:
    faces = write_faces(tmp_path / "faces", {"Bo": 2, "Ann_Le": 1})
    classes = ("Zoe", "Bo", "Ann Lee")
    with pytest.raises(DataError) as caught:
        read_pictures([str(faces)], LFW, with_labels=True, classes=classes)
    (fault,) = caught.value.faults
    assert fault.file == str(faces / "Ann_Le")
    assert "'Ann_Le' (1 pictures) is no class of the run; its classes are Zoe, Bo, Ann Lee" in fault.message
    assert fault.hint is not None
    assert "Ann" in fault.hint
    (faces / "Ann_Le").rename(faces / "Ann_Lee")
    assert np.asarray(read_pictures([str(faces)], LFW, with_labels=True, classes=classes).target).tolist() == [2, 1, 1]
    assert read_pictures([str(faces)], LFW, with_labels=False, classes=classes).target is None


def test_picture_of_the_models_size_is_taken_as_it_is(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 256, (28, 28), dtype=np.uint8)
    Image.fromarray(values).save(tmp_path / "digit.png")
    digit = read_pictures([str(tmp_path / "digit.png")], MNIST, with_labels=False)
    np.testing.assert_array_equal(digit.images[0, :, :, 0], values)
    assert digit.value_range == (0.0, 255.0)
    sixteen = {"source": "digits", "size": [28, 28], "color": False, "range": [0.0, 16.0]}
    scaled = read_pictures([str(tmp_path / "digit.png")], sixteen, with_labels=False).images[0, :, :, 0]
    np.testing.assert_allclose(scaled, values / 255.0 * 16.0, rtol=1e-6)

    small = np.random.default_rng(1).integers(0, 256, (31, 23), dtype=np.uint8)
    Image.fromarray(small).save(tmp_path / "face.png")
    face = read_pictures([str(tmp_path / "face.png")], LFW, with_labels=False)
    np.testing.assert_allclose(face.images[0, :, :, 0], small / 255.0, rtol=1e-6)
    assert face.notes == ()


def test_other_sizes_are_resized_and_it_is_said(tmp_path: Path) -> None:
    paths = [write_picture(tmp_path / f"{number}.png", (640, 480), seed=number) for number in range(5)]
    pictures = read_pictures([str(tmp_path)], CIFAR, with_labels=False)
    with Image.open(paths[2]) as image:
        expected = np.asarray(image.resize((32, 32), Image.Resampling.BILINEAR), np.float32)
    np.testing.assert_array_equal(pictures.images[2], expected)
    (note,) = pictures.notes
    assert note.text.startswith("5 pictures resized to 32×32 pixels (bilinear): ")
    assert "0.png from 480×640" in note.text
    assert note.text.endswith("and 2 more")


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "1", "CMYK", "LA"])
@pytest.mark.parametrize("reader", [MNIST, CIFAR, LFW], ids=["grey", "colour", "faces"])
def test_every_mode_becomes_the_models_channels(mode: str, reader: dict[str, object], tmp_path: Path) -> None:
    size = (250, 250) if reader is LFW else (40, 30)
    path = write_picture(tmp_path / ("a.tif" if mode == "CMYK" else "a.png"), size, mode=mode)
    pictures = read_pictures([str(path)], reader, with_labels=False)
    assert pictures.images.shape == (1, *reader["size"], 3 if reader["color"] else 1)  # type: ignore[misc]
    assert pictures.images.max() > pictures.images.min()


def test_sixteen_bits_are_scaled_not_cut_off(tmp_path: Path) -> None:
    values = np.linspace(0, 65535, 28 * 28).reshape(28, 28).astype(np.uint16)
    Image.fromarray(values).save(tmp_path / "deep.png")
    images = read_pictures([str(tmp_path / "deep.png")], MNIST, with_labels=False).images
    np.testing.assert_allclose(images[0, :, :, 0], values / 257.0, atol=0.5)
    Image.fromarray(values.astype(np.float32)).save(tmp_path / "real.tif")
    with pytest.raises(DataError, match="floating-point"):
        read_pictures([str(tmp_path / "real.tif")], MNIST, with_labels=False)


@pytest.mark.parametrize("kind", ["jpg", "png", "webp", "bmp", "gif", "tif"])
def test_every_format(kind: str, tmp_path: Path) -> None:
    path = write_picture(tmp_path / f"a.{kind}", (32, 32))
    assert read_pictures([str(tmp_path)], CIFAR, with_labels=False).names == (str(path),)


@pytest.mark.parametrize("ending", [".jfif", ".JPE"])
def test_other_endings_of_jpeg_are_pictures(ending: str, tmp_path: Path) -> None:
    write_picture(tmp_path / "0.jpg", (32, 32)).rename(tmp_path / f"0{ending}")
    assert len(read_pictures([str(tmp_path)], CIFAR, with_labels=False, classes=()).images) == 1


def test_camera_orientation_is_applied(tmp_path: Path) -> None:
    image = Image.fromarray(np.repeat(np.arange(32, dtype=np.uint8)[:, None, None] * 8, 32, axis=1).repeat(3, axis=2))
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    image.save(tmp_path / "turned.png", exif=exif)
    images = read_pictures([str(tmp_path / "turned.png")], CIFAR, with_labels=False).images
    np.testing.assert_array_equal(images[0], np.asarray(image, np.float32)[::-1])


def png_header(width: int, height: int) -> bytes:
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = b"IDAT" + zlib.compress(b"\0")
    pieces = [struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body)) for body in (chunk, data)]
    return b"\x89PNG\r\n\x1a\n" + b"".join(pieces)


def test_every_bad_file_is_named_and_none_of_them_costs_memory(tmp_path: Path) -> None:
    whole = write_picture(tmp_path / "good.jpg").read_bytes()
    (tmp_path / "a_cut.jpg").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "b_empty.png").write_bytes(b"")
    (tmp_path / "c_text.jpg").write_text("hello")
    (tmp_path / "d_192_megapixels.png").write_bytes(png_header(16_000, 12_000))
    (tmp_path / "e_100_megapixels.png").write_bytes(png_header(10_000, 10_000))
    (tmp_path / "f_script.jpg").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")
    (tmp_path / "g_garbled.png").write_bytes(png_header(20, 20))
    (tmp_path / "h_long.png").write_bytes(png_header(1, 80_000_000))
    with pytest.raises(DataError) as caught:
        read_pictures([str(tmp_path)], CIFAR, with_labels=False)
    found = {Path(fault.file or "").name: fault.message for fault in caught.value.faults}
    assert sorted(found) == [
        "a_cut.jpg",
        "b_empty.png",
        "c_text.jpg",
        "d_192_megapixels.png",
        "e_100_megapixels.png",
        "f_script.jpg",
        "g_garbled.png",
        "h_long.png",
    ]
    assert "corrupt or truncated" in found["a_cut.jpg"]
    assert "found an empty file" in found["b_empty.png"]
    assert "found something else" in found["c_text.jpg"]
    assert "megapixels" in found["d_192_megapixels.png"]
    assert found["e_100_megapixels.png"] == "expected a picture of at most 89 megapixels, found 10000×10000 (100)"
    assert "found something else" in found["f_script.jpg"]
    assert "corrupt or truncated" in found["g_garbled.png"]
    assert found["h_long.png"] == "expected a picture of at most 1,000,000 pixels a side, found 1×80000000"


def test_many_bad_files_are_counted(tmp_path: Path) -> None:
    for number in range(14):
        (tmp_path / f"{number:02d}.png").write_bytes(b"")
    with pytest.raises(DataError) as caught:
        read_pictures([str(tmp_path)], CIFAR, with_labels=False)
    assert len(caught.value.faults) == 11
    assert "and 4 more" in caught.value.faults[-1].message


def test_nothing_there(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError) as caught:
        read_pictures([str(tmp_path / "empty"), str(tmp_path / "absent"), str(tmp_path / "*.webp")], CIFAR, with_labels=False)
    assert [Path(fault.file or "").name for fault in caught.value.faults] == ["empty", "absent", "*.webp"]
    with pytest.raises(DataError, match="received no path"):
        read_pictures([], CIFAR, with_labels=False)


@pytest.mark.parametrize(
    "change",
    [
        {"source": None},
        {"size": [31]},
        {"size": [31, 10**9]},
        {"size": [31, True]},
        {"size": [32, 23]},
        {"color": "no"},
        {"range": [1.0, 0.0]},
        {"range": [0.0, float("nan")]},
        {"range": "all"},
        {"slice": [[70, 195], [78, 999]]},
        {"slice": None},
        {"resize": 1e9},
        {"original": "large"},
    ],
)
def test_reader_of_a_damaged_run_is_refused(change: dict[str, object], tmp_path: Path) -> None:
    path = write_picture(tmp_path / "a.jpg")
    with pytest.raises(RunError, match="cannot be used"):
        read_pictures([str(path)], {**LFW, **change}, with_labels=False)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=5,
)


@settings(max_examples=examples(66, 200), deadline=None)
@given(reader=st.fixed_dictionaries({}, optional={name: PLAIN | st.just(value) for name, value in LFW.items()}))
def test_any_reader_is_taken_or_refused(reader: dict[str, object]) -> None:
    with pytest.raises((RunError, DataError)) as caught:
        read_pictures(["no such file"], reader, with_labels=False)
    if reader == LFW:
        assert isinstance(caught.value, DataError)


@settings(max_examples=examples(50, 150), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(["jpg", "png", "webp", "bmp", "gif", "tif"]),
    places=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=8),
    share=st.floats(0.05, 1.0),
)
def test_garbled_pictures_are_decoded_or_named(
    kind: str, places: list[tuple[float, int]], share: float, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = write_picture(tmp_path_factory.mktemp("garbled") / f"a.{kind}", (40, 30))
    content = bytearray(path.read_bytes())
    for place, value in places:
        content[int(place * len(content))] = value
    path.write_bytes(content[: int(share * len(content)) or 1])
    with contextlib.suppress(DataError):  # anything else is a bug
        assert np.isfinite(read_pictures([str(path)], CIFAR, with_labels=False).images).all()
