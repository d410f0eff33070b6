"""A first config for folders of texts."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace

from dltrain.config.types import TextConfig
from dltrain.data.columns.kinds import is_unspaced
from dltrain.data.look import read_facts
from dltrain.data.sources.text_folder import KINDS_OF_FILES, sample_texts
from dltrain.errors import texts
from dltrain.reporting import Reporter
from dltrain.starting.block import Block
from dltrain.starting.common_blocks import SEED, finish, open_config
from dltrain.starting.nets.design import design_table, design_texts
from dltrain.starting.pictures import (
    config_of_layout,
    folders_in,
    learnable,
    open_layout,
    refuse_target,
    render_split_of_layout,
    split_layout,
)
from dltrain.starting.starter import Starter, Wishes
from dltrain.wording import listed


def start_texts(
    layout: Mapping[str, str], folder: str, written: str, asked: str | None, reporter: Reporter, wishes: Wishes
) -> Starter:
    """A config for a folder of texts.

    Args:
        layout: from `folder_layout`.
        folder: where it is.
        written: the same as the config is to name it.
        asked: a target that the user named.
        reporter: hears what is unusual.
        wishes: what is asked of the net.

    Raises:
        UsageError: a target, where the folders' names are the labels.
        DataError: nothing to learn from.
    """
    refuse_target(asked)
    classes, left = _classes(layout)
    config = config_of_layout("text_folder", layout, arguments={"classes": classes} if left else {})
    count, sample = sample_texts(config)
    config = split_layout(config, count)
    if is_unspaced(sample):
        config = replace(config, text=TextConfig(split="character"))
    facts = read_facts(config, seed=SEED)
    schema = learnable(facts, folder, reporter)
    target = schema.targets[0]
    num_rows = facts.rows.get("train", round(count * (1 - (config.split.validation or 0))))
    if wishes.simple:
        chosen = design_table(schema, num_rows)
    else:
        chosen = design_texts(schema, num_rows, wishes.epoch_seconds, of_characters=config.text.split == "character")
        chosen = replace(chosen, folds=chosen.folds and "validation" not in layout)
    if chosen.folds:
        config = replace(config, split=replace(config.split, validation=None))
    head = f"{os.path.basename(os.path.normpath(written))}: {count:,} texts of {len(target.classes)} classes"
    block = Block()
    open_config(block, head)
    what = f"a folder for each class, with a text in each file ({KINDS_OF_FILES}); the folders' names are the labels"
    open_layout(block, layout, folder, written, what, source="text_folder")
    if left:
        block.entry("classes", classes, f"the folders of all parts; not in each: {listed(left)}")
    if config.text.split == "character":
        block.entry("text", {"split": "character"}, "each character is a token, for no blanks stand between words")
    render_split_of_layout(block, config.split, "texts")
    return finish(
        block, chosen, "classification", dict(facts.labels.get(target.name, {})), (head, *texts(facts.notes, "note")[1:])
    )


def _classes(layout: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """The folders that all parts have, and those of training that another lacks, such as texts without a label."""
    inside = folders_in(layout["path"])
    others = [{*folders_in(folder)} for key, folder in layout.items() if key != "path"]
    shared = [name for name in inside if all(name in names for names in others)]
    return (shared, [name for name in inside if name not in shared]) if shared else (inside, [])
