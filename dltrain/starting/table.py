"""A first config for a table."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dltrain.config.types import MULTILABEL, DataConfig, LabelsConfig, SplitConfig, TextConfig
from dltrain.data.columns.kinds import KINDS, is_unspaced
from dltrain.data.columns.spoken import how_read
from dltrain.data.files import expand_paths, unpacks_to_more
from dltrain.data.fitted import Fitted
from dltrain.data.raw import RawTable
from dltrain.data.series.several import find_several
from dltrain.data.series.times import read_times
from dltrain.data.sources import read_source
from dltrain.data.tables.column_names import column_of
from dltrain.data.tables.parquet_file import read_parquet
from dltrain.data.tables.preprocessing import locator
from dltrain.data.tables.sample import read_head
from dltrain.errors import DataError, Fault, texts
from dltrain.reporting import Reporter
from dltrain.starting.block import Block
from dltrain.starting.columns import Columns, study_columns, with_names, with_short_texts
from dltrain.starting.design import Design, design, design_table, in_folds, split_of
from dltrain.starting.leaks import Leaks, find_leaks
from dltrain.starting.preparation import MOST_ONE_HOT, Preparation, decide
from dltrain.starting.preset import DEFAULT_SECONDS, design_preset, has_rows_enough, inputs_of, prepare, suits
from dltrain.starting.starter import Starter, Wishes, no_comparison
from dltrain.starting.target import Target, choose_target, study_target
from dltrain.starting.text import find_text_options
from dltrain.wording import listed, shown

if TYPE_CHECKING:
    from dltrain.data.columns.column import FeatureColumn

SEED = 0
COMPARED = """evaluation:
  # a linear model and boosted trees on the same rows, shown beside the net: whether a net pays here
  baselines: [linear, boosting]
