from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dltrain.config.types import DataConfig
from dltrain.data.raw import RawPictures, RawTable
from dltrain.data.sources import noise, read_source
from dltrain.errors import ConfigError
from dltrain.reporting import Reporter


def read(seed: int = 0, **arguments: object) -> RawTable | RawPictures:
    return read_source(DataConfig(source="noise", arguments=arguments), seed=seed, reporter=Reporter())


def test_table_by_default() -> None:
    raw = read()
    assert isinstance(raw, RawTable)
    assert raw.frame.shape == (1000, 21)
    assert (raw.target, raw.classes) == (("target",), ("0", "1"))
    assert raw.frame.columns[:2] == ["x0", "x1"]
    inputs, labels = raw.frame.drop("target").to_numpy(), raw.frame["target"].to_numpy()
    assert abs(inputs.mean()) < 0.02
    assert abs(inputs.std() - 1) < 0.02
    # Twenty correlations of 1,000 pairs: beyond 4 standard errors (0.126) would be no noise.
    correlations = [np.corrcoef(inputs[:, column], labels)[0, 1] for column in range(20)]
    assert np.abs(correlations).max() < 0.126


@given(
    rows=st.integers(2, 60),
    shape=st.lists(st.integers(1, 5), min_size=2, max_size=4),
    classes=st.integers(2, 5),
    seed=st.integers(0, 2**31),
)
def test_shape_balance_and_determinism(rows: int, shape: list[int], classes: int, seed: int) -> None:
    if classes > rows:
        with pytest.raises(ConfigError):
            read(seed, rows=rows, shape=shape, classes=classes)
        return
    raw, again = (read(seed, rows=rows, shape=shape, classes=classes) for _ in range(2))
    assert isinstance(raw, RawPictures)
    assert isinstance(again, RawPictures)
    assert raw.images.shape == (rows, *shape)
    assert raw.target is not None
    counts = np.bincount(raw.target, minlength=classes)
    assert counts.max() - counts.min() <= 1
    np.testing.assert_array_equal(raw.images, again.images)
    np.testing.assert_array_equal(raw.target, again.target)
    assert raw.details == again.details
    assert raw.details != read(seed + 1, rows=rows, shape=shape, classes=classes).details


@pytest.mark.parametrize("classes", [0, None, "none"])
def test_numbers_to_predict(classes: object) -> None:
    raw = read(rows=50, shape=3, classes=classes)
    assert isinstance(raw, RawTable)
    assert raw.classes == ()
    assert raw.frame["target"].dtype.is_float()
    assert raw.frame["target"].n_unique() == 50


@pytest.mark.parametrize(
    ("arguments", "paths"),
    [
        ({"rows": 0, "shape": [], "classes": 1}, ["data.rows", "data.shape", "data.classes"]),
        ({"rows": True}, ["data.rows"]),
        ({"shape": [2, -1]}, ["data.shape"]),
        ({"shape": "8x8"}, ["data.shape"]),
        ({"rows": 2_000_000_000, "shape": [100, 100]}, ["data.rows"]),
        ({"colour": True}, ["data.colour"]),
    ],
)
def test_arguments_out_of_range(arguments: dict[str, object], paths: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        read(**arguments)
    assert [fault.path for fault in caught.value.faults] == paths


def test_path_is_refused() -> None:
    with pytest.raises(ConfigError, match="made from the seed"):
        noise.read(DataConfig(source="noise", path=("x.csv",)), seed=0, reporter=Reporter())
