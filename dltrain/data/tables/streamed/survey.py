"""What the beginnings of large files say: how they are written, their columns, the first rows of the table."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dltrain.config.types import DataConfig
from dltrain.data.columns.reading import SAMPLE_ROWS
from dltrain.data.files import check_utf8, expand_paths, is_compressed, read_blocks
from dltrain.data.raw import RawTable
from dltrain.data.tables.combine import combine_parts, combine_tables
from dltrain.data.tables.parquet_file import blanks_note, count_parquet_rows, parquet_faults, read_parquet, without_edge_blanks
from dltrain.data.tables.streamed.chunks import ParquetSource, TextSource, as_text, whole_columns
from dltrain.data.tables.streamed.text_chunks import read_text_columns, scan_records, text_chunks
from dltrain.data.tables.text_encoding import detect_encoding
from dltrain.data.tables.text_format import Framing
from dltrain.data.tables.text_layout import PLAIN, find_layout
from dltrain.errors import DataError, warn
from dltrain.later import polars
from dltrain.wording import shown

LOOK_BYTES = 1 << 20
# Bytes of text that a byte of a compressed or Parquet file is counted as.
PACKED = 4
Source = TextSource | ParquetSource


@dataclass(slots=True)
class Survey:
    """What the beginnings of the files say.

    Attributes:
        groups: part -> its files; one group "train" where everything is to be split.
        sample: the first rows as they would be read, and the first row of each part of it.
        num_bytes: of text in all files; an estimate where they are compressed.
        is_ragged: whether rows of unequal length were seen.
    """

    groups: dict[str, list[Source]]
    sample: RawTable
    num_bytes: int
    is_ragged: bool = False

    @property
    def sources(self) -> list[Source]:
        """All files in order."""
        return [source for sources in self.groups.values() for source in sources]


def survey(config: DataConfig, groups: Mapping[str, Sequence[str]]) -> Survey:
    """Look at the beginning of each file: layout, columns, and together the first rows of the table.

    Args:
        config: how the files are written.
        groups: part -> paths.

    Raises:
        DataError: files that cannot be read, or that do not fit together.
    """
    sources: dict[str, list[Source]] = {}
    tables: dict[str, RawTable] = {}
    have, is_ragged = 0, False
    for part, paths in groups.items():
        sources[part], raws, in_group = [], [], 0
        for file in expand_paths(paths):
            most = SAMPLE_ROWS if config.limit is None else min(SAMPLE_ROWS, config.limit - in_group)
            look = _look_at_text if config.source == "csv" else _look_at_parquet
            source, raw, found_ragged = look(file, config, max(0, min(most, SAMPLE_ROWS - have)))
            is_ragged |= found_ragged
            sources[part].append(source)
            raws.append(raw)
            have, in_group = have + raw.frame.height, in_group + raw.frame.height
        tables[part] = combine_tables(raws)
    sample = combine_parts(tables) if len(tables) > 1 else next(iter(tables.values()))
    assert isinstance(sample, RawTable)
    num_bytes = sum(text_bytes(source.file, config) for group in sources.values() for source in group)
    return Survey(sources, sample, num_bytes, is_ragged)


def text_bytes(file: str, config: DataConfig) -> int:
    """Size of a file, or where it is compressed or Parquet an estimate of what it would be as text."""
    packed = config.source == "parquet" or is_compressed(file)
    return os.path.getsize(file) * (PACKED if packed else 1)


def _look_at_text(file: str, config: DataConfig, num_rows: int) -> tuple[Source, RawTable, bool]:
    name = shown(file)
    source: TextSource | None = None
    frames: list[polars.DataFrame] = []
    have, is_ragged = 0, False
    quote = None if config.quote in ("", "none") else config.quote or '"'
    encoding = config.encoding or detect_encoding(next(read_blocks(file, LOOK_BYTES), b""))
    framing = PLAIN
    for content, line in text_chunks(file, encoding, quote, LOOK_BYTES):
        content = check_utf8(content, file, line)
        framing = Framing.of(config, content) if line == 1 else framing
        content = framing.apply(content, line)
        if content.isspace():
            continue
        first = 0
        if source is None:
            layout, _ = find_layout(content, config, name, framing)
            source, first = TextSource(file, layout, encoding, framing), layout.first
        content, _ = source.layout.without_repeats(content, line, begins=first > 0)
        records = scan_records(content, line, file, source.layout, first)
        check = source.layout.width_check(name)
        assert records.scan is not None
        check.add(records.scan.num_fields[first:], records.scan.lines[first:])
        is_ragged |= check.num_wrong > 0
        if records.num_records and not is_ragged and have < num_rows:
            frame = read_text_columns(records, source.layout, file)
            assert frame is not None
            frames.append(frame.head(num_rows - have))
            have += frames[-1].height
        if have >= num_rows or is_ragged:
            break
    if source is None:
        raise DataError("the file is empty", file=name)
    frame = polars.concat(frames) if frames else polars.DataFrame(schema=dict.fromkeys(source.columns, polars.String))
    layout = source.layout
    odd = (
        []
        if config.encoding or encoding is None
        else [warn(f"{name} is no UTF-8: it is read as {encoding}; data.encoding says otherwise", "encoding")]
    )
    raw = RawTable(
        frame,
        origin=((0, name, 1 + layout.first),),
        notes=(*odd, *layout.warnings),
        reading={**layout.reading, **({} if config.encoding or encoding is None else {"encoding": encoding})},
    )
    return source, raw, is_ragged


def _look_at_parquet(file: str, config: DataConfig, num_rows: int) -> tuple[Source, RawTable, bool]:
    name = shown(file)
    frame, blank = without_edge_blanks(read_parquet(file, num_rows=num_rows))
    rows = count_parquet_rows(file)
    with parquet_faults(file):
        is_whole = whole_columns(file, rows, frame, config)
    if not rows or not frame.width:
        raise DataError("the file holds no rows", file=name)
    source = ParquetSource(file, tuple(frame.columns), rows, is_whole)
    return source, RawTable(as_text(frame, is_whole), origin=((0, name, 0),), notes=tuple(blanks_note(file, blank))), False
