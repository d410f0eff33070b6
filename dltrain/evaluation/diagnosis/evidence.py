"""The input of a diagnosis (metrics, history, layers of a fit), and its findings."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dltrain.config.types import MULTILABEL
from dltrain.evaluation.metrics.verdicts import Verdict
from dltrain.model.layer_statistics import LayerStatistics

CLASSES = ("classification", MULTILABEL)  # tasks that are judged by their probabilities


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault of a fit: what the numbers show, and what to try.

    Attributes:
        kind: such as "dead_units".
        sentence: what it is, with its figures.
        advice: what one would try next.
        figures: the figures as plain values.
    """

    kind: str
    sentence: str
    advice: str
    figures: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.sentence} {self.advice}"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known after a fit.

    Attributes:
        history: rows of the training history, an epoch each.
        layers: on a sample of the training part.
        num_sampled: how many rows that sample has.
        rows: part -> rows.
        metrics: part -> metric -> value, of the run's model.
        baselines: part -> metric -> value.
        reports: part -> for classes the confusion matrix and the table by class; with several targets by target.
        targets: name of each target -> its task.
        verdicts: part -> target -> how the model stands to what knows nothing of the inputs.
        weights: "best" or "last": which model the metrics are of.
        epochs: how many were wanted.
        stopped: a callback stopped the training early.
        loss_is_log_loss: the history's loss is the mean cross-entropy of the rows, each counted as in the verdicts: neither a
            sum nor a loss of another kind, and nothing is added to it, as a regularizer does.
    """

    history: Sequence[Mapping[str, float]]
    layers: Sequence[LayerStatistics] = ()
    num_sampled: int = 0
    rows: Mapping[str, int] = field(default_factory=dict)
    metrics: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    baselines: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    reports: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    targets: Mapping[str, str] = field(default_factory=dict)
    verdicts: Mapping[str, Mapping[str, Verdict]] = field(default_factory=dict)
    weights: str = "last"
    epochs: int = 0
    stopped: bool = False
    loss_is_log_loss: bool = False

    def curve(self, name: str) -> list[float]:
        """A column of the history; empty where it has none, or not in each epoch."""
        values = [row.get(name, math.nan) for row in self.history]
        return values if values and all(math.isfinite(value) for value in values) else []

    def prefix(self, target: str) -> str:
        """With what the names of a target's metrics begin."""
        return f"{target}_" if len(self.targets) > 1 else ""

    def skill(self, target: str, part: str) -> tuple[str, float, float] | None:
        """How far a target's error lies below the baseline's.

        Of numbers that is the part's own mean, by R²: the baseline of a series is another one, its last value.

        Returns:
            (metric, its value, the baseline's), of log_loss for classes and mse for numbers, under the weights of the training
            where there is a verdict; None where they are not known.
        """
        verdict = self.verdicts.get(part, {}).get(target)
        if verdict is not None and self.targets[target] in CLASSES:
            known = math.isfinite(verdict.value) and math.isfinite(verdict.baseline) and verdict.baseline > 0
            return (f"{self.prefix(target)}log_loss", verdict.value, verdict.baseline) if known else None
        metrics, prefix = self.metrics.get(part, {}), self.prefix(target)
        if self.targets[target] in CLASSES:
            name = f"{prefix}log_loss"
            value, baseline = metrics.get(name), self.baselines.get(part, {}).get(name)
        else:
            name = f"{prefix}mse"
            value, share = metrics.get(name), metrics.get(f"{prefix}r2")
            # Of numbers that do not vary R² says nothing; any other forecast of such is perfect as well.
            varies = self.baselines.get(part, {}).get(name) != 0
            is_known = value is not None and share is not None and share < 1 and varies
            baseline = value / (1 - share) if is_known and value is not None and share is not None else None
        if value is None or baseline is None or not math.isfinite(value) or not math.isfinite(baseline) or baseline <= 0:
            return None
        return name, value, baseline

    def confusion(self, part: str, target: str) -> Mapping[str, Any] | None:
        """Confusion matrix and table of one target on a part."""
        report = self.reports.get(part, {})
        report = report if len(self.targets) == 1 else report.get(target, {})
        return report if "confusion_matrix" in report else None


def show(value: float) -> str:
    """Three significant digits."""
    return f"{value:.3g}"
