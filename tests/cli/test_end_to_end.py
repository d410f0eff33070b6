"""The real command with real training: the fit that is interrupted begins by itself, the others as forks of a warm process."""

import csv
import json
import os
import signal
import subprocess
import sys

import pytest

from tests.support import REPOSITORY, run_dltrain

DIGITS = """\
name: digits
seed: 1
data: {source: digits, scale: unit, split: {test: 0.25}}
model: {layers: [Flatten, {Dense: {units: 32, activation: relu}}]}
training: {epochs: 8, metrics: [accuracy]}
"""
IRIS = """\
name: iris
seed: 1
data: {source: iris, split: {test: 0.3}}
model: {layers: [{Dense: {units: 16, activation: relu}}]}
training: {optimizer: {Adam: {learning_rate: 0.02}}, epochs: 15, batch_size: 8}
"""
NOISE = """\
name: noise
seed: 1
data: {source: noise, rows: 2000, split: {test: 0.5}}
model: {layers: [{Dense: {units: 8, activation: relu}}, {Dropout: {rate: 0.1}}]}
training: {epochs: 100000, jit_compile: false}
"""
TYPO = """\
data: {source: digits}
model:
  layers:
    - Dense: {unitz: 3}
trainin: {epochs: 3}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with configs, in which the runs of this file come to lie."""
    folder = tmp_path_factory.mktemp("end_to_end")
    for name, text in {"digits": DIGITS, "iris": IRIS, "noise": NOISE, "typo": TYPO}.items():
        (folder / f"{name}.yaml").write_text(text)
    return folder


@pytest.fixture(scope="module")
def dltrain(folder, warm):
    """Run the command with its output in pipes, which must stay free of control characters; with --json also the document."""

    def call(*words, **environment):
        result = run_dltrain(*map(str, words), cwd=folder, TERM="xterm-256color", **{**warm, **environment})
        assert not set(result.stdout + result.stderr) & set("\x1b\r\x08")
        assert "Traceback" not in result.stdout + result.stderr
        result.json = json.loads(result.stdout, parse_constant=pytest.fail) if "--json" in words else None
        return result

    return call


@pytest.fixture(scope="module")
def digits(dltrain):
    result = dltrain("fit", "digits.yaml", "--run-dir", "runs/digits", "--json", "--require", "accuracy>=0.8")
    assert result.returncode == 0, result.stderr
    return result.json


@pytest.fixture(scope="module")
def iris(dltrain):
    result = dltrain("fit", "iris.yaml", "training.epochs=20")
    assert result.returncode == 0, result.stderr
    return result


def test_fit(digits, folder):
    assert digits["status"] == "finished"
    assert digits["run"] == "runs/digits"
    assert digits["epochs"] == 8
    assert digits["metrics"]["test"]["accuracy"] > 0.85 > 0.2 > digits["baseline"]["accuracy"]
    assert set(digits["seconds"]) == {"import", "data", "build", "train", "evaluate", "total"}
    assert digits["gates"][0]["met"]
    assert {"config.yaml", "manifest.json", "history.csv", "metrics.json", "preprocessing.json"} <= {
        file.name for file in (folder / "runs" / "digits").iterdir()
    }


def test_evaluate_gives_what_fit_gave_and_judges_by_it(dltrain, digits):
    result = dltrain("evaluate", "runs/digits", "--require", "accuracy>=0.8", "--require", "loss<0.000001", "--json")
    assert result.returncode == result.json["exit"] == 5
    assert (result.json["part"], result.json["weights"]) == ("test", digits["weights"])
    assert result.json["metrics"] == pytest.approx(digits["metrics"]["test"])
    assert [gate["met"] for gate in result.json["gates"]] == [True, False]
    assert result.stderr.splitlines()[-1].startswith("error: the gate loss<0.000001 was not met")


def test_fit_tells_what_it_does(iris):
    assert "150 rows" in iris.stderr
    assert "training runs/iris-" in iris.stderr
    assert "epoch 20/20  loss" in iris.stderr
    assert "worst classes: " in iris.stdout
    assert len(iris.stdout.splitlines()) <= 15
    assert "next: dltrain evaluate runs/iris-" in iris.stdout


