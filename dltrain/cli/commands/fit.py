"""`dltrain fit CONFIG`: train and write a run."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

import click

from dltrain.cli.console import Console
from dltrain.cli.options import (
    AddressOption,
    AllowLargeOption,
    AllowOneClassOption,
    ConfigArgument,
    RequireOption,
    RunDirOption,
    RunsOption,
    TrustCodeOption,
    allowed,
    gates_of,
    refuse_both_folders,
)
from dltrain.cli.paths import refuse_other_than_one
from dltrain.cli.typer_import import typer
from dltrain.errors import UsageError, WorkerLostError
from dltrain.storage.values import attributes
from dltrain.wording import counted, one_line

MOST_LOCAL = 64

if TYPE_CHECKING:
    from dltrain.config.types import Config
    from dltrain.training.result import FitResult
    from dltrain.training.workers.group import Group


ResumeOption = Annotated[
    str | None,
    typer.Option(
        "--resume", metavar="RUN|auto", help="Go on with a run; auto: with --run-dir, go on if there is something, else start."
    ),
]
WorkersOption = Annotated[
    int | None, typer.Option("--workers", metavar="N", min=1, help="Train by N processes of this machine, which share each step.")
]
EngineOption = Annotated[
    str | None,
    typer.Option(click_type=click.Choice(["ray"]), help="Start the --workers on a Ray cluster, this process one of them."),
]


def command(
    context: typer.Context,
    words: ConfigArgument = None,
    resume: ResumeOption = None,
    run_dir: RunDirOption = None,
    runs: RunsOption = Path("runs"),
    allow_large: AllowLargeOption = False,
    allow_one_class: AllowOneClassOption = False,
    require: RequireOption = None,
    trust_code: TrustCodeOption = False,
    workers: WorkersOption = None,
    engine: EngineOption = None,
    address: AddressOption = None,
) -> int:
    """Train the model that CONFIG describes, write a run directory, print where it is and its metrics beside the baseline.

    KEY=VALUE overrides one value of the config: training.optimizer.learning_rate=0.01, model.layers.1.units=64.
    With --resume RUN the config may be left out; the run has its own.
    """
    from dltrain.model.keras_import import open_libraries_beside

    console: Console = context.obj
    refuse_both_folders(context, run_dir, "run")
    resumed, gates = _resumed(resume, run_dir, runs), gates_of(require)
    given = [*(words or ()), *allowed(large=allow_large, one_class=allow_one_class)]
    config = load(given, resumed)
    from dltrain.training.workers.cluster import cluster_of
    from dltrain.training.workers.group import Group

    _require_engine(engine, workers, address)
    cluster = cluster_of(os.environ) if workers is None else None
    group, threads = Group(cluster) if cluster else None, console.settings.threads
    if group is not None and not group.is_chief:
        _train_along(console, config, group)
        return 0
    open_libraries_beside("dltrain.training.fit")
    from dltrain.training.fit import fit  # when config and words are found to be right, for it takes a while

    try:
        with contextlib.ExitStack() as stack:
            if engine is not None and workers is not None:
                group, threads = _on_ray(stack, console, config, workers, address), threads or 1
            result = fit(
                config,
                argv=sys.argv,
                runs=runs,
                run_dir=run_dir,
                resume=resumed,
                require=gates,
                threads=threads,
                reporter=console,
                workers=workers if workers is not None and engine is None else 1,
                group=group,
            )
    except WorkerLostError as error:
        if engine is None or error.run is None:
            raise
        of_ray = ["--engine", engine, "--workers", str(workers), *(["--address", address] if address else [])]
        _go_on([*given, *of_ray, *_requiring(gates)], error, console)
    return _show(console, result)


def _train_along(console: Console, config: Config, group: Group) -> None:
    """Train as one of several processes, of which another writes the run."""
    from dltrain.training.workers.member import train_along

    trained = train_along(config, group, threads=console.settings.threads, reporter=console)
    console.result(f"worker {group.index} of {group.count}: trained {trained.epochs} epochs; the run is the chief's")


def _on_ray(stack: contextlib.ExitStack, console: Console, config: Config, count: int, address: str | None) -> Group:
    """The workers on Ray, for as long as the stack is open.

    Raises:
        UsageError: there is no cluster, or no room in it.
        WorkerLostError: there is none for a fit that has lost a worker.
    """
    from dltrain.cli.again import times_lost
    from dltrain.sweep.engines.ray_workers import workers_on_ray

    threads = console.settings.threads
    each = "--threads says so" if threads else "--threads says otherwise"
    console.status(f"{count} workers on Ray, each with {counted(threads or 1, 'thread')} ({each})")
    try:
        return stack.enter_context(workers_on_ray(config, count, address=address, threads=threads or 1))
    except UsageError as error:
        if not times_lost():
            raise
        raise WorkerLostError(
            [replace(fault, message=f"a worker was lost, and {fault.message}") for fault in error.faults]
        ) from error


def _requiring(gates: Sequence[str]) -> list[str]:
    return [word for gate in gates for word in ("--require", gate)]


def _go_on(words: Sequence[str], error: WorkerLostError, console: Console) -> NoReturn:
    """Begin the command anew, to go on with the run."""
    from dltrain.cli.again import go_on

    go_on(["fit", *words, "--resume", str(error.run), *console.settings.words], error, console)


def _require_engine(engine: str | None, workers: int | None, address: str | None) -> None:
    """Refuse what of `--engine`, `--workers` and `--address` makes no sense together."""
    from dltrain.training.workers.cluster import MOST_WORKERS

    if engine is None and workers is not None and workers > MOST_LOCAL:
        message = f"--workers {workers}: at most {MOST_LOCAL} processes of one machine train together"
        raise UsageError(message, hint="--engine ray starts them on the machines of a Ray cluster")
    if workers is not None and workers > MOST_WORKERS:
        raise UsageError(f"--workers {workers}: at most {MOST_WORKERS:,} processes train together")
    if engine is not None and (workers is None or workers < 2):
        raise UsageError("--engine ray needs --workers of 2 and more", hint="such as --engine ray --workers 4")
    if engine is None and address is not None:
        raise UsageError("--address is that of a Ray cluster", hint="--engine ray --address HOST:PORT --workers 4")


def load(words: Sequence[str], resumed: Path | Literal["auto"] | None) -> Config:
    """Read the one config that the words name, with their overrides; without one that of the run to go on with."""
    from dltrain.config import load_config, split_words
    from dltrain.evaluation.moved_data import refuse_strange_addresses

    files, overrides = split_words(words)
    if not files and isinstance(resumed, Path):
        config = load_config(str(resumed / "config.yaml"), overrides)
        refuse_strange_addresses(config.data, resumed, overrides, f"dltrain fit --resume {resumed}")
        return config
    refuse_other_than_one(files, "dltrain fit CONFIG [KEY=VALUE]...", command="dltrain fit")
    return load_config(files[0], overrides)


def _resumed(resume: str | None, run_dir: Path | None, runs: Path) -> Path | Literal["auto"] | None:
    if resume == "auto":
        if run_dir is None:
            raise UsageError("--resume auto needs --run-dir", hint="the directory to go on in, or to start in")
        return "auto"
    if resume is None:
        return None
    from dltrain.storage.run_list import find_run

    if run_dir is not None:
        raise UsageError("--resume RUN already names the directory", hint="leave out --run-dir, or write --resume auto")
    return find_run(resume, runs)


def _show(console: Console, result: FitResult) -> int:
    from dltrain.cli.results import show_outcome, unmet_faults
    from dltrain.storage.run import Run
    from dltrain.storage.stored import wrong_values_told

    # What was read back of a finished run is as good as its files are.
    kept = wrong_values_told(result.run, is_as_written=Run(result.run).is_as_written)
    with kept if result.is_stored else contextlib.nullcontext():
        document, text = _document(result), _text(console, result)
    return show_outcome(console, unmet_faults(result.gates), document, text)


def _document(result: FitResult) -> dict[str, Any]:
    """What `--json` prints."""
    from dltrain.cli.results import gate_documents

    return {
        "run": str(result.run),
        **attributes(result, "epochs", "weights", "metrics", "baseline", "intervals"),
        **({"members": result.members} if result.members else {}),
        "report": result.report,
        "gates": gate_documents(result.gates),
        **attributes(result, "seconds", "notes", "diagnosis", "pictures", "resumed"),
    }


def _text(console: Console, result: FitResult) -> str:
    """What a reader is told; what matters most stands last, where the terminal has not scrolled it away."""
    from dltrain.cli.last_screen import last_screen

    return last_screen(result, console.width) if not console.settings.verbose else _whole_text(console, result)


def _whole_text(console: Console, result: FitResult) -> str:
    """All there is to tell, block by block."""
    from dltrain.cli.last_screen import as_document, ending_lines, last_intervals
    from dltrain.cli.results import answers_lines, gate_lines, members_lines, metrics_table, report_text

    blocks = [
        *report_text(result.report, console.width),
        metrics_table(result.metrics, result.baseline, result.report, console.width, last_intervals(result)),
        "\n".join(answers_lines(result.report)),
        "\n".join(members_lines(result.members.get("metrics", {}))),
        "\n".join(map(one_line, result.notes)),
        "\n".join(f"diagnosis: {found['sentence']} {found['advice']}" for found in result.diagnosis),
        "\n".join(gate_lines(result.gates)),
        "\n".join(ending_lines(result, as_document(result))),
    ]
    return "\n\n".join(block for block in blocks if block)
