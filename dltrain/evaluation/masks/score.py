"""Metrics of segmentation: sums over the pixels of each picture, added up some pictures at a time.

Intersection over union of a class is hits / (true + said - hits), its Dice coefficient 2 hits / (true + said): scikit-learn's
`jaccard_score` and `f1_score` of all pixels together. Their means are over the classes that occur or are said, as in Keras's
`MeanIoU`. Pixels that are ignored count nowhere.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dltrain.config.catalog.metrics import SCORES_OF_A_MASK, SCORES_OF_MASKS
from dltrain.data.dataset import IGNORED
from dltrain.evaluation.masks.own_metrics import MaskGroups
from dltrain.evaluation.metrics.bootstrap.studentized import logarithm
from dltrain.evaluation.metrics.intervals import Sums, Units, add_columns, intervals, units_of
from dltrain.evaluation.metrics.metrics import class_losses, classification_report, ratio, row_losses
from dltrain.evaluation.metrics.report import PartReport, probabilities_of
from dltrain.evaluation.metrics.row_sums import MOST_CLASSES
from dltrain.evaluation.metrics.verdicts import Prior, Verdict, errors_better
from dltrain.model.forward import Forward
from dltrain.model.heads.head import Head
from dltrain.storage.documents import reading_manifest

Floats = NDArray[np.float64]
# Probabilities that are looked at together.
BLOCK_NUMBERS = 1 << 22


class Encoded(Protocol):
    """A part as the model takes it: arrays, or tensors of a training."""

    @property
    def inputs(self) -> Sequence[Any]:
        """One per input of the model."""

    @property
    def targets(self) -> Sequence[Any]:
        """One per target."""

    @property
    def weights(self) -> Sequence[Any] | None:
        """Weights of rows, one per target."""


class PixelScore:
    """Adds up the pixels of masks, picture by picture.

    Args:
        num_classes: how many there are.

    Attributes:
        matrix: int64 [true class, said class] of all pixels.
    """

    def __init__(self, num_classes: int) -> None:
        self.num_classes = num_classes
        self.matrix = np.zeros((num_classes, num_classes), np.int64)
        self._rows: list[tuple[Floats, Floats, Floats, Floats]] = []

    def add(self, codes: NDArray[np.uint8], probabilities: NDArray[Any]) -> None:
        """Take in some pictures.

        Args:
            codes: true classes [rows, height, width], `IGNORED` where there is none.
            probabilities: of each class [rows, height, width, classes].
        """
        count = self.num_classes
        for true_mask, scores in zip(codes, probabilities, strict=True):
            counted = true_mask != IGNORED
            true, given = true_mask[counted].astype(np.int64), np.asarray(scores[counted], np.float64)
            said = given.argmax(axis=1)
            cells = np.bincount(true * count + said, minlength=count * count).reshape(count, count)
            self.matrix += cells
            losses = class_losses(true, given)
            sums = (cells.diagonal(), cells.sum(axis=1), cells.sum(axis=0), np.bincount(true, losses, count))
            self._rows.append(tuple(np.asarray(one, np.float64) for one in sums))  # type: ignore[arg-type]

    @property
    def num_rows(self) -> int:
        """How many pictures."""
        return len(self._rows)

    def put_together(self, pictures: NDArray[np.int64] | None) -> None:
        """Adds up the rows that are tiles of the same picture."""
        if pictures is None or not self._rows:
            return
        _, codes = np.unique(pictures, return_inverse=True)
        joined = [np.zeros((int(codes.max()) + 1, self.num_classes)) for _ in self.of_each()]
        for total, one in zip(joined, self.of_each(), strict=True):
            np.add.at(total, codes, one)
        self._rows = list(zip(*joined, strict=True))

    def of_each(self) -> tuple[Floats, Floats, Floats, Floats]:
        """Of each picture and class [rows, classes]: hits, true pixels, said pixels, and losses of the true ones."""
        hits, true, said, losses = (np.stack(one) for one in zip(*self._rows, strict=True))
        return hits, true, said, losses

    def sums(self, labels: Sequence[str]) -> Sums:
        """Sums for bootstrap intervals, which resample pictures."""
        count = self.num_classes
        columns = [column for one in self.of_each() for column in one.T]

        def compute(sums: Floats) -> dict[str, Floats]:
            hits, true, said, losses = (sums[..., place * count : (place + 1) * count] for place in range(4))
            each = scores_of_classes(hits, true, said)
            found = means_of(each, hits, true, said)
            found["log_loss"] = ratio(losses.sum(axis=-1), true.sum(axis=-1))
            for index, label in enumerate(labels if count <= MOST_CLASSES else ()):
                found |= {f"{name}[{label}]": values[..., index] for name, values in each.items()}
            return found

        of_each = [f"{name}[{label}]" for label in labels for name in SCORES_OF_A_MASK]
        bounded = ("accuracy", "mean_iou", "mean_dice", *of_each)
        tailed = {"log_loss": logarithm}
        num_rows = self.num_rows
        return Sums(num_rows, len(columns), lambda codes, units: add_columns(columns, codes, units), compute, {}, bounded, tailed)

    def units(self, sums: Sums) -> Units | None:
        """The bootstrap's units, which are pictures; None where they are too few."""
        units = units_of(self.num_rows, num_sums=sums.num_sums)
        return None if units is None else replace(units, by="pictures")

    def metrics(self) -> dict[str, float]:
        """`SCORES_OF_MASKS` of all pixels."""
        if not self.num_rows:
            return {}
        found = self.sums(()).values()
        return {name: found[name] for name in SCORES_OF_MASKS}

    def baseline(self, shares: ArrayLike) -> dict[str, float]:
        """The same of saying the class with the largest share everywhere; the log loss is that of the shares."""
        given = np.asarray(shares, np.float64)
        true = self.of_each()[1].sum(axis=0)
        hits, said = np.zeros_like(true), np.zeros_like(true)
        usual = int(given.argmax())
        hits[usual], said[usual] = true[usual], true.sum()
        found = means_of(scores_of_classes(hits, true, said), hits, true, said)
        losses = true @ row_losses(given / given.sum())
        return {**{name: float(value) for name, value in found.items()}, "log_loss": float(ratio(losses, true.sum()))}

    def judge(self, prior: Prior) -> Verdict:
        """The verdict on predicted masks: better or not than always predicting the training part's class frequencies.

        The log loss is asked first. A model that was trained by Dice is surer than it should be, so that pixels that are right
        speak for it as well. Pictures are the rows: pixels of one are no evidence of their own.
        """
        assert prior.shares is not None
        hits, true, said, losses = self.of_each()
        weights = np.ones(self.num_classes) if prior.class_weights is None else np.asarray(prior.class_weights, np.float64)
        constant = true * row_losses(prior.shares)
        of_row = true @ weights
        filled = np.maximum(of_row, 1e-12)
        # Sums of the same numbers in another order are the same.
        score = errors_better(np.round(losses @ weights / filled, 12), np.round(constant @ weights / filled, 12), of_row)
        usual = int(np.argmax(prior.shares))
        own = (means_of(scores_of_classes(hits, true, said), hits, true, said), true.sum(axis=1))
        always = np.zeros_like(true)
        always[:, usual] = true.sum(axis=1)
        right = np.zeros_like(true)
        right[:, usual] = true[:, usual]
        other = means_of(scores_of_classes(right, true, always), right, true, always)
        others = [errors_better(1 - own[0][name], 1 - other[name], np.ones(len(true))) for name in ("accuracy", "mean_iou")]
        total = max(of_row.sum(), np.finfo(np.float64).tiny)
        return Verdict(
            "log_loss",
            float((losses @ weights).sum() / total),
            float((constant @ weights).sum() / total),
            len(true),
            prior.class_weights is not None,
            score,
            max(others),
            strength=max(score, *others),
        )


