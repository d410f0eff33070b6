"""The trainer beside `keras.Model.fit` with Keras's own callbacks: same rows, order and first weights, same weights and end.

Weights are compared to 2e-6. Both compute the same operations, but TensorFlow cuts and fuses the two programs in other ways,
and validation is computed in other batches: the last bits of float32 (6e-8 at 1) differ, and grow over some thirty steps.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from dltrain.config.catalog.catalog import load_catalog
from dltrain.config.types import Config
from dltrain.data.load import load_dataset
from dltrain.model.build import build_model
from dltrain.model.compile import compile_model
from dltrain.model.encode import EncodedPart, encode_part, resolve_class_weights
from dltrain.model.heads.rules import resolve_heads
from dltrain.model.keras_import import import_keras
from dltrain.processes.signals import StopSignals
from dltrain.storage.new_run import create_run
from dltrain.training.loop import epoch_order
from dltrain.training.phases import Phases
from dltrain.training.saving.record import RunRecord
from dltrain.training.session import Session
from tests.support import history_rows
from tests.training.support import config_of

TOLERANCE = 2e-6
BATCH, SEED = 8, 7
TEXT = """
name: beside
seed: 7
data: {source: noise, rows: 90, shape: [6], split: {validation: 0.25}}
model:
  layers:
    - Dense: {units: 5, activation: tanh, kernel_regularizer: {L2: {l2: 0.01}}, bias_constraint: {MaxNorm: {max_value: 0.05}}}
