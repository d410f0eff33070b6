"""The text of a first config for a table: each key with the remark that says why."""

from __future__ import annotations

import itertools
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.types import DataConfig, SplitConfig
from dltrain.data.columns.dates.reading import to_dates
from dltrain.data.columns.kinds import KINDS, ColumnKind
from dltrain.data.columns.measures import unit_of_measure
from dltrain.data.columns.reading import is_text, mend
from dltrain.data.columns.spoken import how_read
from dltrain.data.columns.units import FLAGS, TIMES, is_cut
from dltrain.data.raw import RawTable, locator
from dltrain.data.series.several import find_several
from dltrain.data.series.times import DATE_PARTS, HOURS, read_times
from dltrain.data.tables.cells_apart import APART
from dltrain.data.tables.column_names import column_of
from dltrain.data.tables.fitting.far_codes import far_codes, far_dates
from dltrain.data.tables.fitting.no_rows import totals_rows
from dltrain.data.tables.fitting.owners import Owner
from dltrain.data.tables.text_format import WHITESPACE
from dltrain.data.targets import numbers_among_labels
from dltrain.errors import DataError, Note, warn
from dltrain.starting.block import Block
from dltrain.starting.columns import Columns, is_dash, none_of_classes
from dltrain.starting.common_blocks import open_config, render_form, render_model, render_split, render_training
from dltrain.starting.leaks import SURELY, Leaks
from dltrain.starting.nets.design import MEMBERS, VALIDATION, Design
from dltrain.starting.preparation import MOST_ONE_HOT, Preparation
from dltrain.starting.target import Target
from dltrain.wording import TOTALS, listed, percent

MOST_SHOWN = 8
# Rows are a series where so many steps, and most of them, are of one length: all but those over days without rows.
FEWEST_STEPS, MOSTLY = 47, 0.8
FEWEST_OF_SERIES = 10  # rows of each of several, in the mean


@dataclass(frozen=True, slots=True)
class Studied:
    """What was found out of the table, and is written down.

    Attributes:
        config: the `data:` block.
        target: what is predicted.
        columns: what stands in them.
        leaks: columns that tell the target.
        prepared: how the columns are prepared.
        raw: the table, or its beginning.
        asked: the target that the user named, or None.
    """

    config: DataConfig
    target: Target
    columns: Columns
    leaks: Leaks
    prepared: Preparation
    raw: RawTable
    asked: str | None


def render_table(head: str, found: Studied, chosen: Design) -> str:
    """The whole config.

    Args:
        head: what the data is, in a line.
        found: what was found out of it.
        chosen: the net.
    """
    config, target, columns, raw = found.config, found.target, found.columns, found.raw
    block = Block()
    open_config(block, head)
    render_source(block, found)
    render_target(block, found)
    render_columns(block, found)
    _render_preparation(block, found)
    dates = [name for name, kind in columns.kinds.items() if kind.kind == "date" and name != target.name]
    if config.validation and config.split.test is not None:
        block.entry("split", {"test": config.split.test}, "of the rows in path")
    else:
        render_split(block, config.split, found.leaks.one_answer)
    if found.leaks.owner is not None and not config.split.group and not config.test:
        _suggest_groups(block, found.leaks.owner, config.split)
    if dates and not config.test:
        _suggest_time(block, config, dates[0])
    _notice_several(block, raw, _times(raw, dates, target, columns), target, columns)
    render_model(block, chosen)
    render_training(block, chosen, target.spec.task, target.counts)
    return block.text()


LONGEST_WORD = 24
NAMES_ASKED = "the first line names the columns, although it looks like data"


