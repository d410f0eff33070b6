"""MNIST, Fashion-MNIST and CIFAR-10: what comes in Keras's layouts."""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import pickle
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dltrain.config.types import DataConfig
from dltrain.data.raw import RawPictures
from dltrain.data.sources import cifar10, fashion_mnist, mnist, read_source
from dltrain.errors import ConfigError, DataError
from dltrain.reporting import Reporter
from tests.data.sources.support import Recorder, listing
from tests.support import examples, shared_data

ROWS = 20


def read(name: str, path: Path | None = None, reporter: Reporter | None = None, **arguments: object) -> RawPictures:
    config = DataConfig(source=name, arguments=arguments, path=(str(path),) if path else ())
    return read_source(config, seed=0, reporter=reporter or Reporter())


def test_real_mnist(monkeypatch: pytest.MonkeyPatch) -> None:
    file = shared_data("mnist/mnist.npz")
    monkeypatch.setenv("DLTRAIN_DATA", str(file.parent.parent))
    raw = read("mnist")
    assert (raw.images.shape, raw.images.dtype, raw.value_range) == ((70000, 28, 28, 1), np.uint8, (0.0, 255.0))
    assert {part: len(rows) for part, rows in raw.parts.items()} == {"train": 60000, "test": 10000}
    with np.load(file) as arrays:
        np.testing.assert_array_equal(raw.images[raw.parts["test"], :, :, 0], arrays["x_test"])
        np.testing.assert_array_equal(np.asarray(raw.target)[raw.parts["train"]], arrays["y_train"])
    np.testing.assert_array_equal(read("mnist").images, raw.images)  # the cached copy


def save_mnist(path: Path, **change: object) -> Path:
    generator = np.random.default_rng(0)
    arrays: dict[str, object] = {}
    for part, rows in (("train", 30), ("test", 10)):
        arrays[f"x_{part}"] = generator.integers(0, 256, (rows, 28, 28), dtype=np.uint8)
        arrays[f"y_{part}"] = generator.integers(0, 10, rows).astype(np.uint8)
    arrays.update(change)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})  # type: ignore[arg-type]
    return path


def test_mnist_in_kerass_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_mnist(tmp_path / "home" / ".keras" / "datasets" / "mnist.npz")
    assert len(read("mnist").images) == 40
    save_mnist(tmp_path / "elsewhere" / "datasets" / "mnist.npz", y_test=np.zeros(10, np.int32))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "elsewhere"))
    assert np.asarray(read("mnist").target)[30:].tolist() == [0] * 10


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x_test": None}, "found no x_test"),
        ({"x_test": np.zeros((10, 28, 27), np.uint8)}, "expected x_test of uint8 pictures"),
        ({"x_train": np.zeros((30, 28, 28), np.float32)}, "expected x_train of uint8 pictures"),
        ({"y_train": np.zeros(29, np.uint8)}, "with 29 labels"),
        ({"y_train": np.full(30, 10, np.uint8)}, "expected y_train of whole numbers from 0 to 9"),
        ({"y_train": np.array([{"a": 1}] * 30, object)}, "Object arrays cannot be loaded"),
    ],
)
def test_wrong_arrays_are_named(change: dict[str, object], message: str, tmp_path: Path) -> None:
    path = save_mnist(tmp_path / "mnist.npz", **change)
    with pytest.raises(DataError, match=message) as caught:
        read("mnist", path)
    assert caught.value.faults[0].file == str(path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no more", b"text"])
def test_damaged_npz(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "mnist.npz").write_bytes(content)
    with pytest.raises(DataError, match="expected an npz file"):
        read("mnist", tmp_path)


def test_npz_bomb_is_refused_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mnist, "MAX_BYTES", 1_000_000)
    path = save_mnist(tmp_path / "mnist.npz", x_train=np.zeros((2000, 28, 28), np.uint8), y_train=np.zeros(2000, np.uint8))
    bomb = zipfile.ZipFile(path)
    with zipfile.ZipFile(tmp_path / "packed.npz", "w", zipfile.ZIP_DEFLATED) as packed:
        for name in bomb.namelist():
            packed.writestr(name, bomb.read(name))
    assert os.path.getsize(tmp_path / "packed.npz") < 20_000
    (tmp_path / "packed.npz").replace(path)
    with pytest.raises(DataError, match="expected arrays of at most"):
        read("mnist", tmp_path)


