"""A model and a training that suit the size of the data: a place to begin, not the best there is."""

from __future__ import annotations

import math
import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from dltrain.config.types import SplitConfig
from dltrain.data.dataset import InputSpec, Schema
from dltrain.wording import counted

MIDDLE_ROWS = 5_000
LARGE_ROWS = 50_000
UNITS = ((1_000, [16]), (MIDDLE_ROWS, [32]), (LARGE_ROWS, [64, 32]), (math.inf, [128, 64]))
# (rows, shares of test and validation): a small test part tells a good model from a lucky one only if it is not too small.
VALIDATION = 0.2
SHARES = ((10_000, (0.25, VALIDATION)), (100_000, (0.2, VALIDATION)), (math.inf, (0.1, 0.1)))
# Below so many rows for each number of the input, units are dropped at random.
ROWS_PER_INPUT = 20
STEPS_PER_EPOCH = 100
SMALL_BATCH, LARGE_BATCH = 16, 512
TABLE_UNITS, TABLE_DROPOUT = (256, 128), 0.2
# So many nets are averaged where there is time. Most end after so many epochs; a step takes so long, and for each weight.
MEMBERS, USUAL_EPOCHS, TABLE_STEP_SECONDS, SECONDS_PER_WEIGHT = 5, 40, 0.5e-3, 4e-9
# Texts are pooled by their strongest and their usual words; most such nets end after so many epochs.
WORD_UNITS, EPOCHS_OF_WORDS, FEWEST_TEXTS = 64, 15, 150
SMALL_SIDE, LARGE_SIDE = 8, 24
MOST_ASPECT = 4
PICTURE_UNITS = 64
# Networks that have learned from ImageNet, the more accurate first, with the products that each makes of a pixel (both as
# keras.io/api/applications and their papers have them); and how many products two cores make a second.
BODIES = {
    "ConvNeXtTiny": 89e3, "Xception": 94e3, "EfficientNetV2B0": 14.3e3, "EfficientNetB0": 7.8e3, "ResNet50V2": 70e3,
    "DenseNet121": 57e3, "MobileNetV2": 6e3,
}  # fmt: skip
PRODUCTS_PER_SECOND_OF_BODY = 25e9
PICTURES_FOR_CONVOLUTION = 1_500
MANY_PICTURES = 10_000


@dataclass(frozen=True, slots=True)
class Design:
    """A model and its training.

    Attributes:
        layers: as the config holds them.
        layers_reason: why these.
        batch_size: rows a step.
        epochs: at the most.
        patience: of the early stopping.
        optimizer: as the config holds it.
        plateau: of `reduce_lr_on_plateau`, as the config holds it; None: the rate stays.
        preset: of the model, which then says layers and optimizer; None: they are as above.
        inputs: named inputs -> columns, as `model.inputs` has them.
        epochs_reason: why so many.
        loss: as the config holds it; None: what the task needs.
        members: how many models are averaged.
        folds: each of them validates on another fold of the rows that are not of the test part.
    """

    layers: list[Any]
    layers_reason: str
    batch_size: int
    epochs: int
    patience: int
    optimizer: Any
    plateau: Mapping[str, Any] | None = None
    preset: str | None = None
    inputs: Mapping[str, list[str]] = field(default_factory=dict)
    epochs_reason: str = "at the most; early stopping ends it when validation no longer improves"
    loss: Any = None
    members: int = 1
    folds: bool = False


def split_of(num_rows: int, *, own: Container[str]) -> SplitConfig:
    """Shares of the test part, of all, and of the validation part, of what remains; none of a part that the data brings."""
    test, validation = next(shares for rows, shares in SHARES if num_rows < rows)
    return SplitConfig(test=None if "test" in own else test, validation=None if "validation" in own else validation)


