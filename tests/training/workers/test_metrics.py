"""Running metrics of processes that train together: their sums come back from a state as they were."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from dltrain.storage.new_run import create_run
from dltrain.training.saving.state import TrainingState, Values, load_newest_state, save_state
from dltrain.training.workers.group import Alone
from dltrain.training.workers.metrics import added_metrics, arrays_of_workers, own_metrics

MEMORY = {"checkpoints": {}, "callbacks": {}, "history": [], "epoch_seconds": 0.0}


class Member(Alone):
    """One of so many processes."""

    def __init__(self, index: int, count: int) -> None:
        self.index, self.count = index, count


def running(worker: int) -> list[NDArray[Any]]:
    """A sum, a number of rows, another sum, and the cells of a confusion matrix, as Keras keeps them."""
    sums = [np.asarray(value + worker, np.float32) for value in (52.25, 16, 2)]
    return [*sums, np.full((2, 2), worker + 1, np.int32)]


@pytest.mark.parametrize("before", [1, 2, 3])
@pytest.mark.parametrize("after", [1, 2, 4])
def test_another_number_of_processes_goes_on_with_the_sums_of_all(before: int, after: int, tmp_path: Path) -> None:
    run = create_run("x", runs=tmp_path)
    gathered = [running(worker) for worker in range(before)]
    values = Values([np.ones(2, np.float32)], [])
    save_state(run, TrainingState(0, 1, values, added_metrics(gathered), None, MEMORY, arrays_of_workers(gathered)))
    state, _ = load_newest_state(run)
    assert state is not None
    found = added_metrics([own_metrics(state, Member(index, after)) for index in range(after)])
    for array, *those in zip(found, *gathered, strict=True):
        np.testing.assert_array_equal(array, np.sum(those, axis=0), strict=False)


def test_numbers_that_are_no_arrays_are_kept_each_by_itself(tmp_path: Path) -> None:
    run = create_run("x", runs=tmp_path)
    numbers: Any = [np.float32(value) for value in (106.8, 32, 2, 32)]
    save_state(run, TrainingState(0, 1, Values([np.ones(2, np.float32)], []), numbers, None, MEMORY, {}))
    state, _ = load_newest_state(run)
    assert state is not None
    assert [float(array) for array in state.metrics] == [float(number) for number in numbers]
