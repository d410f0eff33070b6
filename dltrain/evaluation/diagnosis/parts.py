"""What single parts of the data show: classes that are never predicted, bands that hold too few, too small a validation part."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from dltrain.config.types import MULTILABEL
from dltrain.evaluation.diagnosis.evidence import Evidence, Finding, show
from dltrain.parts import judged_part
from dltrain.wording import quoted

LEAST_SUPPORT = 5
WIDE = 0.1
FEW_ROWS = 20
MOST_NAMED = 5


def find_unpredicted_classes(evidence: Evidence) -> Iterator[Finding]:
    """Classes that have rows, but that the model never answers with."""
    part = judged_part(evidence.reports)
    if part is None:
        return
    for target, task in evidence.targets.items():
        if task == MULTILABEL:
            yield from _unsaid_labels(part, evidence.reports[part])
        report = evidence.confusion(part, target) if task == "classification" else None
        if report is None:
            continue
        matrix, labels = report["confusion_matrix"], report["labels"]
        support = [sum(row) for row in matrix]
        predicted = [sum(row[index] for row in matrix) for index in range(len(matrix))]
        never = [index for index in range(len(labels)) if not predicted[index] and support[index] >= LEAST_SUPPORT]
        if not never:
            continue
        named = ", ".join(f"{quoted(labels[index])} ({support[index]:,.0f} rows)" for index in never[:MOST_NAMED])
        more = f" and {len(never) - MOST_NAMED} more" if len(never) > MOST_NAMED else ""
        plural = "classes are" if len(never) > 1 else "class is"
        yield Finding(
            "class_never_predicted",
            f"{len(never)} {plural} never predicted on the {part} part: {named}{more}.",
            "Try `class_weight: balanced`, more rows of it, or longer training.",
            {"part": part, "classes": {labels[index]: support[index] for index in never}},
        )


def _unsaid_labels(part: str, report: Mapping[str, Any]) -> Iterator[Finding]:
    """Labels that rows have, but that the model never says."""
    never = {
        label: row["support"]
        for label, row in report.get("classes", {}).items()
        if not row["predicted"] and row["support"] >= LEAST_SUPPORT
    }
    if not never:
        return
    named = ", ".join(f"{quoted(label)} ({count:,} rows)" for label, count in list(never.items())[:MOST_NAMED])
    more = f" and {len(never) - MOST_NAMED} more" if len(never) > MOST_NAMED else ""
    yield Finding(
        "label_never_said",
        f"{len(never)} label{'s are' if len(never) > 1 else ' is'} never said on the {part} part: {named}{more}.",
        "Try longer training, more rows of it, or `labels: {min_count: …}` to leave rare labels out.",
        {"part": part, "labels": never},
    )


def find_wrong_bands(evidence: Evidence) -> Iterator[Finding]:
    """Bands between two quantiles that hold far fewer or more of a part's values than they should."""
    part = judged_part(evidence.metrics)
    for name, held in evidence.metrics.get(part, {}).items() if part else ():
        found = re.search(r"coverage_(\d+(?:\.\d+)?)$", name)
        if found is None or part is None:
            continue
        wanted, rows = float(found[1]) / 100, evidence.rows.get(part, 0)
        if rows < FEW_ROWS or abs(held - wanted) < WIDE + 2 * math.sqrt(wanted * (1 - wanted) / rows):
            continue
        how = "narrow" if held < wanted else "wide"
        sentence = (
            f"The bands that should hold {100 * wanted:g} % of the values hold {100 * held:.0f} % of those of the {part} part: "
        )
        advice = (
            "The forecasts are surer than they are right: try fewer epochs or units, or dropout, and a longer `series.history`."
        )
        if how == "wide":
            advice = "The forecasts are less sure than they could be: try longer training."
        figures = {"part": part, "metric": name, "held": held, "wanted": wanted}
        yield Finding(f"bands_too_{how}", f"{sentence}they are too {how}.", advice, figures)


def find_small_validation(evidence: Evidence) -> Iterator[Finding]:
    """So few validation rows that the metric by which the best epoch is chosen is mostly chance."""
    rows = evidence.rows.get("validation", 0)
    if not rows or "validation" not in evidence.metrics:
        return
    advice = "Try a larger `data.split.validation`, or `folds` in a sweep: the best epoch is chosen by this part."
    for target, task in evidence.targets.items():
        accuracy = evidence.metrics["validation"].get(f"{evidence.prefix(target)}accuracy")
        if task == "classification" and accuracy is not None:
            # Agresti and Coull 1998: two successes and two failures more, so that 0 and 1 have a margin as well.
            share = (accuracy * rows + 2) / (rows + 4)
            margin = 2 * math.sqrt(share * (1 - share) / (rows + 4))
            if margin <= WIDE:
                continue
            sentence = f"The validation part is too small to tell: of {rows} rows an accuracy of {show(accuracy)} is sure to "
            sentence += f"±{margin:.2f} only."
            yield Finding("validation_too_small", sentence, advice, {"rows": rows, "accuracy": accuracy, "margin": margin})
            return
        if task != "classification" and rows < FEW_ROWS:
            sentence = f"The validation part is too small to tell: it has {rows} rows."
            yield Finding("validation_too_small", sentence, advice, {"rows": rows})
            return
