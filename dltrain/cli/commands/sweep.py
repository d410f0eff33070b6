"""`dltrain sweep CONFIG`: many fits over values of any key."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import click

from dltrain.cli.console import Console
from dltrain.cli.options import (
    AddressOption,
    AllowLargeOption,
    AllowOneClassOption,
    ConfigArgument,
    RequireOption,
    RunDirOption,
    RunsOption,
    TrustCodeOption,
    allowed,
    refuse_both_folders,
)
from dltrain.cli.paths import refuse_other_than_one
from dltrain.cli.typer_import import typer
from dltrain.errors import Fault, GateError, TrialsCrashedError, UsageError
from dltrain.storage.values import attributes
from dltrain.wording import counted, one_line, percent

if TYPE_CHECKING:
    from dltrain.config.types import Config
    from dltrain.sweep.sweep import SweepResult

_MOST_ROWS = 40


OverOption = Annotated[
    list[str] | None,
    typer.Option("--over", metavar="KEY=A,B,C", help="Vary this key, or parameter, instead of the block's (repeatable)."),
]
TrialsOption = Annotated[int | None, typer.Option("--trials", min=1, metavar="N", help="At most so many trials.")]
JobsOption = Annotated[int | None, typer.Option("--jobs", min=1, metavar="N", help="Fits at a time; if not given, one per core.")]
StrategyOption = Annotated[
    str | None, typer.Option(click_type=click.Choice(["grid", "random", "tpe", "capacity"]), help="How trials are chosen.")
]
MetricOption = Annotated[str | None, typer.Option("--metric", metavar="NAME", help="Compare trials by this metric.")]
EngineOption = Annotated[
    str | None, typer.Option(click_type=click.Choice(["auto", "stacked", "processes", "ray"]), help="What runs the fits.")
]
GpusOption = Annotated[
    float | None,
    typer.Option("--gpus-per-trial", min=0, metavar="SHARE", help="With --engine ray: cards that each fit takes, such as 0.25."),
]
ResumeOption = Annotated[str | None, typer.Option("--resume", metavar="SWEEP", help="Go on with an interrupted sweep.")]
RetryOption = Annotated[
    str | None,
    typer.Option(
        click_type=click.Choice(["crashed", "failed"]),
        help="With --resume: run fits that crashed once more; those that were killed or met a full disk always are.",
    ),
]


def command(
    context: typer.Context,
    words: ConfigArgument = None,
    over: OverOption = None,
    trials: TrialsOption = None,
    jobs: JobsOption = None,
    strategy: StrategyOption = None,
    metric: MetricOption = None,
    engine: EngineOption = None,
    address: AddressOption = None,
    gpus_per_trial: GpusOption = None,
    resume: ResumeOption = None,
    retry: RetryOption = None,
    run_dir: RunDirOption = None,
    runs: RunsOption = Path("runs"),
    allow_large: AllowLargeOption = False,
    allow_one_class: AllowOneClassOption = False,
    require: RequireOption = None,
    trust_code: TrustCodeOption = False,
) -> int:
    """Fit the model of CONFIG once for each trial, and compare the trials.

    What is varied stands in the config's `sweep:` block or in --over; without either it is the learning rate, from 1e-4 to 1e-1.
    Each trial has a run directory of its own; best.yaml is a config that `dltrain fit` runs.

    \b
    dltrain sweep CONFIG --over training.optimizer.learning_rate=1e-3,1e-2 --over droprate=0.0,0.2,0.5
    dltrain sweep CONFIG --over 'training.optimizer.learning_rate={low: 1e-4, high: 1e-1, log: true}' --strategy tpe --trials 40
    dltrain sweep --resume SWEEP --trials 60 --retry crashed
    """
    from dltrain.model.keras_import import open_libraries_beside

    console: Console = context.obj
    refuse_both_folders(context, run_dir, "sweep")
    resumed = _resumed(resume, run_dir, runs, retries=retry is not None)
    given = [*(words or ()), *allowed(large=allow_large, one_class=allow_one_class)]
    config = _config_of(given, over or (), must_be=bool(words) or resume is None)
    open_libraries_beside("dltrain.sweep.sweep")
    from dltrain.sweep.sweep import sweep

    result = sweep(
        config,
        over=tuple(over or ()),
        strategy=strategy,
        trials=trials,
        metric=metric,
        jobs=jobs,
        engine=engine,
        address=address,
        gpus_per_trial=gpus_per_trial,
        argv=sys.argv,
        runs=runs,
        run_dir=run_dir,
        resume=resumed,
        retry_failed=retry is not None,
        require=tuple(require or ()),
        threads=console.settings.threads,
        reporter=console,
    )
    return _show(console, result)


def _resumed(resume: str | None, run_dir: Path | None, runs: Path, *, retries: bool) -> Path | None:
    """The sweep to go on with, if there is one."""
    from dltrain.storage.run_list import find_run

    if resume is None and retries:
        raise UsageError("--retry needs --resume", hint="dltrain sweep --resume SWEEP --retry crashed")
    if resume is None:
        return None
    if run_dir is not None:
        raise UsageError("--resume SWEEP already names the directory", hint="leave out --run-dir")
    return find_run(resume, runs)


def _config_of(words: Sequence[str], over: Sequence[str], *, must_be: bool) -> Config | None:
    """The config that the words name, with their overrides; None: none is named, of a sweep that goes on."""
    from dltrain.config import load_config, split_words

    torn = next((word for word in over if "=" not in word), None)
    if torn is not None:
        raise UsageError(f'expected KEY=VALUE,VALUE after --over, found "{torn}"', hint=f"--over {torn}=VALUE,VALUE")
    files, overrides = split_words(words)
    if must_be:
        refuse_other_than_one(files, "dltrain sweep CONFIG [KEY=VALUE]...", command="dltrain sweep")
    # A config that lacks what the varied files bring is whole with the first of them.
    first = next((match[1] for word in over if (match := re.match(r"extends=\s*([^,\[{]+)", word))), None)
    return load_config(files[0], [*overrides, *([f"extends={first.strip()}"] if first else ())]) if files else None


def _show(console: Console, result: SweepResult) -> int:
    from dltrain.cli.results import gate_documents, gate_lines, show_outcome, unmet_faults
    from dltrain.cli.text import format_seconds

    faults, code = unmet_faults(result.gates), GateError.exit_code
    if result.num_crashed:
        code = TrialsCrashedError.exit_code
        first = next(trial for trial in result.trials if trial["status"] == "failed")
        many = f"{result.num_crashed} of {len(result.trials)} trials crashed"
        message = f"{many}; trial {first['number']}: {first.get('error', '')}"
        faults = [
            Fault(
                message, hint=f"its log is in {first['run']}; `dltrain sweep --resume {result.run} --retry crashed` tries again"
            ),
            *faults,
        ]
    document = {
        "run": str(result.run),
        **attributes(result, "metric", "mode", "asked_metric", "trials", "best", "comparison", "importance"),
        "gates": gate_documents(result.gates),
        **attributes(result, "seconds", "notes", "files"),
    }
    importance = ", ".join(f"{name} {percent(share, 0)}" for name, share in result.importance.items())
    spread = ""
    if result.best and result.best.get("spreads"):
        spread = _spread_table(result.best)
    blocks = [
        trials_table(result.trials, result.metric, result.best, console.width, asked=result.asked_metric),
        spread,
        f"importance: {importance}" if importance else "",
        "\n".join(map(one_line, result.notes)),
        "\n".join(gate_lines(result.gates)),
        "\n".join(
            [
                f"{counted(len(result.trials), 'trial')} in {format_seconds(result.seconds)}",
                f"sweep: {result.run}" + (f" ({', '.join(result.files)})" if result.files else ""),
                *([f"next: dltrain fit {result.run}/best.yaml"] if "best.yaml" in result.files else []),
            ]
        ),
    ]
    return show_outcome(console, faults, document, "\n\n".join(block for block in blocks if block), code)


def trials_table(
    trials: list[dict[str, object]],
    metric: str,
    best: dict[str, object] | None,
    width: int | None = None,
    *,
    asked: str | None = None,
) -> str:
    """A row for each trial: its values, status, epoch, the compared metric and the one that was asked for; the best is marked."""
    from dltrain.cli.text import format_number, table
    from dltrain.sweep.asked import value_on_compared_part
    from dltrain.sweep.space import short_names, show_value

    names = list(dict.fromkeys(name for trial in trials for name in _parameters(trial)))
    short = short_names(names)
    has_spread = any(trial.get("spread") is not None for trial in trials)
    rows = []
    for trial in trials[:_MOST_ROWS]:
        values = _parameters(trial)
        mark = "best" if best and trial["number"] == best["number"] else ""
        cells = [str(trial["number"]), *(show_value(values[name]) if name in values else "-" for name in names)]
        cells += [str(trial["status"]), _epochs(trial), format_number(trial["value"])]
        cells += [format_number(value_on_compared_part(trial["metrics"], asked))] if asked else []
        cells += [format_number(trial.get("spread"))] if has_spread else []
        rows.append([*cells, mark])
    heads = [
        "trial",
        *(short[name] for name in names),
        "status",
        "epoch",
        metric,
        *([asked] if asked else []),
        *(["spread"] if has_spread else []),
        "",
    ]
    text = table(heads, rows, left=1, left_after=len(heads) - 1, width=width)
    left = len(trials) - len(rows)
    return f"{text}\n{left} more in trials.csv" if left > 0 else text


def _epochs(trial: dict[str, object]) -> str:
    """At whose end the trial's fit, or each of its fits, was at its best."""
    from dltrain.sweep.trials import epochs_text

    found = trial.get("fits")
    fits: list[dict[str, Any]] = found if isinstance(found, list) else [trial]
    return epochs_text(fit.get("epoch") for fit in fits) or "-"


def _parameters(trial: dict[str, object]) -> dict[str, object]:
    values = trial["parameters"]
    return values if isinstance(values, dict) else {}


def _spread_table(best: dict[str, object]) -> str:
    """Mean and spread of each metric of the best trial over its fits."""
    from dltrain.cli.text import format_number, table

    metrics, spreads = best["metrics"], best["spreads"]
    assert isinstance(metrics, dict)
    assert isinstance(spreads, dict)
    baseline = best.get("baseline")
    known = baseline if isinstance(baseline, dict) else {}
    rows = [
        [
            f"{part} {name}",
            format_number(value),
            format_number(spreads.get(part, {}).get(name)),
            format_number(known.get(part, {}).get(name)),
        ]
        for part, values in metrics.items()
        for name, value in values.items()
        if part != "train"
    ]
    fits = best.get("fits")
    count = len(fits) if isinstance(fits, list) else 0
    return table([f"over {count} fits", "mean", "spread", "baseline"], rows)
