"""`dltrain evaluate RUN`: metrics of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from dltrain.cli.console import Console
from dltrain.cli.options import (
    PART_NAMES,
    BestTrialsOption,
    DataOption,
    ImagesOption,
    MoreDataArgument,
    RequireOption,
    RunArgument,
    RunsOption,
    SkipBrokenOption,
    TrustCodeOption,
    WeightsOption,
    gates_of,
)
from dltrain.cli.typer_import import typer
from dltrain.storage.values import attributes
from dltrain.wording import one_line

if TYPE_CHECKING:
    from dltrain.evaluation.against import Against
    from dltrain.evaluation.evaluate import EvaluateResult
    from dltrain.evaluation.importance.occlusion import Occlusions
    from dltrain.evaluation.importance.permutation import Importances
    from dltrain.evaluation.slices import Slice


PartOption = Annotated[
    str | None,
    typer.Option(
        click_type=PART_NAMES, help="Part of the run's data; if not given, the first there is of test, validation, train."
    ),
]
AllowChangedOption = Annotated[
    bool, typer.Option("--allow-changed", help="Evaluate although the data is not what the run was trained on.")
]
ByOption = Annotated[
    list[str] | None,
    typer.Option(
        "--by",
        metavar="COLUMN",
        help="Metrics by the values of a column, of numbers and dates by spans; worst first (repeatable).",
    ),
]
ImportanceOption = Annotated[
    bool,
    typer.Option(
        "--importance",
        help="What each column or word is worth: how much worse the metric gets without it; of pictures, which places.",
    ),
]
ImportanceMetricOption = Annotated[
    str | None, typer.Option("--importance-metric", metavar="METRIC", help="By which; log_loss or rmse if not given.")
]
RepeatsOption = Annotated[int, typer.Option("--repeats", min=1, help="How often each column is dealt out for --importance.")]
AgainstOption = Annotated[
    str | None,
    typer.Option(
        "--against",
        metavar="OLD",
        help="Compare with an older model on the same rows: a run, a sweep (its best) or a file of predictions; "
        "--require 'accuracy>=old-0.005', 'log_loss<=old @95%'.",
    ),
]
ThresholdOption = Annotated[
    float | None,
    typer.Option(
        "--threshold",
        metavar="P",
        help="Of two classes, the second from this probability on, in place of the run's own threshold.",
    ),
]
NoRequireOption = Annotated[bool, typer.Option("--no-require", help="Leave out the gates of the run's own config.")]


def command(
    context: typer.Context,
    run: RunArgument,
    more_data: MoreDataArgument = None,
    data: DataOption = None,
    part: PartOption = None,
    weights: WeightsOption = None,
    trials: BestTrialsOption = None,
    allow_changed: AllowChangedOption = False,
    skip_broken: SkipBrokenOption = False,
    images: ImagesOption = None,
    runs: RunsOption = Path("runs"),
    require: RequireOption = None,
    by: ByOption = None,
    importance: ImportanceOption = False,
    importance_metric: ImportanceMetricOption = None,
    repeats: RepeatsOption = 5,
    against: AgainstOption = None,
    threshold: ThresholdOption = None,
    no_require: NoRequireOption = False,
    trust_code: TrustCodeOption = False,
) -> int:
    """Print the metrics of RUN on its test part, on another part, or on other data, beside the baseline.

    RUN is a path, `latest`, or the beginning of a run's name. Where the run's own data was moved, `data.path=FILE` says where to.
    """
    from dltrain.cli.paths import data_words
    from dltrain.config import split_words
    from dltrain.model.keras_import import open_libraries_beside
    from dltrain.storage.run_list import find_run

    console: Console = context.obj
    words, overrides = split_words(more_data or ()) if not data else (more_data, [])
    paths = data_words(data, words)
    gates = gates_of(require, may_compare=against is not None)
    options: dict[str, Any] = {"data": paths, "part": part, "weights": weights, "trials": trials, "images": tuple(images or ())}
    options |= {"threshold": threshold, "require": gates, "own_gates": not no_require, "allow_changed": allow_changed}
    options |= {"skip_broken": skip_broken, "overrides": overrides, "threads": console.settings.threads, "reporter": console}
    path, compared = find_run(run, runs), None
    open_libraries_beside("dltrain.evaluation.evaluate", "dltrain.evaluation.importance.weigh")
    from dltrain.evaluation.drawing.of_evaluation import draw_evaluation
    from dltrain.evaluation.evaluate import evaluate
    from dltrain.evaluation.importance.weigh import weigh
    from dltrain.evaluation.slices import cut_result

    if against is None:
        result = evaluate(path, **options)
    else:
        from dltrain.evaluation.against import evaluate_against, find_old

        result, compared = evaluate_against(path, find_old(against, runs), **options)
    slices = cut_result(result, tuple(by or ()), own_gates=not no_require)
    worth = weigh(result, importance_metric, repeats) if importance or importance_metric else None
    # What is kept with the run is what its own model says of its own rows, with its own threshold.
    is_own = not (weights or paths or part or trials or threshold is not None or overrides or allow_changed or images)
    found = _Found(result, compared, slices, worth, draw_evaluation(result, worth, console, is_default=is_own))
    if is_own:
        _keep(console, found)
    return _show(console, found)


@dataclass(frozen=True, slots=True)
class _Found:
    """What is printed."""

    result: EvaluateResult
    compared: Against | None
    slices: list[Slice]
    worth: Importances | Occlusions | None
    pictures: list[str]

    @property
    def notes(self) -> list[str]:
        """Sentences for the user."""
        return [*self.result.notes, *(self.compared.notes if self.compared else ())]


def _keep(console: Console, found: _Found) -> None:
    from dltrain.evaluation.findings import keep_findings
    from dltrain.evaluation.importance.permutation import Importances

    worth = found.worth if isinstance(found.worth, Importances) else None
    keep_findings(found.result.run, worth, found.slices, console)


def _show(console: Console, found: _Found) -> int:
    from dltrain.cli.results import show_outcome, unmet_faults

    return show_outcome(console, unmet_faults(found.result.gates), _document(found), _text(found, console.width))


def _document(found: _Found) -> dict[str, Any]:
    """What `--json` prints."""
    from dltrain.cli.results import gate_documents

    result = found.result
    return {
        "run": str(result.run),
        **attributes(result, "part", "weights", "metrics", "baseline", "intervals"),
        "intervals_of": result.units,
        **({"members": result.members} if result.members else {}),
        "report": result.report,
        "gates": gate_documents(result.gates),
        "pictures": found.pictures,
        "notes": found.notes,
        **({"slices": [one.document() for one in found.slices]} if found.slices else {}),
        **({"importance": found.worth.document()} if found.worth else {}),
        **({"against": found.compared.document()} if found.compared else {}),
    }


def _text(found: _Found, width: int | None) -> str:
    """What a reader is told, block by block."""
    from dltrain.cli.against_text import against_table
    from dltrain.cli.importance_text import importance_text
    from dltrain.cli.results import answers_lines, gate_lines, members_lines, metrics_table, report_text
    from dltrain.cli.slices_text import slices_text

    result = found.result
    blocks = [
        f"{result.run}: {result.part}, {result.weights} weights",
        *report_text(result.report, width),
        metrics_table({result.part: result.metrics}, result.baseline, result.report, width, result.intervals),
        _calibration_line(result.report),
        "\n".join(answers_lines(result.report)),
        *slices_text(found.slices, width),
        importance_text(found.worth, width) if found.worth else "",
        against_table(found.compared.paired, width) if found.compared else "",
        "\n".join(members_lines({result.part: result.members})),
        "\n".join(map(one_line, found.notes)),
        "\n".join(gate_lines(result.gates)),
        f"pictures in {result.run}: {', '.join(found.pictures)}" if found.pictures else "",
    ]
    return "\n\n".join(block for block in blocks if block)


def _calibration_line(report: Mapping[str, Any]) -> str:
    """How well probabilities are calibrated, of a single target of classes; empty of others."""
    from dltrain.cli.text import format_number

    found = report.get("calibration")
    if not isinstance(found, Mapping):
        return ""
    return (
        f"calibration: expected calibration error {format_number(found['ece'])}, Brier score {format_number(found['brier'])}"
        " (gates: ece, brier)"
    )
