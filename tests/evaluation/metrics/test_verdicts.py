"""Verdicts on models whose best possible score is known: true ones, over many draws; and the scores against scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics as sk
from scipy.stats import spearmanr

from dltrain.data.splits import blocks_in_order
from dltrain.evaluation.diagnosis import Evidence, diagnose
from dltrain.evaluation.metrics.label_report import judge_labels
from dltrain.evaluation.metrics.metrics import (
    classification_baseline,
    classification_metrics,
    classification_report,
    confusion_matrix,
    regression_baseline,
    regression_metrics,
)
from dltrain.evaluation.metrics.report import describe_reference, restore_priors
from dltrain.evaluation.metrics.verdicts import Prior, Verdict, errors_better, judge_classes, judge_numbers, prior_of_classes
from dltrain.model.layer_statistics import LayerStatistics

DRAWS = 150


def draw_classes(rng, rows: int, share: float, shift: float, *, balanced: bool, useless: bool) -> Verdict:
    """x ~ N(shift | 0, 1): the verdict on the true probabilities, or on ones that do not look at x."""
    train, test = rng.random(2000) < share, rng.random(rows) < share
    counts = np.bincount(train.astype(int), minlength=2)
    prior = prior_of_classes(train.astype(int), 2, None, 2000 / (2 * counts) if balanced else None)
    x = rng.normal(size=rows) + shift * test
    odds = np.log(prior.shares[1] / prior.shares[0]) + (0.3 * rng.normal(size=rows) if useless else shift * x - shift**2 / 2)
    yes = 1 / (1 + np.exp(-odds))
    return judge_classes(test.astype(int), np.stack([1 - yes, yes], axis=1), prior)


@pytest.mark.parametrize("balanced", [False, True])
@pytest.mark.parametrize(("rows", "share"), [(400, 0.08), (1000, 0.08), (60, 0.5), (400, 0.5)])
def test_d8_the_best_model_there_can_be_is_never_said_to_be_no_better(rows, share, balanced):
    rng = np.random.default_rng(rows)
    verdicts = [draw_classes(rng, rows, share, 1.5, balanced=balanced, useless=False) for _ in range(DRAWS)]
    assert not any(verdict.worse for verdict in verdicts)
    assert sum(verdict.better for verdict in verdicts) >= 0.97 * DRAWS


@pytest.mark.parametrize("balanced", [False, True])
@pytest.mark.parametrize(("rows", "share"), [(20, 0.08), (60, 0.08), (20, 0.5), (60, 0.5), (1000, 0.08), (1000, 0.5)])
def test_d8_a_useless_model_seldom_passes_for_better(rows, share, balanced):
    rng = np.random.default_rng(rows)
    verdicts = [draw_classes(rng, rows, share, 0.0, balanced=balanced, useless=True) for _ in range(DRAWS)]
    assert sum(verdict.better for verdict in verdicts) <= 0.07 * DRAWS  # about three in a hundred, and chance


def test_d8_a_good_model_on_few_rows_is_not_called_worse():
    rng = np.random.default_rng(4)
    verdicts = [draw_classes(rng, 20, 0.08, 1.5, balanced=False, useless=False) for _ in range(DRAWS)]
    told = [sentence for verdict in verdicts if (sentence := verdict.sentence("on the test part"))]
    assert told
    assert all("not shown to be better than the baseline on these 20 rows" in sentence for sentence in told)


@pytest.mark.parametrize("share", [0.5, 0.1])
@pytest.mark.parametrize("rows", [2, 3, 5, 8, 15])
def test_few_rows_do_not_make_a_model_that_says_the_same_of_all_better(rows, share):
    rng = np.random.default_rng(rows)
    better = worse = 0
    for _ in range(DRAWS):
        codes, yes = (rng.random(rows) < share).astype(int), np.full(rows, share + 0.03 * rng.choice([-1, 1]))
        prior = prior_of_classes((rng.random(500) < share).astype(int), 2, None, None)
        verdict = judge_classes(codes, np.stack([1 - yes, yes], axis=1), prior)
        better, worse = better + verdict.better, worse + verdict.worse
    assert better <= 0.06 * DRAWS
    assert worse <= 0.1 * DRAWS  # which it is by a little


@pytest.mark.parametrize("rows", [3, 5, 10])
def test_few_rows_of_several_labels_do_neither(rows):
    rng = np.random.default_rng(rows)
    shares, better = np.array([0.02, 0.3, 0.5, 0.1]), 0
    for _ in range(DRAWS):
        said = np.broadcast_to(np.clip(shares + 0.02 * rng.normal(size=4), 0.005, 1), (rows, 4))
        better += judge_labels(rng.random((rows, 4)) < shares, said, Prior(shares=shares), None).better
    assert better <= 0.06 * DRAWS
    true = rng.random((40, 4)) < shares
    assert judge_labels(true, np.where(true, 0.9, 0.05), Prior(shares=shares), None).better


@pytest.mark.parametrize("constant", [False, True])
def test_two_or_three_numbers_seldom_make_a_useless_model_better(constant):
    rng = np.random.default_rng(11)
    for rows in (2, 3, 5):
        said = [np.full(rows, rng.normal() / 10) if constant else rng.normal(size=rows) / 3 for _ in range(4 * DRAWS)]
        found = [judge_numbers(rng.normal(size=rows), one, rng.normal() / 10) for one in said]
        assert sum(verdict.better for verdict in found) <= 0.04 * len(found)
    # A target that is the same in all rows tells as much as a coin that falls the same way each time.
    assert not judge_numbers(np.full(4, 7.0), np.full(4, 6.0), 5.0).better
    assert judge_numbers(np.full(9, 7.0), np.full(9, 6.0), 5.0).better


def test_good_models_are_known_on_few_rows_and_on_rows_of_one_class():
    even = Prior(shares=np.array([0.5, 0.5]))
    yes = np.array([0.1] * 5 + [0.9] * 5)
    assert judge_classes(np.repeat([0, 1], 5), np.stack([1 - yes, yes], axis=1), even).better
    assert judge_classes(np.ones(33, int), np.tile([0.05, 0.95], (33, 1)), even).better
    assert not judge_classes(np.ones(5, int), np.tile([0.48, 0.52], (5, 1)), even).better
    worse = judge_classes(np.ones(33, int), np.tile([0.55, 0.45], (33, 1)), even)
    assert (worse.better, worse.worse) == (False, True)
    codes = np.repeat([1, 0], [5, 495])
    rare, sure = Prior(shares=np.array([0.99, 0.01])), np.where(codes == 1, 0.99, 0.002)
    assert judge_classes(codes, np.stack([1 - sure, sure], axis=1), rare).better
    assert not judge_classes(codes, np.tile([0.98, 0.02], (500, 1)), rare).better
    rng = np.random.default_rng(12)
    true = rng.normal(size=5)
    assert judge_numbers(true, true + 0.01 * rng.normal(size=5), 0.0).better


@pytest.mark.parametrize(("windows", "steps"), [(200, 12), (1000, 12), (1000, 24)])
def test_nothing_is_better_than_the_last_value_of_a_random_walk(windows, steps):
    """Futures overlap: many windows are few pieces of evidence."""
    rng, found = np.random.default_rng(steps), []
    for _ in range(DRAWS):
        walk = np.cumsum(rng.normal(size=windows + steps))
        walk -= walk[0]
        truth = np.stack([walk[start + 1 : start + 1 + steps] for start in range(windows)])
        last = walk[:windows, None]
        shrunk, naive = (((share * last - truth) ** 2).mean(axis=1) for share in (0.99, 1.0))  # 1 % off, all the same
        found.append((errors_better(shrunk, naive), errors_better(shrunk, naive, blocks=blocks_in_order(windows, 2 * steps))))
    alone, in_blocks = (np.abs(scores) > 2 for scores in np.array(found).T)
    assert in_blocks.mean() <= 0.2 < 0.4 < alone.mean()


def test_blocks_that_all_speak_for_one_side_are_no_chance() -> None:
    """A walk far from the training part's mean, now more, now less: the last value is nearer in each block of rows."""
    rng = np.random.default_rng(0)
    called = {"last value": 0, "useless": 0}
    for _ in range(200):
        steps = rng.normal(size=280)
        walk, blocks = steps.cumsum(), blocks_in_order(80)
        level = (walk[200:] - walk[:200].mean()) ** 2
        called["last value"] += errors_better(steps[200:] ** 2, level, blocks=blocks) > 2
        called["useless"] += errors_better((steps[200:] - 0.3 * rng.normal(size=80)) ** 2, steps[200:] ** 2, blocks=blocks) > 2
    assert called["last value"] >= 188  # by the spread of the blocks alone: 180
    assert called["useless"] <= 4
    gains = np.array([209.5, 114.9, 23.3, 3.0, 4.3, 2.0, 19.2, 42.3, 19.5, 3.3])
    assert errors_better(np.zeros(10), gains, blocks=np.arange(10)) > 3
    assert errors_better(gains, np.zeros(10), blocks=np.arange(10)) < -3
    assert errors_better(np.zeros(10), np.append(gains[:-1], -3.3), blocks=np.arange(10)) < 2


