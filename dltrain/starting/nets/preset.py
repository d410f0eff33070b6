"""Where a first config names `model.preset: realmlp`, and how long it is trained: by columns, rows and the time there is."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from dltrain.config.presets import NUMBERS, REALMLP, REALMLP_PLE
from dltrain.starting.codes import (
    FEWEST_ROWS as FEWEST_ROWS_TO_TELL,
)
from dltrain.starting.codes import (
    Numbers,
    errors_of_curve,
    half_of_rows,
    in_order,
    squared_errors,
    truth_of,
)
from dltrain.starting.nets.design import MEMBERS, Design
from dltrain.starting.preparation import Preparation
from dltrain.starting.starter import START_SECONDS
from dltrain.wording import rough_percent

if TYPE_CHECKING:
    from dltrain.data.columns.column import FeatureColumn
    from dltrain.data.dataset import Schema
    from dltrain.starting.columns import Columns
    from dltrain.starting.target import Target

# Rows of the training part from which on several nets, or the preset, were ahead of a single one, on tables that were measured:
# of 14 tables of classes with 300 to 1,000 rows, three of them made up, five nets were on 13, by .006 of AUC and .009 of log
# loss in the mean. Of numbers fewer do: of 120 rows of six tables the preset in folds had smaller errors on four than one wide
# net (lean mass of athletes .47 for 1.34, mixtures of concrete 6.9 for 7.8, consumption of cars 2.9 for 3.5, homes in Boston
# 4.13 for 4.16), and within 1 % on two (diabetes, sales of seats); of 80 rows, of which 60 trained, it was .67 for 2.23, 2.96 for
# 3.56 (cars) and 309 for 346 (salaries of players).
FEWEST_ROWS = {"regression": 40, "classification": 150}
FEWEST_ROWS_OF_PRESET = {"regression": FEWEST_ROWS["regression"], "classification": 1_500}
EPOCHS, FEWEST_EPOCHS, BATCH_SIZE = 256, 20, 256
# Members are averaged where each has time for so many epochs: five of 20 were ahead of one of 100.
EPOCHS_OF_MEMBER = 20
# Ten folds, of whose members each learns from nine rows in ten, where each has time for so many epochs. Against five folds, with
# the same time or with the same epochs where there is time: homes in Ames 20,668 for 21,466, concrete 4.76 and 3.98 for 4.95 and
# 3.93 (of two seeds), wages 5.04 and 4.55 for 5.07 and 4.37, calls of a bank .920 for .917 of AUC.
MOST_MEMBERS, EPOCHS_OF_MANY = 10, 100
# With so many members each row is one's to validate on and the others' to learn from; fewer would learn from too little.
FEWEST_FOLDS = 4
# A step's seconds on two cores: what each takes, and what its products take.
STEP_SECONDS, PRODUCTS_PER_SECOND = 2e-3, 40e9
# Of a number the preset makes so many, of a category's embedding so many.
WIDTH_OF_NUMBER, WIDTH_OF_EMBEDDING, UNITS = 4, 8, 256
# From so many rows on labels are not smoothed: on three such tables the log loss was lower by .006 to .014 without, and the AUC
# within .001 or higher; on three of fewer rows neither was better as a rule.
SMOOTHED_ROWS = 10_000
# The ranges of a number must explain so much more of the target than a curve, by so many standard errors, for numbers to be
# embedded by ranges. On such tables the error was smaller (places in California, 26 errors: 47,918 for 50,755; mixtures of
# concrete, 3: 4.9 and 4.7 for 5.2 and 4.9), on others larger (wine .677 for .657, hired bicycles 36.8 for 36.3, wages 5.07 for
# 4.93; flats 252,600 for 246,300 and rates of loans .175 for .058, where the ranges told .11 more).
# Ranges for all tables of classes with few rows, whatever they tell, won two and lost five (AUC of one fit -.002 to -.014).
LEAST_OF_RANGES, LEAST_ERRORS_OF_RANGES = 0.15, 2.5
ROWS_OF_RANGES = 20_000
# A text of no more words beside other columns takes little time.
MOST_WORDS = 30
# A target that leans further than this is learned by its logarithm all the same.
VERY_SKEWED = 5.0


def has_rows_enough(features: Sequence[FeatureColumn], task: str, num_rows: int) -> bool:
    """Whether a table has the rows for several nets, and no long text or pictures, which are another matter.

    Args:
        features: the columns, fitted.
        task: of the target.
        num_rows: of the training part.
    """
    is_long = any(column.tokenizer is not None and column.tokenizer.length > MOST_WORDS for column in features)
    has_pictures = any(column.kind == "image" for column in features)
    return not is_long and not has_pictures and task in FEWEST_ROWS and num_rows >= FEWEST_ROWS[task]


def suits(features: Sequence[FeatureColumn], task: str, num_rows: int) -> bool:
    """Whether the preset is the better net for a table: one of numbers more than of names, with rows to learn from.

    Args: see `has_rows_enough`.
    """
    if not has_rows_enough(features, task, num_rows) or num_rows < FEWEST_ROWS_OF_PRESET[task]:
        return False
    numbers = sum(column.by_kind.is_amount for column in features)
    return numbers >= max(1, sum(column.is_embedded for column in features))


def prepare(prepared: Preparation, task: str, preset: str) -> Preparation:
    """The preparation that the preset was made with: numbers bent in, or by quantiles; a target that leans little as it is."""
    scale = "quantile" if preset == REALMLP_PLE else "smooth_clip"
    leaning = prepared.log_target if prepared.log_target and prepared.log_target[0] > VERY_SKEWED else None
    return replace(prepared, scale=scale, log_target=leaning, clip_target=task == "regression" and leaning is None)


def inputs_of(features: Sequence[FeatureColumn], left: Mapping[str, str]) -> dict[str, list[str]]:
    """Input -> columns, so that numbers alone are embedded as numbers; empty where there is nothing else.

    Args:
        features: the columns, fitted.
        left: column -> kind, of those that the training part has nothing to teach about: another split may.
    """
    numbers = [column.name for column in features if column.by_kind.is_amount]
    others = [column.name for column in features if not column.by_kind.is_amount and not column.is_embedded]
    embedded = [column.name for column in features if column.is_embedded or column.kind == "text"]
    others = [name for name in others if name not in embedded]
    if not others and not embedded:
        return {}
    for names, kinds in ((numbers, ("number", "date")), (others, ("category", "boolean"))):
        if names:
            names += [name for name, kind in left.items() if kind in kinds]
    found = {NUMBERS: numbers, **({"categories": others} if others else {})}
    columns = {name for names in (numbers, others, embedded) for name in names}
    for name in embedded:
        # Neither the name of another input nor, for the layers' sake, that of a column that is not its own.
        word = re.sub(r"[^A-Za-z0-9_]", "_", name)
        word = word if re.match(r"[A-Za-z_]", word) else f"column_{word}"
        while word in found or (word in columns and word != name):
            word += "_"
        found[word] = [name]
    return found


def design_preset(
    features: Sequence[FeatureColumn], schema: Schema, num_rows: int, inputs: Mapping[str, list[str]], seconds: float
) -> Design:
    """The preset, with epochs that fit into the time.

    Args:
        features: the columns, fitted.
        schema: the targets.
        num_rows: of the training part.
        inputs: from `inputs_of`.
        seconds: that the epochs may take on two cores.
    """
    task = schema.targets[0].task
    width = _width(features)
    members, epochs = members_within(seconds, num_rows, width)
    count = sum(column.by_kind.is_amount for column in features)
    named = (
        "all columns are numbers"
        if not inputs
        else f"{count} of {len(features)} columns {'is a number' if count == 1 else 'are numbers'}"
    )
    reason = f"{num_rows:,} rows to train on, and {named}: RealMLP's layers and training (arXiv 2407.04491), which `dltrain "
    reason += "check --resolved` shows and this file can change; `dltrain init --simple` writes a small net"
    takes = START_SECONDS + members * epochs * _epoch_seconds(num_rows, width)
    epochs_reason = f"the fit takes about {_duration(takes)} on two cores (`dltrain init --time` gives it more or less): "
    epochs_reason += "the learning rate, weight decay and dropout follow curves over all epochs"
    return Design(
        [],
        reason,
        BATCH_SIZE,
        epochs,
        epochs // 2,
        None,
        preset=REALMLP,
        inputs=inputs,
        epochs_reason=epochs_reason,
        members=members,
        folds=members >= FEWEST_FOLDS,
        loss=smoothed_loss(len(schema.targets[0].classes), num_rows) if task == "classification" else None,
    )


def smoothed_loss(num_classes: int, num_rows: int) -> Any:
    """The paper's label smoothing, for two classes and so few rows that it pays; None: the cross-entropy as it is."""
    return {"BinaryCrossentropy": {"label_smoothing": 0.1}} if num_classes == 2 and num_rows < SMOOTHED_ROWS else None


