"""What stands before a table, row names of R, counts of rows, text in Parquet: what `init` makes of them, and says."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import polars
import pytest

from dltrain.cli.app import run as command
from dltrain.config import load_config_text
from dltrain.config.types import DataConfig
from dltrain.data import load_dataset

X = np.random.default_rng(8).normal(size=120).round(3)
CLASSES = ["abc"[row // 40] for row in range(120)]


def begun(folder: Path, name: str, target: str, *more: str) -> DataConfig:
    assert command(["init", str(folder / name), f"--target={target}", "-o", str(folder / "c.yaml"), *more]) == 0
    config = load_config_text((folder / "c.yaml").read_text(), folder=folder).data
    assert load_dataset(config, seed=0).parts
    return config


@pytest.mark.parametrize(
    ("before", "header", "separator", "trailing", "skip"),
    [
        ("|1x3 Cross validator\n", "", ", ", "", 1),
        ('"Data Source","Indicators",\n\n"Last Updated Date","2020-10-15",\n\n', '"a","b","y",\n', ",", ",", 4),
        ("Report of the week\nmade by Excel; 2020\n", "a;b;y\n", ";", "", 2),
    ],
)
def test_lines_before_a_table(before: str, header: str, separator: str, trailing: str, skip: int, tmp_path: Path) -> None:
    rows = [separator.join([str(x), str(row % 3), "1", label]) + trailing for row, (x, label) in enumerate(zip(X, CLASSES))]
    names = header.replace('"b"', '"b","c"').replace("b;", "b;c;")
    (tmp_path / "t.csv").write_text(before + names + "\n".join(rows) + "\n")
    config = begun(tmp_path, "t.csv", "y" if header else "-1")
    assert config.skip == skip
    assert config.features == ({"a": "number", "b": "number"} if header else {"column_1": "number", "column_2": "number"})


@pytest.mark.parametrize("row", ["1,2,3,9", "1,2"])
def test_a_row_of_another_length_is_no_end_of_a_preamble(row: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [f"{x},{label},1" for x, label in zip(X[:40], CLASSES)]
    (tmp_path / "t.csv").write_text("a,y,b\n" + "\n".join([*rows[:20], row, *rows[20:]]) + "\n")
    assert command(["init", str(tmp_path / "t.csv"), "--target=y"]) == 3
    assert "t.csv:22: error: the row has" in capsys.readouterr().err


def test_a_table_of_r_with_row_names_and_blanks(tmp_path: Path) -> None:
    rows = [f'"Mazda RX{row}" {x} {row % 3} "{label}"' for row, (x, label) in enumerate(zip(X, CLASSES))]
    (tmp_path / "t.txt").write_text('"mpg" "cyl" "y"\n' + "\n".join(rows) + "\n")
    config = begun(tmp_path, "t.txt", "y")
    assert config.separator == "whitespace"
    assert config.features == {"mpg": "number", "cyl": "number"}


@pytest.mark.parametrize("name", ["", "Number", "what", "row", "day"])
def test_a_count_of_rows_that_are_sorted_by_class(name: str, tmp_path: Path) -> None:
    rows = [f"{row + 1},{x},{row % 3},{label}" for row, (x, label) in enumerate(zip(X, CLASSES))]
    (tmp_path / "t.csv").write_text((f"{name},a,b,y\n" if name else "") + "\n".join(rows) + "\n")
    config = begun(tmp_path, "t.csv", "y" if name else "-1")
    assert (("column_1", name)[bool(name)] in (config.features or ())) == (name == "day")  # which may be a time


def test_years_that_fall_are_a_header(tmp_path: Path) -> None:
    rows = [f"NR,T,Y{row % 3}\t{row} \t{row * 2} \t{row * 3} " for row in range(60)]
    (tmp_path / "t.tsv").write_text("unit,sex,geo\\time\t2012 \t2011 \t2010 \n" + "\n".join(rows) + "\n")
    assert begun(tmp_path, "t.tsv", "2012").features == {"unit,sex,geo\\time": "category", "2011": "number", "2010": "number"}


def test_numbers_in_text_of_parquet(tmp_path: Path) -> None:
    values = [row + 0.25 for row in range(80)]
    text = {
        "a": [f"{value:.2f}".replace(".", ",") for value in values],
        "b": [f"1.{row:03d},5" for row in range(80)],
        "y": [f"{value * 100:,.2f}".translate(str.maketrans(",.", ".,")) for value in values],
    }
    polars.DataFrame(text).write_parquet(tmp_path / "t.parquet")
    config = begun(tmp_path, "t.parquet", "y")
    assert (config.decimal, config.thousands, config.task) == (",", ".", "regression")
    part = load_dataset(DataConfig(**{**_options(config), "scale": "none", "scale_target": False}), seed=0).parts["train"]
    np.testing.assert_array_equal(part.inputs["features"][:, 0], np.asarray(values, np.float32)[part.row_ids])
    np.testing.assert_allclose(part.targets["y"].ravel(), 100 * np.asarray(values)[part.row_ids], rtol=1e-6)


def _options(config: DataConfig) -> dict[str, object]:
    return {field: getattr(config, field) for field in config.__slots__}


def test_infinite_numbers_of_parquet_are_no_values_and_said(tmp_path: Path) -> None:
    numbers = [math.inf if row == 9 else row / 2 for row in range(80)]
    polars.DataFrame({"a": numbers, "b": [row % 5 for row in range(80)], "y": numbers[::-1]}).write_parquet(
        tmp_path / "t.parquet"
    )
    config = begun(tmp_path, "t.parquet", "y")
    assert config.replace == {"a": {"inf": ""}, "y": {"inf": ""}}
    assert config.missing_target == "drop"
    assert not [text for text in load_dataset(config, seed=0).warnings if "no value of" in text]


@pytest.mark.parametrize(("before", "skip"), [("A report\nof 2020\n", 2), ("A report\n", 1), ("- A\n\n- B\n", 3)])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_lines_before_a_table_of_two_columns(before: str, skip: int, separator: str, tmp_path: Path) -> None:
    rows = [f'"{x}"{separator}"{x * 2:.3f}"' for x in X]
    (tmp_path / "t.csv").write_text(before + f'"a"{separator}"y"\n' + "\n".join(rows) + "\n")
    config = begun(tmp_path, "t.csv", "y")
    assert (config.skip, config.features) == (skip, {"a": "number"})


def test_one_column_with_names_of_rows_has_no_line_before_it(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("y\n" + "\n".join(f"r{row},{x}" for row, x in enumerate(X)) + "\n")
    assert command(["init", str(tmp_path / "t.csv"), "--target=y"]) == 3  # nothing to learn from, which is true


def test_a_line_that_names_the_target_is_a_header(tmp_path: Path) -> None:
    rows = [f"n{row % 5},{x},{x + 1:.3f},{label}" for row, (x, label) in enumerate(zip(X, CLASSES))]
    (tmp_path / "t.csv").write_text("name,2001,2002,y\n" + "\n".join(rows) + "\n")
    config = begun(tmp_path, "t.csv", "y")
    assert (config.header, config.features) == (True, {"name": "category", "2001": "number", "2002": "number"})


def test_a_column_that_names_the_parts_is_no_feature(tmp_path: Path) -> None:
    parts = ["Train", "train", "test", "validation"]
    rows = [f"{x},{parts[row % 4]},{'ab'[row % 2]},{label}" for row, (x, label) in enumerate(zip(X, CLASSES))]
    (tmp_path / "t.csv").write_text("x,subset,side,y\n" + "\n".join(rows) + "\n")
    config = begun(tmp_path, "t.csv", "y")
    assert config.features == {"x": "number", "side": "category"}
    text = (tmp_path / "c.yaml").read_text()
    assert "`split: {column: subset}`" in text
    # As it says.
    taken = load_config_text(re.sub(r"  split: .*", "  split: {column: subset}", text), folder=tmp_path).data
    assert {name: part.num_rows for name, part in load_dataset(taken, seed=0).parts.items()} == {
        "train": 60, "validation": 30, "test": 30
    }  # fmt: skip


@pytest.mark.parametrize(("name", "is_kept"), [("dose", True), ("temperature", True), ("row", False), ("", False)])
def test_a_column_that_rises_by_one_beside_mixed_classes(name: str, is_kept: bool, tmp_path: Path) -> None:
    rows = [f"{row + 1},{x},{'abc'[row * 7 % 11 % 3]}" for row, x in enumerate(X)]
    (tmp_path / "t.csv").write_text((f"{name},a,y\n" if name else "") + "\n".join(rows) + "\n")
    config = begun(tmp_path, "t.csv", "y" if name else "-1")
    assert ((name or "column_1") in (config.features or ())) == is_kept


def test_times_in_another_order_are_kept(tmp_path: Path) -> None:
    order = np.random.default_rng(4).permutation(120)
    rows = [f"{order[row]},{x},{x * order[row]:.3f}" for row, x in enumerate(X)]
    (tmp_path / "t.csv").write_text("time,a,y\n" + "\n".join(rows) + "\n")
    assert begun(tmp_path, "t.csv", "y").features == {"time": "number", "a": "number"}


@pytest.mark.parametrize(
    ("codes", "kind"),
    [
        (["12E5", "3E1", "77E2", "1E2"], "category"),
        (["1203", "2E50", "3311", "9876"], "category"),
        (["1e3", "2e4", "5e5", "5e6"], "number"),
        (["10e3", "100e6", "1e3", "2e3"], "number"),
        (["1.5e3", "12e5", "2e2", "3e1"], "number"),
        (["1e-05", "2e+16", "3", "44"], "number"),
    ],
)
def test_codes_with_an_e_between_digits(codes: list[str], kind: str, tmp_path: Path) -> None:
    rows = [f"{codes[row % 4]},{x},{label}" for row, (x, label) in enumerate(zip(X, CLASSES))]
    (tmp_path / "t.csv").write_text("sku,a,y\n" + "\n".join(rows) + "\n")
    assert begun(tmp_path, "t.csv", "y").features == {"sku": kind, "a": "number"}


def test_a_wide_table_names_the_columns_that_a_fit_would_read_otherwise(tmp_path: Path) -> None:
    numbers = np.random.default_rng(0).normal(size=(120, 50)).round(3)
    words = [" ".join(np.random.default_rng(row).permutation([f"w{number}" for number in range(30)])[:12]) for row in range(120)]
    head = ",".join(f"x{number}" for number in range(50))
    for name, column in (("subset", ["train", "test"] * 60), ("review", words)):
        rows = [f"{','.join(map(str, row))},{cell},{label}" for row, cell, label in zip(numbers, column, CLASSES)]
        (tmp_path / f"{name}.csv").write_text(f"{head},{name},y\n" + "\n".join(rows) + "\n")
        config = begun(tmp_path, f"{name}.csv", "y", "--force")
        if name == "subset":  # left out by name, the others being what a fit takes them for
            assert config.features is None
            assert config.drop == ("subset",)
            continue
        assert config.features is not None
        assert config.features["review"] == "text"
        assert len(config.features) == 51


def test_a_wide_table_leaves_out_what_a_fit_of_more_rows_would_take_for_a_feature(tmp_path: Path) -> None:
    numbers = np.random.default_rng(0).normal(size=(400, 45)).round(3)
    titles = [f"t{row % 220}" for row in range(400)]
    rows = [f"{','.join(map(str, row))},{title},{row.sum():.2f}" for row, title in zip(numbers, titles)]
    head = ",".join([*(f"x{number}" for number in range(45)), "title", "y"])
    for name, some in (("t.csv", rows), ("more.csv", rows[:150])):
        (tmp_path / name).write_text(f"{head}\n" + "\n".join(some) + "\n")
    config = begun(tmp_path, "t.csv", "y")
    assert config.features is None
    assert config.drop == ("title",)
    assert "title (text, 220 of 400 different)" in (tmp_path / "c.yaml").read_text()
    more = ["data.split.test=null", f"data.test={tmp_path / 'more.csv'}"]
    assert command(["check", "--data", str(tmp_path / "c.yaml"), *more]) == 0


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_lines_before_a_table_that_a_spreadsheet_has_filled_up_with_separators(separator: str, tmp_path: Path) -> None:
    before = ["Report" + separator * 3, separator * 3, "", "Made 2020" + separator * 3, separator.join(["a", "b", "c", "y"])]
    rows = [separator.join([f"{x}", str(row % 3), "", label]) for row, (x, label) in enumerate(zip(X, CLASSES))]
    (tmp_path / "t.csv").write_text("\n".join([*before, *rows]))
    config = begun(tmp_path, "t.csv", "y")
    assert config.skip == 4
    assert config.features == {"a": "number", "b": "number"}
