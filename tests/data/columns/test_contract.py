"""What holds of every kind of column: it is stored and comes back, and is the same streamed, and in an exported model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars
import pytest

from dltrain.config.types import DataConfig, SplitConfig, TextConfig
from dltrain.data.columns.column import KIND_OF
from dltrain.data.columns.kinds import KINDS
from dltrain.data.raw import RawTable
from dltrain.data.stored import load_preprocessing
from dltrain.data.tables.preprocessing import TablePreprocessing
from tests.data.sources.support import write_picture
from tests.data.streaming import IN_MEMORY, STREAMED, assert_same, error_of, load_as, small_chunks

ROWS = 240
GAPS = 0.1


def written(kind: str, folder: Path, seed: int = 0) -> list[str]:
    """Cells of a text table that are of that kind, some of them empty where that may be."""
    generator = np.random.default_rng(seed)
    draw: dict[str, Any] = {
        "number": lambda: [f"{number:.3f}" for number in generator.normal(40, 9, ROWS)],
        "boolean": lambda: generator.choice(["true", "false"], ROWS).tolist(),
        "date": lambda: (np.datetime64("2019-03-01T07:30") + generator.integers(0, 900_000, ROWS)).astype(str).tolist(),
        "category": lambda: generator.choice(["red", "green", "dark blue", "7", "7.0"], ROWS).tolist(),
        "text": lambda: [" ".join(generator.choice(["a", "good", "bad", "film,", "Ende"], 6)) for _ in range(ROWS)],
        "image": lambda: [str(write_picture(folder / f"{row % 9}.png", (6, 5), seed=row % 9)) for row in range(ROWS)],
    }
    cells = draw[kind]()
    if kind == "image":
        return list(cells)
    return ["" if gap else cell for gap, cell in zip(generator.random(ROWS) < GAPS, cells, strict=True)]


def config_of(kind: str, folder: Path, **options: Any) -> DataConfig:
    generator = np.random.default_rng(1)
    frame = polars.DataFrame({"x": written(kind, folder), "other": generator.normal(size=ROWS), "y": generator.normal(size=ROWS)})
    frame.write_csv(folder / "a.csv")
    arguments = {"image_size": [3, 4]} if kind == "image" else {}
    return DataConfig(
        "csv",
        path=(str(folder / "a.csv"),),
        target=("y",),
        features={"x": kind, "other": None},
        text=TextConfig(output_sequence_length=5),
        split=SplitConfig(test=0.25),
        arguments=arguments,
        **options,
    )


def test_every_kind_that_a_config_can_name_is_here() -> None:
    assert sorted(KIND_OF) == sorted(KINDS)
    assert all(kind.name == name for name, kind in KIND_OF.items())


@pytest.mark.parametrize("name", KINDS)
def test_fitted_stored_and_loaded_it_makes_the_same_numbers(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = config_of(name, tmp_path)
    fitted = load_as(monkeypatch, IN_MEMORY, config)
    fitted.preprocessing.save(tmp_path)
    loaded = load_preprocessing(tmp_path)
    assert loaded == fitted.preprocessing
    assert loaded.schema.inputs == fitted.schema.inputs
    assert loaded.describe() == fitted.preprocessing.describe()
    again = load_as(monkeypatch, IN_MEMORY, config, loaded)
    for part, made in fitted.parts.items():
        for key, values in made.inputs.items():
            assert np.asarray(values).tobytes() == np.asarray(again.parts[part].inputs[key]).tobytes()


@pytest.mark.parametrize("name", KINDS)
def test_streamed_it_is_the_same(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLTRAIN_CACHE", str(tmp_path / "cache"))
    small_chunks(monkeypatch, 512)
    config = config_of(name, tmp_path)
    if name == "image":  # pictures beside numbers are held in memory
        assert error_of(monkeypatch, STREAMED, config).faults[0].path == "data.features"
        return
    assert_same(load_as(monkeypatch, IN_MEMORY, config), load_as(monkeypatch, STREAMED, config))


@pytest.mark.parametrize("name", KINDS)
def test_its_input_is_what_it_says(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = load_as(monkeypatch, IN_MEMORY, config_of(name, tmp_path))
    for spec in dataset.schema.inputs:
        values = np.asarray(dataset.parts["train"].inputs[spec.name])
        assert values.shape[1:] == spec.shape
        assert values.dtype == spec.dtype
        if spec.vocabulary_size is not None:
            assert values.min() >= 0
            assert values.max() < spec.vocabulary_size
    column = next(column for column in load_x(dataset.preprocessing) if column.name == "x")
    assert column.is_embedded == (not column.columns)
    assert not column.by_kind.unit_range(column) or column.kind in ("category", "boolean", "text", "image")


def load_x(preprocessing: object) -> tuple[Any, ...]:
    assert isinstance(preprocessing, TablePreprocessing)
    return preprocessing.features


@pytest.mark.parametrize("name", KINDS)
def test_exported_it_makes_the_same_numbers(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dltrain.evaluation.made_up_rows import make_up
    from dltrain.model.export.raw_model import describe_inputs
    from dltrain.model.export.table_graph import add_columns
    from dltrain.model.keras_import import import_keras

    fitted = load_as(monkeypatch, IN_MEMORY, config_of(name, tmp_path)).preprocessing
    assert isinstance(fitted, TablePreprocessing)
    fitted = replace(fitted, features=tuple(column for column in fitted.features if column.name == "x"))
    (item,) = describe_inputs(fitted, list)
    rows, expected = make_up(fitted, (item,))
    values = rows[item.name]
    if item.words:
        places = {word: place for place, word in enumerate(item.words, start=1)}
        values = np.array([places.get(word, 0) for word in values], np.int32)
    if item.tokenizer is not None:  # how texts become tokens in a graph has tests of its own
        values = item.tokenizer.encode(polars.Series("x", values.tolist(), polars.String))
    made = add_columns(import_keras(), fitted, (item,), {"x": values}, with_text=False)
    assert set(made) == set(expected)
    for key, numbers in expected.items():
        np.testing.assert_allclose(np.asarray(made[key]), np.asarray(numbers), rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize("name", [name for name in KINDS if not KIND_OF[name].what])
def test_what_a_model_puts_out_is_read_back(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = load_as(monkeypatch, IN_MEMORY, config_of(name, tmp_path))
    preprocessing, part = dataset.preprocessing, dataset.parts["train"]
    assert isinstance(preprocessing, TablePreprocessing)
    found = preprocessing.read_back(np.asarray(part.inputs["features"]))
    frame = polars.read_csv(tmp_path / "a.csv", infer_schema=False)[part.row_ids]
    values = preprocessing.read_values(RawTable(frame), with_targets=False).features["x"]
    is_there = ~KIND_OF[name].are_gaps(values)
    if name in ("category", "boolean"):
        words = [word.removesuffix(".0") for word in frame["x"].filter(polars.Series(is_there))]
        assert [word for word, there in zip(found["x"], is_there, strict=True) if there] == words
    else:
        numbers = found["x year"] if name == "date" else found["x"]
        known = values.dt.year().to_numpy() if name == "date" else values
        np.testing.assert_allclose(numbers[is_there], known[is_there], rtol=1e-5)
