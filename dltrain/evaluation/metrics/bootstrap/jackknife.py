"""Intervals of Keras's own metrics, by leaving out one group of rows after the other."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.types import Config
from dltrain.data.dataset import Part
from dltrain.evaluation.metrics.intervals import LEVEL, Interval, Units
from dltrain.evaluation.metrics.standard_errors import jackknife_variance, student_quantile
from dltrain.model.build import make_component
from dltrain.model.compile import metrics_of_head
from dltrain.model.encode import encode_target
from dltrain.model.heads.head import Head
from dltrain.model.heads.own_units import own_units
from dltrain.model.keras_import import import_keras

if TYPE_CHECKING:
    from dltrain.evaluation.metrics.report import PartReport

State = list[NDArray[np.float64]]
GROUPS = 20
_NUMBERS = 1 << 22  # outputs whose losses are reckoned at once
_NEAR = 0.02
_SAME = 1e-3  # relative: Keras adds float32 numbers up in another order
# Sums over rows: of all but one of some groups they are smaller by its share.
_COUNTS = ("TruePositives", "TrueNegatives", "FalsePositives", "FalseNegatives")
_SHARES = (
    "AUC", "Precision", "Recall", "F1Score", "FBetaScore", "PrecisionAtRecall", "RecallAtPrecision", "SensitivityAtSpecificity",
    "SpecificityAtSensitivity", "IoU", "BinaryIoU", "MeanIoU", "OneHotIoU", "OneHotMeanIoU", "BinaryAccuracy",
    "CategoricalAccuracy", "SparseCategoricalAccuracy", "TopKCategoricalAccuracy", "SparseTopKCategoricalAccuracy",
)  # fmt: skip


def add_metric_intervals(
    result: PartReport, config: Config, heads: Sequence[Head], outputs: Sequence[NDArray[Any]], part: Part
) -> None:
    """Put the intervals of those of Keras's metrics into a report that it has none of.

    What a metric of Keras's keeps is sums over rows, so that without a group of rows it is what remains when those of the group
    are taken away. From its values without each of some groups follows its variance (Shao and Tu, The Jackknife and Bootstrap,
    1995): the interval is Student's, of shares that of their log-odds.

    Args:
        result: of the part, with its other intervals.
        config: which names the metrics.
        heads: of the model.
        outputs: one array [rows, ...] per head.
        part: the rows.
    """
    units, several = result.drawn, len(heads) > 1
    missing = {name for name in set(result.metrics) - set(result.intervals) if math.isfinite(result.metrics[name])}
    if units is None or not missing or config.training is None:
        return
    groups = groups_of(units)
    keras = import_keras()
    if missing & {"loss", *(f"{head.name}_loss" for head in heads)}:
        _add_losses(result, heads, outputs, part, groups)
    for head, said in zip(heads, outputs, strict=True):
        for metric in metrics_of_head(keras, head, config.training.metrics, alone=not several):
            name = f"{head.name}_{metric.name}" if several else metric.name
            if name not in missing or not is_of_keras(metric):
                continue
            exact = f"{head.name}_roc_auc" if several else "roc_auc"
            found = _of_area(metric, head, result, name, exact)
            if found is None:
                rows = _Rows(head, part, said)
                states = states_of(metric, *(partial(rows.update, rows=group) for group in groups))
                found = interval_of_states(metric, states, result.metrics[name])
            if found is not None:
                result.intervals[name] = found


def _add_losses(
    result: PartReport, heads: Sequence[Head], outputs: Sequence[NDArray[Any]], part: Part, groups: Sequence[NDArray[np.int64]]
) -> None:
    """The intervals of the mean of all rows' losses, and of each output's; penalties of weights do not vary with the rows."""
    every, weights = {}, 1.0 if part.weights is None else part.weights
    for head, said in zip(heads, outputs, strict=True):
        values = losses_of_rows(head, encode_target(part, head), said)
        if values.shape[:1] != (part.num_rows,):
            return
        every[f"{head.name}_loss"] = values.reshape(part.num_rows, -1).mean(axis=1) * weights
    every["loss"] = np.sum([head.loss_weight * every[f"{head.name}_loss"] for head in heads], axis=0)
    for name, values in every.items():
        if name in result.metrics and name not in result.intervals:
            found = interval_of_mean(values, groups, result.metrics[name])
            if found is not None:
                result.intervals[name] = found


def losses_of_rows(head: Head, true: Any, said: Any) -> NDArray[np.float64]:
    """The loss of each row [rows, ...]; of some losses one number of all, and of own code, which may hold any state, none."""
    if head.loss.own is not None:
        return np.zeros(0)
    loss = make_component(import_keras(), head.loss)
    loss.reduction = "none"
    size = max(1, _NUMBERS * len(said) // max(1, math.prod(said.shape)))
    pieces = [np.asarray(loss(true[i : i + size], said[i : i + size]), np.float64) for i in range(0, len(said), size)]
    return np.concatenate(pieces) if all(piece.ndim for piece in pieces) else np.zeros(0)


def is_of_keras(metric: Any) -> bool:
    """Whether a metric is one of Keras's classes; those of own code may keep anything."""
    return type(metric).__module__.startswith("keras.")


