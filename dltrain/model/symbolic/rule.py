"""What a rule for a layer takes and gives: arguments and input shapes in, output shape and weights out."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from dltrain.config.catalog.catalog import arguments_of
from dltrain.config.types import Component

# Extents without the batch; None: an extent that is not known.
Shape = tuple[int | None, ...]


class ShapeError(Exception):
    """A layer cannot take this input.

    Args:
        message: what the layer needs and what it gets.
        hint: the next step.
    """

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Weight:
    """One array of numbers of a layer, as `layer.get_weights()` has it."""

    shape: Shape
    trainable: bool = True

    @property
    def size(self) -> int | None:
        """How many numbers; None: not known."""
        return size_of(self.shape)


@dataclass(frozen=True, slots=True)
class Inferred:
    """What is known of a layer behind a given input.

    Attributes:
        output: its shape; None: not known (or several outputs).
        weights: in the order of `layer.get_weights()`; None: not known.
        note: what is not known and why, for the user; empty: all is known.
    """

    output: Shape | None
    weights: tuple[Weight, ...] | None = ()
    note: str = ""

    @property
    def parameters(self) -> int | None:
        """Numbers in all weights; None: not known."""
        return _total(self.weights)

    @property
    def trainable(self) -> int | None:
        """The layer's parameters that training changes; None where they are not known."""
        return None if self.weights is None else _total(tuple(weight for weight in self.weights if weight.trainable))

    @property
    def arithmetic(self) -> str:
        """`784×64 + 64 = 50,240`; empty where there is nothing to count."""
        total = self.parameters
        if not self.weights or total is None:
            return ""
        terms = ["×".join(f"{extent}" for extent in weight.shape) or "1" for weight in self.weights]
        fixed = total - (self.trainable or 0)
        tail = f", {fixed:,} of them fixed" if fixed and fixed != total else ""
        written = " + ".join(terms)
        return f"{total:,}{tail}" if written == str(total) else f"{written} = {total:,}{tail}"


def _total(weights: Sequence[Weight] | None) -> int | None:
    if weights is None:
        return None
    sizes = [weight.size for weight in weights]
    return None if None in sizes else sum(size for size in sizes if size is not None)


class Arguments:
    """A component's arguments, with Keras's defaults where the config gives none."""

    def __init__(self, component: Component) -> None:
        self.component = component
        self._values = arguments_of(component)

    def __getitem__(self, name: str) -> Any:
        return self._values.get(name)

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def per_axis(self, name: str, rank: int, *, lowest: int = 1) -> tuple[int, ...]:
        """A number for each of `rank` axes; one number stands for all (Keras's `standardize_tuple`)."""
        value = self[name]
        numbers = (value,) * rank if isinstance(value, int) else tuple(value)
        if len(numbers) != rank or any(isinstance(number, bool) or not isinstance(number, int) for number in numbers):
            raise ShapeError(f"{name} takes {rank} whole number{'s' if rank > 1 else ''}, found {plain(value)}")
        if any(number < lowest for number in numbers):
            raise ShapeError(f"{name} takes numbers of at least {lowest}, found {plain(value)}")
        return numbers

    def pairs(self, name: str, rank: int) -> tuple[tuple[int, int], ...]:
        """(before, after) for each of `rank` axes: one number for all, one for each axis, or a pair for each."""
        value = self[name]
        if rank == 1:
            return (self.per_axis(name, 2, lowest=0),)  # type: ignore[return-value]
        if isinstance(value, int):
            value = [value] * rank
        if len(value) != rank:
            raise ShapeError(f"{name} takes {rank} numbers or pairs, found {plain(value)}")
        pairs = [[item, item] if isinstance(item, int) else list(item) for item in value]
        if any(len(pair) != 2 or any(not isinstance(number, int) or number < 0 for number in pair) for pair in pairs):
            raise ShapeError(f"{name} takes numbers of at least 0 or pairs of them, found {plain(value)}")
        return tuple((pair[0], pair[1]) for pair in pairs)

    def bias(self, *shape: int | None) -> tuple[Weight, ...]:
        """The bias of that shape, unless `use_bias` says that there is none."""
        return (Weight(shape),) if self["use_bias"] else ()

    @property
    def channels_first(self) -> bool:
        """Whether the channels stand before the other axes."""
        return bool(self["data_format"] == "channels_first")


Rule = Callable[[Arguments, tuple[Shape, ...]], Inferred]


@dataclass(slots=True)
class Rules:
    """Layer name -> rule."""

    by_name: dict[str, Rule] = field(default_factory=dict)

    def add(self, *names: str) -> Callable[[Rule], Rule]:
        """Decorator: the rule of these layers."""

        def remember(rule: Rule) -> Rule:
            self.by_name.update(dict.fromkeys(names, rule))
            return rule

        return remember


def size_of(shape: Sequence[int | None]) -> int | None:
    """Product of the extents; None: not known."""
    return None if None in shape else math.prod(extent for extent in shape if extent is not None)


def show_shape(shape: Shape | None) -> str:
    """`(31, 23, 1)`, with `?` for what is not known."""
    if shape is None:
        return "?"
    words = ["?" if extent is None else str(extent) for extent in shape]
    return f"({', '.join(words)}{',' if len(words) == 1 else ''})"


def only(inputs: tuple[Shape, ...], arguments: Arguments) -> Shape:
    """The one input of a layer that takes one."""
    if len(inputs) != 1:
        raise ShapeError(
            f"{arguments.component.name} takes one input, found {len(inputs)}", "join them first, such as by Concatenate"
        )
    return inputs[0]


def of_rank(shape: Shape, rank: int, arguments: Arguments, what: str) -> Shape:
    """The shape, which must have so many axes beside the batch."""
    if len(shape) != rank:
        raise ShapeError(
            f"{arguments.component.name} takes {what}, found an input of shape {show_shape(shape)}", _rank_hint(shape, rank)
        )
    return shape


def _rank_hint(shape: Shape, rank: int) -> str | None:
    if len(shape) == 1 and shape[0] is not None:
        example = "[length, channels]" if rank == 2 else "[height, width, channels]" if rank == 3 else f"{rank} extents"
        return f"put `- Reshape: {{target_shape: {example}}}` before it, if the {shape[0]} numbers have such an order"
    if rank == 1:
        return "put `- Flatten` before it"
    if rank == 2 and len(shape) == 3:
        return "it is a layer for sequences; for pictures take the 2D one, or put a Reshape before it"
    return None


def axis_of(axis: Any, shape: Shape, arguments: Arguments) -> int:
    """An axis as Keras counts it (0: the batch) as an index into the shape without the batch."""
    rank = len(shape) + 1
    if not isinstance(axis, int) or isinstance(axis, bool):
        raise ShapeError(f"axis is a whole number, found {plain(axis)}")
    if not -rank <= axis < rank:
        raise ShapeError(f"axis {axis} is out of range for an input of shape {show_shape(shape)} with its batch")
    if axis % rank == 0:
        raise ShapeError(f"axis {axis} is the batch", f"{arguments.component.name} works on the axes after it, from 1 or -1")
    return axis % rank - 1


def plain(value: Any) -> str:
    """A value of a config, as it is shown."""
    return str(list(value)) if isinstance(value, list | tuple) else str(value)
