"""`.keras`: what `keras.models.load_model` opens in a Python that has never heard of dltrain."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dltrain.errors import UsageError
from dltrain.model.export.format import ExportFormat, example_arrays
from dltrain.model.export.outputs import RawOutput
from dltrain.model.export.raw_input import RawInput
from dltrain.model.export.raw_model import RawModel


class KerasFile(ExportFormat):
    """Keras's own format, version 3."""

    name = "keras"
    suffix = ".keras"
    names_classes = True

    def write(self, raw: RawModel, path: Path) -> None:
        """See `ExportFormat`; refuses what plain Keras does not know."""
        names = registered_names(raw.model.get_config())
        own = sorted({name.partition(">")[2] for name in names if name.startswith("dltrain>")})
        if own:
            raise UsageError(
                f"plain Keras cannot open a model with {', '.join(own)}: that is dltrain's own",
                hint="--format saved_model and --format onnx hold what it computes instead of its name",
            )
        raw.model.save(path)

    def answer(self, path: Path, raw: RawModel, rows: Mapping[str, Any]) -> dict[str, Any]:
        """See `ExportFormat`."""
        import keras
        import tensorflow as tf

        try:
            model = keras.models.load_model(path)
        except ValueError as error:
            if str(error).startswith("File not found"):  # Keras's word for each error of the system as well
                raise OSError(errno.EIO, os.strerror(errno.EIO), str(path)) from error
            raise
        # As one graph, as the run's own answers are made: eagerly half precision is rounded at other places. AutoGraph would
        # write code into the folder for temporary files.
        ask = tf.function(lambda given: model(given, training=False), autograph=False)
        answers = ask({name: keras.ops.convert_to_tensor(values) for name, values in rows.items()})
        return {name: texts_of(np.asarray(values)) for name, values in answers.items()}

    def usage(self, file: str, inputs: Sequence[RawInput], outputs: Sequence[RawOutput]) -> list[str]:
        """See `ExportFormat`."""
        rows = example_arrays(inputs, "tf.constant({value})")
        return [
            "import keras, tensorflow as tf",
            f"model = keras.models.load_model({file!r})",
            f"model.predict({rows})[{outputs[0].name!r}]",
        ]


def texts_of(values: Any) -> Any:
    """An array of bytes, as TensorFlow gives text, as one of texts; others as they are."""
    return np.array([value.decode() for value in values.tolist()], object) if values.dtype == object else values


def registered_names(config: Any) -> Iterator[str]:
    """Names like `package>name` of classes and functions that are registered with Keras, anywhere in a model's config."""
    if isinstance(config, Mapping):
        for key in ("config", "registered_name"):
            name = config.get(key)
            if isinstance(name, str) and ">" in name:
                yield name
        for value in config.values():
            yield from registered_names(value)
    elif isinstance(config, (list, tuple)):
        for value in config:
            yield from registered_names(value)
