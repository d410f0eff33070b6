"""Convolutions: plain, transposed, depthwise, separable."""

from __future__ import annotations

from collections.abc import Sequence

from dltrain.model.symbolic.rule import Arguments, Inferred, Rules, Shape, ShapeError, Weight, of_rank, only

RULES = Rules()
WHAT = {1: "sequences [length, channels]", 2: "pictures [height, width, channels]", 3: "volumes [depth, height, width, channels]"}


def rank_of(arguments: Arguments) -> int:
    """How many axes the layer's window moves along: the digit in its name."""
    return int(next(letter for letter in arguments.component.name if letter.isdigit()))


def split_channels(shape: Shape, arguments: Arguments) -> tuple[Shape, int | None]:
    """(extents that the window moves along, channels)."""
    return (shape[1:], shape[0]) if arguments.channels_first else (shape[:-1], shape[-1])


def take_apart(inputs: tuple[Shape, ...], arguments: Arguments) -> tuple[int, Shape, int | None]:
    """How many axes the window moves along, their extents, and the channels of a layer's one input."""
    rank = rank_of(arguments)
    return rank, *split_channels(of_rank(only(inputs, arguments), rank + 1, arguments, WHAT[rank]), arguments)


def join_channels(spatial: Sequence[int | None], channels: int | None, arguments: Arguments) -> Shape:
    """A shape of spatial extents and channels, in the order of `data_format`."""
    return (channels, *spatial) if arguments.channels_first else (*spatial, channels)


def slide(extent: int | None, window: int, stride: int, padding: str) -> int | None:
    """How many places a window of `window` has along an extent; 0 where it does not fit."""
    if extent is None:
        return None
    if padding == "valid":
        return (extent - window) // stride + 1 if window <= extent else 0
    return (extent - 1) // stride + 1


def slide_all(
    spatial: Shape, windows: Sequence[int], strides: Sequence[int], arguments: Arguments, word: str
) -> list[int | None]:
    """`slide` along each axis.

    Raises:
        ShapeError: the window is larger than the input.
    """
    padding = arguments["padding"]
    places = [slide(extent, window, stride, padding) for extent, window, stride in zip(spatial, windows, strides, strict=True)]
    if any(place is not None and place <= 0 for place in places):
        size, found = "×".join(map(str, windows)), "×".join("?" if extent is None else str(extent) for extent in spatial)
        raise ShapeError(
            f"the {word} {size} is larger than the input {found}",
            f"make the {word} smaller, say `padding: same`, or take out a layer before it that shrinks its input",
        )
    return places


def windows_of(arguments: Arguments, rank: int) -> tuple[tuple[int, ...], tuple[int, ...], list[int]]:
    """Kernel, strides, and the kernel spread out by its dilation.

    Raises:
        ShapeError: they are not as many numbers as there are axes.
    """
    kernel, strides = arguments.per_axis("kernel_size", rank), arguments.per_axis("strides", rank)
    dilation = arguments.per_axis("dilation_rate", rank)
    return kernel, strides, [step * (size - 1) + 1 for size, step in zip(kernel, dilation, strict=True)]


def refuse_strides_and_dilation(arguments: Arguments, strides: Sequence[int]) -> None:
    """Raise ShapeError where both are above 1, which Keras does not take."""
    dilation = arguments["dilation_rate"]
    if max(strides) > 1 and (dilation > 1 if isinstance(dilation, int) else max(dilation) > 1):
        raise ShapeError("strides above 1 and dilation_rate above 1 exclude each other")


