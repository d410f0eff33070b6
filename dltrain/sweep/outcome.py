"""The results of a sweep when all trials have ended: the best config, importances, pictures, out-of-fold predictions."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dltrain.checking.check import check_with_facts
from dltrain.config import dump_yaml, load_config, load_config_text
from dltrain.config.catalog.loss_meaning import PENALTIES, is_loss, penalties
from dltrain.config.catalog.metrics import split_part
from dltrain.config.types import Config
from dltrain.errors import ConfigError, RunError
from dltrain.evaluation.drawing.figure import draw_or_warn
from dltrain.evaluation.predictions.held_out import join_held_out
from dltrain.processes.helper import HelperProcess
from dltrain.reporting import Reporter
from dltrain.storage.atomic import write_atomically
from dltrain.storage.run import Run
from dltrain.sweep.checks import read_facts_here
from dltrain.sweep.compare import is_drawn_by_seed
from dltrain.sweep.comparison import Comparison, compare
from dltrain.sweep.pictures import draw_pictures
from dltrain.sweep.plan import SweepPlan
from dltrain.sweep.space import show
from dltrain.sweep.standing import baseline_of_trial, standing
from dltrain.sweep.study import importance
from dltrain.sweep.trials import Trial

if TYPE_CHECKING:
    from dltrain.sweep.progress import Progress

BEST_FILE = "best.yaml"
OUT_OF_FOLD_FILE = "out_of_fold.csv"
# With fewer trials than this, or one key alone, importances say nothing.
_LEAST_TRIALS = 4
# What says which rows there are, and which of them are compared on.
_OTHER_ROWS = (
    "data.source",
    "data.path",
    "data.target",
    "data.validation",
    "data.test",
    "data.limit",
    "data.split",
    "data.series.horizon",
)


@dataclass(slots=True)
class Outcome:
    """The results of the trials.

    Attributes:
        comparison: the best against the next.
        sentence: the same in words.
        importance: key -> share of the metric's variation.
        notes: sentences for the user.
        files: what was written, by name.
        baseline: part -> metric -> what the best trial is held against.
    """

    comparison: Comparison
    sentence: str
    importance: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    baseline: dict[str, dict[str, float]] = field(default_factory=dict)

    @property
    def best(self) -> Trial | None:
        """The best trial."""
        return self.comparison.best


def write_outcome(plan: SweepPlan, run: Run, progress: Progress, helper: HelperProcess, reporter: Reporter) -> Outcome:
    """Compare the trials and write `best.yaml`, pictures, `out_of_fold.csv`, `metrics.json`, and the record once more."""
    strategy = progress.strategy
    comparison = compare(progress.trials, plan, getattr(strategy, "chosen", None))
    outcome = Outcome(comparison, comparison.sentence(plan))
    helper.submit(
        draw_or_warn, draw_pictures, "the sweep's pictures", picture_request(plan, run, progress.trials, comparison.best)
    )
    valued = [(dict(trial.parameters), trial.value) for trial in progress.trials if trial.value is not None]
    if len(plan.space) > 1 and len(valued) >= _LEAST_TRIALS:
        helper.submit(_importance, plan, valued)
    best, said = comparison.best, list[str]()
    if best is not None:
        said = standing(best, plan, len(progress.trials) - 1)
        write_atomically(run.path / BEST_FILE, best_text(plan, best).encode())
        outcome.files.append(BEST_FILE)
        held_out = join_held_out(fit.path for fit in best.fits[: plan.folds or 0])
        if held_out is not None:
            write_atomically(run.path / OUT_OF_FOLD_FILE, held_out)
            outcome.files.append(OUT_OF_FOLD_FILE)
        outcome.baseline = baseline_of_trial(best)
        document = {
            "metrics": best.metrics,
            "baselines": outcome.baseline,
            "spreads": best.spreads,
            "trial": best.number,
            "notes": said,
        }
        run.write_metrics(document)
    outcome.files += helper.result(reporter) or []
    if len(plan.space) > 1 and len(valued) >= _LEAST_TRIALS:
        outcome.importance = helper.result(reporter)
    reason = getattr(strategy, "reason", "")
    if plan.strategy == "capacity" and best is not None and reason:
        outcome.sentence = f"the chosen size is trial {best.number} ({show(best.parameters)}): {reason}"
    if len(progress.trials) > 1 or best is None:
        outcome.notes.append(outcome.sentence)
    outcome.notes += [*said, *progress.repeats, *_notes(plan, progress.trials)]
    progress.write(outcome)
    return outcome


def _importance(plan: SweepPlan, valued: list[tuple[dict[str, Any], float]], *, reporter: Reporter) -> dict[str, float]:
    return importance(plan.space, valued, plan.mode)


def _notes(plan: SweepPlan, trials: list[Trial]) -> list[str]:
    notes = []
    diverged = [trial for trial in trials if trial.status == "diverged"]
    if diverged:
        notes.append(f"diverged: {_named(diverged)}")
    wanted = split_part(plan.metric)[0]
    finished = next((trial for trial in trials if trial.metrics), None)
    if finished is not None and "validation" not in finished.metrics and wanted is None:
        part = "test" if "test" in finished.metrics else "training"
        notes.append(
            f"there is no validation part, so the trials were compared on the {part} part: what the best one reaches there is"
            " too good to be expected of other rows (data.split.validation makes one)"
        )
    configs = [trial.fits[0].config.resolved for trial in trials if trial.fits]
    if is_loss(plan.metric) and len({penalties(config) for config in configs}) > 1:
        notes.append(
            f"{plan.metric} holds {PENALTIES} as well, which differ between the trials: a small penalty looks better than it is;"
            " `--metric` with another one, such as log_loss of classes or rmse of numbers, compares what the trials predict"
        )
    moved = [key for key in _OTHER_ROWS if len({json.dumps(_at(config, key), default=str) for config in configs}) > 1]
    if moved:
        notes.append(f"the trials differ in {' and '.join(moved)}: their values are not of the same rows")
    elif len({trial.fits[0].config.seed for trial in trials if trial.fits}) > 1 and is_drawn_by_seed(plan.config.data.split):
        said = "the trials differ in seed, by which the parts are drawn: their values are not of the same rows"
        notes.append(f"{said}; `data.split.seed` makes one split for all")
    dead = [trial for trial in trials if trial.status == "finished" and _has_dead_units(trial)]
    if dead:
        where = "its metrics.json names the layer" if len(dead) == 1 else "the metrics.json of each names the layer"
        notes.append(f"dead units: {_named(dead)}; {where}")
    if plan.folds and not plan.space:
        series = plan.config.data.series
        said = (
            "each row was held out once"
            if series is None
            else "each was validated on the rows after those that it was trained on"
        )
        if plan.config.data.may_label_series:
            said = "each was validated on windows that it was not trained on"
        notes.append(f"{plan.folds} folds: {said}")
    return notes


def _at(config: Any, key: str) -> Any:
    for name in key.split("."):
        config = config.get(name) if isinstance(config, dict) else None
    return config


def _named(trials: list[Trial]) -> str:
    """`trial 3 (learning_rate=10)`, `trials 3 (…), 4 (…) and 7 more`."""
    named = ", ".join(
        f"{trial.number} ({show(trial.parameters)})" if trial.parameters else str(trial.number) for trial in trials[:5]
    )
    more = f" and {len(trials) - 5} more" if len(trials) > 5 else ""
    return f"trial{'s' if len(trials) > 1 else ''} {named}{more}"


def _has_dead_units(trial: Trial) -> bool:
    """Whether the diagnosis of one of its fits found units that never answer."""
    for fit in trial.fits:
        try:
            found = Run(fit.path).read_metrics().get("diagnosis", [])
        except RunError:
            continue
        if any(isinstance(one, dict) and one.get("kind") == "dead_units" for one in found):
            return True
    return False


def best_text(plan: SweepPlan, best: Trial) -> str:
    """The best trial's config, which `dltrain fit` runs: without folds, unless it cannot do without the part they held out."""
    fit = best.fits[0]
    stored = fit.path / "config.yaml"
    config = load_config(stored) if stored.is_file() else fit.config
    head = f"# The best of {plan.config.name}'s sweep: trial {best.number}"
    head += f", {show(best.parameters)}.\n" if best.parameters else ".\n"
    plain = {key: value for key, value in config.resolved.items() if key != "sweep"}
    if not plan.folds:
        return head + dump_yaml(plain)
    whole = dict(plain["data"]["split"])
    for name in ("folds", "fold"):
        whole.pop(name, None)
    if "time" in whole and not {"test", "validation"} & set(whole):
        del whole["time"]  # nothing is split any more
    without = {**plain, "data": {**plain["data"], "split": whole}}
    if not _watches_validation(fit.config) and _can_be(without, plan.config):
        return head + "# It trains on the rows of all folds.\n" + dump_yaml(without)
    return head + "# Its training needs a validation part: the first fold is held out.\n" + dump_yaml(plain)


