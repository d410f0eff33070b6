"""Tokens made by an ONNX graph against those that the run's own tokenizer makes."""

from __future__ import annotations

import itertools

import numpy as np
import polars
import pytest

from dltrain.data.columns.tokens import Tokenizer, tokens_of
from dltrain.model.export.onnx_tokens import ML_DOMAIN, OPSET, SPLIT_DOMAIN, SPLIT_OPSET, add_tokenizer

onnx = pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")

WORDS = ["win", "Win!", "o'clock", "Ärger", "ÄRGER", "x-y", "[UNK]", "a\u00a0b", "10%", "...", "  ", "\n", "😀", "nothing"]
MANNERS = list(
    itertools.product(
        ["lower_and_strip_punctuation", "lower", "strip_punctuation", "none"],
        ["whitespace", "character", "none"],
        [((1,), 40), ((2,), 5), ((1, 3), 1), ((2, 3, 4), 40)],
    )
)


def ask(tokenizer, missing, texts):
    helper, types = onnx.helper, onnx.TensorProto
    nodes = add_tokenizer(onnx, tokenizer, missing, "texts", "codes")
    given = helper.make_tensor_value_info("texts", types.STRING, ["rows"])
    made = helper.make_tensor_value_info("codes", types.INT32, ["rows", tokenizer.length])
    domains = [helper.make_opsetid(*item) for item in (("", OPSET), (ML_DOMAIN, 2), (SPLIT_DOMAIN, SPLIT_OPSET))]
    model = helper.make_model(helper.make_graph(nodes, "tokens", [given], [made]), opset_imports=domains, ir_version=9)
    onnx.checker.check_model(model)
    session = runtime.InferenceSession(model.SerializeToString())
    return [session.run(None, {"texts": np.array(part, object)})[0] for part in texts]


@pytest.mark.parametrize(("standardize", "split", "ngrams"), MANNERS)
def test_the_graph_makes_the_same_indices(standardize, split, ngrams):
    generator = np.random.default_rng(len(standardize) + len(split))
    texts = [" ".join(generator.choice(WORDS, generator.integers(0, 7))).strip() for _ in range(30)] + ["nothing", ""]
    widths, length = ngrams
    seen = tokens_of(polars.Series("text", texts), standardize, split, widths)[0].unique(maintain_order=True).to_list()
    vocabulary = [token for token in seen if token not in ("", "[UNK]")][::2]
    tokenizer = Tokenizer(standardize, split, widths, length, tuple(vocabulary))
    missing = ("nothing",) if length == 40 else ()
    parts = [texts, texts[-1:], texts[-2:-1]]
    for part, found in zip(parts, ask(tokenizer, missing, parts), strict=True):
        known = [None if text in missing else text for text in part]
        np.testing.assert_array_equal(found, tokenizer.encode(polars.Series("text", known, dtype=polars.String)))
