"""What a sweep is to do: the block of the config and the options of the command, put together and checked."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from dltrain.checking.places import place_of
from dltrain.config import dump_yaml, load_config, load_config_text
from dltrain.config.bases import EXTENDS
from dltrain.config.blocks.choices import OWN
from dltrain.config.blocks.sweep import read_over, sets_in_keys
from dltrain.config.canonical import canonical_text
from dltrain.config.catalog.metrics import COMPARABLE, find_direction, find_name, metric_name
from dltrain.config.curves import is_curve
from dltrain.config.keys import IN_CHOICE
from dltrain.config.old_words.scores import metric_hint
from dltrain.config.overrides import override_word
from dltrain.config.types import Config, Place, SweepConfig
from dltrain.errors import ConfigError, Fault, UsageError
from dltrain.storage.values import attributes
from dltrain.sweep.combinations import grid_size, num_configurations
from dltrain.sweep.dimension import Dimension
from dltrain.sweep.space import DEFAULT_SPACE, MOST_GRID_TRIALS, build_space, sets_of, show_value, words_of
from dltrain.wording import counted

DEFAULT_TRIALS = 20
TRIAL = "<trial>"  # what a trial's text, which nobody sees, is called where keys are placed


@dataclass(frozen=True, slots=True)
class SweepPlan:
    """All that a sweep needs to run: base config, dimensions, strategy, metric, engine.

    Attributes:
        config: what is varied; without its `sweep:` block.
        given: the space as the config has it: key or parameter -> values; what a resume is compared by.
        space: the same as dimensions; empty: one trial.
        strategy: "grid", "random", "tpe" or "capacity".
        trials: how many at the most; None: as many as the strategy has.
        seeds: of the fits of each trial; empty: the config's own.
        folds: fits of each trial for each seed; None: no folds.
        metric: what is compared, as the user names it.
        mode: "min" or "max".
        pruning: None, "median" or "successive_halving".
        on_failure: "continue" or "stop".
        jobs: fits at a time; None: as the engine finds best.
        engine: "auto", or an engine's name.
        timeout: seconds after which no further trial begins, or None.
        repeats: sentences on values that mean the same as others, and are not in `space`.
        choices: name -> choice -> key -> value, of those that are varied.
        texts: value of `extends`, as JSON -> the resolved config that begins with it, where files are varied.
        stored_in: the sweep's directory, where nobody but it has named the data: strange addresses in it are refused.
    """

    config: Config
    given: Mapping[str, Any]
    space: tuple[Dimension, ...]
    strategy: str
    trials: int | None
    seeds: Sequence[int]
    folds: int | None
    metric: str
    mode: str
    pruning: str | None
    on_failure: str
    jobs: int | None
    engine: str
    timeout: float | None
    repeats: tuple[str, ...] = ()
    choices: Mapping[str, Any] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    stored_in: Path | None = None

    @property
    def fits_per_trial(self) -> int:
        """How many fits a trial has."""
        return max(1, len(self.seeds)) * (self.folds or 1)

    @property
    def identity(self) -> dict[str, Any]:
        """What must be the same for a sweep to go on, as plain values."""
        same = attributes(self, "strategy", "metric", "mode", "pruning")
        return {"parameters": dict(self.given), "seeds": list(self.seeds), **same, "choices": self.varied_choices}

    @property
    def varied_choices(self) -> dict[str, Any]:
        """Name -> choice -> what it sets, and varies besides; of the choices that are tried."""
        found: dict[str, dict[str, Any]] = {}
        for dimension in self.space:
            for word in dimension.sets:
                found.setdefault(dimension.name, {})[word] = self.choices[dimension.name][word]
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepOptions:
    """What is asked of one call of `sweep`; it goes before what the config's `sweep:` block says.

    Attributes:
        over: `KEY=a,b,c` words, in the place of the block's parameters.
        strategy, trials, metric, jobs, engine: in the place of those of the block.
        address: of a Ray cluster.
        gpus_per_trial: of a Ray cluster, how many cards a fit takes, also a share of one; None: one where the cluster has some.
        require: gates on the best trial, besides those of the config.
        retry_failed: of a sweep that goes on, run fits that failed once more; those that the machine failed always are.
    """

    over: Sequence[str] = ()
    strategy: str | None = None
    trials: int | None = None
    metric: str | None = None
    jobs: int | None = None
    engine: str | None = None
    address: str | None = None
    gpus_per_trial: float | None = None
    require: Sequence[str] = ()
    retry_failed: bool = False


def plan_sweep(config: Config, options: SweepOptions = SweepOptions()) -> SweepPlan:
    """Put block and options together; an option goes before the block, `--over` in the place of the block's parameters.

    Raises:
        ConfigError: what is wrong with block or options.
        UsageError: an option contradicts the config.
    """
    if config.training is None:
        raise ConfigError("`training: none` leaves nothing to fit", path="training", hint="give it a `training:` block")
    block = config.sweep or SweepConfig()
    given = read_over(options.over, config) if options.over else dict(block.parameters)
    folds = config.data.split.folds
    if config.data.split.fold is not None:
        raise UsageError("data.split.fold names one fold, which is one fit", hint="leave it out, or: dltrain fit CONFIG")
    seeds = _seeds(block.seeds, config.seed)
    choices = {
        name: {word: sets_in_keys(name, word, sets, config.parameter_keys) for word, sets in each.items()}
        for name, each in block.choices.items()
    }
    if not given and choices:
        given = {name: list(each) for name, each in choices.items()}
    if not given and not folds and not seeds:
        # Of a rate that follows a curve, it is the peak that is varied.
        ending = ".peak" if is_curve(config.training.optimizer.arguments.get("learning_rate")) else ""
        given = {f"{name}{ending}": values for name, values in DEFAULT_SPACE.items()}
    space = build_space(config, given, choices)
    endless = [dimension.name for dimension in space if not dimension.values]
    strategy = options.strategy or block.strategy or ("random" if endless else "grid")
    trials = options.trials or block.trials
    plan = SweepPlan(
        config=replace(config, sweep=None),
        given=given,
        space=space,
        strategy=strategy,
        trials=trials or (DEFAULT_TRIALS if strategy in ("random", "tpe") else None),
        seeds=seeds,
        folds=folds,
        **_metric(config, options.metric or block.metric, block.mode),
        pruning="median" if block.pruning is True else block.pruning or None,
        on_failure=block.on_failure,
        jobs=options.jobs or block.jobs,
        engine=options.engine or block.engine,
        timeout=block.timeout,
        choices=choices,
        texts=_texts(config, next((dimension.values for dimension in space if dimension.name == EXTENDS), ())),
    )
    _check(plan, endless)
    plan = without_repeats(plan)
    if not options.over and (unvaried := [name for name in choices if not _names(given, name, choices)]):
        plan = replace(plan, repeats=(*plan.repeats, *(_unvaried(name, choices[name]) for name in unvaried)))
    said = too_many_trials(plan, trials)
    return replace(plan, repeats=(*plan.repeats, said)) if said else plan


def too_many_trials(plan: SweepPlan, asked: int | None) -> str:
    """A sentence where more trials are asked for than there are configurations, else nothing."""
    most = num_configurations(plan.space)
    if asked is None or most is None or asked <= most or plan.strategy == "capacity":
        return ""
    verb = "is" if most == 1 else "are"
    return f"there {verb} {counted(most, 'configuration')}: no more trials, though {asked:,} were asked for"


def _names(given: Mapping[str, Any], name: str, choices: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether what is varied, or what a choice varies besides, names these choices."""
    return name in given or any(name in sets.get(OWN, ()) for each in choices.values() for sets in each.values())


