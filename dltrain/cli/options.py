"""The options that commands share, and the classes that add those common to all commands."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import pairwise, takewhile
from pathlib import Path
from typing import Annotated, Any

import click

from dltrain.cli.console import Console
from dltrain.cli.typer_import import typer
from dltrain.errors import UsageError
from dltrain.parts import PARTS
from dltrain.settings import trusting_code

# Arguments are explained by the command's own text, under its usage line.
ConfigArgument = Annotated[list[str] | None, typer.Argument(metavar="CONFIG [KEY=VALUE]...", hidden=True)]
RunArgument = Annotated[str, typer.Argument(metavar="RUN", hidden=True)]
# What `trace RUN --weights` stands for: the run's own weights, themselves.
SHOWN = "shown"
MoreDataArgument = Annotated[list[str] | None, typer.Argument(metavar="", hidden=True)]
DataOption = Annotated[
    list[str] | None, typer.Option("--data", metavar="PATH", help="Files, folders or patterns of data (repeatable).")
]
PART_NAMES = click.Choice(PARTS)
WeightsOption = Annotated[
    str | None,
    typer.Option(click_type=click.Choice(["best", "last"]), help="Which weights; if not given, the run's model."),
]
SkipBrokenOption = Annotated[
    bool, typer.Option("--skip-broken", help="Leave out pictures that cannot be read, and name them, instead of failing.")
]
ImagesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--images",
        metavar="FOLDER",
        help="Where the pictures are that a table names, if not in the run's own folders (repeatable).",
    ),
]
BestTrialsOption = Annotated[
    int | None, typer.Option("--trials", min=1, metavar="K", help="Of a sweep: the average of its K best trials.")
]
RunDirOption = Annotated[Path | None, typer.Option("--run-dir", metavar="DIR", help="Write into this very directory.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace FILE if it exists.")]
RunsOption = Annotated[Path, typer.Option("--runs", metavar="DIR", help="Folder of the runs.")]


def _trust(context: typer.Context, value: bool) -> None:
    """The word holds for this command, and for the processes that it starts."""
    if value:
        context.with_resource(trusting_code())


TrustCodeOption = Annotated[
    bool,
    typer.Option(
        "--trust-code", expose_value=False, callback=_trust, help="Import the code that the config or the run brings along."
    ),
]
AllowLargeOption = Annotated[bool, typer.Option("--allow-large", help="Try what takes more memory than this machine has.")]
AllowOneClassOption = Annotated[bool, typer.Option("--allow-one-class", help="Train on one class, one value or one row.")]
MOST_THREADS = 1024
AddressOption = Annotated[
    str | None, typer.Option("--address", metavar="ADDRESS", help="Of the Ray cluster, such as auto or HOST:PORT.")
]
RequireOption = Annotated[
    list[str] | None,
    typer.Option("--require", metavar="GATE", help="Exit 5 unless the metric is reached, as 'accuracy>=0.9' (repeatable)."),
]


def allowed(*, large: bool, one_class: bool) -> list[str]:
    """What --allow-large and --allow-one-class say as overrides."""
    return [*(["training.allow_large=true"] if large else ()), *(["data.allow_one_class=true"] if one_class else ())]


def refuse_both_folders(context: click.Context, run_dir: Path | None, of: str) -> None:
    """Refuse --run-dir beside --runs.

    Raises:
        UsageError: both are given.
    """
    source = context.get_parameter_source("runs")
    if run_dir is not None and source is not None and source.name == "COMMANDLINE":
        hint = f"--run-dir is the {of}'s own directory, --runs its parent"
        raise UsageError("--run-dir and --runs exclude each other", hint=hint)


_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}
_TIME = re.compile(r"(\d+(?:\.\d+)?)([smh])")


def parse_time(text: str) -> float:
    """Seconds of a time such as 90s, 10m or 1h.

    Raises:
        UsageError: it is none, or nothing.
    """
    match = _TIME.fullmatch(text.strip().lower())
    seconds = float(match[1]) * _UNITS[match[2]] if match else 0.0
    if seconds <= 0:
        raise UsageError(f"expected a time, found {text!r}", hint="such as 90s, 10m or 1h")
    return seconds


class Command(typer.core.TyperCommand):
    """A command that also takes the options common to all."""

    def __init__(self, *arguments: Any, params: Sequence[click.Parameter] | None = None, **named: Any) -> None:
        super().__init__(*arguments, params=[*(params or ()), *common_options()], **named)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the words.

        Click takes an option for the value of the one before it, and from 8.3 on the None that Typer gives a required argument
        for a value.

        Raises:
            UsageError: an option that needs a value is followed by another option.
            MissingParameter: a required argument is not there.
        """
        self._refuse_options_as_values(ctx, args)
        rest = super().parse_args(ctx, args)
        for parameter in self.params:
            if parameter.required and ctx.params.get(parameter.name or "") is None and not ctx.resilient_parsing:
                raise click.MissingParameter(ctx=ctx, param=parameter)
        return rest

    def _refuse_options_as_values(self, ctx: click.Context, args: list[str]) -> None:
        options = {word: one for one in self.get_params(ctx) if isinstance(one, click.Option) for word in one.opts}
        for word, value in pairwise(takewhile("--".__ne__, args)):
            option = value.split("=", 1)[0] if value.startswith("--") else value
            if word in options and not options[word].is_flag and not options[word].count and option in options:
                message = f"{word} needs a value, {options[word].metavar or 'VALUE'}, and the option {option} follows"
                raise UsageError(message, hint=f"`{ctx.command_path} --help` explains it")


def build_command(name: str, function: Callable[..., Any]) -> click.Command:
    """Make a command of a function: its annotations are the options, its docstring the help."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.command(name, cls=Command)(function)
    return typer.main.get_command(app)


@lru_cache(maxsize=1)
def common_options() -> tuple[click.Parameter, ...]:
    """--json, -q, -v and --threads; what they say goes into the console's settings, before and after the command's name."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command()(_common)
    return tuple(typer.main.get_command(app).params)


def _set(name: str) -> Callable[..., None]:
    def remember(context: typer.Context, value: Any) -> None:
        if value:
            console: Console = context.obj
            setattr(console.settings, name, value)

    return remember


def _common(
    json: Annotated[
        bool, typer.Option("--json", expose_value=False, callback=_set("json"), help="Write one JSON document to stdout.")
    ] = False,
    quiet: Annotated[
        bool,
        typer.Option("--quiet", "-q", expose_value=False, callback=_set("quiet"), help="No progress; warnings and errors only."),
    ] = False,
    verbose: Annotated[
        int,
        typer.Option(
            "--verbose",
            "-v",
            count=True,
            show_default=False,
            expose_value=False,
            callback=_set("verbose"),
            help="Say more; -vv still more.",
        ),
    ] = 0,
    threads: Annotated[
        int | None,
        typer.Option(
            "--threads",
            min=1,
            max=MOST_THREADS,
            metavar="N",
            expose_value=False,
            callback=_set("threads"),
            help="Threads to compute with.",
        ),
    ] = None,
) -> None:
    """Declare the options; Typer reads this signature."""


def gates_of(require: Sequence[str] | None, *, may_compare: bool = False) -> tuple[str, ...]:
    """What --require asks for, each of which can be read.

    Args:
        require: the words after it.
        may_compare: whether they may name another run's metrics, as `old`.

    Raises:
        UsageError: one cannot be read.
    """
    from dltrain.evaluation.metrics.gates import parse_gates

    parse_gates(gates := tuple(require or ()), may_compare=may_compare)
    return gates
