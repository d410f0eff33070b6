"""A tokenizer as ONNX nodes: texts to the indices that `dltrain.data.columns.tokens.Tokenizer` makes of them.

Splitting is done by ONNX Runtime's own operator `Tokenizer` (domain com.microsoft), as the standard's `StringSplit` knows
neither characters nor which blanks Keras splits at; joining by the standard's `StringConcat` of opset 20.
"""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_lowercase, ascii_uppercase
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from dltrain.data.columns.tokens import NUM_RESERVED, WORDS, Tokenizer

OPSET = 20
ML_DOMAIN = "ai.onnx.ml"
SPLIT_DOMAIN, SPLIT_OPSET = "com.microsoft", 1
_PUNCTUATION_MARKS = "!\"#$%&()*+,-./:;<=>?@[\\]^_`{|}~'"


def add_tokenizer(onnx: Any, tokenizer: Tokenizer, missing: Sequence[str], text: str, codes: str) -> list[Any]:
    """Nodes that turn texts [rows] into indices int32 [rows, length].

    Args:
        onnx: the module.
        tokenizer: of the run.
        missing: texts that stand for no text.
        text: name of the input.
        codes: name of the output; also the beginning of all names in between.
    """
    nodes = _Nodes(onnx, codes)
    standard = _standardize(nodes, tokenizer, text)
    words = _split(nodes, tokenizer.split, standard)
    found, is_token = [], []
    for width in tokenizer.ngrams:
        grams, are_there = _ngrams(nodes, words, width, tokenizer.split == "none")
        found.append(_look_up(nodes, tokenizer.vocabulary, grams))
        is_token.append(are_there)
    indices = _first_ones(nodes, found, is_token, tokenizer.length)
    if missing:
        known: dict[str, Any] = {"keys_strings": list(missing), "values_int64s": [0] * len(missing), "default_int64": 1}
        is_text = nodes.add("LabelEncoder", text, domain=ML_DOMAIN, **known)
        indices = nodes.add("Mul", indices, nodes.add("Unsqueeze", is_text, nodes.integers([1])))
    # A text without a token is one unknown token.
    total = nodes.add("ReduceSum", indices, nodes.integers([1]), keepdims=1)
    is_empty = nodes.add("Cast", nodes.add("Equal", total, nodes.integers([0])), to=onnx.TensorProto.INT64)
    first = nodes.integers((np.arange(tokenizer.length) == 0).astype(np.int64))
    indices = nodes.add("Add", indices, nodes.add("Mul", is_empty, first))
    nodes.add("Cast", indices, to=onnx.TensorProto.INT32, output=codes)
    return nodes.made


