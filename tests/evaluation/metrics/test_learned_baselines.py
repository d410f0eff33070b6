"""The baselines that learn are scikit-learn's models on the same rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.metrics import log_loss, roc_auc_score, root_mean_squared_error

from dltrain.checking.check import check_config
from dltrain.config import dump_yaml, load_config_text
from dltrain.data.load import load_dataset
from dltrain.errors import UsageError
from dltrain.evaluation.metrics.learned_baselines import learned_baselines
from dltrain.starting.start import make_starter
from dltrain.starting.starter import Wishes

NAMES = ("linear", "boosting")


def rows(count: int = 400) -> dict[str, Any]:
    generator = np.random.default_rng(0)
    x, z = generator.normal(size=(2, count)).round(4)
    many = generator.integers(0, 12, count)
    y = np.exp(x + z**2 / 2 + many / 12 + generator.normal(size=count) / 4).round(4)
    return {"x": x, "z": z, "many": [f"m{number}" for number in many], "y": y}


def found(folder: Path, task: str, **data: Any) -> tuple[Any, dict[str, dict[str, float]]]:
    columns = rows()
    if task == "classification":
        columns["y"] = np.where(columns["y"] > 2, "yes", "no")
    polars.DataFrame(columns).write_csv(folder / "t.csv")
    block = {"source": "csv", "path": "t.csv", "target": "y", "encode": {"many": "embedding"}, "split": {"test": 0.3}, **data}
    config = load_config_text(dump_yaml({"data": block}), folder=folder)
    dataset = load_dataset(config.data, seed=0)
    return dataset, learned_baselines(NAMES, dataset.schema, dataset.parts["train"], dataset.parts["test"], 0)


def parts(dataset: Any) -> tuple[list[Any], list[Any]]:
    """Numbers, one-hot categories and ordinal ones, and targets of both parts, without our code."""
    numbers, codes, targets = [], [], []
    for name in ("train", "test"):
        part = dataset.parts[name]
        numbers.append(part.inputs["features"].astype(float))
        codes.append(part.inputs["many"])
        targets.append(part.targets["y"])
    size = max(code.max() for code in codes) + 1
    one_hot = [np.concatenate([number, np.eye(size)[code]], axis=1) for number, code in zip(numbers, codes, strict=True)]
    ordinal = [np.concatenate([number, code[:, None]], axis=1) for number, code in zip(numbers, codes, strict=True)]
    return [one_hot, ordinal], targets


def test_classes_are_told_as_by_scikit_learn(tmp_path: Path) -> None:
    dataset, metrics = found(tmp_path, "classification")
    (one_hot, ordinal), (seen, true) = parts(dataset)
    linear = LogisticRegression(max_iter=1000).fit(one_hot[0], seen).predict_proba(one_hot[1])
    trees = HistGradientBoostingClassifier(categorical_features=[2], random_state=0).fit(ordinal[0], seen)
    for name, values in (("linear", linear), ("boosting", trees.predict_proba(ordinal[1]))):
        assert metrics[name]["roc_auc"] == pytest.approx(roc_auc_score(true, values[:, 1]), abs=2e-3)
        assert metrics[name]["log_loss"] == pytest.approx(log_loss(true, values), rel=1e-2)


def test_numbers_are_told_in_their_own_units(tmp_path: Path) -> None:
    dataset, metrics = found(tmp_path, "regression")
    (one_hot, ordinal), (seen, true) = parts(dataset)
    spec = dataset.schema.targets[0]
    linear = RidgeCV(np.logspace(-2, 3, 6)).fit(one_hot[0], seen).predict(one_hot[1])
    trees = HistGradientBoostingRegressor(categorical_features=[2], random_state=0).fit(ordinal[0], seen).predict(ordinal[1])
    for name, values in (("linear", linear), ("boosting", trees)):
        expected = root_mean_squared_error(true, values) * spec.scale
        assert metrics[name]["rmse"] == pytest.approx(expected, rel=1e-3)


def test_a_learned_logarithm_is_smeared(tmp_path: Path) -> None:
    dataset, metrics = found(tmp_path, "regression", scale_target="log")
    (one_hot, _), (seen, true) = parts(dataset)
    spec = dataset.schema.targets[0]
    model = RidgeCV(np.logspace(-2, 3, 6)).fit(one_hot[0], seen)

    def own(stored: Any) -> Any:
        return np.exp(np.asarray(stored, float) * spec.scale + spec.mean)

    factor = np.mean(np.exp((seen - model.predict(one_hot[0])) * spec.scale))
    expected = root_mean_squared_error(own(true), own(model.predict(one_hot[1])) * factor)
    assert metrics["linear"]["rmse"] == pytest.approx(expected, rel=2e-2)  # but for the bounds of the training part


def test_what_is_no_table_of_numbers_and_categories_is_refused(tmp_path: Path) -> None:
    words = {"note": ["a word and more of them"] * 20 + ["another thing is said here"] * 20, "y": ["p", "n"] * 20}
    polars.DataFrame(words).write_csv(tmp_path / "t.csv")
    text = "data: {source: csv, path: t.csv, target: y, features: {note: text}}\nevaluation: {baselines: [linear]}"
    [error] = [fault for fault in check_config(load_config_text(text, folder=tmp_path)).errors if "baselines" in str(fault.path)]
    assert "note is free text" in error.message
    text = "data: {source: noise, shape: [4, 4, 1]}\nmodel: {layers: [Flatten]}\nevaluation: {baselines: boosting}"
    text = text.replace("baselines: boosting", "baselines: [boosting]")
    assert any("4×4×1" in fault.message for fault in check_config(load_config_text(text, folder=tmp_path)).errors)


def test_init_asks_for_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    polars.DataFrame(rows()).write_csv("t.csv")
    config = load_config_text(make_starter("t.csv", target="y", wishes=Wishes(compare=True)).text, folder=tmp_path)
    assert config.evaluation.baselines == NAMES
    assert load_config_text(dump_yaml(config.resolved), folder=tmp_path).evaluation == config.evaluation
    assert load_config_text(make_starter("t.csv", target="y").text, folder=tmp_path).evaluation.baselines == ()
    with pytest.raises(UsageError, match="no linear model"):
        make_starter("digits", wishes=Wishes(compare=True))
