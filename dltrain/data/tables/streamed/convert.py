"""From large files to columns on disk, in one pass over all of them. Made once, kept in the cache."""

from __future__ import annotations

import hashlib
import json
import os
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from dltrain.config.types import DataConfig
from dltrain.data.columns.column import FeatureColumn, Surprises
from dltrain.data.columns.kinds import ColumnKind
from dltrain.data.columns.reading import Reading
from dltrain.data.columns.unmet_words import UnmetWords
from dltrain.data.files import DIGEST_BYTES
from dltrain.data.raw import RawTable
from dltrain.data.tables.combine import few_of
from dltrain.data.tables.streamed.chunks import Chunk, MakeChunk, Wanted
from dltrain.data.tables.streamed.column_files import AS_READ, ColumnFiles, needed_meta, read_meta, write_meta
from dltrain.data.tables.streamed.survey import Source, Survey
from dltrain.data.tables.text_layout import empty_note, repeats_warning
from dltrain.errors import DataError, DltrainError, Fault, Note, RunError
from dltrain.later import polars
from dltrain.reporting import Reporter
from dltrain.storage.stored_folders import META, find_folders, hold, make_folder
from dltrain.storage.values import attributes
from dltrain.wording import shown

FORMAT = 8
# Fewer files are opened sooner: each is read once for every column.
FILE_BYTES = 64 << 20
WORKERS = 2


@dataclass(frozen=True, slots=True)
class Plan:
    """The columns that are needed, and as what.

    Attributes:
        columns: name -> its kind; None: as it is read.
        exact: columns of numbers that are to be kept as they are read if a single value turns out to be no number, or a code.
        kinds: what the first rows say of the columns that may be features.
    """

    columns: Mapping[str, FeatureColumn | None]
    exact: frozenset[str] = frozenset()
    kinds: Mapping[str, ColumnKind] = field(default_factory=dict)


def convert(config: DataConfig, surveyed: Survey, plan: Plan, reading: Reading, reporter: Reporter) -> RawTable:
    """The table with its columns on disk, from the cache where they are there already.

    Args:
        config: the `data:` block.
        surveyed: from `survey`.
        plan: the columns that are needed.
        reading: how text becomes values.
        reporter: hears how far it is.

    Raises:
        DataError: files that cannot be read, rows of unequal length; with file and line.
        RunError: no space for it.
    """
    prefix = f"table-{_key(config, surveyed, reading)}"
    for folder in find_folders(prefix):
        hold(folder)
        meta = read_meta(folder / META)
        if _covers(meta, plan):
            reporter.detail(f"columns on disk from an earlier run: {folder}")
            return _table(folder, meta, surveyed, plan)
    while True:
        words = sorted(
            f"{name} {None if column is None else (column.kind, column.date_format, name in plan.exact)}"
            for name, column in plan.columns.items()
        )
        conversion = _Conversion(config, surveyed, plan, reading, reporter)
        try:
            name = f"{prefix}-{hashlib.blake2b(json.dumps(words).encode(), digest_size=6).hexdigest()}"
            folder = make_folder(name, 2 * surveyed.num_bytes, conversion.run, reporter)
        except _NotExactError as found:
            plan = replace(plan, columns={**plan.columns, **dict.fromkeys(found.columns)})
            continue
        return _table(folder, needed_meta(folder / META), surveyed, plan)


def refuse_ragged(config: DataConfig, surveyed: Survey, reporter: Reporter) -> None:
    """Count the fields of all rows and name those that have too few or too many.

    Raises:
        DataError: with file and line.
    """
    _Conversion(config, surveyed, Plan({}), Reading(), reporter).run(Path())


def _key(config: DataConfig, surveyed: Survey, reading: Reading) -> str:
    """The cache key of the columns: a digest of the files as they are now and of how they are read."""
    files = []
    for part, sources in surveyed.groups.items():
        for source in sources:
            stat = os.stat(source.file)
            files.append([part, os.path.abspath(source.file), stat.st_size, stat.st_mtime_ns, source.key])
    replaced = {name: dict(words) for name, words in (reading.replace or {}).items()}
    looked_at = sorted(config.drop) if config.missing or config.replace else []
    signs = [reading.missing, reading.decimal, reading.thousands, replaced, reading.units, reading.gaps]
    text = json.dumps(
        [FORMAT, files, signs, config.limit, looked_at],
        sort_keys=True,
    )
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


def _covers(meta: Mapping[str, Any], plan: Plan) -> bool:
    """Whether columns on disk can stand for those of a plan; a column as it was read can stand for any kind."""
    stored = meta.get("stored", {})
    for name, column in plan.columns.items():
        kind, date_format = stored.get(name, (None, None))
        if kind == AS_READ:
            continue
        if column is None or kind != column.kind or date_format != column.date_format:
            return False
        if name in plan.exact and name not in meta["exact"]:
            return False
    return True


