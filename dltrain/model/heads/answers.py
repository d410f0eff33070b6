"""From a head's outputs to answers: calibration of its probabilities, and the thresholds of two classes or of labels.

Both are found on the validation part once a model is trained, and stored with the run. All that gives answers - evaluation,
predictions, exported graphs - asks here, so that they give the same ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from dltrain.model.heads.head import Head

Floats = NDArray[np.float64]

# How far log-odds are told apart. Of a probability in float32, what is closer to 1 has too few digits left.
MOST_LOG_ODDS = 14.0
MOST_OF_CURVES = 10.0
# Log-odds of curves are multiples of this, so that no step is steeper than what float32 can follow.
STEP = 1 / 256
_LEAST = 1e-30  # of a probability whose logarithm is taken
MOST_TEMPERATURE = 100.0
HALF = 0.5


@dataclass(frozen=True, slots=True)
class Temperature:
    """Log-odds, or logarithms of probabilities, divided by one number (Guo et al., "On Calibration of Modern Neural Networks").

    Attributes:
        temperature: above 1 where the model was too sure.
    """

    temperature: float


@dataclass(frozen=True, slots=True)
class LabelTemperatures:
    """The log-odds of each of several labels divided by a number of its own.

    Attributes:
        labels: their names, in their order.
        temperatures: one for each; 1 leaves a label as the model says it.
    """

    labels: tuple[str, ...]
    temperatures: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Curve:
    """A rising curve from log-odds to a probability: straight between its points, level beyond them.

    Attributes:
        label: of the class.
        log_odds: rising.
        probability: not falling.
    """

    label: str
    log_odds: tuple[float, ...]
    probability: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Isotonic:
    """Probabilities through rising curves (Zadrozny and Elkan, KDD 2002); of several classes one each, then divided by their sum.

    Attributes:
        curves: one for each class, or for each of several labels; of two classes one, of the second.
    """

    curves: tuple[Curve, ...]


Calibration = Temperature | LabelTemperatures | Isotonic


@dataclass(frozen=True, slots=True)
class Threshold:
    """From which probability on a label is the answer.

    Attributes:
        label: the second of two classes, or one of several labels.
        value: the probability.
        asked: how it came to be, in words of the config.
    """

    label: str
    value: float
    asked: str = ""


@dataclass(frozen=True, slots=True)
class Answers:
    """What is done to one head's outputs.

    Attributes:
        calibration: of its probabilities; None: they are what the model says.
        thresholds: of two classes one, of the second; of several labels one for each, in their order. Empty: the most probable
            class is the answer, of several labels those above one half.
    """

    calibration: Calibration | None = None
    thresholds: tuple[Threshold, ...] = ()


def is_mended(head: Head) -> bool:
    """Whether its probabilities are calibrated."""
    return head.answers is not None and head.answers.calibration is not None


def decide(head: Head, probabilities: NDArray[Any]) -> NDArray[np.int64]:
    """The index of each row's answer.

    Args:
        head: whose thresholds hold.
        probabilities: [rows, classes], calibrated.
    """
    threshold = threshold_of(head)
    if threshold is None:
        return np.asarray(probabilities.argmax(axis=1), np.int64)
    return (probabilities[:, 1] >= threshold.value).astype(np.int64)


def decide_labels(head: Head, probabilities: NDArray[Any]) -> NDArray[np.bool_]:
    """Which of several labels each row is said to have: bool [rows, labels].

    Args:
        head: whose thresholds hold; without them a label is said above one half.
        probabilities: [rows, labels].
    """
    values = np.asarray(probabilities, np.float64)
    if head.answers is None or not head.answers.thresholds:
        return np.asarray(values > HALF)
    return np.asarray(values >= np.array([one.value for one in head.answers.thresholds]))


def threshold_of(head: Head) -> Threshold | None:
    """That between a head's two classes, if there is one."""
    thresholds = head.answers.thresholds if head.answers is not None else ()
    return thresholds[0] if thresholds and head.divides_two else None


