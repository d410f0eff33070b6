"""One output pixel of a convolution: which inputs meet which weights."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from dltrain.model.numbers.passes import LayerNumbers
from dltrain.model.symbolic.rule import Arguments


@dataclass(frozen=True, slots=True)
class Pixel:
    """One output number of a convolution, before its activation.

    Attributes:
        position: along the output's axes (row and column of a picture).
        filter: which filter.
        terms: (place in the kernel, weight, input); what the padding adds is 0 and stays out.
        bias: of the filter.
        total: the sum.
    """

    position: tuple[int, ...]
    filter: int
    terms: tuple[tuple[tuple[int, ...], float, float], ...]
    bias: float
    total: float


def middle_pixel(layer: LayerNumbers) -> Pixel | None:
    """The pixel in the middle of what the first filter of a Conv1D or Conv2D makes of the first row; None for other layers.

    Args:
        layer: with inputs [rows, *extents, channels] and its kernel [*extents, channels, filters]; filters in groups are none.
    """
    if layer.layer not in ("Conv1D", "Conv2D") or layer.config is None or layer.inputs is None or "kernel" not in layer.weights:
        return None
    arguments, kernel = Arguments(layer.config.component), layer.weights["kernel"]
    rank = int(layer.layer[-2])
    if arguments.channels_first or arguments["groups"] != 1:
        return None
    strides, dilations = arguments.per_axis("strides", rank), arguments.per_axis("dilation_rate", rank)
    extents, outputs = layer.inputs.shape[1:-1], layer.outputs.shape[1:-1]
    position = tuple(extent // 2 for extent in outputs)
    starts = []
    for index in range(rank):
        reach = (kernel.shape[index] - 1) * dilations[index] + 1
        padded = max((outputs[index] - 1) * strides[index] + reach - extents[index], 0)
        before = {"same": padded // 2, "causal": reach - 1}.get(str(arguments["padding"]), 0)
        starts.append(position[index] * strides[index] - before)
    terms = []
    for place in itertools.product(*(range(length) for length in kernel.shape[:-1])):
        at = tuple(start + step * dilation for start, step, dilation in zip(starts, place, dilations))
        if all(0 <= where < extent for where, extent in zip(at, extents)):
            terms.append((place, float(kernel[(*place, 0)]), float(layer.inputs[(0, *at, place[-1])])))
    bias = float(layer.weights["bias"][0]) if "bias" in layer.weights else 0.0
    return Pixel(position, 0, tuple(terms), bias, sum(weight * value for _, weight, value in terms) + bias)
