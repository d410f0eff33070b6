"""Layers that leave the shape as it is: activations, dropout, noise, masks."""

from __future__ import annotations

from dltrain.model.symbolic.convolution import WHAT
from dltrain.model.symbolic.rule import Arguments, Inferred, Rules, Shape, ShapeError, Weight, of_rank, only, plain

RULES = Rules()


@RULES.add(
    "Activation", "ReLU", "LeakyReLU", "ELU", "Softmax", "GaussianDropout", "GaussianNoise", "ActivityRegularization", "Identity",
    "Masking",
)  # fmt: skip
def infer_same(arguments: Arguments, inputs: tuple[Shape, ...]) -> Inferred:
    """The same shape, no weights."""
    return Inferred(only(inputs, arguments))


@RULES.add("Dropout", "AlphaDropout")
def infer_dropout(arguments: Arguments, inputs: tuple[Shape, ...]) -> Inferred:
    """The shape stays; `noise_shape` says along which axes all is dropped together, by a 1, the batch before the others."""
    shape, noise = only(inputs, arguments), arguments["noise_shape"]
    if noise is not None:
        fits = len(noise) == 1 + len(shape) and noise[0] in (None, 1)
        if not fits or any(one not in (None, 1, extent) for one, extent in zip(noise[1:], shape)):
            here = ", ".join(str(extent) for extent in (None, *shape)).replace("None", "null")
            raise ShapeError(
                f"noise_shape takes 1 or the length of each axis, [{here}], found {plain(noise)}", "null is the length itself"
            )
    return Inferred(shape)


@RULES.add("Rescaling")
def infer_rescaling(arguments: Arguments, inputs: tuple[Shape, ...]) -> Inferred:
    """The shape stays; several scales or offsets are one for each channel."""
    shape = only(inputs, arguments)
    for name in ("scale", "offset"):
        value = arguments[name]
        if isinstance(value, list | tuple) and len(value) not in (1, shape[-1] if shape else 1):
            raise ShapeError(f"{name} takes a number for each of the {shape[-1]} channels, or one for all, found {plain(value)}")
    return Inferred(shape)


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
