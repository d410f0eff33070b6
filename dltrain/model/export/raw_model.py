"""The model from raw input to labels, built of Keras's own layers and operations, so that plain Keras loads it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dltrain.data.pictures.preprocessing import PicturePreprocessing
from dltrain.data.preprocessing import Preprocessing
from dltrain.data.series.preprocessing import SeriesPreprocessing
from dltrain.data.tables.preprocessing import TablePreprocessing
from dltrain.model.export.outputs import RawOutput, add_outputs, units_of_input
from dltrain.model.export.picture_graph import add_pictures, describe_picture
from dltrain.model.export.raw_input import RawInput
from dltrain.model.export.series_graph import add_series, describe_series
from dltrain.model.export.table_graph import add_columns, describe_columns
from dltrain.model.heads.head import Head
from dltrain.model.heads.pixel_targets import random_layers


@dataclass(frozen=True, slots=True)
class RawModel:
    """A model of raw input.

    Attributes:
        model: a Keras model: mapping of raw inputs → mapping of outputs.
        inputs: what goes in, in the model's order.
        outputs: what comes out.
    """

    model: Any
    inputs: tuple[RawInput, ...]
    outputs: tuple[RawOutput, ...]


def describe_inputs(
    preprocessing: Preprocessing, names: Callable[[Sequence[str]], list[str]], *, with_text: bool = True
) -> tuple[RawInput, ...]:
    """The raw inputs that a run's preprocessing takes.

    Args:
        preprocessing: of the run.
        names: columns → the names of their inputs, as the file's format allows them.
        with_text: free text is given as texts, not as indices of its tokens.

    Raises:
        UsageError: something of it cannot be said with Keras's layers; names every such thing.
    """
    if isinstance(preprocessing, TablePreprocessing):
        inputs = describe_columns(preprocessing, with_text=with_text)
    elif isinstance(preprocessing, SeriesPreprocessing):
        inputs = describe_series(preprocessing)
    else:
        assert isinstance(preprocessing, PicturePreprocessing)
        inputs = describe_picture(preprocessing)
    words = names([item.column for item in inputs])
    return tuple(replace(item, name=word) for item, word in zip(inputs, words, strict=True))


def build_raw_model(
    keras: Any,
    model: Any,
    preprocessing: Preprocessing,
    inputs: Sequence[RawInput],
    heads: Sequence[Head],
    *,
    with_text: bool,
    any_size: bool,
) -> RawModel:
    """Put the preprocessing in front of a model, and labels behind it.

    Args:
        keras: the module.
        model: of preprocessed input, which is not trained any more.
        preprocessing: of the run.
        inputs: from `describe_inputs`.
        heads: of the model.
        with_text: text in and label texts out; otherwise whole numbers stand for them: a word's place among `RawInput.words`,
            from 1 (0 for all others), free text's indices by `RawInput.tokenizer`, and a label's place among `RawOutput.labels`,
            from 0.
        any_size: pictures of any size, resized by the model; otherwise of the model's size alone.
    """
    given, tensors = {}, {}
    for item in inputs:
        is_coded = item.is_text and not with_text
        shape = item.coded_shape if is_coded else item.shape if any_size or not item.fixed_shape else item.fixed_shape
        tensor = keras.Input(shape, dtype="int32" if is_coded else item.dtype, name=item.name)
        given[item.name] = tensor
        tensors[item.column] = _look_up(keras, item.words, tensor) if item.words and with_text else tensor
    if isinstance(preprocessing, TablePreprocessing):
        prepared = add_columns(keras, preprocessing, inputs, tensors, with_text=with_text, any_size=any_size)
    elif isinstance(preprocessing, SeriesPreprocessing):
        prepared = add_series(keras, preprocessing, inputs, tensors)
    else:
        assert isinstance(preprocessing, PicturePreprocessing)
        prepared = add_pictures(keras, preprocessing, tensors[inputs[0].column], any_size=any_size)
    arguments = [prepared[spec.name] for spec in preprocessing.schema.inputs]
    model = _uncompiled(keras, _without_random_layers(keras, model))
    for layer in model._flatten_layers(include_self=False):
        layer.activity_regularizer = None  # a part of the loss, which not every format can hold
    results = model(arguments if len(arguments) > 1 else arguments[0])
    results = list(results) if isinstance(results, (list, tuple)) else [results]
    made, outputs = add_outputs(keras, heads, results, with_text=with_text, units=units_of_input(preprocessing))
    return RawModel(keras.Model(given, made, name="raw_model"), tuple(inputs), outputs)


def _without_random_layers(keras: Any, model: Any) -> Any:
    """The model behind the random layers with which it begins: they do nothing here, and some draw numbers all the same."""
    layers = random_layers(model)
    if not layers or len(model.inputs) > 1:
        return model
    return keras.Model(layers[-1].output, model.outputs if len(model.outputs) > 1 else model.outputs[0], name=model.name)


def _uncompiled(keras: Any, model: Any) -> Any:
    """The model without its loss, which would be stored with it and may be one that plain Keras does not know."""
    if not model.compiled:
        return model
    ends = (ends if len(ends) > 1 else ends[0] for ends in (model.inputs, model.outputs))
    return keras.Model(*ends, name=model.name)


def _look_up(keras: Any, words: Sequence[str], tensor: Any) -> Any:
    """The place of a word, from 1; 0 for words that are not among them."""
    unknown = "[UNK]"
    while unknown in words:
        unknown += "_"
    layer = keras.layers.StringLookup(vocabulary=list(words), num_oov_indices=1, oov_token=unknown, mask_token=None)
    return layer(tensor)
