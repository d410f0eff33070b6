"""`dltrain runs`: the runs there are."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import click

from dltrain.cli.console import Console
from dltrain.cli.options import PART_NAMES, RunsOption
from dltrain.cli.text import format_bytes, format_number, format_seconds, pieces, table
from dltrain.cli.typer_import import typer
from dltrain.config.old_words.scores import metric_hint
from dltrain.errors import DltrainError, Fault, RunError, UsageError, reason_of
from dltrain.parts import JUDGED_BY
from dltrain.storage.values import attributes
from dltrain.wording import counted, listed, one_line

if TYPE_CHECKING:
    from dltrain.evaluation.leaderboard import Board, Entry
    from dltrain.storage.run_list import RunInfo

# What a list shows of a run when nothing else is asked for: the first of these that it has.
_TELLING = ("accuracy", "r2", "rmse", "loss")
_MOST_NAMED = 5  # runs that lack what is sorted by


def command(
    context: typer.Context,
    words: Annotated[list[str] | None, typer.Argument(metavar="[rm RUN... | prune]", hidden=True)] = None,
    sort: Annotated[
        str | None,
        typer.Option(
            "--sort", metavar="METRIC", help="Best first by this metric, as accuracy, rmse, validation.loss; else newest first."
        ),
    ] = None,
    mode: Annotated[
        str | None,
        typer.Option("--mode", click_type=click.Choice(["min", "max"]), help="Whether less or more of METRIC is better."),
    ] = None,
    part: Annotated[
        str | None,
        typer.Option(
            "--part",
            click_type=PART_NAMES,
            help="With --sort: of this part; else of the first there is of test, validation, train.",
        ),
    ] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, metavar="N", help="Show the first N only.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before prune removes.")] = False,
    runs: RunsOption = Path("runs"),
) -> int:
    """List the runs, newest first; with --sort the best first, those of the same data beside each other.

    `dltrain runs rm RUN...` removes runs; `dltrain runs prune` removes those that never finished and that no process holds.
    """
    console: Console = context.obj
    words = words or []
    if words[:1] == ["rm"] and len(words) > 1:
        return _remove(console, words[1:], runs)
    if words == ["prune"]:
        return _prune(console, runs, yes=yes)
    if words:
        hint = "dltrain runs rm RUN" if words == ["rm"] else "dltrain runs, dltrain runs rm RUN, or dltrain runs prune"
        raise UsageError(f"rm RUN or prune was expected, found {' '.join(map(repr, words))}", hint=hint)
    from dltrain.storage.run_list import list_runs, run_folders

    if part is not None and sort is None:
        raise UsageError("--part says of which part --sort compares", hint=f"dltrain runs --sort accuracy --part {part}")
    if mode is not None and sort is None:
        raise UsageError("--mode says which value of --sort is better", hint=f"dltrain runs --sort accuracy --mode {mode}")
    infos = list_runs(runs, limit=limit if sort is None else None, reporter=console)
    if sort is None or not infos:
        _list(console, infos, runs, total=len(infos) if limit is None else len(run_folders(runs)))
        return 0
    name = f"{part}.{sort}" if part else sort
    infos = sort_by_metric(infos, name, mode)
    _rank(console, infos[:limit], name, total=len(infos))
    return 0


def sort_by_metric(infos: Sequence[RunInfo], metric: str, mode: str | None = None) -> list[RunInfo]:
    """Best first, the direction being the metric's; runs without the metric, or with one that is not finite, last.

    Raises:
        UsageError: runs have metrics, but none has this one; or it is not known whether more of it is better.
    """
    values = [find_metric(info, metric) for info in infos]
    if not any(values) and any(info.metrics for info in infos):
        names = sorted({name for info in infos for part in _by_part(info).values() for name in part})
        raise UsageError(f"no run has the metric {metric!r}", hint=metric_hint(metric, names, f"there are {', '.join(names)}"))
    sign = -1.0 if (mode or _direction([info for info, found in zip(infos, values) if found], metric)) == "max" else 1.0
    keys = [sign * found[2] if found and math.isfinite(found[2]) else math.inf for found in values]
    return [infos[index] for index in sorted(range(len(infos)), key=keys.__getitem__)]


def _direction(infos: Sequence[RunInfo], metric: str) -> str:
    """Whether less or more of the metric is better, by its class in the configs of the runs that have it."""
    from dltrain.config import load_config
    from dltrain.config.catalog.metrics import find_direction
    from dltrain.errors import ConfigError
    from dltrain.storage.run import Run

    found = find_direction(metric)
    if found is not None:  # a name that tells by itself spares opening every run's config
        return found
    directions = set()
    for info in infos:
        try:
            training = load_config(Run(info.path).config_file).training
        except ConfigError:
            continue
        directions.add(find_direction(metric, training.metrics if training else ()))
    directions.discard(None)
    if len(directions) != 1:
        what = "differs between the runs" if directions else "is not known"
        hint = f"--sort {metric} --mode min, or --mode max"
        raise UsageError(f"whether more or less of {metric!r} is better {what}", hint=hint)
    return str(directions.pop())


def find_metric(info: RunInfo, metric: str) -> tuple[str, str, float] | None:
    """The run's (part, metric, value): of the test part, else validation, else training, where no part is named."""
    from dltrain.config.catalog.metrics import find_value

    found = find_value(metric, _by_part(info), JUDGED_BY)
    return None if found is None else (found[0], found[1], _number(found[2]))


