"""Files of word vectors in the text format of GloVe and word2vec: a word a line, then its numbers."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.types import DataConfig, config_fault
from dltrain.data.columns.column import FeatureColumn
from dltrain.data.columns.tokens import NUM_RESERVED
from dltrain.data.files import DIGEST_BYTES, expand_paths, read_blocks
from dltrain.errors import DataError, Fault, Note
from dltrain.storage.bounds import LINE_BYTES
from dltrain.wording import LONGEST, edit_distance, shown

BLOCK = 1 << 22
FEWEST_NUMBERS = 2
LONGER_THAN_VECTOR = 16  # a line of a table may be so many times longer


@dataclass(frozen=True, slots=True)
class WordVectors:
    """The vectors of some words.

    Attributes:
        rows: word -> its row of `matrix`.
        matrix: float32 [words found, numbers].
        digest: of the whole file.
        num_bytes: of the whole file.
    """

    rows: dict[str, int]
    matrix: NDArray[np.float32]
    digest: str
    num_bytes: int

    @property
    def length(self) -> int:
        """Numbers of a vector."""
        return int(self.matrix.shape[1])


def read_word_vectors(path: str, words: Collection[str]) -> WordVectors:
    """Look words up. The file (which may be compressed) is gone through once; only what is asked for is taken apart.

    Pennington, Socher and Manning (2014), https://nlp.stanford.edu/projects/glove; the first line of word2vec's and fastText's
    files, two counts, is passed over.

    Args:
        path: the file.
        words: as they stand in the file; those that it lacks are not in the result.

    Raises:
        DataError: missing, unreadable, or no such file, with the line.
    """
    file = _one_file(path)
    hasher = hashlib.blake2b(digest_size=DIGEST_BYTES)
    wanted = {word.encode() for word in words}
    found: dict[str, int] = {}
    vectors: list[NDArray[np.float32]] = []
    length = num_bytes = 0
    for number, line in enumerate(_lines(file, hasher), 1):
        num_bytes += len(line) + 1
        end = line.find(b" ")
        if length and line[:end] not in wanted:
            continue
        fields = line.split()
        if not length:
            if len(fields) == 2 and fields[0].isdigit() and fields[1].isdigit():
                continue
            length = len(fields) - 1
            _numbers(fields[1:], file, number, max(length, FEWEST_NUMBERS))
            if line[:end] not in wanted:
                continue
        elif len(fields) > length + 1:
            continue  # a word with blanks in it, which begins like one that is asked for
        word = fields[0].decode("utf-8", "replace")
        if word not in found:
            found[word] = len(vectors)
            vectors.append(_numbers(fields[1:], file, number, length))
    if not length:
        raise DataError("the file holds no word vectors", file=shown(file))
    matrix = np.stack(vectors) if vectors else np.zeros((0, length), np.float32)
    return WordVectors(found, matrix, hasher.hexdigest(), num_bytes)


def near_words(path: str, word: str) -> list[str]:
    """Three words of the file that begin as the word does and are spelled like it, the nearest first, then the more frequent."""
    file = _one_file(path)
    word = word.lower()[:LONGEST]
    limit = 1 if len(word) < 4 else 2
    found: list[tuple[int, str]] = []
    for line in _lines(file, hashlib.blake2b()) if word else ():
        other = line[: line.find(b" ")].decode("utf-8", "replace")
        if other[:1] == word[0] and (distance := edit_distance(word, other, limit)) <= limit:
            found.append((distance, other))
    return [other for _, other in sorted(found, key=lambda item: item[0])[:3]]


def _one_file(path: str) -> str:
    files = expand_paths([path])
    if len(files) > 1:
        raise DataError(f"{shown(path)} stands for {len(files)} files, expected one file of word vectors")
    return files[0]


def _lines(file: str, hasher: hashlib.blake2b) -> Iterator[bytes]:
    rest, number = b"", 1
    for block in read_blocks(file, BLOCK):
        hasher.update(block)
        *lines, rest = (rest + block).split(b"\n")
        number += len(lines)
        yield from lines
        if len(rest) > LINE_BYTES.value // LONGER_THAN_VECTOR:
            message = f"the line is longer than {len(rest):,} bytes: this is no word and its vector"
            raise DataError(message, file=shown(file), line=number, hint=LINE_BYTES.hint)
    if rest:
        yield rest


def _numbers(fields: list[bytes], file: str, line: int, length: int) -> NDArray[np.float32]:
    try:
        if len(fields) != length:
            raise ValueError
        numbers = np.array(fields, dtype="S").astype(np.float32)
        if not np.isfinite(numbers).all():
            raise ValueError
    except ValueError:
        found = f"{len(fields)} behind the word" if len(fields) != length else f"{_odd(fields)!r} among them"
        message = f"expected a word and {length} finite numbers, found {found}"
        hint = "a vectors file is text: a word a line, then its numbers, as glove.6B.50d.txt has it"
        raise DataError(message, file=shown(file), line=line, hint=hint) from None
    return numbers


def _odd(fields: list[bytes]) -> str:
    """The first that is no finite number."""
    for field in fields:
        try:
            if np.isfinite(np.float32(field.decode("utf-8", "replace"))):
                continue
        except ValueError:
            pass
        return field.decode("utf-8", "replace")
    return ""


def token_vectors(
    columns: Sequence[FeatureColumn], config: DataConfig
) -> tuple[tuple[FeatureColumn, ...], dict[str, Any], list[Note]]:
    """The text columns with the word vectors that their embeddings begin with; zeros for tokens that the file lacks.

    Args:
        columns: fitted.
        config: names the file, if any, as `data.text.vectors`.

    Returns:
        The columns, the file's digest as `RawTable.details` has it, and facts for the user.

    Raises:
        DataError: the file cannot be read, or has none of the tokens.
    """
    tokenizers = [column.tokenizer for column in columns if column.tokenizer is not None]
    if config.text.vectors is None or not columns:
        return tuple(columns), {}, []
    if not tokenizers:
        message = "word vectors are given, but no column is free text"
        raise DataError(
            config_fault(config, "data.text.vectors", message, f"say which is: data.features: {{{columns[0].name}: text}}")
        )
    try:
        vectors = read_word_vectors(config.text.vectors, {word for tokenizer in tokenizers for word in tokenizer.vocabulary})
    except DataError as error:
        raise DataError([_at_key(config, fault) for fault in error.faults]) from error
    made, notes = [], []
    for column in columns:
        if column.tokenizer is not None:
            column, num_known = _with_vectors(column, column.tokenizer.vocabulary, vectors, config)
            all_tokens = column.vocabulary_size - NUM_RESERVED
            notes.append(Note(f"word vectors: {num_known:,} of the {all_tokens:,} tokens of {column.name}"))
        made.append(column)
    return tuple(made), {config.text.vectors: {"digest": vectors.digest, "bytes": vectors.num_bytes}}, notes


def _with_vectors(
    column: FeatureColumn, vocabulary: Sequence[str], vectors: WordVectors, config: DataConfig
) -> tuple[FeatureColumn, int]:
    """The column with its matrix, and how many tokens have a vector."""
    known = [(index, vectors.rows[word]) for index, word in enumerate(vocabulary, NUM_RESERVED) if word in vectors.rows]
    if not known:
        message = f"{shown(str(config.text.vectors))} has none of the {len(vocabulary):,} tokens of {column.name}"
        hint = "its words are lower case, as a rule: see data.text.standardize"
        raise DataError(config_fault(config, "data.text.vectors", message, hint))
    matrix = np.zeros((column.vocabulary_size, vectors.length), np.float32)
    places, rows = np.array(known).T
    matrix[places] = vectors.matrix[rows]
    return replace(column, vectors=matrix, vector_length=vectors.length), len(known)


def _at_key(config: DataConfig, fault: Fault) -> Fault:
    """A missing file is a matter of the key that names it; a line of the file stays what it is."""
    return fault if fault.file else config_fault(config, "data.text.vectors", fault.message, fault.hint)
