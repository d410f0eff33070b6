"""Columns of free text: an input of tokens. How text becomes tokens stands in `tokens.py`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dltrain.data.columns.category import UNSEEN
from dltrain.data.columns.kind import Kind, Learning, Unseen, embedding_dimension
from dltrain.data.columns.tokens import MOST_TOKENS, TokenCounts, Tokenizer
from dltrain.data.dataset import InputSpec
from dltrain.storage.values import typed

if TYPE_CHECKING:
    from dltrain.data.columns.column import FeatureColumn


class Text(Kind):
    """Free text."""

    name = "text"
    what = "free text"
    many = "free text"

    def learn(self, column: FeatureColumn, seen: Any, how: Learning) -> FeatureColumn:
        """Fit the vocabulary to the training rows."""
        counts = TokenCounts(how.text)
        counts.add(seen)
        return fit_text(column, counts)

    def vocabulary_size(self, column: FeatureColumn) -> int:
        """How many tokens there are."""
        return tokenizer_of(column).size

    def make_input(self, column: FeatureColumn, name: str) -> InputSpec:
        """Indices of the tokens, [rows, length]."""
        size = self.vocabulary_size(column)
        return InputSpec(
            name,
            (tokenizer_of(column).length,),
            "int32",
            vocabulary_size=size,
            embedding_dimension=column.vector_length or embedding_dimension(size),
            vectors=column.vectors,
            trainable=column.trainable,
        )

    def write(self, column: FeatureColumn, values: Any, block: NDArray[np.float32], unseen: Unseen) -> NDArray[Any]:
        """Indices of the tokens, int32 [rows, length]."""
        codes = tokenizer_of(column).encode(values)
        has_text = (values.fill_null("").str.strip_chars() != "").to_numpy()
        is_unknown = 2 * (codes == 1).sum(axis=1) > (codes != 0).sum(axis=1)
        unseen.add_texts(column.name, int(np.count_nonzero(has_text)), int(np.count_nonzero(has_text & is_unknown)))
        return codes

    def describe(self, columns: Sequence[FeatureColumn]) -> str:
        """`(review: 10,000 tokens, 200 a row)`."""
        words = [
            f"{column.name}: {tokenizer_of(column).size:,} tokens, {tokenizer_of(column).length} a row"
            + (f", word vectors of {column.vector_length}" if column.vector_length else "")
            for column in columns
        ]
        return f" ({'; '.join(words)})"

    def make_up(self, column: FeatureColumn, generator: np.random.Generator, count: int, words: Sequence[str]) -> NDArray[Any]:
        """Known tokens and others, fewer and more than a row has."""
        tokenizer = tokenizer_of(column)
        tokens = np.array([*tokenizer.vocabulary[:1000], UNSEEN, "Ärger!", "  "], object)
        counts = generator.integers(0, 2 * min(tokenizer.length, 50) + 2, count)
        return np.array([" ".join(generator.choice(tokens, number)) for number in counts], object)


def tokenizer_of(column: FeatureColumn) -> Tokenizer:
    """The tokens of a text that was fitted."""
    assert column.tokenizer is not None
    return column.tokenizer


def fit_text(column: FeatureColumn, counts: TokenCounts) -> FeatureColumn:
    """Learn the vocabulary of a text from the tokens of the training rows."""
    tokenizer = counts.finish()
    untaught = "" if tokenizer.vocabulary else "no word in the training part"
    return replace(column, tokenizer=tokenizer, trainable=counts.config.trainable, untaught=untaught)


def text_state(column: FeatureColumn) -> dict[str, Any]:
    """What was learned about a text, as plain values; nothing for other columns."""
    if column.tokenizer is None:
        return {}
    return {"tokens": column.tokenizer.to_state(), "vector_length": column.vector_length, "trainable": column.trainable}


def text_from(item: Mapping[str, Any]) -> dict[str, Any]:
    """What `text_state` made, again, as attributes of the column."""
    if "tokens" not in item:
        return {}
    tokenizer = Tokenizer.from_state(typed(item, "tokens", dict))
    vector_length = None if item["vector_length"] is None else typed(item, "vector_length", int)
    if not 1 <= (vector_length or 1) <= MOST_TOKENS:
        raise ValueError("tokens: vector length out of range")
    return {"tokenizer": tokenizer, "vector_length": vector_length, "trainable": typed(item, "trainable", bool)}


TEXT = Text()
