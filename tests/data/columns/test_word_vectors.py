"""Files of word vectors: found words, headers, damaged lines, and the matrix that an embedding begins with."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import polars
import pytest

from dltrain.config.types import DataConfig, SplitConfig, TextConfig
from dltrain.data import load_dataset
from dltrain.data.columns.word_vectors import read_word_vectors
from dltrain.errors import DataError
from tests.support import shared_data

LINES = "the 0.5 -1 2e-1\ncar 1 2 3\n. . . 9 9 9\nthe 7 7 7\nlemon 4 5 6"


def test_words_are_found_and_others_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "v.txt"
    for text in (LINES, "4 3\n" + LINES, LINES.replace("\n", " \n"), LINES.replace("\n", "\r\n")):
        path.write_text(text)
        found = read_word_vectors(str(path), ["lemon", "the", ".", "missing"])
        assert list(found.rows) == ["the", "lemon"]  # `. . .` is another word than `.`
        np.testing.assert_array_equal(found.matrix, np.array([[0.5, -1, 0.2], [4, 5, 6]], np.float32))
    path.write_bytes(gzip.compress(LINES.encode()))
    assert read_word_vectors(str(path), ["car"]).matrix.tolist() == [[1, 2, 3]]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", None, "holds no word vectors"),
        ("the 1 2\ncar 1\n", 2, "expected a word and 2 finite numbers, found 1 behind the word"),
        ("the 1 2\ncar 1 x\n", 2, "expected a word and 2 finite numbers, found 'x' among them"),
        ("the 1 2\ncar 1 nan\n", 2, "expected a word and 2 finite numbers"),
        ("word,label\nlemon,food\n", 1, "expected a word and"),
    ],
)
def test_damaged_files_are_named(tmp_path: Path, text: str, line: int | None, words: str) -> None:
    path = tmp_path / "v.txt"
    path.write_text(text)
    with pytest.raises(DataError, match=words) as caught:
        read_word_vectors(str(path), ["car"])
    assert caught.value.faults[0].line == line


def test_real_vectors_against_numpy() -> None:
    path = shared_data("glove/glove.6B.50d.top20k.txt")
    lines = [line.split(" ") for line in path.read_text().splitlines()]
    wanted = {"lemon", "tractor", "food", ".", "xyzzyx"}
    found = read_word_vectors(str(path), wanted)
    expected = {word: np.array(numbers, np.float32) for word, *numbers in lines if word in wanted}
    assert found.rows.keys() == expected.keys()
    for word, row in found.rows.items():
        np.testing.assert_array_equal(found.matrix[row], expected[word])


def test_the_embedding_begins_with_them(tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_text(LINES)
    notes = ["the red car drove on and on", "a lemon is not a car at all", "the sun rose above the long hills"] * 8
    polars.DataFrame({"note": notes, "y": [row % 3 for row in range(24)]}).write_csv(tmp_path / "t.csv")
    config = DataConfig(
        "csv",
        path=(str(tmp_path / "t.csv"),),
        target=("y",),
        features={"note": "text"},
        task="classification",
        split=SplitConfig(test=0.25),
        text=TextConfig(vectors=str(tmp_path / "v.txt"), trainable=False),
    )
    dataset = load_dataset(config, seed=0)
    [spec] = dataset.schema.inputs
    assert (spec.embedding_dimension, spec.trainable) == (3, False)
    assert spec.vectors is not None
    [column] = dataset.preprocessing.features  # type: ignore[attr-defined]
    index = column.tokenizer.vocabulary.index("car") + 2
    np.testing.assert_array_equal(spec.vectors[index], [1, 2, 3])
    np.testing.assert_array_equal(spec.vectors[:2], 0)
    assert "word vectors: 3 of the" in "\n".join(dataset.summary)
    before = dataset.fingerprint
    (tmp_path / "v.txt").write_text(LINES.replace("4 5 6", "4 5 7"))
    assert load_dataset(config, seed=0).fingerprint != before
    (tmp_path / "v.txt").unlink()
    with pytest.raises(DataError, match="no such file"):
        load_dataset(config, seed=0)


def test_one_file_holds_the_vectors(tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text("the 1 2\n")
    with pytest.raises(DataError, match="stands for 2 files, expected one"):
        read_word_vectors(str(tmp_path / "*.txt"), ["the"])


def test_vectors_without_a_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_text("the 1 2\n")
    (tmp_path / "a.csv").write_text("x,y\n" + "1,2\n3,4\n5,7\n" * 9)
    config = DataConfig("csv", path=(str(tmp_path / "a.csv"),), target=("y",), text=TextConfig(vectors=str(tmp_path / "v.txt")))
    with pytest.raises(DataError, match="no column is free text"):
        load_dataset(config, seed=0)