def test_rows_of_one_group_are_one_piece_of_evidence():
    rng, better, told = np.random.default_rng(13), np.zeros(2), 0
    prior, groups = Prior(shares=np.array([0.5, 0.5])), np.repeat(np.arange(12), 20)
    for _ in range(DRAWS):
        codes, yes = (rng.random(12) < 0.5).astype(int)[groups], (0.5 + 0.2 * rng.normal(size=12)).clip(0.05, 0.95)[groups]
        scores = np.stack([1 - yes, yes], axis=1)
        better += [judge_classes(codes, scores, prior, blocks=blocks).better for blocks in (None, groups)]
        offset, noise = rng.normal(size=12)[groups], rng.normal(size=12)[groups]
        told += judge_numbers(offset + 0.1 * rng.normal(size=240), 0.3 * noise, 0.0, blocks=groups).better
        right = np.where(codes == 1, 0.8, 0.2)
        assert judge_classes(codes, np.stack([1 - right, right], axis=1), prior, blocks=groups).better
    assert better[1] <= 0.1 * DRAWS < 0.25 * DRAWS < better[0]
    assert told <= 0.08 * DRAWS


@pytest.mark.parametrize("num_classes", [3, 10])
def test_d8_several_classes(num_classes):
    rng = np.random.default_rng(num_classes)
    passed = 0
    for _ in range(DRAWS):
        codes = rng.integers(num_classes, size=300)
        prior = prior_of_classes(rng.integers(num_classes, size=2000), num_classes, None, None)
        noise = rng.dirichlet(np.full(num_classes, 30.0), size=300)
        passed += judge_classes(codes, noise, prior).better
        good = np.eye(num_classes)[codes] * 2 + rng.normal(size=(300, num_classes))
        good = np.exp(good) / np.exp(good).sum(axis=1, keepdims=True)
        assert judge_classes(codes, good, prior).better
    assert passed <= 0.05 * DRAWS


