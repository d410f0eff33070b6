"""`model.weights`: what an earlier model has learnt, taken over layer by layer where name and shapes are the same.

Files are read as plain arrays: nothing in them is executed, and no more is read than the model has room for.
"""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.errors import ConfigError, RunError
from dltrain.later import h5py
from dltrain.model.weights.weights import damage_told, open_plain, read_member
from dltrain.wording import counted, listed, snake_case

KEY = "model.weights"
MOST_CONFIG_BYTES = 16 << 20  # that of the largest network of `keras.applications` has one megabyte


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
        RunError: it is damaged, not made of plain arrays, or what is taken holds what is no number.
    """
    if not path.is_file():
        raise ConfigError(f"there is no weights file {path}", path=KEY, hint="a run, or a .h5 or .keras file")
    rows = []
    with stored_layers(path) as stored:
        for layer in model.layers:
            here = tuple(tuple(variable.shape) for variable in layer.weights)
            if not here:
                continue
            arrays = stored.pop(layer.name, None)
            there = () if arrays is None else tuple(tuple(array.shape) for array in arrays)
            outcome = "new" if arrays is None else "taken" if there == here else "cut"
            if arrays is not None and outcome == "taken":
                for variable, array in zip(layer.weights, arrays):
                    values = np.asarray(array[()])
                    if values.dtype.kind == "f" and not np.isfinite(values).all():  # a dead layer looks like a poor model
                        message = f"{path} holds weights {variable.path!r} that are not finite numbers"
                        raise RunError(message, hint="is there another checkpoint?")
                    variable.assign(values)
            rows.append(Taken(layer.name, outcome, there, here))
        rows += [Taken(name, "left", tuple(tuple(array.shape) for array in arrays)) for name, arrays in stored.items() if arrays]
    if not any(row.outcome == "taken" for row in rows):
        message, hint = nothing_taken(path, [row.layer for row in rows if row.outcome in ("left", "cut")])
        raise ConfigError(message, path=KEY, hint=hint)
    return rows


def nothing_taken(path: Path, names: Sequence[str]) -> tuple[str, str]:
    """What is said of a file whose layers, of these names, fit none here; and what helps."""
    hint = f"its layers are {listed(names, 8)}; `name:` gives a layer here the name it has there"
    if not names:
        hint = "it holds no layer with weights"
    return f"no layer of {path.name} has the name and shapes of one here", hint


def taken_lines(rows: Sequence[Taken], name: str) -> list[str]:
    """The table of what was taken, in lines."""
    said = {
        "taken": "taken",
        "cut": "not taken: other shapes",
        "new": "new: not in the file",
        "left": "left: in the file alone",
    }
    width = max(len(row.layer) for row in rows)
    lines = [f"weights of {name}: {counted(sum(row.outcome == 'taken' for row in rows), 'layer')} taken"]
    for row in rows:
        shapes = (
            f"{_shapes(row.there)} there, {_shapes(row.here)} here" if row.outcome == "cut" else _shapes(row.here or row.there)
        )
        lines.append(f"  {row.layer:{width}}  {said[row.outcome]}  ({shapes})")
    return lines


def _shapes(shapes: Sequence[tuple[int, ...]]) -> str:
    return ", ".join("×".join(map(str, shape)) or "1" for shape in shapes)


@contextlib.contextmanager
def stored_layers(path: Path) -> Iterator[dict[str, list[Any]]]:
    """Layer -> its arrays in Keras's order, as they lie in a file that stays open for as long as the context lasts.

    Raises:
        RunError: it is damaged, too large, or not made of plain arrays.
    """
    with damage_told(path, "a .h5 or .keras file that Keras wrote is expected"), open_plain(path) as file:
        found = _of_keras_file(file, path) if path.suffix == ".keras" else _of_h5(file)
        for array in (array for arrays in found.values() for array in arrays):
            if array.dtype.kind not in "fiu":
                raise ValueError(f"its weights are numbers, not {array.dtype}")
        yield found


def _of_h5(file: Any) -> dict[str, list[Any]]:
    """The layers of a whole model, or of weights alone."""
    top = file.get("model_weights", file)
    if not isinstance(top, h5py.Group):
        raise ValueError("its model_weights is no group of layers")
    if "layers" in top and "layer_names" not in top.attrs:
        raise ValueError("weights alone (.weights.h5) do not hold the names of layers: give the whole model, .h5 or .keras")
    groups = {str(name): group for name, group in top.items() if isinstance(group, h5py.Group) and "weight_names" in group.attrs}
    return {name: [_array(group, word) for word in _weight_names(group)] for name, group in groups.items()}


def _weight_names(group: Any) -> list[str]:
    """The names of a layer's arrays, of which there are no more than arrays."""
    arrays: list[str] = []
    group.visititems(lambda name, item: arrays.append(name) if isinstance(item, h5py.Dataset) else None)
    attribute = h5py.h5a.open(group.id, b"weight_names")
    if math.prod(attribute.shape) > len(arrays):
        raise ValueError(f"it names more than the {len(arrays):,} weights that a layer has")
    return [word.decode() if isinstance(word, bytes) else str(word) for word in group.attrs["weight_names"]]


def _array(group: Any, name: str) -> Any:
    array = group[name]
    if not isinstance(array, h5py.Dataset):
        raise ValueError(f"its {name} is no array")
    return array


def _of_keras_file(file: Any, path: Path) -> dict[str, list[Any]]:
    """The layers, whose places in the file follow from their order in the archive's own config."""
    config: Any = json.loads(read_member(path, "config.json", MOST_CONFIG_BYTES))
    counts: dict[str, int] = {}
    found: dict[str, list[Any]] = {}
    for class_name, name in _layers(config):
        kind = snake_case(class_name)
        number = counts[kind] = counts.get(kind, -1) + 1
        group = file.get(f"layers/{kind}_{number}" if number else f"layers/{kind}")
        if isinstance(group, h5py.Group):
            found[name] = _arrays_below(group)
    return found


def _layers(config: Any) -> list[tuple[str, str]]:
    """Class and name of each layer."""
    inner = config.get("config") if isinstance(config, dict) else None
    layers = inner.get("layers") if isinstance(inner, dict) else None
    if not isinstance(layers, list):
        raise ValueError("its config has no list of layers")
    found = []
    for layer in layers:
        own = layer.get("config") if isinstance(layer, dict) else None
        name = own.get("name") if isinstance(own, dict) else None
        class_name = layer.get("class_name") if isinstance(layer, dict) else None
        if not isinstance(name, str) or not isinstance(class_name, str):
            raise ValueError("a layer of its config has no class and name")
        found.append((class_name, name))
    return found


def _arrays_below(group: Any) -> list[NDArray[Any]]:
    """The variables of a layer: its own, then those of what it holds, such as the cell of a recurrent one."""
    own = group.get("vars")
    arrays = [_array(own, name) for name in sorted(own, key=int)] if isinstance(own, h5py.Group) else []
    for name, inner in group.items():
        if name != "vars" and isinstance(inner, h5py.Group):
            arrays += _arrays_below(inner)
    return arrays
