"""Layers that leave the shape as it is: activations, dropout, noise, masks."""

from __future__ import annotations

from dltrain.model.symbolic.convolution import WHAT
from dltrain.model.symbolic.rule import Arguments, Inferred, Rules, Shape, ShapeError, Weight, of_rank, only

RULES = Rules()


@RULES.add(
    "Activation", "ReLU", "LeakyReLU", "ELU", "Softmax", "Dropout", "AlphaDropout", "GaussianDropout", "GaussianNoise",
    "ActivityRegularization", "Identity", "Masking", "Rescaling",
)  # fmt: skip
def infer_same(arguments: Arguments, inputs: tuple[Shape, ...]) -> Inferred:
    """The same shape, no weights."""
    return Inferred(only(inputs, arguments))


@RULES.add("SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D")
def infer_spatial_dropout(arguments: Arguments, inputs: tuple[Shape, ...]) -> Inferred:
    """The shape stays: SpatialDropout sets whole channels to 0."""
    rank = int(arguments.component.name[-2])
    return Inferred(of_rank(only(inputs, arguments), rank + 1, arguments, WHAT[rank]))


@RULES.add("PReLU")
def infer_parametric_relu(arguments: Arguments, inputs: tuple[Shape, ...]) -> Inferred:
    """A slope for each place, or one for all along the shared axes (He et al. 2015)."""
    shape = only(inputs, arguments)
    shared = arguments["shared_axes"]
    axes = [] if shared is None else [shared] if isinstance(shared, int) else list(shared)
    if any(not 1 <= axis <= len(shape) for axis in axes):
        raise ShapeError(f"shared_axes counts from 1 to {len(shape)} here, found {axes}")
    return Inferred(shape, (Weight(tuple(1 if index + 1 in axes else extent for index, extent in enumerate(shape))),))
