"""`dltrain datasets`: the named datasets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

from dltrain.cli.console import Console
from dltrain.cli.text import format_bytes, format_number, table
from dltrain.cli.typer_import import typer
from dltrain.errors import UsageError
from dltrain.wording import nearest, one_line

if TYPE_CHECKING:
    from dltrain.data.catalogue import DatasetInfo


def command(
    context: typer.Context, words: Annotated[list[str] | None, typer.Argument(metavar="[NAME | get NAME]", hidden=True)] = None
) -> None:
    """List the named datasets with size, task, origin and whether they are here; NAME shows one.

    `dltrain datasets get NAME` fetches one for offline use.
    """
    from dltrain.data.catalogue import list_datasets

    console: Console = context.obj
    words = words or []
    known = list_datasets()
    if words[:1] == ["get"]:
        if len(words) != 2:
            raise UsageError("one dataset name was expected after get", hint="dltrain datasets get NAME")
        _get(console, _find(words[1], known).name)
    elif len(words) > 1:
        raise UsageError(f"one dataset name was expected, found {' '.join(map(repr, words))}")
    elif words:
        _show(console, _find(words[0], known))
    else:
        _list(console, known)


def _find(name: str, known: Sequence[DatasetInfo]) -> DatasetInfo:
    names = [info.name for info in known]
    if name not in names:
        close = nearest(name, names)
        hint = f"did you mean {close}?" if close else f"there are {', '.join(names)}"
        raise UsageError(f"there is no dataset {name!r}", hint=hint)
    return known[names.index(name)]


def _get(console: Console, name: str) -> None:
    from dltrain.data.catalogue import get_dataset

    path = get_dataset(name, console)
    console.goes_on = True
    console.document({"status": "finished", "name": name, "path": str(path)})
    console.result(f"{name} is in {one_line(str(path))}")


def _list(console: Console, known: Sequence[DatasetInfo]) -> None:
    console.document({"status": "finished", "datasets": [asdict(info) for info in known]})
    header = ["name", "task", "rows", "shape", "classes", "download", "where"]
    rows = [
        [
            info.name,
            info.task,
            format_number(info.rows),
            _shape(info.shape),
            format_number(info.classes),
            format_bytes(info.download_bytes),
            info.location or "not here",
        ]
        for info in known
    ]
    console.result(table(header, rows, left=2, left_after=6, width=console.width))


def _show(console: Console, info: DatasetInfo) -> None:
    console.document({"status": "finished", **asdict(info)})
    where = info.location or f"not here; `dltrain datasets get {info.name}` fetches it ({format_bytes(info.download_bytes)})"
    lines = {
        "name": info.name,
        "what": info.description,
        "task": info.task + (f", {info.classes} classes" if info.classes else ""),
        "rows": format_number(info.rows) + (f" in parts {', '.join(info.parts)}" if info.parts else ""),
        "shape": _shape(info.shape),
        "origin": info.origin,
        "where": where,
    }
    console.result("\n".join(f"{key:<8}{one_line(value)}" for key, value in lines.items()))


def _shape(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape)) or "-"
