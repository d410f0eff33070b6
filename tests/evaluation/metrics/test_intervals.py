"""Intervals of metrics against closed forms, and how often they hold what is true."""

from __future__ import annotations

import math
from dataclasses import replace
from statistics import NormalDist
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import binom, binomtest, norm, t
from sklearn.metrics import f1_score, log_loss, precision_score, r2_score, recall_score, roc_auc_score

from dltrain.data.splits import blocks_in_order
from dltrain.evaluation.metrics.intervals import RESAMPLES, draw, intervals, resample_counts, units_of
from dltrain.evaluation.metrics.label_sums import label_sums
from dltrain.evaluation.metrics.part_intervals import add_intervals
from dltrain.evaluation.metrics.row_sums import class_sums, number_sums
from dltrain.evaluation.metrics.standard_errors import share_bounds, wilson


def classes_of(rng, num_rows, num_classes, shift=0.0):
    """Codes and probabilities of a model that is often right."""
    codes = rng.choice(num_classes, num_rows)
    scores = rng.normal(size=(num_rows, num_classes))
    scores[np.arange(num_rows), codes] += 1.5 + shift
    given = np.exp(scores)
    return codes, given / given.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("num_classes", [2, 5])
def test_the_metrics_of_sums_are_those_of_scikit_learn(num_classes):
    codes, given = classes_of(np.random.default_rng(0), 300, num_classes)
    said, how = given.argmax(axis=1), "binary" if num_classes == 2 else "macro"
    labels = [f"class {index}" for index in range(num_classes)]
    values = class_sums(codes, given, labels).values()
    expected = {
        "accuracy": np.mean(said == codes),
        "log_loss": log_loss(codes, given),
        "precision": precision_score(codes, said, average=how),
        "recall": recall_score(codes, said, average=how),
        "f1": f1_score(codes, said, average=how),
        "f1[class 1]": f1_score(codes, said, average=None)[1],
    }
    if num_classes == 2:
        expected["roc_auc"] = roc_auc_score(codes, given[:, 1])
    assert {name: values[name] for name in expected} == pytest.approx(expected)
    rng = np.random.default_rng(1)
    true = rng.normal(3, 2, 100)
    answers = true + rng.normal(size=100)
    assert number_sums(true, answers).values()["r2"] == pytest.approx(r2_score(true, answers))


@pytest.mark.parametrize(("hits", "rows"), [(0, 20), (1, 20), (20, 20), (45, 50), (700, 1000), (999, 1000)])
def test_a_share_has_wilsons_interval_and_at_least_the_exact_bounds(hits, rows):
    score = binomtest(hits, rows).proportion_ci(method="wilson")
    assert wilson(hits, rows) == pytest.approx((score.low, score.high))
    exact = binomtest(hits, rows).proportion_ci(0.9)
    expected = min(score.low, exact.low), max(score.high, exact.high)
    codes = np.ones(rows, int)
    given = np.where(np.arange(rows)[:, None] < hits, [0.1, 0.9], [0.9, 0.1])
    found = intervals(class_sums(codes, given, ["no", "yes"]), units_of(rows))
    assert found["accuracy"] == found["recall[yes]"] == share_bounds(hits, rows) == pytest.approx(expected)


@pytest.mark.parametrize("rows", [30, 100, 1000])
def test_whatever_a_share_is_its_interval_holds_it(rows):
    """By the binomial distribution, without samples: 95 of 100 on average, nowhere fewer than 92 (Wilson's alone: 84)."""
    low, high = np.transpose([share_bounds(hits, rows) for hits in range(rows + 1)])
    shares = np.linspace(0.5, 1, 2000, endpoint=False)[:, None]
    held = (binom.pmf(np.arange(rows + 1), rows, shares) * ((low <= shares) & (shares <= high))).sum(axis=1)
    assert held.min() > 0.92
    assert 0.945 < held.mean() < 0.965
    assert held[shares[:, 0] > 1 - 3 / rows].min() > 0.945


@pytest.mark.parametrize(("rows", "rate", "apart"), [(30, 0.5, 5.0), (100, 0.03, 2.1)])
def test_an_area_near_one_or_of_a_rare_class_is_held(rows, rate, apart):
    rng, held, area = np.random.default_rng(7), [], norm.cdf(apart / 2**0.5)
    for _ in range(100):
        codes = (rng.random(rows) < rate).astype(int)
        codes[:2] = 0, 1
        scores = 1 / (1 + np.exp(-rng.normal(size=rows) - apart * codes))
        sums = replace(class_sums(codes, np.stack([1 - scores, scores], axis=1)), tailed={})
        low, high = intervals(sums, units_of(rows))["roc_auc"]
        assert 0 <= low <= high <= 1
        held.append(low <= area <= high)
    assert np.mean(held) >= 0.92