training: {epochs: 4, batch_size: 8}
"""


@dataclass
class Case:
    """What is asked of both.

    Attributes:
        optimizer: its name.
        arguments: of the optimizer; a schedule is a mapping of its name to its arguments.
        training: further keys of `training`, as the config has them.
        model: overrides of the model.
    """

    optimizer: str = "SGD"
    arguments: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        words = [self.optimizer, *(f"{key}={_short(value)}" for key, value in (*self.arguments.items(), *self.training.items()))]
        return ",".join(words)


def _short(value: Any) -> str:
    return json.dumps(value).replace('"', "").replace(" ", "")


@dataclass
class Ending:
    """How a training ended."""

    weights: list[NDArray[Any]]
    history: list[dict[str, float]]
    files: list[str]


def config_for(case: Case, text: str = TEXT) -> Config:
    words = [f"training.optimizer={json.dumps({case.optimizer: case.arguments})}"]
    if case.optimizer == "Lamb":  # which Keras does not find again in an .h5 file
        words.append("training.checkpoint.format=keras")
    return config_of(text, *words, *(f"training.{key}={json.dumps(value)}" for key, value in case.training.items()))


def train(config: Config, folder: Path) -> tuple[Ending, list[NDArray[Any]], EncodedPart, EncodedPart]:
    """Ours: how it ended, the weights with which it began, and the parts."""
    training = config.training
    assert training is not None
    dataset = load_dataset(config.data, seed=config.seed)
    heads = resolve_heads(config.model, dataset.schema, training.loss, training.metrics)
    model = build_model(config.model, dataset.schema, heads, seed=config.seed)
    compile_model(model, heads, training)
    first = model.get_weights()
    run = create_run(config.name, runs=folder, run_dir=folder / "run")
    phases = Phases(RunRecord(run, config, dataset, heads, Session(threads=2)), model)
    trainer = phases.first(resumed=False)
    with StopSignals() as signals:
        trainer.train(signals)
    phases.history.close()
    rows = [
        {name: value for name, value in row.items() if name not in ("seconds", "epoch")} for row in history_rows(run.history_file)
    ]
    files = sorted(path.name for path in run.checkpoints.iterdir() if path.stem not in ("best", "last"))
    weights = resolve_class_weights(training.class_weight, dataset.parts["train"], heads)
    part = encode_part(dataset.parts["train"], dataset.schema, heads, weights)
    return Ending(model.get_weights(), rows, files), first, part, encode_part(dataset.parts["validation"], dataset.schema, heads)


def keras_fit(
    case: Case, config: Config, first: Sequence[NDArray[Any]], part: EncodedPart, validation: EncodedPart, folder: Path
) -> Ending:
    """Keras's: a model written in Keras alone, from the same weights, by `fit` with its own callbacks."""
    keras = import_keras()
    training = config.training
    assert training is not None
    keras.config.set_dtype_policy(training.precision)
    model = keras.Sequential(
        [
            keras.Input((6,)),
            keras.layers.Dense(
                5,
                activation="tanh",
                kernel_regularizer=keras.regularizers.L2(0.01),
                bias_constraint=keras.constraints.MaxNorm(0.05),
            ),
            keras.layers.Dense(1, activation="sigmoid", dtype="float32"),
        ]
    )
    keras.config.set_dtype_policy("float32")
    model.set_weights(first)
    arguments = dict(case.arguments)
    if isinstance(arguments.get("learning_rate"), Mapping):
        [(name, given)] = arguments["learning_rate"].items()
        arguments["learning_rate"] = getattr(keras.optimizers.schedules, name)(**given)
    optimizer = getattr(keras.optimizers, case.optimizer)(**arguments)
    if case.optimizer == "ScheduleFreeAdamW":
        # Its momentum begins as the weights; built inside the first step of `fit`, Keras leaves it at zero.
        optimizer.build(model.trainable_variables)
    accuracy = keras.metrics.BinaryAccuracy(name="accuracy")
    model.compile(optimizer=optimizer, loss="binary_crossentropy", metrics=[accuracy], jit_compile=False)
    callbacks: list[Any] = []
    if training.average:
        callbacks.append(keras.callbacks.SwapEMAWeights(swap_on_epoch=True))
    files = folder / "keras"
    files.mkdir()
    if "checkpoint" in case.training:
        given = {key: value for key, value in case.training["checkpoint"].items() if key != "format"}
        callbacks.append(keras.callbacks.ModelCheckpoint(**{**given, "filepath": str(files / given["filepath"])}))
    for key, name in (("early_stopping", "EarlyStopping"), ("reduce_lr_on_plateau", "ReduceLROnPlateau")):
        if key in case.training:
            callbacks.append(getattr(keras.callbacks, name)(**case.training[key]))
    if "tensorboard" in case.training:
        callbacks.append(keras.callbacks.TensorBoard(str(folder / "logs"), **case.training["tensorboard"]))
    rates: list[float] = []

    class Rates(keras.callbacks.Callback):  # type: ignore[misc, name-defined]
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            rates.append(float(np.asarray(optimizer.learning_rate)))

    rows = len(part.targets[0])

    def batches() -> Iterator[tuple[Any, ...]]:
        for epoch in itertools.count():
            order = epoch_order(rows, seed=SEED, epoch=epoch, shuffle=training.shuffle)
            for start in range(0, rows, training.batch_size):
                chosen = order[start : start + training.batch_size]
                arrays = (part.inputs[0][chosen], part.targets[0][chosen])
                yield arrays if part.weights is None else (*arrays, part.weights[0][chosen])

    history = model.fit(
        batches(),
        steps_per_epoch=math.ceil(rows / training.batch_size),
        epochs=training.epochs,
        validation_data=(validation.inputs[0], validation.targets[0], *(validation.weights or ())),
        callbacks=[Rates(), *callbacks],
        verbose=0,
    ).history
    columns = [name for name in history if name != "learning_rate"]
    logs = [dict(zip(columns, row)) for row in zip(*(history[name] for name in columns))]
    for row, rate in zip(logs, rates):
        row["learning_rate"] = rate
    return Ending(model.get_weights(), logs, sorted(path.name for path in files.iterdir()))


