"""What keys of the `data:` block exclude, or need, beside each other."""

from __future__ import annotations

from collections.abc import Mapping

from dltrain.config.catalog.sources import Source
from dltrain.config.keys import keys_of
from dltrain.config.reading import Context
from dltrain.config.text.nodes import MappingNode, Node
from dltrain.config.text.scalars import describe, quote
from dltrain.config.types import LIKE_SCIKIT_LEARN, MULTILABEL, SEGMENTATION, DataConfig, ImagesConfig, TextConfig
from dltrain.config.types.data import PICTURE_SCALES, TEXT_TABLES
from dltrain.config.types.key import default_of
from dltrain.wording import counted, did_you_mean

SEPARATOR_WORDS = ("tab", "comma", "semicolon", "pipe", "space", "whitespace", "::", "||")


def check_data(context: Context, node: MappingNode, config: DataConfig, source: Source | None) -> None:
    """Notes contradictions between keys of the block, and what is missing beside others."""
    _check_parts(context, node, config)
    if source is not None:
        _check_needed(context, node, config, source)
    _check_kinds_of_data(context, node, config, source)
    if config.series is not None:
        _check_series(context, node, config, source)
    elif config.split.time is not None and config.split.folds is not None:
        hint = "leave one of time and folds out, or say `data.series`"
        context.faults.add(node.entries["split"], "data.split", "folds by time are those of a series", hint)
    if config.task == MULTILABEL or config.labels is not None:
        _check_labels(context, node, config, source)
    _check_columns(context, node, config)
    if source is not None:
        _check_of(context, node, config, source)
    _check_writing(context, node, config)


def _check_parts(context: Context, node: MappingNode, config: DataConfig) -> None:
    """Parts that are given twice."""
    add = context.faults.add
    for part in ("test", "validation"):
        if getattr(config, part) and getattr(config.split, part) is not None:
            message = f"the {part} part is given as files and as a share (data.split.{part})"
            add(node.entries[part], f"data.{part}", message, "keep one of the two")
    if config.split.column is not None and (config.test or config.validation):
        add(node.entries["split"], "data.split.column", "the parts are given as files and by a column", "keep one of the two")


def _check_needed(context: Context, node: MappingNode, config: DataConfig, source: Source) -> None:
    """What the source cannot do without."""
    add, place = context.faults.add, node.entries["source"]
    for name, argument in source.arguments.items():
        if argument.required and name not in node.entries:
            message = f"missing: {argument.description.rstrip('.')}"
            add(place, f"data.{name}", message, f"such as `{name}: glove/glove.6B.50d.txt`")
    given = node.entries.get("path")
    if source.needs_path and not config.path and (given is None or given.plain() in ([], None)):
        message = f"missing: the source {source.name} needs `path`" + ("" if given is None else ", found nothing")
        hint = "the file, a list of files, or a pattern such as data/*.csv"
        add(place if given is None else given, "data.path", message, hint)
    if source.needs_target and not config.target and not config.is_reconstruction and "target" not in node.entries:
        add(place, "data.target", f"missing: the source {source.name} needs `target`, the column to predict")


def _check_kinds_of_data(context: Context, node: MappingNode, config: DataConfig, source: Source | None) -> None:
    """Blocks and targets that the kind of data has no use for."""
    add = context.faults.add
    if source is not None and source.holds != "table" and len(config.target) > 1:
        hint = "keep one; several targets are columns of a table (csv, parquet)"
        add(node.entries["target"], "data.target", f"{source.name} has one target, found {len(config.target)}", hint)
    if config.text != TextConfig() and (config.series is not None or (source is not None and source.holds != "table")):
        what = "a series" if config.series is not None else source.name if source else ""
        add(node.entries["text"], "data.text", f"{what} has no columns of free text", "leave it out")
    if config.images != ImagesConfig() and (source is None or "image_size" not in source.arguments):
        what = f"{source.name} names no pictures" if source else "it names no pictures"
        add(node.entries["images"], "data.images", f"`images` says where the pictures of a table are; {what}", "leave it out")
    if config.corrupt is not None and not config.is_reconstruction:
        message = "only a reconstruction has a clean input to learn from a corrupted one"
        hint = "say `data.task: reconstruction`, or put `- GaussianNoise` or `- Dropout` first among the layers"
        add(node.entries["corrupt"], "data.corrupt", message, hint)
    if config.task == SEGMENTATION and source is not None and source.name not in ("image_folder", "npz", "shapes"):
        message = f"{source.name} holds no masks: each pixel of a picture has a class"
        hint = "say source: image_folder, whose path may be a table as well, of which `target` names the column of the masks"
        add(node.entries["task"], "data.task", message, hint if source.needs_path else "leave it out")
    if config.transform and config.task == SEGMENTATION:
        message = "each pixel has a class, and what a transform makes of a picture has no pixels"
        add(node.entries["transform"], "data.transform", message, "leave it out")


