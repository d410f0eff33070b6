"""Weights out of a run's own checkpoint, read as arrays into a model that was built from the run's own config.

Nothing of the file is executed or believed: the model says which arrays it needs and of which shape; the file may only hold
them, as plain data of its own.
"""

from __future__ import annotations

import contextlib
import io
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.errors import RunError, is_own_bug
from dltrain.later import h5py
from dltrain.model.keras_import import import_keras
from dltrain.storage.bounds import most_unpacked

MOST_BYTES = 8 << 30
WEIGHTS_MEMBER = "model.weights.h5"
_EXTRA_BYTES = 64 << 20  # above what the weights and three optimizer slots for each need


def most_bytes(num_parameters: int) -> int:
    """Bytes that a checkpoint of a model with so many weights may have: what optimizers keep for each weight is in it as well."""
    return 8 * 4 * num_parameters + _EXTRA_BYTES


def load_weights(model: Any, path: Path) -> None:
    """Read the weights of a `.h5` or `.keras` checkpoint into a model.

    Args:
        model: built as the file's model was.
        path: the checkpoint.

    Raises:
        RunError: the file is missing, damaged, not of this model, or not made of plain arrays.
    """
    import_keras()
    limit = most_bytes(sum(int(np.prod(weight.shape)) for weight in model.weights))
    with damage_told(path, "the run is damaged; is there another checkpoint?"):
        if not path.is_file():
            raise RunError(f"there is no weights file {path}", hint="has the run finished an epoch?")
        if path.stat().st_size > limit:
            raise RunError(f"{path} is larger than the weights of its model can be", hint="it is not the run's own file")
    if path.suffix == ".keras":
        with damage_told(path, "the run is damaged; is there another checkpoint?"):
            load_keras_file(model, path, limit)
    else:
        _load_h5(model, path)


def refuse_foreign_file(model: Any, path: Path) -> None:
    """Refuse an HDF5 file of weights, made by anybody, that is not plain arrays or is larger than the model's weights can be.

    Raises:
        RunError: it is refused.
    """
    limit = 2 * sum(int(np.prod(weight.shape)) * 4 for weight in model.weights) + _EXTRA_BYTES
    with damage_told(path):
        if path.stat().st_size > limit:
            raise RunError(f"{path} is larger than the weights of its model can be", hint="it is not this model's file")
        with open_plain(path):
            pass


def read_dense_arrays(path: Path, shapes: Mapping[str, Sequence[tuple[int, ...]]]) -> dict[str, list[NDArray[Any]]]:
    """Kernels and biases of dense layers out of a `.h5` checkpoint, without TensorFlow.

    Args:
        path: the checkpoint.
        shapes: layer name -> the shapes of its kernel and, where it has one, its bias.

    Raises:
        RunError: as for `load_weights`.
    """
    wanted = [
        _Wanted(f"model_weights/{name}/{name}/{word}", shape, "float32")
        for name, needed in shapes.items()
        for word, shape in zip(("kernel", "bias"), needed)
    ]
    arrays = iter(_read_arrays(path, wanted))
    return {name: [next(arrays) for _ in needed] for name, needed in shapes.items()}


def _load_h5(model: Any, path: Path) -> None:
    places = [
        (variable, f"model_weights/{layer.name}/{variable.path}")
        for layer in model.layers
        for variable in [*layer.trainable_weights, *layer.non_trainable_weights]
    ]
    wanted = [_Wanted(name, tuple(variable.shape), str(variable.dtype)) for variable, name in places]
    for (variable, _), array in zip(places, _read_arrays(path, wanted), strict=True):
        variable.assign(array)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """An array that a model needs of a file: where it stands, its shape, its type of number."""

    name: str
    shape: tuple[int, ...]
    dtype: str


# What h5py, zipfile and Keras's own readers raise where a file is damaged. No AttributeError: that is a fault of a program.
_DAMAGE = (OSError, EOFError, ValueError, KeyError, TypeError, RuntimeError, MemoryError, zipfile.BadZipFile, zlib.error)


@contextlib.contextmanager
def damage_told(path: Path, hint: str = "the run is damaged") -> Iterator[None]:
    """What the readers of files say of a damaged one becomes an error of the run."""
    try:
        yield
    except _DAMAGE as error:
        if is_own_bug(error):
            raise
        detail = (str(error) or type(error).__name__).split("\n")[0]
        raise RunError(f"{path} is not a readable weights file: {detail}", hint=hint) from error