def _watches_validation(config: Config) -> bool:
    """Whether a callback decides by what the held-out rows show."""
    training = config.needed_training
    watched = [training.early_stopping, training.reduce_lr_on_plateau]
    return any(given is not None and str(given.get("monitor", "val_loss")).startswith("val_") for given in watched)


def _can_be(plain: dict[str, Any], base: Config) -> bool:
    try:
        folder = base.file.parent if base.file else Path()
        config = load_config_text(dump_yaml(plain), folder=folder, code=base.code)
    except ConfigError:
        return False
    facts = read_facts_here(config.data, config.seed)
    return not check_with_facts(config, facts).errors


def picture_request(plan: SweepPlan, run: Run, trials: list[Trial], best: Trial | None) -> dict[str, Any]:
    """What the pictures show, as plain values."""
    return {
        "folder": run.path,
        "title": plan.config.name,
        "metric": plan.metric,
        "mode": plan.mode,
        "best": best.number if best else None,
        "log": [dimension.name for dimension in plan.space if dimension.log],
        "names": list(dict.fromkeys(dimension.name for dimension in plan.space)),
        "trials": [
            {
                "number": trial.number,
                "label": show(trial.parameters) or f"trial {trial.number}",
                "parameters": dict(trial.parameters),
                "value": trial.value,
                "spread": trial.spread,
                "status": trial.status,
                "histories": [fit.path / "history.csv" for fit in trial.fits],
                "epochs": [fit.epoch for fit in trial.fits],
            }
            for trial in trials
        ],
    }
