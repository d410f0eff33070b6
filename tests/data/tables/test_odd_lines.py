"""Lines that a program wrote in a manner of its own: whole within quotes, or ending in separators. The table is the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dltrain.config import load_config_text
from dltrain.config.types import DataConfig
from dltrain.data import load_dataset
from dltrain.data.arrays.disk_array import in_memory, rows_in_memory
from dltrain.data.load import Dataset
from dltrain.errors import DataError
from dltrain.starting.start import make_starter
from tests.data.streaming import IN_MEMORY, STREAMED, load_as

MODEL = "model: {layers: [{Dense: {units: 2}}]}\ntraining: {epochs: 1}\n"
HEADER = "x,k,name,y"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def rows(separator: str = ",") -> list[str]:
    numbers = np.random.default_rng(0).normal(size=(40, 3)).round(3)
    cells = [(x, round(k), f'"{"small" if x < 0 else "a, big"} one"', y) for x, k, y in numbers]
    return [separator.join(map(str, row)) for row in cells]


def read(text: str) -> DataConfig:
    return load_config_text(text, folder=Path()).data


def whole(line: str) -> str:
    return '"' + line.replace('"', '""') + '"'


def parts_of(dataset: Dataset) -> dict[str, np.ndarray]:
    return {name: np.asarray(part.inputs["features"]) for name, part in dataset.parts.items()}


def config(path: str) -> str:
    return f"data: {{source: csv, path: {path}, target: y, features: [x, k, name], split: {{test: 0.25}}}}\n{MODEL}"


WRITTEN: dict[str, Callable[[list[str]], list[str]]] = {
    "rows within quotes": lambda lines: [lines[0], *map(whole, lines[1:])],
    "all lines within quotes": lambda lines: [*map(whole, lines)],
    "some rows within quotes": lambda lines: [lines[0], *(whole(line) if "small" in line else line for line in lines[1:])],
    "rows that end in a separator": lambda lines: [lines[0], *(f"{line}," for line in lines[1:])],
    "rows that end in two": lambda lines: [lines[0], *(f"{line},," for line in lines[1:])],
}


@pytest.mark.parametrize("bound", [IN_MEMORY, STREAMED], ids=["in memory", "streamed"])
@pytest.mark.parametrize("write", WRITTEN.values(), ids=WRITTEN)
def test_the_table_is_that_of_plain_lines(
    write: Callable[[list[str]], list[str]], bound: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [HEADER, *rows()]
    Path("plain.csv").write_text("\n".join([*lines, ""]))
    Path("odd.csv").write_text("\r\n".join([*write(lines), ""]))
    plain = load_as(monkeypatch, IN_MEMORY, read(config("plain.csv")))
    odd = load_as(monkeypatch, IN_MEMORY, read(config("odd.csv")))
    assert load_as(monkeypatch, bound, read(config("odd.csv"))).preprocessing.features == odd.preprocessing.features
    for name, inputs in parts_of(plain).items():
        np.testing.assert_array_equal(parts_of(odd)[name], inputs)


@pytest.mark.parametrize("write", WRITTEN.values(), ids=WRITTEN)
def test_init_reads_them_as_a_fit_does(write: Callable[[list[str]], list[str]]) -> None:
    Path("t.csv").write_text("\n".join([*write([HEADER, *rows()]), ""]))
    text = make_starter("t.csv", target="y").text
    assert "skip" not in text
    found = read(text)
    dataset = load_dataset(found, seed=0)
    assert {column.name for column in dataset.preprocessing.features} == {"x", "k", "name"}


def test_quotes_that_are_left_out_are_said() -> None:
    Path("t.csv").write_text("\n".join([HEADER, *map(whole, rows())]))
    assert "the quotes around whole lines left out" in " ".join(load_dataset(read(config("t.csv")), seed=0).summary)


@pytest.mark.parametrize(
    "lines",
    [
        ["review", *(f'"Tom, number {row}, was here"' for row in range(20))],
        ['"a, title"', *(f'"{"x, " * (row % 3)}a text"' for row in range(20))],
    ],
    ids=["one column of texts with commas", "texts of some commas each"],
)
def test_quoted_texts_of_one_column_stay_texts(lines: list[str]) -> None:
    Path("t.csv").write_text("\n".join(lines))
    data = "data: {source: csv, path: t.csv, target: y, columns: [y], split: {test: 0.25}}\n"
    with pytest.raises(DataError) as caught:
        load_dataset(read(data + MODEL), seed=0)
    assert "names 1 columns" not in str(caught.value)


def test_values_behind_those_of_the_header_are_refused() -> None:
    lines = [f"{number % 3},{number},small,{number / 7:.2f},{number % 2 or ''}" for number in range(40)]
    Path("t.csv").write_text("\n".join([HEADER, *lines]))
    with pytest.raises(DataError, match="the rows have 5 values each, the header names 4"):
        load_dataset(read(config("t.csv")), seed=0)


@pytest.mark.parametrize("bound", [IN_MEMORY, STREAMED], ids=["in memory", "streamed"])
@pytest.mark.parametrize("guard", ['="{}"', '"=""{}"""'], ids=["bare", "within quotes"])
def test_what_keeps_a_spreadsheet_from_numbers_is_no_text(guard: str, bound: str, monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).normal(size=40).round(3)
    codes = [f"{row % 4:03}" for row in range(40)]
    lines = [f"{guard.format(code)},{guard.format(x)},{x * 2:.3f}" for code, x in zip(codes, values, strict=True)]
    Path("t.csv").write_text("\n".join([f"code,{guard.format('x')},y", *lines]) + "\n")
    text = f"data: {{source: csv, path: t.csv, target: y, scale: none, split: {{test: 0.25}}}}\n{MODEL}"
    dataset = load_as(monkeypatch, bound, read(text))
    assert dataset.resolved["data.features"] == {"code": "category", "x": "number"}
    for part in dataset.parts.values():
        rows = rows_in_memory(part.inputs["features"], np.arange(part.num_rows))
        number = next(column for column in rows.T if len(np.unique(column)) > 2)
        np.testing.assert_array_equal(number, np.float32(values)[in_memory(part.row_file) if part.row_file else part.row_ids])
