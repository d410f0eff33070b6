"""Numbers, sums and shapes as a trace writes them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from dltrain.model.numbers.activations import Floats

WIDTH = 80


def number(value: float) -> str:
    """Six significant digits at the most, no zeros behind them."""
    text = f"{float(value):.6g}"
    return "0" if text == "-0" else text


def factor(value: float) -> str:
    """A number behind a sign of calculation: negative ones in brackets."""
    text = number(value)
    return f"({text})" if text.startswith("-") else text


def signed(terms: Iterable[str]) -> list[str]:
    """Terms as they follow each other in a sum: `2·3`, `+ 4·5`, `- 5·5`."""
    words = []
    for index, term in enumerate(terms):
        sign = "- " if term.startswith("-") else "+ "
        words.append(term if index == 0 else sign + term.removeprefix("-"))
    return words


def wrapped(words: Sequence[str], begin: str, indent: str, gap: str = " ") -> str:
    """Words in lines of `WIDTH`, broken only between them."""
    lines, line = [], begin
    for index, word in enumerate(words):
        joined = f"{line}{gap if index and line.strip() else ''}{word}"
        if index and len(joined) > WIDTH:
            lines.append(line)
            joined = indent + word
        line = joined
    return "\n".join([*lines, line])


def products(weights: Floats, values: Floats, bias: float | None, shown: int) -> list[str]:
    """The terms of a weighted sum, those beyond the first ones together."""
    keep = len(weights) if len(weights) <= shown + 1 else shown
    words = signed(f"{number(weight)}·{factor(value)}" for weight, value in zip(weights[:keep], values[:keep]))
    if keep < len(weights):
        rest = float(np.dot(weights[keep:], values[keep:]))
        words += [f"+ [{len(weights) - keep:,} more:", f"{number(rest)}]"]
    if bias is not None:
        words += [("- " if bias < 0 else "+ ") + number(abs(bias))]
    return words


def few(values: Floats, units: int) -> str:
    """The first numbers; of many more the range."""
    keep = len(values) if len(values) <= units + 1 else units
    text = ", ".join(number(value) for value in values[:keep])
    if keep < len(values):
        text += f", … ({len(values):,} numbers from {number(values.min())} to {number(values.max())})"
    return text


def length(values: Floats) -> float:
    """The length of a vector."""
    return float(np.linalg.norm(values))


def shape_text(array: Floats | None) -> str:
    """The shape of a row of a batch, `?` where it is not known."""
    if array is None:
        return "?"
    return shape_of(array[0]) if array.ndim > 2 else str(array.shape[1]) if array.ndim == 2 else "1"


def shape_of(array: Floats) -> str:
    """The shape of an array as `3×3×1`."""
    return "×".join(map(str, array.shape)) or "1"


def places(num_inputs: int, num_units: int, units: int) -> list[tuple[int, ...]]:
    """(input, unit) of the weights that are written out: those of the first inputs and units."""
    return [(place, unit) for unit in range(min(num_units, units)) for place in range(min(num_inputs, units))]