def _check_labels(context: Context, node: MappingNode, config: DataConfig, source: Source | None) -> None:
    """What several labels per row exclude."""
    add, place = context.faults.add, node.entries.get("labels", node.entries.get("task", node))
    path = "data.labels" if config.labels is not None else "data.task"
    if config.task != MULTILABEL:
        add(place, path, f"`labels` is for rows of several labels, and data.task is {config.task}", "say `task: multilabel`")
        return
    if source is not None and source.name not in ("csv", "parquet", "npz", "image_folder"):
        message = f"{source.name} has one label a row; several are in tables (csv, parquet, of pictures) and arrays (npz)"
        add(place, path, message, "leave it out")
    if config.labels is not None and config.labels.separator is not None and (len(config.target) > 1 or config.source == "npz"):
        what = "several targets are columns of 0 and 1" if config.source != "npz" else "an array has a column of 0 and 1 for each"
        add(place, "data.labels.separator", f"a separator stands in cells of text; {what}", "leave it out")
    if config.split.like == LIKE_SCIKIT_LEARN and config.split.stratify:
        message = "scikit-learn's train_test_split stratifies by one class a row, not by several labels"
        add(node.entries["split"], "data.split.stratify", message, "leave `like` out, or `stratify`")


def _check_columns(context: Context, node: MappingNode, config: DataConfig) -> None:
    """Columns that are two things at once, or none of `data.columns`."""
    add = context.faults.add
    for name in ("drop", "identifiers"):
        for column in getattr(config, name):
            if column in config.target:
                add(node.entries[name], f"data.{name}", f"the column {column} is the target")
    for column in config.features or {}:
        if column in config.target and config.series is None:
            add(node.entries["features"], "data.features", f"the column {column} is the target, so it cannot be a feature")
        elif column in config.drop:
            add(node.entries["features"], "data.features", f"the column {column} is also in `drop`")
    if config.columns is None:
        return
    for name, key in keys_of("data").items():
        named = getattr(config, name) or () if key.names_columns else ()
        for column in [named] if isinstance(named, str) else named:
            if column not in config.columns:
                add(node.entries[name], key.path, f"no column {column} in data.columns", did_you_mean(column, config.columns))


def _check_of(context: Context, node: MappingNode, config: DataConfig, source: Source) -> None:
    """Keys that are for other sources."""
    for name, key in keys_of("data").items():
        if not key.of or source.name in key.of or source.holds in key.of or getattr(config, name) == default_of(config, name):
            continue
        if key.of[: len(TEXT_TABLES)] == TEXT_TABLES:
            message, hint = f"`{name}` says how text tables are written; {source.name} is none", "leave it out"
        else:
            message, hint = f"is for tables; {source.name} holds pictures or arrays", None
        context.faults.add(node.entries[name], key.path, message, hint)
    if source.holds != "pictures" and source.name != "npz":
        return
    split, scale = node.entries.get("split"), config.scale
    for name in ("column", "group", "time") if source.name != "image_folder" else ():  # whose pictures may be named in a table
        if getattr(config.split, name):
            place = split.entries[name] if isinstance(split, MappingNode) else split
            context.faults.add(place, f"data.split.{name}", f"is for tables; {source.name} holds pictures or arrays")
    known = ", ".join(PICTURE_SCALES)
    if isinstance(scale, Mapping):
        context.faults.add(node.entries["scale"], "data.scale", "pictures have no columns", f"one of {known}")
    elif scale not in (None, *PICTURE_SCALES):
        context.faults.add(node.entries["scale"], "data.scale", f"expected one of {known}, got {scale}")


def _check_writing(context: Context, node: MappingNode, config: DataConfig) -> None:
    """How text tables are written."""
    for name in ("separator", "quote", "thousands"):
        text = getattr(config, name)
        words = {"separator": SEPARATOR_WORDS, "quote": ("none",)}.get(name, ())
        if text is not None and len(text) != 1 and text.casefold() not in words:
            hints = {
                "separator": r'a tab is "\t" or tab, runs of blanks are whitespace; of two signs :: and || are read',
                "quote": "none, where quotes mean nothing",
            }
            hint = hints.get(name)
            context.faults.add(node.entries[name], f"data.{name}", f"expected a single character, found {describe(text)}", hint)
    if config.encoding is not None:
        _check_encoding(context, node.entries["encoding"], config.encoding)


