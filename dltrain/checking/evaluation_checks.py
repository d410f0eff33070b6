"""The `evaluation:` block: gates of metrics that there will be, baselines that can be fitted on the data."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from dltrain.checking.argument_checks import is_share
from dltrain.checking.metric_checks import history_names
from dltrain.checking.places import fault
from dltrain.config.catalog.metrics import (
    AVERAGES,
    SCORES_BESIDE,
    SCORES_OF_A_CLASS,
    SCORES_OF_A_LABEL,
    SCORES_OF_A_MASK,
    SCORES_OF_CLASSES,
    SCORES_OF_LABELS,
    SCORES_OF_MASKS,
    SCORES_OF_NUMBERS,
    SCORES_OF_QUANTILES,
    SCORES_OF_RECONSTRUCTIONS,
    SCORES_OF_SERIES,
    SCORES_OF_TWO_CLASSES,
    SCORES_OF_WHOLE_SERIES,
    coverage_name,
    find_name,
    quantile_pairs,
    split_part,
)
from dltrain.config.gates import Requirement, parse_gate
from dltrain.config.old_words.scores import score_meant
from dltrain.config.types import Config, TrainingConfig
from dltrain.data.dataset import Schema
from dltrain.data.facts import DataFacts
from dltrain.errors import Fault, UsageError
from dltrain.model.heads.head import Head, layer_name
from dltrain.wording import meant_or, one_of

PATH = "evaluation.baselines"
MOST_NUMBERS = 5000  # of a window, as a row of a table


def check_baselines(config: Config, schema: Schema | None) -> list[Fault]:
    """Faults of `evaluation.baselines`: they learn one target from a table's numbers and categories.

    Args:
        config: from `load_config`.
        schema: of the data; None: it is not known.
    """
    reason = _reason(config, schema) if config.evaluation.baselines and schema is not None else ""
    if not reason:
        return []
    hint = "leave it out: the baseline that needs no learning is shown all the same"
    return [Fault(f"no linear model and no trees are fitted here: {reason}", path=PATH, hint=hint)]


def _reason(config: Config, schema: Schema) -> str:
    if config.data.series is not None and schema.targets[0].task == "regression":
        return "a series has simple forecasts to be held against"
    if len(schema.targets) != 1 or schema.targets[0].is_reconstruction:
        return "they have one target" if len(schema.targets) != 1 else "the input is reconstructed"
    if schema.targets[0].is_mask:
        return "each pixel has a class"
    if schema.targets[0].is_multilabel:
        return "a row may have several labels"
    most = MOST_NUMBERS if config.data.series is not None else 0
    for spec in schema.inputs:
        if 0 < most < math.prod(spec.shape):
            return f"a window has {math.prod(spec.shape):,} numbers, and {most:,} at most are taken as a row"
        if spec.holds_tokens:
            return f"{spec.name} is free text"
        if len(spec.shape) > 1 and not most:
            return f"{spec.name} has the shape {'×'.join(map(str, spec.shape))}, no row of a table"
    return ""


def _scores_of(head: Head, config: Config) -> list[str]:
    """What the evaluation computes beside Keras's metrics."""
    if head.task == "classification":
        of_whole = SCORES_OF_WHOLE_SERIES if config.data.may_label_series else ()
        return [*(SCORES_OF_TWO_CLASSES if len(head.classes) == 2 else SCORES_OF_CLASSES), *of_whole]
    if head.is_mask:
        return list(SCORES_OF_MASKS)
    if head.is_multilabel:
        return list(SCORES_OF_LABELS)
    if head.is_reconstruction:
        corrupted = [f"corrupted_{name}" for name in SCORES_OF_RECONSTRUCTIONS] if config.data.corrupt is not None else []
        return [*SCORES_OF_RECONSTRUCTIONS, *corrupted]
    series = config.data.series
    steps = range(1, 1 + (series.horizon if series is not None and series.horizon > 1 else 0))
    of_series = list(SCORES_OF_SERIES) if series is not None else []
    if series is not None and series.quantiles:
        of_series += [*SCORES_OF_QUANTILES, *(coverage_name(*pair) for pair in quantile_pairs(series.quantiles))]
    return [*SCORES_OF_NUMBERS, *of_series, *(f"rmse_step_{step}" for step in steps)]


def _in_the_report(head: Head) -> tuple[str, ...]:
    """Metrics that are in the report of a part, not in the table of metrics."""
    if head.is_multilabel:
        return tuple(f"{score}_{average}" for score in SCORES_OF_A_CLASS for average in AVERAGES)
    return SCORES_BESIDE if head.task == "classification" else ()


