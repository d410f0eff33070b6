"""Names of files and folders that are no text, or several lines of it."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dltrain.cli.app import run as command

ODD = os.fsdecode(b"a\xff")
ROWS = "a,b,y\n" + "".join(f"{row % 7},{row * 3 % 11},{'u' if row % 2 else 'v'}\n" for row in range(60))


def _pictures(folder: Path, *classes: str) -> None:
    generator = np.random.default_rng(0)
    for name in classes:
        (folder / name).mkdir(parents=True)
        for number in range(12):
            picture = Image.fromarray(generator.integers(0, 255, (8, 8, 3), np.uint8))
            picture.save(folder / name / f"{number}{ODD}.png")


@pytest.mark.parametrize(
    "words",
    [["check", "c.yaml"], ["check", "--data", "c.yaml"], ["check", "--resolved", "c.yaml"], ["fit", "c.yaml"]],
    ids=" ".join,
)
def test_a_path_that_no_config_can_hold_is_said_before_anything_is_trained(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The run would have a config that nobody can read."""
    (tmp_path / ODD).mkdir()
    monkeypatch.chdir(tmp_path / ODD)
    Path("rows.csv").write_text(ROWS)
    Path("c.yaml").write_text(
        "data: {source: csv, path: rows.csv, target: y}\nmodel: {layers: [Flatten]}\ntraining: {epochs: 1}\n"
    )
    assert command([*words, "--json"]) == 2
    [fault] = [one for one in json.loads(capsys.readouterr().out)["errors"] if one.get("severity", "error") == "error"]
    assert "UTF-8" in fault["message"]
    assert fault["path"] == "data.path"
    assert fault["line"] == 1
    assert not Path("runs").exists()


def test_a_dataset_of_a_name_is_fitted_wherever_the_config_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ODD).mkdir()
    monkeypatch.chdir(tmp_path / ODD)
    Path("c.yaml").write_text("data: {source: iris}\nmodel: {layers: [{Dense: {units: 3}}]}\ntraining: {epochs: 1}\n")
    assert command(["check", "c.yaml", "--data"]) == 0


@pytest.mark.parametrize("name", [f"{ODD}.csv", f"{ODD}/rows.csv"], ids=["file", "folder"])
def test_no_config_is_begun_for_what_it_cannot_name(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).parent.mkdir(exist_ok=True)
    Path(name).write_text(ROWS)
    assert command(["init", name, "-o", "c.yaml"]) == 2
    assert "UTF-8" in capsys.readouterr().err
    assert not Path("c.yaml").exists()


def test_pictures_of_any_names_are_read_and_a_class_has_a_name_that_is_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("c.yaml").write_text(
        "data: {source: image_folder, path: pics, split: {test: 0.25}}\nmodel: {layers: [Flatten]}\ntraining: {epochs: 1}\n"
    )
    _pictures(tmp_path / "pics", "x", "y")
    assert command(["check", "c.yaml", "--data"]) == 0
    (tmp_path / "pics" / "x").rename(tmp_path / "pics" / ODD)
    capsys.readouterr()
    assert command(["check", "c.yaml", "--data"]) == 3
    assert "whose name is not UTF-8" in capsys.readouterr().err


def test_a_name_of_two_lines_is_told_in_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("new\naccuracy 1.0.csv").write_text(ROWS)
    assert command(["init", "new\naccuracy 1.0.csv", "-o", "c.yaml"]) == 0
    said = capsys.readouterr()
    assert not any(line.startswith("accuracy 1.0") for line in (said.out + said.err).splitlines())


def test_a_run_in_a_folder_of_any_name_on_files_of_any_name_is_one_like_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(f"{ODD}.csv").write_text(ROWS)
    Path("c.yaml").write_text(
        "data: {source: csv, path: '*.csv', target: y, split: {test: 0.2}}\n"
        "model: {layers: [{Dense: {units: 3}}]}\ntraining: {epochs: 1}\n"
    )
    words = ["-q", "fit", "c.yaml", "--run-dir", f"{ODD}/run"]
    monkeypatch.setattr(sys, "argv", ["dltrain", *words])
    assert command(words) == 0
    assert json.loads(Path(f"{ODD}/run/manifest.json").read_text())["argv"][-1] == f"{ODD}/run"
    assert command(["-q", "fit", "--resume", f"{ODD}/run"]) == 0
    assert command(["-q", "evaluate", f"{ODD}/run"]) == 0
    assert command(["report", f"{ODD}/run", "-o", "report.html"]) == 0
    capsys.readouterr()
    assert command(["runs", "--runs", ODD, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["runs"]


@pytest.mark.parametrize("value", ["${env:ODD_WORD}", "${env:ODD_WORD, x}"])
def test_a_value_of_the_environment_that_is_no_text(
    value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ODD_WORD", ODD)
    (tmp_path / "c.yaml").write_text(
        f"name: {value}\ndata: {{source: iris}}\nmodel: {{layers: [Flatten]}}\ntraining: {{epochs: 1}}\n"
    )
    assert command(["check", str(tmp_path / "c.yaml")]) == 2
    assert "ODD_WORD" in capsys.readouterr().err
