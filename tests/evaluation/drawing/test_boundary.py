"""The decision boundary of a net on two columns, and the curve of an activation, as pictures."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.axes import Axes
from PIL import Image

from dltrain.cli.app import run as command

CONFIG = """\
data: {source: csv, path: t.csv, target: y, task: TASK, split: {test: 0.3}}
model: {layers: [{Dense: {units: 4, activation: tanh}}]}
training: {epochs: 1}
"""


@pytest.fixture
def table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    generator = np.random.default_rng(0)
    rows = generator.normal(size=(60, 2))
    lines = [f"{a:.3f};{b:.3f};{'left ' if a < 0 else 'Right'};{a + b:.3f};{index % 5}" for index, (a, b) in enumerate(rows)]
    (tmp_path / "t.csv").write_text("a;b;side;sum;z\n" + "\n".join(lines).replace(".", ",") + "\n")

    def fit(target, task, *words):
        text = CONFIG.replace("target: y", f"target: {target}").replace("TASK", task)
        (tmp_path / "c.yaml").write_text(text)
        assert command(["fit", "c.yaml", "--run-dir", "run", "-q", "data.features=[a, b]", *words]) == 0

    return fit


@pytest.mark.parametrize(
    ("target", "task"),
    [
        ("side", "classification"),
        *(pytest.param(*both, marks=pytest.mark.slow) for both in (("sum", "regression"), ("z", "classification"))),
    ],
)
def test_f8_a_boundary_over_two_columns(target, task, table, tmp_path, capsys, monkeypatch):
    table(target, task)
    drawn = []
    monkeypatch.setattr(Axes, "scatter", lambda axes, x, y, *rest, **more: drawn.append([x, y]))
    assert command(["trace", "run", "--plot", "b.png"]) == 0
    told = capsys.readouterr()
    assert "is drawn in b.png" in told.out
    assert "plane.parquet" not in told.err
    assert len(drawn) == (1 if task == "regression" else 2 if target == "side" else 5)
    rows = np.random.default_rng(0).normal(size=(60, 2)).round(3)  # the rows of the table, read with its decimal commas
    np.testing.assert_allclose(np.sort(np.concatenate(drawn, axis=1), axis=1), np.sort(rows.T, axis=1), atol=1e-9)
    picture = np.asarray(Image.open(tmp_path / "b.png").convert("RGB"))
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 20
    assert command(["trace", "run", "--plot", "b.png"]) == 6
    assert command(["trace", "run", "--plot", "b.png", "--force"]) == 0


def test_f8_other_runs_have_no_plane(table, capsys):
    table("side", "classification", "data.features=[a, b, z]")
    assert command(["trace", "run", "--plot", "b.png"]) == 2
    assert "two number columns" in capsys.readouterr().err


def test_f8_explain_draws_an_activation(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert command(["explain", "relu", "--plot", "relu.png"]) == 0
    assert Image.open("relu.png").size[0] > 300
    assert command(["explain", "relu", "--plot", "relu.png"]) == 6
    assert command(["explain", "softmax", "--plot", "softmax.png"]) == 2
    assert command(["explain", "Dense", "--plot", "dense.png"]) == 2
    capsys.readouterr()