def render_source(block: Block, found: Studied) -> None:
    """The beginning of the `data:` block: where the table is, and how it is written."""
    config, raw = found.config, found.raw
    block.open("data")
    block.entry("source", config.source)
    if config.path:
        block.entry("path", config.path[0])
    for key, remark in (("validation", "training stops by it"), ("test", "the rows to test on")):
        if files := getattr(config, key):
            block.entry(key, files[0], remark)
    unnamed = "the first line is data already" + ("" if config.columns else "; `columns: [...]` gives the columns names")
    for key, remark in (
        ("encoding", "the file is no UTF-8" + (_word_of(raw) if config.encoding else "")),
        ("skip", "lines before the table"),
        ("comment", "lines that begin so are no rows"),
        ("header", NAMES_ASKED if config.header else unnamed),
        ("columns", "as the comment above the table names them"),
        ("units_row", "what stands below the header, such as units, is no row"),
        ("separator", "runs of blanks" if config.separator == WHITESPACE else "what stands between fields"),
        ("quote", "quotes are letters of the text: without them each line has as many fields as the others"),
        ("decimal", "the decimal sign of numbers"),
        ("thousands", f"numbers such as 1{config.thousands}234"),
    ):
        value = getattr(config, key)
        if value is not None and (value or key != "skip"):
            several = isinstance(value, tuple) and (key != "comment" or len(value) > 1)
            block.entry(key, [*value] if several else value[0] if key == "comment" else value, remark)
    if raw.reading.get("remark"):
        block.remark(raw.reading["remark"], indent=2)


def _word_of(raw: RawTable) -> str:
    """A word by which a reader sees whether an encoding is the right one."""
    for name in raw.frame.columns:
        series = column_of(raw.frame, name)
        odd = series.filter(series.str.contains(r"[^\x00-\x7f]")) if is_text(series) else series.head(0)
        if len(odd):
            return f"; a word of {name} is {odd[0][:LONGEST_WORD]}"
    return ""


def render_target(block: Block, found: Studied) -> None:
    """Write what is predicted."""
    config, target, num_rows = found.config, found.target, found.raw.frame.height
    counts, total = target.counts, sum(target.counts.values())
    if target.spec.is_multilabel:
        words = [f"{label}: {percent(count / num_rows)}" for label, count in counts.items()]
        what = f"columns of {len(counts)} labels" if target.columns else f"lists of {len(counts)} labels"
        remark = f"{what}, several per row: {listed(words, MOST_SHOWN)}"
    elif target.spec.task == "classification":
        words = [f"{label}: {percent(count / total)}" for label, count in counts.items()]
        remark = f"{len(counts):,} classes: {listed(words, MOST_SHOWN)}"
    elif target.beside:
        remark = f"{len(target.names)} numbers"
    else:
        unit = (found.columns.reading.units or {}).get(target.name, "")
        named = f", {unit}, read in full" if is_cut(unit) else f", in {unit_of_measure(unit) or unit}"
        remark = "a number" + ("" if not unit or unit in (FLAGS, *TIMES) else named)
    if config.source in ("csv", "parquet") or found.asked is not None:
        guessed = "" if found.asked is not None else "; guessed"
        names = list(target.names) if target.columns or target.beside else target.name
        block.entry("target", names, remark + guessed)
    else:
        block.remark(f"the target: {remark}", indent=2)
    block.entry("task", target.spec.task, _task_remark(target))
    if config.labels is not None:
        sign = config.labels.separator
        remark = "an empty cell has no label; `empty: missing` would make it a row without a value"
        block.entry(
            "labels", {"separator": sign} if sign else {}, remark if sign else "lists, of which an empty one has no label"
        )
    if config.missing_target == "drop":
        num_missing = target.num_missing or round(found.columns.missing[target.name] * num_rows)
        what = "each of these" if target.beside else target.name
        block.entry("missing_target", "drop", f"{num_missing:,} of {num_rows:,} rows have no value for {what}")


def _task_remark(target: Target) -> str:
    if target.columns:
        return "each label is there or not; without it each column is a target of its own"
    if target.spec.is_multilabel:
        return "each label is there or not; `classification` would make a class of each different cell"
    if target.whole_numbers:
        return f"its {target.whole_numbers} different whole numbers; `classification` would make each a class"
    if target.beside:
        return "each is an amount, and an output of its own"
    return f"{target.task_reason}; `regression` would take the numbers for amounts" if target.task_reason else ""


