"""Exports of series, of scikit-learn's steps and of tables with pictures against what the runs predict from the same raw data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dltrain.evaluation.export import NAMES, choose_format, export
from dltrain.evaluation.predictions.predict import predict
from dltrain.model.heads.head import layer_name
from dltrain.training.fit import fit
from tests.training.support import config_of
from tests.training.test_pictures_and_columns import TEXT as BOTH
from tests.training.test_pictures_and_columns import folder as folder  # a fixture

HISTORY = 7
SERIES = """
name: series
data:
  source: csv
  path: series.csv
  target: [level, flow]
  features: {level: number, flow: number, open: boolean, wind: category}
  replace: {flow: {"-1": ""}}
  missing: ["?"]
  series: {time: when, history: 7, horizon: 2}
  scale: SCALE
  split: {test: 0.2}
model: {layers: [LAYERS]}
training: {epochs: 1, batch_size: 16}
"""
NETS = {
    "LSTM": ("standard", "{LSTM: {units: 4, return_sequences: true}}, {SimpleRNN: {units: 3}}"),
    "Bidirectional": ("quantile", "{Bidirectional: {layer: {GRU: {units: 3}}}}"),
    "Conv1D": ("{level: smooth_clip, flow: robust}", "{Conv1D: {filters: 3, kernel_size: 3}}, Flatten"),
}
FORMS = [pytest.param(name, marks=[] if name == "keras" else [pytest.mark.slow]) for name in NAMES]


class Described:
    """What an answer needs to know of a raw model."""

    inputs = ()


def ask(result, rows):
    """Answers of an export to raw rows by column."""
    chosen = choose_format(result.format, None)
    return chosen.answer(result.path, Described(), {item["name"]: rows[item["column"]] for item in result.inputs})


def exported(run, form, folder):
    if form == "onnx":
        pytest.importorskip("tf2onnx")
    result = export(run, format=form, destination=folder / f"out{choose_format(form, None).suffix}", force=True)
    assert result.num_rows > 0
    assert result.difference < 2e-5
    return result


@pytest.fixture(scope="module")
def series(tmp_path_factory):
    """Hourly rows with gaps in the columns, and a run for each net, made when it is first asked for."""
    place = tmp_path_factory.mktemp("series")
    generator = np.random.default_rng(0)
    level = np.cumsum(generator.normal(size=240)) + 50
    lines = ["when,level,flow,open,wind"]
    for row, value in enumerate(level):
        when = str(np.datetime64("2024-01-01T00") + np.timedelta64(row, "h")).replace("T", " ")
        flow = "-1" if row % 11 == 3 else f"{value * 2 + generator.normal():.3f}"
        flag = "?" if row % 13 == 5 else str(row % 3 == 0).lower()
        lines.append(f"{when}:00,{value:.3f},{flow},{flag},{'NES'[row % 3]}")
    (place / "series.csv").write_text("\n".join(lines) + "\n")
    made: dict[str, Windows] = {}

    def get(net):
        if net not in made:
            text = SERIES.replace("SCALE", NETS[net][0]).replace("LAYERS", NETS[net][1])
            run = Path(fit(config_of(text, folder=place), run_dir=place / net).run)
            made[net] = Windows(run, place, lines)
        return made[net]

    return get


class Windows:
    """Windows of the file as an export takes them, and what `predict` says to each by itself: an export knows no row before."""

    def __init__(self, run, place, lines):
        self.run = run
        self.columns = {name: [] for name in ("level", "flow", "open", "wind")}
        self.expected = []
        for end in (HISTORY, HISTORY + 40, len(lines) - 1):
            rows = lines[1 + end - HISTORY : 1 + end]
            (place / "new.csv").write_text("\n".join([lines[0], *rows]) + "\n")
            predicted = predict(run, data=[str(place / "new.csv")])
            self.expected.append({name: values[-1] for name, values in predicted.columns.items()})
            _, levels, flows, flags, winds = zip(*(row.split(",") for row in rows), strict=True)
            self.columns["level"].append(np.array(levels, np.float32))
            self.columns["flow"].append(np.array(flows, np.float32))
            self.columns["open"].append(np.array([{"true": 1.0, "false": 0.0, "?": np.nan}[flag] for flag in flags], np.float32))
            self.columns["wind"].append(np.array(winds, object))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("net", [pytest.param(net, marks=[] if net == "Conv1D" else [pytest.mark.slow]) for net in NETS])
def test_a_series_from_its_raw_columns(series, net, form, tmp_path):
    windows = series(net)
    result = exported(windows.run, form, tmp_path)
    assert [item["shape"] for item in result.inputs] == [[None, HISTORY]] * 4
    assert "the oldest first" in result.inputs[0]["meaning"]
    answers = ask(result, {name: np.stack(values) for name, values in windows.columns.items()})
    assert len(answers) == len(windows.expected[0]) == 4
    for name in windows.expected[0]:
        np.testing.assert_allclose(answers[layer_name(name)], [row[name] for row in windows.expected], rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("form", FORMS)
def test_a_row_with_a_picture_and_columns(folder, form, tmp_path):
    from PIL import Image

    run = folder / "exported_run"
    if not run.exists():
        fit(config_of(BOTH, "training.epochs=1", folder=folder), run_dir=run)
    predicted = predict(run, data=[str(folder / "rows.csv")])
    table = [line.split(",") for line in (folder / "rows.csv").read_text().splitlines()[1:]]
    result = exported(run, form, tmp_path)
    size = (8, 8) if form == "tflite" else (12, 10)
    photos = [Image.open(folder / photo) for photo, *_ in table]
    photos = [photo.resize(size[::-1], Image.Resampling.BILINEAR) if form == "tflite" else photo for photo in photos]
    rows = {
        "photo": np.stack([np.asarray(photo, np.float32)[:, :, np.newaxis] for photo in photos]),
        "age": np.array([age for _, age, *_ in table], np.float32),
        "place": np.array([place for _, _, place, _ in table], object),
    }
    answers = ask(result, rows)
    labels = next(item["labels"] for item in result.outputs if item["name"] == "probabilities")
    expected = np.stack([predicted.probabilities[label] for label in labels], axis=1)
    np.testing.assert_allclose(answers["probabilities"], expected, atol=2e-3)  # a grey level of a pixel, here and there
    assert (answers["prediction"] == np.array(predicted.prediction, object)).mean() > 0.98


STEPS = """
name: steps
data: {source: digits, scale: unit, limit: 300, split: {test: 0.25}, transform: [TRANSFORM]}
training: {epochs: 1}
"""


@pytest.mark.parametrize("form", FORMS)
def test_pictures_through_the_steps_of_scikit_learn(form, tmp_path):
    from PIL import Image

    transform = "{BernoulliRBM: {n_components: 12, n_iter: 1}}, {PCA: {n_components: 4, whiten: true}}, PolynomialFeatures"
    run = Path(fit(config_of(STEPS.replace("TRANSFORM", transform)), run_dir=tmp_path / "run").run)
    result = exported(run, form, tmp_path)
    pixels = np.random.default_rng(0).integers(0, 256, (5, 8, 8)).astype(np.uint8)
    for number, picture in enumerate(pixels):
        Image.fromarray(picture).save(tmp_path / f"{number}.png")
    predicted = predict(run, data=[str(tmp_path / f"{number}.png") for number in range(5)])
    answers = ask(result, {"image": pixels[..., np.newaxis].astype(np.float32)})
    expected = np.stack([predicted.probabilities[label] for label in result.outputs[0]["labels"]], axis=1)
    np.testing.assert_allclose(answers["probabilities"], expected, atol=1e-5)
    assert answers["prediction"].tolist() == predicted.prediction
