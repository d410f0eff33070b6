"""A first config says what the data holds, and runs as it is."""

import datetime
import gzip
import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from dltrain.cli.app import run as command
from dltrain.config import load_config_text
from dltrain.data.load import load_dataset
from dltrain.errors import DataError, UsageError
from dltrain.reporting import Reporter, WarningList
from dltrain.starting.block import Block
from dltrain.starting.header import has_header
from dltrain.starting.start import make_starter
from tests.data.sources.support import write_picture
from tests.support import REPOSITORY, examples, run_dltrain, shared_data

# file below tabular/, target as a user names it, test metric
TABLES = [
    ("titanic/train.csv", "Survived", "accuracy"),
    ("titanic/titanic_seaborn.csv", "survived", "accuracy"),
    ("titanic/titanic_all_numeric_datacamp.csv", "survived", "accuracy"),
    ("telco_churn/WA_Fn-UseC_-Telco-Customer-Churn.csv", "Churn", "accuracy"),
    ("bank_marketing/bank.csv", "y", "accuracy"),
    ("bank_marketing/bank-full.csv", "y", "accuracy"),
    ("bank_marketing/bank-additional.csv", "y", "accuracy"),
    ("bank_marketing/bank-additional-full.csv", "y", "accuracy"),
    ("ames_housing/AmesHousing.csv", "SalePrice", "rmse"),
    ("ames_housing/AmesHousing2.csv", "SalePrice", "rmse"),
    ("employee_salaries/employee_salaries.csv", "current_annual_salary", "rmse"),
    ("wine_quality/winequality-red.csv", "12", "rmse"),
    ("wine_quality/winequality-white.csv", "-1", "rmse"),
    ("wine_quality/winequality-white_with_header.csv", "quality", "rmse"),
    ("car_prices_msrp/car_data.csv", "MSRP", "rmse"),
    ("bike_sharing/bike_sharing.csv", "cnt", "rmse"),
    ("concrete/concrete_data.csv", "Strength", "rmse"),
    ("hourly_wages/hourly_wages.csv", "wage_per_hour", "rmse"),
    ("hourly_wages/hourly_wages_all534.csv", "wage_per_hour", "rmse"),
    ("california_housing/housing.csv", "median_house_value", "rmse"),
    ("pima_diabetes/pima-indians-diabetes.csv", "9", "accuracy"),
    ("adult/adult-train.csv", "15", "accuracy"),
]

QUICK = (
    "telco_churn/WA_Fn-UseC_-Telco-Customer-Churn.csv",
    "employee_salaries/employee_salaries.csv",
    "wine_quality/winequality-white.csv",
    "concrete/concrete_data.csv",
    "california_housing/housing.csv",
)


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DLTRAIN_DATA", raising=False)


@pytest.fixture
def numbers():
    return np.random.default_rng(0).normal(size=(200, 3)).round(3)


def write(name, rows, header=None, separator=",", encoding="utf-8"):
    lines = [separator.join(map(str, row)) for row in ([header] if header else []) + list(rows)]
    Path(name).write_bytes(("\n".join(lines) + "\n").encode(encoding))
    return name


def start(path, target=None):
    """The starter, its config, and the dataset that a fit would train on."""
    starter = make_starter(path, target=target)
    config = load_config_text(starter.text, file="first.yaml", folder=Path.cwd())
    assert config.warnings == ()
    return starter, config, load_dataset(config.data, seed=config.seed)


# Real tables


@pytest.mark.parametrize(
    ("file", "target"),
    [pytest.param(file, target, id=file, marks=[] if file in QUICK else pytest.mark.slow) for file, target, _ in TABLES],
)
def test_each_real_table_has_a_config_that_loads(file, target):
    starter, config, dataset = start(str(shared_data(f"tabular/{file}")), target)
    assert set(dataset.parts) == {"train", "test"} if config.training.members.folds else {"train", "validation", "test"}
    assert dataset.schema.targets[0].task == config.data.task
    assert config.training.early_stopping["monitor"] == "val_loss"
    assert len(starter.text.splitlines()) < 60


def test_titanic_leaves_out_names_and_tickets_and_repeats_the_id():
    starter, config, _ = start(str(shared_data("tabular/titanic/train.csv")), "Survived")
    assert config.data.identifiers == ("PassengerId",)
    assert set(config.data.features) == {"Pclass", "Sex", "Age", "SibSp", "Parch", "Fare", "Cabin", "Embarked"}
    assert config.data.features["Sex"] == "category"
    assert config.data.min_count == {"Cabin": 20}  # that there is one tells more than which
    for words in ("Name (text, all different)", "Ticket", "Cabin", "Age 19.9 %", "0: 61.6 %"):
        assert words in starter.text


