"""Numbers that follow curves over the training: against the papers' formulas and against Keras stepped by hand."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dltrain.checking.check import check_config
from dltrain.config import load_config_text
from dltrain.config.curves import CURVES, curve_at
from dltrain.config.types import Component
from dltrain.errors import ConfigError
from dltrain.storage.run import Run
from dltrain.training.fit import fit
from dltrain.training.stacked.structure import structure_of
from tests.support import history_rows
from tests.training.stacked.support import assert_like_own_fits
from tests.training.support import NOISE_DATA, config_of, fit_with_interruptions, newest_state

CURVED = (
    NOISE_DATA
    + """
name: curved
model:
  layers:
    - Dense: {units: 5, activation: relu, name: hidden}
    - Dropout: {rate: {flat_cos: {peak: 0.4}}, name: drop}
training:
  optimizer: {AdamW: {learning_rate: {coslog4: {peak: 0.04}}, weight_decay: {FlatCos: {peak: 0.5}}}}
  epochs: 4
  batch_size: 8
"""
)
STEPS = 7  # 54 rows of training in batches of 8


def coslog4(share: float) -> float:
    return 0.5 * (1 - math.cos(2 * math.pi * math.log2(1 + 15 * share)))


def flat_cos(share: float) -> float:
    return 1.0 if share < 0.5 else 0.5 * (1 + math.cos(math.pi * (2 * share - 1)))


FORMULAS = {"CosLog4": coslog4, "FlatCos": flat_cos}


@pytest.mark.parametrize("name", sorted(CURVES))
def test_the_curves_are_those_of_the_paper(name: str) -> None:
    from dltrain.training.curves import TensorMath

    curve, shares = Component("curve", name, {"peak": 3.0}), np.linspace(0, 1, 101)
    expected = [3.0 * FORMULAS[name](share) for share in shares.tolist()]
    assert [curve_at(curve, share) for share in shares.tolist()] == pytest.approx(expected, abs=1e-12)
    assert np.asarray(curve_at(curve, shares.astype("float32"), TensorMath)) == pytest.approx(np.array(expected), abs=1e-4)


@pytest.fixture(scope="module")
def curved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose numbers follow curves."""
    return fit(config_of(CURVED), run_dir=tmp_path_factory.mktemp("curved") / "run").run


