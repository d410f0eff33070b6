"""Free text as numbers: the tokens that Keras's TextVectorization makes of it, and their places in a vocabulary.

The same as `keras.layers.TextVectorization(output_mode="int")`: 0 is padding, 1 a token that training has not seen, the
vocabulary follows by falling frequency. Keras lowers the letters of ASCII alone; `lower_all` those of every alphabet, and with
it every alphabet's punctuation is stripped. One difference: a text without any token is one unknown token, not padding alone,
because the mean over no token is none. Words in pieces stand in `subwords.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from string import ascii_lowercase, ascii_uppercase
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.types import TextConfig
from dltrain.data.columns.kinds import UNSPACED, is_unspaced
from dltrain.data.columns.subwords import SUBWORDS, UNKNOWN, WORDPIECE, Merges, bare, cut, is_piecewise, learn_pieces
from dltrain.errors import Note, warn
from dltrain.later import polars
from dltrain.storage.values import one_of, texts, typed
from dltrain.wording import listed

STANDARDIZE = (
    "lower_and_strip_punctuation", "lower", "strip_punctuation", "lower_all_and_strip_punctuation", "lower_all", "none",
)  # fmt: skip
ALL_ALPHABETS = "lower_all"
SPLITS = ("whitespace", "character", "none", *SUBWORDS)
NUM_RESERVED = 2  # padding and unknown
MOST_TOKENS = 1 << 20  # a row, when a stored state is read
SHARE_WHOLE = 0.95  # of the training texts that are not cut off
USUAL_PIECES = 8_000
LINE = 5  # characters of a script without blanks between words, in one word: more than a name has
FEW_LINES, MOST_WORDS = 0.03, 0.9  # of the words
MOST_MEASURED = 20_000  # texts whose pieces are counted
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
        merges: of byte pair encoding: which pieces are joined, in order.
    """

    standardize: str
    split: str
    ngrams: tuple[int, ...]
    length: int
    vocabulary: tuple[str, ...]
    merges: Merges = ()

    @property
    def is_subword(self) -> bool:
        """Whether its tokens are pieces of words."""
        return self.split in SUBWORDS

    @property
    def size(self) -> int:
        """How many indices there are, padding and unknown included."""
        return NUM_RESERVED + len(self.vocabulary)

    @property
    def takes_lines_for_words(self) -> float:
        """The share of the words that are whole clauses or lines, of scripts without blanks between words."""
        if self.split not in ("whitespace", WORDPIECE):
            return 0.0
        words = polars.Series([bare(word) if self.is_subword else word for word in self.vocabulary], dtype=polars.String)
        unspaced = words.str.count_matches(UNSPACED)
        if is_unspaced(words.head(1000)):
            return float((unspaced > 0).mean() or 0)
        share = float((unspaced >= LINE).mean() or 0)
        return share if share >= FEW_LINES else 0.0

    @property
    def takes_texts_for_words(self) -> bool:
        """Whether nearly every text is one token, although it was to be split."""
        return self.split != "none" and self.length == 1 and len(self.vocabulary) > 1

    def encode(self, texts: polars.Series) -> NDArray[np.int32]:
        """Indices int32 [rows, length] of texts; one that is missing is an empty one."""
        codes, rows = self._codes(texts)
        counts = np.bincount(rows, minlength=len(texts))
        places = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
        matrix = np.zeros((len(texts), self.length), np.int32)
        kept = places < self.length
        matrix[rows[kept], places[kept]] = codes[kept]
        matrix[counts == 0, 0] = 1
        return matrix

    def _codes(self, texts: polars.Series) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """The indices of all tokens one after the other, and the row of each."""
        tokens, rows = tokens_of(texts, self.standardize, self.split, self.ngrams)
        if self.is_subword:
            distinct = tokens.unique(maintain_order=True)
            places, counts = cut(distinct.to_list(), self.split, self.vocabulary, self.merges)
            words = tokens.cast(polars.Enum(distinct)).to_physical().cast(polars.Int64).to_numpy()
            starts, lengths = (np.cumsum(counts) - counts)[words], counts[words]
            within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
            return places[np.repeat(starts, lengths) + within] + 1, np.repeat(rows, lengths)
        known = tokens.cast(polars.Enum(self.vocabulary), strict=False).to_physical().cast(polars.Int32)
        return (known + NUM_RESERVED).fill_null(1).to_numpy(), rows

    def num_tokens(self, texts: polars.Series) -> NDArray[np.int64]:
        """How many tokens each text has."""
        return np.bincount(self._codes(texts)[1], minlength=len(texts))

    def to_state(self) -> dict[str, Any]:
        """Plain values."""
        return {
            **({"merges": [list(pair) for pair in self.merges]} if self.merges else {}),
            "standardize": self.standardize,
            "split": self.split,
            "ngrams": list(self.ngrams),
            "length": self.length,
            "vocabulary": list(self.vocabulary),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Tokenizer:
        """The tokens that `to_state` wrote.

        Raises:
            KeyError, TypeError, ValueError: it is not what `to_state` makes.
        """
        ngrams = tuple(typed({"width": width}, "width", int) for width in typed(state, "ngrams", list))
        vocabulary, length = texts(state, "vocabulary"), typed(state, "length", int)
        if not ngrams or min(ngrams) < 1 or not 1 <= length <= MOST_TOKENS:
            raise ValueError("tokens: n-grams or length out of range")
        if len(set(vocabulary)) < len(vocabulary):
            raise ValueError("vocabulary: expected each token once")
        split = one_of(state, "split", SPLITS)
        merges = tuple((str(left), str(right)) for left, right in state.get("merges", ()))
        if (merges and split not in SUBWORDS) or (split in SUBWORDS and not is_piecewise(split, vocabulary, merges)):
            raise ValueError("merges: expected pairs of tokens that make a token")
        return cls(one_of(state, "standardize", STANDARDIZE), split, ngrams, length, vocabulary, merges)


def odd_texts(tokenizers: Mapping[str, Tokenizer | None]) -> list[Note]:
    """What is odd about the tokens of columns of text, by name: whole lines or whole texts as one; pieces that few files hold."""
    found = [(name, tokenizer) for name, tokenizer in tokenizers.items() if tokenizer is not None]
    notes = []
    for name, tokenizer in found:
        if tokenizer.takes_lines_for_words:
            said = (
                "each token is a whole clause"
                if tokenizer.split != WORDPIECE
                else "a clause with one unknown character is unknown"
            )
            has = "has" if tokenizer.takes_lines_for_words > MOST_WORDS else "in part has"
            notes.append(
                warn(
                    f"the text of {name} {has} no blanks between words (as Chinese, Japanese, Thai): {said}; "
                    "`data.text: {split: character}` makes each character a token, `split: bpe` what often stands together",
                    "no_blanks",
                )
            )
        elif tokenizer.takes_texts_for_words:
            notes.append(
                warn(
                    f"nearly every text of {name} is a single token: a model learns nothing of what is in it; "
                    "`data.text: {split: character}` or `split: bpe` cuts it up, `data.features: {"
                    + name
                    + ": category}` takes it for a name",
                    "one_token",
                )
            )
    pieces = [name for name, tokenizer in found if tokenizer.is_subword]
    if pieces:
        notes.append(
            Note(
                f"the pieces of {listed(pieces, 3)} are made by no layer of Keras: of the exports `--format tflite` alone holds "
                "such a run, and takes the pieces' indices"
            )
        )
    return notes


def tokens_of(
    texts: polars.Series, standardize: str, split: str, ngrams: Sequence[int]
) -> tuple[polars.Series, NDArray[np.int64]]:
    """All tokens one after the other, and the row of each; those of a row are together, the shorter n-grams first.

    Args:
        texts: String, null where missing.
        standardize, split, ngrams: as in `TextConfig`.
    """
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
        lists = texts.str.extract_all("(?s)." if split == "character" else WORDS).fill_null([])
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
    """Tokens of the training texts, counted over any number of turns.

    Attributes:
        config: how they are made.
        lengths: tokens of each text, a turn after the other.
        counts: how often each stands.
        measured: of texts to be cut into pieces: every text, or every `step`th of many.
    """

    config: TextConfig
    lengths: list[NDArray[np.int64]] = field(default_factory=list)
    counts: Any = None
    measured: Any = None
    step: int = 1
    num_texts: int = 0

    def add(self, texts: polars.Series) -> None:
        """Take in some texts."""
        tokens, rows = tokens_of(texts, self.config.standardize, self.config.split, self.config.ngrams)
        self.lengths.append(np.bincount(rows, minlength=len(texts)))
        counts = polars.DataFrame({"token": tokens}).group_by("token").len()
        if self.counts is not None:
            counts = polars.concat([self.counts, counts]).group_by("token").agg(polars.col("len").sum())
        self.counts = counts
        if self.config.split in SUBWORDS:
            self._measure(texts)

    def _measure(self, texts: polars.Series) -> None:
        """Keep some texts: which ones does not depend on the turns in which they come."""
        offset = -self.num_texts % self.step
        chosen = texts.alias("text")[offset:].gather_every(self.step)
        self.num_texts += len(texts)
        self.measured = chosen if self.measured is None else polars.concat([self.measured, chosen])
        while len(self.measured) > MOST_MEASURED:
            self.measured, self.step = self.measured.gather_every(2), 2 * self.step

    def finish(self) -> Tokenizer:
        """The vocabulary: the most frequent tokens; of equally frequent ones the last by their bytes first, as in Keras."""
        config = self.config
        counts = self.counts.filter(~polars.col("token").is_in(["", UNKNOWN])).sort(["len", "token"], descending=True)
        if config.split in SUBWORDS:
            return self._in_pieces(counts)
        vocabulary = counts["token"].to_list()
        if config.max_tokens is not None:
            vocabulary = vocabulary[: config.max_tokens - NUM_RESERVED]
        length = config.output_sequence_length or _usual_length(np.concatenate(self.lengths))
        return Tokenizer(config.standardize, config.split, config.ngrams, length, tuple(vocabulary))

    def _in_pieces(self, counts: polars.DataFrame) -> Tokenizer:
        config = self.config
        size = (config.vocabulary or USUAL_PIECES) - NUM_RESERVED
        pieces, merges = learn_pieces(counts["token"].to_list(), counts["len"].to_list(), config.split, size)
        tokenizer = Tokenizer(config.standardize, config.split, config.ngrams, 1, pieces, merges)
        return replace(tokenizer, length=config.output_sequence_length or _usual_length(tokenizer.num_tokens(self.measured)))


def _usual_length(lengths: NDArray[np.int64]) -> int:
    """So many tokens that nearly all texts are whole."""
    return max(1, int(np.quantile(lengths, SHARE_WHOLE, method="higher")))