def _unvaried(name: str, words: Iterable[str]) -> str:
    listed = ", ".join(words)
    return f"{name} is not varied, as sweep.parameters does not name it; `{name}: [{listed}]` there would"


def _texts(config: Config, values: Sequence[Any]) -> dict[str, str]:
    """For each value of `extends` the config that begins with it, as a trial's text: what a resolved one extends is lost."""
    if values and config.file is None:
        raise UsageError("`extends` is varied in a config that is a file")
    assert config.file is not None or not values
    words = [[*config.overrides, override_word(EXTENDS, value)] for value in values]
    return {json.dumps(value): base_text(load_config(config.file or "", own)) for value, own in zip(values, words)}


def _check(plan: SweepPlan, endless: Sequence[str]) -> None:
    faults = [*_faults_of_trials(plan, endless), *_faults_of_pruning(plan)]
    faults += [
        Fault(f"the parameter {name} is swept over, but used nowhere", path=f"sweep.parameters.{name}", hint=f"write ${name}")
        for name in (dimension.name for dimension in plan.space if not dimension.keys)
    ]
    for dimension in plan.space:
        taken = [key for value in dimension.ends for key in sets_of(dimension, value) if key == "seed"]
        if taken and plan.seeds:
            faults.append(Fault("the seed is varied twice", path="sweep.seeds", hint=f"leave out `seeds` or {dimension.name}"))
    if faults:
        raise ConfigError(faults)


