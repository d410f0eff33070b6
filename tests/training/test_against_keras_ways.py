"""What `keras.Model.fit` ends with, held against dltrain's other ways: weights of rows, precisions, stacked trials, two processes.

The cases and Keras's own fit are those of `test_against_keras_fit`. A stack adds up in another order, hence the wider tolerance.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars
import pytest
import yaml

from dltrain.config.types import Config
from dltrain.data.load import load_dataset
from dltrain.model.build import build_model
from dltrain.model.encode import encode_part, resolve_class_weights
from dltrain.model.heads.rules import resolve_heads
from dltrain.model.keras_import import import_keras
from dltrain.storage.run import Run
from dltrain.training.stacked.structure import structure_of, why_not_stacked
from tests.support import history_rows
from tests.training.stacked.support import fit_stacked
from tests.training.test_against_keras_fit import (
    CASES,
    PLATEAU,
    SCHEDULES,
    STOPPING,
    TEXT,
    Case,
    compare,
    config_for,
    keras_fit,
)
from tests.training.workers.test_workers import assert_same_fit

STACK_TOLERANCE = 2e-4
EMA = {"learning_rate": 0.05, "use_ema": True, "ema_momentum": 0.8}


def rows_with_weights(folder: Path) -> Path:
    """Six numbers, a label and a weight a row; a row in ten weighs nothing."""
    generator = np.random.default_rng(0)
    x = generator.normal(size=(90, 6)).round(3)
    frame = polars.DataFrame({f"x{place}": x[:, place] for place in range(6)})
    weights = np.where(generator.random(90) < 0.1, 0.0, generator.integers(1, 9, 90) / 4)
    label = np.where(x[:, 0] + generator.normal(size=90) > 0, "yes", "no")
    frame.with_columns(w=polars.Series(weights), y=polars.Series(label)).write_csv(folder / "weighted.csv")
    return folder / "weighted.csv"


WEIGHTED = [
    Case("SGD", {"learning_rate": 0.3}),
    Case("Adam", {"learning_rate": 0.05}, {"class_weight": "balanced"}),
    Case("Adam", {"learning_rate": 0.05, "gradient_accumulation_steps": 3}, {"class_weight": {"no": 0.3, "yes": 2.0}}),
    Case("SGD", EMA, {"average": True, "epochs": 8, "early_stopping": STOPPING[9]}),
    Case("SGD", {"learning_rate": 0.3}, {"precision": "mixed_float16", "epochs": 6, "reduce_lr_on_plateau": PLATEAU[0]}),
]


@pytest.mark.parametrize("case", [WEIGHTED[1], *(pytest.param(case, marks=pytest.mark.slow) for case in WEIGHTED)], ids=str)
def test_rows_with_weights_end_as_keras_s_fit_does(case: Case, tmp_path: Path) -> None:
    data = f"data: {{source: csv, path: {rows_with_weights(tmp_path)}, target: y, weight: w, split: {{validation: 0.25}}}}"
    text = TEXT.replace(TEXT.splitlines()[3], data)
    compare(case, tmp_path, config_for(case, text))


PRECISIONS = [
    Case(name, {"learning_rate": 0.05 if name == "SGD" else 0.01, **more}, {"precision": precision, **training})
    for precision in ("mixed_bfloat16", "mixed_float16")
    for name in ("SGD", "Adam", "AdamW", "RMSprop", "Nadam", "Adagrad", "Lion")
    for more, training in (
        ({}, {}),
        ({"gradient_accumulation_steps": 3, "clipnorm": 0.1}, {}),
        ({"use_ema": True, "ema_momentum": 0.8}, {"average": True}),
    )
]


@pytest.mark.slow
@pytest.mark.parametrize("case", PRECISIONS, ids=str)
def test_every_precision_ends_as_keras_s_fit_does(case: Case, tmp_path: Path) -> None:
    compare(case, tmp_path)


def stackable() -> list[Case]:
    return [case for case in CASES if "checkpoint" not in case.training and why_not_stacked(config_for(case)) is None]


def beginning(config: Config) -> tuple[list[Any], Any, Any]:
    """The first weights, and both parts as the model takes them."""
    assert config.training is not None
    dataset = load_dataset(config.data, seed=config.seed)
    heads = resolve_heads(config.model, dataset.schema, config.training.loss, config.training.metrics)
    first = build_model(config.model, dataset.schema, heads, seed=config.seed).get_weights()
    weights = resolve_class_weights(config.training.class_weight, dataset.parts["train"], heads)
    parts = encode_part(dataset.parts["train"], dataset.schema, heads, weights)
    return first, parts, encode_part(dataset.parts["validation"], dataset.schema, heads)


def compare_stack(cases: Sequence[Case], folder: Path) -> int:
    """Each trial of a stack ends as Keras's fit of its case does. Returns how many numbers were compared."""
    configs = [config_for(case) for case in cases]
    trials = {}
    for place, structure in enumerate(sorted({structure_of(config) for config in configs})):  # as the engine puts them together
        chosen = [number for number, config in enumerate(configs) if structure_of(config) == structure]
        fits = fit_stacked([configs[number] for number in chosen], folder / f"stack-{place}")
        trials.update(zip(chosen, fits, strict=True))
    count = 0
    for number, (case, config) in enumerate(zip(cases, configs, strict=True)):
        trial = trials[number]
        assert trial.status == "finished", (str(case), trial.error)
        run = Run(trial.path)
        assert run.read_manifest()["engine"] == "stacked"
        (folder / str(number)).mkdir()
        theirs = keras_fit(case, config, *beginning(config), folder / str(number))
        ours = [
            {key: value for key, value in row.items() if key not in ("seconds", "epoch")}
            for row in history_rows(run.history_file)
        ]
        assert len(ours) == len(theirs.history), f"{case}: ended after another epoch"
        for row, other in zip(ours, theirs.history, strict=True):
            assert row.keys() == other.keys()
            for name in row:
                assert row[name] == pytest.approx(other[name], abs=STACK_TOLERANCE, rel=STACK_TOLERANCE), f"{case}: {name}"
            count += len(row)
        model = import_keras().models.load_model(next(run.checkpoints.glob("last.*")), compile=False)
        for weight, other in zip(model.get_weights(), theirs.weights, strict=True):
            np.testing.assert_allclose(weight, other, atol=STACK_TOLERANCE, rtol=STACK_TOLERANCE, err_msg=str(case))
            count += weight.size
    return count


