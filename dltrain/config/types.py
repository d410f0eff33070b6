"""The validated config, as typed and frozen values that the other rooms take apart.

`load_config` makes one from text. Nothing here knows Keras; components carry canonical names and checked arguments.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from dltrain.errors import Fault


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands in a text: file as named by the user, 1-based line and column; or the override that gave it."""

    file: str
    line: int
    column: int
    word: str | None = None


@dataclass(frozen=True, slots=True)
class Component:
    """A Keras object by name: layer, optimizer, loss, metric, schedule, regularizer, initializer, constraint.

    Attributes:
        kind: "layer", "optimizer", "schedule", "curve" (see `curves.py`), "loss", "metric", "regularizer", "initializer",
            "constraint", "transformer", "application" (a `keras.applications` network used as a layer), "composed" (a layer
            of ours, see `composed/`).
        name: Keras's canonical class name, such as `Dense` or `BinaryCrossentropy`.
        arguments: Keras's argument names to plain values; a nested component is a `Component`, also inside lists.
            Holds only what the user gave.
        place: where its name stands in the config (not part of equality).
    """

    kind: str
    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    place: Place | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class LayerConfig:
    """One entry of `model.layers`.

    Attributes:
        component: kind "layer", "application" or "composed".
        name: the layer's own name, unique in the model, or None for Keras's automatic one.
        inputs: `from:` - names of the layers (or of inputs) whose outputs it takes; None: the layer before.
        weights: given weights as nested lists, in the order of Keras's `layer.get_weights()`, or None.
        path: the key in override form, such as `model.layers.2`.
    """

    component: Component
    name: str | None = None
    inputs: tuple[str, ...] | None = None
    weights: Any = None
    path: str = ""


LIKE_SCIKIT_LEARN = "scikit-learn"
LIKE_BOTH = "scikit-learn and keras"


@dataclass(frozen=True, slots=True)
class SplitConfig:
    """How rows go to parts. Fractions: test of all rows, validation of what remains; None: the part does not exist.

    With `folds` what the test part leaves is cut into so many; number `fold` (from 1) is the validation part of one fit.

    Attributes:
        shuffle: False: no draw, the last rows are the test part, those before them validation.
        like: the rows are drawn as another program draws them: "scikit-learn" (`train_test_split`, once for the test part and
            once more for validation), or "scikit-learn and keras" (validation is the end of what that leaves, in its order).
    """

    test: float | None = None
    validation: float | None = None
    column: str | None = None
    group: str | None = None
    time: str | None = None
    folds: int | None = None
    fold: int | None = None
    stratify: bool | None = None
    seed: int | None = None
    shuffle: bool | None = None
    like: str | None = None

    @property
    def validates_on_the_last(self) -> bool:
        """Whether validation takes the last rows of what the test part leaves, as many as Keras's `validation_split` does."""
        return self.shuffle is False or self.like == LIKE_BOTH

    @property
    def key(self) -> str | None:
        """The column whose values say how the rows are split, if any."""
        return self.column or self.group or self.time


NO_DATA = "none"  # the source of a config with `data: none`


@dataclass(frozen=True, slots=True)
class CorruptConfig:
    """`data.corrupt`: noise (its standard deviation) and mask (share of numbers set to 0) on the scaled input in training."""

    noise: float = 0.0
    mask: float = 0.0


@dataclass(frozen=True, slots=True)
class TextConfig:
    """How free text becomes tokens: arguments of Keras's TextVectorization, and where the embedding begins.

    Attributes:
        max_tokens: most different tokens, padding and [UNK] included; None: as many as there are.
        standardize: "lower_and_strip_punctuation", "lower", "strip_punctuation" (of ASCII alone, as Keras has it),
            "lower_all_and_strip_punctuation", "lower_all" (of every alphabet) or "none".
        split: "whitespace", "character" or "none".
        ngrams: how many neighbouring words make a token, in the order in which they are listed.
        output_sequence_length: tokens a row; None: by the training part.
        vectors: absolute path of a file of word vectors, or None: the embedding is learnt from nothing.
        trainable: whether training changes the embedding.
    """

    max_tokens: int | None = 20_000
    standardize: str = "lower_and_strip_punctuation"
    split: str = "whitespace"
    ngrams: tuple[int, ...] = (1,)
    output_sequence_length: int | None = None
    vectors: str | None = None
    trainable: bool = True


