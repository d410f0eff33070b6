"""The bytes of a model's file: made by Keras once, then written again with what has changed in its place."""

from __future__ import annotations

import contextlib
import copy
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from typing import Any, BinaryIO

from dltrain.config.types import TrainingConfig
from dltrain.errors import ConfigError, is_own_bug, reason_of
from dltrain.later import h5py
from dltrain.model.heads.pinball import PINBALL
from dltrain.model.keras_import import import_keras
from dltrain.model.weights.h5_limits import why_not_h5
from dltrain.training.saving.state import Values, capture_model, holding, raw_bytes

# Writes a file's bytes into an open one.
Content = Callable[[BinaryIO], object]

# Texts in the file are filled up with blanks to a multiple of so many bytes: another number then has room in the place of one.
_TEXT_BYTES = 256


@dataclass(slots=True)
class _Image:
    """An `.h5` file in memory, and where in it is what may change.

    Attributes:
        data: the file.
        layers: names of the layers, and of the variables with their shapes.
        texts: name of an attribute -> where its text begins, and how many bytes it is.
        places: name of a dataset -> where its values begin, and how many bytes they are.
    """

    data: memoryview = field(default_factory=lambda: memoryview(b""))
    layers: Any = None
    texts: dict[str, tuple[int, int]] = field(default_factory=dict)
    places: dict[str, tuple[int, int]] = field(default_factory=dict)


class ModelFile:
    """The file of a model, to be written again and again while the model is trained.

    From one moment to the next an `.h5` file is the same but for the values of what is trained and the optimizer's own numbers.
    These are written in place of those in the file of before, from their own memory, which takes a fraction of the time, most
    of all where a large body is frozen.

    Args:
        model: compiled; what the file holds.
        trained: the part of it whose values change; both share their layers.
        file_format: "h5" or "keras".
        like: the file of a model with the same layers, the same values in all but the trained ones, and other numbers in its
            config: both are kept in one place.
    """

    def __init__(self, model: Any, trained: Any, file_format: str, like: ModelFile | None = None) -> None:
        self._model, self._trained, self._format = model, trained, file_format
        self._image: _Image = _Image() if like is None else like._image
        self._description: dict[str, Any] = {}

    def prepare(self, values: Values | None = None, *, weights_only: bool = False) -> Content:
        """All of a file's making that needs the model.

        Args:
            values: of what is trained; None: as they are now.
            weights_only: a `.weights.h5` file.

        Returns:
            What writes the file, also in another thread while the model is trained on.
        """
        if self._format != "h5" or weights_only:
            return self._made_by_keras(values, weights_only=weights_only)
        if not self._description:
            self._description = _describe(self._model)
        with _numbers_of(self._model.optimizer, values):
            described = {**self._description, **_describe_training(self._model)}
        image = self._image
        layers = [layer.name for layer in self._model.layers], [(name, v.shape) for name, v in _datasets(self._model)]
        if image.layers != layers or not _takes(image, described):
            image.layers = layers
            file = _built(self._model, described)
            image.data = file.getbuffer()
            image.texts, image.places = _looked_up(file, described)
        if not image.texts:
            return self._made_by_keras(values)
        arrays = capture_model(self._trained) if values is None else values.model
        changed = {id(variable): array for variable, array in zip(self._trained.variables, arrays, strict=True)}
        data, pieces = image.data, [(*image.texts[name], memoryview(text)) for name, text in described.items()]
        datasets = [(name, changed[id(variable)]) for name, variable in _datasets(self._model) if id(variable) in changed]
        pieces += [(*image.places[name], raw_bytes(array)) for name, array in datasets]
        assert all(size == len(piece) for _, size, piece in pieces)

        def write(file: BinaryIO) -> None:
            written = 0
            for first, size, piece in sorted(pieces, key=itemgetter(0)):
                file.write(data[written:first])
                file.write(piece)
                written = first + size
            file.write(data[written:])

        return write

    def _made_by_keras(self, values: Values | None, *, weights_only: bool = False) -> Content:
        with contextlib.nullcontext() if values is None else holding(self._trained, values):
            made = model_bytes(self._model, self._format, weights_only=weights_only)
        return lambda file: file.write(made)


@contextlib.contextmanager
def _numbers_of(optimizer: Any, values: Values | None) -> Iterator[None]:
    """The optimizer with those numbers of its that stand in the config of its training."""
    if values is None:
        yield
        return
    pairs = zip(optimizer.variables, values.optimizer, strict=True)
    numbers = [(variable, array) for variable, array in pairs if array is not None and not array.ndim]
    now = [variable.numpy() for variable, _ in numbers]
    for variable, array in numbers:
        variable.assign(array)
    try:
        yield
    finally:
        for (variable, _), array in zip(numbers, now):
            variable.assign(array)


def _takes(image: _Image, described: Mapping[str, Any]) -> bool:
    """Whether texts fit into the places of those that are there."""
    return image.texts.keys() == described.keys() and all(len(described[name]) == size for name, (_, size) in image.texts.items())