def test_parts_that_sum_to_the_target_are_dropped():
    starter, config, _ = start(str(shared_data("tabular/bike_sharing/bike_sharing.csv")), "cnt")
    assert set(config.data.drop) == {"casual", "registered"}
    assert "cnt is the sum of casual and registered" in starter.text
    assert "time: date" in starter.text  # suggested, not done
    assert config.data.split.time is None


def test_parts_are_found_among_columns_that_follow_the_sum_more_closely():
    _, config, _ = start(str(shared_data("tabular/ames_housing/AmesHousing2.csv")), "Gr Liv Area")
    # Order counts the rows: of so many columns those that are left out are named.
    assert config.data.drop == ("1st Flr SF", "2nd Flr SF", "Low Qual Fin SF", "Order")


def test_another_name_of_the_label_is_dropped():
    _, config, _ = start(str(shared_data("tabular/titanic/titanic_seaborn.csv")), "survived")
    assert config.data.drop == ("alive",)


def test_a_column_that_tells_much_is_pointed_out_but_used():
    starter, config, _ = start(str(shared_data("tabular/bank_marketing/bank.csv")))
    assert config.data.target == ("y",)
    assert "duration alone tells yes from no with an AUC of 0.8" in starter.text
    assert "duration" in config.data.features
    assert "# class_weight: balanced" in starter.text
    assert config.training.class_weight is None


def test_a_wide_table_has_dropout_and_no_list_of_features():
    _, config, _ = start(str(shared_data("tabular/ames_housing/AmesHousing2.csv")))
    assert config.data.target == ("SalePrice",)
    assert config.data.identifiers == ("PID",)
    assert config.data.features is None
    assert config.model.inputs.keys() >= {"numbers", "categories"}


def test_whole_numbers_regress_and_the_other_way_is_named():
    starter, config, _ = start(str(shared_data("tabular/wine_quality/winequality-red.csv")), "12")
    assert (config.data.header, config.data.target, config.data.task) == (False, ("column_12",), "regression")
    assert "`classification` would make each a class" in starter.text


def test_the_last_column_of_a_file_without_header_is_guessed_where_it_alone_has_two_values():
    starter, config, _ = start(str(shared_data("tabular/pima_diabetes/pima-indians-diabetes.csv")))
    assert config.data.target == ("column_9",)
    assert "guessed" in starter.text


@pytest.mark.slow
@pytest.mark.parametrize(("file", "target", "metric"), TABLES)
def test_each_first_config_beats_the_baseline(file, target, metric, tmp_path):
    Path("first.yaml").write_text(make_starter(str(shared_data(f"tabular/{file}")), target=target).text)
    done = run_dltrain("fit", "first.yaml", "--json", cwd=tmp_path, timeout=900)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    value, baseline = document["metrics"]["test"][metric], document["baseline"][metric]
    assert value > baseline if metric == "accuracy" else value < 0.95 * baseline


