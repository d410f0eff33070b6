"""Is a model better than the baseline, which ignores the inputs? Judged by proper scores, under the weights it was trained with.

A proper score is best where the probabilities are true (Gneiting & Raftery, "Strictly Proper Scoring Rules, Prediction, and
Estimation", JASA 102, 2007): the log loss of classes, the squared error of numbers. A model that was trained with class
weights gives the probabilities of a world in which the classes have those weights, so both sides are judged in that world.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dltrain.data.giveaways import ranks
from dltrain.evaluation.metrics.metrics import class_losses, in_pieces, log_loss, row_losses

Floats = NDArray[np.float64]
# By so many standard errors a score must be better. The log loss is asked first; the others, which answer for probabilities
# that are merely off, need more, so that a model that learnt nothing seldom passes by any of them.
SCORE_ERRORS, OTHER_ERRORS = 2.0, 2.5
BASELINE = "baseline"  # what knows nothing of the inputs
ADDED_ROWS = 4.0  # of the training part's shares of the classes
LEAST_ROWS = 5  # of each class, where classes have weights
MOST_RANKS, MOST_PRODUCTS = 2e6, 2e10  # of rows that are ranked: above that, fewer rows tell


@dataclass(frozen=True, slots=True)
class Prior:
    """What the training part says of a target before any input is looked at.

    Attributes:
        class_weights: of the training, by class; None: each weighs one.
        shares: of the classes, or of each of several labels, under the weights of the training; None for numbers.
        mean: of the stored numbers, under their weights; None for classes.
    """

    class_weights: Floats | None = None
    shares: Floats | None = None
    mean: float | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a model's answers stand to those of the prior, or of another simple rule, on one part.

    Attributes:
        metric: "log_loss" or "mse".
        value, baseline: of the model and of the prior, both under the weights of the training.
        rows: of the part, those that have a weight.
        is_weighted: classes or rows have weights, so that the values are not those of the table of metrics.
        score: by how many standard errors the model is better in that metric.
        answers: the same of the classes or labels that it says.
        order: the same of the order in which its probabilities, or numbers, put the rows.
        strength: the most standard errors by which any of the scores speaks for the model.
        against: what it is held against.
        prefix: with which the target's metrics begin.
    """

    metric: str
    value: float
    baseline: float
    rows: int
    is_weighted: bool
    score: float
    answers: float = 0.0
    order: float = 0.0
    strength: float = 0.0
    against: str = BASELINE
    prefix: str = ""

    @property
    def better(self) -> bool:
        """Whether it is better by more than chance."""
        return self.score > SCORE_ERRORS or max(self.answers, self.order) > OTHER_ERRORS

    @property
    def worse(self) -> bool:
        """Whether it is worse by more than chance, in that metric."""
        return self.score < -SCORE_ERRORS

    def figures(self, where: str = "") -> str:
        """The metric, of the model and of what it is held against; see `sentence`."""
        place = f" {where}" if where else ""
        value, baseline, metric = self.value, self.baseline, self.metric
        if metric == "mse":
            value, baseline, metric = value**0.5, baseline**0.5, "rmse"
        weighted = " (with the weights of the training)" if self.is_weighted else ""
        theirs = "the baseline's" if self.against == BASELINE else f"that of the {self.against}"
        return f"{self.prefix}{metric}{weighted}{place} is {value:.4g}, {theirs} is {baseline:.4g}"

    def sentence(self, where: str) -> str | None:
        """The sentence about a model that is not better than the baseline in all respects; None where it is.

        Args:
            where: which rows these are, such as "on the test part".
        """
        if self.better and not self.worse:
            return None
        figures, other = self.figures(where), self.against
        if not math.isfinite(self.value):
            why = "for some rows it computes no finite number"
            return f"The model is not shown to be better than the {other}: {figures}; {why}."
        if self.better:
            strong = "in its answers" if self.score > SCORE_ERRORS or self.answers > OTHER_ERRORS else "in how it ranks the rows"
            how = f"{strong}, not in its probabilities"
            how = "by its absolute errors, not by their squares" if self.metric == "mse" else how
            return f"The model is better than the {other} {how}: {figures}."
        if self.worse:
            return f"The model is no better than the {other}: {figures}."
        these = "this one row" if self.rows == 1 else f"these {self.rows:,} rows"
        these = f" on {these}" if other == BASELINE else ""
        return f"The model is not shown to be better than the {other}{these}: {figures}, and the difference is within chance."


