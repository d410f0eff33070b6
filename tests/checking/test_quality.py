from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dltrain.checking import CheckResult, check_config
from dltrain.checking.quality import _alike, _share
from dltrain.config import load_config_text


@pytest.fixture
def report(tmp_path: Path) -> CheckResult:
    """A table with one of each oddity."""
    random = np.random.default_rng(0)
    header = "size,twin,fixed,number_of_row,color,gaps,tells,y"
    rows = []
    for index in range(1500):
        label = "no" if index % 40 else "yes"
        size = 1e7 if index == 123 else random.normal()
        gap = "" if index % 3 else "7.5" if index % 2 else "1"
        rows.append(f"{size:.6f},{size:.6f},3,{index + 5},{random.choice(['red', 'blue'])},{gap},{label}!,{label}")
    rows += [",".join(rows[0].split(",")[:-1]) + ",no"] + [rows[1]] * 30
    (tmp_path / "odd.csv").write_text("\n".join([header, *rows]) + "\n")
    text = "data: {source: csv, path: odd.csv, target: y, split: {test: 0.3}, identifiers: []}\n"
    return check_config(load_config_text(text, file="c.yaml", folder=tmp_path), data=True)


@pytest.mark.parametrize(
    "said",
    [
        "columns size and twin are the same in every row",
        "column gaps is missing in",
        "y is imbalanced: yes 38 of 1,531",
        "column size holds 1 value far from all others (the farthest 1e+07",
        "of the test part have the same features as rows of the training part",
        "are copies of another row of the same part",
        "1 group of rows has the same features and different targets",
    ],
)
def test_an_oddity_is_named_with_what_one_would_do(report: CheckResult, said: str) -> None:
    [found] = [fault for fault in report.warnings if said in fault.message]
    assert found.hint


def test_a_constant_is_left_out_and_told_of(report: CheckResult) -> None:
    assert any("fixed (the same in every row of the training part: 3)" in line for line in report.data), report.data


def test_the_row_of_an_outlier_is_named(report: CheckResult) -> None:
    [found] = [fault for fault in report.warnings if "far from all others" in fault.message and "size" in fault.message]
    assert (found.line, str(found.file).endswith("odd.csv")) == (125, True)


def test_rows_of_each_class_in_each_part(report: CheckResult) -> None:
    assert any(line.startswith("test: 460 rows; y: no: 449 (97.6 %), yes: 11") for line in report.data), report.data


def test_a_clean_table_says_nothing(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    rows = [f"{random.normal():.6f},{random.normal():.6f},{random.choice(['a', 'b'])}" for _ in range(500)]
    (tmp_path / "fine.csv").write_text("\n".join(["u,v,y", *rows]) + "\n")
    text = "data: {source: csv, path: fine.csv, target: y, split: {test: 0.3}}\n"
    assert check_config(load_config_text(text, file="c.yaml", folder=tmp_path), data=True).warnings == ()


def test_copies_are_named_that_are_in_one_part() -> None:
    rows, groups = np.array([4, 9, 2, 7, 5, 6]), np.array([0, 1, 0, 2, 2, 3])
    counted = np.array([True, True, True, True, True, False])
    assert _alike(rows, groups, counted).tolist() == [4, 2, 7, 5]


@pytest.mark.parametrize(
    ("count", "total", "digits", "said"),
    [
        (1, 2930, 1, "under 0.1 %"),
        (2917, 2930, 0, "over 99 %"),
        (2930, 2930, 0, "100 %"),
        (0, 5, 1, "0.0 %"),
        (490, 2930, 1, "16.7 %"),
        (23, 2930, 1, "0.8 %"),
    ],
)
def test_what_is_not_all_is_not_told_as_all(count: int, total: int, digits: int, said: str) -> None:
    assert _share(count, total, digits) == said
