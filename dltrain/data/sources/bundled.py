"""The small datasets that come inside the scikit-learn package, read from its files: importing scikit-learn takes seconds."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.types import DataConfig
from dltrain.data.raw import RawTable
from dltrain.data.sources.arguments import refuse_unknown
from dltrain.data.sources.cache import describe_arrays
from dltrain.data.sources.places import refuse_path

REASON = "it comes with scikit-learn"


def data_file(name: str) -> Path | None:
    """A data file of the installed scikit-learn (found without importing it), or None if this version keeps it elsewhere."""
    spec = importlib.util.find_spec("sklearn")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / "datasets" / "data" / name
        if path.is_file():
            return path
    return None


def load_with_scikit_learn(loader: str) -> Any:
    """What `sklearn.datasets.<loader>()` returns: the way around when the files are not where this version expects them."""
    import sklearn.datasets

    return getattr(sklearn.datasets, loader)()


def read_numbers(path: Path, *, delimiter: str | None, skiprows: int = 0) -> NDArray[np.float64]:
    """The numbers of a (gzipped) text file, float64 [rows, columns] or [rows]."""
    numbers: NDArray[np.float64] = np.loadtxt(path, delimiter=delimiter, skiprows=skiprows, encoding="utf-8")
    return numbers


def check_config(config: DataConfig) -> None:
    """A bundled dataset takes no path and no arguments (ConfigError)."""
    refuse_path(config, REASON)
    refuse_unknown(config)


def read_classes(config: DataConfig, filename: str, loader: str, columns: Sequence[str]) -> RawTable:
    """A bundled CSV whose first line is `rows,columns,class name,...` and whose last column is the class code."""
    check_config(config)
    path = data_file(filename)
    if path is None:
        bunch = load_with_scikit_learn(loader)
        return make_table(config.source, bunch.data, bunch.target, columns, classes=[str(name) for name in bunch.target_names])
    with open(path, encoding="utf-8") as file:
        head = file.readline().strip().split(",")
    numbers = read_numbers(path, delimiter=",", skiprows=1)
    return make_table(config.source, numbers[:, :-1], numbers[:, -1].astype(np.int64), columns, classes=head[2:])


def make_table(
    dataset: str,
    inputs: NDArray[Any],
    target: NDArray[Any],
    columns: Sequence[str],
    *,
    classes: Sequence[str] = (),
    target_name: str = "target",
    notes: tuple[str, ...] = (),
) -> RawTable:
    """A table of numbers [rows, columns] with its target as the last column."""
    import polars

    data = {name: np.ascontiguousarray(inputs[:, index]) for index, name in enumerate(columns)}
    frame = polars.DataFrame({**data, target_name: target})
    details = describe_arrays(dataset, inputs, target)
    return RawTable(frame=frame, target=(target_name,), classes=tuple(classes), details=details, notes=notes)
