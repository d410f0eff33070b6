"""Normalization layers: a factor and a shift along an axis."""

from __future__ import annotations

from dltrain.model.symbolic.rule import Arguments, Inferred, Rules, Shape, ShapeError, Weight, axis_of, only, plain

RULES = Rules()


@RULES.add("BatchNormalization")
def infer_batch_normalization(arguments: Arguments, inputs: tuple[Shape, ...]) -> Inferred:
    """Factor and shift are trained; mean and variance follow the batches (Ioffe and Szegedy 2015)."""
    shape = only(inputs, arguments)
    extent = (shape[axis_of(arguments["axis"], shape, arguments)],)
    weights = [Weight(extent)] * bool(arguments["scale"]) + [Weight(extent)] * bool(arguments["center"])
    weights += [Weight(extent, trainable=False)] * (5 if arguments["renorm"] else 2)
    return Inferred(shape, tuple(weights))


@RULES.add("LayerNormalization")
def infer_layer_normalization(arguments: Arguments, inputs: tuple[Shape, ...]) -> Inferred:
    """Factor and shift for each place along the axes (Ba, Kiros, Hinton 2016)."""
    shape = only(inputs, arguments)
    extents = _extents(arguments, shape)
    return Inferred(shape, tuple([Weight(extents)] * bool(arguments["scale"]) + [Weight(extents)] * bool(arguments["center"])))


@RULES.add("RMSNormalization")
def infer_rms_normalization(arguments: Arguments, inputs: tuple[Shape, ...]) -> Inferred:
    """A factor for each place along the axes (Zhang and Sennrich 2019)."""
    shape = only(inputs, arguments)
    extents, given = _extents(arguments, shape), arguments["axis"]
    axes = {axis % (1 + len(shape)) for axis in ([given] if isinstance(given, int) else given)}
    if axes != set(range(1 + len(shape) - len(axes), 1 + len(shape))):
        raise ShapeError(f"RMSNormalization takes the last axes of its input, found axis {plain(given)}", "axis: -1")
    return Inferred(shape, (Weight(extents),))


@RULES.add("UnitNormalization")
def infer_unit_normalization(arguments: Arguments, inputs: tuple[Shape, ...]) -> Inferred:
    """Length 1 along the axes; nothing to train."""
    shape = only(inputs, arguments)
    _extents(arguments, shape)
    return Inferred(shape)


@RULES.add("GroupNormalization")
def infer_group_normalization(arguments: Arguments, inputs: tuple[Shape, ...]) -> Inferred:
    """Channels normalized in groups (Wu and He 2018)."""
    shape = only(inputs, arguments)
    extent = shape[axis_of(arguments["axis"], shape, arguments)]
    groups = extent if arguments["groups"] == -1 else arguments["groups"]
    if groups is not None and groups < 1:
        raise ShapeError(f"groups is at least 1, or -1, found {groups}")
    if extent is not None and groups is not None and (extent < groups or extent % groups):
        raise ShapeError(f"{groups} groups do not divide the {extent} channels", f"take a divisor of {extent}, or -1")
    return Inferred(
        shape, tuple([Weight((extent,))] * bool(arguments["scale"]) + [Weight((extent,))] * bool(arguments["center"]))
    )


def _extents(arguments: Arguments, shape: Shape) -> Shape:
    axes = arguments["axis"]
    axes = sorted(axes) if isinstance(axes, list | tuple) else [axes]
    return tuple(shape[axis_of(axis, shape, arguments)] for axis in axes)
