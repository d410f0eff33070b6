"""A run and its data that were moved; rows of the training part among other data; a part's own file evaluated and predicted."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars
import pytest

from dltrain.cli.app import run as run_command
from dltrain.config import load_config_text
from dltrain.data import load_dataset
from dltrain.errors import DataError, UsageError
from dltrain.evaluation.evaluate import evaluate
from dltrain.evaluation.export import export
from dltrain.evaluation.moved_data import find_moved
from dltrain.evaluation.predictions.predict import predict
from dltrain.reporting import Reporter
from dltrain.training.fit import fit
from tests.data.sources.support import write_picture

TABLE = """
seed: 3
data: {source: csv, path: data/rows.csv, target: kind, split: {test: 0.25}}
model: {layers: [Dense: {units: 4, activation: relu}]}
training: {epochs: 2, batch_size: 16}
"""


class Heard(Reporter):
    """Keeps the warnings."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warning(self, warning: Any) -> None:
        self.warnings.append(str(warning))


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that was made elsewhere: its config names files that are not there any more."""
    first = tmp_path_factory.mktemp("first")
    (first / "data").mkdir()
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 100))
    polars.DataFrame({"a": a, "b": b, "kind": np.where(a > 0, "up", "down")}).write_csv(first / "data" / "rows.csv")
    fit(load_config_text(TABLE, folder=first), run_dir=first / "runs" / "run")
    second = tmp_path_factory.mktemp("second")
    shutil.move(first / "runs", second)
    shutil.move(first / "data", second)
    return second


def stored(run: Path) -> dict[str, float]:
    found: dict[str, float] = json.loads((run / "metrics.json").read_text())["metrics"]["test"]
    return found


def test_e1_a_run_that_was_moved_with_its_data_is_evaluated(moved: Path) -> None:
    result = evaluate(moved / "runs" / "run")
    assert result.metrics == stored(moved / "runs" / "run")
    assert any("rows.csv is read" in note for note in result.notes)


def test_e1_where_the_data_is_can_be_said_and_is_looked_for(
    moved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("DLTRAIN_DATA", raising=False)
    run = tmp_path / "artifact" / "deep" / "down" / "run"
    shutil.copytree(moved / "runs" / "run", run)
    with pytest.raises(DataError, match=r"data/rows.csv") as caught:
        evaluate(run)
    assert f"dltrain evaluate {run} data.path=WHERE" in str(caught.value.faults[0].hint)
    shutil.copy(moved / "data" / "rows.csv", tmp_path / "mine.csv")
    monkeypatch.chdir(tmp_path)
    capsys.readouterr()
    assert run_command(["evaluate", str(run), "data.path=mine.csv", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["metrics"] == stored(run)
    monkeypatch.setenv("DLTRAIN_DATA", str(moved / "data"))
    assert evaluate(run).metrics == stored(run)
    other = polars.read_csv(tmp_path / "mine.csv").with_columns(a=polars.col("a") + 1)
    other.write_csv(tmp_path / "other.csv")
    with pytest.raises(DataError, match="not that of the run"):
        evaluate(run, overrides=["data.path=other.csv"])
    with pytest.raises(UsageError, match=r"data\.target of a run cannot be changed"):
        evaluate(run, overrides=["data.target=b"])
    with pytest.raises(UsageError, match="exclude each other"):
        evaluate(run, data=["mine.csv"], overrides=["data.path=mine.csv"])


@pytest.mark.parametrize("place", ["runs/run", "runs/sweep/trials/0003", "runs/sweep/trials/0003/fold-1"])
def test_e1_siblings_pictures_of_a_table_and_trials_of_a_sweep_are_looked_for_beside_them(place: str, tmp_path: Path) -> None:
    text = (
        "data: {source: csv, path: data/rows.csv, target: y, features: {shot: image}, images: {folder: data/shots, suffix: .jpg}}"
    )
    config = load_config_text(text, folder=tmp_path / "first").data
    second = tmp_path / "second"
    (second / "data" / "shots").mkdir(parents=True)
    (second / "data" / "rows.csv").write_text("id,y\n1,2\n")
    found, notes = find_moved(config, second / place)
    assert found.path == (str(second / "data" / "rows.csv"),)
    assert found.images == replace(config.images, folder=(str(second / "data" / "shots"),))
    assert len(notes) == 2
    shutil.rmtree(second / "data" / "shots")
    with pytest.raises(DataError, match="shots") as caught:
        find_moved(config, second / place)
    assert "data.images.folder=WHERE" in str(caught.value.faults[0].hint)


def test_e1_training_rows_among_other_data_are_said(moved: Path, tmp_path: Path) -> None:
    run, file = moved / "runs" / "run", moved / "data" / "rows.csv"
    heard = Heard()
    evaluate(run, data=[str(file)], reporter=heard)
    assert any("75 of the 100 rows have the features of rows that the model was trained on" in text for text in heard.warnings)
    dataset = load_dataset(load_config_text(TABLE, folder=moved).data, seed=3)
    polars.read_csv(file)[dataset.parts["test"].row_ids].write_csv(tmp_path / "test.csv")
    heard = Heard()
    result = evaluate(run, data=[str(tmp_path / "test.csv")], reporter=heard)
    assert not heard.warnings
    assert result.metrics == pytest.approx(stored(run), rel=1e-6)


@pytest.mark.parametrize(
    ("source", "stream"),
    [
        ("image_folder", None),
        ("csv", "100"),
        *(
            pytest.param(source, stream, marks=pytest.mark.slow)
            for source, stream in (("image_folder", "100"), ("csv", None), ("npz", None), ("npz", "100"))
        ),
    ],
)
def test_e1_siblings_training_rows_on_disk_and_of_arrays(
    source: str, stream: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    for index in range(16):
        write_picture(tmp_path / "pictures" / "ab"[index % 2] / f"{index}.png", (6, 5), seed=index)
    polars.DataFrame({"a": rng.normal(size=16), "y": np.arange(16) % 2}).write_csv(tmp_path / "rows.csv")
    np.savez(tmp_path / "rows.npz", x=rng.integers(0, 256, (16, 5, 6)).astype(np.uint8), y=np.arange(16) % 2)
    given = {
        "image_folder": ("path: pictures, image_size: [5, 6]", "pictures"),
        "csv": ("path: rows.csv, target: y", "rows.csv"),
        "npz": ("path: rows.npz", "rows.npz"),
    }
    words, data = given[source]
    text = f"data: {{source: {source}, {words}, split: {{test: 0.25}}}}\nmodel: {{layers: [Flatten]}}\ntraining: {{epochs: 1}}"
    if stream:
        monkeypatch.setenv("DLTRAIN_STREAM_BYTES", stream)
    fit(load_config_text(text, folder=tmp_path), run_dir=tmp_path / "run")
    monkeypatch.delenv("DLTRAIN_STREAM_BYTES", raising=False)  # known in whatever way the rows are read
    heard = Heard()
    evaluate(tmp_path / "run", data=[str(tmp_path / data)], reporter=heard)
    assert [text.split(" have ")[0] for text in heard.warnings] == ["12 of the 16 rows"]


@pytest.mark.parametrize("source", ["image_folder", "text_folder"])
def test_e1_a_folder_under_another_name_is_the_same_data(source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    for index in range(16):
        folder = tmp_path / "data" / "ab"[index % 2]
        folder.mkdir(parents=True, exist_ok=True)
        if source == "image_folder":
            write_picture(folder / f"{index}.png", (6, 5), seed=index)
        else:
            (folder / f"{index}.txt").write_text(" ".join(rng.choice(["yes", "no", "word", "more"], 5)))
    size, layers = (", image_size: [5, 6]", "[Flatten]") if source == "image_folder" else ("", "[]")
    text = f"data: {{source: {source}, path: data{size}, split: {{test: 0.25}}}}\nmodel: {{layers: {layers}}}\ntraining: {{epochs: 1}}"
    fit(load_config_text(text, folder=tmp_path), run_dir=tmp_path / "run")
    (tmp_path / "data").rename(tmp_path / "elsewhere")
    monkeypatch.chdir(tmp_path)
    assert evaluate(tmp_path / "run", overrides=["data.path=elsewhere"]).metrics == stored(tmp_path / "run")
    victim = next((tmp_path / "elsewhere" / "a").iterdir())
    victim.rename(victim.with_name("z" + victim.name))
    with pytest.raises(DataError, match="not that of the run: elsewhere") as caught:
        evaluate(tmp_path / "run", overrides=["data.path=elsewhere"])
    assert len(caught.value.faults) == 1


def test_the_file_of_a_part_of_a_text_table_gives_the_metrics_of_that_part(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    words = np.array(["good", "fine", "great", "bad", "poor", "awful", "tea", "cup", "table", "Straße"])
    texts = [" ".join(rng.choice(words, 8)) + f" number {index}" for index in range(120)]
    labels = ["pos" if sum(map(text.count, words[:3])) >= 2 else "neg" for text in texts]
    polars.DataFrame({"review": texts, "label": labels}).write_csv(tmp_path / "rows.csv")
    text = """
