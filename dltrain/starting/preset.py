"""Where a first config names `model.preset: realmlp`, and how long it is trained: by columns, rows and the time there is."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dltrain.config.presets import NUMBERS, REALMLP
from dltrain.starting.design import MEMBERS, Design
from dltrain.starting.preparation import Preparation

if TYPE_CHECKING:
    from dltrain.data.columns.column import FeatureColumn
    from dltrain.data.dataset import Schema

# Rows of the training part from which on several nets, or the preset, were ahead of a single one, on tables that were measured:
# of 14 tables of classes with 300 to 1,000 rows, three of them made up, five nets were on 13, by .006 of AUC and .009 of log
# loss in the mean.
FEWEST_ROWS = 150
FEWEST_ROWS_OF_PRESET = {"regression": FEWEST_ROWS, "classification": 1_500}
EPOCHS, FEWEST_EPOCHS, BATCH_SIZE = 256, 20, 256
# Members are averaged where each has time for so many epochs: five of 20 were ahead of one of 100.
EPOCHS_OF_MEMBER = 20
# With so many members each row is one's to validate on and the others' to learn from; fewer would learn from too little.
FEWEST_FOLDS = 4
# A step's seconds on two cores: what each takes, and what its products take.
STEP_SECONDS, PRODUCTS_PER_SECOND = 2e-3, 40e9
# What a fit takes beside its epochs: TensorFlow's start, the table, the building of the nets, their evaluation and the pictures.
START_SECONDS = 12.0
DEFAULT_SECONDS = 90.0
# Of a number the preset makes so many, of a category's embedding so many.
WIDTH_OF_NUMBER, WIDTH_OF_EMBEDDING, UNITS = 4, 8, 256
# From so many rows on labels are not smoothed: on three such tables the log loss was lower by .006 to .014 without, and the AUC
# within .001 or higher; on three of fewer rows neither was better as a rule.
SMOOTHED_ROWS = 10_000
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
    return not is_long and not has_pictures and task in FEWEST_ROWS_OF_PRESET and num_rows >= FEWEST_ROWS


def suits(features: Sequence[FeatureColumn], task: str, num_rows: int) -> bool:
    """Whether the preset is the better net for a table: one of numbers more than of names, with rows to learn from.

    Args: see `has_rows_enough`.
    """
    if not has_rows_enough(features, task, num_rows) or num_rows < FEWEST_ROWS_OF_PRESET[task]:
        return False
    numbers = sum(column.by_kind.is_amount for column in features)
    return numbers >= max(1, sum(column.is_embedded for column in features))


def prepare(prepared: Preparation, task: str) -> Preparation:
    """The preparation that the preset was made with: numbers bent in, the target as it is unless it leans far, in its range."""
    leaning = prepared.log_target if prepared.log_target and prepared.log_target[0] > VERY_SKEWED else None
    return replace(prepared, scale="smooth_clip", log_target=leaning, clip_target=task == "regression" and leaning is None)


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
    named = "all columns are numbers" if not inputs else f"{count} of {len(features)} columns are numbers"
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
    members = max(1, min(MEMBERS, int(epochs / EPOCHS_OF_MEMBER)))
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
