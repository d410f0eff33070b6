"""`check`: a config and what is known of its data → faults, the table of layers, what it needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from dltrain.checking.answer_checks import check_answers, check_slices
from dltrain.checking.evaluation_checks import check_baselines
from dltrain.checking.group_checks import check_groups
from dltrain.checking.layers.frozen_checks import check_frozen, check_taken, check_weights_files, describe_phases
from dltrain.checking.member_checks import check_members
from dltrain.checking.memory import as_refusal, estimate_memory, judge_memory
from dltrain.checking.model_checks import check_model, with_places
from dltrain.checking.places import in_order, placed
from dltrain.checking.result import CheckResult, rows_of
from dltrain.checking.sweep_checks import check_sweep
from dltrain.checking.training_checks import check_training
from dltrain.config import load_config
from dltrain.config.load import FaultyConfig
from dltrain.config.types import NO_DATA, Config
from dltrain.data.dataset import Dataset
from dltrain.data.facts import DataFacts, facts_of, faults_without_numbers
from dltrain.errors import ConfigError, DataError, DltrainError, Fault, Note, texts, warnings_of
from dltrain.model.given import given_schema
from dltrain.model.heads.head import Head
from dltrain.model.heads.inferred import inferred_values
from dltrain.model.heads.reconstruction import code_layer
from dltrain.model.heads.rules import heads_of, with_classes_to_come
from dltrain.model.own_code.shapes import ask_for_shapes
from dltrain.model.symbolic import Network, infer_network
from dltrain.wording import without_override

CheckTrials = Callable[[Config, DataFacts], Iterable[Fault]]
# Blocks whose faults leave the data and the layers as they are.
_APART = ("training", "evaluation", "sweep", "name", "seed")


def check_file(
    file: str | Path,
    overrides: Sequence[str] = (),
    *,
    data: bool = False,
    build: bool = False,
    trials: CheckTrials | None = None,
    samples: Path | None = None,
) -> tuple[Config | None, CheckResult]:
    """Read a config file and check it; faults of syntax and keys come together with those of shapes where these can be told.

    Args:
        file: the config.
        overrides: `KEY=VALUE` words.
        data, build, trials, samples: as for `check_config`.

    Returns:
        The config, None where it cannot be used, and what was found.
    """
    try:
        config = load_config(file, overrides)
    except FaultyConfig as error:
        return None, _check_what_is_right(error)
    except ConfigError as error:
        return None, CheckResult(errors=error.faults, exit_code=error.exit_code)
    try:
        ask_for_shapes(config.code)
    except ConfigError as error:
        return None, CheckResult(errors=error.faults, exit_code=error.exit_code)
    return config, check_config(config, data=data, build=build, trials=trials, samples=samples)


def _check_what_is_right(error: FaultyConfig) -> CheckResult:
    plain = CheckResult(errors=error.faults, warnings=error.config.warnings, exit_code=error.exit_code)
    if not all(item.path and item.path.partition(".")[0] in _APART for item in error.faults):
        return plain
    # Of what is wrong there the rest of the training is not computed: a schedule without its steps has no course.
    config = error.config
    facts = _facts_of(config)
    _, _, of_model = _check_model(config, facts)
    found = placed(config, [*of_model, *_without_numbers(config, facts), *facts.errors, *check_weights_files(config)])
    more = [item for item in found if item.severity == "error" and item.path and item.path.partition(".")[0] in ("data", "model")]
    return replace(plain, errors=in_order((*error.faults, *dict.fromkeys(more))))


def check_config(
    config: Config,
    *,
    data: bool = False,
    build: bool = False,
    trials: CheckTrials | None = None,
    samples: Path | None = None,
) -> CheckResult:
    """Find everything that is wrong with a config without training.

    Args:
        config: from `load_config`.
        data: read all of the data and report on it.
        build: let Keras build the model (imports TensorFlow).
        trials: finds what is wrong with the trials of a sweep, where the config has one.
        samples: with `data`: where some of the pictures are to be drawn.

    Returns:
        Errors and warnings with their places, the table of layers, decisions, memory. Nothing is raised for what is wrong.
    """
    facts = _facts_of(config, fetch=data)
    result = check_with_facts(config, facts)
    if trials is not None and config.sweep and all((item.path or "").startswith("sweep") for item in result.errors):
        result = _with_trials(config, result, trials(config, facts))
    if data and not facts.errors and config.data.source != NO_DATA:
        result = _with_data(config, result, samples)
    if build and not result.errors:
        from dltrain.checking.keras_build import build_with_keras

        result = build_with_keras(config, _with_all_classes(config, facts), result)
    return result


def _with_trials(config: Config, result: CheckResult, faults: Iterable[Fault]) -> CheckResult:
    """The result with the faults of a sweep's trials that are not known yet: a value that is none was told of as such."""
    known = {without_override(item.message) for item in result.errors}
    more = [item for item in faults if without_override(item.message.partition(", in trial ")[0]) not in known]
    errors = in_order((*result.errors, *placed(config, more)))
    return replace(result, errors=errors, exit_code=result.exit_code or (ConfigError.exit_code if errors else 0))