def test_a_first_config_fits(capsys):
    Path("iris.yaml").write_text(make_starter("iris").text)
    assert command(["fit", "iris.yaml", "--json", "training.epochs=30", "training.jit_compile=false"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["metrics"]["test"]["accuracy"] > 0.8 > 0.5 > document["baseline"]["accuracy"]


def test_no_heavy_library_is_imported():
    code = (
        "import sys; from dltrain.starting.start import make_starter; make_starter('iris'); make_starter('digits');"
        "print([name for name in ('tensorflow', 'keras', 'sklearn', 'matplotlib', 'rich', 'pandas') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# Messy tables


def test_words_among_numbers_are_read_as_missing(numbers):
    rows = [(a if index % 20 else "n.a.", b if index % 33 else "-", int(a > 0)) for index, (a, b, _) in enumerate(numbers)]
    _, config, dataset = start(write("odd.csv", rows, ["a", "b", "y"]))
    assert config.data.replace == {"a": {"n.a.": ""}, "b": {"-": ""}}
    assert dataset.schema.inputs[0].columns == ("a", "a missing", "b", "b missing")


def test_a_code_with_a_letter_among_few_numbers_stays_a_category(numbers):
    rows = [(index % 7 if index % 20 else "B", a, int(a > 0)) for index, (a, _, _) in enumerate(numbers)]
    _, config, _ = start(write("floors.csv", rows, ["floor", "a", "y"]))
    assert config.data.features["floor"] == "category"
    assert config.data.replace == {}


def test_a_surprise_after_the_sample_is_provided_for():
    values = np.random.default_rng(0).normal(size=(12_000, 2)).round(3)
    rows = [(a if index < 10_500 or index % 7 else "oops", b, b) for index, (a, b) in enumerate(values)]
    _, config, _ = start(write("late.csv", rows, ["a", "b", "y"]))
    assert config.data.replace == {"a": {"oops": ""}}
    rows = [(a if index < 10_500 else f"oops{index}", b, b) for index, (a, b) in enumerate(values)]
    _, config, _ = start(write("later.csv", rows, ["a", "b", "y"]))
    assert config.data.drop == ("a",)


def test_thousands_and_encoding_are_found(numbers):
    rows = [(f"{1e5 * abs(a):,.2f}", "Zürich" if b > 0 else "Genève", c) for a, b, c in numbers]
    _, config, dataset = start(write("towns.csv", rows, ["größe", "town", "y"], separator=";", encoding="cp1252"))
    assert (config.data.thousands, config.data.encoding) == (",", "cp1252")
    columns = [column for spec in dataset.schema.inputs for column in spec.columns]
    assert columns == ["größe", "town=Genève", "town=Zürich"]


def test_constant_columns_are_dropped(numbers):
    _, config, _ = start(write("same.csv", [(a, 1, "k", b > 0) for a, b, _ in numbers], ["a", "b", "c", "y"]))
    assert config.data.drop == ("b", "c")


def test_labels_of_single_rows_become_one(numbers):
    rows = [(a, b, "abc"[index % 3] if index > 4 else f"z{index}") for index, (a, b, _) in enumerate(numbers)]
    _, config, dataset = start(write("single.csv", rows, ["a", "b", "y"]))
    assert config.data.replace["y"] == {f"z{index}": "other" for index in range(5)}
    assert dataset.schema.targets[0].classes == ("a", "b", "c", "other")


def test_numbers_called_a_class_classify(numbers):
    starter, config, _ = start(
        write("kinds.csv", [(a, b, index % 3) for index, (a, b, _) in enumerate(numbers)], ["a", "b", "class"])
    )
    assert config.data.task == "classification"
    assert "`regression` would" in starter.text


def test_a_rule_over_all_columns_is_no_leak(numbers):
    _, config, _ = start(write("sum.csv", [(abs(a), abs(b), abs(a) + abs(b)) for a, b, _ in numbers], ["a", "b", "y"]))
    assert config.data.drop == ()


def test_compressed_and_parquet_and_patterns(numbers):
    rows = [(a, b, int(a > 0)) for a, b, _ in numbers]
    text = Path(write("t.csv", rows, ["a", "b", "y"])).read_bytes()
    Path("t.csv.gz").write_bytes(gzip.compress(text))
    polars.read_csv(io.BytesIO(text)).write_parquet("t.parquet")
    Path("u.csv").write_bytes(text)
    for path, count in (("t.csv.gz", 200), ("t.parquet", 200), ("?.csv", 400)):
        _, config, dataset = start(path)
        assert config.data.path == (str(Path.cwd() / path),)
        assert sum(part.num_rows for part in dataset.parts.values()) == count


def test_typed_parquet_columns(numbers):
    days = polars.date_range(polars.date(2020, 1, 1), polars.date(2020, 7, 18), eager=True)
    polars.DataFrame({"s": ["u", "v"] * 100, "d": days, "b": numbers[:, 1] > 0, "y": numbers[:, 2]}).write_parquet("p.parquet")
    _, config, _ = start("p.parquet")
    assert config.data.features == {"s": "category", "d": "date", "b": "boolean"}


def test_a_large_table_is_judged_by_its_beginning(numbers, monkeypatch):
    monkeypatch.setattr("dltrain.starting.table.LARGE_BYTES", 1_000)
    monkeypatch.setattr("dltrain.starting.table.LARGE_LINES", 100)
    monkeypatch.setattr("dltrain.data.tables.sample.BLOCK", 1_000)
    rows = [(a, b, int(a > 0)) for a, b, _ in numbers]
    starter, _, dataset = start(write("t.csv", rows, ["a", "b", "y"]))
    assert "t.csv: 3 columns; looked at the first 1" in starter.text
    assert sum(part.num_rows for part in dataset.parts.values()) == 200
    polars.read_csv("t.csv").write_parquet("t.parquet")
    assert "t.parquet: 3 columns; looked at the first 100 rows" in make_starter("t.parquet").text


# Arrays and named datasets


def test_archives_of_arrays(numbers):
    np.savez("table.npz", features=numbers.astype("f4"), outcome=numbers[:, 0])
    _, config, _ = start("table.npz")
    assert (config.data.arguments, config.data.task) == ({"inputs": "features", "targets": "outcome"}, "regression")
    np.savez("pictures.npz", x=np.zeros((200, 12, 12), np.uint8), y=np.arange(200) % 4)
    _, config, dataset = start("pictures.npz")
    assert config.data.task == "classification"
    assert config.model.layers[0].component.name == "Reshape"
    assert dataset.schema.inputs[0].shape == (12, 12)


def test_an_archive_with_its_own_test_part():
    parts = {"x_train": (300, 9, 9), "y_train": (300,), "x_test": (40, 9, 9), "y_test": (40,)}
    np.savez("own.npz", **{name: np.arange(np.prod(shape)).reshape(shape) % 3 for name, shape in parts.items()})
    _, config, dataset = start("own.npz")
    assert config.data.split.test is None
    assert dataset.parts["test"].num_rows == 40


def test_unclear_arrays_are_asked_for(numbers):
    np.savez("two.npz", p=numbers, q=numbers)
    with pytest.raises(UsageError, match="which arrays"):
        make_starter("two.npz")
    with pytest.raises(UsageError, match="holds no array 'z'"):
        make_starter("two.npz", target="z")


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "diabetes", "digits", "noise"])
def test_named_datasets(name):
    _, config, dataset = start(name)
    assert config.data.source == name
    assert set(dataset.parts) == {"train", "test"} if name == "diabetes" else {"train", "validation", "test"}


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "cifar10", "lfw_people", "olivetti_faces", "california_housing"])
def test_datasets_that_are_fetched_have_a_config_before_they_are_here(name):
    config = load_config_text(make_starter(name).text, file="first.yaml", folder=Path.cwd())
    assert config.data.source == name
    assert (config.data.split.test is None) == (name in ("mnist", "fashion_mnist", "cifar10"))


