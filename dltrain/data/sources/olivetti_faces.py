"""Olivetti faces: 400 pictures of 40 people, as scikit-learn's `fetch_olivetti_faces`. AT&T Laboratories Cambridge, 1994."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dltrain.config.types import DataConfig
from dltrain.data.raw import RawPictures
from dltrain.data.sources.places import Layout, require
from dltrain.data.sources.source import DataSource
from dltrain.errors import DataError
from dltrain.reporting import Reporter
from dltrain.storage.cache import cache_key, cached_arrays, describe_arrays, file_stamp
from dltrain.storage.download import Remote

PICKLE = "olivetti_py3.pkz"
MATRIX = "olivettifaces.mat"

LAYOUT = Layout(
    dataset="olivetti_faces",
    wanted=f"scikit-learn's {PICKLE} or {MATRIX}",
    accepts=lambda path: path.name in (PICKLE, MATRIX) and path.is_file(),
    below_path=(PICKLE, MATRIX, f"olivetti/{PICKLE}"),
    below_data=(f"olivetti/{PICKLE}", f"olivetti/{MATRIX}", PICKLE, MATRIX),
    below_scikit_learn=(PICKLE,),
    folder="olivetti",
    remotes=(
        Remote(
            MATRIX,
            "https://ndownloader.figshare.com/files/5976027",
            "sha256:b612fb967f2dc77c9c62d3e1266e0c73d5fca46a4b8906c18e454d41af987794",
            4_300_000,
        ),
    ),
)


def read(config: DataConfig, *, seed: int, reporter: Reporter) -> RawPictures:
    """Read 400 pictures, float32 [400, 64, 64, 1] in 0...1, ten of each person in a row.

    Raises:
        DataError: the file is nowhere, or damaged.
    """
    del seed
    path = require(LAYOUT, config, reporter)
    key = cache_key("olivetti_faces", file_stamp(path))

    def decode() -> dict[str, NDArray[np.float32]]:
        return {"images": _load_matrix(path) if path.name == MATRIX else _load_pickle(path, reporter)}

    images = cached_arrays(key, ("images",), decode, reporter)["images"]
    target = np.arange(400) // 10
    return RawPictures(
        images=images,
        target=target,
        classes=tuple(f"person {number}" for number in range(40)),
        value_range=(0.0, 1.0),
        reader={"source": "olivetti_faces", "size": [64, 64], "color": False, "range": [0.0, 1.0]},
        details=describe_arrays("olivetti_faces", images, target),
    )


def _load_pickle(path: Path, reporter: Reporter) -> NDArray[np.float32]:
    """Through scikit-learn's own loader, which only reads where the file is there; dltrain unpickles nothing itself."""
    reporter.status(f"reading {path.name} with scikit-learn")
    from sklearn.datasets import fetch_olivetti_faces

    try:
        images = fetch_olivetti_faces(data_home=str(path.parent), download_if_missing=False).images
    except Exception as error:  # a damaged pickle can raise anything
        raise _damaged(path, str(error)) from error
    return np.ascontiguousarray(images, np.float32)[..., np.newaxis]


def _load_matrix(path: Path) -> NDArray[np.float32]:
    """From the publisher's MATLAB file: one picture a column, scaled as scikit-learn scales them."""
    from scipy.io import loadmat

    try:
        faces = np.asarray(loadmat(str(path))["faces"]).T.astype(np.float32)
        if faces.shape != (400, 4096):
            raise ValueError(f"`faces` is {faces.shape}")
    except Exception as error:  # a damaged file can raise anything
        raise _damaged(path, str(error)) from error
    faces -= faces.min()
    faces /= faces.max()
    return np.ascontiguousarray(faces.reshape(400, 64, 64).transpose(0, 2, 1))[..., np.newaxis]


def _damaged(path: Path, reason: str) -> DataError:
    return DataError(f"expected 400 faces of 64×64 pixels: {reason}", file=str(path), hint="fetch the file again")


SOURCE = DataSource(read, layout=LAYOUT)