def test_d8_numbers_that_little_is_to_be_known_of():
    rng = np.random.default_rng(5)
    useless = 0
    for _ in range(DRAWS):
        x, noise = rng.normal(size=(2, 4000))
        y = 0.1 * x + noise  # the best R² there is: 0.01
        assert judge_numbers(y, 0.1 * x, 0.0).strength > 2.5
        useless += judge_numbers(y[:50], 0.1 * rng.normal(size=50), 0.0).better
    assert useless <= 0.05 * DRAWS


def test_d8_probabilities_that_are_off_do_not_hide_that_classes_are_told_apart():
    rng = np.random.default_rng(6)
    codes = (rng.random(500) < 0.08).astype(int)
    odds = 1.5 * (rng.normal(size=500) + 1.5 * codes) - 1.125  # of balanced classes, while the prior is 0.08
    yes = 1 / (1 + np.exp(-odds))
    verdict = judge_classes(codes, np.stack([1 - yes, yes], axis=1), prior_of_classes(codes, 2, None, None))
    assert verdict.value > verdict.baseline
    assert verdict.better
    assert verdict.worse
    said = f"log_loss on the test part is {verdict.value:.4g}, the baseline's is {verdict.baseline:.4g}"
    expected = f"The model is better than the baseline in how it ranks the rows, not in its probabilities: {said}."
    assert verdict.sentence("on the test part") == expected


def evidence_of(train: Verdict, validation: Verdict) -> Evidence:
    metrics = {"train": {"log_loss": train.value}, "validation": {"log_loss": validation.value}}
    return Evidence(
        history=[{"loss": 0.7}],
        metrics=metrics,
        targets={"y": "classification"},
        verdicts={"train": {"y": train}, "validation": {"y": validation}},
    )


