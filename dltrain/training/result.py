"""The result of a fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dltrain.config.catalog.metrics import canonical, find_name, metric_name
from dltrain.config.types import Config
from dltrain.errors import Fault


@dataclass(slots=True)
class FitResult:
    """The result of a fit.

    Attributes:
        status: "finished", or "gates_failed" where a required metric was not reached.
        run: the run directory.
        epochs: epochs trained.
        weights: "best" or "last": which checkpoint is the run's model, whose metrics these are.
        metrics: part -> metric -> value.
        asked: those of them that `training.metrics` names.
        baseline: metric -> value on the test part, else the validation part, else the training part.
        report: for classes the confusion matrix and the table by class, of the same part.
        gates: what was required, with value and whether it was met.
        seconds: wall time by stage: import, data, build, train, evaluate, total.
        notes: sentences for the user.
        diagnosis: what the figures say is wrong: {"kind", "sentence", "advice", "figures"} each.
        warnings: what the user should know, each once; the same as in the manifest.
        resumed: whether it went on with an earlier run.
        is_stored: whether nothing was left to do, so that all of it is what the run had stored.
        members: of an ensemble: "count", "epochs" of each, "metrics": part -> metric -> mean, min, max and values.
        pictures: names of those in the run directory, history.png first.
        intervals: part -> metric -> between which values it is with a confidence of 95 %.
    """

    status: str
    run: Path
    epochs: int
    weights: str
    metrics: dict[str, dict[str, float]]
    baseline: dict[str, float]
    report: dict[str, Any]
    gates: list[Any]
    seconds: dict[str, float]
    notes: list[str] = field(default_factory=list)
    diagnosis: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[Fault] = field(default_factory=list)
    resumed: bool = False
    is_stored: bool = False
    intervals: dict[str, Any] = field(default_factory=dict)
    members: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    pictures: list[str] = field(default_factory=list)


def asked_metrics(config: Config, metrics: Mapping[str, Mapping[str, float]]) -> list[str]:
    """The metrics that `training.metrics` names; with several targets the names of those begin with their target's.

    Args:
        config: of the fit.
        metrics: part -> metric -> value.
    """
    names = dict.fromkeys(name for values in metrics.values() for name in values)
    asked: list[str] = []
    for metric in config.training.metrics if config.training else ():
        wanted = metric_name(metric)
        found = find_name(wanted, names)
        asked += [found] if found else [name for name in names if name.endswith((f"_{wanted}", f"_{canonical(wanted)}"))]
    return asked
