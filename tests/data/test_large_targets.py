"""A target of numbers that float32 does not hold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars
import pytest

from dltrain.config.types import DataConfig
from dltrain.data.columns.reading import Reading
from dltrain.data.dataset import TargetSpec
from dltrain.data.load import load_dataset
from dltrain.data.targets import infer_target, scale_target
from dltrain.errors import DataError


def test_a_target_that_float32_does_not_hold_is_learnt_scaled_alone() -> None:
    values, spec = np.array([1.0, 1e39]), TargetSpec("y", "regression")
    with pytest.raises(DataError, match=r"as large as 1e\+39, more than the float32"):
        scale_target(DataConfig("csv", scale_target=False), spec, values)
    assert scale_target(DataConfig("csv", scale_target="standard"), spec, values).to_stored(values) == pytest.approx([-1.0, 1.0])


@pytest.mark.parametrize("number", ["1e300", "-1e46"])
def test_a_target_whose_errors_no_float64_tells_is_refused(number: str) -> None:
    with pytest.raises(DataError, match="the target y has numbers as large as 1e"):
        infer_target(polars.Series("y", ["1", "2.5", number]), Reading(), task="regression", classes=())


@pytest.mark.parametrize(("most", "is_said"), [(1e18, False), (1e20, True), (1e39, True)])
def test_squares_that_float32_does_not_hold_are_said(tmp_path: Path, most: float, is_said: bool) -> None:
    polars.DataFrame({"x": range(40), "y": [most * (row % 9 + 1) / 9 for row in range(40)]}).write_csv(tmp_path / "t.csv")
    loaded = load_dataset(DataConfig("csv", path=(str(tmp_path / "t.csv"),), target=("y",)), seed=1)
    assert any("of which float32 does not hold the squares" in warning for warning in loaded.warnings) == is_said
