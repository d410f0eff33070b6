"""Columns in named inputs: what the model gets, what is refused and where, and that runs keep it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dltrain.checking import check_config
from dltrain.data import load_dataset
from dltrain.data.stored import load_preprocessing
from dltrain.errors import ConfigError
from dltrain.evaluation.evaluate import evaluate
from dltrain.evaluation.export import export
from dltrain.evaluation.predictions.predict import predict
from dltrain.model.keras_import import import_keras
from dltrain.training.fit import fit
from tests.training.support import assert_same_bits, config_of, fit_with_interruptions

TEXT = """
name: grouped
seed: 4
data:
  source: csv
  path: rows.csv
  target: y
  encode: {zip: embedding}
  split: {test: 0.25}
model:
  inputs: {person: [age, sex], work: [hours], place: [zip]}
  layers:
    - Embedding: {output_dim: 2, from: place}
    - Flatten: {name: where}
    - Dense: {units: 4, activation: relu, from: person, name: who}
    - Concatenate: {from: [where, who, work]}
training: {epochs: 3, batch_size: 16}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("grouped")
    rng = np.random.default_rng(0)
    lines = ["hours,age,zip,sex,y"]
    for _ in range(120):
        age, hours, sex = rng.integers(20, 60), rng.integers(10, 50), rng.choice(["f", "m"])
        gap = "" if rng.random() < 0.1 else age
        lines.append(f"{hours},{gap},{rng.integers(100, 110)},{sex},{'yes' if age + hours > 70 else 'no'}")
    (made / "rows.csv").write_text("\n".join(lines).replace(",1", ",z1") + "\n")
    return made


def test_each_input_has_its_columns(folder: Path) -> None:
    config = config_of(TEXT, folder=folder)
    dataset = load_dataset(config.data, seed=4)
    assert [(spec.name, spec.columns) for spec in dataset.schema.inputs] == [
        ("person", ("age", "age missing", "sex=f", "sex=m")),
        ("work", ("hours",)),
        ("place", ()),
    ]
    plain = load_dataset(config_of(TEXT, "model.inputs=null", "model.layers=[]", folder=folder).data, seed=4)
    train, [matrix, zips] = dataset.parts["train"].inputs, plain.parts["train"].inputs.values()
    names = list(plain.schema.inputs[0].columns)
    for name in ("person", "work"):
        places = [names.index(column) for spec in dataset.schema.inputs if spec.name == name for column in spec.columns]
        np.testing.assert_array_equal(train[name], matrix[:, places])
    np.testing.assert_array_equal(train["place"], zips)
    assert config.resolved["model"]["inputs"] == {"person": ["age", "sex"], "work": ["hours"], "place": ["zip"]}
    assert "input_columns" not in config.resolved["data"]


