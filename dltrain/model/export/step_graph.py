"""Fitted transformers of scikit-learn as graphs of Keras's operations: the formula of each, its fitted arrays as constants."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import chain, combinations, combinations_with_replacement
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.data.transform import FittedStep
from dltrain.model.export.scaling import standardize, to_quantiles

# (keras.ops, numbers float32 [rows, width], arguments, fitted attributes) -> numbers [rows, new width]
Formula = Callable[[Any, Any, Mapping[str, Any], Mapping[str, Any]], Any]
# scikit-learn's QuantileTransformer keeps what it makes normal away from infinity by this share.
BOUND = 1e-7


def add_steps(keras: Any, steps: Sequence[FittedStep], matrix: Any) -> Any:
    """The same as `dltrain.data.transform.apply_steps`, as a graph, in float32.

    Args:
        keras: the module.
        steps: fitted.
        matrix: scaled numbers [rows, width].
    """
    for step in steps:
        matrix = FORMULAS[step.name](keras.ops, matrix, step.arguments, step.attributes)
    return matrix


def _constant(values: Any) -> NDArray[np.float32]:
    return np.asarray(values, np.float32)


def _project(ops: Any, matrix: Any, fitted: Mapping[str, Any], components: Any, spread: Any = None) -> Any:
    """(matrix - mean) @ components.T / spread."""
    mean = fitted.get("mean_")
    weights = np.asarray(components, np.float64).T
    weights = weights if spread is None else weights / spread
    if mean is not None:
        mean = np.asarray(mean, np.float64)
        matrix = standardize(matrix, mean, np.ones_like(mean))
    return ops.matmul(matrix, _constant(weights))


def _pca(ops: Any, matrix: Any, given: Mapping[str, Any], fitted: Mapping[str, Any]) -> Any:
    spread = None
    if given.get("whiten"):
        variance = np.asarray(fitted["explained_variance_"])
        spread = np.maximum(np.sqrt(variance), np.finfo(variance.dtype).eps)
    return _project(ops, matrix, fitted, fitted["components_"], spread)


def _independent(ops: Any, matrix: Any, given: Mapping[str, Any], fitted: Mapping[str, Any]) -> Any:
    return _project(ops, matrix, fitted, fitted["components_"])


def _without_mean(ops: Any, matrix: Any, given: Mapping[str, Any], fitted: Mapping[str, Any]) -> Any:
    return ops.matmul(matrix, _constant(fitted["components_"]).T)


def _factors(ops: Any, matrix: Any, given: Mapping[str, Any], fitted: Mapping[str, Any]) -> Any:
    """The expected latent variables (Bishop 2006, equation 12.66)."""
    loadings = np.asarray(fitted["components_"], np.float64)
    weighted = loadings / fitted["noise_variance_"]
    covariance = np.linalg.inv(np.eye(len(loadings)) + weighted @ loadings.T)
    return _project(ops, matrix, fitted, (weighted.T @ covariance).T)


def _boltzmann(ops: Any, matrix: Any, given: Mapping[str, Any], fitted: Mapping[str, Any]) -> Any:
    hidden = ops.matmul(matrix, _constant(fitted["components_"]).T) + _constant(fitted["intercept_hidden_"])
    return ops.sigmoid(hidden)


def _binary(ops: Any, matrix: Any, given: Mapping[str, Any], fitted: Mapping[str, Any]) -> Any:
    return ops.cast(ops.greater(matrix, np.float32(given.get("threshold", 0.0))), "float32")


def _squares(ops: Any, matrix: Any, points: Any) -> Any:
    """Squared distances [rows, points], both counted from the points' middle, where the fewest digits are lost."""
    exact = np.asarray(points, np.float64)
    middle = exact.mean(axis=0)
    exact = exact - middle
    matrix = standardize(matrix, middle, np.ones_like(middle))
    own = ops.sum(ops.square(matrix), axis=1, keepdims=True) + _constant((exact**2).sum(axis=1))
    return ops.maximum(own - ops.matmul(matrix, _constant(2 * exact.T)), 0.0)


def _clusters(ops: Any, matrix: Any, given: Mapping[str, Any], fitted: Mapping[str, Any]) -> Any:
    return ops.sqrt(_squares(ops, matrix, fitted["cluster_centers_"]))


