"""What each row brings to a metric."""

import numpy as np
import pytest

from dltrain.evaluation.metrics.standard_errors import row_values, standard_errors
from dltrain.model.heads.rules import resolve_heads
from tests.model.support import model_of, part_of, schema_of


def test_the_loss_of_rows_is_told_by_probabilities_until_one_is_nothing():
    schema = schema_of((3,), classes=3)
    (head,) = resolve_heads(model_of(), schema, None)
    part = part_of(schema, 40)
    codes = part.targets["target"]
    given = np.random.default_rng(0).uniform(1e-12, 1, 40)
    given[0] = 1e-12  # beyond what a loss of probabilities is bounded by
    probabilities = np.repeat((1 - given)[:, None] / 2, 3, axis=1)
    probabilities[np.arange(40), codes] = given
    values = row_values(head, probabilities, part)
    np.testing.assert_allclose(values["loss"], -np.log(given))
    assert standard_errors(values)["loss"] == pytest.approx(np.std(-np.log(given), ddof=1) / np.sqrt(40))
    probabilities[0] = [0, 0.5, 0.5] if codes[0] == 0 else [1, 0, 0]
    values = row_values(head, probabilities, part)
    assert "loss" not in values
    assert np.isfinite(values["log_loss"]).all()
