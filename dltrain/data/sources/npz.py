"""NumPy archives: one array of inputs, one of targets; or such as Keras's four, which bring a test part along."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.types import MULTILABEL, DataConfig, config_fault
from dltrain.data.arrays.called import arrays_of_parts
from dltrain.data.arrays.disk_array import in_memory
from dltrain.data.dataset import TargetSpec
from dltrain.data.facts import DataFacts, schema_of, with_rows
from dltrain.data.files import expand_paths
from dltrain.data.fingerprint import array_digest
from dltrain.data.labels.array_targets import read_targets
from dltrain.data.labels.cells import encode_array
from dltrain.data.raw import RawPictures
from dltrain.data.sources.arguments import refuse_missing_files
from dltrain.data.sources.source import DataSource
from dltrain.data.tables.combine import combine_parts
from dltrain.errors import DataError, Note
from dltrain.reporting import Reporter
from dltrain.storage.arrays import array_names, declared_shapes, read_arrays
from dltrain.storage.bounds import ARRAY_BYTES, RATIO, ROW_BYTES, most_of_arrays, most_unpacked
from dltrain.wording import column_hint, listed, quoted, shown

MOST_BYTES = 1 << 30  # of targets that are looked at
BLOCK_VALUES = 1 << 22


def read(config: DataConfig, *, seed: int, reporter: Reporter) -> RawPictures:
    """Arrays named by `inputs` and `targets` (`x` and `y` if not given), or by parts, as `x_train, y_train, x_test, y_test`.

    Raises:
        DataError: a file is missing, damaged, holds pickles, or arrays that do not fit together.
    """
    raws: dict[str, Any] = {}
    left = most_of_arrays()
    for number, file in enumerate(expand_paths(config.path)):
        reporter.status(f"reading {shown(file)}")
        raws[f"file {number}"] = raw = _read_file(file, config, left)
        left = max(0, left - in_memory(raw.images).nbytes)
    if len(raws) == 1:
        return next(iter(raws.values()))  # type: ignore[no-any-return]
    if any(raw.parts for raw in raws.values()):
        raise DataError("archives with parts of their own (x_train, x_test) are read one at a time")
    combined = combine_parts(raws)
    assert isinstance(combined, RawPictures)
    combined.parts = {}
    return combined


def _read_file(file: str, config: DataConfig, limit: int) -> RawPictures:
    names = array_names(Path(file))
    inputs, targets = config.arguments.get("inputs"), config.arguments.get("targets")
    with_targets = config.arguments.get("with_targets", True)
    if inputs is None and (of_parts := arrays_of_parts(names, for_training="with_targets" not in config.arguments)):
        return _read_parts(file, names, of_parts, config, limit)
    inputs = str(inputs or "x")
    targets = str(targets or "y")
    needed = not config.is_reconstruction and with_targets and (config.arguments.get("targets") is not None or targets in names)
    arrays = read_arrays(Path(file), names=[inputs, targets] if needed else [inputs], limit=limit, hint=_hint())
    return _pictures(file, arrays[inputs], arrays.get(targets) if needed else None, targets, config)


def _read_parts(
    file: str, names: Sequence[str], of_parts: Mapping[str, tuple[str, str]], config: DataConfig, limit: int
) -> RawPictures:
    wanted = [name for pair in of_parts.values() for name in pair if name]
    arrays = read_arrays(Path(file), names=wanted, limit=limit, hint=_hint())
    raws = {part: _pictures(file, arrays[x], arrays.get(y), y, config) for part, (x, y) in of_parts.items()}
    others = [name for name in names if name not in arrays]
    left = [Note(f"{Path(file).name}: not read: {listed(others, 8)}")] if others else []
    if len(raws) == 1:
        [raw] = raws.values()
        return replace(raw, notes=(*raw.notes, *left))
    combined = combine_parts(raws)
    assert isinstance(combined, RawPictures)
    rows = [f"{len(raw.images):,} for {'training' if part == 'train' else part}" for part, raw in raws.items()]
    combined.notes = (
        Note(f"{Path(file).name}: rows: {', '.join(rows)}"),
        *dict.fromkeys(note for raw in raws.values() for note in raw.notes[1:]),
        *left,
    )
    combined.details = {file: {"digest": _digest(combined), "bytes": Path(file).stat().st_size, "rows": len(combined.images)}}
    return combined


def _hint() -> str:
    return f"arrays are read whole: save fewer rows, or uint8 in the place of floats; {ARRAY_BYTES.variable} allows more bytes"


def _narrowed(inputs: NDArray[Any]) -> NDArray[Any]:
    """Numbers as float32 where it holds each of them, else as float64: they are rounded once they are scaled."""
    narrow = inputs.astype(np.float32)
    block = max(1, BLOCK_VALUES // max(1, narrow[:1].size))
    for first in range(0, len(inputs), block):
        some = inputs[first : first + block]
        if not np.array_equal(narrow[first : first + block], some, equal_nan=some.dtype.kind == "f"):
            return inputs.astype(np.float64, copy=False)
    return narrow


def _digest(raw: RawPictures) -> str:
    images = in_memory(raw.images)
    images = images.astype(np.float32) if images.dtype == np.float64 else images  # as the fingerprints of stored runs have it
    arrays = [images] if raw.target is None else [images, raw.target]
    return " ".join(array_digest(array) for array in arrays)


def _pictures(file: str, inputs: NDArray[Any], targets: NDArray[Any] | None, target_name: str, config: DataConfig) -> RawPictures:
    name = shown(file)
    if inputs.ndim < 2 or not len(inputs) or inputs.dtype.kind not in "biuf":
        shape = "x".join(map(str, inputs.shape))
        raise DataError(f"the inputs are {inputs.dtype} of shape {shape}; expected numbers [rows, ...]", file=name)
    size = Path(file).stat().st_size
    if len(inputs) * ROW_BYTES > most_unpacked(size):
        message = f"its {size >> 10:,} kB unpack to {len(inputs):,} rows: it is made to fill the memory"
        raise DataError(message, file=name, hint=RATIO.hint)
    if targets is not None and targets.ndim == 2 and targets.shape[1] == 1:
        targets = targets[:, 0]
    classes: tuple[str, ...] = ()
    notes: list[Note] = []
    if targets is not None:
        if config.task in (None, "classification") and len(targets) == len(inputs) and _is_one_hot(targets):
            classes = tuple(str(place) for place in range(targets.shape[1]))
            targets = targets.argmax(axis=1)
            what = f"{len(classes)} columns with a single 1 in each row: its column, from 0 on, is the class (one-hot)"
            notes.append(Note(f"{target_name}: {what}"))
        elif config.task == MULTILABEL and targets.ndim == 2 and len(targets) == len(inputs):
            targets = encode_array(targets, target_name, None if config.labels is None else config.labels.empty)
        elif targets.shape != (len(inputs),):
            message = f"the targets are of shape {'x'.join(map(str, targets.shape))}; expected "
            hint = None
            if config.task == MULTILABEL:
                message += f"{len(inputs):,} rows of 0 and 1, a column for each label"
            else:
                message += f"{len(inputs):,} values, one for each row of the inputs"
                is_flags = targets.ndim == 2 and len(targets) == len(inputs) and bool(np.isin(targets, (0, 1)).all())
                hint = "`data.task: multilabel` takes columns of 0 and 1 for labels of a row" if is_flags else None
            raise DataError(message, file=name, hint=hint)
        else:
            targets, classes, notes = read_targets(targets, inputs, target_name, config)
    if inputs.dtype not in (np.uint8, np.float32):
        inputs = _narrowed(inputs)
    raw = RawPictures(
        inputs,
        targets,
        classes,
        value_range=(0.0, 255.0) if inputs.dtype == np.uint8 else None,
        notes=(Note(f"{Path(file).name}: {len(inputs):,} rows of {'x'.join(map(str, inputs.shape[1:]))}"), *notes),
    )
    raw.details = {file: {"digest": _digest(raw), "bytes": size, "rows": len(inputs), "classes": listed(classes)}}
    return raw


def _is_one_hot(targets: NDArray[Any]) -> bool:
    """Whether each row has a single 1, and 0 elsewhere, as `keras.utils.to_categorical` writes classes."""
    if targets.ndim != 2 or targets.shape[1] < 2 or targets.dtype.kind not in "biuf":
        return False
    return bool(np.isin(targets, (0, 1)).all() and (targets.sum(axis=1) == 1).all())


def look(config: DataConfig, *, seed: int, whole: Callable[[], DataFacts]) -> DataFacts:
    """The shapes that the arrays declare; the targets, which are small, are read.

    Raises:
        DataError: no such file or array, or a shape that is none of rows.
    """
    refuse_missing_files(config)
    if len(config.path) > 1 or config.validation or config.test:
        return DataFacts(notes=(Note("npz: several files; their shapes are known when they are read"),))
    file = expand_paths(config.path)[0]
    shapes = declared_shapes(file)
    of_parts = {} if "inputs" in config.arguments else arrays_of_parts(shapes)
    inputs, targets = of_parts.get("train") or (
        str(config.arguments.get(key) or name) for key, name in (("inputs", "x"), ("targets", "y"))
    )
    if inputs not in shapes:
        hint = f"its arrays: {', '.join(list(shapes)[:20])}; say which by data.inputs and data.targets"
        raise DataError(config_fault(config, "data.inputs", f"{shown(file)} holds no array {quoted(inputs)}", hint))
    if not of_parts and targets not in shapes and "targets" in config.arguments and not config.is_reconstruction:
        key = "data.targets" if "data.targets" in config.places or not config.target else "data.target"
        raise DataError(
            config_fault(config, key, f"{shown(file)} holds no array {quoted(targets)}", column_hint(targets, list(shapes)))
        )
    shape, is_bytes = shapes[inputs][0], shapes[inputs][1] == "uint8"
    if len(shape) < 2 or not shape[0]:
        raise DataError(f"the inputs are of shape {shape}; expected numbers [rows, ...]", file=shown(file))
    spec = _look_at_targets(config, file, targets if targets in shapes else None)
    own = {part: shapes[name][0][0] for part, (name, _) in of_parts.items()} if len(of_parts) > 1 else {}
    schema = schema_of(config, shape[1:], spec, "unit" if is_bytes else "standard")
    line = f"{shown(file)}: {shape[0]:,} rows of {'×'.join(map(str, shape[1:]))}"
    return with_rows(config, DataFacts(schema, notes=(Note(line),)), shape[0], own)


def _look_at_targets(config: DataConfig, file: str, targets: str | None) -> TargetSpec:
    from dltrain.data.pictures.fit import describe_target

    values: NDArray[Any] | None = None
    classes: tuple[str, ...] = ()
    if targets and not config.is_reconstruction:
        values = read_arrays(Path(file), names=[targets], limit=MOST_BYTES)[targets]
        rows = _no_inputs(len(values) if values.ndim else 0)
        raw = _pictures(file, rows, values, targets, config)  # what is wrong with them is said as when they are read
        values, classes = raw.target, raw.classes
    stand_in = RawPictures(_no_inputs(0 if values is None else len(values)), values, classes)
    return describe_target(config, stand_in)[0]


def _no_inputs(num_rows: int) -> NDArray[np.uint8]:
    """Inputs [rows, 1] that stand for those of an archive and take no memory: it may declare rows without end that are empty."""
    return np.broadcast_to(np.zeros(1, np.uint8), (num_rows, 1))


SOURCE = DataSource(read, look)
