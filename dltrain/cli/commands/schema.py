"""`dltrain schema`: the JSON Schema of the config."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

from dltrain.cli.console import Console
from dltrain.cli.typer_import import typer


def command(
    context: typer.Context,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="A config whose own code is in the schema as well.")
    ] = None,
) -> None:
    """Print the JSON Schema of the config, with which an editor completes and checks keys, layers and their arguments.

    `dltrain schema > dltrain.schema.json`, and as the first line of a config:
    `# yaml-language-server: $schema=dltrain.schema.json`
    """
    from dltrain.config.help.json_schema import build_json_schema
    from dltrain.config.help.known import knowing
    from dltrain.config.load import load_own_catalog

    console: Console = context.obj
    with knowing(None if config is None else load_own_catalog(config)):
        schema = build_json_schema()
    console.document(schema)
    console.result(json.dumps(schema, indent=1))