# Paths


def test_a_relative_path_is_relative_to_the_config(numbers):
    Path("data").mkdir()
    Path("configs").mkdir()
    write("data/t.csv", [(a, b, int(a > 0)) for a, b, _ in numbers], ["a", "b", "y"])
    absolute = str(Path.cwd() / "data/t.csv")
    text = make_starter("data/t.csv", folder=Path("configs")).text
    assert load_config_text(text, file="t.yaml", folder=Path("configs")).data.path == (absolute,)
    assert absolute not in text
    assert "path: data/t.csv\n" in make_starter("data/t.csv").text
    assert f"path: {absolute}\n" in make_starter(absolute, folder=Path("configs")).text


def test_a_path_below_the_data_folder_stays_as_it_is(numbers, monkeypatch):
    Path("store").mkdir()
    write("store/t.csv", [(a, b, int(a > 0)) for a, b, _ in numbers], ["a", "b", "y"])
    monkeypatch.setenv("DLTRAIN_DATA", str(Path.cwd() / "store"))
    starter = make_starter("t.csv")
    assert "path: t.csv\n" in starter.text
    assert load_config_text(starter.text, file="f.yaml", folder=Path("/")).data.path == (str(Path.cwd() / "store" / "t.csv"),)


def test_pictures_without_folders_of_classes_are_refused_with_the_way_out():
    Path("pictures").mkdir()
    for name in ("1.jpg", "2.jpg"):
        Path("pictures", name).write_bytes(b"\xff\xd8")
    with pytest.raises(UsageError, match="holds 2 pictures, but no folder for each class") as caught:
        make_starter("pictures")
    assert "folder named after its class" in caught.value.faults[0].hint


