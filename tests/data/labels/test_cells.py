"""What cells, columns and arrays hold of several labels."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import MultiLabelBinarizer

from dltrain.config.types import DataConfig, LabelsConfig, SplitConfig
from dltrain.data import load_dataset
from dltrain.data.columns.reading import Reading
from dltrain.data.dataset import TargetSpec
from dltrain.data.labels.cells import (
    encode_array,
    encode_cells,
    encode_columns,
    find_separator,
    joined,
    labels_of,
    read_cells,
)
from dltrain.data.labels.learn import read_labels
from dltrain.data.raw import RawTable
from dltrain.errors import DataError, Note
from tests.support import examples

READING = Reading()


def nowhere(row: int) -> tuple[str | None, int | None]:
    return "tags.csv", row + 2


def spec_of(*labels: str, **more: object) -> TargetSpec:
    return TargetSpec("tags", "multilabel", labels, separator="|", **more)  # type: ignore[arg-type]


def test_a_cell_is_taken_apart_trimmed_and_counted_once() -> None:
    cells = read_cells(polars.Series("tags", ["b| a ", "a|a||", None, "  ", "c"]), "|", "none", READING)
    assert labels_of(cells, "tags", 1) == ("a", "b", "c")
    np.testing.assert_array_equal(cells.matrix(("a", "b", "c")), [[1, 1, 0], [1, 0, 0], [0, 0, 0], [0, 0, 0], [0, 0, 1]])
    assert cells.num_empty == 2
    assert not cells.is_missing.any()


def test_an_empty_cell_has_no_label_and_a_word_for_no_value_is_missing() -> None:
    series = polars.Series("tags", ["a", "", "NA"])
    with pytest.raises(DataError) as error:
        encode_cells(series, spec_of("a"), READING, nowhere, drop=False)
    [fault] = error.value.faults
    assert (fault.file, fault.line) == ("tags.csv", 4)
    assert "empty cell" in str(fault.hint)
    np.testing.assert_array_equal(encode_cells(series, spec_of("a"), READING, nowhere, drop=True), [[1], [0], [-1]])
    none = Reading(replace={"tags": {"NA": ""}})
    np.testing.assert_array_equal(encode_cells(series, spec_of("a"), none, nowhere, drop=False), [[1], [0], [0]])
    emptied = encode_cells(series, spec_of("a", empty="missing"), READING, nowhere, drop=True)
    np.testing.assert_array_equal(emptied, [[1], [-1], [-1]])


def test_single_labels_are_replaced_and_unknown_ones_are_said() -> None:
    notes: list[Note] = []
    reading = Reading(replace={"tags": {"sci-fi": "scifi", "junk": ""}})
    series = polars.Series("tags", ["sci-fi|junk", "scifi|new", "new|newer"])
    found = encode_cells(series, spec_of("scifi"), reading, nowhere, drop=False, notes=notes)
    np.testing.assert_array_equal(found, [[1], [1], [0]])
    [note] = notes
    assert "new (2 rows)" in note.text
    assert "newer (1 row)" in note.text


@given(st.lists(st.sets(st.sampled_from(["a", "b c", "d", "é", "10"])), min_size=1, max_size=30))
def test_what_is_joined_is_read_again_as_scikit_learn_binarizes_it(rows: list[set[str]]) -> None:
    labels = ("10", "a", "b c", "d", "é")
    expected = MultiLabelBinarizer(classes=list(labels)).fit_transform(rows)
    spec = spec_of(*labels)
    written = joined(expected, spec)
    found = encode_cells(polars.Series("tags", written), spec, READING, nowhere, drop=False)
    np.testing.assert_array_equal(found, expected)


@settings(max_examples=examples(13, 40))
@given(
    st.lists(
        st.lists(st.sampled_from(["a", "b c", "d, e", "it's", 'a "q"', "é", "😀", "10"]), unique=True), min_size=1, max_size=20
    )
)
def test_lists_that_were_written_as_text_are_read_as_lists(rows: list[list[str]]) -> None:
    expected = MultiLabelBinarizer(classes=sorted({label for row in rows for label in row})).fit_transform(rows)
    for write in (str, json.dumps, lambda row: json.dumps(row, ensure_ascii=False), lambda row: str(np.array(row, object))):
        series = polars.Series("tags", [write(row) for row in rows])
        cells = read_cells(series, "|", "missing", READING)
        assert not cells.is_missing.any()
        found = cells.matrix(sorted({label for row in rows for label in row}))
        np.testing.assert_array_equal(found, expected.reshape(found.shape))


def test_only_a_column_of_written_lists_is_one() -> None:
    series = polars.Series("tags", ["NA", "{a,b}", "{}", None, " {c} "])
    cells = read_cells(series, ",", "missing", READING)
    assert labels_of(cells, "tags", 1) == ("a", "b", "c")
    np.testing.assert_array_equal(cells.is_missing, [True, False, False, True, False])
    config = DataConfig("csv", target="tags", task="multilabel")
    spec, codes = read_labels(config, RawTable(series.to_frame()), ["tags"], READING, nowhere, drop=True)
    assert (spec.classes, spec.separator) == (("a", "b", "c"), "|")
    np.testing.assert_array_equal(codes, encode_cells(series, spec, READING, nowhere, drop=True))
    others = read_cells(polars.Series("tags", ["[a]|[b]", "[c]", "[a]"]), "|", "none", READING)
    assert labels_of(others, "tags", 1) == ("[a]", "[b]", "[c]")


def test_the_separator_is_found_out_or_asked_for() -> None:
    assert find_separator(polars.Series("tags", ["a", "b; c", None]), READING) == ";"
    with pytest.raises(DataError, match="could be separated by") as error:
        find_separator(polars.Series("tags", ["a|b", "b, c|d"]), READING)
    assert error.value.faults[0].path == "data.labels"
    with pytest.raises(DataError, match="no cell of tags holds several labels"):
        find_separator(polars.Series("tags", ["a", "b"]), READING)


def test_a_separator_that_no_cell_has_is_said_beside_the_one_that_stands_there(tmp_path: Path) -> None:
    cells = ["red; black", "black", "red", "black; green", "green; red", "", "Paris, France"] * 6
    polars.DataFrame({"x": range(42), "tags": cells}).write_csv(tmp_path / "t.csv")
    for separator, is_said in (("|", True), (";", False)):
        labels = LabelsConfig(separator=separator)
        config = DataConfig("csv", path=(str(tmp_path / "t.csv"),), target=("tags",), labels=labels, split=SplitConfig(test=0.3))
        config = replace(config, task="multilabel")
        said = 'no row has several labels of tags, and ";" stands within them'
        assert any(said in note for note in load_dataset(config, seed=0).warnings) == is_said


def test_numbers_of_labels_are_bounded() -> None:
    many = read_cells(polars.Series("tags", [f"l{index}|common" for index in range(1_200)]), "|", "none", READING)
    with pytest.raises(DataError, match="1,201 different labels") as error:
        labels_of(many, "tags", 1)
    assert "min_count" in str(error.value.faults[0].hint)
    assert labels_of(many, "tags", 2) == ("common",)


def test_columns_of_zeros_and_ones_of_several_kinds() -> None:
    columns = [polars.Series("n", [0, 1, 1]), polars.Series("b", [True, False, None]), polars.Series("t", ["no", "Yes", "1"])]
    spec = spec_of("n", "b", "t", columns=("n", "b", "t"), empty="missing")
    np.testing.assert_array_equal(
        encode_columns(columns, spec, READING, nowhere, drop=True), [[0, 1, 0], [1, 0, 1], [-1, -1, -1]]
    )
    with pytest.raises(DataError, match="no value for b") as error:
        encode_columns(columns, spec, READING, nowhere, drop=False)
    assert (error.value.faults[0].line, "empty: none" in str(error.value.faults[0].hint)) == (4, True)
    none = spec_of("n", "b", "t", columns=("n", "b", "t"), empty="none")
    np.testing.assert_array_equal(encode_columns(columns, none, READING, nowhere, drop=False)[2], [1, 0, 1])
    with pytest.raises(DataError, match="the column n is one label of several, and holds 2"):
        encode_columns([polars.Series("n", [0, 2])], spec_of("n", columns=("n",)), READING, nowhere, drop=False)


def test_arrays_of_zeros_and_ones() -> None:
    np.testing.assert_array_equal(encode_array(np.array([[1.0, 0.0], [np.nan, 1.0]]), "y"), [[1, 0], [-1, -1]])
    with pytest.raises(DataError, match=r"row 1: the array y holds 3 in column 1"):
        encode_array(np.array([[1, 3]]), "y")


def test_lists_of_parquet_are_read_as_they_are() -> None:
    series = polars.Series("tags", [["b ", "a", "a"], [], None, ["c|d"]])
    cells = read_cells(series, "", "missing", READING)
    assert labels_of(cells, "tags", 1) == ("a", "b", "c|d")
    np.testing.assert_array_equal(cells.matrix(("a", "b", "c|d")), [[1, 1, 0], [0, 0, 0], [-1, -1, -1], [0, 0, 1]])
    assert cells.num_empty == 1
    assert not read_cells(series, "", "none", READING).is_missing.any()
    numbers = read_cells(polars.Series("tags", [[3, 1], [1]]), "", "missing", READING)
    assert labels_of(numbers, "tags", 1) == ("1", "3")
