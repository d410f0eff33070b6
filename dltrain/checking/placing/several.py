"""What several processes cannot train together: what computes over all rows of a batch, of which each has only some."""

from __future__ import annotations

from collections.abc import Iterator

from dltrain.checking.places import placed
from dltrain.config.types import SEGMENTATION, Component, Config, LossConfig, TrainingConfig
from dltrain.errors import ConfigError, Fault, UsageError
from dltrain.system import why_no_processes

# Losses of a batch as one, and layers that mix its rows.
_LOSSES = {"Dice", "Tversky", "Circle"}
_MIXING = {"MixUp", "CutMix"}
_HINT = "train it by one process: leave out --workers, or more cards than one"


def refuse_several(config: Config, training: TrainingConfig) -> None:
    """Refuse a training whose result would be another one if several processes shared its batches.

    Raises:
        ConfigError: with a fault for each reason.
        UsageError: this system has no such processes.
    """
    reason = why_no_processes()
    if reason is not None:
        raise UsageError(f"a fit of several workers needs Linux or macOS: {reason}", hint=_HINT)
    faults = list(faults_of_several(config, training))
    if faults:
        raise ConfigError(placed(config, faults))


def faults_of_several(config: Config, training: TrainingConfig) -> Iterator[Fault]:
    """Why several processes cannot train it together, without places."""
    if training.members.are_several:
        yield Fault("an ensemble is trained by one process", path="training.members", hint=_HINT)
    if config.data.task == SEGMENTATION:
        message = (
            "the loss of masks is the mean over all pixels of a batch that count, of which each of several workers has a share"
        )
        yield Fault(message, path="data.task", hint=_HINT)
    for path, loss in _losses(training):
        reduction = loss.arguments.get("reduction", "sum_over_batch_size")
        if loss.name in _LOSSES or loss.arguments.get("ignore_class") is not None:
            what = loss.name if loss.name in _LOSSES else f"{loss.name} with `ignore_class`"
            message = f"{what} makes one number of a whole batch, of which each of several workers has a share"
            yield Fault(message, path=path, hint=_HINT)
        elif reduction not in ("sum_over_batch_size", "mean", "auto"):
            message = f"several workers add the means over their rows, and cannot follow `reduction: {reduction}`"
            yield Fault(message, path=path, hint="leave `reduction` out")
    for index, layer in enumerate(config.data.augment):
        if layer.name in _MIXING:
            message = f"{layer.name} mixes the rows of a batch, of which each of several workers has a share"
            yield Fault(message, path=f"data.augment.{index}", hint=_HINT)


def _losses(training: TrainingConfig) -> Iterator[tuple[str, Component]]:
    found = training.loss
    if isinstance(found, LossConfig):
        yield "training.loss", found.component
    elif found is not None:
        for target, loss in found.items():
            yield f"training.loss.{target}", loss.component
