"""A preset is trained like any other config: alone and stacked, interrupted and gone on with, into files of Keras's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dltrain.training.fit import fit
from tests.training.stacked.support import assert_like_own_fits
from tests.training.support import config_of, fit_with_interruptions, newest_state

WORDS = [f"model.layers.{index}.units=8" for index in (2, 5, 8)]
PRESET = """
name: preset
seed: 7
data: {source: noise, rows: 90, shape: [6], split: {test: 0.2, validation: 0.25}}
model: {preset: realmlp}
training: {epochs: 2, batch_size: 8}
"""


@pytest.mark.slow
def test_realmlp_is_stacked_as_alone(tmp_path: Path) -> None:
    assert_like_own_fits([config_of(PRESET, *WORDS, f"seed={seed}") for seed in (1, 2)], tmp_path, last=True)


@pytest.mark.slow
def test_realmlp_is_resumed_to_the_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import keras

    fit(config_of(PRESET, *WORDS), run_dir=tmp_path / "whole")
    fit_with_interruptions(config_of(PRESET, *WORDS), tmp_path / "cut", monkeypatch, [4])
    whole, cut = newest_state(tmp_path / "whole"), newest_state(tmp_path / "cut")
    for a, b in zip([*whole.values.model, *whole.values.optimizer], [*cut.values.model, *cut.values.optimizer], strict=True):
        assert np.array_equal(a, b)
    model = keras.models.load_model(tmp_path / "cut" / "checkpoints" / "best.h5")
    assert {type(layer).__module__.partition(".")[0] for layer in model.layers} == {"keras"}


def test_a_preset_for_tables_says_so_of_pictures(tmp_path: Path) -> None:
    from dltrain.checking.check import check_config

    errors = check_config(config_of(PRESET, "data.shape=[4, 4, 1]")).errors
    assert any("PeriodicEmbedding takes one vector of numbers" in fault.message and fault.line == 5 for fault in errors)


def test_learns_what_is_there(tmp_path: Path) -> None:
    config = config_of(
        PRESET.replace("noise, rows: 90, shape: [6]", "breast_cancer"), *WORDS, "training.epochs=8", "training.batch_size=32"
    )
    assert fit(config, run_dir=tmp_path / "run").metrics["test"]["accuracy"] > 0.9
