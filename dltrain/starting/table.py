"""A first config for a table."""

from __future__ import annotations

import os
from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.types import DataConfig, ImagesConfig, LabelsConfig, TextConfig
from dltrain.config.types.data import IMAGE
from dltrain.data.columns.kinds import NAMES_OF_PICTURES, is_unspaced
from dltrain.data.files import expand_paths, unpacks_to_more
from dltrain.data.raw import RawTable
from dltrain.data.sources import read_source
from dltrain.data.tables.column_names import column_of
from dltrain.data.tables.parquet_file import read_parquet, without_edge_blanks
from dltrain.data.tables.sample import read_head
from dltrain.errors import texts, warnings_of
from dltrain.reporting import Reporter, warn_each
from dltrain.starting.codes import truth_of, with_names, with_presence, with_telling_kinds
from dltrain.starting.columns import (
    Columns,
    are_formulas,
    are_single_words,
    check_some_column,
    names_pictures,
    study_columns,
    with_gaps,
    with_pictures,
    with_short_texts,
    without_parts,
)
from dltrain.starting.common_blocks import SEED, Layout, with_parts
from dltrain.starting.leaks import Leaks, find_leaks
from dltrain.starting.masks import start_masks
from dltrain.starting.nets.choose import choose_net
from dltrain.starting.nets.design import Design, split_of
from dltrain.starting.pictures import (
    LEAST_SIDE,
    form_of_pictures,
    shown_by_pictures,
    side_of_pixels,
    with_pictures_beside,
)
from dltrain.starting.preparation import Preparation
from dltrain.starting.starter import Starter, Wishes, no_comparison, no_series
from dltrain.starting.table_text import Studied, notes_on_columns, render_table
from dltrain.starting.target import (
    Target,
    check_rows,
    choose_target,
    of_several,
    several_columns,
    study_target,
)
from dltrain.starting.text import find_text_options, with_late_signs
from dltrain.wording import shown

if TYPE_CHECKING:
    pass

COMPARED = """  # a linear model and boosted trees on the same rows, shown beside the net: whether a net pays here
  baselines: [linear, boosting]
"""
CALIBRATED = """  # smoothed labels draw probabilities to the middle; one number, found on the rows held out, draws them back
  calibrate: temperature
"""
# A larger text is judged by its beginning; all of it is read when it is fitted.
LARGE_BYTES = 1 << 26
LARGE_LINES = 100_000
MOST_FEATURES_NAMED = 40
# Of texts that are read for whether there is one, those are categories of their own that so many rows have.
ROWS_OF_WORD = 20


def start_table(
    source: str,
    where: str | None,
    written: str,
    asked: str | None,
    reporter: Reporter,
    wishes: Wishes,
    parts: Mapping[str, str] = MappingProxyType({}),
) -> Starter:
    """A config for text tables or Parquet files, or for a named dataset that is a table.

    Args:
        source: "csv", "parquet" or the dataset's name.
        where: the file or pattern; None for a dataset.
        written: the same as the config is to name it, or the dataset's name.
        asked: the target that the user named, or None.
        reporter: hears what is being read.
        wishes: what is asked of it.
        parts: "validation" and "test" -> the file of that part, as the config is to name it, where it has one of its own.

    Raises:
        UsageError: a target that there is not, that is not clear, or that is none.
        DataError: unreadable or unfit to learn from.
    """
    files = expand_paths([where]) if where is not None else []
    options = find_text_options(files[0], asked) if source == "csv" else {}
    config = DataConfig(source, path=tuple(files), **options)
    raw, is_whole = _read(config, reporter)
    check_rows(raw.frame.height, written)
    warn_each(reporter, warnings_of(raw.notes))
    reporter.status("looking at the columns")
    several = several_columns(asked, raw.frame, written, raw.reading)
    if several and wishes.series is not None:
        raise no_series("several columns are predicted of a row")
    whole, raw = raw, replace(raw, frame=raw.frame.drop(several[1:]))
    columns = study_columns(raw.frame, raw.reading.get("decimal", "."), raw.reading.get("thousands"))
    if where is not None and os.path.isfile(where) and names_pictures(columns, asked):
        return _start_masks(where, written, asked, reporter, wishes, _may_own(raw, columns))
    target = of_several(several, whole.frame, columns) if several else _find_target(raw, asked, columns, written, options)
    check_rows(raw.frame.height, written, target, columns)
    side = side_of_pixels(_amounts(columns, target)) if wishes.series is None and not wishes.simple else None
    if wishes.series is None:
        config, columns = with_pictures_beside(config, columns, raw, target.name, where, reporter)
    target = shown_by_pictures(target, columns, raw, side)
    columns = columns if side is not None else _as_they_tell(columns, raw, target, wishes)
    columns = _to_learn_from(columns, raw, target, None if wishes.series is not None else shown(written))
    leaks = find_leaks(raw.frame, target.name, target.labels, columns)
    leaks = leaks if wishes.series is None else replace(leaks, owner=None)  # series are kept together as they are
    config = _config(config, target, columns, leaks, raw, has_pixels=side is not None, own=parts)
    if wishes.series is not None:
        studied = Studied(config, target, columns, replace(leaks, telling=""), Preparation(), raw, asked)  # the past alone counts
        return _start_series(where, written, studied, wishes, is_whole)
    config, prepared, chosen, notes = choose_net(config, whole, columns, target, side, wishes, is_whole)
    config, chosen = with_parts(_as_written(config, where, written), chosen, parts)
    studied = Studied(config, target, columns, leaks, prepared, raw, asked)
    warn_each(reporter, warnings_of(notes_on_columns(studied)))
    text = render_table(head := _head(written, whole, is_whole), studied, chosen) + _evaluation(chosen, wishes)
    return Starter(text, (head, *texts(notes, "note"), f"model: {chosen.layers_reason}"))


