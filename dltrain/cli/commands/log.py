"""`dltrain log RUN --to mlflow`: hand a finished run to a tracker."""

from __future__ import annotations

import os
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
    to: Annotated[str, typer.Option("--to", click_type=click.Choice(["mlflow", "wandb"]), help="The tracker.")] = "mlflow",
    uri: Annotated[
        str | None,
        typer.Option(
            "--uri",
            metavar="URI",
            help="Of MLflow's server, as http://host:5000, or sqlite:///mlflow.db; else MLFLOW_TRACKING_URI.",
        ),
    ] = None,
    experiment: Annotated[
        str | None,
        typer.Option("--experiment", metavar="NAME", help="Under which name (wandb: project); the config's if not given."),
    ] = None,
    runs: RunsOption = Path("runs"),
    follow: Annotated[bool, typer.Option("--follow", hidden=True)] = False,
) -> int:
    """Hand a finished run, or a sweep with its trials, to a tracker: parameters, metrics, files, report, exported model.

    MLflow is not sent again what it has. Where WANDB_MODE is offline, wandb writes to its own folder. `training.track: mlflow` in
    a config does the same while a run is trained. `pip install 'dltrain[mlflow]'`, `'dltrain[wandb]'` install what it needs.
    """
    from dltrain.cli.trackers.send import follow_run, send_run, tracker_of
    from dltrain.storage.run_list import find_run

    if follow:
        follow_run(Path(run), to, _say)
        return 0
    console: Console = context.obj
    logged = send_run(find_run(run, runs), tracker_of(to, uri, experiment))
    for one in logged:
        for note in one.notes:
            console.warning(note)
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


def _say(line: str) -> None:
    """A line for the process that trains, which reads them as they come."""
    os.write(1, f"{line}\n".encode())
