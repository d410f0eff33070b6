"""A table is trained, evaluated, predicted and exported alike, whatever its columns are called."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars
import pytest
import yaml

from dltrain.evaluation.evaluate import evaluate
from dltrain.evaluation.export import export
from dltrain.evaluation.predictions.predict import predict
from dltrain.model.keras_import import import_keras
from dltrain.training.fit import fit
from tests.data.streaming import IN_MEMORY, STREAMED
from tests.training.support import config_of

NUM_ROWS = 90


def table() -> polars.DataFrame:
    generator = np.random.default_rng(0)
    frame = polars.DataFrame(
        {
            "x": generator.normal(size=NUM_ROWS).round(3),
            "^x$": generator.normal(size=NUM_ROWS).round(3),
            "*": ["1.0", "2.0", "3.0"] * (NUM_ROWS // 3),
            "^[$": ["u", "v", None] * (NUM_ROWS // 3),
            "from": generator.normal(size=NUM_ROWS).round(3),
            "^w$": generator.integers(1, 4, NUM_ROWS).astype(float),
            "part": ["train"] * 60 + ["test"] * 30,
        }
    )
    total = frame["x"].to_numpy() + frame.get_column("^x$").to_numpy() + np.tile([1.0, 0.0, -1.0], NUM_ROWS // 3)
    return frame.with_columns(polars.Series("^y$", np.where(total > 0, "p", "q")))


@pytest.mark.parametrize("bound", [IN_MEMORY, pytest.param(STREAMED, marks=pytest.mark.slow)])
def test_f11_any_name_trains_and_answers_alike(tmp_path: Path, bound: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLTRAIN_STREAM_BYTES", bound)
    frame = table()
    frame.write_csv(tmp_path / "t.csv")
    test = frame[60:]
    test.write_csv(tmp_path / "test.csv")
    data = {
        "source": "csv",
        "path": "t.csv",
        "target": "^y$",
        "weight": "^w$",
        "features": {"x": None, "^x$": "number", "*": "category", "^[$": "category", "from": None},
        "split": {"column": "part"},
    }
    training = {"epochs": 2, "batch_size": 16}
    config = {"name": "names", "seed": 3, "data": data, "model": {"layers": [{"Dense": {"units": 4}}]}, "training": training}
    run = Path(fit(config_of(yaml.safe_dump(config), folder=tmp_path), run_dir=tmp_path / "run").run)
    stored = evaluate(run, part="test").metrics
    asked = evaluate(run, data=[str(tmp_path / "test.csv")]).metrics
    assert stored == asked
    found = predict(run, data=[str(tmp_path / "test.csv")])
    right = np.mean(np.asarray(found.prediction) == test.get_column("^y$").to_numpy())
    assert stored["accuracy"] == pytest.approx(right, abs=1e-6)
    if bound == STREAMED:
        return
    result = export(run, format="keras", destination=tmp_path / "out.keras")
    model = import_keras().models.load_model(result.path)
    for suffix in ("", ".0"):  # a category that is a number is met by value
        columns = {name: frame.get_column(name)[60:] for name in data["features"]}  # type: ignore[attr-defined]
        columns["*"] = polars.Series([word[0] + suffix for word in columns["*"].to_list()])
        rows = {
            item["name"]: columns[item["column"]].to_numpy().astype(np.float32)
            if columns[item["column"]].dtype.is_float()
            else np.array([word or "" for word in columns[item["column"]].to_list()], object)
            for item in result.inputs
        }
        answers = model.predict(rows, verbose=0)
        probabilities = np.stack([found.probabilities[label] for label in ("p", "q")], axis=1)
        np.testing.assert_allclose(answers["probabilities"], probabilities, atol=1e-6)
