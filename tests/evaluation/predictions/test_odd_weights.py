"""Weights that are no finite numbers are said by predict where an activation hides them in the answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dltrain.config import load_config_text
from dltrain.evaluation.load_run import StoredRun
from dltrain.evaluation.predictions.predict import predict
from dltrain.training.fit import fit

TEXT = "data: {source: iris}\nmodel: {layers: [{Dense: {units: 3, activation: relu, name: a}}]}\ntraining: {epochs: 1}"


def test_weights_that_a_relu_hides_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = fit(load_config_text(TEXT, folder=tmp_path), run_dir=tmp_path / "run").run
    (tmp_path / "x.csv").write_text("sepal length (cm),sepal width (cm),petal length (cm),petal width (cm)\n5,3,1,1\n6,3,4,1\n")
    build = StoredRun.build
    assert not any("weights of the model" in note for note in predict(run, data=[str(tmp_path / "x.csv")]).notes)

    def damaged(self, *words, **more):
        model = build(self, *words, **more)
        weight = model.weights[1]  # the bias below relu
        weight.assign(np.full(weight.shape, -np.inf))
        return model

    monkeypatch.setattr(StoredRun, "build", damaged)
    monkeypatch.setattr("dltrain.evaluation.load_run._KEPT", [])  # the model that said nothing
    notes = predict(run, data=[str(tmp_path / "x.csv")]).notes
    assert any("weights of the model are not finite numbers" in note for note in notes)