class _Nodes:
    """Nodes under construction, each called after the graph's part that they make."""

    def __init__(self, onnx: Any, prefix: str) -> None:
        self.onnx = onnx
        self.prefix = prefix
        self.made: list[Any] = []

    def name(self) -> str:
        return f"{self.prefix}/tokens_{len(self.made)}"

    def add(self, kind: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        output = output or self.name()
        self.made.append(self.onnx.helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def integers(self, values: ArrayLike) -> str:
        return self.add("Constant", value=self.onnx.numpy_helper.from_array(np.asarray(values, np.int64)))

    def text(self, values: Sequence[str], shape: Sequence[int]) -> str:
        encoded = [value.encode() for value in values]
        return self.add("Constant", value=self.onnx.helper.make_tensor("text", self.onnx.TensorProto.STRING, shape, encoded))


def _standardize(nodes: _Nodes, tokenizer: Tokenizer, text: str) -> str:
    """Texts [rows] with letters of ASCII in lower case and without punctuation, as far as the tokenizer does so."""
    changed: dict[str, str] = {}
    if tokenizer.standardize.startswith("lower"):
        changed |= dict(zip(ascii_uppercase, ascii_lowercase, strict=True))
    if tokenizer.standardize.endswith("strip_punctuation"):
        changed |= dict.fromkeys(_PUNCTUATION_MARKS, "")
    if not changed:
        return text
    characters = _split(nodes, "character", text)
    keys: dict[str, Any] = {"keys_strings": list(changed), "values_int64s": list(range(1, len(changed) + 1)), "default_int64": 0}
    places = nodes.add("LabelEncoder", characters, domain=ML_DOMAIN, **keys)
    others = nodes.add("Gather", nodes.text(["", *changed.values()], [len(changed) + 1]), places)
    is_same = nodes.add("Equal", places, nodes.integers([0]))
    return _join(nodes, text, nodes.add("Where", is_same, characters, others))


def _split(nodes: _Nodes, split: str, text: str) -> str:
    """Words [rows, most] of texts [rows], "" behind each text's last."""
    if split == "none":
        return nodes.add("Unsqueeze", text, nodes.integers([1]))
    how: dict[str, Any] = {"separators": [""]} if split == "character" else {"tokenexp": WORDS}
    return nodes.add("Tokenizer", text, domain=SPLIT_DOMAIN, mark=0, pad_value="", mincharnum=1, **how)


def _join(nodes: _Nodes, text: str, characters: str) -> str:
    """Characters [rows, most] one after the other [rows]: a loop over the columns."""
    onnx = nodes.onnx
    helper, types = onnx.helper, onnx.TensorProto
    nothing = nodes.add("Expand", nodes.text([""], [1]), nodes.add("Shape", text))
    count = nodes.add("Gather", nodes.add("Shape", characters), nodes.integers(1))
    prefix = nodes.name()
    turn, go_on, before, column, after, still = (
        f"{prefix}/{word}" for word in ("turn", "go_on", "before", "column", "after", "still")
    )
    body = helper.make_graph(
        [
            helper.make_node("Gather", [characters, turn], [column], axis=1),
            helper.make_node("StringConcat", [before, column], [after]),
            helper.make_node("Identity", [go_on], [still]),
        ],
        prefix,
        [
            helper.make_tensor_value_info(turn, types.INT64, []),
            helper.make_tensor_value_info(go_on, types.BOOL, []),
            helper.make_tensor_value_info(before, types.STRING, ["rows"]),
        ],
        [
            helper.make_tensor_value_info(still, types.BOOL, []),
            helper.make_tensor_value_info(after, types.STRING, ["rows"]),
        ],
    )
    return nodes.add("Loop", count, "", nothing, body=body)


def _ngrams(nodes: _Nodes, words: str, width: int, is_whole: bool) -> tuple[str, str]:
    """So many neighbouring words as one, [rows, most], and whether each is one, bool [rows, most].

    Args:
        nodes: to add to.
        words: [rows, most].
        width: how many.
        is_whole: each text is one word, the empty one too.
    """
    shape = nodes.add("Shape", words)
    rows = nodes.add("Slice", shape, nodes.integers([0]), nodes.integers([1]))
    most = nodes.add("Slice", shape, nodes.integers([1]), nodes.integers([2]))
    no_words = nodes.add("Expand", nodes.text([""], [1, 1]), nodes.add("Concat", rows, nodes.integers([width]), axis=0))
    padded = nodes.add("Concat", words, no_words, axis=1)
    grams = words
    last = words
    for step in range(1, width):
        end = nodes.add("Add", most, nodes.integers([step]))
        last = nodes.add("Slice", padded, nodes.integers([step]), end, nodes.integers([1]))
        grams = nodes.add("StringConcat", nodes.add("StringConcat", grams, nodes.text([" "], [1])), last)
    if is_whole and width == 1:
        ones = nodes.add("ConstantOfShape", shape, value=nodes.onnx.numpy_helper.from_array(np.ones(1, np.bool_)))
        return grams, ones
    # A word is never empty, so that an empty last one lies behind the text's end.
    keys: dict[str, Any] = {"keys_strings": [""], "values_int64s": [0], "default_int64": 1}
    is_word = nodes.add("LabelEncoder", last, domain=ML_DOMAIN, **keys)
    return grams, nodes.add("Cast", is_word, to=nodes.onnx.TensorProto.BOOL)


def _look_up(nodes: _Nodes, vocabulary: Sequence[str], words: str) -> str:
    """Indices int64 of words of any shape."""
    known = list(vocabulary) or ["\n \n"]  # no look-up does without any word; this one no text has
    keys: dict[str, Any] = {
        "keys_strings": known,
        "values_int64s": list(range(NUM_RESERVED, NUM_RESERVED + len(known))),
        "default_int64": 1,
    }
    return nodes.add("LabelEncoder", words, domain=ML_DOMAIN, **keys)


def _first_ones(nodes: _Nodes, found: Sequence[str], is_token: Sequence[str], length: int) -> str:
    """The first indices that are tokens' ones, int64 [rows, length], 0 behind the last."""
    shape = nodes.add("Shape", found[0])
    rows = nodes.add("Slice", shape, nodes.integers([0]), nodes.integers([1]))
    nothing = nodes.add("ConstantOfShape", nodes.add("Concat", rows, nodes.integers([length]), axis=0))
    zero = nodes.add("Cast", nothing, to=nodes.onnx.TensorProto.INT64)
    are_there = nodes.add("Concat", *is_token, nodes.add("Cast", zero, to=nodes.onnx.TensorProto.BOOL), axis=1)
    indices = nodes.add("Where", are_there, nodes.add("Concat", *found, zero, axis=1), nodes.integers([0]))
    columns = nodes.add("Gather", nodes.add("Shape", indices), nodes.integers(1))
    order = nodes.add("Range", nodes.integers(0), columns, nodes.integers(1))
    behind = nodes.add("Add", order, columns)
    places = nodes.add("Where", are_there, order, behind)  # all differ: those of tokens come first, in their order
    kept = nodes.name()
    nodes.made.append(
        nodes.onnx.helper.make_node(
            "TopK", [places, nodes.integers([length])], [f"{kept}/place", f"{kept}/column"], axis=1, largest=0, sorted=1
        )
    )
    return nodes.add("GatherElements", indices, f"{kept}/column", axis=1)
