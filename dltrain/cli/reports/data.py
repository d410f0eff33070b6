"""What the data of a run is, as blocks of a report: its files, parts, columns and their values, if it is still there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dltrain.cli.reports.page import Block, Paragraph, Picture, Table
from dltrain.cli.text import format_bytes, format_number
from dltrain.data.tables.column_names import column_of, name_of
from dltrain.errors import DltrainError
from dltrain.later import polars
from dltrain.storage.run import Run
from dltrain.wording import percent

if TYPE_CHECKING:
    import numpy as np

    from dltrain.data.tables.preprocessing import TablePreprocessing

_MOST_BYTES = 64_000_000  # of data that is read once more for a report
_MOST_OF_LOG = 4 << 20  # what it says of the data stands at its beginning
_MOST_COLUMNS = 60
_MOST_LETTERS = 200  # of what stands in a row
_BINS = 16
_SAID = re.compile(r" DEBUG [\w.]+: data: (.*)$")


@dataclass(slots=True)
class DataSeen:
    """What could be found out about the data.

    Attributes:
        columns: a row of a table for each column.
        rows: number of a row, from 1 -> column -> what stands there.
        note: why there is nothing of these.
    """

    columns: list[list[str | Picture]] = field(default_factory=list)
    rows: dict[int, dict[str, str]] = field(default_factory=dict)
    note: str = ""


def data_blocks(run: Run, manifest: Mapping[str, Any], seen: DataSeen) -> list[Block]:
    """What the fit said of its data, its files, and its columns."""
    blocks: list[Block] = [Paragraph(line) for line in _told(run)]
    files = manifest.get("data", {}).get("details", {})
    rows = [
        [str(name), f"{entry.get('rows', 0):,}" if isinstance(entry.get("rows"), int) else "-", format_bytes(entry.get("bytes"))]
        for name, entry in files.items()
        if isinstance(entry, dict)
    ]
    blocks += [Table("files", ["file", "rows", "size"], rows[:_MOST_COLUMNS], max(0, len(rows) - _MOST_COLUMNS))] if rows else []
    if seen.columns:
        header = ["column", "kind", "gaps", "different", "values", "distribution"]
        more = max(0, len(seen.columns) - _MOST_COLUMNS)
        blocks.append(Table("columns, all rows", header, seen.columns[:_MOST_COLUMNS], more))
    return [*blocks, *([Paragraph(seen.note)] if seen.note else [])]


def _told(run: Run) -> list[str]:
    """The lines on the data in the run's log, those of its first fit."""
    if not run.log_file.is_file() or run.log_file.is_symlink():
        return []
    found = (_SAID.search(line) for line in beginning_of(run.log_file, _MOST_OF_LOG).splitlines())
    return list(dict.fromkeys(match[1] for match in found if match))[:20]


def look_at_data(run: Run, manifest: Mapping[str, Any], rows: Iterable[int]) -> DataSeen:
    """Read the run's data once more, where it is a table that is still there and is not large.

    Args:
        run: the run.
        manifest: of it.
        rows: numbers of rows, from 1, that are to be shown.
    """
    from dltrain.config import load_config
    from dltrain.data.load import read_raw
    from dltrain.data.raw import RawTable
    from dltrain.data.stored import load_preprocessing
    from dltrain.data.tables.preprocessing import TablePreprocessing

    details = manifest.get("data", {}).get("details", {})
    num_bytes = sum(entry.get("bytes") or 0 for entry in details.values() if isinstance(entry, dict))
    if num_bytes > _MOST_BYTES:
        return DataSeen(note=f"The data, {format_bytes(num_bytes)}, was not read once more for this page.")
    try:
        preprocessing = load_preprocessing(run.path)
        if not isinstance(preprocessing, TablePreprocessing):
            return DataSeen()
        config = load_config(run.config_file)
        raw, entries = read_raw(config.data, seed=config.seed)
    except (DltrainError, OSError) as error:
        reason = error.faults[0].message if isinstance(error, DltrainError) else str(error)
        return DataSeen(note=f"The run's data could not be read once more: {reason}")
    of_tables = {entry.get("digest") for entry in details.values() if "pictures" not in entry}
    if {entry.get("digest") for entry in entries} != of_tables:
        return DataSeen(note="The data has changed since the run was made; its columns are not shown.")
    if not isinstance(raw, RawTable) or not hasattr(raw.frame, "row"):
        return DataSeen()
    return _seen(raw.frame, preprocessing, rows)


def _seen(frame: polars.DataFrame, preprocessing: TablePreprocessing, rows: Iterable[int]) -> DataSeen:
    kinds = {column.name: column.kind for column in preprocessing.features}
    targets = {name: f"target, {spec.task}" for spec in preprocessing.targets for name in (spec.column or spec.name,)}
    names = [name for name in frame.columns if name in kinds or name in targets]
    columns = [
        _column(
            column_of(frame, name),
            targets.get(name) or str(kinds[name]),
            preprocessing,
            is_number=_is_number(name, kinds, targets),
        )
        for name in names
    ]
    shown = [name for name in names if name not in targets]
    found = {
        number: {name: _cell(frame[name][number - 1]) for name in shown[:20]} for number in rows if 1 <= number <= frame.height
    }
    return DataSeen(columns, found)


def _is_number(name: str, kinds: Mapping[str, Any], targets: Mapping[str, str]) -> bool:
    return "regression" in targets[name] if name in targets else str(kinds[name]) == "number"


def _column(series: polars.Series, kind: str, preprocessing: TablePreprocessing, is_number: bool) -> list[str | Picture]:
    """One line on a column: kind, gaps, how many different values, which, and how they are distributed."""
    from dltrain.data.columns.reading import mend, text_of, to_numbers
    from dltrain.evaluation.drawing.svg import spark

    mended = mend(series, preprocessing.reading)
    empty = mended.null_count()
    gaps = percent(empty / len(mended)) if empty else "none"
    name, different = name_of(series), f"{mended.drop_nulls().n_unique():,}"
    if is_number:
        said, counts = _numbers(to_numbers(mended, preprocessing.reading))
    else:
        common = text_of(mended.drop_nulls()).value_counts(sort=True)
        counts = [float(count) for count in common[common.columns[1]].head(_BINS).to_list()]
        words = [f"{_cell(value)} ({count:,})" for value, count in common.head(3).iter_rows()]
        said = ", ".join(words) if counts and counts[0] > 1 else _cell(next(iter(common[common.columns[0]]), ""))
    picture = Picture(f"distribution of {name}: {said}", "image/svg+xml", spark(counts)) if counts else ""
    return [name, kind, gaps, different, said, picture]


def _numbers(values: np.ndarray[Any, Any]) -> tuple[str, list[float]]:
    import numpy as np

    finite = values[np.isfinite(values)]
    if not len(finite):
        return "no numbers", []
    low, middle, high = (float(value) for value in np.quantile(finite, (0, 0.5, 1)))
    counts = np.histogram(finite, bins=_BINS)[0] if high > low and np.isfinite(high - low) else np.array([len(finite)])
    return f"{format_number(low)} to {format_number(high)}, median {format_number(middle)}", counts.astype(float).tolist()


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    return text if len(text) <= _MOST_LETTERS else f"{text[: _MOST_LETTERS - 1]}\u2026"


def beginning_of(file: Path, most: int = 1 << 20) -> str:
    """What stands in a file of text, of a large one at its beginning: a config has no more, and the run may be a stranger's.

    Args:
        file: of the run.
        most: bytes that are read.
    """
    with open(file, "rb") as opened:
        return opened.read(most).decode("utf-8", errors="replace").replace("\r\n", "\n")
