"""Cells are compared by value, labels stay what they are, and rows without a target can be left out."""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars
import pytest

from dltrain.config.types import DataConfig, SplitConfig
from dltrain.data import Dataset, load_dataset, read_part
from dltrain.data.arrays.disk_array import in_memory
from dltrain.data.columns.reading import Reading, mend
from dltrain.errors import DataError, Fault
from dltrain.reporting import Reporter
from dltrain.starting.start import make_starter
from tests.data.streaming import IN_MEMORY, STREAMED, assert_same, load_as

NUM_ROWS = 24
WORDS = ["a", "b", "c"] * (NUM_ROWS // 3)
X = [float(row) for row in range(NUM_ROWS)]


class Heard(Reporter):
    """Keeps what it is warned of."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warning(self, warning: str | Fault) -> None:
        self.warnings.append(str(warning))


def write(path: Path, **columns: Any) -> Path:
    frame = polars.DataFrame(columns)
    frame.write_parquet(path) if path.suffix == ".parquet" else frame.write_csv(path)
    return path


def load(path: Path, **options: Any) -> Dataset:
    source = "parquet" if path.suffix == ".parquet" else "csv"
    return load_dataset(DataConfig(source, path=(str(path),), target=("y",), **options), seed=3)


def classes(dataset: Dataset) -> tuple[str, ...]:
    return dataset.schema.targets[0].classes


def values_of(dataset: Dataset, name: str) -> Any:
    """The training part's target in its own units."""
    spec = dataset.schema.targets[0]
    return np.asarray(in_memory(dataset.parts["train"].targets[name])) * spec.scale + spec.mean


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize("word", ["-200", "-200.0", "-2e2"])
def test_a6_a_missing_word_is_a_value_on_numbers(tmp_path: Path, suffix: str, word: str) -> None:
    path = write(tmp_path / f"t.{suffix}", x=[-200.0, *X[1:]], k=[*range(NUM_ROWS - 1), -200], y=[v * 2.5 for v in X])
    dataset = load(path, missing=(word,), scale="none", impute=7.0)
    features = dataset.parts["train"].inputs["features"]
    columns = dataset.schema.inputs[0].columns
    assert features[0, columns.index("x")] == 7.0
    assert features[-1, columns.index("k")] == 7.0
    assert features[1, columns.index("x")] == 1.0
    assert not dataset.warnings


def test_a6_both_ways_of_writing_are_no_target(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("x;y\n" + "".join(f"{row},5;{['-200', '-200,0', f'{row},25'][row % 3]}\n" for row in range(NUM_ROWS)))
    dataset = load(path, missing=("-200",), decimal=",", missing_target="drop")
    np.testing.assert_allclose(values_of(dataset, "y"), [row + 0.25 for row in range(2, NUM_ROWS, 3)], rtol=1e-6)


def test_a6_a_code_is_no_value(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", x=X, zip=["00", "0", "10"] * 8, y=WORDS)
    dataset = load(path, missing=("0",), features={"zip": "category"})
    assert dataset.schema.inputs[0].columns == ("zip=00", "zip=10", "zip=(missing)")


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a6_replace_is_by_value(tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path / f"t.{suffix}", x=[99.0, 0.5, *X[2:]], y=WORDS)
    features = load(path, replace={"x": {"99": "3.5"}}, scale="none").parts["train"].inputs["features"]
    np.testing.assert_array_equal(features[:, 0], [3.5, 0.5, *X[2:]])


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize("bound", [IN_MEMORY, STREAMED])
def test_a6_a_word_that_is_never_met_warns(tmp_path: Path, suffix: str, bound: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLTRAIN_STREAM_BYTES", bound)
    path = write(tmp_path / f"t.{suffix}", x=X, y=WORDS)
    dataset = load(path, missing=("3.0", "-999"), replace={"y": {"a": "A", "d": "D"}})
    assert dataset.warnings == (
        "data.missing: no value of the table is '-999'",
        "data.replace: no value of y is 'd'",
    )


@pytest.mark.parametrize(("trained", "asked"), [([1.0, 2.0], [1, 2]), (["1.0", "2.0"], ["1", "2.00"]), ([1, 2], ["1.0", "2.0"])])
def test_a7_a_category_that_is_a_number_is_met_by_value(tmp_path: Path, trained: list[Any], asked: list[Any]) -> None:
    path = write(tmp_path / "t.parquet", k=trained * 12, y=WORDS)
    fitted = load(path, features={"k": "category"})
    heard = Heard()
    part = read_part(fitted.preprocessing, [str(write(tmp_path / "n.parquet", k=asked))], with_targets=False, reporter=heard)
    np.testing.assert_array_equal(part.inputs["features"], [[1, 0], [0, 1]])
    assert not heard.warnings


@pytest.mark.parametrize(
    ("trained", "asked"),
    [("1,5;2,5", "1,50;2.5"), ("1.5;2.5", "1,5;2.500"), ("1;2", "1,0;2,00"), ("1,0;2,0", "1;2.00"), ("0.5;-3", "+.50;-3,0000")],
)
def test_a7_a_category_that_is_a_number_with_a_decimal_comma(tmp_path: Path, trained: str, asked: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text("k;y\n" + "".join(f"{trained.split(';')[row % 2]};{'ab'[row % 3 == 0]}\n" for row in range(24)))
    fitted = load(path, features={"k": "category"})
    (tmp_path / "n.csv").write_text("k;z\n" + "".join(f"{word};x\n" for word in asked.split(";")))
    part = read_part(fitted.preprocessing, [str(tmp_path / "n.csv")], with_targets=False)
    columns = fitted.schema.inputs[0].columns
    words = ["k=" + word for word in trained.split(";")]
    expected = [[1.0 if column == word else 0.0 for column in columns] for word in words]
    if set(columns) == set(words):
        np.testing.assert_array_equal(part.inputs["features"], expected)
    else:
        np.testing.assert_array_equal(part.inputs["features"].sum(axis=1), [1, 1])


def test_a7_a_comma_before_three_digits_separates_thousands(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("k;y\n" + "".join(f"{'12'[row % 2]};{'ab'[row % 3 == 0]}\n" for row in range(24)))
    fitted = load(path, features={"k": "category"})
    (tmp_path / "n.csv").write_text("k;z\n1,000;x\n2,0;x\n")
    heard = Heard()
    part = read_part(fitted.preprocessing, [str(tmp_path / "n.csv")], with_targets=False, reporter=heard)
    np.testing.assert_array_equal(part.inputs["features"], [[0, 0], [0, 1]])
    assert "k 1 (1,000)" in str(heard.warnings)


def test_a7_whole_numbers_of_two_files_are_one_category_and_versions_are_not(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(
        "k,v,y\n" + "".join(f"{['1', '1.0', '2'][r % 3]},{['1.1', '1.10'][r % 2]},{'ab'[r % 2]}\n" for r in range(24))
    )
    dataset = load(path, features={"k": "category", "v": "category"})
    assert dataset.schema.inputs[0].columns == ("k=1", "k=2", "v=1.1", "v=1.10")
    heard = Heard()
    asked = write(tmp_path / "n.csv", k=["1", "01"], v=["1.100", "1.10"])
    part = read_part(dataset.preprocessing, [str(asked)], with_targets=False, reporter=heard)
    np.testing.assert_array_equal(part.inputs["features"], [[1, 0, 0, 0], [0, 0, 0, 1]])
    assert len(heard.warnings) == 1
    assert "k 1 (01), v 1 (1.100)" in heard.warnings[0]


@pytest.mark.parametrize("bound", [IN_MEMORY, STREAMED])
@pytest.mark.parametrize("task", [None, "classification"])
def test_a8_codes_are_labels_as_they_are_written(
    tmp_path: Path, bound: str, task: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DLTRAIN_STREAM_BYTES", bound)
    labels = ["01", "02", "10", "1"] * 6
    dataset = load(write(tmp_path / "t.csv", x=X, y=labels), task=task)
    assert classes(dataset) == ("01", "1", "02", "10")
    assert [classes(dataset)[code] for code in in_memory(dataset.parts["train"].targets["y"])] == labels


def test_a8_init_takes_codes_for_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(
        Path("t.csv"),
        a=[v % 5 + 0.25 for v in X],
        b=[v % 7 + 0.5 for v in X],
        zip=["02134", "10001"] * 12,
        y=["01", "02", "12"] * 8,
    )
    text = make_starter("t.csv", target="y").text
    assert "task: classification" in text
    assert "zip: category" in text
    assert "digits with leading zeros, taken for codes: zip" in text


def test_a8_codes_among_the_features_are_said(tmp_path: Path) -> None:
    dataset = load(write(tmp_path / "t.csv", zip=["02134", "10001"] * 12, y=WORDS))
    assert dataset.schema.inputs[0].columns == ("zip=02134", "zip=10001")
    assert any("leading zeros, taken for codes: zip;" in line for line in dataset.summary)


def test_numbers_with_some_words_are_said(tmp_path: Path) -> None:
    dataset = load(write(tmp_path / "t.csv", zip=["12134", "10001", "K1A"] * 8, y=WORDS))
    assert any("zip: 16 of 24 values are numbers; because of 'K1A'" in warning for warning in dataset.warnings)


@pytest.mark.parametrize("values", [[2.5, None, float("nan")], ["u", None, ""], [1, None, None]])
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a14_rows_without_a_target_are_left_out(
    tmp_path: Path, values: list[Any], suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    targets = [value if index % 2 else None for index, value in enumerate(values * 8)]
    targets[:4] = [values[0], values[0], "v" if isinstance(values[0], str) else 7, "v" if isinstance(values[0], str) else 7]
    path = write(tmp_path / f"t.{suffix}", x=X, y=polars.Series(targets, strict=False))
    with pytest.raises(DataError) as caught:
        load(path)
    assert "data.missing_target: drop" in str(caught.value.faults[0].hint)
    config = DataConfig(suffix, path=(str(path),), target=("y",), missing_target="drop", split=SplitConfig(test=0.25))
    resident, streamed = load_as(monkeypatch, IN_MEMORY, config), load_as(monkeypatch, STREAMED, config)
    assert_same(resident, streamed)
    has_value = [row for row, value in enumerate(targets) if value not in (None, "") and value == value]
    rows = sorted(int(row) for part in resident.parts.values() for row in part.row_ids)
    assert rows == has_value
    left = NUM_ROWS - len(has_value)
    assert f"rows left out: {left} of {NUM_ROWS} have no value for y (data.missing_target: drop)" in resident.summary
    heard = Heard()
    part = read_part(resident.preprocessing, [str(path)], with_targets=True, reporter=heard)
    assert part.row_ids.tolist() == has_value
    assert any(f"{left} of {NUM_ROWS}" in warning for warning in heard.warnings)
    assert read_part(resident.preprocessing, [str(path)], with_targets=False).num_rows == NUM_ROWS


def test_a14_init_writes_drop_with_the_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(Path("t.csv"), a=X, b=[v % 7 + 0.5 for v in X], y=[None if row % 6 == 0 else "uv"[row % 2] for row in range(NUM_ROWS)])
    assert "missing_target: drop            # 4 of 24 rows have no value for y" in make_starter("t.csv", target="y").text


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize("bound", [IN_MEMORY, STREAMED])
def test_f10_large_whole_numbers_are_told_apart(tmp_path: Path, suffix: str, bound: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLTRAIN_STREAM_BYTES", bound)
    labels = [9007199254740993, 9007199254740992, 5] * 8
    dataset = load(write(tmp_path / f"t.{suffix}", x=X, y=labels), task="classification")
    assert classes(dataset) == ("5", "9007199254740992", "9007199254740993")
    assert [int(classes(dataset)[code]) for code in in_memory(dataset.parts["train"].targets["y"])] == labels
    with pytest.raises(DataError, match="beyond 2\\^53"):
        load(tmp_path / f"t.{suffix}")


def test_f10_one_number_in_several_ways_is_one_label_and_said(tmp_path: Path) -> None:
    dataset = load(write(tmp_path / "t.csv", x=X, y=["5", "5.0", "7"] * 8))
    assert classes(dataset) == ("5", "7")
    assert any("one label: 5, 5.0, 7" in line for line in dataset.summary)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_f10_an_infinite_target_is_refused_with_its_row(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(DataError) as caught:
        load(write(tmp_path / f"t.{suffix}", x=X, y=[*X[:4], float("inf"), *X[5:]]))
    fault = caught.value.faults[0]
    assert "not a finite number" in fault.message
    assert fault.line == 6 if suffix == "csv" else "row 5" in fault.message
    assert fault.file


def columns_of_every_type() -> dict[str, polars.Series]:
    day = datetime.datetime(2020, 1, 1)
    codes = [0, 1, 2] * 8
    return {
        "Categorical": polars.Series(WORDS, dtype=polars.Categorical),
        "Enum": polars.Series(WORDS, dtype=polars.Enum(["c", "b", "a"])),
        "List": polars.Series([[code] for code in codes]),
        "Array": polars.Series([[code, 1] for code in codes], dtype=polars.Array(polars.Int64, 2)),
        "Struct": polars.Series([{"a": code} for code in codes]),
        "Binary": polars.Series([word.encode() for word in WORDS]),
        "Duration": polars.Series([datetime.timedelta(seconds=code) for code in codes]),
        "Time": polars.Series([datetime.time(code) for code in codes]),
        "Date": polars.Series([(day + datetime.timedelta(days=code)).date() for code in codes]),
        "Decimal": polars.Series([decimal.Decimal(f"{code}.50") for code in codes]),
        "UInt64": polars.Series([2**63 + code for code in codes], dtype=polars.UInt64),
        "Int128": polars.Series(codes, dtype=polars.Int128),
        "Boolean": polars.Series([code > 0 for code in codes]),
        "Null": polars.Series([None] * NUM_ROWS),
        "Float32": polars.Series(codes, dtype=polars.Float32),
    }


ROLES: dict[str, Callable[[str], dict[str, Any]]] = {
    "target": lambda name: {"target": (name,), "features": {"x": None}},
    "classes": lambda name: {"target": (name,), "features": {"x": None}, "task": "classification"},
    "number": lambda name: {"target": (name,), "features": {"x": None}, "task": "regression"},
    **{kind: lambda name, kind=kind: {"features": {name: kind}} for kind in ("category", "boolean", "date", "text")},  # type: ignore[misc]
    "feature": lambda name: {"features": {"x": None, name: "number"}},
    "any": lambda name: {},
    "split": lambda name: {"split": SplitConfig(column=name)},
    "group": lambda name: {"split": SplitConfig(group=name, test=0.3)},
    "time": lambda name: {"split": SplitConfig(time=name, test=0.3)},
    "weight": lambda name: {"weight": name},
    "identifier": lambda name: {"identifiers": (name,)},
    "words": lambda name: {"missing": ("1", "a"), "features": {"x": None, name: None}},
}


@pytest.mark.parametrize("bound", [IN_MEMORY, pytest.param(STREAMED, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", columns_of_every_type())
def test_b3_a_type_is_read_or_refused(tmp_path: Path, name: str, bound: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLTRAIN_STREAM_BYTES", bound)
    path = write(tmp_path / "t.parquet", x=X, c=columns_of_every_type()[name], y=["p", "q"] * 12)
    for options in ROLES.values():
        config = DataConfig("parquet", path=(str(path),), **{"target": ("y",), **options("c")})
        try:
            load_dataset(config, seed=0)
        except DataError as error:
            message = error.faults[0].message
            assert "column c" in message or "target c" in message or message == "no column is left to learn from"


@pytest.mark.parametrize("name", ["Categorical", "Enum"])
def test_b3_categories_of_a_file_are_classes(tmp_path: Path, name: str) -> None:
    dataset = load(write(tmp_path / "t.parquet", x=X, y=columns_of_every_type()[name]))
    assert classes(dataset) == ("a", "b", "c")
    numbers = load(
        write(tmp_path / "n.parquet", x=X, y=polars.Series([str(row % 3) for row in range(24)], dtype=polars.Categorical))
    )
    assert classes(numbers) == ("0", "1", "2")


def test_b3_a_list_is_refused_with_file_and_column(tmp_path: Path) -> None:
    path = write(tmp_path / "t.parquet", x=X, y=columns_of_every_type()["List"])
    with pytest.raises(DataError, match=r"the column y, which data\.target names, holds values of type List") as caught:
        load(path)
    assert caught.value.faults[0].file


@pytest.mark.parametrize("bound", [IN_MEMORY, STREAMED])
@pytest.mark.parametrize(
    "name", ["*", "^.*$", "^x$", "^(.)$", "^[$", "^y$", "from", "self", "output", "input", "a.b", "a\nb", 'a"b', "features"]
)
def test_f11_any_name_is_read(tmp_path: Path, name: str, bound: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLTRAIN_STREAM_BYTES", bound)
    for path in (tmp_path / "t.csv", tmp_path / "t.parquet"):
        write(path, **{"x": [v % 5 for v in X], name: [v % 7 for v in X], "y": WORDS})
        dataset = load(path, scale="none")
        assert dataset.schema.inputs[0].columns == ("x", name)
        np.testing.assert_array_equal(in_memory(dataset.parts["train"].inputs["features"])[:, 1], [v % 7 for v in X])


@pytest.mark.parametrize("word", ["1900-01-01", "1900-01-01 00:00:00", "1900-01-01T00:00:00"])
@pytest.mark.parametrize("dtype", [polars.Date, polars.Datetime("us"), polars.Datetime("ns"), polars.Datetime("ms")])
def test_a6_a_missing_word_is_a_day_on_dates(word: str, dtype: polars.DataType) -> None:
    days = polars.Series(
        "day", [datetime.datetime(1900, 1, 1), datetime.datetime(2020, 5, 6), None, datetime.datetime(1900, 1, 2)]
    ).cast(dtype)
    assert mend(days, Reading(missing=(word,))).is_null().to_list() == [True, False, True, False]
