"""Calibration and curves beside scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import auc, brier_score_loss, roc_auc_score, roc_curve

from dltrain.evaluation.metrics.calibration import calibration, score_curves, some_pairs
from dltrain.evaluation.metrics.gates import check_gates
from dltrain.evaluation.metrics.metrics import classification_report


@pytest.fixture
def answers():
    rng = np.random.default_rng(0)
    given = rng.beta(2, 2, 3000)
    return (rng.random(3000) < given**2).astype(int), np.stack([1 - given, given], axis=1)


def test_the_curve_and_the_brier_score_of_two_classes_are_scikit_learns(answers):
    codes, given = answers
    found = calibration(codes, given)
    true, said = calibration_curve(codes, given[:, 1], n_bins=10)
    assert [one["true"] for one in found["bins"]] == pytest.approx(true)
    assert [one["said"] for one in found["bins"]] == pytest.approx(said)
    assert found["brier"] == pytest.approx(brier_score_loss(codes, given[:, 1]))
    weights = np.array([one["rows"] for one in found["bins"]]) / 3000
    assert found["ece"] == pytest.approx((weights * np.abs(true - said)).sum())
    assert found["ece"] > 0.1


def test_of_more_classes_the_answer_counts():
    rng = np.random.default_rng(1)
    given = rng.dirichlet([1, 1, 1], 4000)
    codes = (rng.random(4000)[:, None] > given.cumsum(axis=1)).sum(axis=1)
    found = calibration(codes, given)
    assert found["brier"] == pytest.approx(brier_score_loss(codes, given, scale_by_half=False))
    assert found["ece"] < 0.03  # the labels were drawn with these probabilities
    assert sum(one["rows"] for one in found["bins"]) == 4000
    assert calibration(codes, np.eye(3)[codes])["ece"] == 0


def test_the_curves_of_scores(answers):
    codes, given = answers
    false, true = score_curves(codes == 1, given[:, 1])["roc"]
    assert len(false) <= 101
    assert auc(false, true) == pytest.approx(roc_auc_score(codes, given[:, 1]), abs=1e-3)
    few = score_curves(codes[:40] == 1, np.round(given[:40, 1], 1))
    expected = roc_curve(codes[:40], np.round(given[:40, 1], 1), drop_intermediate=False)
    assert np.array(few["roc"]) == pytest.approx(np.array(expected[:2]))
    recall, precision = few["precision_recall"]
    assert recall[-1] == 1
    assert precision[-1] == pytest.approx(codes[:40].mean())
    assert score_curves([True, True], [0.1, 0.2]) == {}


def test_pairs_are_spread_over_the_part():
    true, said = some_pairs(np.arange(1000.0), np.arange(1000.0) + 1)
    assert len(true) == 400
    assert (true[0], true[-1], said[-1]) == (0, 999, 1000)


def test_gates_on_calibration():
    report = {**classification_report([[3, 1], [1, 3]], ["no", "yes"]), "calibration": {"ece": 0.04, "brier": 0.2, "bins": []}}
    gates = check_gates(["ece<=0.05", "brier<0.1"], {"test": {"accuracy": 0.75}}, reports={"test": report})
    assert [(gate.met, gate.metric) for gate in gates] == [(True, "ece"), (False, "brier")]
