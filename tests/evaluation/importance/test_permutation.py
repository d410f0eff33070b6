"""What each column is worth, beside scikit-learn's permutation importance."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.inspection import permutation_importance
from sklearn.metrics import log_loss

import dltrain
from dltrain.cli.app import run
from dltrain.config import load_config_text
from dltrain.data import load_dataset
from dltrain.errors import UsageError
from dltrain.evaluation.importance import permutation
from dltrain.evaluation.importance.permutation import importances, what_is_dealt
from dltrain.evaluation.scored import Scored


class Linear(RegressorMixin, BaseEstimator):
    """A model of one input whose weights are known, for dltrain and for scikit-learn."""

    def __init__(self, weights):
        self.weights = weights

    def outputs(self, inputs):
        return [self.predict(np.asarray(inputs[0]))[:, None]]

    def predict(self, rows):
        return rows @ np.asarray(self.weights)

    def fit(self, *_):
        return self


def table(folder, text, lines, more="", columns="null"):
    (folder / "t.csv").write_text("\n".join([text, *lines]) + "\n")
    config = load_config_text(
        f"data: {{source: csv, path: t.csv, target: y, features: {columns}, scale: none, scale_target: false, "
        "split: {test: 0.5}}\n"
        f"model: {{layers: [Dense: {{units: 1}}]{more}}}\n",
        folder=folder,
    )
    return load_dataset(config.data, seed=0)


def scored_of(dataset, model):
    from dltrain.model.heads.rules import resolve_heads

    config = load_config_text("data: {source: diabetes}\nmodel: {layers: [Dense: {units: 1}]}\n", folder=Path())
    heads = resolve_heads(config.model, dataset.schema, None, ())
    part = dataset.parts["test"]
    inputs = [part.inputs[spec.name] for spec in dataset.schema.inputs]
    stored = SimpleNamespace(preprocessing=dataset.preprocessing, heads=heads)
    return Scored(stored, part, None, model, model.outputs(inputs))


def test_the_importance_of_numbers_is_scikit_learns(tmp_path):
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(2000, 3))
    answers = rows @ [2.0, 1.0, 0.0] + 0.5 * rng.normal(size=2000)
    dataset = table(tmp_path, "a,b,c,y", [",".join(f"{value:.6f}" for value in (*row, y)) for row, y in zip(rows, answers)])
    model = Linear([2.0, 1.0, 0.0])
    found = importances(scored_of(dataset, model), "mse", repeats=20)
    part = dataset.parts["test"]
    expected = permutation_importance(
        model, part.inputs["features"], part.targets["y"], scoring="neg_mean_squared_error", n_repeats=50, random_state=0
    )
    by_name = {one.name: one for one in found.columns}
    assert [one.name for one in found.columns] == ["a", "b", "c"]
    for index, name in enumerate("abc"):
        assert by_name[name].value == pytest.approx(expected.importances_mean[index], rel=0.06, abs=1e-9)
        assert by_name[name].interval[0] <= by_name[name].value <= by_name[name].interval[1]
    assert by_name["a"].value == pytest.approx(2 * 4, rel=0.15)  # twice the variance that the column brings
    assert by_name["c"].value == 0


def test_on_rows_as_they_are_read_it_is_scikit_learns_to_the_last_digits(tmp_path, monkeypatch):
    """Numbers with gaps, categories and a group of columns, dealt out in scikit-learn's own orders, through `predict`."""
    rng = np.random.default_rng(5)
    number, other = rng.normal(size=(2, 300))
    kind = rng.choice(["x", "y", "z"], 300)
    table_of = {
        "number": [None if gap else value for gap, value in zip(rng.random(300) < 0.1, number.tolist(), strict=True)],
        "other": other.tolist(),
        "kind": kind.tolist(),
        "y": np.where(number + other + (kind == "x") + 0.5 * rng.normal(size=300) > 0, "yes", "no").tolist(),
    }
    frame = polars.DataFrame(table_of)
    config = {
        "data": {"source": "csv", "path": str(tmp_path / "t.csv"), "target": "y", "split": {"validation": 0.2}},
        "model": {"inputs": {"left": ["number", "kind"], "right": ["other"]}, "layers": [{"Dense": {"units": 4}}]},
        "training": {"epochs": 3},
    }
    frame.write_csv(tmp_path / "t.csv")
    run = dltrain.load_run(dltrain.fit(config, run_dir=tmp_path / "run").run)
    result = run.evaluate(frame)

    class Orders:
        """Those of `permutation_importance`: each column's shuffles begin anew, and each is made upon the one before."""

        def __init__(self, *_):
            self.seed = np.random.RandomState(3).randint(np.iinfo(np.int32).max + 1)
            self.count = 0

        def permutation(self, num_rows):
            if self.count % 2 == 0:
                self.state, self.order, self.shuffled = np.random.RandomState(self.seed), np.arange(num_rows), np.arange(num_rows)
            self.state.shuffle(self.shuffled)
            self.order, self.count = self.order[self.shuffled], self.count + 1
            return self.order

    monkeypatch.setattr(permutation.np.random, "default_rng", Orders)
    found = {(one.kind, one.name): one.value for one in importances(result.scored, "log_loss", repeats=2).columns}
    monkeypatch.undo()
    names = [("column", "kind"), ("column", "number"), ("column", "other"), ("input", "left")]
    assert set(found) == set(names)
    members = {("input", "left"): ["number", "kind"]}

    def score(_, places, truth):
        columns = {name: frame[name] for name in ("number", "other", "kind")}
        for at, name in enumerate(names):
            if (places[:, at] != np.arange(len(frame))).any():
                columns |= {member: frame[member][places[:, at]] for member in members.get(name, [name[1]])}
        said = run.predict(polars.DataFrame(columns)).to_frame()
        return -log_loss(truth, said.select("probability_no", "probability_yes").to_numpy(), labels=["no", "yes"])

    rows = np.repeat(np.arange(len(frame))[:, None], len(names), axis=1)
    expected = permutation_importance(Linear([]), rows, frame["y"].to_numpy(), scoring=score, n_repeats=2, random_state=3)
    assert [found[name] for name in names] == pytest.approx(expected.importances_mean, abs=1e-6)