def _looked_up(data: io.BytesIO, described: Mapping[str, bytes]) -> tuple[dict[str, tuple[int, int]], dict[str, tuple[int, int]]]:
    """Where texts and values are in a file; no texts where any of it is not in one piece: nothing is then put in its place."""
    texts = {name: (_find(text, data.getbuffer()), len(text)) for name, text in described.items()}
    places: dict[str, tuple[int, int]] = {}

    def note(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            first = item.id.get_offset() if item.chunks is None and item.size else None
            places[name] = (-1 if first is None else first), item.nbytes

    with h5py.File(data, "r") as file:
        file.visititems(note)
    if any(first < 0 for first, _ in [*texts.values(), *places.values()]):
        return {}, {}
    return texts, places


def _find(text: bytes, data: memoryview) -> int:
    found = re.search(re.escape(text), data)  # `find` is for bytes alone, which would be a copy
    return found.start() if found else -1


def model_bytes(model: Any, file_format: str, *, weights_only: bool = False) -> bytes:
    """The model as the bytes of a file.

    Args:
        model: a Keras model.
        file_format: "h5" or "keras".
        weights_only: a `.weights.h5` file.
    """
    if weights_only or file_format == "keras":
        return _through_a_file(model, ".weights.h5" if weights_only else ".keras")
    return _built(model, {**_describe(model), **_describe_training(model)}).getvalue()


def _built(model: Any, described: Mapping[str, bytes]) -> io.BytesIO:
    """An `.h5` file as Keras makes it.

    The optimizer's slots stay out: with them in the file, Keras builds the loaded optimizer for no variables at all, and `fit`
    then refuses every one. An exact resume has them from the state file.
    """
    from keras.src.legacy.saving import legacy_h5_format

    data = io.BytesIO()
    with h5py.File(data, "w") as file:
        for name, text in described.items():
            file.attrs[name] = text
        legacy_h5_format.save_weights_to_hdf5_group(file.create_group("model_weights"), model)
    return data


def _datasets(model: Any) -> Iterator[tuple[str, Any]]:
    """The variables of a model and the names under which its file has them."""
    for layer in model.layers:
        for variable in layer.weights:
            yield f"model_weights/{layer.name}/{variable.path}", variable


def _describe(model: Any) -> dict[str, bytes]:
    """What the file says of the model beside its weights and how it is trained."""
    from keras.src.legacy.saving import saving_options, saving_utils

    with saving_options.keras_option_scope(use_legacy_config=True):
        metadata = saving_utils.model_metadata(model, include_optimizer=False)
    return {name: _text(value) for name, value in metadata.items()}


class _Training:
    """A model as Keras looks at it for the config of its training alone; that of its layers takes much longer."""

    def __init__(self, model: Any) -> None:
        self.optimizer, self.compiled = model.optimizer, model.compiled
        # Keras takes "optimizer" out of the config that it is given.
        self._compile_config = copy.copy(model._compile_config)
        self._compile_config.config = copy.copy(model._compile_config.config)
        if type(model.loss).__name__ == PINBALL:  # which plain Keras does not know, and would not load the file for
            self._compile_config.config["loss"] = "mean_absolute_error"

    def get_config(self) -> dict[str, Any]:
        return {}


def _describe_training(model: Any) -> dict[str, bytes]:
    from keras.src.legacy.saving import saving_options, saving_utils

    if not model.compiled:
        return {}
    with saving_options.keras_option_scope(use_legacy_config=True):
        metadata = saving_utils.model_metadata(_Training(model), include_optimizer=True)
    return {"training_config": _text(metadata["training_config"])}


def _text(value: Any) -> bytes:
    from keras.src.legacy.saving import json_utils

    if isinstance(value, str):
        return value.encode()
    text = json.dumps(value, default=json_utils.get_json_type).encode()
    return text.ljust(-(-len(text) // _TEXT_BYTES) * _TEXT_BYTES)


def _through_a_file(model: Any, suffix: str) -> bytes:
    import tempfile

    keras = import_keras()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        path = Path(folder) / f"model{suffix}"
        if suffix == ".keras":
            keras.saving.save_model(model, path)
        else:
            model.save_weights(path)
        return path.read_bytes()


def refuse_h5(model: Any, training: TrainingConfig, *, trained: Any = None) -> None:
    """Refuse a model that the checkpoints' format cannot hold.

    Args:
        model: the whole model.
        training: format and optimizer.
        trained: the part of it that is trained, if it is not the whole, to be written instead: bodies are known by their layers.

    Raises:
        ConfigError: with `format: keras` as the way out.
    """
    if training.checkpoint.format != "h5":
        return
    try:
        data = model_bytes(model if trained is None else trained, "h5")
        reason = why_not_h5(model, training.optimizer.name, lambda: data if trained is None else model_bytes(model, "h5"))
    except Exception as error:  # whatever Keras raises here is the answer that is asked for
        if is_own_bug(error):
            raise
        reason = reason_of(error)
    if reason:
        hint = "set `training.checkpoint.format: keras`"
        path = "training.checkpoint.format"
        raise ConfigError(f"an .h5 file cannot hold this model: {reason}", path=path, hint=hint)
