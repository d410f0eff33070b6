"""Optimizer, losses and metrics put on a model, as the heads need them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from dltrain.config.catalog.metrics import metric_name
from dltrain.config.durations import with_steps
from dltrain.config.types import Component, TrainingConfig
from dltrain.errors import ConfigError
from dltrain.model.build import keras_refusals, make_component
from dltrain.model.encode import EncodedPart
from dltrain.model.groups import put_groups
from dltrain.model.heads.head import Head, metrics_of
from dltrain.model.heads.own_units import measure_in_own_units
from dltrain.model.heads.pixel_targets import OF_INDICES, score_pixels
from dltrain.model.keras_import import import_keras
from dltrain.model.own_code.blame import reraise_ours
from dltrain.wording import snake_case

_THRESHOLD_METRICS = {"Precision", "Recall", "TruePositives", "TrueNegatives", "FalsePositives", "FalseNegatives"}
_ABOVE_ZERO = 1e-30  # Keras takes no threshold of 0 there
_ACCURACIES = {
    "binary": "BinaryAccuracy",
    "labels": "BinaryAccuracy",
    "index": "SparseCategoricalAccuracy",
    "one_hot": "CategoricalAccuracy",
}


def compile_model(model: Any, heads: Sequence[Head], training: TrainingConfig, *, optimizer: Any = None) -> None:
    """Compile a model for its heads.

    Losses and metrics are objects, not names: a `.h5` file compiled with names such as "mse" does not load again.
    Metrics of a scaled regression target are computed in the target's own units; its loss is that of the scaled target.

    Args:
        model: from `build_model`.
        heads: from `resolve_heads`, in the order of the model's outputs.
        training: optimizer and metrics.
        optimizer: a built one of the same variables, instead of a new one.

    Raises:
        ConfigError: Keras refuses the optimizer, a loss or a metric.
    """
    keras = import_keras()
    training = with_steps(training, None)  # what is trained knows its rows, and was given numbers of steps before
    try:
        # Names of its own: Keras would number those of a process's second model, and files would differ.
        optimizer = optimizer or make_component(keras, _named(training.optimizer))
        losses = [make_component(keras, head.loss) for head in heads]
        metrics = [metrics_of_head(keras, head, training.metrics, alone=len(heads) == 1) for head in heads]
        single = len(heads) == 1
        model.compile(
            optimizer=optimizer,
            loss=losses[0] if single else losses,
            loss_weights=None if single and heads[0].loss_weight == 1.0 else [head.loss_weight for head in heads],
            metrics=metrics[0] if single else metrics,
            jit_compile=False,
        )
        if not model.optimizer.built:
            model.optimizer.build(model.trainable_variables)  # of mixed_float16 Keras's LossScaleOptimizer, around ours
            put_groups(model, inner_optimizer(model.optimizer), training.optimizer)
    except (ValueError, TypeError) as error:
        reraise_ours(error)
        message = str(error.args[0] if error.args else error).split("\n")[0]
        raise ConfigError(f"Keras refuses the training settings: {message}", path="training") from error
    measure_in_own_units(model, heads)
    score_pixels(model, heads)


def inner_optimizer(optimizer: Any) -> Any:
    """The optimizer that changes the weights and counts the steps: of a LossScaleOptimizer the one within."""
    return getattr(optimizer, "inner_optimizer", optimizer)


def build_metrics(model: Any, part: EncodedPart) -> None:
    """Let Keras make the variables of losses and metrics before anything is compiled, saved or restored.

    Raises:
        ConfigError: a layer, the loss or a metric cannot be computed on such rows.
    """
    keras = import_keras()

    def symbolic(arrays: tuple[Any, ...]) -> Any:
        tensors = [keras.KerasTensor((None, *array.shape[1:]), dtype=str(array.dtype)) for array in arrays]
        return tensors[0] if len(tensors) == 1 else tensors

    weights = None if part.weights is None else symbolic(part.weights)
    with keras_refusals():
        model._symbolic_build(data_batch=(symbolic(part.inputs), symbolic(part.targets), weights))


def metrics_of_head(keras: Any, head: Head, wanted: Sequence[Component], *, alone: bool) -> list[Any]:
    """Keras's metrics of an output.

    Args:
        keras: the module.
        head: of the output.
        wanted: the config's metrics.
        alone: whether it is the only output.
    """
    metrics = [_metric(keras, head, component) for component in metrics_of(head, wanted, alone=alone)]
    if head.targets[0].is_one_of_classes and not any(metric.name == "accuracy" for metric in metrics):
        metrics.insert(0, _metric(keras, head, Component("metric", "accuracy")))
    if not metrics and not head.tells_quantiles:
        metrics.append(keras.metrics.MeanAbsoluteError())
    return metrics


def _metric(keras: Any, head: Head, component: Component) -> Any:
    name, arguments = component.name, dict(component.arguments)
    if name.lower() in ("accuracy", "acc"):
        if head.encoding not in _ACCURACIES:
            hint = "use mean_absolute_error or root_mean_squared_error, or set `data.task: classification`"
            raise ConfigError("accuracy is a metric for classes, but the target is a number", path="training.metrics", hint=hint)
        threshold = {"threshold": 0.0 if head.divides_at_zero else 0.5} if head.encoding in ("binary", "labels") else {}
        return getattr(keras.metrics, _ACCURACIES[head.encoding])(**{"name": "accuracy", **threshold, **arguments})
    arguments = {**_fitting(name, head), **arguments}
    if component.kind == "loss":
        return _loss_as_metric(keras, component, arguments)
    return make_component(keras, _named(replace(component, arguments=arguments)))


def _fitting(name: str, head: Head) -> dict[str, Any]:
    """Arguments of a metric that suit the outputs of a head, where the config gives none."""
    arguments: dict[str, Any] = {}
    if name == "BinaryAccuracy" and head.divides_at_zero:
        arguments["threshold"] = 0.0
    if name in _THRESHOLD_METRICS and head.divides_at_zero:
        arguments["thresholds"] = 0.0
    if name == "AUC" and head.divides_at_zero:
        arguments["from_logits"] = True
    if name in ("F1Score", "FBetaScore"):
        arguments["average"] = "macro"
        if head.units == 1 or head.is_multilabel:  # otherwise the largest output of a row is the one that is said
            arguments["threshold"] = _ABOVE_ZERO if head.divides_at_zero else 0.5
    if name in OF_INDICES and (head.units > 1 or head.is_mask):
        arguments["sparse_y_pred"] = False
        arguments["sparse_y_true"] = head.encoding == "index" or head.is_mask
    if name in (*OF_INDICES, "OneHotIoU", "OneHotMeanIoU"):
        arguments["num_classes"] = len(head.classes)
    if "rossentropy" in name and head.logits:
        arguments["from_logits"] = True
    return arguments


def _loss_as_metric(keras: Any, component: Component, arguments: Mapping[str, Any]) -> Any:
    """The mean of a loss over the rows of an epoch, as Keras's own metrics of losses are made."""
    if component.own is not None:  # it is called for the loss of each row, and stored as the object that it is
        loss = make_component(keras, replace(component, arguments={**arguments, "reduction": "none"}))
        return keras.metrics.MeanMetricWrapper(loss, name=metric_name(component))
    loss = make_component(keras, Component("loss", component.name, arguments, component.place))
    return keras.metrics.MeanMetricWrapper(loss.fn, name=loss.name, **loss._fn_kwargs)


def _named(component: Component) -> Component:
    return replace(component, arguments={"name": snake_case(component.name), **component.arguments})
