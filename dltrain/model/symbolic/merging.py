"""Layers that join branches."""

from __future__ import annotations

from dltrain.model.symbolic.rule import Arguments, Inferred, Rules, Shape, ShapeError, show_shape

RULES = Rules()


@RULES.add("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum")
def infer_elementwise(arguments: Arguments, inputs: tuple[Shape, ...]) -> Inferred:
    """Number by number; an extent of 1 stands for any, missing axes for 1."""
    name = arguments.component.name
    _at_least_two(arguments, inputs)
    if name == "Subtract" and len(inputs) != 2:
        raise ShapeError(f"Subtract takes two inputs, found {len(inputs)}")
    output = inputs[0]
    for shape in inputs[1:]:
        longer, shorter = (output, shape) if len(output) >= len(shape) else (shape, output)
        shorter = (1,) * (len(longer) - len(shorter)) + shorter
        pairs = list(zip(longer, shorter, strict=True))
        if any(None not in pair and 1 not in pair and pair[0] != pair[1] for pair in pairs):
            raise ShapeError(
                f"{name} takes inputs of equal shape, found {' and '.join(map(show_shape, inputs))}",
                "give the branches the same extents, or put them side by side with Concatenate",
            )
        output = tuple(b if a == 1 else a if b == 1 or (b is not None and a is not None) else None for a, b in pairs)
    return Inferred(output)


@RULES.add("HashedCrossing")
def infer_hashed_crossing(arguments: Arguments, inputs: tuple[Shape, ...]) -> Inferred:
    """Pairs of categories as one each."""
    if len(inputs) != 2:
        raise ShapeError(f"HashedCrossing takes two inputs, found {len(inputs)}", "such as `from: [a, b]`")
    return Inferred(None, (), "check does not know what HashedCrossing does to a shape")


@RULES.add("Concatenate")
def infer_concatenate(arguments: Arguments, inputs: tuple[Shape, ...]) -> Inferred:
    """Side by side along an axis; all other extents must agree."""
    axis = arguments["axis"]
    _at_least_two(arguments, inputs, at_least=1)
    rank = len(inputs[0])
    message = f"Concatenate takes inputs that agree in all extents but axis {axis}, found {' and '.join(map(show_shape, inputs))}"
    if any(len(shape) != rank for shape in inputs):
        raise ShapeError(message, "put `- Flatten` into the branches, or reshape them alike")
    if not isinstance(axis, int) or not -rank <= axis <= rank or axis == 0:
        raise ShapeError(
            f"axis {axis} is out of range for inputs of shape {show_shape(inputs[0])}, whose axes count from 1 or -1"
        )
    place = axis - 1 if axis > 0 else rank + axis
    for index in range(rank):
        extents = {shape[index] for shape in inputs if shape[index] is not None}
        if index != place and len(extents) > 1:
            raise ShapeError(message)
    widths = [shape[place] for shape in inputs]
    width = None if None in widths else sum(extent for extent in widths if extent is not None)
    return Inferred((*inputs[0][:place], width, *inputs[0][place + 1 :]))


@RULES.add("Dot")
def infer_dot(arguments: Arguments, inputs: tuple[Shape, ...]) -> Inferred:
    """Products summed along an axis of each of two inputs."""
    if len(inputs) != 2:
        raise ShapeError(f"Dot takes two inputs, found {len(inputs)}", "such as `from: [a, b]`")
    given = arguments["axes"]
    axes = [given, given] if isinstance(given, int) else list(given)
    if len(axes) != 2:
        raise ShapeError(f"axes takes one or two whole numbers, found {given}")
    places = []
    for axis, shape in zip(axes, inputs, strict=True):
        if not -len(shape) <= axis <= len(shape) or axis == 0:
            raise ShapeError(
                f"axis {axis} is out of range for an input of shape {show_shape(shape)}, whose axes count from 1 or -1"
            )
        places.append(axis - 1 if axis > 0 else len(shape) + axis)
    first, second = inputs
    if first[places[0]] != second[places[1]] and None not in (first[places[0]], second[places[1]]):
        raise ShapeError(f"Dot sums over extents that must be equal, found {first[places[0]]} and {second[places[1]]}")
    rest = (*first[: places[0]], *first[places[0] + 1 :], *second[: places[1]], *second[places[1] + 1 :])
    return Inferred(rest or (1,))


def _at_least_two(arguments: Arguments, inputs: tuple[Shape, ...], at_least: int = 2) -> None:
    if len(inputs) < max(2, at_least):
        name = arguments.component.name
        raise ShapeError(f"{name} takes several inputs, found one", f"name them: `{name}: {{from: [a, b]}}`")
