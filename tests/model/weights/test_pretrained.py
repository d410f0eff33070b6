"""Weights of bodies: found, read, and refused with their place where they are not what they should be."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dltrain.config.types import Component, Place
from dltrain.errors import DataError
from dltrain.model.application import apply_application
from dltrain.model.keras_import import import_keras
from dltrain.model.weights.pretrained import find_imagenet, load_pretrained

SHAPE = (32, 32, 3)


@pytest.fixture(scope="module")
def body() -> Any:
    """The smallest network there is."""
    keras = import_keras()
    return keras.applications.MobileNetV2(alpha=0.35, include_top=False, weights=None, input_shape=SHAPE)


@pytest.fixture(scope="module")
def file(body: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "mobile_net_v2_imagenet_notop.weights.h5"
    body.save_weights(path)
    return path


def put_behind_pictures(weights: str | None) -> Any:
    keras = import_keras()
    inputs = keras.Input(SHAPE)
    component = Component("application", "MobileNetV2", {"alpha": 0.35, "weights": weights}, Place("a.yaml", 5, 7))
    outputs = apply_application(keras, component, "net", inputs, pretrained=True, path="model.layers.0")
    return keras.Model(inputs, outputs)


def test_a_file_is_read_and_the_same_by_the_name_imagenet(body: Any, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = file.parent
    monkeypatch.setenv("KERAS_HOME", str(folder / "nothing"))
    monkeypatch.setenv("DLTRAIN_DATA", str(folder.parent))
    folder.rename(folder.parent / "weights")
    try:
        there = folder.parent / "weights" / file.name
        assert find_imagenet("MobileNetV2") == there
        expected = body.get_weights()
        for weights in (str(there), "imagenet"):
            layer = put_behind_pictures(weights).get_layer("net")
            for ours, theirs in zip(layer.get_weights(), expected, strict=True):
                np.testing.assert_array_equal(ours, theirs)
            assert not layer.trainable_variables
    finally:
        (folder.parent / "weights").rename(folder)


def test_names_do_not_count_on_from_model_to_model(file: Path) -> None:
    paths = [[variable.path for variable in put_behind_pictures(str(file)).variables] for _ in range(2)]
    assert paths[0] == paths[1]


def test_imagenet_offline_says_what_to_put_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DLTRAIN_DATA", "KERAS_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("DLTRAIN_OFFLINE", "1")
    with pytest.raises(DataError) as caught:
        put_behind_pictures("imagenet")
    [fault] = caught.value.faults
    assert "mobilenetv2_imagenet_notop.weights.h5" in fault.message
    assert (fault.file, fault.line, fault.path) == ("a.yaml", 5, "model.layers.0.weights")
    assert caught.value.exit_code == 3


def test_wrong_files_are_named(body: Any, file: Path, tmp_path: Path, thorough: bool) -> None:
    import h5py

    keras = import_keras()
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)]).save_weights(tmp_path / "other.weights.h5")
    whole = file.read_bytes()
    files = {
        "other.weights.h5": "does not hold the weights of MobileNetV2",
        "cut.weights.h5": "does not hold the weights of MobileNetV2",
        "text.weights.h5": "does not hold the weights of MobileNetV2",
        "link.weights.h5": "holds a link",
        "large.weights.h5": "larger than they can be",
        "missing.weights.h5": "there is no weights file",
    }
    if thorough:
        wider = keras.applications.MobileNetV2(alpha=0.5, include_top=False, weights=None, input_shape=SHAPE)
        wider.save_weights(tmp_path / "wider.weights.h5")
        files["wider.weights.h5"] = "does not hold the weights of MobileNetV2"
    (tmp_path / "cut.weights.h5").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.weights.h5").write_text("weights\n")
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as linked:
        linked["layers"] = h5py.ExternalLink("/etc/passwd", "/")
    (tmp_path / "link.weights.h5").write_bytes(buffer.getvalue())
    with open(tmp_path / "large.weights.h5", "wb") as large:
        large.truncate(1 << 30)
    before = body.get_weights()
    for name, message in files.items():
        with pytest.raises(DataError, match=message) as caught:
            load_pretrained(body, tmp_path / name, "MobileNetV2")
        assert name in str(caught.value)
    load_pretrained(body, file, "MobileNetV2")
    for ours, theirs in zip(body.get_weights(), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)