def together(verdicts: Sequence[Verdict], repeats: int = 1) -> Verdict:
    """Of several fits, each on rows of its own: a verdict on all these rows (Stouffer's sum, by the rows of each).

    Args:
        verdicts: of the fits.
        repeats: how often the same rows come, as with several seeds: they are no more evidence for that.
    """
    rows = np.array([verdict.rows for verdict in verdicts], np.float64)
    share = np.sqrt(rows / max(rows.sum(), 1.0)) / math.sqrt(repeats)
    score, answers, order = (
        float(share @ [getattr(verdict, name) for verdict in verdicts]) for name in ("score", "answers", "order")
    )
    # Errors in their own unit are told as the mean of the fits', as the table of metrics does.
    power = 0.5 if verdicts[0].metric == "mse" else 1.0
    value, baseline = (
        float(np.mean([getattr(verdict, name) ** power for verdict in verdicts]) ** (1 / power)) for name in ("value", "baseline")
    )
    return replace(
        verdicts[0],
        value=value,
        baseline=baseline,
        rows=int(rows.sum()) // repeats,
        score=score,
        answers=answers,
        order=order,
        strength=max(score, answers, order),
    )


def prior_of_classes(codes: ArrayLike, num_classes: int, row_weights: ArrayLike | None, class_weights: ArrayLike | None) -> Prior:
    """Of a training part's classes; `codes` are their indices [rows]."""
    rows = None if row_weights is None else np.asarray(row_weights, np.float64)
    counts = np.bincount(np.asarray(codes, np.int64), rows, num_classes).astype(np.float64)
    weights = None if class_weights is None else np.asarray(class_weights, np.float64)
    counts = counts if weights is None else counts * weights
    return Prior(weights, counts / counts.sum() if counts.sum() > 0 else np.full(num_classes, 1 / num_classes))


def judge_classes(
    codes: ArrayLike,
    probabilities: ArrayLike,
    prior: Prior,
    row_weights: ArrayLike | None = None,
    blocks: ArrayLike | None = None,
) -> Verdict:
    """Of probabilities [rows, classes] for rows of the classes `codes`; rows of one block belong together."""
    assert prior.shares is not None
    true, scores = np.asarray(codes, np.int64), np.asarray(probabilities, np.float64)
    weights = np.ones(len(true)) if row_weights is None else np.asarray(row_weights, np.float64)
    if prior.class_weights is not None:
        weights = weights * prior.class_weights[true]
    weights, true, scores, blocks = that_weigh(weights, true, scores, blocks)
    shares = prior.shares
    constant = np.broadcast_to(shares, scores.shape)
    gains = lambda: _dealt_classes(_mean_gains(row_losses(shares), scores), true, shares)  # noqa: E731
    score = errors_better(class_losses(true, scores), class_losses(true, constant), weights, gains, blocks)
    said, usual = scores.argmax(axis=1), np.eye(len(shares))[shares.argmax()]
    often = np.bincount(said, minlength=len(shares)) / max(1, len(said))
    right = lambda: _dealt_classes(often - usual, true, shares)  # noqa: E731
    answers = errors_better(said != true, shares.argmax() != true, weights, right, blocks)
    rows = np.bincount(true, minlength=len(prior.shares))[prior.shares > 0]
    if prior.class_weights is not None and rows.min() < LEAST_ROWS:
        score, answers = 0.0, 0.0  # a class that weighs much stands for too few rows to know how they spread
    apart = slice(1, None) if len(shares) == 2 else slice(None)  # of two classes one is the other's mirror
    order = order_errors(np.eye(len(shares), dtype=bool)[true][:, apart], scores[:, apart], blocks)
    return Verdict(
        "log_loss",
        log_loss(true, scores, weights),
        log_loss(true, constant, weights),
        len(true),
        prior.class_weights is not None or are_uneven(row_weights),
        score,
        answers,
        order,
        strength=max(score, answers, order),
    )


