"""The options that all commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from dltrain.cli.console import Console

Function = TypeVar("Function", bound=Callable[..., Any])


def common_options(function: Function) -> Function:
    """Add --json, -q, -v and --threads; what they say goes into the console's settings, before and after the command's name."""
    for option in reversed(
        [
            click.option(
                "--json", is_flag=True, expose_value=False, callback=_set("json"), help="Write one JSON document to stdout."
            ),
            click.option(
                "-q",
                "--quiet",
                is_flag=True,
                expose_value=False,
                callback=_set("quiet"),
                help="No progress; warnings and errors only.",
            ),
            click.option(
                "-v", "--verbose", count=True, expose_value=False, callback=_set("verbose"), help="Say more; -vv still more."
            ),
            click.option(
                "--threads",
                type=click.IntRange(min=1),
                metavar="N",
                expose_value=False,
                callback=_set("threads"),
                help="Threads to compute with.",
            ),
        ]
    ):
        function = option(function)
    return function


def runs_option(function: Function) -> Function:
    """Add --runs, the folder in which runs are looked for."""
    option = click.option(
        "--runs",
        type=click.Path(path_type=Path),
        metavar="DIR",
        default=Path("runs"),
        show_default=True,
        help="Folder of the runs.",
    )
    return option(function)


def require_option(function: Function) -> Function:
    """Add --require, any number of times."""
    option = click.option(
        "--require", multiple=True, metavar="GATE", help="Exit 5 unless the metric is reached, as 'accuracy>=0.9' (repeatable)."
    )
    return option(function)


def _set(name: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    def remember(context: click.Context, parameter: click.Parameter, value: Any) -> None:
        if value:
            setattr(context.find_object(Console).settings, name, value)  # type: ignore[union-attr]

    return remember
