"""Windows from disk: every row once an epoch, in an order that seed and epoch alone decide, wherever an epoch is entered."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dltrain.data.arrays.disk_array import DiskArray
from dltrain.model.encode import EncodedPart
from dltrain.training.streamed_segments import StreamedSegments
from tests.support import examples


def streamed(
    folder: Path, rows: int, batch_size: int, window_rows: int, block_rows: int, *, shuffle: bool = True
) -> StreamedSegments:
    values = np.arange(rows * 2, dtype="float32").reshape(rows, 2)
    (folder / "x.bin").write_bytes(values.tobytes())
    part = EncodedPart((DiskArray(folder / "x.bin", (rows, 2), "float32"),), (np.arange(rows, dtype="int32"),), None)
    return StreamedSegments(
        part, batch_size=batch_size, seed=3, shuffle=shuffle, window_bytes=window_rows * 8, block_bytes=block_rows * 8
    )


def steps_of(data: StreamedSegments, epoch: int, first_step: int) -> list[list[int]]:
    """The rows of each step, checked to be the same in inputs and targets."""
    steps = []
    for segment in data.segments(epoch, first_step):
        order = segment.order.numpy()
        for step in range(segment.first, segment.first + segment.count):
            index = order[step * data._batch_size : (step + 1) * data._batch_size]
            targets = segment.data.targets[0].numpy()[index]
            np.testing.assert_array_equal(segment.data.inputs[0].numpy()[index][:, 0], targets * 2)
            steps.append(targets.tolist())
    return steps


@settings(max_examples=examples(13, 40), deadline=None)
@given(
    rows=st.integers(1, 60),
    batch_size=st.integers(1, 9),
    window=st.integers(1, 40),
    block=st.integers(1, 15),
    entry=st.integers(0, 70),
)
def test_each_row_once_and_the_same_rows_wherever_entered(
    rows: int, batch_size: int, window: int, block: int, entry: int
) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        data = streamed(Path(folder), rows, batch_size, window, block)
        steps = steps_of(data, 0, 0)
        assert len(steps) == data.num_steps
        assert sorted(row for step in steps for row in step) == list(range(rows))
        assert all(len(step) == batch_size for step in steps[:-1])
        entry = min(entry, data.num_steps)
        assert steps_of(data, 0, entry) == steps[entry:]


def test_epochs_differ_and_repeat(tmp_path: Path) -> None:
    data = streamed(tmp_path, 50, 8, 24, 5)
    assert steps_of(data, 0, 0) == steps_of(data, 0, 0)
    assert steps_of(data, 0, 0) != steps_of(data, 1, 0)
    plain = streamed(tmp_path, 50, 8, 24, 5, shuffle=False)
    assert [row for step in steps_of(plain, 1, 0) for row in step] == list(range(50))


def test_leaving_an_epoch_early_ends_its_reader(tmp_path: Path) -> None:
    import threading

    data = streamed(tmp_path, 60, 2, 4, 3)
    for _ in data.segments(0, 0):
        break
    assert not [thread for thread in threading.enumerate() if thread.name == "window reader" and thread.is_alive()]
