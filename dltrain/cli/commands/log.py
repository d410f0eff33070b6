"""`dltrain log RUN --to mlflow`: hand a finished run to a tracker."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import click

from dltrain.cli.console import Console
from dltrain.cli.options import RunArgument, RunsOption
from dltrain.cli.typer_import import typer
from dltrain.wording import counted


def command(
    context: typer.Context,
    run: RunArgument,
    to: Annotated[str, typer.Option("--to", click_type=click.Choice(["mlflow"]), help="The tracker.")] = "mlflow",
    uri: Annotated[
        str | None,
        typer.Option(
            "--uri", metavar="URI", help="Of its server, as http://host:5000, or sqlite:///mlflow.db; else MLFLOW_TRACKING_URI."
        ),
    ] = None,
    experiment: Annotated[
        str | None, typer.Option("--experiment", metavar="NAME", help="Under which name; the config's if not given.")
    ] = None,
    runs: RunsOption = Path("runs"),
) -> int:
    """Hand a finished run, or a sweep with its trials, to MLflow: parameters, metrics by epoch, final metrics, pictures, report.

    What was handed over before is not sent again. `pip install 'dltrain[mlflow]'` installs what it needs.
    """
    from dltrain.cli.trackers.mlflow import log_to_mlflow
    from dltrain.storage.run_list import find_run

    console: Console = context.obj
    logged = log_to_mlflow(find_run(run, runs), uri=uri, experiment=experiment)
    console.document(
        {
            "status": "finished",
            "to": to,
            "runs": [{"run": str(one.run), "id": one.identity, "is_new": one.is_new} for one in logged],
        }
    )
    first, new = logged[0], sum(one.is_new for one in logged)
    said = f"{counted(new, 'run')} sent to {to}" if new else f"nothing was sent: {to} has it already"
    there = len(logged) - new
    console.result(f"{first.run}: {said}{f', {there:,} were there already' if new and there else ''}; its id is {first.identity}")
    return 0
