"""From files to parts: what is inferred, what is refused, and where the fault is said to be."""

import bz2
import gzip
import lzma
import os
import pickle
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars
import pytest

from dltrain.config.types import DataConfig, Place, SplitConfig
from dltrain.data import Dataset, load_dataset, read_part
from dltrain.errors import ConfigError, DataError, DltrainError, Fault, UsageError, as_warning
from dltrain.reporting import Reporter
from tests.support import REPOSITORY

HEADER = "age,color,y\n"
ROWS = [f"{i % 37},{'rgb'[i % 3]},{'yn'[i % 2]}\n" for i in range(40)]
BASE = HEADER + "".join(ROWS)


def load(folder: Path, text: str | bytes, **options: object) -> Dataset:
    path = folder / "t.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_dataset(config(path, **options), seed=0)


def config(*paths: Path, **options: object) -> DataConfig:
    given = {"target": ("y",), "split": SplitConfig(test=0.25), **options}
    return DataConfig("csv", path=tuple(map(str, paths)), **given)  # type: ignore[arg-type]


def changed(row: int, text: str) -> str:
    rows = list(ROWS)
    rows[row] = text
    return HEADER + "".join(rows)


def test_table(tmp_path: Path) -> None:
    dataset = load(tmp_path, BASE)
    assert dataset.schema.inputs[0].columns == ("age", "color=b", "color=g", "color=r")
    assert dataset.schema.targets[0].classes == ("n", "y")
    assert dataset.schema.targets[0].reason == "`y` holds text of 2 values"
    assert dataset.resolved["data.task"] == "classification"
    assert dataset.resolved["data.separator"] == ","
    train, test = dataset.parts["train"], dataset.parts["test"]
    assert (train.num_rows, test.num_rows) == (30, 10)
    ages = np.array([float(i % 37) for i in range(40)])
    expected = (ages - ages[train.row_ids].mean()) / ages[train.row_ids].std()
    np.testing.assert_allclose(test.inputs["features"][:, 0], expected[test.row_ids], atol=1e-6)
    assert [dataset.schema.targets[0].classes[code] for code in test.targets["y"]] == ["yn"[row % 2] for row in test.row_ids]
    assert dataset.summary[0] == 't.csv: 40 rows, 3 columns (separator ",")'
    assert dataset.summary[-1] == "parts: train 30, test 10 (25 %), stratified"


@pytest.mark.parametrize(
    ("text", "options", "line", "words"),
    [
        (changed(4, "4,g\n"), {}, 6, "2 values, fewer than the header names (3)"),
        (changed(4, "4,g,n,9\n"), {}, 6, "4 values, more than"),
        (changed(4, "4,\0,n\n"), {}, 6, "NUL byte"),
        (changed(4, "4,é,n\n").encode("latin-1"), {"encoding": "utf-8"}, 6, "is not UTF-8 text"),
        (changed(4, '4,"g,n\n'), {}, 6, "never closed"),
        (b"\x89PNG\r\n\x1a\n\0\0", {}, None, "expected a table as text, found a picture (PNG)"),
        (b"PK\x03\x04\x14\0", {}, None, "found a zip archive"),
        ("", {}, None, "the file is empty"),
        (" \n\n", {}, None, "the file is empty"),
        (HEADER, {}, 1, "a header and no rows"),
        ("age,age,y\n1,2,a\n", {}, 1, "the column name 'age' stands at 1 and again at 2"),
        (changed(4, "4,g,\n"), {}, 6, "no value for the target y"),
        (changed(4, "4,g,NA\n"), {}, 6, "no value for the target y"),
        (BASE + "5,r,z\n", {}, 42, "the label 'z' stands in one row only"),
        (changed(4, "inf,g,n\n"), {}, 6, "column age holds 'inf', expected a finite number"),
        (changed(4, "x,g,n\n"), {"features": {"age": "number"}}, 6, "column age holds 'x', expected a finite number"),
        ("w,a,y\n1,2,3\n-1,3,4\n", {"weight": "w"}, 3, "weight column w: expected a number of 0 or more, got '-1'"),
        ("w,a,y\n1,2,3\n,3,4\n", {"weight": "w"}, 3, "got no value"),
        (changed(4, ",g,n\n"), {"impute": "none"}, 6, "column age has no value"),
        (BASE, {"target": ("yy",)}, None, "yy is not a column of"),
        (HEADER + "1,r,n\n2,g,n\n", {}, None, "one class only: n"),
        ("a,y\n1,5\n2,5.0\n3,5\n", {"task": "regression"}, None, "the target y is 5 in every row"),
        ("a,y\n1,\n2,\n", {}, None, "the target y is empty in every row"),
        (BASE, {"task": "regression"}, None, "no numbers to regress on"),
        (BASE, {"split": SplitConfig(column="color")}, None, "expected train, validation or test"),
        (BASE, {"split": SplitConfig(time="color", test=0.2)}, None, "expected a date or a number (40 such rows"),
        (BASE, {"columns": ("a", "y")}, None, "names 2 columns"),
    ],
)
def test_unfit_data_is_named_with_its_line(
    tmp_path: Path, text: str | bytes, options: dict[str, object], line: int | None, words: str
) -> None:
    with pytest.raises(DataError) as caught:
        load(tmp_path, text, **options)
    fault = caught.value.faults[0]
    assert words in fault.message
    assert fault.line == line
    if line:
        assert str(fault.file).endswith("t.csv")
    assert caught.value.exit_code == 3


