"""Runs on pictures: evaluated on the folder of a part, predicted and exported, they give what training stored."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dltrain.cli.app import run as command
from dltrain.data.arrays.disk_array import in_memory
from dltrain.evaluation.evaluate import evaluate
from dltrain.evaluation.export import export
from dltrain.evaluation.importance.occlusion import Occlusions
from dltrain.evaluation.importance.weigh import weigh
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


def test_covered_squares_give_what_keras_says_of_the_covered_picture(run: Path) -> None:
    result = evaluate(run)
    found = weigh(result)
    assert isinstance(found, Occlusions)
    assert result.scored is not None
    model, images = result.scored.forward.model, in_memory(result.scored.part.inputs["image"])
    rows = np.array([one.row - 1 for one in found.pictures])
    fill, whole = images[rows].mean(axis=(0, 1, 2)), model.predict(images, verbose=0)[:, 0]
    for one, row in zip(found.pictures[:3], rows):
        for top in range(7):
            covered = np.repeat(images[row][None], 6, axis=0)
            for left, picture in enumerate(covered):  # a cell is a pixel here, and half a pixel is rounded to the even one
                picture[max(0, round(top - 0.5)) : round(top + 1.5), max(0, round(left - 0.5)) : round(left + 1.5)] = fill
            falls = whole[row] - np.asarray(model(covered))[:, 0]
            np.testing.assert_allclose(one.falls[top], falls if one.said == "1" else -falls, atol=1e-5)
    assert [one.file.split("/")[-3] for one in found.pictures] == [one.true for one in found.pictures]
    assert found.pictures == sorted(found.pictures, key=lambda one: one.row)


def test_the_sheet_of_covered_squares_is_told_and_in_the_report(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["evaluate", str(run), "--importance"]) == 0
    shown = capsys.readouterr().out
    assert "importance.png" in shown
    assert max(map(len, shown.split("square of each")[0].rpartition("picture")[2].splitlines())) <= 80
    assert Image.open(run / "importance.png").width > 400
    assert command(["report", str(run), "-o", str(run.parent / "report.html")]) == 0
    assert "Where an answer hangs on" in (run.parent / "report.html").read_text()
    capsys.readouterr()
    assert command(["evaluate", str(run), "--importance", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)["importance"]
    assert (document["kind"], len(document["pictures"])) == ("occlusion", 12)
    assert command(["evaluate", str(run), "--importance-metric", "accuracy"]) == 2
    assert "columns and words" in capsys.readouterr().err
