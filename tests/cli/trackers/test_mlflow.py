"""A run and a sweep handed to a real MLflow with a database of its own."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from dltrain.cli.app import run

CONFIG = """
data: {source: iris, split: {test: 0.3, validation: 0.2}}
model: {layers: [{Dense: {units: 4, activation: relu}}]}
training: {epochs: 3}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mlflow")
    (folder / "iris.yaml").write_text(CONFIG)
    words = ["--over", "training.optimizer.learning_rate=0.001,0.01", "--run-dir", str(folder / "sweep")]
    assert run(["-q", "sweep", str(folder / "iris.yaml"), *words]) == 0
    return folder


def test_without_mlflow_it_is_said_how_to_install_it(folder, monkeypatch, capsys):
    monkeypatch.setattr("dltrain.cli.trackers.mlflow.importlib.util.find_spec", lambda name: None)
    assert run(["log", str(folder / "sweep"), "--to", "mlflow"]) == 2
    assert "pip install 'dltrain[mlflow]'" in capsys.readouterr().err


def test_a_sweep_and_its_trials_are_there_afterwards(folder, capsys, monkeypatch):
    pytest.importorskip("mlflow")
    from mlflow.tracking import MlflowClient

    monkeypatch.chdir(folder)
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    words = ["log", str(folder / "sweep"), "--to", "mlflow", "--uri", uri, "--experiment", "tried", "--json"]
    assert run(words) == 0
    logged = json.loads(capsys.readouterr().out)["runs"]
    assert [one["is_new"] for one in logged] == [True] * 3
    client = MlflowClient(tracking_uri=uri)
    whole, *trials = (client.get_run(one["id"]) for one in logged)
    assert [trial.data.tags["mlflow.parentRunId"] for trial in trials] == [whole.info.run_id] * 2
    assert {trial.data.params["training.optimizer.learning_rate"] for trial in trials} == {"0.001", "0.01"}
    for trial, one in zip(trials, logged[1:], strict=True):
        place = Path(one["run"])
        metrics = json.loads((place / "metrics.json").read_text())["metrics"]
        assert trial.data.metrics["test_accuracy"] == metrics["test"]["accuracy"]
        with open(place / "history.csv") as file:
            rows = list(csv.DictReader(file))
        history = client.get_metric_history(trial.info.run_id, "val_loss")
        assert [(point.step, point.value) for point in history] == [
            (int(row["epoch"]), pytest.approx(float(row["val_loss"]))) for row in rows
        ]
        assert trial.info.status == "FINISHED"
        names = {artifact.path for artifact in client.list_artifacts(trial.info.run_id)}
        assert {"config.yaml", "metrics.json", "history.csv", "results.svg", "report.html"} <= names
    assert run(words) == 0
    again = json.loads(capsys.readouterr().out)["runs"]
    assert [(one["id"], one["is_new"]) for one in again] == [(one["id"], False) for one in logged]


def test_a_server_that_is_down_is_said(folder, capsys, monkeypatch):
    pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    assert run(["log", str(folder / "sweep"), "--to", "mlflow", "--uri", "http://user:secret@127.0.0.1:9"]) == 3
    said = capsys.readouterr().err
    assert "MLflow at http://***@127.0.0.1:9 does not take the run" in said
    assert "by the same command later" in said
    assert "secret" not in said