@RULES.add("Conv1D", "Conv2D", "Conv3D")
def infer_convolution(arguments: Arguments, inputs: tuple[Shape, ...]) -> Inferred:
    """[..., channels] -> [..., filters]."""
    rank, spatial, channels = take_apart(inputs, arguments)
    kernel, strides, windows = windows_of(arguments, rank)
    refuse_strides_and_dilation(arguments, strides)
    filters, groups = arguments["filters"], arguments["groups"]
    if groups < 1:
        raise ShapeError(f"groups is at least 1, found {groups}")
    if filters % groups or (channels is not None and channels % groups):
        raise ShapeError(
            f"{groups} groups must divide the {channels} channels that come in and the {filters} filters",
            "take a divisor of both",
        )
    places = slide_all(spatial, windows, strides, arguments, "kernel")
    weights = (Weight((*kernel, None if channels is None else channels // groups, filters)), *arguments.bias(filters))
    return Inferred(join_channels(places, filters, arguments), weights)


@RULES.add("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose")
def infer_transposed_convolution(arguments: Arguments, inputs: tuple[Shape, ...]) -> Inferred:
    """[..., channels] -> [..., filters], each extent grown by its stride."""
    rank, spatial, channels = take_apart(inputs, arguments)
    kernel, strides, windows = windows_of(arguments, rank)
    refuse_strides_and_dilation(arguments, strides)
    more: tuple[int | None, ...] = (None,) * rank
    if arguments["output_padding"] is not None:
        more = arguments.per_axis("output_padding", rank, lowest=0)
        if any(extra is not None and extra >= stride for extra, stride in zip(more, strides, strict=True)):
            raise ShapeError(f"output_padding must be smaller than strides, found {list(more)} for strides {list(strides)}")
    grown = [
        _grow(extent, window, stride, extra, arguments["padding"])
        for extent, window, stride, extra in zip(spatial, windows, strides, more, strict=True)
    ]
    filters = arguments["filters"]
    weights = (Weight((*kernel, filters, channels)), *arguments.bias(filters))
    return Inferred(join_channels(grown, filters, arguments), weights)


def _grow(extent: int | None, window: int, stride: int, extra: int | None, padding: str) -> int | None:
    if extent is None:
        return None
    if padding == "valid":
        return (extent - 1) * stride + window + (max(window, stride) - window if extra is None else extra)
    return extent * stride if extra is None else (extent - 1) * stride + window % 2 + extra


@RULES.add("DepthwiseConv1D", "DepthwiseConv2D")
def infer_depthwise_convolution(arguments: Arguments, inputs: tuple[Shape, ...]) -> Inferred:
    """[..., channels] -> [..., channels·depth_multiplier]."""
    places, kernel, channels = _by_channel(arguments, inputs)
    return Inferred(join_channels(places, channels, arguments), (kernel, *arguments.bias(channels)))


@RULES.add("SeparableConv1D", "SeparableConv2D")
def infer_separable_convolution(arguments: Arguments, inputs: tuple[Shape, ...]) -> Inferred:
    """A depthwise convolution, then one of size 1 that mixes the channels."""
    if arguments["padding"] == "causal":
        raise ShapeError("SeparableConv1D takes the padding valid or same, found causal")
    places, kernel, channels = _by_channel(arguments, inputs)
    filters = arguments["filters"]
    weights = (kernel, Weight((*(1,) * len(places), channels, filters)), *arguments.bias(filters))
    return Inferred(join_channels(places, filters, arguments), weights)


@RULES.add("STFTSpectrogram")
def infer_spectrogram(arguments: Arguments, inputs: tuple[Shape, ...]) -> Inferred:
    """Frequencies of frames of a signal, by a convolution that is not trained."""
    shape, frame = of_rank(only(inputs, arguments), 2, arguments, WHAT[1]), arguments["frame_length"]
    steps, (step, size, window) = (
        shape[int(arguments.channels_first)],
        (arguments[name] for name in ("frame_step", "fft_length", "window")),
    )
    if steps is not None and steps < frame and arguments["padding"] == "valid":
        raise ShapeError(f"frames of {frame} are longer than the {steps} steps that come in", "a smaller frame_length")
    if step is not None and step > frame:
        raise ShapeError(f"frame_step {step} is more than frame_length {frame}: what lies between the frames would be lost")
    if size is not None and size < frame:
        raise ShapeError(f"fft_length {size} is less than frame_length {frame}", f"at least {frame}")
    if isinstance(window, list | tuple) and len(window) != frame:
        raise ShapeError(f"window takes {frame} numbers, one for each step of a frame, found {len(window)}")
    return Inferred(None, None, "check does not know what STFTSpectrogram does to a shape")


@RULES.add("MelSpectrogram")
def infer_mel_spectrogram(arguments: Arguments, inputs: tuple[Shape, ...]) -> Inferred:
    """[samples] -> [num_mel_bins, frames]."""
    [samples] = of_rank(only(inputs, arguments), 1, arguments, "a row of samples")
    size, stride = arguments["fft_length"], arguments["sequence_stride"]
    if (length := arguments["sequence_length"]) is not None and length > size:
        raise ShapeError(f"sequence_length {length} is more than fft_length {size}", f"at most {size}")
    if samples is not None and samples <= size // 2:
        raise ShapeError(f"an fft_length of {size} takes more than {size // 2} samples, found {samples}", "a smaller fft_length")
    frames = None if samples is None else (samples + stride + 1) // stride
    return Inferred((arguments["num_mel_bins"], frames))


def _by_channel(arguments: Arguments, inputs: tuple[Shape, ...]) -> tuple[list[int | None], Weight, int | None]:
    """Of a convolution of each channel by itself: places of its window, kernel, channels that come out."""
    rank, spatial, channels = take_apart(inputs, arguments)
    kernel, strides, windows = windows_of(arguments, rank)
    multiplier = arguments["depth_multiplier"]
    places = slide_all(spatial, windows, strides, arguments, "kernel")
    return places, Weight((*kernel, channels, multiplier)), None if channels is None else channels * multiplier
