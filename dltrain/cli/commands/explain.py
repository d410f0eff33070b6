"""`dltrain explain KEY`: what a word of the config language means."""

from __future__ import annotations

import json
import shutil
import textwrap
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from dltrain.cli.console import Console
from dltrain.cli.typer_import import typer
from dltrain.errors import UsageError

if TYPE_CHECKING:
    from dltrain.config.catalog.catalog import Catalog
    from dltrain.config.help.explanations import Explanation, Part

_WIDEST = 100
_MOST_OWNERS = 12


def command(
    context: typer.Context,
    words: Annotated[list[str] | None, typer.Argument(metavar="[KEY]...", hidden=True)] = None,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="A config whose own code is explained as well.")
    ] = None,
    plot: Annotated[Path | None, typer.Option("--plot", metavar="FILE", help="Draw the one activation (PNG).")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE if it exists.")] = False,
) -> None:
    """Say what each KEY means: type, default, meaning, arguments, an example.

    KEY is a key of the config (training.epochs), a layer, optimizer, loss, metric or the like (Dense, adam), an argument (units,
    Dense.units), an activation, or a dataset; without one, the keys of a config are listed.
    """
    from dltrain.config.help.explain import explain
    from dltrain.config.help.known import knowing

    console: Console = context.obj
    picture = None if plot is None else _draw(words or [], plot, force=force)
    with knowing(_own_catalog(config)):
        found = [(word, explain(word)) for word in words or [""]]
    console.document(
        {
            "status": "finished",
            "explanations": [{"word": word, **asdict(one)} for word, explanations in found for one in explanations],
            **({"plot": str(picture)} if picture else {}),
        }
    )
    blocks = ["\n".join(_lines(one)) for _, explanations in found for one in explanations]
    console.result("\n\n".join([*blocks, *([f"its curve is drawn in {picture}"] if picture else [])]))


def _own_catalog(config: Path | None) -> Catalog | None:
    """The catalog with the components of a config's own code; None without a config."""
    if config is None:
        return None
    from dltrain.config.load import load_own_catalog

    return load_own_catalog(config)


def _draw(words: list[str], picture: Path, *, force: bool) -> Path:
    """Draw an activation, or the layer where the word is spelled as its class: LeakyReLU and leaky_relu bend otherwise."""
    from dltrain.config.catalog.catalog import load_catalog
    from dltrain.config.types import Component
    from dltrain.storage.outputs import check_picture

    catalog = load_catalog()
    name = catalog.find_activation(words[0]) if len(words) == 1 else None
    if name is None:
        raise UsageError("--plot draws one activation", hint="dltrain explain relu --plot relu.png")
    picture = check_picture(picture, force=force)
    from dltrain.evaluation.drawing.history import plot_activation
    from dltrain.model.numbers.activations import activation_of_layer, find_activation

    layer = catalog.find("layer", words[0])
    of_layer = activation_of_layer(Component("layer", layer.name)) if layer is not None and layer.name == words[0] else None
    found = of_layer or find_activation(name)
    if found is None and name == "threshold":
        raise UsageError("what threshold makes of a number depends on its arguments, which have no default")
    if found is None or found.slope is None:
        raise UsageError(f"{name} is no function of one number: what a unit says depends on the others")
    options = ", ".join(f"{key} {value:g}" for key, value in found.options.items())
    label = words[0] if of_layer else name
    plot_activation(f"{label} ({options})" if options else label, found.value, found.slope, picture)
    return picture


def _lines(explanation: Explanation) -> Iterator[str]:
    if explanation.kind != "config":
        yield _heading(explanation)
    yield from _wrapped(explanation.description, 2)
    if explanation.type:
        yield from _wrapped(f"takes {explanation.type}{_default(explanation)}", 2)
    if explanation.other_names:
        yield from _wrapped(f"also written {', '.join(explanation.other_names)}", 2)
    if explanation.parts:
        yield ""
        for part in explanation.parts:
            yield from _wrapped(f"{part.name}: {part.type}{_default(part)}", 2, 6)
            yield from _wrapped(part.description, 6)
    if explanation.names:
        yield ""
        yield from _wrapped(", ".join(explanation.names), 2)
    if explanation.example:
        yield "  for example"
        yield from textwrap.indent(explanation.example.rstrip("\n"), "    ").splitlines()


def _heading(explanation: Explanation) -> str:
    if explanation.kind == "kind":
        return explanation.name
    kind = "a source of data" if explanation.kind == "source" else explanation.kind
    kind = kind if kind.startswith("a ") else f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"
    if explanation.owners:
        more = len(explanation.owners) - _MOST_OWNERS
        owners = ", ".join(explanation.owners[:_MOST_OWNERS]) + (f" and {more} more" if more > 0 else "")
        kind += f" of {owners}"
    return f"{explanation.name}: {kind}"


def _default(thing: Explanation | Part) -> str:
    if thing.required:
        return " (required)"
    if thing.default is None or thing.default in ([], {}):
        return ""
    return f" (default {_plain(thing.default)})"


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _wrapped(text: str, indent: int, hanging: int | None = None) -> list[str]:
    width = min(shutil.get_terminal_size((_WIDEST, 24)).columns, _WIDEST)
    blanks = " " * indent
    return textwrap.wrap(
        text,
        max(width, 40),
        initial_indent=blanks,
        subsequent_indent=blanks if hanging is None else " " * hanging,
        break_long_words=False,
        break_on_hyphens=False,
    )
