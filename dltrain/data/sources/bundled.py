"""The small datasets that come inside the scikit-learn package, read from its files: importing scikit-learn takes seconds."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.catalog.sources import INSTALLED
from dltrain.config.types import DataConfig
from dltrain.data.facts import DataFacts
from dltrain.data.raw import Raw, RawPictures, RawTable
from dltrain.data.sources.places import refuse_path
from dltrain.data.sources.source import DataSource
from dltrain.errors import UsageError
from dltrain.later import polars
from dltrain.reporting import Reporter
from dltrain.storage.cache import describe_arrays

REASON = f"it {INSTALLED}"
_MEASURES = (
    "radius", "texture", "perimeter", "area", "smoothness", "compactness", "concavity", "concave points", "symmetry",
    "fractal dimension",
)  # fmt: skip
# Tables with a class: its file, scikit-learn's function, the columns' names as scikit-learn has them.
CLASSES = {
    # Three species by the sizes of sepal and petal. Fisher, 1936.
    "iris": (
        "iris.csv", "load_iris", ("sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"),
    ),
    # Three cultivars by chemical measurements. Forina et al., UCI.
    "wine": (
        "wine_data.csv", "load_wine",
        (
            "alcohol", "malic_acid", "ash", "alcalinity_of_ash", "magnesium", "total_phenols", "flavanoids",
            "nonflavanoid_phenols", "proanthocyanins", "color_intensity", "hue", "od280/od315_of_diluted_wines", "proline",
        ),
    ),
    # Wisconsin (diagnostic): malignant or benign. Street et al., 1993.
    "breast_cancer": (
        "breast_cancer.csv", "load_breast_cancer",
        (
            *(f"mean {measure}" for measure in _MEASURES), *(f"{measure} error" for measure in _MEASURES),
            *(f"worst {measure}" for measure in _MEASURES),
        ),
    ),
}  # fmt: skip
FILES = {
    **{name: filename for name, (filename, _, _) in CLASSES.items()},
    "digits": "digits.csv.gz",
    "diabetes": "diabetes_data_raw.csv.gz",
}
DIABETES = ("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6")


def read(config: DataConfig, *, seed: int, reporter: Reporter) -> Raw:
    """Read the dataset that `config.source` names; it takes no path (ConfigError)."""
    del seed, reporter
    refuse_path(config, REASON)
    if config.source in CLASSES:
        return _read_classes(config.source, *CLASSES[config.source])
    return _read_digits() if config.source == "digits" else _read_diabetes()


def look(config: DataConfig, *, seed: int, whole: Callable[[], DataFacts]) -> DataFacts:
    """Reads it, it is small: the list of datasets does not say what is asked for."""
    refuse_path(config, REASON)
    return whole()


def fetch(name: str, reporter: Reporter) -> Path:
    """The file of the dataset that scikit-learn's package brings with it.

    Raises:
        UsageError: not where this version of dltrain knows it.
    """
    path = data_file(FILES[name])
    if path is None:
        raise UsageError(f"{name} {INSTALLED}; there is nothing to fetch")
    return path


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


def _read_classes(name: str, filename: str, loader: str, columns: Sequence[str]) -> RawTable:
    """A CSV whose first line is `rows,columns,class name,...` and whose last column is the class code."""
    path = data_file(filename)
    if path is None:
        bunch = load_with_scikit_learn(loader)
        return make_table(name, bunch.data, bunch.target, columns, classes=[str(label) for label in bunch.target_names])
    with open(path, encoding="utf-8") as file:
        head = file.readline().strip().split(",")
    numbers = read_numbers(path, delimiter=",", skiprows=1)
    return make_table(name, numbers[:, :-1], numbers[:, -1].astype(np.int64), columns, classes=head[2:])


def _read_diabetes() -> RawTable:
    """442 rows of 10 numbers (centred, of unit length) and the progression after a year. Efron et al., 2004."""
    data_path, target_path = data_file(FILES["diabetes"]), data_file("diabetes_target.csv.gz")
    if data_path is None or target_path is None:
        bunch = load_with_scikit_learn("load_diabetes")
        return make_table("diabetes", bunch.data, bunch.target, DIABETES)
    raw = read_numbers(data_path, delimiter=None)
    # In the order of operations that gives scikit-learn's very bits.
    inputs = (raw - np.nanmean(raw, axis=0)) / np.nanstd(raw, axis=0) / raw.shape[0] ** 0.5
    return make_table("diabetes", inputs, read_numbers(target_path, delimiter=None), DIABETES)


def _read_digits() -> RawPictures:
    """1,797 handwritten digits, float32 [n, 8, 8, 1] in 0...16. Alpaydin, Kaynak: UCI Machine Learning Repository, 1998."""
    path = data_file(FILES["digits"])
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


def make_table(
    dataset: str,
    inputs: NDArray[Any],
    target: NDArray[Any],
    columns: Sequence[str],
    *,
    classes: Sequence[str] = (),
    target_name: str = "target",
) -> RawTable:
    """A table of numbers [rows, columns] with its target as the last column."""
    data = {name: np.ascontiguousarray(inputs[:, index]) for index, name in enumerate(columns)}
    frame = polars.DataFrame({**data, target_name: target})
    details = describe_arrays(dataset, inputs, target)
    return RawTable(frame=frame, target=(target_name,), classes=tuple(classes), details=details)


SOURCE = DataSource(read, look, fetch=fetch)
