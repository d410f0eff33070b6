"""A first config for pictures with masks, of which the class of every pixel is learnt."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from statistics import median
from typing import Any

from dltrain.config.types import SEGMENTATION
from dltrain.data.look import read_facts
from dltrain.data.pictures.files import PictureError, decode_file
from dltrain.data.pictures.form import upright_size
from dltrain.data.pictures.picture_file import PictureFile
from dltrain.errors import texts
from dltrain.reporting import Reporter
from dltrain.starting.block import Block
from dltrain.starting.common_blocks import SEED, Layout, finish, refuse_target, render_form, render_split_of_layout
from dltrain.starting.nets.design import Design
from dltrain.starting.pictures import NUM_LOOKED_AT, list_layout, look_at
from dltrain.starting.starter import Starter

# Pictures whose shorter side is so long are cut into tiles so wide.
TILED, TILE = 256, 128
FILTERS = (16, 32, 64)
IGNORED_VALUE = "255"


def start_masks(layout: Layout, asked: str | None, reporter: Reporter, owners: Sequence[str] = ()) -> Starter:
    """A config for folders that hold pictures and masks, or for a table that names both.

    Args:
        layout: of the folders, or of a table.
        asked: of a table the column of the masks; a target that the user named, where a folder is none to have one.
        reporter: hears what is unusual.
        owners: of a table the columns that several pictures have in common.

    Raises:
        UsageError: a target, where the masks are what is learnt.
        DataError: nothing to learn from.
    """
    is_table = os.path.isfile(layout.where)
    if not is_table:
        refuse_target(asked, "the masks are what is learnt")
    config, files = list_layout(layout, SEGMENTATION, asked)
    color, size = look_at(files)
    tiled = _shorter_side(files) >= TILED
    size = (TILE, TILE) if tiled else _halved_twice(size)
    arguments: dict[str, Any] = {"image_size": list(size), **({} if color else {"color": "grayscale"})}
    facts = read_facts(replace(config, arguments=arguments), seed=SEED)
    classes = facts.schema.targets[0].classes if facts.schema else ()
    if classes[-1:] == (IGNORED_VALUE,) and len(classes) > 2:
        arguments["ignore"] = int(IGNORED_VALUE)
        facts = read_facts(replace(config, arguments=arguments), seed=SEED)
    classes = layout.schema(facts, reporter).targets[0].classes
    block, head = Block(), layout.head(f"{len(files):,} pictures with masks of {len(classes)} classes")
    what = "a table that names a picture and its mask in each row" if is_table else "pictures/ and masks/ of the same names"
    layout.open(block, head, "image_folder", what)
    if asked is not None:
        block.entry("target", asked, "the column of the masks")
    block.entry("task", SEGMENTATION, f"the class of every pixel: the masks' values {', '.join(classes[:8])}")
    block.remark("`classes: [ground, cell]` names the values 0, 1, …", indent=2)
    if "ignore" in arguments:
        block.entry("ignore", arguments["ignore"], "mostly what is not to be counted; without it a class")
    render_form(block, arguments | ({"tiles": TILE} if tiled else {}))
    if owners:
        key = f"`split: {{group: {owners[0]}, …}}` has them in one part"
        block.remark(f"pictures with the same {' or '.join(owners[:4])} may belong together: {key}", indent=2)
    render_split_of_layout(block, config.split, "pictures")
    block.entry("augment", [{"RandomFlip": {"mode": "horizontal"}}], "turns the mask as well")
    chosen = _design(len(files), size)
    return finish(block, chosen, SEGMENTATION, {}, (head, *texts(facts.notes, "note")[1:]))


def _shorter_side(files: Sequence[PictureFile]) -> float:
    """The median of the shorter sides of some pictures; 0 where none can be opened."""
    sides = []
    for file in files[:: max(1, len(files) // NUM_LOOKED_AT)]:
        try:
            sides.append(min(decode_file(file.path, upright_size)[0]))
        except PictureError:
            continue  # `check --data` names it
    return median(sides) if sides else 0


def _halved_twice(size: tuple[int, int]) -> tuple[int, int]:
    """Sides that can be halved twice and doubled again."""
    height, width = (max(4, side // 4 * 4) for side in size)
    return height, width


def _design(num_pictures: int, size: tuple[int, int]) -> Design:
    """A small U-Net (Ronneberger et al. 2015)."""

    def layer(filters: int, **more: Any) -> dict[str, Any]:
        return {"Conv2D": {"filters": filters, "kernel_size": 3, "padding": "same", "activation": "relu", **more}}

    first, second, third = FILTERS
    layers: list[Any] = [
        layer(first, name="fine"),
        "MaxPooling2D",
        layer(second, name="middle"),
        "MaxPooling2D",
        layer(third),
        layer(third),
        {"UpSampling2D": {"interpolation": "bilinear", "name": "up_to_middle"}},
        {"Concatenate": {"from": ["up_to_middle", "middle"]}},
        layer(second),
        {"UpSampling2D": {"interpolation": "bilinear", "name": "up_to_fine"}},
        {"Concatenate": {"from": ["up_to_fine", "fine"]}},
        layer(first),
    ]
    reason = f"a small U-Net: {size[0]}×{size[1]} pixels are halved twice, and what is fine is put beside what is coarse again"
    return Design(layers, reason, 4 if num_pictures < 200 else 16, 60, 10, {"Adam": {"learning_rate": 0.003}})
