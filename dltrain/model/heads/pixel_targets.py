"""Masks as losses and metrics take them: encoded batch by batch, turned as their pictures were, ignored pixels counted nowhere.

A mask is held as one byte a pixel. What Keras's losses want - indices, one number of 0 or 1, or one-hot classes - is made of it
within the compiled step, with a weight of 0 for each pixel that is to be ignored: the loss is the mean over the others, as with
Keras's own `ignore_class`. Random layers at the beginning of the model (`data.augment`) draw once for a picture and its mask.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from typing import Any

from dltrain.data.dataset import IGNORED
from dltrain.model.heads.head import INDEX_METRICS, Head
from dltrain.model.keras_import import import_keras

# Metrics that compare with indices, of pixels always, and take the probabilities of all classes.
OF_INDICES = ("IoU", "MeanIoU")
# Losses of whole regions: pixels have no weights in them.
REGION_LOSSES = ("Dice", "Tversky")
# Metrics that take rows of outputs, which pixels are here.
_OF_ROWS = ("F1Score", "FBetaScore")
_FROM_INDICES = {*INDEX_METRICS, *OF_INDICES}


def score_pixels(model: Any, heads: Sequence[Head]) -> None:
    """Let a compiled model of one mask take its targets as `EncodedPart` has them.

    Args:
        model: compiled.
        heads: of its outputs.
    """
    if len(heads) != 1 or not heads[0].is_mask:
        return
    layers = random_layers(model)
    for layer in layers:
        if not hasattr(layer, "dltrain_drawn"):
            _remember_draws(layer)
    scorer = PixelScorer(heads[0], layers)
    compute_loss, compute_metrics = type(model).compute_loss, type(model).compute_metrics

    @functools.wraps(compute_loss)
    def loss_of_pixels(x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True) -> Any:
        codes, weight = scorer.turned(y, sample_weight) if training else (y, sample_weight)
        scorer.remember(y_pred, codes)
        true, said, weight = scorer.for_loss(codes, y_pred, weight)
        return compute_loss(model, x, true, said, weight, training)

    @functools.wraps(compute_metrics)
    def metrics_of_pixels(x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        container, codes = model._compile_metrics, scorer.remembered(y_pred, y)
        if not container.built:
            container.build(scorer.encoded(codes), y_pred)
        [own] = container._flat_metrics
        for metric in own.metrics if own else ():
            scorer.update(metric, codes, y_pred)
        return model.get_metrics_result()

    model.compute_loss, model.compute_metrics = loss_of_pixels, metrics_of_pixels


def random_layers(model: Any) -> list[Any]:
    """The random layers of pictures with which a model begins."""
    base = import_keras().layers.RandomFlip.__mro__[1]  # of all of Keras's layers that change pictures
    fixed = ("Resizing", "CenterCrop")
    return list(
        itertools.takewhile(lambda layer: isinstance(layer, base) and type(layer).__name__ not in fixed, model.layers[1:])
    )


def _remember_draws(layer: Any) -> None:
    """Let a random layer remember what it drew last."""
    draw = layer.get_random_transformation
    layer.dltrain_drawn = []  # within the step that is being traced

    @functools.wraps(draw)
    def drawing(data: Any, training: bool = True, **more: Any) -> Any:
        drawn = draw(data, training=training, **more)
        layer.dltrain_drawn[:] = [drawn] if training else []
        return drawn

    layer.get_random_transformation = drawing


class PixelScorer:
    """What losses and metrics see of masks.

    Args:
        head: of the model.
        layers: the random layers with which the model begins.
    """

    def __init__(self, head: Head, layers: Sequence[Any]) -> None:
        self._head, self._layers = head, layers
        self._last: tuple[Any, Any] | None = None

    def remember(self, y_pred: Any, codes: Any) -> None:
        """Keep the masks that the loss used with these outputs: Keras gives metrics those before the random turns and flips."""
        self._last = (y_pred, codes)

    def remembered(self, y_pred: Any, codes: Any) -> Any:
        """The masks that were remembered with these outputs, else the given ones."""
        return self._last[1] if self._last is not None and self._last[0] is y_pred else codes

    def turned(self, codes: Any, weight: Any) -> tuple[Any, Any]:
        """Masks, and weights of their pixels, as the random layers have just turned their pictures.

        What comes in from outside of a picture is ignored where the layer fills it with a constant.
        """
        keras = import_keras()
        ops = keras.ops
        of_pixels = weight is not None and len(weight.shape) == 3
        for layer in self._layers:
            if not layer.dltrain_drawn:
                continue
            [drawn] = layer.dltrain_drawn
            layer.dltrain_drawn.clear()
            # Moved by one, so that the constant 0 of what is filled in is that of ignored pixels.
            moved = (ops.cast(codes, "int32") + 1) % (IGNORED + 1)
            parts = [ops.cast(moved, "float32"), *([ops.cast(weight, "float32")] if of_pixels else [])]
            # Each as a picture of one channel: a layer may look at the channels together.
            done = [_turn(layer, ops.expand_dims(part, -1), drawn)[..., 0] for part in parts]
            codes = ops.cast((ops.cast(ops.round(done[0]), "int32") + IGNORED) % (IGNORED + 1), "uint8")
            weight = done[1] if of_pixels else weight
        return codes, weight

    def encoded(self, codes: Any) -> Any:
        """Masks as the loss wants them; a pixel that is ignored is of the first class."""
        ops = import_keras().ops
        indices = ops.where(codes == IGNORED, ops.zeros_like(codes), codes)
        if self._head.encoding == "binary":
            return ops.expand_dims(ops.cast(indices, "float32"), -1)
        if self._head.encoding == "one_hot":
            return ops.one_hot(ops.cast(indices, "int32"), len(self._head.classes), dtype="float32")
        return ops.cast(indices, "int32")

    def for_loss(self, codes: Any, y_pred: Any, weight: Any) -> tuple[Any, Any, Any]:
        """True masks, outputs and weights of pixels as the loss takes them."""
        ops = import_keras().ops
        counted = ops.cast(codes != IGNORED, "float32")
        true = self.encoded(codes)
        if self._head.loss.like in REGION_LOSSES:
            counted = ops.expand_dims(counted, -1)
            return true * counted, y_pred * ops.cast(counted, y_pred.dtype), weight
        # Keras divides by all pixels: the mean is to be that of those that count.
        share = ops.mean(counted)
        pixels = counted / ops.maximum(share, 1e-12)
        if weight is not None:
            pixels = pixels * (weight if len(weight.shape) == 3 else ops.reshape(weight, (-1, 1, 1)))
        return true, y_pred, pixels

    def update(self, metric: Any, codes: Any, y_pred: Any) -> None:
        """Let a metric of Keras's see masks and outputs; pixels that are ignored weigh nothing."""
        ops = import_keras().ops
        counted = ops.cast(codes != IGNORED, "float32")
        name = type(metric).__name__
        if name in _FROM_INDICES:
            indices = ops.cast(ops.where(codes == IGNORED, ops.zeros_like(codes), codes), "int32")
            said = self._probabilities(y_pred) if name in OF_INDICES else y_pred
            metric.update_state(indices, said, sample_weight=ops.cast(counted, "int32") if name in OF_INDICES else counted)
            return
        metrics, true = import_keras().metrics, self.encoded(codes)
        if name in _OF_ROWS:
            units = y_pred.shape[-1]
            true, y_pred, counted = ops.reshape(true, (-1, units)), ops.reshape(y_pred, (-1, units)), ops.reshape(counted, (-1,))
        elif isinstance(metric, metrics.IoU):
            counted = ops.cast(counted, "int32")
        elif not isinstance(metric, metrics.MeanMetricWrapper):  # it goes through all numbers of the outputs
            counted = ops.expand_dims(counted, -1)
        metric.update_state(true, y_pred, sample_weight=counted)

    def _probabilities(self, y_pred: Any) -> Any:
        """Of all classes, or something that is largest for the same class."""
        if self._head.units > 1:
            return y_pred
        middle = 0.0 if self._head.logits else 1.0
        return import_keras().ops.concatenate([middle - y_pred, y_pred], axis=-1)


def _turn(layer: Any, masks: Any, drawn: Any) -> Any:
    """Masks [rows, height, width, 1] as a layer turns pictures by what it drew."""
    fill = getattr(layer, "fill_value", None)
    if fill:
        layer.fill_value = 0.0
    try:
        return layer.transform_segmentation_masks(masks, transformation=drawn, training=True)
    finally:
        if fill:
            layer.fill_value = fill
