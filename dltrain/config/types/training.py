"""The `training:` block as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from dltrain.config.types.component import Component
from dltrain.config.types.key import keyed


@dataclass(frozen=True, slots=True)
class LossConfig:
    """A loss for one target, with its weight in the sum."""

    component: Component
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class CheckpointConfig:
    """`training.checkpoint`: Keras's ModelCheckpoint arguments, plus the file format.

    Attributes:
        filepath: relative to the run's `checkpoints/`; None: best and last only.
        monitor: None: early stopping's, else `val_loss`.
    """

    filepath: str | None = keyed(
        "text",
        "Template of file names, such as lfw_{epoch:02d}_{val_accuracy:.3f}.h5.",
        example="lfw_{epoch:02d}_{val_accuracy:.3f}.h5",
    )
    monitor: str | None = keyed("text", "The metric that makes a model the best.", example="val_accuracy")
    mode: str = keyed("'auto'|'min'|'max'", "Whether less or more of it is better.", "auto", example="max")
    save_best_only: bool = keyed("bool", "Write the file only when the metric improved.", False, example=True)
    save_weights_only: bool = keyed("bool", "The files hold weights alone.", False, example=True)
    initial_value_threshold: float | None = keyed("number", "The best must beat this.", example=0.9)
    format: str = keyed("'h5'|'keras'", "File format.", "h5", example="keras")


@dataclass(frozen=True, slots=True)
class MembersConfig:
    """`training.members`: an ensemble, or one fit of it.

    Attributes:
        number: 1: no ensemble.
        folds: each is validated on another fold of the rows.
        member: None: all of them.
    """

    number: int = keyed("int>=1", "How many there are: `members: 5` for short.", 1, example=5)
    folds: int | None = keyed(
        "int>=2",
        "So many members, each validated on another fold of all rows that are not of the test part.",
        example=5,
    )
    member: int | None = keyed("int>=1", "Which of them, from 1, this one fit is; stands in a member's own config.", example=2)

    @property
    def count(self) -> int:
        """Number of members, or of the folds that stand for them."""
        return self.folds or self.number

    @property
    def are_several(self) -> bool:
        """Whether this fit trains several members; a member by itself is one."""
        return self.count > 1 and self.member is None


@dataclass(frozen=True, slots=True)
class PhaseConfig:
    """One of `training.phases`: what it does otherwise than the block around it says.

    Attributes:
        unfreeze: True (all layers), so many of the last layers of each `keras.applications` body, or names; None: nothing.
        changes: attributes of `TrainingConfig` that it gives itself.
    """

    changes: Mapping[str, Any] = field(default_factory=dict)
    unfreeze: bool | int | tuple[str, ...] | None = keyed(
        "bool|int>=1|text|list(text)",
        "Trained from this phase on besides: true (all layers), the N last layers of a body, or layers by name.",
        example=20,
    )


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """The `training:` block.

    Attributes:
        loss: one loss, or target -> loss; None: what the task needs.
        metrics: kind "metric" (or "loss", where Keras offers the loss as a metric).
        class_weight: None, "balanced", label -> weight, or target -> one of these.
        early_stopping, reduce_lr_on_plateau, tensorboard: arguments of Keras's callback, or None where it is not wanted.
        jit_compile, cache_features: None: "auto".
    """

    optimizer: Component = keyed(
        "optimizer", "What changes the weights.", Component("optimizer", "Adam"), example={"Adam": {"learning_rate": 0.003}}
    )
    loss: LossConfig | Mapping[str, LossConfig] | None = keyed(
        "loss|map(loss)", "What is made small; by default what the task needs.", example="mse"
    )
    metrics: tuple[Component, ...] = keyed("list(metric)", "What else is computed.", (), example=["accuracy", "AUC"])
    epochs: int = keyed("int>=1", "Passes over the training part.", 10, example=30)
    batch_size: int = keyed("int>=1", "Rows a step.", 32, example=64)
    warmup: int | str | None = keyed(
        "int>=1|duration",
        "The learning rate rises in a line from 0 in so many steps, epochs or percent of the training: 500, 1 epoch, 5 %.",
        example="5 %",
    )
    shuffle: bool = keyed("bool", "A new order of the rows each epoch.", True, example=False)
    class_weight: str | Mapping[str, Any] | None = keyed(
        "'balanced'|map(number>=0|'balanced'|map(number>=0))",
        "Weight of each label, or `balanced`; with several targets also one of these for each.",
        example="balanced",
    )
    early_stopping: Mapping[str, Any] | None = keyed(
        "bool|mapping",
        "Stop when a metric no longer improves: arguments of Keras's EarlyStopping.",
        example={"monitor": "val_loss", "patience": 3},
    )
    checkpoint: CheckpointConfig = keyed(
        "bool|block",
        "Which weights are kept, and under which names.",
        CheckpointConfig(),
        example={"monitor": "val_accuracy", "save_best_only": True},
        block=CheckpointConfig,
    )
    reduce_lr_on_plateau: Mapping[str, Any] | None = keyed(
        "bool|mapping",
        "Lower the learning rate when a metric stalls: Keras's ReduceLROnPlateau.",
        example={"factor": 0.5, "patience": 5},
    )
    tensorboard: Mapping[str, Any] | None = keyed("bool|mapping", "Write for TensorBoard: Keras's TensorBoard.", example=True)
    track: tuple[str, ...] = keyed(
        "'mlflow'|'wandb'|list('mlflow'|'wandb')",
        "Trackers that are told of the run while it is trained; one that is down harms nothing, `dltrain log` tells it later.",
        (),
        example="mlflow",
    )
    average: bool | str = keyed(
        "bool|'ema'|'swa'",
        "Validate and choose the best model by averaged weights, and end with them: `ema`, as Keras's SwapEMAWeights (true where"
        " the optimizer says `use_ema: true` itself); `swa`, their mean over the ends of the last epochs.",
        False,
        example="swa",
    )
    average_from: str | None = keyed(
        "duration",
        "What is over before `average: swa` begins, in percent of the training or in epochs; by default 75 %.",
        example="50 %",
    )
    precision: str = keyed(
        "'float32'|'mixed_bfloat16'|'mixed_float16'",
        "What layers compute in, as Keras's dtype policies: weights and the output stay float32; mixed_float16 scales the loss.",
        "float32",
        example="mixed_bfloat16",
    )
    devices: str = keyed(
        "'auto'|'cpu'|'gpu'|'gpu:2'|'gpu:3'|'gpu:4'|'gpu:5'|'gpu:6'|'gpu:7'|'gpu:8'|'gpu:16'",
        "What computes: auto, an NVIDIA card where there is one, else the processor; cpu hides the cards; gpu fails where there"
        " is none; gpu:2 trains on two cards of this machine, a process on each, which share the rows of every step.",
        "auto",
        example="cpu",
    )
    deterministic: bool = keyed(
        "bool",
        "Make each operation add in one order, so that a card gives the same bits each time: some take several times as long"
        " there, and those that have no such way fail. On a processor the bits are the same anyway.",
        False,
        example=True,
    )
    clip_norm: float | None = keyed(
        "number>0",
        "Clip the gradient of each weight to this norm, as Keras's `clipnorm`; the norm of all together is the optimizer's"
        " `global_clipnorm`.",
        example=1.0,
    )
    gradient_accumulation: int | None = keyed(
        "int>=1",
        "Change the weights after so many steps, by the mean of their gradients: a batch of so many times the rows, in the"
        " memory of one.",
        example=4,
    )
    jit_compile: bool | None = keyed(
        "'auto'|bool", "Whether XLA compiles the step; auto: decided from the work ahead.", example=False
    )
    phases: tuple[PhaseConfig, ...] = keyed(
        "list(mapping)",
        "Phases one after the other, each with what it does otherwise than this block; their epochs count on.",
        (),
        example=[{"epochs": 5}, {"epochs": 5, "unfreeze": 20, "optimizer": {"Adam": {"learning_rate": 1e-05}}}],
        block=PhaseConfig,
    )
    members: MembersConfig = keyed(
        "int>=1|block",
        "So many models of other seeds, trained together; the run's model is their average.",
        MembersConfig(),
        example=5,
        block=MembersConfig,
    )
    cache_features: bool | None = keyed(
        "'auto'|bool",
        "Compute the output of frozen first layers once and keep it; auto: where it takes at most 1 GiB.",
        example=False,
    )
    save_interval: float = keyed("number>0", "Seconds between saves of the state inside a long epoch.", 60.0, example=300)
    allow_large: bool = keyed(
        "bool", "Try what takes more memory than this machine has; --allow-large says the same.", False, example=True
    )

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
