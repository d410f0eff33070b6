"""Runs on pictures: evaluated on the folder of a part, predicted and exported, they give what training stored."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dltrain.evaluation.evaluate import evaluate
from dltrain.evaluation.export import export
from dltrain.evaluation.predictions.predict import predict
from dltrain.model.keras_import import import_keras
from dltrain.training.fit import fit
from tests.training.support import config_of

TEXT = """
name: deep
data:
  source: image_folder
  path: train
  test: test
  image_size: [7, 6]
  color: grayscale
  interpolation: lanczos
model: {layers: [Flatten]}
training: {epochs: 3, batch_size: 4, optimizer: {Adam: {learning_rate: 0.02}}, metrics: [accuracy]}
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """On grey pictures of 12 of 16 bits, in folders of classes that hold folders called like classes."""
    folder = tmp_path_factory.mktemp("deep")
    rng = np.random.default_rng(0)
    for part in ("train", "test"):
        for label in "01":
            for writer in "01":
                for index in range(4):
                    path = folder / part / label / writer / f"{index}.png"
                    path.parent.mkdir(parents=True, exist_ok=True)
                    values = rng.integers(0, 3000, (15, 13))
                    values[int(label) * 7 : int(label) * 7 + 7] += 1000
                    Image.fromarray(values.astype(np.uint16)).save(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DLTRAIN_CACHE", str(folder / "cache"))
        fit(config_of(TEXT, folder=folder), run_dir=folder / "run")
    return folder / "run"


def test_c1_the_folder_of_a_part_gives_the_metrics_of_the_part(run: Path) -> None:
    stored = json.loads((run / "metrics.json").read_text())["metrics"]["test"]
    assert evaluate(run, data=[str(run.parent / "test")]).metrics == stored
    assert evaluate(run).metrics == stored


def test_c4_an_export_takes_the_values_of_the_files(run: Path, tmp_path: Path) -> None:
    files = sorted((run.parent / "test").rglob("*.png"))
    made = predict(run, data=[str(file) for file in files])
    assert made.probabilities is not None
    export(run, destination=tmp_path / "deep.keras")
    model = import_keras().models.load_model(tmp_path / "deep.keras")
    values = np.stack([np.asarray(Image.open(file)).astype(np.float32)[..., np.newaxis] for file in files])
    probabilities = np.asarray(model.predict({"image": values}, verbose=0)["probabilities"])
    # A grey level may differ where a sum is rounded in float32.
    np.testing.assert_allclose(probabilities, np.stack(list(made.probabilities.values()), axis=1), atol=0.01)
    assert np.ptp(probabilities[:, 0]) > 0.1