def scores_of_classes(hits: Floats, true: Floats, said: Floats) -> dict[str, Floats]:
    """`SCORES_OF_A_MASK` of each class, of counts [..., classes]; 0 where there is nothing below the line."""
    return {
        "iou": ratio(hits, true + said - hits),
        "dice": ratio(2 * hits, true + said),
        "precision": ratio(hits, said),
        "recall": ratio(hits, true),
    }


def means_of(each: Mapping[str, Floats], hits: Floats, true: Floats, said: Floats) -> dict[str, Floats]:
    """Accuracy of the pixels, and means over the classes that occur or are said."""
    present = (true + said) > 0
    found = {"accuracy": ratio(hits.sum(axis=-1), true.sum(axis=-1))}
    return found | {
        f"mean_{name}": ratio((each[name] * present).sum(axis=-1), present.sum(axis=-1).astype(np.float64))
        for name in ("iou", "dice")
    }


def report_segmentation(
    name: str,
    forward: Forward,
    data: Encoded,
    head: Head,
    described: Mapping[str, Any],
    pictures: NDArray[np.int64] | None = None,
) -> PartReport:
    """What is reported of a part whose pixels have classes; pictures pass through memory block by block.

    Args:
        name: of the part, for sentences.
        forward: of the compiled model.
        data: the encoded part.
        head: of the model.
        described: from `describe_reference`.
        pictures: which picture each row is a tile of; None: rows are pictures.
    """
    score, groups = PixelScore(len(head.classes)), MaskGroups(head, int(data.targets[0].shape[0]), pictures)

    def consume(true: Any, outputs: Sequence[NDArray[Any]]) -> None:
        codes, output = np.asarray(true[0]), outputs[0]
        size = max(1, BLOCK_NUMBERS // math.prod((*codes.shape[1:], len(head.classes))))
        for start in range(0, len(codes), size):
            true_block, block = codes[start : start + size], output[start : start + size]
            score.add(true_block, pixel_probabilities(head, block))
            groups.add(forward.model, true_block, block)

    logs, _ = forward.evaluate(data.inputs, data.targets, data.weights, consume=consume)
    score.put_together(pictures)
    prior = prior_of_masks(described, head)
    result = PartReport({**logs, **score.metrics()}, score.baseline(prior_counts(described, head)))
    result.report = pixel_report(score, head.classes)
    sums = score.sums(head.classes)
    units = score.units(sums)
    result.pixels = score
    if units is not None:
        result.units, result.intervals = units.document(), {**groups.intervals(result.metrics), **intervals(sums, units)}
    verdict = score.judge(prior)
    target = head.targets[0]
    result.verdicts[target.name] = verdict
    sentence = verdict.sentence(f"on the {name} part")
    if sentence is not None and name != "train":
        result.notes.append(sentence)
    return result


def pixel_probabilities(head: Head, output: NDArray[Any]) -> Floats:
    """Probability of each class for each pixel [..., classes], from a head's raw output [..., units]."""
    flat = probabilities_of(head, output.reshape(-1, output.shape[-1]))
    return flat.reshape(*output.shape[:-1], flat.shape[-1])


def pixel_report(score: PixelScore, classes: Sequence[str]) -> dict[str, Any]:
    """The confusion matrix and the table of the classes, in pixels."""
    report = classification_report(score.matrix, classes)
    hits, true, said, _ = (one.sum(axis=0) for one in score.of_each())
    each = scores_of_classes(hits, true, said)
    report["classes"] = {
        label: {**{name: float(values[place]) for name, values in each.items()}, "support": int(true[place])}
        for place, label in enumerate(classes)
    }
    del report["macro"], report["weighted"]
    return {**report, "counts": "pixels"}


def prior_counts(described: Mapping[str, Any], head: Head) -> Floats:
    """Pixels of each class in the training part.

    Raises:
        RunError: the manifest does not say.
    """
    with reading_manifest():
        counts = np.asarray(described[head.targets[0].name]["counts"], np.float64)
        if counts.shape != (len(head.classes),) or not np.isfinite(counts).all() or counts.min() < 0 or counts.sum() <= 0:
            raise ValueError("counts")
    return counts


def prior_of_masks(described: Mapping[str, Any], head: Head) -> Prior:
    """What the training part says of a pixel, under the weights of the training.

    Raises:
        RunError: the manifest does not say.
    """
    counts = prior_counts(described, head)
    with reading_manifest():
        given = described[head.targets[0].name].get("class_weights")
        weights = None if given is None else np.asarray(given, np.float64)
        if weights is not None and (weights.shape != counts.shape or not np.isfinite(weights).all()):
            raise ValueError("class_weights")
    shares = counts if weights is None else counts * weights
    return Prior(weights, shares / max(shares.sum(), 1e-12))
