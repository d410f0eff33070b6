"""Where masks go: each picture's has a name of its own, none is written over what is read or outside of the folder."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from dltrain.errors import RunError, UsageError
from dltrain.evaluation.masks.predicted import check_folder, mask_names, masks_of, refuse_inputs


@pytest.mark.parametrize(
    ("pictures", "masks"),
    [
        (["d/a.jpg", "d/b.jpg"], ["a.png", "b.png"]),
        (["d/x/a.jpg", "d/y/a.jpg"], ["x/a.png", "y/a.png"]),
        (["d/a.jpg", "d/a.png", "d/b.png"], ["a.jpg.png", "a.png.png", "b.png"]),
        (["d/a.jpg", "d/a.png", "d/a.jpg.png"], ["a.jpg.png", "a.png.png", "a.jpg.png.png"]),
    ],
)
def test_each_picture_has_a_mask_of_its_own(pictures: list[str], masks: list[str]) -> None:
    assert mask_names(pictures) == masks


def test_no_mask_replaces_what_is_read(tmp_path: Path) -> None:
    for name in ("pictures", "masks", "new"):
        (tmp_path / "d" / name).mkdir(parents=True)
    for name in ("pictures/a.png", "masks/a.png"):
        (tmp_path / "d" / name).write_text("mine")
    for place in ("d", "d/pictures", "d/masks", "d/new/../masks"):
        with pytest.raises(UsageError, match="is what is read"):
            check_folder(tmp_path / place, force=True, inputs=[str(tmp_path / "d")])
    check_folder(tmp_path / "d" / "new", force=True, inputs=[str(tmp_path / "d")])
    check_folder(tmp_path / "d" / "new", force=True, inputs=[str(tmp_path / "d" / "pictures" / "a.png")])
    (tmp_path / "link").symlink_to(tmp_path / "d" / "pictures")
    with pytest.raises(UsageError, match="is what is read"):
        refuse_inputs(tmp_path / "link", ["b.png", "a.png"], [str(tmp_path / "d" / "pictures" / "a.png")])
    refuse_inputs(tmp_path / "d" / "new", ["a.png"], [str(tmp_path / "d" / "pictures" / "a.png")])


def write(folder: Path, *names: str) -> None:
    with masks_of(folder) as write_mask:
        for name in names:
            write_mask(name, b"mask")


def test_no_link_leads_a_mask_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out" / "x").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RunError, match="x is a link, through which nothing is written"):
        write(tmp_path / "out", "y/a.png", "x/a.png")
    assert os.listdir(tmp_path / "elsewhere") == []
    assert os.listdir(tmp_path / "out") == ["x"]
    write(tmp_path / "out", "y/a.png")
    assert (tmp_path / "out" / "y" / "a.png").read_bytes() == b"mask"
    assert sorted(os.listdir(tmp_path / "out")) == ["x", "y"]


@pytest.mark.parametrize("is_there", [False, True])
def test_masks_are_all_there_or_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_there: bool) -> None:
    folder = tmp_path / "out"
    if is_there:
        folder.mkdir()
        (folder / "a.png").write_bytes(b"before")
    before = sorted(path.name for path in tmp_path.rglob("*"))
    real, count = os.fsync, 0

    def fsync(descriptor: int) -> None:
        nonlocal count
        count += 1
        if count == 5:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(RunError, match="no mask was written"):
        write(folder, "a.png", "b.png", "c.png")
    assert sorted(path.name for path in tmp_path.rglob("*")) == before
    assert not is_there or (folder / "a.png").read_bytes() == b"before"
    write(folder, "a.png", "b.png")
    assert sorted(path.name for path in folder.iterdir()) == ["a.png", "b.png"]
