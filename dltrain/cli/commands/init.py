"""`dltrain init PATH`: look at data and write a first config for it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from dltrain.cli.console import Console
from dltrain.cli.options import parse_time
from dltrain.cli.typer_import import typer


def command(
    context: typer.Context,
    path: Annotated[str, typer.Argument(metavar="PATH", hidden=True)],
    target: Annotated[
        str | None,
        typer.Option(
            "--target", metavar="COL", help="Column to predict; where the file has no header its number, -1 being the last."
        ),
    ] = None,
    output: Annotated[str, typer.Option("-o", "--output", metavar="FILE|-", help="Where the config goes.")] = "-",
    simple: Annotated[bool, typer.Option("--simple", help="A small net for a table, as a course begins with.")] = False,
    time: Annotated[
        str | None,
        typer.Option("--time", metavar="10m", help="What training may take on two cores, as 90s, 10m or 1h; else 2m."),
    ] = None,
    compare: Annotated[
        bool, typer.Option("--compare", help="Have `fit` show a linear model and boosted trees beside the net.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite FILE if it exists.")] = False,
) -> None:
    """Look at PATH and write a commented config for it, which `dltrain fit` runs as it is.

    PATH is a table (CSV, TSV, compressed or not, Parquet), an .npz archive, or the name of a dataset.
    """
    from dltrain.starting.start import make_starter
    from dltrain.storage.outputs import check_output

    console: Console = context.obj
    file = None if output == "-" else Path(output)
    if file is not None:
        file = check_output(file, force=force, inputs=[path])
    starter = make_starter(
        path,
        target=target,
        folder=file.parent if file else None,
        simple=simple,
        seconds=None if time is None else parse_time(time),
        compare=compare,
        reporter=console,
    )
    if file is None:
        console.document({"status": "finished", "config": starter.text, "summary": list(starter.summary)})
        console.verbatim(starter.text)
        return
    from dltrain.storage.atomic import write_atomically

    write_atomically(file, starter.text.encode())
    console.data_ready(starter.summary)
    console.document({"status": "finished", "file": str(file), "summary": list(starter.summary)})
    console.result(f"{file}: written\nnext: dltrain fit {file}")
