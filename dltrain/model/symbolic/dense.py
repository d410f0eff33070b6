"""Dense layers and embeddings."""

from __future__ import annotations

import re

from dltrain.model.symbolic.rule import Arguments, Inferred, Rules, Shape, ShapeError, Weight, only, show_shape

RULES = Rules()


@RULES.add("Dense")
def infer_dense(arguments: Arguments, inputs: tuple[Shape, ...]) -> Inferred:
    """[..., n] -> [..., units], by n×units weights and units biases."""
    shape = only(inputs, arguments)
    if not shape:
        raise ShapeError("Dense takes at least one number a row, found a single value", "put a Reshape before it")
    if shape[-1] is None:
        hint = "lengths that every row has, or a global pooling, which takes any"
        raise ShapeError(f"Dense takes so many numbers as are known before, found an input of shape {show_shape(shape)}", hint)
    units = arguments["units"]
    weights = [Weight((shape[-1], units)), *arguments.bias(units)]
    if arguments["lora_rank"]:
        rank = arguments["lora_rank"]
        weights[0] = Weight((shape[-1], units), trainable=False)
        weights += [Weight((shape[-1], rank)), Weight((rank, units))]
    return Inferred((*shape[:-1], units), tuple(weights))


@RULES.add("Embedding")
def infer_embedding(arguments: Arguments, inputs: tuple[Shape, ...]) -> Inferred:
    """Indices [...] -> [..., output_dim]."""
    shape = only(inputs, arguments)
    size = (arguments["input_dim"], arguments["output_dim"])
    if arguments["lora_rank"]:
        rank = arguments["lora_rank"]
        weights = (Weight(size, trainable=False), Weight((size[0], rank)), Weight((rank, size[1])))
        return Inferred((*shape, size[1]), weights)
    return Inferred((*shape, size[1]), (Weight(size),))


@RULES.add("EinsumDense")
def infer_einsum_dense(arguments: Arguments, inputs: tuple[Shape, ...]) -> Inferred:
    """As its equation says, such as `bn,nk->bnk`; an ellipsis is not followed."""
    shape = only(inputs, arguments)
    equation = str(arguments["equation"]).replace(" ", "")
    terms = re.fullmatch(r"([a-zA-Z]+),([a-zA-Z]+)->([a-zA-Z]+)", equation)
    if terms is None and "..." not in equation:
        raise ShapeError(f"the equation {equation} is none", "input, weights and output, such as `ab,bc->ac`")
    if terms is None:
        return Inferred(None, None, "check does not follow the equation of this EinsumDense")
    incoming, kernel, outgoing = terms.groups()
    if len(incoming) != len(shape) + 1:
        message = f"the equation {equation} takes {len(incoming) - 1} axes beside the batch, found an input of shape"
        raise ShapeError(f"{message} {show_shape(shape)}")
    given = arguments["output_shape"]
    wanted = [given] if isinstance(given, int) else list(given)
    if len(wanted) != len(outgoing) - 1:
        raise ShapeError(
            f"the equation {equation} puts out {len(outgoing) - 1} axes beside the batch, output_shape has {len(wanted)}"
        )
    before, after = dict(zip(incoming, (None, *shape))), dict(zip(outgoing, (None, *wanted)))
    for letter, length in after.items():
        there = before.get(letter)
        if length is not None and there is not None and length != there:
            raise ShapeError(f"the axis {letter} has a length of {there} in the input and of {length} in output_shape")
        if length is None and letter in kernel:
            raise ShapeError(f"output_shape must say the length of the axis {letter}, which the weights have as well")
    weights = [Weight(tuple(after[letter] if letter in after else before.get(letter) for letter in kernel))]
    axes = arguments["bias_axes"]
    if axes:
        if stray := sorted(set(axes) - set(outgoing[1:])):
            message = f"bias_axes {axes} names {', '.join(stray)}, which the equation {equation} does not put out"
            raise ShapeError(message, f"letters of {outgoing[1:]}")
        first = min(outgoing.index(letter) for letter in axes)
        lengths = [after[letter] if after[letter] is not None else before.get(letter) for letter in outgoing[first:]]
        weights.append(Weight(tuple(n if letter in axes else 1 for letter, n in zip(outgoing[first:], lengths))))
    # A length that output_shape leaves open stays so for the layers behind it, whatever comes in.
    return Inferred(tuple(list(after.values())[1:]), tuple(weights))
