"""Free text as numbers: the tokens that Keras's TextVectorization makes of it, and their places in a vocabulary.

The same as `keras.layers.TextVectorization(output_mode="int")`: 0 is padding, 1 a token that training has not seen, the
vocabulary follows by falling frequency. Keras lowers the letters of ASCII alone; `lower_all` those of every alphabet, and with
it every alphabet's punctuation is stripped. One difference: a text without any token is one unknown token, not padding alone,
because the mean over no token is none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from string import ascii_lowercase, ascii_uppercase
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.types import TextConfig
from dltrain.data.columns.kinds import is_unspaced
from dltrain.errors import Note, warn
from dltrain.storage.values import one_of, texts, typed

if TYPE_CHECKING:
    import polars

STANDARDIZE = (
    "lower_and_strip_punctuation", "lower", "strip_punctuation", "lower_all_and_strip_punctuation", "lower_all", "none",
)  # fmt: skip
ALL_ALPHABETS = "lower_all"
SPLITS = ("whitespace", "character", "none")
UNKNOWN = "[UNK]"
NUM_RESERVED = 2  # padding and unknown
MOST_TOKENS = 1 << 20  # a row, when a stored state is read
SHARE_WHOLE = 0.95  # of the training texts that are not cut off
PUNCTUATION = r"""[!"#$%&()\*\+,-\./:;<=>?@\[\\\]^_`{|}~']"""
ALL_PUNCTUATION = r"[\p{P}\p{S}]"
WORDS = "[^ \t\n\x0b\x0c\r]+"


@dataclass(frozen=True, slots=True)
class Tokenizer:
    """Turns texts into indices.

    Attributes:
        standardize, split, ngrams: as in `TextConfig`.
        length: tokens a row.
        vocabulary: the tokens with the indices 2, 3, ...
    """

    standardize: str
    split: str
    ngrams: tuple[int, ...]
    length: int
    vocabulary: tuple[str, ...]

    @property
    def size(self) -> int:
        """How many indices there are, padding and unknown included."""
        return NUM_RESERVED + len(self.vocabulary)

    @property
    def takes_lines_for_words(self) -> bool:
        """Whether the words are of scripts without blanks between words, so that each is a whole clause or line."""
        import polars

        return self.split == "whitespace" and is_unspaced(polars.Series(self.vocabulary[:1000], dtype=polars.String))

    def encode(self, texts: polars.Series) -> NDArray[np.int32]:
        """Indices int32 [rows, length] of texts; one that is missing is an empty one."""
        import polars

        tokens, rows = tokens_of(texts, self.standardize, self.split, self.ngrams)
        known = tokens.cast(polars.Enum(self.vocabulary), strict=False).to_physical().cast(polars.Int32)
        codes = (known + NUM_RESERVED).fill_null(1).to_numpy()
        counts = np.bincount(rows, minlength=len(texts))
        places = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
        matrix = np.zeros((len(texts), self.length), np.int32)
        kept = places < self.length
        matrix[rows[kept], places[kept]] = codes[kept]
        matrix[counts == 0, 0] = 1
        return matrix

    def to_state(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "standardize": self.standardize,
            "split": self.split,
            "ngrams": list(self.ngrams),
            "length": self.length,
            "vocabulary": list(self.vocabulary),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Tokenizer:
        """What `to_state` made, again.

        Raises:
            KeyError, TypeError, ValueError: it is not what `to_state` makes.
        """
        ngrams = tuple(typed({"width": width}, "width", int) for width in typed(state, "ngrams", list))
        vocabulary, length = texts(state, "vocabulary"), typed(state, "length", int)
        if not ngrams or min(ngrams) < 1 or not 1 <= length <= MOST_TOKENS:
            raise ValueError("tokens: n-grams or length out of range")
        if len(set(vocabulary)) < len(vocabulary):
            raise ValueError("vocabulary: expected each token once")
        return cls(one_of(state, "standardize", STANDARDIZE), one_of(state, "split", SPLITS), ngrams, length, vocabulary)


def warn_of_whole_lines(tokenizers: Mapping[str, Tokenizer | None]) -> list[Note]:
    """A warning of each column of text, by name, whose words are whole lines."""
    return [
        warn(
            f"the text of {name} has no blanks between words (as Chinese, Japanese, Thai): each token is a whole clause; "
            "`data.text: {split: character}` makes each character one",
            "no_blanks",
        )
        for name, tokenizer in tokenizers.items()
        if tokenizer is not None and tokenizer.takes_lines_for_words
    ]


def tokens_of(
    texts: polars.Series, standardize: str, split: str, ngrams: Sequence[int]
) -> tuple[polars.Series, NDArray[np.int64]]:
    """All tokens one after the other, and the row of each; those of a row are together, the shorter n-grams first.

    Args:
        texts: String, null where missing.
        standardize, split, ngrams: as in `TextConfig`.
    """
    import polars

    name = texts.name
    if standardize.startswith(ALL_ALPHABETS):
        texts = texts.str.to_lowercase()
        if standardize.endswith("strip_punctuation"):
            texts = texts.str.replace_all(ALL_PUNCTUATION, "")
    elif standardize.startswith("lower"):
        texts = texts.str.replace_many(list(ascii_uppercase), list(ascii_lowercase))  # Keras knows no other letters here
    if standardize.endswith("strip_punctuation"):
        texts = texts.str.replace_all(PUNCTUATION, "")
    if split == "none":
        words = texts.drop_nulls()
        rows = np.flatnonzero(texts.is_not_null().to_numpy())
    else:
        lists = texts.str.extract_all(WORDS if split == "whitespace" else "(?s).").fill_null([])
        counts = lists.list.len().to_numpy()
        rows = np.repeat(np.arange(len(texts)), counts)
        words = lists.filter(polars.Series(counts > 0)).explode()
    if tuple(ngrams) == (1,):
        return words.alias(name), rows
    frames, owners = [], []
    for width in ngrams:
        last = max(len(words) - width + 1, 0)
        whole = np.flatnonzero(rows[:last] == rows[width - 1 : width - 1 + last])
        columns = [words.gather(whole + step).alias(str(step)) for step in range(width)]
        frames.append(polars.DataFrame(columns).select(polars.concat_str(polars.all(), separator=" ").alias(name))[name])
        owners.append(rows[whole])
    owner = np.concatenate(owners)
    order = np.argsort(owner, kind="stable")
    return polars.concat(frames).gather(order), owner[order]


@dataclass(slots=True)
class TokenCounts:
    """Tokens of the training texts, counted over any number of turns."""

    config: TextConfig
    lengths: list[NDArray[np.int64]] = field(default_factory=list)
    counts: Any = None

    def add(self, texts: polars.Series) -> None:
        """Take in some texts."""
        import polars

        tokens, rows = tokens_of(texts, self.config.standardize, self.config.split, self.config.ngrams)
        self.lengths.append(np.bincount(rows, minlength=len(texts)))
        counts = polars.DataFrame({"token": tokens}).group_by("token").len()
        if self.counts is not None:
            counts = polars.concat([self.counts, counts]).group_by("token").agg(polars.col("len").sum())
        self.counts = counts

    def finish(self) -> Tokenizer:
        """The vocabulary: the most frequent tokens; of equally frequent ones the last by their bytes first, as in Keras."""
        import polars

        config = self.config
        counts = self.counts.filter(~polars.col("token").is_in(["", UNKNOWN])).sort(["len", "token"], descending=True)
        vocabulary = counts["token"].to_list()
        if config.max_tokens is not None:
            vocabulary = vocabulary[: config.max_tokens - NUM_RESERVED]
        length = config.output_sequence_length
        if length is None:
            length = max(1, int(np.quantile(np.concatenate(self.lengths), SHARE_WHOLE, method="higher")))
        return Tokenizer(config.standardize, config.split, config.ngrams, length, tuple(vocabulary))