@pytest.mark.parametrize("num_rows", [60, 400, 20_000])
def test_a_mean_has_about_the_interval_of_students_distribution(num_rows):
    values = np.random.default_rng(2).normal(5, 1, num_rows)
    low, high = intervals(number_sums(np.zeros(num_rows), values), units_of(num_rows))["mae"]
    half = t.ppf(0.975, num_rows - 1) * values.std(ddof=1) / math.sqrt(num_rows)
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.15 * half)


def test_the_spread_of_the_area_under_the_curve_is_delongs():
    codes, given = classes_of(np.random.default_rng(3), 800, 2)
    scores = given[:, 1]
    pairs = scores[codes == 1][:, None] > scores[codes == 0][None, :]
    positive, negative = pairs.mean(axis=1), pairs.mean(axis=0)
    variance = positive.var(ddof=1) / len(positive) + negative.var(ddof=1) / len(negative)
    drawn = draw(class_sums(codes, given), units_of(800))["roc_auc"].samples
    assert drawn.std() == pytest.approx(math.sqrt(variance), rel=0.06)
    assert len(drawn) == RESAMPLES


def test_errors_of_many_rows_have_a_studentized_interval():
    """By hand: the logarithm of a mean moves with each row by its value over the sum, and a sample's spread is that of its rows."""
    rng = np.random.default_rng(9)
    errors, given = rng.lognormal(0, 0.75, 1000), rng.uniform(0.01, 1, 1000)
    target = np.stack([errors > 1, errors > 2], axis=1)
    labels = np.stack([given, given[::-1]], axis=1)
    found = intervals(number_sums(np.zeros(1000), errors), units_of(1000))
    found |= intervals(class_sums(np.zeros(1000, int), np.stack([given, 1 - given], axis=1)), units_of(1000))
    of_labels = intervals(label_sums(target, labels, ["a", "b"]), units_of(1000))
    losses = -np.log(np.where(target, labels, 1 - labels)).mean(axis=1)
    counts, size = resample_counts(1000), 1000
    share = norm.cdf(t.ppf(0.975, 999) * np.sqrt(1000 / 999))

    def by_hand(values):
        means = counts @ values / size
        deviations = np.sqrt((counts @ values**2 / size - means**2) * size / (size - 1))
        own, deviation = values.mean(), values.std(ddof=1)
        off = (np.log(means) - np.log(own)) / (deviations / means / np.sqrt(size))
        low, high = np.quantile(off, [1 - share, share]) * deviation / own / np.sqrt(size)
        skew = min(max(0.15, ((values - own) ** 3).sum() / ((values - own) ** 2).sum() ** 1.5), 0.7)
        return own * np.exp(-high), own * np.exp(-low * (1 + 4 * (skew - 0.15) * (1 - skew / 0.7)))

    assert found["mae"] == pytest.approx(by_hand(errors), rel=1e-5)
    assert found["mse"] == pytest.approx(by_hand(errors**2), rel=1e-5)
    assert found["rmse"] == pytest.approx(np.sqrt(by_hand(errors**2)), rel=1e-5)
    assert found["log_loss"] == pytest.approx(by_hand(-np.log(given)), rel=1e-5)
    assert of_labels["log_loss"] == pytest.approx(by_hand(losses), rel=1e-5)


def test_log_normal_errors_are_held_as_often_as_normal_ones():
    """Their squares are log-normal with a spread of 2: without more room above, one in ten intervals ended below what is true."""
    rng, held = np.random.default_rng(5), {"mae": [], "rmse": []}
    for _ in range(70):
        found = intervals(number_sums(np.zeros(100), rng.lognormal(0, 1, 100)), units_of(100))
        held["mae"].append(found["mae"][0] <= math.exp(0.5) <= found["mae"][1])
        held["rmse"].append(found["rmse"][0] <= math.exp(1) <= found["rmse"][1])
    assert min(np.mean(held["mae"]), np.mean(held["rmse"])) > 0.92


