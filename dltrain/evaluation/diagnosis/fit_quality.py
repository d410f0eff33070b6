"""Too little learnt, or too much: stuck at the baseline, underfitting, overfitting."""

from __future__ import annotations

import math
from collections.abc import Iterator

from dltrain.config.types import MULTILABEL
from dltrain.evaluation.diagnosis.evidence import CLASSES, Evidence, Finding, show
from dltrain.wording import percent

STUCK = 0.02  # share of the baseline's error that was won
# So many standard errors of a score show that something was learnt: on rows that were held out, and on the training part, where
# what was learnt by heart counts as well.
HELD_OUT_ERRORS, TRAINING_ERRORS = 2.5, 6.0
POOR = 0.1
POOR_ACCURACY = 0.5
RISEN = 0.15
GAP = 0.15
LEAST_EPOCHS = 5


def find_stuck_loss(evidence: Evidence) -> Iterator[Finding]:
    """On its own training part the model is no better than the baseline."""
    for target in evidence.targets:
        found = evidence.skill(target, "train")
        if found is None:
            continue
        name, value, baseline = found
        if value < (1 - STUCK) * baseline or _has_learnt(evidence, target):
            continue
        what = "the shares of the classes" if evidence.targets[target] in CLASSES else "the mean"
        of = f" for {target}" if len(evidence.targets) > 1 else ""
        verdict = evidence.verdicts.get("train", {}).get(target)
        weighted = " (with the weights of the training)" if verdict is not None and verdict.is_weighted else ""
        yield Finding(
            "stuck_at_baseline",
            f"{'Nothing' if value >= baseline else 'Next to nothing'} was learnt{of}: on the training part {name}{weighted} is "
            f"{show(value)}, and always answering with {what} gives {show(baseline)}.",
            "Try other learning rates (`dltrain sweep`), look at whether the inputs are scaled and say anything about the "
            "target, and whether the layers pass a gradient.",
            {"metric": name, "value": value, "baseline": baseline},
        )


def _has_learnt(evidence: Evidence, target: str) -> bool:
    """Whether a score shows that the answers depend on the inputs as they should, however little that wins.

    The best that can be known of a target may be little more than nothing; and a loss that weighs in its own way gives
    probabilities that are off, although they tell the classes apart.
    """
    held_out = [found[target] for part in ("validation", "test") if target in (found := evidence.verdicts.get(part, {}))]
    train = evidence.verdicts.get("train", {}).get(target)
    return any(found.strength > HELD_OUT_ERRORS for found in held_out) or (train is not None and train.strength > TRAINING_ERRORS)


def find_underfitting(evidence: Evidence) -> Iterator[Finding]:
    """The training loss has come to rest high, and the validation part is no worse: the net cannot do better."""
    losses = evidence.curve("loss")
    if len(losses) < LEAST_EPOCHS:
        return
    third = max(2, len(losses) // 3)
    at_rest = losses[-third] - losses[-1] < 0.1 * max(losses[0] - losses[-1], 0.0)
    if not at_rest:
        return
    for target, task in evidence.targets.items():
        found = evidence.skill(target, "train")
        if found is None:
            continue
        name, value, baseline = found
        skill = 1 - value / baseline
        accuracy = evidence.metrics["train"].get(f"{evidence.prefix(target)}accuracy")
        report = evidence.confusion("train", target)
        several = report is not None and len(report["confusion_matrix"]) > 2
        poor = skill < POOR or (task == "classification" and several and accuracy is not None and accuracy < POOR_ACCURACY)
        if skill < STUCK or not poor or _gap(evidence, target) > GAP:
            continue
        also = f", its accuracy {show(accuracy)}" if accuracy is not None and task == "classification" else ""
        yield Finding(
            "underfitting",
            f"The net explains little: on its own training part {name} is {show(value)} ({percent(skill, 0)} below the "
            f"baseline's {show(baseline)}){also}, and the training loss has come to rest at {show(losses[-1])}. "
            "Either it underfits, or the inputs say no more about the target.",
            "Try more units or layers, less dropout or regularization; or inputs that say more about the target.",
            {"metric": name, "value": value, "baseline": baseline, "skill": skill},
        )


def find_overfitting(evidence: Evidence) -> Iterator[Finding]:
    """The validation loss rises while the training loss still falls."""
    losses, validation = evidence.curve("loss"), evidence.curve("val_loss")
    if len(validation) < LEAST_EPOCHS:
        yield from _gap_alone(evidence)
        return
    best = min(range(len(validation)), key=lambda epoch: validation[epoch])
    later = validation[max(best + 1, len(validation) - 3) :]
    if len(validation) - best - 1 < 2 or validation[best] <= 0:
        return
    risen = sum(later) / len(later) / validation[best] - 1
    if risen < RISEN or losses[-1] > 0.95 * losses[best] or validation[-1] <= losses[-1]:
        return
    kept = f"; the run's model is that of its best epoch ({evidence.weights} weights)" if evidence.weights == "best" else ""
    yield Finding(
        "overfitting",
        f"The net overfits from epoch {best + 2} on: by the last epoch ({len(validation)}) the validation loss had risen from "
        f"{show(validation[best])} to {show(validation[-1])} while the training loss fell from {show(losses[best])} to "
        f"{show(losses[-1])}{kept}.",
        "Try early_stopping, dropout, fewer units, weight_decay, or more data.",
        {
            "epoch": best + 1,
            "val_loss": validation[best],
            "last_val_loss": validation[-1],
            "loss": losses[best],
            "last_loss": losses[-1],
        },
    )


def _gap_alone(evidence: Evidence) -> Iterator[Finding]:
    """Without a curve of the validation part, the gap between training and test part tells."""
    if "test" not in evidence.metrics:
        return
    for target, task in evidence.targets.items():
        gap, rows = _gap(evidence, target), evidence.rows.get("test", 0)
        if gap < GAP or rows < 30:
            continue
        if task == MULTILABEL:
            continue
        name = evidence.prefix(target) + ("accuracy" if task == "classification" else "r2")
        train, test = evidence.metrics["train"][name], evidence.metrics["test"][name]
        # Three standard errors of a share, or (Fisher 1921, with r about its root) of R²: less may be the rows that were drawn.
        share = min(max((test * rows + 2) / (rows + 4), 0.0), 1.0)
        error = (
            math.sqrt(share * (1 - share) / rows) if task == "classification" else 2 * math.sqrt(share) * (1 - share) / rows**0.5
        )
        if gap < 3 * error:
            continue
        yield Finding(
            "overfitting",
            f"The net overfits: {name} is {show(train)} on the training part and {show(test)} on the test part.",
            "Try early_stopping, dropout, fewer units, weight_decay, or more data."
            if evidence.curve("val_loss")
            else "Give it a validation part (`data.split.validation`) to see from which epoch on, and early_stopping; or "
            "dropout, fewer units, more data.",
            {"metric": name, "train": train, "test": test},
        )


def _gap(evidence: Evidence, target: str) -> float:
    """By how much accuracy, F1 of several labels or R² is worse on validation (else test) than in training; 0: not known."""
    task = evidence.targets[target]
    name = evidence.prefix(target) + ("f1_micro" if task == MULTILABEL else "accuracy" if task == "classification" else "r2")
    for part in ("validation", "test"):
        train, other = evidence.metrics.get("train", {}).get(name), evidence.metrics.get(part, {}).get(name)
        is_constant = name.endswith("r2") and evidence.baselines.get(part, {}).get(f"{evidence.prefix(target)}mse") == 0
        if train is not None and other is not None and not is_constant:  # of numbers that do not vary R² says nothing
            return train - other
    return 0.0
