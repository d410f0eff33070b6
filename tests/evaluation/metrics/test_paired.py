"""Two models on the same rows: what is called different, and how often."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from dltrain.evaluation.metrics.intervals import units_of
from dltrain.evaluation.metrics.paired import compare_sums, mcnemar
from dltrain.evaluation.metrics.row_sums import class_sums, number_sums


def models(rng, num_rows, skill=(1.0, 1.0)):
    """Two classes, a score that both models share in part, and each model's own error."""
    codes = rng.integers(0, 2, num_rows)
    shared = rng.normal(size=num_rows)
    answers = []
    for own in skill:
        given = 1 / (1 + np.exp(-(own * (2 * codes - 1) + shared + 0.7 * rng.normal(size=num_rows))))
        answers.append(np.stack([1 - given, given], axis=1))
    return codes, *answers


def verdict_of(codes, new, old):
    return compare_sums({"": class_sums(codes, new)}, {"": class_sums(codes, old)}, units_of(len(codes)))


def test_the_difference_is_that_of_the_metrics_and_the_log_loss_decides():
    codes, new, old = models(np.random.default_rng(0), 400, (1.6, 1.0))
    found = verdict_of(codes, new, old)
    values, before = class_sums(codes, new).values(), class_sums(codes, old).values()
    assert found.decided_by == "log_loss"
    assert found.verdict == "better"
    for name, one in found.metrics.items():
        assert (one.old, one.new, one.difference) == pytest.approx((before[name], values[name], values[name] - before[name]))
        assert one.interval[0] <= one.difference <= one.interval[1]
    back = verdict_of(codes, old, new)
    assert back.verdict == "worse"
    assert back.metrics["log_loss"].interval == pytest.approx(
        tuple(-end for end in found.metrics["log_loss"].interval[::-1]), rel=0.05
    )


def test_the_interval_of_a_mean_difference_is_students():
    rng = np.random.default_rng(1)
    true = rng.normal(size=500)
    new, old = true + rng.normal(size=500), true + 1.2 * rng.normal(size=500)
    one = compare_sums({"": number_sums(true, new)}, {"": number_sums(true, old)}, units_of(500)).metrics["mae"]
    differences = np.abs(new - true) - np.abs(old - true)
    half = 1.965 * differences.std(ddof=1) / np.sqrt(500)
    assert one.interval == pytest.approx((differences.mean() - half, differences.mean() + half), abs=0.15 * half)


def test_a_model_does_not_differ_from_itself():
    codes, new, _ = models(np.random.default_rng(2), 100)
    found = verdict_of(codes, new, new)
    assert {one.verdict for one in found.metrics.values()} == {"not different"}
    assert mcnemar([True, False], [True, False]).p == 1


@pytest.mark.parametrize(("only_new", "only_old"), [(9, 2), (0, 5), (40, 40), (1, 0)])
def test_mcnemar_is_the_binomial_test(only_new, only_old):
    new = [True] * only_new + [False] * only_old + [True] * 7
    old = [False] * only_new + [True] * only_old + [True] * 7
    found = mcnemar(new, old)
    assert (found.only_new, found.only_old) == (only_new, only_old)
    assert found.p == pytest.approx(binomtest(only_new, only_new + only_old).pvalue)


@pytest.mark.parametrize(("only_new", "only_old"), [(5, 0), (6, 0), (8, 1), (13, 4), (12, 4), (40, 40), (0, 0)])
def test_accuracy_differs_where_mcnemars_test_says_so(only_new, only_old):
    """Five rows that only one model has right, and none the other: by two of 32 throws of a coin no worse."""
    codes = np.zeros(100, int)
    new, old = np.tile([0.9, 0.1], (100, 1)), np.tile([0.9, 0.1], (100, 1))
    old[:only_new], new[only_new : only_new + only_old] = [0.4, 0.6], [0.4, 0.6]
    right = [answers.argmax(axis=1) == codes for answers in (new, old)]
    found = compare_sums({"": class_sums(codes, new)}, {"": class_sums(codes, old)}, units_of(100), tuple(right))
    p = binomtest(only_new, only_new + only_old).pvalue if only_new + only_old else 1.0
    assert found.mcnemar.p == pytest.approx(p)
    assert (found.metrics["accuracy"].verdict == "not different") == (p > 0.05)
    share = binomtest(only_new, max(only_new + only_old, 1)).proportion_ci() if only_new + only_old else None
    if share is not None:
        differing = (only_new + only_old) / 100
        expected = tuple(differing * (2 * end - 1) for end in (share.low, share.high))
        assert found.metrics["accuracy"].interval == pytest.approx(expected)


def skewed_numbers(rng):
    """Errors of which a few lie far out, as those of prices do; 100 rows."""
    common, scale = rng.normal(size=100), np.exp(rng.normal(size=100))
    return [number_sums(np.zeros(100), scale * (common + rng.normal(size=100))) for _ in range(2)], units_of(100)


def ten_groups(rng):
    """Errors that rows of a group share; 300 rows."""
    groups, common = np.arange(300) % 10, rng.normal(size=300)
    answers = [common + rng.normal(size=300) + rng.normal(size=10)[groups] for _ in range(2)]
    return [number_sums(np.zeros(300), one) for one in answers], units_of(300, groups, "groups of house")