@pytest.mark.parametrize("layout", ["classes", "parts", "train and test", "train and validation"])
def test_a_folder_of_pictures(layout):
    parts = {
        "classes": [""], "parts": ["train", "val", "test"], "train and test": ["train", "test"],
        "train and validation": ["Train", "Validation"],
    }[layout]  # fmt: skip
    for part in parts:
        for seed, label in enumerate(("cat", "dog")):
            for index in range(20):
                write_picture(Path("pictures", part, label, f"{index}.png"), (60, 50), seed=100 * seed + index)
    starter = make_starter("pictures")
    config = load_config_text(starter.text, folder=Path.cwd())
    assert config.data.arguments == {"image_size": [48, 48]}
    dataset = load_dataset(config.data, seed=0)
    assert set(dataset.parts) == {"train", "validation", "test"}
    assert dataset.schema.targets[0].classes == ("cat", "dog")
    assert "pictures: " in starter.summary[0]
    if layout == "parts":
        assert [part.num_rows for part in dataset.parts.values()] == [40, 40, 40]
    with pytest.raises(UsageError, match="names of the folders"):
        make_starter("pictures", target="label")


def test_a_folder_of_tables_names_one(numbers):
    Path("tables").mkdir()
    write("tables/t.csv", numbers, ["a", "b", "y"])
    Path("tables/t.parquet").touch()  # which of both is meant is not guessed
    with pytest.raises(UsageError, match="is a folder") as caught:
        make_starter("tables")
    assert "tables/t.csv" in caught.value.faults[0].hint


# What cannot be done


def test_an_unclear_target_lists_the_columns_with_what_they_hold(numbers):
    write("t.csv", [(a, "xy"[index % 2], b) for index, (a, b, _) in enumerate(numbers)], ["a", "b", "c"])
    with pytest.raises(UsageError) as caught:
        make_starter("t.csv")
    assert "a (number, such as 0.126)\n  b (category, such as x)\n  c (number" in str(caught.value.faults[0])
    with pytest.raises(UsageError) as caught:
        make_starter("t.csv", target="B")
    assert caught.value.faults[0].hint == 'did you mean "b"?'


def test_two_columns_that_may_be_the_target_are_not_guessed_among():
    with pytest.raises(UsageError) as caught:
        make_starter(str(shared_data("tabular/titanic/titanic_seaborn.csv")))
    assert "perhaps survived or class" in caught.value.faults[0].hint


@pytest.mark.parametrize("target", ["0", "4", "-4", "x"])
def test_a_column_number_beyond_the_table(target, numbers):
    with pytest.raises(UsageError, match="has no column"):
        make_starter(write("t.csv", numbers), target=target)


@pytest.mark.parametrize(
    ("target", "error", "message"),
    [
        ("name", UsageError, "name is no target: text, all different"),
        ("same", DataError, "one class only|same in every row|is 1 in every row"),
        ("empty", DataError, "empty in every row"),
        ("lone", DataError, "stands in one row only"),
    ],
)
def test_columns_that_are_no_target(target, error, message, numbers):
    rows = [(a, f"person {index}", 1, b if index else "", "", "u" if index else "v") for index, (a, b, _) in enumerate(numbers)]
    write("t.csv", rows, ["a", "name", "same", "gaps", "empty", "lone"])
    with pytest.raises(error, match=message):
        make_starter("t.csv", target=target)


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("empty.csv", b"", DataError),
        ("header.csv", b"a,b,y\n", DataError),
        ("few.csv", b"a,b,y\n" + b"1,2,3\n" * 9, DataError),
        ("ragged.csv", b"a,b,y\n1,2,3\n1,2\n" * 20, DataError),
        ("nul.csv", b"a,b\0,y\n1,2,3\n" * 20, DataError),
        ("bad.npz", b"PK nothing", DataError),
        ("bad.parquet", b"PAR1 nothing", DataError),
        ("t.xlsx", b"PK", DataError),
        ("t.pkl", b"\x80", DataError),
        ("p.png", b"\x89PNG", DataError),
    ],
)
def test_files_that_are_no_data(name, content, error):
    Path(name).write_bytes(content)
    with pytest.raises(error):
        make_starter(name)


def test_text_that_is_called_a_spreadsheet_is_a_table_for_init_as_it_is_for_check():
    lines = ["a;b;y", *(f"{row},5;{row % 7};{row % 3},25" for row in range(60))]
    Path("t.xls").write_text("\n".join(lines), encoding="utf-16")
    Path("t.xlsx").write_text("\n".join(lines))
    for name in ("t.xls", "t.xlsx"):
        config = load_config_text(make_starter(name, target="y").text, folder=Path())
        assert sum(part.num_rows for part in load_dataset(config.data, seed=0).parts.values()) == 60
    Path("t.ods").write_text("<html>\n<table>")
    with pytest.raises(DataError, match="a spreadsheet"):
        make_starter("t.ods")


