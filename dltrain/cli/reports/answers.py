"""Predictions and true values, as blocks of a report: matrices, curves, classes, mistakes, importances, slices."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from typing import Any

from dltrain.cli.reports.page import Block, Paragraph, Picture, Table
from dltrain.cli.results import NO_INTERVALS, columns_of_classes, with_interval
from dltrain.cli.text import format_number
from dltrain.evaluation.drawing.charts import class_panels, importance_panel, labels_panel, pair_panels
from dltrain.evaluation.drawing.svg import Panel, sheet
from dltrain.storage.documents import targets_of

MOST_ROWS = 100  # of a table
_LONG_NUMBER = re.compile(r"-?\d{1,9}\.\d{6,}")
_SLICE_METRICS = ("accuracy", "log_loss", "mase", "rmse", "mae")
_SORTING = ("f1", "iou")  # of the classes of a row, and of pixels
_SIDES = ("true", "predicted")
_MOST_TARGETS = 8  # whose pictures are drawn


def chart(panel: Panel) -> Picture:
    """One chart as a picture of a page."""
    return Picture(panel.title, "image/svg+xml", sheet([panel]))


def answer_blocks(report: Mapping[str, Any], intervals: Mapping[str, Any] = NO_INTERVALS) -> list[Block]:
    """Of each target of classes matrix, curves and table, of each target of numbers the truth beside what was said.

    Args:
        report: of the part.
        intervals: of its metrics, those of one class as `f1[label]`.
    """
    blocks: list[Block] = []
    for target, one in targets_of(report):
        if "confusion_matrix" not in one:
            continue
        blocks += [chart(panel) for panel in class_panels(one, target)] if len(blocks) < 4 * _MOST_TARGETS else []
        blocks += _class_table(one, target, intervals)
        blocks += _probabilities(one, target)
    if "averages" in report:
        blocks += _several_labels(report, intervals)
    for target, pairs in itertools.islice(report.get("pairs", {}).items(), _MOST_TARGETS):
        blocks += [chart(panel) for panel in pair_panels(pairs, str(target))]
    return blocks


def _several_labels(report: Mapping[str, Any], intervals: Mapping[str, Any]) -> list[Block]:
    """Bars and the table of the labels, the averages over them, and what calibration changed."""
    names = ("precision", "recall", "f1", "average_precision", "roc_auc")
    classes = sorted(report["classes"].items(), key=lambda item: item[1]["f1"])
    rows = [
        [str(label), *_scores(label, row, names, intervals), f"{row['support']:,}", f"{row['predicted']:,}"]
        for label, row in classes[:MOST_ROWS]
    ]
    header = ["label", "precision", "recall", "F1", "average precision", "roc_auc", "rows", "said"]
    averages = [[name, *(format_number(row[score]) for score in names[:3])] for name, row in report["averages"].items()]
    return [
        chart(labels_panel(report)),
        Table("labels, the worst first", header, rows, len(classes) - len(rows)),
        Table("averages over the labels", ["average", "precision", "recall", "F1"], averages),
        *_of_each_label(report, [str(label) for label, _ in classes[:MOST_ROWS]], len(classes) - len(rows)),
        *_probabilities(report, ""),
    ]


def _of_each_label(report: Mapping[str, Any], labels: Sequence[str], more: int) -> list[Block]:
    """From which probability each label is said, and by which temperature its probabilities are calibrated."""
    thresholds = {str(one["label"]): one["value"] for one in report.get("thresholds", ())}
    temperatures = {str(one["label"]): one["temperature"] for one in report.get("calibrated", {}).get("temperatures", ())}
    found = {name: values for name, values in (("threshold", thresholds), ("temperature", temperatures)) if values}
    rows = [[label, *(format_number(values.get(label)) for values in found.values())] for label in labels]
    caption = "from which probability a label is said" if "threshold" in found else "by what probabilities are calibrated"
    return [Table(caption, ["label", *found], rows, more)] if found else []


def _scores(label: str, row: Mapping[str, Any], names: Sequence[str], intervals: Mapping[str, Any]) -> list[str]:
    """What a table says of one class; with its interval the score that sorts."""
    return [
        with_interval(row[name], intervals.get(f"{name}[{label}]")) if name in _SORTING else format_number(row[name])
        for name in names
    ]


def _class_table(report: Mapping[str, Any], target: str, intervals: Mapping[str, Any]) -> list[Block]:
    names, headings = columns_of_classes(report)
    worst = "f1" if "f1" in names else names[0]
    classes = sorted(report.get("classes", {}).items(), key=lambda item: item[1][worst])
    rows = [[str(label), *_scores(label, row, names, intervals), f"{row['support']:,.0f}"] for label, row in classes[:MOST_ROWS]]
    caption = f"classes{f' of {target}' if target else ''}, the worst first"
    more = len(classes) - len(rows)
    return [Table(caption, ["class", *headings], rows, more)] if rows else []


def _probabilities(report: Mapping[str, Any], target: str) -> list[Block]:
    """How well probabilities are calibrated, whether calibration changed them, and the threshold."""
    of, blocks = f" of {target}" if target else "", list[Block]()
    if found := report.get("calibration"):
        said = f"expected calibration error{of} {format_number(found['ece'])}, Brier score {format_number(found['brier'])}"
        blocks.append(Paragraph(f"{said[0].upper()}{said[1:]}."))
    if found := report.get("calibrated"):
        rows = [[name, format_number(found["before"].get(name)), format_number(value)] for name, value in found["after"].items()]
        blocks.append(Table(f"calibration{of}, on this part", ["score", "before", "after"], rows))
    if found := report.get("threshold"):
        text = f"The answer{of} is {found['label']} from a probability of {found['value']:.4g} on ({found.get('asked', '')})."
        blocks.append(Paragraph(text))
    return blocks


def mistake_blocks(report: Mapping[str, Any], rows: Mapping[int, Mapping[str, str]]) -> list[Block]:
    """The rows that the model is most wrong about.

    Args:
        report: of the part.
        rows: number of a row, from 1 -> column -> what stands there; empty where the data is not at hand.
    """
    blocks: list[Block] = []
    for target, one in targets_of(report):
        of = f" of {target}" if target else ""
        worst, caption = one.get("worst", ()), f"wrong answers{of} that the model was surest of"
        by = "error" if any("error" in row for row in worst) else "probability"
        blocks += _mistakes(caption if by == "probability" else "rows with the largest log loss", worst, by, rows)
    for target, found in report.get("furthest", {}).items():
        blocks += _mistakes(f"{target}: the predictions that are furthest off", found, "error", rows)
    return blocks


def _mistakes(
    caption: str, found: Sequence[Mapping[str, Any]], measure: str, rows: Mapping[int, Mapping[str, str]]
) -> list[Block]:
    columns = list(next((values for one in found if (values := rows.get(one["row"]))), {}))
    named = [name for name in ("file", "window", "ahead") if any(name in one for one in found)]
    table = [
        [
            f"{one['row']:,}",
            *(str(one.get(name, "")) for name in named),
            *((one[name] or "(none)") if isinstance(one[name], str) else format_number(one[name]) for name in _SIDES),
            format_number(one.get(measure)),
            *(_short(rows.get(one["row"], {}).get(column, "")) for column in columns),
        ]
        for one in found
    ]
    return [Table(caption, ["row", *named, "true", "predicted", measure, *columns], table)] if table else []


def _short(cell: str) -> str:
    """A cell of the data; of a number with more places than a reader takes in, the first six digits."""
    return f"{float(cell):.6g}" if _LONG_NUMBER.fullmatch(cell) else cell


def importance_blocks(found: Mapping[str, Any]) -> list[Block]:
    """The importance of each column, then of the words of texts, as `Importances.document` has it."""
    every = found.get("columns", ())
    words = [one for one in every if one.get("kind") == "token"]
    blocks: list[Block] = []
    for what, some in (("column", [one for one in every if one not in words]), ("taken out of all texts", words)):
        if not some:
            continue
        rows = [
            [str(one["name"]), with_interval(one["value"], one.get("interval"))]
            for one in sorted(some, key=lambda one: -(one["value"] or 0.0))[:MOST_ROWS]
        ]
        said = f"{found['metric']} is {format_number(found['whole'])} with all columns, on {found['rows']:,} rows"
        said = said if what == "column" else "words that change the metric most where they are taken out"
        header = [what, f"{found['metric']} gets worse by (95 % interval)"]
        blocks += [chart(importance_panel(some, found["metric"])), Table(said, header, rows, len(some) - len(rows))]
    return blocks


def slice_blocks(found: Sequence[Mapping[str, Any]]) -> list[Block]:
    """Metrics by the values of columns, as `Slice.document` has them."""
    blocks: list[Block] = []
    for column, group in itertools.groupby(found, key=lambda one: one["column"]):
        slices = list(group)
        names = [name for name in _SLICE_METRICS if name in slices[0]["metrics"]] or list(slices[0]["metrics"])[:2]
        remarks = [_remark(one) for one in slices]
        rows = [
            [
                str(one["name"]),
                f"{one['rows']:,}",
                *(with_interval(one["metrics"].get(name), one["intervals"].get(name)) for name in names),
                format_number(one.get("baseline", {}).get(names[0])),
                *([remark] if any(remarks) else []),
            ]
            for one, remark in zip(slices[:MOST_ROWS], remarks)
        ]
        header = [str(column), "rows", *names, f"baseline {names[0]}", *(["remark"] if any(remarks) else [])]
        blocks.append(Table(f"by {column}, the worst first", header, rows, len(slices) - len(rows)))
    return blocks


def _remark(one: Mapping[str, Any]) -> str:
    """How a slice stands to the baseline, where that is no praise."""
    if one["is_worse"]:
        return "worse than the baseline"
    return "not shown to be better than the baseline" if "not shown" in one.get("standings", {}).values() else ""