def _table(folder: Path, meta: Mapping[str, Any], surveyed: Survey, plan: Plan) -> RawTable:
    """What a `RawTable` of these files would be, its columns on disk."""
    import numpy as np

    sources = surveyed.sources
    names = [shown(source.file) for source in sources]
    surprises = {
        name: Surprises(found["total"], [(row, value) for row, value in found["rows"]])
        for name, found in meta["surprises"].items()
    }
    frame = ColumnFiles(
        folder,
        list(surveyed.sample.frame.columns),
        meta["height"],
        [(name, rows) for name, rows in meta["files"]],
        {name: kind for name, (kind, _) in meta["stored"].items()},
        surprises,
        plan.kinds,
        UnmetWords(*meta["unmet"]),
        meta.get("last_rows", ()),
        meta["bare"],
        meta["coded"],
    )
    parts = {name: np.arange(first, last) for name, (first, last) in meta["parts"].items()} if len(surveyed.groups) > 1 else {}
    described = (Note(source.describe(found["rows"])) for source, found in zip(sources, meta["sources"], strict=True))
    notes = [note for group in surveyed.groups.values() for note in few_of(list(islice(described, len(group))))]
    notes += few_of([repeats_warning(names[source], lines) for source, lines in meta.get("repeats", ())])
    notes += [empty_note(names[source], count) for source, count in meta.get("empty", ())]
    return RawTable(
        frame,
        parts=parts,
        origin=tuple((row, names[source], line) for row, source, line in np.load(folder / "origin.npy").tolist()),
        details={source.file: found for source, found in zip(sources, meta["sources"], strict=True)},
        notes=(*notes, *surveyed.sample.notes),
        reading=surveyed.sample.reading,
    )


class _NotExactError(Exception):
    """Columns that were thought to hold numbers alone do not."""

    def __init__(self, columns: list[str]) -> None:
        super().__init__(columns)
        self.columns = columns


