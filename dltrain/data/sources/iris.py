"""Iris: three species by the sizes of sepal and petal; scikit-learn's `load_iris`. Fisher, 1936."""

from __future__ import annotations

from dltrain.config.types import DataConfig
from dltrain.data.raw import RawTable
from dltrain.data.sources.bundled import read_classes
from dltrain.reporting import Reporter

COLUMNS = ("sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)")


def read(config: DataConfig, *, seed: int, reporter: Reporter) -> RawTable:
    """Read 150 rows of 4 numbers and the codes of 3 classes; takes no arguments (ConfigError)."""
    del seed, reporter
    return read_classes(config, "iris.csv", "load_iris", COLUMNS)
