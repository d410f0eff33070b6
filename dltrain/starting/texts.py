"""A first config for folders of texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from dltrain.config.types import TextConfig
from dltrain.data.columns.kinds import is_unspaced
from dltrain.data.look import read_facts
from dltrain.data.sources.text_folder import KINDS_OF_FILES, sample_texts
from dltrain.errors import texts
from dltrain.reporting import Reporter
from dltrain.starting.block import Block
from dltrain.starting.common_blocks import SEED, Layout, finish, refuse_target, render_split_of_layout, split_layout
from dltrain.starting.nets.design import design_table, design_texts
from dltrain.starting.starter import Starter, Wishes
from dltrain.storage.patterns import folders_in
from dltrain.wording import listed


def start_texts(layout: Layout, asked: str | None, reporter: Reporter, wishes: Wishes) -> Starter:
    """A config for a folder of texts.

    Args:
        layout: of the folders.
        asked: a target that the user named.
        reporter: hears what is unusual.
        wishes: what is asked of the net.

    Raises:
        UsageError: a target, where the folders' names are the labels.
        DataError: nothing to learn from.
    """
    refuse_target(asked)
    classes, left = _classes(layout.places)
    config = layout.config("text_folder", arguments={"classes": classes} if left else {})
    count, sample = sample_texts(config)
    config = split_layout(config, count)
    if is_unspaced(sample):
        config = replace(config, text=TextConfig(split="character"))
    facts = read_facts(config, seed=SEED)
    schema = layout.schema(facts, reporter)
    target = schema.targets[0]
    num_rows = facts.rows.get("train", round(count * (1 - (config.split.validation or 0))))
    if wishes.simple:
        chosen = design_table(schema, num_rows)
    else:
        chosen = design_texts(schema, num_rows, wishes.epoch_seconds, of_characters=config.text.split == "character")
        chosen = replace(chosen, folds=chosen.folds and "validation" not in layout.places)
    if chosen.folds:
        config = replace(config, split=replace(config.split, validation=None))
    block, head = Block(), layout.head(f"{count:,} texts of {len(target.classes)} classes")
    what = f"a folder for each class, with a text in each file ({KINDS_OF_FILES}); the folders' names are the labels"
    layout.open(block, head, "text_folder", what)
    if left:
        block.entry("classes", classes, f"the folders of all parts; not in each: {listed(left)}")
    if config.text.split == "character":
        block.entry("text", {"split": "character"}, "each character is a token, for no blanks stand between words")
    render_split_of_layout(block, config.split, "texts")
    return finish(
        block, chosen, "classification", dict(facts.labels.get(target.name, {})), (head, *texts(facts.notes, "note")[1:])
    )


def _classes(places: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """The folders that all parts have, and those of training that another lacks, such as texts without a label."""
    inside = folders_in(places["path"])
    others = [{*folders_in(folder)} for key, folder in places.items() if key != "path"]
    shared = [name for name in inside if all(name in names for names in others)]
    return (shared, [name for name in inside if name not in shared]) if shared else (inside, [])