def _max_abs(ops: Any, matrix: Any, given: Mapping[str, Any], fitted: Mapping[str, Any]) -> Any:
    scaled = matrix / _constant(fitted["scale_"])
    return ops.clip(scaled, -1.0, 1.0) if given.get("clip") else scaled


def _min_max(ops: Any, matrix: Any, given: Mapping[str, Any], fitted: Mapping[str, Any]) -> Any:
    low, high = given.get("feature_range", (0, 1))
    scale = np.asarray(fitted["scale_"], np.float64)
    scaled = standardize(matrix, -np.asarray(fitted["min_"], np.float64) / scale, 1 / scale)
    return ops.clip(scaled, float(low), float(high)) if given.get("clip") else scaled


def _standard(ops: Any, matrix: Any, given: Mapping[str, Any], fitted: Mapping[str, Any]) -> Any:
    width = fitted["n_features_in_"]
    center = fitted.get("mean_") if given.get("with_mean", True) else None
    spread = fitted.get("scale_") if given.get("with_std", True) else None
    return _centered(matrix, width, center, spread)


def _robust(ops: Any, matrix: Any, given: Mapping[str, Any], fitted: Mapping[str, Any]) -> Any:
    center = fitted.get("center_") if given.get("with_centering", True) else None
    spread = fitted.get("scale_") if given.get("with_scaling", True) else None
    return _centered(matrix, fitted["n_features_in_"], center, spread)


def _centered(matrix: Any, width: int, center: Any, spread: Any) -> Any:
    middle = np.zeros(width) if center is None else np.asarray(center, np.float64)
    return standardize(matrix, middle, np.ones(width) if spread is None else np.asarray(spread, np.float64))


def _normalized(ops: Any, matrix: Any, given: Mapping[str, Any], fitted: Mapping[str, Any]) -> Any:
    sizes = ops.abs(matrix)
    norm = given.get("norm", "l2")
    if norm == "l2":
        length = ops.sqrt(ops.sum(ops.square(matrix), axis=1, keepdims=True))
    elif norm == "l1":
        length = ops.sum(sizes, axis=1, keepdims=True)
    else:
        length = ops.max(sizes, axis=1, keepdims=True)
    return matrix / ops.where(ops.equal(length, 0.0), np.float32(1.0), length)


def _kernel(ops: Any, matrix: Any, given: Mapping[str, Any], fitted: Mapping[str, Any]) -> Any:
    """scikit-learn's `pairwise_kernels` of the rows and the points that fitting chose."""
    points = _constant(fitted["components_"])
    kernel, gamma = given.get("kernel", "rbf"), given.get("gamma")
    gamma = float(1.0 / points.shape[1] if gamma is None and kernel != "chi2" else 1.0 if gamma is None else gamma)
    shift = 1.0 if given.get("coef0") is None else float(given["coef0"])
    if kernel == "rbf":
        similar = ops.exp(_squares(ops, matrix, points) * -gamma)
    elif kernel == "laplacian":
        similar = ops.exp(ops.sum(ops.abs(ops.expand_dims(matrix, 1) - points), axis=2) * -gamma)
    elif kernel in ("polynomial", "poly"):
        degree = 3.0 if given.get("degree") is None else float(given["degree"])
        similar = ops.power(ops.matmul(matrix, points.T) * gamma + shift, degree)
    elif kernel == "sigmoid":
        similar = ops.tanh(ops.matmul(matrix, points.T) * gamma + shift)
    elif kernel == "cosine":
        lengths = np.linalg.norm(points, axis=1, keepdims=True)
        similar = ops.matmul(_normalized(ops, matrix, {}, {}), (points / np.where(lengths == 0, 1, lengths)).T)
    elif kernel == "linear":
        similar = ops.matmul(matrix, points.T)
    else:
        rows = ops.expand_dims(matrix, 1)
        both = rows + points
        similar = ops.sum(ops.square(rows - points) / ops.where(ops.equal(both, 0.0), np.float32(1.0), both), axis=2) * -1.0
        similar = ops.exp(similar * gamma) if kernel == "chi2" else similar
    return ops.matmul(similar, _constant(fitted["normalization_"]).T)