def _faults_of_trials(plan: SweepPlan, endless: Sequence[str]) -> Iterator[Fault]:
    """Trials without end, of nothing that varies, or more than a sweep may have."""
    if endless and plan.strategy in ("grid", "capacity"):
        hint = "give it a step or a list, or --strategy random"
        yield Fault(f"a {plan.strategy} cannot go through a range without end", path=endless[0], hint=hint)
    if not plan.space and plan.strategy in ("tpe", "capacity", "random"):
        yield Fault(f"{plan.strategy} needs a key to vary", path="sweep.strategy", hint="--over KEY=VALUE,VALUE")
    most = plan.trials or math.inf
    if plan.strategy == "grid" and not endless and min(grid_size(plan.space), most) > MOST_GRID_TRIALS:
        message = f"the grid has {grid_size(plan.space):,} trials"
        yield Fault(message, path="sweep.parameters", hint="--trials N, or --strategy random")
    longest = max((len(dimension.values) for dimension in plan.space), default=0)
    if plan.strategy == "capacity" and min(longest, most) > MOST_GRID_TRIALS:
        message = f"there are {longest:,} sizes to go through"
        yield Fault(message, path="sweep.parameters", hint="give the range a larger step, or `log: true`")
    if plan.strategy in ("random", "tpe") and most > MOST_GRID_TRIALS:
        message = f"{plan.trials:,} trials are more than the {MOST_GRID_TRIALS:,} that a sweep may have"
        yield Fault(message, path="sweep.trials", hint="fewer trials")
    if len(plan.seeds) > MOST_GRID_TRIALS:
        message = f"{len(plan.seeds):,} seeds are more than the {MOST_GRID_TRIALS:,} fits that a trial may have"
        yield Fault(message, path="sweep.seeds", hint="five or ten seeds tell the spread")


def _faults_of_pruning(plan: SweepPlan) -> Iterator[Fault]:
    """What pruning excludes, and the strategy capacity."""
    if plan.pruning and plan.fits_per_trial > 1:
        message = f"a trial of {plan.fits_per_trial} fits is compared by all of them, and cannot be stopped in the first"
        yield Fault(message, path="sweep.pruning", hint="leave out `pruning`, or seeds and folds")
    if plan.pruning and plan.strategy == "capacity":
        yield Fault("a size that is stopped early tells nothing of capacity", path="sweep.pruning", hint="leave it out")
    if plan.strategy == "capacity" and any(dimension.where for dimension in plan.space):
        message = "capacity grows all sizes together, and cannot vary one with some values of another alone"
        yield Fault(message, path="sweep.strategy", hint="--strategy grid, random or tpe")


def _seeds(given: Any, seed: int) -> Sequence[int]:
    if given is None:
        return ()
    return range(seed, seed + given) if isinstance(given, int) else tuple(dict.fromkeys(given))


def _metric(config: Config, wanted: str | None, mode: str) -> dict[str, Any]:
    """The metric that is compared: as asked for, else that by which a run's best weights are chosen."""
    training = config.needed_training
    name = wanted
    if name is None:
        early = training.early_stopping or {}
        name = str(training.checkpoint.monitor or early.get("monitor") or "loss").removeprefix("val_")
        given = training.checkpoint.mode if training.checkpoint.monitor else early.get("mode", "auto")
        mode = given if mode == "auto" else mode
    direction = mode if mode in ("min", "max") else find_direction(name, training.metrics)
    if direction is None:
        _check_name(config, name)
        fault = Fault(
            f"whether more or less of {name!r} is better is not known", path="sweep.mode", hint="`sweep.mode: min`, or max"
        )
        raise ConfigError(fault)
    return {"metric": name, "mode": direction}


def plain_options(plan: SweepPlan) -> dict[str, Any]:
    """The plan's options as keys of the `sweep:` block."""
    options = {**attributes(plan, "strategy", "trials"), "seeds": list(plan.seeds) or None}
    options |= attributes(plan, "metric", "mode", "pruning", "on_failure", "timeout")
    return {key: value for key, value in options.items() if value is not None}


