"""Reading one config twice, once held in memory and once streamed, and holding the outcomes against each other."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from dltrain.config.types import DataConfig
from dltrain.data import Dataset, load_dataset
from dltrain.data.arrays.disk_array import DiskArray, in_memory
from dltrain.data.preprocessing import Preprocessing
from dltrain.errors import DltrainError
from dltrain.reporting import Reporter

Load = Callable[..., Dataset]
IN_MEMORY, STREAMED = str(1 << 59), "0"


def load_as(patch: pytest.MonkeyPatch, bound: str, config: DataConfig, stored: Preprocessing | None = None) -> Dataset:
    patch.setenv("DLTRAIN_STREAM_BYTES", bound)
    return load_dataset(config, seed=3, preprocessing=stored, reporter=Reporter())


def error_of(patch: pytest.MonkeyPatch, bound: str, config: DataConfig) -> DltrainError:
    with pytest.raises(DltrainError) as caught:
        load_as(patch, bound, config)
    return caught.value


def small_chunks(patch: pytest.MonkeyPatch, chunk: int, file: int = 0) -> None:
    """Files of a few kilobytes are read in many chunks, put in many files, transformed in many blocks."""
    patch.setattr("dltrain.data.tables.streamed.chunks.CHUNK_BYTES", chunk)
    patch.setattr("dltrain.data.tables.streamed.chunks.BATCH_ROWS", chunk)
    patch.setattr("dltrain.data.tables.streamed.convert.FILE_BYTES", file or 4 * chunk)
    patch.setattr("dltrain.data.tables.streamed.survey.LOOK_BYTES", 4 * chunk)
    patch.setattr("dltrain.data.tables.streamed.rows.BLOCK_BYTES", 4 * chunk)


def assert_same(resident: Dataset, streamed: Dataset) -> None:
    """Everything that is read, learned and told is the same, the model's numbers bit for bit."""
    assert streamed.schema == resident.schema
    assert streamed.fingerprint == resident.fingerprint
    assert streamed.fingerprint_details == resident.fingerprint_details
    assert streamed.resolved == resident.resolved
    assert streamed.warnings == resident.warnings
    assert [line for line in streamed.summary if not line.startswith("streamed from disk")] == list(resident.summary)
    states = streamed.preprocessing.to_state(), resident.preprocessing.to_state()
    assert states[0][0] == states[1][0]
    assert {name: array.tobytes() for name, array in states[0][1].items()} == {
        name: array.tobytes() for name, array in states[1][1].items()
    }
    assert list(streamed.parts) == list(resident.parts)
    for name, part in streamed.parts.items():
        expected = resident.parts[name]
        assert part.row_file is not None
        np.testing.assert_array_equal(in_memory(part.row_file), expected.row_ids)
        assert part.num_rows == expected.num_rows
        assert {key: list(texts) for key, texts in part.identifiers.items()} == expected.identifiers
        assert list(part.inputs) == list(expected.inputs)
        for key, array in part.inputs.items():
            assert isinstance(array, DiskArray)
            assert (array.shape, array.dtype) == (expected.inputs[key].shape, expected.inputs[key].dtype)
            assert in_memory(array).tobytes() == in_memory(expected.inputs[key]).tobytes()
        assert list(part.targets) == list(expected.targets)
        for key, values in part.targets.items():
            assert in_memory(values).tobytes() == in_memory(expected.targets[key]).tobytes()
        assert (part.weights is None) == (expected.weights is None)
        if part.weights is not None:
            np.testing.assert_array_equal(part.weights, expected.weights)
