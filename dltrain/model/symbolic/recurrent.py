"""Recurrent layers, and the wrappers that run a layer both ways or at each step."""

from __future__ import annotations

from dltrain.model.symbolic.convolution import (
    WHAT,
    join_channels,
    refuse_strides_and_dilation,
    slide_all,
    split_channels,
    windows_of,
)
from dltrain.model.symbolic.rule import Arguments, Inferred, Rules, Shape, ShapeError, Weight, of_rank, only

RULES = Rules()
SEQUENCES = "sequences [steps, features]"
SEVERAL_OUTPUTS = "it gives its state as well, so what follows is not known"


def _recurrent(arguments: Arguments, inputs: tuple[Shape, ...], gates: int, bias: tuple[int, ...]) -> Inferred:
    shape, units = of_rank(only(inputs, arguments), 2, arguments, SEQUENCES), arguments["units"]
    weights = (Weight((shape[1], gates * units)), Weight((units, gates * units)), *arguments.bias(*bias))
    return _stepped(arguments, shape[0], (units,), weights)


def _stepped(arguments: Arguments, steps: int | None, state: Shape, weights: tuple[Weight, ...]) -> Inferred:
    """What a layer that goes through so many steps puts out: its state after each of them, or after the last."""
    if arguments["stateful"]:
        raise ShapeError(
            "stateful needs a batch of a fixed size, which the last batch of an epoch may not have", "leave `stateful` out"
        )
    if arguments["return_state"]:
        return Inferred(None, weights, SEVERAL_OUTPUTS)
    return Inferred((steps, *state) if arguments["return_sequences"] else state, weights)


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
    kernel, strides, windows = windows_of(arguments, rank)
    refuse_strides_and_dilation(arguments, strides)
    filters = arguments["filters"]
    state = join_channels(slide_all(spatial, windows, strides, arguments, "kernel"), filters, arguments)
    gates = (Weight((*kernel, channels, 4 * filters)), Weight((*kernel, filters, 4 * filters)))
    return _stepped(arguments, shape[0], state, (*gates, *arguments.bias(4 * filters)))
