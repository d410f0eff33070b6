"""Every loss and metric of Keras on every kind of target: it is refused before training, or it can be computed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from dltrain.checking.check import check_config
from dltrain.config import load_config_text
from dltrain.config.catalog.catalog import load_catalog
from dltrain.data.load import load_dataset
from dltrain.errors import ConfigError
from dltrain.model.build import build_model
from dltrain.model.compile import build_metrics, compile_model
from dltrain.model.encode import encode_part
from dltrain.model.forward import Forward
from dltrain.model.heads.rules import resolve_heads
from tests.training.support import config_of

SOURCES = {"classes": "iris", "two classes": "breast_cancer", "number": "diabetes"}
REQUIRED = {
    "IoU": {"num_classes": 3, "target_class_ids": [0]}, "OneHotIoU": {"num_classes": 3, "target_class_ids": [0]},
    "MeanIoU": {"num_classes": 3}, "OneHotMeanIoU": {"num_classes": 3},
    "PrecisionAtRecall": {"recall": 0.5}, "RecallAtPrecision": {"precision": 0.5},
    "SensitivityAtSpecificity": {"specificity": 0.5}, "SpecificityAtSensitivity": {"sensitivity": 0.5},
}  # fmt: skip
# Metrics of the index of a class.
SPARSE = {"SparseCategoricalAccuracy", "SparseTopKCategoricalAccuracy", "SparseCategoricalCrossentropy"}


def config_with(target, *, loss=None, metrics=(), more=""):
    wanted = json.dumps([{name: REQUIRED.get(name, {})} for name in metrics])
    return config_of(
        f"data: {{source: {SOURCES[target]}, limit: 100, split: {{test: 0.2}}{more}}}\n"
        "model: {layers: [{Dense: {units: 4}}]}\n"
        f"training: {{{f'loss: {loss}, ' if loss else ''}metrics: {wanted}, epochs: 1}}"
    )


def refusals(config):
    try:
        return check_config(config).errors
    except ConfigError as error:
        return error.faults


def compute(config):
    """Loss and metrics of an untrained model."""
    dataset = load_dataset(config.data, seed=0)
    heads = resolve_heads(config.model, dataset.schema, config.training.loss, config.training.metrics)
    model = build_model(config.model, dataset.schema, heads, seed=0)
    compile_model(model, heads, config.training)
    part = encode_part(dataset.parts["train"], dataset.schema, heads)
    build_metrics(model, part)
    return Forward(model, 128).evaluate(part.inputs, part.targets, None)[0]


@pytest.mark.slow
@pytest.mark.parametrize("target", SOURCES)
@pytest.mark.parametrize("loss", [None, "categorical_crossentropy", "sparse_categorical_crossentropy", "hinge"])
def test_a_metric_is_refused_or_computed(target, loss):
    if target == "number" and loss:
        return
    taken = 0
    for name in load_catalog().names("metric"):
        config = config_with(target, loss=loss, metrics=[name])
        if not refusals(config):
            taken += 1
            assert len(compute(config)) >= 2, name
    assert taken > 3


@pytest.mark.slow
@pytest.mark.parametrize("target", SOURCES)
def test_a_loss_is_refused_or_computed(target):
    taken = 0
    for name in load_catalog().names("loss"):
        config = config_with(target, loss=name)
        if not refusals(config):
            taken += 1
            assert np.isfinite(compute(config)["loss"]), name
    assert taken > 3


LOSSES_ONLY = [name for name in load_catalog().names("loss") if load_catalog().find("metric", name) is None]


@pytest.mark.parametrize("target", SOURCES)
def test_d4_a_loss_as_a_metric_is_refused_or_computed(target):
    taken = []
    for name in LOSSES_ONLY:
        config = config_with(target, metrics=[name])
        if not refusals(config):
            logs = compute(config)
            [column] = [column for column in logs if column not in ("loss", "accuracy")]
            assert np.isfinite(logs[column]), name
            taken.append(name)
    assert {"Huber", "Dice", "Tversky"} <= set(taken)
    assert not {"CTC", "Circle"} & set(taken)
    if target == "number":
        found = check_config(config_with(target, metrics=["CategoricalFocalCrossentropy"])).warnings
        assert any("is a metric for classes" in warning.message for warning in found)


def test_d4_the_metric_of_a_loss_has_the_value_of_the_loss():
    logs = compute(config_with("number", loss="{Huber: {delta: 0.5}}", metrics=[], more=", scale_target: false"))
    config = config_of(
        "data: {source: diabetes, limit: 100, split: {test: 0.2}, scale_target: false}\n"
        "model: {layers: [{Dense: {units: 4}}]}\n"
        "training: {metrics: [{Huber: {delta: 0.5}}], epochs: 1}"
    )
    assert compute(config)["huber_loss"] == pytest.approx(logs["loss"], rel=1e-6)


def test_classes_are_one_hot_for_every_metric_that_needs_them_so():
    names = [name for name in load_catalog().names("metric") if name not in {*SPARSE, "BinaryCrossentropy"}]
    assert not refusals(config_with("classes", metrics=names))
    found = {fault.path for fault in refusals(config_with("classes", metrics=names, loss="sparse_categorical_crossentropy"))}
    either = [names.index(name) for name in ("IoU", "MeanIoU")]
    assert found >= {f"training.metrics.{index}" for index in range(len(names)) if index not in either} - {
        f"training.metrics.{names.index('Accuracy')}"
    }


def test_the_indices_of_classes_are_told_from_probabilities():
    for loss in ("sparse_categorical_crossentropy", "categorical_crossentropy"):
        config = config_with("classes", loss=loss, metrics=["MeanIoU", "IoU"])
        assert not refusals(config)
        logs = compute(config)
        assert 0 <= logs["mean_io_u"] <= 1


@pytest.mark.parametrize(
    ("target", "asked", "said", "hint"),
    [
        ("two classes", {"metrics": ["MeanIoU"]}, "the output is one probability", "BinaryIoU"),
        ("two classes", {"metrics": ["MeanIoU"], "loss": "categorical_crossentropy"}, "has 2", "num_classes: 2"),
        ("two classes", {"metrics": ["SparseCategoricalAccuracy"]}, "a class is 0 or 1", "accuracy"),
        ("number", {"metrics": ["SparseCategoricalCrossentropy"]}, "is a number", "mean_absolute_error"),
        ("number", {"loss": "poisson"}, "is standardized inside", "activation: exponential"),
        ("number", {"loss": "mean_squared_logarithmic_error"}, "is standardized inside", "scale_target: false"),
        ("classes", {"metrics": ["BinaryCrossentropy"]}, "of other probabilities than the model's", "`log_loss`"),
        ("classes", {"loss": "ctc"}, "sequences of labels", "follows from the task"),
        ("classes", {"loss": "circle"}, "embeddings", "follows from the task"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_does(target, asked, said, hint):
    [fault] = refusals(config_with(target, **asked))
    assert said in fault.message
    assert hint in (fault.hint or "")


def test_counts_are_fitted_in_their_own_units():
    assert not refusals(config_with("number", loss="poisson", more=", scale_target: false"))


@pytest.mark.parametrize("metric", ["PearsonCorrelation", "CosineSimilarity"])
def test_a_correlation_along_one_output_is_said_to_say_nothing(metric):
    [warning] = check_config(config_with("number", metrics=[metric])).warnings
    assert "axis: 0" in (warning.hint or "")


def test_a_metric_that_keras_cannot_compute_is_an_error_of_the_config():
    config = config_with("classes", metrics=["R2Score"], loss="sparse_categorical_crossentropy")
    with pytest.raises(ConfigError, match="R2Score expects 2D inputs") as error:
        compute(config)
    assert error.value.faults[0].path == "training"


@pytest.mark.parametrize("name", ["CategoricalAccuracy", "TopKCategoricalAccuracy", "CategoricalCrossentropy"])
def test_d4_a_metric_of_several_outputs_says_nothing_of_one(name):
    found = check_config(config_with("two classes", metrics=[name])).warnings
    assert any(f"{name} compares the outputs of a row, of which there is one" in warning.message for warning in found)
    found = check_config(config_with("classes", loss="categorical_crossentropy", metrics=[name])).warnings
    assert not any("of which there is one" in warning.message for warning in found)


@pytest.mark.parametrize(
    ("target", "metrics", "monitor", "is_there"),
    [
        ("number", "[]", "val_mae", True),
        ("number", "[]", "val_accuracy", False),
        ("number", "[MeanSquaredError]", "val_mae", False),
        ("classes", "[SparseCategoricalCrossentropy]", "val_accuracy", True),
        ("classes", "[]", "val_mae", False),
        ("classes", "[]", "val_acc", True),
    ],
)
def test_a_monitor_is_one_that_the_history_has(target, metrics, monitor, is_there):
    text = f"""
