"""The preprocessed rows of each part in files of the cache, written in one pass over the columns on disk."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import astuple
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.data.arrays.disk_array import DiskArray
from dltrain.data.columns.kind import Unseen
from dltrain.data.dataset import Part
from dltrain.data.splits import Rows
from dltrain.data.tables.column_names import column_of
from dltrain.data.tables.preprocessing import TablePreprocessing
from dltrain.data.tables.streamed.column_files import AS_READ, ColumnFiles, RowTexts, write_meta
from dltrain.reporting import Reporter
from dltrain.storage.stored_folders import META, make_folder

FORMAT = 3
BLOCK_BYTES = 32 << 20


def owners(height: int, rows: Mapping[str, Rows]) -> NDArray[np.int8]:
    """int8 [rows]: the number of the part that has the row, -1 where none has."""
    owner = np.full(height, -1, np.int8)
    for index, chosen in enumerate(rows.values()):
        owner[chosen] = index
    return owner


def row_files(
    files: ColumnFiles, preprocessing: TablePreprocessing, owner: NDArray[np.int8], names: Sequence[str], reporter: Reporter
) -> Path:
    """The folder with the preprocessed rows of each part, made where it is not there yet."""
    state, arrays = preprocessing.to_state()
    digest = hashlib.blake2b(digest_size=12)
    table = files.folder.name.rpartition("-")[0]
    digest.update(json.dumps([FORMAT, table, state["features"], state["reading"], list(names)], sort_keys=True).encode())
    for name in sorted(arrays):
        digest.update(f"{name} {arrays[name].shape}".encode() + arrays[name].tobytes())
    digest.update(owner.data)
    row_bytes = 8 + sum(4 * math.prod(spec.shape) for spec in preprocessing.schema.inputs)
    num_bytes = int(np.count_nonzero(owner >= 0)) * row_bytes
    writer = _RowWriter(files, preprocessing, owner, list(names), reporter)
    return make_folder(f"rows-{digest.hexdigest()}", num_bytes, writer.run, reporter)


class _RowWriter:
    """One pass over the columns on disk that writes the rows of each part."""

    def __init__(
        self, files: ColumnFiles, preprocessing: TablePreprocessing, owner: NDArray[np.int8], names: list[str], reporter: Reporter
    ) -> None:
        self.files, self.preprocessing, self.owner, self.names, self.reporter = files, preprocessing, owner, names, reporter
        self.unseen = [Unseen() for _ in names]
        row_bytes = 8 * sum(
            column.tokenizer.length if column.tokenizer else max(1, len(column.columns)) for column in preprocessing.features
        )
        self.block_rows = max(1, BLOCK_BYTES // row_bytes)

    def run(self, folder: Path) -> None:
        """Fill the folder."""
        inputs = self.preprocessing.schema.inputs
        with ExitStack() as stack:
            handles = {
                file: stack.enter_context(open(folder / file, "wb"))
                for name in self.names
                for file in (_rows_file(name), *(_input_file(name, number) for number in range(len(inputs))))
            }
            for first, num_rows, values in self._values():
                self.reporter.status(f"preprocessing rows: {first:,} of {self.files.height:,}")
                owner = self.owner[first : first + num_rows]
                for index, name in enumerate(self.names):
                    rows = np.flatnonzero(owner == index)
                    handles[_rows_file(name)].write((rows + first).data)
                    for start in range(0, len(rows), self.block_rows):
                        block = rows[start : start + self.block_rows]
                        made = self.preprocessing.make_inputs(values, block, self.unseen[index])
                        for number, spec in enumerate(inputs):
                            handles[_input_file(name, number)].write(np.ascontiguousarray(made[spec.name]).data)
        notes = [[astuple(note) for note in unseen.notes(self.preprocessing.features)] for unseen in self.unseen]
        write_meta(folder / META, {"notes": notes})

    def _values(self) -> Iterator[tuple[int, int, dict[str, Any]]]:
        """First row, number of rows, and columns by kind, of each file; the next one is read meanwhile."""
        first = 0
        with ThreadPoolExecutor(1) as beside:
            following = beside.submit(self._read, 0)
            for number, (_, num_rows) in enumerate(self.files.files):
                values = following.result()
                if number + 1 < len(self.files.files):
                    following = beside.submit(self._read, number + 1)
                yield first, num_rows, values
                first += num_rows

    def _read(self, number: int) -> dict[str, Any]:
        columns = self.preprocessing.features
        frame = self.files.read(self.files.files[number][0], [column.name for column in columns])
        return {c.name: self.files.piece_values(column_of(frame, c.name), c, self.preprocessing.reading) for c in columns}


def _rows_file(part: str) -> str:
    return f"{part}-rows.bin"


def _input_file(part: str, number: int) -> str:
    return f"{part}-{number}.bin"


def put_on_disk(part: Part, folder: Path, name: str, preprocessing: TablePreprocessing, files: ColumnFiles) -> None:
    """Inputs, row ids and what names the rows of a part become arrays on disk."""
    num_rows = part.num_rows
    for number, spec in enumerate(preprocessing.schema.inputs):
        part.inputs[spec.name] = DiskArray(folder / _input_file(name, number), (num_rows, *spec.shape), spec.dtype)
    part.row_file = DiskArray(folder / _rows_file(name), (num_rows,), "int64")
    part.row_ids = np.zeros(0, np.int64)
    named = [column for column in preprocessing.identifiers if files.stored.get(column) == AS_READ]
    part.identifiers |= {column: RowTexts(files, column, part.row_file) for column in named}
    part.targets.update(preprocessing.make_targets({}, np.zeros(0, np.int64), part.inputs))
