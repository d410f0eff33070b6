"""What a report says of one run, from its files alone: no model is loaded."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dltrain.cli.reports.answers import (
    answer_blocks,
    chart,
    importance_blocks,
    mistake_blocks,
    slice_blocks,
)
from dltrain.cli.reports.data import DataSeen, beginning_of, data_blocks, look_at_data
from dltrain.cli.reports.page import Block, Code, Page, Paragraph, Picture, Section, Table
from dltrain.cli.reports.verdict import verdict_of
from dltrain.cli.results import baseline_of, gate_lines, members_lines, metric_rows
from dltrain.cli.text import format_number, format_seconds
from dltrain.evaluation.drawing.charts import history_panels
from dltrain.evaluation.drawing.history import read_history
from dltrain.evaluation.findings import read_findings
from dltrain.parts import PARTS
from dltrain.storage.documents import targets_of
from dltrain.storage.run import Run
from dltrain.storage.run_list import status_of
from dltrain.storage.stored import wrong_values_told
from dltrain.wording import shown

_MOST_BYTES = 700_000  # of a picture that the run drew
_PICTURES = {
    "forecast.png": "Forecast against truth over time",
    "mistakes.png": "The wrong answers that the model was surest of",
    "reconstructions.png": "Rows and what the model makes of them",
    "importance.png": "Where an answer hangs on: covering what is orange lowers the probability of what is said, blue raises it",
    "masks.png": "Pictures, their true masks, those that the model says, and where these differ",
}


def run_page(path: Path) -> Page:
    """A page of one run.

    Raises:
        RunError: it is no run, or damaged.
    """
    run = Run(path)
    run.refuse_foreign_files()
    with wrong_values_told(path, is_as_written=run.is_as_written):
        return _run_page(path, run)


def _run_page(path: Path, run: Run) -> Page:
    manifest, document, findings = dict(run.read_manifest()), run.read_metrics(), read_findings(run)
    manifest["status"] = status_of(manifest, is_locked=run.is_locked())
    part, report = str(document.get("part", "")), document.get("report", {})
    seen = look_at_data(run, manifest, _rows_named(report)) if manifest.get("data") else DataSeen()
    page = Page(
        f"{manifest.get('name', path.name)}: {path.name}", verdict_of(manifest, document), lacks=(seen.note,) if seen.note else ()
    )
    sections = [
        Section(f"Metrics ({part}, {document.get('weights', '')} weights)", metric_blocks(document, part) if document else []),
        Section("What it says and what is true", answer_blocks(report, document.get("intervals", {}).get(part, {}))),
        Section("Where it is wrong", [*_stored(path), *mistake_blocks(report, seen.rows)]),
        Section("What the columns are worth", importance_blocks(findings.get("importance", {}))),
        Section("Slices", slice_blocks(findings.get("slices", ()))),
        Section("Training", _training(run, document)),
        Section("Notes", note_blocks(manifest, document)),
        Section("Data", data_blocks(run, manifest, seen)),
        Section("The experiment", experiment_blocks(run, manifest), True),
        Section("Environment", environment_blocks(manifest), True),
        Section("To repeat it", [Code("commands", "\n".join(_commands(path, part, str(manifest["status"]))))]),
    ]
    page.sections = [section for section in sections if section.blocks]
    return page


def _rows_named(report: Mapping[str, Any]) -> list[int]:
    found = [one for _, target in targets_of(report) for one in target.get("worst", ())]
    found += [one for rows in report.get("furthest", {}).values() for one in rows]
    return [one["row"] for one in found]


def _commands(path: Path, part: str, status: str) -> list[str]:
    """What repeats the run, or goes on with it; of a run that has been measured what tells more."""
    if not part:
        return [f"dltrain fit --resume {path}" if status in ("running", "interrupted") else f"dltrain fit {path / 'config.yaml'}"]
    return [
        f"dltrain fit {path / 'config.yaml'}",
        f"dltrain evaluate {path} --importance",
        f"dltrain predict {path} --part {part} -o predictions.csv",
    ]


def metric_blocks(document: Mapping[str, Any], part: str) -> list[Block]:
    """The table of metrics by part, with the intervals of one part; members; gates."""
    parts = [name for name in PARTS if document["metrics"].get(name)]
    baseline = baseline_of(document.get("baseline", {}), part)
    learned = document.get("report", {}).get("learned", {})
    others = [one for one in parts if one != part]
    intervals = document.get("intervals", {}).get(part, {})
    rows = metric_rows(document["metrics"], [*others, part], intervals, [baseline, *learned.values()])
    header = ["metric", *others, f"{part} (95 % interval)", "baseline", *map(str, learned)]
    blocks: list[Block] = [Table("metrics by part", header, rows)]
    if "baselines" in document.get("report", {}):
        simple = document["report"]["baselines"]
        names = [key for key in ("rmse", "mae", "mase", "smape") if any(key in values for values in simple.values())]
        errors = [[str(name), *(format_number(values.get(key)) for key in names)] for name, values in simple.items()]
        blocks.append(Table("simple forecasts", ["forecast", *names], errors))
    blocks += map(Paragraph, members_lines(document.get("members", {}).get("metrics", {})))
    drawn = document.get("intervals_of", {}).get(part, {})
    if drawn:
        blocks.append(Paragraph(f"Intervals: {drawn['resamples']:,} samples drawn of {drawn['units']:,} {_units_drawn(drawn)}."))
    return [*blocks, *map(Paragraph, gate_lines(document.get("gates", ())))]


def _units_drawn(drawn: Mapping[str, Any]) -> str:
    """Rows; of many rows groups of them; groups of a column or blocks of time."""
    return "rows, or groups of rows put together at random" if drawn["by"] == "rows" else str(drawn["by"])


def _stored(folder: Path) -> list[Block]:
    return [picture for name, words in _PICTURES.items() if (picture := stored_picture(folder / name, words))]


def stored_picture(file: Path, words: str) -> Picture | None:
    """A picture that the run drew, if it is one and not large."""
    if file.is_symlink() or not file.is_file() or file.stat().st_size > _MOST_BYTES:
        return None
    content = file.read_bytes()
    return Picture(words, "image/png", content) if content.startswith(b"\x89PNG") else None


def _training(run: Run, document: Mapping[str, Any]) -> list[Block]:
    """Loss and metrics over the epochs."""
    history, epoch = read_history(run.history_file), document.get("epoch")
    return [chart(panel) for panel in history_panels(history, epoch if document.get("weights") == "best" else None)]


def note_blocks(manifest: Mapping[str, Any], document: Mapping[str, Any]) -> list[Block]:
    """Notes, what the diagnosis found, and warnings."""
    found = [f"{one['sentence']} {one['advice']}" for one in document.get("diagnosis", ())]
    warnings = [f"warning: {one.get('message')}" for one in manifest.get("warnings", ())]
    return [Paragraph(str(text)) for text in [*document.get("notes", ()), *found, *warnings]]


def experiment_blocks(run: Run, manifest: Mapping[str, Any]) -> list[Block]:
    """The config as it was written, if that file is still there, and with all that was inferred."""
    blocks: list[Block] = []
    written = Path(str(manifest.get("config") or ""))
    if written.suffix in (".yaml", ".yml") and written.is_file() and written.stat().st_size < _MOST_BYTES:
        blocks.append(Code(f"{written.name} as it is now", beginning_of(written)))
    if words := [word for word in manifest.get("argv", ()) if "=" in str(word) and not str(word).startswith("-")]:
        blocks.append(Paragraph(f"Said on the command line: {' '.join(map(str, words))}"))
    if run.config_file.is_file():
        blocks.append(Code("config.yaml of the run, with all that was inferred", beginning_of(run.config_file)))
    return blocks


def environment_blocks(manifest: Mapping[str, Any]) -> list[Block]:
    """Versions, seed, commit, times."""
    facts = {key: value for key, value in manifest.get("environment", {}).items() if isinstance(value, str | int)}
    facts |= {key: manifest[key] for key in ("seed", "git_commit", "started", "ended", "epochs") if manifest.get(key) is not None}
    seconds = manifest.get("seconds", {}).get("total")
    facts |= {"time": format_seconds(seconds)} if isinstance(seconds, int | float) else {}
    return [Table("environment", ["what", "value"], [[key, str(value)] for key, value in facts.items()])] if facts else []


def cell_of(value: Any) -> str:
    """A value of a config, or a number, in a table; paths from the working directory."""
    if isinstance(value, str) and os.path.isabs(value):
        return shown(value)
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.6g}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
