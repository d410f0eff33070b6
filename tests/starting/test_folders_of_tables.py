"""`init` on a folder of tables: one called the training part is learned from, and those like it are the other parts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars
import pytest

from dltrain.config import load_config_text
from dltrain.data.load import load_dataset
from dltrain.errors import UsageError
from dltrain.reporting import Reporter
from dltrain.starting.start import make_starter


class Heard(Reporter):
    """Keeps the warnings."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warning(self, text: str) -> None:
        self.warnings.append(text)


def table(rows: int, seed: int) -> polars.DataFrame:
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(rows, 2)).round(3)
    return polars.DataFrame({"a": x[:, 0], "b": x[:, 1], "y": (x.sum(axis=1) + draw.normal(size=rows) > 0).astype(int)})


def start(folder: Path) -> tuple[str, Sequence[str]]:
    heard = Heard()
    return make_starter(str(folder), target="y", folder=folder.parent, reporter=heard).text, heard.warnings


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize("names", [("train", "test"), ("train", "valid", "test"), ("cars_train", "cars_test")])
def test_tables_called_parts_are_parts(names: tuple[str, ...], ending: str, tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    for number, name in enumerate(names):
        frame = table(120 if number == 0 else 40, number)
        frame.write_csv(tmp_path / "d" / "t.csv") if ending == "csv" else frame.write_parquet(tmp_path / "d" / "t.parquet")
        (tmp_path / "d" / f"t.{ending}").rename(tmp_path / "d" / f"{name}.{ending}")
    text, warnings = start(tmp_path / "d")
    data = load_config_text(text, folder=tmp_path).data
    assert not warnings
    assert [Path(path).stem for path in (*data.path, *data.validation, *data.test)] == [*names]
    parts = load_dataset(data, seed=0).parts
    assert parts["test"].num_rows == 40
    assert ("validation" in parts) == (len(names) == 3 or "folds" not in text)
    assert parts["train"].num_rows in ((120,) if len(names) == 3 or "folds" in text else (96,))


def test_a_table_without_the_target_is_no_part(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    table(120, 0).write_csv(tmp_path / "d" / "train.csv")
    table(40, 1).drop("y").write_csv(tmp_path / "d" / "test.csv")
    table(40, 1).select("y").write_csv(tmp_path / "d" / "sample_submission.csv")
    text, warnings = start(tmp_path / "d")
    data = load_config_text(text, folder=tmp_path).data
    assert [Path(path).name for path in data.path] == ["train.csv"]
    assert not data.test
    assert warnings == ["d/train.csv is learned from; sample_submission.csv, test.csv beside it are not"]


def test_tables_of_other_names_are_read_as_one(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    for number in range(3):
        table(40, number).write_csv(tmp_path / "d" / f"day{number}.csv")
    text, warnings = start(tmp_path / "d")
    assert "d/*.csv" in text
    assert not warnings


def test_tables_of_other_columns_are_not_read_as_one(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    table(40, 0).write_csv(tmp_path / "d" / "bank.csv")
    table(40, 1).drop("b").write_csv(tmp_path / "d" / "bank_full.csv")
    with pytest.raises(UsageError, match=r"different columns, such as bank.csv and bank_full.csv.*dltrain init .*bank.csv"):
        start(tmp_path / "d")
