"""Series from the raw rows to the forecast: fit, baselines, picture, resume, and what follows the end of a file."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars
import pytest

from dltrain.checking import check_config
from dltrain.config.types import Config
from dltrain.errors import DataError
from dltrain.evaluation.evaluate import evaluate
from dltrain.evaluation.predictions.predict import predict
from dltrain.model.keras_import import import_keras
from dltrain.training.fit import FitResult, fit
from tests.drawn import drawing_pictures
from tests.training.support import assert_same_bits, config_of, fit_with_interruptions

WAVES = """
name: waves
seed: 2
data:
  source: csv
  path: waves.csv
  target: y
  series: {time: day, history: 6, horizon: 2}
  split: {test: 0.2, validation: 0.2}
model:
  layers: [Flatten]
training:
  optimizer: {Adam: {learning_rate: 0.03}}
  epochs: 25
  batch_size: 16
"""
RECURRENT = (
    "model.layers=[{Conv1D: {filters: 4, kernel_size: 2}}, {GRU: {units: 4, return_sequences: true, dropout: 0.1}}, "
    "{Bidirectional: {layer: {SimpleRNN: {units: 3}}}}]"
)


def waves(folder: Path, *overrides: str, rows: int = 150) -> Config:
    days = [str(np.datetime64("2024-01-01") + day) for day in range(rows)]
    y = np.sin(np.arange(rows) * 2 * np.pi / 7) * 10 + 50 + np.arange(rows) * 0.1
    polars.DataFrame({"day": days, "y": y.round(4), "x": np.cos(np.arange(rows))}).write_csv(folder / "waves.csv")
    return config_of(WAVES, *overrides, folder=folder)


def test_a_constant_is_foretold_where_that_is_asked_for(tmp_path: Path) -> None:
    config = waves(tmp_path, "data.series.horizon=1", "training.epochs=1")
    (tmp_path / "waves.csv").write_text("day,y\n" + "\n".join(f"{2000 + row},5" for row in range(60)))
    with pytest.raises(DataError, match="is the same in every row of the training part") as caught:
        fit(config, runs=tmp_path / "runs")
    assert "--allow-one-class" in str(caught.value.faults[0].hint)
    result = fit(replace(config, data=replace(config.data, allow_one_class=True)), runs=tmp_path / "runs")
    assert result.metrics["test"]["rmse"] >= 0
    assert "to say it always is all that can be learnt" in str(result.warnings)
    assert not any("always answering with the mean" in finding["sentence"] for finding in result.diagnosis)


@pytest.fixture(scope="module")
def foretold(tmp_path_factory: pytest.TempPathFactory) -> FitResult:
    """A linear net of a wave, with pictures, beside its table."""
    folder = tmp_path_factory.mktemp("waves")
    with drawing_pictures():
        return fit(waves(folder), run_dir=folder / "run")


def test_a_season_before_the_rows_is_said(foretold: FitResult, tmp_path: Path) -> None:
    frame = polars.read_csv(foretold.run.parent / "waves.csv")
    frame[-30:].write_csv(tmp_path / "test.csv")
    found = evaluate(foretold.run, data=[str(tmp_path / "test.csv")])
    y = frame["y"].to_numpy()[-30:]
    ends = np.arange(5, 28)  # 23 windows of 6 rows with 2 to come
    before = np.stack([np.where(ends + ahead >= 7, y[ends + ahead - 7], y[ends]) for ahead in (1, 2)], axis=1)
    truth = np.stack([y[ends + 1], y[ends + 2]], axis=1)
    expected = np.sqrt(((before - truth) ** 2).mean())
    assert found.report["baselines"]["value 7 rows before"]["rmse"] == pytest.approx(expected, rel=1e-5)
    assert "value 7 rows before is not among the rows for 1 of the 23 forecasts of the data part" in " ".join(found.notes)


def test_the_mean_of_the_training_part_is_a_baseline_of_the_verdict(tmp_path: Path) -> None:
    config = waves(tmp_path, "training.epochs=1", "data.series.horizon=1", rows=300)
    numbers = np.random.default_rng(1).normal(size=300)  # where nothing tells the next, the mean is better than the last value
    frame = polars.read_csv(tmp_path / "waves.csv").with_columns(y=polars.Series(numbers), x=polars.Series(numbers[::-1]))
    frame.write_csv(tmp_path / "waves.csv")
    notes = " ".join(fit(config, runs=tmp_path / "runs").notes)
    assert "The model is no better than the mean of the training part: rmse on the validation part is" in notes


@pytest.mark.slow
def test_members_are_measured_as_their_average_is(tmp_path: Path) -> None:
    run = fit(waves(tmp_path, "training.members=2", "training.epochs=1"), runs=tmp_path / "runs").run
    members = json.loads((run / "metrics.json").read_text())["members"]["metrics"]["test"]
    found = evaluate(run).members
    assert found.keys() == members.keys() >= {"rmse", "mase", "rmse_step_2"}
    for name, one in found.items():
        assert one["values"] == pytest.approx(members[name]["values"], rel=1e-4, abs=1e-4), name


def test_a_linear_net_foretells_a_wave(foretold: FitResult) -> None:
    result, table = foretold, foretold.run.parent / "waves.csv"
    metrics = result.metrics["test"]
    # In closed form: the same windows, least squares.
    assert metrics["rmse"] < 0.4 * result.baseline["rmse"]
    assert metrics["rmse"] ** 2 == pytest.approx((metrics["rmse_step_1"] ** 2 + metrics["rmse_step_2"] ** 2) / 2)
    baselines = result.report["baselines"]
    assert list(baselines) == ["last value", "value 7 rows before", "drift", "mean of the training part"]
    assert baselines["last value"] == result.baseline
    assert baselines["value 7 rows before"]["rmse"] == pytest.approx(0.7, abs=0.01)  # the slope, a week long
    assert (result.run / "forecast.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((result.run / "metrics.json").read_text())["reports"]["test"]["baselines"] == baselines
    assert evaluate(result.run).metrics == pytest.approx(metrics)
    import_keras().models.load_model(result.run / "checkpoints" / "best.h5")

    found = predict(result.run, data=[str(table)])
    assert list(found.columns) == ["prediction_y +1", "prediction_y +2"]
    times = found.identifiers["time"]
    assert (len(times), times[0], times[-1]) == (145, "2024-01-07", "2024-05-30")  # the last window ends with the file
    truth = polars.read_csv(table)["y"].to_numpy()
    test = slice(-26, None)
    errors = [np.array(found.columns[f"prediction_y +{ahead}"])[:-2] - truth[5 + ahead :][:143] for ahead in (1, 2)]
    assert np.sqrt(np.mean([error[test][2:] ** 2 for error in errors])) == pytest.approx(metrics["rmse"], rel=0.1)


@pytest.mark.parametrize(
    "layer",
    ["{Dropout: {rate: 0.1}}", pytest.param("{GRU: {units: 4, dropout: 0.1}}", marks=pytest.mark.slow)],
    ids=["plain", "recurrent"],
)
def test_an_interrupted_fit_goes_on_with_the_same_bits(layer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hard = ("data.series.scale=per_series", "data.series.quantiles=[0.1, 0.5, 0.9]")
    layers = f"model.layers=[{layer}]" if "GRU" in layer else f"model.layers=[Flatten, {layer}]"
    config = waves(tmp_path, layers, "training.epochs=2", "data.series.horizon=1", *hard)
    fit(config, run_dir=tmp_path / "once")
    fit_with_interruptions(config, tmp_path / "often", monkeypatch, [3])
    assert_same_bits(tmp_path / "once", tmp_path / "often")


@pytest.mark.slow
def test_windows_on_disk_train_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLTRAIN_STREAM_BYTES", "100")
    result = fit(waves(tmp_path, "training.epochs=2"), runs=tmp_path / "runs")
    assert "rmse" in result.metrics["test"]


def test_check_knows_the_shapes_that_keras_builds(tmp_path: Path) -> None:
    config = waves(tmp_path, RECURRENT)
    plain, built = check_config(config), check_config(config, build=True)
    assert plain.errors == built.errors == ()
    shapes = [(row.name, row.output_shape, row.parameters) for row in plain.layers]
    assert shapes == [(row.name, row.output_shape, row.parameters) for row in built.layers]
    assert shapes[0] == ("conv1d", (5, 4), 20)  # 6 rows of 2 numbers, 2 at a time
    assert shapes[-1][1] == (2,)


@pytest.mark.parametrize(
    ("override", "path", "words"),
    [
        ("data.split.group=x", "data.split.group", "a series is split by time"),
        ("data.task=reconstruction", "data.task", "a series foretells numbers"),
        ("data.weight=x", "data.weight", "a series has no weight"),
        ("data.embedding_size=3", "data.embedding_size", "a series has no embedding_size"),
        ("data.images={suffix: .jpg}", "data.images", "`images` is about pictures, and no column is one"),
        ("data.series={time: day}", "data.series.history", "missing: Rows that the model sees"),
        ("data.series.time=date", "data.series.time", "date is not a column of"),
        ("data.source=digits", "data.series", "a series is a table"),
        ("data.series.offset=0", "data.series.offset", "no forecast"),
        ("data.series={history: 6, sampling: 2, known: [x]}", "data.series.sampling", "sampling leaves rows out"),
        ("data.series={history: 6, sampling: 40}", "data.series", "the train part has no window: 96 rows, and a window is 202"),
    ],
)
def test_contradictions_are_said_at_their_key(tmp_path: Path, override: str, path: str, words: str) -> None:
    from dltrain.errors import ConfigError

    try:
        faults = check_config(waves(tmp_path, override)).errors
    except ConfigError as error:
        faults = error.faults
    assert any(fault.path == path and words in fault.message for fault in faults), faults