def members_within(seconds: float, num_rows: int, width: int) -> tuple[int, int]:
    """How many models, and of how many epochs each, training has time for."""
    epochs = seconds / _epoch_seconds(num_rows, width)
    is_much = epochs >= MOST_MEMBERS * EPOCHS_OF_MANY
    members = MOST_MEMBERS if is_much else max(1, min(MEMBERS, int(epochs / EPOCHS_OF_MEMBER)))
    return members, max(FEWEST_EPOCHS, min(EPOCHS, int(epochs / members)))


def _epoch_seconds(num_rows: int, width: int) -> float:
    """Seconds of an epoch on two cores: three passes of products in each layer."""
    products = 2 * 3 * BATCH_SIZE * (width * UNITS + 2 * UNITS**2)
    return -(-num_rows // BATCH_SIZE) * (STEP_SECONDS + products / PRODUCTS_PER_SECOND)


def _width(features: Sequence[FeatureColumn]) -> int:
    """How many numbers the first dense layer takes."""
    width = 0
    for column in features:
        if column.is_embedded or column.kind == "text":
            width += WIDTH_OF_EMBEDDING
        else:
            width += len(column.columns) * (WIDTH_OF_NUMBER if column.by_kind.is_amount else 1)
    return width


def _duration(seconds: float) -> str:
    if seconds >= 105:
        return f"{seconds / 60:.0f} minutes"
    return "a minute and a half" if seconds >= 75 else "a minute" if seconds >= 45 else f"{seconds:.0f} s"


def with_ranges(chosen: Design, columns: Columns, target: Target) -> Design:
    """The net with numbers embedded by ranges, where these tell the target far better than a curve does."""
    if chosen.preset != REALMLP:
        return chosen
    why = by_ranges(columns, target)
    if not why:
        return chosen
    return replace(chosen, preset=REALMLP_PLE, layers_reason=f"{chosen.layers_reason}; numbers are embedded by ranges, for {why}")


def by_ranges(columns: Columns, target: Target) -> str:
    """Which number tells the target by the ranges it lies in far better than by a curve, and how much; empty: none does.

    Args:
        columns: of the table.
        target: what is predicted.
    """
    truth = truth_of(columns, target)
    kinds = columns.kinds
    used = [name for name in columns.numbers if name != target.name and not kinds[name].left_out and name not in columns.names]
    found = {name: _told_by_ranges(columns.numbers[name], truth) for name in used} if truth is not None else {}
    found = {name: told for name, told in found.items() if told[0] - told[1] >= LEAST_OF_RANGES}
    best = max(found, key=lambda name: found[name][0] - found[name][1], default=None)
    if best is None:
        return ""
    ranges, curve = map(rough_percent, found[best])
    return f"the ranges of {best} explain {ranges} of the target, a curve over it {curve}"


def _told_by_ranges(values: Numbers, truth: Numbers) -> tuple[float, float]:
    """What a number explains of the target's variance by ranges and by a curve, over it or its rank; 0 and 0: no sure more."""
    rows = np.flatnonzero(np.isfinite(values) & np.isfinite(truth).all(axis=1))
    rows = rows[:: -(-len(rows) // ROWS_OF_RANGES) or 1]
    if len(rows) < FEWEST_ROWS_TO_TELL:
        return 0.0, 0.0
    values, truth, learned = values[rows], truth[rows], half_of_rows(len(rows))
    codes = np.unique(values, return_inverse=True)[1]
    in_ranges = [squared_errors(bins, truth, learned) for bins in in_order(codes)]
    if not in_ranges:
        return 0.0, 0.0
    ranks = np.cumsum(np.bincount(codes))[codes].astype(np.float64)
    curves = [errors_of_curve(over, truth, learned) for over in (values, ranks)]
    ranges, curve = (min(errors, key=lambda of: float(of.mean())) for errors in (in_ranges, curves))
    gain = curve - ranges
    total = float(((truth[~learned] - truth[learned].mean(axis=0)) ** 2).sum(axis=1).mean())
    if total <= 0 or gain.mean() < LEAST_ERRORS_OF_RANGES * gain.std() / np.sqrt(len(gain)):
        return 0.0, 0.0
    return 1 - float(ranges.mean()) / total, max(0.0, 1 - float(curve.mean()) / total)