def rare_class(rng):
    """One row of ten is of the second class; models that agree on nearly all rows; 300 rows."""
    codes = (rng.random(300) < 0.1).astype(int)
    shared = 1.2 * (2 * codes - 1) + rng.normal(size=300) - 2.2
    given = [1 / (1 + np.exp(-(shared + 0.45 * rng.normal(size=300)))) for _ in range(2)]
    return [class_sums(codes, np.stack([1 - one, one], axis=1)) for one in given], units_of(300)


@pytest.mark.parametrize("make", [skewed_numbers, ten_groups, rare_class])
def test_no_metric_calls_more_than_seven_of_a_hundred_equal_pairs_different(make):
    rng, called = np.random.default_rng(6), {}
    for _ in range(200):
        (new, old), units = make(rng)
        for name, one in compare_sums({"": new}, {"": old}, units).metrics.items():
            called.setdefault(name, []).append(one.verdict in ("better", "worse"))
    assert max(np.mean(told) for told in called.values()) <= 0.07, {name: np.mean(told) for name, told in called.items()}


@pytest.mark.parametrize("prefix", ["", "price_"])
def test_what_follows_from_the_squares_has_their_verdict(prefix):
    """A root and a share of the same squares cannot be better where these are not, nor be sure more often of equal models."""
    rng, called = np.random.default_rng(7), []
    for _ in range(300):
        true, scale = rng.normal(size=50), np.exp(rng.normal(size=50))
        pair = [{prefix: number_sums(scale * true, 0.2 * scale * rng.normal(size=50))} for _ in range(2)]
        found = {name.removeprefix(prefix): one for name, one in compare_sums(*pair, units_of(50)).metrics.items()}
        called.append([found[name].verdict != "not different" for name in ("mse", "rmse", "r2")])
        for name in ("rmse", "r2"):
            low, high = found[name].interval
            assert low <= found[name].difference <= high
            assert (low <= 0 <= high) == (found[name].verdict == "not different")
        assert found["rmse"].verdict == found["r2"].verdict == found["mse"].verdict
    assert max(np.mean(called, axis=0)) <= 0.07


def test_a_difference_that_hangs_on_one_row_is_not_judged():
    codes = np.zeros(40, int)
    codes[3] = 1
    _, new, old = models(np.random.default_rng(3), 40)
    found = compare_sums({"": class_sums(codes, new)}, {"": class_sums(codes, old)}, units_of(40)).metrics["roc_auc"]
    assert found.interval is None
    assert found.verdict is None


def test_too_few_rows_give_no_verdict():
    codes, new, old = models(np.random.default_rng(3), 4)
    assert verdict_of(codes, new, old).verdict is None


def test_equal_models_are_seldom_called_different_and_others_nearly_always():
    rng = np.random.default_rng(4)
    called = [verdict_of(*models(rng, 300)).verdict != "not different" for _ in range(200)]
    assert np.mean(called) <= 0.07
    # Numbers whose errors differ by three standard errors of the difference, and more.
    found = []
    for _ in range(200):
        true, errors = rng.normal(size=300), rng.normal(size=300)
        own = 0.3 * rng.normal(size=300)
        new, old = true + errors, true + np.sqrt(1 + 4.2 * 0.6 / np.sqrt(300)) * errors + own
        one = compare_sums({"": number_sums(true, new)}, {"": number_sums(true, old)}, units_of(300))
        assert one.decided_by == "mse"
        found.append(one.verdict == "better")
    assert np.mean(found) >= 0.95


@pytest.mark.slow
def test_how_often_two_models_are_called_different():
    """Prints the shares: `pytest --slow -s`. A test of 95 % finds a true difference of three standard errors 85 times of 100."""
    rng, told = np.random.default_rng(5), {}
    equal = [verdict_of(*models(rng, 300)) for _ in range(200)]
    for name in ("log_loss", "accuracy"):
        told[f"equal, {name}"] = np.mean([found.metrics[name].verdict != "not different" for found in equal])
    calls, apart = [], []
    for _ in range(1000):
        true, old = rng.normal(size=300), rng.normal(size=300)
        new = old * np.sqrt(1 - 0.22) + 0.3 * rng.normal(size=300)
        differences = new**2 - old**2
        pair = {"": number_sums(true, true + new)}, {"": number_sums(true, true + old)}
        calls.append(compare_sums(*pair, units_of(300)).metrics["mse"].verdict == "better")
        apart.append(-differences.mean() / (differences.std(ddof=1) / np.sqrt(300)))
    told["three standard errors apart as measured, mse"] = np.mean(np.array(calls)[np.array(apart) >= 3])
    print(f"pairs with three standard errors as measured: {np.sum(np.array(apart) >= 3)}")
    print({name: round(float(share), 4) for name, share in told.items()})
    assert told["equal, log_loss"] <= 0.07
    assert told["equal, accuracy"] <= 0.07
    assert told["three standard errors apart as measured, mse"] >= 0.95


def test_metrics_of_one_class_are_compared_for_gates_that_ask_for_them():
    codes, new, old = models(np.random.default_rng(0), 400, (1.6, 1.0))
    labels = ("no", "yes")
    found = compare_sums({"": class_sums(codes, new, labels)}, {"": class_sums(codes, old, labels)}, units_of(len(codes)))
    assert not [name for name in found.metrics if "[" in name]
    assert "of_classes" not in found.document()
    of_yes = found.of_classes["recall[yes]"]
    shares = [(answers[codes == 1, 1] > 0.5).mean() for answers in (old, new)]
    assert (of_yes.old, of_yes.new, of_yes.difference) == pytest.approx((*shares, shares[1] - shares[0]))
    assert of_yes.interval[0] < of_yes.difference < of_yes.interval[1]
