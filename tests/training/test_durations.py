"""Schedules in terms of the training, against Keras's own with the numbers worked out by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from dltrain.storage.run import Run
from dltrain.training.fit import fit
from tests.support import history_rows
from tests.training.stacked.support import assert_like_own_fits
from tests.training.support import NOISE, config_of

STEPS = 7  # 54 rows of training in batches of 8
COSINE = "training.optimizer={SGD: {learning_rate: {CosineDecay: {initial_learning_rate: 0.4, decay_steps: 75 %}}}}"


def test_the_rates_of_a_fit_are_keras_s_and_a_resume_with_more_epochs_says_what_changes(tmp_path: Path) -> None:
    import keras

    words = (COSINE, "training.warmup=1 epoch")
    result = fit(config_of(NOISE, *words), runs=tmp_path)
    own = keras.optimizers.schedules.CosineDecay(0.0, 3 * STEPS, warmup_target=0.4, warmup_steps=STEPS)
    rates = [float(row["learning_rate"]) for row in history_rows(Run(result.run).history_file)]
    assert rates == pytest.approx([float(own(epoch * STEPS)) for epoch in range(1, 5)], rel=1e-5, abs=1e-7)
    loaded = keras.models.load_model(result.run / "checkpoints" / "last.h5")
    assert loaded.optimizer._learning_rate.decay_steps == 3 * STEPS
    assert "75 %" in (result.run / "config.yaml").read_text()
    longer = fit(config_of(NOISE, *words, "training.epochs=8"), resume=result.run)
    assert any("schedules go on at their share of the training" in fault.message for fault in longer.warnings)
    later = [float(row["learning_rate"]) for row in history_rows(Run(result.run).history_file)][4:]
    whole = keras.optimizers.schedules.CosineDecay(0.0, 6 * STEPS, warmup_target=0.4, warmup_steps=STEPS)
    assert later == pytest.approx([float(whole(epoch * STEPS)) for epoch in range(5, 9)], rel=1e-5, abs=1e-7)


@pytest.mark.slow
def test_in_a_stack_as_alone(tmp_path: Path) -> None:
    assert_like_own_fits([config_of(NOISE, COSINE, f"seed={seed}") for seed in (1, 2)], tmp_path)
