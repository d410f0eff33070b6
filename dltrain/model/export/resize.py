"""Resizing as Pillow does it, as two products of matrices: first along the width, then along the height, rounded after each.

Unlike `tf.image.resize` it gives the grey levels that the run's own reading of picture files gives, and it can be converted to
other formats. Where the other direction is cheaper Pillow begins with it: that makes a difference of a grey level, seldom more.
Where "nearest" or "box" meet the very edge between two pixels, either of them may be taken.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dltrain.data.pictures.form import PictureForm

# What lies on an edge between pixels is taken as if it were exact: float32 falls to either side of it.
TIE = 1e-4
_SUPPORT = {"bilinear": 1.0, "bicubic": 2.0, "hamming": 1.0, "box": 0.5, "area": 0.5, "lanczos": 3.0, "lanczos3": 3.0}


def form_range(form: PictureForm) -> str:
    """The values that a picture has: `0...255`, or those of more than 8 bits where training had such pictures."""
    return f"0...{form.white or 255:,.6g}"


def to_bytes(ops: Any, pictures: Any, form: PictureForm) -> Any:
    """Values 0...255 of pictures of more than 8 bits, as the run's own reading gives them; others as they are."""
    if form.white is None:
        return pictures
    return ops.round(ops.clip(pictures, 0.0, form.white) * np.float32(255.0 / form.white))


def resize(ops: Any, pictures: Any, height: int, width: int, kernel: str, fit: str = "stretch") -> Any:
    """float32 [rows, height, width, channels], whole numbers 0...255.

    Args:
        ops: `keras.ops`.
        pictures: float32 [rows, any, any, channels], whole numbers 0...255.
        height, width: of the result.
        kernel: one of `dltrain.data.pictures.form.INTERPOLATIONS`; but for "nearest" wider where the picture shrinks.
        fit: "stretch", "crop" or "pad", as in `dltrain.data.pictures.form.PictureForm`.
    """
    # The extents are not known before a picture comes in; they are counted.
    ones = ops.ones_like(pictures[0, :, 0, 0]), ops.ones_like(pictures[0, 0, :, 0])
    extents = ops.sum(ones[0]), ops.sum(ones[1])
    sizes = np.float32(height), np.float32(width)
    ratios = extents[0] / sizes[0], extents[1] / sizes[1]
    matrices = []
    for one, extent, size, ratio in zip(ones, extents, sizes, ratios, strict=True):
        scale, offset, inside = ratio, ratio * 0.0, None
        if fit == "crop":
            scale = ops.minimum(*ratios)
            offset = (extent - scale * size) / 2.0
        elif fit == "pad":
            inner = ops.clip(ops.round(extent / ops.maximum(*ratios)), 1.0, float(size))
            start = ops.floor((inner * -1.0 + size) / 2.0)
            scale = extent / inner
            offset = start * scale * -1.0
            results = np.arange(size, dtype=np.float32)[:, np.newaxis]
            inside = ops.logical_and(ops.less_equal(start, results), ops.greater(start + inner, results))
        matrices.append(_matrix(ops, ops.cumsum(one) - 0.5, int(size), kernel, scale, offset, inside))
    pictures = _to_bytes(ops, ops.einsum("ow,nhwc->nhoc", matrices[1], pictures))
    return _to_bytes(ops, ops.einsum("oh,nhwc->nowc", matrices[0], pictures))


def _matrix(ops: Any, places: Any, size: int, kernel: str, scale: Any, offset: Any, inside: Any) -> Any:
    """Weights [size, extent] of the pixels of a line for each pixel of the result.

    Args:
        ops: `keras.ops`.
        places: the middle of each pixel of the line, [extent].
        size: pixels of the result.
        kernel: as for `resize`.
        scale: pixels of the line for one of the result.
        offset: where on the line the result begins.
        inside: bool [size, 1]: which pixels of the result are no border; None: all.
    """
    middles = scale * (np.arange(size, dtype=np.float32)[:, np.newaxis] + np.float32(0.5)) + offset
    if kernel == "nearest":
        weights = ops.cast(ops.equal(ops.floor(middles + TIE), places - 0.5), "float32")
        return weights if inside is None else ops.where(inside, weights, np.float32(0.0))
    place = (places - middles) / ops.maximum(scale, 1.0)
    distance = ops.abs(place)
    weights = _weights(ops, kernel, place, distance)
    # Pillow looks at whole pixels only: those whose middle lies within the support, whose bounds it rounds.
    weights = ops.where(ops.less_equal(distance, np.float32(_SUPPORT[kernel] + TIE)), weights, np.float32(0.0))
    weights = weights / ops.maximum(ops.sum(weights, axis=1, keepdims=True), 1e-6)
    return weights if inside is None else ops.where(inside, weights, np.float32(0.0))


def _weights(ops: Any, kernel: str, place: Any, distance: Any) -> Any:
    """What a pixel counts at a place on the filter, as far from its middle as `distance`."""
    if kernel == "bilinear":
        return _bilinear(ops, distance)
    if kernel == "bicubic":
        return _bicubic(ops, distance)
    if kernel in ("box", "area"):
        return ops.cast(ops.logical_and(ops.greater(place, TIE - 0.5), ops.less_equal(place, TIE + 0.5)), "float32")
    if kernel == "hamming":
        return _sinc(ops, distance) * (0.54 + 0.46 * ops.cos(distance * np.float32(np.pi)))
    return _sinc(ops, distance) * _sinc(ops, distance / 3.0)  # Lanczos


def _sinc(ops: Any, values: Any) -> Any:
    angle = ops.maximum(values, 1e-6) * np.float32(np.pi)
    return ops.sin(angle) / angle


def _bilinear(ops: Any, distance: Any) -> Any:
    return ops.maximum(1.0 - distance, 0.0)


def _bicubic(ops: Any, distance: Any) -> Any:
    """Keys's cubic convolution with a = -0.5."""
    square = distance * distance
    near = (1.5 * distance - 2.5) * square + 1.0
    far = ((-0.5 * distance + 2.5) * distance - 4.0) * distance + 2.0
    return ops.where(ops.less(distance, 1.0), near, far)


def _to_bytes(ops: Any, values: Any) -> Any:
    return ops.clip(ops.floor(values + 0.5), 0.0, 255.0)
