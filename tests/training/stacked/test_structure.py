"""Which fits are stacked together, and why others are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from dltrain.training.stacked.structure import first_difference, structure_of, why_not_network, why_not_stacked
from tests.training.support import NOISE, config_of

DROPOUT = "model.layers=[Dense: {units: 5}, Dropout: {rate: %s}]"


@pytest.mark.parametrize(
    ("words", "others"),
    [
        ([], ["training.optimizer.learning_rate=0.1"]),
        ([], ["seed=3"]),
        (["training.clip_norm=1"], ["training.clip_norm=2"]),
        ([], ["training.epochs=9", "training.early_stopping={patience: 3}", "training.checkpoint.monitor=val_accuracy"]),
        (["training.optimizer={SGD: {momentum: 0.9}}"], ["training.optimizer={SGD: {momentum: 0.5, learning_rate: 0.1}}"]),
        (["training.optimizer={AdamW: {weight_decay: 0.1}}"], ["training.optimizer={AdamW: {weight_decay: 0.2, beta_1: 0.5}}"]),
        ([DROPOUT % 0.1], [DROPOUT % 0.5]),
        (
            ["model.layers=[Dense: {units: 5, kernel_regularizer: {L2: {l2: 0.1}}}]"],
            ["model.layers=[Dense: {units: 5, kernel_regularizer: {L2: {l2: 0.2}}}]"],
        ),
        (
            ["training.loss={BinaryCrossentropy: {label_smoothing: 0.1}}"],
            ["training.loss={BinaryCrossentropy: {label_smoothing: 0.2}}"],
        ),
        (["data.split={folds: 3, fold: 1}"], ["data.split={folds: 3, fold: 2}"]),
    ],
    ids=lambda words: " ".join(words) or "-",
)
def test_what_differs_in_numbers_is_one_structure(words: list[str], others: list[str]) -> None:
    one, other = config_of(NOISE, *words), config_of(NOISE, *others)
    assert why_not_stacked(one) is None
    assert why_not_stacked(other) is None
    assert structure_of(one) == structure_of(other)
    assert first_difference([one, other]) == ""


@pytest.mark.parametrize(
    ("words", "others", "where"),
    [
        ([], ["training.batch_size=16"], "training.batch_size"),
        ([], ["model.layers.0.units=6"], "model.layers.0.0.Dense.units"),
        ([], ["data.rows=100"], "data.rows"),
        ([], ["training.optimizer=SGD"], "training.optimizer"),
        ([DROPOUT % 0.1], [DROPOUT % 0.0], "Dropout.rate"),
        (["training.optimizer={SGD: {momentum: 0.9}}"], ["training.optimizer={SGD: {momentum: 0.0}}"], "SGD.momentum"),
        ([], ["training.optimizer={Adam: {learning_rate: {CosineDecay: {initial_learning_rate: 1.0, decay_steps: 9}}}}"], "learning_rate"),
        ([], ["training.metrics=[AUC]"], "training.metrics"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value) or "-",
)  # fmt: skip
def test_what_differs_in_more_is_another(words: list[str], others: list[str], where: str) -> None:
    one, other = config_of(NOISE, *words), config_of(NOISE, *others)
    assert structure_of(one) != structure_of(other)
    assert where in first_difference([one, other])


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["model.layers=[Reshape: {target_shape: [6, 1]}, LSTM: {units: 3}]"], "LSTM gains nothing"),
        (["training.optimizer=Muon"], "optimizer Muon"),
        (["training.optimizer={Adam: {use_ema: true}}"], "use_ema"),
        (["training.gradient_accumulation=2"], "Adam with gradient_accumulation_steps"),
        (["training.loss=Dice"], "loss Dice"),
        (["training.tensorboard=true"], "TensorBoard"),
        (["model.layers=[Dense: {units: 3, activity_regularizer: {L2: {l2: 0.1}}}]"], "activity_regularizer"),
        (["model.layers=[Dense: {units: 3, kernel_regularizer: OrthogonalRegularizer}]"], "OrthogonalRegularizer"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_what_is_not_stacked_is_said(words: list[str], reason: str) -> None:
    assert reason in str(why_not_stacked(config_of(NOISE, *words)))


def test_a_large_network_is_not_stacked() -> None:
    assert why_not_network(config_of(NOISE)) is None
    large = config_of(NOISE, "model.layers=[Dense: {units: 3000}, Dense: {units: 3000}]")
    assert "keep the processor busy" in str(why_not_network(large))


def test_embeddings_are_not_stacked_where_keras_treats_their_gradients_otherwise(tmp_path: Path) -> None:
    (tmp_path / "words.csv").write_text("a,y\n" + "".join(f"w{index % 7},{index % 2}\n" for index in range(60)))
    text = "data: {source: csv, path: words.csv, target: y, encode: embedding, split: {validation: 0.2}}"
    assert why_not_network(config_of(text, folder=tmp_path)) is None
    for optimizer, word in (("{Adam: {clipnorm: 1.0}}", "clipnorm"), ("Adamax", "Adamax")):
        config = config_of(text, f"training.optimizer={optimizer}", folder=tmp_path)
        assert word in str(why_not_network(config))
