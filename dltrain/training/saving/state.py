"""What an exact resume needs: every variable of the run as arrays, and the loop's own memory as JSON.

A state file is an uncompressed npz without pickles; zip keeps a checksum of each array. The two newest are kept, so that
one that was damaged afterwards does not end the run. An array of the best model that is also one of the present, as all are
after the best epoch so far, is written once.
"""

from __future__ import annotations

import contextlib
import functools
import json
import logging
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from dltrain.errors import RunError
from dltrain.storage.atomic import write_atomically
from dltrain.storage.removal import remove_paths
from dltrain.storage.run import Run
from dltrain.storage.stored import whole

logger = logging.getLogger(__name__)
VERSION = 1
KEPT = 2
EPOCHS = whole(0, 1_000_000_000_000)
_MEMORY: dict[str, Any] = {"checkpoints": dict, "callbacks": dict, "history": list, "epoch_seconds": (int, float)}


@dataclass(slots=True)
class Values:
    """The values of variables at one moment: the model's (weights, moving statistics, random generators) and the optimizer's.

    What is None of the optimizer's was not kept. The arrays may share their memory with TensorFlow: nothing may write to them.
    """

    model: list[NDArray[Any]]
    optimizer: Sequence[NDArray[Any] | None]

    @property
    def num_bytes(self) -> int:
        """Bytes of all arrays together."""
        return sum(array.nbytes for array in (*self.model, *self.optimizer) if array is not None)

    @property
    def is_finite(self) -> bool:
        """Whether all numbers are finite."""
        arrays = [array for array in (*self.model, *self.optimizer) if array is not None]
        return all(bool(np.isfinite(array).all()) for array in arrays if array.dtype.kind == "f")


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
    """The values of the model's and the optimizer's variables now, which stay what they are while training goes on."""
    return Values(capture_model(model), _values(model.optimizer.variables))


def capture_model(model: Any) -> list[NDArray[Any]]:
    """The values of the model's variables alone."""
    return _values(model.variables)


def capture_metrics(model: Any) -> list[NDArray[Any]]:
    """The values of the running metrics now."""
    return _values(model.metrics_variables)


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


@contextlib.contextmanager
def holding(model: Any, values: Values) -> Iterator[None]:
    """The model with other values, for as long as the context lasts."""
    current = capture_values(model)
    restore_values(model, values)
    try:
        yield
    finally:
        restore_values(model, current)


def _values(variables: Sequence[Any]) -> list[NDArray[Any]]:
    return [_value(variable) for variable in variables]


def _value(variable: Any) -> NDArray[Any]:
    # TensorFlow's tensors never change: a variable that is written to while its tensor is held gets memory of its own first.
    # So what is read costs nothing here, and one copy in the next step.
    read = getattr(getattr(variable, "value", None), "read_value", None)
    return np.array(variable.numpy(), copy=True) if read is None else np.asarray(read())


def _assign(variables: Sequence[Any], arrays: Sequence[NDArray[Any] | None]) -> None:
    found = [tuple(variable.shape) for variable in variables]
    if len(found) != len(arrays) or any(array is not None and array.shape != shape for shape, array in zip(found, arrays)):
        raise RunError("the saved state is not of this model: shapes of weights differ", hint="was the config of the run edited?")
    for variable, array in zip(variables, arrays):
        if array is not None:
            variable.assign(array)


def save_state(run: Run, state: TrainingState) -> None:
    """Write a state file atomically, then remove all but the newest two.

    Raises:
        RunError: it cannot be written; older ones are untouched.
    """
    groups: dict[str, Sequence[NDArray[Any] | None]] = {
        "model": state.values.model,
        "optimizer": state.values.optimizer,
        "metrics": state.metrics,
    }
    if state.best is not None:
        groups |= {"best_model": state.best.model, "best_optimizer": state.best.optimizer}
    # What is no array yet would lend its memory to the next one, and be taken for it below.
    groups = {name: [None if one is None else np.asarray(one) for one in group] for name, group in groups.items()}
    counts = {name: len(group) for name, group in groups.items()}
    arrays: dict[str, NDArray[Any]] = {f"array/{name}": array for name, array in state.arrays.items()}
    same: dict[str, str] = {}
    written: dict[tuple[Any, ...], str] = {}
    for name, group in groups.items():
        for index, array in enumerate(group):
            if array is None:
                continue
            key = f"{name}/{index}"
            memory = (array.__array_interface__["data"][0], array.shape, array.strides, array.dtype.str, array.size > 0 or key)
            if memory in written:
                same[key] = written[memory]
            else:
                arrays[key], written[memory] = array, key
    meta = {"version": VERSION, "epoch": state.epoch, "step": state.step, "counts": counts, "same": same, "memory": state.memory}
    arrays["meta"] = np.frombuffer(json.dumps(meta).encode(), dtype=np.uint8)

    write_atomically(run.state / f"state-{state.epoch:06d}-{state.step:09d}.npz", functools.partial(_write_npz, arrays))
    remove_paths(list_states(run)[KEPT:])


def _write_npz(arrays: Mapping[str, NDArray[Any]], file: BinaryIO) -> None:
    """As `numpy.savez` does, but from the arrays' own memory: that one copies each piece by piece, which takes twice as long."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            header = {"descr": np.lib.format.dtype_to_descr(array.dtype), "fortran_order": False, "shape": array.shape}
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array_header_1_0(member, header)
                member.write(raw_bytes(array))


def raw_bytes(array: NDArray[Any]) -> memoryview:
    """The numbers of an array in C order as bytes: its own memory, where they are in that order."""
    return np.asarray(array, order="C").reshape(-1).view(np.uint8).data


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
            same, read = meta.get("same", {}), functools.cache(file.__getitem__)
            is_count = whole(0, len(file.files) + len(same))  # a file holds no more arrays than it names
            if not all(map(is_count, meta["counts"].values())) or not all(map(EPOCHS, (meta["epoch"], meta["step"]))):
                raise ValueError("counts")
            keys = {name: [f"{name}/{index}" for index in range(count)] for name, count in meta["counts"].items()}
            kept = {key: same.get(key, key) for group in keys.values() for key in group}
            groups: dict[str, list[Any]] = {
                name: [read(kept[key]) if name != "best_optimizer" or kept[key] in file else None for key in group]
                for name, group in keys.items()
            }
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
