"""`check --data`: all of the data is read and looked at."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.checking.answer_checks import check_slices
from dltrain.checking.quality import LabelsView, Quality, TableView, inspect_labels, inspect_table, odd, rows_by_part
from dltrain.config.types import Config
from dltrain.data.arrays.disk_array import Array
from dltrain.data.arrays.scaled_pixels import ScaledPixels
from dltrain.data.dataset import Dataset, Part, Schema
from dltrain.data.facts import DataFacts, facts_of, in_one_fold
from dltrain.data.load import load_parts
from dltrain.data.raw import RawTable, locator
from dltrain.data.series.preprocessing import SeriesPreprocessing
from dltrain.data.tables.fitting.copies import COPIES
from dltrain.data.tables.preprocessing import TablePreprocessing
from dltrain.errors import ConfigError, Fault, texts, warnings_of
from dltrain.wording import counted, listed

BLOCK_BYTES = 64 << 20


def check_data(config: Config, samples: Path | None = None) -> tuple[tuple[str, ...], tuple[Fault, ...], DataFacts]:
    """Lines about the data, a warning for each oddity, and the facts of all of it.

    Args:
        config: whose data is read whole; its header was found right.
        samples: where some of the pictures are to be drawn.

    Raises:
        DataError: the data is not fit for training.
        UsageError: there are no pictures to draw.
        RunError: they cannot be written there.
    """
    data = replace(in_one_fold(config.data), transform=())  # what is looked at is the data itself
    raw, dataset = load_parts(data, seed=config.seed)
    facts = facts_of(dataset)
    if odd := tuple(check_slices(config, facts)):  # of a named data set columns are not known before
        raise ConfigError(odd)
    notes = tuple(note for note in dataset.notes if note.code != COPIES)  # a finding says it, with the rows
    if isinstance(raw, RawTable) and isinstance(dataset.preprocessing, TablePreprocessing):
        quality = inspect_table(_view(raw, dataset, dataset.preprocessing))
    elif isinstance(dataset.preprocessing, SeriesPreprocessing):
        quality = Quality([f"{name}: {part.num_rows:,} windows" for name, part in dataset.parts.items()])
    else:
        quality = _inspect_arrays(dataset)
        quality.lines[:0] = texts(raw.notes, "note")
    if samples is not None:
        from dltrain.checking.samples import draw_samples

        quality.lines.append(draw_samples(dataset, samples))
    return tuple(quality.lines), (*warnings_of(notes), *quality.findings), facts


def _view(raw: RawTable, dataset: Dataset, preprocessing: TablePreprocessing) -> TableView:
    classes = _classes(dataset.schema)
    parts = {name: part.row_ids for name, part in dataset.parts.items()}
    targets, labels = {}, None
    for spec in dataset.schema.targets:
        if spec.is_reconstruction:
            continue
        values = _whole(dataset.parts, spec.name, raw.frame.height)
        if spec.is_multilabel:
            labels = LabelsView(spec.name, spec.classes, values, spec.separator)
            continue
        targets[spec.name] = values if spec.name in classes else spec.to_own(values)
    return TableView(
        raw.frame,
        {column.name: column.kind for column in preprocessing.features},
        targets,
        classes,
        parts,
        preprocessing.reading,
        locator(raw),
        labels,
    )


def _classes(schema: Schema) -> dict[str, tuple[str, ...]]:
    return {spec.name: spec.classes for spec in schema.targets if spec.task == "classification"}


def _whole(parts: Mapping[str, Part], target: str, num_rows: int) -> NDArray[Any]:
    """A target in the order of the rows."""
    first = next(iter(parts.values())).targets[target]
    values = np.zeros((num_rows, *first.shape[1:]), first.dtype)
    for part in parts.values():
        values[part.row_ids] = part.targets[target]
    return values


def _row_digests(array: Array) -> Iterator[bytes]:
    """A digest of each row, some rows in memory at a time."""
    size = max(1, BLOCK_BYTES // max(1, 4 * math.prod(array.shape[1:])))
    for start in range(0, len(array), size):
        stop = min(start + size, len(array))
        if isinstance(array, ScaledPixels):
            block: NDArray[Any] = array.read_pixels(start, stop)
        else:
            block = array[start:stop] if isinstance(array, np.ndarray) else array.read(start, stop)
        for row in block:
            yield hashlib.blake2b(np.ascontiguousarray(row).tobytes(), digest_size=16).digest()


def _inspect_arrays(dataset: Dataset) -> Quality:
    """Rows of each class in each part, and pictures that occur twice."""
    quality = Quality()
    classes = _classes(dataset.schema)
    for name, part in dataset.parts.items():
        quality.lines += rows_by_part(part.targets, classes, {name: np.arange(part.num_rows)})
    for spec in dataset.schema.targets:
        if spec.is_multilabel:
            whole = np.concatenate([part.targets[spec.name] for part in dataset.parts.values()])
            ends = np.cumsum([0, *(part.num_rows for part in dataset.parts.values())])
            rows = {name: np.arange(ends[place], ends[place + 1]) for place, name in enumerate(dataset.parts)}
            inspect_labels(quality, LabelsView(spec.name, spec.classes, whole, spec.separator), rows)
    _inspect_copies(quality, dataset, classes)
    return quality


def _inspect_copies(quality: Quality, dataset: Dataset, classes: Mapping[str, Sequence[str]]) -> None:
    """Inputs that occur twice, within a part, in two parts, or with two labels."""
    seen: dict[bytes, tuple[str, str, str]] = {}
    twice: dict[tuple[str, str], list[str]] = {}
    disputed: list[str] = []
    for name, part in dataset.parts.items():
        targets = [(part.targets[target], labels) for target, labels in classes.items()]
        for index, key in enumerate(_row_digests(next(iter(part.inputs.values())))):
            row = int(part.row_ids[index])
            label = part.identifiers["file"][index] if "file" in part.identifiers else f"row {row + 1:,}"
            said = ", ".join(labels[values[index]] for values, labels in targets)
            if key not in seen:
                seen[key] = (name, label, said)
                continue
            twice.setdefault((seen[key][0], name), []).append(f"{label} = {seen[key][1]}")
            if said != seen[key][2]:
                disputed.append(f"{label} is {said}, {seen[key][1]} is {seen[key][2]}")
    if disputed:
        copies = "is an exact copy" if len(disputed) == 1 else "are exact copies"
        message = f"{counted(len(disputed), 'input')} {copies} of one with another label ({listed(disputed, 3)})"
        quality.findings.append(odd(message, "at least one of the labels is wrong"))
    for (first, second), pairs in twice.items():
        is_one = len(pairs) == 1
        if first == second:
            copies = "is an exact copy" if is_one else "are exact copies"
            message = f"{counted(len(pairs), 'input')} of the {first} part {copies} of another ({listed(pairs, 3)})"
            hint = "copies count double; take them out"
        else:
            also = "is also" if is_one else "are also"
            message = f"{counted(len(pairs), 'input')} of the {second} part {also} in the {first} part ({listed(pairs, 3)})"
            hint = f"the {second} part looks easier than new data is; take the copies out"
        quality.findings.append(odd(message, hint))
