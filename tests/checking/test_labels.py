"""Several labels per row, before training: what is decided, what is refused with a way out, what is odd about the data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars
import pytest

from dltrain.checking import check_config
from dltrain.config import load_config_text
from dltrain.config.catalog.catalog import load_catalog
from dltrain.errors import ConfigError
from tests.checking.test_metric_checks import REQUIRED, compute

MODEL = "model: {layers: [{Dense: {units: 4, activation: relu}}]}\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("tables")
    draw = np.random.default_rng(1)
    has = draw.random((200, 3)) < [0.5, 0.3, 0.4]
    has[:, 2] = has[:, 1]  # always together
    rare = np.arange(200) < 3
    cells = ["|".join([*np.array(["a", "b", "c"])[row], *(["rare"] if few else [])]) for row, few in zip(has, rare)]
    x = draw.normal(size=200)
    polars.DataFrame({"x": x, "z": x**2, "tags": cells}).write_csv(folder / "t.csv")
    polars.DataFrame({"x": x, "a": has[:, 0].astype(int), "b": has[:, 1].astype(int)}).write_csv(folder / "flags.csv")
    return folder


def config_of(folder: Path, data: str, training: str = "", model: str = MODEL, more: str = ""):
    text = f"data: {{source: csv, path: t.csv, target: tags, split: {{test: 0.2}}, {data}}}\n{model}training: {{epochs: 1{training}}}\n"
    return load_config_text(text + more, file="c.yaml", folder=folder)


def faults_of(*words, **more) -> str:
    try:
        return "\n".join(
            f"{fault.path}: {fault.message}: {fault.hint}" for fault in check_config(config_of(*words, **more)).errors
        )
    except ConfigError as error:
        return "\n".join(f"{fault.path}: {fault.message}: {fault.hint}" for fault in error.faults)


def test_output_loss_and_target_follow_from_the_task(folder):
    result = check_config(config_of(folder, 'labels: {separator: "|"}'))
    assert not result.errors
    assert "tags: output added for the several labels: Dense(4, sigmoid)" in result.decisions
    assert "loss: BinaryCrossentropy; the target is 0 or 1 for each label" in result.decisions
    assert result.layers[-1].output_shape == (4,)
    assert result.inferred["data.task"] == "multilabel"


def test_the_separator_that_was_found_out_is_written_down(folder):
    result = check_config(config_of(folder, "labels: {}"))
    assert result.inferred["data.labels.separator"] == "|"


@pytest.mark.parametrize(
    ("data", "training", "said"),
    [
        (
            "labels: {}",
            ", loss: categorical_crossentropy",
            "training.loss: CategoricalCrossentropy is no loss for rows of several",
        ),
        ("labels: {}", ", metrics: [top_k_categorical_accuracy]", "asks for the one class of a row"),
        ("labels: {}", ", class_weight: balanced", "training.class_weight: class_weight weighs rows by their one class"),
        ("labels: {}, task: regression", "", "data.labels: `labels` is for rows of several labels, and data.task is regression"),
        ('labels: "|"', "", 'write labels: {separator: "|"}'),
        ("labels: {separator: ';'}, task: multilabel, target: [x, z]", "", "a separator stands in cells of text"),
        ("task: multilabel, target: [x, z]", "", "one label of several, and holds"),
        ("labels: {}, scale_target: log", "", "there is no number to learn the logarithm of"),
        ("labels: {min_count: 500}", "", "no label of tags stands in 500 rows or more"),
        ("labels: {}, split: {test: 0.2, like: scikit-learn, stratify: true}", "", "stratifies by one class a row"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_way_out(folder, data, training, said):
    data = data if "target: [" in data else f"target: tags, {data}"
    text = f"data: {{source: csv, path: t.csv, {data}}}\n{MODEL}training: {{epochs: 1{training}}}\n"
    try:
        faults = check_config(load_config_text(text, file="c.yaml", folder=folder)).errors
    except ConfigError as error:
        faults = error.faults
    [found] = [f"{fault.path}: {fault.message}: {fault.hint}" for fault in faults][:1]
    assert said in found


def test_other_sources_name_the_way(tmp_path):
    text = f"data: {{source: digits, labels: {{}}}}\n{MODEL}training: {{epochs: 1}}\n"
    with pytest.raises(ConfigError, match="digits has one label a row"):
        load_config_text(text, file="c.yaml", folder=tmp_path)
    (tmp_path / "p" / "a").mkdir(parents=True)
    text = text.replace("digits", "image_folder, path: p")
    [fault] = check_config(load_config_text(text, file="c.yaml", folder=tmp_path)).errors
    assert "a picture has one label; several are in a table" in fault.message


def test_an_output_by_hand_fits_or_is_refused(folder):
    sigmoid = "model: {layers: [{Dense: {units: 4, activation: sigmoid}}]}\n"
    result = check_config(config_of(folder, "labels: {}", model=sigmoid))
    assert not result.errors
    assert any("the last layer is the output" in line for line in result.decisions)
    assert "its probabilities sum to 1" in faults_of(folder, "labels: {}", model=sigmoid.replace("sigmoid", "softmax"))
    none = "model: {layers: [{Dense: {units: 3}}], output: none}\n"
    assert "an output of 3 units cannot tell 4 labels: expected 4 units, one for each label" in faults_of(
        folder, "labels: {}", model=none
    )
    logits = check_config(config_of(folder, "labels: {}", model=MODEL.replace("]}", "], logits: true}")))
    assert any("told that the output is logits" in line for line in logits.decisions)


def test_gates_name_averages_and_labels(folder):
    gates = "evaluation: {require: ['f1_macro>=0.1', 'recall_samples>=0.1', 'average_precision[rare]>=0', 'hamming_loss<=1']}\n"
    assert faults_of(folder, "labels: {}", more=gates) == ""
    assert 'did you mean "f1_macro"?' in faults_of(folder, "labels: {}", more="evaluation: {require: ['f1_makro>=0.1']}\n")
    assert "there is no class 'd'" in faults_of(folder, "labels: {}", more="evaluation: {require: ['f1[d]>=0.1']}\n")
    assert "a row may have several labels" in faults_of(folder, "labels: {}", more="evaluation: {baselines: [linear]}\n")


def test_rare_labels_and_labels_that_stand_together_are_found(folder):
    result = check_config(config_of(folder, "labels: {}"), data=True)
    assert any("labels of tags that are rare: rare 3 of 200" in fault.message for fault in result.warnings)
    assert any("labels of tags that always stand together: b and c" in fault.message for fault in result.warnings)
    assert any("without a label; tags: a: " in line for line in result.data)


def test_several_targets_of_two_classes_are_told_of_the_other_meaning(folder):
    text = f"data: {{source: csv, path: flags.csv, target: [a, b], split: {{test: 0.2}}}}\n{MODEL}training: {{epochs: 1}}\n"
    result = check_config(load_config_text(text, file="c.yaml", folder=folder))
    assert any("2 targets of two classes: an output each; `data.task: multilabel`" in line for line in result.data)
    said = load_config_text(text.replace("target:", "task: multilabel, target:"), file="c.yaml", folder=folder)
    assert "labels: output added for the several labels: Dense(2, sigmoid)" in check_config(said).decisions


@pytest.mark.slow
@pytest.mark.parametrize("logits", [False, True])
def test_each_metric_and_loss_of_keras_is_refused_or_computed(folder, logits):
    model = MODEL.replace("]}", "], logits: true}") if logits else MODEL
    for name in load_catalog().names("metric"):
        if name == "accuracy" and logits:
            continue
        wanted = {"num_classes": 4, "target_class_ids": [0]} if "IoU" in name and name != "BinaryIoU" else REQUIRED.get(name, {})
        wanted = {key: value for key, value in wanted.items() if not (name.endswith("MeanIoU") and key == "target_class_ids")}
        wanted |= {"target_class_ids": [0]} if name == "BinaryIoU" else {}
        more = ", ".join(f"{key}: {value}" for key, value in wanted.items())
        training = f", metrics: [{{{name}: {{{more}}}}}]"
        if not faults_of(folder, "labels: {}", training, model):
            found = compute(config_of(folder, "labels: {}", training, model))
            assert all(np.isfinite(list(found.values()))), (name, found)
    for name in load_catalog().names("loss"):
        if not faults_of(folder, "labels: {}", f", loss: {name}", model):
            assert np.isfinite(compute(config_of(folder, "labels: {}", f", loss: {name}", model))["loss"]), name
