"""What an exact resume needs: every variable of the run as arrays, and the loop's own memory as JSON.

A state file is an uncompressed npz without pickles; zip keeps a checksum of each array. The two newest are kept, so that
one that was damaged afterwards does not end the run.
"""

from __future__ import annotations

import io
import json
import logging
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.errors import RunError
from dltrain.runs import Run, write_atomically

logger = logging.getLogger(__name__)
VERSION = 1
KEPT = 2
_MEMORY: dict[str, Any] = {"checkpoints": dict, "callbacks": dict, "history": list, "epoch_seconds": (int, float)}


@dataclass(slots=True)
class Values:
    """The values of variables at one moment: the model's (weights, moving statistics, random generators) and the optimizer's."""

    model: list[NDArray[Any]]
    optimizer: list[NDArray[Any]]


@dataclass(slots=True)
class TrainingState:
    """Where a run stands.

    Attributes:
        epoch: 0-based epoch that is under way or comes next.
        step: steps of it that are done.
        values: model and optimizer.
        metrics: the running metrics of the epoch under way.
        best: the best model so far, or None.
        memory: the loop's and the callbacks' memory, plain JSON values: history rows, best value, early stopping's counters.
        arrays: further arrays of callbacks, by name.
    """

    epoch: int
    step: int
    values: Values
    metrics: list[NDArray[Any]]
    best: Values | None = None
    memory: dict[str, Any] = field(default_factory=dict)
    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)


def capture_values(model: Any) -> Values:
    """Copy the model's and the optimizer's variables."""
    return Values(_copy(model.variables), _copy(model.optimizer.variables))


def capture_metrics(model: Any) -> list[NDArray[Any]]:
    """Copy the running metrics."""
    return _copy(model.metrics_variables)


def restore_values(model: Any, values: Values) -> None:
    """Put copied values back.

    Raises:
        RunError: they are not of this model.
    """
    _assign(model.variables, values.model)
    _assign(model.optimizer.variables, values.optimizer)


def restore_metrics(model: Any, metrics: Sequence[NDArray[Any]]) -> None:
    """Put the running metrics back. Keras makes their variables when they first see data."""
    _assign(model.metrics_variables, metrics)


def _copy(variables: Sequence[Any]) -> list[NDArray[Any]]:
    return [np.array(variable.numpy(), copy=True) for variable in variables]


def _assign(variables: Sequence[Any], arrays: Sequence[NDArray[Any]]) -> None:
    found = [tuple(variable.shape) for variable in variables]
    if found != [array.shape for array in arrays]:
        raise RunError("the saved state is not of this model: shapes of weights differ", hint="was the config of the run edited?")
    for variable, array in zip(variables, arrays):
        variable.assign(array)


def save_state(run: Run, state: TrainingState) -> None:
    """Write a state file atomically, then remove all but the newest two.

    Raises:
        RunError: it cannot be written; older ones are untouched.
    """
    arrays: dict[str, NDArray[Any]] = {f"array/{name}": array for name, array in state.arrays.items()}
    groups = {"model": state.values.model, "optimizer": state.values.optimizer, "metrics": state.metrics}
    if state.best is not None:
        groups |= {"best_model": state.best.model, "best_optimizer": state.best.optimizer}
    counts = {name: len(group) for name, group in groups.items()}
    for name, group in groups.items():
        arrays |= {f"{name}/{index}": array for index, array in enumerate(group)}
    meta = {"version": VERSION, "epoch": state.epoch, "step": state.step, "counts": counts, "memory": state.memory}
    arrays["meta"] = np.frombuffer(json.dumps(meta).encode(), dtype=np.uint8)
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    path = run.state / f"state-{state.epoch:06d}-{state.step:09d}.npz"
    write_atomically(path, buffer.getvalue())
    for old in list_states(run)[KEPT:]:
        old.unlink(missing_ok=True)


def list_states(run: Run) -> list[Path]:
    """State files, newest first."""
    return sorted(run.state.glob("state-*.npz"), reverse=True)


def load_newest_state(run: Run) -> tuple[TrainingState | None, list[str]]:
    """The newest state that is whole, or None where there is none yet; and a sentence for each that was passed over.

    Raises:
        RunError: there are state files, and none of them is whole.
    """
    notes: list[str] = []
    paths = list_states(run)
    for path in paths:
        try:
            return load_state(path), notes
        except RunError as error:
            notes.append(f"{error.faults[0].message}; the one before it is used")
            logger.warning("%s", notes[-1])
    if paths:
        raise RunError(
            f"none of the {len(paths)} state files in {run.state} is whole",
            hint="the run cannot go on; start it anew in another directory",
        )
    return None, notes


def load_state(path: Path) -> TrainingState:
    """Read one state file; every array is checked against the checksum beside it.

    Raises:
        RunError: it is truncated, damaged, or no state file.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            # A state is written uncompressed; what is compressed could unpack to any size.
            if any(info.compress_type != zipfile.ZIP_STORED for info in archive.infolist()):
                raise RunError(f"the state file {path.name} is compressed, which dltrain's never are", hint="refused as unsafe")
        with np.load(path, allow_pickle=False) as file:
            meta = json.loads(file["meta"].tobytes())
            if meta["version"] != VERSION:
                raise RunError(f"{path} was written by another version of dltrain")
            groups = {name: [file[f"{name}/{index}"] for index in range(count)] for name, count in meta["counts"].items()}
            arrays = {name.removeprefix("array/"): file[name] for name in file.files if name.startswith("array/")}
        best = Values(groups["best_model"], groups["best_optimizer"]) if "best_model" in groups else None
        memory = meta["memory"]
        if not all(isinstance(memory[key], kind) for key, kind in _MEMORY.items()):
            raise TypeError("memory")
        return TrainingState(
            epoch=int(meta["epoch"]),
            step=int(meta["step"]),
            values=Values(groups["model"], groups["optimizer"]),
            metrics=groups["metrics"],
            best=best,
            memory=memory,
            arrays=arrays,
        )
    except (
        OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, RecursionError, MemoryError, NotImplementedError,
        zipfile.BadZipFile, zlib.error,
    ) as error:  # fmt: skip
        raise RunError(f"the state file {path.name} is damaged ({type(error).__name__})") from error