def compare(case: Case, folder: Path, config: Config | None = None) -> Ending:
    """Both trainings end alike: that of the case in Keras, and that of its config, or of another one that means the same."""
    config = config_for(case) if config is None else config
    ours, first, part, validation = train(config, folder)
    theirs = keras_fit(case, config, first, part, validation, folder)
    assert len(ours.history) == len(theirs.history), f"{case}: ended after another epoch"
    for index, (row, other) in enumerate(zip(ours.history, theirs.history)):
        assert row.keys() == other.keys()
        for name in row:
            assert row[name] == pytest.approx(other[name], abs=5 * TOLERANCE, rel=1e-5), f"{case}: {name} of epoch {index + 1}"
    for weight, other in zip(ours.weights, theirs.weights, strict=True):
        np.testing.assert_allclose(weight, other, atol=TOLERANCE, rtol=TOLERANCE, err_msg=str(case))
    assert [name.rpartition("_")[0] for name in ours.files] == [name.rpartition("_")[0] for name in theirs.files]
    assert any(np.abs(a - b).max() > 1e-4 for a, b in zip(ours.weights, first))
    return ours


def _optimizer_cases() -> list[Case]:
    cases = []
    catalog = load_catalog()
    for name in catalog.names("optimizer"):
        entry = catalog.find("optimizer", name)
        assert entry is not None
        rate = {"learning_rate": 0.3 if name in ("Adadelta",) else 0.05 if name in ("SGD", "Adagrad", "Ftrl") else 0.01}
        options: list[dict[str, Any]] = [{}]
        options += [
            {argument.name: not argument.default}
            for argument in entry.arguments.values()
            if argument.type == "bool" and argument.name not in ("use_ema", "nesterov")
        ]
        if "nesterov" in entry.arguments:
            options += [{"momentum": 0.9, "nesterov": value} for value in (False, True)]
        if name == "RMSprop":
            options += [{"momentum": 0.9}, {"momentum": 0.9, "centered": True}]
        if "warmup_steps" in entry.arguments:
            options += [{"warmup_steps": 5}]
        options += [
            {"clipnorm": 0.05},
            {"clipvalue": 0.01},
            {"global_clipnorm": 0.05},
            {"weight_decay": 0.1},
            {"loss_scale_factor": 64.0},
            {"gradient_accumulation_steps": 4},
            {"use_ema": True, "ema_momentum": 0.8},
            {"use_ema": True, "ema_momentum": 0.8, "ema_overwrite_frequency": 3},
            {"use_ema": True, "ema_momentum": 0.5, "gradient_accumulation_steps": 2, "clipnorm": 0.1, "loss_scale_factor": 8.0},
        ]
        cases += [Case(name, {**rate, **option}) for option in options]
        cases += [
            Case(name, {**rate, "use_ema": True, "ema_momentum": 0.8}, {"average": True}),
            Case(name, {**rate, "use_ema": True, "ema_momentum": 0.8}, {"early_stopping": {"patience": 0}}),
        ]
    return cases


SCHEDULES: list[dict[str, Any]] = [
    {"ExponentialDecay": {"initial_learning_rate": 0.1, "decay_steps": 7, "decay_rate": 0.8}},
    {"ExponentialDecay": {"initial_learning_rate": 0.1, "decay_steps": 7, "decay_rate": 0.8, "staircase": True}},
    {"InverseTimeDecay": {"initial_learning_rate": 0.1, "decay_steps": 7, "decay_rate": 0.8}},
    {"InverseTimeDecay": {"initial_learning_rate": 0.1, "decay_steps": 7, "decay_rate": 0.8, "staircase": True}},
    {"PiecewiseConstantDecay": {"boundaries": [5, 20], "values": [0.1, 0.05, 0.01]}},
    {"PiecewiseConstantDecay": {"boundaries": [9], "values": [0.01, 0.1]}},
    {"PolynomialDecay": {"initial_learning_rate": 0.1, "decay_steps": 20, "end_learning_rate": 0.01, "power": 2.0}},
    {"PolynomialDecay": {"initial_learning_rate": 0.1, "decay_steps": 11, "end_learning_rate": 0.01, "cycle": True}},
    {"CosineDecay": {"initial_learning_rate": 0.1, "decay_steps": 20, "alpha": 0.1}},
    {"CosineDecay": {"initial_learning_rate": 0.0, "decay_steps": 20, "warmup_target": 0.1, "warmup_steps": 6}},
    {"CosineDecayRestarts": {"initial_learning_rate": 0.1, "first_decay_steps": 5, "t_mul": 1.5, "m_mul": 0.8, "alpha": 0.1}},
    {"CosineDecayRestarts": {"initial_learning_rate": 0.1, "first_decay_steps": 5}},
]