def test_predict_from_a_file_of_rows(dltrain, iris, folder):
    columns = ["petal length (cm)", "petal width (cm)", "sepal length (cm)", "sepal width (cm)"]
    rows = [[1.4, 0.2, 5.1, 3.5], [4.5, 1.4, 6.2, 2.6], [6.0, 2.4, 6.6, 3.1]]
    with open(folder / "flowers.csv", "w", newline="") as file:
        csv.writer(file).writerows([columns, *rows])
    result = dltrain("predict", "iris", "--data", "flowers.csv", "--json")
    assert result.returncode == 0, result.stderr
    predictions = result.json["predictions"]
    assert [row["prediction"] for row in predictions] == ["setosa", "versicolor", "virginica"]
    for row in predictions:
        probabilities = {name: value for name, value in row.items() if name.startswith("probability_")}
        assert sum(probabilities.values()) == pytest.approx(1)
        assert max(probabilities, key=probabilities.get) == f"probability_{row['prediction']}"
    result = dltrain("predict", "iris", "--data", "flowers.csv", "--layer", "dense", "-o", "layer.csv")
    assert result.stdout == "3 predictions in layer.csv\n"
    with open(folder / "layer.csv") as file:
        values = list(csv.DictReader(file))
    assert list(values[0]) == [f"dense_{index}" for index in range(16)]
    assert all(float(value) >= 0 for row in values for value in row.values())


def test_runs(dltrain, digits, iris):
    runs = dltrain("runs", "--sort", "accuracy", "--json").json["runs"]
    assert {run["name"] for run in runs} >= {"digits", "iris"}
    accuracies = [run["metrics"]["test"]["accuracy"] for run in runs if run["metrics"]]
    assert accuracies == sorted(accuracies, reverse=True)
    assert "finished" in dltrain("runs").stdout


def test_a_wrong_config_costs_no_import_of_tensorflow(dltrain, folder):
    result = dltrain("fit", "typo.yaml", PYTHONPROFILEIMPORTTIME="1")
    assert result.returncode == 2
    imported = [line.rpartition("|")[2].strip() for line in result.stderr.splitlines() if line.startswith("import time:")]
    assert "dltrain.config.blocks.data" in imported
    assert not {"tensorflow", "keras", "sklearn", "polars"} & {name.partition(".")[0] for name in imported}
    result = dltrain("fit", "typo.yaml", "--json", DLTRAIN_WARM="0")
    assert result.returncode == result.json["exit"] == 2
    assert [(error["line"], error["column"]) for error in result.json["errors"]] == [(4, 15), (5, 1)]
    assert "typo.yaml:4:15: error: model.layers.0.unitz: unknown argument of Dense" in result.stderr
    assert not list(folder.glob("runs/typo*"))


def test_a_missing_file_of_data(dltrain, folder):
    words = ["data={source: csv, path: no-such.csv, target: y}", "--run-dir", "runs/missing", "--json"]
    result = dltrain("fit", "iris.yaml", *words)
    assert result.returncode == result.json["exit"] == 3
    assert "no-such.csv" in result.json["errors"][0]["message"]
    assert not (folder / "runs" / "missing").exists()


def test_a_run_dir_that_is_not_empty(dltrain, folder):
    (folder / "occupied").mkdir()
    (folder / "occupied" / "thesis.txt").write_text("the only copy")
    result = dltrain("fit", "iris.yaml", "--run-dir", "occupied")
    assert result.returncode == 6
    assert "occupied is not empty" in result.stderr
    assert [file.name for file in (folder / "occupied").iterdir()] == ["thesis.txt"]


def test_sigterm_and_resume(dltrain, folder):
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "DLTRAIN_CACHE": str(folder / ".cache")}
    words = [sys.executable, "-m", "dltrain", "fit", "noise.yaml", "--run-dir", "runs/noise"]
    with subprocess.Popen(
        words, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        said = next((line for line in process.stderr if line.startswith("epoch")), None)
        assert said is not None
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=300)
    assert process.returncode == 143
    assert out == ""
    assert "the run is saved" in err
    assert "dltrain fit --resume runs/noise" in err
    done = rows_of_history(folder / "runs" / "noise")
    assert done == list(range(1, len(done) + 1))

    result = dltrain("fit", "--resume", "runs/noise", f"training.epochs={len(done) + 3}", "--json")
    assert result.returncode == 0, result.stderr
    assert result.json["resumed"]
    assert result.json["epochs"] == len(done) + 3
    assert rows_of_history(folder / "runs" / "noise") == list(range(1, len(done) + 4))
    assert any("better than" in note for note in result.json["notes"])


def rows_of_history(run):
    with open(run / "history.csv") as file:
        return [int(row["epoch"]) for row in csv.DictReader(file)]
