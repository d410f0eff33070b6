"""Stock networks: which, from where, and what they say in which words."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from dltrain.errors import DataError
from dltrain.model.weights.stock import find_stock_weights, read_classes
from dltrain.reporting import Reporter
from tests.data.sources.support import write_picture
from tests.support import run_dltrain

CLASSES = {str(code): [f"n{code:08d}", f"thing_{code}"] for code in range(1000)}


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DLTRAIN_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("DLTRAIN_OFFLINE", "1")
    (tmp_path / "data" / "weights").mkdir(parents=True)
    return tmp_path / "data" / "weights"


def test_weights_by_name_and_by_path(places: Path, tmp_path: Path) -> None:
    assert find_stock_weights("MobileNetV2", "imagenet") is None
    for name in ("mobilenetv2_imagenet.weights.h5", "mobile_net_v2_imagenet.weights.h5"):
        (places / name).write_bytes(b"")
        assert find_stock_weights("MobileNetV2", "imagenet") == places / name
        (places / name).unlink()
    assert find_stock_weights("MobileNetV2", "none") is None
    with pytest.raises(DataError, match="there is no weights file"):
        find_stock_weights("MobileNetV2", str(tmp_path / "absent.h5"))


def test_class_names(places: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="DLTRAIN_OFFLINE is set") as caught:
        read_classes(Reporter())
    assert str(places) in caught.value.faults[0].message
    index = {"0": ["n01", "tench"], "1": ["n02", "crane"], "2": ["n03", "crane"]}
    (tmp_path / "keras" / "models").mkdir(parents=True)
    (tmp_path / "keras" / "models" / "imagenet_class_index.json").write_text(json.dumps(index))
    assert read_classes(Reporter()) == ["tench", "crane (n02)", "crane (n03)"]
    (places / "imagenet_class_index.json").write_text(json.dumps(CLASSES))
    assert read_classes(Reporter())[7] == "thing_7"
    for damaged in ("{", "[]", '{"0": "tench"}', '{"1": ["n", "x"]}', "[" * 100_000, "{}"):
        (places / "imagenet_class_index.json").write_text(damaged)
        with pytest.raises(DataError):
            read_classes(Reporter())


def predict(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: os.environ[name] for name in ("DLTRAIN_DATA", "KERAS_HOME", "DLTRAIN_OFFLINE")}
    return run_dltrain("predict", *words, cwd=cwd, **environment)


@pytest.mark.slow
def test_a_network_of_its_own_weights_names_what_it_sees(places: Path, tmp_path: Path) -> None:
    from dltrain.model.keras_import import import_keras

    keras = import_keras()
    keras.utils.set_random_seed(1)
    model = keras.applications.MobileNetV2(weights=None)
    kernel, bias = model.get_layer("predictions").get_weights()
    rng = np.random.default_rng(0)
    model.get_layer("predictions").set_weights([kernel * 50, rng.normal(0, 2, bias.shape)])
    weights = tmp_path / "own.weights.h5"
    model.save_weights(weights)
    (places / "imagenet_class_index.json").write_text(json.dumps(CLASSES))
    cup = write_picture(tmp_path / "cup.jpg", (224, 224))
    done = predict("mobilenet_v2", "--data", str(cup), "--top", "3", "--weights", str(weights), "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["run"] == "MobileNetV2"
    (row,) = document["predictions"]
    from PIL import Image

    pixels = np.asarray(Image.open(cup), np.float32)[None]
    expected = np.asarray(model.predict(keras.applications.mobilenet_v2.preprocess_input(pixels), verbose=0))[0]
    best = np.argsort(-expected)[:3]
    assert row["prediction"] == f"thing_{best[0]}"
    assert [row[f"label_{place}"] for place in (1, 2, 3)] == [f"thing_{code}" for code in best]
    np.testing.assert_allclose([row[f"probability_{place}"] for place in (1, 2, 3)], expected[best], rtol=1e-4)

    done = predict("Xception", "--data", str(cup), "--top", "5", cwd=tmp_path)
    assert done.returncode == 3
    assert "the ImageNet weights of Xception are not on this machine" in done.stderr
    assert "Traceback" not in done.stderr
    notop = tmp_path / "notop.weights.h5"
    keras.applications.MobileNetV2(weights=None, include_top=False).save_weights(notop)
    (tmp_path / "text.weights.h5").write_text("hello")
    for bad in (notop, tmp_path / "text.weights.h5"):
        done = predict("MobileNetV2", "--data", str(cup), "--weights", str(bad), cwd=tmp_path)
        assert done.returncode == 3, done.stderr
        assert "does not hold the weights of MobileNetV2" in done.stderr or "not a readable weights file" in done.stderr
    assert predict("MobileNetV2", "--data", str(cup), "--word", "cup", cwd=tmp_path).returncode == 2
