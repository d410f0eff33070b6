"""scikit-learn's transformers as preprocessing steps: the same numbers, stored without pickles, widths known beforehand."""

from __future__ import annotations

import importlib
import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dltrain.checking import check_config
from dltrain.config import load_config_text
from dltrain.config.catalog.transformers import TRANSFORMERS
from dltrain.config.types import Component, DataConfig
from dltrain.data import load_dataset, read_part
from dltrain.data.stored import load_preprocessing
from dltrain.data.transform import apply_steps, fit_steps, steps_from, steps_state
from dltrain.errors import ConfigError, RunError
from tests.support import CONFIGS, REPOSITORY

# Arguments that make each one quick; those without an entry take their defaults.
ARGUMENTS: dict[str, dict[str, Any]] = {
    "BernoulliRBM": {"n_components": 7, "n_iter": 2},
    "FactorAnalysis": {"n_components": 3},
    "FastICA": {"n_components": 3, "tol": 0.1},
    "GaussianRandomProjection": {"n_components": 5},
    "IncrementalPCA": {"n_components": 4},
    "KMeans": {"n_clusters": 4},
    "MinMaxScaler": {"feature_range": [0, 2]},
    "Nystroem": {"n_components": 9, "gamma": 0.1},
    "PCA": {"n_components": 4, "whiten": True},
    "PolynomialFeatures": {"degree": [1, 2]},
    "QuantileTransformer": {"n_quantiles": 20},
    "RBFSampler": {"n_components": 6},
    "TruncatedSVD": {"n_components": 3},
}


def rows_of(count: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.random((count, 6)) @ rng.random((6, 6)) / 6).astype(np.float32)


def config_of(*components: Component) -> DataConfig:
    return DataConfig("digits", transform=components)


def steps_of(name: str, matrix: np.ndarray, **more: Any):
    component = Component("transformer", name, ARGUMENTS.get(name, {}) | more)
    return fit_steps(config_of(component), matrix, 3)[0]


@pytest.mark.parametrize("name", sorted(TRANSFORMERS))
def test_the_same_numbers_as_scikit_learn_before_and_after_storing(name: str) -> None:
    matrix, others = rows_of(300), rows_of(40, 1)
    steps = steps_of(name, matrix)
    given = {key: tuple(value) if isinstance(value, list) else value for key, value in steps[0].arguments.items()}
    cls = getattr(importlib.import_module(f"sklearn.{TRANSFORMERS[name].module}"), name)
    expected = cls(**given).fit(matrix).transform(others)
    # Nystroem divides by small singular values: products of float32, which processors add up in other orders, differ by .0001.
    tolerance = {"rtol": 1e-3, "atol": 1e-4} if name == "Nystroem" else {"rtol": 1e-4, "atol": 1e-5}
    np.testing.assert_allclose(apply_steps(steps, others), expected, **tolerance)
    state, arrays = steps_state(steps)
    again = steps_from(json.loads(json.dumps(state, allow_nan=False)), arrays)
    np.testing.assert_array_equal(apply_steps(again, others), apply_steps(steps, others))
    # A row's numbers do not depend on the rows beside it.
    np.testing.assert_array_equal(apply_steps(steps, others[7:9]), apply_steps(steps, others)[7:9])
    expected_width = TRANSFORMERS[name].width(given, 6, 300)
    assert expected_width in (None, steps[0].width)
    assert (expected_width is None) == (name == "VarianceThreshold")
    if TRANSFORMERS[name].to_unit:
        assert 0 <= apply_steps(steps, others).min() <= apply_steps(steps, others).max() <= 1


@given(st.integers(1, 7), st.integers(0, 4), st.integers(0, 4), st.booleans(), st.booleans())
def test_the_width_of_polynomials_is_scikit_learn_s(width: int, low: int, high: int, only: bool, bias: bool) -> None:
    from sklearn.preprocessing import PolynomialFeatures

    low, high = min(low, high), max(low, high)
    if high == 0 and not bias:
        return
    arguments = {"degree": [low, high], "interaction_only": only, "include_bias": bias}
    made = PolynomialFeatures((low, high), interaction_only=only, include_bias=bias).fit_transform(np.ones((2, width)))
    assert TRANSFORMERS["PolynomialFeatures"].width(arguments, width, None) == made.shape[1]


