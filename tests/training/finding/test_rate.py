"""A learning rate from a rising one: what is made of given losses, and the losses of Keras's own steps."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from dltrain.data.load import load_dataset
from dltrain.errors import ConfigError
from dltrain.model.build import build_model
from dltrain.model.encode import encode_part
from dltrain.model.heads.rules import resolve_heads
from dltrain.model.keras_import import import_keras
from dltrain.training.finding.rate import STEPS, find_rate, judge, rates_of_steps, smooth
from dltrain.training.loop import epoch_order
from tests.training.support import NOISE, config_of

RATES = rates_of_steps()


def test_the_steepest_fall_is_suggested_and_the_least_loss_is_told() -> None:
    """A loss that falls as a sigmoid of the logarithm, steepest at 0.01, and rises behind 1."""
    losses = [1 / (1 + math.exp(3 * (math.log10(rate) + 2))) + 3 * max(0.0, math.log10(rate)) for rate in RATES]
    found = judge(RATES, losses)
    assert found.rate is not None
    assert 0.005 < found.rate < 0.05  # smoothing is late by its memory, half a decade
    assert "falls fastest" in found.reason
    assert not found.diverged


def test_smoothing_is_an_average_with_falling_weights() -> None:
    losses = np.random.default_rng(3).normal(size=30)
    weights = 0.9 ** np.arange(30)[::-1]
    assert smooth(list(losses))[-1] == pytest.approx(np.average(losses, weights=weights))
    assert smooth([2.0] * 5) == pytest.approx([2.0] * 5)


def test_a_loss_that_does_not_fall_suggests_nothing() -> None:
    noise = np.random.default_rng(1).normal(1, 0.001, STEPS)
    for losses in (list(noise), [*noise[:40], math.nan], [math.nan]):
        found = judge(RATES[: len(losses)], losses)
        assert found.rate is None
        assert "as good a guess" in found.reason


@pytest.mark.parametrize("seed", range(8))
def test_what_batches_differ_by_is_no_fall(seed: int) -> None:
    """The same sigmoid, steepest at 0.01, behind noise that is steeper than it where nothing is learnt yet."""
    noise = np.random.default_rng(seed).normal(0, 0.25, STEPS)
    losses = [3 / (1 + math.exp(3 * (math.log10(rate) + 2))) + float(more) for rate, more in zip(RATES, noise)]
    found = judge(RATES, losses)
    assert found.rate is not None
    assert 0.002 < found.rate < 0.1


def test_the_losses_are_those_of_keras_s_steps_and_nothing_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = config_of(NOISE, "training.optimizer={SGD: {momentum: 0.5}}", "training.warmup=1 epoch")
    found = find_rate(config)
    assert list(tmp_path.iterdir()) == []
    keras = import_keras()
    dataset = load_dataset(config.data, seed=config.seed)
    heads = resolve_heads(config.model, dataset.schema, None, ())
    part = encode_part(dataset.parts["train"], dataset.schema, heads)
    begun = build_model(config.model, dataset.schema, heads, seed=config.seed)
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(5, "relu"), keras.layers.Dense(1, "sigmoid")])
    model.set_weights(begun.get_weights())
    model.compile(keras.optimizers.SGD(momentum=0.5), loss="binary_crossentropy")
    rows, step, losses = part.num_rows, 0, []
    for epoch in range(3):
        order = epoch_order(rows, seed=config.seed, epoch=epoch, shuffle=True)
        for first in range(0, rows, 8):
            model.optimizer.learning_rate = found.rates[step]
            chosen = order[first : first + 8]
            losses.append(float(model.train_on_batch(part.inputs[0][chosen], part.targets[0][chosen])))
            step += 1
    np.testing.assert_allclose(found.losses[:step], losses, rtol=1e-5, atol=1e-6)
    assert find_rate(config) == found  # the same again, to the bit


def test_a_net_that_is_not_trained_has_no_rate() -> None:
    with pytest.raises(ConfigError, match="nothing to fit"):
        find_rate(config_of(NOISE, "training=none"))
