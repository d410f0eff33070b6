"""What the datasets of pictures that Keras publishes have in common: a training and a test part of uint8 arrays."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.data.raw import RawPictures
from dltrain.errors import DataError
from dltrain.storage.cache import describe_arrays

ARRAYS = ("x_train", "y_train", "x_test", "y_test")


def read_npz(path: Path, names: Sequence[str], *, max_bytes: int) -> dict[str, NDArray[Any]]:
    """The named arrays of an npz file; pickled objects are refused, and so is what would not fit `max_bytes`.

    Raises:
        DataError: not an npz file, cut short, an array missing or too large.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            sizes = {info.filename.removesuffix(".npy"): info.file_size for info in archive.infolist()}
        absent = [name for name in names if name not in sizes]
        if absent:
            raise damaged(path, f"expected arrays {', '.join(names)}, found no {', '.join(absent)}")
        if sum(sizes[name] for name in names) > max_bytes:
            raise damaged(path, f"expected arrays of at most {max_bytes:,} bytes, found {sum(sizes.values()):,}")
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in names}
    except (OSError, ValueError, EOFError, KeyError, MemoryError, zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
        raise damaged(path, f"expected an npz file: {error}") from error


def make_pictures(
    dataset: str,
    arrays: Mapping[str, NDArray[Any]],
    *,
    size: tuple[int, int, int],
    classes: Sequence[str],
    path: Path,
) -> RawPictures:
    """Pictures from `x_train`, `y_train`, `x_test`, `y_test`, with the publisher's two parts.

    Args:
        dataset: its name.
        arrays: uint8 images [rows, height, width(, channels)] and integer labels [rows] or [rows, 1].
        size: (height, width, channels) that the images must have.
        classes: label names in code order.
        path: where they come from, for errors.
    """
    images, labels = [], []
    for part in ("train", "test"):
        x, y = arrays[f"x_{part}"], arrays[f"y_{part}"].reshape(-1)
        x = x[..., np.newaxis] if x.ndim == 3 and size[2] == 1 else x
        if x.dtype != np.uint8 or x.ndim != 4 or x.shape[1:] != size or len(x) != len(y) or len(x) == 0:
            found = f"{x.dtype} {x.shape} with {len(y):,} labels"
            raise damaged(path, f"expected x_{part} of uint8 pictures {size} with a label each, found {found}")
        if y.dtype.kind not in "iu" or y.min() < 0 or y.max() >= len(classes):
            raise damaged(path, f"expected y_{part} of whole numbers from 0 to {len(classes) - 1}, found others")
        images.append(x)
        labels.append(y.astype(np.int64))
    num_train = len(labels[0])
    inputs, target = np.concatenate(images), np.concatenate(labels)
    return RawPictures(
        images=inputs,
        target=target,
        classes=tuple(classes),
        value_range=(0.0, 255.0),
        parts={"train": np.arange(num_train), "test": np.arange(num_train, len(target))},
        reader={"source": dataset, "size": list(size[:2]), "color": size[2] == 3, "range": [0.0, 255.0]},
        details=describe_arrays(dataset, inputs, target),
    )


def damaged(path: Path, reason: str) -> DataError:
    """The error for a file that is not what its name promises."""
    return DataError(reason, file=str(path), hint="fetch the file again")