"""
# A larger text is judged by its beginning; all of it is read when it is fitted.
LARGE_BYTES = 1 << 26
LARGE_LINES = 100_000
FEWEST_ROWS = 10
MOST_FEATURES_NAMED = 40
RARE = 0.2
MOST_SHOWN = 8


def start_table(source: str, where: str | None, written: str, asked: str | None, reporter: Reporter, wishes: Wishes) -> Starter:
    """A config for text tables or Parquet files, or for a named dataset that is a table.

    Args:
        source: "csv", "parquet" or the dataset's name.
        where: the file or pattern; None for a dataset.
        written: the same as the config is to name it, or the dataset's name.
        asked: the target that the user named, or None.
        reporter: hears what is being read.
        wishes: what is asked of it.

    Raises:
        UsageError: a target that there is not, that is not clear, or that is none.
        DataError: unreadable or unfit to learn from.
    """
    files = expand_paths([where]) if where is not None else []
    options = find_text_options(files[0]) if source == "csv" else {}
    config = DataConfig(source, path=tuple(files), **options)
    raw, is_whole = _read(config, reporter)
    if raw.frame.height < FEWEST_ROWS:
        raise DataError(
            Fault(
                f"{raw.frame.height} rows are too few to learn from and to test on", file=shown(written), hint="10 at the least"
            )
        )
    for text in texts(raw.notes, "warning"):
        reporter.warning(text)
    reporter.status("looking at the columns")
    columns = study_columns(raw.frame, raw.reading.get("decimal", "."), raw.reading.get("thousands"))
    if raw.target and asked is None:
        name = raw.target[0]
    else:
        header = options.get("header", True)
        name = choose_target(asked, raw.frame, columns, header=header, file=written)
    target = study_target(name, raw.frame, columns, raw.classes if name in raw.target else ())
    columns = with_names(with_short_texts(columns, raw.frame, name), raw.frame, name)
    leaks = find_leaks(raw.frame, name, target.labels, columns)
    config = _config(config, target, columns, leaks, raw)
    prepared = decide(_fit(config, raw), columns.numbers)
    fitted = _fit(prepared.apply(config), raw)
    features = getattr(fitted.preprocessing, "features", ())
    if wishes.compare and any(column.kind in ("text", "image") for column in features):
        raise no_comparison("it has columns of text, or of pictures")
    chosen = _choose_net(fitted, _left(config, columns, features), wishes, is_whole)
    if chosen.preset:
        prepared = prepare(prepared, target.spec.task)
    if chosen.folds:
        config = replace(config, split=replace(config.split, validation=None))
    if chosen.folds or chosen.preset:
        fitted = _fit(prepared.apply(config), raw)
    config = prepared.apply(config)
    count = f"{raw.frame.height:,} rows"
    size = f"{count}, {raw.frame.width} columns" if is_whole else f"{raw.frame.width} columns; looked at the first {count}"
    head = f"{os.path.basename(written)}: {size}"
    config = replace(config, path=(written,) if where is not None else ())
    text = _render(head, _Studied(config, target, columns, leaks, prepared, raw, asked), chosen)
    text += COMPARED if wishes.compare else ""
    return Starter(text, (head, *fitted.summary, f"model: {chosen.layers_reason}"))


def _choose_net(fitted: Fitted, left: Mapping[str, str], wishes: Wishes, is_whole: bool) -> Design:
    """The net for a table, by its training part.

    Args:
        fitted: the table.
        left: column -> kind, of those that its training part has nothing to teach about.
        wishes: what is asked of it.
        is_whole: whether it is all of the table.
    """
    schema, num_rows = fitted.preprocessing.schema, fitted.parts["train"].num_rows
    features, task = getattr(fitted.preprocessing, "features", ()), schema.targets[0].task
    seconds = wishes.seconds or DEFAULT_SECONDS
    if wishes.simple:
        return design(schema, num_rows)
    if is_whole and suits(features, task, num_rows):
        return design_preset(features, schema, num_rows, inputs_of(features, left), seconds)
    chosen = design_table(schema, num_rows)
    return in_folds(chosen, schema, num_rows, seconds) if is_whole and has_rows_enough(features, task, num_rows) else chosen


def _left(config: DataConfig, columns: Columns, features: Sequence[FeatureColumn]) -> dict[str, str]:
    """Column -> kind, of those to learn from that a fit leaves out, because its training part has nothing to teach of them."""
    out = {column.name for column in features} | {*config.drop, *config.identifiers, *config.target}
    return {name: kind.kind for name, kind in columns.kinds.items() if not kind.left_out and name not in out}


def _read(config: DataConfig, reporter: Reporter) -> tuple[RawTable, bool]:
    """The table, and whether it is all of it."""
    size = sum(os.path.getsize(file) for file in config.path)
    if size <= LARGE_BYTES and not any(unpacks_to_more(file, LARGE_BYTES) for file in config.path):
        raw = read_source(config, seed=SEED, reporter=reporter)
        assert isinstance(raw, RawTable)
        return raw, True
    file = config.path[0]
    reporter.status(f"reading the first {LARGE_LINES:,} rows of {shown(file)}")
    if config.source == "parquet":
        frame = read_parquet(file, num_rows=LARGE_LINES)
        return RawTable(frame, origin=((0, shown(file), 0),)), False
    from dltrain.data.sources.csv import parse_text

    head, complete, _ = read_head(file, LARGE_LINES)
    return parse_text(head, file, config), complete and len(config.path) == 1


def _config(config: DataConfig, target: Target, columns: Columns, leaks: Leaks, raw: RawTable) -> DataConfig:
    """The `data:` block: what has to be said for it to be read, split and learnt from."""
    identifier = columns.identifier()
    identifier = identifier if identifier != target.name else None
    odd = {name: dict.fromkeys(words, "") for name, words in columns.odd_words.items()}
    if target.merged:
        odd[target.name] = dict(target.merged)
    left_out = [name for name in (*columns.constant, *columns.unreadable, *leaks.same, *columns.names) if name != target.name]
    left_out = [name for name in dict.fromkeys(left_out) if name != identifier and not columns.kinds[name].left_out]
    features: dict[str, str | None] = {
        name: kind.kind
        for name, kind in columns.kinds.items()
        if not kind.left_out and name not in left_out and name not in (target.name, identifier, *raw.target)
    }
    texts = [name for name, kind in features.items() if kind == "text"]
    if any(is_unspaced(column_of(raw.frame, name).head(1000)) for name in texts):
        config = replace(config, text=TextConfig(split="character"))
    return replace(
        config,
        target=(target.name,),
        task=target.task,
        features=features if len(features) <= MOST_FEATURES_NAMED else None,
        drop=tuple(left_out),
        identifiers=(identifier,) if identifier else (),
        thousands=columns.reading.thousands,
        # What is not the usual is written down, so that no other reader takes it otherwise.
        decimal=columns.reading.decimal if columns.reading.decimal == "," or raw.reading.get("remark") else None,
        separator=None
        if raw.reading.get("separator", ",") == ","
        else {"\t": "tab"}.get(raw.reading["separator"], raw.reading["separator"]),
        units_row=raw.reading.get("units_row"),
        replace=odd,
        dates=_dates(columns),
        labels=LabelsConfig(target.spec.separator or None) if target.spec.is_multilabel else None,
        missing_target="drop" if _lacks_values(target, columns) else "fail",
        split=split_of(raw.frame.height, own_test=False),
    )


def _lacks_values(target: Target, columns: Columns) -> bool:
    """Whether rows have no value for the target."""
    return target.num_missing > 0 if target.spec.is_multilabel else target.name in columns.missing


def _dates(columns: Columns) -> dict[str, str] | None:
    """How dates are written that another reader might take otherwise: by what was guessed."""
    found = {name: kind.date_format for name, kind in columns.kinds.items() if kind.note and kind.date_format}
    return found or None


def _dates_remark(columns: Columns) -> str:
    return "; ".join(kind.note.split("; data.dates")[0] for kind in columns.kinds.values() if kind.note)


def _fit(config: DataConfig, raw: RawTable) -> Fitted:
    """What a fit would make of it, and say of it.

    Raises:
        DataError: as a fit would.
    """
    from dltrain.data.tables.fit import fit_table

    return fit_table(config, raw, SEED, None)


@dataclass(frozen=True, slots=True)
class _Studied:
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


def _render(head: str, found: _Studied, chosen: Design) -> str:
    config, target, columns, raw = found.config, found.target, found.columns, found.raw
    block = Block()
    open_config(block, head)
    block.open("data")
    block.entry("source", config.source)
    if config.path:
        block.entry("path", config.path[0])
    for key, remark in (
        ("encoding", "the file is no UTF-8"),
        ("header", "the first line is data already; `columns: [...]` gives the columns names"),
        ("units_row", "the line below the header holds units and is no row"),
        ("separator", "what stands between fields"),
        ("decimal", "the decimal sign of numbers"),
        ("thousands", f"numbers such as 1{config.thousands}234"),
    ):
        value = getattr(config, key)
        if value is not None:
            block.entry(key, value, remark)
    if raw.reading.get("remark"):
        block.remark(raw.reading["remark"], indent=2)
    _render_target(block, found)
    _render_columns(block, found)
    _render_preparation(block, found)
    dates = [name for name, kind in columns.kinds.items() if kind.kind == "date" and name != target.name]
    render_split(block, config.split)
    if dates:
        _suggest_time(block, config.split, dates[0])
        _notice_several(block, raw, dates[0], target, columns)
    render_model(block, chosen)
    render_training(block, chosen, target.spec.task, target.counts)
    return block.text()


def _render_target(block: Block, found: _Studied) -> None:
    config, target, num_rows = found.config, found.target, found.raw.frame.height
    counts, total = target.counts, sum(target.counts.values())
    if target.spec.is_multilabel:
        words = [f"{label}: {100 * count / num_rows:.1f} %" for label, count in counts.items()]
        remark = f"lists of {len(counts)} labels, several per row: {listed(words, MOST_SHOWN)}"
    elif target.spec.task == "classification":
        words = [f"{label}: {100 * count / total:.1f} %" for label, count in counts.items()]
        remark = f"{len(counts)} classes: {listed(words, MOST_SHOWN)}"
    else:
        remark = "a number"
    if config.source in ("csv", "parquet") or found.asked is not None:
        guessed = "" if found.asked is not None else "; guessed"
        block.entry("target", target.name, remark + guessed)
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
        block.entry("missing_target", "drop", f"{num_missing:,} of {num_rows:,} rows have no value for {target.name}")


def _task_remark(target: Target) -> str:
    if target.spec.is_multilabel:
        return "each label is there or not; `classification` would make a class of each different cell"
    if target.whole_numbers:
        return f"its {target.whole_numbers} different whole numbers; `classification` would make each a class"
    if target.task:
        return f"{target.name} is called a class; `regression` would take its numbers for amounts"
    return ""


def _render_columns(block: Block, found: _Studied) -> None:
    config, target, columns, leaks = found.config, found.target, found.columns, found.leaks
    if config.identifiers:
        block.entry("identifiers", config.identifiers[0], "names the rows: not learnt from, but repeated beside predictions")
    kinds = {name: kind for name, kind in columns.kinds.items() if not kind.left_out and name != target.name}
    if config.features is not None:
        block.entry("features", config.features, "what to learn from, and as what")
    else:
        used = [kind.kind for name, kind in kinds.items() if name not in config.drop]
        counted = [f"{used.count(kind)} of kind {kind}" for kind in KINDS if kind in used]
        block.remark(f"features: all other columns, {listed(counted)}; `features: {{column: kind}}` names them", indent=2)
    codes, warnings = how_read(replace(config, features=None), found.raw.frame, kinds, columns.reading)
    for line in (*codes, *warnings):
        block.remark(line, indent=2)
    if config.drop:
        block.entry("drop", list(config.drop), _drop_remark(config, columns, leaks))
    out = [
        f"{name} ({kind.left_out})"
        for name, kind in columns.kinds.items()
        if kind.left_out and name != target.name and name not in config.identifiers
    ]
    has_text = any(kind.kind == "text" for name, kind in columns.kinds.items() if name != target.name)
    if out:
        how = ", as text or as a category" if has_text else ""
        block.remark(f"left out: {listed(out, 20)}; `features` can name them{how}", indent=2)
    if leaks.telling:
        block.remark(f"{leaks.telling}: if it is not known before {target.name} is, leave it out as well", indent=2)
    if config.dates:
        block.entry("dates", config.dates, _dates_remark(columns))
    if config.replace:
        block.entry("replace", config.replace, _replace_remark(config, target))
    if config.text.split == "character":
        block.entry("text", {"split": "character"}, "no blanks between words: each character is a token")


def _drop_remark(config: DataConfig, columns: Columns, leaks: Leaks) -> str:
    reasons = [f"{leaks.why}; if that is known when a prediction is wanted, add it to `features`"] if leaks.same else []
    constant = [name for name in columns.constant if name in config.drop]
    reasons += [f"the same in every row: {listed(constant, MOST_SHOWN)}"] if constant else []
    names = [f"{name} ({reason})" for name, reason in columns.names.items() if name in config.drop]
    reasons += [f"names of rows rather than facts: {listed(names, MOST_SHOWN)}"] if names else []
    late = [name for name in columns.unreadable if name in config.drop]
    reasons += [f"not what the first rows look like: {listed(late, MOST_SHOWN)}"] if late else []
    return "; ".join(reasons)


def _replace_remark(config: DataConfig, target: Target) -> str:
    reasons = []
    if any(name != target.name for name in config.replace):
        reasons.append("words among numbers, read as no value")
    if target.merged:
        reasons.append("labels of single rows, which cannot be in each part, as one label")
    return "; ".join(reasons)


def _render_preparation(block: Block, found: _Studied) -> None:
    config, target, columns, prepared = found.config, found.target, found.columns, found.prepared
    used = [name for name, kind in columns.kinds.items() if not kind.left_out and name not in config.drop and name != target.name]
    gaps = sorted((name for name in used if name in columns.missing), key=lambda name: -columns.missing[name])
    if gaps:
        words = [f"{name} {_percent(columns.missing[name])}" for name in gaps]
        numbers = any(columns.kinds[name].kind != "category" for name in gaps)
        how = "for numbers the median stands in, and a column says so" if numbers else "a category of its own"
        remark = f"without a value: {listed(words, MOST_SHOWN)}; {how}"
        if numbers:
            block.entry("impute", "median", remark)
        else:
            block.remark(remark, indent=2)
    if any(columns.kinds[name].kind in ("number", "date") for name in used):
        if isinstance(prepared.scale, str):
            remark = "numbers: by median and quartiles, and values far out are bent in, as the net below was made with"
            block.entry("scale", prepared.scale, remark)
        elif prepared.scale:
            block.entry("scale", dict(prepared.scale), "values far out are bent in; other numbers: mean 0, deviation 1")
        else:
            block.entry("scale", "standard", "numbers: mean 0, deviation 1")
    if prepared.encode:
        remark = f"of more than {MOST_ONE_HOT} categories an embedding learns which are alike; the others are one-hot"
        block.entry("encode", dict(prepared.encode), remark)
    if prepared.clip_target:
        block.entry("clip_target", True, "predictions stay between the least and the largest value of the training part")
    if prepared.log_target:
        before, after = prepared.log_target
        remark = (
            f"skewed ({before:.1f}; its logarithm {after:.1f}): the logarithm is learned; all that is said is in its own units"
        )
        block.entry("scale_target", "log", remark)


def _percent(share: float) -> str:
    return "under 0.1 %" if share < 0.001 else f"{100 * share:.1f} %"


def _suggest_time(block: Block, split: SplitConfig, name: str) -> None:
    shares = f"test: {split.test}" + (f", validation: {split.validation}" if split.validation else "")
    words = f"split: {{time: {name}, {shares}}}"
    block.remark(f"to be tested on what comes later, as in use: {words}, with {name} out of `features`", indent=2)


def _notice_several(block: Block, raw: RawTable, name: str, target: Target, columns: Columns) -> None:
    dates = read_times(raw.frame, (name,), columns.reading, locator(raw)).values if name not in columns.missing else None
    several = None if dates is None else find_several(raw.frame, dates, {name, target.name})
    if several is not None and several.columns:
        block.remark(
            f"several series in one table: {several.named} tells rows of one {name} apart ({several.count:,} of them); for "
            f"`data.series` give the rows of one {several.named} in a file of its own",
            indent=2,
        )


def render_split(block: Block, split: SplitConfig) -> None:
    """The key `split`."""
    if split.test is None:
        block.entry("split", {"validation": split.validation}, "of the training part; a test part comes along")
    elif split.validation is None:
        block.entry("split", {"test": split.test}, "of all rows; each member below validates on a fold of what remains")
    else:
        remark = "test: of all rows; validation: of what remains, to stop in time"
        block.entry("split", {"test": split.test, "validation": split.validation}, remark)


def open_config(block: Block, head: str) -> None:
    """The first lines."""
    block.remark(f"{head}. A first config, by `dltrain init`: change what you know better.")
    block.lines += ["#", "#   dltrain check THIS_FILE && dltrain fit THIS_FILE", f"seed: {SEED}"]


def render_model(block: Block, chosen: Design) -> None:
    """The `model:` block."""
    block.open("model")
    if chosen.preset:
        block.entry("preset", chosen.preset, chosen.layers_reason)
        if chosen.inputs:
            remark = "`numbers` are embedded as numbers; categories of an input of their own by an Embedding"
            block.lists("inputs", chosen.inputs, remark)
        block.remark("the output layer and the loss follow from the task", indent=2)
        return
    block.entry("layers", chosen.layers, chosen.layers_reason)
    block.remark("the output layer and the loss follow from the task", indent=4)


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
        remark += "leave it out where the probabilities themselves count, which it draws to the middle"
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
    if task == MULTILABEL:
        block.entry("metrics", ["F1Score", "AUC"])
    elif task == "classification":
        block.entry("metrics", ["accuracy", "AUC"] if len(counts) == 2 else ["accuracy"])
    else:
        block.entry("metrics", ["RootMeanSquaredError"])
    if chosen.plateau:
        block.entry("reduce_lr_on_plateau", dict(chosen.plateau), "smaller steps where validation no longer improves")
    block.entry("early_stopping", {"monitor": "val_loss", "patience": chosen.patience})
    least, most = (min(counts.values()), max(counts.values())) if counts else (1, 1)
    if least < RARE * most and task != MULTILABEL:
        rare = min(counts, key=lambda label: counts[label])
        block.remark("class_weight: balanced", indent=2)
        block.remark(f"(finds more of the rare classes, such as {rare}, at the price of accuracy; watch their recall)", indent=2)
