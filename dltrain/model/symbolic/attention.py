"""Attention layers."""

from __future__ import annotations

from dltrain.model.symbolic.rule import Arguments, Inferred, Rules, Shape, ShapeError, Weight, show_shape

RULES = Rules()


@RULES.add("MultiHeadAttention")
def infer_multi_head_attention(arguments: Arguments, inputs: tuple[Shape, ...]) -> Inferred:
    """Query, value and key; one input alone attends to itself (Vaswani et al. 2017)."""
    query, value, key = _query_value_key(arguments, inputs)
    if value[:-1] != key[:-1]:
        raise ShapeError(f"value {show_shape(value)} and key {show_shape(key)} must agree in all but the last extent")
    axes = arguments["attention_axes"]
    if 0 in (axes if isinstance(axes, list | tuple) else (axes,)):
        raise ShapeError("attention_axes names the axis 0, along which the rows of a batch lie", "1 is that of the steps")
    heads, depth = arguments["num_heads"], arguments["key_dim"]
    wide = arguments["value_dim"] or depth
    given = arguments["output_shape"]
    output = (given,) if isinstance(given, int) else tuple(given) if given else (query[-1],)
    weights = _projections([(query[-1], heads, depth), (key[-1], heads, depth)], arguments)
    if arguments["use_gate"]:
        weights += _projections([(query[-1], heads, wide)], arguments)
    weights += _projections([(value[-1], heads, wide)], arguments)
    weights += [Weight((heads, wide, *output)), *arguments.bias(*output)]
    return Inferred((*query[:-1], *output), tuple(weights))


@RULES.add("GroupQueryAttention")
def infer_group_query_attention(arguments: Arguments, inputs: tuple[Shape, ...]) -> Inferred:
    """Several query heads share a key and a value head (Ainslie et al. 2023)."""
    query, value, key = _query_value_key(arguments, inputs)
    if any(len(shape) != 2 for shape in (query, value, key)):
        found = ", ".join(map(show_shape, (query, value, key)))
        raise ShapeError(f"GroupQueryAttention takes sequences [steps, features], found {found}")
    heads, shared, depth = arguments["num_query_heads"], arguments["num_key_value_heads"], arguments["head_dim"]
    if heads % shared:
        raise ShapeError(f"num_query_heads {heads} must be a multiple of num_key_value_heads {shared}")
    if arguments["use_gate"]:
        return Inferred(query, None, "the gate's parameters are not counted")
    weights = _projections([(query[-1], heads, depth), (key[-1], shared, depth), (value[-1], shared, depth)], arguments)
    weights += [Weight((heads, depth, query[-1])), *arguments.bias(query[-1])]
    return Inferred(query, tuple(weights))


@RULES.add("Attention", "AdditiveAttention")
def infer_attention(arguments: Arguments, inputs: tuple[Shape, ...]) -> Inferred:
    """[query, value] or [query, value, key]; as long as the query, as wide as the value."""
    name = arguments.component.name
    if not 2 <= len(inputs) <= 3:
        raise ShapeError(
            f"{name} takes a query and a value, and perhaps a key, found {len(inputs)} inputs", "such as `from: [query, value]`"
        )
    query, value, key = inputs if len(inputs) == 3 else (*inputs, inputs[1])
    if min(len(query), len(value), len(key)) < 2:
        raise ShapeError(f"{name} takes sequences [steps, features], found {', '.join(map(show_shape, inputs))}")
    widths = (query[-1], key[-1])
    if widths[0] != widths[1] and None not in widths and not (name == "AdditiveAttention" and 1 in widths):
        raise ShapeError(f"query {show_shape(query)} and key {show_shape(key)} must agree in the last extent")
    if value[-2] != key[-2] and None not in (value[-2], key[-2]):
        raise ShapeError(f"value {show_shape(value)} and key {show_shape(key)} must have as many steps")
    if len({len(query), len(value), len(key)}) > 1:
        raise ShapeError(f"{name} takes inputs of one rank, found {', '.join(map(show_shape, inputs))}")
    weights = []
    if arguments["use_scale"]:
        weights.append(Weight(() if name == "Attention" else (query[-1],)))
    if name == "Attention" and arguments["score_mode"] == "concat":
        weights.append(Weight(()))
    return Inferred((*query[:-1], value[-1]), tuple(weights))


def _query_value_key(arguments: Arguments, inputs: tuple[Shape, ...]) -> tuple[Shape, Shape, Shape]:
    name = arguments.component.name
    if len(inputs) > 3:
        raise ShapeError(f"{name} takes a query, a value and a key at most, found {len(inputs)} inputs")
    query = inputs[0]
    value = inputs[1] if len(inputs) > 1 else query
    key = inputs[2] if len(inputs) > 2 else value
    if min(map(len, inputs)) < 2:
        raise ShapeError(
            f"{name} takes sequences [steps, features], found {', '.join(map(show_shape, inputs))}",
            "put a Reshape or an Embedding before it",
        )
    return query, value, key


def _projections(shapes: list[Shape], arguments: Arguments) -> list[Weight]:
    return [weight for shape in shapes for weight in (Weight(shape), *arguments.bias(*shape[1:]))]
