"""Windows of a series scaled each by itself: what the model computes, what it is measured by, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars
import pytest

from dltrain.checking import check_config
from dltrain.data.load import load_dataset
from dltrain.data.series.preprocessing import SeriesPreprocessing
from dltrain.errors import ConfigError, DataError
from dltrain.evaluation.evaluate import evaluate
from dltrain.evaluation.predictions.stored_part import predict_part
from dltrain.model.keras_import import import_keras
from dltrain.training.fit import fit
from tests.training.support import config_of

LEVELS = """
name: levels
seed: 2
data:
  source: csv
  path: levels.csv
  target: y
  series: {id: kind, time: day, history: 6, horizon: 2, scale: per_series}
  features: [y, kind]
  split: {test: 0.2, validation: 0.2}
model:
  layers: [Flatten]
training: {optimizer: {Adam: {learning_rate: 0.01}}, epochs: 3, batch_size: 16}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("levels")
    days = [str(np.datetime64("2020-01-01") + day) for day in range(80)]
    walks = np.random.default_rng(3).normal(0, 1, (2, 80)).cumsum(axis=1) * [[1.0], [300.0]] + [[40.0], [9000.0]]
    frames = [polars.DataFrame({"kind": [name] * 80, "day": days, "y": walk}) for name, walk in zip("ab", walks, strict=True)]
    polars.concat(frames).write_csv(folder / "levels.csv")
    return folder


def test_a_forecast_is_that_of_the_window_by_its_own_mean_and_deviation(folder: Path) -> None:
    config = config_of(LEVELS, folder=folder)
    result = fit(config, run_dir=folder / "run")
    model = import_keras().models.load_model(result.run / "checkpoints" / "best.h5")
    kernel, bias = model.get_layer("output").get_weights()
    frame = polars.read_csv(folder / "levels.csv")
    said = predict_part(result.run, "test")
    truth, weights = [], []
    for kind, column in (("a", 0), ("b", 1)):
        y = frame.filter(polars.col("kind") == kind)["y"].to_numpy()
        rows = [place for place, name in enumerate(said.identifiers["kind"]) if name == kind]
        ends = np.arange(64 + 5, 80 - 2)
        windows = y[ends[:, None] + np.arange(-5, 1)]
        mean, deviation = windows.mean(axis=1, keepdims=True), windows.std(axis=1, keepdims=True)
        # What the net sees of a row: its number, scaled by the window, and which kind it is, as it stands.
        names = list(load_dataset(config.data, seed=2).schema.inputs[0].columns)
        seen = np.zeros((len(ends), 6, len(names)))
        seen[:, :, names.index("y")] = (windows - mean) / deviation
        seen[:, :, next(place for place, name in enumerate(names) if name.endswith(f"={kind}"))] = 1.0
        expected = (seen.reshape(len(ends), -1) @ kernel + bias) * deviation + mean
        for ahead in (1, 2):
            found = np.array(said.columns[f"prediction_y +{ahead}"])[rows]
            np.testing.assert_allclose(found, expected[:, ahead - 1], rtol=1e-3, atol=deviation.max() * 1e-2, err_msg=str(column))
        truth.append((expected - np.stack([y[ends + 1], y[ends + 2]], axis=1)) / deviation)
        weights.append(deviation)
    # The loss is that of the scaled windows, where none varies less than counts.
    assert result.metrics["test"]["loss"] == pytest.approx((np.concatenate(truth) ** 2).mean(), rel=0.05)
    assert evaluate(result.run).metrics == pytest.approx(result.metrics["test"])


def test_it_is_stored_and_a_run_of_before_has_none(folder: Path) -> None:
    found = load_dataset(config_of(LEVELS, folder=folder).data, seed=2)
    state, arrays = found.preprocessing.to_state()
    assert SeriesPreprocessing.from_state(state, arrays) == found.preprocessing
    assert found.schema.inputs[0].window_scale is not None
    assert sum(found.schema.inputs[0].window_scale.amounts) == 1
    for name in ("scale", "least_spread", "quantiles", "naive"):
        del state[name]
    before = SeriesPreprocessing.from_state(state, arrays)
    assert isinstance(before, SeriesPreprocessing)
    assert before.series.scale is None
    assert before.schema.inputs[0].window_scale is None


def test_check_knows_the_layers_that_keras_builds(folder: Path) -> None:
    config = config_of(LEVELS, "data.series.quantiles=[0.1, 0.5, 0.9]", folder=folder)
    plain, built = check_config(config), check_config(config, build=True)
    assert plain.errors == built.errors == ()
    # Keras lists the layers of branches in another order.
    shapes = sorted((row.name, row.output_shape, row.parameters) for row in plain.layers)
    assert shapes == sorted((row.name, row.output_shape, row.parameters) for row in built.layers)
    assert plain.layers[-1].name == "output_own"
    assert plain.layers[-1].output_shape == (6,)


def test_what_it_excludes_is_said(folder: Path) -> None:
    with pytest.raises(ConfigError, match="not by that of the target's logarithm"):
        config_of(LEVELS, "data.scale_target=log", folder=folder)
    config = config_of(LEVELS, "data.features=[kind]", folder=folder)
    with pytest.raises(DataError, match="scaled by its own y, which is not among the features"):
        load_dataset(config.data, seed=2)
    faults = check_config(config).errors
    assert any("scaled by its own y" in fault.message for fault in faults), faults