def check_metric(plan: SweepPlan) -> None:
    """Refuse a metric that can be none before the first trial.

    Raises:
        UsageError: there is no such metric.
    """
    _check_name(plan.config, plan.metric)


def _check_name(config: Config, metric: str) -> None:
    wanted = metric.rpartition(".")[2].removeprefix("val_").removeprefix("test_").removeprefix("train_").partition("[")[0]
    known = list(dict.fromkeys([*COMPARABLE, *(metric_name(each) for each in config.needed_training.metrics)]))
    if find_name(wanted, known) is None and len(config.data.target) < 2:
        hint = metric_hint(wanted, known, f"there are {', '.join(known)}")
        raise UsageError(f"there is no metric {metric!r} to compare trials by", hint=hint)


def trial_config(
    plan: SweepPlan, parameters: Mapping[str, Any], text: str, *, seed: int | None = None, fold: int | None = None
) -> Config:
    """The config of one fit.

    Args:
        plan: whose config it is.
        parameters: the trial's values.
        text: `base_text` of the plan.
        seed: of the fit, where a trial is several that differ in it.
        fold: which part is held out, counted from 1; where the plan has folds, the first unless said.

    Raises:
        ConfigError: the values cannot be.
        DataError: its data is at an address that neither this user nor his config has named.
    """
    text = plan.texts.get(json.dumps(parameters.get(EXTENDS)), text)
    words = words_of([dimension for dimension in plan.space if dimension.name != EXTENDS], parameters)
    words += [] if seed is None else [f"seed={seed}"]
    words += [f"data.split.fold={fold or 1}"] if plan.folds else []
    config = plan.config
    folder = config.file.parent if config.file else Path()
    made = load_config_text(text, file=TRIAL, folder=folder, overrides=words, code=config.code)
    if plan.stored_in is not None:
        from dltrain.evaluation.moved_data import refuse_strange_addresses

        refuse_strange_addresses(made.data, plan.stored_in)
    places = {key: place for key in made.places if (place := _place_in(config, key, made.places[key])) is not None}
    data = replace(made.data, places={key: places[key] for key in made.data.places if key in places})
    return replace(made, file=config.file, parameters=config.parameters, places=places, data=data)


def _place_in(config: Config, key: str, place: Place) -> Place | None:
    """Where a trial's key stands in what the user wrote; the trial's own text nobody sees."""
    return place_of(config, key) if place.file == TRIAL else place


def without_repeats(plan: SweepPlan) -> SweepPlan:
    """The plan with each configuration once in each dimension: of `adam` and `{Adam: {}}` only the first is trained."""
    space, repeats = [], []
    for dimension in plan.space:
        first: dict[str, Any] = {}
        values = []
        for value, text in zip(dimension.values, canonical_values(plan, dimension)):
            if text in first:
                pair = f"{show_value(first[text])} and {show_value(value)}"
                repeats.append(f"{dimension.name}: {pair} are the same; it is trained once")
            else:
                first[text] = value
                values.append(value)
        space.append(dimension if dimension.is_range else replace(dimension, values=tuple(values)))
    return replace(plan, space=tuple(space), repeats=tuple(repeats))


def canonical_values(plan: SweepPlan, dimension: Dimension) -> list[str]:
    """For each value of a list a text that values have in common where they mean the same; empty for a range."""
    if dimension.is_range:
        return []
    text = base_text(plan.config)
    return [_canonical(plan, dimension, value, text) for value in dimension.values]


def _canonical(plan: SweepPlan, dimension: Dimension, value: Any, text: str) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{float(value)!r}"
    own = plan.choices[dimension.name][value].get(OWN) if dimension.sets else None
    others = dict(place.split(".")[2:4] for place in dimension.keys[:1] if IN_CHOICE.match(place))
    others |= {name: values[0] for name, values in dimension.where.items()}
    try:
        found = canonical_text(trial_config(plan, {**others, dimension.name: value}, text).resolved)
        return f"{found}{json.dumps(own, sort_keys=True, default=str)}" if own else found
    except ConfigError:  # said where trials are checked
        return json.dumps(value, sort_keys=True, default=str)


def base_text(config: Config) -> str:
    """The resolved config, without its sweep, as the text that trials are made of."""
    return dump_yaml({key: value for key, value in config.resolved.items() if key != "sweep"})
