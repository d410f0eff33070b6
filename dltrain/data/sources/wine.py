"""Wine: three cultivars by 13 chemical measurements; scikit-learn's `load_wine`. Forina et al., UCI."""

from __future__ import annotations

from dltrain.config.types import DataConfig
from dltrain.data.raw import RawTable
from dltrain.data.sources.bundled import read_classes
from dltrain.reporting import Reporter

COLUMNS = (
    "alcohol",
    "malic_acid",
    "ash",
    "alcalinity_of_ash",
    "magnesium",
    "total_phenols",
    "flavanoids",
    "nonflavanoid_phenols",
    "proanthocyanins",
    "color_intensity",
    "hue",
    "od280/od315_of_diluted_wines",
    "proline",
)


def read(config: DataConfig, *, seed: int, reporter: Reporter) -> RawTable:
    """Read 178 rows of 13 numbers and the codes of 3 classes; takes no arguments (ConfigError)."""
    del seed, reporter
    return read_classes(config, "wine_data.csv", "load_wine", COLUMNS)