@dataclass(frozen=True, slots=True)
class ImagesConfig:
    """Where the pictures are that a table names.

    Attributes:
        folder: absolute paths, looked through for each name; empty: the table's own folder.
        suffix: what names without a picture's suffix lack, such as ".jpg", or None.
    """

    folder: tuple[str, ...] = ()
    suffix: str | None = None


@dataclass(frozen=True, slots=True)
class SeriesConfig:
    """Rows in the order of time, cut into windows.

    Attributes:
        time: the column of the time, or the columns of its parts (year, month, ...); empty: the rows are in order.
        history: rows that the model sees.
        horizon: rows after them that it foretells, each of them.
        stride: rows from the beginning of a window to that of the next.
        season: rows after which things repeat, for the baseline; None: by the step of the time.
        gaps: "split" (no window goes across a gap in time), "ignore", or None: "split" where nearly all rows are evenly apart.
    """

    time: tuple[str, ...] = ()
    history: int = 1
    horizon: int = 1
    stride: int = 1
    season: int | None = None
    gaps: str | None = None


@dataclass(frozen=True, slots=True)
class DataConfig:
    """The `data:` block.

    Attributes:
        source: `csv`, `parquet`, `npz`, or the name of a dataset (`lfw_people`, `digits`, `noise`, ...);
            `NO_DATA` where the config says `data: none`: a net whose numbers are looked at, see `dltrain trace`.
        arguments: the source's own arguments that the user gave (`min_faces_per_person`, `shape`, ...).
        path: absolute paths or glob patterns, in the order given; empty: none given.
        validation: paths of a validation part of its own; empty: none.
        test: paths of a test part of its own; empty: none.
        target: target column names; empty: the source's own target.
        task: "classification", "regression", "reconstruction" or None (inferred).
        features: column -> kind ("number", "category", "boolean", "date", "text") or None (inferred);
            None as a whole: all columns that are not target, weight, dropped or used by the split.
        drop: columns to leave out.
        weight: column with a weight for each row, or None.
        columns: names of the columns where the file has no header, or None.
        header: False: the file has no header line; None: True unless `columns` is given.
        separator, quote, decimal, thousands, encoding: how the text is written; None: found out / the usual.
        skip: lines before the table that are none of it.
        comment: lines that begin so are left out; None: none are.
        missing: words that mean "no value", beside the empty field; None: the usual ones.
        replace: column -> {old text: new text}.
        dates: how dates are written: "day_first", "month_first", a format, or column -> one of these; None: found out.
        missing_target: rows without a value for a target "fail", or are left out ("drop").
        allow_one_class: a training part in which the target has one class or one value is trained on all the same.
        scale: None (the default of the kind of data), one of "standard", "minmax", "robust", "smooth_clip", "quantile", "unit",
            "none", or a mapping column -> one of these (for tables).
        impute: None (default "median"), "mean", "median", "most_frequent", "none", a number, or a mapping column -> one of these.
        encode: None (one-hot up to 64 categories, embedding above), "one_hot", "embedding", or a mapping column -> one of these.
        min_count: training rows that a category needs to be one of its own, or column -> so many; the others are one together.
            None: one row will do.
        scale_target: how a regression target is scaled inside: True or "standard", "log" (its logarithm, standardized), or False;
            it is reported in its own units all the same.
        split: see `SplitConfig`.
        augment: Keras's random layers, applied in training only.
        transform: scikit-learn transformers, kind "transformer", applied in order to the scaled numbers of a row.
        corrupt: what is done to the input of a reconstruction in training only, or None.
        limit: use the first so many rows of the source only, or None.
        identifiers: columns that are no features but are repeated beside predictions.
        text: see `TextConfig`.
        images: see `ImagesConfig`.
        series: see `SeriesConfig`; None: the rows of a table have no order.
        input_columns: input -> columns of a table, as `model.inputs` has them; empty: one input of all numbers.
        places: key path (such as `data.target`) -> Place, for errors found later.
    """

    source: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    path: tuple[str, ...] = ()
    validation: tuple[str, ...] = ()
    test: tuple[str, ...] = ()
    target: tuple[str, ...] = ()
    task: str | None = None
    features: Mapping[str, str | None] | None = None
    drop: tuple[str, ...] = ()
    weight: str | None = None
    columns: tuple[str, ...] | None = None
    header: bool | None = None
    separator: str | None = None
    quote: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    skip: int = 0
    comment: str | None = None
    encoding: str | None = None
    missing: tuple[str, ...] | None = None
    replace: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    dates: str | Mapping[str, str] | None = None
    missing_target: str = "fail"
    allow_one_class: bool = False
    scale: str | Mapping[str, str] | None = None
    impute: str | float | Mapping[str, str | float] | None = None
    encode: str | Mapping[str, str] | None = None
    min_count: int | Mapping[str, int] | None = None
    scale_target: bool | str = True
    split: SplitConfig = SplitConfig()
    augment: tuple[Component, ...] = ()
    transform: tuple[Component, ...] = ()
    corrupt: CorruptConfig | None = None
    limit: int | None = None
    identifiers: tuple[str, ...] = ()
    text: TextConfig = TextConfig()
    images: ImagesConfig = field(default_factory=ImagesConfig)
    series: SeriesConfig | None = None
    input_columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    places: Mapping[str, Place] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """The `model:` block.

    Attributes:
        layers: in order.
        output: "auto" (what the task needs), "none" (the last layer is the output), or a layer.
        logits: the output leaves its last activation out and the loss is told so.
        inputs: names of inputs -> the columns of a table that they take, or options (`shape`, without the batch); empty: from
            the data.
    """

    layers: tuple[LayerConfig, ...] = ()
    output: str | LayerConfig = "auto"
    logits: bool = False
    inputs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LossConfig:
    """A loss for one target, with its weight in the sum."""

    component: Component
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class CheckpointConfig:
    """`training.checkpoint`: Keras's ModelCheckpoint arguments, plus the file format.

    Attributes:
        filepath: template such as `lfw_{epoch:02d}_{val_accuracy:.3f}.h5`, relative to the run's `checkpoints/`;
            None: best and last only.
        monitor: the metric that makes a model "best"; None: early stopping's, else `val_loss`.
        mode: "auto", "min", "max".
        save_best_only: write the template's file only when the monitor improved.
        save_weights_only: the template's files hold weights alone.
        initial_value_threshold: "best" must beat this.
        format: "h5" or "keras".
    """

    filepath: str | None = None
    monitor: str | None = None
    mode: str = "auto"
    save_best_only: bool = False
    save_weights_only: bool = False
    initial_value_threshold: float | None = None
    format: str = "h5"


