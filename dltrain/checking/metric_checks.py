"""Losses and metrics against what the targets are and how they are encoded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from dltrain.checking.places import fault
from dltrain.config.catalog.metrics import metric_name
from dltrain.config.types import Component, Config, TrainingConfig
from dltrain.data.facts import DataFacts
from dltrain.errors import Fault
from dltrain.model.heads.head import CLASS_METRICS, INDEX_METRICS, ONE_CLASS_METRICS, Head, is_one_hot, metrics_of
from dltrain.model.heads.loss_rules import NOT_OF_A_LABEL
from dltrain.model.heads.pixel_targets import REGION_LOSSES
from dltrain.model.heads.quantiles import no_metrics_fault
from dltrain.model.heads.reconstruction import ending_activation

# What they make of a target below zero, or near it, has no meaning; a standardized one is there half of the time.
_OWN_UNITS = {
    "Poisson": "counts",
    "MeanSquaredLogarithmicError": "the logarithms of numbers",
    "MeanAbsolutePercentageError": "shares of numbers",
}
_POSITIVE_OUTPUT = "let the output be positive: `model.output: {Dense: {units: 1, activation: exponential}}`"
_ALONG_A_ROW = {"PearsonCorrelation", "ConcordanceCorrelation", "CosineSimilarity"}
# Metrics of the largest output of a row, or of all as shares of their sum: of one output that is always the same.
_OF_SEVERAL_OUTPUTS = {
    "CategoricalAccuracy": "accuracy",
    "TopKCategoricalAccuracy": "accuracy",
    "CategoricalCrossentropy": "BinaryCrossentropy",
    "CategoricalFocalCrossentropy": "BinaryFocalCrossentropy",
}
# Cross-entropies that Keras computes of what went into the output's activation, whichever of these it is.
_OF_SUMS = {
    "BinaryCrossentropy": "sigmoid",
    "BinaryFocalCrossentropy": "sigmoid",
    "CategoricalCrossentropy": "softmax",
    "SparseCategoricalCrossentropy": "softmax",
}
_TOP_K, TOP_K = {"TopKCategoricalAccuracy", "SparseTopKCategoricalAccuracy"}, 5
_NUM_CLASSES = {"IoU", "MeanIoU", "OneHotIoU", "OneHotMeanIoU"}


def check_losses(config: Config, training: TrainingConfig, facts: DataFacts, heads: Sequence[Head]) -> Iterator[Fault]:
    """Losses of numbers that a standardized target does not fit, and what the loss of quantiles excludes."""
    del facts
    if any(head.tells_quantiles for head in heads):
        if training.metrics:
            found = no_metrics_fault()
            yield fault(config, "training.metrics", found.message, found.hint)
        if training.checkpoint.format == "keras":
            message = "a .keras file of quantiles names their loss, which plain Keras does not know"
            yield fault(config, "training.checkpoint.format", message, "format: h5")
    for head in heads:
        what = _OWN_UNITS.get(head.loss.like)
        if head.loss.like == "Poisson" and head.layers and head.layers[-1].component.arguments.get("activation") is None:
            message = (
                "Poisson takes the logarithm of the output, which is linear: below zero there is none, and training diverges"
            )
            yield fault(config, "training.loss", message, _POSITIVE_OUTPUT, warning=True)
        if head.loss.like in REGION_LOSSES and head.units > 1 and not head.is_multilabel:
            yield from _check_region_loss(config, head)
        yield from _check_loss_of_classes(config, training, head)
        if what is None or head.task != "regression" or not config.data.scale_target:
            continue
        words = {"log": "a logarithm", "quantile": "put into the shape of a normal distribution"}
        how = words.get(str(config.data.scale_target), "standardized")
        path = f"training.loss.{head.targets[0].name}" if isinstance(training.loss, Mapping) else "training.loss"
        message = f"{head.loss.name} compares {what}, but the target {head.targets[0].name!r} is {how} inside"
        hint = "say `data.scale_target: false`"
        if head.loss.name == "Poisson":
            hint += f", and {_POSITIVE_OUTPUT}"
        yield fault(config, path, message, hint)


def _check_region_loss(config: Config, head: Head) -> Iterator[Fault]:
    name = head.loss.name
    if head.loss.arguments.get("axis") is None:
        message = f"{name} without an axis takes all {head.units} classes together: the most frequent outweighs the others"
        hint = f"`{name}: {{axis: {[0, 1, 2] if head.is_mask else 0}}}` is the mean over the classes"
        yield fault(config, "training.loss", message, hint, warning=True)


def _check_loss_of_classes(config: Config, training: TrainingConfig, head: Head) -> Iterator[Fault]:
    """Losses that a class as 0 and 1, or one of a softmax, does not fit."""
    if not head.targets[0].is_one_of_classes:
        return
    name, message = head.loss.name, ""
    if head.loss.like == "MeanAbsolutePercentageError":
        message = f"{name} divides by the target, which is 0 for the classes that a row does not have: the loss is millions"
    elif head.loss.like in ("BinaryCrossentropy", "BinaryFocalCrossentropy") and head.units > 1:
        message = f"{name} takes each of the {head.units} classes for a label by itself, while a row has one of them"
    other = _other_activation(config, head.loss, head)
    if other:
        message = f"{message}; and {other}" if message else f"{name}: {other}"
    if message:
        path = f"training.loss.{head.targets[0].name}" if isinstance(training.loss, Mapping) else "training.loss"
        yield fault(config, path, message, "leave it out: the loss follows from the task", warning=True)


def _other_activation(config: Config, measure: Component, head: Head) -> str:
    """What Keras makes of a cross-entropy behind an activation that is not its own, in words; empty where it is."""
    made_by = ending_activation(head.layers or config.model.layers)
    own = _OF_SUMS.get(measure.like)
    if own is None or head.units == 1 or made_by == own or made_by not in _OF_SUMS.values():
        return ""
    return f"Keras computes it as if {own} had made the outputs, which {made_by} makes: that is of other probabilities"


def check_metrics(config: Config, training: TrainingConfig, facts: DataFacts, heads: Sequence[Head]) -> Iterator[Fault]:
    """Metrics that cannot be computed for any target, or say nothing of it."""
    del facts
    for index, metric in enumerate(training.metrics):
        path = f"training.metrics.{index}"
        if metric.name in NOT_OF_A_LABEL:
            message = f"{metric.name} is a loss for {NOT_OF_A_LABEL[metric.name]}; a target has one value a row"
            yield fault(config, path, message, "leave it out")
            continue
        if heads and heads[0].is_multilabel:
            yield from _check_metric_of_labels(config, path, metric)
            continue
        if heads and metric.like in CLASS_METRICS and not any(head.targets[0].is_one_of_classes for head in heads):
            message = f"{metric.name} is a metric for classes, but the target {heads[0].targets[0].name!r} is a number"
            if heads[0].is_reconstruction:
                message = f"{metric.name} is a metric for classes, but the input is reconstructed"
            hint = "use mean_absolute_error or root_mean_squared_error, or set `data.task: classification`"
            # Keras computes the others, whatever they mean then.
            yield fault(config, path, message, hint, warning=metric.like not in {"accuracy", *INDEX_METRICS})
            continue
        for head in heads:
            if metrics_of(head, [metric], alone=len(heads) == 1):
                yield from _check_metric(config, path, metric, head)


def _check_metric_of_labels(config: Config, path: str, metric: Component) -> Iterator[Fault]:
    """Metrics that say nothing where a row may have several labels, or none."""
    if metric.like in ONE_CLASS_METRICS:
        message = f"{metric.name} asks for the one class of a row; these rows have several labels, or none"
        yield fault(config, path, message, "BinaryAccuracy, AUC, Precision, Recall, F1Score look at each label")
    elif metric.name in _OWN_UNITS:
        message = f"{metric.name} compares {_OWN_UNITS[metric.name]}; a label is there or not"
        yield fault(config, path, message, "BinaryCrossentropy compares probabilities")
    elif metric.name in _ALONG_A_ROW and metric.arguments.get("axis", -1) == -1:
        message = f"{metric.name} goes along the labels of a row, and is no number where a row has none of them, or all"
        yield fault(config, path, message, "`axis: 0` goes along the rows of a batch")


def _check_metric(config: Config, path: str, metric: Component, head: Head) -> Iterator[Fault]:
    name, loss, classes = metric.like, head.loss.name, head.classes
    if is_one_hot(metric) and head.encoding == "index":
        message = f"{name} compares with one-hot targets, but for {loss} a class is its index"
        yield fault(config, path, message, "say `training.loss: categorical_crossentropy`")
    if name in INDEX_METRICS and not head.is_mask and head.encoding in ("one_hot", "binary"):
        message = f"{name} compares with the class's index, but for {loss} a class is "
        message += "0 or 1" if head.encoding == "binary" else "one-hot"
        yield fault(config, path, message, f"`{name.removeprefix('Sparse')}` or `accuracy`")
    if name in _NUM_CLASSES and head.encoding == "binary" and not head.is_mask:
        yield fault(config, path, f"{name} compares the indices of classes, but the output is one probability", "`BinaryIoU`")
    elif name in _NUM_CLASSES and metric.arguments.get("num_classes", len(classes)) != len(classes):
        message = (
            f"{name} of {metric.arguments['num_classes']} classes, but the target {head.targets[0].name!r} has {len(classes)}"
        )
        yield fault(config, path, message, f"`num_classes: {len(classes)}`")
    if name in _TOP_K and head.classes and not head.is_mask and metric.arguments.get("k", TOP_K) >= len(head.classes) > 1:
        message = (
            f"of {len(head.classes)} classes the right one is always among {metric.arguments.get('k', TOP_K)}: it says nothing"
        )
        hint = f"`k: {len(head.classes) - 1}`" if len(head.classes) > 2 else "`accuracy`"
        yield fault(config, path, message, hint, warning=True)
    other = _other_activation(config, metric, head)
    if other:
        hint = "leave it out" if head.is_mask else "leave it out: `log_loss` is measured in any case"
        yield fault(config, path, f"{name}: {other} than the model's", hint)
    if name in _OF_SEVERAL_OUTPUTS and head.encoding == "binary" and head.units == 1:
        message = f"{name} compares the outputs of a row, of which there is one: it says nothing"
        yield fault(config, path, message, f"`{_OF_SEVERAL_OUTPUTS[name]}`", warning=True)
    if name in _ALONG_A_ROW and head.units == 1 and metric.arguments.get("axis", -1) == -1:
        message = f"{name} goes along the outputs of a row, of which there is one: it says nothing"
        yield fault(config, path, message, "`axis: 0` goes along the rows of a batch", warning=True)


def history_names(training: TrainingConfig, heads: Sequence[Head]) -> list[str] | None:
    """The history's columns without those of validation, as Keras names them; None where the outputs are not known."""
    if not heads:
        return None
    if len(heads) == 1:
        return ["loss", *_metric_names(training, heads[0], alone=True), "learning_rate"]
    losses = [f"{head.name}_loss" for head in heads]
    metrics = [f"{head.name}_{name}" for head in heads for name in _metric_names(training, head, alone=False)]
    return ["loss", *losses, *metrics, "learning_rate"]


def _metric_names(training: TrainingConfig, head: Head, *, alone: bool) -> list[str]:
    names = [metric_name(metric) for metric in metrics_of(head, training.metrics, alone=alone)]
    if head.targets[0].is_one_of_classes and "accuracy" not in names:
        names.insert(0, "accuracy")
    if not names and not head.tells_quantiles:  # of several labels `metrics_of` has named one
        names.append("mean_absolute_error")
    return names
