"""Archives of arrays that cannot be read: what is said of them is ours."""

from __future__ import annotations

import io
import struct
import zipfile

import numpy as np
import pytest

from dltrain.errors import DataError
from dltrain.storage.arrays import declared_shapes


def test_a_header_that_is_too_long_brings_no_advice_to_trust_pickles(tmp_path):
    header = b"{'descr': " + b"(" * 5000 + b")" * 5000 + b", 'fortran_order': False, 'shape': (20,)}"
    numbers = io.BytesIO()
    np.save(numbers, np.arange(20))
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header)
        archive.writestr("y.npy", numbers.getvalue())
    with pytest.raises(DataError, match="Header info length") as caught:
        declared_shapes(str(tmp_path / "a.npz"))
    assert "pickle" not in str(caught.value)


@pytest.mark.parametrize("shape", [(10**12,), (-5, 4), (2**62, 2**62, 4)])
def test_an_array_that_declares_more_than_it_holds_is_refused_before_it_is_read(shape, tmp_path):
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy", file.getvalue() + bytes(64))
    with pytest.raises(DataError, match="more than the file holds"):
        declared_shapes(str(tmp_path / "a.npz"))
