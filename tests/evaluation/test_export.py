"""Exports of small runs against what the runs themselves predict from the same raw rows and pictures."""

from __future__ import annotations

import csv
import importlib.util
import os
import tempfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dltrain.errors import RunError, UsageError
from dltrain.evaluation import export as export_module
from dltrain.evaluation.export import NAMES, export
from dltrain.evaluation.predictions.predict import predict
from dltrain.model.export.keras_file import KerasFile
from dltrain.model.keras_import import import_keras
from dltrain.storage.atomic import replace_whole
from dltrain.training.fit import fit
from tests.training.support import config_of

FITTING = """
model: {layers: [{Dense: {units: 6, activation: relu}}]}
training: {epochs: 2, batch_size: 16}
"""
TABLE = (
    """
name: table
seed: 3
data:
  source: csv
  path: table.csv
  target: buys
  missing: ["?"]
  replace: {colour: {grren: green}}
  encode: {shop: embedding}
  split: {test: 0.25}
"""
    + FITTING
)
DIGITS = """
name: digits
data: {source: digits, scale: unit, limit: 300, split: {test: 0.25}}
model: {layers: [{Conv2D: {filters: 2, kernel_size: 3}}, Flatten, {Dropout: {rate: 0.2}}]}
training: {epochs: 1}
"""
COLOURS = ["red", "grren", "green", "blue, dark", 'a "b"', "?", ""]


def rows_of(num_rows, seed, colours):
    """Rows of a table with columns of every kind, as text."""
    generator = np.random.default_rng(seed)
    rows = []
    for _ in range(num_rows):
        day = np.datetime64("1969-06-01T12:30") + np.timedelta64(int(generator.integers(0, 10**6)), "m")
        colour = str(generator.choice(colours))
        amount = float(np.float32(generator.normal(1000, 0.25)))
        rows.append(
            {
                "the amount/kg": "" if generator.random() < 0.2 else repr(amount),
                "colour": colour,
                "when": str(day).replace("T", " ") + ":00",
                "member": str(generator.choice(["true", "false", ""])),
                "shop": f"shop {generator.integers(0, 9)}",
                "buys": "yes" if colour in ("red", "green") else str(generator.choice(["no", "may\nbe"])),
            }
        )
    return rows


def write_rows(path, rows):
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def raw_arrays(rows):
    """The rows as an export takes them."""
    seconds = np.array([row["when"].replace(" ", "T") for row in rows], "datetime64[s]").astype(np.int64)
    flags = {"true": 1.0, "false": 0.0, "": np.nan}
    return {
        "the amount/kg": np.array([float(row["the amount/kg"] or "nan") for row in rows], np.float32),
        "colour": np.array([row["colour"] for row in rows], object),
        "when": seconds,
        "member": np.array([flags[row["member"]] for row in rows], np.float32),
        "shop": np.array([row["shop"] for row in rows], object),
    }


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    folder = tmp_path_factory.mktemp("table")
    write_rows(folder / "table.csv", rows_of(160, 0, COLOURS))
    return Path(fit(config_of(TABLE, folder=folder), run_dir=folder / "run").run)


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    folder = tmp_path_factory.mktemp("digits")
    return Path(fit(config_of(DIGITS), run_dir=folder / "run").run)


def assert_same(found, predicted, labels):
    """Labels and probabilities of an export's answers are those of `predict`."""
    assert found["prediction"].tolist() == predicted.prediction
    expected = np.stack([predicted.probabilities[label] for label in labels], axis=1)
    np.testing.assert_allclose(found["probabilities"], expected, atol=1e-5)


def check_table(run, folder, form):
    rows = rows_of(50, 1, [*COLOURS, "never seen"])
    predicted = predict(run, data=[str(write_rows(folder / "new.csv", rows))])
    with pytest.MonkeyPatch.context() as patch:
        (folder / "temporary").mkdir()
        patch.setattr(tempfile, "tempdir", str(folder / "temporary"))
        result = export(run, format=form, destination=folder / f"out{'.keras' if form == 'keras' else ''}")
        assert not any((folder / "temporary").glob("__autograph*"))  # they would stay there after a kill
    assert result.num_rows > 0
    assert result.difference < 1e-5
    arrays = raw_arrays(rows)
    found = ask(form, result, {item["name"]: arrays[item["column"]] for item in result.inputs})
    labels = next(item["labels"] for item in result.outputs if item["name"] == "probabilities")
    assert labels == ["may\nbe", "no", "yes"]
    assert_same(found, predicted, labels)
    return result