def render_columns(block: Block, found: Studied) -> None:
    """What is learned from, how it is read, and what is left out."""
    config, target, columns, leaks = found.config, found.target, found.columns, found.leaks
    kinds = {name: kind for name, kind in columns.kinds.items() if not kind.left_out and name != target.name}
    _render_features(block, config, kinds)
    for name, how in columns.read_as.items():
        if name in kinds and name not in config.drop:
            block.remark(f"{name}: {how}", indent=2)
    for note in notes_on_columns(found):
        block.remark(note.text, indent=2)
    if config.drop:
        block.entry("drop", list(config.drop), _drop_remark(config, columns, leaks))
    elsewhere = (target.name, *config.identifiers, *config.drop)
    out = [
        f"{name} ({kind.left_out})"
        for name, kind in columns.kinds.items()
        if kind.left_out and name not in elsewhere and not kind.left_out.startswith(APART)
    ]
    has_text = any(kind.kind == "text" for name, kind in columns.kinds.items() if name != target.name)
    if out:
        how = ", as text or as a category" if has_text else ""
        block.remark(f"left out: {listed(out, 20)}; `features` can name them{how}", indent=2)
    if config.dates:
        block.entry("dates", config.dates, "; ".join(kind.note for kind in columns.kinds.values() if kind.note))
    if config.replace:
        block.entry("replace", config.replace, _replace_remark(config, target, columns))
    if "gaps" in config.arguments:
        block.entry("gaps", config.arguments["gaps"], "numbers, among which any word is no value")
    if config.text.split == "character":
        kept = {"standardize": "none"} if config.text.standardize == "none" else {}
        block.entry("text", {"split": "character", **kept}, "each character is a token, for no blanks stand between words")


def _render_features(block: Block, config: DataConfig, kinds: Mapping[str, ColumnKind]) -> None:
    """What names the rows, what is learnt from, and the pictures that columns name."""
    if config.identifiers:
        block.entry("identifiers", config.identifiers[0], "names the rows: not learnt from, but repeated beside predictions")
    if config.features is not None:
        block.entry("features", config.features, "what to learn from, and as what")
    else:
        used = [kind.kind for name, kind in kinds.items() if name not in config.drop]
        counted = [f"{used.count(kind)} of kind {kind}" for kind in KINDS if kind in used]
        block.remark(f"features: all other columns, {listed(counted)}; `features: {{column: kind}}` names them", indent=2)
    if config.images.folder:
        folder = list(config.images.folder) if len(config.images.folder) > 1 else config.images.folder[0]
        suffix = {"suffix": config.images.suffix} if config.images.suffix else {}
        block.entry("images", {"folder": folder, **suffix}, "where the pictures are that the column names")
    render_form(block, config.arguments)


def notes_on_columns(found: Studied) -> list[Note]:
    """What is to be said on how the columns to learn from are read, and those that are left out for what they hold."""
    kinds = {name: kind for name, kind in found.columns.kinds.items() if name not in (found.target.name, *found.config.drop)}
    notes = how_read(replace(found.config, features=None), found.raw.frame, kinds, found.columns.reading)
    told, name = found.leaks.telling, found.target.name
    said = f"{told}: if it is not known before {name} is, leave it out as well"
    notes += totals_rows(found.raw, found.columns.reading)
    notes += numbers_among_labels(None, [found.target.spec], replace(found.columns.reading, units=None))
    amounts = [found.target.name] if found.target.spec.task == "regression" else []
    out = {found.target.name, *found.config.drop, *(name for name, kind in found.columns.kinds.items() if kind.left_out)}
    numbers = {name: values for name, values in found.columns.numbers.items() if name in amounts or name not in out}
    notes += far_codes(numbers, amounts)
    dates = {name: kind.date_format for name, kind in kinds.items() if kind.kind == "date" and name not in out}
    mended = {name: mend(column_of(found.raw.frame, name), found.columns.reading) for name in dates}
    notes += far_dates({name: (to_dates(mended[name], form), form) for name, form in dates.items()})
    if found.target.spec.task == "classification" and name in found.raw.frame.columns:
        notes += none_of_classes(column_of(found.raw.frame, name), found.columns.reading)
    return [*notes, *([warn(said, "telling") if SURELY in told else Note(said)] if told else [])]