def test_an_archive_without_rows_is_no_data():
    np.savez("none.npz", x=np.zeros((0, 4)), y=np.zeros(0))
    with pytest.raises(DataError, match=r"none\.npz"):
        make_starter("none.npz")


def test_names_that_are_nearly_right():
    with pytest.raises(UsageError) as caught:
        make_starter("irsi")
    assert caught.value.faults[0].hint == 'did you mean "iris"?'
    Path("houses.csv").write_text("x")
    with pytest.raises(DataError) as caught:
        make_starter("house.csv")
    assert "houses.csv" in caught.value.faults[0].hint


# Parts


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([("a", "b"), ("1", "2"), ("3", "4")], True),
        ([("1", "2"), ("3", "4"), ("5", "6")], False),
        ([("1", "2", "class"), ("3", "4", "5")], True),
        ([("m", "x"), ("f", "y"), ("m", "x")], False),
        ([("sex", "kind"), ("f", "y"), ("m", "x")], True),
        ([("?", "2"), ("3", "4"), ("5", "6")], False),
        ([("0", "1", "2"), ("0.5", "4", "a"), ("1.5", "6", "b")], True),
        ([("1", "2", "3"), ("4", "5", "6"), ("7", "8", "9")], False),
        ([("land", "1999", "2000", "2002"), ("Chad", "3", "4.5", ""), ("Fiji", "7", "", "9")], True),
        ([("Peru", "1999", "2000", "2002"), ("Chad", "1990", "1991", "1995"), ("Fiji", "1980", "1981", "1983")], False),
        ([("land", "code", "name", "2019", "2020"), ("Chad", "C", "n", "3", "4.5"), ("Fiji", "F", "n", "", "7")], True),
        ([("Peru", "P", "n", "2019", "2020"), ("Chad", "C", "n", "3", "2021"), ("Fiji", "F", "n", "", "7")], False),
        ([("Peru", "P", "n", "1950", "2020"), ("Chad", "C", "n", "3", "4"), ("Fiji", "F", "n", "", "7")], False),
        ([("Peru", "1999", "2000", "2.5"), ("Chad", "3", "4.5", "1"), ("Fiji", "7", "1", "9")], False),
    ],
)
def test_header(rows, expected):
    frame = polars.DataFrame(rows, schema=[f"column_{index}" for index in range(len(rows[0]))], orient="row")
    assert has_header(frame) is expected


@given(st.text(max_size=200), st.text(min_size=1, max_size=200), st.text(max_size=30))
@settings(max_examples=examples(50, 200), deadline=None)
def test_whatever_stands_in_a_remark_or_a_name_the_values_are_read_back(remark, name, value):
    from dltrain.config.text.nodes import Faults, MappingNode
    from dltrain.config.text.yaml_reader import read_yaml

    block = Block()
    block.open("data")
    block.remark(remark, indent=2)
    entries = {name: "number", f"{name}2": value, "third": {name: value}}
    block.entry("features", entries, remark)
    block.entry("target", value, remark)
    node = read_yaml(block.text(), "t.yaml", Faults())
    assert isinstance(node, MappingNode)
    assert node.plain() == {"data": {"features": entries, "target": value}}


@given(
    st.lists(st.sampled_from(["number", "category", "gap", "date", "constant", "text"]), min_size=1, max_size=5),
    st.sampled_from(["number", "label", "code"]),
    st.integers(0, 3),
)
@settings(max_examples=examples(8, 40), deadline=None)
def test_any_table_has_a_config_that_loads(kinds, target, seed):
    generator = np.random.default_rng(seed)
    columns = {f"{kind} {index}": _column(kind, generator) for index, kind in enumerate([*kinds, "number"])}
    columns["y"] = {"number": _column("number", generator), "label": _column("category", generator)}.get(
        target, [str(value) for value in generator.integers(0, 2, 120)]
    )
    polars.DataFrame(columns).write_csv("any.csv")
    start("any.csv", "y")


