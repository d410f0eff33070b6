"""A text column as a graph: Keras's TextVectorization with the run's vocabulary, and what the run does otherwise."""

from __future__ import annotations

from typing import Any

import numpy as np

from dltrain.data.columns.column import FeatureColumn
from dltrain.data.columns.reading import Reading
from dltrain.data.columns.tokens import Tokenizer
from dltrain.model.export.raw_input import RawInput


def unreplaceable(column: FeatureColumn, reading: Reading) -> bool:
    """Whether `data.replace` turns some text of the column into other text, for which Keras has no layer."""
    replaced = (reading.replace or {}).get(column.name, {})
    return any(new and new not in reading.missing for new in replaced.values())


def missing_texts(column: FeatureColumn, reading: Reading) -> tuple[str, ...]:
    """Texts of the column that stand for none, the empty one apart."""
    return tuple(dict.fromkeys(word for word in (*reading.missing, *(reading.replace or {}).get(column.name, {})) if word))


def add_tokens(keras: Any, item: RawInput, texts: Any) -> Any:
    """Indices int32 [rows, length] of texts [rows].

    A text without a token, one that is missing among them, is one unknown token here (see `dltrain.data.columns.tokens`).
    """
    ops = keras.ops
    tokenizer = item.tokenizer
    assert tokenizer is not None
    codes = ops.cast(_vectorize(keras, tokenizer, texts), "int32")
    if item.missing:
        layer = keras.layers.StringLookup(vocabulary=list(item.missing), num_oov_indices=1, mask_token=None)
        is_there = ops.equal(layer(texts), 0)
        codes = codes * ops.expand_dims(ops.cast(is_there, "int32"), 1)
    is_empty = ops.equal(ops.sum(codes, axis=1, keepdims=True), 0)
    first = (np.arange(tokenizer.length) == 0).astype(np.int32)
    return codes + ops.cast(is_empty, "int32") * first


def _vectorize(keras: Any, tokenizer: Tokenizer, texts: Any) -> Any:
    layer = keras.layers.TextVectorization(
        standardize=None if tokenizer.standardize == "none" else tokenizer.standardize,
        split=None if tokenizer.split == "none" else tokenizer.split,
        ngrams=None if tokenizer.ngrams == (1,) else tokenizer.ngrams,
        output_mode="int",
        output_sequence_length=tokenizer.length,
        # It does without no token at all; this one is none that any text has.
        vocabulary=list(tokenizer.vocabulary) or ["\n \n"],
    )
    return layer(texts)
