"""The graphs of scikit-learn's transformers against the fitted transformers themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dltrain.config.catalog.transformers import TRANSFORMERS
from dltrain.data.transform import apply_steps
from dltrain.model.export.step_graph import FORMULAS, add_steps
from dltrain.model.keras_import import import_keras
from tests.data.test_transform import rows_of, steps_of

VARIANTS: list[tuple[str, dict[str, Any]]] = [
    *((name, {}) for name in sorted(TRANSFORMERS)),
    *(("Normalizer", {"norm": norm}) for norm in ("l1", "max")),
    *(("QuantileTransformer", {"output_distribution": "normal", "n_quantiles": count}) for count in (20, 300)),
    *(("Nystroem", {"kernel": kernel, "gamma": None}) for kernel in ("linear", "cosine", "additive_chi2")),
    *(("Nystroem", {"kernel": kernel, "gamma": 0.2}) for kernel in ("laplacian", "polynomial", "sigmoid", "chi2")),
    ("PolynomialFeatures", {"degree": 3, "interaction_only": True}),
    ("PolynomialFeatures", {"degree": [2, 3], "include_bias": False}),
    ("FastICA", {"n_components": None, "whiten": "unit-variance"}),
    ("FactorAnalysis", {"rotation": "varimax"}),
    ("MinMaxScaler", {"clip": True}),
    ("MaxAbsScaler", {"clip": True}),
    ("Binarizer", {"threshold": 0.4}),
    ("StandardScaler", {"with_std": False}),
    ("RobustScaler", {"with_centering": False}),
    ("VarianceThreshold", {"threshold": 0.004}),
]


def test_every_transformer_has_its_graph() -> None:
    assert set(FORMULAS) == set(TRANSFORMERS)


@pytest.mark.parametrize(("name", "more"), VARIANTS)
def test_the_graph_makes_the_numbers_of_the_transformer(name: str, more: dict[str, Any]) -> None:
    learned, others = rows_of(300), np.concatenate([rows_of(60, 1) * 1.3 - 0.1, rows_of(40)])
    if name == "Nystroem" and "chi2" in more.get("kernel", ""):
        others = np.maximum(others, 0)  # it takes no others
    steps = steps_of(name, learned, **more)
    made = np.asarray(add_steps(import_keras(), steps, others))
    expected = apply_steps(steps, others)
    assert made.shape == expected.shape
    # float32 here, float64 there in places; Nystroem divides by the roots of singular values, which are small for these rows.
    rounding = 1e-3 if name == "Nystroem" else 2e-5 * max(1.0, float(np.abs(expected).max()))
    np.testing.assert_allclose(made, expected, rtol=2e-4, atol=rounding)


def test_steps_follow_each_other() -> None:
    learned, others = rows_of(300), rows_of(20, 1)
    first = steps_of("BernoulliRBM", learned)
    second = steps_of("PolynomialFeatures", apply_steps(first, learned))
    steps = (*first, *second)
    made = np.asarray(add_steps(import_keras(), steps, others))
    np.testing.assert_allclose(made, apply_steps(steps, others), rtol=1e-5, atol=1e-6)
