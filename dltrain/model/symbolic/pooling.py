"""Pooling: windows, global, to a given size."""

from __future__ import annotations

from dltrain.model.symbolic.convolution import join_channels, slide_all, take_apart
from dltrain.model.symbolic.rule import Arguments, Inferred, Rules, Shape, ShapeError

RULES = Rules()
RANKS = (1, 2, 3)


@RULES.add(*(f"{kind}Pooling{rank}D" for kind in ("Max", "Average") for rank in RANKS))
def infer_pooling(arguments: Arguments, inputs: tuple[Shape, ...]) -> Inferred:
    """[..., channels] -> fewer places, the same channels."""
    rank, spatial, channels = take_apart(inputs, arguments)
    pool = arguments.per_axis("pool_size", rank)
    strides = pool if arguments["strides"] is None else arguments.per_axis("strides", rank)
    return Inferred(join_channels(slide_all(spatial, pool, strides, arguments, "pool"), channels, arguments))


@RULES.add(*(f"Global{kind}Pooling{rank}D" for kind in ("Max", "Average") for rank in RANKS))
def infer_global_pooling(arguments: Arguments, inputs: tuple[Shape, ...]) -> Inferred:
    """[..., channels] -> [channels]."""
    rank, _, channels = take_apart(inputs, arguments)
    return Inferred(join_channels((1,) * rank, channels, arguments) if arguments["keepdims"] else (channels,))


@RULES.add(*(f"Adaptive{kind}Pooling{rank}D" for kind in ("Max", "Average") for rank in RANKS))
def infer_adaptive_pooling(arguments: Arguments, inputs: tuple[Shape, ...]) -> Inferred:
    """[..., channels] -> [*output_size, channels].

    Keras's adaptive maximum also takes windows one larger than the input holds where input or output has a single place: those
    TensorFlow refuses, or ends the process.
    """
    rank, spatial, channels = take_apart(inputs, arguments)
    sizes = arguments.per_axis("output_size", rank)
    if arguments.component.name.startswith("AdaptiveMax") and 1 in (*spatial, *sizes):
        found, wanted = ("×".join("?" if extent is None else str(extent) for extent in extents) for extents in (spatial, sizes))
        raise ShapeError(
            f"from {found} to {wanted}: TensorFlow cannot compute Keras's adaptive maximum from or to a single place",
            f"GlobalMaxPooling{rank}D with `keepdims: true` takes the maximum over all places",
        )
    return Inferred(join_channels(sizes, channels, arguments))
