"""`predict Xception`: a network that others trained, asked about pictures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dltrain.data.pictures.reader import read_pictures
from dltrain.errors import warnings_of
from dltrain.evaluation.predictions.of_outputs import Predictions, most_probable
from dltrain.model.keras_import import import_keras
from dltrain.model.weights.stock import StockNetwork
from dltrain.reporting import Reporter, warn_each

USUAL_TOP = 5
BATCH = 256


def predict_stock(
    name: str,
    *,
    data: Sequence[str],
    weights: str = "imagenet",
    top: int | None = None,
    skip_broken: bool = False,
    threads: int | None = None,
    reporter: Reporter | None = None,
) -> Predictions:
    """What a stock network sees in pictures, by the names of ImageNet's classes.

    Args:
        name: of a `keras.applications` network, as Keras spells it.
        data: picture files, folders or patterns.
        weights: "imagenet", a file, or "none" (as they are drawn).
        top: how many of each picture's most probable classes are given; None: five.
        skip_broken: leave out pictures that cannot be used, and name them, instead of failing.
        threads: threads for one operation.
        reporter: is told what happens.

    Raises:
        DataError: pictures, weights or class names are missing or unusable.
    """
    reporter = reporter or Reporter()
    reporter.status("importing Keras")
    import_keras(threads)
    network = StockNetwork(name, weights, reporter)
    reader = {"source": "image_folder", "size": list(network.size), "color": True, "range": [0.0, 255.0]}
    pictures = read_pictures(data, {**reader, "on_error": "skip" if skip_broken else "fail"}, with_labels=False)
    warn_each(reporter, warnings_of(pictures.notes))
    images = np.asarray(pictures.images)
    starts = range(0, len(images), BATCH)
    probabilities = np.concatenate([network.probabilities(images[start : start + BATCH]) for start in starts])
    columns = most_probable(network.classes, probabilities, top or USUAL_TOP)
    return Predictions(identifiers={"file": list(pictures.names)}, prediction=columns["label_1"], columns=columns)