def ask(form, result, rows):
    """Asks a file as its user would, with what a format's own library has."""
    path = result.path
    if form == "keras":
        answers = import_keras().models.load_model(path).predict(rows, verbose=0)
        return answers | {"prediction": np.array([label.decode() for label in answers["prediction"]])}
    if form == "saved_model":
        import tensorflow as tf

        answers = tf.saved_model.load(str(path)).signatures["serving_default"](**{k: tf.constant(v) for k, v in rows.items()})
        return {
            "probabilities": answers["probabilities"].numpy(),
            "prediction": np.array([label.decode() for label in answers["prediction"].numpy()]),
        }
    if form == "onnx":
        onnxruntime = pytest.importorskip("onnxruntime")
        session = onnxruntime.InferenceSession(str(path))
        prediction, probabilities = session.run(["prediction", "probabilities"], rows)
        return {"prediction": prediction, "probabilities": probabilities}
    import json
    import zipfile

    import tensorflow as tf

    meaning = json.loads(zipfile.ZipFile(path).read("dltrain.json"))
    words = {item["name"]: item["words"] for item in meaning["inputs"] if "words" in item}
    coded = {
        name: np.array([known.index(word) + 1 if word in known else 0 for word in rows[name]], np.int32)
        for name, known in words.items()
    }
    answers = tf.lite.Interpreter(str(path)).get_signature_runner("serving_default")(**{**rows, **coded})
    labels = next(item["labels"] for item in meaning["outputs"] if item["name"] == "prediction")
    return {**answers, "prediction": np.array(labels)[answers["prediction"]]}


def test_a_table_in_plain_keras(table, tmp_path):
    result = check_table(table, tmp_path, "keras")
    assert next(item["name"] for item in result.inputs) == "the amount_kg"  # Keras takes no slash in a name
    assert [item["dtype"] for item in result.inputs] == ["float32", "string", "int64", "float32", "string"]
    assert result.num_bytes == result.path.stat().st_size
    nothing = {"the amount_kg": np.nan, "colour": "", "when": np.iinfo(np.int64).min, "member": np.nan, "shop": ""}
    row = {name: np.array([value], object if value == "" else None) for name, value in nothing.items()}
    probabilities = import_keras().models.load_model(result.path).predict(row, verbose=0)["probabilities"]
    assert probabilities.shape == (1, 3)
    assert np.isfinite(probabilities).all()


@pytest.mark.slow
@pytest.mark.parametrize("form", [name for name in NAMES if name != "keras"])
def test_a_table_in_other_formats(table, tmp_path, form):
    if form == "onnx":
        pytest.importorskip("tf2onnx")
    check_table(table, tmp_path, form)


def test_pictures_of_any_size(digits, tmp_path):
    result = export(digits, destination=tmp_path / "digits.keras")
    assert result.inputs[0]["shape"] == [None, None, None, 1]
    model = import_keras().models.load_model(result.path)
    labels = result.outputs[0]["labels"]
    for number, size in enumerate([(8, 8), (40, 30)]):
        rows, columns = np.mgrid[0 : size[0], 0 : size[1]]
        pixels = ((np.sin(rows / 3 + number) + np.cos(columns / 4)) * 60 + 128).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
        predicted = predict(digits, data=[str(tmp_path / f"{number}.png")])
        answers = model.predict({"image": pixels[np.newaxis, :, :, np.newaxis]}, verbose=0)
        expected = [predicted.probabilities[label][0] for label in labels]
        np.testing.assert_allclose(answers["probabilities"][0], expected, atol=1e-5 if size == (8, 8) else 1e-2)
        assert answers["prediction"][0].decode() == predicted.prediction[0]


@pytest.mark.slow
def test_logits_and_numbers_in_their_own_units(tmp_path):
    text = """
name: two
data: {{source: csv, path: table.csv, target: {target}, drop: {drop}, split: {{test: 0.25}}}}
model: {{logits: {logits}, layers: [{{Dense: {{units: 4, activation: tanh}}}}]}}
training: {{epochs: 1}}
"""
    generator = np.random.default_rng(0)
    rows = [
        {"a": f"{a:.3f}", "b": f"{b:.3f}", "price": f"{50 + 10 * a + b:.3f}", "sold": "yes" if a > b else "no"}
        for a, b in generator.normal(size=(80, 2))
    ]
    write_rows(tmp_path / "table.csv", rows)
    arrays = {name: np.array([float(row[name]) for row in rows], np.float32) for name in ("a", "b")}
    for target, drop, logits in (("sold", "price", "true"), ("[a, price]", "sold", "false")):
        config = config_of(text.format(target=target, drop=f"[{drop}]", logits=logits), folder=tmp_path)
        run = Path(fit(config, run_dir=tmp_path / f"run_{drop}_{len(target)}").run)
        result = export(run, destination=tmp_path / "out.keras", force=True)
        given = {item["name"]: arrays[item["name"]] for item in result.inputs}
        answers = import_keras().models.load_model(result.path).predict(given, verbose=0)
        predicted = predict(run, data=[str(tmp_path / "table.csv")])
        if target == "sold":
            np.testing.assert_allclose(answers["probabilities"][:, 1], predicted.probabilities["yes"], atol=1e-6)
        else:
            assert set(answers) == set(predicted.columns) == {"prediction_a", "prediction_price"}
            for name, values in answers.items():
                np.testing.assert_allclose(values, predicted.columns[name], rtol=1e-4, atol=1e-5)


