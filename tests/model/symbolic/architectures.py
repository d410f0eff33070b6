"""Random layers and networks, right ones and wrong ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from dltrain.config.types import Component, LayerConfig, ModelConfig

SMALL = st.integers(1, 4)
EXTENT = st.integers(1, 9)
BOOL = st.booleans()
PADDING = st.sampled_from(["valid", "same"])
Maker = Callable[[Any, tuple[int, ...]], dict[str, Any]]


def window(draw: Any, rank: int, largest: int = 4) -> Any:
    """One number for all axes, or one for each; now and then the wrong number of them."""
    one = draw(st.integers(1, largest))
    if draw(BOOL):
        return one
    length = rank if draw(st.integers(0, 19)) else rank + 1
    return [draw(st.integers(1, largest)) for _ in range(length)]


def convolution(rank: int, *, filters: bool = True, groups: bool = False, causal: bool = False) -> Maker:
    def make(draw: Any, shape: tuple[int, ...]) -> dict[str, Any]:
        arguments: dict[str, Any] = {"kernel_size": window(draw, rank), "padding": draw(PADDING), "use_bias": draw(BOOL)}
        if filters:
            arguments["filters"] = draw(st.integers(1, 6))
        choice = draw(st.integers(0, 3))
        if choice == 1:
            arguments["strides"] = draw(st.integers(1, 3))
        elif choice == 2:
            arguments["dilation_rate"] = draw(st.integers(1, 3))
        if groups and draw(BOOL):
            arguments["groups"] = draw(st.integers(1, 3))
        if causal and not draw(st.integers(0, 4)):
            arguments["padding"] = "causal"
        return arguments

    return make


def transposed(rank: int) -> Maker:
    def make(draw: Any, shape: tuple[int, ...]) -> dict[str, Any]:
        arguments = convolution(rank)(draw, shape)
        if isinstance(arguments.get("strides"), int) and draw(BOOL):
            arguments["output_padding"] = draw(st.integers(0, 2))
        return arguments

    return make


def depthwise(rank: int, *, filters: bool) -> Maker:
    def make(draw: Any, shape: tuple[int, ...]) -> dict[str, Any]:
        arguments = convolution(rank, filters=filters)(draw, shape)
        arguments["depth_multiplier"] = draw(st.integers(1, 3))
        if arguments.get("strides", 1) != 1 or rank == 2:
            arguments.pop("dilation_rate", None)
        return arguments

    return make


def pooling(rank: int) -> Maker:
    def make(draw: Any, shape: tuple[int, ...]) -> dict[str, Any]:
        arguments: dict[str, Any] = {"pool_size": window(draw, rank), "padding": draw(PADDING)}
        if draw(BOOL):
            arguments["strides"] = window(draw, rank)
        return arguments

    return make


def recurrent(name: str) -> Maker:
    def make(draw: Any, shape: tuple[int, ...]) -> dict[str, Any]:
        arguments: dict[str, Any] = {"units": draw(SMALL), "return_sequences": draw(BOOL), "use_bias": draw(BOOL)}
        if name == "GRU":
            arguments["reset_after"] = draw(BOOL)
        return arguments

    return make


def reshape(draw: Any, shape: tuple[int, ...]) -> dict[str, Any]:
    size = 1
    for extent in shape:
        size *= extent
    target = []
    for _ in range(draw(st.integers(0, 2))):
        divisors = [n for n in range(1, size + 1) if size % n == 0]
        extent = draw(st.sampled_from(divisors)) if draw(st.integers(0, 5)) else draw(EXTENT)
        target.append(extent)
        size = max(1, size // extent)
    target.append(draw(st.sampled_from([-1, size, size + 1])))
    return {"target_shape": target}


def permute(draw: Any, shape: tuple[int, ...]) -> dict[str, Any]:
    length = len(shape) if draw(st.integers(0, 5)) else len(shape) + 1
    return {"dims": list(draw(st.permutations(range(1, length + 1))))}


def pairs(name: str, rank: int) -> Maker:
    def make(draw: Any, shape: tuple[int, ...]) -> dict[str, Any]:
        number = st.integers(0, 3)
        if rank == 1:
            return {name: draw(st.one_of(number, st.lists(number, min_size=2, max_size=2)))}
        if draw(BOOL):
            return {name: draw(number)}
        kind = draw(BOOL)
        return {name: [draw(number) if kind else draw(st.lists(number, min_size=2, max_size=2)) for _ in range(rank)]}

    return make


def axis(draw: Any, shape: tuple[int, ...]) -> int:
    """Mostly an axis that is there; never the batch, which some layers of Keras would mix."""
    if draw(st.integers(0, 5)):
        return int(draw(st.sampled_from([-1, len(shape)])))
    return int(draw(st.integers(-len(shape), len(shape) + 2).filter(bool)))


def normalization(draw: Any, shape: tuple[int, ...]) -> dict[str, Any]:
    return {"axis": axis(draw, shape), "center": draw(BOOL), "scale": draw(BOOL)}


def nothing(draw: Any, shape: tuple[int, ...]) -> dict[str, Any]:
    return {}


def fixed(**strategies: Any) -> Maker:
    return lambda draw, shape: {name: draw(strategy) for name, strategy in strategies.items()}


def wrapped(names: tuple[str, ...], **more: Any) -> Maker:
    def make(draw: Any, shape: tuple[int, ...]) -> dict[str, Any]:
        name = draw(st.sampled_from(names))
        inner = shape[1:] if name in ("Dense", "Conv2D", "Flatten", "MaxPooling2D") else shape
        component = Component("layer", name, LAYERS[name](draw, inner))
        return {"layer": component, **{key: draw(strategy) for key, strategy in more.items()}}

    return make


def shared_axes(draw: Any, shape: tuple[int, ...]) -> dict[str, Any]:
    if not shape or draw(BOOL):
        return {}
    return {"shared_axes": draw(st.lists(st.integers(1, len(shape)), min_size=1, max_size=2, unique=True))}


RATE = st.sampled_from([0.0, 0.25, 0.5])
LAYERS: dict[str, Maker] = {
    "Dense": fixed(units=st.integers(1, 12), use_bias=BOOL),
    "Embedding": fixed(input_dim=st.integers(1, 9), output_dim=SMALL),
    "Flatten": nothing,
    "Reshape": reshape,
    "Permute": permute,
    "RepeatVector": fixed(n=SMALL),
    "Dropout": fixed(rate=RATE),
    "GaussianNoise": fixed(stddev=RATE),
    "GaussianDropout": fixed(rate=RATE),
    "AlphaDropout": fixed(rate=RATE),
    "SpatialDropout1D": fixed(rate=RATE),
    "SpatialDropout2D": fixed(rate=RATE),
    "SpatialDropout3D": fixed(rate=RATE),
    "Activation": fixed(activation=st.sampled_from(["relu", "tanh", "softmax", "gelu"])),
    "ReLU": nothing,
    "LeakyReLU": nothing,
    "ELU": nothing,
    "Softmax": nothing,
    "PReLU": shared_axes,
    "Masking": nothing,
    "Identity": nothing,
    "Rescaling": fixed(scale=RATE),
    "ActivityRegularization": fixed(l1=RATE),
    "Conv1D": convolution(1, groups=True, causal=True),
    "Conv2D": convolution(2, groups=True),
    "Conv3D": convolution(3),
    "Conv1DTranspose": transposed(1),
    "Conv2DTranspose": transposed(2),
    "Conv3DTranspose": transposed(3),
    "DepthwiseConv1D": depthwise(1, filters=False),
    "DepthwiseConv2D": depthwise(2, filters=False),
    "SeparableConv1D": depthwise(1, filters=True),
    "SeparableConv2D": depthwise(2, filters=True),
    **{f"{kind}Pooling{rank}D": pooling(rank) for kind in ("Max", "Average") for rank in (1, 2, 3)},
    **{f"Global{kind}Pooling{rank}D": fixed(keepdims=BOOL) for kind in ("Max", "Average") for rank in (1, 2, 3)},
    "AdaptiveAveragePooling1D": fixed(output_size=SMALL),
    "AdaptiveMaxPooling2D": fixed(output_size=SMALL),
    "ZeroPadding1D": pairs("padding", 1),
    "ZeroPadding2D": pairs("padding", 2),
    "ZeroPadding3D": pairs("padding", 3),
    "Cropping1D": pairs("cropping", 1),
    "Cropping2D": pairs("cropping", 2),
    "Cropping3D": pairs("cropping", 3),
    "UpSampling1D": fixed(size=SMALL),
    "UpSampling2D": lambda draw, shape: {"size": window(draw, 2)},
    "UpSampling3D": lambda draw, shape: {"size": window(draw, 3)},
    "SimpleRNN": recurrent("SimpleRNN"),
    "LSTM": recurrent("LSTM"),
    "GRU": recurrent("GRU"),
    "ConvLSTM1D": convolution(1),
    "ConvLSTM2D": convolution(2),
    "Bidirectional": wrapped(("LSTM", "GRU", "SimpleRNN"), merge_mode=st.sampled_from(["concat", "sum", "ave", "mul"])),
    "TimeDistributed": wrapped(("Dense", "Conv2D", "Flatten", "MaxPooling2D")),
    "BatchNormalization": normalization,
    "LayerNormalization": normalization,
    "RMSNormalization": lambda draw, shape: {"axis": axis(draw, shape)},
    "UnitNormalization": lambda draw, shape: {"axis": axis(draw, shape)},
    "GroupNormalization": lambda draw, shape: {"groups": draw(st.sampled_from([-1, 1, 2, 3])), "axis": axis(draw, shape)},
    "Resizing": fixed(height=SMALL, width=SMALL),
    "CenterCrop": fixed(height=SMALL, width=SMALL),
    "RandomCrop": fixed(height=SMALL, width=SMALL),
    "RandomFlip": nothing,
    "RandomRotation": fixed(factor=RATE),
    "RandomZoom": fixed(height_factor=RATE),
    "RandomTranslation": fixed(height_factor=RATE, width_factor=RATE),
    "RandomContrast": fixed(factor=RATE),
    "RandomBrightness": fixed(factor=RATE),
}
# Rank of the input that a layer takes; those that are not here take any.
RANKS = {
    "RepeatVector": 1, "LSTM": 2, "GRU": 2, "SimpleRNN": 2, "Bidirectional": 2, "Resizing": 3, "CenterCrop": 3, "RandomCrop": 3,
    "RandomFlip": 3, "RandomRotation": 3, "RandomZoom": 3, "RandomTranslation": 3, "RandomContrast": 3, "RandomBrightness": 3,
    "ConvLSTM1D": 3, "ConvLSTM2D": 4, "TimeDistributed": 4,
}  # fmt: skip
RANKS |= {name: int(digit) + 1 for name in LAYERS for digit in "123" if f"{digit}D" in name and not name.startswith("ConvLSTM")}
MERGES = ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate")


@st.composite
def layers(draw: Any) -> tuple[Component, tuple[int, ...]]:
    """A layer with arguments, and a shape, mostly of the rank that it takes."""
    name = draw(st.sampled_from(sorted(LAYERS)))
    rank = RANKS.get(name) if draw(st.integers(0, 9)) else None
    shape = tuple(draw(EXTENT) for _ in range(rank or draw(st.integers(1, 4))))
    return Component("layer", name, LAYERS[name](draw, shape)), shape


@st.composite
def merges(draw: Any) -> tuple[Component, tuple[tuple[int, ...], ...]]:
    """A layer that joins inputs, mostly of shapes that go together."""
    name = draw(st.sampled_from([*MERGES, "Dot", "Attention", "AdditiveAttention"]))
    attends = name.endswith("Attention")  # with one axis less it would attend to the other rows of the batch
    rank = draw(st.integers(2 if attends else 1, 3))
    shape = [draw(st.integers(1, 5)) for _ in range(rank)]
    shapes = []
    for _ in range(2 if draw(st.integers(0, 4)) or name == "Dot" else 3):
        one = list(shape)
        if not draw(st.integers(0, 2)):
            one[draw(st.integers(0, rank - 1))] = draw(st.integers(1, 5))
        if not attends and not draw(st.integers(0, 9)):
            one = one[1:] or [2]
        shapes.append(tuple(one))
    arguments: dict[str, Any] = {}
    if name == "Concatenate":
        arguments["axis"] = draw(st.sampled_from([-1, 1, rank]))
    if name == "Dot":
        arguments["axes"] = draw(st.sampled_from([-1, 1]))
    return Component("layer", name, arguments), tuple(shapes)


@st.composite
def networks(draw: Any) -> tuple[ModelConfig, tuple[int, ...]]:
    """A picture, sequence or row of numbers, and up to eight layers behind it, with a branch now and then."""
    shape = tuple(draw(st.integers(1, 12)) for _ in range(draw(st.integers(1, 3))))
    chosen: list[LayerConfig] = []
    names: list[str] = []
    rank = len(shape)
    for index in range(draw(st.integers(1, 8))):
        path = f"model.layers.{index}"
        name = f"layer_{index}" if draw(BOOL) else None
        if len(names) > 1 and not draw(st.integers(0, 4)):
            inputs = tuple(draw(st.sampled_from(names)) for _ in range(2))
            chosen.append(
                LayerConfig(Component("layer", draw(st.sampled_from(MERGES[:1] + MERGES[-1:]))), name, inputs, path=path)
            )
        else:
            fitting = [word for word in sorted(LAYERS) if RANKS.get(word, rank) == rank]
            word = draw(st.sampled_from(fitting if draw(st.integers(0, 14)) else sorted(LAYERS)))
            chosen.append(LayerConfig(Component("layer", word, LAYERS[word](draw, shape)), name, path=path))
            if word in ("Flatten",) or word.startswith("Global"):
                rank = 1
        if name:
            names.append(name)
    return ModelConfig(tuple(chosen), output="none"), shape