def _facts_of(config: Config, *, fetch: bool = False) -> DataFacts:
    """What is known of the data without reading all of it."""
    from dltrain.data.look import read_facts

    return _facts_of_net(config) if config.data.source == NO_DATA else read_facts(config.data, seed=config.seed, fetch=fetch)


def _facts_of_net(config: Config) -> DataFacts:
    """The shapes that the config itself gives, for a model without data."""
    notes = (Note("no data: the net by itself, see `dltrain trace`"),)
    try:
        return DataFacts(given_schema(config.model, config.training), notes=notes)
    except ConfigError as error:
        return DataFacts(notes=notes, errors=error.faults)


def _with_data(config: Config, result: CheckResult, samples: Path | None) -> CheckResult:
    """The result with what all of the data says."""
    from dltrain.checking.data_checks import check_data

    try:
        lines, warnings, facts = check_data(config, samples)
    except DltrainError as error:
        errors = (*result.errors, *(item for item in placed(config, error.faults) if item not in result.errors))
        return replace(result, errors=errors, exit_code=result.exit_code or error.exit_code)
    return replace(
        result,
        data=(*result.data, *(line for line in lines if line not in result.data)),
        warnings=in_order((*result.warnings, *warnings)),
        inferred={**(result.inferred or {}), **_inferred(config, facts, _model(config, facts, [])[0])},
    )


def check_dataset(config: Config, dataset: Dataset) -> CheckResult:
    """Check a config against a dataset that is in memory already; takes a few milliseconds.

    Args:
        config: from `load_config`.
        dataset: its data.
    """
    return check_with_facts(config, facts_of(dataset))


def raise_for_errors(result: CheckResult) -> CheckResult:
    """The result, if it has no errors and this machine has the memory for it.

    Raises:
        ConfigError: the config is wrong, or what it trains is too large.
        DataError: only the data is.
    """
    if result.errors:
        raise (DataError if result.exit_code == DataError.exit_code else ConfigError)(result.errors)
    if result.too_large is not None:
        raise ConfigError(as_refusal(result.too_large))
    return result


def check_with_facts(config: Config, facts: DataFacts) -> CheckResult:
    """Check a config against facts of its data that are known already."""
    facts = _with_all_classes(config, facts)
    heads, network, found = _check_model(config, facts)
    answers = (*check_answers(config, facts, heads), *check_slices(config, facts))
    of_training = (*check_training(config, facts, heads), *check_groups(config, network), *check_members(config, facts))
    errors = [item for item in (*found, *of_training, *answers) if item.severity == "error"]
    warnings = [*config.warnings, *(item for item in (*found, *of_training, *answers) if item.severity != "error")]
    errors += check_baselines(config, facts.schema)
    errors += _without_numbers(config, facts)
    errors += check_sweep(config) if config.sweep else ()
    errors += check_taken(config, network)
    # Where there is no data it is not to blame, and neither is it for columns or numbers that the model or a step asks for.
    asked = ("model.", "data.transform.")
    is_config = facts.blames_config or config.data.source == NO_DATA
    errors += [item for item in facts.errors if is_config or (item.path or "").startswith(asked)]
    config_errors = in_order(placed(config, errors))
    data_faults = [*facts.errors, *check_weights_files(config)]
    data_errors = in_order(item for item in placed(config, data_faults) if item not in config_errors)
    memory, odd, is_too_large = None, None, False
    if network is not None and facts.schema is not None:
        memory = estimate_memory(config, facts, network, heads)
        odd, is_too_large = judge_memory(config, memory, network)
    return CheckResult(
        errors=(*config_errors, *data_errors),
        warnings=in_order(placed(config, [*warnings, *warnings_of(facts.notes), *([odd] if odd else ())])),
        too_large=odd if is_too_large else None,
        exit_code=ConfigError.exit_code if config_errors else DataError.exit_code if data_errors else 0,
        layers=rows_of(network) if network else (),
        parameters=network.parameters if network else None,
        trainable=network.trainable if network else None,
        memory=memory,
        decisions=(
            *_decisions(heads),
            *(_baseline(config, facts) if heads else ()),
            *(describe_phases(config, network) if network else ()),
        ),
        data=_data_lines(config, facts),
        inferred=_inferred(config, facts, heads),
    )


