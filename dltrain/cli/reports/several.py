"""What a report says of a sweep, or of several runs side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dltrain.cli.reports.answers import chart
from dltrain.cli.reports.contents import cell_of, experiment_blocks, metric_blocks, note_blocks, run_page, stored_picture
from dltrain.cli.reports.page import Block, Code, Page, Paragraph, Section, Table
from dltrain.cli.reports.verdict import verdict_of
from dltrain.cli.results import with_interval
from dltrain.cli.text import format_number, signed
from dltrain.errors import UsageError
from dltrain.evaluation.drawing.history import OF_SEVERAL, is_wide, read_history
from dltrain.evaluation.drawing.svg import Axis, Dots, Line, plot
from dltrain.evaluation.leaderboard import within_chance
from dltrain.storage.layout import all_paths
from dltrain.storage.run import Run
from dltrain.storage.stored import wrong_values_told
from dltrain.wording import counted

_MOST_TRIALS = 1000  # in a table
_MOST_CURVES = 40
_MOST_PARAMETERS = 8
_STYLES = ("blue", "orange", "grey")
_DIFFERENT = 50  # values of a parameter that is words


def sweep_page(path: Path) -> Page:
    """A page of a sweep.

    Raises:
        RunError: it is damaged.
    """
    run = Run(path)
    run.refuse_foreign_files()
    with wrong_values_told(path, is_as_written=run.is_as_written):
        return _sweep_page(path, run)


def _sweep_page(path: Path, run: Run) -> Page:
    from dltrain.sweep.record import read_record

    manifest, trials, document = run.read_manifest(), read_record(run), run.read_metrics()
    plan = manifest.get("plan", {})
    metric, is_max = str(plan.get("metric", "value")), plan.get("mode") == "max"
    chosen = Path(str(manifest.get("best", ""))).parts  # which among those within chance is the best, the sweep has said
    ranked = sorted(trials, key=lambda trial: (f"{trial['number']:04d}" not in chosen, *_rank(trial, is_max=is_max)))
    valued = [trial for trial in ranked if _is_number(trial.get("value"))]
    page = Page(f"{manifest.get('name', path.name)}: {path.name}", _sweep_verdict(trials, valued, metric))
    keys = list(dict.fromkeys(key for trial in trials for key in trial["parameters"]))
    best = Run(path / str(manifest["best"])) if manifest.get("best") else None
    pictures = [picture for file in sorted(path.glob("*.png")) if (picture := stored_picture(file, file.stem))]
    page.sections = [
        Section(f"{counted(len(trials), 'trial')}, the best first", [_trial_table("best first", ranked, keys, metric)]),
        Section("Noise", _noise(valued, metric)),
        Section(f"{metric} over what was varied", _parameter_charts(valued, keys, metric)),
        Section("Curves", _trial_curves(path, ranked, metric)),
        Section("The best trial", metric_blocks(best_document, str(best_document.get("part", ""))))
        if best is not None and (best_document := best.read_metrics())
        else Section("The best trial", []),
        Section("Notes", [*map(Paragraph, document.get("notes", ()) if document else ()), *note_blocks(manifest, {})]),
        Section("Trials in their order", [_trial_table("in their order", trials, keys, metric)], True),
        Section("Pictures of the sweep", list(pictures), True),
        Section("The experiment", experiment_blocks(run, manifest), True),
        Section("To repeat it", [Code("commands", f"dltrain sweep {path / 'config.yaml'}\ndltrain fit {path / 'best.yaml'}")]),
    ]
    page.sections = [section for section in page.sections if section.blocks]
    return page


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _rank(trial: Mapping[str, Any], *, is_max: bool) -> tuple[bool, float]:
    """The best first, those without a value last."""
    if not _is_number(trial.get("value")):
        return True, 0.0
    value = float(trial["value"])
    return False, -value if is_max else value


def _sweep_verdict(trials: Sequence[Mapping[str, Any]], valued: Sequence[Mapping[str, Any]], metric: str) -> str:
    if not valued:
        return f"None of {counted(len(trials), 'trial')} has a result."
    best = valued[0]
    said = ", ".join(f"{key} {cell_of(value)}" for key, value in best["parameters"].items()) or f"trial {best['number']}"
    among = _alike(valued)
    differ = "1 other differs" if len(among) == 1 else f"{len(among):,} others differ"
    chance = f" {differ} from it by no more than chance may." if among else ""
    return f"The best of {counted(len(trials), 'trial')}: {said}, with {metric} {format_number(best['value'])}.{chance}"


def _alike(valued: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Trials that differ from the best by no more than chance."""
    best, *others = valued
    return [one for one in others if within_chance(best["value"], _error_of(best), one["value"], _error_of(one))]


