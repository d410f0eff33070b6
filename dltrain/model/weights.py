"""Weights out of a run's own checkpoint, read as arrays into a model that was built from the run's own config.

Nothing of the file is executed or believed: the model says which arrays it needs and of which shape; the file may only hold
them, as plain data of its own.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.errors import RunError
from dltrain.model.keras_import import import_keras

_EXTRA_BYTES = 64 << 20  # above what the weights and three optimizer slots for each need


def load_weights(model: Any, path: Path) -> None:
    """Read the weights of a `.h5` or `.keras` checkpoint into a model.

    Args:
        model: built as the file's model was.
        path: the checkpoint.

    Raises:
        RunError: the file is missing, damaged, not of this model, or not made of plain arrays.
    """
    import_keras()
    limit = 8 * sum(int(np.prod(weight.shape)) * 4 for weight in model.weights) + _EXTRA_BYTES
    try:
        if not path.is_file():
            raise RunError(f"there is no weights file {path}", hint="has the run finished an epoch?")
        if path.stat().st_size > limit:
            raise RunError(f"{path} is larger than the weights of its model can be", hint="it is not the run's own file")
        if path.suffix == ".keras":
            load_keras_file(model, path, limit)
        else:
            _load_h5(model, path)
    except RunError:
        raise
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, AttributeError, MemoryError, zipfile.BadZipFile) as error:
        detail = str(error).split("\n")[0]
        raise RunError(
            f"{path} is not a readable weights file: {detail}", hint="the run is damaged; is there another checkpoint?"
        ) from error


def refuse_foreign_file(model: Any, path: Path) -> None:
    """Refuse an HDF5 file of weights, made by anybody, that is not plain arrays or is larger than the model's weights can be.

    Raises:
        RunError: it is refused.
    """
    limit = 2 * sum(int(np.prod(weight.shape)) * 4 for weight in model.weights) + _EXTRA_BYTES
    try:
        if path.stat().st_size > limit:
            raise RunError(f"{path} is larger than the weights of its model can be", hint="it is not this model's file")
        check_plain(path.read_bytes(), path)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, AttributeError, MemoryError) as error:
        raise RunError(f"{path} is not a readable weights file: {str(error).splitlines()[0]}") from error


def read_dense_arrays(path: Path, shapes: Mapping[str, Sequence[tuple[int, ...]]]) -> dict[str, list[NDArray[Any]]]:
    """Kernels and biases of dense layers out of a `.h5` checkpoint, without TensorFlow.

    Args:
        path: the checkpoint.
        shapes: layer name -> the shapes of its kernel and, where it has one, its bias.

    Raises:
        RunError: as for `load_weights`.
    """
    import h5py

    try:
        with h5py.File(path, "r") as file:
            return {
                name: [
                    _read_array(file, f"model_weights/{name}/{name}/{word}", shape, path)
                    for word, shape in zip(("kernel", "bias"), needed)
                ]
                for name, needed in shapes.items()
            }
    except RunError:
        raise
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, AttributeError, MemoryError) as error:
        detail = str(error).split("\n")[0]
        raise RunError(f"{path} is not a readable weights file: {detail}", hint="the run is damaged") from error


def _load_h5(model: Any, path: Path) -> None:
    import h5py

    with h5py.File(path, "r") as file:
        arrays = []
        for layer in model.layers:
            for variable in [*layer.trainable_weights, *layer.non_trainable_weights]:
                arrays.append((variable, _read_array(file, f"model_weights/{layer.name}/{variable.path}", variable, path)))
    for variable, array in arrays:
        variable.assign(array)


def _read_array(file: Any, name: str, variable: Any, path: Path) -> Any:
    """One dataset, if it is plain data within the file, of the variable's shape and of its kind of number."""
    import h5py

    place = file
    for word in name.split("/"):
        if not isinstance(place, h5py.Group) or not isinstance(place.get(word, getlink=True), h5py.HardLink):
            raise RunError(
                f"{path} does not hold the weights {name!r} as an array of its own", hint="it is not this model's file"
            )
        place = place[word]
    if not isinstance(place, h5py.Dataset) or not _is_plain(place):
        raise RunError(f"{path} does not hold the weights {name!r} as plain data", hint="refused as unsafe")
    kinds = "iu" if "int" in str(variable.dtype) else "f"
    if place.shape != tuple(variable.shape) or place.dtype.kind not in kinds:
        found, needed = f"{place.dtype} {place.shape}", f"{variable.dtype} {tuple(variable.shape)}"
        raise RunError(f"{path} holds weights {name!r}, {found}; the model needs {needed}", hint="it is not this model's file")
    return np.asarray(place[()])


def load_keras_file(model: Any, path: Path, limit: int) -> None:
    """The weights of a `.keras` file, which may unpack to at most `limit` bytes, into a model."""
    import tempfile

    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo("model.weights.h5")
        if info.file_size > limit:
            raise RunError(f"{path} unpacks to more than the weights of its model can be", hint="refused as unsafe")
        data = archive.read(info)
    check_plain(data, path)
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "model.weights.h5"
        weights.write_bytes(data)
        model.load_weights(weights)


def _is_plain(dataset: Any) -> bool:
    """Whether a dataset lies in one piece in its own file, as Keras writes it: nothing elsewhere, no chunks that unpack."""
    return not dataset.is_virtual and not dataset.external and dataset.chunks is None


def check_plain(data: bytes, path: Path) -> None:
    """Refuse links, data that lies elsewhere, and more data than the file has bytes."""
    import h5py

    with h5py.File(io.BytesIO(data), "r") as file:
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
        if total > len(data):
            raise RunError(f"{path} declares more data than it holds", hint="refused as unsafe")
