"""A picture's preprocessing as a graph: pixels 0...255 as picture files hold them, resized as Pillow does it, and scaled."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dltrain.data.columns.scaling import STRETCHING, lost_in_float32
from dltrain.data.pictures.preprocessing import PicturePreprocessing
from dltrain.data.pictures.reader import parse_reader
from dltrain.errors import UsageError
from dltrain.model.export.raw_input import RawInput, too_fine
from dltrain.model.export.resize import form_range, resize, to_bytes
from dltrain.model.export.scaling import standardize
from dltrain.model.export.step_graph import add_steps


def describe_picture(preprocessing: PicturePreprocessing) -> tuple[RawInput, ...]:
    """The one input: a picture, or an array where the run reads no picture files."""
    shape = preprocessing.shape
    name = "image" if len(shape) == 3 else "features"
    if preprocessing.reader is None:
        lost = lost_in_float32(preprocessing.center, preprocessing.spread) & (preprocessing.scale in STRETCHING)
        if lost.any():
            place = int(np.argmax(lost.reshape(-1)))
            center, spread = (array.reshape(-1)[place] for array in (preprocessing.center, preprocessing.spread))
            raise UsageError(too_fine(f"number {place + 1} of a row", float(center), float(spread)))
        return (RawInput(name, name, "float32", shape, "values as in the data", fixed_shape=shape),)
    reader = parse_reader(preprocessing.reader)
    if reader.crop is not None and reader.original is not None:
        whole = (*reader.original, 3)
        return (
            RawInput(name, name, "float32", whole, "pixels 0...255, red, green, blue; cut and resized inside", fixed_shape=whole),
        )
    size = "any size" if reader.tiles is None else f"a tile {reader.tiles} pixels wide of a picture, as the run was trained on"
    colors = "red, green, blue" if reader.form.color else "one channel of grey"
    return (
        RawInput(
            name,
            name,
            "float32",
            (None, None, shape[2]),
            f"pixels {form_range(reader.form)}, {colors}; {size}: brought to {shape[0]}x{shape[1]} inside",
            fixed_shape=shape,
        ),
    )


def add_pictures(keras: Any, preprocessing: PicturePreprocessing, tensor: Any, *, any_size: bool) -> dict[str, Any]:
    """The model's input by name, from pictures [rows, height, width, channels]."""
    ops = keras.ops
    if preprocessing.reader is not None:
        reader = parse_reader(preprocessing.reader)
        height, width = reader.form.size
        tensor = to_bytes(ops, tensor, reader.form)
        if reader.crop is not None:
            tensor = tensor[:, slice(*reader.crop.rows), slice(*reader.crop.columns), :]
            if reader.crop.resize is not None:
                tensor = resize(ops, tensor, height, width, "bicubic")
            if not reader.form.color:
                tensor = ops.mean(tensor, axis=3, keepdims=True)
        elif any_size:
            tensor = resize(ops, tensor, height, width, reader.form.interpolation or "bilinear", reader.form.fit)
        if (reader.lowest, reader.highest) != (0.0, 255.0):
            tensor = tensor / np.float32(255.0) * np.float32(reader.highest - reader.lowest) + np.float32(reader.lowest)
    scaled = standardize(tensor, preprocessing.center, preprocessing.spread)
    if preprocessing.steps:
        scaled = add_steps(keras, preprocessing.steps, ops.reshape(scaled, (-1, math.prod(preprocessing.shape))))
    return {preprocessing.schema.inputs[0].name: scaled}
