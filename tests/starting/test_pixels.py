"""Columns that are the pixels of pictures: `init` sees that they are, and every column stays at its place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars
import pytest
from sklearn.datasets import load_digits

from dltrain.cli.app import run as command
from dltrain.config import Config, load_config_text
from dltrain.config.types import DataConfig, SeriesConfig, SplitConfig
from dltrain.data import load_dataset
from dltrain.data.arrays.disk_array import in_memory
from dltrain.starting.pictures import side_of_pixels
from tests.data.streaming import IN_MEMORY, STREAMED, assert_same, load_as, small_chunks


def written(path: Path, columns: np.ndarray, names: list[str]) -> Path:
    np.savetxt(path, columns, fmt="%g", delimiter=",", header=",".join(names), comments="")
    return path


def begun(path: Path, *arguments: str) -> Config:
    config = path.with_name("c.yaml")
    assert command(["init", str(path), *arguments, "-o", str(config)]) == 0
    return load_config_text(config.read_text(), folder=path.parent)


def test_digits_of_a_table_go_through_convolutions(tmp_path: Path) -> None:
    digits = load_digits()
    path = written(tmp_path / "t.csv", np.c_[digits.target, digits.data], ["label", *digits.feature_names])
    config = begun(path, "--target=label")
    assert (config.data.constant_columns, config.data.scale, config.data.drop, config.data.task) == (
        "keep",
        "none",
        (),
        "classification",
    )
    names = [layer.component.name for layer in config.model.layers]
    assert names[:3] == ["Reshape", "Rescaling", "Conv2D"]
    assert config.model.layers[0].component.arguments["target_shape"] == [8, 8, 1]
    assert config.model.layers[1].component.arguments["scale"] == 1 / 16
    data = load_dataset(config.data, seed=0)
    [spec] = data.schema.inputs
    assert spec.columns == tuple(digits.feature_names)  # pixel_0_0 is 0 in every row
    test = data.parts["test"]
    assert np.array_equal(in_memory(test.inputs[spec.name]), digits.data[test.row_ids])
    # The small net of `--simple` learns from the columns as from any others.
    simple = begun(path, "--target=label", "--simple", "--force")
    assert simple.data.constant_columns == "drop"
    assert "pixel_0_0" in simple.data.drop


def test_a_file_without_a_header_whose_first_column_is_what_the_pictures_show(tmp_path: Path) -> None:
    digits = load_digits()
    path = tmp_path / "t.csv"
    np.savetxt(path, np.c_[digits.target, digits.data], fmt="%d", delimiter=",")
    config = begun(path, "--target=1")
    assert (config.data.task, config.data.constant_columns) == ("classification", "keep")
    assert "few whole numbers beside pictures" in (tmp_path / "c.yaml").read_text()


def test_other_columns_are_no_pixels() -> None:
    random = np.random.default_rng(0)
    phase = random.uniform(0, 6, (300, 1))
    time = np.arange(144)
    pictures = load_digits().data
    others = {
        "noise": random.normal(size=(300, 144)),
        "random walks": np.cumsum(random.normal(size=(300, 144)), axis=1),
        "waves as long as a line": np.sin(2 * np.pi * time / 12 + phase),
        "waves": np.sin(2 * np.pi * time / 13.1 + phase),
        "one factor behind all": random.normal(size=(300, 1)) + random.normal(size=(300, 144)),
        "pixels in another order": pictures[:, random.permutation(64)],
        "not square": pictures[:, :63],
        "with gaps": np.where(pictures == 3, np.nan, pictures),
        "no rows": pictures[:0],
    }
    assert {name: side_of_pixels(values) for name, values in others.items()} == dict.fromkeys(others)
    assert side_of_pixels(pictures) == 8


@pytest.mark.parametrize("scale", ["none", "standard", "minmax"])
def test_columns_that_do_not_vary_stay_where_they_are_kept(scale: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_chunks(monkeypatch, 1000)
    monkeypatch.setenv("DLTRAIN_CACHE", str(tmp_path / "cache"))
    values = np.random.default_rng(0).integers(0, 9, (300, 4))
    values[:, 1] = 7
    path = written(tmp_path / "t.csv", np.c_[values, values[:, 0] > 4], ["a", "b", "c", "d", "y"])
    options = {"target": ("y",), "task": "classification", "split": SplitConfig(test=0.25), "scale": scale}
    config = DataConfig("csv", path=(str(path),), constant_columns="keep", **options)  # type: ignore[arg-type]
    kept = load_as(monkeypatch, IN_MEMORY, config)
    assert_same(kept, load_as(monkeypatch, STREAMED, config))
    [spec] = kept.schema.inputs
    assert spec.columns == ("a", "b", "c", "d")
    b = in_memory(kept.parts["train"].inputs[spec.name])[:, 1]
    assert (b == (7 if scale == "none" else 0)).all()
    [spec] = load_dataset(DataConfig("csv", path=(str(path),), **options), seed=0).schema.inputs  # type: ignore[arg-type]
    assert spec.columns == ("a", "c", "d")


def test_a_series_keeps_a_column_that_does_not_vary(tmp_path: Path) -> None:
    path = written(tmp_path / "t.csv", np.c_[np.arange(100), np.full(100, 7), np.arange(100) % 9], ["t", "a", "y"])
    for constant, columns in (("keep", ("a", "y")), ("drop", ("y",))):
        series = SeriesConfig(time=("t",), history=4)
        config = DataConfig("csv", path=(str(path),), target=("y",), features={"a": "number", "y": "number"}, series=series,
                            constant_columns=constant, split=SplitConfig(test=0.2))  # fmt: skip
        assert load_dataset(config, seed=0).schema.inputs[0].columns == columns


def test_a_reshape_of_fewer_columns_says_how_to_keep_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    values = np.random.default_rng(0).integers(0, 9, (100, 4))
    values[:, 1] = 7
    path = written(tmp_path / "t.csv", np.c_[values, values[:, 0] > 4], ["a", "b", "c", "d", "y"])
    config = tmp_path / "c.yaml"
    config.write_text(
        f"data: {{source: csv, path: {path}, target: y, task: classification}}\n"
        "model: {layers: [{Reshape: {target_shape: [2, 2, 1]}}, Flatten]}\ntraining: {epochs: 1}\n"
    )
    assert command(["fit", str(config), "--runs", str(tmp_path / "runs")]) == 2
    assert "data.constant_columns: keep" in capsys.readouterr().err
    assert command(["fit", str(config), "--runs", str(tmp_path / "runs"), "data.constant_columns=keep"]) == 0


@pytest.mark.parametrize("written_as", ["{}", "[{}]", "({})", "[ {} ]"])
def test_a_cell_that_holds_a_list_of_numbers_is_no_text(
    written_as: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    digits = load_digits()
    separator = " " if written_as != "({})" else ", "
    cells = [written_as.format(separator.join(f"{value:g}" for value in row)) for row in digits.data[:200]]
    frame = polars.DataFrame({"label": digits.target[:200], "pixels": cells})
    frame.write_csv(tmp_path / "t.csv")
    assert command(["init", str(tmp_path / "t.csv"), "--target=label"]) == 3
    error = capsys.readouterr().err
    assert "lists of 64 numbers" in error
    # What the hint says makes a table of which each number is a column.
    monkeypatch.chdir(tmp_path)
    exec(error.split('`python -c "')[1].split('"`')[0], {})
    wide = polars.read_parquet("t_apart.parquet")
    assert np.array_equal(wide.drop("label").cast(float).to_numpy(), digits.data[:200])
    wide.write_csv(tmp_path / "wide.csv")
    assert begun(tmp_path / "wide.csv", "--target=label").data.constant_columns == "keep"
    # Lists of other lengths are words in a row, as those of goods that a customer looked at.
    frame.with_columns(polars.col("pixels").str.head(80 + polars.col("label"))).write_csv(tmp_path / "t.csv")
    assert begun(tmp_path / "t.csv", "--target=label", "--force").data.features == {"pixels": "text"}
