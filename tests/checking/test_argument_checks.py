"""Arguments against one another and against the length of the training: what is refused, what is a warning, what is neither."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

from dltrain.checking.check import check_config, check_file
from dltrain.errors import ConfigError, Fault
from dltrain.training.fit import fit
from tests.training.support import config_of

TEXT = """
data: {source: noise, rows: 100, shape: [6], split: {validation: 0.2}}
model: {layers: [{Dense: {units: 4, activation: relu}}]}
training: {epochs: 10, batch_size: 8}
"""  # 80 rows to train on: 10 steps an epoch, 100 in all


def faults_of(*words: str, text: str = TEXT) -> tuple[list[Fault], list[Fault]]:
    """Errors and warnings."""
    try:
        result = check_config(config_of(text, *words))
    except ConfigError as error:
        return list(error.faults), []
    return list(result.errors), list(result.warnings)


def optimizer(name: str = "SGD", **arguments: Any) -> str:
    return f"training.optimizer={json.dumps({name: arguments})}"


def schedule(name: str, **arguments: Any) -> str:
    return optimizer(learning_rate={name: arguments})


REFUSED = [
    (schedule("PiecewiseConstantDecay", boundaries=[20, 5], values=[1.0, 0.1, 0.01]), "boundaries that rise", "[5, 20]"),
    (schedule("PiecewiseConstantDecay", boundaries=[5, 5], values=[1.0, 0.1, 0.01]), "boundaries that rise", "[5]"),
    (schedule("PiecewiseConstantDecay", boundaries=[5, 20], values=[1.0, 0.1]), "expected 3 values", "one value before each"),
    (schedule("PiecewiseConstantDecay", boundaries=[5], values=[1.0]), "2 values for 1 boundary", ""),
    (schedule("PiecewiseConstantDecay", boundaries=[], values=[1.0]), "no boundary", ""),
    (schedule("PiecewiseConstantDecay", boundaries=[-5], values=[1.0, 0.1]), "", ""),
    (schedule("PiecewiseConstantDecay", boundaries=[5], values=[1.0, -0.1]), "", ""),
    (schedule("ExponentialDecay", initial_learning_rate=0.1, decay_steps=0, decay_rate=0.9), "", ""),
    (schedule("ExponentialDecay", initial_learning_rate=0.1, decay_steps=5, decay_rate=-0.9), "", ""),
    (schedule("InverseTimeDecay", initial_learning_rate=0.1, decay_steps=5, decay_rate=-1), "", ""),
    (schedule("PolynomialDecay", initial_learning_rate=0.1, decay_steps=50, power=-1), "", ""),
    (schedule("CosineDecay", initial_learning_rate=0.1, decay_steps=50, alpha=-1), "", ""),
    (schedule("CosineDecayRestarts", initial_learning_rate=0.1, first_decay_steps=5, t_mul=0.5), "", ""),
    (optimizer("Adam", clipnorm=1.0, clipvalue=0.5), "only one of clipnorm", "leave out"),
    (optimizer("Adam", beta_1=1.0), "", ""),
    (optimizer("Adam", beta_2=1.5), "", ""),
    (optimizer("RMSprop", rho=1.5), "", ""),
    (optimizer("Lion", beta_1=0.0), "above 0", ""),
    (optimizer("Ftrl", learning_rate_power=0.5), "at most 0", ""),
    ("training.metrics=[{AUC: {num_thresholds: 1}}]", "at least 2", ""),
    ("training.loss={SparseCategoricalCrossentropy: {label_smoothing: 1.0}}", "", ""),
    ("training.loss={CategoricalCrossentropy: {label_smoothing: 1.0}}", "from 0 to below 1", ""),
    (optimizer("Ftrl", l1_regularization_strength=-1), "", ""),
    (optimizer(gradient_accumulation_steps=101), "no weight is ever changed", ""),
    (optimizer(use_ema=True, ema_momentum=1.0), "the first step", ""),
    ("training.average=true", "keeps no average", "use_ema: true"),
    ("training.tensorboard={update_freq: batch}", "single steps", "leave it out"),
    ("training.tensorboard={update_freq: 10}", "single steps", ""),
    ("training.tensorboard={profile_batch: 2}", "single steps", ""),
    ("training.tensorboard={profile_batch: [2, 5]}", "single steps", ""),
    ("training.tensorboard={histogram_freq: -1}", "", ""),
    ("training.tensorboard={embeddings_freq: 1, embeddings_metadata: {nobody: m.tsv}}", "no Embedding layer", "name"),
    ("model.layers.0.kernel_constraint={MinMaxNorm: {min_value: 2.0}}", "min_value (2) is above max_value (1)", ""),
    ("model.layers.0.kernel_initializer={RandomUniform: {minval: 1.0, maxval: 0.5}}", "minval (1) is above", ""),
]
WARNED = [
    (schedule("PiecewiseConstantDecay", boundaries=[100], values=[0.1, 0.01]), "the rate never changes", ""),
    (schedule("PiecewiseConstantDecay", boundaries=[3, 6], values=[0.1, 0.05, 0.01]), "within the first of 10 epochs", "steps"),
    (schedule("CosineDecay", initial_learning_rate=0.1, decay_steps=9), "within the first of 10 epochs", "100"),
    (schedule("CosineDecay", initial_learning_rate=0.1, decay_steps="5 %"), "within the first of 10 epochs", "100 % is"),
    (
        schedule("CosineDecay", initial_learning_rate=0.0, decay_steps=50, warmup_target=0.1, warmup_steps=100),
        "the warm-up takes 100 steps, but the training has 100",
        "",
    ),
    (schedule("CosineDecay", initial_learning_rate=0.1, decay_steps=50, warmup_steps=5), "no effect without warmup_target", ""),
    (schedule("CosineDecay", initial_learning_rate=0.1, decay_steps=50, warmup_target=0.2), "begins at warmup_target", ""),
    (schedule("CosineDecay", initial_learning_rate=0.1, decay_steps=50, warmup_target=0.01, warmup_steps=5), "goes down", ""),
    (schedule("CosineDecay", initial_learning_rate=0.1, decay_steps=50, alpha=2.0), "rises", ""),
    (schedule("ExponentialDecay", initial_learning_rate=0.1, decay_steps=50, decay_rate=1.5), "rises", ""),
    (schedule("ExponentialDecay", initial_learning_rate=0.0, decay_steps=50, decay_rate=0.5), "stays at 0", ""),
    (schedule("PolynomialDecay", initial_learning_rate=0.1, decay_steps=50, end_learning_rate=0.5), "rises", ""),
    (
        schedule("CosineDecay", initial_learning_rate=0.1, decay_steps="30 %"),
        "from step 30 of 100 on the learning rate is",
        "100 % is",
    ),
    (
        schedule("CosineDecay", initial_learning_rate=0.1, decay_steps=40),
        "from step 40 of 100 on the learning rate is 0",
        "has 100",
    ),
    (
        schedule("PolynomialDecay", initial_learning_rate=0.1, decay_steps=20, end_learning_rate=0.0),
        "nothing is learnt any more",
        "",
    ),
    (schedule("ExponentialDecay", initial_learning_rate=0.1, decay_steps=1, decay_rate=0.1), "from step 7 of 100 on", "steps"),
    (schedule("CosineDecay", initial_learning_rate=0.1, decay_steps=10_000), "hardly changes in 100 steps", "steps, not epochs"),
    (
        schedule("ExponentialDecay", initial_learning_rate=0.1, decay_steps=1000, decay_rate=0.5, staircase=True),
        "hardly changes",
        "",
    ),
    (schedule("InverseTimeDecay", initial_learning_rate=0.1, decay_steps=10_000, decay_rate=0.5), "hardly changes", ""),
    (optimizer(nesterov=True), "no effect without momentum", "momentum: 0.9"),
    (optimizer(ema_momentum=0.5), "no effect without use_ema", ""),
    (optimizer(use_ema=True), "without them", "training.average: true"),
    (optimizer("ScheduleFreeAdamW", warmup_steps=100), "the warm-up takes 100", ""),
    ("training.tensorboard={embeddings_freq: 1}", "no layer is an Embedding", ""),
    ("training.early_stopping={start_from_epoch: 10}", "cannot act within 10", ""),
    ("training.early_stopping={start_from_epoch: 6, patience: 4}", "cannot act within 10", ""),
    ("training.early_stopping={patience: 10}", "cannot act within 10", ""),
    ("training.early_stopping={monitor: val_accuracy, min_delta: 1}", "lies between 0 and 1", "percentage"),
    ("training.early_stopping={monitor: val_accuracy, baseline: 90}", "never above 90", "90 %"),
    ("training.early_stopping={min_delta: -0.1}", "the sign of min_delta", "0.1"),
    ("training.reduce_lr_on_plateau={patience: 10}", "cannot be lowered", ""),
    ("training.reduce_lr_on_plateau={patience: 1, min_lr: 0.01}", "never lowered", "below"),  # Adam begins at 0.001
    ("training.reduce_lr_on_plateau={patience: 1, cooldown: 10}", "once at the most", ""),
    ("training.reduce_lr_on_plateau={patience: 1, monitor: val_accuracy, min_delta: 1}", "lies between 0 and 1", ""),
    ("training.tensorboard={write_images: true}", "no effect without histogram_freq", ""),
    ("model.layers=[{BatchNormalization: {momentum: 1.0}}]", "stay at 0 and 1", "0.99"),
    ("model.layers=[{Dense: {units: 3}}, {Dropout: {rate: 1.0}}, {Dense: {units: 3}}]", "leaves nothing in training", "0.5"),
    ("training.early_stopping={monitor: val_accuracy, mode: min}", "the worst epoch counts as the best", "write max"),
    ("training.checkpoint={monitor: val_loss, mode: max}", "more of val_loss is worse", "write min"),
    ("training.reduce_lr_on_plateau={patience: 1, monitor: val_loss, mode: max}", "more of val_loss is worse", "min"),
]
RIGHT = [
    schedule("PiecewiseConstantDecay", boundaries=[20, 50], values=[0.1, 0.05, 0.01]),
    schedule("CosineDecay", initial_learning_rate=0.0, decay_steps=90, warmup_target=0.1, warmup_steps=10),
    schedule("CosineDecay", initial_learning_rate=0.1, decay_steps="100 %"),
    schedule("CosineDecay", initial_learning_rate=0.1, decay_steps="10 %", alpha=0.1),
    schedule("CosineDecay", initial_learning_rate=0.1, decay_steps=500),
    schedule("ExponentialDecay", initial_learning_rate=0.1, decay_steps=50, decay_rate=0.5, staircase=True),
    schedule("ExponentialDecay", initial_learning_rate=0.1, decay_steps=10, decay_rate=0.5),
    schedule("PolynomialDecay", initial_learning_rate=0.1, decay_steps=9, cycle=True),
    optimizer(momentum=0.9, nesterov=True, clipnorm=1.0),
    "training.early_stopping={patience: 4, start_from_epoch: 3, min_delta: 0.01, monitor: val_accuracy}",
    "training.early_stopping={patience: 4, min_delta: 1}",
    "training.early_stopping={patience: 4, monitor: val_accuracy, mode: max}",
    "training.reduce_lr_on_plateau={patience: 2, min_lr: 0.0001, cooldown: 2}",
    "training.tensorboard={histogram_freq: 1, write_images: true, write_steps_per_second: true}",
    "training.tensorboard={update_freq: epoch, profile_batch: 0}",
]


@pytest.mark.parametrize(("word", "message", "hint"), REFUSED, ids=[case[0][18:80] for case in REFUSED])
def test_d3_what_contradicts_itself_is_refused(word: str, message: str, hint: str) -> None:
    errors, _ = faults_of(word)
    assert errors
    assert message in errors[0].message
    assert hint in (errors[0].hint or "")
    assert (errors[0].path or "").startswith(word.partition("=")[0])


@pytest.mark.parametrize(("word", "message", "hint"), WARNED, ids=[case[0][18:80] for case in WARNED])
def test_d3_what_has_no_effect_is_a_warning(word: str, message: str, hint: str) -> None:
    errors, warnings = faults_of(word)
    assert not errors
    assert [fault for fault in warnings if message in fault.message and hint in (fault.hint or "")], warnings


@pytest.mark.parametrize("word", RIGHT, ids=[word[18:80] for word in RIGHT])
def test_d3_what_is_right_is_left_in_peace(word: str) -> None:
    assert faults_of(word) == ([], [])


def test_d3_a_warm_up_goes_before_the_steps_of_a_schedule() -> None:
    word = schedule("CosineDecay", initial_learning_rate=0.1, decay_steps=6)
    assert "after 9 steps" in faults_of(word, "training.warmup=3")[1][0].message
    [warning] = faults_of(word, "training.warmup=1 epoch")[1]
    assert "from step 16 of 100 on the learning rate is 0" in warning.message
    rest = schedule("CosineDecay", initial_learning_rate=0.1, decay_steps=6, alpha=0.1)
    assert faults_of(rest, "training.warmup=1 epoch") == ([], [])


def test_d3_the_plateau_that_early_stopping_never_lets_come() -> None:
    both = ["training.early_stopping={patience: 3}", "training.reduce_lr_on_plateau={patience: 5}"]
    assert "before the rate is lowered" in faults_of(*both)[1][0].message
    assert faults_of(both[0], "training.reduce_lr_on_plateau={patience: 2}") == ([], [])
    assert faults_of(both[0], "training.reduce_lr_on_plateau={patience: 5, monitor: loss}") == ([], [])


def test_d3_a_phase_is_held_against_its_own_length() -> None:
    phases = "training.phases=[{epochs: 3, early_stopping: {start_from_epoch: 3}}, {epochs: 5}]"
    [warning] = faults_of(phases)[1]
    assert "cannot act within 3 epochs" in warning.message
    assert warning.path == "training.phases.0.early_stopping.start_from_epoch"


def test_d5_the_missing_package_is_told_before_anything_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if name == "tensorboard" else real(name, *more))
    errors, _ = faults_of("training.tensorboard=true")
    assert [(fault.message.partition(", in ")[0], fault.path) for fault in errors] == [
        ("the package tensorboard is not installed", "training.tensorboard")
    ]
    monkeypatch.setattr("dltrain.training.fit.open_run", lambda *_, **__: pytest.fail("a run was begun"))
    with pytest.raises(ConfigError, match="tensorboard is not installed"):
        fit(config_of(TEXT, "training.tensorboard=true"), run_dir=tmp_path / "run")


def test_f3_a_second_output_is_said_and_logits_are_taken() -> None:
    text = """
