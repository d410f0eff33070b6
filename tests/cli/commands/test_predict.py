import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest


@pytest.fixture
def prediction(fake, tmp_path):
    run = tmp_path / "runs" / "sms-1"
    run.mkdir(parents=True)
    (run / "manifest.json").write_text('{"status": "finished", "started": "2026-01-01T00:00:00Z"}')
    result = SimpleNamespace(
        identifiers={"file": ["a.png", "=b,c"]},
        prediction=["ham", "spam"],
        probabilities={"ham": np.array([0.75, 0.25], np.float32), "spam": np.array([0.25, 0.75], np.float32)},
        columns={},
        arrays={},
        notes=["one was resized"],
    )
    seen = SimpleNamespace(result=result, options=None)

    def predict(run, **options):
        seen.options = options
        return result

    fake("dltrain.evaluation.predictions.predict", predict=predict)
    return seen


CSV = 'file,prediction,probability_ham,probability_spam\na.png,ham,0.75,0.25\n"=b,c",spam,0.25,0.75\n'


def test_csv_on_stdout(cli, prediction):
    result = cli("predict", "latest", "--data", "a.png", "b.png", "--top", "2", "--layer", "dense", "--weights", "last")
    assert result.code == 0
    assert result.out == CSV
    assert "one was resized" in result.err
    assert prediction.options["data"] == ("a.png", "b.png")
    assert (prediction.options["top"], prediction.options["layer"], prediction.options["weights"]) == (2, "dense", "last")


def test_raw(cli, prediction):
    assert '"=b,c"' in cli("predict", "latest", "--data", "x", "--raw").out


@pytest.mark.parametrize(("name", "first"), [("p.csv", b"file,"), ("p.jsonl", b'{"file"'), ("p.parquet", b"PAR1")])
def test_into_a_file_by_its_suffix(cli, prediction, name, first):
    result = cli("predict", "latest", "--data", "x", "-o", name)
    assert result.out == f"2 predictions in {name}\n"
    assert Path(name).read_bytes().startswith(first)


def test_the_format_asked_for_comes_before_the_suffix(cli, prediction):
    cli("predict", "latest", "--data", "x", "-o", "p.csv", "--format", "jsonl")
    assert json.loads(Path("p.csv").read_text().splitlines()[1])["prediction"] == "spam"


def test_json(cli, prediction):
    document = cli("predict", "latest", "--data", "x", "--json").json
    assert document["rows"] == 2
    assert document["predictions"][1] == {"file": "=b,c", "prediction": "spam", "probability_ham": 0.25, "probability_spam": 0.75}
    document = cli("predict", "latest", "--data", "x", "--json", "-o", "p.csv").json
    assert document["output"] == "p.csv"
    assert Path("p.csv").read_text() == CSV


def test_columns_of_a_layer(cli, prediction):
    prediction.result.prediction, prediction.result.probabilities = [], None
    prediction.result.columns = {"dense_0": np.array([1.5, 2.5])}
    assert cli("predict", "latest", "--data", "x").out == 'file,dense_0\na.png,1.5\n"=b,c",2.5\n'
    assert cli("predict", "latest", "--data", "x", "--json").json["rows"] == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "nothing to predict from"),
        (["x"], "--data PATH"),
        (["--data", "x", "-o", "no/such/file.csv"], "there is no folder no/such"),
        (["--data", "x", "-o", "."], "is a folder"),
        (["--data", "x", "--format", "xml"], "xml"),
        (["--data", "x", "--top", "0"], "0"),
    ],
)
def test_what_cannot_work_costs_no_prediction(cli, prediction, words, said):
    result = cli("predict", "latest", *words)
    assert result.code == 2
    assert said in result.err
    assert prediction.options is None


def test_steps_go_to_what_foretells(cli, fake, tmp_path):
    run = tmp_path / "runs" / "airline-1"
    run.mkdir(parents=True)
    (run / "manifest.json").write_text('{"status": "finished", "started": "2026-01-01T00:00:00Z"}')
    asked = []

    def predict_ahead(run, steps, **options):
        asked.append((steps, options["since"], options["data"]))
        return SimpleNamespace(
            identifiers={"time": ["2024-01"], "step": [1]}, prediction=[3.5], probabilities=None, columns={}, arrays={}, notes=[]
        )

    fake("dltrain.evaluation.predictions.ahead", predict_ahead=predict_ahead)
    assert cli("predict", "latest", "--steps", "1", "--since", "2024-01").out == "time,step,prediction\n2024-01,1,3.5\n"
    assert [(steps, since, list(data)) for steps, since, data in asked] == [(1, "2024-01", [])]
    assert "--since needs --steps" in cli("predict", "latest", "--data", "x", "--since", "2024").err
    assert "--part and --steps exclude each other" in cli("predict", "latest", "--part", "test", "--steps", "2").err