class _Conversion:
    """One pass over the files."""

    def __init__(self, config: DataConfig, surveyed: Survey, plan: Plan, reading: Reading, reporter: Reporter) -> None:
        self.limit, self.survey, self.plan, self.reporter = config.limit, surveyed, plan, reporter
        self.wanted = Wanted(dict(plan.columns), reading, plan.exact, unmet=UnmetWords.of(config) if plan.columns else None)
        self.height = 0
        self.files: list[tuple[str, int]] = []
        self.surprises: dict[str, Surprises] = {}
        self.bare: dict[str, float] = {}
        self.coded: dict[str, str] = {}
        self.origin: list[tuple[int, int, int]] = []
        self.faults: list[Fault] = []
        self.sources: list[dict[str, Any]] = []
        self.last_rows: list[tuple[int, int, Mapping[str, str | None]]] = []
        self.repeats: list[tuple[int, list[int]]] = []
        self.empty: list[tuple[int, int]] = []
        self.parts: dict[str, tuple[int, int]] = {}
        self._frames: list[Any] = []
        self._frames_bytes = 0
        self._done_bytes = 0
        self._group_rows = 0
        self._last: Sequence[str | None] = ()

    def run(self, folder: Path) -> None:
        """Fill the folder.

        Raises:
            DataError: what cannot be read, and rows of unequal length, of all files.
        """
        import numpy as np

        with ThreadPoolExecutor(WORKERS) as pool, ThreadPoolExecutor(1) as beside:
            for part, sources in self.survey.groups.items():
                first, self._group_rows = self.height, 0
                for source in sources:
                    self._read(source, pool, beside, folder)
                self.parts[part] = (first, self.height)
        if self.faults:
            raise DataError(self.faults)
        self._write(folder)
        np.save(folder / "origin.npy", np.array(self.origin, np.int64).reshape(-1, 3))
        stored = {
            name: (AS_READ, None) if column is None else (column.kind, column.date_format)
            for name, column in self.plan.columns.items()
        }
        surprises = {name: {"total": found.total, "rows": found.rows} for name, found in self.surprises.items()}
        document = {"height": self.height, "files": self.files, "stored": stored, "surprises": surprises}
        unmet = self.wanted.unmet or UnmetWords([], {})
        document |= {"exact": sorted(self.plan.exact), **attributes(self, "bare", "coded", "last_rows", "repeats", "empty")}
        write_meta(
            folder / META, {**document, "sources": self.sources, "parts": self.parts, "unmet": [unmet.missing, unmet.replace]}
        )

    def _read(self, source: Source, pool: ThreadPoolExecutor, beside: ThreadPoolExecutor, folder: Path) -> None:
        """One file: its chunks are made by several threads and taken in in order."""
        digest = _Digest(beside)
        check = source.width_check()
        waiting: deque[Future[Chunk]] = deque()
        num_rows, first_row, self._last = 0, self.height, ()
        try:
            for make in source.chunks(lambda block: self._see(block, digest, source)):
                while len(waiting) >= (WORKERS + 1 if self.limit is None else 1):
                    num_rows += self._take(waiting.popleft().result(), check, folder)
                waiting.append(self._submit(pool, make, check))
            while waiting:
                num_rows += self._take(waiting.popleft().result(), check, folder)
        except DataError as error:
            raise DataError([*self.faults, *(check.faults() if check is not None else ()), *error.faults]) from error
        finally:
            for future in waiting:
                future.cancel()
        if check is not None:
            self.faults += check.faults()
        if not num_rows:
            raise DataError([*self.faults, Fault("the file holds a header and no rows", file=shown(source.file), line=1)])
        found = {"bytes": digest.num_bytes, "rows": num_rows, "columns": len(source.columns), "digest": digest.hexdigest()}
        self.sources.append(found)
        if self._last:
            self.last_rows.append((first_row, self.height, dict(zip(source.columns, self._last, strict=True))))

    def _submit(self, pool: ThreadPoolExecutor, make: MakeChunk, check: Any) -> Future[Chunk]:
        most = None if self.limit is None else self.limit - self._group_rows
        is_checked_only = (
            not self.plan.columns or self.faults or (check is not None and check.num_wrong) or (most is not None and most <= 0)
        )
        return pool.submit(make, None if is_checked_only else self.wanted, most)

    def _see(self, block: bytes, digest: _Digest, source: Source) -> None:
        digest.update(block)
        self._done_bytes += len(block)
        total = self.survey.num_bytes
        of = f" of {total / 1e6:,.0f}" if self._done_bytes <= total else ""
        self.reporter.status(f"converting {shown(source.file)} to columns on disk: {self._done_bytes / 1e6:,.0f}{of} MB")

    def _take(self, chunk: Chunk, check: Any, folder: Path) -> int:
        if check is not None:
            chunk.count_in(check)
        number = len(self.sources)
        self._note_lines(number, chunk)
        if chunk.frame is None:
            return chunk.num_rows
        self._last = chunk.last or self._last
        if self.wanted.unmet is not None:
            self.wanted.unmet.remove(chunk.met)
        not_exact = sorted(self.plan.exact & {*chunk.bad, *chunk.coded})
        if not_exact:
            raise _NotExactError(not_exact)
        for name, (rows, values) in chunk.bad.items():
            self.surprises.setdefault(name, Surprises()).add(rows, values, self.height)
        self.bare = {**chunk.bare, **self.bare}
        self.coded = {**chunk.coded, **self.coded}
        for row, _, line in chunk.origin:
            if row < chunk.frame.height:
                self._add_origin(self.height + row, number, line)
        self.height += chunk.frame.height
        self._group_rows += chunk.frame.height
        self._frames.append(chunk.frame)
        self._frames_bytes += chunk.frame.estimated_size()
        if self._frames_bytes >= FILE_BYTES:
            self._write(folder)
        return chunk.num_rows

    def _note_lines(self, number: int, chunk: Chunk) -> None:
        """Keep which lines of a file hold no row: empty ones, and headers that are repeated."""
        if chunk.empty:
            self.empty.append((number, chunk.empty))
        if chunk.repeats:
            if not self.repeats or self.repeats[-1][0] != number:
                self.repeats.append((number, []))
            self.repeats[-1][1].extend(chunk.repeats)

    def _add_origin(self, row: int, source: int, line: int) -> None:
        if self.origin:
            last_row, last_source, last_line = self.origin[-1]
            if source == last_source and (line - last_line == row - last_row or not line):
                return
        self.origin.append((row, source, line))

    def _write(self, folder: Path) -> None:
        if not self._frames:
            return
        frame = polars.concat(self._frames, rechunk=False)
        name = f"{len(self.files):05d}.parquet"
        try:
            frame.write_parquet(folder / name, compression="uncompressed", statistics=False, row_group_size=frame.height)
        except polars.exceptions.PolarsError as error:
            raise _cannot_write(folder / name, error) from error
        self.files.append((name, frame.height))
        self._frames, self._frames_bytes = [], 0


def _cannot_write(path: Path, error: Exception) -> DltrainError:
    return RunError(f"cannot write {path}: {str(error)[:200]}", hint="name a folder with space in DLTRAIN_CACHE")


class _Digest:
    """The digest of a file's bytes, computed beside the reading of them."""

    def __init__(self, beside: ThreadPoolExecutor) -> None:
        self._hash = hashlib.blake2b(digest_size=DIGEST_BYTES)
        self._beside = beside
        self._last: Future[None] | None = None
        self.num_bytes = 0

    def update(self, block: bytes) -> None:
        """Take in the next bytes; at most one block waits."""
        if self._last is not None:
            self._last.result()
        self._last = self._beside.submit(self._hash.update, block)
        self.num_bytes += len(block)

    def hexdigest(self) -> str:
        """The digest, as `files.digest` of all bytes gives it."""
        if self._last is not None:
            self._last.result()
        return self._hash.hexdigest()
