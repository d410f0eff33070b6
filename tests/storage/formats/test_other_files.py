"""Files in a table's place are named for what they are, by their ending or by their first bytes, with what makes a table of them."""

from __future__ import annotations

import gzip
import io
import pickle
import struct
import tarfile
from pathlib import Path

import numpy as np
import pytest

from dltrain.errors import DataError
from dltrain.starting.start import make_starter


def tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a.csv"), io.BytesIO())
    return buffer.getvalue()


def npy() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(3))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "what", "hint"),
    [
        ("x.npy", npy(), "an array of NumPy's", 'numpy.savez("data.npz", x=numpy.load("x.npy")'),
        ("x.txt", npy(), "an array of NumPy's", "save the data as CSV, Parquet or .npz"),
        ("a.wav", b"RIFF....WAVE", "a sound", "spectrograms"),
        ("a.csv", b"RIFF....WAVE", "a sound", "spectrograms"),
        ("batch_1", pickle.dumps([1]), "a pickle, which dltrain never reads", ".npz"),
        ("images-ubyte", struct.pack(">IIII", 2051, 1, 2, 2) + bytes(4), "MNIST's format", "dltrain init mnist"),
        (
            "images-ubyte.gz",
            gzip.compress(mtime=0, data=struct.pack(">IIII", 2051, 1, 2, 2) + bytes(4)),
            "MNIST's format",
            "dltrain init mnist",
        ),
        ("d.tar.gz", gzip.compress(tar(), mtime=0), "an archive", "python -m tarfile -e d.tar.gz d.d"),
        ("d.data", tar(), "an archive", "python -m tarfile -e d.data d.d"),
        ("d.csv", b"\n<!DOCTYPE html><html><body>404</body></html>", "a web page", "download the file itself"),
        ("lfs.csv", b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 1\n", "Git LFS", "git lfs pull"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_table_is_named(name: str, content: bytes, what: str, hint: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError) as caught:
        make_starter(str(tmp_path / name), target="y", folder=tmp_path)
    [fault] = caught.value.faults
    assert what in fault.message
    assert hint in str(fault.hint)