def calibrate(head: Head, output: Any, probabilities: Any, ops: Any = np) -> Any:
    """A head's probabilities [rows, classes] as its calibration mends them.

    Args:
        head: of the model.
        output: what it puts out [rows, units].
        probabilities: what that means, as the model says it.
        ops: NumPy, or `keras.ops` for a graph.
    """
    calibration = head.answers.calibration if head.answers is not None else None
    if calibration is None:
        return probabilities
    if isinstance(calibration, LabelTemperatures):
        temperatures = np.array(calibration.temperatures, np.float64 if ops is np else np.float32)
        return 0.5 * (1 + ops.tanh(0.5 * label_odds(head, output, probabilities, ops) / temperatures))
    if isinstance(calibration, Temperature):
        scores = log_scores(head, output, probabilities, ops) / calibration.temperature
        if scores.shape[1] == 1:
            one = 0.5 * (1 + ops.tanh(0.5 * scores))
            return ops.concatenate([1 - one, one], axis=1)
        shares = ops.exp(scores - ops.max(scores, axis=1, keepdims=True))
        return shares / ops.sum(shares, axis=1, keepdims=True)
    follow = _follow if ops is np else _follow_in_graph
    if head.is_multilabel:
        return follow(calibration.curves, log_odds(probabilities, ops), ops)
    if len(calibration.curves) == 1:
        one = follow(calibration.curves, log_odds(probabilities[:, 1:], ops), ops)
        return ops.concatenate([1 - one, one], axis=1)
    shares = follow(calibration.curves, log_odds(probabilities, ops), ops)
    return shares / ops.sum(shares, axis=1, keepdims=True)


def log_scores(head: Head, output: Any, probabilities: Any, ops: Any = np) -> Any:
    """What a temperature divides: log-odds [rows, 1] of one unit, logarithms of probabilities [rows, units] of several."""
    if head.logits:
        return output
    if output.shape[1] > 1:
        return ops.log(ops.clip(probabilities, _LEAST, 1.0))
    return log_odds(probabilities[:, 1:], ops, MOST_LOG_ODDS)


def label_odds(head: Head, output: Any, probabilities: Any, ops: Any = np) -> Any:
    """What the temperatures of several labels divide: their log-odds [rows, labels]."""
    return output if head.logits else log_odds(probabilities, ops, MOST_LOG_ODDS)


def log_odds(probabilities: Any, ops: Any = np, most: float = MOST_OF_CURVES) -> Any:
    """Logarithms of p / (1 - p), as far as they are told apart."""
    least = float(1 / (1 + np.exp(most)))
    kept = ops.clip(probabilities, least, 1 - least)
    return ops.log(kept) - ops.log(1 - kept)


def _follow(curves: Sequence[Curve], odds: Floats, ops: Any) -> Floats:
    del ops
    columns = [np.interp(odds[:, place], curve.log_odds, curve.probability) for place, curve in enumerate(curves)]
    return np.stack(columns, axis=1)


def _follow_in_graph(curves: Sequence[Curve], odds: Any, ops: Any) -> Any:
    """The same in operations that every format has: the sum of all rises, each as far as the row has come on it."""
    most = max(len(curve.log_odds) for curve in curves) - 1
    starts, steepness, rises = (np.zeros((len(curves), max(1, most)), np.float32) for _ in range(3))
    first = np.array([curve.probability[0] for curve in curves], np.float32)
    for place, curve in enumerate(curves):
        count = len(curve.log_odds) - 1
        starts[place, :count] = curve.log_odds[:-1]
        steepness[place, :count] = 1 / np.diff(curve.log_odds)
        rises[place, :count] = np.diff(curve.probability)
    come = ops.clip((ops.expand_dims(odds, -1) - starts) * steepness, 0.0, 1.0)
    return ops.sum(come * rises, axis=-1) + first
