"""A `keras.applications` network whole, with the top that names the thousand classes of ImageNet."""

from __future__ import annotations

import contextlib
import json
import sys
import warnings
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.errors import DataError, RunError, is_own_bug, reason_of
from dltrain.model.forward import Forward
from dltrain.model.weights.pretrained import WITH_TOP, is_cached, named_file, places_of_weights
from dltrain.model.weights.weights import refuse_foreign_file
from dltrain.reporting import Reporter
from dltrain.settings import is_offline
from dltrain.storage.download import DownloadError, Remote, download

CLASSES_FILE = "imagenet_class_index.json"
# As keras.applications.imagenet_utils names it.
CLASSES = Remote(
    CLASSES_FILE,
    "https://storage.googleapis.com/download.tensorflow.org/data/imagenet_class_index.json",
    "md5:c2c37ea517e94d9795004a39431a14cb",
    35_363,
)
MOST_CLASSES = 100_000
MOST_BYTES = 4 << 20


class StockNetwork:
    """A network with its weights, and the names of its classes.

    Args:
        name: as Keras spells it.
        weights: "imagenet" (looked for in `$DLTRAIN_DATA/weights`, then by Keras, which downloads it), a file, or "none".
        reporter: hears of downloads.

    Raises:
        DataError: weights or names are not there, or do not fit.
    """

    def __init__(self, name: str, weights: str, reporter: Reporter) -> None:
        from dltrain.model.keras_import import import_keras

        self.name = name
        path = find_stock_weights(name, weights)
        self.classes = read_classes(reporter)
        keras = import_keras()
        network = getattr(keras.applications, name)
        self._preprocess = sys.modules[network.__module__].preprocess_input
        if path is None and weights == "imagenet":
            self.model = _with_downloaded_weights(network, name, reporter)
            return
        self.model = network(weights=None, classes=len(self.classes))
        if path is not None:
            _load(self.model, path, name, len(self.classes))

    @cached_property
    def _forward(self) -> Forward:
        return Forward(self.model, 16)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the pictures that it takes."""
        _, height, width, _ = self.model.input_shape
        return int(height), int(width)

    def probabilities(self, pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Probability of each class [rows, classes].

        Args:
            pictures: [rows, height, width, 3] of the network's size.
        """
        pixels = self._preprocess(pictures.astype(np.float32))
        return np.asarray(self._forward.outputs([pixels])[0], np.float64)


def find_stock_weights(name: str, weights: str) -> Path | None:
    """The file of the weights; None for "none", and for "imagenet" where Keras has to find it.

    Raises:
        DataError: there is no such file.
    """
    if weights == "none":
        return None
    if weights != "imagenet":
        path = Path(weights).expanduser()
        if not path.is_file():
            raise DataError(f"there is no weights file {path}", hint="--weights takes a path, imagenet, or none")
        return path
    return named_file(places_of_weights()[:-1], name, WITH_TOP)


def _with_downloaded_weights(network: Any, name: str, reporter: Reporter) -> Any:
    """Keras's own look-up: its cache, then a download."""
    reporter.status(f"looking for the ImageNet weights of {name}")
    reason = "not downloaded: DLTRAIN_OFFLINE is set"
    if not is_offline() or is_cached(name, with_top=True):
        try:
            with contextlib.redirect_stdout(sys.stderr):  # Keras draws a bar
                return network(weights="imagenet")
        except Exception as error:  # Keras raises a plain Exception where a download fails
            reason = reason_of(error)
    own, keras_models = [*places_of_weights()[:-1], Path("$DLTRAIN_DATA/weights")][0], places_of_weights()[-1]
    wanted = own / f"{name.lower()}{WITH_TOP}"
    raise DataError(
        f"the ImageNet weights of {name} are not on this machine: {reason}; "
        f"looked for {wanted}, then for Keras's own file in {keras_models}",
        hint=f"put the file there (keras.applications.{name}().save_weights(...) writes it), or say --weights FILE",
    )


def _load(model: Any, path: Path, name: str, num_classes: int) -> None:
    try:
        refuse_foreign_file(model, path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what it skips it also raises
            model.load_weights(path)
    except RunError as error:
        raise DataError(error.faults) from error
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, AttributeError, MemoryError) as error:
        if is_own_bug(error):
            raise
        reason = reason_of(error)
        hint = f"expected the whole network with its top of {num_classes:,} classes, as save_weights writes it"
        raise DataError(f"{path} does not hold the weights of {name}: {reason}", hint=hint) from error


def read_classes(reporter: Reporter) -> list[str]:
    """Names of ImageNet's classes in the network's order.

    Raises:
        DataError: the list is nowhere and cannot be downloaded, or is damaged.
    """
    places = places_of_weights()
    path = next((folder / CLASSES_FILE for folder in places if (folder / CLASSES_FILE).is_file()), None)
    if path is None:
        path = _download_classes(places, reporter)
    return _parse_classes(path)


def _download_classes(places: list[Path], reporter: Reporter) -> Path:
    reason = "DLTRAIN_OFFLINE is set"
    if not is_offline():
        try:
            return download(CLASSES, places[-1], reporter)
        except DownloadError as error:
            reason = str(error)
    looked = ", ".join(str(place) for place in places)
    raise DataError(
        f"the names of ImageNet's classes are not on this machine and were not downloaded ({reason}); "
        f"looked for {CLASSES_FILE} in {looked}",
        hint=f"put {CLASSES.url} there",
    )


def _parse_classes(path: Path) -> list[str]:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ValueError("too large")
        index = json.loads(path.read_bytes())
        pairs = [index[str(number)] for number in range(min(len(index), MOST_CLASSES))]
        names = [str(name) for _, name in pairs]
        if not names or not all(isinstance(identifier, str) for identifier, _ in pairs):
            raise ValueError("no names")
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        message = f"expected class names as Keras publishes them ({{number: [identifier, name]}}): {error}"
        raise DataError(message, file=str(path)) from error
    # Two cranes and two maillots: the same word for different classes.
    return [f"{name} ({pair[0]})" if names.count(name) > 1 else name for name, pair in zip(names, pairs, strict=True)]
