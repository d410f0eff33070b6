"""The trials of a running sweep: gives fits to the engine, hears how they go, and writes it down."""

from __future__ import annotations

import json
import logging
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dltrain.config.canonical import canonical_text
from dltrain.config.catalog.metrics import canonical, find_name
from dltrain.config.types import Config
from dltrain.errors import ConfigError, DltrainError, RunError, UsageError
from dltrain.reporting import Reporter
from dltrain.storage.run import Run
from dltrain.sweep.asked import asked_metric, value_on_compared_part
from dltrain.sweep.checks import Facts, TrialChecks
from dltrain.sweep.choosing import build_strategy
from dltrain.sweep.comparison import compare
from dltrain.sweep.engines.engine import FitObserver
from dltrain.sweep.outcome import Outcome
from dltrain.sweep.pictures import choose_column
from dltrain.sweep.plan import SweepPlan, base_text, check_metric, trial_config
from dltrain.sweep.record import recall_fit, settle, trial_document, was_the_machine, write_record
from dltrain.sweep.space import show
from dltrain.sweep.strategies.strategy import ListStrategy
from dltrain.sweep.strategies.tpe import PrunedStrategy, TpeStrategy
from dltrain.sweep.trials import ENDED, Trial, TrialFit
from dltrain.wording import counted

logger = logging.getLogger(__name__)

# A strategy that learns is not asked for more trials at a time than this.
_MOST_AT_ONCE = 8


