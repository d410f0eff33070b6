"""Words with labels: found vectors become columns, unknown words are named, and a run looks further words up."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dltrain.config.types import DataConfig, SplitConfig
from dltrain.data import Dataset, load_dataset, read_part, read_words
from dltrain.data.stored import load_preprocessing
from dltrain.errors import DataError, Fault, UsageError, as_warning
from dltrain.reporting import Reporter

FRUITS, TOOLS = ("apple", "pear", "plum", "lemon", "fig"), ("hammer", "saw", "file", "drill", "nail")


class Heard(Reporter):
    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warning(self, warning: str | Fault) -> None:
        self.warnings.append(as_warning(warning).message)


def vectors(folder: Path) -> str:
    rng = np.random.default_rng(0)
    lines = [f"{word} {' '.join(f'{number:.4f}' for number in rng.normal(size=4))}" for word in (*FRUITS, *TOOLS, "ice-cream")]
    (folder / "glove").mkdir(exist_ok=True)
    (folder / "glove" / "v.txt").write_text("\n".join(lines) + "\n")
    return str(folder / "glove" / "v.txt")


def load(folder: Path, words: str = "", **arguments: str) -> Dataset:
    rows = [f"{word},fruit" for word in FRUITS] + [f"{word},tool" for word in TOOLS]
    (folder / "words.csv").write_text("word,label\n" + "\n".join(rows) + "\n" + words)
    config = DataConfig(
        "word_vectors",
        arguments={"vectors": vectors(folder), **arguments},
        path=(str(folder / "words.csv"),),
        target=("label",),
        scale="none",
        split=SplitConfig(test=0.4),
    )
    return load_dataset(config, seed=1)


def test_words_become_their_vectors(tmp_path: Path) -> None:
    dataset = load(tmp_path, "Apple,fruit\nquux,tool\n")
    assert "1 words without a vector are left out: quux" in dataset.warnings
    part = dataset.parts["train"]
    assert dataset.schema.inputs[0].shape == (4,)
    table = {line.split()[0]: line.split()[1:] for line in Path(vectors(tmp_path)).read_text().splitlines()}
    for word, row in zip(part.identifiers["word"], part.inputs["features"], strict=True):
        np.testing.assert_array_equal(row, np.array(table[word.lower()], np.float32))
    assert "data.features" not in dataset.resolved
    before = dataset.fingerprint
    path = Path(vectors(tmp_path))
    path.write_text(path.read_text() + "more 1 2 3 4\n")
    config = DataConfig("word_vectors", {"vectors": str(path)}, (str(tmp_path / "words.csv"),), target=("label",))
    assert load_dataset(config, seed=1).fingerprint != before


def test_a_stored_run_looks_words_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = load(tmp_path)
    dataset.preprocessing.save(tmp_path)
    again = load_preprocessing(tmp_path)
    assert again == dataset.preprocessing
    heard = Heard()
    part = read_words(again, ["Lemon", "ice-cream", "quux"], reporter=heard)
    assert part.identifiers["word"] == ["Lemon", "ice-cream"]
    assert heard.warnings == ["1 words without a vector are left out: quux"]
    same = read_part(again, [str(tmp_path / "words.csv")], with_targets=True)
    assert same.num_rows == 10
    np.testing.assert_array_equal(same.inputs["features"][3], part.inputs["features"][0])
    with pytest.raises(DataError, match="has no vector"):
        read_words(again, ["quux"], reporter=heard)
    with pytest.raises(DataError) as error:
        read_words(again, ["lemmon"], reporter=heard)
    assert error.value.faults[0].hint == "near it: lemon"
    # The file is found again below another data folder, and must be the same file.
    there = tmp_path / "glove" / "v.txt"
    (tmp_path / "moved" / "glove").mkdir(parents=True)
    moved = there.rename(tmp_path / "moved" / "glove" / "v.txt")
    with pytest.raises(DataError, match="no such file"):
        read_words(again, ["lemon"], reporter=heard)
    monkeypatch.setenv("DLTRAIN_DATA", str(tmp_path / "moved"))
    assert read_words(again, ["lemon"], reporter=heard).num_rows == 1
    moved.write_text(moved.read_text() + "x 1 2 3 4\n")
    with pytest.raises(DataError, match="not the file of word vectors that the run was trained with"):
        read_words(again, ["lemon"], reporter=heard)


def test_a_run_on_something_else_takes_no_words(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,y\n" + "".join(f"{i},{'pq'[i % 2]}\n" for i in range(20)))
    dataset = load_dataset(DataConfig("csv", path=(str(tmp_path / "t.csv"),), target=("y",)), seed=0)
    with pytest.raises(UsageError, match="--word needs a run on words"):
        read_words(dataset.preprocessing, ["lemon"], reporter=Reporter())


@pytest.mark.parametrize(
    ("words", "arguments", "said"),
    [
        ("".join(f"q{i},tool\n" for i in range(20)), {}, "20 of 30 words have no vector"),
        ("", {"word": "wrod"}, "there is no column wrod"),
        ("", {"vectors": "/nowhere/glove.txt"}, "no such file"),
    ],
)
def test_unfit_words_are_named(tmp_path: Path, words: str, arguments: dict[str, str], said: str) -> None:
    with pytest.raises(DataError, match=said):
        load(tmp_path, words, **arguments)
