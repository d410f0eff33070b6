"""An Optuna study in the sweep's directory: sampler, pruner and journal."""

from __future__ import annotations

import contextlib
import json
import math
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from dltrain.errors import DltrainError, RunError, is_own_bug, reason_of
from dltrain.storage.atomic import cannot_write, unshare
from dltrain.storage.bounds import most_of_run
from dltrain.storage.held import place_of
from dltrain.storage.removal import remove_paths
from dltrain.storage.stored import refuse_larger
from dltrain.sweep.combinations import assemble
from dltrain.sweep.dimension import Dimension
from dltrain.sweep.trials import Trial

JOURNAL = "optuna.journal"
NAME = "sweep"
_OUR_NUMBER = "trial"


class Study:
    """Suggests values and prunes; everything is in the journal before it is acted upon.

    Args:
        folder: the sweep's directory; an interrupted study in it goes on.
        space: the dimensions.
        mode: "min" or "max".
        seed: each suggestion is a function of it, of the trial's number and of what was told before.
        parallel: several trials run at a time: those that run count as bad, so that they are not suggested again.
        pruning: None, "median" or "successive_halving".
        epochs: of a whole trial.
    """

    def __init__(
        self,
        folder: Path,
        space: Sequence[Dimension],
        *,
        mode: str,
        seed: int,
        parallel: bool,
        pruning: str | None,
        epochs: int,
    ) -> None:
        self._space, self._seed, self._parallel = space, seed, parallel
        self._optuna = _import_optuna()
        self._trials: dict[int, Any] = {}
        file = folder / JOURNAL
        unshare(file)
        _mend(file)
        pruners = self._optuna.pruners
        pruner = {
            None: pruners.NopPruner,
            "median": lambda: pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=max(1, epochs // 10)),
            "successive_halving": lambda: pruners.SuccessiveHalvingPruner(min_resource=max(1, epochs // 16)),
        }[pruning]()
        self._file = file
        with _damage_told(file):
            self._study = self._optuna.create_study(
                storage=self._optuna.storages.JournalStorage(_journal(file)),
                study_name=NAME,
                pruner=pruner,
                direction="minimize" if mode == "min" else "maximize",
                load_if_exists=True,
            )

    def ask(self, number: int, attempt: int = 0) -> dict[str, Any]:
        """The values that trial `number` should have; another attempt asks with another seed."""
        self._study.sampler = self._optuna.samplers.TPESampler(
            seed=(self._seed * 1_000_003 + number + 7_919 * attempt) % 2**32, constant_liar=self._parallel
        )
        with _damage_told(self._file):
            trial = self._study.ask()
            self._keep(number, trial)
            return assemble(self._space, lambda dimension: _value(_suggested(trial, dimension), dimension))

    def add(self, number: int, parameters: dict[str, Any]) -> None:
        """Trial `number`, whose values another strategy chose."""
        varied = [one for one in self._space if one.name in parameters and one.is_varied(parameters)]
        self._study.enqueue_trial({one.label: _key(parameters[one.name]) for one in varied})
        self._keep(number, self._study.ask({one.label: distribution_of(one) for one in varied}))

    def give_up(self, number: int) -> None:
        """Trial `number` is not to be trained with the values it was asked: it was before. It counts as failed."""
        self._study.tell(self._trials.pop(number), state=self._optuna.trial.TrialState.FAIL)

    def _keep(self, number: int, trial: Any) -> None:
        trial.set_user_attr(_OUR_NUMBER, number)
        self._trials[number] = trial

    def report(self, number: int, epoch: int, value: float) -> bool:
        """A trial's value at an epoch's end; whether the pruner wants it to stop. What is not finite never prunes."""
        trial = self._trials.get(number)
        if trial is None or not math.isfinite(value):
            return False
        trial.report(value, epoch)
        return bool(trial.should_prune())

    def tell(self, trial: Trial) -> None:
        """A trial's value, or that it has none."""
        running = self._trials.pop(trial.number, None)
        if running is None:
            return
        states = self._optuna.trial.TrialState
        if trial.value is None or not math.isfinite(trial.value):
            self._study.tell(running, state=states.FAIL)
        elif trial.status == "pruned":
            self._study.tell(running, state=states.PRUNED)
        else:
            self._study.tell(running, trial.value)

    def resume(self, trials: Sequence[Trial]) -> None:
        """Take up the trials of an interrupted sweep; what was asked for, but never begun, is given up."""
        ours = {trial.number: trial for trial in trials}
        running = self._optuna.trial.TrialState.RUNNING
        for frozen in self._study.get_trials(deepcopy=False, states=(running,)):
            number = frozen.user_attrs.get(_OUR_NUMBER)
            trial = ours.get(number) if isinstance(number, int) else None
            if trial is None or trial.number in self._trials:
                self._study.tell(frozen.number, state=self._optuna.trial.TrialState.FAIL)
                continue
            self._trials[trial.number] = self._optuna.trial.Trial(self._study, frozen._trial_id)
            if trial.is_ended:
                self.tell(trial)


def importance(space: Sequence[Dimension], trials: Sequence[tuple[dict[str, Any], float]], mode: str) -> dict[str, float]:
    """How much of the metric's variation each dimension explains, largest first; shares of one; empty where nothing varies.

    Of dimensions that only some trials have it cannot be told; where no two others are left, of none.

    Functional analysis of variance on a random forest: Hutter, Hoos & Leyton-Brown, ICML 2014.

    Args:
        space: the dimensions.
        trials: the values of each ended trial, and its metric.
        mode: "min" or "max".
    """
    values = [value for _, value in trials]
    if max(values) - min(values) <= 1e-12 * max(map(abs, values)):
        return {}  # what does not vary is explained by nothing
    optuna = _import_optuna()
    study = optuna.create_study(direction="minimize" if mode == "min" else "maximize")
    distributions = {dimension.name: distribution_of(dimension) for dimension in space if not dimension.where}
    if len(distributions) < 2:
        return {}
    for parameters, value in trials:
        params = {name: _key(item) for name, item in parameters.items() if name in distributions}
        study.add_trial(optuna.trial.create_trial(params=params, distributions=distributions, value=value))
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
    found = optuna.importance.get_param_importances(study, evaluator=evaluator)
    return {name: float(share) for name, share in found.items()}


def _suggested(trial: Any, dimension: Dimension) -> Any:
    """Optuna's value of a dimension."""
    if not dimension.is_range:
        return trial.suggest_categorical(dimension.label, distribution_of(dimension).choices)
    suggest = trial.suggest_int if dimension.whole else trial.suggest_float
    given = distribution_of(dimension)
    return suggest(dimension.label, given.low, given.high, step=given.step, log=given.log)


def distribution_of(dimension: Dimension) -> Any:
    """A dimension as Optuna has it."""
    from optuna import distributions

    if not dimension.is_range:
        return distributions.CategoricalDistribution(tuple(dict.fromkeys(_key(value) for value in dimension.values)))
    if dimension.whole:
        return distributions.IntDistribution(
            int(dimension.low), int(dimension.high), log=dimension.log, step=int(dimension.step or 1)
        )
    return distributions.FloatDistribution(dimension.low, dimension.high, log=dimension.log, step=dimension.step)


def _key(value: Any) -> Any:
    """A value as one that Optuna can keep: components and lists by their text."""
    return value if isinstance(value, bool | int | float | str | None) else json.dumps(value, sort_keys=True)


def _value(key: Any, dimension: Dimension) -> Any:
    if dimension.is_range:
        return float(f"{key:.12g}") if dimension.step is not None and isinstance(key, float) else key
    return next((value for value in dimension.values if _key(value) == key), key)


def _import_optuna() -> Any:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    return optuna


def _journal(file: Path) -> Any:
    """Optuna's own, which is not written into another folder that was put in the place of the sweep's."""
    from optuna.storages.journal import JournalFileBackend

    journal = JournalFileBackend(str(file))
    append = journal.append_logs

    def append_here(logs: list[dict[str, Any]]) -> None:
        try:
            with place_of(file):
                append(logs)
        except OSError as error:
            raise cannot_write(file, error) from error

    journal.append_logs = append_here
    return journal


@contextlib.contextmanager
def _damage_told(file: Path) -> Iterator[None]:
    """Lines of the journal that are not Optuna's make it raise anything: the sweep is damaged then.

    Raises:
        RunError: in the place of it.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, DltrainError) or is_own_bug(error):
            raise
        message = f"{file} is not what was written there: {type(error).__name__}: {reason_of(error)}"
        raise RunError(message, hint="the sweep is damaged") from error


def _mend(file: Path) -> None:
    """Take away what a kill left of an unfinished write: a line without its end, and the lock, which dies with no process.

    The sweep's own lock says that no other process is writing here.
    """
    remove_paths(file.parent.glob(f"{file.name}.lock*"))
    if not file.exists():
        return
    refuse_larger(file, most_of_run(file.name))
    with file.open("r+b") as stream:
        content = stream.read()
        stream.truncate(content.rfind(b"\n") + 1)
