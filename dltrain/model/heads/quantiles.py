"""The end of a model that foretells quantiles: an output for each, the higher never below the lower."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dltrain.config.types import Component, LayerConfig, LossConfig, ModelConfig, fault_at
from dltrain.data.dataset import TargetSpec
from dltrain.errors import ConfigError, Fault
from dltrain.model.heads.pinball import PINBALL


def quantile_layers(targets: Sequence[TargetSpec]) -> tuple[LayerConfig, ...]:
    """Layers whose outputs are the targets', and cannot cross.

    Of each forecast the least quantile is a number, and each next one is that before it and a softplus above: quantiles by
    increments (Park et al., "Learning Quantile Functions without Quantile Crossing for Distribution-free Time Series
    Forecasting", AISTATS 2022). The sums are made by two layers with fixed weights, so that these are layers of Keras's own.

    Args:
        targets: those of one forecast together, from the least quantile to the largest.
    """
    units = len(targets)
    is_first = [index == 0 or not _same_forecast(targets[index - 1], target) for index, target in enumerate(targets)]
    begins = [max(place for place in range(index + 1) if is_first[place]) for index in range(units)]
    base = [[float(row == begins[column]) for column in range(units)] for row in range(units)]
    above = [[float(begins[column] < row <= column) for column in range(units)] for row in range(units)]

    def fixed(name: str, source: str, kernel: list[list[float]]) -> LayerConfig:
        arguments: dict[str, Any] = {"units": units, "use_bias": False, "trainable": False}
        return LayerConfig(Component("layer", "Dense", arguments), name, (source,), (kernel,), "model.output")

    raw, rise = "output_values", "output_rises"
    return (
        LayerConfig(Component("layer", "Dense", {"units": units}), raw, path="model.output"),
        LayerConfig(Component("layer", "Activation", {"activation": "softplus"}), rise, (raw,), path="model.output"),
        fixed("output_least", raw, base),
        fixed("output_above", rise, above),
        LayerConfig(Component("layer", "Add"), "output", ("output_least", "output_above"), path="model.output"),
    )


def _same_forecast(one: TargetSpec, other: TargetSpec) -> bool:
    return (one.column, one.ahead) == (other.column, other.ahead)


def pinball_loss(targets: Sequence[TargetSpec]) -> Component:
    """The loss that has its least value where the outputs are the targets' quantiles."""
    return Component("loss", PINBALL, {"quantiles": [target.quantile for target in targets]})


def refuse_own_end(model: ModelConfig, loss: LossConfig | Any) -> None:
    """Refuse an output or a loss beside those that quantiles need.

    Raises:
        ConfigError: one is given.
    """
    hint = "leave it out, or leave `data.series.quantiles` out"
    if model.output != "auto":
        place = model.output.component.place if isinstance(model.output, LayerConfig) else None
        message = "the outputs of quantiles are added, so that they do not cross"
        raise ConfigError(fault_at(place, message, path="model.output", hint=hint))
    if loss is not None and not (isinstance(loss, LossConfig) and loss.component.name == PINBALL):
        place = loss.component.place if isinstance(loss, LossConfig) else None
        raise ConfigError(fault_at(place, "quantiles are learnt by the pinball loss", path="training.loss", hint=hint))


def no_metrics_fault() -> Fault:
    """Says that Keras's metrics compare one forecast with the truth."""
    message = "metrics compare one forecast with the truth, and there are several with data.series.quantiles"
    hint = "leave it out: mae, rmse and mase are those of the middle one, crps and coverage those of all"
    return Fault(message, path="training.metrics", hint=hint)