@dataclass(frozen=True, slots=True)
class PhaseConfig:
    """One of `training.phases`: what it does otherwise than the block around it says.

    Attributes:
        changes: attributes of `TrainingConfig` that it gives itself.
        unfreeze: what is trained from here on besides: True (all layers), so many of the last layers of each
            `keras.applications` body, or names of layers; None: nothing.
    """

    changes: Mapping[str, Any] = field(default_factory=dict)
    unfreeze: bool | int | tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """The `training:` block.

    Attributes:
        optimizer: kind "optimizer".
        loss: one loss, a mapping target -> loss, or None (what the task needs).
        metrics: kind "metric" (or "loss", where Keras offers the loss as a metric).
        epochs: passes over the training part.
        batch_size: rows a step.
        shuffle: a new order each epoch.
        class_weight: None, "balanced", label -> weight, or target -> one of these.
        early_stopping, reduce_lr_on_plateau, tensorboard: arguments of Keras's callback, or None where it is not wanted.
        checkpoint: see `CheckpointConfig`.
        jit_compile: True, False or None ("auto": decided from the work ahead).
        save_interval: seconds between saves of the state inside a long epoch.
        average: validation, and the choice of the best model, by the averaged weights of an optimizer with `use_ema`.
        allow_large: what takes more memory than the machine has is tried all the same.
        phases: parts of the run with settings of their own, one after the other; empty: the block is all there is.
        cache_features: whether the output of frozen first layers is computed once and kept; None ("auto"): where it fits.
    """

    optimizer: Component = Component("optimizer", "Adam")
    loss: LossConfig | Mapping[str, LossConfig] | None = None
    metrics: tuple[Component, ...] = ()
    epochs: int = 10
    batch_size: int = 32
    shuffle: bool = True
    class_weight: str | Mapping[str, Any] | None = None
    early_stopping: Mapping[str, Any] | None = None
    checkpoint: CheckpointConfig = CheckpointConfig()
    reduce_lr_on_plateau: Mapping[str, Any] | None = None
    tensorboard: Mapping[str, Any] | None = None
    jit_compile: bool | None = None
    save_interval: float = 60.0
    average: bool = False
    allow_large: bool = False
    cache_features: bool | None = None
    phases: tuple[PhaseConfig, ...] = ()

    @property
    def stages(self) -> tuple[TrainingConfig, ...]:
        """The settings of each phase, whole; without phases those of the block alone."""
        if not self.phases:
            return (self,)
        return tuple(replace(self, phases=(), **phase.changes) for phase in self.phases)

    @property
    def num_epochs(self) -> int:
        """Epochs of all phases together."""
        return sum(stage.epochs for stage in self.stages)


