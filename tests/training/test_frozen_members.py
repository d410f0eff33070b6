"""Members that begin with the same frozen layers: these stand once in the average, are computed once, and change no answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from dltrain.data.load import load_dataset
from dltrain.evaluation.evaluate import evaluate
from dltrain.evaluation.export import export
from dltrain.evaluation.load_run import load_run
from dltrain.evaluation.predictions.stored_part import predict_part
from dltrain.model.keras_import import import_keras
from dltrain.training.fit import fit
from tests.training.support import config_of
from tests.training.test_frozen_features import FROZEN, Heard

MEMBERS = {"number": "training.members=3", "folds": "training.members={folds: 3}"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the runs and their features are, with the run whose weights ensembles begin with."""
    folder = tmp_path_factory.mktemp("frozen_members")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DLTRAIN_CACHE", str(folder / "cache"))
        fit(config_of(FROZEN, "training.epochs=1"), run_dir=folder / "body")
        yield folder


@pytest.fixture(scope="module")
def run(request: pytest.FixtureRequest, folder: Path) -> Path:
    """An ensemble of seeds or one of folds that begins with a run's weights, or one whose beginnings are drawn."""
    name = request.param
    if name == "drawn":
        return fit(config_of(FROZEN, MEMBERS["number"], "training.epochs=2"), run_dir=folder / name).run
    split = () if name == "number" else ("data.split.validation=null",)
    config = config_of(FROZEN, MEMBERS[name], f"model.weights={folder / 'body'}", "training.epochs=2", *split)
    heard = Heard()
    found = fit(config, run_dir=folder / name, reporter=heard).run
    lines = [line for line in heard.details if "computed once" in line]
    assert " 0 to compute" in lines[-1]  # the members' features are those of their average
    return found


# What is drawn of each member is an ensemble like any other.
EACH = ["number", *(pytest.param(name, marks=pytest.mark.slow) for name in ("folds", "drawn"))]


@pytest.mark.parametrize("run", EACH, indirect=True)
def test_the_average_is_that_of_the_members(run: Path) -> None:
    keras, name = import_keras(), run.name
    pictures = load_dataset(config_of(FROZEN).data, seed=7).parts["test"].inputs["image"]
    each = [
        np.asarray(keras.models.load_model(run / "members" / str(number) / "checkpoints" / "best.h5")(pictures))
        for number in (1, 2, 3)
    ]
    average = keras.models.load_model(run / "checkpoints" / "best.h5")
    np.testing.assert_allclose(average(pictures), np.mean(each, axis=0), atol=1e-6)
    kernels = sum(weight.shape == (3, 3, 3, 6) for weight in average.weights)
    assert kernels == (3 if name == "drawn" else 1)
    assert json.loads((run / "manifest.json").read_text()).get("same_beginning", False) is (name != "drawn")


@pytest.mark.parametrize("run", EACH, indirect=True)
def test_metrics_and_predictions_are_those_of_the_whole_model(run: Path, tmp_path: Path) -> None:
    stored = json.loads((run / "metrics.json").read_text())["metrics"]
    for part in ("test", "validation") if run.name != "folds" else ("test",):
        found = evaluate(run, part=part).metrics
        assert found == pytest.approx({key: stored[part][key] for key in found}, abs=1e-5)
    export(run, format="keras", destination=tmp_path / "model.keras")  # held against the run as it is written
    assert (tmp_path / "model.keras").is_file()
    found = predict_part(run, "test").to_frame()
    members = [predict_part(run / "members" / str(number), "test").to_frame() for number in (1, 2, 3)]
    column = next(name for name in found.columns if name.startswith("probability_"))
    np.testing.assert_allclose(found[column], np.mean([one[column] for one in members], axis=0), atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("run", ["drawn"], indirect=True)
def test_a_run_that_holds_each_beginning_is_read_as_it_was_written(run: Path) -> None:
    stored = load_run(run)
    assert "same_beginning" not in stored.manifest
    model = stored.build(stored.checkpoint(None)[1])
    assert sum(weight.shape == (3, 3, 3, 6) for weight in model.weights) == 3
