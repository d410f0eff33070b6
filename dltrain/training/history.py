"""history.csv: one row per epoch, written so that a kill leaves whole lines and a resume neither doubles nor loses one."""

from __future__ import annotations

import contextlib
import csv
import io
import logging
import math
import os
import threading
from collections.abc import Mapping
from pathlib import Path

from dltrain.errors import reason_of
from dltrain.storage.atomic import cannot_write, open_to_append, write_atomically

logger = logging.getLogger(__name__)


class History:
    """The rows so far, and the file that holds them.

    A line is handed to the system in one write at its epoch's end and synced to disk by a thread, so that a short epoch
    does not wait for the disk.

    Args:
        path: the file; it begins with the rows given.
        rows: epochs of an earlier process, in order: column -> value.
    """

    def __init__(self, path: Path, rows: list[dict[str, float]] | None = None) -> None:
        self.rows: list[dict[str, float]] = list(rows or [])
        self._path = path
        self._columns = list(self.rows[0]) if self.rows else []
        if self.rows or path.exists():
            write_atomically(path, _text(self.rows, self._columns, header=True).encode() if self.rows else b"")
        self._file = os.fdopen(open_to_append(path), "ab", buffering=0)  # for as long as the run
        self._dirty = threading.Event()
        self._closing = False
        self._refused: OSError | None = None
        self._thread = threading.Thread(target=self._sync, name="history", daemon=True)
        self._thread.start()

    def append(self, row: Mapping[str, float], /) -> None:
        """Add an epoch's row; the first one fixes the columns.

        Raises:
            RunError: the file cannot be written, or the rows before did not get to the disk.
        """
        if self._refused is not None:
            raise cannot_write(self._path, self._refused) from self._refused
        header = not self._columns
        if header:
            self._columns = list(row)
        self.rows.append({column: row.get(column, math.nan) for column in self._columns})
        data = _text(self.rows[-1:], self._columns, header=header).encode()
        size = os.fstat(self._file.fileno()).st_size
        try:
            written = self._file.write(data)
            if written != len(data):
                raise OSError(28, "No space left on device")
        except OSError as error:
            with contextlib.suppress(OSError):  # a torn line is none for `read_history`
                os.ftruncate(self._file.fileno(), size)
            raise cannot_write(self._path, error) from error
        self._dirty.set()

    def close(self) -> None:
        """Sync and close the file. Rows that do not get to the disk now are in the state file as well."""
        self._closing = True
        self._dirty.set()
        self._thread.join()
        self._file.close()

    def _sync(self) -> None:
        while not self._closing:
            self._dirty.wait()
            self._dirty.clear()
            try:
                os.fsync(self._file.fileno())
            except OSError as error:
                logger.warning("%s cannot be synced to the disk: %s", self._path, reason_of(error))
                self._refused = error
                return


class RowsInMemory:
    """The rows so far, written all at once when asked: where epochs are too short for a line each.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self.rows: list[dict[str, float]] = []
        self._path = path

    def append(self, row: Mapping[str, float], /) -> None:
        """Add an epoch's row."""
        self.rows.append(dict(row))

    def write(self) -> None:
        """Write the whole history.

        Raises:
            RunError: the file cannot be written.
        """
        columns = list(self.rows[0]) if self.rows else []
        write_atomically(self._path, _text(self.rows, columns, header=bool(columns)).encode())


def _text(rows: list[dict[str, float]], columns: list[str], *, header: bool) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if header:
        writer.writerow(columns)
    for row in rows:
        writer.writerow([_format(row[column]) for column in columns])
    return text.getvalue()


def _format(value: float) -> str:
    if isinstance(value, int):
        return str(value)
    return repr(float(value)) if math.isfinite(value) else str(float(value))