data: {source: iris, split: {test: 0.2}}
model: {layers: [{Dense: {units: 8, activation: relu}}, {Dense: {units: 3}}]}
training: {epochs: 1}
"""
    [warning] = faults_of(text=text)[1]
    assert "another layer is added behind it" in warning.message
    assert "model.logits: true" in (warning.hint or "")
    assert warning.path == "model.layers.1"
    for word in (
        "model.logits=true",
        "training.loss={SparseCategoricalCrossentropy: {from_logits: true}}",
        "model.layers.1.activation=softmax",
        "model.output={Dense: {units: 3, activation: softmax}}",
        "model.layers.1.activation=relu",
        "model.layers.1.units=4",
    ):
        assert faults_of(word, text=text) == ([], []), word


@pytest.mark.parametrize(
    "where", ["model.layers=[{Dense: {units: 3, activation: softmax}}]", "model.output={Dense: {units: 3, activation: softmax}}"]
)
def test_f3_softmax_before_a_loss_of_logits_is_refused_for_what_it_is(where: str) -> None:
    text = "data: {source: iris, split: {test: 0.2}}\nmodel: {layers: [{Dense: {units: 8}}]}\ntraining: {epochs: 1}"
    [error] = faults_of(where, "training.loss={SparseCategoricalCrossentropy: {from_logits: true}}", text=text)[0]
    assert "the loss takes logits" in error.message
    assert "softmax" in error.message
    assert "leave out one" in (error.hint or "")


@pytest.mark.parametrize(
    "schedule",
    [
        "CosineDecay: {initial_learning_rate: 0.1, decay_steps: 0}",
        "CosineDecay: {initial_learning_rate: 0.1}",
        "ExponentialDecay: {initial_learning_rate: 0.1, decay_steps: -5, decay_rate: 0.9}",
        "InverseTimeDecay: {initial_learning_rate: fast, decay_steps: 5, decay_rate: 0.9}",
        "PolynomialDecay: {initial_learning_rate: 0.1, decay_steps: x}",
        "PiecewiseConstantDecay: {boundaries: 5, values: [0.1, 0.01]}",
        "CosineDecayRestarts: {initial_learning_rate: 0.1, first_decay_steps: 0.5}",
    ],
)
def test_d3_a_schedule_that_is_refused_hides_no_fault_of_data_and_layers(schedule: str, tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text(
        "data: {source: iris, split: {test: 0.2}, drop: [nothing]}\n"
        "model: {layers: [{Dense: {units: 8}}]}\n"
        f"training: {{epochs: 4, optimizer: {{SGD: {{learning_rate: {{{schedule}}}}}}}}}\n"
    )
    result = check_file(file)[1]
    assert result.exit_code == 2
    paths = [error.path or "" for error in result.errors]
    assert "data.drop" in paths
    assert any(path.startswith("training.optimizer.learning_rate") for path in paths)


def test_d3_faults_of_layers_are_told_beside_those_of_the_training(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text(
        "data: {source: iris, split: {test: 0.2}}\n"
        "model: {layers: [{Conv2D: {filters: 2, kernel_size: 3}}]}\n"
        "training: {epochs: 0, optimizer: {SGD: {learning_rate: {CosineDecay: {initial_learning_rate: 0.1, decay_steps: 0}}}}}\n"
    )
    paths = [error.path for error in check_file(file)[1].errors]
    assert paths == ["model.layers.0", "training.epochs", "training.optimizer.learning_rate.decay_steps"]