def _check_series(context: Context, node: MappingNode, config: DataConfig, source: Source | None) -> None:
    """What a series excludes."""
    add, place = context.faults.add, node.entries["series"]
    if source is not None and source.holds != "table":
        add(place, "data.series", f"a series is a table, {source.name} is none", "source: csv or source: parquet")
    split = config.split
    labels = config.may_label_series
    for name in ("column", "group") if labels else ("column", "group", "stratify", "shuffle", "like"):
        if getattr(split, name) is not None:
            takes = (
                "series: {label_of: series}` takes whole series"
                if labels
                else "split: {test: 0.2, validation: 0.2}` takes the last rows"
            )
            hint = f"`{takes}; parts can also be files (data.test)"
            add(node.entries["split"], f"data.split.{name}", "a series is split by time", hint)
    if split.time is not None and config.series is not None and (split.time,) != config.series.time:
        add(node.entries["split"], "data.split.time", "a series is split by `data.series.time`", "leave data.split.time out")
    if config.series is not None:
        for name in config.series.id:
            if name in (*config.target, *config.series.time):
                also = "the target" if name in config.target else "the time"
                add(place, "data.series.id", f"{name} is {also}, and cannot tell series apart", "name another column")
        _check_covariates(context, place, config)
    if config.series is not None and config.scale_target == "quantile":
        hint = "leave it out, or take log"
        add(node.entries["scale_target"], "data.scale_target", "a series foretells what may go beyond all quantiles so far", hint)
    if config.series is not None and config.series.scale is not None and config.scale_target == "log":
        hint = "leave one of them out"
        add(place, "data.series.scale", "a window is scaled by its own mean, not by that of the target's logarithm", hint)
    if config.is_reconstruction or config.task == MULTILABEL:
        of = "several labels" if config.task == MULTILABEL else f"a {config.task}"
        message = f"a series foretells numbers, or one label of each window, not {of}"
        add(node.entries.get("task", place), "data.task", message)
    _check_labels_of_windows(context, place, config)
    for name in ("weight", "identifiers", "transform"):
        if getattr(config, name):
            add(node.entries[name], f"data.{name}", f"a series has no {name}", "leave it out")
    encodes = config.encode if isinstance(config.encode, Mapping) else {"": config.encode}
    for column, encode in encodes.items():
        if encode == "embedding":
            where = f"data.encode.{column}" if column else "data.encode"
            add(
                node.entries["encode"],
                where,
                "the categories of a series are one-hot, so that a window is numbers",
                "leave it out",
            )


def _check_labels_of_windows(context: Context, place: Node, config: DataConfig) -> None:
    """What goes with labels of windows alone, and what with numbers alone."""
    add, series = context.faults.add, config.series
    if series is None:
        return
    if config.task != "classification":
        hint = "data.task: classification tells labels"
        if series.offset == 0:
            message = "offset 0 is the window's own last row, which is no forecast"
            add(place, "data.series.offset", message, f"data.series.offset: 1 is the next row; {hint}")
        if series.label_of is not None:
            add(place, "data.series.label_of", "what is foretold is a number, which has no label", hint)
        return
    hint = "leave it out, or foretell a number"
    for key, given in (("horizon", series.horizon > 1), ("quantiles", series.quantiles), ("known", series.known)):
        if given:
            hint = "data.series.offset says which row's label it is" if key == "horizon" else hint
            add(place, f"data.series.{key}", f"a window has one label, and {key} belongs to forecasts", hint)
    if series.label_of == "series" and not series.id:
        add(
            place,
            "data.series.label_of",
            "one series with one label leaves nothing to tell",
            "name the column that tells series apart: `id: recording`",
        )
    if series.label_of == "series" and series.offset:
        add(place, "data.series.offset", "the label of a whole series is that of no row", "leave it out")
    if series.label_of == "series" and config.split.time is not None:
        add(place, "data.split.time", "a series with one label is in one part as a whole", "leave data.split.time out")


def _check_covariates(context: Context, place: Node, config: DataConfig) -> None:
    """What columns that are known ahead, or stay the same, cannot be."""
    add, series = context.faults.add, config.series
    assert series is not None
    for key, others in (("known", ("time", "id")), ("static", ("time", "known"))):
        for name in getattr(series, key):
            other = next((other for other in others if name in getattr(series, other)), None)
            if name in config.target or other is not None:
                also = "the target" if name in config.target else f"in data.series.{other}"
                add(place, f"data.series.{key}", f"the column {name} is {also} as well", "name it in one of them")
    if series.static and not series.id:
        hint = "name the column that tells the series apart: `id: store`"
        add(place, "data.series.static", "columns that differ between series alone need data.series.id", hint)
    if series.known and series.sampling > 1:
        hint = "leave data.series.sampling out, or thin the rows of the file"
        add(place, "data.series.sampling", "what is known ahead is put beside each row, and sampling leaves rows out", hint)
    if series.known and series.history < series.horizon:
        message = f"a window of {counted(series.history, 'row')} cannot hold what is known of {series.horizon} rows to come"
        add(place, "data.series.known", message, f"data.series.history: {series.horizon} at least")


def _check_encoding(context: Context, node: Node, encoding: str) -> None:
    import codecs

    try:
        codecs.lookup(encoding)
    except (LookupError, ValueError):
        context.faults.add(
            node, "data.encoding", f"unknown text encoding {quote(encoding)}", "such as utf-8, latin-1, cp1252, utf-16"
        )