def _number(value: Any) -> float:
    """The value, or not a number where a damaged file holds something else."""
    try:
        return float(value) if isinstance(value, (int, float)) else math.nan
    except OverflowError:
        return math.nan


def _by_part(info: RunInfo) -> dict[str, Mapping[str, float]]:
    """The metrics of the run, without what a damaged file holds in their place."""
    return {part: values for part, values in info.metrics.items() if isinstance(values, Mapping)}


def _rank(console: Console, infos: Sequence[RunInfo], metric: str, *, total: int) -> None:
    """A table for each data and part, the best first, and who differs from it by more than chance."""
    from dltrain.cli.results import with_interval
    from dltrain.evaluation.leaderboard import ALIKE, make_boards

    found = {info.path: value for info in infos if (value := find_metric(info, metric))}
    boards = make_boards(list(found.items()))
    seconds = {info.path: info.seconds for info in infos}
    standings = {entry.path: entry.standing for board in boards for entry in board.entries}
    placed = {entry.path: _placed(number, board, entry) for number, board in enumerate(boards, 1) for entry in board.entries}
    nowhere = dict.fromkeys(("board", "data", "metric", "part", "value", "interval", "standing"))
    documents = [{**_document(info), **placed.get(info.path, nowhere)} for info in infos]
    console.document({"status": "finished", "runs": documents, "total": total})
    blocks = []
    for board in boards:
        rows = [
            [one_line(entry.path.name), with_interval(entry.value, entry.interval), entry.standing] for entry in board.entries
        ]
        header = ["run", f"{board.metric} ({board.part})", "beside the best", "time"]
        cells = [[*row, format_seconds(seconds[entry.path])] for row, entry in zip(rows, board.entries, strict=True)]
        said = f"{board.data or 'data that is not known'}:"
        named = [*(pieces(said, console.width) if console.width else [said])] if len(boards) > 1 or board.data else []
        blocks.append("\n".join([*named, table(header, cells, left_after=2, width=console.width)]))
    left = [info for info in infos if info.path not in standings]
    sentences = []
    if left:
        names = [
            one_line(info.path.name) + (f" ({info.status})" if info.status != "finished" else "") for info in left[:_MOST_NAMED]
        ]
        more = f" and {len(left) - _MOST_NAMED:,} more" if len(left) > _MOST_NAMED else ""
        sentences.append(f"without {metric}: {', '.join(names)}{more}")
    if any(standing == ALIKE for standing in standings.values()):
        sentences.append("`dltrain evaluate RUN --against OLD` compares two of them row by row, which tells smaller differences")
    blocks += ["\n".join(pieces(text, console.width)) if console.width else text for text in sentences]
    blocks += [f"{total - len(infos):,} more"] if total > len(infos) else []
    console.result("\n\n".join(blocks))


