"""`model.weights`: what an earlier model has learnt, taken over layer by layer where name and shapes are the same.

Files are read as plain arrays: nothing in them is executed, and no more is read than the model has room for.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.errors import ConfigError, Fault
from dltrain.model.weights.weights import check_plain, damage_told
from dltrain.wording import listed, snake_case

KEY = "model.weights"
MOST_BYTES = 8 << 30
MOST_CONFIG_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one layer.

    Attributes:
        layer: its name.
        outcome: "taken"; "cut", where the shapes differ; "new", of which the file knows nothing; "left", which is in the file
            alone.
        there: the shapes in the file.
        here: those in the model.
    """

    layer: str
    outcome: str
    there: tuple[tuple[int, ...], ...] = ()
    here: tuple[tuple[int, ...], ...] = ()


def take_weights(model: Any, path: Path) -> list[Taken]:
    """Put the arrays of a file into the layers of the same names and shapes.

    Args:
        model: a Keras model.
        path: a `.h5` or `.keras` file.

    Returns:
        what became of each layer that has weights, in the model's order, then those of the file alone.

    Raises:
        ConfigError: the file is not there, or no layer of it fits.
        RunError: it is damaged, or not made of plain arrays.
    """
    if not path.is_file():
        raise ConfigError(Fault(f"there is no weights file {path}", path=KEY, hint="a run, or a .h5 or .keras file"))
    with damage_told(path, "a .h5 or .keras file that Keras wrote is expected"):
        stored = _of_keras_file(path) if path.suffix == ".keras" else _of_h5(path)
    rows = []
    for layer in model.layers:
        here = tuple(tuple(variable.shape) for variable in layer.weights)
        if not here:
            continue
        arrays = stored.pop(layer.name, None)
        there = () if arrays is None else tuple(tuple(array.shape) for array in arrays)
        outcome = "new" if arrays is None else "taken" if there == here else "cut"
        if arrays is not None and outcome == "taken":
            for variable, array in zip(layer.weights, arrays):
                variable.assign(np.asarray(array[()]))
        rows.append(Taken(layer.name, outcome, there, here))
    rows += [Taken(name, "left", tuple(tuple(array.shape) for array in arrays)) for name, arrays in stored.items() if arrays]
    if not any(row.outcome == "taken" for row in rows):
        names = listed([row.layer for row in rows if row.outcome in ("left", "cut")], 8)
        hint = f"its layers are {names}; `name:` gives a layer here the name it has there"
        raise ConfigError(Fault(f"no layer of {path.name} has the name and shapes of one here", path=KEY, hint=hint))
    return rows


def taken_lines(rows: Sequence[Taken], name: str) -> list[str]:
    """The table of what was taken, in lines."""
    said = {
        "taken": "taken",
        "cut": "not taken: other shapes",
        "new": "new: not in the file",
        "left": "left: in the file alone",
    }
    width = max(len(row.layer) for row in rows)
    lines = [f"weights of {name}: {sum(row.outcome == 'taken' for row in rows)} layers taken"]
    for row in rows:
        shapes = (
            f"{_shapes(row.there)} there, {_shapes(row.here)} here" if row.outcome == "cut" else _shapes(row.here or row.there)
        )
        lines.append(f"  {row.layer:{width}}  {said[row.outcome]}  ({shapes})")
    return lines


def _shapes(shapes: Sequence[tuple[int, ...]]) -> str:
    return ", ".join("×".join(map(str, shape)) or "1" for shape in shapes)


def _of_h5(path: Path) -> dict[str, list[Any]]:
    """Layer -> its arrays, in Keras's order, of a whole model or of weights alone."""
    import h5py

    if path.stat().st_size > MOST_BYTES:
        raise ValueError("it is too large")
    data = path.read_bytes()
    check_plain(data, path)
    file = h5py.File(io.BytesIO(data), "r")
    top = file.get("model_weights", file)
    if "layers" in top and "layer_names" not in top.attrs:
        raise ValueError("weights alone (.weights.h5) do not hold the names of layers: give the whole model, .h5 or .keras")
    found = {}
    for name, group in top.items():
        if isinstance(group, h5py.Group) and "weight_names" in group.attrs:
            words = [word.decode() if isinstance(word, bytes) else str(word) for word in group.attrs["weight_names"]]
            found[str(name)] = [group[word] for word in words]
    return found


def _of_keras_file(path: Path) -> dict[str, list[Any]]:
    """Layer -> its arrays, whose places follow from the order of the layers in the file's own config."""
    import h5py

    with zipfile.ZipFile(path) as archive:
        sizes = {info.filename: info.file_size for info in archive.infolist()}
        if sizes.get("config.json", 0) > MOST_CONFIG_BYTES or sizes.get("model.weights.h5", 0) > MOST_BYTES:
            raise ValueError("it unpacks to too much")
        config: Any = json.loads(archive.read("config.json"))
        data = archive.read("model.weights.h5")
    check_plain(data, path)
    file = h5py.File(io.BytesIO(data), "r")
    counts: dict[str, int] = {}
    found: dict[str, list[Any]] = {}
    for layer in _layers(config):
        kind = snake_case(str(layer["class_name"]))
        number = counts[kind] = counts.get(kind, -1) + 1
        group = file.get(f"layers/{kind}_{number}" if number else f"layers/{kind}")
        if isinstance(group, h5py.Group):
            found[str(layer["config"]["name"])] = _arrays_below(group)
    return found


def _layers(config: Any) -> list[Mapping[str, Any]]:
    layers = config["config"]["layers"]
    if not isinstance(layers, list):
        raise ValueError("its config has no list of layers")
    return layers


def _arrays_below(group: Any) -> list[NDArray[Any]]:
    """The variables of a layer: its own, then those of what it holds, such as the cell of a recurrent one."""
    import h5py

    own = group.get("vars")
    arrays = [own[name] for name in sorted(own, key=int)] if isinstance(own, h5py.Group) else []
    for name, inner in group.items():
        if name != "vars" and isinstance(inner, h5py.Group):
            arrays += _arrays_below(inner)
    return arrays