seed: 1
data: {source: csv, path: rows.csv, target: label, features: {review: text}, text: {ngrams: 2}, split: {test: 0.25}}
model: {layers: [Dense: {units: 4, activation: relu}]}
training: {epochs: 2, batch_size: 16}
"""
    config = load_config_text(text, folder=tmp_path)
    fit(config, run_dir=tmp_path / "run")
    part = load_dataset(config.data, seed=1).parts["test"]
    frame = polars.read_csv(tmp_path / "rows.csv")[part.row_ids]
    frame.write_csv(tmp_path / "test.csv")
    frame.write_parquet(tmp_path / "test.parquet")
    for name in ("test.csv", "test.parquet"):
        assert evaluate(tmp_path / "run", data=[str(tmp_path / name)]).metrics == pytest.approx(
            stored(tmp_path / "run"), rel=1e-6
        )
    found = predict(tmp_path / "run", data=[str(tmp_path / "test.csv")])
    assert np.mean(np.array(found.prediction) == frame["label"].to_numpy()) == pytest.approx(stored(tmp_path / "run")["accuracy"])
    whole = predict(tmp_path / "run", data=[str(tmp_path / "rows.csv")])
    assert [whole.prediction[row] for row in part.row_ids] == found.prediction
    assert export(tmp_path / "run", destination=tmp_path / "run.keras").difference < 1e-5


def test_the_file_of_a_part_of_a_series_gives_the_metrics_of_that_part(tmp_path: Path) -> None:
    steps = np.arange(200)
    values = 100 + 30 * np.sin(steps / 5) + np.random.default_rng(0).normal(size=200)
    days = polars.Series("day", np.datetime64("2021-01-01") + steps.astype("timedelta64[D]")).cast(polars.Date)
    frame = polars.DataFrame({"day": days, "y": values.round(3)})
    frame.write_csv(tmp_path / "rows.csv")
    text = """
seed: 1
data: {source: csv, path: rows.csv, target: y, series: {time: day, history: 6, horizon: 2}, split: {test: 0.25}}
model: {layers: [Flatten, Dense: {units: 4, activation: relu}]}
training: {epochs: 2, batch_size: 16}
"""
    config = load_config_text(text, folder=tmp_path)
    fit(config, run_dir=tmp_path / "run")
    frame[-50:].write_csv(tmp_path / "test.csv")
    frame[-50:].sample(fraction=1.0, shuffle=True, seed=0).write_parquet(tmp_path / "test.parquet")
    for name in ("test.csv", "test.parquet"):
        assert evaluate(tmp_path / "run", data=[str(tmp_path / name)]).metrics == pytest.approx(
            stored(tmp_path / "run"), rel=1e-6
        )
    found = predict(tmp_path / "run", data=[str(tmp_path / "test.csv")])
    ahead = np.stack([found.columns[name] for name in found.columns if name.startswith("prediction_")], axis=1)
    true = np.stack([values.round(3)[156:199], values.round(3)[157:200]], axis=1)
    error = np.sqrt(np.mean((ahead[: len(true)] - true) ** 2))
    assert error == pytest.approx(stored(tmp_path / "run")["rmse"], rel=1e-5)
