"""What is reported of a target of several labels: metrics, baseline, the table of the labels, and what it means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dltrain.data.dataset import Part
from dltrain.evaluation.metrics.calibration import mended_labels_document
from dltrain.evaluation.metrics.label_metrics import (
    label_baseline,
    label_losses,
    label_metrics,
    label_report,
    rank_labels,
    said_labels,
    usual_set,
)
from dltrain.evaluation.metrics.verdicts import (
    Dealt,
    Prior,
    Verdict,
    are_uneven,
    errors_better,
    order_errors,
    that_weigh,
)
from dltrain.evaluation.metrics.worst import worst_labels
from dltrain.model.heads.answers import decide_labels, is_mended
from dltrain.model.heads.head import Head
from dltrain.wording import listed

if TYPE_CHECKING:
    from dltrain.evaluation.metrics.report import PartReport


def describe_labels(codes: NDArray[Any], weights: ArrayLike | None) -> dict[str, Any]:
    """What is stored of a training part's labels [rows, labels]: their shares, and the set that most rows have."""
    described = {"label_shares": codes.mean(axis=0, dtype=np.float64).tolist(), "usual": usual_set(codes).tolist()}
    if weights is not None:
        described["weighted_shares"] = np.average(codes, axis=0, weights=np.asarray(weights, np.float64)).tolist()
    return described


def reference_of_labels(described: Mapping[str, Any]) -> NDArray[np.float64]:
    """Shares and usual set of a training part [2, labels], as the baseline takes them.

    Raises:
        ValueError: they are none.
    """
    found = np.array([described["label_shares"], described["usual"]], np.float64)
    if found.ndim != 2 or not np.isfinite(found).all() or (found < 0).any() or (found > 1).any():
        raise ValueError("shares of labels")
    return found


def prior_of_labels(described: Mapping[str, Any]) -> Prior:
    """The prior of a verdict: the labels' shares in the training part, under the weights of its rows where they have some."""
    shares = np.array(described.get("weighted_shares", described["label_shares"]), np.float64)
    if shares.ndim != 1 or not np.isfinite(shares).all():
        raise ValueError("shares of labels")
    return Prior(shares=shares)


def prior_for_labels(head: Head, stored: Prior | None, shares: NDArray[np.float64]) -> Prior:
    """What labels are held against: calibrated ones against the training part's shares, where each row counts once.

    Args:
        head: of the labels.
        stored: under the weights of the training, if it is known.
        shares: of the labels, each row once.
    """
    return Prior(shares=shares) if stored is None or is_mended(head) else stored


def add_labels(
    result: PartReport,
    part_name: str,
    head: Head,
    said_and_mended: tuple[NDArray[np.float64], NDArray[np.float64]],
    part: Part,
    seen: NDArray[Any],
    prior: Prior | None,
) -> None:
    """Put metrics, baseline, table and verdict of several labels into a report.

    Args:
        result: what Keras computed is there already.
        part_name: of the part, for sentences.
        head: of the model.
        said_and_mended: the probabilities of each label [rows, labels], as the model says them and calibrated.
        part: the rows.
        seen: from `reference_of_labels`.
        prior: from `prior_of_labels`, if it is known.
    """
    target, (plain, probabilities) = head.targets[0], said_and_mended
    true = np.asarray(part.targets[target.name]) > 0
    ranks = rank_labels(true, probabilities)
    said = decide_labels(head, probabilities)
    own = label_metrics(true, probabilities, ranks=ranks, said=said)
    # Keras computes its own at one half.
    result.metrics = {**own, **result.metrics} if head.answers is None else {**result.metrics, **own}
    result.baseline |= label_baseline(seen[0], seen[1], true)
    result.report |= label_report(true, probabilities, head.classes, ranks, said)
    if is_mended(head):
        result.report["calibrated"] = mended_labels_document(head, true, plain, probabilities)
    if head.answers is not None and head.answers.thresholds:
        result.report["thresholds"] = [
            {"label": one.label, "value": one.value, "asked": one.asked} for one in head.answers.thresholds
        ]
    losses = label_losses(true, probabilities).mean(axis=1)
    result.report["worst"] = worst_labels(true, said, losses, target, part)
    usual = [label for label, is_in in zip(head.classes, seen[1].tolist()) if is_in]
    result.report["usual"] = target.separator.join(usual)
    absent = [label for label, count in zip(head.classes, true.sum(axis=0).tolist()) if not count]
    if absent and part_name != "train":
        result.notes.append(
            f"No row of the {part_name} part has the label {listed(absent, 8)}: its F1 and average precision count as 0, as in "
            "scikit-learn; the mean of roc_auc is that of the others."
        )
    weights = None if is_mended(head) else part.weights
    verdict = judge_labels(true, probabilities, prior_for_labels(head, prior, seen[0]), weights, part.blocks)
    result.verdicts[target.name] = verdict
    sentence = verdict.sentence(f"on the {part_name} part")
    if sentence is not None and part_name != "train":
        result.notes.append(sentence)


def judge_labels(
    true: NDArray[np.bool_],
    probabilities: NDArray[Any],
    prior: Prior,
    row_weights: ArrayLike | None,
    blocks: ArrayLike | None = None,
) -> Verdict:
    """How the model's answers stand to the shares of the labels: by log loss, by wrong labels, by the order of the rows."""
    assert prior.shares is not None
    shares = prior.shares
    weights = np.ones(len(true)) if row_weights is None else np.asarray(row_weights, np.float64)
    weights, true, scores, blocks = that_weigh(weights, true, np.asarray(probabilities, np.float64), blocks)
    constant = np.broadcast_to(shares, scores.shape)
    mine, theirs = (label_losses(true, said).mean(axis=1) for said in (scores, constant))
    wrong, constantly = ((said_labels(said) != true).mean(axis=1) for said in (scores, constant))
    losses = [label_losses(each, constant) - label_losses(each, scores) for each in (np.zeros_like(true), np.ones_like(true))]
    says, usual = said_labels(scores).astype(np.float64), said_labels(constant).astype(np.float64)
    rights = [usual - says, says - usual]
    score = errors_better(mine, theirs, weights, lambda: _dealt_labels(losses, true, shares), blocks)
    other = errors_better(wrong, constantly, weights, lambda: _dealt_labels(rights, true, shares), blocks)
    order = order_errors(true, scores, blocks)
    return Verdict(
        "log_loss",
        float(np.average(mine, weights=weights)),
        float(np.average(theirs, weights=weights)),
        len(true),
        are_uneven(row_weights),
        score,
        other,
        order,
        strength=max(score, other, order),
    )


def _dealt_labels(gains: Sequence[NDArray[np.float64]], true: NDArray[np.bool_], shares: NDArray[np.float64]) -> Dealt:
    """Of what each row's answer would gain for each label that the row has not, and for each that it has [rows, labels]."""
    without, having = (values.mean(axis=0) for values in gains)
    mean = float((shares * having + (1 - shares) * without).mean())
    variance = float((shares * (1 - shares) * (having - without) ** 2).sum()) / len(shares) ** 2
    return Dealt(np.where(true, having, without).mean(axis=1), mean, variance)