def test_surprises_after_the_sample_are_capped_and_counted(tmp_path: Path) -> None:
    text = "a,y\n" + "".join(f"{i % 7},{i}\n" for i in range(10_050)) + "".join(f"q{i},3\n" for i in range(25))
    with pytest.raises(DataError) as caught:
        load(tmp_path, text)
    faults = caught.value.faults
    assert [fault.line for fault in faults[:10]] == list(range(10_052, 10_062))
    assert faults[10].message == "and 15 more"


def test_lines_are_right_after_blank_lines_and_line_ends_in_fields(tmp_path: Path) -> None:
    text = 'a,b,y\n1,"two\nlines",3\n\n\n2,x,4\n3,"y\n\n",z\n'
    with pytest.raises(DataError) as caught:
        load(tmp_path, text, task="regression")
    assert (caught.value.faults[0].line, "'z'" in caught.value.faults[0].message) == (7, True)


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"drop": ("colr",)}, "data.drop"),
        ({"features": {"agee": None}}, "data.features.agee"),
        ({"scale": {"agee": "minmax"}}, "data.scale.agee"),
        ({"split": SplitConfig(group="colour", test=0.2)}, "data.split.group"),
        ({"target": ("yy",)}, "data.target"),
    ],
)
def test_columns_that_are_not_there_are_placed_in_the_config(tmp_path: Path, options: dict[str, object], key: str) -> None:
    above = ".".join(key.split(".")[:2])
    with pytest.raises(DataError) as caught:
        load(tmp_path, BASE, places={above: Place("c.yaml", 7, 3)}, **options)
    fault = caught.value.faults[0]
    assert (fault.file, fault.line, fault.column, fault.path) == ("c.yaml", 7, 3, key)
    assert "did you mean" in str(fault.hint)


def test_a_label_of_one_part_only_is_named_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("a,income\n" + "1,<=50K\n2,>50K\n" * 10)
    (tmp_path / "test.csv").write_text("a,income\n1,>50K\n3,<=50K.\n")
    options = {"target": ("income",), "test": (str(tmp_path / "test.csv"),), "split": SplitConfig()}
    with pytest.raises(DataError) as caught:
        load_dataset(config(tmp_path / "train.csv", **options), seed=0)
    fault = caught.value.faults[0]
    assert "'<=50K.' of income is in the test part only (1 row)" in fault.message
    assert fault.line == 3
    assert 'data.replace: {income: {"<=50K.": "<=50K"}}' in str(fault.hint)
    dataset = load_dataset(config(tmp_path / "train.csv", replace={"income": {"<=50K.": "<=50K"}}, **options), seed=0)
    assert dataset.parts["test"].targets["income"].tolist() == [1, 0]
    assert dataset.parts["test"].row_ids.tolist() == [20, 21]


