"""`dltrain trace CONFIG|RUN`: one step by hand."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import click

from dltrain.cli.console import Console
from dltrain.cli.options import SHOWN, RunsOption, TrustCodeOption
from dltrain.cli.paths import refuse_other_than_one
from dltrain.cli.typer_import import typer
from dltrain.errors import UsageError
from dltrain.wording import one_line

if TYPE_CHECKING:
    from dltrain.config.types import Config
    from dltrain.evaluation.tracing.trace import Trace


WordsArgument = Annotated[list[str] | None, typer.Argument(metavar="CONFIG|RUN [KEY=VALUE]...", hidden=True)]
InputsOption = Annotated[
    list[str] | None, typer.Option("--input", metavar="NUMBERS", help="A row for the net, such as '-1, 2' (repeatable).")
]
TargetsOption = Annotated[
    list[str] | None, typer.Option("--target", metavar="VALUE", help="What should come out for it (repeatable).")
]
RowOption = Annotated[
    list[int] | None, typer.Option("--row", metavar="N", min=0, help="A row of the data, counted from 0 (repeatable).")
]
RowsOption = Annotated[str | None, typer.Option("--rows", metavar="FIRST:END", help="Rows of the data, END left out.")]
StepsOption = Annotated[
    int | None, typer.Option("--steps", metavar="N", min=1, max=100_000, help="N steps of the optimizer on these rows.")
]
PlotOption = Annotated[
    Path | None,
    typer.Option(
        "--plot", metavar="FILE", help="Draw the loss over the --steps, or what RUN says over the plane of its two columns (PNG)."
    ),
]
FeaturesOption = Annotated[
    str | None, typer.Option("--features", metavar="IMAGE", help="Draw what a layer of RUN makes of a picture, with --plot FILE.")
]
LayerOption = Annotated[
    str | None, typer.Option("--layer", metavar="NAME", help="Whose maps --features draws; if not given, the first's.")
]
UnitsOption = Annotated[
    int, typer.Option("--units", metavar="N", min=1, help="How many units and inputs of a layer are written out.")
]
WeightsOption = Annotated[
    str | None,
    typer.Option(
        click_type=click.Choice(["best", "last", SHOWN]),
        metavar="[best|last]",
        help="Which weights of RUN; with nothing to compute, these are written out themselves.",
    ),
]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace the picture of --plot if it exists.")]


def command(
    context: typer.Context,
    words: WordsArgument = None,
    inputs: InputsOption = None,
    targets: TargetsOption = None,
    row: RowOption = None,
    rows: RowsOption = None,
    steps: StepsOption = None,
    plot: PlotOption = None,
    features: FeaturesOption = None,
    layer: LayerOption = None,
    units: UnitsOption = 3,
    weights: WeightsOption = None,
    force: ForceOption = False,
    runs: RunsOption = Path("runs"),
    trust_code: TrustCodeOption = False,
) -> int:
    """Write out what a net computes for a row: every sum, activation, the loss, the gradients, one step of the optimizer.

    The weights are those given in CONFIG, else those that `fit` would begin with; or those of RUN. `trace RUN --weights` writes
    these out: names, shapes, numbers. `trace RUN --features IMAGE --plot FILE` draws the feature maps of a layer.
    KEY=VALUE overrides one value of the config.
    """
    from dltrain.evaluation.tracing.trace import trace
    from dltrain.storage.outputs import check_picture

    console: Console = context.obj
    if plot is not None:
        plot = check_picture(plot, force=force)
    with_weights = weights is not None
    wanted = [*(row or ()), *(_range(rows) if rows else ())]
    subject = _subject(words or [], list(inputs or ()), runs)
    run = subject if isinstance(subject, Path) else None
    weights = None if weights == SHOWN else weights
    if features is not None or layer is not None:
        _draw_features(console, run, features, layer, plot, weights)
        return 0
    if plot is not None and steps is None:
        _draw_boundary(console, None if inputs or wanted else run, plot, weights)
        return 0
    if run is not None and with_weights and not inputs and not wanted:
        _write_weights(console, run, weights)
        return 0
    result = trace(
        subject if isinstance(subject, Path) else _checked(console, subject),
        inputs=list(inputs or ()),
        targets=list(targets or ()),
        rows=wanted,
        steps=steps,
        weights=weights,
        reporter=console,
    )
    _show(console, result, units, plot)
    return 0


def _show(console: Console, result: Trace, units: int, picture: Path | None) -> None:
    from dltrain.cli.tracing.document import trace_document
    from dltrain.cli.tracing.report import report
    from dltrain.evaluation.drawing.history import plot_steps

    document = trace_document(result)
    if picture is not None:
        plot_steps(result.losses, picture, title=f"{result.optimizer.name if result.optimizer else ''}: loss over the steps")
        document["plot"] = str(picture)
    console.document(document)
    console.result(report(result, units))
    if picture is not None:
        console.result(f"\nthe loss over the steps is drawn in {one_line(str(picture))}")


def _draw_boundary(console: Console, run: Path | None, picture: Path, weights: str | None) -> None:
    if run is None:
        message = "--plot draws the loss over several steps, or a run of two columns"
        raise UsageError(message, hint="say how many with --steps")
    from dltrain.evaluation.drawing.boundary import plot_boundary

    plot_boundary(run, picture, weights=weights, reporter=console)
    console.goes_on = True
    console.document({"status": "finished", "run": str(run), "plot": str(picture)})
    console.result(f"what the model says of each place is drawn in {one_line(str(picture))}")


def _draw_features(
    console: Console, run: Path | None, image: str | None, layer: str | None, picture: Path | None, weights: str | None
) -> None:
    if image is None or picture is None or run is None:
        hint = "dltrain trace RUN --features IMAGE --layer NAME --plot FILE"
        raise UsageError("feature maps need a run, a picture and a file to draw into", hint=hint)
    from dltrain.evaluation.feature_maps import plot_feature_maps

    maps = plot_feature_maps(run, image, picture, layer=layer, weights=weights, reporter=console)
    console.goes_on = True
    height, width, count = maps.values.shape
    document = {"layer": maps.layer, "shape": [height, width, count], "drawn": maps.num_drawn, "plot": str(picture)}
    console.document({"status": "finished", "run": str(run), **document})
    what = f"{maps.num_drawn} of the {count} maps" if maps.num_drawn < count else f"the {count} maps"
    console.result(f"{what} of {maps.layer}, {height}×{width} each, are drawn in {one_line(str(picture))}")


def _write_weights(console: Console, run: Path, weights: str | None) -> None:
    from dltrain.cli.weights_text import weights_document, weights_text
    from dltrain.evaluation.run_weights import weights_of

    which, found = weights_of(run, weights=weights, threads=console.settings.threads, reporter=console)
    console.document(weights_document(run, which, found))
    console.result(weights_text(run, which, found))


def _subject(words: list[str], inputs: list[str], runs: Path) -> Config | Path:
    """The config or the run that the words name."""
    from dataclasses import replace

    from dltrain.config import load_config, split_words
    from dltrain.config.types import NO_DATA
    from dltrain.model.given import with_input_length
    from dltrain.storage.run_list import find_run

    files, overrides = split_words(words)
    refuse_other_than_one(files, "dltrain trace CONFIG --input '1, 2'", "config or run")
    if not os.path.isfile(files[0]) and not files[0].endswith((".yaml", ".yml")):
        if overrides:
            raise UsageError("a run's values cannot be overridden", hint=f"trace its config: {files[0]}/config.yaml")
        return find_run(files[0], runs)
    config = load_config(files[0], overrides)
    if config.data.source == NO_DATA and inputs:
        config = replace(config, model=with_input_length(config.model, inputs[0].count(",") + 1))
    return config


def _checked(console: Console, config: Config) -> Config:
    """The config with its data as the model needs it, if it has no faults."""
    from dataclasses import replace

    from dltrain.checking.check import check_config, raise_for_errors
    from dltrain.data.request import data_for_model

    console.faults(config.warnings)
    console.faults(raise_for_errors(check_config(config)).warnings)
    return replace(config, data=data_for_model(config.data, config.model))


def _range(text: str) -> range:
    first, colon, end = text.partition(":")
    try:
        found = range(int(first or 0), int(end)) if colon else range(int(first))
    except ValueError:
        found = range(0)
    if not found or found.start < 0:
        raise UsageError(f"expected rows such as 0:20, found {text!r}", hint="the first, and the one after the last")
    return found