def _column(kind, generator):
    if kind in ("number", "gap"):
        values = [f"{value:.4f}" for value in generator.normal(size=120)]
        return [value if kind == "number" or index % 5 else "" for index, value in enumerate(values)]
    if kind == "date":
        return [f"2020-{index % 12 + 1:02d}-{index % 28 + 1:02d}" for index in range(120)]
    if kind == "text":
        return [f"sentence {index}, with words" for index in range(120)]
    return ["k"] * 120 if kind == "constant" else [f"c{value}" for value in generator.integers(0, 4, 120)]


def test_attack_11_a_target_of_numbers_with_a_code_among_them_is_compared_with_nothing(tmp_path: Path) -> None:
    rows = [f"{row * 7 % 11},{row * row * 0.37 - 5:.3f}" for row in range(30)]
    rows[15] = "6,007"
    (tmp_path / "t.csv").write_text("\n".join(["a,y", *rows]) + "\n")
    text = make_starter(str(tmp_path / "t.csv"), target="y").text
    assert yaml.safe_load(text)["data"]["target"] == "y"


def test_attack_11_a_target_of_bytes_is_refused(tmp_path: Path) -> None:
    frame = polars.DataFrame({"a": range(30), "y": [bytes([row % 2]) for row in range(30)]})
    frame.write_parquet(tmp_path / "t.parquet")
    with pytest.raises(DataError, match="the target y holds values of type Binary"):
        make_starter(str(tmp_path / "t.parquet"), target="y")


@pytest.mark.parametrize("step", ["days", "months", "uneven", "few"])
def test_rows_at_one_distance_in_time_may_be_a_series(step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    first, count = datetime.date(2019, 1, 1), 30 if step == "few" else 120
    if step == "months":
        days = [datetime.date(2010 + month // 12, month % 12 + 1, 1) for month in range(count)]
    else:
        days = [first + datetime.timedelta(day * day if step == "uneven" else day) for day in range(count)]
    rows = "".join(f"{day},{place % 7 + place / 100:.2f}\n" for place, day in enumerate(days))
    Path("t.csv").write_text("when,sales\n" + rows)
    text = " ".join(make_starter("t.csv", target="sales").text.replace("#", " ").split())
    assert ("`dltrain init --series when`" in text) == (step in ("days", "months"))


def test_what_is_odd_about_pictures_is_said(tmp_path: Path) -> None:
    for place in range(24):
        write_picture(tmp_path / "ab"[place % 2] / f"{place}.png", (9, 9), seed=place)
    (tmp_path / "c").mkdir()
    heard = WarningList(Reporter())
    make_starter(str(tmp_path), reporter=heard)
    [said] = [fault for fault in heard.warnings if "no pictures in" in fault.message and "c: it is no class" in fault.message]
    assert said.code  # as in a fit


def test_the_time_between_two_columns_is_no_riddle(tmp_path: Path):
    """Of a ride whose duration is asked for the end is not known yet."""
    draw = np.random.default_rng(0)
    starts = np.datetime64("2016-01-01T00:00:00") + draw.integers(0, 10**7, 300)
    seconds = draw.integers(100, 3000, 300)
    ends = (starts + seconds).astype("datetime64[us]")
    columns = {
        "begin": starts.astype("datetime64[us]"),
        "end": ends,
        "people": draw.integers(1, 5, 300),
        "rounded": seconds // 60,
    }
    polars.DataFrame(columns).write_csv(tmp_path / "t.csv")
    starter = make_starter(str(tmp_path / "t.csv"), target="rounded", folder=tmp_path)
    assert "rounded is the time from begin to end: end" in starter.text
    assert "drop: [end]" in starter.text
    shuffled = polars.DataFrame({**columns, "rounded": draw.permutation(seconds)})
    shuffled.write_csv(tmp_path / "t.csv")
    assert "the time from" not in make_starter(str(tmp_path / "t.csv"), target="rounded", folder=tmp_path).text


def test_a_target_of_the_second_line_says_that_the_names_stand_there(tmp_path: Path):
    rows = "\n".join(f"{index},{index % 7},{index * 3 % 11},{index % 2}" for index in range(60))
    (tmp_path / "t.csv").write_text(f",X1,X2,Y\nID,LIMIT_BAL,AGE,default payment next month\n{rows}\n")
    starter = make_starter(str(tmp_path / "t.csv"), target="default payment next month", folder=tmp_path)
    assert "skip: 1" in starter.text
    config = load_config_text(starter.text, folder=tmp_path)
    assert load_dataset(config.data, seed=0).columns == ("ID", "LIMIT_BAL", "AGE", "default payment next month")
