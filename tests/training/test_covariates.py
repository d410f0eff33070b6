"""Columns known ahead and columns that stay the same, from the fit to the forecast of an exported model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars
import pytest

from dltrain.checking import check_config
from dltrain.data import load_dataset
from dltrain.data.arrays.disk_array import DiskArray
from dltrain.evaluation.evaluate import evaluate
from dltrain.evaluation.export import export
from dltrain.evaluation.importance.permutation import importances
from dltrain.evaluation.predictions.ahead import predict_ahead
from dltrain.evaluation.predictions.predict import predict
from dltrain.model.build import build_model
from dltrain.model.heads.rules import resolve_heads
from dltrain.model.keras_import import import_keras
from dltrain.training.fit import fit
from tests.data.series.test_covariates import table
from tests.training.support import config_of

HISTORY, HORIZON, AHEAD = 5, 3, 6
SHOPS = """
name: shops
seed: 2
data:
  source: csv
  path: shops.csv
  target: sales
  series: {id: shop, time: day, history: 5, horizon: 3, known: [promo, holiday], static: [kind, size], history_from: before}
  split: {test: 0.2, validation: 0.2}
model:
  layers: [Flatten]
training: {optimizer: {Adam: {learning_rate: 0.05}}, epochs: 2, batch_size: 16}
"""
HARD = (
    "data.series.scale=per_series",
    "data.series.quantiles=[0.1, 0.5, 0.9]",
    "model.layers=[{Flatten: {from: features, name: past}}, {Flatten: {from: known, name: later}}, "
    "{Concatenate: {from: [past, later, static]}}]",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shops with promotions at random, which double the sales, and holidays."""
    folder = tmp_path_factory.mktemp("shops")
    generator, frame = np.random.default_rng(0), table(length=40, ahead=AHEAD)
    frame = frame.with_columns(
        promo=polars.Series(generator.integers(0, 2, len(frame))),
        holiday=polars.Series(generator.choice(["", "easter"], len(frame))),
    )
    frame = frame.with_columns(
        sales=polars.when(polars.col("sales").is_not_null()).then(polars.col("promo") * 50 + 60.0 + polars.col("size"))
    )
    frame.write_csv(folder / "shops.csv")
    return folder


def test_layers_take_what_is_known_and_what_stays_the_same(folder: Path) -> None:
    config = config_of(SHOPS, *HARD, folder=folder)
    shapes = {row.name: row.output_shape for row in check_config(config).layers}
    assert shapes["known"] == (HORIZON, 3)  # promo, and a column for each of two holidays
    assert shapes["static"] == (3,)  # the kinds' two columns and size
    dataset = load_dataset(config.data, seed=2)
    [spec], features = dataset.schema.inputs, dataset.parts["test"].inputs["features"]
    model = build_model(config.model, dataset.schema, resolve_heads(config.model, dataset.schema, None), seed=0)
    keras = import_keras()
    views = keras.Model(model.inputs, [model.get_layer(name).output for name in ("known", "static")])
    known, static = (np.asarray(found) for found in views(np.asarray(features)))
    own = [spec.columns.index(name) for name in spec.columns if name.startswith(("promo", "holiday")) and "+" not in name]
    # Of windows that begin `horizon` rows later the last rows are those that are foretold.
    codes = dataset.parts["test"].identifiers["shop"]
    later = [place for place in range(len(codes) - HORIZON) if codes[place] == codes[place + HORIZON]]
    np.testing.assert_allclose(known[later], np.asarray(features)[np.add(later, HORIZON), -HORIZON:][:, :, own], atol=1e-6)
    places = [place for place, name in enumerate(spec.columns) if name.startswith(("kind", "size"))]
    np.testing.assert_allclose(static, np.asarray(features)[:, -1, places], atol=1e-6)


def test_a_forecast_is_the_exported_model_s_of_the_raw_columns(folder: Path, tmp_path: Path) -> None:
    run = fit(config_of(SHOPS, *HARD, "training.epochs=1", folder=folder), run_dir=tmp_path / "run").run
    said = predict_ahead(run, AHEAD)
    frame = polars.read_csv(folder / "shops.csv").with_columns(polars.col("holiday").fill_null(""))
    model = import_keras().models.load_model(export(run, format="keras", destination=tmp_path / "shops.keras").path)
    import tensorflow as tf

    shops = [frame.filter(polars.col("shop") == shop) for shop in ("shop 0", "shop 1", "shop 2")]
    sales = np.array([rows["sales"].to_list()[:40] for rows in shops])
    for block in range(2):  # the forecasts of the first stand for the rows that are not known yet in the second
        first = 40 + HORIZON * block - HISTORY
        seen = [rows[first : first + HISTORY + HORIZON] for rows in shops]
        answers = model(
            {
                "promo": tf.constant([rows["promo"].to_list() for rows in seen], tf.float32),
                "holiday": tf.constant([rows["holiday"].to_list() for rows in seen]),
                "kind": tf.constant([rows["kind"][0] for rows in shops]),
                "size": tf.constant([rows["size"][0] for rows in shops], tf.float32),
                "sales": tf.constant(sales[:, -HISTORY:], tf.float32),
            }
        )
        expected = np.stack([np.ravel(answers[f"prediction_sales__{ahead}"]) for ahead in range(1, HORIZON + 1)], axis=1)
        found = np.reshape(said.prediction, (3, AHEAD))[:, block * HORIZON : (block + 1) * HORIZON]
        np.testing.assert_allclose(found, expected, rtol=1e-4)
        sales = np.concatenate([sales, expected], axis=1)


def test_what_is_known_ahead_is_learnt(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = config_of(SHOPS, "training.epochs=40", folder=folder)
    monkeypatch.setenv("DLTRAIN_STREAM_BYTES", "100")
    assert isinstance(load_dataset(config.data, seed=2).parts["train"].inputs["features"], DiskArray)
    result = fit(config, run_dir=folder / "linear")  # from windows on disk
    assert result.metrics["test"]["r2"] > 0.99  # promotions come at random: nothing but their own column tells them
    found = {one.name: one.value for one in importances(evaluate(result.run).scored, "rmse").columns}
    assert max(found, key=lambda name: found[name]) == "promo"
    windows = predict(result.run, data=[str(folder / "shops.csv")])
    assert len(windows.identifiers["time"]) == 3 * (40 - HISTORY + 1)
