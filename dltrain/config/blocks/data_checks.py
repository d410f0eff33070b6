"""What keys of the `data:` block exclude, or need, beside each other."""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dltrain.config.catalog.sources import PICTURE_FORM, Source
from dltrain.config.keys import keys_of
from dltrain.config.reading import Context
from dltrain.config.text.nodes import MappingNode, Node
from dltrain.config.text.scalars import describe, quote
from dltrain.config.types import LIKE_SCIKIT_LEARN, MULTILABEL, SEGMENTATION, DataConfig, ImagesConfig, SeriesConfig, TextConfig
from dltrain.config.types.data import IMAGE, PICTURE_SCALES, TEXT_TABLES
from dltrain.config.types.key import default_of
from dltrain.wording import counted, did_you_mean, shown

SEPARATOR_WORDS = ("tab", "comma", "semicolon", "pipe", "space", "whitespace", "::", "||")


@dataclass(frozen=True, slots=True)
class _Block:
    """What is checked.

    Attributes:
        context: where faults are noted.
        node: the block as it is written.
        config: what was read of it.
        source: where the data comes from; None: unknown.
    """

    context: Context
    node: MappingNode
    config: DataConfig
    source: Source | None

    def add(self, key: str, message: str, hint: str | None = None, *, at: Node | None = None) -> None:
        """Notes a fault of a key such as `split.column`; it is shown where it stands, or `at` another place."""
        place: Node = self.node
        for name in key.split("."):
            place = place.entries.get(name, place) if isinstance(place, MappingNode) else place
        self.context.faults.add(at or place, f"data.{key}", message, hint)


def check_data(context: Context, node: MappingNode, config: DataConfig, source: Source | None) -> None:
    """Notes contradictions between keys of the block, and what is missing beside others."""
    block = _Block(context, node, config, source)
    _check_parts(block)
    if source is not None:
        _check_needed(block, source)
    _check_kinds_of_data(block)
    if config.series is not None:
        _check_series(block, config.series)
    elif config.split.time is not None and config.split.folds is not None:
        block.add("split", "folds by time are those of a series", "leave one of time and folds out, or say `data.series`")
    if config.task == MULTILABEL or config.labels is not None:
        _check_labels(block)
    _check_columns(block)
    if source is not None:
        _check_of(block, source)
    _check_writing(block)


def _check_parts(block: _Block) -> None:
    """Parts that are given twice, and files of which two parts are."""
    config = block.config
    for part in ("test", "validation"):
        if getattr(config, part) and getattr(config.split, part) is not None:
            block.add(part, f"the {part} part is given as files and as a share (data.split.{part})", "keep one of the two")
    if config.split.column is not None and (config.test or config.validation):
        block.add("split.column", "the parts are given as files and by a column", "keep one of the two")
    for part, key, other in (
        ("validation", "path", "training"),
        ("test", "path", "training"),
        ("test", "validation", "validation"),
    ):
        if same := set(getattr(config, part)) & set(getattr(config, key)):
            message = (
                f"the {part} part is of the same data as the {other} part ({shown(min(same))}): it looks easier than new data is"
            )
            hint = f"give it rows of its own, such as by `data.split: {{{part}: 0.2}}`"
            block.context.faults.add(block.node.entries[part], f"data.{part}", message, hint, warning=True)


def _check_needed(block: _Block, source: Source) -> None:
    """What the source cannot do without."""
    config, entries, place = block.config, block.node.entries, block.node.entries["source"]
    for name, argument in source.arguments.items():
        if argument.required and name not in entries:
            hint = f"such as `{name}: glove/glove.6B.50d.txt`"
            block.add(name, f"missing: {argument.description.rstrip('.')}", hint, at=place)
    given = entries.get("path")
    if source.needs_path and not config.path and (given is None or given.plain() in ([], None)):
        message = f"missing: the source {source.name} needs `path`" + ("" if given is None else ", found nothing")
        block.add("path", message, "the file, a list of files, or a pattern such as data/*.csv", at=given or place)
    if source.needs_target and not config.target and not config.is_reconstruction and "target" not in entries:
        block.add("target", f"missing: the source {source.name} needs `target`, the column to predict", at=place)


