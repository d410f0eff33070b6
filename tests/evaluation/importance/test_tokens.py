"""What each word is worth, beside the same texts without it, read again."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import polars
import pytest

from dltrain.errors import UsageError
from dltrain.evaluation.importance.permutation import importances
from dltrain.evaluation.importance.tokens import take_out
from dltrain.evaluation.importance.weigh import weigh
from tests.evaluation.importance.test_permutation import scored_of, table

WORDS = ("good", "fine", "dull", "the", "film")


class Weighted:
    """Adds up a number for each token, whatever its place; of padding none."""

    def __init__(self, vocabulary):
        self.weights = np.array([0.0, 0.1, *({"good": 2.0, "fine": 1.0, "dull": -2.0}.get(word, 0.0) for word in vocabulary)])

    def outputs(self, inputs):
        return [self.weights[inputs[0]].sum(axis=1, keepdims=True)]


def test_a_token_is_worth_what_the_texts_without_it_lose(tmp_path):
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(WORDS, rng.integers(1, 7))) + f" n{number}" for number in range(300)]
    answers = [2 * text.count("good") + text.count("fine") - 2 * text.count("dull") + 0.3 * rng.normal() for text in texts]
    dataset = table(tmp_path, "text,y", [f"{text},{y:.6f}" for text, y in zip(texts, answers)], columns="{text: text}")
    tokenizer = dataset.preprocessing.features[0].tokenizer
    model = Weighted(tokenizer.vocabulary)
    found = importances(scored_of(dataset, model), "mse")
    part = dataset.parts["test"]
    true, held = part.targets["y"].ravel(), [texts[row] for row in part.row_ids]

    def mse(rows):
        return np.mean((model.outputs([tokenizer.encode(polars.Series(rows))])[0].ravel() - true) ** 2)

    by_name = {one.name: one for one in found.columns if one.kind == "token"}
    assert set(WORDS) <= set(by_name)
    for word in WORDS:
        without = [" ".join(one for one in text.split() if one != word) for text in held]
        assert by_name[word].value == pytest.approx(mse(without) - mse(held), abs=1e-5)
        assert by_name[word].held_by == sum(word in text.split() for text in held)
    low, high = by_name["good"].interval
    assert 0 < low < by_name["good"].value < high
    assert by_name["the"].value == 0
    assert [one.kind for one in found.columns][:1] == ["column"]


def test_what_follows_a_token_moves_up_and_no_token_is_an_unknown_one():
    codes = np.array([[5, 3, 5, 4], [5, 5, 0, 0], [3, 0, 0, 0]], np.int32)
    assert take_out(codes, 5).tolist() == [[3, 4, 0, 0], [1, 0, 0, 0], [3, 0, 0, 0]]


def test_masks_and_reconstructions_have_no_importance():
    with pytest.raises(UsageError, match="one answer for a row") as caught:
        weigh(SimpleNamespace(scored=None))
    assert "masks.png" in caught.value.faults[0].hint
