"""A cell of very many characters takes no longer than its length: no pattern goes back and forth over it."""

from __future__ import annotations

import time

import pytest

from dltrain.config import load_config_text
from dltrain.data import load_dataset
from dltrain.data.columns.number_signs import _Column
from dltrain.data.tables.units_row import _FIGURE
from dltrain.evaluation.predictions.files import neutralize
from dltrain.wording import without_credentials

NUMBER = 50_000  # quadratic: at least ten seconds
CONFIG = """
name: long
data: {source: csv, path: t.csv, target: y, split: {test: 0.3}}
model: {layers: [{Dense: {units: 2}}]}
"""


@pytest.fixture(autouse=True)
def _at_once():
    began = time.process_time()
    yield
    assert time.process_time() - began < 2


@pytest.mark.parametrize("cell", ["m" * NUMBER, "m/" * NUMBER, "[" * NUMBER, "m " * NUMBER])
def test_a_line_of_units(cell: str, tmp_path) -> None:
    rows = [f"{index},{index * 7 % 11}" for index in range(40)]
    (tmp_path / "t.csv").write_text("\n".join(["x,y", f"{cell},kg", *rows]) + "\n")
    text = load_config_text(CONFIG, file="c.yaml", folder=tmp_path)
    dataset = load_dataset(text.data, seed=0)
    assert sum(part.num_rows for part in dataset.parts.values()) == 40
    assert max(map(len, dataset.warnings), default=0) < 1000


@pytest.mark.parametrize("cell", ["0" * NUMBER + "x", "1" + " " * NUMBER + "x", " " * NUMBER + "x", "1." * NUMBER, "m" * NUMBER])
def test_numbers(cell: str) -> None:
    assert _Column.of(["a", *["1,5"] * 30, cell]) is not None
    assert _FIGURE.match(" " * NUMBER + "x") is None
    assert neutralize("+" + "0" * NUMBER + "x").startswith("'+")


def test_text_that_is_told() -> None:
    assert without_credentials("a" * NUMBER) == "a" * NUMBER
    assert without_credentials("?" + "token" * NUMBER) == "?" + "token" * NUMBER
    assert without_credentials("s3://me:secret@host/x?token=abc") == without_credentials("s3://me:other@host/x?token=abd")