def _check_kinds_of_data(block: _Block) -> None:
    """Blocks and targets that the kind of data has no use for."""
    config, source = block.config, block.source
    is_table = source is None or source.holds == "table"
    if source is not None and not is_table and len(config.target) > 1:
        hint = "keep one; several targets are columns of a table (csv, parquet)"
        block.add("target", f"{source.name} has one target, found {len(config.target)}", hint)
    if config.text != TextConfig() and (config.series is not None or not is_table):
        what = "a series" if config.series is not None else source.name if source else ""
        block.add("text", f"{what} has no columns of free text", "leave it out")
    if config.images != ImagesConfig() and (source is None or "image_size" not in source.arguments):
        what = f"{source.name} names no pictures" if source else "it names no pictures"
        block.add("images", f"`images` says where the pictures of a table are; {what}", "leave it out")
    has_pictures = IMAGE in (config.features or {}).values() or config.preprocessing is not None
    if source is not None and source.needs_target and "image_size" in source.arguments and is_table and not has_pictures:
        for name in (name for name in (*PICTURE_FORM, "images") if name in block.node.entries):
            hint = "say which column names files of pictures, such as `features: {file: image}`, or leave it out"
            block.add(name, f"`{name}` is about pictures, and no column is one", hint)
    if config.corrupt is not None and not config.is_reconstruction:
        hint = "say `data.task: reconstruction`, or put `- GaussianNoise` or `- Dropout` first among the layers"
        block.add("corrupt", "only a reconstruction has a clean input to learn from a corrupted one", hint)
    if config.task == SEGMENTATION:
        if source is not None and source.name not in ("image_folder", "npz", "shapes"):
            hint = "say source: image_folder, whose path may be a table as well, of which `target` names the column of the masks"
            message = f"{source.name} holds no masks: each pixel of a picture has a class"
            block.add("task", message, hint if source.needs_path else "leave it out")
        if config.transform:
            message = "each pixel has a class, and what a transform makes of a picture has no pixels"
            block.add("transform", message, "leave it out")


def _check_labels(block: _Block) -> None:
    """What several labels per row exclude."""
    config, source, labels = block.config, block.source, block.config.labels
    key = "task" if labels is None else "labels"
    place = block.node.entries.get("labels", block.node.entries.get("task", block.node))
    if config.task != MULTILABEL:
        message = f"`labels` is for rows of several labels, and data.task is {config.task}"
        block.add(key, message, "say `task: multilabel`", at=place)
        return
    if source is not None and source.name not in ("csv", "parquet", "npz", "image_folder"):
        message = f"{source.name} has one label a row; several are in tables (csv, parquet, of pictures) and arrays (npz)"
        block.add(key, message, "leave it out", at=place)
    if labels is not None and labels.separator is not None and (len(config.target) > 1 or config.source == "npz"):
        what = "several targets are columns of 0 and 1" if config.source != "npz" else "an array has a column of 0 and 1 for each"
        block.add("labels.separator", f"a separator stands in cells of text; {what}", "leave it out", at=place)
    if config.split.like == LIKE_SCIKIT_LEARN and config.split.stratify:
        message = "scikit-learn's train_test_split stratifies by one class a row, not by several labels"
        block.add("split.stratify", message, "leave `like` out, or `stratify`")


def _check_columns(block: _Block) -> None:
    """Columns that are two things at once, or none of `data.columns`."""
    config = block.config
    for name in ("drop", "identifiers"):
        for column in getattr(config, name):
            if column in config.target:
                block.add(name, f"the column {column} is the target")
    for column in config.features or {}:
        if column in config.target and config.series is None:
            block.add("features", f"the column {column} is the target, so it cannot be a feature")
        elif column in config.drop:
            block.add("features", f"the column {column} is also in `drop`")
    if config.columns is not None:
        for name, column in _named_columns(config):
            if column not in config.columns:
                block.add(name, f"no column {column} in data.columns", did_you_mean(column, config.columns))


