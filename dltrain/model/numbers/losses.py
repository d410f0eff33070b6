"""Keras's losses and their slopes by the prediction, in NumPy, float64: one loss a row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dltrain.config.types import Component
from dltrain.model.numbers.activations import Floats, sigmoid, softmax

EPSILON = 1e-7  # Keras's: probabilities are kept so far from 0 and 1


@dataclass(frozen=True, slots=True)
class Loss:
    """A loss of predictions y [rows, units] and targets t of the same shape (class indices are taken apart before).

    Attributes:
        name: Keras's class.
        value: (y, t) -> [rows].
        slope: (y, t) -> the row's dL/dy, [rows, units].
        takes: the activation with which it is computed from the weighted sums z alone, as Keras does; else None.
        from_sums: (z, t) -> [rows], where `takes` is the output's activation.
        slope_by_sums: (z, t) -> dL/dz.
        formula: how one row is computed, for the reader.
    """

    name: str
    value: Callable[[Floats, Floats], Floats]
    slope: Callable[[Floats, Floats], Floats]
    formula: str
    takes: str | None = None
    from_sums: Callable[[Floats, Floats], Floats] | None = None
    slope_by_sums: Callable[[Floats, Floats], Floats] | None = None
    smoothing: float = 0.0
    from_logits: bool = False


def find_loss(component: Component) -> Loss | None:
    """The loss of a component; None where it is not among these or has arguments that change what it means here."""
    given = {key: value for key, value in component.arguments.items() if key != "name"}
    if component.name == "Huber" and set(given) <= {"delta"}:
        return _huber(float(given.get("delta", 1.0)))
    if component.name in _CROSSENTROPIES and set(given) <= {"from_logits", "label_smoothing"}:
        return _crossentropy(component.name, float(given.get("label_smoothing", 0.0)), bool(given.get("from_logits", False)))
    return _LOSSES.get(component.name) if not given else None


def one_hot(indices: NDArray[np.int64], num_classes: int) -> Floats:
    """[rows] -> [rows, classes]."""
    return np.eye(num_classes)[np.asarray(indices, np.int64)]


def _mean(values: Floats) -> Floats:
    return np.asarray(values.mean(axis=-1))


def _share(y: Floats) -> float:
    """A row's loss is the mean over its units."""
    return 1 / int(y.shape[-1])


def _signs(t: Floats) -> Floats:
    """0 and 1 as -1 and 1, where the targets are such, as Keras's hinge losses take them."""
    return 2 * t - 1 if np.isin(t, (0.0, 1.0)).all() else t


def _huber(delta: float) -> Loss:
    def value(y: Floats, t: Floats) -> Floats:
        size = np.abs(y - t)
        return _mean(np.where(size <= delta, 0.5 * size**2, delta * size - 0.5 * delta**2))

    return Loss("Huber", value, lambda y, t: np.clip(y - t, -delta, delta) * _share(y), "mean of (y - t)²/2, linear beyond delta")


_CROSSENTROPIES = ("BinaryCrossentropy", "CategoricalCrossentropy", "SparseCategoricalCrossentropy")


def _crossentropy(name: str, smoothing: float, from_logits: bool) -> Loss:
    """Cross-entropy: of probabilities, or of the sums that sigmoid or softmax make them of, which is exact."""
    make = _binary_crossentropy if name == "BinaryCrossentropy" else _categorical_crossentropy
    return replace(make(smoothing), name=name, smoothing=smoothing, from_logits=from_logits)


def _binary_crossentropy(smoothing: float) -> Loss:
    def smooth(t: Floats) -> Floats:
        return np.asarray(t * (1 - smoothing) + 0.5 * smoothing)

    def value(y: Floats, t: Floats) -> Floats:
        p, t = np.clip(y, EPSILON, 1 - EPSILON), smooth(t)
        return -_mean(t * np.log(p) + (1 - t) * np.log(1 - p))

    def slope(y: Floats, t: Floats) -> Floats:
        p, t = np.clip(y, EPSILON, 1 - EPSILON), smooth(t)
        inside = (y >= EPSILON) & (y <= 1 - EPSILON)
        return np.asarray(inside * ((1 - t) / (1 - p) - t / p) * _share(y))

    def from_sums(z: Floats, t: Floats) -> Floats:
        return _mean(np.maximum(z, 0) - z * smooth(t) + np.log1p(np.exp(-np.abs(z))))

    def slope_by_sums(z: Floats, t: Floats) -> Floats:
        return np.asarray((sigmoid(z) - smooth(t)) * _share(z))

    return Loss("", value, slope, "-(t·ln y + (1 - t)·ln(1 - y))", "sigmoid", from_sums, slope_by_sums)


