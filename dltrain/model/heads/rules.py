"""What the task asks of the end of a model: output layer, loss, target encoding, metrics. No Keras here.

| task                     | output              | loss                            | target             |
|--------------------------|---------------------|---------------------------------|--------------------|
| regression, n numbers    | Dense(n, linear)    | MeanSquaredError                | the numbers        |
| 2 classes                | Dense(1, sigmoid)   | BinaryCrossentropy              | 0.0 or 1.0         |
| k classes                | Dense(k, softmax)   | SparseCategoricalCrossentropy   | index, or one-hot  |
| n labels, each or none   | Dense(n, sigmoid)   | BinaryCrossentropy              | 0.0 or 1.0 for each|
| masks, a class a pixel   | Conv2D(k, 1), as of | as of classes, pixel by pixel   | index, or one-hot  |
|                          | classes             |                                 |                    |
| reconstruction of shape s| Dense(prod(s)) as s | MeanSquaredError                | the input          |
|                          | sigmoid at 0...1    |                                 |                    |

A last layer written by hand that fits the task is the output.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from dltrain.config.composed.ensemble_output import told_apart
from dltrain.config.types import Component, Config, LayerConfig, LossConfig, ModelConfig, fault_at
from dltrain.data.dataset import Schema, TargetSpec
from dltrain.errors import ConfigError, Fault
from dltrain.model.heads.head import CLASS_METRICS, MARGIN_LOSSES, Head, is_one_hot, layer_name
from dltrain.model.heads.loss_rules import INDEX_LOSSES, ONE_HOT_LOSSES, checked_loss, encoding_of
from dltrain.model.heads.quantiles import pinball_loss, quantile_layers, refuse_own_end
from dltrain.model.heads.reconstruction import reconstruction_layers
from dltrain.model.heads.reversible import with_way_back
from dltrain.wording import counted

# What ends a network of pixels, beside Dense.
_CONVOLUTIONS = ("Conv2D", "Conv2DTranspose", "SeparableConv2D")


def resolve_heads(
    model: ModelConfig,
    schema: Schema,
    loss: LossConfig | Mapping[str, LossConfig] | None,
    metrics: Sequence[Component] = (),
) -> tuple[Head, ...]:
    """Decide output, loss and target encoding for every target.

    Args:
        model: the `model:` block.
        schema: the data's inputs and targets.
        loss: `training.loss`.
        metrics: `training.metrics`; some want classes one-hot, and get them where the loss is not given by hand.

    Raises:
        ConfigError: output, loss and target contradict each other.
    """
    scale = schema.inputs[0].window_scale if schema.inputs else None
    heads = _resolve_all(model, schema, loss, metrics)
    return heads if scale is None or not scale.to_target else tuple(with_way_back(head, scale) for head in heads)


def heads_of(config: Config, schema: Schema) -> tuple[Head, ...]:
    """The heads of a config's model on such data; see `resolve_heads`."""
    training = config.training
    loss, metrics = (training.loss, training.metrics) if training else (None, ())
    return resolve_heads(config.model, schema, loss, metrics)


def with_classes_to_come(model: ModelConfig, schema: Schema) -> Schema:
    """The schema of a table's first rows, with as many classes as the model's own output tells apart: further rows may hold them.

    Args:
        model: the `model:` block.
        schema: as the rows that were looked at have it.
    """
    if len(schema.targets) != 1 or not schema.targets[0].classes:
        return schema
    [target] = schema.targets
    given = isinstance(model.output, LayerConfig) or model.output == "none"
    layers = (model.output,) if isinstance(model.output, LayerConfig) else model.layers
    units, ending, _ = _ending(layers, target)
    missing = (units or 0) - len(target.classes)
    if missing < 1 or not (given or model.logits or (ending == "softmax" and target.is_one_of_classes)):
        return schema
    more = tuple(f"{target.name} that was not seen {number}" for number in range(1, missing + 1))
    return replace(schema, targets=(replace(target, classes=(*target.classes, *more)),))


