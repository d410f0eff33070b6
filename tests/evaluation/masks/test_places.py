"""Where masks go: each picture's has a name of its own, none is written over what is read or outside of the folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dltrain.errors import UsageError
from dltrain.evaluation.masks.predicted import check_folder, mask_names, refuse_inputs, write_mask


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


def test_no_link_leads_a_mask_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out" / "x").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="a link leads out of"):
        write_mask(tmp_path / "out", "x/a.png", b"mask")
    assert os.listdir(tmp_path / "elsewhere") == []
    write_mask(tmp_path / "out", "y/a.png", b"mask")
    assert (tmp_path / "out" / "y" / "a.png").read_bytes() == b"mask"
