"""Words with labels, each word as its vector from a file such as GloVe's."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from dltrain.config.types import DataConfig, config_fault
from dltrain.data.columns.word_vectors import WordVectors, near_words, read_word_vectors
from dltrain.data.facts import DataFacts
from dltrain.data.raw import RawTable
from dltrain.data.sources import csv
from dltrain.data.sources.arguments import refuse_missing_files
from dltrain.data.sources.source import DataSource
from dltrain.data.tables.column_names import column_of
from dltrain.errors import ConfigError, DataError, Note, warn
from dltrain.later import polars
from dltrain.reporting import Reporter
from dltrain.settings import data_folder
from dltrain.wording import column_hint, listed, quoted, shown

MOST_UNKNOWN = 0.5


def read(config: DataConfig, *, seed: int, reporter: Reporter) -> RawTable:
    """The table with the numbers of each word's vector as further columns; words without a vector are left out and named.

    Arguments: `vectors` (a file in GloVe's or word2vec's text format), `word` (the column of words; by default the first that is
    not the target), and in a run `digest` (of the vectors file that it was trained with).

    Raises:
        DataError: a file is missing or damaged, a column is missing, or most words have no vector.
    """
    plain = replace(config, source="csv", arguments={})
    raw = csv.read(plain, seed=seed, reporter=reporter)
    name = _word_column(config, raw)
    words = [str(word or "").strip() for word in column_of(raw.frame, name).to_list()]
    return add_vectors(raw, words, name, config.arguments, config, reporter)


def look(config: DataConfig, *, seed: int, whole: Callable[[], DataFacts]) -> DataFacts:
    """Reads it whole: which words have vectors says how many rows there are."""
    refuse_missing_files(config)
    return whole()


def words_table(words: Sequence[str], arguments: Mapping[str, Any], reporter: Reporter) -> RawTable:
    """A table of words that were asked for, without labels.

    Args:
        words: one or more.
        arguments: of the run's source.
        reporter: hears of the stages.

    Raises:
        DataError: the vectors file is missing or another one, or has none of the words.
    """
    name = str(arguments["word"])
    config = DataConfig("word_vectors", arguments=arguments)
    raw = RawTable(polars.DataFrame({name: list(words)}))
    return add_vectors(raw, [word.strip() for word in words], name, arguments, config, reporter)


def add_vectors(
    raw: RawTable, words: Sequence[str], name: str, arguments: Mapping[str, Any], config: DataConfig, reporter: Reporter
) -> RawTable:
    """The rows whose words have a vector, with its numbers as columns.

    Args:
        raw: a row a word.
        words: of the rows; looked for as they are written, then in lower case.
        name: of their column.
        arguments: of the source.
        config: for the place of faults.
        reporter: hears of the stages.
    """
    path = _vectors_file(str(arguments["vectors"]))
    reporter.status(f"reading {shown(path)}")
    try:
        vectors = read_word_vectors(path, {form for word in words for form in (word, word.lower())})
    except DataError as error:
        faults = [
            fault if fault.file else config_fault(config, "data.vectors", fault.message, fault.hint) for fault in error.faults
        ]
        raise DataError(faults) from error
    if arguments.get("digest") not in (None, vectors.digest):
        raise DataError("it is not the file of word vectors that the run was trained with", file=shown(path))
    places = np.array([_row(vectors, word) for word in words], np.int64)
    unknown = [word for word, place in zip(words, places.tolist(), strict=True) if place < 0]
    if len(unknown) > MOST_UNKNOWN * len(words):
        message = f"{len(unknown):,} of {len(words):,} words have no vector in {shown(path)}: {listed(unknown)}"
        hint = f"is {name} the column of words?"
        if len(words) == 1:
            near = near_words(path, words[0])
            message = f"the word {quoted(words[0])} has no vector in {shown(path)}"
            hint = f"near it: {', '.join(near)}" if near else "another word, or another file"
        raise DataError(message, hint=hint)
    known = np.flatnonzero(places >= 0)
    matrix = vectors.matrix[places[known]]
    columns = [polars.Series(f"vector_{index + 1}", np.ascontiguousarray(matrix[:, index])) for index in range(vectors.length)]
    have = f"{Path(path).name}: vectors of {vectors.length} numbers for {len(known):,} of {len(words):,} words"
    lack = f"{len(unknown):,} words without a vector are left out: {listed(unknown, 30)}"
    notes = (*raw.notes, Note(have), *([warn(lack, "words_without_vectors")] if unknown else []))
    return replace(
        raw,
        frame=raw.frame[known].hstack(columns),
        origin=_origin(raw, known),
        details={**raw.details, path: {"digest": vectors.digest, "bytes": vectors.num_bytes}},
        notes=notes,
        names=(name,),
        arguments={"vectors": path, "word": name, "digest": vectors.digest},
    )


def _row(vectors: WordVectors, word: str) -> int:
    return vectors.rows.get(word, vectors.rows.get(word.lower(), -1))


def _word_column(config: DataConfig, raw: RawTable) -> str:
    given = config.arguments.get("word")
    have = raw.frame.columns
    if given is None:
        others = [column for column in have if column not in (*config.target, *config.drop)]
        if not others:
            raise ConfigError(config_fault(config, "data.word", "no column is left that could hold the words"))
        return str(others[0])
    if given not in have:
        raise DataError(config_fault(config, "data.word", f"there is no column {given}", column_hint(str(given), have)))
    return str(given)


def _vectors_file(path: str) -> str:
    """The file where it was when the run was trained, else the one of that name below the data folder of today."""
    folder = data_folder()
    if not os.path.exists(path) and folder:
        file = Path(path)
        for candidate in (Path(folder, file.parent.name, file.name), Path(folder, file.name)):
            if candidate.is_file():
                return str(candidate)
    return path


def _origin(raw: RawTable, known: np.ndarray[Any, np.dtype[np.int64]]) -> tuple[tuple[int, str, int], ...]:
    """Where each run of rows that are left stands."""
    from dltrain.data.raw import locator

    locate = locator(raw)
    origin: list[tuple[int, str, int]] = []
    for row, old in enumerate(known.tolist()):
        if row and known[row - 1] == old - 1:
            continue
        file, line = locate(old)
        if file is not None:
            origin.append((row, file, line or 0))
    return tuple(origin)


SOURCE = DataSource(read, look)