def test_stacked_trials_end_as_keras_s_fit_does(tmp_path: Path) -> None:
    rates = [0.05, 0.3]
    cases = [
        Case(
            "SGD",
            {"learning_rate": rate, "momentum": 0.9, "nesterov": True, "clipnorm": 0.5},
            {"epochs": 6, "early_stopping": STOPPING[0]},
        )
        for rate in rates
    ]
    assert compare_stack(cases, tmp_path) > 60


def _in_twos(cases: Sequence[Case]) -> list[tuple[Case, ...]]:
    return [tuple(cases[first : first + 2]) for first in range(0, len(cases), 2)]


@pytest.mark.slow
@pytest.mark.parametrize("cases", _in_twos(stackable()), ids=lambda cases: "|".join(map(str, cases)))
def test_every_case_that_can_be_stacked_ends_as_keras_s_fit_does(cases: Sequence[Case], tmp_path: Path) -> None:
    compare_stack(cases, tmp_path)


def test_what_is_stacked_is_of_every_kind() -> None:
    found = stackable()
    assert {case.optimizer for case in found} >= {
        "SGD",
        "Adam",
        "AdamW",
        "RMSprop",
        "Nadam",
        "Adagrad",
        "Adamax",
        "Adadelta",
        "Lion",
    }
    assert any("early_stopping" in case.training for case in found)
    assert any("reduce_lr_on_plateau" in case.training for case in found)
    schedules = [case for case in found if isinstance(case.arguments.get("learning_rate"), dict)]
    assert len(schedules) >= len(SCHEDULES)


BY_WORKERS = [
    Case("SGD", {"learning_rate": 0.05, "momentum": 0.9, "nesterov": True, "global_clipnorm": 0.05}),
    Case("Adam", {"learning_rate": 0.01, "amsgrad": True, "use_ema": True, "ema_momentum": 0.8}, {"average": True}),
    Case("SGD", EMA, {"epochs": 6, "average": True, "early_stopping": {"patience": 50, "restore_best_weights": True}}),
    Case("SGD", {"learning_rate": SCHEDULES[9], "gradient_accumulation_steps": 3, "clipvalue": 0.01}),
    Case("Adam", {"learning_rate": 0.01, "loss_scale_factor": 64.0}, {"class_weight": {"0": 0.3, "1": 2.0}}),
    Case("SGD", {"learning_rate": 2.0}, {"epochs": 12, "early_stopping": STOPPING[9], "reduce_lr_on_plateau": PLATEAU[0]}),
    Case("RMSprop", {"learning_rate": 0.01, "centered": True}, {"precision": "mixed_bfloat16"}),
    Case("AdamW", {"learning_rate": 0.01, "weight_decay": 0.1}, {"average": "swa", "average_from": "2 epochs"}),
    Case("Nadam", {"learning_rate": 0.01}, {"gradient_accumulation": 2, "clip_norm": 0.1}),
]


@pytest.mark.slow
@pytest.mark.parametrize("case", BY_WORKERS, ids=str)
def test_two_processes_end_as_one_does(case: Case, tmp_path: Path) -> None:
    """That one ends as Keras does is asked above and in `test_against_keras_fit`."""
    training = {"epochs": 4, "batch_size": 8, **case.training, "optimizer": {case.optimizer: dict(case.arguments)}}
    config = yaml.safe_dump({**yaml.safe_load(TEXT), "training": training})
    assert_same_fit(tmp_path, config, 2, tolerance=2e-3 if "precision" in case.training else 1e-4)
