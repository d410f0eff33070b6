"""A run and a sweep handed to a real MLflow with a database of its own."""

from __future__ import annotations

import csv
import json
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from dltrain.cli.app import run
from dltrain.cli.trackers.mlflow_model import by_column
from dltrain.model.export.exported_model import COLUMNS_FILE, _load_pyfunc

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
    assert run(["log", str(folder / "sweep"), "--to", "mlflow", "--uri", "http://user:secret@127.0.0.1:9"]) == 3
    said = capsys.readouterr().err
    assert "MLflow at http://***@127.0.0.1:9 cannot be reached" in said
    assert "`dltrain log RUN --to mlflow` sends it later" in said
    assert "secret" not in said


def test_what_mlflow_prints_is_not_among_the_results(tmp_path, capsys, monkeypatch):
    pytest.importorskip("mlflow")
    import mlflow
    from mlflow.tracking import MlflowClient

    monkeypatch.chdir(tmp_path)
    before = MlflowClient.set_terminated

    def said_links(*words, **options):  # as with a server, whose address it has
        print("View run at: http://127.0.0.1:5000/#/experiments/1")
        warnings.warn("\033[1;33mno input example\033[0m", stacklevel=1)
        return before(*words, **options)

    monkeypatch.setattr(mlflow.tracking.MlflowClient, "set_terminated", said_links)
    (tmp_path / "iris.yaml").write_text(CONFIG)
    assert run(["-q", "fit", "iris.yaml", "training.epochs=1", "--run-dir", "run"]) == 0
    capsys.readouterr()
    assert run(["log", "run", "--to", "mlflow", "--uri", f"sqlite:///{tmp_path / 'quiet.db'}", "--json"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["status"] == "finished"
    assert "\033" not in said.err


def test_a_run_is_there_while_it_is_trained_with_its_model(tmp_path, monkeypatch, capsys):
    pytest.importorskip("mlflow")
    import mlflow
    import pandas as pd
    from mlflow.tracking import MlflowClient

    uri = f"sqlite:///{tmp_path / 'live.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.chdir(tmp_path)
    rows = [f"{i % 7 / 7},{'ab'[i % 2]},{['no', 'yes'][(i * i) % 5 > 1]}" for i in range(200)]
    (tmp_path / "d.csv").write_text("\n".join(["x (cm),c,y", *rows]) + "\n")
    (tmp_path / "c.yaml").write_text(
        "name: live\ndata: {source: csv, path: d.csv, target: y, split: {test: 0.3}}\n"
        "model: {layers: [{Dense: {units: 4, activation: relu}}]}\ntraining: {epochs: 3, track: mlflow}\n"
    )
    assert run(["fit", "c.yaml", "--run-dir", "run", "--json"]) == 0
    assert not [item for item in json.loads(capsys.readouterr().out)["warnings"] if "mlflow" in item["message"].lower()]
    client = MlflowClient(tracking_uri=uri)
    (found,) = client.search_runs([client.get_experiment_by_name("live").experiment_id])
    assert found.info.status == "FINISHED"
    history = client.get_metric_history(found.info.run_id, "loss")
    assert [point.step for point in history] == [1, 2, 3]
    assert history[0].timestamp <= history[1].timestamp <= history[2].timestamp
    mlflow.set_tracking_uri(uri)
    model = mlflow.pyfunc.load_model(f"runs:/{found.info.run_id}/model")
    assert [column.name for column in model.metadata.signature.inputs] == ["x (cm)", "c"]
    table = pd.read_csv(tmp_path / "d.csv")[["x (cm)", "c"]]
    said = model.predict(table)
    assert run(["predict", "run", "--data", "d.csv", "-o", "p.csv"]) == 0
    ours = pd.read_csv(tmp_path / "p.csv")
    assert said["prediction"].tolist() == ours["prediction"].tolist()
    np.testing.assert_allclose(np.stack(said["probabilities"])[:, 1], ours["probability_yes"], atol=1e-5)
    # What is gone on with goes on there, and its epochs are there once.
    assert run(["-q", "fit", "--resume", "run", "training.epochs=5"]) == 0
    (again,) = client.search_runs([client.get_experiment_by_name("live").experiment_id])
    assert again.info.run_id == found.info.run_id
    assert [point.step for point in client.get_metric_history(found.info.run_id, "loss")] == [1, 2, 3, 4, 5]
    capsys.readouterr()
    assert run(["log", "run", "--to", "mlflow", "--experiment", "live", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["runs"] == [{"run": "run", "id": found.info.run_id, "is_new": False}]


def records_of(data: bytes) -> Iterator[bytes]:
    """The records of wandb's file: LevelDB's log, of blocks of 32 KiB, behind seven bytes that say whose it is."""
    place, record = 7, b""
    while place + 7 <= len(data):
        if (left := 32768 - place % 32768) < 7:
            place += left
            continue
        length, kind = int.from_bytes(data[place + 4 : place + 6], "little"), data[place + 6]
        record += data[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):  # whole, or the last piece
            yield record
            record = b""


def test_wandb_has_it_all_in_its_offline_mode(folder, monkeypatch, capsys, tmp_path):
    pytest.importorskip("wandb")
    from wandb.proto import wandb_internal_pb2

    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    trial = next(file.parent for file in (folder / "sweep" / "trials").glob("*/manifest.json"))
    assert run(["log", str(trial), "--to", "wandb", "--json"]) == 0
    identity = json.loads(capsys.readouterr().out)["runs"][0]["id"]
    (file,) = tmp_path.glob(f"wandb/offline-run-*-{identity}/*.wandb")
    epochs, summary = [], {}
    for data in records_of(file.read_bytes()):
        record = wandb_internal_pb2.Record()
        record.ParseFromString(data)
        row = {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in record.history.item}
        epochs += [row] if "val_loss" in row else []
        summary |= {item.key or "/".join(item.nested_key): item.value_json for item in record.summary.update}
    with open(trial / "history.csv") as text:
        rows = list(csv.DictReader(text))
    assert [(row["epoch"], row["val_loss"]) for row in epochs] == [
        (int(row["epoch"]), pytest.approx(float(row["val_loss"]))) for row in rows
    ]
    metrics = json.loads((trial / "metrics.json").read_text())["metrics"]
    assert float(summary["test_accuracy"]) == pytest.approx(metrics["test"]["accuracy"])
    assert run(["log", str(trial), "--to", "wandb", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["runs"] == [{"run": str(trial), "id": identity, "is_new": False}]
    assert len(list(tmp_path.glob("wandb/offline-run-*"))) == 1


def test_the_inputs_of_a_model_are_columns_of_the_table_where_each_is_one_value() -> None:
    inputs = [{"name": "x__cm_", "column": "x (cm)", "shape": [None, 1]}, {"name": "c", "column": "c", "shape": [None]}]
    assert [spec["name"] for spec in by_column(inputs)] == ["x (cm)", "c"]
    same = [{**spec, "column": "c"} for spec in inputs]  # two inputs of one column
    wide = [*inputs, {"name": "p", "column": "picture (front)", "shape": [None, 8, 8, 3]}]
    for specs in (same, wide):
        assert [spec["name"] for spec in by_column(specs)] == [spec["name"] for spec in specs]


def test_an_exported_model_is_asked_by_the_columns(tmp_path: Path) -> None:
    """As MLflow loads it: a folder with a SavedModel and the columns of its inputs."""
    import pandas as pd
    import tensorflow as tf

    class Doubled(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, 1], tf.float32, name="x__cm_")])
        def serve(self, x__cm_):
            return {"prediction": 2 * x__cm_}

    one = Doubled()
    tf.saved_model.save(one, str(tmp_path), signatures={"serving_default": one.serve})
    table = pd.DataFrame({"x (cm)": [1.0, 2.5], "x__cm_": [0.0, 0.0]})
    assert _load_pyfunc(str(tmp_path)).predict(table)["prediction"].tolist() == [0.0, 0.0]  # of an older version
    (tmp_path / COLUMNS_FILE).write_text(json.dumps({"x__cm_": "x (cm)"}))
    assert _load_pyfunc(str(tmp_path)).predict(table)["prediction"].tolist() == [2.0, 5.0]
