"""Tables as people publish them load without options beyond the target, with kinds that make sense."""

import pytest

from dltrain.config.types import DataConfig, SplitConfig
from dltrain.data import Dataset, load_dataset
from tests.support import shared_data

ADULT_NAMES = (
    "age workclass fnlwgt education education_num marital_status occupation relationship race sex "
    "capital_gain capital_loss hours_per_week native_country income"
)
ADULT = tuple(ADULT_NAMES.split(" "))


def load(name: str, target: str, **options: object) -> Dataset:
    given = {"split": SplitConfig(test=0.25, validation=0.2), **options}
    return load_dataset(DataConfig("csv", path=(str(shared_data(f"tabular/{name}")),), target=(target,), **given), seed=0)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "target", "task", "width", "kinds"),
    [
        ("ames_housing/AmesHousing2.csv", "SalePrice", "regression", None, {"Lot Frontage": "number", "MS SubClass": "category"}),
        ("bank_marketing/bank-additional-full.csv", "y", "classification", 63, {"euribor3m": "number", "job": "category"}),
        ("bank_marketing/bank-full.csv", "y", "classification", 51, {"balance": "number", "month": "category"}),
        ("california_housing/housing.csv", "median_house_value", "regression", 14, {"ocean_proximity": "category"}),
        ("car_prices_msrp/car_data.csv", "MSRP", "regression", None, {"Model": "category", "Engine HP": "number"}),
        ("concrete/concrete_data.csv", "Strength", "regression", 8, {"Cement": "number"}),
        ("employee_salaries/employee_salaries.csv", "current_annual_salary", "regression", None, {"date_first_hired": "date"}),
        ("hourly_wages/hourly_wages.csv", "wage_per_hour", "regression", 9, {"union": "number"}),
        ("telco_churn/WA_Fn-UseC_-Telco-Customer-Churn.csv", "Churn", "classification", 46, {"TotalCharges": "number"}),
        ("titanic/train.csv", "Survived", "classification", 12, {"Age": "number", "Sex": "category"}),
        ("titanic/titanic_all_numeric_datacamp.csv", "survived", "classification", 10, {"age_was_missing": "boolean"}),
        ("titanic/titanic_seaborn.csv", "survived", "classification", None, {"alone": "boolean", "deck": "category"}),
        ("wine_quality/winequality-white_with_header.csv", "quality", "regression", 11, {"pH": "number"}),
    ],
)
def test_table(name: str, target: str, task: str, width: int | None, kinds: dict[str, str]) -> None:
    dataset = load(name, target)
    assert dataset.schema.targets[0].task == task
    assert kinds.items() <= dataset.resolved["data.features"].items()
    if width is not None:
        assert dataset.schema.inputs[0].shape == (width,)


def test_names_and_tickets_are_left_out_and_said() -> None:
    dataset = load("titanic/train.csv", "Survived")
    assert set(dataset.resolved["data.features"]) == {"Pclass", "Sex", "Age", "SibSp", "Parch", "Fare", "Embarked"}
    (line,) = [line for line in dataset.summary if line.startswith("left out")]
    assert all(name in line for name in ("PassengerId", "Name", "Ticket", "Cabin"))


def test_adult_with_its_own_test_file() -> None:
    load("hourly_wages/hourly_wages.csv", "wage_per_hour")
    dataset = load(
        "adult/adult-train.csv",
        "income",
        columns=ADULT,
        test=(str(shared_data("tabular/adult/adult-test.csv")),),
        replace={"income": {"<=50K.": "<=50K", ">50K.": ">50K"}},
        split=SplitConfig(),
    )
    assert dataset.schema.inputs[0].shape == (108,)
    assert {name: part.num_rows for name, part in dataset.parts.items()} == {"train": 32_561, "test": 16_281}
    assert dataset.summary[0] == 'adult-train.csv: 32,561 rows, 15 columns (separator ", ")'
    assert "6 numbers (standard), 8 categories (one-hot, 102 columns)" in " ".join(dataset.summary)


def test_bike_sharing_by_time() -> None:
    dataset = load("bike_sharing/bike_sharing.csv", "cnt", split=SplitConfig(time="date", test=0.2))
    assert dataset.parts["train"].row_ids.max() < dataset.parts["test"].row_ids.min()
    assert "date" not in dataset.resolved["data.features"]
    assert "instant" not in dataset.resolved["data.features"]
