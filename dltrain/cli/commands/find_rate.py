"""`dltrain find-rate CONFIG`: a learning rate from one short run in which it rises."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

from dltrain.cli.console import Console
from dltrain.cli.options import ConfigArgument, TrustCodeOption
from dltrain.cli.paths import refuse_other_than_one
from dltrain.cli.typer_import import typer

RATE = "training.optimizer.learning_rate"


def command(
    context: typer.Context,
    words: ConfigArgument = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="PICTURE", help="Draw the loss over the rates (PNG).")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace PICTURE if it exists.")] = False,
    trust_code: TrustCodeOption = False,
) -> int:
    """Suggest a learning rate: a model of CONFIG is trained for a moment with a rate that rises, and thrown away.

    The suggestion is the rate at which the loss falls fastest. It is a function of the config and its seed; no run is written.

    \b
    dltrain find-rate CONFIG -o rates.png
    """
    from dltrain.config import load_config, split_words
    from dltrain.storage.outputs import check_picture
    from dltrain.training.finding.rate import find_rate

    console: Console = context.obj
    files, overrides = split_words(words or [])
    refuse_other_than_one(files, "dltrain find-rate CONFIG [KEY=VALUE]...")
    picture = None if output is None else check_picture(output, force=force)
    config = load_config(files[0], overrides)
    console.faults(config.warnings)
    result = find_rate(config, threads=console.settings.threads, reporter=console)
    if picture is not None:
        from dltrain.evaluation.drawing.history import plot_rates

        plot_rates(result.rates[: len(result.smoothed)], result.smoothed, result.rate, picture)
    console.document(
        {
            "status": "finished",
            "learning_rate": result.rate,
            "reason": result.reason,
            "diverged": result.diverged,
            "rates": result.rates,
            "losses": [loss if loss - loss == 0 else None for loss in result.losses],
            "smoothed": result.smoothed,
            "picture": None if output is None else str(output),
        }
    )
    lines = [f"learning rate: {'no suggestion' if result.rate is None else f'{result.rate:g}'}", result.reason]
    lines += [f"picture: {output}"] if output is not None else []
    if result.rate is not None:
        mine = [word for word in overrides if not word.startswith(f"{RATE}=")]
        lines.append(f"next: dltrain fit {shlex.join([files[0], *mine])} {RATE}={result.rate:g}")
    console.result("\n".join(lines))
    return 0