def test_numbers_too_large_for_float32_are_exported_and_said(tmp_path):
    generator = np.random.default_rng(0)
    rows = [{"a": f"{a:.3f}", "when": f"{1.7e9 + 1000 * a:.0f}"} for a in generator.normal(size=80)]
    write_rows(tmp_path / "table.csv", rows)
    text = """
name: large
data: {source: csv, path: table.csv, target: when, split: {test: 0.25}}
model: {layers: [{Dense: {units: 4, activation: tanh}}]}
training: {epochs: 2}
"""
    run = Path(fit(config_of(text, folder=tmp_path), run_dir=tmp_path / "run").run)
    result = export(run, destination=tmp_path / "out.keras")
    assert any("in steps of 128" in note for note in result.notes)
    given = {result.inputs[0]["name"]: np.array([float(row["a"]) for row in rows], np.float32)}
    answers = import_keras().models.load_model(result.path).predict(given, verbose=0)["prediction"]
    predicted = predict(run, data=[str(tmp_path / "table.csv")])
    np.testing.assert_allclose(answers, predicted.prediction, rtol=0, atol=256)


def test_what_is_in_the_way_stays(table, tmp_path):
    path = tmp_path / "out.keras"
    path.write_text("mine")
    with pytest.raises(RunError, match="is there already") as error:
        export(table, destination=path)
    assert error.value.exit_code == 6
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "mine.txt").write_text("mine")
    file = tmp_path / "out"
    file.write_text("mine")
    taken = [("saved_model", folder), ("saved_model", file)]
    if importlib.util.find_spec("tf2onnx") and importlib.util.find_spec("onnx"):
        taken.append(("onnx", folder))
    for name, place in taken:
        with pytest.raises(RunError, match="was not replaced"):
            export(table, format=name, destination=place, force=True)
    assert path.read_text() == file.read_text() == (folder / "mine.txt").read_text() == "mine"
    assert export(table, destination=path, force=True).num_bytes == path.stat().st_size > 1000


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"destination": Path("no/such/x.keras")}, "there is no folder no/such"),
        ({"format": "keras", "destination": Path("x.h5")}, "names end with .keras"),
        ({"format": "pickle"}, "no export format 'pickle'"),
    ],
)
def test_what_cannot_be_costs_no_keras(table, words, said, monkeypatch):
    monkeypatch.setattr(export_module, "import_keras", pytest.fail)
    with pytest.raises(UsageError, match=said):
        export(table, **words)


def test_the_suffix_says_the_format():
    names = [export_module.choose_format(None, Path(f"x{suffix}")).name for suffix in (".onnx", ".tflite", ".keras")]
    assert names == ["onnx", "tflite", "keras"]
    assert export_module.choose_format(None, None).name == "keras"


@pytest.mark.parametrize(("form", "name"), [("onnx", "m.keras"), ("tflite", "m.onnx"), ("saved_model", "m.tflite")])
def test_a_name_of_another_format_is_refused(form: str, name: str) -> None:
    with pytest.raises(UsageError, match=f"{name} is named as a file of") as caught:
        export_module.choose_format(form, Path(name))
    assert f"--format {name.partition('.')[2]}" in str(caught.value.faults[0].hint)


def test_a_missing_package_is_named_with_how_to_install_it(table, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageError) as error:
        export(table, format="onnx")
    assert "needs onnx and tf2onnx" in error.value.faults[0].message
    assert "pip install 'dltrain[onnx]'" in (error.value.faults[0].hint or "")


def test_a_file_that_answers_otherwise_is_not_kept(table, tmp_path, monkeypatch):
    original = KerasFile.answer

    def wrong(self, path, raw, rows):
        answers = original(self, path, raw, rows)
        return answers | {"probabilities": answers["probabilities"] + 0.01}

    monkeypatch.setattr(KerasFile, "answer", wrong)
    with pytest.raises(RunError, match="answers otherwise than the run, by up to"):
        export(table, destination=tmp_path / "out.keras")
    assert os.listdir(tmp_path) == []


