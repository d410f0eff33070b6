"""`dltrain check CONFIG...`: the faults of configs, without training."""

from __future__ import annotations

from typing import Annotated, Any

from dltrain.cli.console import Console
from dltrain.cli.typer_import import typer
from dltrain.errors import DltrainError, Fault, UsageError


def command(
    context: typer.Context,
    words: Annotated[list[str] | None, typer.Argument(metavar="CONFIG... [KEY=VALUE]...", hidden=True)] = None,
    resolved: Annotated[bool, typer.Option("--resolved", help="Print each config with every default and inference.")] = False,
) -> int:
    """Read each CONFIG and print all its faults at once; exit 2 if there are any."""
    from dltrain.cli.faults import fault_documents
    from dltrain.config import dump_yaml, load_config, split_words

    console: Console = context.obj
    files, overrides = split_words(words or ())
    if not files:
        raise UsageError(Fault("a config file was expected, found none", hint="dltrain check CONFIG..."))
    documents: list[dict[str, Any]] = []
    errors: list[Fault] = []
    code, separator = 0, ""
    for file in files:
        try:
            config = load_config(file, overrides)
        except DltrainError as error:
            code = max(code, error.exit_code)
            errors += error.faults
            console.faults(error.faults)
            documents.append({"file": file, "status": "error", "errors": fault_documents(error.faults)})
            continue
        console.faults(config.warnings)
        document: dict[str, Any] = {"file": file, "status": "ok", "warnings": fault_documents(config.warnings)}
        if resolved:
            document["resolved"] = config.resolved
            console.verbatim(separator + dump_yaml(config.resolved))
            separator = "---\n"
        else:
            console.result(f"{file}: OK")
        documents.append(document)
    outcome: dict[str, Any] = (
        {"status": "error", "exit": code, "errors": fault_documents(errors)} if code else {"status": "finished"}
    )
    console.document({**outcome, "files": documents})
    if len(errors) > 1:
        console.line(f"{len(errors)} errors")
    return code