def test_few_groups_of_errors_have_a_studentized_interval():
    """By hand: the slopes in closed form, log(sqrt(S / N)) moving with S by 1 / (2 S) and with N by -1 / (2 N)."""
    rng = np.random.default_rng(9)
    codes = np.repeat(np.arange(12), 10)
    errors = rng.normal(size=120) * np.exp(rng.normal(size=12))[codes]
    found = intervals(number_sums(np.zeros(120), errors), units_of(120, codes, "groups of house"))["rmse"]
    squares, rows = np.bincount(codes, errors**2), np.full(12, 10.0)
    counts = resample_counts(12)

    def standard_error(weights):
        square, number = weights @ squares, weights @ rows
        moves = squares / (2 * square) - rows / (2 * number)
        return np.sqrt(12 / 11 * (weights @ moves**2 - (weights @ moves) ** 2 / 12))

    own = np.log(np.sqrt(squares.sum() / 120))
    off = [(np.log(np.sqrt((weights @ squares) / (weights @ rows))) - own) / standard_error(weights) for weights in counts]
    share = norm.cdf(t.ppf(0.975, 11) * np.sqrt(12 / 11))
    low, high = np.quantile(off, [1 - share, share])
    error = standard_error(np.ones(12))
    # It ends where all groups are as bad as the worst one, or at one and a half times Student's quantile.
    most = max(np.sqrt((squares / rows).max()), np.exp(own + 1.5 * t.ppf(0.975, 11) * error))
    assert most < np.exp(own - low * error)
    assert found == pytest.approx((np.exp(own - high * error), most), rel=1e-4)


def test_one_row_far_out_makes_no_endless_interval():
    errors = np.random.default_rng(3).normal(size=23) * 3
    errors[5] = 100
    sums, units = number_sums(np.linspace(0, 50, 23), np.linspace(0, 50, 23) + errors), units_of(23)
    found, values = intervals(sums, units), sums.values()
    assert found["rmse"][0] < values["rmse"] < found["rmse"][1] <= 101
    assert found["mae"][1] <= 101
    assert found["mse"] == pytest.approx(tuple(end**2 for end in found["rmse"]), rel=1e-3)
    assert 1 - found["r2"][0] <= (1 - values["r2"]) * 101**2 / values["mse"]


def test_copies_of_rows_that_belong_together_say_no_more_than_the_rows():
    codes, given = classes_of(np.random.default_rng(4), 120, 3)
    alone = intervals(class_sums(codes, given), units_of(120))
    groups = np.repeat(np.arange(120), 7)
    together = intervals(class_sums(codes[groups], given[groups]), units_of(840, groups, "groups of house"))
    assert together["log_loss"] == pytest.approx(alone["log_loss"], rel=0.05)  # studentized
    # Student's quantile of 119 degrees of freedom, and a row less, in place of the normal one's.
    assert together["accuracy"] == pytest.approx(alone["accuracy"], abs=0.003)
    apart = intervals(class_sums(codes[groups], given[groups]), units_of(840))
    assert np.ptp(apart["log_loss"]) < 0.5 * np.ptp(alone["log_loss"])


def test_all_right_is_not_taken_for_certain():
    codes, given = np.arange(30) % 3, np.eye(3)[np.arange(30) % 3]
    found = intervals(class_sums(codes, given), units_of(30))
    assert found["accuracy"][0] == found["f1"][0] == pytest.approx(binomtest(30, 30).proportion_ci(method="wilson").low)


def test_classes_that_are_told_apart_in_every_row_have_no_certain_area():
    codes = np.arange(30) % 2
    found = intervals(class_sums(codes, np.eye(2)[codes]), units_of(30))
    assert found["roc_auc"] == pytest.approx((binomtest(30, 30).proportion_ci(method="wilson").low, 1))


