"""Real tables: an untouched `dltrain init` and `dltrain fit`, beside scikit-learn's boosted trees and linear models.

    python -m tests.benchmarks.tables [--data FOLDER] [--only NAME …] [--seeds 2] [--set KEY=VALUE …] [--json FILE]

The folder (by default `$DLTRAIN_DATA`) holds `tabular/NAME/…`. For each seed a quarter of the rows is drawn for the test; init
sees the others alone, and the fit takes what it wrote. The metric is the AUC (more is better) or the root mean squared error
(less is better) of the same test rows; seconds are those of the whole command `dltrain fit`, and of scikit-learn's `fit`, MB the
most memory that the command had. `--catboost` adds CatBoost with its defaults, where it is installed; `--time` is init's. Trees
take categories as such; linear models standardized numbers and one column for each category. The mean rank at the end is over all
tables and seeds. `--set` gives further words to the fit, to see what a key changes.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.support import REPOSITORY

TEST = 0.25


@dataclass(frozen=True)
class Table:
    """A file, what to predict, and the columns that would give it away or only name the rows."""

    file: str
    target: str
    drop: tuple[str, ...] = ()
    separator: str = ","
    header: bool = True


TABLES = {
    "titanic": Table("titanic/train.csv", "Survived", ("PassengerId", "Name", "Ticket")),
    "pima_diabetes": Table("pima_diabetes/pima-indians-diabetes.csv", "column_8", header=False),
    "telco_churn": Table("telco_churn/WA_Fn-UseC_-Telco-Customer-Churn.csv", "Churn", ("customerID",)),
    "bank_marketing": Table("bank_marketing/bank.csv", "y", separator=";"),
    "adult": Table("adult/adult-train.csv", "column_14", header=False),
    "concrete": Table("concrete/concrete_data.csv", "Strength"),
    "hourly_wages": Table("hourly_wages/hourly_wages_all534.csv", "wage_per_hour"),
    "ames_housing": Table("ames_housing/AmesHousing2.csv", "SalePrice", ("Order", "PID")),
    "wine_quality": Table("wine_quality/winequality-white_with_header.csv", "quality", separator=";"),
    "employee_salaries": Table("employee_salaries/employee_salaries.csv", "current_annual_salary"),
    "car_prices_msrp": Table("car_prices_msrp/car_data.csv", "MSRP"),
    "california_housing": Table("california_housing/housing.csv", "median_house_value"),
    "bike_sharing": Table("bike_sharing/bike_sharing.csv", "cnt", ("instant", "casual", "registered")),
}


def split_table(table: Table, folder: Path, data: Path, seed: int) -> tuple[Any, Any]:
    """Frames of text to train and to test on, written as CSV as well."""
    import polars

    frame = polars.read_csv(
        data / "tabular" / table.file, separator=table.separator, has_header=table.header, infer_schema_length=0
    )
    frame = frame.rename({name: name.strip("\ufeff ") for name in frame.columns}).drop(table.drop)
    frame = frame.with_columns(polars.all().str.strip_chars()).filter(polars.col(table.target).is_not_null())
    order = np.random.default_rng(seed).permutation(frame.height)
    count = round(TEST * frame.height)
    test, train = frame[order[:count].tolist()], frame[order[count:].tolist()]
    train.write_csv(folder / "train.csv")
    test.write_csv(folder / "test.csv")
    return train, test


def run(folder: Path, *words: str) -> float:
    """Run `dltrain`; returns the most memory that it had, in MB."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "DLTRAIN_CACHE": str(folder / "cache")}
    command = [sys.executable, "-m", "dltrain", *words]
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=said, stderr=said)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            raise SystemExit(f"{' '.join(command)} ended with {process.returncode}:\n{said.read()}")
    return usage.ru_maxrss / 1024


def of_dltrain(folder: Path, table: Table, seed: int, words: list[str], init: list[str]) -> tuple[Any, float, float]:
    """Predictions of the test rows, seconds and MB of the fit."""
    import polars

    run(folder, "init", "train.csv", "--target", table.target, "-o", "c.yaml", *init)
    # The same rows for all: init's own test part is left to training.
    own = ["data.split.test=null", "data.test=test.csv", f"seed={seed}", *words]
    started = time.perf_counter()
    memory = run(folder, "fit", "c.yaml", *own, "--run-dir", "run", "-q")
    seconds = time.perf_counter() - started
    run(folder, "predict", "run", "--data", "test.csv", "-o", "predictions.csv", "-q")
    return polars.read_csv(folder / "predictions.csv", infer_schema_length=None), seconds, memory