def _schedule_cases() -> list[Case]:
    cases = [Case(name, {"learning_rate": schedule}) for schedule in SCHEDULES for name in ("SGD", "Adam")]
    cases += [Case("SGD", {"learning_rate": schedule, "gradient_accumulation_steps": 3}) for schedule in SCHEDULES]
    cases += [Case("SGD", {"learning_rate": schedule, "use_ema": True, "ema_momentum": 0.7}) for schedule in SCHEDULES]
    return cases


STOPPING: list[dict[str, Any]] = [
    {"patience": 1},
    {"patience": 2, "monitor": "loss"},
    {"patience": 0, "monitor": "val_accuracy"},
    {"patience": 3, "monitor": "accuracy", "mode": "max"},
    {"patience": 2, "monitor": "val_loss", "mode": "min", "min_delta": 0.01},
    {"patience": 1, "monitor": "val_loss", "mode": "max"},
    {"patience": 2, "baseline": 0.1},
    {"patience": 2, "baseline": 0.1, "restore_best_weights": True},
    {"patience": 2, "start_from_epoch": 3},
    {"patience": 2, "restore_best_weights": True},
    {"patience": 50, "restore_best_weights": True},
    {"patience": 2, "start_from_epoch": 2, "restore_best_weights": True, "monitor": "val_accuracy", "min_delta": 0.05},
]
PLATEAU: list[dict[str, Any]] = [
    {"patience": 1},
    {"patience": 1, "factor": 0.5, "monitor": "loss"},
    {"patience": 0, "factor": 0.5, "monitor": "val_accuracy"},
    {"patience": 1, "factor": 0.5, "monitor": "val_accuracy", "mode": "max", "cooldown": 2},
    {"patience": 1, "factor": 0.5, "min_lr": 0.1},
    {"patience": 2, "factor": 0.5, "min_delta": 0.05},
    {"patience": 1, "factor": 0.5, "mode": "max", "cooldown": 1},
]
CHECKPOINT: list[dict[str, Any]] = [
    {"filepath": "m_{epoch:02d}_{val_loss:.2f}.h5"},
    {"filepath": "m_{epoch:02d}_{val_loss:.2f}.h5", "save_best_only": True},
    {"filepath": "m_{epoch:02d}_{val_accuracy:.2f}.h5", "save_best_only": True, "monitor": "val_accuracy"},
    {"filepath": "m_{epoch:02d}_{loss:.2f}.h5", "save_best_only": True, "monitor": "loss", "mode": "min"},
    {"filepath": "m_{epoch:02d}_{val_loss:.2f}.h5", "save_best_only": True, "mode": "max"},
    {"filepath": "m_{epoch:02d}_{val_loss:.2f}.h5", "save_best_only": True, "initial_value_threshold": 0.7},
    {"filepath": "m_{epoch:02d}_{val_loss:.2f}.weights.h5", "save_weights_only": True},
    {"filepath": "m_{epoch:02d}_{val_loss:.2f}.keras", "format": "keras"},
]
TENSORBOARD: list[dict[str, Any]] = [
    {},
    {"histogram_freq": 1, "write_images": True},
    {"write_graph": False, "write_steps_per_second": True},
    {"embeddings_freq": 2},
]