@dataclass(frozen=True, slots=True)
class EvaluationConfig:
    """The `evaluation:` block: gates, each such as `accuracy>=0.9`, that `fit` and `evaluate` hold the run to.

    Attributes:
        require: the gates, those of the command line behind the config's own.
        num_added: how many of the last ones are the command line's.
    """

    require: tuple[str, ...] = ()
    num_added: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Config:
    """One experiment, validated; two are equal where they are the same experiment, whatever file and parameters said so.

    Attributes:
        name: the run directory's first word.
        seed: every random draw is a function of it.
        parameters: the named values after overrides.
        training: None where the config says `training: none`.
        parameter_keys: parameter -> the keys it stands at.
        sweep: the checked `sweep:` block as plain values, or None.
        file: the config's file as the user named it.
        warnings: faults of severity "warning" found on the way.
        resolved: the whole config as plain values, canonical spellings, parameters put in, paths absolute;
            what `config.yaml` of a run holds.
    """

    name: str
    seed: int
    data: DataConfig
    model: ModelConfig
    training: TrainingConfig | None
    evaluation: EvaluationConfig = EvaluationConfig()
    parameters: Mapping[str, Any] = field(default_factory=dict, compare=False)
    parameter_keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict, compare=False)
    sweep: Mapping[str, Any] | None = field(default=None, compare=False)
    file: Path | None = field(default=None, compare=False)
    warnings: tuple[Any, ...] = field(default=(), compare=False)
    resolved: Mapping[str, Any] = field(default_factory=dict, compare=False)
    places: Mapping[str, Place] = field(default_factory=dict, compare=False)

    def requiring(self, require: Sequence[str]) -> Config:
        """The same with further gates, which are the command line's and no part of the experiment as it is written down."""
        own = self.evaluation
        return replace(self, evaluation=EvaluationConfig((*own.require, *require), own.num_added + len(require)))


def fault_at(place: Place | None, message: str, *, path: str | None = None, hint: str | None = None) -> Fault:
    """A fault at a place of the config, or at none where the value came from elsewhere."""
    if place is None:
        return Fault(message, path=path, hint=hint)
    if place.word is not None:
        ending = f', in "{place.word}"'
        return Fault(f"{message.removesuffix(ending)}{ending}", path=path, hint=hint)
    return Fault(message, file=place.file, line=place.line, column=place.column, path=path, hint=hint)


def config_fault(config: DataConfig, key: str, message: str, hint: str | None = None) -> Fault:
    """A fault that the config's author can mend: placed at its key, or at the nearest key above it."""
    above = key
    while above not in config.places and "." in above:
        above = above.rpartition(".")[0]
    return fault_at(config.places.get(above), message, path=key, hint=hint)
