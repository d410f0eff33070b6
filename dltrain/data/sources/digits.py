"""Handwritten digits of 8×8 pixels; scikit-learn's `load_digits`. Alpaydin, Kaynak: UCI Machine Learning Repository, 1998."""

from __future__ import annotations

import numpy as np

from dltrain.config.types import DataConfig
from dltrain.data.raw import RawPictures
from dltrain.data.sources.bundled import check_config, data_file, load_with_scikit_learn, read_numbers
from dltrain.data.sources.cache import describe_arrays
from dltrain.reporting import Reporter


def read(config: DataConfig, *, seed: int, reporter: Reporter) -> RawPictures:
    """Read 1,797 pictures, float32 [n, 8, 8, 1] in 0...16, and their digits; takes no arguments (ConfigError)."""
    del seed, reporter
    check_config(config)
    path = data_file("digits.csv.gz")
    if path is None:
        bunch = load_with_scikit_learn("load_digits")
        numbers = np.column_stack([bunch.data, bunch.target])
    else:
        numbers = read_numbers(path, delimiter=",")
    images = numbers[:, :-1].reshape(-1, 8, 8, 1).astype(np.float32)
    target = numbers[:, -1].astype(np.int64)
    return RawPictures(
        images=images,
        target=target,
        classes=tuple("0123456789"),
        value_range=(0.0, 16.0),
        reader={"source": "digits", "size": [8, 8], "color": False, "range": [0.0, 16.0]},
        details=describe_arrays("digits", images, target),
    )