def _polynomials(ops: Any, matrix: Any, given: Mapping[str, Any], fitted: Mapping[str, Any]) -> Any:
    """Products of columns in scikit-learn's order: each is a row of places, filled up with that of a column of ones."""
    degree = given.get("degree", 2)
    low, high = degree if isinstance(degree, list | tuple) else (0, degree)
    width = fitted["n_features_in_"]
    choose = combinations if given.get("interaction_only") else combinations_with_replacement
    products = chain.from_iterable(choose(range(width), size) for size in range(max(1, low), high + 1))
    rows = [list(places) + [width] * (high - len(places)) for places in products]
    rows = [[width] * high, *rows] if given.get("include_bias", True) else rows
    with_one = ops.concatenate([matrix, ops.ones_like(matrix[:, :1])], axis=1)
    if high == 0:
        return with_one[:, width:]
    product = None
    for places in np.array(rows, np.int32).T:
        factor = ops.take(with_one, places, axis=1)
        product = factor if product is None else product * factor
    return product


def _quantiles(ops: Any, matrix: Any, given: Mapping[str, Any], fitted: Mapping[str, Any]) -> Any:
    quantiles = np.asarray(fitted["quantiles_"], np.float64)
    shares = [ops.expand_dims(to_quantiles(ops, matrix[:, index], column), 1) for index, column in enumerate(quantiles.T)]
    joined = shares[0] if len(shares) == 1 else ops.concatenate(shares, axis=1)
    if given.get("output_distribution", "uniform") == "uniform":
        return joined
    # Near 1 float32 has no room for shares that differ by BOUND: the lower half is looked at from either side.
    above = ops.greater(joined, 0.5)
    tail = ops.maximum(ops.where(above, 1.0 - joined, joined), np.float32(BOUND))
    normal = _normal_tail(ops, tail)
    return ops.where(above, normal * -1.0, normal)


def _normal_tail(ops: Any, share: Any) -> Any:
    """The normal distribution's quantile of shares up to one half (Wichura 1988, algorithm AS 241, PPND7: seven digits)."""
    middle = share - np.float32(0.5)
    near = 0.180625 - middle * middle
    center = middle * _ratio(
        near, (3.3871327179, 50.434271938, 159.29113202, 59.109374720), (1, 17.895169469, 78.757757664, 67.187563600)
    )
    root = ops.sqrt(ops.log(share) * -1.0)
    less = root - 1.6
    outer = _ratio(less, (1.4234372777, 2.7568153900, 1.3067284816, 0.17023821103), (1, 0.73700164250, 0.12021132975))
    return ops.where(ops.less_equal(ops.abs(middle), 0.425), center, outer * -1.0)


def _ratio(value: Any, above: Sequence[float], below: Sequence[float]) -> Any:
    def polynomial(coefficients: Sequence[float]) -> Any:
        total = value * 0.0 + coefficients[-1]
        for coefficient in reversed(coefficients[:-1]):
            total = total * value + coefficient
        return total

    return polynomial(above) / polynomial(below)


def _fourier(ops: Any, matrix: Any, given: Mapping[str, Any], fitted: Mapping[str, Any]) -> Any:
    turns = ops.matmul(matrix, _constant(fitted["random_weights_"])) + _constant(fitted["random_offset_"])
    return ops.cos(turns) * math.sqrt(2.0 / given.get("n_components", 100))


def _varying(ops: Any, matrix: Any, given: Mapping[str, Any], fitted: Mapping[str, Any]) -> Any:
    kept = np.flatnonzero(np.asarray(fitted["variances_"]) > given.get("threshold", 0.0))
    return ops.take(matrix, kept.astype(np.int32), axis=1)


FORMULAS: dict[str, Formula] = {
    "BernoulliRBM": _boltzmann,
    "Binarizer": _binary,
    "FactorAnalysis": _factors,
    "FastICA": _independent,
    "GaussianRandomProjection": _without_mean,
    "IncrementalPCA": _pca,
    "KMeans": _clusters,
    "MaxAbsScaler": _max_abs,
    "MinMaxScaler": _min_max,
    "Normalizer": _normalized,
    "Nystroem": _kernel,
    "PCA": _pca,
    "PolynomialFeatures": _polynomials,
    "QuantileTransformer": _quantiles,
    "RBFSampler": _fourier,
    "RobustScaler": _robust,
    "StandardScaler": _standard,
    "TruncatedSVD": _without_mean,
    "VarianceThreshold": _varying,
}