def _with_all_classes(config: Config, facts: DataFacts) -> DataFacts:
    """Of a sample, which may not show all classes, the facts with those that the model tells apart."""
    if not facts.is_sample or facts.schema is None:
        return facts
    return replace(facts, schema=with_classes_to_come(config.model, facts.schema))


def _check_model(config: Config, facts: DataFacts) -> tuple[tuple[Head, ...], Network | None, list[Fault]]:
    """Heads and network, and what is wrong or odd about the layers."""
    found: list[Fault] = []
    heads, network = _model(config, facts, found)
    if network is not None and facts.schema is not None:
        found += with_places(config, facts.schema, network.faults)
        more = (*check_model(config, facts.schema, heads, network), *check_frozen(config, network))
        # A layer that cannot take its input leaves nothing to say about what follows it.
        found += [item for item in more if item.severity != "error" or not network.faults]
    return heads, network, found


def _without_numbers(config: Config, facts: DataFacts) -> Iterable[Fault]:
    if facts.schema is None or facts.errors:
        return ()
    return faults_without_numbers(config.data, facts.schema.targets)


def _model(config: Config, facts: DataFacts, errors: list[Fault]) -> tuple[tuple[Head, ...], Network | None]:
    """Heads and network; what contradicts itself goes to `errors`."""
    if facts.schema is None:
        return (), None
    heads: tuple[Head, ...] = ()
    if not facts.schema.targets:
        return (), infer_network(config.model, facts.schema, (), config.data.augment)
    try:
        heads = heads_of(config, facts.schema)
    except ConfigError as error:
        errors += error.faults
    return heads, infer_network(config.model, facts.schema, heads, config.data.augment)


def _decisions(heads: Sequence[Head]) -> tuple[str, ...]:
    lines = []
    for head in heads:
        target = head.targets[0]
        of = f" of {len(head.classes)} {'labels' if head.is_multilabel else 'classes'}" if head.classes else ""
        lines.append(f"task: {head.task}{of}" + (f", because {target.reason}" if target.reason else ""))
        lines.append(f"{head.name}: {head.reason}")
        encoded = {
            "binary": "0 or 1",
            "index": "the class's index",
            "one_hot": "one-hot",
            "labels": "0 or 1 for each label",
            "value": "the number",
            "input": "the input",
        }[head.encoding]
        logits = ", told that the output is logits" if head.logits else ""
        lines.append(f"loss: {head.loss.name}{logits}; the target is {encoded}")
    return tuple(lines)


def _baseline(config: Config, facts: DataFacts) -> tuple[str, ...]:
    """By what a reconstruction will be judged."""
    if facts.schema is None or not facts.schema.targets[0].is_reconstruction:
        return ()
    code = code_layer(config.model, facts.schema)
    return (f"baseline: {code[1]:,} principal components, as many as the layer {code[0]} has numbers",) if code else ()


def _data_lines(config: Config, facts: DataFacts) -> tuple[str, ...]:
    lines = texts(facts.notes, "note")
    if facts.rows and not any(line.startswith("parts:") for line in lines):
        about = "" if facts.exact else "about "
        sizes = ", ".join(f"{name} {about}{count:,}" for name, count in facts.rows.items())
        split = config.data.split
        lines.append(f"parts: {sizes}" + (f", fold {split.fold or 1} of {split.folds}" if split.folds else ""))
    return tuple(lines)


def _inferred(config: Config, facts: DataFacts, heads: Sequence[Head]) -> dict[str, Any]:
    """What goes into the resolved config; how many classes there are only where it is not the first rows that say it."""
    tasks = {head.task for head in heads}
    found = {**facts.inferred, **({"data.task": tasks.pop()} if len(tasks) == 1 else {})}
    is_known = facts.exact or not any(head.classes for head in heads)
    return {**found, **(inferred_values(config.model, heads) if is_known else {})}