def test_d8_nothing_was_learnt_is_said_of_what_learnt_nothing_only():
    rng = np.random.default_rng(7)
    alarms = missed = 0
    for _ in range(DRAWS):
        good = [draw_classes(rng, rows, 0.08, 1.5, balanced=True, useless=False) for rows in (1500, 500)]
        alarms += any(found.kind == "stuck_at_baseline" for found in diagnose(evidence_of(*good)))
        noise = [draw_classes(rng, rows, 0.08, 0.0, balanced=True, useless=True) for rows in (1500, 500)]
        missed += not any(found.kind == "stuck_at_baseline" for found in diagnose(evidence_of(*noise)))
    assert alarms == 0
    assert missed <= 0.06 * DRAWS


def layers_with(gradients: list[float], norms: list[float]) -> list[LayerStatistics]:
    made = []
    for index, (gradient, norm) in enumerate(zip(gradients, norms)):
        values = {"name": f"dense_{index}", "gradient": gradient, "gradient_norm": norm}
        made.append(LayerStatistics(**{**DEFAULTS, **values}))
    return made


DEFAULTS = {"activation": "relu", "num_units": 8, "places": 100, "dead": 0.0, "saturated": None}


@pytest.mark.parametrize(
    ("gradients", "norms", "kinds"),
    [
        ([1e-19, 1e-21, 1e-24], [1.63e-19, 1e-20, 1e-23], set()),
        ([1e-5, 1e-7, 1e-9], [1e-4, 1e-6, 1e-8], set()),
        ([50.0, 1.0, 0.01], [400.0, 8.0, 0.1], {"exploding_gradients"}),
        ([1e5, 1e5, 1e5], [1e6, 1e6, 1e6], {"exploding_gradients"}),
        ([1e-24, 1e-21, 1e-19], [1e-23, 1e-20, 1e-18], set()),
        ([1e-7, 1e-5, 1e-2], [1e-6, 1e-4, 1e-1], {"vanishing_gradients"}),
    ],
)
def test_f3_a_gradient_of_rounding_errors_neither_explodes_nor_vanishes(gradients, norms, kinds):
    found = diagnose(Evidence(history=[{"loss": 1.0}], layers=layers_with(gradients, norms), num_sampled=64))
    assert {finding.kind for finding in found} == kinds


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("num_classes", [2, 5])
def test_scores_of_classes_are_scikit_learns(num_classes, weighted):
    rng = np.random.default_rng(8)
    for _ in range(20):
        codes = np.concatenate([np.arange(num_classes), rng.integers(num_classes, size=60)])
        scores = rng.dirichlet(np.ones(num_classes), size=len(codes))
        weights = rng.gamma(1.0, size=len(codes)) if weighted else None
        found = classification_metrics(codes, scores)
        answers, average = scores.argmax(axis=1), "binary" if num_classes == 2 else "macro"
        options = {"average": average, "zero_division": 0}
        assert found["accuracy"] == pytest.approx(sk.accuracy_score(codes, answers))
        assert found["log_loss"] == pytest.approx(sk.log_loss(codes, scores))
        assert found["precision"] == pytest.approx(sk.precision_score(codes, answers, **options))
        assert found["recall"] == pytest.approx(sk.recall_score(codes, answers, **options))
        assert found["f1"] == pytest.approx(sk.f1_score(codes, answers, **options))
        if num_classes == 2:
            assert found["roc_auc"] == pytest.approx(sk.roc_auc_score(codes, scores[:, 1]))
        report = classification_report(confusion_matrix(codes, answers, num_classes), list("abcde")[:num_classes])
        theirs = sk.classification_report(codes, answers, output_dict=True, zero_division=0)
        for label, row in zip(report["classes"].values(), (theirs[str(index)] for index in range(num_classes))):
            assert [label[key] for key in ("precision", "recall", "f1", "support")] == pytest.approx(
                [row[key] for key in ("precision", "recall", "f1-score", "support")]
            )
        assert classification_baseline(codes, codes, num_classes)["log_loss"] == pytest.approx(
            sk.log_loss(codes, np.broadcast_to(np.bincount(codes) / len(codes), scores.shape))
        )
        shares = np.bincount(codes, weights, num_classes) / (len(codes) if weights is None else weights.sum())
        constant = np.broadcast_to(shares, scores.shape)
        verdict = judge_classes(codes, scores, prior_of_classes(codes, num_classes, weights, None), weights)
        assert verdict.value == pytest.approx(sk.log_loss(codes, scores, sample_weight=weights))
        assert verdict.baseline == pytest.approx(sk.log_loss(codes, constant, sample_weight=weights))