def test_a_file_or_folder_is_replaced_whole_or_not_at_all(tmp_path):
    for is_folder in (False, True):
        place = tmp_path / f"place{is_folder}"

        def fill(path, text, is_folder=is_folder):
            if is_folder:
                path.mkdir()
            (path / "inner" if is_folder else path).write_text(text)

        for text in ("one", "two"):
            with replace_whole(place) as temporary:
                fill(temporary, text)

        def fail(place=place, fill=fill):
            with replace_whole(place) as temporary:
                fill(temporary, "three")
                raise OSError(28, "No space left on device")

        with pytest.raises(RunError, match="cannot write"):
            fail()
        assert (place / "inner" if is_folder else place).read_text() == "two"
    assert sorted(os.listdir(tmp_path)) == ["placeFalse", "placeTrue"]


def test_what_is_dltrains_own_is_refused_where_keras_would_not_know_it(tmp_path):
    text = DIGITS.replace("Flatten,", "Flatten, {Dense: {units: 3, activation: binary_step}},")
    text = text.replace("epochs: 1", "epochs: 1, checkpoint: {format: keras}")
    run = Path(fit(config_of(text), run_dir=tmp_path / "run").run)
    with pytest.raises(UsageError, match="binary_step") as error:
        export(run, destination=tmp_path / "x.keras")
    assert "--format saved_model" in (error.value.faults[0].hint or "")
    assert not (tmp_path / "x.keras").exists()


MESSAGES = """
name: messages
data:
  source: csv
  path: messages.csv
  target: kind
  missing: [nothing]
  features: {message: text, length: number}
  text: {standardize: STANDARDIZE, split: SPLIT, ngrams: NGRAMS}
  split: {test: 0.25}
model: {layers: [{Dense: {units: 4}}]}
training: {epochs: 1}
"""
WORDS = ["win", "Win!", "now", "hello,", "o'clock", "Ärger", "ÄRGER", "x-y", "[UNK]", "a\u00a0b", "naïve", "10%"]


def write_messages(folder, standardize, split, ngrams):
    generator = np.random.default_rng(0)
    rows = []
    for _ in range(120):
        words = generator.choice(WORDS, generator.integers(0, 9))
        kind = "spam" if "win" in " ".join(words).lower() else "ham"
        rows.append({"message": " ".join(words) or "nothing", "length": str(len(words)), "kind": kind})
    write_rows(folder / "messages.csv", rows)
    text = MESSAGES.replace("STANDARDIZE", standardize).replace("SPLIT", split).replace("NGRAMS", ngrams)
    return config_of(text, folder=folder), rows


@pytest.fixture(scope="module")
def messages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("messages")
    config, _ = write_messages(folder, "lower", "whitespace", "1")
    return Path(fit(config, run_dir=folder / "run").run)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("standardize", "split", "ngrams"),
    [("lower_and_strip_punctuation", "whitespace", "1"), ("none", "character", "2"), ("lower", "whitespace", "[1, 3]")],
)
def test_free_text(tmp_path, standardize, split, ngrams):
    config, rows = write_messages(tmp_path, standardize, split, ngrams)
    run = Path(fit(config, run_dir=tmp_path / "run").run)
    result = export(run, destination=tmp_path / "out.keras")
    rows += [{"message": "unseen words, wholly", "length": "3", "kind": ""}, {"message": "", "length": "", "kind": ""}]
    given = {
        "message": np.array([row["message"] for row in rows], object),
        "length": np.array([float(row["length"] or "nan") for row in rows], np.float32),
    }
    predicted = predict(run, data=[str(write_rows(tmp_path / "new.csv", rows))])
    assert_same(ask("keras", result, given), predicted, ["ham", "spam"])
    for form in ("saved_model", "onnx", "tflite"):
        if form == "onnx" and not importlib.util.find_spec("tf2onnx"):
            continue
        assert export(run, format=form, destination=tmp_path / f"out_{form}").difference < 1e-5  # of 64 made-up rows
        if form == "onnx":
            assert_same(ask(form, export(run, format=form, destination=tmp_path / "out.onnx"), given), predicted, ["ham", "spam"])


def test_the_example_of_an_export_runs(messages, tmp_path):
    result = export(messages, destination=tmp_path / "out.keras")
    lines = [*result.usage[:-1], f"answer = {result.usage[-1]}"]
    names: dict[str, object] = {}
    exec("\n".join(lines), names)
    assert names["answer"].tolist()[0] in (b"ham", b"spam")
