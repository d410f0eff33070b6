from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dltrain.checking import CheckResult, check_config, check_dataset, check_file, raise_for_errors
from dltrain.cli.app import run
from dltrain.config import load_config, load_config_text
from dltrain.data import load_dataset
from dltrain.errors import ConfigError, DataError, UsageError
from tests.support import CONFIGS, REPOSITORY


def check(text: str, folder: Path = CONFIGS) -> CheckResult:
    return check_config(load_config_text(text, file="c.yaml", folder=folder))


def counts(result: CheckResult) -> list[int | None]:
    return [row.parameters for row in result.layers]


@pytest.mark.parametrize(
    ("source", "layers", "expected"),
    [
        ("mnist", "[Flatten, Dense: {units: 64}, Dense: {units: 64}]", [0, 50_240, 4_160, 650]),
        ("noise, shape: [4], classes: 0", "[Dense: {units: 10}]", [50, 11]),
        ("noise, shape: [3], classes: 0", "[Dense: {units: 5}]", [20, 6]),
        ("lfw_people, min_faces_per_person: 200, resize: 0.25", "[Flatten, Dense: {units: 20}, Dense: {units: 10}]", [0, 14_280, 210, 11]),
    ],
)  # fmt: skip
def test_parameters_layer_by_layer(source: str, layers: str, expected: list[int]) -> None:
    result = check(f"data: {{source: {source}}}\nmodel: {{layers: {layers}}}\n")
    assert counts(result) == expected
    assert result.parameters == sum(expected)
    assert result.exit_code == 0


def test_the_arithmetic_is_written_out() -> None:
    result = check("data: {source: mnist}\nmodel: {layers: [Flatten, Dense: {units: 64}, BatchNormalization]}\n")
    assert result.layers[1].arithmetic == "784×64 + 64 = 50,240"
    assert result.layers[2].arithmetic == "64 + 64 + 64 + 64 = 256, 128 of them fixed"
    assert (result.parameters, result.trainable) == (50_240 + 256 + 650, 50_240 + 128 + 650)


@pytest.mark.parametrize(
    ("arguments", "shape", "people"),
    [
        ("min_faces_per_person: 200, resize: 0.25", (31, 23, 1), 2),
        ("min_faces_per_person: 70, resize: 0.5", (62, 47, 1), 7),
        ("min_faces_per_person: 30, resize: 1.0, color: true", (125, 94, 3), 34),
    ],
)
def test_faces_by_their_arguments(arguments: str, shape: tuple[int, ...], people: int) -> None:
    result = check(f"data: {{source: lfw_people, {arguments}}}\nmodel: {{layers: [Identity, Flatten]}}\n")
    assert result.layers[0].output_shape == shape
    assert result.layers[-1].output_shape == ((people,) if people > 2 else (1,))


def test_an_unknown_layer_is_marked_and_what_follows_too() -> None:
    result = check(
        "data: {source: iris}\nmodel: {layers: [EinsumDense: {equation: '...b,bc->...c', output_shape: 4}, Dense: {units: 3}]}\n"
    )
    assert [row.output_shape for row in result.layers] == [None, None, None]
    assert "check does not follow the equation" in result.layers[0].note
    assert result.parameters is None
    assert not result.errors


def test_a_frozen_body_behind_resizing() -> None:
    layers = "[Resizing: {height: 150, width: 150}, Xception: {weights: none}, GlobalAveragePooling2D]"
    result = check(f"data: {{source: cifar10}}\nmodel: {{layers: {layers}}}\n")
    body = next(row for row in result.layers if row.layer == "Xception")
    assert (body.output_shape, body.parameters, body.trainable) == ((5, 5, 2048), 20_861_480, 0)
    assert result.layers[-1].parameters == 20_490


