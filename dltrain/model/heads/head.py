"""What a head is: the output layers, loss and encoding for one target or several; and the names and metrics that follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from dltrain.config.types import Component, LayerConfig, ModelConfig
from dltrain.data.dataset import InputSpec, TargetSpec

if TYPE_CHECKING:
    from dltrain.model.heads.answers import Answers

# Metrics that compare with a class's index; those that take it as well as a one-hot class; all others compare unit by unit.
INDEX_METRICS = {
    "SparseCategoricalAccuracy", "SparseTopKCategoricalAccuracy", "SparseCategoricalCrossentropy",
    "CategoricalGeneralizedCrossEntropy",
}  # fmt: skip

# Metrics of the one class that a row has: of several labels they say nothing.
ONE_CLASS_METRICS = INDEX_METRICS | {
    "CategoricalAccuracy", "TopKCategoricalAccuracy", "CategoricalCrossentropy", "CategoricalFocalCrossentropy", "IoU", "MeanIoU",
    "OneHotIoU", "OneHotMeanIoU",
}  # fmt: skip

# What is computed of several labels where the config names no metric: the share of labels, rows times labels, that are right.
LABEL_METRIC = Component("metric", "BinaryAccuracy")

# What is computed of masks in any case, by the name that it has in all tables.
_MASK_METRIC = Component("metric", "MeanIoU", {"name": "mean_iou"})

_EITHER_METRICS = {"accuracy", "IoU", "MeanIoU"}

# Metrics of probabilities or labels, which mean nothing for a number.
CLASS_METRICS = {
    "accuracy", "BinaryAccuracy", "CategoricalAccuracy", "SparseCategoricalAccuracy", "TopKCategoricalAccuracy",
    "SparseTopKCategoricalAccuracy", "AUC", "Precision", "Recall", "F1Score", "FBetaScore", "TruePositives", "TrueNegatives",
    "FalsePositives", "FalseNegatives", "PrecisionAtRecall", "RecallAtPrecision", "SensitivityAtSpecificity",
    "SpecificityAtSensitivity", "BinaryIoU", "IoU", "MeanIoU", "OneHotIoU", "OneHotMeanIoU", "BinaryCrossentropy",
    "CategoricalCrossentropy", "SparseCategoricalCrossentropy", "BinaryFocalCrossentropy", "CategoricalFocalCrossentropy",
    "CategoricalGeneralizedCrossEntropy",
}  # fmt: skip

# Losses of two classes that are -1 and 1.
MARGIN_LOSSES = ("Hinge", "SquaredHinge")


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the model for one target (or for several numbers that one layer predicts together).

    Attributes:
        name: the output's name: the target's, made fit for a layer name.
        targets: the targets it predicts: one, or several numbers.
        units: how many numbers it puts out for a row.
        layers: layers to add after those of the config; empty: the config's last layer is the output.
        loss: kind "loss", with `from_logits` where the output leaves its activation out.
        loss_weight: its share in the sum of losses.
        encoding: "binary", "index", "one_hot" for classes (of rows or of pixels), "labels" for several of them, "value" for
            numbers, "input" for reconstruction.
        logits: the output has no final activation although the task has one.
        reason: a sentence for the user.
        source: the layer that is the output, or that the added layers take; None: the last one of the config.
        warning: what may be meant otherwise, a sentence; None: nothing.
        answers: how its outputs become answers, found once the model is trained; None: as they are.
    """

    name: str
    targets: tuple[TargetSpec, ...]
    units: int
    layers: tuple[LayerConfig, ...]
    loss: Component
    loss_weight: float
    encoding: str
    logits: bool
    reason: str
    source: str | None = None
    warning: str | None = None
    answers: Answers | None = None

    @property
    def task(self) -> str:
        """The task of its targets."""
        return self.targets[0].task

    @property
    def is_multilabel(self) -> bool:
        """Whether a row may have several labels, or none."""
        return self.targets[0].is_multilabel

    @property
    def is_reconstruction(self) -> bool:
        """Whether the input itself is what should come out."""
        return self.targets[0].is_reconstruction

    @property
    def tells_quantiles(self) -> bool:
        """Whether it has an output for each of several quantiles of one forecast."""
        return self.targets[0].quantile is not None

    @property
    def is_mask(self) -> bool:
        """Whether each pixel of a row has a class."""
        return self.targets[0].is_mask

    @property
    def divides_two(self) -> bool:
        """Whether one probability, and a threshold of it, tells its answer: a row has one of two classes."""
        return self.task == "classification" and len(self.classes) == 2

    @property
    def is_signed(self) -> bool:
        """Whether its one output lies between -1, the first of two classes, and 1, the second, as losses of margins have it."""
        return self.encoding == "binary" and not self.logits and self.loss.name in MARGIN_LOSSES

    @property
    def divides_at_zero(self) -> bool:
        """Whether an output above 0 says yes; else it is a probability, above a half."""
        return self.logits or self.is_signed

    @property
    def classes(self) -> tuple[str, ...]:
        """Label names in index order; empty for numbers."""
        return self.targets[0].classes


def without_answers(heads: Sequence[Head]) -> tuple[Head, ...]:
    """The heads with their outputs as they are: of an ensemble's members, which nothing was fitted to."""
    return tuple(replace(head, answers=None) for head in heads)


def metrics_of(head: Head, wanted: Sequence[Component], *, alone: bool) -> list[Component]:
    """Those of the config's metrics that are computed for a target; among several targets each takes what it can."""
    if head.tells_quantiles:  # they compare one forecast with the truth
        return []
    if head.is_mask:
        named = [_MASK_METRIC if metric == Component("metric", "MeanIoU", place=metric.place) else metric for metric in wanted]
        return named if any(metric.name == "MeanIoU" for metric in wanted) else [*named, _MASK_METRIC]
    if alone:
        return list(wanted) or ([LABEL_METRIC] if head.is_multilabel else [])
    classifies = head.task == "classification"
    return [metric for metric in wanted if (metric.like in CLASS_METRICS) == classifies]


def is_one_hot(metric: Component) -> bool:
    """Whether a metric compares each unit's output with a number of its own: of k classes, with the one-hot class."""
    return metric.like not in INDEX_METRICS | _EITHER_METRICS


def is_by_target(wanted: Mapping[str, Any]) -> bool:
    """Whether `training.class_weight` names targets, each with weights of its own, rather than labels."""
    return any(not isinstance(weight, int | float) for weight in wanted.values())


def layer_name(name: str) -> str:
    """A Keras layer name for a column: Keras takes no slash, TensorFlow no blank in it."""
    return "".join(char if (char.isascii() and char.isalnum()) or char in "_-." else "_" for char in name) or "output"


def input_names(specs: Sequence[InputSpec], model: ModelConfig, heads: Sequence[Head]) -> list[str]:
    """A layer name for each input: the column's own, unless that of another input, of a layer of the config or of the output."""
    layers = [*model.layers, *(layer for head in heads for layer in head.layers)]
    taken = {"inputs", *(layer.name for layer in layers if layer.name)}
    names: list[str] = []
    for spec in specs:
        name = layer_name(spec.name)
        endings = ("", "_embedding", "_indices", "_mask", "_mean") if spec.vocabulary_size is not None else ("",)
        while any(name + ending in taken for ending in endings):
            name += "_"
        taken |= {name + ending for ending in endings}
        names.append(name)
    return names
