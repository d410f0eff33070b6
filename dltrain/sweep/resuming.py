"""What a sweep keeps to go on with, and whether it is still the same sweep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from dltrain.config import dump_yaml, load_config
from dltrain.config.blocks.sweep import choices_in_keys, in_keys
from dltrain.config.canonical import without_defaults
from dltrain.config.keys import IN_CHOICE
from dltrain.config.types import Config, SweepConfig
from dltrain.errors import ConfigError, Fault, RunError
from dltrain.evaluation.fingerprints import flatten, shown
from dltrain.storage.run import Run
from dltrain.storage.stored import (
    Check,
    anything,
    hold_against,
    list_of,
    map_of,
    maybe,
    number,
    text,
    whole,
    word,
    wrong_values_told,
)
from dltrain.storage.values import attributes
from dltrain.sweep.combinations import num_configurations
from dltrain.sweep.engines import ENGINES
from dltrain.sweep.plan import (
    SweepOptions,
    SweepPlan,
    canonical_values,
    plain_options,
    plan_sweep,
    too_many_trials,
    without_repeats,
)
from dltrain.sweep.space import build_space
from dltrain.wording import counted

# Keys whose change on a resume is no other sweep.
FREE_ON_RESUME = ("name", "training.save_interval", "training.allow_large", "training.track", "evaluation", "sweep")

_MOST = 1_000_000_000
# What the manifest's plan holds; `choices` and `texts` only where there are some.
_PLAN: Mapping[str, Check] = {
    "given": map_of(anything),
    "keys": map_of(list_of(text)),
    "strategy": word("grid", "random", "tpe", "capacity"),
    "trials": maybe(whole(1, _MOST)),
    "seeds": list_of(whole(0, (1 << 63) - 1)),
    "folds": maybe(whole(2, _MOST)),
    "metric": text,
    "mode": word("min", "max"),
    "pruning": maybe(word("median", "successive_halving")),
    "on_failure": word("continue", "stop"),
    "jobs": maybe(whole(1, _MOST)),
    "engine": lambda value: isinstance(value, str) and (value == "auto" or value in ENGINES),
    "timeout": number,
    "choices": map_of(map_of(map_of(anything))),
    "texts": map_of(text),
}


_AS_THEY_ARE = ("strategy", "trials", "folds", "metric", "mode", "pruning", "on_failure", "jobs", "engine", "timeout")


def plan_document(plan: SweepPlan) -> dict[str, Any]:
    """The plan as plain values, for the manifest."""
    return {
        "given": dict(plan.given),
        "keys": {dimension.name: list(dimension.keys) for dimension in plan.space},
        "seeds": list(plan.seeds),
        **attributes(plan, *_AS_THEY_ARE),
        **({"choices": plan.varied_choices} if plan.varied_choices else {}),
        **({"texts": dict(plan.texts)} if plan.texts else {}),
    }


def stored_config_text(plan: SweepPlan) -> str:
    """The experiment for the sweep's own `config.yaml`: the resolved config, with its space where keys can say it."""
    config = plan.config
    plain = {key: value for key, value in config.resolved.items() if key != "sweep"}
    if plan.texts or not all(len(dimension.keys) == 1 and not IN_CHOICE.match(dimension.keys[0]) for dimension in plan.space):
        what = "is the files that it begins with" if plan.texts else "stands at several keys each"
        note = f"# What was varied {what} and cannot be written here: see manifest.json.\n"
        return note + dump_yaml(plain)
    uses = {dimension.name.removeprefix("parameters."): dimension.keys for dimension in plan.space}
    block = {"parameters": in_keys(plan.given, uses), "choices": choices_in_keys(plan.varied_choices, uses)}
    return dump_yaml({**plain, "sweep": {**{key: value for key, value in block.items() if value}, **plain_options(plan)}})


def resume_plan(run: Run, config: Config | None, options: SweepOptions) -> SweepPlan:
    """The plan of a sweep to go on with: with more trials, more values of a grid, other jobs or another engine if asked for.

    Raises:
        RunError: the directory is no sweep, or damaged.
        ConfigError: config or options are not those of the sweep; with the differences.
    """
    run.refuse_foreign_files()
    manifest = run.read_manifest()
    if manifest.get("kind") != "sweep":
        raise RunError(f"{run.path} is a run, not a sweep", hint=f"dltrain fit --resume {run.path}")
    stored = _stored_plan(run, manifest)
    trials = options.trials or stored.trials
    if config is not None or options.over or options.strategy or options.metric:
        asked = replace(options, trials=trials)
        if config is None:
            asked = replace(asked, strategy=options.strategy or stored.strategy, metric=options.metric or stored.metric)
        other = plan_sweep(config or _with_parameters(stored), asked)
        if config is None and not options.over:
            other = replace(other, given=stored.given, space=stored.space, seeds=stored.seeds, pruning=stored.pruning)
        elif config is not None and not options.over and not config.sweep:
            # The space came from the command line, which need not be repeated.
            other = replace(other, given=stored.given, space=stored.space)
        stored = _grown(stored, other)
        _compare(run, stored, other)
    if config is None:
        stored = replace(stored, stored_in=run.path)
    return replace(stored, trials=trials, jobs=options.jobs or stored.jobs, engine=options.engine or stored.engine)