def test_draws_are_functions_of_the_config_s_seed_and_the_step() -> None:
    matrix = rows_of(100)
    twice = config_of(Component("transformer", "RBFSampler", {"n_components": 6}), Component("transformer", "BernoulliRBM"))
    first, second, other = (fit_steps(twice, matrix, seed)[0] for seed in (1, 1, 2))
    assert first[0].arguments["random_state"] == second[0].arguments["random_state"] != other[0].arguments["random_state"]
    assert first[0].arguments["random_state"] != first[1].arguments["random_state"]
    np.testing.assert_array_equal(apply_steps(first, matrix), apply_steps(second, matrix))
    assert steps_of("RBFSampler", matrix, random_state=5)[0].arguments["random_state"] == 5


def test_what_scikit_learn_refuses_is_a_fault_of_the_config() -> None:
    with pytest.raises(ConfigError, match="scikit-learn refuses PCA") as caught:
        steps_of("PCA", rows_of(300), n_components=7)
    assert caught.value.faults[0].path == "data.transform.0"
    with pytest.raises(ConfigError, match="more than 200,000 numbers"):
        steps_of("PolynomialFeatures", rows_of(300), degree=40)


@pytest.mark.parametrize(
    "change",
    [
        {"name": "os.system"},
        {"name": "pca"},
        {"name": 3},
        {"arguments": {"copy": "x"}},
        {"arguments": {"n_components": {"a": 1}}},
        {"width": 10**9},
        {"width": 5},
        {"attributes": {"__class__": "x"}},
        {"attributes": {"n_features_in_": 10**9}},
        {"attributes": {}},
        {"arrays": ["mean_"]},
        {"arrays": ["mean_", "components_", "explained_variance_", "transform"]},
        {"arrays": ["nothing"]},
    ],
    ids=str,
)
def test_hostile_state_is_refused_and_calls_nothing(change: dict[str, Any]) -> None:
    matrix = rows_of(300)
    state, arrays = steps_state(steps_of("PCA", matrix))
    arrays["step_0_transform"] = np.zeros(3)
    with pytest.raises((ValueError, TypeError, KeyError, RunError)):
        apply_steps(steps_from([{**state[0], **change}], arrays), matrix)


def test_a_polynomial_of_a_degree_that_nothing_can_hold_is_refused() -> None:
    state, arrays = steps_state(steps_of("PolynomialFeatures", rows_of(50)))
    with pytest.raises(ValueError, match="expected"):
        steps_from([{**state[0], "arguments": {"degree": 60}}], arrays)