@pytest.mark.parametrize("weighted", [False, True])
def test_scores_of_numbers_are_scikit_learns(weighted):
    rng = np.random.default_rng(9)
    for _ in range(20):
        true, answers = rng.normal(3, 2, size=(2, 40))
        weights = rng.gamma(1.0, size=40) if weighted else None
        found, baseline = regression_metrics(true, answers), regression_baseline(true, true)
        assert found["mse"] == pytest.approx(sk.mean_squared_error(true, answers))
        assert found["rmse"] == pytest.approx(sk.root_mean_squared_error(true, answers))
        assert found["mae"] == pytest.approx(sk.mean_absolute_error(true, answers))
        assert found["r2"] == pytest.approx(sk.r2_score(true, answers))
        assert baseline["mse"] == pytest.approx(sk.mean_squared_error(true, np.full(40, true.mean())))
        mean = np.average(true, weights=weights)
        verdict = judge_numbers(true, answers, float(mean), weights)
        assert verdict.value == pytest.approx(sk.mean_squared_error(true, answers, sample_weight=weights))
        assert verdict.baseline == pytest.approx(sk.mean_squared_error(true, np.full(40, mean), sample_weight=weights))


def test_what_a_verdict_is_held_against_survives_its_plain_form():
    prior = restore_priors({"y": {"counts": [3, 1], "shares": [0.5, 0.5], "class_weights": [0.67, 2.0]}, "z": {"mean": 0.25}}, ())
    assert prior["y"].shares.tolist() == [0.5, 0.5]
    assert prior["y"].class_weights.tolist() == [0.67, 2.0]
    assert prior["z"].mean == 0.25
    assert restore_priors({"y": {"counts": [3, 1]}}, ())["y"].shares.tolist() == [0.75, 0.25]
    assert describe_reference.__doc__


def test_few_rows_with_one_far_out_do_not_hide_a_good_model():
    """By the errors alone no difference shows; by chance, answers that say nothing pass about as seldom as elsewhere."""
    rng = np.random.default_rng(2)
    truth = np.array([0.1, -0.2, 0.3, 0.4, -0.5, 0.2, -0.1, 0.6, 0.05, 9.0])
    answers = 0.95 * truth + 0.01 * rng.normal(size=10)
    assert spearmanr(truth, answers).statistic > 0.95
    verdict = judge_numbers(truth, answers, truth.mean())
    assert verdict.better
    assert verdict.sentence("on the test part") is None
    assert not judge_numbers(truth, np.roll(answers, 3), truth.mean()).better
    skewed = np.exp(2 * rng.normal(size=(400, 12)))
    useless = sum(judge_numbers(row, 0.01 * rng.normal(size=12) + row.mean(), row.mean()).better for row in skewed)
    assert useless / 400 < 0.04


