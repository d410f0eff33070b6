"""Recurrent layers, and the wrappers that run a layer both ways or at each step."""

from __future__ import annotations

from dltrain.model.symbolic.convolution import WHAT, join_channels, slide_all, split_channels
from dltrain.model.symbolic.rule import Arguments, Inferred, Rules, Shape, ShapeError, Weight, of_rank, only

RULES = Rules()
SEQUENCES = "sequences [steps, features]"
SEVERAL_OUTPUTS = "it gives its state as well, so what follows is not known"


def _recurrent(arguments: Arguments, inputs: tuple[Shape, ...], gates: int, bias: tuple[int, ...]) -> Inferred:
    shape = of_rank(only(inputs, arguments), 2, arguments, SEQUENCES)
    if arguments["stateful"]:
        raise ShapeError(
            "stateful needs a batch of a fixed size, which the last batch of an epoch may not have", "leave `stateful` out"
        )
    units = arguments["units"]
    weights = [Weight((shape[1], gates * units)), Weight((units, gates * units))]
    if arguments["use_bias"]:
        weights.append(Weight(bias))
    output: Shape = (shape[0], units) if arguments["return_sequences"] else (units,)
    if arguments["return_state"]:
        return Inferred(None, tuple(weights), SEVERAL_OUTPUTS)
    return Inferred(output, tuple(weights))


@RULES.add("SimpleRNN")
def infer_simple_rnn(arguments: Arguments, inputs: tuple[Shape, ...]) -> Inferred:
    """[steps, features] -> [units], or [steps, units] with return_sequences."""
    return _recurrent(arguments, inputs, 1, (arguments["units"],))


@RULES.add("LSTM")
def infer_lstm(arguments: Arguments, inputs: tuple[Shape, ...]) -> Inferred:
    """Four gates (Hochreiter and Schmidhuber 1997)."""
    return _recurrent(arguments, inputs, 4, (4 * arguments["units"],))


@RULES.add("GRU")
def infer_gru(arguments: Arguments, inputs: tuple[Shape, ...]) -> Inferred:
    """Three gates (Cho et al. 2014), two biases each with reset_after."""
    units = arguments["units"]
    return _recurrent(arguments, inputs, 3, (2, 3 * units) if arguments["reset_after"] else (3 * units,))


@RULES.add("ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D")
def infer_convolutional_lstm(arguments: Arguments, inputs: tuple[Shape, ...]) -> Inferred:
    """An LSTM whose four gates are convolutions (Shi et al. 2015): [steps, ..., channels]."""
    rank = int(arguments.component.name[-2])
    shape = of_rank(only(inputs, arguments), rank + 2, arguments, f"steps of {WHAT[rank]}")
    spatial, channels = split_channels(shape[1:], arguments)
    kernel, filters = arguments.per_axis("kernel_size", rank), arguments["filters"]
    strides, dilation = arguments.per_axis("strides", rank), arguments.per_axis("dilation_rate", rank)
    if max(strides) > 1 and max(dilation) > 1:
        raise ShapeError("strides above 1 and dilation_rate above 1 exclude each other")
    if arguments["stateful"]:
        raise ShapeError(
            "stateful needs a batch of a fixed size, which the last batch of an epoch may not have", "leave `stateful` out"
        )
    windows = [step * (size - 1) + 1 for size, step in zip(kernel, dilation, strict=True)]
    state = join_channels(slide_all(spatial, windows, strides, arguments, "kernel"), filters, arguments)
    weights = [Weight((*kernel, channels, 4 * filters)), Weight((*kernel, filters, 4 * filters))]
    if arguments["use_bias"]:
        weights.append(Weight((4 * filters,)))
    if arguments["return_state"]:
        return Inferred(None, tuple(weights), SEVERAL_OUTPUTS)
    return Inferred((shape[0], *state) if arguments["return_sequences"] else state, tuple(weights))