data: {{source: {SOURCES[target]}, limit: 100, split: {{test: 0.2, validation: 0.2}}}}
model: {{layers: [{{Dense: {{units: 4}}}}]}}
training: {{metrics: {metrics}, epochs: 9, early_stopping: {{monitor: {monitor}, patience: 1}}}}
"""
    try:
        errors = check_config(config_of(text)).errors
    except ConfigError as error:
        errors = error.faults
    assert [fault.path for fault in errors] == ([] if is_there else ["training.early_stopping.monitor"])


@pytest.mark.parametrize(("class_id", "is_refused"), [(0, False), (1, True)])
def test_the_output_that_a_metric_looks_at_is_there(class_id, is_refused):
    config = config_of(
        "data: {source: breast_cancer, split: {test: 0.2}}\nmodel: {layers: [{Dense: {units: 4}}]}\n"
        f"training: {{epochs: 1, metrics: [{{Precision: {{class_id: {class_id}}}}}]}}"
    )
    assert [fault.path for fault in refusals(config)] == (["training.metrics.0.class_id"] if is_refused else [])


def test_the_logarithm_of_a_linear_output_is_warned_of():
    def said(output: str) -> list[str]:
        config = config_of(
            "data: {source: diabetes, limit: 100, scale_target: false}\n"
            f"model: {{layers: [{{Dense: {{units: 4}}}}], output: {output}}}\n"
            "training: {loss: Poisson, epochs: 1}"
        )
        return [warning.message for warning in check_config(config).warnings]

    assert any("Poisson takes the logarithm of the output" in message for message in said("auto"))
    assert said("{Dense: {units: 1, activation: exponential}}") == []


@pytest.mark.parametrize(("data", "axis"), [("shapes, task: segmentation, rows: 20", "[0, 1, 2]"), ("iris", "0")])
def test_regions_of_several_classes_together_are_told(data, axis):
    def said(loss):
        text = f"data: {{source: {data}}}\nmodel: {{layers: [{'Identity' if 'shapes' in data else '{Dense: {units: 4}}'}]}}\n"
        return [warning for warning in check_config(config_of(f"{text}training: {{loss: {loss}, epochs: 1}}")).warnings]

    for name in ("Dice", "Tversky"):
        [found] = [warning for warning in said(name) if "classes together" in warning.message]
        assert f"`{name}: {{axis: {axis}}}`" in str(found.hint)
        assert not [warning for warning in said(f"{{{name}: {{axis: {axis}}}}}") if "classes together" in warning.message]


def test_as_many_as_there_are_classes_always_hold_the_right_one() -> None:
    def said(k: int) -> list[str]:
        text = f"data: {{source: iris}}\nmodel: {{layers: []}}\ntraining: {{epochs: 1, metrics: [{{TopKCategoricalAccuracy: {{k: {k}}}}}]}}"
        return [f"{fault.message} {fault.hint}" for fault in check_config(config_of(text)).warnings]

    assert said(2) == []
    assert "always among 3: it says nothing `k: 2`" in said(3)[0]


@pytest.mark.parametrize(
    ("weights", "errors", "warnings"),
    [("{a: 0}", 0, 1), ("{a: 0, b: 0}", 1, 2), ("{a: 0, b: 1}", 0, 1), ("{a: 2}", 0, 0), ("{y: {a: 0}}", 0, 1)],
)
def test_a_class_that_weighs_nothing_is_said(weights: str, errors: int, warnings: int, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("x,y\n" + "".join(f"{row % 7},{'ab'[row % 2]}\n" for row in range(40)))
    text = (
        f"data: {{source: csv, path: t.csv, target: y}}\nmodel: {{layers: []}}\ntraining: {{epochs: 1, class_weight: {weights}}}"
    )
    result = check_config(load_config_text(text, folder=tmp_path))
    found = [[fault.message for fault in faults if "weigh" in fault.message] for faults in (result.errors, result.warnings)]
    assert [len(messages) for messages in found] == [errors, warnings]
