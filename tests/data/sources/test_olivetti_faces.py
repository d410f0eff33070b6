from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from dltrain.config.types import DataConfig
from dltrain.data.raw import RawPictures
from dltrain.data.sources import read_source
from dltrain.errors import ConfigError, DataError
from dltrain.reporting import Reporter
from tests.data.sources.support import Recorder, listing
from tests.support import shared_data


def read(path: Path | None = None, reporter: Reporter | None = None, **arguments: object) -> RawPictures:
    config = DataConfig(source="olivetti_faces", arguments=arguments, path=(str(path),) if path else ())
    return read_source(config, seed=0, reporter=reporter or Reporter())


def test_equal_scikit_learns_and_nothing_is_written_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sklearn.datasets import fetch_olivetti_faces

    folder = tmp_path / "data" / "olivetti"
    folder.mkdir(parents=True)
    shutil.copyfile(shared_data("olivetti/olivetti_py3.pkz"), folder / "olivetti_py3.pkz")
    before = listing(tmp_path / "data")
    monkeypatch.setenv("DLTRAIN_DATA", str(tmp_path / "data"))
    recorder = Recorder()
    raw = read(reporter=recorder)
    cached = read(folder, recorder)
    assert recorder.statuses == ["reading olivetti_py3.pkz with scikit-learn"]
    assert listing(tmp_path / "data") == before

    theirs = fetch_olivetti_faces(data_home=folder, download_if_missing=False)
    np.testing.assert_array_equal(raw.images[..., 0], theirs.images)
    np.testing.assert_array_equal(raw.target, theirs.target)
    np.testing.assert_array_equal(cached.images, raw.images)
    assert (raw.images.shape, raw.images.dtype) == ((400, 64, 64, 1), np.float32)
    assert (len(raw.classes), raw.classes[0], raw.classes[39]) == (40, "person 0", "person 39")


def test_publishers_matrix_gives_the_same_as_scikit_learn_makes_of_it(tmp_path: Path) -> None:
    from scipy.io import savemat

    faces = np.random.default_rng(0).integers(3, 250, (4096, 400), dtype=np.uint8)
    savemat(tmp_path / "olivettifaces.mat", {"faces": faces})
    images = read(tmp_path).images
    expected = np.float32(faces.T)
    expected = (expected - expected.min()) / (expected.max() - expected.min())
    np.testing.assert_array_equal(images[..., 0], expected.reshape(400, 64, 64).transpose(0, 2, 1))


@pytest.mark.parametrize("name", ["olivetti_py3.pkz", "olivettifaces.mat"])
@pytest.mark.parametrize("content", [b"", b"no data", b"\x80\x04N."])
def test_damaged_file_is_named(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match="expected 400 faces") as caught:
        read(tmp_path)
    assert caught.value.faults[0].file == str(tmp_path / name)


def test_nowhere_offline_and_arguments() -> None:
    with pytest.raises(DataError, match="olivetti_faces is not on this machine"):
        read()
    with pytest.raises(ConfigError, match=r"data\.shuffle"):
        read(shuffle=True)