def _drop_remark(config: DataConfig, columns: Columns, leaks: Leaks) -> str:
    reasons = [f"{leaks.why}; if that is known when a prediction is wanted, add it to `features`"] if leaks.same else []
    constant = [name for name in columns.constant if name in config.drop]
    reasons += [f"the same in every row: {listed(constant, MOST_SHOWN)}"] if constant else []
    names = [f"{name} ({reason})" for name, reason in columns.names.items() if name in config.drop]
    reasons += [f"names of rows rather than facts: {listed(names, MOST_SHOWN)}"] if names else []
    left = [f"{name} ({kind.left_out})" for name, kind in columns.kinds.items() if kind.left_out and name in config.drop]
    reasons += [f"not learned from: {listed(left, MOST_SHOWN)}"] if left else []
    late = [name for name in columns.unreadable if name in config.drop]
    reasons += [f"not what the first rows look like: {listed(late, MOST_SHOWN)}"] if late else []
    return "; ".join(reasons)


def _replace_remark(config: DataConfig, target: Target, columns: Columns) -> str:
    reasons = []
    if any(list(words.values()).count("") > (name in columns.stand_ins) for name, words in config.replace.items()):
        reasons.append("words among numbers, read as no value")
    totals = [word for words in config.replace.values() for word in words if TOTALS.fullmatch(word.strip())]
    if totals:
        reasons.append(f"if {totals[0]} is the sum of others, `comment: {totals[0]}` leaves out lines that begin so")
    if columns.stand_ins:
        told = [f"{number} in {count:,} rows of {name}" for name, (number, count) in columns.stand_ins.items()]
        reasons.append(
            f"far from all others, and read as no value: {listed(told, MOST_SHOWN)}; one that is an amount need not stand here"
        )
    if any(is_dash(word) and not new for words in config.replace.values() for word, new in words.items()):
        reasons.append('a dash in a ledger means 0: `"-": "0"` says so')
    if target.merged:
        reasons.append("labels of single rows, which cannot be in each part, as one label")
    return "; ".join(reasons)


def _render_preparation(block: Block, found: Studied) -> None:
    config, target, columns, prepared = found.config, found.target, found.columns, found.prepared
    used = [name for name, kind in columns.kinds.items() if not kind.left_out and name not in config.drop and name != target.name]
    gaps = sorted((name for name in used if name in columns.missing), key=lambda name: -columns.missing[name])
    if gaps:
        words = [f"{name} {percent(columns.missing[name])}" for name in gaps]
        numbers = any(columns.kinds[name].kind != "category" for name in gaps)
        how = "for numbers the median stands in, and a column says so" if numbers else "a category of its own"
        remark = f"without a value: {listed(words, MOST_SHOWN)}; {how}"
        if numbers:
            block.entry("impute", "median", remark)
        else:
            block.remark(remark, indent=2)
    if any(columns.kinds[name].kind in ("number", "date") for name in used):
        _render_scale(block, config, prepared)
    if prepared.encode:
        remark = f"of more than {MOST_ONE_HOT} categories an embedding learns which are alike; the others are one-hot"
        block.entry("encode", dict(prepared.encode), remark)
    if config.min_count:
        block.entry("min_count", config.min_count, "texts of fewer rows are one category; that there is none is another")
    if prepared.clip_target:
        block.entry("clip_target", True, "predictions stay between the least and the largest value of the training part")
    if prepared.log_target:
        before, after = prepared.log_target
        remark = (
            f"skewed ({before:.1f}; its logarithm {after:.1f}): the logarithm is learned; all that is said is in its own units"
        )
        block.entry("scale_target", "log", remark)


