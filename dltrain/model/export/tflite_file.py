"""TensorFlow Lite: one file for phones and small machines.

It holds no text: words, free text and labels go in and out as whole numbers, and what they mean stands in `dltrain.json`, packed
into the same file as TensorFlow Lite packs associated files (a zip archive behind the model; `unzip -p FILE dltrain.json` shows
it): `words` by their places from 1, 0 for others; for free text `tokens`, the arguments of Keras's TextVectorization, with the
places of its `vocabulary` from 2, 1 for other tokens and for a text without any (`missing` ones too), 0 behind the last.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from dltrain.data.columns.tokens import Tokenizer
from dltrain.errors import UsageError, is_own_bug, reason_of
from dltrain.later import polars
from dltrain.later import tensorflow as tf
from dltrain.model.export.format import ExportFormat, document
from dltrain.model.export.outputs import RawOutput
from dltrain.model.export.raw_input import RawInput
from dltrain.model.export.raw_model import RawModel
from dltrain.model.export.saved_model import SIGNATURE, input_specs, plain_name, untranslated

CODES_FILE = "dltrain.json"


class TfliteFile(ExportFormat):
    """TensorFlow Lite with one signature, `serving_default`; it needs no operations of full TensorFlow."""

    name = "tflite"
    suffix = ".tflite"
    with_text = False
    text_dtype = "int32"
    any_size = False
    in_float32 = True
    knows_case = False

    def input_name(self, column: str) -> str:
        """See `plain_name`."""
        return plain_name(column)

    def write(self, raw: RawModel, path: Path) -> None:
        """See `ExportFormat`."""
        try:
            with _unrolled(raw.model):
                function = _function_of_constants(raw).get_concrete_function()
            with untranslated():
                content = tf.lite.TFLiteConverter.from_concrete_functions([function], tf.Module()).convert()
        except Exception as error:  # the converter raises errors of its own, of no common class
            if is_own_bug(error):
                raise
            reason = reason_of(error)
            raise UsageError(
                f"TensorFlow Lite cannot hold this model: {reason}", hint="--format saved_model holds any model"
            ) from error
        # In memory: zipfile empties a file that it is to go on with where the first attempt to open it fails.
        held = io.BytesIO(content)
        with zipfile.ZipFile(held, "a") as archive:
            archive.writestr(CODES_FILE, json.dumps(document(raw.inputs, raw.outputs, self, with_words=True)))
        path.write_bytes(held.getvalue())

    def answer(self, path: Path, raw: RawModel, rows: Mapping[str, Any]) -> dict[str, Any]:
        """See `ExportFormat`; words and labels are turned by what the file says."""
        interpreter = tf.lite.Interpreter(model_path=str(path))
        with zipfile.ZipFile(path) as archive:
            meaning = json.loads(archive.read(CODES_FILE))
        coded = dict(rows)
        for item in meaning["inputs"]:
            if "words" in item:
                places = {word: place for place, word in enumerate(item["words"], start=1)}
                words = rows[item["name"]]
                coded[item["name"]] = np.array([places.get(word, 0) for word in words.flat], np.int32).reshape(words.shape)
            if "tokens" in item:
                texts = polars.Series(
                    [None if text in item["missing"] else text for text in rows[item["name"]]], dtype=polars.String
                )
                coded[item["name"]] = Tokenizer.from_state(item["tokens"]).encode(texts)
        answers = interpreter.get_signature_runner(SIGNATURE)(**coded)
        for item in meaning["outputs"]:
            if item["dtype"] == self.text_dtype and item["shape"] == [None]:  # several labels' are 0 or 1 for each
                answers[item["name"]] = np.array(item["labels"], object)[answers[item["name"]]]
        return dict(answers)

    def usage(self, file: str, inputs: Sequence[RawInput], outputs: Sequence[RawOutput]) -> list[str]:
        """See `ExportFormat`."""
        return [
            "import tensorflow as tf",
            f"run = tf.lite.Interpreter({file!r}).get_signature_runner({SIGNATURE!r})",
            f"run(**rows)[{outputs[0].name!r}]    # unzip -p {file} {CODES_FILE}: what the whole numbers mean",
        ]


@contextmanager
def _unrolled(model: Any) -> Iterator[None]:
    """Recurrent layers written out step by step for a while: the converter takes no loops over lists of tensors."""
    from keras import layers

    steps = [layer for layer in model._flatten_layers() if isinstance(layer, layers.RNN) and not layer.unroll]
    for layer in steps:
        layer.unroll = True
    try:
        yield
    finally:
        for layer in steps:
            layer.unroll = False


def _function_of_constants(raw: RawModel) -> Any:
    """As `serving_function`, with the weights as constants: the converter leaves Keras's variables without their values."""
    model = raw.model
    weights = [[variable.numpy() for variable in model.trainable_variables]]
    weights += [[variable.numpy() for variable in model.non_trainable_variables]]

    def serve(inputs: Any) -> Any:
        trainable, fixed = ([tf.constant(array) for array in arrays] for arrays in weights)
        return model.stateless_call(trainable, fixed, inputs, training=False)[0]

    return tf.function(serve, input_signature=[input_specs(model)], autograph=False)