def _may_own(raw: RawTable, columns: Columns) -> list[str]:
    """What several pictures of a table have in common, such as a patient: columns whose values each stand in some rows."""
    names = [name for name, kind in columns.kinds.items() if kind.left_out != NAMES_OF_PICTURES]
    return [name for name in names if 1 < column_of(raw.frame, name).n_unique() <= raw.frame.height // 2]


def _start_masks(
    where: str, written: str, target: str | None, reporter: Reporter, wishes: Wishes, owners: Sequence[str]
) -> Starter:
    """A config for a table whose target names masks."""
    if wishes.compare:
        raise no_comparison("pictures are not learned from so")
    if wishes.series is not None:
        raise no_series("a table of pictures is none")
    return start_masks(Layout({"path": where}, where, written), target, reporter, owners)


def _evaluation(chosen: Design, wishes: Wishes) -> str:
    """The block `evaluation:`, where there is one."""
    evaluation = (CALIBRATED if chosen.loss else "") + (COMPARED if wishes.compare else "")
    return f"evaluation:\n{evaluation}" if evaluation else ""


def _find_target(raw: RawTable, asked: str | None, columns: Columns, written: str, options: Mapping[str, Any]) -> Target:
    if raw.target and asked is None:
        return study_target(raw.target[0], raw.frame, columns, raw.classes)
    name = choose_target(asked, raw.frame, columns, header=options.get("header", True), file=written)
    return study_target(name, raw.frame, columns, raw.classes if name in raw.target else ())


def _start_series(where: str | None, written: str, found: Studied, wishes: Wishes, is_whole: bool) -> Starter:
    from dltrain.starting.series import start_series

    if wishes.compare:
        raise no_comparison("rows of a series are not learned from one by one; its baselines are the last value and the season")
    head = _head(written, found.raw, is_whole)
    text, facts = start_series(head, found, (written,) if where is not None else (), wishes)
    return Starter(text, (head, *facts))


def _head(written: str, raw: RawTable, is_whole: bool) -> str:
    count = f"{raw.frame.height:,} rows"
    size = f"{count}, {raw.frame.width} columns" if is_whole else f"{raw.frame.width} columns; looked at the first {count}"
    return f"{os.path.basename(written)}: {size}"


def _as_they_tell(columns: Columns, raw: RawTable, target: Target, wishes: Wishes) -> Columns:
    """The columns, each of the kind as which it tells most of the target; of a series the target's past tells that."""
    if wishes.series is not None:
        return columns
    return with_telling_kinds(with_gaps(columns, target.name), raw.frame, target)


def _as_written(config: DataConfig, where: str | None, written: str) -> DataConfig:
    """The block with paths as the config is to name them."""
    if where is None:
        return replace(config, path=())
    base = os.path.dirname(os.path.abspath(where))
    folders = [os.path.join(os.path.dirname(written), os.path.relpath(folder, base)) for folder in config.images.folder]
    has_pictures = config.features is not None and IMAGE in config.features.values()
    images = replace(config.images, folder=tuple(folders)) if has_pictures else ImagesConfig()
    return replace(config, path=(written,), images=images)


def _to_learn_from(columns: Columns, raw: RawTable, found: Target, file: str | None) -> Columns:
    """The columns, with those pointed out that only name rows; texts and pictures count where there is nothing else.

    None for a file: the target's own past can be learned from, and there need be no other column.
    """
    columns = without_parts(columns, raw.frame, found.name)
    truth = truth_of(columns, found)
    columns = with_names(with_short_texts(columns, raw.frame, found.name), raw.frame, found, truth)
    columns = with_pictures(columns, found.name)
    if file is not None:
        columns = columns if truth is None else with_presence(columns, raw.frame, found.name, truth)
        check_some_column(columns, found.name, file)
    return columns


def _amounts(columns: Columns, target: Target) -> NDArray[np.float64]:
    """The columns to learn from [rows, columns], where all of them are numbers; else none of them."""
    names = [name for name, kind in columns.kinds.items() if not kind.left_out and name != target.name]
    if target.columns or any(name not in columns.numbers for name in names) or len(names) < LEAST_SIDE**2:
        return np.zeros((0, 0))
    return np.stack([columns.numbers[name] for name in names], axis=1)


def _read(config: DataConfig, reporter: Reporter) -> tuple[RawTable, bool]:
    """The table, and whether it is all of it."""
    size = sum(os.path.getsize(file) for file in config.path)
    if size <= LARGE_BYTES and not any(unpacks_to_more(file, LARGE_BYTES) for file in config.path):
        raw = read_source(config, seed=SEED, reporter=reporter)
        assert isinstance(raw, RawTable)
        return with_late_signs(raw), True
    file = config.path[0]
    reporter.status(f"reading the first {LARGE_LINES:,} rows of {shown(file)}")
    if config.source == "parquet":
        frame, _ = without_edge_blanks(read_parquet(file, num_rows=LARGE_LINES))
        return with_late_signs(RawTable(frame, origin=((0, shown(file), 0),))), False
    from dltrain.data.sources.csv import parse_text

    head, complete, _ = read_head(file, LARGE_LINES)
    return with_late_signs(parse_text(head, file, config)), complete and len(config.path) == 1


def _config(
    config: DataConfig, target: Target, columns: Columns, leaks: Leaks, raw: RawTable, *, has_pixels: bool, own: Container[str]
) -> DataConfig:
    """The `data:` block: what has to be said for it to be read, split and learnt from.

    Args:
        config: how the source is read.
        target, columns, leaks, raw: what was found out.
        has_pixels: whether each column is a pixel of a picture, which is one whatever its values.
        own: parts whose rows are in other files.
    """
    identifier = columns.identifier() if columns.identifier() != target.name else None
    odd = {name: dict.fromkeys(words, "") for name, words in columns.odd_words.items()}
    if target.merged:
        odd[target.name] = dict(target.merged)
    alike = () if has_pixels else (*columns.constant, *columns.unreadable, *leaks.same, *columns.names)
    left_out = [name for name in alike if name != target.name]
    left_out = [name for name in dict.fromkeys(left_out) if name != identifier and not columns.kinds[name].left_out]
    features: dict[str, str | None] = {
        name: kind.kind
        for name, kind in columns.kinds.items()
        if not kind.left_out and name not in left_out and name not in (target.name, identifier, leaks.told_by_owner, *raw.target)
    }
    texts = [name for name, kind in features.items() if kind == "text"]
    are_named = len(features) <= MOST_FEATURES_NAMED or bool(texts) or columns.are_chosen
    if not are_named:
        # A fit of more rows, or of others, may take for a feature what here names rows.
        left_out += [name for name, kind in columns.kinds.items() if kind.left_out and name not in (target.name, identifier)]
    heads = [column_of(raw.frame, name).head(1000) for name in texts]
    if any(is_unspaced(head) or are_single_words(head) for head in heads):
        kept = "none" if all(map(are_formulas, heads)) else TextConfig().standardize
        config = replace(config, text=TextConfig(split="character", standardize=kept))
    return replace(
        config,
        target=target.names,
        task=target.task,
        features=features if are_named else None,
        drop=tuple(left_out),
        identifiers=(identifier,) if identifier else (),
        thousands=columns.reading.thousands,
        # What is not the usual is written down, so that no other reader takes it otherwise.
        decimal=columns.reading.decimal if columns.reading.decimal == "," or raw.reading.get("remark") else None,
        separator=config.separator or _separator(raw.reading.get("separator", ",")),
        units_row=raw.reading.get("units_row"),
        replace=odd,
        dates=_dates(columns),
        min_count=dict.fromkeys([name for name in columns.present if name in features], ROWS_OF_WORD) or None,
        arguments={**config.arguments, **form_of_pictures(config, raw, features), **columns.gaps_of(features)},
        labels=LabelsConfig(target.spec.separator or None) if target.spec.is_multilabel and not target.columns else None,
        constant_columns="keep" if has_pixels else "drop",
        missing_target="drop" if _lacks_values(target, columns) else "fail",
        split=leaks.kept_together(split_of(raw.frame.height, own=own), target.spec),
    )


def _separator(found: str) -> str | None:
    """As the config says it; None where it need not."""
    return None if found == "," else {"\t": "tab"}.get(found, found)


def _lacks_values(target: Target, columns: Columns) -> bool:
    """Whether rows have no value for the target."""
    is_counted = target.spec.is_multilabel or target.beside
    return target.num_missing > 0 if is_counted else target.name in columns.missing


def _dates(columns: Columns) -> dict[str, str] | None:
    """The formats of dates that were guessed, which another reader might take otherwise."""
    found = {name: kind.date_format for name, kind in columns.kinds.items() if kind.note and kind.date_format}
    return found or None