@pytest.mark.parametrize(
    ("values", "task", "classes"),
    [
        (["b", "a", "c"], "classification", ("a", "b", "c")),
        (["1", "0"], "classification", ("0", "1")),
        (["1.0", "0", "1"], "classification", ("0", "1")),
        (["true", "false"], "classification", ("false", "true")),
        (["10", "9", "8"], "regression", ()),
        (["1.5", "2.5", "3.5"], "regression", ()),
    ],
)
def test_task_follows_the_values(tmp_path: Path, values: list[str], task: str, classes: tuple[str, ...]) -> None:
    text = "a,y\n" + "".join(f"{i * i % 11},{values[i % len(values)]}\n" for i in range(30))
    spec = load(tmp_path, text).schema.targets[0]
    assert (spec.task, spec.classes) == (task, classes)


def test_numbers_classify_when_asked_and_sort_as_numbers(tmp_path: Path) -> None:
    text = "a,y\n" + "".join(f"{i * i % 11},{(9, 10, 8.0)[i % 3]}\n" for i in range(30))
    assert load(tmp_path, text, task="classification").schema.targets[0].classes == ("8", "9", "10")


def test_regression_is_scaled_inside_and_comes_back(tmp_path: Path) -> None:
    text = "a,y\n" + "".join(f"{i % 5},{i * 3 + 100}\n" for i in range(40))
    dataset = load(tmp_path, text)
    train = dataset.parts["train"]
    assert abs(train.targets["y"].mean()) < 1e-6
    assert abs(train.targets["y"].std() - 1) < 1e-6
    back = dataset.schema.targets[0].to_own(dataset.parts["test"].targets["y"])
    np.testing.assert_allclose(back, dataset.parts["test"].row_ids * 3 + 100, rtol=1e-6)
    assert load(tmp_path, text, scale_target=False).schema.targets[0].scale == 1


def test_several_targets_weights_identifiers_and_limit(tmp_path: Path) -> None:
    text = "id,a,w,y,z\n" + "".join(f"k{i},{i % 5},{i / 10},{'ab'[i % 2]},{i}\n" for i in range(40))
    dataset = load(tmp_path, text, target=("y", "z"), weight="w", identifiers=("id",), limit=20)
    part = dataset.parts["test"]
    assert [spec.task for spec in dataset.schema.targets] == ["classification", "regression"]
    assert dataset.schema.inputs[0].columns == ("a",)
    assert part.identifiers["id"] == [f"k{row}" for row in part.row_ids]
    np.testing.assert_allclose(part.weights, part.row_ids / 10, rtol=1e-6)
    assert sum(part.num_rows for part in dataset.parts.values()) == 20


def test_gaps_are_filled_and_marked_and_missing_is_a_category(tmp_path: Path) -> None:
    text = "a,c,y\n" + "".join(f"{'' if i % 4 == 0 else i % 7},{'?' if i % 5 == 0 else 'pq'[i % 2]},{i}\n" for i in range(60))
    dataset = load(tmp_path, text)
    assert dataset.schema.inputs[0].columns == ("a", "a missing", "c=p", "c=q", "c=(missing)")
    test = dataset.parts["test"]
    np.testing.assert_array_equal(test.inputs["features"][:, 1], test.row_ids % 4 == 0)
    np.testing.assert_array_equal(test.inputs["features"][:, 4], test.row_ids % 5 == 0)
    assert (test.inputs["features"][:, 2:].sum(axis=1) == 1).all()


