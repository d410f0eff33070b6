"""Fashion-MNIST: clothes of 28×28 pixels, in the four files that Keras keeps. Xiao, Rasul, Vollgraf, arXiv:1708.07747."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.catalog.label_names import LABEL_NAMES
from dltrain.config.types import DataConfig
from dltrain.data.arrays.published import damaged, make_pictures
from dltrain.data.raw import RawPictures
from dltrain.data.sources.places import Layout, require
from dltrain.data.sources.source import DataSource
from dltrain.reporting import Reporter
from dltrain.storage.cache import cache_key, cached_arrays, file_stamp
from dltrain.storage.download import Remote

CLASSES = LABEL_NAMES["fashion_mnist"]
FILES = {
    "x_train": "train-images-idx3-ubyte.gz",
    "y_train": "train-labels-idx1-ubyte.gz",
    "x_test": "t10k-images-idx3-ubyte.gz",
    "y_test": "t10k-labels-idx1-ubyte.gz",
}
URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
MAX_BYTES = 1 << 28
# idx: two zero bytes, 8 for uint8, the number of dimensions, then each as big-endian uint32.
IDX_TYPE = b"\0\0\x08"

LAYOUT = Layout(
    dataset="fashion_mnist",
    wanted=f"a folder with {', '.join(FILES.values())}",
    accepts=lambda path: all((path / name).is_file() for name in FILES.values()),
    below_path=("fashion-mnist", "fashion_mnist"),
    below_data=("fashion_mnist", "fashion-mnist"),
    below_keras=("fashion-mnist",),
    folder="fashion_mnist",
    remotes=(
        Remote(FILES["y_train"], URL + FILES["y_train"], "md5:25c81989df183df01b3e8a0aad5dffbe", 29_515),
        Remote(FILES["x_train"], URL + FILES["x_train"], "md5:8d4fb7e6c68d591d4c3dfef9ec88bf0d", 26_421_880),
        Remote(FILES["y_test"], URL + FILES["y_test"], "md5:bb300cfdad3c16e7a12a480ee83cd310", 5_148),
        Remote(FILES["x_test"], URL + FILES["x_test"], "md5:bef4ecab320f06d8554ea6380940ec79", 4_422_102),
    ),
)


def read(config: DataConfig, *, seed: int, reporter: Reporter) -> RawPictures:
    """Read 60,000 training and 10,000 test pictures, uint8 [n, 28, 28, 1].

    Raises:
        DataError: a file is nowhere, or damaged.
    """
    del seed
    folder = require(LAYOUT, config, reporter)
    key = cache_key("fashion_mnist", [file_stamp(folder / file) for file in FILES.values()])
    arrays = cached_arrays(key, tuple(FILES), lambda: {name: read_idx(folder / file) for name, file in FILES.items()}, reporter)
    return make_pictures("fashion_mnist", arrays, size=(28, 28, 1), classes=CLASSES, path=folder)


def read_idx(path: Path) -> NDArray[Any]:
    """A gzipped idx file of uint8 as an array of its shape (DataError if it is none, or cut short)."""
    try:
        with gzip.open(path) as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise damaged(path, f"expected a gzipped idx file: {error}") from error
    if len(content) > MAX_BYTES:
        raise damaged(path, f"expected at most {MAX_BYTES:,} bytes, found more")
    start = 4 + 4 * content[3] if len(content) > 4 and content[:3] == IDX_TYPE else 0
    shape = tuple(int(side) for side in np.frombuffer(content[4:start], ">u4")) if 4 < start <= len(content) else ()
    if not shape or len(content) - start != int(np.prod(shape, dtype=object)):
        raise damaged(path, "expected an idx file of uint8 whose length fits its header, found something else")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


SOURCE = DataSource(read, layout=LAYOUT)
