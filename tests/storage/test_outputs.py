from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from dltrain.errors import RunError, UsageError
from dltrain.evaluation.export import check_destination
from dltrain.model.export.keras_file import KerasFile
from dltrain.model.export.saved_model import SavedModel
from dltrain.storage.atomic import cannot_write, replace_whole, write_atomically
from dltrain.storage.new_run import create_run
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


@pytest.mark.parametrize("name", ["state/p.npz", "checkpoints/new.h5", "best.yaml", "tensorboard/x/p.csv"])
def test_a_name_that_a_run_would_take_with_it_is_refused(name, tmp_path):
    run = tmp_path / "run"
    (run / name).parent.mkdir(parents=True, exist_ok=True)
    for file in ("manifest.json", "config.yaml"):
        (run / file).write_text("{}")
    with pytest.raises(UsageError, match="would be part of the run"):
        check_output(run / name, force=False)
    check_output(run / "p.csv", force=False)


@pytest.mark.parametrize("inside", ["state/x", "checkpoints", "tensorboard/deep/down"])
@pytest.mark.parametrize("how", ["runs", "run_dir"])
def test_a_run_is_not_begun_in_a_folder_of_another(inside, how, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    for file in ("manifest.json", "config.yaml"):
        (run / file).write_text("{}")
    given = {"runs": tmp_path, how: run / inside}
    with pytest.raises(RunError, match="would be part of the run"):
        create_run("x", **given)
    assert sorted(path.name for path in run.iterdir()) == ["config.yaml", "manifest.json"]
    create_run("x", runs=tmp_path, run_dir=run / "trials" / "1")  # as a sweep does
    create_run("x", runs=tmp_path, run_dir=tmp_path / "state" / "mine")


def test_a_picture_is_not_drawn_under_another_name(tmp_path):
    with pytest.raises(UsageError, match="drawn as PNG") as caught:
        check_picture(tmp_path / "p.csv", force=True)
    assert caught.value.faults[0].hint == "name it p.png"
    check_picture(tmp_path / "p.PNG", force=False)


def test_a_device_is_written_into_and_never_replaced(tmp_path):
    fifo, link = tmp_path / "pipe", tmp_path / "link.csv"
    os.mkfifo(fifo)
    link.symlink_to(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    for path in (fifo, link):
        assert check_output(path, force=True) == path
        write_atomically(path, b"bytes")
        assert os.read(reader, 100) == b"bytes"
        write_atomically(path, lambda file: file.write(b"written"))
        assert os.read(reader, 100) == b"written"
    os.close(reader)
    assert stat.S_ISFIFO(fifo.lstat().st_mode)
    assert link.is_symlink()
    assert sorted(tmp_path.iterdir()) == [link, fifo]


def test_a_link_is_kept_and_leads_to_what_is_written(tmp_path):
    file, link = tmp_path / "p.csv", tmp_path / "link.csv"
    link.symlink_to(file)  # to nothing yet
    with pytest.raises(RunError, match="exists already"):
        check_output(link, force=False)
    write_atomically(check_output(link, force=True), b"new")
    assert (link.is_symlink(), file.read_bytes()) == (True, b"new")
    link.unlink()
    link.symlink_to(link)
    with pytest.raises(UsageError, match="cannot be written"):
        check_output(link, force=True)


@pytest.mark.parametrize("name", ["a" * 255, "é" * 127, "😀" * 63, "x\ny", "\x1b[31m", "-", ".hidden", "\udcff"])
def test_any_name_that_a_file_can_have_can_be_written(name, tmp_path):
    path = check_output(tmp_path / name, force=False)
    write_atomically(path, b"bytes")
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [(name, b"bytes")]


@pytest.mark.parametrize("name", ["a" * 256, "é" * 128, "a/" * 3000, "a\0b"])
def test_a_name_that_no_file_can_have_is_refused(name, tmp_path):
    with pytest.raises(UsageError, match="cannot be written"):
        check_output(tmp_path / name, force=True)


def test_an_export_replaces_a_folder_that_holds_nothing_else(tmp_path):
    folder = tmp_path / "out"
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(b"")
    check_destination(folder, SavedModel(), force=True)
    (folder / "mine.txt").write_text("precious")
    with pytest.raises(RunError, match="no part of an export, mine"):
        check_destination(folder, SavedModel(), force=True)
    os.mkfifo(tmp_path / "x.keras")
    with pytest.raises(RunError, match="a pipe or a device"):
        check_destination(tmp_path / "x.keras", KerasFile(), force=True)


def test_an_interrupted_write_leaves_nothing(tmp_path):
    def interrupted(file):
        file.write(b"half")
        raise KeyboardInterrupt

    (tmp_path / "p.csv").write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "p.csv", interrupted)
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("p.csv", b"old")]