def with_recorded(plan: SweepPlan, recorded: Sequence[Mapping[str, Any]], options: SweepOptions) -> SweepPlan:
    """The plan of a sweep that goes on, with sentences on where the trials that are there leave less to do than was asked for."""
    said = []
    if options.trials is not None and options.trials < len(recorded):
        verb = "is" if len(recorded) == 1 else "are"
        there = f"{counted(len(recorded), 'trial')} {verb} there already"
        said.append(f"{there}, more than the {options.trials:,} that were asked for: none is taken away")
        plan = replace(plan, trials=len(recorded))
    else:
        said.append(too_many_trials(plan, options.trials))
    most = num_configurations(plan.space)
    if options.trials is None and plan.strategy == "grid" and (plan.trials or 0) < (most or 0) and plan.trials is not None:
        tried = f"{plan.trials:,} of {most:,} configurations are tried, as was said before"
        said.append(f"{tried}; `--trials {most}` tries all of them")
    fits = [fit for trial in recorded for fit in trial.get("fits") or [trial]]
    if options.retry_failed and not any(fit.get("status") == "failed" for fit in fits):
        said.append("no trial had crashed: there was nothing to try again")
    return replace(plan, repeats=(*plan.repeats, *filter(None, said)))


def _with_parameters(stored: SweepPlan) -> Config:
    """The stored config, knowing the parameters that its space speaks of."""
    keys = {dimension.name.removeprefix("parameters."): dimension.keys for dimension in stored.space}
    known = {name: keys for name, keys in keys.items() if "." not in name}
    parameters = {**stored.config.parameters, **dict.fromkeys(known)}
    return replace(stored.config, parameters=parameters, parameter_keys=known, sweep=SweepConfig(choices=stored.choices))


def _grown(stored: SweepPlan, other: SweepPlan) -> SweepPlan:
    """The stored plan of a grid with the values that the other one has besides; those of before come first, as spelled then."""
    if stored.strategy != "grid" or other.strategy != "grid" or stored.pruning is not None:  # Optuna, which prunes, adds none
        return stored
    given = dict(stored.given)
    choices = {name: {**other.choices.get(name, {}), **each} for name, each in stored.choices.items()}
    after = {dimension.label: dimension for dimension in other.space}
    for dimension in stored.space:
        now = after.get(dimension.label) if dimension.name in given else None
        if now is not None and not dimension.is_range and not now.is_range:
            before = canonical_values(stored, dimension)
            found = dict(zip(canonical_values(other, now), now.values, strict=True))
            added = tuple(value for text, value in found.items() if text not in before)
            if added and found.keys() >= set(before):
                values, was = [*dimension.values, *added], given[dimension.name]
                given[dimension.name] = {**was, "choices": values} if isinstance(was, Mapping) else values
    space = build_space(_with_parameters(stored), given, choices)
    return without_repeats(replace(stored, given=given, space=space, choices=choices))


def _compare(run: Run, stored: SweepPlan, other: SweepPlan) -> None:
    before = flatten({**_plain(stored.config), "sweep": stored.identity})
    after = flatten({**_plain(other.config), "sweep": _said_alike(stored, other)})
    faults = [
        Fault(f"was {shown(before.get(key))} when the sweep began, is {shown(after.get(key))} now", path=key)
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key)
    ]
    if faults:
        hint = f"dltrain sweep --resume {run.path}"
        if stored.strategy == "grid" and stored.pruning is None:
            hint += "; of a grid, values may be added to those that it has: name all of them"
        raise ConfigError([*faults, Fault("a sweep goes on with its own config and space only", hint=hint)])


def _said_alike(stored: SweepPlan, other: SweepPlan) -> dict[str, Any]:
    """The other plan's identity, in which values that mean the same as the stored plan's are spelled as there."""
    before = {dimension.name: dimension for dimension in stored.space}
    # In which order the values of a grid are named is nothing; of what is drawn from them it is.
    kind: Any = sorted if stored.strategy == other.strategy == "grid" else list
    same = [
        dimension.name
        for dimension in other.space
        if dimension.name in before
        and not dimension.is_range
        and kind(canonical_values(other, dimension)) == kind(canonical_values(stored, before[dimension.name]))
    ]
    parameters = {name: stored.given[name] if name in same else values for name, values in other.given.items()}
    return {**other.identity, "parameters": parameters}


def _plain(config: Config) -> dict[str, Any]:
    plain = without_defaults({key: value for key, value in config.resolved.items() if key not in FREE_ON_RESUME})
    assert isinstance(plain, dict)
    return plain


def _stored_plan(run: Run, manifest: Mapping[str, Any]) -> SweepPlan:
    config = load_config(run.config_file)
    document = manifest.get("plan", {})
    hold_against(_PLAN, document, run.manifest_file, within="plan", required=list(_PLAN)[:-2])
    keys = {name: tuple(places) for name, places in document["keys"].items()}
    fields = {name: document[name] for name in _AS_THEY_ARE}
    choices, texts = document.get("choices", {}), document.get("texts", {})
    known = replace(config, sweep=None, parameter_keys={name.removeprefix("parameters."): keys[name] for name in keys})
    with wrong_values_told(run.manifest_file, is_as_written=run.is_as_written):
        plan = SweepPlan(
            config=replace(config, sweep=None),
            given=document["given"],
            space=build_space(known, document["given"], choices),
            seeds=tuple(document["seeds"]),
            texts=texts,
            choices=choices,
            **fields,
        )
        return without_repeats(plan)