def judge_numbers(
    true: ArrayLike, predicted: ArrayLike, mean: float, row_weights: ArrayLike | None = None, blocks: ArrayLike | None = None
) -> Verdict:
    """Of predicted numbers [rows], and of `mean`, in the unit of the true ones; rows of one block belong together."""
    truth, answers = np.asarray(true, np.float64), np.asarray(predicted, np.float64)
    weights = np.ones(len(truth)) if row_weights is None else np.asarray(row_weights, np.float64)
    weights, truth, answers, blocks = that_weigh(weights, truth, answers, blocks)
    squares, constant = (answers - truth) ** 2, (mean - truth) ** 2
    score, worth = errors_better(squares, constant, weights, blocks=blocks), _worth(len(truth), blocks)
    total = max(weights.sum(), np.finfo(np.float64).tiny)
    # A few rows far from the others make the squares' own spread so large that no difference stands out: then it counts as well
    # that the answers are nearer and in the order of the truth, which ranks tell whatever lies far out. What was trained to the
    # middle of what may come is nearer by its absolute errors, which no constant makes smaller than the median does.
    middle, distances = _weighted_median(truth, weights), np.abs(answers - truth)
    is_nearer = weights @ squares < weights @ constant or weights @ distances < weights @ np.abs(middle - truth)
    is_farther = (
        errors_better(distances, np.abs(mean - truth), weights, blocks=blocks) < -SCORE_ERRORS
    )  # what the squares of a few rows hide
    in_order = _correlation_errors(ranks(truth), ranks(answers)) * worth if is_nearer and not is_farther else 0.0
    return Verdict(
        "mse",
        float(weights @ squares / total),
        float(weights @ constant / total),
        len(truth),
        are_uneven(row_weights),
        score,
        order=in_order,
        strength=max(score, in_order, _correlation_errors(truth, answers) * worth),
    )


def that_weigh(weights: Floats, *columns: Any) -> tuple[Any, ...]:
    """The weights and other columns of the rows that have a weight: the others are no evidence. Of all rows where none has one.

    Args:
        weights: of the rows.
        columns: arrays [rows, ...], or None.
    """
    kept = weights > 0
    if kept.all() or not kept.any():
        return weights, *columns
    return weights[kept], *(None if column is None else np.asarray(column)[kept] for column in columns)


def are_uneven(weights: ArrayLike | None) -> bool:
    """Whether some rows count more than others."""
    return weights is not None and len(np.unique(np.asarray(weights, np.float64))) > 1


@dataclass(frozen=True, slots=True)
class Dealt:
    """By how much a model's answers, dealt out among the rows, are better than the prior's: what how often it gives each tells.

    That depends on the shares of the classes in a part alone, which few rows show badly, and rows of one class not at all.

    Attributes:
        of_rows: for what each row is, [rows].
        mean, variance: for rows that have the classes of the training part in its shares.
    """

    of_rows: Floats
    mean: float
    variance: float


def _mean_gains(losses: Floats, scores: Floats) -> Floats:
    """By how much the losses of probabilities [rows, classes] are below the prior's [classes], the mean of the rows."""
    sums = np.zeros(len(losses))
    for piece in in_pieces(scores):
        sums += (losses - row_losses(piece)).sum(axis=0)
    return sums / max(1, len(scores))


def _dealt_classes(of_class: Floats, codes: NDArray[np.int64], shares: Floats) -> Dealt:
    """Of what an answer would gain for each class, [classes], the mean of all rows' answers."""
    mean = float(shares @ of_class)
    return Dealt(of_class[codes], mean, float(shares @ (of_class - mean) ** 2))


def errors_better(
    model: ArrayLike,
    baseline: ArrayLike,
    weights: Floats | None = None,
    dealt: Callable[[], Dealt] | None = None,
    blocks: ArrayLike | None = None,
) -> float:
    """By how many standard errors of their paired difference the model's errors are below the baseline's; 0: not known.

    Args:
        model, baseline: errors of each row.
        weights: of the rows; None: each counts once.
        dealt: of classes, what the answers gain dealt out among the rows.
        blocks: int [rows]: rows of one number belong together, and chance moves them together; None: each stands alone.
    """
    difference = np.asarray(baseline, np.float64) - np.asarray(model, np.float64)
    given = np.ones(len(difference)) if weights is None else weights
    rows, total = len(difference), float(given.sum())
    sums, shares = _of_blocks(given * difference, blocks), _of_blocks(given, blocks)
    if len(sums) < 2 or total <= 0 or not np.isfinite(difference).all():
        return 0.0
    mean, units, freedom = float(sums.sum()) / total, len(sums), max(1e-9, total**2 / float((shares**2).sum()) - 1)
    if mean == 0:
        return 0.0
    more, center, spread = 0.0, mean, 0.0
    if dealt is not None:
        # As Agresti and Coull add to a share ("Approximate is better than 'exact'", The American Statistician 52, 1998).
        found, more = dealt(), ADDED_ROWS
        center, spread = mean - float(given @ found.of_rows) / total + found.mean, found.variance
    weight, count = total / rows, rows + more
    mean = (rows * mean + more * center) / count
    squares = float(((sums - shares * mean) ** 2).sum()) + more * weight**2 * ((center - mean) ** 2 + spread)
    # Of a ratio of sums over units, each of which brings its weight along (Cochran, "Sampling Techniques", 1977, section 2.11).
    error = math.sqrt(squares * units / (units - 1)) / (weight * count)
    by_coin = -NormalDist().inv_cdf(0.5 ** min(units, 1000))  # what a coin does once in 2 ** units
    if error < 1e-12 * abs(mean):  # the same of every unit
        return math.copysign(by_coin, mean)
    # Few units, or few that weigh, make the error itself uncertain: Student's t as the normal deviate that is as rare (Wallace,
    # "Bounds on normal approximations to Student's and the chi-square distributions", Ann. Math. Statist. 30, 1959).
    deviate = math.sqrt(freedom * math.log1p((mean / error) ** 2 / freedom)) * (8 * freedom + 1) / (8 * freedom + 3)
    if blocks is not None and dealt is None and (sums * mean > 0).all():
        deviate = max(deviate, by_coin)  # each block for the same side, however unevenly much, as where a level wanders
    return math.copysign(deviate, mean)


