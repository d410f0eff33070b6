"""What init says of tables that lie otherwise than it reads them, and how they are turned or joined."""

from __future__ import annotations

import io
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars
import pytest
from PIL import Image

from dltrain.config.load import load_config
from dltrain.errors import DataError, UsageError
from dltrain.starting.start import make_starter

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def fault_of(path: str, target: str | None = None) -> tuple[str, str]:
    with pytest.raises(UsageError) as caught:
        make_starter(path, target=target)
    return caught.value.faults[0].message, caught.value.faults[0].hint or ""


def run(code: str) -> None:
    """A command of Python out of a hint, by this interpreter."""
    words = shlex.split(code)
    subprocess.run([sys.executable, *words[1:]], check=True)


def test_a_table_on_its_side_is_turned() -> None:
    classes = ["ALL" if value else "AML" for value in RNG.integers(0, 2, 40)]
    rows = [f"G{gene}," + ",".join(f"{value:.3f}" for value in RNG.normal(size=40)) for gene in range(12)]
    header = "gene," + ",".join(f"S{sample}" for sample in range(40))
    Path("genes.csv").write_text("\n".join([header, "class," + ",".join(classes), *rows]) + "\n")
    message, hint = fault_of("genes.csv", "class")
    assert message == "genes.csv has no column 'class'"
    assert "its columns (S0, S1, ...) are rows" in hint
    run(re.search(r"python -c '.*'", hint)[0])  # type: ignore[index]
    text, _ = make_starter("genes_turned.csv", target="class").text, None
    Path("c.yaml").write_text(text)
    assert load_config("c.yaml").data.target == ("class",)
    assert Path("genes_turned.csv").read_text().startswith("name,class,G0,G1,")


def test_recordings_in_folders_of_classes_are_joined() -> None:
    for name in ("normal", "fault"):
        Path("recordings", name).mkdir(parents=True)
        for number in range(2):
            lines = "".join(f"{row},{row / 7:.3f}\n" for row in range(30))
            Path("recordings", name, f"{number}.csv").write_text("time,ax\n" + lines)
    message, hint = fault_of("recordings")
    assert message == "recordings is a folder, not a file"
    run(re.search(r"python -c '.*'", hint)[0])  # type: ignore[index]
    assert Path("recordings.csv").read_text().splitlines()[:2] == [
        "time,ax,recording,class",
        "0,0.0,recordings/fault/0.csv,fault",
    ]


@pytest.mark.parametrize(
    ("inputs", "targets", "sign", "command"),
    [
        ("X_train.txt", "y_train.txt", " ", "`paste -d' ' y_train.txt X_train.txt > joined_X_train.txt`"),
        ("features.csv", "labels.csv", ",", "`paste -d, labels.csv features.csv > joined_features.csv`"),
        ("x.tsv", "y.tsv", "\t", "`paste y.tsv x.tsv > joined_x.tsv`"),
    ],
    ids=["HAR", "csv", "tsv"],
)
def test_targets_in_a_file_of_their_own_are_pasted(inputs: str, targets: str, sign: str, command: str) -> None:
    Path(inputs).write_text("".join(sign.join(f"{value:.4f}" for value in row) + "\n" for row in RNG.normal(size=(60, 5))))
    Path(targets).write_text("".join(f"{value}\n" for value in RNG.integers(1, 4, 60)))
    _, hint = fault_of(inputs)
    assert f"the targets seem to stand in {targets}" in hint
    assert command in hint


def test_parts_with_tables_in_them_are_no_texts() -> None:
    for part in ("train", "test"):
        Path("har", part).mkdir(parents=True)
        Path("har", part, f"X_{part}.txt").write_text("0.1 0.2\n" * 30)
        Path("har", part, f"y_{part}.txt").write_text("1\n" * 30)
    message, hint = fault_of("har")
    assert message == "har is a folder, not a file"
    assert hint == "name one of its 4 .txt files"


def test_of_two_signs_the_one_that_leaves_no_field_empty_separates() -> None:
    rows = [f"{'+-'[row % 2]},S{row},\t\t{''.join(RNG.choice(list('acgt'), 30))}" for row in range(60)]
    Path("promoters.data").write_text("\n".join(rows) + "\n")
    Path("c.yaml").write_text(make_starter("promoters.data", target="1").text)
    config = load_config("c.yaml")
    assert (config.data.target, config.data.separator) == (("column_1",), None)
    assert config.data.features == {"column_3": "text"}


@pytest.mark.parametrize("folder", ["", "data"])
@pytest.mark.parametrize("is_struct", [True, False])
def test_pictures_in_the_cells_of_parquet_become_files(folder: str, *, is_struct: bool) -> None:
    cells = []
    for row in range(60):
        file = io.BytesIO()
        Image.fromarray(RNG.integers(0, 60, (9, 9, 3)).astype(np.uint8) + 100 * (row % 3)).save(file, "JPEG")
        cells.append({"bytes": file.getvalue(), "path": None} if is_struct else file.getvalue())
    path = Path(folder, "train.parquet")
    path.parent.mkdir(exist_ok=True)
    polars.DataFrame({"image": cells, "label": [row % 3 for row in range(60)]}).write_parquet(path)
    with pytest.raises(DataError) as caught:
        make_starter(str(path), target="label")
    hint = caught.value.faults[0].hint or ""
    assert "image (whole files of pictures (.jpg))" in hint
    run(re.search(r"`(python -c .*)`", hint)[1])  # type: ignore[index]
    named = Path(folder, "train_named.parquet")
    Path("c.yaml").write_text(make_starter(str(named), target="label").text)
    assert load_config("c.yaml").data.target == ("label",)
    assert load_config("c.yaml").data.features == {"image": "image"} or load_config("c.yaml").data.source == "image_folder"
