from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dltrain.data.catalogue import get_dataset, list_datasets
from dltrain.errors import DataError, UsageError
from dltrain.reporting import Reporter
from tests.support import REPOSITORY, shared_data


@pytest.fixture(autouse=True)
def own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DLTRAIN_DATA", "SCIKIT_LEARN_DATA", "KERAS_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DLTRAIN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("DLTRAIN_OFFLINE", "1")


def test_every_named_dataset_is_listed_with_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = {info.name: info for info in list_datasets()}
    assert len(datasets) == 14
    assert "csv" not in datasets
    for name in ("lfw_people", "olivetti_faces", "california_housing", "mnist", "fashion_mnist", "cifar10"):
        assert datasets[name].location is None
        assert (datasets[name].download_bytes or 0) > 100_000
    for name in ("digits", "iris", "wine", "breast_cancer", "diabetes", "noise", "shapes"):
        assert datasets[name].location
        assert datasets[name].download_bytes is None
    assert (datasets["iris"].rows, datasets["iris"].shape, datasets["iris"].classes) == (150, (4,), 3)

    monkeypatch.setenv("DLTRAIN_DATA", str(shared_data("mnist").parent))
    datasets = {info.name: info for info in list_datasets()}
    assert datasets["mnist"].location == str(shared_data("mnist/mnist.npz"))


def test_listing_imports_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from dltrain.data.catalogue import list_datasets\n"
        "list_datasets()\n"
        "print({'sklearn', 'polars', 'PIL', 'scipy', 'ssl', 'tensorflow', 'keras'} & set(sys.modules))\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=REPOSITORY, check=True)
    assert result.stdout.strip() == "set()"


def test_getting_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert get_dataset("digits", Reporter()).is_file()
    for name in ("mnist", "lfw_people", "cifar10"):
        with pytest.raises(DataError, match=f"{name} is not on this machine"):
            get_dataset(name, Reporter())
    monkeypatch.setenv("DLTRAIN_DATA", str(shared_data("lfw").parent))
    assert get_dataset("lfw_people", Reporter()) == shared_data("lfw/lfw_home/lfw_funneled")


def test_getting_what_is_not_there_to_get() -> None:
    with pytest.raises(UsageError, match="did you mean mnist"):
        get_dataset("minst", Reporter())
    with pytest.raises(UsageError, match="made from the seed"):
        get_dataset("noise", Reporter())
    with pytest.raises(UsageError, match="there is no dataset csv"):
        get_dataset("csv", Reporter())
