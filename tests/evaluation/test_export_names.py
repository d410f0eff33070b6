"""Columns of any name in every format: words of Python, names of outputs and of nodes, names that differ in capitals alone."""

from __future__ import annotations

import csv
import keyword

import numpy as np
import pytest

from dltrain.cli.app import run
from dltrain.evaluation.export import NAMES, choose_format, export
from dltrain.evaluation.predictions.predict import predict
from tests.evaluation.test_export import ask

COLUMNS = [
    "self",
    "class",
    "from",
    "a",
    "A",
    "a_",
    "a/b",
    "a_b",
    "input_0",
    "output_0",
    "prediction",
    "probabilities",
    "^x$",
    "*",
    "7",
]
TABLE = f"""
data: {{source: csv, path: t.csv, target: y, features: {[*COLUMNS]}, split: {{test: 0.25}}}}
model: {{layers: [{{Dense: {{units: 3}}}}]}}
training: {{epochs: 1}}
"""


@pytest.mark.parametrize("form", NAMES)
def test_f11_each_column_has_an_input_of_its_own(form):
    chosen = choose_format(form, None)
    names = chosen.input_names(COLUMNS, ["prediction", "probabilities"])
    assert len({name if chosen.knows_case else name.lower() for name in names}) == len(COLUMNS)
    assert names[3] == "a"
    if form == "onnx":
        assert not {"prediction", "probabilities"} & set(names)
    if form in ("saved_model", "tflite"):
        assert not [name for name in names if name == "self" or keyword.iskeyword(name)]
        assert all(name.isidentifier() for name in names)


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("names")
    generator = np.random.default_rng(0)
    with open(folder / "t.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([*COLUMNS, "y"])
        for values in generator.normal(size=(60, len(COLUMNS))):
            writer.writerow([*(f"{value:.3f}" for value in values), "yes" if values[3] > 0 else "no"])
    (folder / "c.yaml").write_text(TABLE)
    assert run(["-q", "fit", str(folder / "c.yaml"), "--run-dir", str(folder / "run")]) == 0
    return folder


def test_f11_a_report_shows_columns_that_polars_takes_for_patterns(fitted, capsys):
    assert run(["report", str(fitted / "run"), "--format", "md"]) == 0
    assert "| ^x&#36; | number | none |" in capsys.readouterr().out


@pytest.mark.parametrize("form", ["keras", *(pytest.param(name, marks=pytest.mark.slow) for name in NAMES if name != "keras")])
def test_f11_every_format_takes_them(fitted, tmp_path, form):
    if form == "onnx":
        pytest.importorskip("tf2onnx")
    result = export(fitted / "run", format=form, destination=tmp_path / f"out{'.keras' if form == 'keras' else ''}")
    predicted = predict(fitted / "run", data=[str(fitted / "t.csv")])
    with open(fitted / "t.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    arrays = {item["name"]: np.array([float(row[item["column"]]) for row in rows], np.float32) for item in result.inputs}
    found = ask(form, result, arrays)
    np.testing.assert_allclose(found["probabilities"][:, 1], predicted.probabilities["yes"], atol=1e-5)