def test_many_categories_are_embedded_with_an_unknown_bucket(tmp_path: Path) -> None:
    text = "c,y\n" + "".join(f"v{i % 70},{i}\n" for i in range(280))
    (tmp_path / "test.csv").write_text("c,y\nnew,1\nv3,2\n")
    dataset = load(tmp_path, text, test=(str(tmp_path / "test.csv"),), split=SplitConfig())
    (spec,) = dataset.schema.inputs
    assert (spec.name, spec.shape, spec.dtype, spec.vocabulary_size) == ("c", (), "int32", 71)
    codes = dataset.parts["test"].inputs["c"]
    assert codes[0] == 0
    assert codes[1] == 1 + sorted({f"v{i}" for i in range(70)}).index("v3")
    assert any("c 1 (new)" in warning for warning in dataset.warnings)


def test_statistics_see_the_training_part_only(tmp_path: Path) -> None:
    train = "a,c,y\n" + "".join(f"{i},{'pq'[i % 2]},{i}\n" for i in range(20))
    datasets = []
    for other in ("1000,zzz,5\n-5,p,1\n", "3,p,2\n4,q,3\n"):
        (tmp_path / "test.csv").write_text("a,c,y\n" + other)
        datasets.append(load(tmp_path, train, test=(str(tmp_path / "test.csv"),), split=SplitConfig()))
    np.testing.assert_array_equal(*(dataset.parts["train"].inputs["features"] for dataset in datasets))
    assert datasets[0].schema == datasets[1].schema


def test_dates_become_parts(tmp_path: Path) -> None:
    text = "d,y\n" + "".join(f"2020-03-{i % 28 + 1:02d} {i % 24:02d}:30:00,{i}\n" for i in range(40))
    dataset = load(tmp_path, text, scale="none")
    names = dataset.schema.inputs[0].columns
    assert names == ("d year", "d month", "d day", "d weekday", "d day number", "d hour")
    row = dict(zip(names, dataset.parts["train"].inputs["features"][0].tolist(), strict=True))
    index = int(dataset.parts["train"].row_ids[0])
    assert (row["d year"], row["d month"], row["d day"], row["d hour"]) == (2020, 3, index % 28 + 1, index % 24 + 0.5)


