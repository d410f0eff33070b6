"""From a model's outputs to labels with probabilities and to numbers in their own units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.data.columns.scaling import STRAIGHT_SCALES
from dltrain.data.pictures.preprocessing import PicturePreprocessing
from dltrain.data.preprocessing import Preprocessing
from dltrain.data.tables.preprocessing import TablePreprocessing
from dltrain.model.heads.answers import Isotonic, calibrate, threshold_of
from dltrain.model.heads.head import Head, layer_name
from dltrain.wording import one_line


@dataclass(frozen=True, slots=True)
class RawOutput:
    """One output of an exported model.

    Attributes:
        name: `prediction`, `probabilities`, `output`; with several targets followed by `_` and the target's name.
        dtype: "string" (a label), "float32", "int32" (whether a row has each label).
        shape: without the rows.
        meaning: for the user.
        labels: in the order of the probabilities; for a label the texts that it can be. Else empty.
        threshold: of two classes, from which probability on the second is the label; None: the most probable one is.
        calibration: the name of what mends the probabilities; None: they are as the model says them.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    meaning: str
    labels: tuple[str, ...] = ()
    threshold: float | None = None
    calibration: str | None = None


Units = tuple[NDArray[np.float64], NDArray[np.float64]]


def units_of_input(preprocessing: Preprocessing) -> Units | None:
    """(center, spread) that bring a reconstructed input back to the units of the data: number * spread + center.

    Of a table the numbers alone; those that stand for categories or for missing values stay. None where it is not so simple:
    quantiles, what is clipped, and what transformers of scikit-learn made.
    """
    if isinstance(preprocessing, PicturePreprocessing) and not preprocessing.steps:
        return preprocessing.center, preprocessing.spread
    if not isinstance(preprocessing, TablePreprocessing) or preprocessing.steps or preprocessing.groups:
        return None
    center: list[float] = []
    spread: list[float] = []
    for column in preprocessing.features:
        if any(number.scale not in STRAIGHT_SCALES for number in column.numbers):
            return None
        for number in column.numbers:
            rest = len(number.columns) - 1
            center += [number.center, *([0.0] * rest)]
            spread += [0.0 if np.isinf(number.spread) else number.spread, *([1.0] * rest)]
        rest = len(column.columns) - sum(len(number.columns) for number in column.numbers)
        center += [0.0] * rest
        spread += [1.0] * rest
    return np.array(center), np.array(spread)


def output_names(heads: Sequence[Head]) -> list[tuple[str, ...]]:
    """What the outputs of each head are called."""
    several = sum(target.is_middle for head in heads for target in head.targets) > 1
    named: list[tuple[str, ...]] = []
    for head in heads:
        ending = f"_{layer_name(head.targets[0].name)}" if several else ""
        if head.is_multilabel:
            named.append(
                ("probabilities", "labels") if head.answers is not None and head.answers.thresholds else ("probabilities",)
            )
        elif head.is_mask:
            named.append(("probabilities",))
        elif head.task == "classification":
            named.append((f"prediction{ending}", f"probabilities{ending}"))
        elif head.task == "regression":
            kinds = ["prediction" if target.is_middle else f"quantile_{target.quantile:g}" for target in head.targets]
            endings = [f"_{layer_name(target.plain_name)}" if several else "" for target in head.targets]
            named.append(tuple(kind + end for kind, end in zip(kinds, endings, strict=True)))
        else:
            named.append((f"output{ending}",))
    return named


def add_outputs(
    keras: Any, heads: Sequence[Head], tensors: Sequence[Any], *, with_text: bool, units: Units | None = None
) -> tuple[dict[str, Any], tuple[RawOutput, ...]]:
    """The exported model's outputs by name, and what they are.

    Args:
        keras: the module.
        heads: of the model.
        tensors: the model's output for each head.
        with_text: labels as text; otherwise their index.
        units: from `units_of_input`, for a reconstruction.
    """
    made: dict[str, Any] = {}
    outputs: list[RawOutput] = []

    def add(name: str, tensor: Any, dtype: str, meaning: str, labels: tuple[str, ...] = (), **told: Any) -> None:
        made[name] = tensor
        outputs.append(RawOutput(name, dtype, tuple(int(extent) for extent in tensor.shape[1:]), meaning, labels, **told))

    for head, tensor, names in zip(heads, tensors, output_names(heads), strict=True):
        if head.classes:
            told = _told(head) if not head.is_mask else {}
            for name, item in zip(names, _outputs_of_classes(keras, head, tensor, with_text=with_text), strict=True):
                add(name, *item, head.classes, **told)
        elif head.task == "regression":
            for index, (name, target) in enumerate(zip(names, head.targets, strict=True)):
                value = target.to_prediction(tensor[:, index], keras.ops)
                add(name, value, "float32", f"{target.name}, in its own units")
        elif units is None:
            add(names[0], tensor, "float32", "the input again, as the model sees it")
        else:
            center, spread = map(np.float32, units)
            add(names[0], tensor * spread + center, "float32", "the input again, in its own units")
    return made, tuple(outputs)


