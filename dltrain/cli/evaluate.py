"""`dltrain evaluate RUN`: metrics of a run."""

from __future__ import annotations

from pathlib import Path

import click

from dltrain.cli.console import Console
from dltrain.cli.options import common_options, require_option, runs_option
from dltrain.errors import GateError


@click.command("evaluate", short_help="Metrics of a run.")
@click.argument("run")
@click.argument("more_data", nargs=-1, metavar="")
@click.option("--data", multiple=True, metavar="PATH", help="Files, folders or patterns of other data (repeatable).")
@click.option("--part", type=click.Choice(["train", "validation", "test"]), help="Part of the run's data; if not given, test.")
@click.option("--weights", type=click.Choice(["best", "last"]), help="Which weights; if not given, the run's model.")
@click.option("--allow-changed", is_flag=True, help="Evaluate although the data is not what the run was trained on.")
@runs_option
@require_option
@common_options
@click.pass_obj
def command(
    console: Console,
    run: str,
    more_data: tuple[str, ...],
    data: tuple[str, ...],
    part: str | None,
    weights: str | None,
    allow_changed: bool,
    runs: Path,
    require: tuple[str, ...],
) -> int:
    """Print the metrics of RUN on its test part, on another part, or on other data, beside the baseline.

    RUN is a path, `latest`, or the beginning of a run's name.
    """
    from dltrain.cli.faults import fault_documents
    from dltrain.cli.paths import data_words
    from dltrain.cli.results import gate_documents, gate_lines, metrics_table, report_text, unmet_faults
    from dltrain.evaluation.evaluate import evaluate
    from dltrain.evaluation.gates import parse_gates
    from dltrain.runs import find_run

    data = data_words(data, more_data)
    parse_gates(require)
    result = evaluate(
        find_run(run, runs),
        data=data,
        part=part,
        weights=weights,
        require=require,
        allow_changed=allow_changed,
        threads=console.settings.threads,
        reporter=console,
    )
    unmet = unmet_faults(result.gates)
    code = GateError.exit_code if unmet else 0
    console.document(
        {
            "status": "gates_failed" if unmet else "finished",
            **({"exit": code, "errors": fault_documents(unmet)} if unmet else {}),
            "run": str(result.run),
            "part": result.part,
            "weights": result.weights,
            "metrics": result.metrics,
            "baseline": result.baseline,
            "report": result.report,
            "gates": gate_documents(result.gates),
            "notes": list(result.notes),
        }
    )
    blocks = [
        f"{result.run}: {result.part}, {result.weights} weights",
        metrics_table({result.part: result.metrics}, result.baseline),
        *report_text(result.report),
        "\n".join(result.notes),
        "\n".join(gate_lines(result.gates)),
    ]
    console.result("\n\n".join(block for block in blocks if block))
    console.faults(unmet)
    return code