def test_each_step_is_keras_s_with_the_numbers_of_its_share(curved: Path) -> None:
    """The same steps by Keras's own train_step, the numbers set by hand before each."""
    from dltrain.data.load import load_dataset
    from dltrain.model.build import build_model
    from dltrain.model.compile import compile_model
    from dltrain.model.encode import encode_part
    from dltrain.model.heads.rules import resolve_heads
    from dltrain.training.loop import epoch_order

    config, run = config_of(CURVED), curved
    dataset = load_dataset(config.data, seed=config.seed)
    training = config.training
    assert training is not None
    heads = resolve_heads(config.model, dataset.schema, training.loss, training.metrics)
    model: Any = build_model(config.model, dataset.schema, heads, seed=config.seed)
    compile_model(model, heads, training)
    assert (model.get_layer("drop").rate, float(model.optimizer.weight_decay)) == (0.4, 0.5)
    part = encode_part(dataset.parts["train"], dataset.schema, heads)
    rows = len(part.targets[0])
    total = STEPS * training.epochs
    assert -(-rows // 8) == STEPS
    for step in range(total):
        order = epoch_order(rows, seed=config.seed, epoch=step // STEPS, shuffle=True)
        index = order[step % STEPS * 8 : (step % STEPS + 1) * 8]
        model.optimizer.learning_rate = 0.04 * coslog4(step / total)
        model.optimizer.weight_decay = 0.5 * flat_cos(step / total)
        model.get_layer("drop").rate = 0.4 * flat_cos(step / total)
        model.train_step((part.inputs[0][index], part.targets[0][index], None))
    state = newest_state(run)
    for ours, variable in zip(state.values.model, model.variables, strict=True):
        assert np.allclose(ours, np.asarray(variable), atol=2e-5), variable.path
    rates = [row["learning_rate"] for row in history_rows(Run(run).history_file)]
    last = [0.04 * coslog4((STEPS * (epoch + 1) - 1) / total) for epoch in range(4)]
    assert rates == pytest.approx(last, rel=1e-3, abs=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("jit_compile", [False, True])
def test_resume_to_the_bit_with_curves(jit_compile: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = config_of(CURVED, f"training.jit_compile={str(jit_compile).lower()}")
    fit(config, run_dir=tmp_path / "whole")
    fit_with_interruptions(config, tmp_path / "cut", monkeypatch, [3, 11])
    whole, cut = newest_state(tmp_path / "whole"), newest_state(tmp_path / "cut")
    for a, b in zip([*whole.values.model, *whole.values.optimizer], [*cut.values.model, *cut.values.optimizer], strict=True):
        assert np.array_equal(a, b)


def test_a_longer_training_stretches_the_curves_and_says_so(tmp_path: Path) -> None:
    fit(config_of(CURVED, "training.epochs=2"), run_dir=tmp_path / "run")
    longer = fit(config_of(CURVED), run_dir=tmp_path / "run", resume="auto")
    assert any("curves go on at their share of the training" in fault.message for fault in longer.warnings)
    rates = [row["learning_rate"] for row in history_rows(Run(longer.run).history_file)]
    assert rates[-1] == pytest.approx(0.04 * coslog4((4 * STEPS - 1) / (4 * STEPS)), rel=1e-3)


def test_the_file_opens_in_plain_keras_with_plain_numbers(curved: Path) -> None:
    import keras

    model = keras.models.load_model(curved / "checkpoints" / "last.h5")
    assert type(model.get_layer("drop")) is keras.layers.Dropout
    assert model.get_layer("drop").rate == 0.4
    assert float(model.optimizer.weight_decay) == 0.5
    assert float(model.optimizer.learning_rate) == pytest.approx(0.04 * coslog4((4 * STEPS - 1) / (4 * STEPS)), rel=1e-3)


@pytest.mark.slow
def test_the_phases_each_have_a_curve_of_their_own(tmp_path: Path) -> None:
    phases = "[{epochs: 2}, {epochs: 3, optimizer: {SGD: {learning_rate: {FlatCos: {peak: 0.1}}}}}]"
    run = fit(config_of(CURVED, f"training.phases={phases}"), run_dir=tmp_path / "run").run
    rates = [row["learning_rate"] for row in history_rows(Run(run).history_file)]
    first = [0.04 * coslog4((STEPS * (epoch + 1) - 1) / (2 * STEPS)) for epoch in range(2)]
    second = [0.1 * flat_cos((STEPS * (epoch + 1) - 1) / (3 * STEPS)) for epoch in range(3)]
    assert rates == pytest.approx([*first, *second], rel=1e-3, abs=1e-6)


@pytest.mark.slow
def test_curves_are_stacked_as_alone(tmp_path: Path) -> None:
    """Also where a trial is shorter than the others, so that its share of the training is another."""
    peaks = [config_of(CURVED, f"training.optimizer.learning_rate.peak={peak}") for peak in (0.01, 0.04)]
    configs = [*peaks, config_of(CURVED, "training.epochs=3")]
    assert len({structure_of(config) for config in configs}) == 1
    assert_like_own_fits(configs, tmp_path)


def test_other_peaks_of_dropout_and_decay_are_stacks_of_their_own() -> None:
    words = ["seed=1", "model.layers.drop.rate.peak=0.2", "training.optimizer.weight_decay.peak=0.2"]
    configs = [config_of(CURVED, word) for word in words]
    configs.append(config_of(CURVED.replace("{FlatCos: {peak: 0.5}}", "0.1")))
    assert len({structure_of(config) for config in configs}) == 4


def test_the_resolved_config_says_the_curves_again() -> None:
    plain = config_of(CURVED).resolved
    assert plain["training"]["optimizer"] == {
        "AdamW": {"learning_rate": {"CosLog4": {"peak": 0.04}}, "weight_decay": {"FlatCos": {"peak": 0.5}}}
    }
    assert plain["model"]["layers"][1] == {"Dropout": {"name": "drop", "rate": {"FlatCos": {"peak": 0.4}}}}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("peak: 0.4", "peak: 1.5", "expected a peak above 0 and below 1"),
        ("peak: 0.4", "peak: 0", "expected a peak above 0 and below 1"),
        ("{peak: 0.4}", "{}", "FlatCos needs the argument peak"),
        ("coslog4: {peak: 0.04}", "coslog4: {peak: -1}", "a number of at least 0"),
        ("{flat_cos: {peak: 0.4}}", "{CosineDecay: {initial_learning_rate: 0.4, decay_steps: 3}}", "is a schedule, not a curve"),
        ("coslog4:", "coslog5:", 'did you mean "CosLog4"?'),
        ("{coslog4: {peak: 0.04}}", "quickly", "expected a number or a schedule or a curve"),
        ("epochs: 4", "epochs: 4\n  reduce_lr_on_plateau: true", "the learning rate follows a curve"),
    ],
)
def test_what_is_wrong_with_a_curve_is_said_before_training(old: str, new: str, message: str) -> None:
    try:
        faults = check_config(load_config_text(CURVED.replace(old, new, 1), folder=Path("."))).errors
    except ConfigError as error:
        faults = error.faults
    assert any(message in f"{fault.message} {fault.hint}" for fault in faults), faults


def test_a_number_in_the_place_of_a_curve_says_how_its_peak_is_set() -> None:
    with pytest.raises(ConfigError) as caught:
        config_of(CURVED, "training.optimizer.learning_rate=0.1")
    [fault] = caught.value.faults
    assert "follows a curve, coslog4, and is not a number" in fault.message
    assert "training.optimizer.learning_rate.peak=0.1" in str(fault.hint)
