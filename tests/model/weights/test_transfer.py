"""Weights that are taken over by name and shape, against what plain Keras wrote."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from dltrain.checking.check import check_config
from dltrain.errors import ConfigError, RunError
from dltrain.model.weights.transfer import Taken, take_weights, taken_lines
from dltrain.training.fit import fit
from tests.training.support import NOISE, config_of


def net(classes: int, *, recurrent: int = 3) -> Any:
    import keras

    inputs = keras.Input((5, 2))
    x = keras.layers.LSTM(recurrent, name="memory")(inputs)
    x = keras.layers.BatchNormalization(name="norm")(x)
    x = keras.layers.Dense(4, name="hidden")(x)
    x = keras.layers.Dense(4, name="again")(x)
    return keras.Model(inputs, keras.layers.Dense(classes, name="head")(x))


@pytest.mark.parametrize("ending", ["h5", "keras"])
def test_layers_of_the_same_name_and_shapes_are_taken(ending: str, tmp_path: Path) -> None:
    import keras

    keras.utils.set_random_seed(1)
    old = net(10)
    old.get_layer("norm").set_weights([np.arange(3) + shift for shift in (1.0, 2.0, 3.0, 4.0)])
    old.save(tmp_path / f"old.{ending}")
    new = net(3)
    before = new.get_layer("head").get_weights()
    rows = take_weights(new, tmp_path / f"old.{ending}")
    assert [(row.layer, row.outcome) for row in rows] == [
        ("memory", "taken"),
        ("norm", "taken"),
        ("hidden", "taken"),
        ("again", "taken"),
        ("head", "cut"),
    ]
    for name in ("memory", "norm", "hidden", "again"):
        for ours, theirs in zip(new.get_layer(name).get_weights(), old.get_layer(name).get_weights(), strict=True):
            np.testing.assert_array_equal(ours, theirs)
    for ours, theirs in zip(new.get_layer("head").get_weights(), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert "head    not taken: other shapes  (4×10, 10 there, 4×3, 3 here)" in "\n".join(taken_lines(rows, "old"))
    one = next(row for row in rows if row.outcome == "taken")
    assert taken_lines([one], "old")[0] == "weights of old: 1 layer taken"


def test_what_the_file_alone_has_and_what_it_lacks(tmp_path: Path) -> None:
    import keras

    old = keras.Sequential([keras.Input((2,)), keras.layers.Dense(4, name="a"), keras.layers.Dense(2, name="b")])
    old.save(tmp_path / "old.h5")
    new = keras.Sequential([keras.Input((2,)), keras.layers.Dense(4, name="a"), keras.layers.Dense(3, name="c")])
    assert take_weights(new, tmp_path / "old.h5") == [
        Taken("a", "taken", ((2, 4), (4,)), ((2, 4), (4,))),
        Taken("c", "new", (), ((4, 3), (3,))),
        Taken("b", "left", ((4, 2), (2,))),
    ]
    other = keras.Sequential([keras.Input((2,)), keras.layers.Dense(4, name="z")])
    with pytest.raises(ConfigError, match=r"no layer of old\.h5") as caught:
        take_weights(other, tmp_path / "old.h5")
    assert "its layers are a, b" in (caught.value.faults[0].hint or "")


def test_files_that_are_no_weights_are_refused(tmp_path: Path) -> None:
    model = net(3)
    (tmp_path / "text.h5").write_text("no weights")
    with zipfile.ZipFile(tmp_path / "empty.keras", "w") as archive:
        archive.writestr("config.json", "[]")
    model.save(tmp_path / "whole.h5")
    shutil.copy(tmp_path / "whole.h5", tmp_path / "linked.h5")
    with h5py.File(tmp_path / "linked.h5", "a") as file:
        file["away"] = h5py.ExternalLink("/etc/passwd", "x")
    model.save_weights(tmp_path / "a.weights.h5")
    for name in ("text.h5", "empty.keras", "linked.h5", "a.weights.h5"):
        with pytest.raises(RunError):
            take_weights(model, tmp_path / name)
    with pytest.raises(ConfigError, match="there is no weights file"):
        take_weights(model, tmp_path / "nothing.h5")


@pytest.mark.parametrize("ending", ["h5", "keras"])
def test_weights_that_are_no_numbers_are_refused(ending: str, tmp_path: Path) -> None:
    """A layer whose bias is none is dead, and the loss looks as if nothing were wrong."""
    model = net(3)
    bias = model.get_layer("hidden").bias
    bias.assign(np.full(bias.shape, np.nan))
    model.save(tmp_path / f"a.{ending}")
    with pytest.raises(RunError, match="bias' that are not finite numbers"):
        take_weights(net(3), tmp_path / f"a.{ending}")


def test_a_fit_begins_with_what_an_earlier_run_has_learnt(tmp_path: Path) -> None:
    import keras

    named = "model.layers=[{Dense: {units: 5, name: hidden}}]"
    first = fit(config_of(NOISE, named), run_dir=tmp_path / "first")
    frozen = "training.optimizer={SGD: {learning_rate: 0}}"
    config = config_of(NOISE, named, frozen, f"model.weights={first.run}", "seed=9")
    assert config.resolved["model"]["weights"] == str(tmp_path / "first/checkpoints/best.h5")
    second = fit(config, run_dir=tmp_path / "second")
    old = keras.models.load_model(tmp_path / "first/checkpoints/best.h5")
    new = keras.models.load_model(tmp_path / "second/checkpoints/last.h5")
    for ours, theirs in zip(new.get_layer("hidden").get_weights(), old.get_layer("hidden").get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert "hidden" in (second.run / "log.txt").read_text()
    shutil.rmtree(tmp_path / "first")  # the run stands by itself
    from dltrain.evaluation.evaluate import evaluate

    assert evaluate(second.run).metrics
    [fault] = check_config(config_of(NOISE, f"model.weights={tmp_path}/gone.h5")).errors
    assert (fault.path, "there is no weights file" in fault.message) == ("model.weights", True)


@pytest.mark.parametrize(("name", "units", "fits"), [("first", 5, True), ("first", 6, False), ("other", 5, False)])
def test_check_says_where_nothing_would_be_taken(name: str, units: int, fits: bool, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "old.h5", "w") as file:
        group = file.create_group("model_weights/first")
        group["kernel"], group["bias"] = np.zeros((6, 5), np.float32), np.zeros(5, np.float32)
        group.attrs["weight_names"] = [b"kernel", b"bias"]
    layers = f"model.layers=[{{Dense: {{units: {units}, name: {name}}}}}]"
    errors = check_config(config_of(NOISE, f"model.weights={tmp_path}/old.h5", layers)).errors
    assert [fault.message for fault in errors] == [] if fits else ["no layer of old.h5 has the name and shapes of one here"]
    assert fits or errors[0].path == "model.weights"