def test_four_rows_have_no_interval():
    assert units_of(4) is None
    assert units_of(400, np.arange(400) // 100, "groups of house") is None
    assert intervals(number_sums(np.zeros(4), np.ones(4)), None) == {}


def test_rows_in_time_come_in_blocks():
    blocks = blocks_in_order(1000)
    assert (np.diff(blocks) >= 0).all()
    assert np.bincount(blocks).max() == 20
    assert np.bincount(blocks_in_order(1000, least=48)).max() == 48
    assert len(np.unique(blocks_in_order(12, least=48))) >= 5


def test_a_loss_with_penalties_has_its_interval_moved():
    codes, given = classes_of(np.random.default_rng(5), 200, 2)
    losses = -np.log(given[np.arange(200), codes])
    result = SimpleNamespace(metrics={"loss": losses.mean() + 0.5, "binary_accuracy": 0.0}, intervals={}, units={})
    sums = {"": class_sums(codes, given, (), {"loss": losses})}
    result.metrics |= {name: value for name, value in sums[""].values().items() if name != "loss"}
    result.metrics["binary_accuracy"] = result.metrics["accuracy"] * (1 + 1e-7)
    result.metrics["categorical_accuracy"] = 0.2
    add_intervals(result, sums, units_of(200))
    assert result.intervals["loss"] == pytest.approx(tuple(end + 0.5 for end in result.intervals["log_loss"]))
    assert result.intervals["binary_accuracy"] == result.intervals["accuracy"]
    assert "categorical_accuracy" not in result.intervals
    assert result.units == {"level": 0.95, "by": "rows", "units": 200, "resamples": RESAMPLES}


@pytest.mark.slow
@pytest.mark.parametrize("num_rows", [100, 300, 1000])
def test_nineteen_of_twenty_intervals_of_log_normal_errors_hold_what_is_true(num_rows):
    rng, held = np.random.default_rng(8), {"mae": 0, "rmse": 0, "mse": 0}
    true = {"mae": math.exp(0.5), "rmse": math.exp(1), "mse": math.exp(2)}
    for _ in range(1500):
        found = intervals(number_sums(np.zeros(num_rows), rng.lognormal(0, 1, num_rows)), units_of(num_rows))
        for name, value in true.items():
            held[name] += found[name][0] <= value <= found[name][1]
    assert all(0.93 <= count / 1500 <= 0.97 for count in held.values()), held


def numbers_of(rng, num_rows, shift=0.0):
    true = rng.normal(size=num_rows)
    return true, true + rng.normal(size=num_rows) * 0.5 + shift / 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "num_rows", "groups"),
    [("two", 200, 0), ("five", 300, 0), ("numbers", 300, 0), ("two", 2400, 120), ("numbers", 2400, 120), ("numbers", 400, 20)],
)
def test_nineteen_of_twenty_intervals_hold_what_is_true(kind, num_rows, groups):
    rng = np.random.default_rng(6)

    def draw(count, num_groups):
        codes = np.arange(count) % num_groups if num_groups else None
        shift = rng.normal(size=num_groups)[codes] if num_groups else 0.0
        if kind == "numbers":
            return number_sums(*numbers_of(rng, count, shift)), codes
        return class_sums(
            *classes_of(rng, count, 2 if kind == "two" else 5, 0.0) if not groups else _shifted(rng, count, shift)
        ), codes

    truth = draw(600_000, 300_000 if groups else 0)[0].values()
    held = dict.fromkeys(truth, 0)
    for _ in range(1500):
        sums, codes = draw(num_rows, groups)
        for name, (low, high) in intervals(sums, units_of(num_rows, codes, "groups of house")).items():
            held[name] += low <= truth[name] <= high
    shares = {name: count / 1500 for name, count in held.items()}
    assert all(0.93 <= share <= 0.97 for share in shares.values()), shares


def _shifted(rng, num_rows, shift):
    codes = rng.choice(2, num_rows)
    scores = rng.normal(size=num_rows) + (1.5 + shift) * np.where(codes == 1, 1, -1) / 2
    given = 1 / (1 + np.exp(-scores))
    return codes, np.stack([1 - given, given], axis=1)


def test_of_thirty_rows_areas_and_errors_are_covered_as_well() -> None:
    """A strong model of few rows, whose samples are all near an area of 1; errors of which a few are large."""
    rng, rows, covered = np.random.default_rng(0), 30, {"area": [], "rmse": []}
    area = NormalDist().cdf(2 / 2**0.5)
    for _ in range(60):
        codes = np.tile([0, 0, 1], 10)
        scores = 1 / (1 + np.exp(-rng.normal(size=rows) - 2 * codes))
        found = intervals(class_sums(codes, np.stack([1 - scores, scores], axis=1)), units_of(rows))["roc_auc"]
        covered["area"].append(found[0] <= area <= found[1])
        found = intervals(number_sums(np.zeros(rows), rng.laplace(size=rows)), units_of(rows))["rmse"]
        covered["rmse"].append(found[0] <= 2**0.5 <= found[1])
    assert {name: np.mean(values) > 0.91 for name, values in covered.items()} == {"area": True, "rmse": True}
