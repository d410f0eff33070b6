"""The graph of a table's preprocessing against the preprocessing itself, on columns of every kind and scale."""

from dataclasses import replace

import numpy as np
import polars
import pytest

from dltrain.config.types import TextConfig
from dltrain.data.columns.column import KIND_OF, FeatureColumn, fit_feature
from dltrain.data.columns.kind import Learning
from dltrain.data.columns.reading import Reading
from dltrain.data.dataset import TargetSpec
from dltrain.data.raw import RawTable
from dltrain.data.tables.preprocessing import TablePreprocessing
from dltrain.errors import UsageError
from dltrain.model.export.column_graphs import GRAPHS
from dltrain.model.export.raw_model import describe_inputs
from dltrain.model.export.table_graph import add_columns
from dltrain.model.keras_import import import_keras

ROWS = 300
NO_DATE = np.iinfo(np.int64).min


def raw_columns(seed=0, rows=ROWS):
    """Kind and raw values of columns: typed as an export takes them."""
    generator = np.random.default_rng(seed)
    gaps = generator.random(rows) < 0.1
    seconds = generator.integers(-(10**9), 2 * 10**9, rows)
    return {
        "far/from zero": ("number", (1e6 + generator.normal(0, 0.5, rows)).astype(np.float32)),
        "counts": ("number", np.where(gaps, np.nan, generator.integers(0, 5, rows)).astype(np.float32)),
        "constant": ("number", np.full(rows, 7, np.float32)),
        "flag": ("boolean", np.where(gaps, np.nan, generator.integers(0, 2, rows)).astype(np.float32)),
        "day": ("date", np.where(gaps, NO_DATE, seconds // 86_400 * 86_400)),
        "moment": ("date", seconds),
        "city": ("category", generator.choice(np.array(["Ulm", "[UNK]", 'a "b"\n', "", "?", "Köln", "koeln"], object), rows)),
        "many": ("category", generator.choice(np.array([f"w{number}" for number in range(40)], object), rows)),
    }


def series_of(name, kind, values):
    if kind == "date":
        return polars.Series(name, values.astype("datetime64[s]").astype("datetime64[us]"))
    if kind == "category":
        return polars.Series(name, values.tolist(), dtype=polars.String)
    return polars.Series(name, values.astype(np.float64), nan_to_null=True)


def fitted(scale, impute="median", source="csv"):
    """A preprocessing that has learned from the first half of the rows."""
    reading = Reading(replace={"city": {"koeln": "Köln"}, "counts": {"4": "3", "2": ""}})
    columns = []
    for name, (kind, values) in raw_columns().items():
        column = FeatureColumn(name, kind)
        series = series_of(name, kind, values)
        if kind == "category":
            series = series.replace({"koeln": "Köln"} if name == "city" else {})
            series = series.set(series.is_in(["", "?"]), None)
        learned = values.astype(np.float64) if kind in ("number", "boolean") else series
        encode = "embedding" if name == "many" else None
        columns.append(fit_feature(column, learned, np.arange(ROWS // 2), Learning(scale, impute, encode)))
    return TablePreprocessing(source, tuple(columns), (TargetSpec("y", "regression"),), reading)


def compare(preprocessing, raw):
    inputs = describe_inputs(preprocessing, list)
    tensors = {}
    for item in inputs:
        places = {word: place for place, word in enumerate(item.words, start=1)}
        values = raw[item.column][1]
        tensors[item.column] = np.array([places.get(word, 0) for word in values], np.int32) if item.words else values
    made = add_columns(import_keras(), preprocessing, inputs, tensors)
    frame = polars.DataFrame([series_of(name, *column) for name, column in raw.items()])
    expected = preprocessing.transform(RawTable(frame), with_targets=False).inputs
    assert set(made) == set(expected)
    for name, values in expected.items():
        largest = np.maximum(np.abs(values).max(axis=0, initial=0.0), 1.0)  # of each number of the model
        difference = np.abs(np.asarray(made[name], np.float64) - values) / largest
        assert np.asarray(made[name]).shape == values.shape
        assert difference.max(initial=0.0) < 2e-6, name


@pytest.mark.parametrize("scale", ["standard", "minmax", "robust", "smooth_clip", "quantile", "none"])
def test_the_graph_makes_what_the_preprocessing_makes(scale):
    compare(fitted(scale), raw_columns(seed=1))


@pytest.mark.parametrize("impute", ["mean", "most_frequent", -3.5])
def test_gaps_are_filled_as_in_training(impute):
    compare(fitted("standard", impute), raw_columns(seed=2))


def test_a_single_row_and_words_that_nobody_has_seen():
    raw = {name: (kind, values[:1]) for name, (kind, values) in raw_columns(seed=3).items()}
    raw["city"], raw["many"] = ("category", np.array(["Ulm?"], object)), ("category", np.array(["w99"], object))
    compare(fitted("standard"), raw)


def test_numbers_that_mean_no_value_are_such_where_text_was_read():
    preprocessing = fitted("standard")
    preprocessing = replace(preprocessing, reading=Reading(missing=("-999",)))
    inputs = describe_inputs(preprocessing, list)
    tensors = {name: values for name, (kind, values) in raw_columns().items() if kind != "category"}
    tensors |= {name: np.zeros(ROWS, np.int32) for name in ("city", "many")}
    tensors["counts"] = np.full(ROWS, -999, np.float32)
    made = np.asarray(add_columns(import_keras(), preprocessing, inputs, tensors)["features"])
    names = [name for column in preprocessing.features for name in column.columns]
    assert (made[:, names.index("counts missing")] == 1).all()


@pytest.mark.parametrize("encode", ["one_hot", "embedding"])
@pytest.mark.parametrize(
    "trained", [["1", "2", "30"], ["1.5", "2.5", "-3.0"], ["1,5", "2,5", "0,25"], ["1.1", "1.10", "2"], ["01", "1", "x"]]
)
def test_a7_categories_that_are_numbers_are_met_by_value(trained, encode):
    """However a number is written, its place in the graph is the code that the preprocessing gives it."""
    values = polars.Series("k", [trained[row % len(trained)] for row in range(40)])
    column = fit_feature(FeatureColumn("k", "category"), values, np.arange(40), Learning(impute="median", encode=encode))
    targets = (TargetSpec("y", "regression"),)
    preprocessing = TablePreprocessing("csv", (column,), targets, Reading(missing=("-99",), replace={"k": {"7": trained[0]}}))
    asked = [
        "1",
        "1.0",
        "1,0",
        "1.00",
        "1.5",
        "1.50",
        "1,5",
        "1,500",
        "1.500000",
        "2",
        "2.0",
        "2,5",
        "2.50",
        "-3",
        "-3.00",
        "-3,0",
    ]
    asked += [
        "0.25",
        "0,2500",
        "30.0",
        "1.1",
        "1.10",
        "1.100",
        "01",
        "01.0",
        "x",
        "",
        "-99",
        "-99.0",
        "7",
        "7.0",
        "31",
        "1.01",
        "1,01",
    ]
    compare(preprocessing, {"k": ("category", np.array(asked, object))})


def test_every_column_that_cannot_be_said_is_named():
    preprocessing = fitted("standard")
    how = Learning(text=TextConfig(standardize="lower_all_and_strip_punctuation"))
    words = polars.Series("words", ["Ärger", "froh"])
    strange = tuple(fit_feature(FeatureColumn(name, "text"), words, np.arange(2), how) for name in ("a", "b"))
    with pytest.raises(UsageError) as error:
        describe_inputs(replace(preprocessing, features=(*preprocessing.features, *strange)), list)
    assert [fault.message.partition(" of ")[2].partition(" ")[0] for fault in error.value.faults] == ["a", "b"]
    assert {fault.path for fault in error.value.faults} == {"data.text.standardize"}


def test_every_kind_of_column_has_a_graph():
    assert GRAPHS.keys() == KIND_OF.keys()


def test_b1_numbers_that_float32_does_not_tell_apart_are_refused():
    values = 6371000.25 + np.random.default_rng(0).normal(0, 0.01, 50)
    column = fit_feature(FeatureColumn("k", "number"), values, np.arange(50), Learning("standard", "median", keeps_rounding=True))
    preprocessing = TablePreprocessing("csv", (column,), (TargetSpec("y", "regression"),), Reading())
    with pytest.raises(UsageError, match="do not tell the values of the column k apart"):
        describe_inputs(preprocessing, list)
    clipped = fit_feature(FeatureColumn("k", "number"), values, np.arange(50), Learning("quantile", "median"))
    assert len(describe_inputs(replace(preprocessing, features=(clipped,)), list)) == 1
