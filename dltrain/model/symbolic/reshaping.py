"""Layers that move numbers about: flatten, reshape, permute, repeat, pad, crop, upsample."""

from __future__ import annotations

from dltrain.model.symbolic.convolution import join_channels, take_apart
from dltrain.model.symbolic.rule import Arguments, Inferred, Rules, Shape, ShapeError, of_rank, only, show_shape, size_of

RULES = Rules()


@RULES.add("Flatten")
def infer_flatten(arguments: Arguments, inputs: tuple[Shape, ...]) -> Inferred:
    """[a, b, ...] -> [a·b·...]."""
    return Inferred((size_of(only(inputs, arguments)),))


@RULES.add("CategoryEncoding", "Hashing")
def infer_encoding(arguments: Arguments, inputs: tuple[Shape, ...]) -> Inferred:
    """Categories as they are counted, or as a number for each category."""
    shape, name = only(inputs, arguments), arguments.component.name
    if len(shape) > 1 and arguments["output_mode"] != "int":
        raise ShapeError(
            f"{name} takes a row of categories, found an input of shape {show_shape(shape)}", "put `- Flatten` before it"
        )
    return Inferred(None, (), f"check does not know what {name} does to a shape")


@RULES.add("Reshape")
def infer_reshape(arguments: Arguments, inputs: tuple[Shape, ...]) -> Inferred:
    """The same numbers in another shape, of which one extent may be -1."""
    shape = only(inputs, arguments)
    target = tuple(arguments["target_shape"])
    if any(extent < -1 for extent in target) or target.count(-1) > 1:
        raise ShapeError(f"target_shape takes extents and at most one -1, found {list(target)}")
    size = size_of(shape)
    if size is None:
        return Inferred(tuple(None if extent == -1 else extent for extent in target))
    known = size_of([extent for extent in target if extent != -1]) or 0
    fits = known > 0 and size % known == 0 if -1 in target else known == size
    if not fits:
        found = (
            f"target_shape {list(target)} holds {known:,}"
            if -1 not in target
            else f"target_shape {list(target)} needs a multiple of {known:,}"
        )
        raise ShapeError(f"the input {show_shape(shape)} has {size:,} numbers, {found}", "-1 stands for the extent that follows")
    return Inferred(tuple(size // known if extent == -1 else extent for extent in target))


@RULES.add("Permute")
def infer_permute(arguments: Arguments, inputs: tuple[Shape, ...]) -> Inferred:
    """Axes in another order, counted from 1."""
    dims = arguments["dims"]
    if sorted(dims) != list(range(1, len(dims) + 1)):
        raise ShapeError(f"dims takes each axis from 1 on once, found {list(dims)}")
    shape = of_rank(only(inputs, arguments), len(dims), arguments, f"inputs of {len(dims)} axes, as many as dims names")
    return Inferred(tuple(shape[axis - 1] for axis in dims))


@RULES.add("RepeatVector")
def infer_repeat_vector(arguments: Arguments, inputs: tuple[Shape, ...]) -> Inferred:
    """[features] -> [n, features]."""
    shape = of_rank(only(inputs, arguments), 1, arguments, "rows of numbers [features]")
    return Inferred((arguments["n"], shape[0]))


@RULES.add("ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D")
def infer_zero_padding(arguments: Arguments, inputs: tuple[Shape, ...]) -> Inferred:
    """Zeros around each extent but the channels."""
    rank, spatial, channels = take_apart(inputs, arguments)
    pairs = arguments.pairs("padding", rank)
    padded = [None if extent is None else extent + sum(pair) for extent, pair in zip(spatial, pairs, strict=True)]
    return Inferred(join_channels(padded, channels, arguments))


@RULES.add("Cropping1D", "Cropping2D", "Cropping3D")
def infer_cropping(arguments: Arguments, inputs: tuple[Shape, ...]) -> Inferred:
    """Each extent but the channels cut at both ends."""
    rank, spatial, channels = take_apart(inputs, arguments)
    pairs = arguments.pairs("cropping", rank)
    left = [None if extent is None else extent - sum(pair) for extent, pair in zip(spatial, pairs, strict=True)]
    if any(extent is not None and extent <= 0 for extent in left):
        raise ShapeError(f"cropping takes away all of the input {show_shape(only(inputs, arguments))}", "crop less")
    return Inferred(join_channels(left, channels, arguments))


@RULES.add("UpSampling1D", "UpSampling2D", "UpSampling3D")
def infer_upsampling(arguments: Arguments, inputs: tuple[Shape, ...]) -> Inferred:
    """Each extent but the channels repeated."""
    rank, spatial, channels = take_apart(inputs, arguments)
    if rank == 1 and not isinstance(arguments["size"], int):
        raise ShapeError(f"size takes a whole number, found {arguments['size']}")
    sizes = arguments.per_axis("size", rank)
    grown = [None if extent is None else extent * factor for extent, factor in zip(spatial, sizes, strict=True)]
    return Inferred(join_channels(grown, channels, arguments))
