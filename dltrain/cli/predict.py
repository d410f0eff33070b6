"""`dltrain predict RUN`: predictions from raw input."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from dltrain.cli.console import Console, discard
from dltrain.cli.options import common_options, runs_option
from dltrain.errors import Fault, UsageError


@click.command("predict", short_help="Predictions from raw input.")
@click.argument("run")
@click.argument("more_data", nargs=-1, metavar="")
@click.option("--data", multiple=True, metavar="PATH", help="Files, folders or patterns of rows or pictures (repeatable).")
@click.option("--word", metavar="W", help="A single word, for a model of words.")
@click.option("--top", type=click.IntRange(min=1), metavar="K", help="Only the K most probable classes.")
@click.option("--layer", metavar="NAME", help="What this layer computes instead of the prediction.")
@click.option("--weights", type=click.Choice(["best", "last"]), help="Which weights; if not given, the run's model.")
@click.option("-o", "--output", metavar="FILE|-", default="-", help="Where the predictions go; stdout if not given.")
@click.option(
    "--format", "form", type=click.Choice(["csv", "jsonl", "parquet"]), help="If not given, by FILE's suffix, else csv."
)
@click.option(
    "--raw",
    is_flag=True,
    help="Leave csv text that a spreadsheet would run as a formula (= + - @ in front) without an apostrophe.",
)
@runs_option
@common_options
@click.pass_obj
def command(
    console: Console,
    run: str,
    more_data: tuple[str, ...],
    data: tuple[str, ...],
    word: str | None,
    top: int | None,
    layer: str | None,
    weights: str | None,
    output: str,
    form: str | None,
    raw: bool,
    runs: Path,
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

    data = data_words(data, more_data)
    if not data and word is None:
        raise UsageError(Fault("there is nothing to predict from", hint="name rows or pictures with --data PATH"))
    check_destination(output)
    form = choose_format(output, form)
    path = find_run(run, runs)
    result = predict(
        path, data=data, weights=weights, top=top, layer=layer, word=word, threads=console.settings.threads, reporter=console
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
        write_predictions(output, columns, format=form, raw=raw)
    except BrokenPipeError:
        discard(sys.stdout)
    if output != "-":
        console.document({**document, "output": output, "format": form})
        console.result(f"{num_rows:,} prediction{'s' if num_rows != 1 else ''} in {output}")
    return 0
