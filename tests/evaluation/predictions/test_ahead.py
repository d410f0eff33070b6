"""What `predict --steps` says of the rows after the last one of each series."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars
import pytest

import dltrain
from dltrain.errors import DataError, Fault, UsageError
from dltrain.evaluation.predictions.ahead import predict_ahead
from dltrain.evaluation.predictions.predict import predict
from dltrain.model.keras_import import import_keras
from dltrain.training.fit import fit
from tests.training.support import config_of

SHOPS = """
name: shops
seed: 2
data:
  source: csv
  path: shops.csv
  target: y
  series: {id: shop, time: month, history: 4, horizon: 2}
  split: {test: 0.2, validation: 0.2}
model:
  layers: [Flatten]
training: {epochs: 2, batch_size: 16}
"""


def shops(folder: Path, rows: int = 40) -> polars.DataFrame:
    """Two shops by month ends, the second of which ends two months earlier."""
    months = [str((np.datetime64("2020-02") + month).astype("datetime64[D]") - 1) for month in range(rows)]
    values = np.random.default_rng(5).normal(50, 10, (2, rows)).round(2)
    frame = polars.concat(
        [
            polars.DataFrame({"shop": [name] * count, "month": months[:count], "y": of[:count]})
            for name, of, count in zip(("east", "west"), values, (rows, rows - 2), strict=True)
        ]
    )
    frame.write_csv(folder / "shops.csv")
    return frame


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("ahead")
    shops(folder)
    return folder, fit(config_of(SHOPS, folder=folder), run_dir=folder / "run").run


def by_hand(run: Path, train: np.ndarray, last: np.ndarray, steps: int) -> np.ndarray:
    """The forecasts of the linear net by its weights, fed back two at a time."""
    kernel, bias = import_keras().models.load_model(run / "checkpoints" / "best.h5").get_weights()
    mean, spread = train.mean(), train.std()
    window = ((last - mean) / spread).tolist()
    said: list[float] = []
    while len(said) < steps:
        two = np.array(window[-4:]) @ kernel + bias
        window += two.tolist()
        said += two.tolist()
    return np.array(said[:steps]) * spread + mean


def test_forecasts_are_fed_back_beyond_the_horizon(trained: tuple[Path, Path]) -> None:
    folder, run = trained
    frame = polars.read_csv(folder / "shops.csv")
    found = predict_ahead(run, 5, data=[str(folder / "shops.csv")])
    assert found.identifiers["shop"] == ["east"] * 5 + ["west"] * 5
    assert found.identifiers["time"][:5] == ["2023-05-31", "2023-06-30", "2023-07-31", "2023-08-31", "2023-09-30"]
    assert found.identifiers["time"][5] == "2023-03-31"
    assert found.identifiers["step"] == [1, 2, 3, 4, 5] * 2
    assert any("steps 3 to 5 are beyond the horizon of 2" in note for note in found.notes)
    east, west = (frame.filter(polars.col("shop") == name)["y"].to_numpy() for name in ("east", "west"))
    # 8 of 40 and 8 of 38 rows are the test part, 7 and 6 of the rest the validation part.
    train = np.concatenate([east[:25], west[:24]])
    for place, values in enumerate((east, west)):
        expected = by_hand(run, train, values[-4:], 5)
        np.testing.assert_allclose(found.prediction[5 * place : 5 * place + 5], expected, rtol=2e-4)
    # The last rows alone say the same, and so does the run's own data; so does the last window of a plain prediction.
    frame.group_by("shop", maintain_order=True).tail(4).write_csv(folder / "last.csv")
    assert predict_ahead(run, 5, data=[str(folder / "last.csv")]).prediction == found.prediction
    assert dltrain.predict(run, steps=5).prediction == found.prediction
    plain = predict(run, data=[str(folder / "last.csv")])
    assert plain.columns["prediction_y +2"] == pytest.approx([found.prediction[1], found.prediction[6]])


def test_it_begins_at_a_time(trained: tuple[Path, Path]) -> None:
    folder, run = trained
    frame = polars.read_csv(folder / "shops.csv")
    found = predict_ahead(run, 2, since="2022-06-30", data=[str(folder / "shops.csv")])
    assert found.identifiers["time"] == ["2022-06-30", "2022-07-31"] * 2
    frame.filter(polars.col("month") < "2022-06-30").write_csv(folder / "before.csv")
    assert predict_ahead(run, 2, data=[str(folder / "before.csv")]).prediction == found.prediction
    assert not found.notes
    with pytest.raises(UsageError, match="--since soon is no date"):
        predict_ahead(run, 2, since="soon")
    with pytest.raises(DataError, match="no row is before 1999-01-01"):
        predict_ahead(run, 2, since="1999-01-01")


def test_series_without_rows_enough_are_named(trained: tuple[Path, Path]) -> None:
    folder, run = trained
    frame = polars.read_csv(folder / "shops.csv")
    frame.filter((polars.col("shop") == "east") | (polars.col("month") > "2022-12-01")).write_csv(folder / "short.csv")
    heard: list[str] = []

    from dltrain.reporting import Reporter

    class Listening(Reporter):
        def warning(self, warning: str | Fault) -> None:
            heard.append(str(warning))

    found = predict_ahead(run, 1, data=[str(folder / "short.csv")], reporter=Listening())
    assert set(found.identifiers["shop"]) == {"east"}
    assert any("1 series has less than 4 rows without a gap at their end and no forecast: west" in text for text in heard)
    frame.head(3).write_csv(folder / "few.csv")
    with pytest.raises(DataError, match="forecasts need the last 4 rows"):
        predict_ahead(run, 1, data=[str(folder / "few.csv")])
    east = frame.filter(polars.col("shop") == "east").sort("month")
    polars.concat([east.head(-4), east.tail(2)]).write_csv(folder / "gap.csv")
    before, after = east["month"][-5], east["month"][-2]
    said = rf"between {before}.* and {after}.* there is a gap, with 2 rows from there on"
    with pytest.raises(DataError, match=said):
        predict_ahead(run, 1, data=[str(folder / "gap.csv")])


def test_what_nobody_knows_yet_is_refused(tmp_path: Path) -> None:
    shops(tmp_path).with_columns(price=polars.col("y") * 2 + 1, at=polars.col("month")).write_csv(tmp_path / "shops.csv")
    config = config_of(SHOPS, "training.epochs=1", "data.features={y: number, price: number, month: date}", folder=tmp_path)
    run = fit(config, run_dir=tmp_path / "run").run
    assert len(predict_ahead(run, 2).prediction) == 4
    with pytest.raises(UsageError, match=r"what nobody knows yet: price; y alone is foretold"):
        predict_ahead(run, 3)
