"""Files of other kinds, given in a table's place."""

from __future__ import annotations

import contextlib
import gzip
import json
import shlex
import sqlite3
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import polars
import pytest

from dltrain.cli.app import run as command
from dltrain.config.types import DataConfig
from dltrain.data.files import expand_paths
from dltrain.data.sources import read_source
from dltrain.errors import DataError
from dltrain.reporting import Reporter
from dltrain.starting.start import make_starter


@pytest.mark.parametrize(
    ("name", "reader"),
    [
        ("d.jsonl", "read_ndjson"),
        ("d.json", "read_json"),
        ("d.feather", "read_ipc"),
        ("d.avro", "read_avro"),
        ("d.jsonl.gz", "read_ndjson gz"),
    ],
)
def test_what_makes_a_table_of_another_file_is_said_and_works(
    name: str, reader: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = [None] * 200 + [2.5, 3.5]  # what the first lines of JSON need not hold
    frame = polars.DataFrame({"a": [1.5, 2.5] * 101, "late": late, "y": ["u", "v"] * 101})
    rows = [json.dumps({key: value for key, value in row.items() if value is not None}) for row in frame.to_dicts()]
    {
        "read_ndjson": lambda path: path.write_text("\n".join(rows)),
        "read_json": lambda path: path.write_text(f"[{','.join(rows)}]"),
        "read_ipc": frame.write_ipc,
        "read_avro": frame.write_avro,
        "read_ndjson gz": lambda path: path.write_bytes(gzip.compress("\n".join(rows).encode())),
    }[reader](tmp_path / name)
    for read in (
        lambda: read_source(DataConfig("csv", path=(str(tmp_path / name),)), seed=0, reporter=Reporter()),
        lambda: make_starter(str(tmp_path / name)),
    ):
        with pytest.raises(DataError) as caught:
            read()
        hint = str(caught.value.faults[0].hint)
        assert reader.split()[0] in hint
    monkeypatch.chdir(tmp_path)
    subprocess.run([sys.executable, "-c", hint.split("'")[1]], check=True)
    assert polars.read_parquet("d.parquet").select(frame.columns).equals(frame)


ROWS = [{"a": row * 1.5, "late": row if row > 150 else None, "y": "uv"[row % 2]} for row in range(160)]
COLUMNS: dict[str, list[Any]] = {name: [row[name] for row in ROWS] for name in ROWS[0]}
FORMS: dict[str, Any] = {
    "columns by rows, as pandas writes them": {name: {str(row): cell for row, cell in enumerate(COLUMNS[name])} for name in COLUMNS},
    "rows by their numbers": {str(number): row for number, row in enumerate(ROWS)},
    "lists": COLUMNS,
    "records below a name": {"data": ROWS, "count": 160},
    "records behind what is said of them": {"meta": {"count": 160}, "results": ROWS},
    "split": {"columns": list(COLUMNS), "index": list(range(160)), "data": [list(row.values()) for row in ROWS]},
}  # fmt: skip


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("form", [*FORMS, "lines"])
def test_the_command_for_json_is_of_its_form(
    form: str, indent: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "\n".join(map(json.dumps, ROWS)) if form == "lines" else json.dumps(FORMS[form], indent=indent)
    (tmp_path / "d.json").write_text(text)
    with pytest.raises(DataError) as caught:
        make_starter(str(tmp_path / "d.json"))
    monkeypatch.chdir(tmp_path)
    subprocess.run([sys.executable, "-c", str(caught.value.faults[0].hint).split("'")[1]], check=True)
    expected = polars.DataFrame(ROWS, infer_schema_length=None)
    assert polars.read_parquet("d.parquet").select(expected.columns).equals(expected)


def test_a_folder_of_pictures_is_no_table(tmp_path: Path) -> None:
    (tmp_path / "a.PNG").touch()
    with pytest.raises(DataError, match="a folder of pictures; what is read here is a table"):
        expand_paths([str(tmp_path)])
    (tmp_path / "a.PNG").rename(tmp_path / "a.dat")
    with pytest.raises(DataError) as error:
        expand_paths([str(tmp_path)])
    assert error.value.faults[0].hint == f"name its files: {tmp_path}/*.dat"


def test_what_is_said_of_a_database_a_file_of_weka_and_an_archive_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    frame = polars.DataFrame({"x": [float(x) for x in range(40)], "y": ["a", "b"] * 20})
    frame.write_csv("t.csv")
    with zipfile.ZipFile("t.csv.zip", "w") as archive:
        archive.write("t.csv")
    (tmp_path / "t.arff").write_text(
        "@relation r\n@attribute x numeric\n@attribute y {a,b}\n@data\n" + "".join(f"{x},{y}\n" for x, y in frame.iter_rows())
    )
    with contextlib.closing(sqlite3.connect("t.db")) as database, database:
        database.execute("create table its_table (x real, y text)")
        database.executemany("insert into its_table values (?, ?)", frame.rows())
    for name, made in (("t.arff", "t.parquet"), ("t.db", "t.parquet"), ("t.csv.zip", "t.csv.d")):
        assert command(["init", name]) == 3
        hint = capsys.readouterr().err.split("hint: ")[1]
        arguments = shlex.split(hint.split("`")[1] if "`" in hint else hint.split(" makes")[0])
        assert arguments.pop(0) == "python"
        subprocess.run([sys.executable, *arguments], check=True)
        assert command(["init", made, "--target=y"]) == 0
        capsys.readouterr()
        if made == "t.parquet":
            assert polars.read_parquet(made).equals(frame)


@pytest.mark.parametrize(("path", "hint"), [("data.images.folder=x", "a key such as data.path"), ("data.csv", "other files")])
def test_a_key_in_the_place_of_a_file_is_told_where_it_stands(
    path: str, hint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="no such file") as caught:
        expand_paths([path])
    assert hint in str(caught.value.faults[0].hint)


def test_a_folder_of_folders_is_told_to_be_no_table(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    with pytest.raises(DataError, match="a folder, not a file") as caught:
        expand_paths([str(tmp_path / "a")])
    assert caught.value.faults[0].hint == "name a CSV, Parquet or .npz file"
