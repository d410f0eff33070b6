"""Dense layers and embeddings."""

from __future__ import annotations

from dltrain.model.symbolic.rule import Arguments, Inferred, Rules, Shape, ShapeError, Weight, only

RULES = Rules()


@RULES.add("Dense")
def infer_dense(arguments: Arguments, inputs: tuple[Shape, ...]) -> Inferred:
    """[..., n] -> [..., units], by n×units weights and units biases."""
    shape = only(inputs, arguments)
    if not shape:
        raise ShapeError("Dense takes at least one number a row, found a single value", "put a Reshape before it")
    units = arguments["units"]
    weights = [Weight((shape[-1], units))]
    if arguments["use_bias"]:
        weights.append(Weight((units,)))
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