@pytest.mark.slow
def test_a_run_resumes_to_the_bit(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = config_of(TEXT, folder=folder)
    fit(config, run_dir=tmp_path / "whole")
    fit_with_interruptions(config, tmp_path / "cut", monkeypatch, [5])
    assert_same_bits(tmp_path / "whole", tmp_path / "cut")


def test_a_run_predicts_and_exports(folder: Path) -> None:
    config = config_of(TEXT, folder=folder)
    whole = fit(config, run_dir=folder / "whole")
    run = Path(whole.run)
    assert load_preprocessing(run).schema == load_dataset(config.data, seed=4).schema
    assert evaluate(run).metrics == whole.metrics["test"]
    predicted = predict(run, data=[str(folder / "rows.csv")])
    model = import_keras().models.load_model(run / "checkpoints" / "last.h5")
    assert [tensor.name for tensor in model.inputs] == ["person", "work", "place"]
    result = export(run, destination=folder / "out.keras")
    rows = [line.split(",") for line in (folder / "rows.csv").read_text().splitlines()[1:]]
    columns = dict(zip(("hours", "age", "zip", "sex"), zip(*rows, strict=True), strict=False))
    given = {name: np.array([value or "nan" for value in columns[name]], np.float32) for name in ("hours", "age")}
    given |= {name: np.array(columns[name], object) for name in ("zip", "sex")}
    answers = import_keras().models.load_model(result.path).predict(given, verbose=0)
    np.testing.assert_allclose(answers["probabilities"][:, 1], predicted.probabilities["yes"], atol=1e-6)


@pytest.mark.parametrize(
    ("override", "path", "message", "hint"),
    [
        ("{person: [agee, sex], work: [hours, zip, age]}", "model.inputs.person.0", "agee is not a column", 'mean "age"'),
        (
            "{person: [age, sex], work: [hours, age, zip]}",
            "model.inputs.work.1",
            "age is in the input person already",
            "one input",
        ),
        ("{person: [age, age, sex, hours], place: [zip]}", "model.inputs.person.1", "age is twice in this input", "one input"),
        ("{person: [age], place: [zip]}", "model.inputs", "the columns hours, sex are in no input", "data.drop: [hours]"),
        ("{person: [age, sex], work: [hours, zip]}", "model.inputs.work", "zip cannot share an input", "{zip: one_hot}"),
    ],
)
def test_what_the_columns_cannot_be_is_said_at_its_place(folder: Path, override: str, path: str, message: str, hint: str) -> None:
    config = config_of(TEXT, f"model.inputs={override}", "model.layers=[]", folder=folder)
    result = check_config(config)
    assert result.exit_code == ConfigError.exit_code
    [found] = [fault for fault in result.errors if fault.path == path and message in fault.message]
    assert hint in (found.hint or "")


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["data.series={history: 3}"], "a series has one input"),
        (["data.transform=[PCA]"], "take all numbers together"),
        (["data.task=reconstruction"], "a reconstruction has one input"),
        (["data={source: digits, split: {test: 0.25}}"], "digits is no table"),
        (["data=none", "training=none"], "there is no data"),
        (["model.inputs={person: []}"], "the input person has no column"),
        (["model.inputs={person: [age], work: 3}"], "expected columns or a shape, found 3"),
        (["model.layers=[{Dense: {units: 2, from: features}}]"], 'unknown layer "features"'),
    ],
)
def test_where_there_are_no_named_inputs_the_config_is_refused(folder: Path, overrides: list[str], message: str) -> None:
    with pytest.raises(ConfigError) as error:
        config_of(TEXT, *overrides, folder=folder)
    assert any(message in fault.message for fault in error.value.faults), [fault.message for fault in error.value.faults]


def test_what_does_not_apply_to_a_column_is_refused(folder: Path) -> None:
    text = TEXT.replace("zip: embedding}", "zip: embedding, hours: one_hot}")
    [fault] = check_config(config_of(text, folder=folder)).errors
    assert (fault.path, "`encode` is for categories" in fault.message) == ("data.encode.hours", True)


def test_a_picture_shares_no_input(folder: Path) -> None:
    text = TEXT.replace("encode: {zip: embedding}", "features: {age: number, sex: category, hours: number, zip: image}")
    text = text.replace("work: [hours], place: [zip]", "work: [zip, hours], place: [age]").replace("[age, sex]", "[sex]")
    [fault] = [fault for fault in check_config(config_of(text, folder=folder)).errors if fault.path == "model.inputs.work"]
    assert "zip cannot share an input: it is a picture" in fault.message


def test_an_input_that_no_layer_takes_is_told(folder: Path) -> None:
    [fault] = check_config(config_of(TEXT.replace("[where, who, work]", "[where, who]"), folder=folder)).warnings
    assert (fault.path, fault.message) == ("model.inputs.work", "no layer takes the input work, so nothing is learnt from hours")
    assert not check_config(config_of(TEXT, "model.layers=[{Dense: {units: 3}}]", folder=folder)).warnings
