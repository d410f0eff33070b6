"""Filling and scaling equal scikit-learn's, on gaps, constants and ties."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dltrain.data.columns.scaling import fit_number
from tests.support import examples

sklearn = pytest.importorskip("sklearn")


def example(seed: int, num_rows: int) -> np.ndarray:
    values = np.random.default_rng(seed).normal(50, 20, num_rows).round(1)
    values[:: max(2, num_rows // 7)] = values[0]
    return values


def scaler(scale: str, num_rows: int):  # type: ignore[no-untyped-def]
    from sklearn.preprocessing import MinMaxScaler, QuantileTransformer, RobustScaler, StandardScaler

    return {
        "standard": StandardScaler(),
        "minmax": MinMaxScaler(),
        "robust": RobustScaler(),
        "quantile": QuantileTransformer(n_quantiles=min(1000, num_rows), subsample=None),
    }[scale]


# Not the mean's quantile: where it ties with a value, a last bit decides which of two quantiles it is.
PAIRS = [(scale, impute) for scale in ("standard", "minmax", "robust") for impute in ("median", "mean", "most_frequent")]


@pytest.mark.parametrize(("scale", "impute"), [*PAIRS, ("quantile", "median"), ("quantile", "most_frequent")])
@settings(max_examples=examples(10, 30), deadline=None)
@given(st.integers(0, 10_000), st.integers(4, 300))
def test_like_scikit_learn(scale: str, impute: str, seed: int, num_rows: int) -> None:
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline

    train, test = example(seed, num_rows), example(seed + 1, 50) * 1.3
    train[1], test[3] = np.nan, np.nan
    pipeline = make_pipeline(SimpleImputer(strategy=impute), scaler(scale, num_rows)).fit(train[:, None])
    number = fit_number("x", train, scale, impute)
    assert number.columns == ("x", "x missing")
    for values in (train, test):
        np.testing.assert_allclose(number.transform(values), pipeline.transform(values[:, None])[:, 0], atol=1e-9)


@pytest.mark.parametrize("scale", ["standard", "minmax", "robust", "smooth_clip", "quantile", "none"])
@pytest.mark.parametrize("value", [0.0, 0.1, 1e12, -3.3e-12])
def test_a_constant_stays_finite(scale: str, value: float) -> None:
    number = fit_number("x", np.full(49, value), scale, "median")
    assert number.columns == ("x",)
    assert np.isfinite(number.transform(np.array([value, value + 1, np.nan]))).all()
    if scale in ("standard", "minmax", "robust", "smooth_clip"):
        assert abs(number.transform(np.array([value]))[0]) < 1e-3


def test_a_row_alone_gives_the_same_bits() -> None:
    values = example(3, 1000)
    number = fit_number("x", values, "quantile", "median")
    together = number.transform(values)
    assert all(number.transform(values[row : row + 1])[0] == together[row] for row in range(0, 1000, 37))


def test_a_number_fills_gaps() -> None:
    assert fit_number("x", np.array([1.0, np.nan, 3.0]), "none", -1.0).transform(np.array([np.nan])).tolist() == [-1.0]


@given(st.integers(0, 10_000), st.integers(5, 300))
def test_smooth_clip_bends_what_scikit_learn_makes_robust(seed: int, num_rows: int) -> None:
    from sklearn.preprocessing import RobustScaler

    train, other = example(seed, num_rows), example(seed + 1, 50) * 100
    train[-1] = 1e6  # far away, and still no more than 3
    scaled = RobustScaler().fit(train[:, None]).transform(np.concatenate([train, other])[:, None])[:, 0]
    number = fit_number("x", train, "smooth_clip", "median")
    made = number.transform(np.concatenate([train, other]))
    np.testing.assert_allclose(made, scaled / np.sqrt(1 + (scaled / 3) ** 2), atol=1e-12)
    assert np.abs(made).max() <= 3
    near = np.abs(scaled) < 50
    np.testing.assert_allclose(number.inverse(made)[near], np.concatenate([train, other])[near], rtol=1e-6, atol=1e-6)


def test_smooth_clip_takes_half_the_range_where_most_rows_have_one_value() -> None:
    values = np.array([0.0] * 90 + [2.0, 4.0, 8.0, 10.0])
    number = fit_number("x", values, "smooth_clip", "median")
    assert (number.center, number.spread) == (0.0, 5.0)
    assert number.transform(np.array([10.0]))[0] == 2 / np.sqrt(1 + (2 / 3) ** 2)


def test_smooth_clip_holds_the_largest_numbers_that_there_are() -> None:
    number = fit_number("x", np.array([-1.0, 0.0, 1.0, 2.0]), "smooth_clip", "median")
    assert number.transform(np.array([1e308, -1e308, np.nan])).tolist() == pytest.approx([3.0, -3.0, 0.0])
    assert np.isfinite(number.inverse(np.array([3.0, -3.5, 100.0]))).all()


def test_smooth_clip_takes_the_quartiles_of_the_values_that_there_are() -> None:
    values = np.array([np.nan] * 900 + list(range(1, 100)) + [5000.0])
    number = fit_number("x", values, "smooth_clip", "median")
    low, middle, high = np.percentile(values[900:], [25, 50, 75])
    assert (number.center, number.spread) == (middle, high - low)
    assert number.transform(np.array([np.nan, middle])).tolist() == [0.0, 0.0]
