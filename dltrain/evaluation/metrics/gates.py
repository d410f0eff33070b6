"""Gates: conditions such as `accuracy>=0.9` that a run must meet."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dltrain.config.catalog.metrics import SCORES_OF_A_LABEL, SCORES_OF_A_MASK, find_name, find_value, split_part
from dltrain.config.gates import Requirement, parse_gate, parse_gates
from dltrain.config.old_words.scores import metric_hint
from dltrain.errors import Fault, UsageError
from dltrain.evaluation.metrics.paired import Difference
from dltrain.wording import one_of

_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
__all__ = ["Gate", "Requirement", "check_gates", "parse_gate", "parse_gates"]

NO_INTERVALS: Mapping[str, Mapping[str, Sequence[float]]] = {}
_OF_ONE = (*SCORES_OF_A_LABEL, *SCORES_OF_A_MASK)
_PER_CLASS = re.compile(r"^(?P<metric>[^\[\]]+)\[(?P<label>.*)\]$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Gate:
    """A gate with what came out.

    Attributes:
        require: as the user wrote it.
        value: of the metric; NaN where it could not be computed.
        met: whether the condition holds; a NaN meets none.
        part: the part of the data the value is of.
        metric: the metric's name there.
        interval: of the metric, where an end of it has to meet the condition; of the difference where there is an old model.
        old: the old model's value, where it is compared with that.
    """

    require: str
    value: float
    met: bool
    part: str
    metric: str
    interval: tuple[float, float] | None = None
    old: float | None = None


def check_gates(
    requires: Sequence[str],
    metrics: Mapping[str, Mapping[str, float]],
    *,
    part: str | None = None,
    reports: Mapping[str, Mapping[str, Any]] | None = None,
    intervals: Mapping[str, Mapping[str, Sequence[float]]] = NO_INTERVALS,
    differences: Mapping[str, Difference] | None = None,
) -> list[Gate]:
    """Hold metrics against what is required.

    Args:
        requires: such as `accuracy>=0.9`, `test.accuracy>0.8`, `val_loss<0.3`, `f1[spam]>=0.9`
            (precision, recall, f1 of one class).
        metrics: part -> metric -> value.
        part: where a name without a part is looked for; None: test, else validation. The training part must be named
            (`train.accuracy>=0.9`): a gate that a model passes on what it has seen says nothing.
        reports: part -> what `classification_report` returned, for the metrics of one class.
        intervals: part -> metric -> its interval, for gates such as `accuracy>=0.9 @95%`.
        differences: metric -> how it differs from an old model's, for gates such as `accuracy>=old-0.005`.

    Raises:
        UsageError: with a fault for each gate that is malformed or names no metric there is.
    """
    values = {name: {**values, **_class_values((reports or {}).get(name, {}))} for name, values in metrics.items()}
    parts = [part] if part is not None else [name for name in ("test", "validation") if name in values][:1]
    gates: list[Gate] = []
    faults: list[Fault] = []
    for requirement in parse_gates(requires, may_compare=differences is not None):
        found = find_value(requirement.name, values, parts) or _find_class_value(requirement.name, values, parts)
        if found is None:
            faults.append(_unknown(requirement, metrics, values, parts))
            continue
        in_part, metric, value = found[0], found[1], math.nan if found[2] is None else float(found[2])
        if requirement.is_relative:
            gates.extend(_compared(requirement, in_part, metric, (differences or {}).get(metric), faults))
            continue
        interval = _interval_for(requirement, in_part, metric, value, intervals, faults)
        held = value if interval is None else interval[0] if requirement.operator in (">=", ">") else interval[1]
        met = math.isfinite(held) and _OPERATORS[requirement.operator](held, requirement.threshold)
        gates.append(Gate(requirement.text, value, met, in_part, metric, interval))
    if faults:
        raise UsageError(faults)
    return gates


def _compared(requirement: Requirement, part: str, metric: str, found: Difference | None, faults: list[Fault]) -> list[Gate]:
    """A gate on the difference to an old model; a fault where it is not known."""
    if found is None or (requirement.level is not None and found.interval is None):
        lacking = "has no interval of its difference here" if found else "is not compared"
        faults.append(Fault(f"the requirement {requirement.text!r} cannot be held against the old model: {metric} {lacking}"))
        return []
    interval = found.interval if requirement.level is not None else None
    held = found.difference if interval is None else interval[0] if requirement.operator in (">=", ">") else interval[1]
    met = math.isfinite(held) and _OPERATORS[requirement.operator](held, requirement.threshold)
    return [Gate(requirement.text, found.new, met, part, metric, interval, found.old)]


def _interval_for(
    requirement: Requirement,
    part: str,
    metric: str,
    value: float,
    intervals: Mapping[str, Mapping[str, Sequence[float]]],
    faults: list[Fault],
) -> tuple[float, float] | None:
    """The interval that the requirement asks for; a fault where there is none."""
    if requirement.level is None or not math.isfinite(value):
        return None
    found = intervals.get(part, {}).get(metric)
    if found is not None:
        return float(found[0]), float(found[1])
    there = [name for name in intervals.get(part, {}) if "[" not in name]
    hint = f"there are intervals of {', '.join(there)}" if there else "without @95% the value itself is held to it"
    faults.append(Fault(f"the requirement {requirement.text!r} needs an interval, and {metric} has none here", hint=hint))
    return None


def _class_values(report: Mapping[str, Any]) -> dict[str, float]:
    """What a report has beside the metrics: those of one class, and how well probabilities are calibrated."""
    scores = report.get("calibration", {})
    averages = {
        f"{metric}_{average}": float(value)
        for average, row in report.get("averages", {}).items()
        for metric, value in row.items()
    }
    return {**averages, **{name: float(scores[name]) for name in ("ece", "brier") if name in scores}} | {
        f"{metric}[{label}]": math.nan if value is None else float(value)
        for label, row in report.get("classes", {}).items()
        for metric, value in row.items()
        if metric not in ("support", "predicted")
    }


def _find_class_value(
    name: str, values: Mapping[str, Mapping[str, float]], parts: Iterable[str]
) -> tuple[str, str, float] | None:
    """`F1Score[spam]` is `f1[spam]`: the metric by any of its spellings, the label exactly."""
    named, bare = split_part(name)
    match = _PER_CLASS.match(bare)
    if match is None:
        return None
    for part in [named] if named else parts:
        metric = find_name(match["metric"], _OF_ONE)
        key = f"{metric}[{match['label'].strip()}]"
        if key in values.get(part, {}):
            return part, key, values[part][key]
    return None


def _unknown(
    requirement: Requirement,
    metrics: Mapping[str, Mapping[str, float]],
    values: Mapping[str, Mapping[str, float]],
    parts: Sequence[str],
) -> Fault:
    """Say which metrics there are, and the nearest."""
    bare = {name for part in parts for name in values.get(part, {})}
    spelled = {f"{part}.{name}" for part in values for name in values[part]}
    there = "; ".join(f"{part}: {', '.join(names) or 'none'}" for part, names in metrics.items()) or "none"
    message = (
        f"the requirement {requirement.text!r} names a metric that this run does not have: {requirement.name!r}; it has {there}"
    )
    named = split_part(requirement.name)[0]
    hint = metric_hint(requirement.name, sorted(bare | spelled))
    labels = list(dict.fromkeys(name[name.index("[") + 1 : -1] for part in parts for name in values.get(part, {}) if "[" in name))
    asked = _PER_CLASS.match(split_part(requirement.name)[1])
    if asked and labels and find_name(asked["metric"], _OF_ONE):
        message = f"the requirement {requirement.text!r} names a class that this run does not have: {asked['label']!r}"
        hint = (f"{hint} " if hint else "") + f"its classes: {one_of(labels, 24)}"
    if named and named not in values:
        message = f"the requirement {requirement.text!r} needs the {named} part; there is {', '.join(values) or 'none'}"
        hint = f"`dltrain evaluate --part {named}` looks at that part, if the run has it"
    if re.search(r"[<>]=?", requirement.name) and not asked:
        hint = "one requirement each: --require 'accuracy>=0.9' --require 'roc_auc>=0.9', all of which have to be met"
    return Fault(message, hint=hint)
