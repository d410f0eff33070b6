"""Whether a run was worth it, in a sentence, from what `metrics.json` holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dltrain.cli.results import baseline_of, with_interval
from dltrain.cli.text import format_number
from dltrain.config.catalog.metrics import find_direction
from dltrain.wording import counted, listed

_DECIDING = ("f1_micro", "accuracy", "rmse", "explained_variance", "corrupted_explained_variance")


def judgement(document: Mapping[str, Any]) -> str:
    """The model against the baseline that ignores the inputs; where there is no baseline, which part it was measured on.

    Args:
        document: `metrics.json`, or the same of a fit that has just ended: part, metrics, baseline, notes.
    """
    part = str(document["part"])
    said = [str(note) for note in document.get("notes", ()) if is_verdict(str(note), part)]
    if said:  # of several simple forecasts, or targets, what is certain counts more than what chance may explain
        return min(said, key=lambda note: not note.startswith("The model is no better"))
    if part == "train":
        return "Measured on the rows that it was trained on, as none are held out (`data.split`): other rows may go worse."
    if not baseline_of(document.get("baseline", {}), part):
        return f"Measured on the {part} part; there is nothing simple to compare with."
    behind = _behind(document, part)
    if "f1_micro" in behind:  # the probabilities of several labels rank rows, but hardly any passes the threshold
        how = f"on the {part} part in its probabilities, not in its answers (f1_micro)"
        return f"The model is better than the baseline {how}; `evaluation.threshold: f1` says from which one a row has a label."
    return f"The model is better than the baseline on the {part} part{f', though not by {listed(behind, 2)}' if behind else ''}."


def _behind(document: Mapping[str, Any], part: str) -> list[str]:
    """Those of the deciding metrics in which the baseline is ahead: of rare classes that were given weights, the accuracy is."""
    metrics, baseline = document["metrics"].get(part, {}), baseline_of(document.get("baseline", {}), part)
    return [name for name in deciding_metrics(metrics) if _ahead(name, metrics, baseline) < 0]


def _ahead(name: str, metrics: Mapping[str, Any], baseline: Mapping[str, Any]) -> float:
    """By how much a model's metric is better than the baseline's; 0 where one of them is not known."""
    if metrics.get(name) is None or baseline.get(name) is None:
        return 0.0
    return float(metrics[name] - baseline[name]) * (-1 if find_direction(name) == "min" else 1)


def is_verdict(note: str, part: str) -> bool:
    """Whether a note is the verdict on this part that the model is no better than the baseline, or not in all respects."""
    return note.startswith("The model is") and f" on the {part} part " in note


def deciding_metrics(metrics: Mapping[str, Any]) -> list[str]:
    """The metrics, one for each target, that most readers ask for first; the loss where there are none."""
    named = [name for name in metrics if name in _DECIDING or name.endswith(("_accuracy", "_rmse"))]
    plain = [name for name in _DECIDING if name in named]
    return plain[:1] or [name for name in named if not _is_of_keras(name)] or [name for name in metrics if name == "loss"]


def _is_of_keras(name: str) -> bool:
    return name.endswith(("categorical_accuracy", "binary_accuracy", "top_k_accuracy"))


def deciding_line(document: Mapping[str, Any]) -> str:
    """`accuracy 0.9792 (0.948-0.992), the baseline's 0.6927`; of several targets one after the other."""
    part = str(document["part"])
    metrics = document["metrics"].get(part, {})
    intervals, baseline = document.get("intervals", {}).get(part, {}), baseline_of(document.get("baseline", {}), part)
    said, shown = [], list(deciding_metrics(metrics))
    # Of a rare class the accuracy is that of the baseline, while the probabilities tell more.
    if shown == ["accuracy"] and _ahead("accuracy", metrics, baseline) <= 0 < _ahead("log_loss", metrics, baseline):
        shown.append("log_loss")
    # A baseline that says no label has an F1 of 0, which any label that is right is above.
    says_nothing = shown == ["f1_micro"] and baseline.get("f1_micro") == 0
    if says_nothing and "average_precision" in metrics:
        shown.append("average_precision")
    for name in shown[:3]:
        against = f", the baseline's {format_number(baseline[name])}" if name in baseline else ""
        against += ", which says no label" if says_nothing and name == "f1_micro" else ""
        said.append(f"{name} {with_interval(metrics[name], intervals.get(name))}{against}")
    more = len(shown) - len(said)
    return "; ".join(said) + (f"; and {more} more" if more > 0 else "")


def verdict_of(manifest: Mapping[str, Any], document: Mapping[str, Any]) -> str:
    """Whether the run was worth it, in a sentence or two, with the gates that it did not meet."""
    if not document:
        return _without_metrics(manifest)
    unmet = [str(gate["require"]) for gate in document.get("gates", ()) if not gate.get("met")]
    gates = f" Not met: {', '.join(unmet)}." if unmet else ""
    said, figures = judgement(document), deciding_line(document)
    if figures and not is_verdict(said, str(document["part"])):
        said = f"{said[:-1]}: {figures}."
    return f"{said}{gates}"


def _without_metrics(manifest: Mapping[str, Any]) -> str:
    """Where a run is that has not been measured, or why it came to no end."""
    status, epochs = manifest.get("status"), manifest.get("epochs")
    why = f": {str(manifest['reason']).rstrip('.')}" if manifest.get("reason") else ""
    if status == "running":
        return "The run is still going on: it has no metrics yet."
    if status in ("diverged", "failed"):
        return f"The run {status}, and has no metrics{why}."
    after = f" after {counted(epochs, 'epoch')}" if epochs else ""
    return f"The run was stopped{after}, and has no metrics yet."
