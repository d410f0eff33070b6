"""Texts as tokens: what Keras's TextVectorization makes of the same texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dltrain.config import load_config_text
from dltrain.config.types import TextConfig
from dltrain.data.columns.tokens import UNKNOWN, TokenCounts, Tokenizer, tokens_of
from dltrain.data.load import load_dataset
from dltrain.data.new_rows import read_part
from dltrain.reporting import Reporter
from tests.support import examples, shared_data

ODD = [
    "Ünïcode ÄÖ ß STRASSE İstanbul ΑΣ", "a-b c_d [UNK] e", "tab\there\nnew\x0bline\u00a0nbsp\u2003em", "don't stop!!! 🙂🙂 x",
    "one", "THE the The", "...", "", "   ",
]  # fmt: skip


def fit(texts: list[str | None], **options: object) -> Tokenizer:
    counts = TokenCounts(TextConfig(**options))  # type: ignore[arg-type]
    counts.add(polars.Series("t", texts, polars.String))
    return counts.finish()


def encode(tokenizer: Tokenizer, texts: list[str | None]) -> np.ndarray:
    return tokenizer.encode(polars.Series("t", texts, polars.String))


@pytest.mark.parametrize("standardize", ["lower_and_strip_punctuation", "lower", "strip_punctuation", "none"])
@pytest.mark.parametrize(
    ("split", "ngrams", "keras_ngrams"),
    [
        ("whitespace", (1,), None),
        ("whitespace", (1, 2), 2),
        ("whitespace", (1, 3), (1, 3)),
        ("character", (2,), (2,)),
        ("none", (1,), None),
    ],
)
def test_equals_keras(standardize: str, split: str, ngrams: tuple[int, ...], keras_ngrams: object) -> None:
    import keras

    messages = polars.read_csv(shared_data("text/sms_spam/sms_spam.csv"))["text"].to_list()[:600]
    texts = [*messages, *ODD]
    ours = fit(texts, standardize=standardize, split=split, ngrams=ngrams, max_tokens=900, output_sequence_length=25)
    layer = keras.layers.TextVectorization(
        900,
        standardize=None if standardize == "none" else standardize,
        split=None if split == "none" else split,
        ngrams=keras_ngrams,
        output_sequence_length=25,
    )
    array = np.array(texts, dtype=object)[:, None] if split == "none" else np.array(texts, dtype=object)
    layer.adapt(array)
    theirs = np.asarray(layer(array)).astype(np.int32)
    theirs = np.pad(theirs, ((0, 0), (0, 25 - theirs.shape[1])))
    assert list(ours.vocabulary) == layer.get_vocabulary()[2:]
    found = encode(ours, texts)
    has_tokens = theirs.any(axis=1)
    np.testing.assert_array_equal(found[has_tokens], theirs[has_tokens])
    # The one difference: without any token a text is one unknown token, since the mean over no token is none.
    assert (~has_tokens).sum() >= 1
    assert (found[~has_tokens] == np.eye(25, dtype=np.int32)[0]).all()


WORDS = st.lists(st.sampled_from(["a", "b", "cc", "d!", "É", UNKNOWN]), max_size=6)


@given(st.lists(WORDS, min_size=1, max_size=8), st.sampled_from([(1,), (2,), (1, 2), (3, 1)]), st.integers(1, 5))
@settings(max_examples=examples(20, 60))
def test_ngrams_and_indices_by_hand(rows: list[list[str]], ngrams: tuple[int, ...], length: int) -> None:
    texts: list[str | None] = [" ".join(words) for words in rows]
    expected = [[" ".join(words[i : i + n]) for n in ngrams for i in range(len(words) - n + 1)] for words in rows]
    tokens, owners = tokens_of(polars.Series("t", texts, polars.String), "none", "whitespace", ngrams)
    assert tokens.to_list() == [token for words in expected for token in words]
    assert owners.tolist() == [row for row, words in enumerate(expected) for _ in words]
    tokenizer = fit(texts, standardize="none", ngrams=ngrams, output_sequence_length=length)
    index = {token: number for number, token in enumerate(tokenizer.vocabulary, 2)}
    assert UNKNOWN not in index
    for row, words in zip(encode(tokenizer, texts).tolist(), expected, strict=True):
        wanted = [index.get(word, 1) for word in words][:length] or [1]
        assert row == wanted + [0] * (length - len(wanted))


def test_counting_in_turns_is_counting_at_once() -> None:
    texts: list[str | None] = ["b a", None, "a c", "c", "a"]
    counts = TokenCounts(TextConfig())
    for text in texts:
        counts.add(polars.Series("t", [text], polars.String))
    assert counts.finish() == fit(texts)
    assert fit(texts).vocabulary == ("a", "c", "b")
    assert fit(texts, max_tokens=3).vocabulary == ("a",)


def test_the_length_is_that_of_nearly_all_training_texts() -> None:
    texts: list[str | None] = ["x " * length for length in range(1, 101)]
    assert fit(texts).length == 96
    assert fit([None, ""]).length == 1


def test_streamed_text_equals_text_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dltrain.config.types import DataConfig, SplitConfig
    from dltrain.data.arrays.disk_array import in_memory
    from tests.data.streaming import IN_MEMORY, STREAMED, load_as, small_chunks

    small_chunks(monkeypatch, 600)
    lines = [f'"{"the quick brown fox jumps " * 2}over {row} lazy dogs",{row % 7},{"ab"[row % 2]}' for row in range(400)]
    (tmp_path / "t.csv").write_text("note,n,y\n" + "\n".join(lines) + "\n")
    config = DataConfig(
        "csv",
        path=(str(tmp_path / "t.csv"),),
        target=("y",),
        split=SplitConfig(test=0.25),
        text=TextConfig(ngrams=(1, 2), max_tokens=50),
    )
    held, streamed = load_as(monkeypatch, IN_MEMORY, config), load_as(monkeypatch, STREAMED, config)
    assert held.schema == streamed.schema
    assert [spec.name for spec in held.schema.inputs] == ["features", "note"]
    for name, part in held.parts.items():
        np.testing.assert_array_equal(part.inputs["note"], in_memory(streamed.parts[name].inputs["note"]))
    assert held.preprocessing.to_state()[0] == streamed.preprocessing.to_state()[0]


CLAUSES = {
    "chinese": ["今天天气很好我们去公园玩吧", "这个电影太糟糕了不推荐", "非常喜欢这家餐厅的菜", "服务态度差再也不来了"],
    "japanese": [
        "この映画はとても面白かったです",
        "料理がまずくて残念でした",
        "また行きたいと思います",
        "値段が高すぎると思います",
    ],
    "thai": ["อาหารอร่อยมากและราคาถูก", "บริการแย่มากไม่ประทับใจ", "ชอบร้านนี้มากจะกลับมาอีก", "รอนานเกินไปและอาหารเย็น"],
}


@pytest.mark.parametrize("language", CLAUSES)
def test_c10_text_without_blanks_is_said_and_split_by_init(tmp_path: Path, language: str) -> None:
    import itertools

    from dltrain.config import load_config_text
    from dltrain.data.load import load_dataset
    from dltrain.starting.start import make_starter

    texts = [a + b + c for a, b, c in itertools.product(CLAUSES[language], repeat=3)]
    labels = [
        "pos" if CLAUSES[language].index(first) % 2 else "neg" for first, _, _ in itertools.product(CLAUSES[language], repeat=3)
    ]
    polars.DataFrame({"review": texts, "label": labels}).write_csv(tmp_path / "reviews.csv")
    starter = make_starter(str(tmp_path / "reviews.csv"), target="label", folder=tmp_path)
    config = load_config_text(starter.text, folder=tmp_path)
    assert config.data.text.split == "character"
    dataset = load_dataset(config.data, seed=0)
    assert "no blanks between words" not in " ".join(dataset.warnings)
    [column] = dataset.preprocessing.features  # type: ignore[attr-defined]
    assert set(column.tokenizer.vocabulary) == set("".join(texts))
    by_words = load_config_text(starter.text, folder=tmp_path, overrides=["data.text.split=whitespace"])
    assert any(
        "no blanks between words" in text and "split: character" in text for text in load_dataset(by_words.data, seed=0).warnings
    )


def test_c10_siblings_text_with_blanks_is_left_alone() -> None:
    from dltrain.data.columns.kinds import is_unspaced

    assert not fit(["a plain sentence of words", "another one"]).takes_lines_for_words
    assert not fit(["오늘 날씨가 정말 좋아요", "이 영화는 별로였어요"]).takes_lines_for_words, "Korean has blanks"
    assert fit(["今天天气很好我们去公园玩吧"]).takes_lines_for_words
    assert not fit(["今天天气很好"], split="character").takes_lines_for_words
    assert not is_unspaced(polars.Series(["", None], dtype=polars.String))
    assert not is_unspaced(polars.Series(["tea (茶) and coffee"]))


ENGLISH = [f"The {what} was {how} and I would {not_}buy it again, said my {who}."
           for what in ("phone", "coat", "lamp") for how in ("good", "bad", "cheap") for not_ in ("", "not ") for who in ("aunt", "boss")]  # fmt: skip
CHINESE = [
    f"{what}{how}、我{not_}会再买一次"
    for what in ("手机", "大衣", "台灯")
    for how in ("很好", "不好", "便宜")
    for not_ in ("", "不")
]


@pytest.mark.parametrize(
    ("chinese", "by_init", "said"), [(18, "character", True), (4, "whitespace", True), (0, "whitespace", False)]
)
def test_c10_siblings_text_of_two_languages(chinese: int, by_init: str, said: bool, tmp_path: Path) -> None:
    from dltrain.data.load import load_dataset
    from dltrain.starting.start import make_starter

    texts = [*ENGLISH, *CHINESE[:chinese]]
    labels = ["no" if "not" in text or "不会" in text else "yes" for text in texts]
    polars.DataFrame({"review": texts, "label": labels}).write_csv(tmp_path / "reviews.csv")
    starter = make_starter(str(tmp_path / "reviews.csv"), target="label", folder=tmp_path)
    config = load_config_text(starter.text, folder=tmp_path)
    assert config.data.text.split == by_init
    words = load_config_text(starter.text, folder=tmp_path, overrides=["data.text.split=whitespace"])
    heard = [text for text in load_dataset(words.data, seed=0).warnings if "in part has no blanks between words" in text]
    assert bool(heard) == said


def test_c10_case_is_lowered_in_every_alphabet_where_that_is_asked_for() -> None:
    texts = ["ПРИВЕТ, Мир!", "ÄRGER «Straße»", "ΑΒΓ", "Don't"]
    plain = fit(texts)
    assert "ПРИВЕТ" in plain.vocabulary, "Keras lowers ASCII alone"
    every = fit(texts, standardize="lower_all_and_strip_punctuation")
    assert set(every.vocabulary) == {"привет", "мир", "ärger", "straße", "αβγ", "dont"}
    assert set(fit(texts, standardize="lower_all").vocabulary) == {"привет,", "мир!", "ärger", "«straße»", "αβγ", "don't"}
    assert Tokenizer.from_state(every.to_state()) == every
    assert set(fit(["好、吃。"], standardize="lower_all_and_strip_punctuation", split="character").vocabulary) == {"好", "吃"}


def test_rows_of_mostly_unknown_words_are_said(tmp_path):
    known = ["the red car drives fast", "the blue car drives slow", "a red house", "a blue house by the road"] * 10
    polars.DataFrame({"note": known, "y": ["a", "b"] * 20}).write_csv(tmp_path / "t.csv")
    config = load_config_text(
        f"data: {{source: csv, path: {tmp_path / 't.csv'}, target: y, features: {{note: text}}}}\n"
        "model: {layers: [{Dense: {units: 2}}]}\ntraining: {epochs: 1}\n",
        folder=tmp_path,
    )
    dataset = load_dataset(config.data, seed=0)
    assert not any("unknown" in text for text in dataset.warnings)
    rows = ["the red car", "xyzzy plugh the", "", "quux"]
    polars.DataFrame({"note": rows}).write_csv(tmp_path / "new.csv")
    heard: list[Any] = []
    reporter = Reporter()
    reporter.warning = heard.append  # type: ignore[method-assign]
    read_part(dataset.preprocessing, [str(tmp_path / "new.csv")], with_targets=False, reporter=reporter)
    assert [text for text in heard if "most tokens of note are unknown to training in 2 of 3 rows" in str(text)]
