"""The preparation and the network of a table, chosen by its columns, its rows and what these show of the target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from dltrain.config.types import DataConfig
from dltrain.config.types.data import IMAGE
from dltrain.data.fitted import Fitted
from dltrain.data.raw import RawTable
from dltrain.errors import Note
from dltrain.starting.columns import Columns
from dltrain.starting.common_blocks import SEED
from dltrain.starting.nets.design import Design, design, design_table, design_texts, in_folds
from dltrain.starting.nets.line import MOST_ROWS, design_line
from dltrain.starting.nets.preset import design_preset, has_rows_enough, inputs_of, prepare, suits, with_ranges
from dltrain.starting.pictures import design_pixels
from dltrain.starting.preparation import Preparation, decide
from dltrain.starting.starter import Wishes, no_comparison
from dltrain.starting.target import Target

if TYPE_CHECKING:
    from dltrain.data.columns.column import FeatureColumn


def choose_net(
    config: DataConfig, whole: RawTable, columns: Columns, target: Target, side: int | None, wishes: Wishes, is_whole: bool
) -> tuple[DataConfig, Preparation, Design, list[Note]]:
    """How the columns are prepared, and the net for them.

    Args:
        config: the `data:` block without that.
        whole: the table.
        columns, target: what was found out.
        side: of the pictures whose pixels the columns are; None: they are none.
        wishes: what is asked.
        is_whole: whether it is all of the table.

    Returns:
        The block with the preparation, this by itself, the net, and what a fit says of the table.

    Raises:
        DataError: as a fit would.
    """
    if side is None and is_whole and not wishes.simple and (line := _line(config, whole, columns)):
        return line
    if side is None:
        prepared, fitted = _prepare(config, whole, columns)
    else:
        prepared = Preparation(scale="none")
        fitted = _fit(prepared.apply(config), whole)
    features = getattr(fitted.preprocessing, "features", ())
    if wishes.compare and any(column.kind in ("text", "image") for column in features):
        raise no_comparison("it has columns of text, or of pictures")
    if side is not None:
        largest = max(float(columns.numbers[column.name].max()) for column in features)
        chosen = design_pixels(side, largest, fitted.parts["train"].num_rows)
    else:
        chosen = _for_columns(fitted, _left(config, columns, features), wishes, is_whole)
    if chosen.preset:
        chosen = with_ranges(chosen, columns, target)
        prepared = prepare(prepared, target.spec.task, chosen.preset or "")
    if chosen.folds:
        config = _without_validation(config)
    if chosen.folds or chosen.preset:
        fitted = _fit(prepared.apply(config), whole)
    return prepared.apply(config), prepared, _by_groups(chosen, config, whole, fitted), fitted.notes


def _line(config: DataConfig, whole: RawTable, columns: Columns) -> tuple[DataConfig, Preparation, Design, list[Note]] | None:
    """As `choose_net`, for a small table whose target a straight line tells; None: it is no such table."""
    if whole.frame.height > 2 * MOST_ROWS or {IMAGE, "text"} & {*(config.features or {}).values()}:
        return None
    config = _without_validation(config)
    prepared, fitted = _prepare(config, whole, columns)
    if prepared.encode:
        prepared = replace(prepared, encode={})
        fitted = _fit(prepared.apply(config), whole)
    chosen = design_line(fitted)
    if chosen is None:
        return None
    return prepared.apply(config), prepared, _by_groups(chosen, config, whole, fitted), fitted.notes


def _by_groups(chosen: Design, config: DataConfig, whole: RawTable, fitted: Fitted) -> Design:
    """The net in no more folds than there are groups of rows that stay together."""
    if not chosen.folds or config.split.group is None:
        return chosen
    groups = whole.frame[config.split.group][fitted.parts["train"].row_ids].n_unique()
    return replace(chosen, members=max(2, min(chosen.members, groups)))


def _prepare(config: DataConfig, whole: RawTable, columns: Columns) -> tuple[Preparation, Fitted]:
    """What the training part asks of the preparation, and the table so prepared."""
    plain = _fit(config, whole)
    prepared = decide(plain, columns.numbers)
    return prepared, plain if prepared.apply(config) == config else _fit(prepared.apply(config), whole)


def _without_validation(config: DataConfig) -> DataConfig:
    """The block that leaves validation to the folds of the members."""
    return replace(config, split=replace(config.split, validation=None))


def _for_columns(fitted: Fitted, left: Mapping[str, str], wishes: Wishes, is_whole: bool) -> Design:
    """The net for a table, by its training part.

    Args:
        fitted: the table.
        left: column -> kind, of those that its training part has nothing to teach about.
        wishes: what is asked of it.
        is_whole: whether it is all of the table.
    """
    schema, num_rows = fitted.preprocessing.schema, fitted.parts["train"].num_rows
    features, task = getattr(fitted.preprocessing, "features", ()), schema.targets[0].task
    seconds = wishes.epoch_seconds
    if wishes.simple or any(column.kind == IMAGE for column in features):
        return design(schema, num_rows)
    if all(spec.holds_tokens for spec in schema.inputs):
        of_characters = any(column.tokenizer is not None and column.tokenizer.split == "character" for column in features)
        return design_texts(schema, num_rows, seconds if is_whole else 0, of_characters=of_characters)
    if is_whole and suits(features, task, num_rows):
        return design_preset(features, schema, num_rows, inputs_of(features, left), seconds)
    chosen = design_table(schema, num_rows)
    return in_folds(chosen, schema, num_rows, seconds) if is_whole and has_rows_enough(features, task, num_rows) else chosen


def _left(config: DataConfig, columns: Columns, features: Sequence[FeatureColumn]) -> dict[str, str]:
    """Column -> kind, of those to learn from that a fit leaves out, because its training part has nothing to teach of them."""
    out = {column.name for column in features} | {*config.drop, *config.identifiers, *config.target, config.split.group}
    named = columns.kinds if config.features is None else config.features
    return {name: kind.kind for name, kind in columns.kinds.items() if not kind.left_out and name not in out and name in named}


def _fit(config: DataConfig, raw: RawTable) -> Fitted:
    """What a fit would make of it, and say of it.

    Raises:
        DataError: as a fit would.
    """
    from dltrain.data.tables.fit import fit_table

    return fit_table(config, raw, SEED, None)