def test_refused_layers_do_not_cascade_and_all_are_named() -> None:
    text = """data: {source: iris}
model:
  layers:
    - Conv2D: {filters: 3, kernel_size: 2}
    - Dense: {units: 3}
    - Dense: {units: 8, name: a, from: features}
    - LSTM: {units: 3}
training: {metrics: [AUC], loss: sparse_categorical_crossentropy, class_weight: {nobody: 2}}
"""
    result = check(text)
    assert [(fault.line, fault.path) for fault in result.errors] == [
        (4, "model.layers.0"),
        (7, "model.layers.3"),
        (8, "training.metrics.0"),
        (8, "training.class_weight.nobody"),
    ]
    with pytest.raises(ConfigError) as caught:
        raise_for_errors(result)
    assert len(caught.value.faults) == 4


def test_a_swept_value_that_does_not_fit() -> None:
    text = "data: {source: iris}\nmodel: {layers: [Dense: {units: 3, name: h}]}\nsweep:\n  parameters:\n    model.layers.h.units: [3, x]\n"
    [fault] = check(text).errors
    assert (fault.line, fault.path) == (5, "sweep.parameters.model.layers.h.units")


def test_each_swept_value_that_does_not_fit_is_said_and_a_wrong_key_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    values = "model.layers.h.units: [3, x, 0], model.layers.h.unit: [1, 2], training.epochs: [1, 0]"
    text = f"data: {{source: iris}}\nmodel: {{layers: [Dense: {{units: 3, name: h}}]}}\nsweep: {{parameters: {{{values}}}}}\n"
    (tmp_path / "c.yaml").write_text(text)
    assert run(["check", str(tmp_path / "c.yaml"), "--format", "json"]) == 2
    found = [(fault["path"], fault["message"]) for fault in json.loads(capsys.readouterr().out)["files"][0]["errors"]]
    assert found == [
        ("sweep.parameters.model.layers.h.units", 'expected a whole number of at least 1, found text "x", in "model.layers.h.units="x""'),
        ("sweep.parameters.model.layers.h.units", 'expected a whole number of at least 1, found 0, in "model.layers.h.units=0"'),
        ("sweep.parameters.model.layers.h.unit", 'unknown argument of Dense, in "model.layers.h.unit=1"'),
        ("sweep.parameters.training.epochs", 'expected a whole number of at least 1, found 0, in "training.epochs=0"'),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("gate", "message"),
    [
        ("acuracy>=0.9", "no metric acuracy"),
        ("roc_auc>=0.9", "no metric roc_auc"),  # of two classes only
        ("rmse<=3", "no metric rmse"),
        ("f1[setossa]>=0.5", "there is no class 'setossa'"),
        ("val_accuracy>=0.5", "no validation part"),
        ("accuracy>=0.9", None),
        ("SparseCategoricalAccuracy>=0.9", None),
        ("test.F1Score>=0.9", None),
        ("train.loss<=1", None),
        ("f1[setosa]>=0.5", None),
    ],
)
def test_gates_name_what_there_will_be(gate: str, message: str | None) -> None:
    config = load_config(CONFIGS / "iris.yaml").requiring([gate])
    result = check_dataset(config, load_dataset(config.data, seed=config.seed))
    assert [fault.message.split(" to require")[0] for fault in result.errors] == ([message] if message else [])


@pytest.mark.parametrize(
    ("gate", "is_said"),
    [
        ("accuracy>=95", "95 % is 0.95"),
        ("val_accuracy>1", ""),
        ("f1[setosa]>=1.01", "1.01 % is 0.0101"),
        ("accuracy<0", ""),
        ("accuracy>=1", None),
        ("loss>=2", None),
        ("accuracy<=1.5", None),
    ],
)
def test_d7_a_gate_that_nothing_can_meet_is_said(gate: str, is_said: str | None) -> None:
    config = load_config(CONFIGS / "iris.yaml", ["data.split.validation=0.2"]).requiring([gate])
    result = check_config(config)
    found = [(fault.path, fault.hint or "") for fault in result.warnings if "is never met" in fault.message]
    assert found == ([] if is_said is None else [("--require", is_said)])


def test_a_gate_needs_rows_that_were_not_trained_on() -> None:
    config = load_config(CONFIGS / "iris.yaml", ["data.split={}"])
    assert "neither a test nor a validation part" in check_config(config.requiring(["accuracy>=0.9"])).errors[0].message
    assert not check_config(config.requiring(["train.accuracy>=0.9"])).errors


