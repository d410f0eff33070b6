"""Rows of a file are those of the array that was written, in whatever order and however far apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dltrain.data.arrays import disk_array
from dltrain.data.arrays.disk_array import DiskArray, rows_in_memory
from dltrain.errors import DataError
from tests.support import examples


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray]:
    values = np.arange(3000, dtype="float32").reshape(1000, 3)
    path = tmp_path_factory.mktemp("disk") / "rows"
    values.tofile(path)
    return path, values


@settings(max_examples=examples(20, 60))
@given(
    st.lists(st.tuples(st.integers(0, 999), st.integers(1, 40), st.integers(1, 30)), max_size=6),
    st.integers(1, 400),
    st.integers(1, 400),
    st.integers(0, 50),
)
def test_any_rows(
    written: tuple[Path, np.ndarray], runs: list[tuple[int, int, int]], near: int, span: int, first_row: int
) -> None:
    path, values = written
    rows = np.concatenate(
        [np.zeros(0, int), *(np.arange(start, min(start + step * count, 1000), step) for start, step, count in runs)]
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(disk_array, "_NEAR_BYTES", near)
        patch.setattr(disk_array, "_SPAN_BYTES", span)
        taken = DiskArray(path, (1000, 3), "<f4").take(rows.astype(np.int64))
        np.testing.assert_array_equal(taken.read(0, len(rows)), values[rows])
        np.testing.assert_array_equal(taken.read(len(rows) // 3, len(rows)), values[rows[len(rows) // 3 :]])
        rest = DiskArray(path, (1000 - first_row, 3), "<f4", first_row=first_row)
        np.testing.assert_array_equal(
            rows_in_memory(rest, np.flatnonzero(np.arange(1000 - first_row) % 7 == 2)), values[first_row:][2::7]
        )


def test_a_file_that_became_shorter_is_told(written: tuple[Path, np.ndarray], tmp_path: Path) -> None:
    (tmp_path / "rows").write_bytes(written[0].read_bytes()[:-12])
    array = DiskArray(tmp_path / "rows", (1000, 3), "<f4")
    assert array.read(0, 999).shape == (999, 3)
    for one in (array, array.take(np.array([990, 997, 999]))):
        with pytest.raises(DataError, match="shorter than it was"):
            one.read(0, len(one))