def _error_of(trial: Mapping[str, Any]) -> float | None:
    """The standard error of a trial's value; None where it is not known, or a damaged file holds something else."""
    error = trial.get("standard_error")
    return float(error) if _is_number(error) and error is not None else None


def _noise(valued: Sequence[Mapping[str, Any]], metric: str) -> list[Block]:
    """How far chance alone may have moved the values, and which trials it may have put behind the best."""
    errors = [trial["standard_error"] for trial in valued if _is_number(trial.get("standard_error"))]
    if not errors:
        return []
    among = _alike(valued)
    named = ", ".join(str(trial["number"]) for trial in among[:20]) + (", \u2026" if len(among) > 20 else "")
    middle = sorted(errors)[len(errors) // 2]
    said = f"The standard error of a trial's {metric} is {format_number(middle)} in the middle"
    which = f"is trial {named}" if len(among) == 1 else f"are trials {named}"
    alike = f"within twice that of the difference from the best {which}" if among else "no trial comes near the best"
    return [Paragraph(f"{said}, {format_number(min(errors))} at least and {format_number(max(errors))} at most; {alike}.")]


def _trial_table(caption: str, trials: Sequence[Mapping[str, Any]], keys: Sequence[str], metric: str) -> Table:
    rows = [
        [
            str(trial["number"]),
            *(cell_of(trial["parameters"].get(key)) for key in keys),
            str(trial["status"]),
            format_number(trial.get("value")),
            format_number(trial.get("standard_error")),
        ]
        for trial in trials[:_MOST_TRIALS]
    ]
    header = ["trial", *keys, "status", metric, "standard error"]
    return Table(f"trials, {caption}", header, rows, len(trials) - len(rows))


def _parameter_charts(valued: Sequence[Mapping[str, Any]], keys: Sequence[str], metric: str) -> list[Block]:
    """The metric over each of the parameters; the best trial apart."""
    blocks: list[Block] = []
    for key in keys[:_MOST_PARAMETERS]:
        found = [(trial["parameters"].get(key), float(trial["value"])) for trial in valued]
        values, heights = [value for value, _ in found], [height for _, height in found]
        if all(map(_is_number, values)):
            xs = [float(value) for value in values]
            across = Axis(key, is_logarithmic=is_wide(xs, OF_SEVERAL))
        else:
            words = list(dict.fromkeys(map(cell_of, values)))[:_DIFFERENT]
            xs = [float(words.index(text)) if (text := cell_of(value)) in words else math.nan for value in values]
            across = Axis(key, words=words)
        if not xs:
            continue
        marks = [Dots(xs[1:], heights[1:], "blue", "trials"), Dots(xs[:1], heights[:1], "orange", "best", 8)]
        blocks.append(chart(plot(f"{metric} over {key}", across, Axis(metric, is_logarithmic=is_wide(heights)), marks)))
    return blocks


def _trial_curves(folder: Path, ranked: Sequence[Mapping[str, Any]], metric: str) -> list[Block]:
    """What the sweep's own picture shows of its trials, the metric or the loss, of the first fit of each over the epochs."""
    from dltrain.sweep.pictures import choose_column

    found: list[tuple[Any, Mapping[str, list[float]]]] = []
    for trial in ranked[:_MOST_CURVES]:
        below = all_paths(folder / "trials" / f"{int(trial['number']):04d}")
        file = next(iter(sorted(path for path in below if path.name == "history.csv")), None)
        found.append((trial["number"], read_history(file) if file is not None and not file.is_symlink() else {}))
    column = choose_column([history for _, history in found], metric)
    marks: list[Line | Dots] = []
    for place, (number, history) in enumerate(found):
        if history.get("epoch") and column in history:
            label = f"trial {number}, the best" if not place else "the others" if place == 1 else ""
            marks.append(Line(history["epoch"], history[column], "grey" if place else "orange", label))
    values = [value for mark in marks for value in mark.ys]
    if not any(map(math.isfinite, values)):
        return []
    named = column.replace("_", " ")
    up = Axis(named, is_logarithmic=column.endswith("loss") and is_wide(values, OF_SEVERAL))
    return [chart(plot(f"{named} of the trials over the epochs", Axis("epoch", is_whole=True), up, marks[::-1], width=560))]


def runs_page(paths: Sequence[Path]) -> Page:
    """A page of several runs: what their configs differ in, and their metrics.

    Raises:
        RunError: one is damaged.
        UsageError: one is named twice.
    """
    from dltrain.sweep.compare import compare

    found = compare(paths)
    page = Page(f"{len(paths)} runs", "; ".join(found.warnings) or f"{', '.join(found.labels)}, side by side.")
    rows = [[key, *map(cell_of, values)] for key, values in found.differences.items()]
    page.sections.append(Section("What their configs differ in", [Table("keys", ["key", *found.labels], rows)] if rows else []))
    rows = []
    for part, metrics in found.metrics.items():
        for name, values in metrics.items():
            best = found.best[part][name]
            cells = [format_number(value) + (" (best)" if place == best else "") for place, value in enumerate(values)]
            rows.append([f"{part} {name}", *cells])
    page.sections.append(Section("Metrics", [Table("metrics", ["metric", *found.labels], rows)] if rows else []))
    page.sections.append(Section("Curves", _run_curves(found.runs, found.labels)))
    page.sections = [section for section in page.sections if section.blocks]
    return page


def _run_curves(paths: Sequence[Path], labels: Sequence[str]) -> list[Block]:
    """Loss of a few runs in one chart; of many they could not be told apart."""
    marks: list[Line | Dots] = []
    for index, (path, label) in enumerate(zip(paths, labels, strict=True)):
        history = read_history(Run(path).history_file)
        column = "val_loss" if "val_loss" in history else "loss"
        if history.get("epoch") and column in history:
            style, is_dashed = _STYLES[index % len(_STYLES)], index >= len(_STYLES)
            marks.append(Line(history["epoch"], history[column], style, f"{label}, {column}", is_dashed))
    return (
        [chart(plot("loss over the epochs", Axis("epoch", is_whole=True), Axis("loss"), marks, width=560))]
        if 0 < len(marks) <= 6
        else []
    )


def against_section(new: Path, old: Path) -> Section:
    """What has become of the metrics since an older run, and what the configs differ in.

    Raises:
        RunError: one is damaged.
        UsageError: it is the same run.
    """
    from dltrain.sweep.compare import compare

    found = compare([new, old])
    document = Run(found.runs[0]).read_metrics()
    part = str(document.get("part", ""))
    intervals = document.get("intervals", {}).get(part, {})
    rows = [
        [name, with_interval(values[0], intervals.get(name)), format_number(values[1]), signed(values[0] - values[1])]
        for name, values in found.metrics.get(part, {}).items()
        if values[0] is not None and values[1] is not None
    ]
    blocks: list[Block] = [*map(Paragraph, found.warnings)]
    blocks.append(
        Paragraph(f"The older run, {found.labels[1]}: {verdict_of(Run(found.runs[1]).read_manifest(), _metrics(found.runs[1]))}")
    )
    if rows:
        blocks.append(Table(f"{part} part", ["metric", "this run (95 % interval)", "the older", "difference"], rows))
    changed = [[key, *map(cell_of, values)] for key, values in found.differences.items()]
    blocks += [Table("keys of the config that differ", ["key", "this run", "the older"], changed)] if changed else []
    command = f"dltrain evaluate {new} --against {old}"
    blocks.append(Paragraph(f"Whether they differ by more than chance, both on the same rows, says: {command}"))
    return Section(f"Against {found.labels[1]}", blocks)


def _metrics(path: Path) -> Mapping[str, Any]:
    return Run(path).read_metrics()


def form_of(output: str, form: str | None, default: str) -> str:
    """How a page is written: as was said, else by the suffix of the file's name.

    Args:
        output: the file; empty: there is none.
        form: "html", "md" or None.
        default: where neither says.

    Raises:
        UsageError: neither of them is meant.
    """
    suffix = Path(output).suffix.lower()
    if form is None and suffix not in ("", ".html", ".htm", ".md"):
        raise UsageError(f"a report is not written as {suffix}", hint="name it .html or .md, or say --format html|md")
    form = form or {".md": "md", "": default}.get(suffix, "html")
    if form not in ("html", "md"):
        raise UsageError(f"a report is html or md, found {form!r}")
    return form


def page_of(paths: Sequence[Path], against: Path | None = None) -> Page:
    """The page of a run, of a sweep, or of several runs side by side.

    Args:
        paths: their directories.
        against: an older run or sweep, with which one of them is compared.

    Raises:
        UsageError: several runs are to be compared with an older one.
    """
    if len(paths) > 1 and against is not None:
        raise UsageError("--against is of one run", hint="several runs are put side by side without it")
    if len(paths) > 1:
        return runs_page(paths)
    is_sweep = Run(paths[0]).read_manifest().get("kind") == "sweep"
    page = sweep_page(paths[0]) if is_sweep else run_page(paths[0])
    if against is not None:
        page.sections.insert(1, against_section(paths[0], against))
    return page