def test_data_that_is_not_there_is_an_error_of_the_data(tmp_path: Path) -> None:
    (tmp_path / "weather.csv").write_text("a,y\n1,2\n")
    result = check("data: {source: csv, path: wether.csv, target: y}\n", tmp_path)
    [fault] = result.errors
    assert (result.exit_code, fault.line, fault.path) == (3, 1, "data.path")
    assert 'did you mean "weather.csv"?' in str(fault.hint)
    with pytest.raises(DataError):
        raise_for_errors(result)


def test_classes_with_fewer_rows_than_parts(tmp_path: Path) -> None:
    rows = "".join(f"{i},{'rare' if i < 2 else 'x' if i % 2 else 'z'}\n" for i in range(60))
    (tmp_path / "t.csv").write_text("a,y\n" + rows)
    result = check("data:\n  source: csv\n  path: t.csv\n  target: y\n  split: {test: 0.2, validation: 0.2}\n", tmp_path)
    assert any("'rare' (2 rows)" in fault.message and fault.line == 5 for fault in result.warnings)


def test_a_dataset_that_was_read_gives_the_layers_that_its_config_does() -> None:
    config = load_config(CONFIGS / "digits.yaml")
    dataset = load_dataset(config.data, seed=config.seed)
    result = check_dataset(config, dataset)
    assert result.layers == check_config(config).layers
    assert raise_for_errors(result) is result


