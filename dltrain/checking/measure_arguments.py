"""Arguments of losses and metrics against the outputs that they measure: what Keras refuses when the first step is traced."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dltrain.checking.places import fault
from dltrain.config.catalog.catalog import arguments_of
from dltrain.config.types import Component, Config, TrainingConfig
from dltrain.data.facts import DataFacts
from dltrain.errors import Fault
from dltrain.model.heads.head import Head, metrics_of
from dltrain.model.heads.shapes import shape_for

# They go along one axis, not along several; some of them along the last one alone, and two know it by its number from behind.
_ONE_AXIS = {
    "CategoricalCrossentropy", "CategoricalFocalCrossentropy", "SparseCategoricalCrossentropy",
    "IoU", "MeanIoU", "OneHotIoU", "OneHotMeanIoU",
}  # fmt: skip
_LAST_AXIS = {"SparseCategoricalCrossentropy", "OneHotIoU", "OneHotMeanIoU"}
_FROM_BEHIND = {"IoU", "MeanIoU"}
Said = tuple[str, str, str]  # the argument, what is wrong with it, and the next step


def check_measures(config: Config, training: TrainingConfig, facts: DataFacts, heads: Sequence[Head]) -> Iterator[Fault]:
    """Losses and metrics whose arguments ask for outputs, axes or classes that there are not."""
    if facts.schema is None:
        return
    for head in heads:
        rank = 1 + len(shape_for(head, facts.schema))
        path = f"training.loss.{head.targets[0].name}" if isinstance(training.loss, Mapping) else "training.loss"
        for name, message, hint in _of_arguments(head.loss, head, rank):
            yield fault(config, f"{path}.{name}", message, hint)
        for index, metric in enumerate(training.metrics):
            if len(heads) > 1 and not metrics_of(head, [metric], alone=False):
                continue
            for name, message, hint in _of_arguments(metric, head, rank):
                yield fault(config, f"training.metrics.{index}.{name}", message, hint)


def _of_arguments(measure: Component, head: Head, rank: int) -> Iterator[Said]:
    given = arguments_of(measure)
    yield from _of_axis(measure.like, measure.arguments.get("axis"), rank)
    yield from _of_class_ids(given.get("target_class_ids"), given.get("num_classes", 2))
    class_id, top = given.get("class_id"), given.get("top_k")
    if isinstance(class_id, int) and not 0 <= class_id < head.units:
        there = "is one" if head.units == 1 else f"are {head.units}"
        message = f"{measure.like} looks at output {class_id}, but there {there}, from 0 on"
        yield "class_id", message, "leave class_id out" if head.units == 1 else f"0 to {head.units - 1}"
    if isinstance(top, int) and top > head.units:
        message = (
            f"{measure.like} looks at the {top} largest outputs, but there {'is' if head.units == 1 else 'are'} {head.units}"
        )
        yield "top_k", message, "leave top_k out" if head.units == 1 else f"1 to {head.units}"
    if measure.like == "AUC":
        yield from _of_labels(given, head.units)
    if measure.like == "R2Score" and given.get("num_regressors"):
        message = "Keras cannot compute R2Score for num_regressors within a compiled step"
        yield "num_regressors", message, "leave num_regressors out"
    if measure.kind == "loss" and str(given.get("dtype")).startswith(("int", "uint", "bool")):
        yield "dtype", f"a loss in whole numbers has no gradient, found {given['dtype']}", "leave dtype out"


def _of_axis(name: str, axis: Any, rank: int) -> Iterator[Said]:
    """Axes that outputs with their rows have, each once."""
    if axis is None:
        return
    axes = [axis] if isinstance(axis, int) else list(axis)
    hint = f"{-rank} to {rank - 1}, or leave axis out"
    if any(not -rank <= one < rank for one in axes):
        yield "axis", f"{name} goes along the axis {axis}, but outputs have {rank} axes", hint
    elif isinstance(axis, list | tuple) and name in _ONE_AXIS:
        yield "axis", f"{name} goes along one axis, found a list of {len(axes)}", hint
    elif (name in _FROM_BEHIND and axis != -1) or (name in _LAST_AXIS and axis not in (-1, rank - 1)):
        yield "axis", f"{name} goes along the last axis, where the classes are, found {axis}", "leave axis out"
    elif len({one % rank for one in axes}) < len(axes):
        yield "axis", f"{name} goes along each axis once, found {axes}", "name each axis once"


def _of_labels(given: Mapping[str, Any], units: int) -> Iterator[Said]:
    """Arguments of an area under the curve that has a label for each output."""
    for name in ("num_labels", "label_weights"):
        value = given.get(name)
        count = len(value) if isinstance(value, list | tuple) else value
        if value is not None and not given.get("multi_label"):
            yield name, f"{name} has no meaning without multi_label", f"leave {name} out"
        elif value is not None and count != units:
            yield name, f"{name} speaks of {count} labels, but there are {units} outputs", f"{units} of them"


def _of_class_ids(ids: Any, num_classes: int) -> Iterator[Said]:
    if ids is None:
        return
    if not ids or any(not 0 <= one < num_classes for one in ids):
        message = f"expected indices of the {num_classes} classes, found {list(ids)}"
        yield "target_class_ids", message, f"0 to {num_classes - 1}, at least one of them"