def _resolve_all(
    model: ModelConfig,
    schema: Schema,
    loss: LossConfig | Mapping[str, LossConfig] | None,
    metrics: Sequence[Component],
) -> tuple[Head, ...]:
    """The heads, each as if its targets were what the model has to say."""
    targets = schema.targets
    if any(target.quantile is not None for target in targets):
        refuse_own_end(model, loss)
        layers, reason = quantile_layers(targets), "output of quantiles added: each is the one below it and a softplus"
        return (Head("output", targets, len(targets), layers, pinball_loss(targets), 1.0, "value", False, reason),)
    own = {target.name: layer for target in targets for layer in model.layers if layer.name == layer_name(target.name)}
    together = all(target.task == "regression" for target in targets) and not isinstance(loss, Mapping)
    together = together and not (own and len(targets) > 1)
    groups = [targets] if together or len(targets) == 1 else [(target,) for target in targets]
    if len(groups) > 1:
        _check_outputs(model, targets, own)
    heads = []
    for group in groups:
        wanted = loss.get(group[0].name) if isinstance(loss, Mapping) else loss
        if isinstance(loss, Mapping) and wanted is None:
            raise ConfigError(f"no loss for the target {group[0].name!r}", path="training.loss")
        layer = own.get(group[0].name) if len(groups) > 1 else None
        heads.append(_resolve_head(model, schema, tuple(group), wanted, metrics, alone=len(groups) == 1, own=layer))
    return tuple(heads)


def _check_outputs(model: ModelConfig, targets: Sequence[TargetSpec], own: Mapping[str, LayerConfig]) -> None:
    """Refuse an output that could be that of one target only, and targets whose layers would have one name."""
    names = [layer_name(target.name) for target in targets]
    hint = f"give each target a layer of its name, such as `name: {names[0]}`, or leave the outputs to `model.output: auto`"
    faults = []
    if isinstance(model.output, LayerConfig):
        faults.append(
            fault_at(model.output.component.place, "one output layer for several targets", path="model.output", hint=hint)
        )
    if model.output == "none":
        missing = [target.name for target in targets if target.name not in own]
        faults += [Fault(f"no layer is the output of the target {name!r}", path="model.output", hint=hint) for name in missing]
    for index, name in enumerate(names):
        if name in names[:index]:
            first = targets[names.index(name)].name
            message = f"the targets {first!r} and {targets[index].name!r} have the same name as layers: {name}"
            faults.append(Fault(message, path="data.target"))
    if faults:
        raise ConfigError(faults)


def _resolve_head(
    model: ModelConfig,
    schema: Schema,
    targets: tuple[TargetSpec, ...],
    wanted: LossConfig | None,
    metrics: Sequence[Component],
    *,
    alone: bool,
    own: LayerConfig | None = None,
) -> Head:
    target = targets[0]
    loss = wanted.component if wanted else None
    logits = model.logits or bool(loss and loss.arguments.get("from_logits"))
    units, activation = _needed(target, targets, schema, loss)
    warning = None
    layers: tuple[LayerConfig, ...]
    if target.is_reconstruction:
        if logits:
            raise ConfigError("a reconstruction needs the input's own numbers, not logits", path="model.logits")
        layers, reason = reconstruction_layers(model, schema)
    elif own is not None:
        layers = ()
        units, activation, logits = _given_output([own], units, activation, logits, target)
        reason = f"the layer {own.name} is its output, as its name says"
    elif isinstance(model.output, LayerConfig):
        layers = (replace(model.output, name=model.output.name or "output"),)
        units, activation, logits = _given_output(layers, units, activation, logits, target)
        reason = "output as given by `model.output`"
    elif alone and (model.output == "none" or _is_output(model.layers, units, activation, logits, target)):
        layers = ()
        units, activation, logits = _given_output(model.layers, units, activation, logits, target)
        reason = "the last layer is the output: it fits the task" if model.output == "auto" else "the last layer is the output"
    else:
        layers = _added_layers(units, None if logits else activation, target, alone=alone)
        warning = _second_output(model.layers, units, target) if alone else None
        what = "several labels" if target.is_multilabel else target.task
        layer_class = layers[0].component.name
        reason = f"output added for the {what}: {layer_class}({units}, {'linear' if logits or not activation else activation})"
    if not target.is_one_of_classes and not target.is_multilabel:
        logits = False
    one_hot = any(is_one_hot(metric) for metric in metrics if alone or metric.like in CLASS_METRICS)
    loss = checked_loss(loss, target, units, logits, one_hot=one_hot)
    if layers and layers[0].component.kind == "composed":
        activation = None if logits else activation
        layers, reason, warning = _of_members(layers[0], units, activation, loss, wanted.weight if wanted else 1.0)
    return Head(
        name=layer_name(target.name) if len(targets) == 1 else "output",
        targets=targets,
        units=units,
        layers=layers,
        loss=loss,
        loss_weight=wanted.weight if wanted else 1.0,
        encoding=encoding_of(loss.like, target, units),
        logits=logits,
        reason=reason,
        source=None if own is None else own.name,
        warning=warning,
    )


