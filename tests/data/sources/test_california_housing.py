from __future__ import annotations

import tarfile
from pathlib import Path

import joblib
import numpy as np
import pytest

from dltrain.config.types import DataConfig
from dltrain.data.raw import RawTable
from dltrain.data.sources import california_housing
from dltrain.errors import DataError
from dltrain.reporting import Reporter
from tests.data.sources.support import listing

ROWS = 25


def read(path: Path | None = None) -> RawTable:
    config = DataConfig(source="california_housing", path=(str(path),) if path else ())
    return california_housing.read(config, seed=0, reporter=Reporter())


@pytest.fixture
def raw(monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    """longitude, latitude, age, rooms, bedrooms, population, households, income, value - as published."""
    monkeypatch.setattr(california_housing, "ROWS", ROWS)
    generator = np.random.default_rng(0)
    counts = generator.integers(1, 5000, (ROWS, 5)).astype(float)
    place = np.column_stack([generator.uniform(-124, -115, ROWS), generator.uniform(33, 41, ROWS)])
    return np.column_stack([place, counts, generator.uniform(1, 9, ROWS), generator.integers(15_000, 500_000, ROWS)])


@pytest.fixture
def pickled(raw: np.ndarray, tmp_path: Path) -> Path:
    """As scikit-learn keeps it: its order of columns, joblib's pickle."""
    home = tmp_path / "scikit_learn_data"
    home.mkdir()
    joblib.dump(raw[:, [8, 7, 2, 3, 4, 5, 6, 1, 0]], home / "cal_housing_py3.pkz", compress=6)
    return home


def test_every_layout_gives_scikit_learns_columns_and_units(raw: np.ndarray, pickled: Path, tmp_path: Path) -> None:
    from sklearn.datasets import fetch_california_housing

    theirs = fetch_california_housing(data_home=pickled, download_if_missing=False)
    text = tmp_path / "cal_housing.data"
    np.savetxt(text, raw, delimiter=",", fmt="%.17g")
    with tarfile.open(tmp_path / "cal_housing.tgz", "w:gz") as tar:
        tar.add(text, "CaliforniaHousing/cal_housing.data")
    (tmp_path / "totals").mkdir()
    np.savez(tmp_path / "totals" / "california_housing.npz", x=raw[:, :8], y=raw[:, 8])
    (tmp_path / "means").mkdir()
    np.savez(tmp_path / "means" / "california_housing.npz", x=theirs.data, y=raw[:, 8])

    before = listing(pickled)
    for path in (pickled, tmp_path / "cal_housing.tgz", tmp_path / "totals", tmp_path / "means"):
        table = read(path)
        assert table.target == ("MedHouseVal",)
        assert table.frame.columns == [*theirs.feature_names, "MedHouseVal"]
        np.testing.assert_array_equal(table.frame.drop("MedHouseVal").to_numpy(), theirs.data)
        np.testing.assert_array_equal(table.frame["MedHouseVal"].to_numpy(), theirs.target)
    assert listing(pickled) == before


def test_housing_csv_is_not_taken_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "tabular" / "california_housing"
    folder.mkdir(parents=True)
    (folder / "housing.csv").write_text("longitude,latitude\n")
    monkeypatch.setenv("DLTRAIN_DATA", str(tmp_path))
    with pytest.raises(DataError, match="california_housing is not on this machine"):
        read()


def test_damaged_files_are_named(raw: np.ndarray, tmp_path: Path) -> None:
    np.savez(tmp_path / "california_housing.npz", x=np.abs(raw[:, :8]), y=raw[:, 8])
    with pytest.raises(DataError, match="expected the longitude"):
        read(tmp_path)
    np.savez(tmp_path / "california_housing.npz", x=raw[:5, :8], y=raw[:5, 8])
    with pytest.raises(DataError, match=f"expected {ROWS} rows"):
        read(tmp_path)
    for content in (b"", b"text"):
        for name in ("cal_housing.tgz", "cal_housing_py3.pkz"):
            (tmp_path / name).write_bytes(content)
            with pytest.raises(DataError, match="expected"):
                read(tmp_path / name)