def test_the_numbers_of_a_column_are_dealt_out_together(tmp_path):
    rng = np.random.default_rng(1)
    kinds = rng.choice(["x", "y", "z"], 200)
    lines = [f"{kind},{rng.normal():.3f},{rng.normal():.3f}" for kind in kinds]
    dataset = table(tmp_path, "kind,number,y", lines)
    columns, number = what_is_dealt(dataset.preprocessing)
    assert (columns.name, columns.places[0].tolist()) == ("kind", [0, 1, 2])
    assert number.places[0].tolist() == [3]
    assert dataset.schema.inputs[0].columns[:3] == ("kind=x", "kind=y", "kind=z")


def test_named_inputs_are_dealt_out_as_well(tmp_path):
    rng = np.random.default_rng(2)
    lines = [",".join(f"{value:.3f}" for value in rng.normal(size=4)) for _ in range(60)]
    dataset = table(tmp_path, "a,b,c,y", lines, ", inputs: {left: [c, a], right: [b]}")
    found = {(one.kind, one.name): one.places for one in what_is_dealt(dataset.preprocessing)}
    assert set(found) == {("column", "a"), ("column", "b"), ("column", "c"), ("input", "left")}
    assert found["column", "a"][0].tolist() == [1]
    assert found["column", "c"][0].tolist() == [0]
    assert found["column", "b"][1].tolist() == [0]
    assert dataset.schema.inputs[0].columns == ("c", "a")


def test_an_unknown_metric_is_told_those_there_are(tmp_path):
    lines = [f"{value},{value}" for value in np.random.default_rng(3).normal(size=60)]
    with pytest.raises(UsageError, match="no importance by 'recall'") as caught:
        importances(scored_of(table(tmp_path, "a,y", lines), Linear([1.0])), "recall")
    assert "rmse" in caught.value.faults[0].hint


def test_from_the_command_line(tmp_path, capsys):
    rng = np.random.default_rng(4)
    lines = [f"{a:.4f},{b:.4f},{'yes' if a > 0 else 'no'}" for a, b in rng.normal(size=(400, 2))]
    (tmp_path / "t.csv").write_text("\n".join(["a,b,y", *lines]) + "\n")
    (tmp_path / "c.yaml").write_text(
        "data: {source: csv, path: t.csv, target: y, split: {test: 0.5}}\n"
        "model: {layers: [{Dense: {units: 4, activation: relu}}]}\ntraining: {epochs: 20}\n"
    )
    assert run(["-q", "fit", str(tmp_path / "c.yaml"), "--run-dir", str(tmp_path / "run")]) == 0
    capsys.readouterr()
    assert run(["evaluate", str(tmp_path / "run"), "--importance", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["importance"]
    assert (found["metric"], found["rows"], found["repeats"]) == ("log_loss", 200, 5)
    first, second = found["columns"]
    assert first["name"] == "a"
    assert first["interval"][0] > 0.1 > abs(second["value"])
    assert run(["evaluate", str(tmp_path / "run"), "--importance-metric", "accuracy"]) == 0
    assert "accuracy falls by" in capsys.readouterr().out