def _of_members(
    layer: LayerConfig, units: int, activation: str | None, loss: Component, weight: float
) -> tuple[tuple[LayerConfig, ...], str, str | None]:
    """The output of an ensemble's members as the head needs it; a sentence on it, and what is to be warned of."""
    arguments = {"units": units, "activation": activation, "loss": loss.name, "weight": weight}
    component = replace(layer.component, arguments={**layer.component.arguments, **arguments})
    layers = (replace(layer, component=component),)
    what = f"{units} unit{'s' if units != 1 else ''}, {activation or 'linear'}"
    if told_apart(loss.name):
        return layers, f"output of the members' mean: {what}; each member is trained by a loss of its own", None
    message = (
        f"{loss.name} is that of the members' mean: members are trained each by its own with squared errors and cross-entropy"
    )
    return layers, f"output of the members' mean: {what}", f"{message}, which is what makes them differ"


def _second_output(layers: Sequence[LayerConfig], units: int, target: TargetSpec) -> str | None:
    """What to say of a last layer that looks like the output, but is followed by one because its activation is another."""
    found, ending, _ = _ending(layers, target)
    num_classes = len(target.classes)
    if target.is_multilabel:
        if found != num_classes or ending not in (None, "sigmoid", "softmax"):
            return None
        of = f"activation {ending}" if ending else "no activation"
        message = f"the last layer, Dense of {found} units with {of}, is not taken as the output for {found} labels"
        way = "`model.logits: true`" if ending is None else "`activation: sigmoid`"
        return f"{message}, another layer is added behind it: if it is the output, say {way}"
    classifies = target.is_one_of_classes
    if found is None or found not in ({1, 2} if classifies and num_classes == 2 else {num_classes if classifies else units}):
        return None
    if (classifies and ending not in (None, "sigmoid")) or (not classifies and (units > 1 or ending is None)):
        return None  # a small hidden layer, such as that of a net for XOR
    of = f"activation {ending}" if ending else "no activation"
    what = f"{num_classes} classes" if classifies else "a number"
    last = f"{layers[-1].component.name if target.is_mask else 'Dense'} of {counted(found, 'unit')}"
    message = f"the last layer, {last} with {of}, is not taken as the output for {what}"
    way = "`model.output: none`" if not classifies else "`model.logits: true`" if ending is None else "`activation: softmax`"
    return f"{message}, another layer is added behind it: if it is the output, say {way}"


def _refuse_logits(layers: Sequence[LayerConfig], ending: str | None) -> None:
    """Refuse an output of probabilities where the loss was told that it gets logits."""
    if ending in ("softmax", "sigmoid"):
        message = (
            f"the loss takes logits (`from_logits: true`), but the output ends in {ending}, which makes probabilities of them"
        )
        hint = f"leave out one of the two: {ending} here, or `from_logits` (`model.logits`)"
        raise _unfit(layers, message, hint)


def _needed(target: TargetSpec, targets: Sequence[TargetSpec], schema: Schema, loss: Component | None) -> tuple[int, str | None]:
    """Units and last activation that the task (and a loss given by hand) ask for."""
    if target.task == "regression":
        return len(targets), None
    if target.is_reconstruction:
        return math.prod(schema.inputs[0].shape), None
    num_classes = len(target.classes)
    if target.is_multilabel:
        return num_classes, "sigmoid"
    categorical = loss is not None and loss.like in INDEX_LOSSES | ONE_HOT_LOSSES
    if num_classes == 2 and not categorical:
        return 1, "tanh" if loss is not None and loss.like in MARGIN_LOSSES else "sigmoid"
    return num_classes, "softmax"


def _ending(layers: Sequence[LayerConfig], target: TargetSpec) -> tuple[int | None, str | None, int]:
    """Units and activation of the last layers, and how many layers they are (Dense; or Dense, then Activation).

    Where pixels have classes a convolution ends the network as well, whose filters are units of each pixel.
    """
    if not layers:
        return None, None, 0
    last = layers[-1].component
    if last.name in ("Activation", "Softmax", "ReLU"):
        name = "softmax" if last.name == "Softmax" else _activation_name(last.arguments.get("activation"))
        units, inner, count = _ending(layers[:-1], target)
        return (units, name, count + 1) if units is not None and inner is None else (None, None, 0)
    if last.name == "Dense" and isinstance(last.arguments.get("units"), int):
        return int(last.arguments["units"]), _activation_name(last.arguments.get("activation")), 1
    if target.is_mask and last.name in _CONVOLUTIONS and isinstance(last.arguments.get("filters"), int):
        return int(last.arguments["filters"]), _activation_name(last.arguments.get("activation")), 1
    return None, None, 0


def _activation_name(value: Any) -> str | None:
    name = value.name if isinstance(value, Component) else value
    return None if name in (None, "linear") else str(name).lower()


