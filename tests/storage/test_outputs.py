from __future__ import annotations

import os

import pytest

from dltrain.errors import RunError, UsageError
from dltrain.storage.outputs import check_output, check_picture


def test_what_is_there_is_replaced_only_when_asked_for(tmp_path):
    file = tmp_path / "p.csv"
    check_output(file, force=False)
    file.write_text("precious")
    with pytest.raises(RunError, match="exists already"):
        check_output(file, force=False)
    check_output(file, force=True)
    (tmp_path / "link.csv").symlink_to(file)
    with pytest.raises(RunError, match="exists already"):
        check_output(tmp_path / "link.csv", force=False)
    check_output("/dev/null", force=False)


@pytest.mark.parametrize("given", ["d.csv", "./d.csv", "*.csv", "**/d.csv", "hard.csv", "link.csv"])
def test_an_input_is_never_written_over(given, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "d.csv").write_text("a,b\n")
    os.link("d.csv", "hard.csv")
    os.symlink("d.csv", "link.csv")
    with pytest.raises(UsageError, match="is what is read"):
        check_output("d.csv", force=True, inputs=[given])


def test_a_place_that_cannot_be_written(tmp_path):
    for path in (tmp_path, tmp_path / "no" / "p.csv"):
        with pytest.raises(UsageError):
            check_output(path, force=True)


@pytest.mark.parametrize("name", ["history.csv", "checkpoints/best.h5", "config.yaml", "trials/1/manifest.json"])
def test_a_file_of_a_run_is_never_written_over(name, tmp_path):
    for folder in (tmp_path / "run", tmp_path / "run/trials/1"):
        (folder / "checkpoints").mkdir(parents=True)
        for file in ("manifest.json", "config.yaml", "history.csv", "checkpoints/best.h5", "notes.csv"):
            (folder / file).write_text("{}")
    with pytest.raises(UsageError, match="is part of the run"):
        check_output(tmp_path / "run" / name, force=True)
    (tmp_path / "link.csv").symlink_to(tmp_path / "run" / name)
    with pytest.raises(UsageError, match="is part of the run"):
        check_output(tmp_path / "link.csv", force=True)
    check_output(tmp_path / "run" / "notes.csv", force=True)  # the user's own


def test_a_picture_is_not_drawn_under_another_name(tmp_path):
    with pytest.raises(UsageError, match="drawn as PNG") as caught:
        check_picture(tmp_path / "p.csv", force=True)
    assert caught.value.faults[0].hint == "name it p.png"
    check_picture(tmp_path / "p.PNG", force=False)
