"""Words in pieces: what the library `tokenizers`, used by hand, makes of the same words."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars
import pytest

from dltrain.config.types import TextConfig
from dltrain.data.columns.tokens import MOST_MEASURED, TokenCounts, Tokenizer, odd_texts
from tests.data.columns.test_tokens import CLAUSES, encode, fit
from tests.support import shared_data

tokenizers = pytest.importorskip("tokenizers")

SPLITS = ["wordpiece", "bpe"]
TEXTS: list[str | None] = [
    "lower low lowest", "newer new newest wide", "wider widest low", None, "", "Low! slow, slower", "new\u00a0width\u2003x",
] * 3  # fmt: skip


def by_hand(tokenizer: Tokenizer, words: list[str]) -> list[list[int]]:
    """Indices of words by the library's own pipeline, opened from its own file format."""
    from tokenizers import models, pre_tokenizers

    vocabulary = {piece: place for place, piece in enumerate(("[UNK]", *tokenizer.vocabulary))}
    if tokenizer.split == "bpe":
        model = models.BPE(vocabulary, list(tokenizer.merges), unk_token="[UNK]", end_of_word_suffix="</w>")
    else:
        model = models.WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=10_000)
    pipeline = tokenizers.Tokenizer(model)
    pipeline.pre_tokenizer = pre_tokenizers.Split(tokenizers.Regex("[ \t\n\x0b\x0c\r]+"), "removed")
    pipeline = tokenizers.Tokenizer.from_str(pipeline.to_str())
    return [[place + 1 for place in found.ids] for found in pipeline.encode_batch(words)]


@pytest.mark.parametrize("split", SPLITS)
def test_equals_the_library_by_hand(split: str) -> None:
    messages = polars.read_csv(shared_data("text/sms_spam/sms_spam.csv"))["text"].to_list()
    tokenizer = fit(messages[:1500], split=split, standardize="none", vocabulary=900)
    assert tokenizer.size == 900
    asked = [*messages[1500:1900], "☃ snow☃man", "Ünïcode x"]
    found = encode(tokenizer, asked)
    for row, expected in zip(found.tolist(), by_hand(tokenizer, asked), strict=True):
        assert row == (expected + [0] * tokenizer.length)[: tokenizer.length]
    # The length is what nearly all of the training texts have, in pieces.
    counts = [len(codes) for codes in by_hand(tokenizer, messages[:1500])]
    assert tokenizer.length == int(np.quantile(counts, 0.95, method="higher"))


def test_pairs_are_those_of_the_paper() -> None:
    # Sennrich, Haddow and Birch (2016), figure 1: "low" 5 times, "lowest" 2, "newer" 6, "wider" 3.
    words = ["low"] * 5 + ["lowest"] * 2 + ["newer"] * 6 + ["wider"] * 3
    tokenizer = fit([" ".join(words)], split="bpe", vocabulary=26)
    assert tokenizer.merges[0] == ("e", "r</w>")
    assert "er</w>" in tokenizer.vocabulary


@pytest.mark.parametrize("split", SPLITS)
def test_the_same_texts_make_the_same_pieces(split: str) -> None:
    code = (
        "import polars, hashlib; from dltrain.config.types import TextConfig; from dltrain.data.columns.tokens import TokenCounts;"
        "words = [f'{a}{b}{c}' for a in 'abcdefg' for b in 'uvwxyz' for c in 'klmno'];"
        f"counts = TokenCounts(TextConfig(split='{split}', vocabulary=120));"
        "counts.add(polars.Series('t', [' '.join(words)] * 3)); print(hash(str(counts.finish())))"
    )
    found = set()
    for threads in ("1", "3"):
        variables = {**os.environ, "PYTHONHASHSEED": "0", "RAYON_NUM_THREADS": threads, "TOKENIZERS_PARALLELISM": "true"}
        found.add(subprocess.run([sys.executable, "-c", code], env=variables, capture_output=True, text=True, check=True).stdout)
    assert len(found) == 1