def _render_scale(block: Block, config: DataConfig, prepared: Preparation) -> None:
    if config.constant_columns == "keep":
        block.entry("constant_columns", "keep", "a pixel that is the same in every row stays at its place")
        block.entry("scale", "none", "the layers below bring all pixels to one scale")
    elif isinstance(prepared.scale, str):
        remark = "numbers: by median and quartiles, and values far out are bent in, as the net below was made with"
        if prepared.scale == "quantile":
            remark = "numbers: the share of the training part below each, which the net below embeds by the range it lies in"
        block.entry("scale", prepared.scale, remark)
    elif prepared.scale:
        block.entry("scale", dict(prepared.scale), "values far out are bent in; other numbers: mean 0, deviation 1")
    else:
        block.entry("scale", "standard", "numbers: mean 0, deviation 1")


def _suggest_groups(block: Block, owner: Owner, split: SplitConfig) -> None:
    validation = f", validation: {split.validation}" if split.validation else ""
    words = f"split: {{group: {owner.name}, test: {split.test}{validation}}}, with {owner.name} out of `features`"
    block.remark(f"to be tested on others than the {owner.count:,} of {owner.name}: {words}", indent=2)


def _suggest_time(block: Block, config: DataConfig, name: str) -> None:
    split = config.split
    validation = split.validation or VALIDATION
    words = f"split: {{time: {name}, test: {split.test}, validation: {validation}}}, with {name} out of `features`"
    words += "" if split.validation else f" and `members: {MEMBERS}`, for earlier rows are no fold"
    words += ", without `clip_target`, for later values may be beyond" if config.clip_target else ""
    block.remark(f"to be tested on what comes later, as in use: {words}", indent=2)


def _goes_evenly(times: NDArray[Any]) -> bool:
    """Whether rows follow each other at one distance, as days do, or months, which differ by a tenth."""
    steps = np.diff(np.sort(times)).astype(np.float64)
    return len(steps) >= FEWEST_STEPS and float(np.mean(np.abs(steps / np.median(steps) - 1) < 0.1)) >= MOSTLY


def _times(raw: RawTable, dates: Sequence[str], target: Target, columns: Columns) -> tuple[str, ...]:
    """The columns that tell the time of a row: a date, with its hour beside it; or a year, a month, ...; or none."""
    others = [name for name in raw.frame.columns if name not in (target.name, *dates)]
    if dates:
        units = columns.reading.units or {}
        clocks = [name for name in others if name.casefold() in HOURS or units.get(name) in TIMES]
        return (dates[0], *clocks[:1]) if column_of(raw.frame, dates[0]).is_duplicated().any() else (dates[0],)
    called = {name.casefold(): name for name in others}
    found = [called[part] for part in itertools.takewhile(called.__contains__, DATE_PARTS)]
    return tuple(found) if len(found) > 1 else ()


def _notice_several(block: Block, raw: RawTable, time: tuple[str, ...], target: Target, columns: Columns) -> None:
    if not time or set(time) & set(columns.missing):
        return
    try:
        dates = read_times(raw.frame, time, columns.reading, locator(raw)).values
    except DataError:  # such as a month of 1 to 12 without a year of the calendar, or a 31st of June
        return
    name = ",".join(time)
    several = find_several(raw.frame, dates, {*time, target.name})
    if several is None and target.spec.task == "regression" and _goes_evenly(dates):
        block.remark(
            f"one row after the other in time: `dltrain init --series {shlex.quote(name)}` writes a config that foretells "
            f"{target.name} of the next rows",
            indent=2,
        )
    if several is not None and several.columns and several.count * FEWEST_OF_SERIES <= raw.frame.height:
        does = "labels windows of them" if target.spec.task == "classification" else "foretells each"
        told = f"`dltrain init --series {shlex.quote(name)}` writes a config that {does}"
        block.remark(
            f"several series in one table: {several.named} tells rows of one {name} apart ({several.count:,} of them); {told}",
            indent=2,
        )
