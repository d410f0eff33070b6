"""`dltrain init PATH`: look at data and write a first config for it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from dltrain.cli.console import Console
from dltrain.cli.options import ForceOption, parse_time
from dltrain.cli.typer_import import typer
from dltrain.wording import one_line

PathArgument = Annotated[str, typer.Argument(metavar="PATH", hidden=True)]
TargetOption = Annotated[
    str | None,
    typer.Option(
        "--target",
        metavar="COL",
        help="Column to predict; where the file has no header its number, -1 being the last. Several columns of 0 and 1, as "
        "a,b,c, are labels of which a row may have several; several of amounts are predicted together.",
    ),
]
OutputOption = Annotated[str, typer.Option("-o", "--output", metavar="FILE|-", help="Where the config goes.")]
SimpleOption = Annotated[bool, typer.Option("--simple", help="A small net for a table, as a course begins with.")]
TimeOption = Annotated[
    str | None, typer.Option("--time", metavar="10m", help="What a fit may take on two cores, as 2m, 10m or 1h; else 90s.")
]
CompareOption = Annotated[
    bool, typer.Option("--compare", help="Have `fit` show a linear model and boosted trees beside the net.")
]
SeriesOption = Annotated[
    str | None,
    typer.Option(
        "--series",
        metavar="COL",
        help="Foretell the target: rows follow each other by these times: COL, or DATE,TIME or year,month,day; "
        "`rows`: they are in order already.",
    ),
]
HorizonOption = Annotated[
    int | None, typer.Option("--horizon", metavar="N", min=1, help="With --series: so many rows ahead; else a season.")
]


def command(
    context: typer.Context,
    path: PathArgument,
    target: TargetOption = None,
    output: OutputOption = "-",
    simple: SimpleOption = False,
    time: TimeOption = None,
    compare: CompareOption = False,
    series: SeriesOption = None,
    horizon: HorizonOption = None,
    force: ForceOption = False,
) -> None:
    """Look at PATH and write a commented config for it, which `dltrain fit` runs as it is.

    PATH is a table (CSV, TSV, compressed or not, Parquet), an .npz archive, a folder of pictures (a folder for each class, or
    pictures/ and masks/), or the name of a dataset.
    """
    from dltrain.errors import UsageError
    from dltrain.starting.start import make_starter
    from dltrain.starting.starter import Wishes
    from dltrain.storage.outputs import check_output

    console: Console = context.obj
    if horizon is not None and series is None:
        raise UsageError(
            "--horizon says how far ahead a series is foretold, and there is none", hint="--series COL names its times"
        )
    file = None if output == "-" else Path(output)
    if file is not None:
        file = check_output(file, force=force, inputs=[path])
    starter = make_starter(
        path,
        target=target,
        folder=file.parent if file else None,
        wishes=Wishes(simple, None if time is None else parse_time(time), compare, series, horizon),
        reporter=console,
    )
    if file is None:
        console.document({"status": "finished", "config": starter.text, "summary": list(starter.summary)})
        console.verbatim(starter.text)
        return
    from dltrain.storage.atomic import write_atomically

    write_atomically(file, starter.text.encode())
    console.goes_on = True
    console.data_ready(starter.summary)
    console.document({"status": "finished", "file": str(file), "summary": list(starter.summary)})
    console.result(f"{one_line(str(file))}: written\nnext: dltrain fit {one_line(str(file))}")
