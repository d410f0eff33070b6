"""The scikit-learn transformers that a config may name: those whose fitted state is plain arrays and numbers.

Left out is what keeps estimators or functions of its own, and what transforms rows in the light of each other (NMF), so that a
row's numbers would depend on its company. Names, defaults and descriptions of the arguments come from scikit-learn's own
signatures (`generate_catalog`); what they take stands here, in the notation of `kinds.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

MOST_NUMBERS = 200_000
_SEED = {"random_state": "int>=0|none"}
_COMPONENTS = {"n_components": "int>=1|none"}
_COUNT = {"n_components": "int>=1"}

# (arguments, numbers of a row, rows of the training part or None) -> numbers of a row behind it; None: not known before fitting.
Width = Callable[[Mapping[str, Any], int, int | None], int | None]


def same_width(arguments: Mapping[str, Any], width: int, rows: int | None) -> int | None:
    """As many columns as the step is given."""
    return width


def unknown_width(arguments: Mapping[str, Any], width: int, rows: int | None) -> int | None:
    """None: the number of columns is known after fitting alone."""
    return None


def _given(name: str) -> Width:
    def width_of(arguments: Mapping[str, Any], width: int, rows: int | None) -> int | None:
        value = arguments.get(name)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    return width_of


def _components(arguments: Mapping[str, Any], width: int, rows: int | None) -> int | None:
    value = arguments.get("n_components")
    if value is None:
        return None if rows is None else min(width, rows)
    return value if isinstance(value, int) else None


def _factors(arguments: Mapping[str, Any], width: int, rows: int | None) -> int | None:
    value = arguments.get("n_components")
    return width if value is None else value if isinstance(value, int) else None


def degrees(arguments: Mapping[str, Any]) -> tuple[int, int] | None:
    """The least and the most degree of PolynomialFeatures; None: what is given are no such two."""
    degree = arguments.get("degree", 2)
    bounds = tuple(degree) if isinstance(degree, list | tuple) else (0, degree)
    return (bounds[0], bounds[1]) if len(bounds) == 2 and bounds[0] <= bounds[1] else None


def _polynomials(arguments: Mapping[str, Any], width: int, rows: int | None) -> int | None:
    bounds = degrees(arguments)
    if bounds is None:
        return None
    low, high = bounds
    bias = int(bool(arguments.get("include_bias", True)))
    if high > width + 64:
        return MOST_NUMBERS + 1
    if arguments.get("interaction_only"):
        return sum(math.comb(width, size) for size in range(max(1, low), min(high, width) + 1)) + bias
    lower = math.comb(width + low - 1, low - 1) - 1 if low > 0 else 0
    return math.comb(width + high, high) - 1 - lower + bias


def too_wide(name: str, width: int) -> str:
    """What is said of a step that would give more numbers than are reasonable."""
    return f"{name} would make more than {MOST_NUMBERS:,} numbers of the {width:,} of a row"


@dataclass(frozen=True, slots=True)
class Transformer:
    """One transformer.

    Attributes:
        module: where scikit-learn has it.
        arguments: argument -> what it takes; those that are not here cannot be given.
        width: how many numbers of a row come out.
        at_most: "width" where `n_components` can be no more than the numbers of a row.
        at_most_rows: the argument that can be no more than the rows of the training part.
        bulk: fitted attributes of the size of the training part, which transforming does not need.
        from_unit: it takes numbers between 0 and 1.
        to_unit: it gives numbers between 0 and 1.
    """

    module: str
    arguments: Mapping[str, str]
    width: Width = same_width
    at_most: str = ""
    at_most_rows: str = ""
    bulk: tuple[str, ...] = ()
    from_unit: bool = False
    to_unit: bool = False


TRANSFORMERS: dict[str, Transformer] = {
    "BernoulliRBM": Transformer(
        "neural_network",
        {**_COUNT, "learning_rate": "number>0", "batch_size": "int>=1", "n_iter": "int>=0", **_SEED},
        _given("n_components"),
        bulk=("h_samples_",),
        from_unit=True,
        to_unit=True,
    ),
    "Binarizer": Transformer("preprocessing", {"threshold": "number"}, to_unit=True),
    "FactorAnalysis": Transformer(
        "decomposition",
        {
            **_COMPONENTS, "tol": "number>0", "max_iter": "int>=1", "svd_method": "'lapack'|'randomized'",
            "iterated_power": "int>=0", "rotation": "'varimax'|'quartimax'|none", **_SEED,
        },
        _factors,
        at_most="width",
        bulk=("loglike_",),
    ),
    "FastICA": Transformer(
        "decomposition",
        {
            **_COMPONENTS, "algorithm": "'parallel'|'deflation'", "whiten": "'arbitrary-variance'|'unit-variance'",
            "fun": "'logcosh'|'exp'|'cube'", "max_iter": "int>=1", "tol": "number>0", "whiten_solver": "'eigh'|'svd'", **_SEED,
        },
        _components,
        at_most="width", at_most_rows="n_components",
    ),
    "GaussianRandomProjection": Transformer(
        "random_projection", {"n_components": "int>=1|'auto'", "eps": "number(0,1)", **_SEED}, _given("n_components")
    ),
    "IncrementalPCA": Transformer(
        "decomposition",
        {**_COMPONENTS, "whiten": "bool", "batch_size": "int>=1|none"},
        _components,
        at_most="width",
        at_most_rows="n_components",
    ),
    "KMeans": Transformer(
        "cluster",
        {
            "n_clusters": "int>=1", "init": "'k-means++'|'random'", "n_init": "int>=1|'auto'", "max_iter": "int>=1",
            "tol": "number>=0", "algorithm": "'lloyd'|'elkan'", **_SEED,
        },
        _given("n_clusters"),
        at_most_rows="n_clusters",
        bulk=("labels_",),
    ),
    "MaxAbsScaler": Transformer("preprocessing", {"clip": "bool"}),
    "MinMaxScaler": Transformer("preprocessing", {"feature_range": "list(number)", "clip": "bool"}),
    "Normalizer": Transformer("preprocessing", {"norm": "'l1'|'l2'|'max'"}),
    "Nystroem": Transformer(
        "kernel_approximation",
        {
            "kernel": "'rbf'|'laplacian'|'polynomial'|'poly'|'sigmoid'|'cosine'|'linear'|'chi2'|'additive_chi2'",
            "gamma": "number>=0|none", "coef0": "number|none", "degree": "number>=1|none", **_COUNT, **_SEED,
        },
        _given("n_components"),
        at_most_rows="n_components",
        bulk=("component_indices_",),
    ),
    "PCA": Transformer(
        "decomposition",
        {
            "n_components": "int>=1|number(0,1)|'mle'|none", "whiten": "bool",
            "svd_solver": "'auto'|'full'|'covariance_eigh'|'arpack'|'randomized'", "tol": "number>=0",
            "iterated_power": "'auto'|int>=0", **_SEED,
        },
        _components,
        at_most="width", at_most_rows="n_components",
    ),
    "PolynomialFeatures": Transformer(
        "preprocessing",
        {"degree": "int>=0|list(int>=0)", "interaction_only": "bool", "include_bias": "bool"},
        _polynomials,
    ),
    "QuantileTransformer": Transformer(
        "preprocessing",
        {"n_quantiles": "int>=1", "output_distribution": "'uniform'|'normal'", "subsample": "int>=1|none", **_SEED},
    ),
    "RBFSampler": Transformer(
        "kernel_approximation", {"gamma": "'scale'|number>=0", **_COUNT, **_SEED}, _given("n_components")
    ),
    "RobustScaler": Transformer(
        "preprocessing",
        {"with_centering": "bool", "with_scaling": "bool", "quantile_range": "list(number)", "unit_variance": "bool"},
    ),
    "StandardScaler": Transformer("preprocessing", {"with_mean": "bool", "with_std": "bool"}),
    "TruncatedSVD": Transformer(
        "decomposition",
        {
            **_COUNT, "algorithm": "'arpack'|'randomized'", "n_iter": "int>=0", "n_oversamples": "int>=1",
            "power_iteration_normalizer": "'auto'|'QR'|'LU'|'none'", "tol": "number>=0", **_SEED,
        },
        _given("n_components"),
        at_most="width",
    ),
    "VarianceThreshold": Transformer("feature_selection", {"threshold": "number>=0"}, unknown_width),
}  # fmt: skip
