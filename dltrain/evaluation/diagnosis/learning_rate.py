"""What the curve of the training loss says of the learning rate."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Iterator

from dltrain.evaluation.diagnosis.evidence import Evidence, Finding, show
from dltrain.wording import percent

LEAST_EPOCHS = 5
JUMP_OF_SPAN, JUMP_OF_LOSS, LEAST_JUMPS = 0.25, 0.05, 2
# Behind a steep beginning all jumps are small against the span; then more of them are asked for, and in a tenth of the epochs:
# small batches alone make a low loss jump once in a while.
LATE_JUMP_OF_LOSS, LATE_JUMP_OF_LEVEL, LEAST_LATE_JUMPS, LATE_JUMP_SHARE = 0.25, 0.05, 3, 0.1
# A cross-entropy that stays below such a share of what knows nothing of the inputs says no more by jumping.
NEGLIGIBLE = 0.05
BEGINS_ABOVE = 10.0  # times what knows nothing of the inputs
STILL_FALLING = 0.12  # of the whole fall in the last fifth of the epochs; a straight line has 0.2


def find_large_beginning(evidence: Evidence) -> Iterator[Finding]:
    """The first epoch's cross-entropy is many times that of always saying how frequent the classes are, and falls from there."""
    losses = evidence.curve("loss")
    if len(evidence.targets) != 1 or len(losses) < 2 or not evidence.loss_is_log_loss:
        return
    skill = evidence.skill(next(iter(evidence.targets)), "train")
    if skill is None or not skill[0].endswith("log_loss"):
        return
    baseline = skill[2]
    if losses[0] < BEGINS_ABOVE * baseline or min(losses) > losses[0] / 2:
        return
    yield Finding(
        "loss_begins_too_high",
        f"The training loss began at {show(losses[0])}, where always saying how frequent the classes are gives {show(baseline)}: "
        "the first outputs are far too large, and epochs go by until they are small.",
        "Try smaller initial weights (the layers' kernel_initializer: glorot_uniform or he_normal; without pretrained ones), "
        "scaled inputs or BatchNormalization; a lower learning rate is of use only where the loss rises.",
        {"first_loss": losses[0], "baseline": baseline},
    )


def find_too_high_rate(evidence: Evidence) -> Iterator[Finding]:
    """The training loss jumps up again and again, or ends above where it began."""
    losses = evidence.curve("loss")
    if len(losses) < LEAST_EPOCHS:
        return
    jumps = _jumps(losses, _negligible(evidence))
    rises = losses[-1] > losses[0] + 0.1 * abs(losses[0])
    if not jumps and not rises:
        return
    worst = max(jumps, key=lambda epoch: losses[epoch] - losses[epoch - 1]) if jumps else -1
    rate = evidence.history[worst].get("learning_rate", 0.0)  # which schedules change from epoch to epoch
    if jumps:
        what = f"it jumped up {len(jumps)} times, in epoch {worst + 1} from {show(losses[worst - 1])} to {show(losses[worst])}"
    else:
        what = f"it rose from {show(losses[0])} to {show(losses[-1])}"
    yield Finding(
        "learning_rate_too_high",
        f"The learning rate is too high for the training loss to settle: {what}, at a rate of {show(rate)}.",
        "Try a third or a tenth of it, or a larger batch_size.",
        {"jumps": [epoch + 1 for epoch in jumps], "first_loss": losses[0], "last_loss": losses[-1], "learning_rate": rate},
    )


def _negligible(evidence: Evidence) -> float:
    """The loss below which next to everything is learnt; 0 where it is not known."""
    skill = evidence.skill(next(iter(evidence.targets)), "train") if len(evidence.targets) == 1 else None
    return NEGLIGIBLE * skill[2] if skill is not None and evidence.loss_is_log_loss else 0.0


def _jumps(losses: list[float], negligible: float) -> list[int]:
    """Epochs (from 0) in which the loss jumped up to more than `negligible`, if they are enough of them to say so."""
    pairs = enumerate(itertools.pairwise(losses), 1)
    rises = [(epoch, after - before, abs(before)) for epoch, (before, after) in pairs if after > negligible]
    span = losses[0] - min(losses)
    large = [epoch for epoch, rise, before in rises if rise > max(JUMP_OF_SPAN * span, JUMP_OF_LOSS * before)]
    if len(large) >= LEAST_JUMPS:
        return large
    level = min(abs(losses[0]), 2 * abs(statistics.median(losses)))
    late = [epoch for epoch, rise, before in rises if rise > max(LATE_JUMP_OF_LOSS * before, LATE_JUMP_OF_LEVEL * level)]
    return late if len(late) >= max(LEAST_LATE_JUMPS, LATE_JUMP_SHARE * len(losses)) else []


def find_too_low_rate(evidence: Evidence) -> Iterator[Finding]:
    """The training loss falls nearly in a straight line to the end."""
    losses, validation = evidence.curve("loss"), evidence.curve("val_loss")
    if len(losses) < LEAST_EPOCHS or evidence.stopped:
        return
    fall, last = losses[0] - losses[-1], max(1, len(losses) // 5)
    late = losses[-1 - last] - losses[-1]
    downwards = sum(after < before for before, after in itertools.pairwise(losses)) / (len(losses) - 1)
    if fall <= 0 or downwards < 0.9 or late < STILL_FALLING * fall or late < 1e-6 * abs(losses[-1]):
        return
    if validation and validation[-1] > min(validation) * 1.02:
        return  # more of the same would not help the validation part
    rate = evidence.history[-1].get("learning_rate", 0.0)
    epochs = f"the last {last} of {len(losses)} epochs" if last > 1 else f"the last of {len(losses)} epochs"
    yield Finding(
        "learning_rate_too_low",
        f"The training loss was still falling at the end: {percent(late / fall, 0)} of its whole fall from {show(losses[0])} "
        f"to {show(losses[-1])} came in {epochs}, at a learning rate of {show(rate)}.",
        "Try three to ten times the learning rate, or more epochs.",
        {"first_loss": losses[0], "last_loss": losses[-1], "late_share": late / fall, "learning_rate": rate},
    )
