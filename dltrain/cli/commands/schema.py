"""`dltrain schema`: the JSON Schema of the config."""

from __future__ import annotations

import json

from dltrain.cli.console import Console
from dltrain.cli.typer_import import typer


def command(context: typer.Context) -> None:
    """Print the JSON Schema of the config, with which an editor completes and checks keys, layers and their arguments.

    `dltrain schema > dltrain.schema.json`, and as the first line of a config:
    `# yaml-language-server: $schema=dltrain.schema.json`
    """
    from dltrain.config.help.json_schema import build_json_schema

    console: Console = context.obj
    schema = build_json_schema()
    console.document(schema)
    console.result(json.dumps(schema, indent=1))
