"""`dltrain predict RUN`: predictions from raw input."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import click

from dltrain.cli.console import Console, discard
from dltrain.cli.options import DataOption, MoreDataArgument, RunArgument, RunsOption, WeightsOption
from dltrain.cli.typer_import import typer
from dltrain.errors import Fault, UsageError


def command(
    context: typer.Context,
    run: RunArgument,
    more_data: MoreDataArgument = None,
    data: DataOption = None,
    word: Annotated[
        list[str] | None, typer.Option("--word", metavar="W", help="A word, for a model of words (repeatable).")
    ] = None,
    top: Annotated[int | None, typer.Option("--top", min=1, metavar="K", help="Only the K most probable classes.")] = None,
    layer: Annotated[
        str | None, typer.Option("--layer", metavar="NAME", help="What this layer computes instead of the prediction.")
    ] = None,
    weights: WeightsOption = None,
    output: Annotated[
        str,
        typer.Option(
            "--output", "-o", metavar="FILE|-", help="Where the predictions go; stdout if not given.", show_default=False
        ),
    ] = "-",
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            click_type=click.Choice(["csv", "jsonl", "parquet", "npz"]),
            help="By FILE's suffix if not given, else csv.",
        ),
    ] = None,
    raw: Annotated[
        bool,
        typer.Option(
            "--raw", help="Leave csv text that a spreadsheet would run as a formula (= + - @ in front) without an apostrophe."
        ),
    ] = False,
    runs: RunsOption = Path("runs"),
) -> int:
    """Predict from raw rows or pictures: the columns that name a row, `prediction`, and `probability_<label>` for each class.

    RUN is a path, `latest`, or the beginning of a run's name.
    """
    from dltrain.cli.paths import data_words
    from dltrain.evaluation.predict import predict
    from dltrain.evaluation.prediction_files import (
        check_destination,
        choose_format,
        prediction_columns,
        row_documents,
        write_predictions,
    )
    from dltrain.runs import find_run

    console: Console = context.obj
    paths = data_words(data, more_data)
    if paths and word:
        raise UsageError(Fault("--word and --data exclude each other"))
    if not paths and not word:
        raise UsageError(Fault("there is nothing to predict from", hint="name rows or pictures with --data PATH"))
    check_destination(output)
    form = choose_format(output, form)
    path = find_run(run, runs)
    result = predict(
        path,
        data=paths,
        weights=weights,
        top=top,
        layer=layer,
        words=tuple(word or ()),
        threads=console.settings.threads,
        reporter=console,
    )
    columns = prediction_columns(result.identifiers, result.prediction, result.probabilities, result.columns)
    num_rows = len(next(iter(columns.values())))
    for note in result.notes:
        console.warning(note)
    document = {"status": "finished", "run": str(path), "rows": num_rows, "notes": list(result.notes)}
    if output == "-" and console.settings.json:
        console.document({**document, "predictions": row_documents(columns)})
        return 0
    console.close()
    try:
        write_predictions(output, columns, format=form, raw=raw, arrays=result.arrays)
    except BrokenPipeError:
        discard(sys.stdout)
    if output != "-":
        console.document({**document, "output": output, "format": form})
        console.result(f"{num_rows:,} prediction{'s' if num_rows != 1 else ''} in {output}")
    return 0
