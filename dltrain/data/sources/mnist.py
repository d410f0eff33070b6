"""MNIST: handwritten digits of 28×28 pixels, as Keras publishes them. LeCun, Cortes, Burges, 1998."""

from __future__ import annotations

from dltrain.config.types import DataConfig
from dltrain.data.arrays.published import ARRAYS, make_pictures, read_npz
from dltrain.data.raw import RawPictures
from dltrain.data.sources.places import Layout, require
from dltrain.data.sources.source import DataSource
from dltrain.reporting import Reporter
from dltrain.storage.cache import cache_key, cached_arrays, file_stamp
from dltrain.storage.download import Remote

FILE = "mnist.npz"
MAX_BYTES = 1 << 28

LAYOUT = Layout(
    dataset="mnist",
    wanted=f"Keras's {FILE}",
    accepts=lambda path: path.suffix == ".npz" and path.is_file(),
    below_path=(FILE,),
    below_data=(f"mnist/{FILE}", FILE),
    below_keras=(FILE,),
    folder="mnist",
    remotes=(
        Remote(
            FILE,
            "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz",
            "sha256:731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1",
            11_490_434,
        ),
    ),
)


def read(config: DataConfig, *, seed: int, reporter: Reporter) -> RawPictures:
    """Read 60,000 training and 10,000 test pictures, uint8 [n, 28, 28, 1].

    Raises:
        DataError: the file is nowhere, or damaged.
    """
    del seed
    path = require(LAYOUT, config, reporter)
    key = cache_key("mnist", file_stamp(path))
    arrays = cached_arrays(key, ARRAYS, lambda: read_npz(path, ARRAYS, max_bytes=MAX_BYTES), reporter)
    return make_pictures("mnist", arrays, size=(28, 28, 1), classes=tuple("0123456789"), path=path)


SOURCE = DataSource(read, layout=LAYOUT)