def _categorical_crossentropy(smoothing: float) -> Loss:
    def smooth(t: Floats) -> Floats:
        return np.asarray(t * (1 - smoothing) + smoothing / t.shape[-1])

    def value(y: Floats, t: Floats) -> Floats:
        total = y.sum(axis=-1, keepdims=True)
        return np.asarray(-(smooth(t) * np.log(np.clip(y / total, EPSILON, 1 - EPSILON))).sum(axis=-1))

    def slope(y: Floats, t: Floats) -> Floats:
        total, t = y.sum(axis=-1, keepdims=True), smooth(t)
        p = y / total
        inside = (p >= EPSILON) & (p <= 1 - EPSILON)
        by_share = -t * inside / np.clip(p, EPSILON, 1 - EPSILON)
        return np.asarray((by_share - (by_share * p).sum(axis=-1, keepdims=True)) / total)

    def from_sums(z: Floats, t: Floats) -> Floats:
        highest = z.max(axis=-1, keepdims=True)
        logs = z - highest - np.log(np.exp(z - highest).sum(axis=-1, keepdims=True))
        return np.asarray(-(smooth(t) * logs).sum(axis=-1))

    def slope_by_sums(z: Floats, t: Floats) -> Floats:
        t = smooth(t)
        return np.asarray(softmax(z) * t.sum(axis=-1, keepdims=True) - t)

    return Loss("", value, slope, "-ln y of the true class", "softmax", from_sums, slope_by_sums)


def _relative(y: Floats, t: Floats) -> Floats:
    return 1 / np.maximum(np.abs(t), EPSILON)


def _log_error(y: Floats, t: Floats) -> Floats:
    return np.asarray(np.log(np.maximum(y, EPSILON) + 1) - np.log(np.maximum(t, EPSILON) + 1))


def _kept(y: Floats) -> Floats:
    return np.clip(y, EPSILON, 1)


def _hinge_room(y: Floats, t: Floats) -> Floats:
    return np.maximum(1 - _signs(t) * y, 0)


def _log_cosh(y: Floats, t: Floats) -> Floats:
    error = y - t
    return _mean(np.logaddexp(error, -error) - np.log(2))


def _categorical_hinge_slope(y: Floats, t: Floats) -> Floats:
    rival = ((1 - t) * y).argmax(axis=-1)
    others = np.eye(y.shape[-1])[rival] * (1 - t)
    active = (((1 - t) * y).max(axis=-1) - (t * y).sum(axis=-1) + 1 > 0)[..., None]
    return np.asarray(active * (others - t))


def _unit(values: Floats) -> Floats:
    return np.asarray(values / np.sqrt(np.maximum((values**2).sum(axis=-1, keepdims=True), 1e-12)))


def _cosine_slope(y: Floats, t: Floats) -> Floats:
    length = np.sqrt(np.maximum((y**2).sum(axis=-1, keepdims=True), 1e-12))
    direction, target = y / length, _unit(t)
    return np.asarray(-(target - direction * (direction * target).sum(axis=-1, keepdims=True)) / length)


_LOSSES: Mapping[str, Loss] = {
    loss.name: loss
    for loss in (
        Loss("MeanSquaredError", lambda y, t: _mean((y - t) ** 2), lambda y, t: 2 * (y - t) * _share(y), "mean of (y - t)²"),
        Loss(
            "HalfSquaredError",
            lambda y, t: 0.5 * _mean((y - t) ** 2),
            lambda y, t: (y - t) * _share(y),
            "mean of (y - t)²/2",
        ),
        Loss("MeanAbsoluteError", lambda y, t: _mean(np.abs(y - t)), lambda y, t: np.sign(y - t) * _share(y), "mean of |y - t|"),
        Loss(
            "MeanAbsolutePercentageError",
            lambda y, t: 100 * _mean(np.abs(y - t) * _relative(y, t)),
            lambda y, t: 100 * np.sign(y - t) * _relative(y, t) * _share(y),
            "100 · mean of |y - t| / |t|",
        ),
        Loss(
            "MeanSquaredLogarithmicError",
            lambda y, t: _mean(_log_error(y, t) ** 2),
            lambda y, t: 2 * _log_error(y, t) / (np.maximum(y, EPSILON) + 1) * (y > EPSILON) * _share(y),
            "mean of (ln(y + 1) - ln(t + 1))²",
        ),
        Loss("LogCosh", _log_cosh, lambda y, t: np.tanh(y - t) * _share(y), "mean of ln cosh(y - t)"),
        Loss(
            "Poisson",
            lambda y, t: _mean(y - t * np.log(y + EPSILON)),
            lambda y, t: (1 - t / (y + EPSILON)) * _share(y),
            "mean of y - t·ln y",
        ),
        Loss(
            "KLDivergence",
            lambda y, t: (_kept(t) * np.log(_kept(t) / _kept(y))).sum(axis=-1),
            lambda y, t: -_kept(t) / _kept(y) * ((y >= EPSILON) & (y <= 1)),
            "sum of t·ln(t / y)",
        ),
        Loss(
            "Hinge",
            lambda y, t: _mean(_hinge_room(y, t)),
            lambda y, t: -_signs(t) * (_hinge_room(y, t) > 0) * _share(y),
            "mean of max(1 - t·y, 0), t being -1 or 1",
        ),
        Loss(
            "SquaredHinge",
            lambda y, t: _mean(_hinge_room(y, t) ** 2),
            lambda y, t: -2 * _signs(t) * _hinge_room(y, t) * _share(y),
            "mean of max(1 - t·y, 0)², t being -1 or 1",
        ),
        Loss(
            "CategoricalHinge",
            lambda y, t: np.maximum(((1 - t) * y).max(axis=-1) - (t * y).sum(axis=-1) + 1, 0),
            _categorical_hinge_slope,
            "max(highest wrong y - true y + 1, 0)",
        ),
        Loss(
            "CosineSimilarity",
            lambda y, t: -(_unit(y) * _unit(t)).sum(axis=-1),
            _cosine_slope,
            "-cosine of the angle between y and t",
        ),
    )
}
