"""The output of an ensemble's members, which have a head each: trained on the mean of their losses, its output is their mean.

The mean of the members' losses is the loss of their mean and how far they are apart, which no label has a part in: of squared
errors the variance; of cross-entropies, whose mean is that of the log-odds, the mean of log(sum(exp(z))) less that of the mean.
Keras's own regularizers of what a layer puts out add it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dltrain.config.composed.parts import linear, part
from dltrain.config.types import Component, LayerConfig

ENTRY: Mapping[str, Any] = {
    "doc": "The mean of as many outputs as there are members, each trained by a loss of its own (arXiv 2410.24210).",
    "arguments": [["trainable", "bool", "Whether training changes its weights.", True]],
}
LAYERS = frozenset({"EinsumDense", "GlobalAveragePooling1D", "Subtract", "Add", "Activation", "Rescaling"})
# What is the mean over members beside the loss of their mean, by the loss; others are that of the mean.
_APART_OF_ERRORS = {"MeanSquaredError": 1.0, "HalfSquaredError": 0.5}
_APART_OF_LOG_ODDS = ("BinaryCrossentropy", "CategoricalCrossentropy", "SparseCategoricalCrossentropy")


def told_apart(loss: str) -> bool:
    """Whether each member is trained by a loss of its own; else by that of all members' mean."""
    return loss in _APART_OF_ERRORS or loss in _APART_OF_LOG_ODDS


def expand(arguments: Mapping[str, Any], name: str, shape: Sequence[int]) -> list[LayerConfig]:
    """[k, n] -> [units]; the arguments hold what the head asks for: units, activation, loss, weight."""
    members, width = shape
    units, activation = arguments.get("units", 1), arguments.get("activation")
    loss, weight = arguments.get("loss", ""), arguments.get("weight", 1.0)
    heads, mean = f"{name}_heads", f"{name}_mean"
    first = linear(heads, None, "bkn,kno->bko", [members, units], width)
    if loss in _APART_OF_ERRORS:
        share = weight * _APART_OF_ERRORS[loss] / (members * units)
        return [first, *_errors_apart(name, heads, mean, share)]
    several = activation == "softmax" or loss in ("CategoricalCrossentropy", "SparseCategoricalCrossentropy")
    last = part("Activation", name, activation=activation or "linear")
    if loss not in _APART_OF_LOG_ODDS:
        return [first, part("GlobalAveragePooling1D", mean), last]
    return [first, *_log_odds_apart(name, heads, mean, "log_softmax" if several else "log_sigmoid", weight / units), last]


def _errors_apart(name: str, heads: str, mean: str, share: float) -> list[LayerConfig]:
    """mean_k (z_k - y)^2 = (z - y)^2 + mean_k (z_k - z)^2, with z the mean."""
    apart, around = f"{name}_apart", f"{name}_around"
    penalty = Component("regularizer", "L2", {"l2": share})
    return [
        part("GlobalAveragePooling1D", mean, heads, keepdims=True),
        part("Subtract", apart, heads, mean, activity_regularizer=penalty),
        part("Add", around, mean, apart),
        part("GlobalAveragePooling1D", name, around),
    ]


def _log_odds_apart(name: str, heads: str, mean: str, logarithm: str, share: float) -> list[LayerConfig]:
    """How far the mean of the members' log-probabilities lies below those of the mean: the same for every class, and never above.

    It takes its place in the graph as nothing that is added to the mean.
    """
    each, of_each, of_mean, apart, nothing = (f"{name}_{word}" for word in ("each", "of_each", "of_mean", "apart", "nothing"))
    penalty = Component("regularizer", "L1", {"l1": share})
    return [
        part("GlobalAveragePooling1D", mean, heads),
        part("Activation", each, heads, activation=logarithm),
        part("GlobalAveragePooling1D", of_each, each),
        part("Activation", of_mean, mean, activation=logarithm),
        part("Subtract", apart, of_mean, of_each, activity_regularizer=penalty),
        part("Rescaling", nothing, apart, scale=0.0),
        part("Add", f"{name}_sum", mean, nothing),
    ]