def design(schema: Schema, num_rows: int) -> Design:
    """Choose by the inputs and by the rows that are there to train on.

    Args:
        schema: inputs and targets.
        num_rows: of the training part.
    """
    batch_size = SMALL_BATCH
    while batch_size < LARGE_BATCH and batch_size * 2 * STEPS_PER_EPOCH <= num_rows:
        batch_size *= 2
    [*inputs] = schema.inputs
    if len(inputs) == 1 and len(inputs[0].shape) > 1:
        return _for_pictures(inputs[0].shape, num_rows, max(batch_size, 32))
    if any(len(spec.shape) > 1 for spec in inputs):
        return _beside_pictures(inputs, num_rows, max(batch_size, 32))
    width = sum(_width(spec) for spec in inputs)
    size = f"{num_rows:,} rows of {counted(width, 'number')}"
    units = next(units for rows, units in UNITS if num_rows < rows)
    layers: list[Any] = []
    is_wide = width * ROWS_PER_INPUT > num_rows
    for number in units:
        layers.append({"Dense": {"units": number, "activation": "relu"}})
        if is_wide:
            layers.append({"Dropout": {"rate": 0.3}})
    reason = f"{size} to train on: {'one hidden layer' if len(units) == 1 else 'two hidden layers'}"
    reason += ", and dropout against learning them by heart" if is_wide else ""
    if num_rows < MIDDLE_ROWS:
        return Design(layers, reason, batch_size, 100, 10, {"Adam": {"learning_rate": 0.003}})
    epochs, patience = (100, 10) if num_rows < LARGE_ROWS else (50, 5)
    return Design(layers, reason, batch_size, epochs, patience, "adam")


def body_for(size: tuple[int, int], num_pictures: int, seconds: float) -> str | None:
    """The network of `keras.applications` that is to look at photographs, where one is at hand and there is time for it.

    Args:
        size: height and width.
        num_pictures: of all parts.
        seconds: that a look at all of them may take on two cores.
    """
    from dltrain.model.weights.pretrained import is_at_hand

    pixels = num_pictures * size[0] * size[1]
    for body, products in BODIES.items():
        if pixels * products / PRODUCTS_PER_SECOND_OF_BODY <= seconds and is_at_hand(body):
            return body
    return None


def design_photographs(body: str, num_rows: int) -> Design:
    """A network that knows ImageNet's photographs looks at each picture once, and a small net learns from what it sees.

    Args:
        body: a network of `keras.applications`.
        num_rows: of the training part.
    """
    layers: list[Any] = [
        {body: {"weights": "imagenet", "trainable": False}},
        "GlobalAveragePooling2D",
        {"Dropout": {"rate": 0.3}},
    ]
    reason = (
        f"{num_rows:,} pictures to train on: {body}, whose weights are at hand, has learned to see from ImageNet's photographs; "
    )
    reason += "it is frozen and sees each picture once, which takes most of the time (`dltrain init --simple` writes a small net)"
    return Design(layers, reason, 32, 60, 6, {"Adam": {"learning_rate": 0.001}})


def design_table(schema: Schema, num_rows: int) -> Design:
    """A net for a table that is wide enough for what the columns do together, with dropout and a rate that falls.

    Args:
        schema: inputs and targets.
        num_rows: of the training part.
    """
    small = design(schema, num_rows)
    width = sum(_width(spec) for spec in schema.inputs)
    layers: list[Any] = []
    for units in TABLE_UNITS:
        layers += [{"Dense": {"units": units, "activation": "relu"}}, {"Dropout": {"rate": TABLE_DROPOUT}}]
    reason = f"{num_rows:,} rows of {counted(width, 'number')} to train on: wide layers for what the columns do "
    reason += "together, and dropout against learning the rows by heart (`dltrain init --simple` writes a small net)"
    plateau = {"monitor": "val_loss", "factor": 0.3, "patience": 4}
    return Design(layers, reason, min(small.batch_size * 2, LARGE_BATCH), 100, 12, {"Adam": {"learning_rate": 0.001}}, plateau)


