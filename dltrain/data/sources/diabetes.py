"""Diabetes: its progression after a year; scikit-learn's `load_diabetes`. Efron, Hastie, Johnstone, Tibshirani, 2004."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dltrain.config.types import DataConfig
from dltrain.data.raw import RawTable
from dltrain.data.sources.bundled import check_config, data_file, load_with_scikit_learn, make_table, read_numbers
from dltrain.reporting import Reporter

COLUMNS = ("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6")


def read(config: DataConfig, *, seed: int, reporter: Reporter) -> RawTable:
    """Read 442 rows of 10 numbers (centred, of unit length, as scikit-learn has them) and the progression; takes no arguments."""
    del seed, reporter
    check_config(config)
    data_path, target_path = data_file("diabetes_data_raw.csv.gz"), data_file("diabetes_target.csv.gz")
    if data_path is None or target_path is None:
        bunch = load_with_scikit_learn("load_diabetes")
        return make_table("diabetes", bunch.data, bunch.target, COLUMNS)
    inputs = _scale(read_numbers(data_path, delimiter=None))
    return make_table("diabetes", inputs, read_numbers(target_path, delimiter=None), COLUMNS)


def _scale(raw: NDArray[np.float64]) -> NDArray[np.float64]:
    """Columns of mean 0 and length 1, in the order of operations that gives scikit-learn's very bits."""
    scaled: NDArray[np.float64] = (raw - np.nanmean(raw, axis=0)) / np.nanstd(raw, axis=0) / raw.shape[0] ** 0.5
    return scaled