@pytest.mark.parametrize("weighted", [False, True])
def test_the_middle_of_skewed_numbers_is_better_by_absolute_errors(weighted: bool) -> None:
    """Of exp(2 + x + 2 n) the median of a row is exp(2 + x): by squares a few rows far out hide it, or the mean is nearer."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 200))
    numbers = np.exp(2 + x + 2 * rng.normal(size=x.shape))
    weights = rng.integers(1, 4, 200).astype(float) if weighted else None

    def better(answers: np.ndarray) -> int:
        verdicts = [judge_numbers(row, said, row.mean(), weights) for row, said in zip(numbers, answers, strict=True)]
        return sum(verdict.better for verdict in verdicts)

    assert better(np.exp(2 + x)) >= 38
    assert better(np.broadcast_to(np.exp(2), x.shape)) == 0  # the median alone
    assert better(np.exp(2 + rng.normal(size=x.shape))) <= 1
    assert better(1000 * np.exp(2 + x)) == 0  # in order, and far off


def test_worse_by_squares_and_better_by_absolute_errors_is_said_as_both() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=400)
    true = x + np.where(np.arange(400) % 5 == 0, 4.0, 0.0)
    verdict = judge_numbers(true, x - np.where(np.arange(400) % 5 == 0, 1.0, 0.0), float(true.mean()))
    assert verdict.better
    assert verdict.worse
    said = verdict.sentence("on the test part")
    assert said is not None
    assert said.startswith("The model is better than the baseline by its absolute errors, not by their")


def test_a_model_that_errors_of_single_rows_led_astray_is_not_better() -> None:
    """Rows far out say nothing of the inputs: what follows them is farther from the truth than the mean is, though in its order."""
    rng = np.random.default_rng(0)
    called = {"astray": 0, "true": 0}
    for _ in range(40):
        x = rng.normal(size=250)
        far = np.where(rng.random(250) < 0.02, rng.normal(size=250) * 300, 0.0)
        truth = 2 * x + 0.3 * rng.normal(size=250) + far
        called["astray"] += judge_numbers(truth, 2 * x + 5 + 2.5 * rng.normal(size=250), 0.0).better
        called["true"] += judge_numbers(truth, 2 * x, 0.0).better
    assert called["astray"] <= 2
    assert called["true"] >= 30


def test_figures_under_weights_of_rows_are_said_to_be() -> None:
    """They are not those of the table of metrics, in which each row counts once."""
    rng = np.random.default_rng(0)
    codes, weights = rng.integers(0, 2, 40), np.tile([0.0, 2.0], 20)
    prior = prior_of_classes(codes, 2, weights, None)
    for given, said in ((weights, True), (np.ones(40), False), (None, False)):
        classes = judge_classes(codes, np.full((40, 2), 0.5), prior, given).sentence("on the test part")
        numbers = judge_numbers(codes, np.full(40, 0.5), 0.5, given).sentence("on the test part")
        assert [("log_loss (with the weights of the training)" in classes), ("rmse (with" in numbers)] == [said, said]


def test_numbers_that_are_not_finite_are_not_explained_by_chance() -> None:
    codes = np.tile([0, 1], 10)
    probabilities = np.full((20, 2), 0.5)
    probabilities[3] = np.nan
    said = judge_classes(codes, probabilities, prior_of_classes(codes, 2, None, None)).sentence("on the test part")
    numbers = judge_numbers(codes, probabilities[:, 0], 0.5).sentence("on the test part")
    for sentence in (said, numbers):
        assert "is nan" in sentence
        assert "no finite number" in sentence
        assert "chance" not in sentence


def test_rows_without_weight_are_no_evidence() -> None:
    """A verdict is that of the rows that weigh: one row of six is one row, and rows that were left out hide no good model."""
    rng = np.random.default_rng(4)
    keys = ("value", "baseline", "rows", "better", "worse", "strength")
    for count in (6, 40):
        for _ in range(20):
            kept = np.arange(count) < max(1, count // 3)
            weights = np.where(kept, rng.gamma(2.0, size=count), 0.0)
            true, said = np.exp(rng.normal(size=(2, count)))
            pairs = [judge_numbers(true[one], said[one], 1.5, weights[one]) for one in (kept | ~kept, kept)]
            codes, scores, blocks = rng.integers(0, 3, count), rng.dirichlet(np.ones(3), size=count), np.arange(count) // 2
            prior = prior_of_classes([0, 1, 2], 3, None, None)
            classes = [judge_classes(codes[one], scores[one], prior, weights[one], blocks[one]) for one in (kept | ~kept, kept)]
            labels = [judge_labels(scores[one] > 0.4, scores[one], prior, weights[one]) for one in (kept | ~kept, kept)]
            for whole, part in (pairs, classes, labels):
                np.testing.assert_allclose([getattr(whole, key) for key in keys], [getattr(part, key) for key in keys])
    called = 0
    for _ in range(300):
        weights = (rng.random(6) < 0.3).astype(float)
        called += judge_numbers(rng.normal(size=6), 0.4 * rng.normal(size=6), 0.0, weights).better
    assert called <= 9
    truth = np.exp(1.2 * rng.normal(size=300))
    assert judge_numbers(truth, 0.8 * truth + 0.3 * rng.normal(size=300), float(truth.mean()), (np.arange(300) % 2) * 1.0).better