def test_nothing_heavy_is_imported() -> None:
    program = (
        "import sys\nfrom dltrain.config import load_config\nfrom dltrain.checking import check_config\n"
        f"result = check_config(load_config({str(CONFIGS / 'lfw7.yaml')!r}))\nassert result.parameters == 14567, result\n"
        "heavy = {'tensorflow', 'keras', 'sklearn', 'matplotlib', 'polars', 'numpy', 'pandas', 'PIL'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_what_the_data_says_of_an_override_names_the_override(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("y,w\n1,2\n3,4\n5,6\n")
    text = "data: {source: csv, path: a.csv, target: y}\n"
    config = load_config_text(text, file="c.yaml", folder=tmp_path, overrides=["data.target=z", "data.drop=q"])
    found = [(fault.file, fault.path, fault.message.partition(", in ")[2]) for fault in check_config(config).errors]
    assert found == [(None, "data.target", '"data.target=z"'), (None, "data.drop", '"data.drop=q"')]


def test_an_archive_without_the_array_that_is_the_target(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "a.npz", x=rng.random((50, 3)), y=rng.random(50), z=rng.integers(2, size=50))
    text = "data: {source: npz, path: a.npz, target: TARGET}\nmodel: {layers: [Dense: {units: 2}]}\n"
    assert check(text.replace("TARGET", "z"), tmp_path).layers[-1].output_shape == (1,)
    assert "2 classes" in "".join(check(text.replace("TARGET", "z"), tmp_path).decisions)
    [fault] = check(text.replace("TARGET", "q"), tmp_path).errors
    assert (fault.path, "holds no array 'q'" in fault.message) == ("data.target", True)
    with pytest.raises(ConfigError, match=r"data\.drop: is for tables"):
        check(text.replace("TARGET", "y, drop: [a]"), tmp_path)


def test_cross_entropy_of_a_reconstruction_needs_shares() -> None:
    text = "data: {source: diabetes, task: reconstruction}\nmodel: {layers: [Dense: {units: 2}]}\ntraining: {loss: bce}\n"
    [fault] = check(text).warnings
    assert "BinaryCrossentropy takes a target between 0 and 1" in fault.message
    assert not check(text.replace("task", "scale: minmax, task")).warnings


def test_a_reconstruction_says_what_it_leaves_out(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,z,note\n" + "1,2,good\n3,4,bad\n5,7,good\n" * 9)
    text = "data: {source: csv, path: a.csv, task: reconstruction, features: {x: number, z: number, note: text}}\n"
    faults = check(text + "model: {layers: [Dense: {units: 1}]}\n", tmp_path).warnings
    assert any("note: read, but not reconstructed" in fault.message for fault in faults)


@pytest.mark.parametrize(
    "swept",
    [
        "training.optimizer: [adam, {SGD: {learning_rate: 0.1}}]",
        "model.layers: [[{Dense: {units: 3}}], [{Dense: {units: 4, activation: relu}}, {Dropout: {rate: 0.2}}], []]",
        "training.metrics: [[accuracy], [{AUC: {name: area, curve: PR}}, accuracy]]",
        "training.class_weight: [null, balanced]",
        "training.early_stopping: [{monitor: val_loss, patience: 1}, null]",
        "data.features: [[a], [a, b]]",
        "data.drop: [[], [b]]",
    ],
)
def test_f2_check_takes_the_sweeps_that_sweep_runs(tmp_path, swept):
    rows = [f"{index % 7},{index % 3},{'yes' if index % 2 else 'no'}" for index in range(80)]
    (tmp_path / "t.csv").write_text("\n".join(["a,b,y", *rows]) + "\n")
    file = tmp_path / "config.yaml"
    file.write_text(
        "data: {source: csv, path: t.csv, target: y, split: {test: 0.25, validation: 0.25}}\n"
        "model: {layers: [{Dense: {units: 2}}]}\ntraining: {epochs: 1}\n"
        f"sweep: {{parameters: {{{swept}}}}}\n"
    )
    assert run(["check", str(file)]) == 0
    file.write_text(file.read_text().replace("SGD", "SDG").replace("units: 3", "unit: 3").replace("curve: PR", "curve: RP"))
    wrong = "SDG" in file.read_text() or "unit: 3" in file.read_text() or "RP" in file.read_text()
    assert run(["check", str(file)]) == (2 if wrong else 0)


def test_a_wrong_environment_variable_is_no_fault_of_the_data(tmp_path, monkeypatch):
    (tmp_path / "t.csv").write_text("x,y\n" + "\n".join(f"{row},{row % 2}" for row in range(20)))
    (tmp_path / "c.yaml").write_text("data: {source: csv, path: t.csv, target: y}\nmodel: {layers: [{Dense: {units: 2}}]}\n")
    monkeypatch.setenv("DLTRAIN_STREAM_BYTES", "much")
    with pytest.raises(UsageError, match="DLTRAIN_STREAM_BYTES: expected a whole number, found 'much'"):
        check_file(str(tmp_path / "c.yaml"))


@pytest.mark.parametrize(("more", "is_warned"), [("", False), ("training: {batch_size: 256}\n", True)])
@pytest.mark.parametrize("preset", ["realmlp", "tabm"])
def test_the_batch_of_a_preset_is_not_said_to_be_unusual(preset: str, more: str, is_warned: bool) -> None:
    text = f"data: {{source: iris, split: {{test: 0.25}}}}\nmodel: {{preset: {preset}}}\n{more}"
    found = [fault.path for fault in check(text).warnings if "larger than the training part" in fault.message]
    assert found == (["training.batch_size"] if is_warned else [])


@pytest.mark.parametrize("axes", ["text", "b"])
def test_a_bias_along_axes_that_are_not_put_out_is_refused(axes: str) -> None:
    text = f"data: {{source: iris}}\nmodel: {{layers: [EinsumDense: {{equation: 'ab,bc->ac', output_shape: 4, bias_axes: {axes}}}]}}\n"
    result = check(text)
    assert any("bias_axes" in fault.message for fault in result.errors)


@pytest.mark.parametrize(
    "layer",
    [
        "Dense: {units: 4, activation: GLU}",
        "Activation: {activation: threshold}",
        "Conv1D: {filters: 4, kernel_size: 2, activation: glu}",
    ],
)
def test_activations_that_no_layer_of_keras_computes_are_refused(layer: str) -> None:
    before = "Reshape: {target_shape: [4, 1]}, " if "Conv" in layer else ""
    result = check(f"data: {{source: iris}}\nmodel: {{layers: [{before}{layer}, Flatten, Dense: {{units: 3}}]}}\n")
    [fault] = [fault for fault in result.errors if "cannot have the activation" in fault.message]
    assert fault.line == 2
