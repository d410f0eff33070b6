"""`data.scale_target: log`: what is stored, what comes back, and what has no logarithm."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dltrain.config.types import DataConfig, SplitConfig
from dltrain.data.arrays.disk_array import in_memory
from dltrain.data.dataset import TargetSpec
from dltrain.data.load import load_dataset
from dltrain.data.stored import load_preprocessing
from dltrain.errors import DataError
from tests.data.streaming import IN_MEMORY, STREAMED, error_of, load_as


def prices(folder: Path, odd: dict[int, str] | None = None) -> tuple[Path, np.ndarray]:
    generator = np.random.default_rng(0)
    x = generator.normal(size=120)
    y = np.round(np.exp(3 + x + generator.normal(0, 0.3, 120)), 3)
    lines = [f"{a:.3f},{'ab'[row % 2]},{(odd or {}).get(row, b)}" for row, (a, b) in enumerate(zip(x, y.tolist(), strict=True))]
    path = folder / "p.csv"
    path.write_text("x,kind,y\n" + "\n".join(lines) + "\n")
    return path, y


def config(path: Path, **options: object) -> DataConfig:
    given: dict[str, object] = {"target": ("y",), "scale_target": "log", "split": SplitConfig(test=0.25)}
    return DataConfig("csv", path=(str(path),), **{**given, **options})  # type: ignore[arg-type]


@pytest.mark.parametrize("bound", [IN_MEMORY, STREAMED])
def test_the_logarithm_is_standardized_by_the_training_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: str) -> None:
    path, y = prices(tmp_path)
    dataset = load_as(monkeypatch, bound, config(path))
    train = dataset.parts["train"]
    rows = train.row_ids if train.row_file is None else in_memory(train.row_file)
    logs = np.log(y[rows])
    [spec] = dataset.schema.targets
    assert (spec.mean, spec.scale) == pytest.approx((logs.mean(), logs.std()))
    np.testing.assert_allclose(train.targets["y"], (logs - logs.mean()) / logs.std(), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(spec.to_own(train.targets["y"]), y[rows], rtol=1e-6)


def test_it_is_stored_with_its_smearing(tmp_path: Path) -> None:
    path, _ = prices(tmp_path)
    made = load_dataset(config(path), seed=1).preprocessing.with_smearing({"y": 1.25})
    assert made.schema.targets[0].limits is not None
    made.save(tmp_path)
    [spec] = load_preprocessing(tmp_path).schema.targets
    assert spec == made.schema.targets[0]
    assert (spec.transform, spec.smearing) == ("log", 1.25)


def test_the_smearing_is_duans_and_repairs_the_mean() -> None:
    generator = np.random.default_rng(1)
    spec = TargetSpec("y", "regression", mean=2.0, scale=0.8, transform="log")
    said = generator.normal(size=200_000)
    noise = generator.exponential(0.5, len(said)) - 0.5  # of no symmetric distribution
    own = np.exp(said * 0.8 + 2.0 + noise)
    fitted = spec.with_smearing(spec.to_stored(own), said)
    assert fitted.smearing == pytest.approx(np.exp(noise).mean(), rel=1e-5)
    assert fitted.to_prediction(said).mean() == pytest.approx(own.mean(), rel=0.02)
    assert spec.to_prediction(said).mean() < 0.9 * own.mean()
    weights = (np.arange(len(said)) < 10).astype(float)
    assert spec.with_smearing(spec.to_stored(own), said, weights).smearing == pytest.approx(np.exp(noise[:10]).mean(), rel=1e-5)


def test_a_prediction_stays_between_the_values_of_the_training_part(tmp_path: Path) -> None:
    path, y = prices(tmp_path)
    dataset = load_dataset(config(path), seed=1)
    [spec] = dataset.schema.targets
    train = y[dataset.parts["train"].row_ids]
    np.testing.assert_allclose(spec.to_prediction(np.array([-50.0, 50.0])), [train.min(), train.max()], rtol=1e-6)
    np.testing.assert_allclose(spec.to_own(np.array([50.0])), np.exp(50 * spec.scale + spec.mean))
    [spec] = load_dataset(config(path, split=SplitConfig(test=0.25, time="x")), seed=1).schema.targets
    assert spec.limits is None  # what comes later may be beyond


def test_a_number_that_is_learned_as_it_is_stays_there_where_the_config_says_so(tmp_path: Path) -> None:
    path, y = prices(tmp_path)
    for scaled in (True, False):
        plain = config(path, scale_target=scaled)
        assert load_dataset(plain, seed=1).schema.targets[0].limits is None
        dataset = load_dataset(replace(plain, clip_target=True), seed=1)
        [spec] = dataset.schema.targets
        train = y[dataset.parts["train"].row_ids]
        middle = float(np.median(train))
        said = (np.array([-1e6, middle, 1e6]) - spec.mean) / spec.scale
        np.testing.assert_allclose(spec.to_prediction(said), [train.min(), middle, train.max()], rtol=1e-6)
        dataset.preprocessing.save(tmp_path)
        assert load_preprocessing(tmp_path).schema.targets[0] == spec
    assert load_dataset(config(path, clip_target=False), seed=1).schema.targets[0].limits is None
    with pytest.raises(DataError) as error:
        load_dataset(config(path, target=("kind",), scale_target=True, clip_target=True), seed=1)
    assert error.value.faults[0].path == "data.clip_target"


def test_the_mean_of_values_is_not_that_of_logarithms() -> None:
    spec = TargetSpec("y", "regression", mean=1.0, scale=2.0, transform="log")
    values = np.array([1.0, 10.0, 100.0])
    assert spec.to_own(spec.mean_of(spec.to_stored(values))) == pytest.approx(37.0, rel=1e-5)
    assert spec.to_own(spec.mean_of(spec.to_stored(values), [1, 1, 0])) == pytest.approx(5.5, rel=1e-5)


@pytest.mark.parametrize("bound", [IN_MEMORY, STREAMED])
@pytest.mark.parametrize("word", ["0", "-3.5"])
def test_what_has_no_logarithm_is_named_with_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: str, word: str
) -> None:
    path, _ = prices(tmp_path, {7: word})
    error = error_of(monkeypatch, bound, config(path))
    assert isinstance(error, DataError)
    assert (error.faults[0].line, error.faults[0].message) == (9, f"the target y is {float(word):g}, which has no logarithm")
    assert "data.scale_target: standard" in str(error.faults[0].hint)


def test_classes_have_no_logarithm(tmp_path: Path) -> None:
    path, _ = prices(tmp_path)
    with pytest.raises(DataError) as error:
        load_dataset(config(path, target=("kind",)), seed=1)
    assert error.value.faults[0].path == "data.scale_target"


def test_rows_without_a_target_are_left_out_all_the_same(tmp_path: Path) -> None:
    path, _ = prices(tmp_path, {3: ""})
    dataset = load_dataset(config(path, missing_target="drop"), seed=1)
    assert sum(part.num_rows for part in dataset.parts.values()) == 119
