"""`dltrain export RUN`: one file with the preprocessing inside."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import click

from dltrain.cli.console import Console
from dltrain.cli.options import RunArgument, RunsOption, TrustCodeOption, WeightsOption
from dltrain.cli.text import format_bytes
from dltrain.cli.typer_import import typer
from dltrain.storage.values import attributes
from dltrain.wording import one_line

_MOST_SHOWN = 8


FormOption = Annotated[
    str | None,
    typer.Option(
        "--format",
        click_type=click.Choice(["keras", "saved_model", "onnx", "tflite"]),
        help="If not given, by FILE's suffix, else keras.",
    ),
]
OutputOption = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="If not given, the run's name with the format's suffix.")
]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace an export that is there.")]
TopOption = Annotated[int | None, typer.Option("--top", metavar="K", min=1, help="Of a sweep: the average of its K best trials.")]


def command(
    context: typer.Context,
    run: RunArgument,
    form: FormOption = None,
    output: OutputOption = None,
    force: ForceOption = False,
    weights: WeightsOption = None,
    top: TopOption = None,
    runs: RunsOption = Path("runs"),
    trust_code: TrustCodeOption = False,
) -> int:
    """Write a run as one file with its preprocessing inside: raw columns or pictures in, labels and probabilities or numbers out.

    RUN is a path, `latest`, or the beginning of a run's name. keras opens with plain `keras.models.load_model`, saved_model
    (a folder) with `tf.saved_model.load`, onnx with ONNX Runtime, tflite with TensorFlow Lite.
    """
    from dltrain.model.keras_import import open_libraries_beside
    from dltrain.storage.run_list import find_run

    console: Console = context.obj
    path = find_run(run, runs)
    open_libraries_beside("dltrain.evaluation.export")
    from dltrain.evaluation.export import export

    result = export(
        path,
        format=form,
        destination=output,
        force=force,
        weights=weights,
        top=top,
        threads=console.settings.threads,
        reporter=console,
    )
    for note in result.notes:
        console.warning(note)
    console.document(
        {
            "status": "finished",
            "run": str(result.run),
            "file": str(result.path),
            **attributes(result, "format", "inputs", "outputs"),
            "bytes": result.num_bytes,
            "compared": {"rows": result.num_rows, "largest_difference": result.difference},
            "notes": result.notes,
        }
    )
    lines = [f"{one_line(str(result.path))}: {result.format}, {format_bytes(result.num_bytes)}, from {one_line(str(result.run))}"]
    lines += _ports("in", result.inputs) + _ports("out", result.outputs)
    if result.num_rows:
        lines.append(f"answers as the run does on {result.num_rows} made-up rows (largest difference {result.difference:.1g})")
    console.result("\n".join([*lines, "", *(f"    {line}" for line in result.usage)]))
    return 0


def _ports(way: str, ports: list[dict[str, object]]) -> list[str]:
    lines = []
    for port in ports[:_MOST_SHOWN]:
        labels = port.get("labels")
        of = f": {one_line(', '.join(map(str, labels)), 60)}" if isinstance(labels, list) else ""
        shape = port["shape"]
        assert isinstance(shape, list)
        extents = "x".join("any" if extent is None else str(extent) for extent in shape[1:])
        name = one_line(str(port["name"]))
        lines.append(f"  {way}  {name}  {port['dtype']}{f' {extents}' if extents else ''}  {port['meaning']}{of}")
    return [*lines, *([f"  {way}  ... {len(ports) - _MOST_SHOWN} more (--json names all)"] if len(ports) > _MOST_SHOWN else [])]
