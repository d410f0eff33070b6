"""The blocks that the first configs of tables, arrays and pictures have in common."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dltrain.config.types import MULTILABEL, SEGMENTATION, DataConfig, SplitConfig
from dltrain.data.dataset import Schema
from dltrain.data.facts import DataFacts
from dltrain.errors import DataError, Fault, UsageError, warnings_of
from dltrain.parts import KEY_OF_PART
from dltrain.reporting import Reporter, warn_each
from dltrain.starting.block import Block
from dltrain.starting.nets.design import Design, split_of
from dltrain.starting.starter import Starter
from dltrain.storage.far.address import is_far
from dltrain.wording import shown

SEED = 0
RARE = 0.2
# What is said of the keys that say how pictures are read.
_OF_PICTURES = {
    "image_size": "height, width: small is quick; larger may tell more",
    "tiles": "large pictures are shown to the model in tiles so many pixels wide",
    "color": "no picture that was looked at has colours",
}


@dataclass(frozen=True, slots=True)
class Layout:
    """Folders of files, such as pictures, one for each part of the data; or a table that names such files.

    Attributes:
        places: key of `data:` (`path`, `validation`, `test`) -> folder or table.
        where: the folder that holds them, or the table.
        written: the same as the config is to name it; an address where it lies elsewhere.
    """

    places: Mapping[str, str]
    where: str
    written: str

    def config(self, source: str, **more: Any) -> DataConfig:
        """The `data:` block that names the places."""
        path, validation, test = ((self.places[key],) if key in self.places else () for key in KEY_OF_PART.values())
        return DataConfig(source, path=path, validation=validation, test=test, **more)

    def head(self, what: str) -> str:
        """What the data is, in a line."""
        return f"{os.path.basename(os.path.normpath(self.written))}: {what}"

    def schema(self, facts: DataFacts, reporter: Reporter) -> Schema:
        """The schema of the data; its warnings go to the reporter.

        Raises:
            DataError: there is nothing to learn from.
        """
        if facts.errors or facts.schema is None:
            raise DataError(facts.errors or Fault(f"nothing to learn from in {shown(self.where)}"))
        warn_each(reporter, warnings_of(facts.notes))
        return facts.schema

    def open(self, block: Block, head: str, source: str, what: str) -> None:
        """The first lines, and the beginning of the `data:` block."""
        open_config(block, head)
        block.open("data")
        block.entry("source", source, what)
        for key, place in self.places.items():
            named = os.path.join(self.written, os.path.relpath(place, self.where))
            block.entry(key, named.removesuffix("/.") if is_far(named) else os.path.normpath(named))


def refuse_target(asked: str | None, why: str = "the labels are the names of the folders") -> None:
    """Raise UsageError for a target that the user named, where the files themselves say what is learnt."""
    if asked is not None:
        raise UsageError(why, hint="leave --target out")


def split_layout(config: DataConfig, num_rows: int) -> DataConfig:
    """The block with the split that its folders, which hold so many rows, leave to be made."""
    own = [part for part, paths in (("test", config.test), ("validation", config.validation)) if paths]
    return replace(config, split=split_of(num_rows, own=own))


def render_split_of_layout(block: Block, split: SplitConfig, rows: str) -> None:
    """The key `split`, where a part has no folder of its own."""
    if split.validation is not None:
        render_split(block, split)
    elif split.test is not None:
        block.entry("split", {"test": split.test}, f"of the {rows} in path")


def render_form(block: Block, arguments: Mapping[str, Any]) -> None:
    """The keys that say how pictures are read, those of them that are needed."""
    for key, remark in _OF_PICTURES.items():
        if key in arguments:
            block.entry(key, arguments[key], remark)


def open_config(block: Block, head: str) -> None:
    """The first lines."""
    block.remark(f"{head}. A first config, by `dltrain init`: change what you know better.")
    block.lines += ["#", "#   dltrain check THIS_FILE && dltrain fit THIS_FILE", f"seed: {SEED}"]


def with_parts(config: DataConfig, chosen: Design, parts: Mapping[str, str]) -> tuple[DataConfig, Design]:
    """The block that names the files of parts, for which no rows are split off, and a net that another file's rows stop.

    Args:
        config: the `data:` block.
        chosen: the net.
        parts: "validation" and "test" -> the file of that part, where it has one of its own.
    """
    test = None if "test" in parts else config.split.test
    validation = None if "validation" in parts else config.split.validation
    files = {part: (parts[part],) if part in parts else () for part in ("validation", "test")}
    split = replace(config.split, test=test, validation=validation)
    config = replace(config, split=split, validation=files["validation"], test=files["test"])
    return config, replace(chosen, folds=chosen.folds and "validation" not in parts)


def render_split(block: Block, split: SplitConfig, groups: str = "") -> None:
    """The key `split`; what is said of the groups that it keeps together."""
    shares = {"group": split.group, "test": split.test, "validation": split.validation, "stratify": split.stratify}
    if split.test is None and split.validation is None:
        return
    if split.test is None:
        remark = "of the training part; a test part comes along"
    elif split.validation is None:
        remark = f"{'test: ' * bool(groups)}of all rows; each member below validates on a fold of what remains"
    else:
        remark = "test: of all rows; validation: of what remains, to stop in time"
    block.entry("split", {key: share for key, share in shares.items() if share}, f"{groups}; {remark}" if groups else remark)


def render_model(block: Block, chosen: Design, more: str = "") -> None:
    """The `model:` block; `more` is said of it at its end."""
    block.open("model")
    if chosen.preset:
        block.entry("preset", chosen.preset, chosen.layers_reason)
        if chosen.inputs:
            remark = "`numbers` are embedded as numbers; categories of an input of their own by an Embedding"
            block.lists("inputs", chosen.inputs, remark)
        block.remark("the output layer and the loss follow from the task", indent=2)
        return
    block.entry("layers", chosen.layers, chosen.layers_reason)
    block.remark("the output layer and the loss follow from the task", indent=4 if chosen.layers else 2)
    if more:
        block.remark(more, indent=2)


def finish(block: Block, chosen: Design, task: str, counts: Mapping[str, int], facts: Sequence[str], more: str = "") -> Starter:
    """The blocks `model:` and `training:`, which end a config.

    Args:
        block: to write to.
        chosen: the model and its training.
        task: of the target.
        counts: label -> rows, for classification, where they are known.
        facts: what was found, a line each.
        more: what is to be said of the model.
    """
    render_model(block, chosen, more)
    render_training(block, chosen, task, counts)
    return Starter(block.text(), (*facts, f"model: {chosen.layers_reason}"))


def render_training(block: Block, chosen: Design, task: str, counts: Mapping[str, int]) -> None:
    """The `training:` block.

    Args:
        block: to write to.
        chosen: the model and its training.
        task: of the target.
        counts: label -> rows, for classification, where they are known.
    """
    block.open("training")
    if chosen.optimizer is not None:
        block.entry("optimizer", chosen.optimizer)
    if chosen.loss is not None:
        remark = "labels are taken as a little uncertain, against learning them by heart: who comes before whom is told better; "
        remark += "`evaluation.calibrate` below puts right that it draws probabilities to the middle"
        block.entry("loss", chosen.loss, remark)
    if chosen.folds:
        remark = (
            "so many models, each stopped by another fold of the rows and trained on the others; their average is the run's model"
        )
        block.entry("members", {"folds": chosen.members}, remark)
    elif chosen.members > 1:
        block.entry("members", chosen.members, "models of other seeds, whose average is the run's model")
    block.entry("epochs", chosen.epochs, chosen.epochs_reason)
    if chosen.preset is None:
        block.entry("batch_size", chosen.batch_size)
    if metrics := _metrics_of(task, counts):
        block.entry("metrics", metrics)
    if chosen.plateau:
        block.entry("reduce_lr_on_plateau", dict(chosen.plateau), "smaller steps where validation no longer improves")
    block.entry("early_stopping", {"monitor": "val_loss", "patience": chosen.patience})
    least, most = (min(counts.values()), max(counts.values())) if counts else (1, 1)
    if least < RARE * most and task != MULTILABEL:
        rare = min(counts, key=lambda label: counts[label])
        block.remark("class_weight: balanced", indent=2)
        block.remark(f"(finds more of the rare classes, such as {rare}, at the price of accuracy; watch their recall)", indent=2)


def _metrics_of(task: str, counts: Mapping[str, int]) -> list[str]:
    """The metrics that are worth watching beside the loss."""
    if task == "classification":
        return ["accuracy", "AUC"] if len(counts) == 2 else ["accuracy"]
    return {MULTILABEL: ["F1Score", "AUC"], SEGMENTATION: []}.get(task, ["RootMeanSquaredError"])  # mean IoU is always measured