def _read_arrays(path: Path, wanted: Sequence[_Wanted]) -> list[NDArray[Any]]:
    """Arrays of an `.h5` file, in order."""
    with damage_told(path), h5py.File(path, "r") as file:
        return [_read_array(file, item, path) for item in wanted]


def _read_array(file: Any, wanted: _Wanted, path: Path) -> NDArray[Any]:
    """One dataset, if it is plain data within the file, of the wanted shape and kind of number."""
    name, place = wanted.name, file
    for word in name.split("/"):
        if not isinstance(place, h5py.Group) or not isinstance(place.get(word, getlink=True), h5py.HardLink):
            raise RunError(
                f"{path} does not hold the weights {name!r} as an array of its own", hint="it is not this model's file"
            )
        place = place[word]
    if not isinstance(place, h5py.Dataset) or not _is_plain(place):
        raise RunError(f"{path} does not hold the weights {name!r} as plain data", hint="refused as unsafe")
    kinds = "iu" if "int" in wanted.dtype else "f"
    if place.shape != wanted.shape or place.dtype.kind not in kinds:
        found, needed = f"{place.dtype} {place.shape}", f"{wanted.dtype} {wanted.shape}"
        raise RunError(f"{path} holds weights {name!r}, {found}; the model needs {needed}", hint="it is not this model's file")
    return np.asarray(place[()])


def load_keras_file(model: Any, path: Path, limit: int) -> None:
    """The weights of a `.keras` file, which may unpack to at most `limit` bytes, into a model."""
    data = read_member(path, WEIGHTS_MEMBER, limit)
    with h5_in_memory(data, path):
        pass
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        weights = Path(folder) / WEIGHTS_MEMBER
        weights.write_bytes(data)
        model.load_weights(weights)


def read_member(path: Path, name: str, limit: int) -> bytes:
    """A file in a `.keras` archive, which says how large it is before it is unpacked.

    Raises:
        RunError: it is larger than the limit, or than an honest archive of this size unpacks to.
    """
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo(name)
        if info.file_size > min(limit, most_unpacked(path.stat().st_size)):
            message = f"{path}: its {name} unpacks to {info.file_size:,} bytes, more than it can be"
            raise RunError(message, hint="refused as unsafe")
        return archive.read(info)


@contextlib.contextmanager
def open_plain(path: Path) -> Iterator[Any]:
    """An `.h5` file, or that in a `.keras` file, open to be read, once it is found to hold plain arrays of its own alone.

    Raises:
        RunError: it does not.
    """
    if path.suffix == ".keras":
        with h5_in_memory(read_member(path, WEIGHTS_MEMBER, MOST_BYTES), path) as file:
            yield file
        return
    with h5py.File(path, "r") as file:
        _check_plain(file, path.stat().st_size, path)
        yield file


@contextlib.contextmanager
def h5_in_memory(data: bytes, path: Path) -> Iterator[Any]:
    """`open_plain` of a file's bytes."""
    with h5py.File(io.BytesIO(data), "r") as file:
        _check_plain(file, len(data), path)
        yield file


def _is_plain(dataset: Any) -> bool:
    """Whether a dataset lies in one piece in its own file, as Keras writes it: nothing elsewhere, no chunks that unpack."""
    return not dataset.is_virtual and not dataset.external and dataset.chunks is None


def _check_plain(file: Any, size: int, path: Path) -> None:
    """Refuse links, data that lies elsewhere, and more data than the file has bytes."""
    groups, seen, total = [file], set(), 0
    while groups:
        group = groups.pop()
        for word in group:
            if not isinstance(group.get(word, getlink=True), h5py.HardLink):
                raise RunError(f"{path} holds a link", hint="refused as unsafe")
            item = group[word]
            address = h5py.h5o.get_info(item.id).addr
            if address in seen:
                raise RunError(f"{path} holds one object under two names", hint="refused as unsafe")
            seen.add(address)
            if isinstance(item, h5py.Group):
                groups.append(item)
            elif not isinstance(item, h5py.Dataset) or not _is_plain(item):
                raise RunError(f"{path} holds data that is not plain", hint="refused as unsafe")
            else:
                total += item.nbytes
    if total > size:
        raise RunError(f"{path} declares more data than it holds", hint="refused as unsafe")
