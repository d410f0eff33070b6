"""CIFAR-10: colour pictures of ten kinds of things. Krizhevsky: Learning Multiple Layers of Features from Tiny Images, 2009.

The publisher's binary version is downloaded. The version for Python, which Keras keeps, is a pickle: its arrays are
picked out of the byte stream without running it.
"""

from __future__ import annotations

import zlib
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.catalog.label_names import LABEL_NAMES
from dltrain.config.types import DataConfig
from dltrain.data.arrays.published import ARRAYS, damaged, make_pictures
from dltrain.data.raw import RawPictures
from dltrain.data.sources.places import Layout, require
from dltrain.data.sources.source import DataSource
from dltrain.reporting import Reporter
from dltrain.storage.cache import cache_key, cached_arrays, file_stamp
from dltrain.storage.download import Remote

CLASSES = LABEL_NAMES["cifar10"]
BATCHES = ("data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch")
FOLDERS = ("cifar-10-batches-bin", "cifar-10-batches-py")
ARCHIVES = ("cifar-10-binary.tar.gz", "cifar-10-python.tar.gz")
NUM_PIXELS = 3 * 32 * 32
ROWS = 10_000
MAX_BYTES = 1 << 26


def _accepts(path: Path) -> bool:
    if path.name in ARCHIVES:
        return path.is_file()
    return all((path / batch).is_file() or (path / f"{batch}.bin").is_file() for batch in BATCHES)


LAYOUT = Layout(
    dataset="cifar10",
    wanted=f"a folder {' or '.join(FOLDERS)}, or {' or '.join(ARCHIVES)}",
    accepts=_accepts,
    below_path=(*FOLDERS, *ARCHIVES),
    below_data=(*(f"cifar10/{name}" for name in (*FOLDERS, *ARCHIVES)), *FOLDERS, *ARCHIVES),
    below_keras=("cifar-10-batches-py-target/cifar-10-batches-py", "cifar-10-batches-py", "cifar-10-python.tar.gz"),
    folder="cifar10",
    remotes=(
        Remote(
            ARCHIVES[0],
            "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
            "sha256:c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
            170_052_171,
        ),
    ),
)


def read(config: DataConfig, *, seed: int, reporter: Reporter) -> RawPictures:
    """Read 50,000 training and 10,000 test pictures, uint8 [n, 32, 32, 3].

    Raises:
        DataError: the files are nowhere, or damaged.
    """
    del seed
    path = require(LAYOUT, config, reporter)
    files = [path] if path.is_file() else sorted(file for file in path.iterdir() if file.is_file())
    key = cache_key("cifar10", [[file.name, file_stamp(file)] for file in files])
    arrays = cached_arrays(key, ARRAYS, lambda: _decode(path, reporter), reporter)
    return make_pictures("cifar10", arrays, size=(32, 32, 3), classes=CLASSES, path=path)


def _decode(path: Path, reporter: Reporter) -> dict[str, NDArray[np.uint8]]:
    reporter.status(f"reading {path.name}")
    batches = _read_archive(path) if path.is_file() else _read_folder(path)
    decoded = [_decode_batch(batches[batch], path / batch) for batch in BATCHES]
    images, labels = [batch[0] for batch in decoded], [batch[1] for batch in decoded]
    x_train, y_train = np.concatenate(images[:-1]), np.concatenate(labels[:-1])
    return {"x_train": x_train, "y_train": y_train, "x_test": images[-1], "y_test": labels[-1]}


def _read_folder(folder: Path) -> dict[str, bytes]:
    batches = {}
    for batch in BATCHES:
        file = folder / f"{batch}.bin"
        file = file if file.is_file() else folder / batch
        if file.stat().st_size > MAX_BYTES:
            raise damaged(file, f"expected at most {MAX_BYTES:,} bytes, found {file.stat().st_size:,}")
        batches[batch] = file.read_bytes()
    return batches


def _read_archive(archive: Path) -> dict[str, bytes]:
    """The six batches, read into memory: nothing is unpacked to the disk, so no member's name can lead anywhere."""
    import tarfile

    batches: dict[str, bytes] = {}
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for number, member in enumerate(tar):
                batch = PurePosixPath(member.name).name.removesuffix(".bin")
                if number > 100 or member.size > MAX_BYTES:
                    raise damaged(archive, f"expected at most 100 files of {MAX_BYTES:,} bytes, found more ({member.name!r})")
                source = tar.extractfile(member) if member.isreg() and batch in BATCHES else None
                if source is not None:
                    batches[batch] = source.read()
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise damaged(archive, f"expected a whole tar archive: {error}") from error
    absent = [batch for batch in BATCHES if batch not in batches]
    if absent:
        raise damaged(archive, f"expected the files {', '.join(BATCHES)}, found no {', '.join(absent)}")
    return batches


def _decode_batch(content: bytes, path: Path) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Images [10000, 32, 32, 3] and labels [10000] of one batch in either version."""
    if len(content) == ROWS * (NUM_PIXELS + 1):
        records = np.frombuffer(content, np.uint8).reshape(ROWS, NUM_PIXELS + 1)
        labels, pixels = records[:, 0], records[:, 1:]
    else:
        pixels, labels = _pick_from_pickle(content, path)
    images = pixels.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(images), np.ascontiguousarray(labels)


def _pick_from_pickle(content: bytes, path: Path) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The one string of the length of the pixels, and the whole numbers that follow the word `labels`."""
    import pickletools

    pixels: bytes | None = None
    labels: list[int] = []
    within = False
    try:
        for operation, argument, _ in pickletools.genops(content):
            if argument == "latin1":  # names an encoding: part of how some versions of Python write bytes
                continue
            if isinstance(argument, (str, bytes, bytearray)):
                within = _as_bytes(argument) == b"labels" if len(argument) == 6 else False
                if len(argument) == ROWS * NUM_PIXELS:
                    pixels = _as_bytes(argument)
            elif within and operation.name in ("BININT1", "BININT", "BININT2", "INT"):
                labels.append(_small(argument))
    except (ValueError, IndexError, EOFError) as error:
        raise damaged(path, f"expected a batch of CIFAR-10: {error}") from error
    if pixels is None or len(labels) != ROWS:
        found = "none" if pixels is None else f"{len(labels):,} labels"
        raise damaged(path, f"expected {ROWS:,} pictures of 32×32 with a label each, found {found}")
    return np.frombuffer(pixels, np.uint8).reshape(ROWS, NUM_PIXELS), np.array(labels, np.uint8)


def _as_bytes(text: str | bytes | bytearray) -> bytes:
    return text.encode("latin-1") if isinstance(text, str) else bytes(text)


def _small(argument: Any) -> int:
    value = int(argument)
    if not 0 <= value < len(CLASSES):
        raise ValueError(f"a label {value}")
    return value


SOURCE = DataSource(read, layout=LAYOUT)