def test_reconstruction_of_a_table(tmp_path: Path) -> None:
    dataset = load(tmp_path, "a,b\n" + "".join(f"{i},{i % 3}\n" for i in range(20)), target=(), task="reconstruction")
    part = dataset.parts["test"]
    assert dataset.schema.targets[0].task == "reconstruction"
    assert part.targets["reconstruction"] is part.inputs["features"]


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_compressed_text_is_the_same_data_in_a_file_of_any_name(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    plain = load(tmp_path, BASE)
    packed = load(tmp_path, pack(BASE.encode()))
    assert packed.fingerprint == plain.fingerprint
    np.testing.assert_array_equal(packed.parts["train"].inputs["features"], plain.parts["train"].inputs["features"])


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_cut_off_compressed_text_is_a_data_error(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        load(tmp_path, pack(BASE.encode() * 50)[:-30])


@pytest.mark.parametrize(
    "text",
    [
        b"\xef\xbb\xbf" + BASE.encode(),
        BASE.replace("\n", "\r\n").encode(),
        BASE.replace("\n", "\r").encode(),
        BASE.replace("\n", "\n\n").encode(),
        BASE.replace(",", ", ").encode(),
        BASE.replace(",", ";").encode(),
        BASE.replace(",", "\t").encode(),
        BASE.encode("utf-16"),
        "\n".join(",".join(f'"{cell}"' for cell in line.split(",")) for line in BASE.split("\n")[:-1]).encode(),
        "\n".join(", ".join(f'"{cell}"' for cell in line.split(",")) for line in BASE.split("\n")[:-1]).encode(),
    ],
)
def test_however_it_is_written_it_is_the_same_table(tmp_path: Path, text: bytes) -> None:
    expected, found = load(tmp_path, BASE), load(tmp_path, text)
    assert found.schema == expected.schema
    for name, part in expected.parts.items():
        np.testing.assert_array_equal(found.parts[name].inputs["features"], part.inputs["features"])
        np.testing.assert_array_equal(found.parts[name].targets["y"], part.targets["y"])


def test_several_files_by_a_glob_in_sorted_order_with_columns_by_name(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text(
        "y,age,color\n" + "".join(",".join(row.strip().split(",")[i] for i in (2, 0, 1)) + "\n" for row in ROWS[20:])
    )
    (tmp_path / "a.csv").write_text(HEADER + "".join(ROWS[:20]))
    both = load_dataset(config(tmp_path / "[ab].csv"), seed=0)
    one = load(tmp_path, BASE)
    np.testing.assert_array_equal(both.parts["test"].inputs["features"], one.parts["test"].inputs["features"])
    (tmp_path / "b.csv").write_text("age,y\n1,2\n")
    with pytest.raises(DataError, match="has no column color"):
        load_dataset(config(tmp_path / "[ab].csv"), seed=0)


def test_files_that_are_not_there_are_all_named(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(BASE)
    (tmp_path / "below").mkdir()  # a folder of tables alone would stand for all of them
    with pytest.raises(DataError) as caught:
        load_dataset(config(tmp_path / "tt.csv", tmp_path / "*.tsv", tmp_path), seed=0)
    messages = [fault.message for fault in caught.value.faults]
    assert [
        words in message for words, message in zip(("no such file", "no file matches", "is a folder"), messages, strict=True)
    ] == [True] * 3
    assert caught.value.faults[0].hint == 'did you mean "t.csv"?'


def test_options_that_contradict_each_other(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="folds"):
        load(tmp_path, BASE, split=SplitConfig(folds=3))
    with pytest.raises(ConfigError, match="two test parts"):
        load(tmp_path, BASE, test=(str(tmp_path / "t.csv"),))
    with pytest.raises(ConfigError, match="the column to predict is not named"):
        load(tmp_path, BASE, target=())
    with pytest.raises(ConfigError, match="no classes to stratify by"):
        load(tmp_path, "a,y\n1,1\n2,2\n3,3\n4,4\n", split=SplitConfig(test=0.5, stratify=True))


def test_fingerprint_is_of_content_not_of_place(tmp_path: Path) -> None:
    first = load(tmp_path, BASE)
    (tmp_path / "elsewhere.csv").write_text(BASE)
    assert load_dataset(config(tmp_path / "elsewhere.csv"), seed=1).fingerprint == first.fingerprint
    assert load(tmp_path, changed(3, "4,r,n\n")).fingerprint != first.fingerprint
    assert load(tmp_path, BASE, limit=30).fingerprint != first.fingerprint
    assert load(tmp_path, BASE, replace={"color": {"r": "g"}}).fingerprint != first.fingerprint


def test_the_resolved_options_give_the_same_dataset(tmp_path: Path) -> None:
    first = load(tmp_path, BASE)
    again = {key.removeprefix("data."): value for key, value in first.resolved.items()}
    second = load(tmp_path, BASE, **again)
    assert second.schema.inputs == first.schema.inputs
    assert second.fingerprint == first.fingerprint
    np.testing.assert_array_equal(second.parts["train"].inputs["features"], first.parts["train"].inputs["features"])


def test_parquet_holds_the_same_as_text(tmp_path: Path) -> None:
    expected = load(tmp_path, BASE)
    polars.read_csv(BASE.encode()).write_parquet(tmp_path / "t.parquet")
    found = load_dataset(
        DataConfig("parquet", path=(str(tmp_path / "t.parquet"),), target=("y",), split=SplitConfig(test=0.25)), seed=0
    )
    np.testing.assert_array_equal(found.parts["test"].inputs["features"], expected.parts["test"].inputs["features"])
    part = read_part(expected.preprocessing, [str(tmp_path / "t.parquet")], with_targets=True)
    np.testing.assert_array_equal(part.inputs["features"][found.parts["test"].row_ids], found.parts["test"].inputs["features"])
    (tmp_path / "t.parquet").write_bytes(b"PAR1 nothing")
    with pytest.raises(DataError, match="not a readable parquet file"):
        load_dataset(DataConfig("parquet", path=(str(tmp_path / "t.parquet"),), target=("y",)), seed=0)


class Warnings(Reporter):
    """Keeps what it is warned of."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def warning(self, warning: str | Fault) -> None:
        self.texts.append(as_warning(warning).message)


def test_rows_for_prediction_in_any_order_of_columns(tmp_path: Path) -> None:
    dataset = load(tmp_path, BASE)
    (tmp_path / "new.csv").write_text("extra;color;age\n9;r;5\n9;violet;6\n")
    heard = Warnings()
    part = read_part(dataset.preprocessing, [str(tmp_path / "new.csv")], with_targets=False, reporter=heard)
    assert part.inputs["features"][:, 1:].tolist() == [[0, 0, 1], [0, 0, 0]]
    assert part.targets == {}
    assert any("extra" in text for text in heard.texts)
    assert any("color 1 (violet)" in text for text in heard.texts)
    (tmp_path / "new.csv").write_text("colour,age\nr,5\n")
    with pytest.raises(DataError) as caught:
        read_part(dataset.preprocessing, [str(tmp_path / "new.csv")], with_targets=False)
    assert caught.value.faults[0].message == "the column color is missing"
    assert 'did you mean "colour"?' in str(caught.value.faults[0].hint)
    (tmp_path / "new.csv").write_text(HEADER + "1,r,maybe\n")
    with pytest.raises(DataError, match="does not know the label 'maybe'"):
        read_part(dataset.preprocessing, [str(tmp_path / "new.csv")], with_targets=True)


def test_rows_for_prediction_of_a_table_without_header(tmp_path: Path) -> None:
    dataset = load(tmp_path, "".join(ROWS), columns=("age", "color", "y"))
    expected = dataset.preprocessing
    for name, text in {"whole": "5,r,n\n", "without target": "5,r\n", "with header": "color,age\nr,5\n"}.items():
        path = tmp_path / f"{name}.csv"
        path.write_text(text)
        part = read_part(expected, [str(path)], with_targets=False)
        assert part.inputs["features"].shape == (1, 4), name
        assert part.inputs["features"][0, 3] == 1, name


def test_a_fresh_process_gives_the_same_bits(tmp_path: Path) -> None:
    text = "a,d,c,y\n" + "".join(f"{i * 0.37 % 5:.3f},2020-01-{i % 28 + 1:02d},{'pqr'[i % 3]},{i**0.5}\n" for i in range(200))
    dataset = load(tmp_path, text, scale={"a": "quantile"})
    dataset.preprocessing.save(tmp_path)
    script = """
import sys, numpy
from pathlib import Path
from dltrain.data import read_part
from dltrain.data.stored import load_preprocessing
part = read_part(load_preprocessing(Path(sys.argv[1])), [sys.argv[1] + "/t.csv"], with_targets=True)
numpy.savez(sys.argv[1] + "/out.npz", x=part.inputs["features"], y=part.targets["y"])
assert "tensorflow" not in sys.modules and "keras" not in sys.modules and "sklearn" not in sys.modules
"""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True, env=environment, cwd=tmp_path)
    out = np.load(tmp_path / "out.npz")
    for part in dataset.parts.values():
        np.testing.assert_array_equal(out["x"][part.row_ids], part.inputs["features"])
        np.testing.assert_array_equal(out["y"][part.row_ids], part.targets["y"])


def test_a_stored_preprocessing_fits_nothing(tmp_path: Path) -> None:
    dataset = load(tmp_path, BASE)
    again = load_dataset(config(tmp_path / "t.csv"), seed=0, preprocessing=dataset.preprocessing)
    assert again.fingerprint == dataset.fingerprint
    assert again.preprocessing is dataset.preprocessing
    np.testing.assert_array_equal(again.parts["test"].inputs["features"], dataset.parts["test"].inputs["features"])


def test_a_dataset_can_be_sent_to_another_process(tmp_path: Path) -> None:
    dataset = pickle.loads(pickle.dumps(load(tmp_path, BASE)))
    assert dataset.parts["train"].num_rows == 30


def test_npz(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    x, y = generator.random((50, 4, 3)), np.arange(50) % 3
    np.savez(tmp_path / "d.npz", x=x, y=y, labels=np.array(["a", "b", "c"])[y])
    path = (str(tmp_path / "d.npz"),)
    split = SplitConfig(test=0.2)
    dataset = load_dataset(DataConfig("npz", path=path, split=split), seed=0)
    assert (dataset.schema.targets[0].task, dataset.schema.inputs[0].shape) == ("regression", (4, 3))
    named = load_dataset(DataConfig("npz", path=path, split=split, arguments={"targets": "labels"}), seed=0)
    assert named.schema.targets[0].classes == ("a", "b", "c")
    train = named.parts["train"]
    expected = (x[train.row_ids] - x[train.row_ids].astype(np.float32).mean(0)) / x[train.row_ids].std(0)
    np.testing.assert_allclose(train.inputs["features"], expected, atol=1e-5)
    with pytest.raises(DataError, match="holds no array 'z'"):
        load_dataset(DataConfig("npz", path=path, arguments={"inputs": "z"}), seed=0)


def test_npz_in_the_layout_of_keras_brings_its_test_part(tmp_path: Path) -> None:
    x, y = np.arange(120, dtype=np.uint8).reshape(30, 2, 2), np.arange(30, dtype=np.uint8) % 2
    np.savez(tmp_path / "k.npz", x_train=x[:20], y_train=y[:20], x_test=x[20:], y_test=y[20:])
    dataset = load_dataset(DataConfig("npz", path=(str(tmp_path / "k.npz"),), split=SplitConfig(validation=0.2)), seed=0)
    assert {name: part.num_rows for name, part in dataset.parts.items()} == {"train": 16, "validation": 4, "test": 10}
    np.testing.assert_allclose(dataset.parts["test"].inputs["features"], x[20:] / 255, atol=1e-7)


def test_npz_with_a_pickle_is_not_read(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return (os.mkdir, (str(tmp_path / "executed"),))

    np.savez(tmp_path / "p.npz", x=np.array([Trap(), Trap()], dtype=object), y=np.arange(2))
    with pytest.raises(DltrainError, match="no pickles"):
        load_dataset(DataConfig("npz", path=(str(tmp_path / "p.npz"),)), seed=0)
    assert not (tmp_path / "executed").exists()


def test_an_npz_that_unpacks_to_gigabytes_of_nothing_is_refused_before_it_takes_memory(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive, archive.open("x.npy", "w") as member:
        np.lib.format.write_array_header_1_0(member, {"descr": "|u1", "fortran_order": False, "shape": (300 << 20, 1)})
        for _ in range(300):
            member.write(bytes(1 << 20))
    with pytest.raises(DataError, match="made to fill the memory"):
        load_dataset(DataConfig("npz", path=(str(tmp_path / "bomb.npz"),), task="reconstruction"), seed=0)


def test_columns_beside_header_true_take_the_place_of_the_header(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,a,y\n" + "".join(f"{row},{row * 2},{['no', 'yes'][row % 2]}\n" for row in range(40)))
    config = DataConfig("csv", path=(str(tmp_path / "t.csv"),), columns=("first", "second", "y"), header=True, target=("y",))
    dataset = load_dataset(config, seed=0)
    assert dataset.parts["train"].num_rows == 40
    assert dataset.schema.inputs[0].columns == ("first", "second")


def test_a_label_of_one_row_that_reads_like_another_is_told_so(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,y\n" + "".join(f"{row},{'dog' if row % 2 else 'cat'}\n" for row in range(20)) + "20,Dog \n")
    with pytest.raises(DataError, match="'Dog' stands in one row only") as caught:
        load_dataset(DataConfig("csv", path=(str(path),), target=("y",), split=SplitConfig(test=0.25)), seed=0)
    assert str(caught.value.faults[0].hint).startswith("it reads like 'dog'; leave that row out")