def _of_blocks(values: Floats, blocks: ArrayLike | None) -> Floats:
    """Sums of the rows that belong together."""
    if blocks is None:
        return values
    codes = np.unique(np.asarray(blocks), return_inverse=True)[1]
    return np.asarray(np.bincount(codes, values), np.float64)


def _worth(rows: int, blocks: ArrayLike | None) -> float:
    """What standard errors of independent rows are worth at least, where the rows of a block may all be alike."""
    return 1.0 if blocks is None or not rows else math.sqrt(len(np.unique(np.asarray(blocks))) / rows)


def order_errors(true: NDArray[np.bool_], scores: Floats, blocks: ArrayLike | None = None) -> float:
    """By how many standard errors the probabilities rank the rows better than chance would: those that are true above the others.

    The sum, over the labels, of the ranks of the rows that have one. Chance deals the answers out among the rows, each whole, so
    that labels that come together, and are said together, count as what they are (Hoeffding, "A combinatorial central limit
    theorem", Ann. Math. Statist. 22, 1951). Of two classes that is the Mann-Whitney statistic, with ties.

    Args:
        true: whether each row has each label, or is of each class [rows, labels].
        scores: their probabilities [rows, labels].
        blocks: as for `errors_better`.
    """
    columns = max(1, true.shape[1])
    step = math.ceil(len(true) * columns / min(MOST_RANKS, MOST_PRODUCTS / columns))
    true, scores = true[:: max(1, step)], scores[:: max(1, step)]
    if len(true) < 2 or np.isnan(scores).any():
        return 0.0
    ranked = np.stack([ranks(column) for column in scores.T], axis=1)
    ranked, has = ranked - ranked.mean(axis=0), true - true.mean(axis=0)
    variance = float(((has.T @ has) * (ranked.T @ ranked)).sum()) / (len(true) - 1)
    kept = None if blocks is None else np.asarray(blocks)[:: max(1, step)]
    units = len(true) if kept is None else len(np.unique(kept))
    rarest = -NormalDist().inv_cdf(max(1e-300, 1 / max(2.0, math.gamma(min(units, 150) + 1))))  # one way to deal
    found = float((has * ranked).sum()) / variance**0.5 if variance > 1e-9 else 0.0
    return min(found * _worth(len(true), kept), rarest)


def _weighted_median(values: Floats, weights: Floats) -> float:
    """The number from which the weighted absolute errors of a constant are least; 0 of no rows."""
    if len(values) == 0:
        return 0.0
    order = np.argsort(values)
    sums = np.cumsum(weights[order])
    return float(values[order[min(int(np.searchsorted(sums, sums[-1] / 2)), len(values) - 1)]])


def _correlation_errors(truth: Floats, answers: Floats) -> float:
    """The same of the correlation, by Fisher's transformation."""
    if len(truth) < 4 or not np.isfinite(answers).all() or np.ptp(truth) == 0 or np.ptp(answers) == 0:
        return 0.0
    found = float(np.corrcoef(truth, answers)[0, 1])
    return math.atanh(max(-0.999999, min(0.999999, found))) * math.sqrt(len(truth) - 3)
