"""California housing: median house values of the census of 1990; columns and units are scikit-learn's. Pace, Barry, 1997."""

from __future__ import annotations

import io
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dltrain.config.types import DataConfig
from dltrain.data.arrays.published import damaged, read_npz
from dltrain.data.raw import RawTable
from dltrain.data.sources.bundled import make_table
from dltrain.data.sources.places import Layout, require
from dltrain.data.sources.source import DataSource
from dltrain.reporting import Reporter
from dltrain.storage.cache import cache_key, cached_arrays, file_stamp
from dltrain.storage.download import Remote

COLUMNS = ("MedInc", "HouseAge", "AveRooms", "AveBedrms", "Population", "AveOccup", "Latitude", "Longitude")
TARGET = "MedHouseVal"
PICKLE = "cal_housing_py3.pkz"
ARCHIVE = "cal_housing.tgz"
ARRAYS = "california_housing.npz"
FILES = (PICKLE, ARCHIVE, ARRAYS)
ROWS = 20_640
MAX_BYTES = 1 << 26

LAYOUT = Layout(
    dataset="california_housing",
    wanted=f"scikit-learn's {PICKLE} or {ARCHIVE}, or Keras's {ARRAYS}",
    accepts=lambda path: path.name in FILES and path.is_file(),
    below_path=FILES,
    below_data=tuple(f"{folder}{file}" for folder in ("california_housing/", "") for file in FILES),
    below_scikit_learn=(PICKLE, ARCHIVE),
    below_keras=(ARRAYS,),
    folder="california_housing",
    remotes=(
        Remote(
            ARCHIVE,
            "https://ndownloader.figshare.com/files/5976036",
            "sha256:aaa5c9a6afe2225cc2aed2723682ae403280c4a3695a2ddda4ffb5d8215ea681",
            441_963,
        ),
    ),
)


def read(config: DataConfig, *, seed: int, reporter: Reporter) -> RawTable:
    """Read 20,640 rows of 8 numbers and the median house value in units of 100,000 dollars.

    Raises:
        DataError: the file is nowhere, or damaged.
    """
    del seed
    path = require(LAYOUT, config, reporter)
    key = cache_key("california_housing", [path.name, file_stamp(path)])
    arrays = cached_arrays(key, ("inputs", "target"), lambda: _decode(path), reporter)
    return make_table("california_housing", arrays["inputs"], arrays["target"], COLUMNS, target_name=TARGET)


def _decode(path: Path) -> dict[str, NDArray[np.float64]]:
    load = {PICKLE: _load_pickle, ARCHIVE: _load_archive, ARRAYS: _load_npz}[path.name]
    inputs, target = load(path)
    if inputs.shape != (ROWS, len(COLUMNS)) or target.shape != (ROWS,) or not np.isfinite(inputs).all():
        raise damaged(path, f"expected {ROWS:,} rows of {len(COLUMNS)} finite numbers, found {inputs.shape}")
    return {"inputs": inputs, "target": target}


def _load_pickle(path: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Through scikit-learn's own loader, which only reads where the file is there; dltrain unpickles nothing itself."""
    from sklearn.datasets import fetch_california_housing

    try:
        bunch = fetch_california_housing(data_home=str(path.parent), download_if_missing=False)
    except Exception as error:  # a damaged pickle can raise anything
        raise damaged(path, f"expected scikit-learn's California housing: {error}") from error
    return np.ascontiguousarray(bunch.data), np.ascontiguousarray(bunch.target)


def _load_archive(path: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """From the archive that scikit-learn fetches; its one file is read in memory."""
    import tarfile

    try:
        with tarfile.open(path, "r:gz") as tar:
            member = tar.getmember("CaliforniaHousing/cal_housing.data")
            source = tar.extractfile(member) if member.isreg() and member.size <= MAX_BYTES else None
            if source is None:
                raise damaged(path, f"expected CaliforniaHousing/cal_housing.data of at most {MAX_BYTES:,} bytes")
            raw = np.loadtxt(io.BytesIO(source.read()), delimiter=",", ndmin=2)
    except (tarfile.TarError, OSError, EOFError, KeyError, ValueError, zlib.error) as error:
        raise damaged(path, f"expected an archive with CaliforniaHousing/cal_housing.data: {error}") from error
    if raw.shape[1] != 9:
        raise damaged(path, f"expected 9 columns, found {raw.shape[1]}")
    return _from_totals(raw[:, :8]), raw[:, 8] / 100_000.0


def _load_npz(path: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """From Keras's arrays: values in dollars; inputs as totals, longitude first, or as scikit-learn's, longitude last."""
    arrays = read_npz(path, ("x", "y"), max_bytes=MAX_BYTES)
    inputs, target = arrays["x"].astype(np.float64), arrays["y"].astype(np.float64).reshape(-1)
    if inputs.ndim != 2 or inputs.shape[1] != 8:
        raise damaged(path, f"expected x of 8 columns, found {inputs.shape}")
    if (inputs[:, 0] < -100).all():
        inputs = _from_totals(inputs)
    elif not (inputs[:, 7] < -100).all():
        raise damaged(path, "expected the longitude in the first or last column of x, found it in neither")
    return inputs, target / 100_000.0


def _from_totals(raw: NDArray[np.float64]) -> NDArray[np.float64]:
    """From longitude, latitude, age, rooms, bedrooms, population, households, income to scikit-learn's eight columns."""
    longitude, latitude, age, rooms, bedrooms, population, households, income = raw.T
    columns = [income, age, rooms / households, bedrooms / households, population, population / households, latitude, longitude]
    return np.column_stack(columns)


SOURCE = DataSource(read, layout=LAYOUT)
