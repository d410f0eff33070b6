"""`dltrain check CONFIG...`: everything that can be known of configs without training."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import click

from dltrain.cli.console import Console
from dltrain.cli.options import TrustCodeOption
from dltrain.cli.typer_import import typer
from dltrain.errors import Fault, UsageError
from dltrain.wording import one_line

if TYPE_CHECKING:
    from dltrain.config.types import Config
    from dltrain.data.facts import DataFacts

FORMATS = ("text", "json", "github")


def command(
    context: typer.Context,
    words: Annotated[list[str] | None, typer.Argument(metavar="CONFIG... [KEY=VALUE]...", hidden=True)] = None,
    resolved: Annotated[bool, typer.Option("--resolved", help="Print each config with every default and inference.")] = False,
    data: Annotated[bool, typer.Option("--data", help="Read all of the data and report on it.")] = False,
    samples: Annotated[
        Path | None, typer.Option("--samples", metavar="FILE", help="Draw some pictures of the training part with their labels.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file of --samples if it exists.")] = False,
    build: Annotated[bool, typer.Option("--build", help="Let Keras build the model as well.")] = False,
    form: Annotated[str, typer.Option("--format", click_type=click.Choice(FORMATS), help="How the faults are written.")] = "text",
    trust_code: TrustCodeOption = False,
) -> int:
    """Find all faults of each CONFIG without training; print its layers, shapes and parameters. Exit 2 or 3 if it has faults."""
    from dltrain.config import split_words
    from dltrain.errors import fault_documents
    from dltrain.storage.outputs import check_picture

    console: Console = context.obj
    console.goes_on = not resolved
    files, overrides = split_words(words or ())
    if not files:
        raise UsageError("a config file was expected, found none", hint="dltrain check CONFIG...")
    if samples is not None:
        samples = check_picture(samples, force=force)
    console.settings.json = console.settings.json or form == "json"
    documents: list[dict[str, Any]] = []
    errors: list[Fault] = []
    code, separator = 0, ""
    for file in files:
        found, one, document, lines = _check(
            file, overrides, data=data or samples is not None, build=build, resolved=resolved, samples=samples
        )
        code = max(code, one)
        errors += [fault for fault in found if fault.severity == "error"]
        _show(console, found, form)
        documents.append(document)
        if resolved and not one:
            console.verbatim(separator + lines[0])
            separator = "---\n"
        elif form == "text":
            for line in [f"{one_line(file)}: {'OK' if not one else 'not OK'}", *(f"  {line}" for line in lines if not resolved)]:
                console.result(line)
    outcome: dict[str, Any] = (
        {"status": "error", "exit": code, "errors": fault_documents(errors)} if code else {"status": "finished"}
    )
    console.document({**outcome, "files": documents})
    if len(errors) > 1:
        console.line(f"{len(errors)} errors")
    return code


def _check(
    file: str, overrides: list[str], *, data: bool, build: bool, resolved: bool, samples: Path | None
) -> tuple[tuple[Fault, ...], int, dict[str, Any], list[str]]:
    """Faults, exit code, the JSON document and the lines of the report of one config."""
    from dltrain.checking import check_file
    from dltrain.cli.check_report import report_lines
    from dltrain.config import dump_yaml, resolve
    from dltrain.config.load import origins
    from dltrain.errors import fault_documents

    config, result = check_file(file, overrides, data=data, build=build, trials=_check_trials, samples=samples)
    if config is not None and not result.errors:
        result = replace(result, decisions=(*result.decisions, *_members(config), *_trials(config)))
    document: dict[str, Any] = {"file": file, "status": "error" if result.errors else "ok"}
    if result.errors:
        document["errors"] = fault_documents(result.errors)
    document |= {"warnings": fault_documents(result.warnings), **result.to_document()}
    lines = report_lines(result)
    if resolved and config is not None:
        document["resolved"] = resolve(config, result.inferred or {})
        if config.code is not None:  # from the folder of this config, not as a run keeps it
            beside = os.path.dirname(file) or os.curdir
            document["resolved"]["code"] = {os.path.relpath(each.shown, beside): each.digest for each in config.code.files}
        document |= {"places": origins(config)} if config.extends else {}
        lines = [dump_yaml(document["resolved"], origins(config))]
    return (*result.errors, *result.warnings), result.exit_code, document, lines


def _members(config: Config) -> list[str]:
    if config.training is None or not config.training.members.are_several:
        return []  # and nothing is imported for it
    from dltrain.training.members.plan import describe_members

    return describe_members(config)


def _trials(config: Config) -> list[str]:
    if config.sweep is None:
        return []  # likewise
    from dltrain.sweep.check_trials import describe_trials

    return describe_trials(config)


def _check_trials(config: Config, facts: DataFacts) -> Iterable[Fault]:
    from dltrain.sweep.check_trials import check_trials

    return check_trials(config, facts)


def _show(console: Console, faults: tuple[Fault, ...], form: str) -> None:
    from dltrain.cli.check_report import github_lines

    if form == "github":
        console.commands(github_lines(faults))
    else:
        console.faults(faults)