def _named_columns(config: DataConfig) -> Iterator[tuple[str, str]]:
    """(key, column) of each column that a key of the block names."""
    for name, key in keys_of("data").items():
        named = getattr(config, name) or () if key.names_columns else ()
        for column in [named] if isinstance(named, str) else named:
            yield name, column


def _check_of(block: _Block, source: Source) -> None:
    """Keys that are for other sources."""
    config, split, scale = block.config, block.node.entries.get("split"), block.config.scale
    for name, key in keys_of("data").items():
        if not key.of or source.name in key.of or source.holds in key.of or getattr(config, name) == default_of(config, name):
            continue
        if key.of[: len(TEXT_TABLES)] == TEXT_TABLES:
            block.add(name, f"`{name}` says how text tables are written; {source.name} is none", "leave it out")
        else:
            block.add(name, f"is for tables; {source.name} holds pictures or arrays")
    if source.holds != "pictures" and source.name != "npz":
        return
    for name in ("column", "group", "time") if source.name != "image_folder" else ():  # whose pictures may be named in a table
        if getattr(config.split, name):
            place = split.entries[name] if isinstance(split, MappingNode) else split
            block.add(f"split.{name}", f"is for tables; {source.name} holds pictures or arrays", at=place)
    known = ", ".join(PICTURE_SCALES)
    if isinstance(scale, Mapping):
        block.add("scale", "pictures have no columns", f"one of {known}")
    elif scale not in (None, *PICTURE_SCALES):
        block.add("scale", f"expected one of {known}, got {scale}")


# Key -> the words that stand for a sign, and what to write.
_SIGNS = {
    "separator": (SEPARATOR_WORDS, r'a tab is "\t" or tab, runs of blanks are whitespace; of two signs :: and || are read'),
    "quote": (("none",), "none, where quotes mean nothing"),
    "thousands": ((), None),
}


def _check_writing(block: _Block) -> None:
    """How text tables are written."""
    for name, (words, hint) in _SIGNS.items():
        text = getattr(block.config, name)
        if text is not None and len(text) != 1 and text.casefold() not in words:
            block.add(name, f"expected a single character, found {describe(text)}", hint)
    encoding = block.config.encoding
    if encoding is not None:
        try:
            codecs.lookup(encoding)
        except (LookupError, ValueError):
            block.add("encoding", f"unknown text encoding {quote(encoding)}", "such as utf-8, latin-1, cp1252, utf-16")


def _check_series(block: _Block, series: SeriesConfig) -> None:
    """What a series excludes."""
    config, source = block.config, block.source
    if source is not None and source.holds != "table":
        block.add("series", f"a series is a table, {source.name} is none", "source: csv or source: parquet")
    _check_split_of_series(block, series)
    _check_columns_of_series(block, series)
    _check_scale_of_series(block, series)
    if config.is_reconstruction or config.task == MULTILABEL:
        of = "several labels" if config.task == MULTILABEL else f"a {config.task}"
        place = block.node.entries.get("task", block.node.entries["series"])
        block.add("task", f"a series foretells numbers, or one label of each window, not {of}", at=place)
    if config.task == "classification":
        _check_labels_of_windows(block, series)
    else:
        _check_forecast(block, series)
    for name in ("weight", "identifiers", "transform", "embedding_size"):
        if getattr(config, name):
            block.add(name, f"a series has no {name}", "leave it out")
    encodes = config.encode if isinstance(config.encode, Mapping) else {"": config.encode}
    for column, encode in encodes.items():
        if encode == "embedding":
            key = f"encode.{column}" if column else "encode"
            block.add(key, "the categories of a series are one-hot, so that a window is numbers", "leave it out")


def _check_scale_of_series(block: _Block, series: SeriesConfig) -> None:
    """How targets and windows cannot be scaled."""
    if block.config.scale_target == "quantile":
        message = "a series foretells what may go beyond all quantiles so far"
        block.add("scale_target", message, "leave it out, or take log")
    if series.scale is not None and block.config.scale_target == "log":
        message = "a window is scaled by its own mean, not by that of the target's logarithm"
        block.add("series.scale", message, "leave one of them out")
    if series.scale is not None and series.history == 1:
        block.add("series.scale", "a window of 1 row has no deviation to be scaled by", "data.series.history: 2 at least")


