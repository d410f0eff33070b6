"""Columns with odd names and of odd types: lists, durations, bytes."""

from __future__ import annotations

import datetime
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars
import pytest
from PIL import Image

from dltrain.cli.app import run as command
from dltrain.config import load_config_text
from dltrain.data import load_dataset
from dltrain.errors import DataError
from dltrain.starting.start import make_starter
from tests.starting.test_signs import VALUES, column


@pytest.mark.parametrize("name", ["^a$", "*", "^.*$"])
def test_a_name_that_polars_takes_for_a_pattern_hides_no_unit(name: str, tmp_path: Path) -> None:
    lines = [f"{'n. v.' if row % 4 == 0 else f'{row} kg'},{row % 3},{row}" for row in range(60)]
    expected = np.where(np.arange(60) % 4 == 0, np.nan, np.arange(60))
    np.testing.assert_array_equal(column(tmp_path, f"{name},b,y\n" + "\n".join(lines), "y", name), expected)


ODD_COLUMNS = {
    "lists": [[row] for row in range(60)],
    "durations": [datetime.timedelta(seconds=row) for row in range(60)],
    "bytes": [b"\xff%d" % row for row in range(60)],
}


@pytest.mark.parametrize("kind", ODD_COLUMNS)
def test_a_column_without_words_is_no_label_and_no_file_of_pictures(kind: str, tmp_path: Path, capsys) -> None:
    odd, ones = polars.Series("k", ODD_COLUMNS[kind]), [row % 2 for row in range(60)]
    polars.DataFrame([odd, polars.Series("x", VALUES), polars.Series("z", ones)]).write_parquet(tmp_path / "t.parquet")
    assert command(["init", str(tmp_path / "t.parquet"), "--target=k,z"]) == 2
    assert re.search(r"[kz] of .* something else", capsys.readouterr().err)
    for name in ("a", "b"):
        Image.new("L", (8, 8), ord(name)).save(tmp_path / f"{name}.png")
    table = polars.DataFrame([polars.Series("file", ["a.png", "b.png"] * 30), odd, polars.Series("y", ["u", "v"] * 30)])
    table.write_parquet(tmp_path / "p.parquet")
    data = {"source": "image_folder", "path": "p.parquet", "target": "y", "image_size": [8, 8], "split": {"test": 0.2}}
    config = load_config_text(json.dumps({"name": "n", "data": data, "model": {"layers": ["Flatten"]}}), folder=tmp_path)
    assert sum(len(part.row_ids) for part in load_dataset(config.data, seed=0).parts.values()) == 60


@pytest.mark.parametrize("written_as", ["text", "lists", "arrays"])
def test_lists_of_few_numbers_are_left_out_with_the_command_that_makes_columns_of_them(
    written_as: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    draw = np.random.default_rng(0).normal(size=(60, 2)).round(3)
    cells = {
        "text": polars.Series("e", [str(row) for row in draw.tolist()]),
        "lists": polars.Series("e", draw.tolist()),
        "arrays": polars.Series("e", draw, polars.Array(polars.Float64, 2)),
    }[written_as]
    frame = polars.DataFrame([cells, polars.Series("x", VALUES), polars.Series("y", ["u", "v"] * 30)])
    frame.write_csv("t.csv") if written_as == "text" else frame.write_parquet("t.parquet")
    file = "t.csv" if written_as == "text" else "t.parquet"
    data = {"source": file[2:], "path": file, "target": "y", "split": {"test": 0.2}}
    config = load_config_text(json.dumps({"data": data, "model": {"layers": []}}), folder=tmp_path).data
    dataset = load_dataset(config, seed=0)
    [said] = [note for note in dataset.warnings if "lists of 2 numbers" in note]
    assert dataset.parts["train"].inputs["features"].shape == (48, 1)
    exec(re.findall(r'`python -c "(.*)"` makes columns of them', said.replace(str(tmp_path) + "/", ""))[0], {})
    apart = polars.read_parquet("t_apart.parquet")
    np.testing.assert_array_equal(apart.select("e_0", "e_1").cast(float).to_numpy(), draw)
    named = load_config_text(json.dumps({"data": data | {"features": ["e"]}, "model": {"layers": []}}), folder=tmp_path).data
    with pytest.raises(DataError) as error:
        load_dataset(named, seed=0)
    [fault] = error.value.faults
    assert "lists of 2 numbers" in fault.message
    assert "makes columns of them" in str(fault.hint)


@pytest.mark.parametrize(
    ("separator", "comma", "encoding"),
    [(";", ".", "utf-8"), (";", ",", "utf-8"), ("\t", ".", "cp1252")],
    ids=["semicolons", "commas", "tabs"],
)
def test_the_command_reads_the_table_as_it_is_written(
    separator: str, comma: str, encoding: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    draw = np.random.default_rng(0).normal(size=(60, 9)).round(3)
    rows = [
        separator.join(["Müller", " ".join(map(str, row)).replace(".", comma), "uv"[place % 2]]) for place, row in enumerate(draw)
    ]
    Path("t.csv").write_text("\n".join([separator.join(["naïve", "e", "y"]), *rows]), encoding=encoding)
    with pytest.raises(DataError) as error:
        make_starter("t.csv", target="y")
    hint = str(error.value.faults[0].hint)
    assert "naïve (the same in every row)" in hint
    words = shlex.split(re.search(r"`(python [^`]*)`", hint)[1])  # type: ignore[index]
    subprocess.run([sys.executable, *words[1:]], check=True)
    apart = polars.read_parquet("t_apart.parquet")
    assert apart.columns == ["naïve", *(f"e_{place}" for place in range(9)), "y"]
    np.testing.assert_array_equal(apart.select([f"e_{place}" for place in range(9)]).to_numpy(), draw)


def test_records_in_the_cells_of_parquet_become_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [{"text": f"it is {'great' if row % 2 else 'awful'}", "stars": row % 5} for row in range(60)]
    polars.DataFrame({"review": rows, "x": range(60), "y": ["a", "b"] * 30}).write_parquet("t.parquet")
    starter = make_starter("t.parquet", target="y")
    said = " ".join(starter.text.replace("#", " ").split())
    assert "review (records of 2 fields (text, stars), each of which needs a column of its own)" in said
    assert "`features` can name them" not in said
    words = shlex.split(re.search(r"`(python [^`]*)`", said)[1])  # type: ignore[index]
    subprocess.run([sys.executable, *words[1:]], check=True)
    assert polars.read_parquet("t_apart.parquet").columns == ["review_text", "review_stars", "x", "y"]
