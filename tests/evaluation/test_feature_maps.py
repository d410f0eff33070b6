"""`trace RUN --features IMAGE`: the maps of a layer, held against the sums written out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from dltrain.cli.app import run as run_command
from dltrain.config import load_config_text
from dltrain.errors import UsageError
from dltrain.evaluation.feature_maps import plot_feature_maps
from dltrain.evaluation.run_weights import weights_of
from dltrain.reporting import Reporter
from dltrain.training.fit import fit

TEXT = """
data: {source: digits, scale: unit, limit: 60, split: {test: 0.5}}
model:
  layers:
    - Conv2D: {filters: 3, kernel_size: 3, activation: relu}
    - MaxPooling2D
    - Flatten
    - Dense: {units: 5, name: narrow}
training: {epochs: 1}
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    from PIL import Image
    from sklearn.datasets import load_digits

    folder = tmp_path_factory.mktemp("maps")
    Image.fromarray((load_digits().images[5] * 15).astype(np.uint8)).save(folder / "five.png")
    fit(load_config_text(TEXT, folder=folder), run_dir=folder / "run")
    return folder / "run"


def test_f8_the_maps_are_the_sums_of_the_kernel_over_the_picture(run, tmp_path):
    maps = plot_feature_maps(run, str(run.parent / "five.png"), tmp_path / "maps.png", reporter=Reporter())
    assert (maps.layer, maps.values.shape, maps.num_drawn) == ("conv2d", (6, 6, 3), 3)
    assert (tmp_path / "maps.png").read_bytes().startswith(b"\x89PNG")
    kernel, bias = (weight.values for weight in weights_of(run)[1] if weight.layer == "conv2d")
    from dltrain.data import read_part
    from dltrain.evaluation.load_run import load_run

    pixels = next(
        iter(read_part(load_run(run).preprocessing, [str(run.parent / "five.png")], with_targets=False).inputs.values())
    )[0]
    for row, column in ((0, 0), (2, 3), (5, 5)):
        window = np.asarray(pixels, np.float64)[row : row + 3, column : column + 3]
        expected = np.maximum(np.tensordot(window, kernel, axes=3) + bias, 0)
        np.testing.assert_allclose(maps.values[row, column], expected, atol=1e-5)


def test_f8_a_layer_by_its_name_and_one_that_gives_no_maps(run, tmp_path):
    image, picture = str(run.parent / "five.png"), tmp_path / "maps.png"
    maps = plot_feature_maps(run, image, picture, layer="max_pooling2d", reporter=Reporter())
    assert maps.values.shape == (3, 3, 3)
    for layer, said in (("narrow", r"gives \[5\] for each picture"), ("none", "has no layer 'none'")):
        with pytest.raises(UsageError, match=said) as caught:
            plot_feature_maps(run, image, picture, layer=layer, reporter=Reporter())
        assert caught.value.faults[0].hint == "layers with maps: conv2d, max_pooling2d"


def test_f8_the_command(run, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    image = str(run.parent / "five.png")
    assert run_command(["trace", str(run), "--features", image, "--plot", "a.png", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["layer"], document["shape"], document["drawn"]) == ("conv2d", [6, 6, 3], 3)
    assert run_command(["trace", str(run), "--features", image, "--plot", "a.png"]) == 6
    assert run_command(["trace", str(run), "--features", image]) == 2
    assert run_command(["trace", str(run), "--layer", "conv2d", "--plot", "b.png"]) == 2
    assert run_command(["trace", str(run), "--features", "none.png", "--plot", "b.png"]) == 3
    assert not (tmp_path / "b.png").exists()