def _is_output(layers: Sequence[LayerConfig], units: int, activation: str | None, logits: bool, target: TargetSpec) -> bool:
    found, ending, _ = _ending(layers, target)
    if found is None:
        return False
    if target.is_multilabel:
        if logits and found == units:
            _refuse_logits(layers, ending)
        if ending == "softmax" and found == units:
            _refuse_softmax(layers)
        return found == units and ending == (None if logits else "sigmoid")
    if target.is_one_of_classes:
        return _tells_classes(layers, found, ending, activation, logits, len(target.classes))
    return found == units and ending == activation


def _tells_classes(
    layers: Sequence[LayerConfig], found: int, ending: str | None, activation: str | None, logits: bool, num_classes: int
) -> bool:
    """Whether a last layer of so many units and that activation tells one of the classes."""
    fits = found in _units_for(num_classes)
    if logits and fits:
        _refuse_logits(layers, ending)
    if ending == "softmax":
        if found == num_classes and num_classes >= 2:
            return True
        message = f"softmax over {counted(found, 'unit')} cannot be the output: the target has {num_classes} classes"
        hint = f"give it {num_classes} units, or leave the output to `model.output: auto`"
        raise _unfit(layers, message, hint)
    if logits:
        return ending is None and fits
    if activation == "tanh" and found == 1:
        _refuse_sigmoid(layers, ending)
    return found == 1 and num_classes == 2 and ending == activation


def _units_for(num_classes: int) -> list[int]:
    """How many units can tell so many classes apart."""
    return [1, 2] if num_classes == 2 else [num_classes]


def _unfit(layers: Sequence[LayerConfig], message: str, hint: str | None = None) -> ConfigError:
    """The error of a last layer that the user wrote and that cannot be the output."""
    return ConfigError(fault_at(layers[-1].component.place, message, path=layers[-1].path or "model.output", hint=hint))


def _refuse_sigmoid(layers: Sequence[LayerConfig], ending: str | None) -> None:
    """Refuse a probability where the loss takes the two classes for -1 and 1."""
    if ending == "sigmoid":
        message = "the loss takes the classes for -1 and 1, but the output ends in sigmoid, between 0 and 1"
        hint = "say `activation: tanh`, leave the output to `model.output: auto`, or use BinaryCrossentropy"
        raise _unfit(layers, message, hint)


def _refuse_softmax(layers: Sequence[LayerConfig]) -> None:
    """Refuse probabilities that sum to one where a row may have several labels, or none."""
    message = "softmax makes one label of several: its probabilities sum to 1, and a row may have several labels, or none"
    hint = "say `activation: sigmoid`, or leave the output to `model.output: auto`"
    raise _unfit(layers, message, hint)


def _given_output(
    layers: Sequence[LayerConfig], units: int, activation: str | None, logits: bool, target: TargetSpec
) -> tuple[int, str | None, bool]:
    """Units, activation and logits of an output that the user wrote; raises where it cannot fit the target."""
    found, ending, _ = _ending(layers, target)
    if found is None:
        return units, activation, logits  # a layer whose units are not written; Keras's own shape check follows
    if target.is_multilabel:
        if ending == "softmax":
            _refuse_softmax(layers)
        if logits:
            _refuse_logits(layers, ending)
        if found != units:
            message = f"an output of {counted(found, 'unit')} cannot tell {units} labels"
            raise _unfit(layers, message, f"expected {units} units, one for each label")
        return found, ending, logits or ending is None
    if target.is_one_of_classes:
        _refuse_too_few(layers, found, ending, len(target.classes))
        if logits:
            _refuse_logits(layers, ending)
        if activation == "tanh" and found == 1:
            _refuse_sigmoid(layers, ending)
        return found, ending, logits or ending is None
    if found != units:
        message = f"an output of {found} units does not fit the {target.task}: expected {units}"
        raise _unfit(layers, message)
    return found, ending, False


def _refuse_too_few(layers: Sequence[LayerConfig], found: int, ending: str | None, num_classes: int) -> None:
    """Refuse an output whose units cannot tell the classes apart."""
    allowed = _units_for(num_classes)
    if found not in allowed or (ending == "softmax" and found != num_classes):
        message = f"an output of {counted(found, 'unit')} cannot tell {num_classes} classes apart"
        raise _unfit(layers, message, f"expected {' or '.join(map(str, allowed))} units")


def _added_layers(units: int, activation: str | None, target: TargetSpec, *, alone: bool) -> tuple[LayerConfig, ...]:
    arguments: dict[str, Any] = {"filters": units, "kernel_size": 1} if target.is_mask else {"units": units}
    if activation:
        arguments["activation"] = activation
    layer = Component("layer", "Conv2D" if target.is_mask else "Dense", arguments)
    return (LayerConfig(layer, name="output" if alone else layer_name(target.name), path="model.output"),)
