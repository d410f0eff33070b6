"""What check says of phases, kept features and files of weights, without TensorFlow."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pytest

from dltrain.checking.check import check_config
from dltrain.checking.result import CheckResult
from dltrain.config import load_config_text
from dltrain.errors import RunError
from dltrain.model.weights.transfer import take_weights
from dltrain.storage import bounds

TEXT = """
data: {source: noise, rows: 60, shape: [32, 32, 3], split: {validation: 0.2}}
model:
  layers:
    - MobileNetV2: {alpha: 0.35, weights: none, name: net}
    - GlobalAveragePooling2D
    - Dense: {units: 4, activation: relu, name: hidden}
training:
  phases:
    - {epochs: 2}
    - {epochs: 3, unfreeze: 3}
"""


def check(*overrides: str, folder: Path = Path("/nowhere"), text: str = TEXT) -> CheckResult:
    return check_config(load_config_text(text, file="a.yaml", folder=folder, overrides=list(overrides)))


def phase_lines(result: CheckResult) -> list[str]:
    return [line for line in result.decisions if line.startswith("phase ")]


def test_parameters_of_each_phase() -> None:
    """As Keras counts them: the head alone, then with the last three layers that are no batch normalization."""
    result = check()
    assert result.exit_code == 0
    assert (result.parameters, result.trainable) == (415_337, 5_129)
    assert phase_lines(result) == [
        "phase 1 of 2: 2 epochs, 5,129 parameters trained",
        "phase 2 of 2: 3 epochs, 189,145 parameters trained",
    ]
    everything = phase_lines(check("training.phases.1.unfreeze=true"))[1]
    assert everything.endswith("401,257 parameters trained")  # all but the moving statistics of its batch normalization
    assert phase_lines(check("training.phases.1.unfreeze=net"))[1].endswith("401,257 parameters trained")
    # 112 × 1280 numbers of the last convolution
    assert phase_lines(check("training.phases.1.unfreeze=[Conv_1]"))[1].endswith(f"{5_129 + 112 * 1280:,} parameters trained")


@pytest.mark.parametrize(("trainable", "trained"), [("false", 5_129), ("true", 401_257), ("1", 148_489), ("3", 189_145)])
def test_parameters_of_a_body_that_is_trained_in_part(trainable: str, trained: int) -> None:
    result = check(f"model.layers.net.trainable={trainable}", "training.phases=null")
    assert result.trainable == trained
    assert not phase_lines(result)


def test_names_that_are_not_there_and_phases_that_do_nothing() -> None:
    [fault] = check("training.phases.1.unfreeze=[blok_16_project]").errors
    assert fault.path == "training.phases.1.unfreeze"
    assert 'did you mean "block_16_project"?' in (fault.hint or "")
    result = check("training.phases.1.unfreeze=hidden")
    assert [item.path for item in result.warnings] == ["training.phases.1.unfreeze"]
    assert "unfreezes nothing" in result.warnings[0].message
    plain = TEXT.replace("MobileNetV2: {alpha: 0.35, weights: none, name: net}", "Conv2D: {filters: 2, kernel_size: 3}")
    [fault] = check(text=plain).errors
    assert "the model has none" in fault.message
    assert fault.line == 11


def test_settings_of_a_phase_are_checked_at_its_place() -> None:
    result = check("training.phases.1.optimizer={SGD: {learning_rate: 50}}", "training.phases.1.early_stopping={patience: 9}")
    assert [item.path for item in result.warnings] == [
        "training.phases.1.optimizer.learning_rate",
        "training.phases.1.early_stopping.patience",
    ]
    [fault] = check("training.phases.1.optimizer=lamb").errors
    assert fault.path == "training.phases.1.optimizer"
    assert "an .h5 file cannot hold Lamb" in fault.message


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("data.augment=[{RandomFlip: {}}]",), "augmented anew"),
        (("model.layers.net.trainable=true",), "is trained or random"),
        (("model.layers=[Flatten, {Dense: {units: 3}}]", "training.phases.1.unfreeze=null"), "is trained or random"),
    ],
)
def test_features_that_cannot_be_kept(words: tuple[str, ...], reason: str) -> None:
    assert not check(*words).errors
    faults = check(*words, "training.cache_features=true").errors
    assert [fault.path for fault in faults] == ["training.cache_features"]
    assert reason in faults[0].message


def test_files_of_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = check("model.layers.net.weights=lost.weights.h5", folder=tmp_path)
    assert missing.exit_code == 3
    assert missing.errors[0].path == "model.layers.net.weights"
    (tmp_path / "text.weights.h5").write_text("weights\n")
    text = check(f"model.layers.net.weights={tmp_path / 'text.weights.h5'}")
    assert (text.exit_code, "is not a readable weights file" in text.errors[0].message) == (3, True)
    (tmp_path / "weights").mkdir()
    with h5py.File(tmp_path / "weights" / "there.weights.h5", "w") as file:
        file["layers/dense/vars/0"] = np.ones((2, 2), "f4")
    monkeypatch.setenv("DLTRAIN_DATA", str(tmp_path))
    config = TEXT.replace("weights: none", "weights: there.weights.h5")
    result = check(text=config, folder=tmp_path / "configs")
    assert result.exit_code == 0


def keras_file(path: Path, config: str, weights: bytes = b"") -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", config)
        archive.writestr("model.weights.h5", weights)


def hdf5(fill: Callable[[h5py.File], object]) -> bytes:
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        fill(file)
    return content.getvalue()


ONE_LAYER = '{"config": {"layers": [{"class_name": "Dense", "config": {"name": "a"}}]}}'


def hostile_files(folder: Path) -> dict[str, str]:
    """Files of weights that nobody honest makes: name -> what is said of it."""
    plain = hdf5(lambda file: file.create_dataset("layers/dense/vars/0", data=np.ones(2, "f4")))
    keras_file(folder / "nested.keras", "[" * 100_000, plain)
    keras_file(folder / "config-bomb.keras", " " * (20 << 20), plain)
    keras_file(folder / "weights-bomb.keras", ONE_LAYER, bytes(2 << 20))
    for number, config in enumerate(("[]", "{}", '{"config": {"function": "exec"}}', ONE_LAYER.replace('"a"', "[1]"))):
        keras_file(folder / f"config-{number}.keras", config, plain)
    keras_file(folder / "group.keras", ONE_LAYER, hdf5(lambda file: file.create_group("layers/dense/vars/0")))
    keras_file(folder / "text.keras", ONE_LAYER, hdf5(lambda file: file.create_dataset("layers/dense/vars/0", data=[b"abc"])))

    def named(names: object) -> bytes:
        def fill(file: h5py.File) -> None:
            file["model_weights/a/a/kernel"] = np.ones(2, "f4")
            file["model_weights/a"].attrs["weight_names"] = names

        return hdf5(fill)

    (folder / "names.h5").write_bytes(named(["a/kernel"] * 1000))
    (folder / "group.h5").write_bytes(named(np.array([b"a"])))
    (folder / "array.h5").write_bytes(hdf5(lambda file: file.create_dataset("model_weights", data=1)))
    (folder / "link.h5").write_bytes(hdf5(lambda file: file.update({"model_weights": h5py.ExternalLink("/etc/passwd", "x")})))
    large = {"shape": (1 << 40,), "dtype": "f4", "chunks": (1024,)}
    (folder / "declared.h5").write_bytes(hdf5(lambda file: file.create_dataset("x", **large)))
    return {
        **{f"config-{number}.keras": "its config" for number in range(4)},
        "nested.keras": "not a readable weights file",
        "config-bomb.keras": "more than it can be",
        "weights-bomb.keras": "more than it can be",
        "group.keras": "is no array",
        "text.keras": "weights are numbers",
        "names.h5": "names more than",
        "group.h5": "is no array",
        "array.h5": "no group of layers",
        "link.h5": "holds a link",
        "declared.h5": "not plain",
    }


def test_hostile_files_of_weights_are_refused_by_check_as_by_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "ALWAYS_ALLOWED", 1 << 20)
    model = SimpleNamespace(layers=())
    for name, said in hostile_files(tmp_path).items():
        [fault] = check(f"model.weights={tmp_path / name}").errors
        assert fault.path == "model.weights"
        assert said in fault.message, name
        with pytest.raises(RunError, match=re.escape(said)):
            take_weights(model, tmp_path / name)
