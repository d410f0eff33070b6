"""Losses against targets: which ones go together, and how each wants its target."""

from __future__ import annotations

from dataclasses import replace

from dltrain.config.types import Component, fault_at
from dltrain.data.dataset import TargetSpec
from dltrain.errors import ConfigError
from dltrain.model.heads.head import MARGIN_LOSSES

# How each loss wants a class: one number 0 or 1 per unit ("binary"), an index ("index"), or one-hot ("one_hot").
INDEX_LOSSES = {"SparseCategoricalCrossentropy", "CategoricalGeneralizedCrossEntropy"}
ONE_HOT_LOSSES = {"CategoricalCrossentropy", "CategoricalFocalCrossentropy", "CategoricalHinge", "KLDivergence"}
NOT_OF_A_LABEL = {
    "CTC": "sequences of labels, one after the other without their places",
    "Circle": "embeddings, compared with one another",
}
# Of several labels: those that compare each by itself.
_LABEL_LOSSES = ("BinaryCrossentropy", "BinaryFocalCrossentropy", "MeanSquaredError", "MeanAbsoluteError", "Dice", "Tversky")
# Losses of classes that are given as -1 and 1, or of regions that overlap.
_OVERLAPS_AND_MARGINS = {*MARGIN_LOSSES, "Dice", "Tversky"}
_LOGIT_LOSSES = {
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "SparseCategoricalCrossentropy",
}


def checked_loss(loss: Component | None, target: TargetSpec, units: int, logits: bool, *, one_hot: bool) -> Component:
    """The loss to use, with `from_logits` set where it must be.

    Args:
        loss: as given; None: the usual one of the target.
        target: what is to be told; the first of several numbers.
        units: of the output.
        logits: the output leaves its activation out.
        one_hot: some metric wants classes one-hot.

    Raises:
        ConfigError: it contradicts output or target.
    """
    if loss is None:
        if not target.is_one_of_classes and not target.is_multilabel:
            return Component("loss", "MeanSquaredError")
        if target.is_multilabel:
            return Component("loss", "BinaryCrossentropy", {"from_logits": True} if logits else {})
        many = "CategoricalCrossentropy" if one_hot else "SparseCategoricalCrossentropy"
        name = "BinaryCrossentropy" if units == 1 else many
        return Component("loss", name, {"from_logits": True} if logits else {})
    if loss.like in NOT_OF_A_LABEL:
        message = f"{loss.name} is a loss for {NOT_OF_A_LABEL[loss.like]}; {target.name!r} has one value a row"
        raise ConfigError(
            fault_at(loss.place, message, path="training.loss", hint="leave it out: the loss follows from the task")
        )
    if target.is_multilabel and loss.own is None and loss.name not in _LABEL_LOSSES:
        message = f"{loss.name} is no loss for rows of several labels, each of which is there or not"
        hint = f"use BinaryCrossentropy, or one of {', '.join(_LABEL_LOSSES[1:])}"
        raise ConfigError(fault_at(loss.place, message, path="training.loss", hint=hint))
    classifies = loss.like in INDEX_LOSSES | ONE_HOT_LOSSES | _LOGIT_LOSSES
    if loss.like == "CosineSimilarity" and units == 1:
        message = f"{loss.name} compares directions of several outputs; of one number there is its sign alone"
        hint = f"use {'BinaryCrossentropy' if target.is_one_of_classes else 'MeanSquaredError or MeanAbsoluteError'}"
        raise ConfigError(fault_at(loss.place, message, path="training.loss", hint=hint))
    if target.task == "regression" and (classifies or loss.like in _OVERLAPS_AND_MARGINS):
        message = f"{loss.name} is a loss for classes, but {target.name!r} is a number"
        hint = "use MeanSquaredError or MeanAbsoluteError, or set `data.task: classification`"
        raise ConfigError(fault_at(loss.place, message, path="training.loss", hint=hint))
    if target.is_one_of_classes and units == 1 and loss.like in INDEX_LOSSES | ONE_HOT_LOSSES:
        message = f"{loss.name} needs one unit for each of the {len(target.classes)} classes, but the output has 1"
        hint = "use BinaryCrossentropy, or as many softmax units as there are classes"
        raise ConfigError(fault_at(loss.place, message, path="training.loss", hint=hint))
    if logits and loss.like in _LOGIT_LOSSES:
        return replace(loss, arguments={**loss.arguments, "from_logits": True})
    return loss


def encoding_of(loss: str, target: TargetSpec, units: int) -> str:
    """How the target is given to a loss: the `encoding` of its head."""
    if target.is_reconstruction:
        return "input"
    if target.task == "regression":
        return "value"
    if target.is_multilabel:
        return "labels"
    if units == 1:
        return "binary"
    return "index" if loss in INDEX_LOSSES else "one_hot"
