"""What each word of a text is worth: how much worse a metric gets where it is taken out of all texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.data.columns.tokens import NUM_RESERVED
from dltrain.evaluation.importance.sample import Sample

MOST_TRIED = 300  # of a column
MOST_KEPT = 30
_MOST_PASSES = 50  # how often the rows as a whole may go through the model
_PADDING, _UNKNOWN = 0, 1


@dataclass(frozen=True, slots=True)
class TokenWorth:
    """One token.

    Attributes:
        code: its index.
        rows: how many rows hold it.
        value: by how much the metric gets worse without it.
        interval: of that, with a confidence of 95 %; None: too few rows.
    """

    code: int
    rows: int
    value: float
    interval: tuple[float, float] | None


def token_worths(sample: Sample, number: int) -> tuple[list[TokenWorth], int]:
    """The tokens of one input, those first that the metric loses most without.

    Rows that do not hold a token are the same without it, so only the others go through the model again.

    Args:
        sample: the rows.
        number: of the input, int32 [rows, length].

    Returns:
        At most `MOST_KEPT` tokens, those that change the metric most in either direction, and how many were tried: those of
        most rows.
    """
    codes = sample.inputs[number]
    holders = _rows_by_token(codes)
    tried = sorted(holders, key=lambda code: (-len(holders[code]), code))[:MOST_TRIED]
    passes = np.cumsum([len(holders[code]) for code in tried])
    tried = tried[: max(1, int(np.searchsorted(passes, _MOST_PASSES * len(codes), side="right")))] if tried else []
    values = {
        code: sample.sign * (sample.value(_without(sample, number, code, holders[code])) - sample.whole.value) for code in tried
    }
    kept = sorted(tried, key=lambda code: -abs(values[code]))[:MOST_KEPT]
    found = []
    for code in kept:
        drawn = sample.drawn(_without(sample, number, code, holders[code])).less(sample.whole)
        interval = drawn.interval() if sample.units is not None else None
        if interval is not None and sample.sign < 0:
            interval = (-interval[1], -interval[0])
        found.append(TokenWorth(code, len(holders[code]), values[code], interval))
    return sorted(found, key=lambda one: -one.value), len(tried)


def take_out(codes: NDArray[Any], code: int) -> NDArray[Any]:
    """Rows without a token, as if the text had never held it: what follows moves up, and no token at all is one unknown token."""
    stays = codes != code
    order = np.argsort(~stays, axis=1, kind="stable")
    found = np.take_along_axis(np.where(stays, codes, _PADDING), order, axis=1)
    found[(found == _PADDING).all(axis=1), 0] = _UNKNOWN
    return found


def _rows_by_token(codes: NDArray[Any]) -> dict[int, NDArray[np.int64]]:
    """The rows that hold a token of the vocabulary."""
    rows = np.broadcast_to(np.arange(len(codes))[:, None], codes.shape)
    pairs = np.unique(np.stack([codes.ravel().astype(np.int64), rows.ravel()]), axis=1)
    pairs = pairs[:, pairs[0] >= NUM_RESERVED]
    tokens, starts = np.unique(pairs[0], return_index=True)
    return dict(zip(tokens.tolist(), np.split(pairs[1], starts[1:]), strict=True)) if len(tokens) else {}


def _without(sample: Sample, number: int, code: int, rows: NDArray[np.int64]) -> list[NDArray[Any]]:
    """The outputs for all rows without a token."""
    inputs = [array[rows] for array in sample.inputs]
    inputs[number] = take_out(inputs[number], code)
    found = [output.copy() for output in sample.outputs]
    for whole, one in zip(found, sample.scored.forward.outputs(inputs), strict=True):
        whole[rows] = one
    return found