@pytest.mark.parametrize("split", SPLITS)
def test_turns_and_storing_change_nothing(split: str) -> None:
    import json

    config = TextConfig(split=split, vocabulary=60)
    whole = fit(TEXTS, split=split, vocabulary=60)
    counts = TokenCounts(config)
    for text in TEXTS:
        counts.add(polars.Series("t", [text], polars.String))
    assert counts.finish() == whole
    assert Tokenizer.from_state(json.loads(json.dumps(whole.to_state()))) == whole
    assert encode(whole, [None, "", "low"])[:2, 0].tolist() == [1, 1], "a text without a token is one unknown token"
    with pytest.raises(ValueError, match="merges"):
        Tokenizer.from_state({**whole.to_state(), "merges": [["q", "##zz"]]})


def test_which_texts_are_measured_does_not_depend_on_the_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dltrain.data.columns.tokens.MOST_MEASURED", 10)
    assert MOST_MEASURED > 10
    texts = [f"text {number}" for number in range(97)]
    kept = []
    for size in (1, 7, 97):
        counts = TokenCounts(TextConfig(split="bpe"))
        for first in range(0, 97, size):
            counts.add(polars.Series("t", texts[first : first + size]))
        kept.append(counts.measured.to_list())
    assert kept[0] == kept[1] == kept[2] == texts[::16]


@pytest.mark.parametrize("language", CLAUSES)
def test_languages_without_blanks(language: str) -> None:
    clauses: list[str | None] = [a + b for a in CLAUSES[language] for b in CLAUSES[language]]
    pieces = fit(clauses, split="bpe", vocabulary=1000)
    assert any(len(piece.removesuffix("</w>")) > 2 for piece in pieces.vocabulary), "what often stands together is a piece"
    assert not any(note.level == "warning" for note in odd_texts({"t": pieces}))
    assert (encode(pieces, clauses) != 1).all()
    assert odd_texts({"t": fit(clauses, split="wordpiece", vocabulary=1000)})[0].code == "no_blanks"


def test_texts_of_one_token_are_said() -> None:
    links: list[str | None] = [f"https://a.example/{number}/page" for number in range(20)]
    assert [note.code for note in odd_texts({"link": fit(links)})] == ["one_token"]
    assert not odd_texts({"link": fit(links, split="none"), "note": fit(["a b", "c d"]), "none": None})


def test_rare_characters_are_left_out_where_they_would_fill_the_vocabulary() -> None:
    texts: list[str | None] = ["".join(chr(0x4E00 + place) for place in range(400)), "一丁丂" * 50]
    tokenizer = fit(texts, split="bpe", vocabulary=100)
    assert tokenizer.size <= 100
    assert encode(tokenizer, ["一丁丂"])[0, 0] > 1
    assert encode(tokenizer, [chr(0x4E00 + 399)])[0, 0] == 1


def test_streamed_text_equals_text_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dltrain.config.types import DataConfig, SplitConfig
    from dltrain.data.arrays.disk_array import in_memory
    from tests.data.streaming import IN_MEMORY, STREAMED, load_as, small_chunks

    small_chunks(monkeypatch, 600)
    lines = [
        f'"{"the quick brown foxes jump " * 2}over {row} lazier dogs {"☃" if row % 4 == 3 else ""}",{"ab"[row % 2]},{"test" if row % 4 == 3 else "train"}'
        for row in range(200)
    ]
    (tmp_path / "t.csv").write_text("note,y,part\n" + "\n".join(lines) + "\n")
    text = TextConfig(split="wordpiece", vocabulary=90)
    config = DataConfig("csv", path=(str(tmp_path / "t.csv"),), target=("y",), split=SplitConfig(column="part"), text=text)
    held, streamed = load_as(monkeypatch, IN_MEMORY, config), load_as(monkeypatch, STREAMED, config)
    for name, part in held.parts.items():
        np.testing.assert_array_equal(part.inputs["note"], in_memory(streamed.parts[name].inputs["note"]))
    assert held.preprocessing.to_state()[0] == streamed.preprocessing.to_state()[0]
    [column] = held.preprocessing.features  # type: ignore[attr-defined]
    assert "☃" not in column.tokenizer.vocabulary, "the pieces are those of the training part alone"


def test_without_the_library_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from dltrain.errors import UsageError

    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(UsageError, match="not installed") as caught:
        fit(["a b"], split="bpe")
    assert caught.value.faults[0].hint == "pip install 'dltrain[subwords]'"
