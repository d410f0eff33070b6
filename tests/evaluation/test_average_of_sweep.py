"""The best trials of a sweep as one model: what it says is the mean of what they say, in predictions and exports."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from dltrain.errors import UsageError
from dltrain.evaluation.average_of_sweep import load_average
from dltrain.evaluation.evaluate import evaluate
from dltrain.evaluation.export import export
from dltrain.evaluation.predictions.predict import predict
from dltrain.model.keras_import import import_keras
from dltrain.sweep.sweep import sweep
from tests.training.test_fit import learnable


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("swept")
    config = learnable(folder, "training.epochs=3", regression=True)
    sweep(config, over=["training.optimizer.learning_rate=0.01,0.3,0.03"], run_dir=folder / "sweep")
    return folder / "sweep"


def test_the_best_trials_are_averaged(swept: Path, tmp_path: Path) -> None:
    trials = json.loads((swept / "sweep.json").read_text())["trials"]
    best = sorted(trials, key=lambda trial: trial["value"])[:2]
    data = [str(swept.parent / "rows.csv")]
    said = np.array([predict(swept / "trials" / f"{trial['number']:04d}", data=data).prediction for trial in best])
    found = predict(swept, data=data, trials=2)
    np.testing.assert_allclose(found.prediction, said.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(found.columns["spread"], said.std(axis=0, ddof=1), rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(predict(swept, data=data).prediction, said[0], rtol=1e-6)
    file = tmp_path / "average.keras"
    export(swept, destination=file, top=2)
    rows = np.loadtxt(data[0], delimiter=",", skiprows=1, dtype="float32", usecols=(0, 1, 2))
    model = import_keras().models.load_model(file)
    given = {name: rows[:, index : index + 1].reshape(-1, *model.input[name].shape[1:]) for index, name in enumerate("abc")}
    np.testing.assert_allclose(np.ravel(model(given)["prediction"]), said.mean(axis=0), rtol=1e-4)


def test_the_average_is_evaluated(swept: Path) -> None:
    best = sorted(json.loads((swept / "sweep.json").read_text())["trials"], key=lambda trial: trial["value"])[:2]
    runs = [swept / "trials" / f"{trial['number']:04d}" for trial in best]
    alone = [evaluate(run) for run in runs]
    assert alone[0].scored is not None
    part = alone[0].scored.part
    true = alone[0].scored.stored.preprocessing.schema.targets[0].to_own(part.targets["y"])
    said = [np.ravel(one.scored.outputs[0]) for one in alone if one.scored is not None]
    target = alone[0].scored.stored.preprocessing.schema.targets[0]
    rmse = np.sqrt(np.mean((target.to_own(np.mean(said, axis=0)) - true) ** 2))
    found = evaluate(swept, trials=2)
    assert found.metrics["rmse"] == pytest.approx(rmse, rel=1e-5)
    assert found.members["rmse"]["values"] == pytest.approx([one.metrics["rmse"] for one in alone], rel=1e-5)
    assert found.run == swept
    assert evaluate(swept, trials=1).metrics["rmse"] == pytest.approx(alone[0].metrics["rmse"], rel=1e-6)


def test_what_has_no_average_is_refused(swept: Path) -> None:
    with pytest.raises(UsageError, match="no sweep"):
        load_average(swept / "trials" / "0001", 2)
    with pytest.raises(UsageError, match="3 finished"):
        load_average(swept, 4)


def test_the_best_alone_is_the_trial_that_the_sweep_calls_so(swept: Path, tmp_path: Path) -> None:
    """Among trials within chance that is not always the one of the best value."""
    sweep = Path(shutil.copytree(swept, tmp_path / "sweep"))
    worst = max(json.loads((sweep / "sweep.json").read_text())["trials"], key=lambda trial: trial["value"])["number"]
    manifest = json.loads((sweep / "manifest.json").read_text())
    (sweep / "manifest.json").write_text(json.dumps({**manifest, "best": f"trials/{worst:04d}"}))
    assert load_average(sweep, 1).run.path == sweep / "trials" / f"{worst:04d}"