def design_characters(schema: Schema, num_rows: int) -> Design:
    """A net for a text of characters alone, of which a few that follow each other tell more than each by itself.

    Args:
        schema: one input of tokens, and targets.
        num_rows: of the training part.
    """
    chosen = design_table(schema, num_rows)
    layers: list[Any] = [{"Embedding": {"output_dim": 32}}]
    layers += [{"Conv1D": {"filters": 64, "kernel_size": 3, "padding": "same", "activation": "relu"}} for _ in range(2)]
    layers += ["GlobalMaxPooling1D", {"Dropout": {"rate": 0.3}}]
    length = schema.inputs[0].shape[0]
    reason = f"{num_rows:,} rows of {length} characters to train on: convolutions over what follows each other"
    return replace(chosen, layers=layers, layers_reason=reason, batch_size=min(chosen.batch_size, 128))


def design_texts(schema: Schema, num_rows: int, seconds: float, *, of_characters: bool) -> Design:
    """A net for texts alone, as the average of several where there is time for it.

    Args:
        schema: inputs of tokens, and targets.
        num_rows: of the training part.
        seconds: that the epochs may take on two cores; 0: one net.
        of_characters: whether each token is one.
    """
    if of_characters and len(schema.inputs) == 1:
        return design_characters(schema, num_rows)
    chosen = design_words(schema, num_rows)
    can_fold = num_rows >= FEWEST_TEXTS and schema.targets[0].task in ("classification", "regression")
    return in_folds(chosen, schema, num_rows, seconds, EPOCHS_OF_WORDS) if can_fold else chosen


def design_words(schema: Schema, num_rows: int) -> Design:
    """A net for texts alone: of each its strongest and its usual words (SWEM-concat, Shen et al. 2018, arXiv 1805.09843).

    Args:
        schema: inputs of tokens, and targets.
        num_rows: of the training part.
    """
    layers: list[Any] = []
    joined, taken = [], {spec.name for spec in schema.inputs}
    for spec in schema.inputs:
        parts = ("words", "kept", "strongest", "usual")
        words, kept, strongest, usual = (_free_name(f"{spec.name}_{part}", taken) for part in parts)
        source = {"from": spec.name} if len(schema.inputs) > 1 else {}
        layers += [
            {"Embedding": {**source, "output_dim": WORD_UNITS, "name": words}},
            {"SpatialDropout1D": {"rate": 0.3, "name": kept}},
            {"GlobalMaxPooling1D": {"from": kept, "name": strongest}},
            {"GlobalAveragePooling1D": {"from": kept, "name": usual}},
        ]
        joined += [strongest, usual]
    layers += [{"Concatenate": {"from": joined}}, {"Dropout": {"rate": 0.5}}]
    reason = f"{num_rows:,} rows to train on: of each text what is strongest and what is usual among its words"
    batch_size = min(max(design(schema, num_rows).batch_size, 2 * SMALL_BATCH), 4 * SMALL_BATCH)
    return Design(layers, reason, batch_size, 60, 4, {"Adam": {"learning_rate": 0.002}})