def of_scikit_learn(name: str, train: Any, test: Any, table: Table, classes: list[str]) -> tuple[np.ndarray, float]:
    """Predictions of the test rows and seconds of the fit, by `trees`, a `linear` model or `catboost`."""
    import pandas
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression, RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

    both = pandas.DataFrame({name: [*train[name], *test[name]] for name in train.columns if name != table.target})
    numbers, words = [], []
    for column in both.columns:
        values = pandas.to_numeric(both[column], errors="coerce")
        if values.notna().sum() >= 0.9 * both[column].notna().sum():
            both[column] = values
            numbers.append(column)
            continue
        moments = pandas.to_datetime(both[column], errors="coerce", format="mixed") if "date" in column else None
        if moments is not None and moments.notna().mean() > 0.9:
            for part in ("year", "month", "day", "weekday", "hour"):
                both[f"{column} {part}"] = getattr(moments.dt, part).astype(float)
                numbers.append(f"{column} {part}")
            continue
        both[column] = both[column].fillna("")
        words.append(column)
    x, x_test = both[: train.height], both[train.height :]
    y = (train[table.target] == classes[1]).to_numpy() if classes else train[table.target].cast(float).to_numpy()
    if name == "catboost":
        used = [*words, *numbers]  # a date is its parts, and no number itself
        return of_catboost(x[used], y, x_test[used], words, is_class=bool(classes))
    if name == "trees":
        few = [word for word in words if x[word].nunique() <= 200]
        ordinal = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
        prepared = make_column_transformer((ordinal, words), ("passthrough", numbers), verbose_feature_names_out=False)
        kind = HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor
        places = [index for index, word in enumerate(words) if word in few]
        model = make_pipeline(prepared, kind(categorical_features=places, random_state=0))
    else:
        one_hot = OneHotEncoder(handle_unknown="ignore", min_frequency=2)
        filled = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
        prepared = make_column_transformer((one_hot, words), (filled, numbers))
        model = make_pipeline(prepared, LogisticRegression(max_iter=1000) if classes else RidgeCV(np.logspace(-2, 3, 6)))
    started = time.perf_counter()
    model.fit(x, y)
    seconds = time.perf_counter() - started
    return model.predict_proba(x_test)[:, 1] if classes else model.predict(x_test), seconds


def of_catboost(x: Any, y: Any, x_test: Any, words: list[str], *, is_class: bool) -> tuple[np.ndarray, float]:
    """The same by CatBoost, which no one else needs."""
    import catboost

    kind = catboost.CatBoostClassifier if is_class else catboost.CatBoostRegressor
    model = kind(cat_features=words, random_seed=0, verbose=False, allow_writing_files=False)
    started = time.perf_counter()
    model.fit(x, y)
    seconds = time.perf_counter() - started
    return model.predict_proba(x_test)[:, 1] if is_class else model.predict(x_test), seconds


def measure(name: str, seed: int, data: Path, words: list[str], init: list[str], others: tuple[str, ...]) -> dict[str, Any]:
    """Metric and seconds of each way: of dltrain, and of the others."""
    from sklearn.metrics import roc_auc_score, root_mean_squared_error

    table = TABLES[name]
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        train, test = split_table(table, folder, data, seed)
        found, seconds, memory = of_dltrain(folder, table, seed, words, init)
        labels = [column.removeprefix("probability_") for column in found.columns if column.startswith("probability_")]
        true = (test[table.target] == labels[1]).to_numpy() if labels else test[table.target].cast(float).to_numpy()
        values = found[f"probability_{labels[1]}" if labels else "prediction"].to_numpy()
        score = roc_auc_score if labels else root_mean_squared_error
        ways = {"dltrain": (float(score(true, values)), seconds)}
        for way in others:
            values, seconds = of_scikit_learn(way, train, test, table, labels)
            ways[way] = float(score(true, values)), seconds
    return {"table": name, "seed": seed, "metric": "AUC" if labels else "RMSE", "rows": train.height, "MB": memory, "ways": ways}


def ranks(result: dict[str, Any]) -> dict[str, int]:
    """1 for the best way."""
    best_first = sorted(result["ways"], key=lambda way: result["ways"][way][0] * (-1 if result["metric"] == "AUC" else 1))
    return {way: place for place, way in enumerate(best_first, 1)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("DLTRAIN_DATA", "data"))
    parser.add_argument("--only", nargs="+", choices=sorted(TABLES), default=list(TABLES))
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--set", nargs="+", default=[], help="further words for the fit")
    parser.add_argument("--alone", action="store_true", help="leave scikit-learn out")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--catboost", action="store_true", help="CatBoost as well")
    parser.add_argument("--time", help="what init may plan for")
    given = parser.parse_args()
    others = () if given.alone else ("trees", "linear", *(["catboost"] if given.catboost else []))
    init = ["--time", given.time] if given.time else []
    results = []
    heads = "".join(f"{way:>14} {'s':>6}" for way in ("dltrain", *others))
    print(f"{'table':20} {'rows':>6} {'seed':>4}       {heads} {'MB':>6}")
    for name in given.only:
        for seed in range(given.seeds):
            result = measure(name, seed, given.data, given.set, init, others)
            results.append(result)
            cells = "".join(f"{value:14.5g} {seconds:6.1f}" for value, seconds in result["ways"].values())
            print(f"{name:20} {result['rows']:6} {seed:4}  {result['metric']:4} {cells} {result['MB']:6.0f}", flush=True)
    places = [ranks(result) for result in results]
    means = {way: float(np.mean([place[way] for place in places])) for way in places[0]}
    print("mean rank: " + ", ".join(f"{way} {rank:.2f}" for way, rank in means.items()))
    if given.json:
        given.json.write_text(json.dumps({"results": results, "mean_rank": means}, indent=1))


if __name__ == "__main__":
    main()