def interval_of_mean(
    values: NDArray[np.float64], groups: Sequence[NDArray[np.int64]], value: float, of: NDArray[np.float64] | None = None
) -> Interval | None:
    """The interval of a mean that may have a number added to it; None where it does not vary, or is not made of these rows.

    Args:
        values: [rows].
        groups: rows of each group.
        value: the mean, and what is added: penalties of weights are above 0.
        of: [rows] what the sum of the values is divided by; None: the number of rows.
    """
    counts = np.ones(len(values)) if of is None else of
    mean = values.sum() / max(counts.sum(), 1e-300)
    if not value > mean - (_SAME if of is None else _NEAR) * abs(mean):
        return None
    left = [(np.delete(values, group).sum(), np.delete(counts, group).sum()) for group in groups]
    half = _half_width(np.array([part / max(count, 1e-300) for part, count in left]))
    return None if half is None else (value - half, value + half)


class _Rows:
    """Targets and outputs as a head's metrics see them."""

    def __init__(self, head: Head, part: Part, outputs: NDArray[Any]) -> None:
        self._units = own_units([head])
        self._true, self._said = np.asarray(encode_target(part, head)), outputs
        if self._units is not None:
            self._units.set_smearing([head])

    def update(self, metric: Any, rows: NDArray[np.int64]) -> None:
        """Let a metric see some rows."""
        ops = import_keras().ops
        true, said = ops.convert_to_tensor(self._true[rows]), ops.convert_to_tensor(self._said[rows])
        if self._units is None:
            metric.update_state(true, said)
        else:
            self._units.update(metric, self._units.of_targets(true), self._units.of_outputs(said))


def _of_area(metric: Any, head: Head, result: PartReport, name: str, exact: str) -> Interval | None:
    """Of the area that Keras approximates by thresholds, the interval of the exact one: there it lies, but for the difference."""
    if type(metric).__name__ != "AUC" or head.encoding != "binary" or exact not in result.intervals:
        return None
    config, moved = metric.get_config(), result.metrics[name] - result.metrics[exact]
    if config["curve"] != "ROC" or abs(moved) > _NEAR:
        return None
    low, high = result.intervals[exact]
    return low + moved, high + moved


def groups_of(units: Units) -> list[NDArray[np.int64]]:
    """The rows of each group: what belongs together is in one, and otherwise chance decides."""
    count = min(units.count, GROUPS)
    group = np.random.default_rng([units.count, count]).permutation(units.count) % count
    return [np.flatnonzero(group[units.codes] == place) for place in range(count)]


def interval_of_states(metric: Any, states: Sequence[State], value: float) -> Interval | None:
    """The interval of a metric of Keras's; None where it is none of sums over rows, or does not vary with them.

    Args:
        metric: of whose kind the states are.
        states: what it keeps of each group.
        value: its value of all rows.
    """
    whole = [sum(parts) for parts in zip(*states, strict=True)]
    if not math.isclose(_value(metric, whole), value, rel_tol=_SAME, abs_tol=_SAME**2):
        return None
    without = np.array([_value(metric, [a - b for a, b in zip(whole, state, strict=True)]) for state in states])
    kind = type(metric).__name__
    if kind in _COUNTS:
        without *= len(states) / (len(states) - 1)
    is_share = kind in _SHARES and 0 < value < 1 and bool(((without > 0) & (without < 1)).all())
    if is_share:
        value, without = float(_log_odds(value)), _log_odds(without)
    half = _half_width(without)
    if half is None:
        return None
    low, high = value - half, value + half
    if is_share:
        return _share(low), _share(high)
    least, most = 0.0 if kind in _SHARES + _COUNTS else -math.inf, 1.0 if kind in _SHARES else math.inf
    return max(low, least), min(high, most)


def _half_width(without: NDArray[np.float64]) -> float | None:
    """Of an interval around a value, from those without each of the groups; None where it does not vary."""
    error = math.sqrt(jackknife_variance(without))
    return student_quantile(0.5 + LEVEL / 200, len(without) - 1) * error if 0 < error < math.inf else None


def states_of(metric: Any, *updates: Callable[[Any], None]) -> list[State]:
    """What a metric keeps of what each of some calls shows it."""
    states = []
    for update in updates:
        metric.reset_state()
        update(metric)
        states.append([np.asarray(variable, np.float64) for variable in metric.variables])
    return states


def _value(metric: Any, state: Sequence[NDArray[np.float64]]) -> float:
    for variable, values in zip(metric.variables, state, strict=True):
        variable.assign(values)
    return float(metric.result())


def _log_odds(share: Any) -> Any:
    return np.log(share) - np.log1p(-np.asarray(share))


def _share(log_odds: float) -> float:
    return 1 / (1 + math.exp(-log_odds))