def test_what_came_to_be_there_meanwhile_is_not_replaced(tmp_path, monkeypatch):
    file, link = tmp_path / "p.csv", os.link

    def link_late(*names, **places):
        file.write_text("mine")
        link(*names, **places)

    check_output(file, force=False)
    monkeypatch.setattr(os, "link", link_late)
    with pytest.raises(RunError, match="has come to be there meanwhile"):
        write_atomically(file, b"new")
    monkeypatch.undo()
    with pytest.raises(RunError, match="has come to be there meanwhile"):
        write_atomically(file, b"new")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("p.csv", "mine")]
    write_atomically(check_output(file, force=True), b"new")
    assert file.read_bytes() == b"new"


@pytest.mark.parametrize("has_links", [True, False])
def test_what_is_written_where_nothing_was_may_be_written_again(has_links, tmp_path, monkeypatch):
    def refuse(*names, **places):
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    if not has_links:
        monkeypatch.setattr(os, "link", refuse)
    for content in (b"first", b"second"):
        write_atomically(check_output(tmp_path / "p.csv", force=content == b"second"), content)
        assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("p.csv", content)]
    (tmp_path / "p.csv").unlink()
    write_atomically(check_output(tmp_path / "p.csv", force=False), b"third")
    assert (tmp_path / "p.csv").stat().st_nlink == 1


@pytest.mark.parametrize("chosen", [SavedModel(), KerasFile()], ids=["folder", "file"])
def test_an_export_does_not_replace_what_came_to_be_there_meanwhile(chosen, tmp_path):
    place = tmp_path / f"out{chosen.suffix}"
    check_destination(place, chosen, force=False)
    if chosen.is_folder:
        place.mkdir()
    (place / "saved_model.pb" if chosen.is_folder else place).write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(RunError, match="has come to be there meanwhile"), replace_whole(place) as temporary:
        temporary.write_text("new")
    assert sorted(tmp_path.rglob("*")) == before


def test_an_export_is_no_file_of_a_run(tmp_path):
    run = create_run("x", runs=tmp_path, run_dir=tmp_path / "run")
    for name in ("manifest.json", "config.yaml"):
        (run.path / name).write_text("{}")
    with pytest.raises(UsageError, match="would be part of the run"):
        check_destination(run.checkpoints / "last.keras", KerasFile(), force=False)


@pytest.mark.parametrize("name", ["n" * 300 + ".keras", "loop.keras"])
def test_an_export_of_a_name_that_no_file_can_have_is_refused_before_it_is_made(name, tmp_path):
    (tmp_path / "loop.keras").symlink_to("loop.keras")
    with pytest.raises(UsageError, match="cannot be written"):
        check_destination(tmp_path / name, KerasFile(), force=True)


def test_what_to_do_about_a_file_that_cannot_be_written_holds_for_a_file_of_the_user():
    faults = cannot_write(Path("page.html"), PermissionError(errno.EACCES, "no")).faults
    assert "-o for a file" in faults[0].hint


def test_a_folder_that_cannot_be_written_is_told_before_anything_is_computed(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(RunError, match=r"takes no new file"):
        check_output(tmp_path / "p.csv", force=False)
    check_output("/dev/null", force=False)
