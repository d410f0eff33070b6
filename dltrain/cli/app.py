"""The command `dltrain`: its commands, loaded when they are called, and the one boundary at which errors become exit codes."""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import re
import shlex
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import click

from dltrain.cli.commands import COMMANDS, GOING_ON
from dltrain.cli.console import Console, ConsoleHandler, Settings
from dltrain.cli.options import SHOWN, build_command, common_options
from dltrain.cli.streams import discard, reader_left
from dltrain.cli.typer_import import typer
from dltrain.errors import DltrainError, Fault, RunError, UsageError, fault_documents, reason_of, refusal
from dltrain.machine import require_open_files, watch_address_space
from dltrain.settings import warm_process
from dltrain.wording import nearest

logger = logging.getLogger(__name__)


class Commands(typer.core.TyperGroup):
    """A group whose commands are modules of `dltrain.cli`, each with a function `command`."""

    def __init__(self, *arguments: Any, params: Sequence[click.Parameter] | None = None, **named: Any) -> None:
        super().__init__(*arguments, params=[*(params or ()), *common_options()], **named)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which they are used."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load a command's module; None where there is no such command."""
        if cmd_name not in COMMANDS:
            return None
        return build_command(cmd_name, importlib.import_module(f"dltrain.cli.commands.{cmd_name.replace('-', '_')}").command)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which one is nearest."""
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            from dltrain.config.old_words.block_words import OLD_COMMANDS
            from dltrain.config.old_words.keys import said_here

            meant = OLD_COMMANDS.get(args[0]) or nearest(args[0], COMMANDS)
            said = said_here(args[0])
            hint = f"did you mean {meant}?" if meant else said or f"the commands are {', '.join(COMMANDS)}"
            if args[0] == "help":
                hint = f"`dltrain {args[1]} --help`" if len(args) > 1 and args[1] in COMMANDS else "`dltrain --help`"
            raise UsageError(f"there is no command {args[0]!r}", hint=hint)
        ctx.obj.goes_on = args[0] in GOING_ON
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without loading them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _print_version(context: typer.Context, value: bool) -> None:
    if value:
        from importlib.metadata import PackageNotFoundError, version

        from dltrain import __version__

        versions = {"dltrain": __version__}
        for package in ("keras", "tensorflow"):
            try:
                versions[package] = version(package)
            except PackageNotFoundError:
                versions[package] = "not installed"
        console: Console = context.obj
        console.result(", ".join(f"{name} {number}" for name, number in versions.items()))
        console.document({"status": "finished", "versions": versions})
        context.exit(0)


application = typer.Typer(
    cls=Commands,
    invoke_without_command=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)


@application.callback()
def dltrain(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", callback=_print_version, help="Show the versions and exit.")] = False,
) -> None:
    """Train Keras models from one YAML file.

    `dltrain fit CONFIG` trains and writes a run; `dltrain evaluate RUN` and `dltrain predict RUN` use it.
    A RUN is a path, `latest`, or the beginning of a run's name.
    """
    if context.invoked_subcommand is None:
        console: Console = context.obj
        if console.settings.json:
            raise UsageError("a command was expected", hint=f"one of {', '.join(COMMANDS)}; `dltrain --help` explains them")
        console.result(context.get_help())
        context.exit(UsageError.exit_code)


class Terminated(KeyboardInterrupt):
    """SIGTERM came. What cleans up after Ctrl-C cleans up after it as well."""


def run(arguments: Sequence[str]) -> int:
    """Run one command line.

    Args:
        arguments: the words after `dltrain`.

    Returns:
        The exit code. All output is written; no exception comes out, whatever happens.
    """
    _tolerate_encodings()
    logging.captureWarnings(True)  # Python's own, with lines of source in them, are for the log
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    # A command line that cannot be parsed must still be answered in JSON where JSON was asked for.
    console = Console(Settings(json="--json" in options))
    handler = ConsoleHandler(console)
    logger = logging.getLogger("dltrain")
    logger.addHandler(handler)
    logger.propagate, propagated, level = False, logger.propagate, logger.level
    logger.setLevel(logging.DEBUG)  # the handlers choose
    try:
        with _sigterm_raised():
            return _unless_lost(_invoke(_spelled_out(list(arguments)), console), console)
    except Terminated:
        return _fail(console, 128 + signal.SIGTERM, [Fault("interrupted by SIGTERM")])
    except KeyboardInterrupt:
        return _fail(console, 128 + signal.SIGINT, [Fault("interrupted")])
    finally:
        logging.captureWarnings(False)
        logger.removeHandler(handler)
        logger.propagate = propagated
        logger.setLevel(level)
        console.close()
        _flush()


def _unless_lost(code: int, console: Console) -> int:
    """The exit code; that of a failure where a command gives nothing but what it prints, and that could not be written."""
    if console.lost is None or console.goes_on:
        return code
    console.faults([Fault(f"standard output cannot be written: {console.lost}", hint="the answer is lost; send it elsewhere")])
    return code or RunError.exit_code


def _spelled_out(words: list[str]) -> list[str]:
    """The words with the value that `trace RUN --weights` may leave out."""
    if "trace" not in words or "--weights" not in words:
        return words
    place = words.index("--weights") + 1
    is_bare = place == len(words) or words[place].startswith("-")
    return [*words[:place], SHOWN, *words[place:]] if is_bare else words


@contextlib.contextmanager
def _sigterm_raised() -> Iterator[None]:
    """SIGTERM is raised as `Terminated`; a fit, which has something to save, puts its own handler in the place of this one."""
    is_free = signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    if not is_free or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        raise Terminated

    signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


@lru_cache(maxsize=1)
def _command_line() -> click.Command:
    return typer.main.get_command(application)


def _invoke(arguments: list[str], console: Console) -> int:
    command_line = _command_line()
    asks_for_help = not {"-h", "--help"}.isdisjoint(arguments)
    try:
        require_open_files()
        watch_address_space()
        warm_process()  # a wrong word for it is said by every command
        with command_line.make_context("dltrain", arguments, obj=console) as context:
            code = command_line.invoke(context)
        return code if isinstance(code, int) else 0
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except click.exceptions.Abort:
        return _fail(console, 128 + signal.SIGINT, [Fault("interrupted")])
    except click.ClickException as error:
        return _fail(console, UsageError.exit_code, [_usage_fault(error)])
    except DltrainError as error:
        return _fail(console, error.exit_code, error.faults)
    except KeyboardInterrupt:
        raise
    except Exception as error:
        helps = isinstance(error, OSError) and asks_for_help  # which click writes by itself
        if helps or (isinstance(error, BrokenPipeError) and reader_left(sys.stdout)):
            discard(sys.stdout)  # such as `dltrain fit --help | head -1`
            console.lost = None if isinstance(error, BrokenPipeError) else reason_of(error)
            console.goes_on = False  # it is not `fit` that was asked for
            return 0
        refused = refusal(error)
        if refused is not None:
            logger.debug("%s", refused, exc_info=error)
            return _fail(console, refused.exit_code, refused.faults)
        return _fail(console, 1, [_bug(error, console.run)])


def _fail(console: Console, code: int, faults: Sequence[Fault]) -> int:
    """Show what went wrong; with --json on stdout as well."""
    console.close()
    errors = [fault for fault in faults if fault.severity == "error"]
    console.faults(faults)
    run = {"run": console.run} if console.run is not None else {}
    console.document({"status": "error", "exit": code, "errors": fault_documents(errors or faults), **run})
    if len(errors) > 1:
        console.line(f"{len(errors)} errors")
    return code


def _usage_fault(error: click.ClickException) -> Fault:
    """Click's complaint in this program's form."""
    message = error.format_message().rstrip(".")
    command = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "dltrain"
    hint = f"`{command} --help` explains it"
    if isinstance(error, click.NoSuchOption):
        message = f"there is no option {error.option_name}"
        key = _key_of_option(error.option_name)
        if key is not None:
            hint = f"what a config holds is set without dashes, after its name: {key}=VALUE"
        else:
            hint = _near_option(error) or hint
    extra = re.fullmatch(r"Got unexpected extra argument \((.+)\)", message)
    if extra and command.endswith(" init"):
        hint = f"the column to predict is named with --target {shlex.quote(extra[1])}"
    return Fault(message[:1].lower() + message[1:], hint=hint)


def _near_option(error: click.NoSuchOption) -> str | None:
    """The option of the command that a misspelt one most likely means, or None where none is near."""
    parameters = error.ctx.command.get_params(error.ctx) if error.ctx else []
    known = [option for parameter in parameters for option in parameter.opts if option.startswith("--")]
    near = nearest(error.option_name, known)
    return f"did you mean {near}?" if near is not None else None


def _key_of_option(option: str) -> str | None:
    """The key of a config that an option such as `--epochs`, `--lr` or `--training.epochs` means, or None."""
    from dltrain.config.keys import KEYS
    from dltrain.config.old_words.keys import OLD_WORDS

    word = option.lstrip("-").replace("-", "_")
    if word == "seed":  # the experiment's, not that of its split
        return word
    if word in ("lr", "learning_rate"):
        return "training.optimizer.learning_rate"
    said = OLD_WORDS.get(word, "")
    if "." in said and " " not in said:
        return said
    names = (word, f"{word}s")  # `--epoch` as well
    return next((path for path in KEYS if (path in names or path.rpartition(".")[2] in names) and "." in path), None)


def _bug(error: Exception, run: str | None) -> Fault:
    """Put the traceback into the run's log, else into a file of its own, and say where it is."""
    text = "".join(traceback.format_exception(error))
    summary = f"a bug in dltrain: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}".rstrip(": ")
    try:
        if run is not None and Path(run).is_dir():
            log = str(Path(run) / "log.txt")
        else:
            import tempfile

            descriptor, log = tempfile.mkstemp(prefix="dltrain-", suffix=".log")
            os.close(descriptor)
        with open(log, "a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
    except OSError as refused:
        return Fault(f"{summary}; the traceback could not be written to a file ({reason_of(refused)})")
    return Fault(summary, hint=f"the traceback is in {log}")


def _tolerate_encodings() -> None:
    """A label that the terminal's encoding lacks is escaped rather than a crash."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            with contextlib.suppress(OSError, ValueError):  # what cannot be written is given up with its first line
                reconfigure(errors="backslashreplace")


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):
            discard(stream)