def _outputs_of_classes(keras: Any, head: Head, tensor: Any, *, with_text: bool) -> list[tuple[Any, str, str]]:
    """Tensor, type and meaning of each output that tells classes: of pixels, several of a row, or one."""
    if head.is_mask:
        meaning = "one for each class of each pixel, in their order; the largest is the pixel's class"
        return [(_probabilities(keras, head, tensor), "float32", meaning)]
    return _label_outputs(keras, head, tensor) if head.is_multilabel else _class_outputs(keras, head, tensor, with_text=with_text)


def _label_outputs(keras: Any, head: Head, tensor: Any) -> list[tuple[Any, str, str]]:
    """Tensor, type and meaning of the labels' probabilities, and of the labels where they have thresholds of their own."""
    said = keras.ops.sigmoid(tensor) if head.logits else tensor
    probabilities = calibrate(head, tensor, said, keras.ops)
    thresholds = head.answers.thresholds if head.answers is not None else ()
    meaning = f"one for each label, in their order{_how_mended(head)}"
    if not thresholds:
        return [(probabilities, "float32", f"{meaning}; above 0.5 the row has the label")]
    there = keras.ops.cast(probabilities >= np.array([one.value for one in thresholds], np.float32), "int32")
    least = ", ".join(f"{one.value:.9g}" for one in thresholds[:20]) + (", …" if len(thresholds) > 20 else "")
    on = f"1 from the label's own probability on ({least}), in their order"
    return [(probabilities, "float32", meaning), (there, "int32", on)]


def _class_outputs(keras: Any, head: Head, tensor: Any, *, with_text: bool) -> list[tuple[Any, str, str]]:
    """Tensor, type and meaning of the label and of the probabilities."""
    probabilities, threshold = _probabilities(keras, head, tensor), threshold_of(head)
    if threshold is None:
        # Keras's argmax looks at bits, which not every format can.
        index, meaning = keras.ops.top_k(probabilities, 1)[1][:, 0], "the most probable label"
    else:
        index = keras.ops.cast(probabilities[:, 1] >= threshold.value, "int32")
        first, second = (one_line(label, 24) for label in head.classes)
        meaning = f"{second} where its probability is at least {threshold.value:.9g}, else {first}"
    label = _label(keras, head.classes, index) if with_text else index
    return [
        (label, "string", meaning),
        (probabilities, "float32", f"one for each label, in their order{_how_mended(head)}"),
    ]


def _how_mended(head: Head) -> str:
    told = _told(head)
    return f" ({told['calibration']} calibration)" if "calibration" in told else ""


def _told(head: Head) -> dict[str, Any]:
    """What the description of a file says of an output's answers."""
    threshold, calibration = threshold_of(head), head.answers.calibration if head.answers is not None else None
    method = "isotonic" if isinstance(calibration, Isotonic) else "temperature"
    return {
        **({"threshold": threshold.value} if threshold is not None else {}),
        **({"calibration": method} if calibration is not None else {}),
    }


def _probabilities(keras: Any, head: Head, tensor: Any) -> Any:
    """The same as `dltrain.evaluation.metrics.report.probabilities_of`, as a graph."""
    return calibrate(head, tensor, _said(keras, head, tensor), keras.ops)


def _said(keras: Any, head: Head, tensor: Any) -> Any:
    """The probabilities before calibration."""
    ops = keras.ops
    if tensor.shape[-1] == 1:
        if head.logits:
            tensor = ops.sigmoid(tensor)
        elif head.is_signed:
            tensor = (tensor + 1.0) / 2.0
        return ops.concatenate([1.0 - tensor, tensor], axis=-1)
    return ops.softmax(tensor, axis=-1) if head.logits else tensor


def _label(keras: Any, labels: Sequence[str], index: Any) -> Any:
    unknown = "[UNK]"
    while unknown in labels:
        unknown += "_"
    layer = keras.layers.StringLookup(vocabulary=list(labels), num_oov_indices=0, oov_token=unknown, mask_token=None, invert=True)
    return layer(index)
