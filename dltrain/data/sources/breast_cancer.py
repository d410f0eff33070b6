"""Breast cancer Wisconsin (diagnostic): malignant or benign; scikit-learn's `load_breast_cancer`. Street et al., 1993."""

from __future__ import annotations

from dltrain.config.types import DataConfig
from dltrain.data.raw import RawTable
from dltrain.data.sources.bundled import read_classes
from dltrain.reporting import Reporter

MEASURES = (
    "radius",
    "texture",
    "perimeter",
    "area",
    "smoothness",
    "compactness",
    "concavity",
    "concave points",
    "symmetry",
    "fractal dimension",
)
COLUMNS = (
    *(f"mean {measure}" for measure in MEASURES),
    *(f"{measure} error" for measure in MEASURES),
    *(f"worst {measure}" for measure in MEASURES),
)


def read(config: DataConfig, *, seed: int, reporter: Reporter) -> RawTable:
    """Read 569 rows of 30 numbers and the codes of 2 classes; takes no arguments (ConfigError)."""
    del seed, reporter
    return read_classes(config, "breast_cancer.csv", "load_breast_cancer", COLUMNS)
