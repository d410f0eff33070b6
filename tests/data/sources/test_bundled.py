from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from dltrain.config.types import DataConfig
from dltrain.data.raw import RawPictures, RawTable
from dltrain.data.sources import bundled, read_source
from dltrain.errors import ConfigError
from dltrain.reporting import Reporter
from tests.support import REPOSITORY

TABLES = ("iris", "wine", "breast_cancer", "diabetes")


def read(name: str, **arguments: object) -> RawTable | RawPictures:
    raw = read_source(DataConfig(source=name, arguments=arguments), seed=0, reporter=Reporter())
    assert isinstance(raw, RawTable | RawPictures)
    return raw


@pytest.mark.parametrize("elsewhere", [False, True], ids=["own reading", "scikit-learn's loader"])
@pytest.mark.parametrize("name", TABLES)
def test_tables_equal_scikit_learns(name: str, elsewhere: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    import sklearn.datasets

    if elsewhere:
        monkeypatch.setattr(bundled, "data_file", lambda name: None)
    raw = read(name)
    assert isinstance(raw, RawTable)
    theirs = getattr(sklearn.datasets, f"load_{name}")()
    assert raw.target == ("target",)
    assert raw.frame.columns == [*theirs.feature_names, "target"]
    np.testing.assert_array_equal(raw.frame.drop("target").to_numpy(), theirs.data)
    np.testing.assert_array_equal(raw.frame["target"].to_numpy(), theirs.target)
    assert list(raw.classes) == list(getattr(theirs, "target_names", []))
    assert raw.frame["target"].dtype.is_integer() == (name != "diabetes")


@pytest.mark.parametrize("elsewhere", [False, True])
def test_digits_equal_scikit_learns(elsewhere: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    from sklearn.datasets import load_digits

    if elsewhere:
        monkeypatch.setattr(bundled, "data_file", lambda name: None)
    raw, theirs = read("digits"), load_digits()
    assert isinstance(raw, RawPictures)
    assert (raw.images.shape, raw.images.dtype, raw.value_range) == ((1797, 8, 8, 1), np.float32, (0.0, 16.0))
    np.testing.assert_array_equal(raw.images[..., 0], theirs.images)
    np.testing.assert_array_equal(raw.target, theirs.target)
    assert raw.classes == tuple("0123456789")


@pytest.mark.parametrize("name", [*TABLES, "digits"])
def test_path_and_arguments_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=r"data\.resize.*no such argument"):
        read(name, resize=0.5)
    with pytest.raises(ConfigError, match="takes no path: it comes with scikit-learn"):
        bundled.read(DataConfig(source=name, path=("/data",)), seed=0, reporter=Reporter())


def test_scikit_learn_is_not_imported() -> None:
    names = [*TABLES, "digits"]
    code = (
        "import sys\n"
        "from dltrain.data.sources import bundled\n"
        "from dltrain.config.types import DataConfig\n"
        "from dltrain.reporting import Reporter\n"
        f"for name in {names}:\n"
        "    bundled.read(DataConfig(name), seed=0, reporter=Reporter())\n"
        "print({'sklearn', 'pandas', 'scipy', 'PIL', 'keras'} & set(sys.modules))\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=REPOSITORY, check=True)
    assert result.stdout.strip() == "set()"


def test_every_bundled_file_is_in_the_installed_scikit_learn() -> None:
    for name in ("iris.csv", "wine_data.csv", "breast_cancer.csv", "digits.csv.gz", "diabetes_data_raw.csv.gz"):
        assert bundled.data_file(name) is not None
    assert bundled.data_file("no such file") is None
