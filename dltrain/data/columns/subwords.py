"""Words in pieces: the vocabularies of WordPiece (Schuster and Nakajima 2012) and byte pair encoding (Sennrich et al. 2016).

Both are learnt and applied by the library `tokenizers`. Its trainer numbers the characters in the order in which it meets them,
which differs from run to run and decides between pairs that are equally frequent; it is given all of them beforehand, sorted, so
that the same words make the same pieces every time, on any number of threads.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.errors import UsageError

WORDPIECE, BPE = "wordpiece", "bpe"
SUBWORDS = (WORDPIECE, BPE)
UNKNOWN = "[UNK]"
CONTINUED = "##"  # before a piece of WordPiece that does not begin a word
ENDED = "</w>"  # behind a piece of byte pair encoding that ends a word
LEAST_PAIRS = 2  # a pair that stands in one place is no piece of the language
LONGEST_WORD = 1 << 20  # in characters; text without blanks is one word
_AT_ONCE = 10_000

Merges = tuple[tuple[str, str], ...]


def bare(piece: str) -> str:
    """The characters of a piece, without the marks of its place in the word."""
    return piece.removeprefix(CONTINUED).removesuffix(ENDED)


def learn_pieces(words: Sequence[str], counts: Sequence[int], split: str, size: int) -> tuple[tuple[str, ...], Merges]:
    """The pieces of which words are made.

    Characters are pieces too, at the beginning and inside of words; where they would take more than half of the places, the
    rarest are left out and unknown.

    Args:
        words: different ones, in any order.
        counts: of each.
        split: "wordpiece" or "bpe".
        size: most pieces.

    Returns:
        The pieces, the characters first; and for "bpe" the pairs in the order in which they are joined.
    """
    tokenizers = _library()
    letters: Counter[str] = Counter()
    for word, count in zip(words, counts, strict=True):
        for letter in word:
            letters[letter] += count
    often = sorted(letters, key=lambda letter: (-letters[letter], letter))[: max(1, size // 4)]
    known = sorted(often)
    rare = str.maketrans(dict.fromkeys(set(letters).difference(known), ""))
    usual = {word.translate(rare): 0 for word in sorted(words)} if rare else dict.fromkeys(sorted(words), 0)
    for word, count in zip(words, counts, strict=True):
        usual[word.translate(rare) if rare else word] += count
    usual.pop("", None)
    first = [UNKNOWN, *known, *(_inside(letter, split) for letter in known)]
    options = {"vocab_size": max(size + 1, len(first)), "min_frequency": LEAST_PAIRS, "show_progress": False}
    if split == BPE:
        model = tokenizers.models.BPE(unk_token=UNKNOWN, end_of_word_suffix=ENDED)
        trainer = tokenizers.trainers.BpeTrainer(special_tokens=first, end_of_word_suffix=ENDED, **options)
    else:
        model = tokenizers.models.WordPiece(unk_token=UNKNOWN)
        trainer = tokenizers.trainers.WordPieceTrainer(special_tokens=first, continuing_subword_prefix=CONTINUED, **options)
    learner = tokenizers.Tokenizer(model)
    learner.train_from_iterator(_repeated(usual), trainer)
    learnt = json.loads(learner.to_str())["model"]
    pieces = sorted(learnt["vocab"], key=learnt["vocab"].__getitem__)
    merges = tuple((left, right) for left, right in learnt["merges"]) if split == BPE else ()
    return tuple(pieces[1:]), merges


def cut(words: Sequence[str], split: str, pieces: tuple[str, ...], merges: Merges) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Words as pieces.

    Returns:
        The places of all pieces one after the other, from 1, 0 for an unknown one; and how many pieces each word has.
    """
    model = _model(split, pieces, merges)
    found = [[token.id for token in model.tokenize(word)] for word in words]
    counts = np.fromiter(map(len, found), np.int64, len(found))
    places = np.fromiter((place for word in found for place in word), np.int32, int(counts.sum()))
    return places, counts


def is_piecewise(split: str, pieces: Sequence[str], merges: Merges) -> bool:
    """Whether pieces and pairs, as they were stored, belong to each other."""
    known = {UNKNOWN, *pieces}
    return (split == BPE or not merges) and all({left, right, left + right} <= known for left, right in merges)


def _inside(letter: str, split: str) -> str:
    """A character with the mark of its place: continuing a word, or ending it."""
    return letter + ENDED if split == BPE else CONTINUED + letter


def _repeated(counts: dict[str, int]) -> Iterator[list[str]]:
    """Each word as often as it was counted, a handful at a time."""
    for word, count in counts.items():
        for done in range(0, count, _AT_ONCE):
            yield [word] * min(_AT_ONCE, count - done)


@lru_cache(maxsize=8)
def _model(split: str, pieces: tuple[str, ...], merges: Merges) -> Any:
    """The library's model of these pieces."""
    models = _library().models
    vocabulary = {piece: place for place, piece in enumerate((UNKNOWN, *pieces))}
    if split == BPE:
        return models.BPE(vocabulary, list(merges), unk_token=UNKNOWN, end_of_word_suffix=ENDED)
    return models.WordPiece(
        vocabulary, unk_token=UNKNOWN, max_input_chars_per_word=LONGEST_WORD, continuing_subword_prefix=CONTINUED
    )


def _library() -> Any:
    # It warns of threads on stderr where a process that has learnt with them is forked later; learning takes seconds without.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        import tokenizers
    except ModuleNotFoundError as error:
        message = "pieces of words are made by the library tokenizers, which is not installed"
        raise UsageError(message, path="data.text.split", hint="pip install 'dltrain[subwords]'") from error
    return tokenizers