def write_idx(path: Path, array: np.ndarray) -> None:
    head = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(head + array.tobytes()))


@pytest.fixture
def fashion(tmp_path: Path) -> tuple[Path, dict[str, np.ndarray]]:
    generator, arrays = np.random.default_rng(1), {}
    for part, rows in (("train", 30), ("test", 10)):
        arrays[f"x_{part}"] = generator.integers(0, 256, (rows, 28, 28), dtype=np.uint8)
        arrays[f"y_{part}"] = np.arange(rows, dtype=np.uint8) % 10
    folder = tmp_path / "keras" / "datasets" / "fashion-mnist"
    for name, array in arrays.items():
        write_idx(folder / fashion_mnist.FILES[name], array)
    return folder, arrays


def test_fashion_mnist(fashion: tuple[Path, dict[str, np.ndarray]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, arrays = fashion
    before = listing(folder)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    for raw in (read("fashion_mnist"), read("fashion_mnist", folder), read("fashion_mnist", folder.parent)):
        np.testing.assert_array_equal(raw.images[:30, :, :, 0], arrays["x_train"])
        np.testing.assert_array_equal(raw.images[30:, :, :, 0], arrays["x_test"])
        assert [raw.classes[code] for code in np.asarray(raw.target)[:2]] == ["T-shirt/top", "Trouser"]
    assert listing(folder) == before


@pytest.mark.parametrize(
    "damage",
    [b"", b"text", gzip.compress(b"\0\0\x08\x01\0\0\0\x05abc"), gzip.compress(b"\0\0\x0d\x01\0\0\0\0")],
    ids=["empty", "text", "short", "of another type"],  # the time of packing is no part of a name
)
def test_damaged_idx(damage: bytes, fashion: tuple[Path, dict[str, np.ndarray]]) -> None:
    folder, _ = fashion
    (folder / fashion_mnist.FILES["y_test"]).write_bytes(damage)
    with pytest.raises(DataError, match="expected") as caught:
        read("fashion_mnist", folder)
    assert caught.value.faults[0].file == str(folder / fashion_mnist.FILES["y_test"])


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Six small batches: pixels [rows, 3072], labels [rows]."""
    monkeypatch.setattr(cifar10, "ROWS", ROWS)
    generator = np.random.default_rng(2)
    return {
        name: (generator.integers(0, 256, (ROWS, 3072), dtype=np.uint8), generator.integers(0, 10, ROWS))
        for name in cifar10.BATCHES
    }


def write_binary(folder: Path, batches: dict[str, tuple[np.ndarray, np.ndarray]]) -> Path:
    folder.mkdir(parents=True)
    for name, (pixels, labels) in batches.items():
        (folder / f"{name}.bin").write_bytes(np.column_stack([labels.astype(np.uint8), pixels]).tobytes())
    return folder


def write_pickles(folder: Path, batches: dict[str, tuple[np.ndarray, np.ndarray]], protocol: int) -> Path:
    folder.mkdir(parents=True)
    for name, (pixels, labels) in batches.items():
        content = {b"batch_label": b"batch", b"labels": labels.tolist(), b"data": pixels, b"filenames": [b"a.png"] * ROWS}
        (folder / name).write_bytes(pickle.dumps(content, protocol=protocol))
    return folder


def test_cifar10_in_either_version(batches: dict[str, tuple[np.ndarray, np.ndarray]], tmp_path: Path) -> None:
    binary = write_binary(tmp_path / "cifar-10-batches-bin", batches)
    raw = read("cifar10", binary)
    assert raw.images.shape == (6 * ROWS, 32, 32, 3)
    assert {part: len(rows) for part, rows in raw.parts.items()} == {"train": 5 * ROWS, "test": ROWS}
    pixels, labels = batches["test_batch"]
    np.testing.assert_array_equal(raw.images[5 * ROWS :], pixels.reshape(ROWS, 3, 32, 32).transpose(0, 2, 3, 1))
    np.testing.assert_array_equal(np.asarray(raw.target)[5 * ROWS :], labels)
    assert raw.classes[3] == "cat"
    for protocol in (2, 3, 4, 5):
        folder = write_pickles(tmp_path / f"protocol{protocol}" / "cifar-10-batches-py", batches, protocol)
        assert read("cifar10", folder.parent).details == raw.details


def test_cifar10_archive_is_read_in_memory(batches: dict[str, tuple[np.ndarray, np.ndarray]], tmp_path: Path) -> None:
    folder = write_binary(tmp_path / "source", batches)
    archive = tmp_path / "there" / "cifar-10-binary.tar.gz"
    archive.parent.mkdir()
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(folder, "cifar-10-batches-bin")
        tar.add(__file__, "../../escaped.py")
    before = listing(tmp_path / "there")
    assert read("cifar10", archive.parent).details == read("cifar10", folder).details
    assert listing(tmp_path / "there") == before
    assert not list(tmp_path.parent.rglob("escaped.py"))
    archive.write_bytes(archive.read_bytes()[:5000])
    with pytest.raises(DataError, match="expected a whole tar archive"):
        read("cifar10", archive)


def test_cifar10_pickle_is_never_run(batches: dict[str, tuple[np.ndarray, np.ndarray]], tmp_path: Path) -> None:
    folder = write_pickles(tmp_path / "cifar-10-batches-py", batches, 4)
    marker = tmp_path / "executed"

    class Payload:
        def __reduce__(self) -> tuple[object, tuple[str, str]]:
            return (open, (str(marker), "w"))

    pixels, labels = batches["test_batch"]
    content = {b"payload": Payload(), b"labels": labels.tolist(), b"data": pixels}
    (folder / "test_batch").write_bytes(pickle.dumps(content))
    raw = read("cifar10", folder)
    np.testing.assert_array_equal(np.asarray(raw.target)[5 * ROWS :], labels)
    assert not marker.exists()


def test_cifar10_damaged_batches(batches: dict[str, tuple[np.ndarray, np.ndarray]], tmp_path: Path) -> None:
    folder = write_pickles(tmp_path / "cifar-10-batches-py", batches, 2)
    whole = (folder / "data_batch_2").read_bytes()
    stream = io.BytesIO()
    pickle.dump({b"labels": [99] * ROWS}, stream)
    for content in (b"", b"text", whole[: len(whole) // 2], stream.getvalue()):
        (folder / "data_batch_2").write_bytes(content)
        with pytest.raises(DataError, match=r"data_batch_2.*expected"):
            read("cifar10", folder)


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "cifar10"])
def test_nowhere_offline_and_arguments(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"{name} is not on this machine") as caught:
        read(name)
    assert f"{tmp_path}/home/.keras/datasets" in caught.value.faults[0].message
    with pytest.raises(DataError, match="no such folder does not exist"):
        read(name, tmp_path / "no such folder")
    with pytest.raises(ConfigError, match=r"data\.rows"):
        read(name, rows=5)


def test_second_reading_comes_from_the_cache(batches: dict[str, tuple[np.ndarray, np.ndarray]], tmp_path: Path) -> None:
    folder = write_binary(tmp_path / "cifar-10-batches-bin", batches)
    recorder = Recorder()
    first, second = read("cifar10", folder, recorder), read("cifar10", folder, recorder)
    assert recorder.statuses == ["reading cifar-10-batches-bin"]
    np.testing.assert_array_equal(first.images, second.images)


@settings(max_examples=examples(33, 100), deadline=None)
@given(
    shape=st.lists(st.integers(0, 6), min_size=1, max_size=3),
    place=st.floats(0, 1, exclude_max=True),
    value=st.integers(0, 255),
    share=st.floats(0.1, 1.0),
)
def test_idx_is_read_whole_or_named(
    shape: list[int], place: float, value: int, share: float, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("idx") / "a.gz"
    array = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    write_idx(path, array)
    np.testing.assert_array_equal(fashion_mnist.read_idx(path), array)
    content = bytearray(gzip.decompress(path.read_bytes()))
    content[int(place * len(content))] = value
    path.write_bytes(gzip.compress(content)[: int(share * 10_000) or 1])
    with contextlib.suppress(DataError):  # anything else is a bug
        assert fashion_mnist.read_idx(path).dtype == np.uint8
