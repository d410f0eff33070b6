"""`dltrain compare RUN RUN...`: runs side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from dltrain.cli.console import Console
from dltrain.cli.options import RunsOption
from dltrain.cli.typer_import import typer
from dltrain.errors import UsageError
from dltrain.storage.values import attributes

if TYPE_CHECKING:
    from dltrain.sweep.compare import CompareResult


def command(
    context: typer.Context,
    words: Annotated[list[str] | None, typer.Argument(metavar="RUN RUN...", hidden=True)] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="PICTURE", help="Draw the validation curves into this PNG file.")
    ] = None,
    metric: Annotated[str, typer.Option("--metric", metavar="NAME", help="Whose curves are drawn.")] = "loss",
    force: Annotated[bool, typer.Option("--force", help="Replace PICTURE if it exists.")] = False,
    runs: RunsOption = Path("runs"),
) -> int:
    """Print what the configs of the RUNs differ in, and their metrics; draw their curves into one picture with -o.

    A RUN is a path, `latest`, or the beginning of a run's name; a sweep stands for its best trial.
    """
    from dltrain.storage.run_list import find_run
    from dltrain.sweep.compare import compare

    console: Console = context.obj
    if not words or len(words) < 2:
        raise UsageError("two runs or more are needed to compare", hint="dltrain compare RUN RUN...")
    result = compare([find_run(word, runs) for word in words], picture=output, metric=metric, force=force)
    for warning in result.warnings:
        console.warning(warning)
    console.document(
        {
            "status": "finished",
            "runs": [str(path) for path in result.runs],
            **attributes(result, "statuses", "differences", "metrics", "best"),
            "picture": None if result.picture is None else str(result.picture),
        }
    )
    console.result(_text(result, console.width))
    return 0


def _text(result: CompareResult, width: int | None) -> str:
    from dltrain.cli.text import format_number, table
    from dltrain.wording import one_line

    heads = [chr(ord("A") + index) if len(result.labels) <= 26 else str(index + 1) for index in range(len(result.labels))]
    named = "\n".join(
        f"{head}  {one_line(label)}" + (f"  ({status})" if status != "finished" else "")
        for head, label, status in zip(heads, result.labels, result.statuses)
    )
    blocks = [named]
    if result.differences:
        rows = [[key, *(_cell(value) for value in values)] for key, values in result.differences.items()]
        blocks.append(table(["key", *heads], rows, left=len(heads) + 1, width=width))
    else:
        blocks.append("the configs do not differ")
    rows = []
    for part, names in result.metrics.items():
        for name, values in names.items():
            best = result.best[part][name]
            cells = [format_number(value) + ("*" if index == best else " ") for index, value in enumerate(values)]
            rows.append([f"{part} {name}", *cells])
    if rows:
        is_told = any(place is not None for places in result.best.values() for place in places.values())
        said = "\n* the best of its row" if is_told else ""
        blocks.append(table(["metric", *(f"{head} " for head in heads)], rows, width=width) + said)
    if result.picture is not None:
        blocks.append(f"curves: {result.picture}")
    return "\n\n".join(blocks)


def _cell(value: object) -> str:
    import json

    if value is None:
        return "-"
    return value if isinstance(value, str) else json.dumps(value)