def _callback_cases() -> list[Case]:
    fast = {"learning_rate": 0.3}
    cases = []
    for rate in (0.3, 2.0):
        cases += [Case("SGD", {"learning_rate": rate}, {"epochs": 12, "early_stopping": given}) for given in STOPPING]
        cases += [Case("SGD", {"learning_rate": rate}, {"epochs": 8, "reduce_lr_on_plateau": given}) for given in PLATEAU]
    cases += [Case("SGD", fast, {"epochs": 6, "checkpoint": given}) for given in CHECKPOINT]
    cases += [Case("SGD", fast, {"epochs": 3, "tensorboard": given}) for given in TENSORBOARD]
    both = {"epochs": 12, "early_stopping": {"patience": 3, "restore_best_weights": True}}
    cases += [Case("Adam", {"learning_rate": 0.05}, {**both, "reduce_lr_on_plateau": given}) for given in PLATEAU]
    averaged = {"learning_rate": 0.3, "use_ema": True, "ema_momentum": 0.8}
    cases += [
        Case("SGD", averaged, {"epochs": 6, "early_stopping": {"patience": 50, "restore_best_weights": True}}),
        Case("SGD", averaged, {"epochs": 6, "average": True, "early_stopping": {"patience": 50, "restore_best_weights": True}}),
        Case("SGD", averaged, {"epochs": 6, "average": True, "checkpoint": CHECKPOINT[1]}),
        Case("SGD", fast, {"class_weight": {"0": 0.3, "1": 2.0}}),
        Case("SGD", fast, {"class_weight": "balanced"}),
        Case("SGD", fast, {"shuffle": False}),
        Case("SGD", fast, {"batch_size": 64}),
    ]
    return cases


CASES = [*_optimizer_cases(), *_schedule_cases(), *_callback_cases()]
# One of each kind, for every run of the tests.
FAST = [
    Case("Adam", {"learning_rate": 0.01, "amsgrad": True, "use_ema": True, "ema_momentum": 0.8}, {"average": True}),
    Case("SGD", {"learning_rate": SCHEDULES[9], "gradient_accumulation_steps": 3, "global_clipnorm": 0.05}),
    Case("SGD", {"learning_rate": 2.0}, {"epochs": 12, "early_stopping": STOPPING[9], "reduce_lr_on_plateau": PLATEAU[0]}),
    Case("SGD", {"learning_rate": 0.3}, {"epochs": 6, "checkpoint": CHECKPOINT[1], "class_weight": "balanced"}),
    Case("SGD", {"learning_rate": 0.05, "use_ema": True, "ema_momentum": 0.8}, {"average": True, "precision": "mixed_float16"}),
]


@pytest.mark.parametrize("case", FAST, ids=str)
def test_ends_as_keras_s_fit_does(case: Case, tmp_path: Path) -> None:
    compare(case, tmp_path)


def test_keys_beside_the_optimizer_are_its_arguments(tmp_path: Path) -> None:
    arguments = {"learning_rate": 0.05, "clipnorm": 0.05, "gradient_accumulation_steps": 3}
    keys = Case("SGD", {"learning_rate": 0.05}, {"clip_norm": 0.05, "gradient_accumulation": 3})
    compare(Case("SGD", arguments), tmp_path, config_for(keys))


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_optimizer_schedule_and_callback_ends_as_keras_s_fit_does(case: Case, tmp_path: Path) -> None:
    compare(case, tmp_path)


def test_every_optimizer_and_schedule_of_keras_is_compared() -> None:
    catalog = load_catalog()
    assert {case.optimizer for case in CASES} == set(catalog.names("optimizer"))
    assert {name for schedule in SCHEDULES for name in schedule} == set(catalog.names("schedule"))
