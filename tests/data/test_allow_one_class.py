"""`data.allow_one_class`: a training part with one class, one value or one row is trained on where that is asked for."""

from __future__ import annotations

import json

import numpy as np
import pytest

from dltrain.cli.app import run as command
from dltrain.config import load_config_text
from dltrain.data import load_dataset
from dltrain.errors import DataError

TABLE = "data: {source: csv, path: t.csv, target: y, allow_one_class: ALLOWED}\nmodel: {layers: [{Dense: {units: 2}}]}\n"
TABLE += "training: {epochs: 2}\n"
ONE_CLASS = "a,b,y\n1,2,yes\n3,4,yes\n2,5,yes\n4,1,yes\n"


def data_of(folder, text, *words, allowed=True):
    (folder / "t.csv").write_text(text)
    given = TABLE.replace("ALLOWED", "true" if allowed else "false")
    return load_dataset(load_config_text(given, folder=folder, overrides=words).data, seed=1)


@pytest.mark.parametrize("bound", [str(1 << 40), "0"])
def test_f8_one_class_is_told_from_its_contrary(tmp_path, monkeypatch, bound):
    monkeypatch.setenv("DLTRAIN_STREAM_BYTES", bound)
    with pytest.raises(DataError, match="one class only: yes") as caught:
        data_of(tmp_path, ONE_CLASS, allowed=False)
    assert "--allow-one-class" in caught.value.faults[0].hint
    data = data_of(tmp_path, ONE_CLASS)
    assert data.schema.targets[0].classes == ("not yes", "yes")
    assert list(np.asarray(data.parts["train"].targets["y"])) == [1, 1, 1, 1]
    assert any("one class of y only" in warning for warning in data.warnings)


def test_f8_a_training_part_of_one_class_beside_a_test_part_of_two(tmp_path):
    text = "a,part,y\n1,train,yes\n2,train,yes\n3,test,yes\n4,test,no\n"
    with pytest.raises(DataError):
        data_of(tmp_path, text, "data.split={column: part}", allowed=False)
    data = data_of(tmp_path, text, "data.split={column: part}")
    assert data.schema.targets[0].classes == ("no", "yes")
    assert list(np.asarray(data.parts["test"].targets["y"])) == [1, 0]


@pytest.mark.parametrize("rows", ["1,2,3.5\n", "1,2,3.5\n4,5,3.5\n3,3,3.5\n"])
def test_f8_one_row_or_one_value_is_learnt_as_it_is(tmp_path, rows):
    with pytest.raises(DataError, match=r"3\.5 in every row") as caught:
        data_of(tmp_path, f"a,b,y\n{rows}", "data.task=regression", allowed=False)
    assert "--allow-one-class" in caught.value.faults[0].hint
    data = data_of(tmp_path, f"a,b,y\n{rows}", "data.task=regression")
    assert set(np.asarray(data.parts["train"].targets["y"]).tolist()) == {3.5}


def test_f8_pictures_of_one_class(tmp_path):
    np.savez(
        tmp_path / "x.npz", x=np.zeros((4, 6, 6), "uint8") + np.arange(4, dtype="uint8")[:, None, None], y=np.ones(4, "int64")
    )
    text = "data: {source: npz, path: x.npz, task: classification, allow_one_class: ALLOWED}\nmodel: {layers: [Flatten]}\n"
    with pytest.raises(DataError, match="one class only"):
        load_dataset(load_config_text(text.replace("ALLOWED", "false"), folder=tmp_path).data, seed=1)
    data = load_dataset(load_config_text(text.replace("ALLOWED", "true"), folder=tmp_path).data, seed=1)
    assert data.schema.targets[0].classes == ("not 1", "1")
    assert set(np.asarray(next(iter(data.parts["train"].targets.values()))).tolist()) == {1}


def test_f8_the_whole_way_in_a_fresh_reading(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text(ONE_CLASS)
    (tmp_path / "c.yaml").write_text(TABLE.replace("ALLOWED", "false"))
    assert command(["check", "c.yaml"]) == 3
    assert command(["fit", "c.yaml", "--run-dir", "r"]) == 3
    assert command(["check", "c.yaml", "data.allow_one_class=true"]) == 0
    capsys.readouterr()
    assert command(["fit", "c.yaml", "--run-dir", "r", "--allow-one-class", "--json"]) == 0
    assert any("one class of y only" in warning["message"] for warning in json.loads(capsys.readouterr().out)["warnings"])
    assert command(["evaluate", "r", "--part", "train", "--json"]) == 0
    assert 0 <= json.loads(capsys.readouterr().out)["metrics"]["accuracy"] <= 1
    (tmp_path / "new.csv").write_text("a,b\n1,2\n")
    assert command(["predict", "r", "--data", "new.csv", "--json"]) == 0
    assert "probability_not yes" in capsys.readouterr().out
