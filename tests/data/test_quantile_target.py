"""`data.scale_target: quantile`: what is stored, what comes back, in NumPy and in graphs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dltrain.config.types import DataConfig, SplitConfig
from dltrain.data.arrays.curve import MOST_POINTS, Curve, CurveTables
from dltrain.data.load import load_dataset
from dltrain.data.stored import load_preprocessing
from dltrain.errors import ConfigError, DataError
from tests.training.support import config_of

RANDOM = np.random.default_rng(0)


def config(folder: Path, values: np.ndarray, **options: object) -> DataConfig:
    lines = [f"{a:.3f},{b!r}" for a, b in zip(RANDOM.normal(size=len(values)), values.tolist(), strict=True)]
    (folder / "p.csv").write_text("x,y\n" + "\n".join(lines) + "\n")
    given: dict[str, object] = {
        "target": ("y",),
        "scale_target": "quantile",
        "split": SplitConfig(test=0.25),
        "task": "regression",
    }
    return DataConfig("csv", path=(str(folder / "p.csv"),), **{**given, **options})  # type: ignore[arg-type]


def test_the_curve_is_that_of_scikit_learn() -> None:
    from sklearn.preprocessing import QuantileTransformer

    values = RANDOM.lognormal(3, 1.5, 2000)
    made = Curve.of(values)
    assert made is not None
    theirs = QuantileTransformer(n_quantiles=MOST_POINTS, output_distribution="normal", subsample=None)
    inner = np.sort(values)[20:-20]
    expected = theirs.fit(values[:, None]).transform(inner[:, None])[:, 0]
    # Between points theirs is straight in shares, this one in scores.
    np.testing.assert_allclose(made.to_scores(inner), expected, atol=0.05)
    assert abs(np.std(made.to_scores(values)) - 1) < 0.05


@pytest.mark.parametrize("kind", ["heavy", "few values", "mostly zero", "far from zero"])
def test_values_come_back_from_beyond_the_ends_as_well(kind: str) -> None:
    values = {
        "heavy": RANDOM.standard_cauchy(500) * 1e4,
        "few values": RANDOM.integers(3, 9, 500).astype(float),
        "mostly zero": np.where(RANDOM.random(500) < 0.8, 0.0, RANDOM.exponential(5, 500)),
        "far from zero": 1e6 + RANDOM.exponential(1, 500),
    }[kind]
    mean, scale = values.mean(), values.std()
    curve = Curve.of((values - mean) / scale)
    assert curve is not None
    width = np.ptp(values)
    x = (np.array([values.min() - 0.3 * width, *values[:50], np.median(values), values.max() + 2 * width]) - mean) / scale
    scores = curve.to_scores(x)
    np.testing.assert_allclose(curve.to_values(scores), x, rtol=1e-9, atol=1e-9)
    import keras

    tables = CurveTables([[curve, None]])
    both = np.stack([scores, x], axis=1).astype("float32")[:, None]
    found = np.asarray(tables.to_values(both, keras.ops))[:, 0]
    np.testing.assert_allclose(found[:, 0], x, rtol=2e-5, atol=2e-5)
    np.testing.assert_array_equal(found[:, 1], x.astype("float32"))


def test_it_is_fitted_on_the_training_part_and_stored(tmp_path: Path) -> None:
    values = RANDOM.lognormal(8, 2, 400).round(2) - 500
    made = load_dataset(config(tmp_path, values), seed=1)
    [spec] = made.schema.targets
    part = made.parts["train"]
    train = values[part.row_ids]
    assert spec.transform == "quantile"
    np.testing.assert_allclose(spec.to_own(part.targets["y"]), train, rtol=1e-5, atol=1e-2)
    assert abs(float(np.median(part.targets["y"]))) < 0.05
    assert spec.limits is not None
    np.testing.assert_allclose(spec.to_prediction(np.array([-50.0, 50.0])), [train.min(), train.max()], rtol=1e-6)
    test = made.parts["test"]
    np.testing.assert_allclose(spec.to_own(test.targets["y"]), values[test.row_ids], rtol=1e-5, atol=1e-2)
    assert spec.to_own(spec.mean_of(part.targets["y"])) == pytest.approx(train.mean(), rel=1e-4)
    made.preprocessing.save(tmp_path)
    assert load_preprocessing(tmp_path).schema.targets[0] == spec
    free = load_dataset(config(tmp_path, values, clip_target=False), seed=1).schema.targets[0]
    assert free == replace(spec, limits=None)


def test_a_damaged_curve_is_refused() -> None:
    for state in ({"values": [0, 1], "scores": [1, 0]}, {"values": [0], "scores": [0]}, {"values": [0, "x"], "scores": [0, 1]}):
        with pytest.raises(ValueError, match=r"curve|could not convert"):
            Curve.from_state(state)


def test_classes_and_series_have_none(tmp_path: Path) -> None:
    with pytest.raises(DataError) as error:
        load_dataset(config(tmp_path, RANDOM.integers(0, 2, 60).astype(float), task="classification"), seed=1)
    assert error.value.faults[0].path == "data.scale_target"
    with pytest.raises(ConfigError) as refused:
        config_of(
            "data: {source: csv, path: p.csv, target: y, scale_target: quantile, series: {time: t, history: 3}}\n"
            "model: {layers: [{Dense: {units: 2}}]}\n"
        )
    assert any(fault.path == "data.scale_target" for fault in refused.value.faults)
