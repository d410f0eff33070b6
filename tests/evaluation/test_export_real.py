"""Shipped configs on real data: every format answers what `predict` answers from the same file."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import polars
import pytest

from dltrain.config import load_config
from dltrain.evaluation.export import NAMES, choose_format, export
from dltrain.evaluation.load_run import load_run
from dltrain.evaluation.predictions.predict import predict
from dltrain.model.export.raw_model import describe_inputs
from dltrain.model.keras_import import import_keras
from dltrain.training.fit import fit
from tests.support import CONFIGS, shared_data

pytestmark = pytest.mark.slow

TABLES = {
    "titanic": "tabular/titanic/test.csv",
    "adult": "tabular/adult/adult-test.csv",
    "concrete": "tabular/concrete/concrete_data.csv",
    "sms_spam": "text/sms_spam",
}
ROWS = 500


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """A run of each config, trained shortly, made when it is first asked for."""
    runs: dict[str, Path] = {}

    def get(name, *overrides):
        if name not in runs:
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("DLTRAIN_DATA", str(shared_data(".")))
                patch.setenv("DLTRAIN_OFFLINE", "1")
                config = load_config(CONFIGS / f"{name}.yaml", ["training.epochs=2", "evaluation=null", *overrides])
                runs[name] = Path(fit(config, run_dir=tmp_path_factory.mktemp(name) / "run").run)
        return runs[name]

    return get


def raw_rows(run, file, form):
    """The first rows of a CSV file as an export takes them, by input name."""
    preprocessing = load_run(run).preprocessing
    options = preprocessing.text_options
    names = options.get("columns")
    frame = polars.read_csv(
        file,
        separator=options.get("separator", ","),
        has_header=names is None and options.get("header", True),
        infer_schema=False,
        n_rows=ROWS,
    )
    frame = frame.rename(dict(zip(frame.columns, names, strict=True))) if names else frame
    frame = frame.select(polars.all().str.strip_chars().fill_null(""))
    rows = {}
    for item in describe_inputs(preprocessing, form.input_names):
        column = frame[item.column]
        if item.dtype == "float32":
            rows[item.name] = column.cast(polars.Float32, strict=False).fill_null(float("nan")).to_numpy()
        else:
            rows[item.name] = column.to_numpy().astype(object)
    return rows


@pytest.mark.parametrize("form", NAMES)
@pytest.mark.parametrize("name", list(TABLES))
def test_a_table_answers_as_predict_does(fitted, name, form, tmp_path):
    if form == "onnx":
        pytest.importorskip("tf2onnx")
    path = shared_data(TABLES[name])
    file = next(iter(sorted(path.glob("*.[ct]sv")))) if path.is_dir() else path
    run = fitted(name)
    chosen = choose_format(form, None)
    destination = tmp_path / f"out{chosen.suffix}"
    result = export(run, format=form, destination=destination)
    assert result.num_rows > 0
    predicted = predict(run, data=[str(file)])
    stored = load_run(run)
    inputs = describe_inputs(stored.preprocessing, chosen.input_names)
    rows = raw_rows(run, file, chosen)
    answers = chosen.answer(result.path, _Described(inputs), rows)
    if predicted.probabilities is None:
        np.testing.assert_allclose(answers["prediction"], predicted.prediction[:ROWS], rtol=1e-4)
        return
    labels = result.outputs[0]["labels"]
    expected = np.stack([predicted.probabilities[label][:ROWS] for label in labels], axis=1)
    np.testing.assert_allclose(answers["probabilities"], expected, atol=1e-5)
    assert answers["prediction"].tolist() == predicted.prediction[:ROWS]


class _Described:
    """What an answer needs to know of a raw model."""

    def __init__(self, inputs):
        self.inputs = inputs


@pytest.mark.parametrize("form", NAMES)
def test_faces_answer_as_predict_does(fitted, form, tmp_path):
    from PIL import Image

    if form == "onnx":
        pytest.importorskip("tf2onnx")
    pictures = sorted(shared_data("lfw").rglob("Colin_Powell/*.jpg"))[:20]
    run = fitted("lfw")
    chosen = choose_format(form, None)
    result = export(run, format=form, destination=tmp_path / f"out{chosen.suffix}")
    predicted = predict(run, data=[str(path) for path in pictures])
    pixels = np.stack([np.asarray(Image.open(path).convert("RGB"), np.float32) for path in pictures])
    answers = chosen.answer(result.path, _Described(()), {"image": pixels})
    expected = np.stack([predicted.probabilities[label] for label in result.outputs[0]["labels"]], axis=1)
    np.testing.assert_allclose(answers["probabilities"], expected, atol=5e-3)
    assert (answers["prediction"] == np.array(predicted.prediction, object)).mean() >= 0.95


def test_photographs_of_any_size_through_a_body_of_keras(tmp_path):
    """Pictures of clothing, stretched, cut and bordered, through MobileNetV2 with random weights and with augmentation in training."""
    from PIL import Image

    from tests.training.support import config_of

    folder = shared_data("clothing/test")
    files = sorted(folder.rglob("*.jpg"))[::40]
    text = """
name: clothes
data:
  source: image_folder
  path: {folder}
  image_size: [48, 32]
  fit: {fit}
  split: {{validation: 0.5}}
  augment: [{{RandomFlip: {{mode: horizontal}}}}, {{RandomRotation: {{factor: 0.1}}}}]
model:
  layers: [{{MobileNetV2: {{alpha: 0.35, weights: none, trainable: false}}}}, GlobalAveragePooling2D]
training: {{epochs: 1}}
"""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DLTRAIN_CACHE", os.environ.get("DLTRAIN_CACHE", str(tmp_path / "cache")))
        for fit_word in ("stretch", "crop", "pad"):
            run = Path(fit(config_of(text.format(folder=folder, fit=fit_word)), run_dir=tmp_path / fit_word).run)
            result = export(run, destination=tmp_path / f"{fit_word}.keras")
            model = import_keras().models.load_model(result.path)
            # As files without loss: dltrain decodes a large JPEG at a fraction of its size.
            pictures = [np.asarray(Image.open(file).convert("RGB")) for file in files]
            copies = [tmp_path / f"{number}.png" for number in range(len(files))]
            for copy, picture in zip(copies, pictures, strict=True):
                Image.fromarray(picture).save(copy)
            predicted = predict(run, data=[str(copy) for copy in copies])
            expected = np.stack([predicted.probabilities[label] for label in result.outputs[0]["labels"]], axis=1)
            answers = [model.predict({"image": picture[np.newaxis]}, verbose=0)["probabilities"][0] for picture in pictures]
            np.testing.assert_allclose(answers, expected, atol=5e-3)
