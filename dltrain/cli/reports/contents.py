"""What a report says of a run, a sweep, or several runs, from their files alone: no model is loaded."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from dltrain.cli.reports.page import Block, Code, Page, Paragraph, Picture, Section, Table
from dltrain.cli.results import baseline_of, gate_lines, with_interval
from dltrain.cli.text import format_number, format_seconds
from dltrain.evaluation.drawing.charts import labels_panel
from dltrain.evaluation.drawing.report_pictures import (
    MOST_CLASSES,
    draw_confusion,
    draw_pairs,
    draw_reliability,
    draw_scores,
)
from dltrain.evaluation.drawing.svg import sheet
from dltrain.storage.run import Run

_PARTS = ("train", "validation", "test")
_MOST_BYTES = 700_000  # of a picture that the run drew
_MOST_ROWS = 100  # of a table
_DECIDING = ("accuracy", "f1_micro", "rmse", "explained_variance")
_PICTURES = {
    "history.png": "Loss and metrics over the epochs, training against validation",
    "forecast.png": "Forecast against truth over time",
    "mistakes.png": "The wrong answers that the model was surest of",
    "reconstructions.png": "Rows and what the model makes of them",
}


def run_page(path: Path) -> Page:
    """A page of one run.

    Raises:
        RunError: it is no run, or damaged.
    """
    run = Run(path)
    run.refuse_foreign_files()
    manifest, document = run.read_manifest(), run.read_metrics()
    part = str(document.get("part", ""))
    page = Page(f"{manifest.get('name', path.name)}: {path.name}", verdict_of(manifest, document))
    if document:
        page.sections.append(Section(f"Metrics ({part}, {document.get('weights', '')} weights)", _metrics(document, part)))
        found = Section("What it says and what is true", _answers(document.get("report", {})))
        page.sections += [found] if found.blocks else []
    pictures = [picture for name, words in _PICTURES.items() if (picture := _stored_picture(path / name, words))]
    page.sections += [Section("Pictures of the run", list(pictures))] if pictures else []
    page.sections.append(Section("Notes", _notes(manifest, document)))
    page.sections.append(
        Section("The experiment", [Code("config.yaml, with all that was inferred", _text_of(run.config_file))], True)
    )
    page.sections.append(Section("Data and environment", _environment(manifest), True))
    repeat = [
        f"dltrain fit {path / 'config.yaml'}",
        f"dltrain evaluate {path}",
        f"dltrain predict {path} --part {part or 'test'}",
    ]
    page.sections.append(Section("To repeat it", [Code("commands", "\n".join(repeat))]))
    page.sections = [section for section in page.sections if section.blocks]
    return page


def verdict_of(manifest: Mapping[str, Any], document: Mapping[str, Any]) -> str:
    """Whether the run was worth it, in a sentence."""
    if not document:
        return f"The run is {manifest.get('status', 'unfinished')}: it has no metrics yet."
    unmet = [str(gate["require"]) for gate in document.get("gates", ()) if not gate.get("met")]
    gates = f" Not met: {', '.join(unmet)}." if unmet else ""
    part = str(document["part"])
    for note in document.get("notes", ()):
        if str(note).startswith("The model is"):
            return f"{note}{gates}"
    metrics, baseline = document["metrics"].get(part, {}), baseline_of(document.get("baseline", {}), part)
    name = next((name for name in _DECIDING if name in metrics and name in baseline), None)
    if name is None:
        return f"The model is better than the baseline on the {part} part.{gates}"
    value = with_interval(metrics[name], document.get("intervals", {}).get(part, {}).get(name))
    against = format_number(baseline[name])
    return f"The model is better than the baseline on the {part} part: {name} {value}, the baseline's {against}.{gates}"


def _metrics(document: Mapping[str, Any], part: str) -> list[Block]:
    parts = [name for name in _PARTS if document["metrics"].get(name)]
    baseline = baseline_of(document.get("baseline", {}), part)
    intervals = document.get("intervals", {}).get(part, {})
    names = list(dict.fromkeys(name for one in parts for name in document["metrics"][one]))
    rows = []
    for name in names:
        cells = [format_number(document["metrics"][one].get(name)) for one in parts if one != part]
        shown = with_interval(document["metrics"][part].get(name), intervals.get(name))
        rows.append([name, *cells, shown, format_number(baseline.get(name))])
    others = [one for one in parts if one != part]
    blocks: list[Block] = [Table("metrics by part", ["metric", *others, f"{part} (95 % interval)", "baseline"], rows)]
    drawn = document.get("intervals_of", {}).get(part, {})
    if drawn:
        blocks.append(Paragraph(f"Intervals by {drawn['resamples']:,} draws of {drawn['units']:,} units: {drawn['by']}."))
    gates = gate_lines(document.get("gates", ()))
    return [*blocks, *map(Paragraph, gates)]


def _answers(report: Mapping[str, Any]) -> list[Block]:
    """Of one target of classes the matrix, the table and the curves; of numbers the scatter."""
    blocks: list[Block] = []
    labels = [str(label) for label in report.get("labels", ())]
    if "averages" in report:
        return _several_labels(report)
    if labels and len(labels) <= MOST_CLASSES:
        words = f"Confusion matrix of {len(labels)} classes; the table of classes says the same"
        blocks += _picture(words, draw_confusion, report["confusion_matrix"], labels)
    classes = sorted(report.get("classes", {}).items(), key=lambda item: item[1]["f1"])
    if classes:
        rows = [
            [str(label), *(format_number(row[name]) for name in ("precision", "recall", "f1")), f"{row['support']:,.0f}"]
            for label, row in classes[:_MOST_ROWS]
        ]
        blocks.append(Table("classes, the worst first", ["class", "precision", "recall", "F1", "rows"], rows))
    if report.get("curves"):
        blocks += _picture("ROC curve, and precision against recall", draw_scores, report["curves"])
    if report.get("calibration"):
        found = report["calibration"]
        said = f"Expected calibration error {format_number(found['ece'])}, Brier score {format_number(found['brier'])}."
        blocks += [
            Paragraph(said),
            *_picture("Reliability: probability said against share that came true", draw_reliability, found),
        ]
    for target, pairs in report.get("pairs", {}).items():
        blocks += _picture(f"Predicted against true {target}, and the residuals", draw_pairs, pairs, str(target))
    return blocks


def _several_labels(report: Mapping[str, Any]) -> list[Block]:
    """Bars and the table of the labels, and the averages over them."""
    names = ("precision", "recall", "f1", "average_precision", "roc_auc")
    classes = sorted(report["classes"].items(), key=lambda item: item[1]["f1"])
    rows = [
        [str(label), *(format_number(row[name]) for name in names), f"{row['support']:,}", f"{row['predicted']:,}"]
        for label, row in classes[:_MOST_ROWS]
    ]
    header = ["label", "precision", "recall", "F1", "average precision", "roc_auc", "rows", "said"]
    averages = [[name, *(format_number(row[score]) for score in names[:3])] for name, row in report["averages"].items()]
    return [
        *_picture("F1 of the labels, with precision and recall", _draw_labels, report),
        Table("labels, the worst first", header, rows),
        Table("averages over the labels", ["average", "precision", "recall", "F1"], averages),
    ]


def _draw_labels(report: Mapping[str, Any]) -> bytes:
    return sheet([labels_panel(report)])


def _picture(words: str, draw: Callable[..., bytes], *what: Any) -> list[Block]:
    return [Picture(words, "image/svg+xml", draw(*what))]


def _stored_picture(file: Path, words: str) -> Picture | None:
    if file.is_symlink() or not file.is_file() or file.stat().st_size > _MOST_BYTES:
        return None
    content = file.read_bytes()
    return Picture(words, "image/png", content) if content.startswith(b"\x89PNG") else None


def _notes(manifest: Mapping[str, Any], document: Mapping[str, Any]) -> list[Block]:
    found = [f"{one['sentence']} {one['advice']}" for one in document.get("diagnosis", ())]
    warnings = [f"warning: {one.get('message')}" for one in manifest.get("warnings", ())]
    return [Paragraph(str(text)) for text in [*document.get("notes", ()), *found, *warnings]]


def _environment(manifest: Mapping[str, Any]) -> list[Block]:
    files = manifest.get("data", {}).get("details", {})
    rows = [
        [str(name), *(_cell(entry.get(key)) for key in ("rows", "bytes"))]
        for name, entry in files.items()
        if isinstance(entry, dict)
    ]
    blocks: list[Block] = [Table("files of the data", ["file", "rows", "bytes"], rows[:_MOST_ROWS])] if rows else []
    facts = {key: value for key, value in manifest.get("environment", {}).items() if isinstance(value, str | int)}
    facts |= {key: manifest[key] for key in ("seed", "git_commit", "started", "ended", "epochs") if manifest.get(key) is not None}
    seconds = manifest.get("seconds", {}).get("total")
    facts |= {"time": format_seconds(seconds)} if isinstance(seconds, int | float) else {}
    return [*blocks, Table("environment", ["what", "value"], [[key, str(value)] for key, value in facts.items()])]


def sweep_page(path: Path) -> Page:
    """A page of a sweep.

    Raises:
        RunError: it is damaged.
    """
    from dltrain.sweep.record import read_record

    run = Run(path)
    run.refuse_foreign_files()
    manifest, trials = run.read_manifest(), read_record(run)
    document = run.read_metrics()
    notes = [str(note) for note in document.get("notes", ())] if document else []
    ended = [trial for trial in trials if isinstance(trial.get("value"), int | float) and math.isfinite(trial["value"])]
    best = str(manifest.get("best", ""))
    verdict = (
        notes[0]
        if notes
        else f"{len(ended):,} of {len(trials):,} trials have a result." + (f" The best: {best}." if best else "")
    )
    keys = list(dict.fromkeys(key for trial in trials for key in trial["parameters"]))
    rows = [
        [
            str(trial["number"]),
            *(_cell(trial["parameters"].get(key)) for key in keys),
            trial["status"],
            format_number(trial.get("value")),
            format_number(trial.get("standard_error")),
        ]
        for trial in trials
    ]
    page = Page(f"{manifest.get('name', path.name)}: {path.name}", verdict)
    header = ["trial", *keys, "status", "value", "standard error"]
    page.sections.append(Section(f"{len(trials):,} trials", [Table("trials in their order", header, rows[:1000])]))
    drawn = [_stored_picture(file, file.stem) for file in sorted(path.glob("*.png"))]
    page.sections.append(Section("Pictures of the sweep", [picture for picture in drawn if picture]))
    page.sections.append(Section("Notes", [*map(Paragraph, notes[1:]), *_notes(manifest, {})]))
    page.sections.append(Section("The experiment", [Code("config.yaml", _text_of(run.config_file))], True))
    page.sections = [section for section in page.sections if section.blocks]
    return page


def runs_page(paths: Sequence[Path]) -> Page:
    """A page of several runs: what their configs differ in, and their metrics.

    Raises:
        RunError: one is damaged.
        UsageError: one is named twice.
    """
    from dltrain.sweep.compare import compare

    found = compare(paths)
    page = Page(f"{len(paths)} runs", "; ".join(found.warnings) or f"{', '.join(found.labels)}, side by side.")
    rows = [[key, *map(_cell, values)] for key, values in found.differences.items()]
    page.sections.append(Section("What their configs differ in", [Table("keys", ["key", *found.labels], rows)] if rows else []))
    rows = []
    for part, metrics in found.metrics.items():
        for name, values in metrics.items():
            best = found.best[part][name]
            cells = [format_number(value) + (" (best)" if place == best else "") for place, value in enumerate(values)]
            rows.append([f"{part} {name}", *cells])
    page.sections.append(Section("Metrics", [Table("metrics", ["metric", *found.labels], rows)] if rows else []))
    page.sections = [section for section in page.sections if section.blocks]
    return page


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return format_number(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _text_of(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace")
