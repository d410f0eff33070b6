"""Data of many files: how many there may be, and what is said where many of them are not there."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from dltrain.data.files import expand_paths
from dltrain.errors import NUM_SHOWN, DataError
from dltrain.storage.bounds import FILES


def test_files_are_counted_over_all_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(FILES.variable, "8")
    for number in range(5):
        (tmp_path / f"a{number}.csv").write_text("x\n1\n")
    listed = [str(tmp_path / f"a{number}.csv") for number in range(5)]
    assert len(expand_paths([*listed, str(tmp_path / "a[012].csv")])) == 8
    for paths in ([*listed, str(tmp_path / "*.csv")], [str(tmp_path / f"b{number}") for number in range(10)]):
        with pytest.raises(DataError, match=r"more than 8 files.*DLTRAIN_MAX_FILES"):
            expand_paths(paths)


def test_of_many_missing_files_the_first_are_said(tmp_path: Path):
    for number in range(3000):
        (tmp_path / f"f{number:06d}.csv").touch()
    begun = time.process_time()
    with pytest.raises(DataError) as caught:
        expand_paths([str(tmp_path / f"g{number:06d}.csv") for number in range(2000)])
    assert time.process_time() - begun < 2
    assert len(caught.value.faults) == NUM_SHOWN + 1
    assert caught.value.faults[-1].message == "and 1,990 more"
    with pytest.raises(DataError, match=r"did you mean .f000012.csv"):
        expand_paths([str(tmp_path / "f00012.csv")])
