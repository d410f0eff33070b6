"""Tables of known values, written in a hundred ways: the config that `init` writes reads what was meant, in memory and streamed."""

from __future__ import annotations

import dataclasses
import gzip
from pathlib import Path

import numpy as np
import polars
import pytest

from dltrain.cli.app import run as command
from dltrain.config import load_config_text
from dltrain.config.types import DataConfig
from dltrain.data.columns.dates.reading import to_dates
from dltrain.data.columns.kinds import infer_kind
from dltrain.data.columns.reading import Reading, mend, read_numbers, text_of
from dltrain.data.raw import RawTable
from dltrain.data.sources import read_source
from dltrain.data.tables.column_names import column_of
from dltrain.data.tables.fitting.reading import reading_of, with_units
from dltrain.data.tables.text_format import DOUBLED
from dltrain.reporting import Reporter
from tests.data.streaming import IN_MEMORY, STREAMED, assert_same, load_as, small_chunks
from tests.data.tables.made_tables import MadeColumn, MadeTable, make_table

QUICK, STREAMED_QUICKLY, LONG = 25, 4, 3_000


def first_config(made: MadeTable, folder: Path, *, packed: bool = False) -> DataConfig:
    """The `data:` block that `init` writes for a table."""
    name = "t.csv.gz" if packed else "t.csv"
    (folder / name).write_bytes(gzip.compress(made.content) if packed else made.content)
    (folder / "c.yaml").unlink(missing_ok=True)
    assert command(["init", str(folder / name), "--target=target", "-o", str(folder / "c.yaml"), "--simple"]) == 0, made.manner
    return load_config_text((folder / "c.yaml").read_text(), folder=folder).data


def found_in(series: polars.Series, made: MadeColumn, kind: str | None, reading: Reading) -> list[object]:
    """What is read of a column, as the values of `made` are."""
    if made.kind == "number":
        numbers, _ = read_numbers(series, reading)
        return [None if np.isnan(number) else number for number in numbers]
    mended = mend(series, reading)
    if made.kind == "date" and kind == "date":
        return list(to_dates(mended, infer_kind(series, reading).date_format).to_list())
    return list(text_of(mended).to_list())


def compare(made: MadeTable, config: DataConfig) -> int:
    """How many cells were compared."""
    raw = read_source(config, seed=0, reporter=Reporter())
    assert isinstance(raw, RawTable)
    assert list(raw.frame.columns) == [column.name for column in made.columns], made.manner
    assert raw.frame.height == len(made.columns[0].cells), made.manner
    reading, count = with_units(config, raw, reading_of(config, raw)), 0
    for column in made.columns:
        kind = (config.features or {}).get(column.name)
        found = found_in(column_of(raw.frame, column.name), column, kind, reading)
        odd = [place for place, (one, other) in enumerate(zip(found, column.values, strict=True)) if one != other]
        told = f"{made.manner}: {column.name}"
        assert not odd, f"{told}: {column.cells[odd[0]]!r} is read {found[odd[0]]!r}, not {column.values[odd[0]]!r}"
        count += len(found)
    return count


def compare_ways(made: MadeTable, config: DataConfig, patch: pytest.MonkeyPatch) -> int:
    """In memory, in blocks, and with nothing said of the writing: how many columns were compared."""
    separator = config.separator if config.separator in DOUBLED else None  # which only `init` finds out
    bare = dataclasses.replace(config, separator=separator, decimal=None, thousands=None)
    datasets = [load_as(patch, bound, block) for block in (config, bare) for bound in (IN_MEMORY, STREAMED)]
    assert_same(datasets[0], datasets[1])
    assert_same(datasets[2], datasets[3])
    assert datasets[2].schema == datasets[0].schema, made.manner
    return 2 * len(made.columns)


@pytest.mark.parametrize("start", [pytest.param(start, marks=pytest.mark.slow if start else ()) for start in range(0, LONG, 500)])
def test_init_reads_what_was_written(start: int, tmp_path: Path) -> None:
    seeds = range(QUICK) if start == 0 else range(start, start + 500)
    compared = sum(
        compare(made, first_config(made, tmp_path, packed=seed % 5 == 0)) for seed in seeds for made in [make_table(seed)]
    )
    assert compared >= len(seeds) * 60 * 2  # 5,000 cells quickly, 600,000 with --slow


@pytest.mark.parametrize("start", [pytest.param(start, marks=pytest.mark.slow if start else ()) for start in range(0, 400, 100)])
def test_blocks_hold_what_memory_holds(start: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLTRAIN_CACHE", str(tmp_path / "cache"))
    small_chunks(monkeypatch, 700)
    seeds = range(STREAMED_QUICKLY) if start == 0 else range(start, start + 100)
    compared = sum(compare_ways(made, first_config(made, tmp_path), monkeypatch) for seed in seeds for made in [make_table(seed)])
    assert compared >= len(seeds) * 4