def _placed(number: int, board: Board, entry: Entry) -> dict[str, Any]:
    """What the table of a board says of one run."""
    return {"board": number, **attributes(board, "data", "metric", "part"), **attributes(entry, "value", "interval", "standing")}


def _list(console: Console, infos: Sequence[RunInfo], runs: Path, *, total: int) -> None:
    console.document({"status": "finished", "runs": [_document(info) for info in infos], "total": total})
    if not infos:
        console.result(f"there are no runs in {one_line(str(runs))}")
        return
    rows = []
    for info in infos:
        found = next(filter(None, (find_metric(info, name) for name in _TELLING)), None)
        shown = f"{found[1]} {format_number(found[2])} ({found[0]})" if found else "-"
        status = f"{info.status} (in use)" if info.is_locked and info.status != "running" else info.status
        started = info.started.replace("T", " ").partition("+")[0].rstrip("Z")[:16]
        rows.append([info.path.name, status, started, shown, format_seconds(info.seconds), format_bytes(info.num_bytes)])
    console.result(table(["run", "status", "started", "result", "time", "size"], rows, left=4, width=console.width))
    if total > len(infos):
        console.result(f"{total - len(infos):,} more")


def _document(info: RunInfo) -> dict[str, Any]:
    names = ("name", "status", "started", "seconds", "task", "metrics", "config", "is_locked", "num_bytes")
    return {"run": str(info.path), **attributes(info, *names)}


def _remove(console: Console, words: Sequence[str], runs: Path) -> int:
    """Find all of them before the first is removed, so that a wrong word removes nothing."""
    from dltrain.storage.run_list import find_run

    return _remove_all(console, list(dict.fromkeys(find_run(word, runs) for word in words)))


def _prune(console: Console, runs: Path, *, yes: bool) -> int:
    from dltrain.storage.run_list import list_runs, prunable_runs

    known = list_runs(runs, reporter=console)
    infos = prunable_runs(known)
    damaged = [info.path.name for info in known if info.status == "damaged"]
    if damaged:
        console.warning(f"left as they are, for they cannot be read: {listed(damaged)}; `dltrain runs rm RUN` says why")
    if infos and not yes and (console.settings.json or not (sys.stdin.isatty() and sys.stderr.isatty())):
        names = ", ".join(info.path.name for info in infos[:5]) + (", …" if len(infos) > 5 else "")
        many = f"{counted(len(infos), 'run')} would be removed: {names}"
        raise UsageError(f"{many}; nobody is here to be asked", hint="dltrain runs prune --yes")
    if infos and not yes:
        for info in infos:
            console.line(f"{one_line(str(info.path))}  {info.status}  {format_bytes(info.num_bytes)}")
        if not typer.confirm(f"Remove {counted(len(infos), 'run')}?", err=True):
            console.result("nothing was removed")
            return 0
    return _remove_all(console, [info.path for info in infos])


def _remove_all(console: Console, paths: Sequence[Path]) -> int:
    from dltrain.storage.run_list import remove_run

    removed: list[Path] = []
    console.goes_on = True
    faults: list[Fault] = []
    for path in paths:
        try:
            left = remove_run(path)
            removed.append(path)
            if left:
                names = ", ".join(one_line(other.name) for other in left[:10]) + (", …" if len(left) > 10 else "")
                console.warning(f"{one_line(str(path))} is kept with what is not dltrain's: {names}")
        except DltrainError as error:
            faults += error.faults
        except OSError as error:
            faults.append(Fault(f"{path} could not be removed: {reason_of(error)}"))
    console.result("\n".join(f"removed {one_line(str(path))}" for path in removed) if removed else "nothing was removed")
    if faults:
        raise RunError(faults)
    console.document({"status": "finished", "removed": [str(path) for path in removed]})
    return 0