class Progress(FitObserver):
    """Is the `FitSource` and the `FitObserver` of the engine.

    Args:
        plan: what is to be done.
        run: the sweep's directory.
        reporter: told of trials.
        facts: what is known of data without reading all of it.
        recorded: trials of an interrupted sweep, from `read_record`.
        retry_failed: fits that failed are run once more; those that failed for want of the machine always are.

    Raises:
        ConfigError, DataError: trials that cannot be; all of them are checked here.
    """

    def __init__(
        self,
        plan: SweepPlan,
        run: Run,
        reporter: Reporter,
        facts: Facts,
        recorded: Sequence[Mapping[str, Any]] = (),
        *,
        retry_failed: bool = False,
    ) -> None:
        self.plan, self.run, self.reporter = plan, run, reporter
        self.trials: list[Trial] = []
        self.strategy = build_strategy(plan, run.path)
        self._text = base_text(plan.config)
        self._waiting: deque[TrialFit] = deque()
        self._configs: dict[str, Config] = {}
        self._is_stopped = False
        self._has_value = False
        self._retries_failed = retry_failed
        self._began = time.monotonic()
        self._check(facts)
        for document in recorded:
            self._recall(document)
        self.strategy.resume(self.trials)

    # Before the first fit

    def _check(self, facts: Facts) -> None:
        checks = TrialChecks(self.plan.config, facts, choices=self.plan.choices, refuses_large=True, metric=self.plan.metric)
        candidates = self.strategy.candidates() or [{}]
        different: dict[str, dict[str, Any]] = {}
        for number, parameters in enumerate(candidates, 1):
            config = checks.check(number, parameters, self._config)
            if config is not None:
                self._configs[json.dumps(parameters, sort_keys=True)] = config
                different.setdefault(canonical_text(config.resolved), parameters)
        checks.raise_errors()
        self.largest = checks.largest
        check_metric(self.plan)
        self._leave_out_repeats(candidates, list(different.values()))

    def _leave_out_repeats(self, candidates: Sequence[dict[str, Any]], different: Sequence[dict[str, Any]]) -> None:
        """What was trained once would only come out the same."""
        self.repeats = list(self.plan.repeats)
        if isinstance(self.strategy, ListStrategy | PrunedStrategy) and len(different) < len(candidates):
            self.strategy.keep(different)
            left_out = len(candidates) - len(different)
            what = "1 combination is" if left_out == 1 else f"{left_out} combinations are"
            self.repeats.append(f"{what} the same as another, and left out")

    def _config(self, parameters: Mapping[str, Any], seed: int | None = None, fold: int | None = None) -> Config:
        return trial_config(self.plan, parameters, self._text, seed=seed, fold=fold)

    def known_fits(self) -> list[TrialFit]:
        """The fits that will be run, where they are known from the start; else none."""
        if not isinstance(self.strategy, ListStrategy):
            return []
        trials = self.strategy.candidates()
        made = [self._make(number, parameters) for number, parameters in enumerate(trials, 1)]
        return [fit for trial in made for fit in trial.fits]

    def _make(self, number: int, parameters: Mapping[str, Any]) -> Trial:
        path = self.run.path / "trials" / f"{number:04d}"
        seeds: Sequence[int | None] = self.plan.seeds or (None,)
        folds: Sequence[int | None] = range(1, self.plan.folds + 1) if self.plan.folds else (None,)
        fits = []
        for seed in seeds:
            for fold in folds:
                words = [f"seed-{seed}" if seed is not None else "", f"fold-{fold}" if fold is not None else ""]
                name = "-".join(word for word in words if word)
                checked = self._configs.get(json.dumps(parameters, sort_keys=True)) if not name else None
                config = checked or self._config(parameters, seed, fold)
                fits.append(TrialFit(number, parameters, config, path / name if name else path, fold))
        return Trial(number, parameters, fits)

    def _recall(self, document: Mapping[str, Any]) -> None:
        """A trial of the interrupted sweep, with what became of its fits."""
        try:
            trial = self._make(document["number"], document["parameters"])
        except ConfigError as error:
            raise RunError(f"{self.run.path} holds a trial that cannot be: {error.faults[0].message}") from error
        fits: Sequence[Mapping[str, Any]] = document.get("fits") or [document]
        for fit, recorded in zip(trial.fits, fits):
            recall_fit(fit, recorded)
            if fit.status == "failed" and (self._retries_failed or was_the_machine(fit.error)):
                fit.status, fit.error = "waiting", None
        if trial.is_ended:
            settle(trial, self.plan)
            self._has_value |= trial.value is not None
        self.trials.append(trial)
        self._waiting.extend(fit for fit in trial.fits if fit.status not in ENDED)

    def begin(self) -> None:
        """Report that the sweep begins, and the trials of an earlier stretch."""
        total = self.strategy.most if isinstance(self.strategy, TpeStrategy) else len(self.strategy.candidates())
        self.reporter.sweep_started(str(self.run.path), total or 1, self.plan.fits_per_trial, self.plan.metric)
        for trial in self.trials:
            if trial.is_ended:
                self._show(trial, trial.fits[-1])

    # FitSource

    def take(self, most: int) -> list[TrialFit]:
        """As in `FitSource`."""
        fits: list[TrialFit] = []
        late = self.plan.timeout is not None and time.monotonic() - self._began > self.plan.timeout
        while len(fits) < most and not self._is_stopped:
            if self._waiting:
                fits.append(self._waiting.popleft())
                continue
            wanted = -(-(most - len(fits)) // self.plan.fits_per_trial)
            if self.plan.strategy == "tpe":
                wanted = min(wanted, _MOST_AT_ONCE)
            chosen = [] if late else self.strategy.choose(wanted)
            if not chosen:
                break
            self._add(chosen)
            self.write()
        return fits

    def _add(self, chosen: Iterable[dict[str, Any]]) -> None:
        """Take in trials with these parameters; their fits wait."""
        for parameters in chosen:
            trial = self._make(len(self.trials) + 1, parameters)
            self.trials.append(trial)
            self._waiting.extend(trial.fits)

    @property
    def is_unfinished(self) -> bool:
        """Whether fits wait, or run, or trials are still to be chosen."""
        if any(fit.status not in ENDED for trial in self.trials for fit in trial.fits):
            return True
        if self.plan.strategy in ("grid", "random"):
            return len(self.trials) < len(self.strategy.candidates())
        if isinstance(self.strategy, TpeStrategy):
            return len(self.trials) < self.strategy.most
        chosen = self.strategy.choose(1)  # of a capacity strategy: whether it would grow on
        self._add(chosen)
        return bool(chosen)

    # FitObserver

    def fit_started(self, fit: TrialFit) -> None:
        """As in `FitObserver`."""
        fit.status = "running"
        self._show(self.trials[fit.trial - 1], fit)

    def epoch_end(self, fit: TrialFit, epoch: int, logs: Mapping[str, float]) -> bool:
        """As in `FitObserver`."""
        name, value = self._in_history(logs)
        self._show(self.trials[fit.trial - 1], fit, epoch=epoch, current=(name, value))
        if self.plan.pruning is None or value is None:
            return False
        return self.strategy.report(fit.trial, epoch, value)

    def ended(self, fit: TrialFit) -> None:
        """A fit has ended, or was interrupted: compute its trial, if that has ended with it, and write it down."""
        trial = self.trials[fit.trial - 1]
        if fit.status in ENDED:
            logger.debug("trial %s: %s%s", fit.label, fit.status, f", {fit.error}" if fit.error else "")
        if trial.is_ended:
            try:
                settle(trial, self.plan)
            except DltrainError as error:
                fit.status, fit.error = "failed", error.faults[0].message
            self.strategy.tell(trial)
            self._require_metric(trial)
        if fit.status == "failed":
            self.reporter.warning(f"trial {fit.label} failed: {fit.error}")
            self._is_stopped |= self.plan.on_failure == "stop"
        self._show(trial, fit)
        self.write()

    def _require_metric(self, trial: Trial) -> None:
        """The first trial shows whether there is such a metric at all."""
        if self._has_value or trial.status not in ("finished", "pruned"):
            return
        if trial.value is None and not any(
            find_name(self.plan.metric.removeprefix("val_"), values) for values in trial.metrics.values()
        ):
            there = "; ".join(f"{part}: {', '.join(values)}" for part, values in trial.metrics.items())
            raise UsageError(f"the trials have no metric {self.plan.metric!r}; they have {there}", hint="--metric NAME")
        self._has_value = True

    def _in_history(self, logs: Mapping[str, float]) -> tuple[str, float | None]:
        """The compared metric at an epoch's end, or the nearest thing that an epoch has."""
        name = choose_column([logs], self.plan.metric)
        if canonical(name.removeprefix("val_")) == canonical(self.plan.metric.rpartition(".")[2].removeprefix("val_")):
            return name, logs.get(name)
        loss = "val_loss" if "val_loss" in logs else "loss"
        value = logs.get(loss)
        if value is None:
            return loss, None
        return loss, value if self.plan.mode == "min" else -value

    # What is written and shown

    def write(self, outcome: Outcome | None = None) -> None:
        """Write `sweep.json` and `trials.csv`."""
        write_record(self.run, self.document(outcome), self.trials, self.plan)

    def document(self, outcome: Outcome | None = None) -> dict[str, Any]:
        """The sweep as plain values."""
        folder = self.run.path
        best = outcome.best if outcome else compare(self.trials, self.plan, getattr(self.strategy, "chosen", None)).best
        comparison: dict[str, Any] = {}
        if outcome is not None:
            found = outcome.comparison
            comparison = {
                "next": found.next.number if found.next else None,
                "difference": found.difference,
                "noise": found.noise,
                "differs": found.differs,
                "text": outcome.sentence,
                "recommended": self._named(found.best),
                "best_value": self._named(found.top),
            }
        return {
            "status": "running" if outcome is None else "finished",
            "run": str(folder),
            "metric": self.plan.metric,
            "mode": self.plan.mode,
            "asked_metric": asked_metric(self.plan, self.trials),
            "strategy": self.plan.strategy,
            "trials": [trial_document(trial, folder) for trial in self.trials],
            "best": trial_document(best, folder) | ({"baseline": outcome.baseline} if outcome else {}) if best else None,
            "comparison": comparison,
            "importance": outcome.importance if outcome else {},
        }

    def _named(self, trial: Trial | None) -> dict[str, Any] | None:
        """A trial by its number, with what it was compared by."""
        return None if trial is None else {"trial": trial.number, "metric": self.plan.metric, "value": trial.value}

    def words_on_what_is_left(self) -> str:
        """How far the sweep got."""
        ended = sum(trial.is_ended for trial in self.trials)
        begun = sum(any(fit.status == "interrupted" for fit in trial.fits) for trial in self.trials)
        inside = f", {begun} saved in the middle" if begun else ""
        return f"{counted(ended, 'trial')} done{inside}"

    def _show(
        self, trial: Trial, fit: TrialFit, *, epoch: int | None = None, current: tuple[str, float | None] | None = None
    ) -> None:
        training = fit.config.training
        value = trial.value
        shown = trial.metrics if trial.is_ended else {}
        asked = asked_metric(self.plan, [trial]) if trial.is_ended else None
        self.reporter.trial_changed(
            {
                "number": trial.number,
                "fit": fit.label,
                "parameters": show(trial.parameters),
                "status": trial.status if trial.is_ended else fit.status,
                "epoch": None if epoch is None else epoch + 1,
                "epochs": training.epochs if training else None,
                "metric": current[0] if current else self.plan.metric,
                "value": value if current is None else current[1],
                "spread": trial.spread,
                "metrics": shown,
                "asked": (asked, value_on_compared_part(trial.metrics, asked)) if asked else None,
                "epoch_of_metrics": trial.epoch if trial.is_ended else None,
                "error": next((each.error for each in trial.fits if each.error), None),
                "is_ended": trial.is_ended,
            }
        )
