"""What is done to outputs before they are answers, against scipy and scikit-learn, as numbers and as a graph."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.special import expit, logit, softmax
from sklearn.isotonic import IsotonicRegression

from dltrain.config.types import Component
from dltrain.data.dataset import TargetSpec
from dltrain.evaluation.metrics.calibration import fit_isotonic, fit_temperature
from dltrain.evaluation.metrics.report import probabilities_of
from dltrain.model.export.outputs import add_outputs
from dltrain.model.heads.answers import STEP, Answers, Curve, Isotonic, Temperature, Threshold, decide, log_odds
from dltrain.model.heads.head import Head


def head_of(num_classes, *, logits=False, units=None, loss="BinaryCrossentropy", **answers):
    classes = tuple(f"class {index}" for index in range(num_classes))
    target = TargetSpec("y", "classification", classes)
    units = units or (1 if num_classes == 2 else num_classes)
    found = Answers(**answers) if answers else None
    return Head("y", (target,), units, (), Component("loss", loss), 1.0, "binary", logits, "", answers=found)


def outputs_of(rng, num_rows, head):
    scores = rng.normal(size=(num_rows, head.units)) * 3
    if head.logits:
        return scores
    return expit(scores) if head.units == 1 else softmax(scores, axis=1)


def in_graph(head, output):
    from dltrain.model.keras_import import import_keras

    keras = import_keras()
    given_output = keras.Input((output.shape[1],))
    made, _ = add_outputs(keras, [head], [given_output], with_text=False)
    found = keras.Model(given_output, made)(output.astype("float32"))
    return np.asarray(found["prediction"]), np.asarray(found["probabilities"])


@pytest.mark.parametrize("logits", [False, True])
@pytest.mark.parametrize("num_classes", [2, 4])
def test_a_temperature_divides_what_stands_before_the_sigmoid_or_the_softmax(num_classes, logits):
    head = head_of(num_classes, logits=logits, calibration=Temperature(2.5))
    output = outputs_of(np.random.default_rng(0), 200, head)
    scores = output if logits else logit(output) if num_classes == 2 else np.log(output)
    expected = expit(scores / 2.5) if num_classes == 2 else softmax(scores / 2.5, axis=1)
    found = probabilities_of(head, output)
    np.testing.assert_allclose(found[:, 1:] if num_classes == 2 else found, expected, rtol=1e-9)
    np.testing.assert_allclose(found.sum(axis=1), 1)


def test_two_units_of_two_classes_and_an_output_of_the_hinge():
    two = head_of(2, units=2, loss="CategoricalCrossentropy", calibration=Temperature(3.0))
    output = outputs_of(np.random.default_rng(1), 50, two)
    np.testing.assert_allclose(probabilities_of(two, output), softmax(np.log(output) / 3, axis=1))
    hinge = head_of(2, loss="Hinge", calibration=Temperature(0.5))
    said = np.array([[-0.5], [0.8]])
    np.testing.assert_allclose(probabilities_of(hinge, said)[:, 1:], expit(2 * logit((said + 1) / 2)))


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([2, 3]), st.booleans(), st.sampled_from(["temperature", "isotonic"]))
def test_the_graph_says_the_same(seed, num_classes, logits, method):
    rng = np.random.default_rng(seed)
    plain = head_of(num_classes, logits=logits)
    output = outputs_of(rng, 400, plain).astype("float32")
    said = probabilities_of(plain, output)
    codes = (said.cumsum(axis=1) < rng.random((400, 1))).sum(axis=1).clip(0, num_classes - 1)
    calibration = Temperature(0.4 + 4 * rng.random()) if method == "temperature" else fit_isotonic(codes, said, plain.classes)
    thresholds = (Threshold("class 1", 0.37),) if num_classes == 2 else ()
    head = replace(plain, answers=Answers(calibration, thresholds))
    expected = probabilities_of(head, output)
    labels, found = in_graph(head, output)
    np.testing.assert_allclose(found, expected, atol=3e-4)
    order = np.sort(expected, axis=1)
    clear = np.abs(expected[:, 1] - 0.37) > 1e-3 if num_classes == 2 else order[:, -1] - order[:, -2] > 1e-3
    assert clear.mean() > 0.5
    np.testing.assert_array_equal(labels[clear], decide(head, expected)[clear])


def test_a_threshold_divides_two_classes():
    said = np.array([[0.7, 0.3], [0.71, 0.29], [0.2, 0.8]])
    assert decide(head_of(2, thresholds=(Threshold("class 1", 0.3),)), said).tolist() == [1, 0, 1]
    assert decide(head_of(2), said).tolist() == [0, 0, 1]


def made_up(rng, num_rows, num_classes, too_sure):
    """Rows whose classes follow from their logits, and a model that says these times a factor."""
    scores = rng.normal(size=(num_rows, num_classes)) * 1.5
    codes = (softmax(scores, axis=1).cumsum(axis=1) < rng.random((num_rows, 1))).sum(axis=1)
    return codes, too_sure * scores


@pytest.mark.parametrize(("num_classes", "too_sure"), [(2, 3.0), (5, 3.0), (5, 0.4)])
def test_the_temperature_is_that_of_made_up_data(num_classes, too_sure):
    codes, scores = made_up(np.random.default_rng(2), 20_000, num_classes, too_sure)
    found = fit_temperature(codes, scores)
    assert found.temperature == pytest.approx(too_sure, rel=0.04)

    def loss(temperature):
        return -np.log(softmax(scores / temperature, axis=1)[np.arange(len(codes)), codes]).mean()

    assert found.temperature == pytest.approx(minimize_scalar(loss, bounds=(0.1, 10), method="bounded").x, rel=2e-3)


def test_the_temperature_of_two_classes_is_the_slope_of_a_logistic_regression():
    from sklearn.linear_model import LogisticRegression

    codes, scores = made_up(np.random.default_rng(3), 900, 2, 2.0)
    odds = scores[:, 1:] - scores[:, :1]
    slope = LogisticRegression(C=np.inf, fit_intercept=False, tol=1e-8).fit(odds, codes).coef_[0, 0]
    assert fit_temperature(codes, odds).temperature == pytest.approx(1 / slope, rel=1e-4)


def test_rows_that_are_all_right_tell_no_temperature():
    assert fit_temperature(np.array([0, 1, 1]), np.array([[-1.0], [2.0], [0.1]])) is None


@pytest.mark.parametrize("num_classes", [2, 4])
def test_the_curves_are_scikit_learns(num_classes):
    codes, scores = made_up(np.random.default_rng(4), 1500, num_classes, 2.5)
    said = softmax(scores, axis=1)
    plain = head_of(num_classes, units=num_classes, loss="CategoricalCrossentropy")
    head = replace(plain, answers=Answers(fit_isotonic(codes, said, plain.classes)))
    least = 1 / (len(codes) + 2)

    def expected(code, rows):
        regression = IsotonicRegression(y_min=least, y_max=1 - least, out_of_bounds="clip")
        regression.fit(np.round(log_odds(said[:, code]) / STEP) * STEP, codes == code)
        return regression.predict(log_odds(rows[:, code]))

    fresh = softmax(made_up(np.random.default_rng(5), 300, num_classes, 2.5)[1], axis=1)
    shares = np.stack([expected(code, fresh) for code in ([1] if num_classes == 2 else range(num_classes))], axis=1)
    shares = np.concatenate([1 - shares, shares], axis=1) if num_classes == 2 else shares / shares.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(probabilities_of(head, fresh), shares, rtol=1e-6)


def test_a_curve_of_one_point_is_level():
    head = head_of(2, calibration=Isotonic((Curve("class 1", (0.0,), (0.2,)),)))
    output = np.array([[0.01], [0.99]], "float32")
    np.testing.assert_allclose(probabilities_of(head, output)[:, 1], 0.2)
    np.testing.assert_allclose(in_graph(head, output)[1][:, 1], 0.2, rtol=1e-6)
