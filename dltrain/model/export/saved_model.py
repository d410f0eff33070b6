"""TensorFlow's SavedModel: a folder that `tf.saved_model.load` and TensorFlow Serving open."""

from __future__ import annotations

import contextlib
import importlib
import keyword
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from dltrain.later import tensorflow as tf
from dltrain.model.export.format import ExportFormat, example_arrays
from dltrain.model.export.keras_file import texts_of
from dltrain.model.export.outputs import RawOutput
from dltrain.model.export.raw_input import RawInput
from dltrain.model.export.raw_model import RawModel

SIGNATURE = "serving_default"


class SavedModel(ExportFormat):
    """TensorFlow's SavedModel with one signature, `serving_default`: inputs by name → outputs by name."""

    name = "saved_model"
    suffix = ""
    is_folder = True
    knows_case = False

    def input_name(self, column: str) -> str:
        """See `plain_name`."""
        return plain_name(column)

    def write(self, raw: RawModel, path: Path) -> None:
        """See `ExportFormat`."""
        module = tf.Module()
        module.model = raw.model
        module.serve = serving_function(raw)
        with untranslated():
            tf.saved_model.save(module, str(path), signatures={SIGNATURE: module.serve})

    def answer(self, path: Path, raw: RawModel, rows: Mapping[str, Any]) -> dict[str, Any]:
        """See `ExportFormat`."""
        serve = tf.saved_model.load(str(path)).signatures[SIGNATURE]
        answers = serve(**{name: tf.constant(values) for name, values in rows.items()})
        return {name: texts_of(values.numpy()) for name, values in answers.items()}

    def usage(self, file: str, inputs: Sequence[RawInput], outputs: Sequence[RawOutput]) -> list[str]:
        """See `ExportFormat`."""
        rows = example_arrays(inputs, "tf.constant({value})")
        return [
            "import tensorflow as tf",
            f"model = tf.saved_model.load({file!r}).signatures[{SIGNATURE!r}]",
            f"model(**{rows})[{outputs[0].name!r}]",
        ]


def plain_name(column: str) -> str:
    """The column as a name of letters, digits and `_` that is no word of Python: the arguments of a signature have to be such."""
    word = re.sub(r"[^A-Za-z0-9_]", "_", column)
    word = word if re.match(r"[A-Za-z]", word) else f"column_{word}"
    return f"{word}_" if word == "self" or keyword.iskeyword(word) else word


def input_specs(model: Any) -> dict[str, Any]:
    """What a compiled function of the model's inputs takes: name → `tf.TensorSpec`."""
    return {
        name: tf.TensorSpec((None, *tensor.shape[1:]), tf.as_dtype(tensor.dtype), name=name)
        for name, tensor in model.input.items()
    }


def serving_function(raw: RawModel) -> Any:
    """The model as a compiled function of its inputs by name, in inference mode."""

    def serve(inputs: Any) -> Any:
        return raw.model(inputs, training=False)

    return tf.function(serve, input_signature=[input_specs(raw.model)], autograph=False)


@contextlib.contextmanager
def untranslated() -> Iterator[None]:
    """Functions that TensorFlow compiles for its savers are taken as they are.

    Translated, their code would be written into the folder for temporary files, where it stays after a kill.
    """
    compiling: Any = importlib.import_module("tensorflow.python.eager.polymorphic_function.autograph_util")
    translate = compiling.py_func_from_autograph
    compiling.py_func_from_autograph = lambda function, options=None: function
    try:
        yield
    finally:
        compiling.py_func_from_autograph = translate