TABLE = """
data: {{source: csv, path: rows.csv, target: y, split: {{test: 0.2}}, transform: [{steps}]{more}}}
model: {{layers: [Dense: {{units: 3}}]}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    lines = [f"{a:.3f},{b:.3f},{word},{a > b}" for a, b, word in zip(rng.normal(size=90), rng.random(90), "xyz" * 30)]
    (tmp_path / "rows.csv").write_text("a,b,word,y\n" + "\n".join(lines) + "\n")
    return tmp_path


def table(folder: Path, steps: str, more: str = ""):
    return load_config_text(TABLE.format(steps=steps, more=more), file="c.yaml", folder=folder)


def test_a_table_s_steps_come_back_from_a_run_and_take_raw_rows(folder: Path) -> None:
    config = table(folder, "PolynomialFeatures: {degree: 2}, PCA: {n_components: 4}".replace(", PCA", "}, {PCA").join("{}"))
    dataset = load_dataset(config.data, seed=0)
    [spec] = dataset.schema.inputs
    assert spec.shape == (4,)
    assert spec.columns[0] == "PCA 0"
    assert any("PolynomialFeatures: 21 numbers, PCA: 4 numbers" in line for line in dataset.summary)
    dataset.preprocessing.save(folder)
    part = read_part(load_preprocessing(folder), [str(folder / "rows.csv")], with_targets=True)
    test = dataset.parts["test"]
    np.testing.assert_array_equal(part.inputs["features"][test.row_ids], test.inputs["features"])
    from sklearn.decomposition import PCA
    from sklearn.preprocessing import PolynomialFeatures

    plain = load_dataset(table(folder, "").data, seed=0).parts
    polynomials = PolynomialFeatures(2).fit(plain["train"].inputs["features"])
    fitted = PCA(4).fit(polynomials.transform(plain["train"].inputs["features"]))
    expected = fitted.transform(polynomials.transform(plain["test"].inputs["features"]))
    np.testing.assert_allclose(np.abs(test.inputs["features"]), np.abs(expected), atol=1e-4)


def test_check_knows_the_widths_without_scikit_learn(folder: Path) -> None:
    words = ["check", str(CONFIGS / "digits_rbm.yaml")]
    (folder / "c.yaml").write_text(TABLE.format(steps="{PCA: {n_components: 3}}", more=""))
    code = (
        "import sys\nfrom dltrain.cli.app import run\n"
        f"for words in ({words!r}, ['check', 'c.yaml']):\n"
        "    assert run(words) == 0\n"
        "assert 'sklearn' not in sys.modules, 'imported'"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "1000×10 + 10" in done.stdout
    assert "3×3 + 3" in done.stdout


def test_check_says_what_cannot_be_transformed(folder: Path) -> None:
    def said(steps: str, more: str = "") -> list[tuple[str | None, str]]:
        result = check_config(table(folder, steps, more))
        return [(fault.path, fault.message) for fault in (*result.errors, *result.warnings)]

    assert said("{PCA: {n_components: 5}}") == []
    assert said("{PCA: {n_components: 6}}")[0] == ("data.transform.0.n_components", "PCA cannot make 6 components of 5 numbers")
    assert check_config(table(folder, "{PCA: {n_components: 6}}")).exit_code == 2
    assert "between 0 and 1" in said("BernoulliRBM")[0][1]
    assert said("BernoulliRBM", ", scale: minmax") == []
    assert "more than 200,000" in said("{PolynomialFeatures: {degree: 30}}")[0][1]
    unknown = check_config(table(folder, "VarianceThreshold"))
    assert unknown.errors == ()
    assert any("known when it is fitted" in line for line in unknown.data)


def test_streamed_tables_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLTRAIN_STREAM_BYTES", "0")
    with pytest.raises(ConfigError, match="streamed from disk"):
        load_dataset(table(folder, "PCA").data, seed=0)


def test_pictures_are_taken_as_rows() -> None:
    config = DataConfig("digits", transform=(Component("transformer", "PCA", {"n_components": 8}),))
    dataset = load_dataset(config, seed=0)
    assert dataset.schema.inputs[0].shape == (8,)
    assert dataset.parts["train"].inputs["features"].shape == (1797, 8)
    assert math.isclose(float(np.abs(dataset.parts["train"].inputs["features"].mean())), 0, abs_tol=1e-4)


@pytest.mark.parametrize(
    ("steps", "limit", "words"),
    [
        ("PolynomialFeatures: {degree: [1, 2, 3]}", 100, "expected a degree, or the least and the most"),
        ("PolynomialFeatures: {degree: []}", 100, "expected a degree"),
        ("PolynomialFeatures: {degree: [3, 1]}", 100, "expected a degree"),
        ("KMeans: {n_clusters: 90}", 100, "KMeans cannot find 90 clusters in the 80 rows"),
        ("PCA: {n_components: 10}", 10, "PCA cannot find 10 components in the 8 rows"),
    ],
)
def test_what_a_step_cannot_do_is_known_beforehand(steps: str, limit: int, words: str) -> None:
    text = f"data: {{source: digits, limit: {limit}, split: {{test: 0.2}}, transform: [{steps}]}}\n"
    [fault] = check_config(load_config_text(text, file="c.yaml", folder=CONFIGS)).errors
    assert words in fault.message
    assert fault.line == 1


def test_fewer_numbers_than_were_asked_for_are_refused() -> None:
    with pytest.raises(ConfigError, match="5 numbers were asked for, 4 rows of 6 give 4"):
        steps_of("FastICA", rows_of(4), n_components=5, tol=10.0)