def in_folds(chosen: Design, schema: Schema, num_rows: int, seconds: float, usual_epochs: int = USUAL_EPOCHS) -> Design:
    """The net of a table as the average of several, each validated on another fold of the rows, where there is time for it.

    Args:
        chosen: the net.
        schema: inputs and targets.
        num_rows: of the training part.
        seconds: that the epochs may take on two cores.
        usual_epochs: after which most such nets end.
    """
    weights = sum(spec.vocabulary_size * _width(spec) for spec in schema.inputs if spec.vocabulary_size is not None)
    weights += sum(map(_width, schema.inputs)) * TABLE_UNITS[0] + TABLE_UNITS[0] * TABLE_UNITS[1]
    steps = MEMBERS * usual_epochs * -(-num_rows // chosen.batch_size)
    takes = steps * (TABLE_STEP_SECONDS + weights * SECONDS_PER_WEIGHT)
    return replace(chosen, members=MEMBERS, folds=True) if takes <= seconds else chosen


def _width(spec: InputSpec) -> int:
    return spec.embedding_dimension or (spec.shape[0] if spec.shape else 1)


def _beside_pictures(inputs: Sequence[InputSpec], num_rows: int, batch_size: int) -> Design:
    """A branch for each picture, word and text of a table, joined with its numbers."""
    layers: list[Any] = []
    joined, taken = [], {spec.name for spec in inputs}
    for spec in inputs:
        if len(spec.shape) == 1 and not spec.holds_tokens:
            joined.append(spec.name)
            continue
        name = _free_name(f"{spec.name}_told", taken)
        joined.append(name)
        if len(spec.shape) > 1:
            branch = _for_pictures(spec.shape, num_rows, batch_size).layers
            branch = [*branch, {"Dense": {"units": PICTURE_UNITS, "activation": "relu"}}] if branch[0] != "Flatten" else branch
        else:
            branch = ["Embedding", "GlobalAveragePooling1D" if spec.holds_tokens else "Flatten"]
        layers += _named([_with(branch[0], {"from": spec.name}), *branch[1:]], name)
    layers += [{"Concatenate": {"from": joined}}, {"Dense": {"units": PICTURE_UNITS, "activation": "relu"}}]
    layers.append({"Dropout": {"rate": 0.3}})
    reason = f"{num_rows:,} rows to train on: what the pictures show is joined with the other columns"
    return Design(layers, reason, batch_size, 60, 8, "adam")


def _free_name(wanted: str, taken: set[str]) -> str:
    """A layer's name like the one that is wanted, which is taken from now on."""
    name = re.sub(r"[^A-Za-z0-9_]", "_", wanted)
    while name in taken:
        name += "_"
    taken.add(name)
    return name


def _named(branch: list[Any], name: str) -> list[Any]:
    return [*branch[:-1], _with(branch[-1], {"name": name})]


def _with(layer: Any, more: Mapping[str, Any]) -> dict[str, Any]:
    """A layer as the config holds it, with more arguments."""
    if isinstance(layer, str):
        return {layer: dict(more)}
    [(kind, arguments)] = layer.items()
    return {kind: {**arguments, **more}}


def _for_pictures(shape: tuple[int, ...], num_rows: int, batch_size: int) -> Design:
    """Convolutions for pictures, dense layers for few pictures and for arrays of other shapes."""
    size = f"{num_rows:,} rows of {'×'.join(map(str, shape))} to train on"
    short, long = sorted(shape[:2])
    is_picture = len(shape) in (2, 3) and short >= SMALL_SIDE and long <= MOST_ASPECT * short
    if not is_picture or (num_rows < PICTURES_FOR_CONVOLUTION and short > LARGE_SIDE) or (len(shape) == 3 and shape[2] > 4):
        layers: list[Any] = ["Flatten", {"Dense": {"units": 64, "activation": "relu"}}, {"Dropout": {"rate": 0.3}}]
        return Design(layers, f"{size}: a dense layer over all values", batch_size, 100, 10, "adam")
    layers = [] if len(shape) == 3 else [{"Reshape": {"target_shape": [*shape, 1]}}]
    filters = [16, 32] if short < LARGE_SIDE else [16, 32, 64]
    for index, number in enumerate(filters):
        layers.append({"Conv2D": {"filters": number, "kernel_size": 3, "padding": "same", "activation": "relu"}})
        if index or short >= LARGE_SIDE:
            layers.append("MaxPooling2D")
    layers += ["Flatten", {"Dropout": {"rate": 0.3}}]
    epochs, patience = (40, 5) if num_rows < MANY_PICTURES else (15, 3)
    return Design(
        layers, f"{size}: convolutions find the same pattern anywhere in a picture", batch_size, epochs, patience, "adam"
    )
