"""The members of an ensemble, against the data and what else is asked of the training."""

from __future__ import annotations

from collections.abc import Iterator

from dltrain.checking.places import fault
from dltrain.config.types import SEGMENTATION, Config
from dltrain.data.facts import DataFacts
from dltrain.errors import Fault

SEEDS = "`training.members: {number}` makes members of other seeds, which share one validation part"


def check_members(config: Config, facts: DataFacts) -> Iterator[Fault]:
    """Members that cannot be averaged, or folds that cannot be made.

    Args:
        config: the config.
        facts: what is known of its data.
    """
    training, data = config.training, config.data
    if training is None or not training.members.are_several:
        return
    path = "training.members"
    targets = facts.schema.targets if facts.schema is not None else ()
    if data.is_reconstruction or any(target.is_reconstruction for target in targets):
        yield fault(
            config, path, "members are averaged in what they predict; a reconstruction predicts nothing", "leave them out"
        )
    if data.task == SEGMENTATION or any(target.is_mask for target in targets):
        hint = "leave them out; a sweep over `seed` trains several models, each a run by itself"
        yield fault(config, path, "members are averaged in the class of a row; here each pixel has one", hint)
        return
    if data.series is not None and data.series.quantiles:
        hint = "leave them out; a sweep over `seed` trains several models, each a run by itself"
        yield fault(config, path, "members are averaged in one forecast of a row; here each row has several quantiles", hint)
        return
    if not training.members.folds:
        return
    from dltrain.data.tables.streamed.fit import why_streamed  # NumPy, which other configs need not

    hint = SEEDS.format(number=training.members.count)
    split = data.split
    streamed = why_streamed(data)
    reasons = {
        "data.validation": data.validation and "data.validation says which rows validate",
        "data.split.column": split.column
        and "validation" in facts.rows
        and f"the column {split.column} says which rows validate",
        "data.split.time": split.time and "the rows are split by time: a fold of earlier rows would be foretold from later ones",
        "data.split.shuffle": split.shuffle is False and "the rows are split in their order",
        "data.split.folds": split.folds and "each fold of data.split.folds has its validation part already",
        "data.series": data.series is not None and "windows of a series overlap: those of one fold are in the others as well",
        "data.path": streamed and f"the data stays on disk ({streamed})",
        "data.source": "validation" in facts.rows and f"{data.source} brings a validation part of its own",
    }
    for key, reason in reasons.items():
        if reason:
            message = f"there are no folds to validate the members on: {reason}"
            yield fault(config, f"{path}.folds", message, hint if key != "data.split.folds" else f"leave {key} out; or {hint}")
            return
    rows = facts.rows.get("train") if facts.exact else None
    if rows is not None and training.members.count > rows:
        yield fault(config, f"{path}.folds", f"expected at most {rows:,} folds for {rows:,} rows", "fewer folds")