def check_requirements(config: Config, training: TrainingConfig, facts: DataFacts, heads: Sequence[Head]) -> Iterator[Fault]:
    """Metrics and parts that are required but that no evaluation will give."""
    names = history_names(training, heads)
    if names is None:
        return
    # All steps ahead of one column of a series are measured together.
    targets = {target.column or layer_name(target.name): head for head in heads for target in head.targets}
    several = len(targets) > 1
    scores = [f"{name}_{score}" if several else score for name, head in targets.items() for score in _scores_of(head, config)]
    known = list(dict.fromkeys([*scores, *(name for name in names if name != "learning_rate")]))
    offered = _Offered(known) if several else _offered_of_one(heads[0], known)
    own = len(config.evaluation.require) - config.evaluation.num_added
    for number, text in enumerate(config.evaluation.require):
        for message, hint, severity in _faults_of_gate(text, facts, offered):
            if number >= own:  # the command line's option has no line
                yield Fault(message, path="--require", hint=hint, severity=severity)
            else:
                yield fault(config, "evaluation.require", message, hint, warning=severity == "warning")
    # Of slices there are the scores that each row adds to, not what Keras's metrics or the report say of a whole part.
    of_slices = replace(offered, known=scores, beside=())
    for column, texts in config.evaluation.slices.items():
        for text in texts:
            for message, hint, severity in _faults_of_gate(text, facts, of_slices):
                yield fault(config, f"evaluation.slices.{column}", message, hint, warning=severity == "warning")


@dataclass(frozen=True, slots=True)
class _Offered:
    """What may be required.

    Attributes:
        known: metrics of the table.
        beside: metrics of the report.
        of_one: scores of single classes, where there is one target.
        classes: its classes.
    """

    known: Sequence[str]
    beside: Sequence[str] = ()
    of_one: Sequence[str] = ()
    classes: Sequence[str] = ()

    @property
    def labels(self) -> list[str]:
        """`f1[spam]` and the like."""
        return [f"{score}[{label}]" for score in self.of_one for label in self.classes]


def _offered_of_one(head: Head, known: Sequence[str]) -> _Offered:
    of_one = SCORES_OF_A_MASK if head.is_mask else SCORES_OF_A_LABEL if head.is_multilabel else SCORES_OF_A_CLASS
    return _Offered(known, _in_the_report(head), of_one, [str(label) for label in head.classes])


def _faults_of_gate(text: str, facts: DataFacts, offered: _Offered) -> Iterator[tuple[str, str, str]]:
    """(message, hint, severity) of what is wrong with a gate."""
    try:
        asked_for = parse_gate(text)
    except UsageError as error:
        yield error.faults[0].message, error.faults[0].hint or "", "error"
        return
    name = asked_for.name
    named, bare = split_part(name)
    score = bare.partition("[")[0]
    if is_share(score) and _is_beyond(asked_for):
        hint = f"{asked_for.threshold:g} % is {asked_for.threshold / 100:g}" if 1 < asked_for.threshold <= 100 else ""
        yield f"{score} lies between 0 and 1: {text} is never met", hint, "warning"
    if not _will_be(name, facts, offered):
        yield *_unknown_metric(text, name, offered), "error"
    elif facts.rows and find_name(name, offered.known) is None and named is not None and named not in facts.rows:
        yield f"no {named} part to require {bare} of, in {text!r}", f"there will be: {one_of(list(facts.rows))}", "error"
    elif facts.rows and named is None and not {"test", "validation"} & facts.rows.keys():
        hint = f"`data.split: {{test: 0.2}}` makes a part to judge by; or require train.{name}"
        yield f"there is neither a test nor a validation part, for {text!r}", hint, "error"


def _will_be(name: str, facts: DataFacts, offered: _Offered) -> bool:
    """Whether the evaluation will have a metric, as far as the data is known."""
    bare = split_part(name)[1]
    score, bracket, label = bare.partition("[")
    own = find_name(score, offered.of_one)
    if bracket and offered.of_one and (not facts.names_known or own is not None):
        return f"{own}[{label.rstrip(']').strip()}]" in offered.labels or not facts.names_known or not facts.exact
    return any(find_name(each, (*offered.known, *offered.beside)) is not None for each in (name, bare))


def _unknown_metric(text: str, name: str, offered: _Offered) -> tuple[str, str]:
    """Message and hint of a metric, or of a class, that there will not be."""
    bare = split_part(name)[1]
    score, bracket, label = bare.partition("[")
    if bracket and offered.labels and find_name(score, offered.of_one) is not None:
        asked = label.rstrip("]").strip()
        message = f"there is no class {asked!r} to require {score} of, in {text!r}"
        return message, meant_or(asked, offered.classes, f"the classes: {one_of(offered.classes, 24)}")
    names = offered.labels if bracket and offered.labels else offered.known
    there, meant = f"there will be: {one_of(names)}", score_meant(score, offered.known)
    return f"no metric {name} to require, in {text!r}", f"{meant}; {there}" if meant else meant_or(bare, names, there)


def _is_beyond(asked: Requirement) -> bool:
    """Whether no value between 0 and 1 meets a gate."""
    above, below = asked.operator in (">=", ">"), asked.operator in ("<=", "<")
    is_strict = len(asked.operator) == 1
    return (above and (asked.threshold > 1 or (is_strict and asked.threshold == 1))) or (
        below and (asked.threshold < 0 or (is_strict and asked.threshold == 0))
    )