def _check_split_of_series(block: _Block, series: SeriesConfig) -> None:
    """Ways to split rows that forget their order."""
    split, labels = block.config.split, block.config.may_label_series
    whole, last = "series: {label_of: series}` takes whole series", "split: {test: 0.2, validation: 0.2}` takes the last rows"
    for name in ("column", "group") if labels else ("column", "group", "stratify", "shuffle", "like"):
        if getattr(split, name) is not None:
            hint = f"`{whole if labels else last}; parts can also be files (data.test)"
            block.add(f"split.{name}", "a series is split by time", hint)
    if split.time is not None and (split.time,) != series.time:
        block.add("split.time", "a series is split by `data.series.time`", "leave data.split.time out")


def _check_forecast(block: _Block, series: SeriesConfig) -> None:
    """What goes with labels of windows alone, where numbers are foretold."""
    hint = "data.task: classification tells labels"
    if series.offset == 0:
        message = "offset 0 is the window's own last row, which is no forecast"
        block.add("series.offset", message, f"data.series.offset: 1 is the next row; {hint}")
    if series.label_of is not None:
        block.add("series.label_of", "what is foretold is a number, which has no label", hint)


def _check_labels_of_windows(block: _Block, series: SeriesConfig) -> None:
    """What goes with forecasts alone, where windows have labels."""
    hint = "leave it out, or foretell a number"
    for key, given in (("horizon", series.horizon > 1), ("quantiles", series.quantiles), ("known", series.known)):
        if given:
            hint = "data.series.offset says which row's label it is" if key == "horizon" else hint
            block.add(f"series.{key}", f"a window has one label, and {key} belongs to forecasts", hint)
    if series.label_of != "series":
        return
    if not series.id:
        hint = "name the column that tells series apart: `id: recording`"
        block.add("series.label_of", "one series with one label leaves nothing to tell", hint)
    if series.offset:
        block.add("series.offset", "the label of a whole series is that of no row", "leave it out")
    if block.config.split.time is not None:
        place, message = block.node.entries["series"], "a series with one label is in one part as a whole"
        block.add("split.time", message, "leave data.split.time out", at=place)


def _check_columns_of_series(block: _Block, series: SeriesConfig) -> None:
    """What columns cannot be that tell series apart, are known ahead, or stay the same."""
    target = block.config.target
    for name in series.id:
        if name in (*target, *series.time):
            also = "the target" if name in target else "the time"
            block.add("series.id", f"{name} is {also}, and cannot tell series apart", "name another column")
    for key, others in (("known", ("time", "id")), ("static", ("time", "known"))):
        for name in getattr(series, key):
            other = next((other for other in others if name in getattr(series, other)), None)
            if name in target or other is not None:
                also = "the target" if name in target else f"in data.series.{other}"
                block.add(f"series.{key}", f"the column {name} is {also} as well", "name it in one of them")
    if series.static and not series.id:
        hint = "name the column that tells the series apart: `id: store`"
        block.add("series.static", "columns that differ between series alone need data.series.id", hint)
    if series.known and series.sampling > 1:
        hint = "leave data.series.sampling out, or thin the rows of the file"
        block.add("series.sampling", "what is known ahead is put beside each row, and sampling leaves rows out", hint)
    if series.known and series.history < series.horizon:
        message = f"a window of {counted(series.history, 'row')} cannot hold what is known of {series.horizon} rows to come"
        block.add("series.known", message, f"data.series.history: {series.horizon} at least")


def has_validation(config: DataConfig) -> bool:
    """Whether there will be a validation part, as far as the config tells."""
    split = config.split
    return bool(config.validation or split.validation or split.column or split.folds or may_bring_validation(config))


def may_bring_validation(config: DataConfig) -> bool:
    """Whether only the file tells if there is a validation part: an .npz archive may hold arrays of parts."""
    return config.source == "npz" and len(config.path) == 1 and "inputs" not in config.arguments
