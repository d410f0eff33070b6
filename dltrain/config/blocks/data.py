"""Reads the `data:` block."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from dltrain.config.aliases import KNOWN_SOURCES
from dltrain.config.catalog.date_formats import DATE_ORDERS, NO_DATES, why_no_writing
from dltrain.config.catalog.sources import SOURCES, Source, sources_with_argument
from dltrain.config.components import read_component
from dltrain.config.keys import FEATURE_KINDS, keys_of
from dltrain.config.kinds import MISMATCH, parse_kind
from dltrain.config.reading import (
    Context,
    add_unknown_key,
    is_absent,
    is_none,
    is_removed,
    items_of,
    read_block,
    read_texts,
    scalars_of,
)
from dltrain.config.text.nodes import ListNode, MappingNode, Node, ScalarNode
from dltrain.config.text.scalars import describe, quote
from dltrain.config.types import (
    LIKE_BOTH,
    NO_DATA,
    Component,
    CorruptConfig,
    DataConfig,
    ImagesConfig,
    SeriesConfig,
    SplitConfig,
    TextConfig,
)
from dltrain.wording import did_you_mean, normalize, one_of

TEXT_TABLES = ("columns", "header", "separator", "quote", "decimal", "thousands", "encoding", "comment", "skip")
SEPARATOR_WORDS = ("tab", "comma", "semicolon", "pipe", "space", "whitespace")
HOW = ("column", "group", "time", "folds")
MOST_RANDOM_STATE = 2**32 - 1


def read_data(context: Context, node: Node | None) -> DataConfig:
    """The `data:` block as a `DataConfig`; what is wrong with it is noted."""
    if is_none(node):
        return DataConfig(NO_DATA)
    source = _find_source(context, node)
    arguments: dict[str, Any] = {}

    def unknown(name: str, value: Node) -> bool:
        return _read_argument(context, source, name, value, node, arguments)

    formats: dict[str, Any] = {}  # of dates, as `features` names them

    def paths(value: Node, path: str) -> Any:
        texts = read_texts(context, value, path, "text|list(text)")
        if texts is MISMATCH:
            return texts
        return tuple(context.paths.resolve(text, item) for text, item in zip(texts, scalars_of(value)))

    def names(value: Node, path: str) -> Any:
        return read_texts(context, value, path, "name|list(name)")

    values = read_block(
        context,
        node,
        "data",
        {
            "source": lambda _value, _path: source.name if source else MISMATCH,
            "path": paths,
            "validation": paths,
            "test": paths,
            "target": lambda value, path: _names_once(context, value, path, "list(name)|name"),
            "drop": names,
            "identifiers": names,
            "columns": lambda value, path: _names_once(context, value, path),
            "missing": lambda value, path: _words(context, value, path),
            "features": lambda value, path: _read_features(context, value, path, formats),
            "dates": lambda value, path: _read_dates(context, value, path),
            "replace": lambda value, path: _read_replace(context, value, path),
            "split": lambda value, _path: read_split(context, value),
            "augment": lambda value, path: _read_components(context, value, path, "layer", "[{RandomFlip: {mode: horizontal}}]"),
            "transform": lambda value, path: _read_components(context, value, path, "transformer", "[{PCA: {n_components: 20}}]"),
            "corrupt": lambda value, path: CorruptConfig(**read_block(context, value, path, {})),
            "text": lambda value, _path: _read_text(context, value),
            "series": lambda value, _path: _read_series(context, value),
            "images": lambda value, path: _read_images(context, value, path, paths),
        },
        unknown,
    )
    if source is not None and source.name == "npz" and len(values.get("target") or ()) == 1:
        arguments.setdefault("targets", values["target"][0])  # a name of its own is given with `targets`
    if formats and isinstance(values.get("dates"), str) and isinstance(node, MappingNode):
        message = "`features` names formats of dates as well"
        context.faults.add(node.entries["dates"], "data.dates", message, "give each column its own here")
    elif formats:
        values["dates"] = {**(values.get("dates") or {}), **formats}
    config = DataConfig(
        source=values.pop("source", ""),
        arguments=arguments,
        places={k: v for k, v in context.places.items() if k.startswith("data.")},
        **values,
    )
    if isinstance(node, MappingNode):
        _check_together(context, node, config, source)
    return config


def _find_source(context: Context, node: Node | None) -> Source | None:
    value = node.entries.get("source") if isinstance(node, MappingNode) else None
    if value is None or is_removed(value):
        return None
    if not isinstance(value, ScalarNode) or not isinstance(value.value, str):
        context.faults.add(
            value,
            "data.source",
            f"expected the name of a source, found {describe(value.plain())}",
            f"sources: {one_of(SOURCES, 40)}",
        )
        return None
    source = SOURCES.get(value.value) or SOURCES.get(value.value.lower().replace("-", "_"))
    if source is None:
        known = f"sources: {one_of(SOURCES, 40)}"
        near = did_you_mean(KNOWN_SOURCES.get(normalize(value.value), value.value), SOURCES)
        if value.value.lower().endswith((".csv", ".tsv", ".parquet", ".npz")):
            suffix = value.value.lower().rsplit(".", 1)[1].replace("tsv", "csv")
            near = f"write source: {suffix} and path: {value.value};"
        context.faults.add(value, "data.source", f"unknown source {quote(value.value)}", f"{near} {known}" if near else known)
    return source


def _read_argument(
    context: Context, source: Source | None, name: str, value: Node, node: Node | None, arguments: dict[str, Any]
) -> bool:
    """Deals with a key that is a source's own argument; False where no source has one of that name."""
    path = f"data.{name}"
    argument = source.arguments.get(name) if source else None
    if argument is not None:
        if not is_removed(value):
            context.note(value, path)
            found = context.read(parse_kind(argument.type), value, path)
            if found is not MISMATCH:
                arguments[name] = context.paths.resolve(found, value) if argument.is_path else found
        return True
    owners = sources_with_argument(name)
    assert isinstance(node, MappingNode)
    if owners:
        if source is not None:
            takes = (
                f"{source.name} takes: {one_of(source.arguments)}"
                if source.arguments
                else f"{source.name} takes no arguments of its own"
            )
            message = f"{name} is an argument of the source {', '.join(owners)}, not of {source.name}"
            context.faults.add(node.keys[name], path, message, takes, word=value.word)
        return True
    if source is not None and source.arguments:
        add_unknown_key(context, node, "data", name, tuple(source.arguments))
        return True
    return False


def _names_once(context: Context, value: Node, path: str, kind: str = "list(name)") -> Any:
    names = read_texts(context, value, path, kind)
    if names is not MISMATCH:
        for index, name in enumerate(names):
            if name in names[:index]:
                context.faults.add(scalars_of(value)[index], f"{path}.{index}", f"the column {name} is named twice")
    return names


def _words(context: Context, value: Node, path: str) -> Any:
    """Words that may be empty or look like numbers, as they were written."""
    if not isinstance(value, ListNode):
        return read_texts(context, value, path, "name|list(name)")
    words = []
    for index, item in enumerate(value.items):
        if isinstance(item, ScalarNode):
            words.append(item.text)
        else:
            context.faults.add(item, f"{path}.{index}", f"expected a word, found {describe(item.plain())}")
    return tuple(words)


def _read_features(context: Context, value: Node, path: str, formats: dict[str, Any]) -> Any:
    if isinstance(value, ListNode):
        names = read_texts(context, value, path, "list(name)")
        return names if names is MISMATCH else dict.fromkeys(names)
    if isinstance(value, MappingNode):
        # {sold: {date: "%d.%m.%Y"}}
        dated = {
            name: item.entries["date"]
            for name, item in value.entries.items()
            if isinstance(item, MappingNode) and set(item.entries) == {"date"}
        }
        formats |= {name: _read_writing(context, item, f"{path}.{name}.date") for name, item in dated.items()}
        others = replace(value, entries={name: item for name, item in value.entries.items() if name not in dated})
        kinds = context.read(parse_kind(f"map({FEATURE_KINDS})"), others, path)
        return {name: kinds.get(name, "date") for name in value.entries} if isinstance(kinds, dict) else kinds
    hint = f"write [{value.text}]" if isinstance(value, ScalarNode) and value.text else None
    expected = "expected a list of columns or a mapping column: kind"
    context.faults.add(value, path, f"{expected}, found {describe(value.plain())}", hint)
    return MISMATCH


def _read_dates(context: Context, value: Node, path: str) -> Any:
    """How dates are written: of all columns or of each."""
    if not isinstance(value, MappingNode):
        return _read_writing(context, value, path)
    found = {name: _read_writing(context, item, f"{path}.{name}") for name, item in value.entries.items()}
    return MISMATCH if MISMATCH in found.values() else found


def _read_writing(context: Context, value: Node, path: str) -> Any:
    text = value.text if isinstance(value, ScalarNode) else None
    wrong = "" if text in (*DATE_ORDERS, NO_DATES) else "expected how dates are written" if text is None else why_no_writing(text)
    if not wrong:
        return text
    hint = 'such as day_first, month_first, "%d.%m.%Y", epoch or "%Y-%m-%d %H:%M%z @Europe/Berlin"'
    context.faults.add(value, path, f"{wrong}, found {describe(value.plain())}", hint)
    return MISMATCH


def _read_replace(context: Context, value: Node, path: str) -> Any:
    if not isinstance(value, MappingNode):
        context.faults.add(
            value, path, f"expected a mapping, found {describe(value.plain())}", 'such as {income: {"<=50K.": "<=50K"}}'
        )
        return MISMATCH
    columns: dict[str, dict[str, str]] = {}
    for column, texts in value.entries.items():
        if not isinstance(texts, MappingNode):
            context.faults.add(
                texts, f"{path}.{column}", f"expected a mapping of old text to new, found {describe(texts.plain())}"
            )
            continue
        columns[column] = {}
        for old, new in texts.entries.items():
            if isinstance(new, ScalarNode):
                columns[column][old] = new.text
            else:
                context.faults.add(new, f"{path}.{column}.{old}", f"expected text, found {describe(new.plain())}")
    return columns


def read_split(context: Context, node: Node) -> SplitConfig:
    """The `data.split:` block; ways that contradict each other are noted."""
    values = read_block(context, node, "data.split", {})
    config = SplitConfig(**values)
    hows = [how for how in HOW if values.get(how) is not None]
    if len(hows) > 1:
        context.faults.add(node, "data.split", f"expected one of column, group, time, folds, found {' and '.join(hows)}")
    if config.column is not None:
        for name in ("test", "validation", "stratify"):
            if values.get(name) is not None:
                context.faults.add(
                    node,
                    f"data.split.{name}",
                    f"the column {config.column} says which row goes where; `{name}` cannot say it too",
                )
    if config.fold is not None and config.fold > (config.folds or 0):
        folds = f"there are {config.folds} folds" if config.folds else "there are no folds"
        context.faults.add(node, "data.split.fold", f"{folds}, and no fold {config.fold}", "such as {folds: 5, fold: 1}")
    if config.folds is not None and config.validation is not None:
        context.faults.add(
            node, "data.split.validation", "with folds, each fold is the validation part once; leave `validation` out"
        )
    _check_order(context, node, config, hows)
    if config.time is not None and config.stratify:
        context.faults.add(node, "data.split.stratify", "rows split by time cannot be stratified")
    for name in ("group", "time"):
        if values.get(name) is not None and config.test is None and config.validation is None:
            context.faults.add(
                node,
                f"data.split.{name}",
                f"`{name}` says how, but not how much",
                f"such as {{{name}: {values[name]}, test: 0.2}}",
            )
    return config


def _check_order(context: Context, node: Node, config: SplitConfig, hows: list[str]) -> None:
    """What excludes `shuffle` and `like`, which say how rows are drawn where nothing else does."""
    add, path = context.faults.add, "data.split.like" if config.like is not None else "data.split.shuffle"
    if config.like is None and config.shuffle is None:
        return
    key = path.rpartition(".")[2]
    if hows:
        add(node, path, f"`{hows[0]}` says which row goes where; `{key}` cannot say it too", f"leave `{key}` out")
    if config.like is not None and config.shuffle is False:
        add(node, path, "rows that are not shuffled are not drawn like anything", "keep one of `like` and `shuffle: false`")
    elif config.shuffle is False and config.stratify:
        add(node, path, "the last rows cannot be stratified", "leave `stratify` out, or `shuffle`")
    if config.like is not None and config.seed is not None and config.seed > MOST_RANDOM_STATE:
        add(node, "data.split.seed", f"scikit-learn takes no seed above {MOST_RANDOM_STATE}, found {config.seed}")
    if config.like == LIKE_BOTH and config.test is None:
        add(node, path, "there is no test part for scikit-learn to draw", "such as {test: 0.2, validation: 0.2}")


def _read_text(context: Context, node: Node) -> TextConfig:
    values = read_block(context, node, "data.text", {"vectors": lambda value, path: _read_path(context, value, path)})
    if isinstance(values.get("ngrams"), int):
        values["ngrams"] = tuple(range(1, values["ngrams"] + 1))  # as Keras has it
    elif "ngrams" in values:
        values["ngrams"] = tuple(values["ngrams"])
        if not values["ngrams"]:
            message = "expected a list of whole numbers, found an empty one"
            context.faults.add(node.entries["ngrams"], "data.text.ngrams", message, "such as [1, 2]")  # type: ignore[attr-defined]
    return TextConfig(**values)


def _read_images(context: Context, node: Node, path: str, paths: Any) -> ImagesConfig:
    values = read_block(context, node, path, {"folder": paths})
    if str(values.get("suffix", ".")).isalnum():
        values["suffix"] = f".{values['suffix']}"  # `jpg` means `.jpg`
    return ImagesConfig(**values)


def _read_series(context: Context, node: Node) -> Any:
    values = read_block(
        context, node, "data.series", {"time": lambda value, path: read_texts(context, value, path, "name|list(name)")}
    )
    return SeriesConfig(**values) if "history" in values else MISMATCH


def _read_path(context: Context, node: Node, path: str) -> Any:
    """A single path, absolute."""
    text = context.read(parse_kind("text"), node, path)
    return text if text is MISMATCH else context.paths.resolve(text, node)


def _read_components(context: Context, node: Node, path: str, kind: str, example: str) -> Any:
    items = items_of(context, node, path, f"{kind}s", example)
    if items is None:
        return MISMATCH
    components: list[Component] = []
    for index, item in enumerate(items):
        component = read_component(context, (kind,), item, f"{path}.{index}")
        if component is not None:
            components.append(component)
    return tuple(components)


def _check_together(context: Context, node: MappingNode, config: DataConfig, source: Source | None) -> None:
    """Contradictions between keys of the block."""
    add = context.faults.add
    for part in ("test", "validation"):
        if getattr(config, part) and getattr(config.split, part) is not None:
            add(
                node.entries[part],
                f"data.{part}",
                f"the {part} part is given as files and as a share (data.split.{part})",
                "keep one of the two",
            )
    if config.split.column is not None and (config.test or config.validation):
        add(node.entries["split"], "data.split.column", "the parts are given as files and by a column", "keep one of the two")
    for name, argument in source.arguments.items() if source is not None else ():
        if argument.required and name not in node.entries:
            message = f"missing: {argument.description.rstrip('.')}"
            add(node.entries["source"], f"data.{name}", message, f"such as `{name}: glove/glove.6B.50d.txt`")
    given = node.entries.get("path")
    if source is not None and source.needs_path and not config.path and (given is None or given.plain() in ([], None)):
        add(
            node.entries["source"] if given is None else given,
            "data.path",
            f"missing: the source {source.name} needs `path`" + ("" if given is None else ", found nothing"),
            "the file, a list of files, or a pattern such as data/*.csv",
        )
    if (
        source is not None
        and source.needs_target
        and not config.target
        and config.task != "reconstruction"
        and "target" not in node.entries
    ):
        add(node.entries["source"], "data.target", f"missing: the source {source.name} needs `target`, the column to predict")
    if source is not None and source.holds != "table" and len(config.target) > 1:
        hint = "keep one; several targets are columns of a table (csv, parquet)"
        add(node.entries["target"], "data.target", f"{source.name} has one target, found {len(config.target)}", hint)
    if config.text != TextConfig() and (config.series is not None or (source is not None and source.holds != "table")):
        what = "a series" if config.series is not None else source.name if source else ""
        add(node.entries["text"], "data.text", f"{what} has no columns of free text", "leave it out")
    if config.images != ImagesConfig() and (source is None or "image_size" not in source.arguments):
        what = f"{source.name} names no pictures" if source else "it names no pictures"
        add(node.entries["images"], "data.images", f"`images` says where the pictures of a table are; {what}", "leave it out")
    if config.corrupt is not None and config.task != "reconstruction":
        add(
            node.entries["corrupt"],
            "data.corrupt",
            "only a reconstruction has a clean input to learn from a corrupted one",
            "say `data.task: reconstruction`, or put `- GaussianNoise` or `- Dropout` first among the layers",
        )
    if config.series is not None:
        _check_series(context, node, config, source)
    for name in ("drop", "identifiers"):
        for column in getattr(config, name):
            if column in config.target:
                add(node.entries[name], f"data.{name}", f"the column {column} is the target")
    for column in config.features or {}:
        if column in config.target and config.series is None:
            add(node.entries["features"], "data.features", f"the column {column} is the target, so it cannot be a feature")
        elif column in config.drop:
            add(node.entries["features"], "data.features", f"the column {column} is also in `drop`")
    if config.columns is not None:
        named = [("target", column) for column in config.target] + [("weight", config.weight)] * (config.weight is not None)
        named += [("features", column) for column in config.features or {}] + [("drop", column) for column in config.drop]
        for key, column in named:
            if column is not None and column not in config.columns:
                add(node.entries[key], f"data.{key}", f"no column {column} in data.columns", did_you_mean(column, config.columns))
    for name in TEXT_TABLES:
        if source is not None and source.name not in ("csv", "word_vectors") and getattr(config, name) not in (None, 0):
            add(
                node.entries[name],
                f"data.{name}",
                f"`{name}` says how text tables are written; {source.name} is none",
                "leave it out",
            )
    for name in ("separator", "quote", "thousands"):
        text = getattr(config, name)
        if text is not None and len(text) != 1 and not (name == "separator" and text.casefold() in SEPARATOR_WORDS):
            add(
                node.entries[name],
                f"data.{name}",
                f"expected a single character, found {describe(text)}",
                r'a tab is "\t" or tab, runs of blanks are whitespace' if name == "separator" else None,
            )
    if config.encoding is not None:
        _check_encoding(context, node.entries["encoding"], config.encoding)


def _check_series(context: Context, node: MappingNode, config: DataConfig, source: Source | None) -> None:
    """What a series excludes."""
    add, place = context.faults.add, node.entries["series"]
    if source is not None and source.holds != "table":
        add(place, "data.series", f"a series is a table, {source.name} is none", "source: csv or source: parquet")
    split = config.split
    for name in ("column", "group", "folds", "stratify", "shuffle", "like"):
        if getattr(split, name) is not None:
            hint = "`split: {test: 0.2, validation: 0.2}` takes the last rows; parts can also be files (data.test)"
            add(node.entries["split"], f"data.split.{name}", "a series is split by time", hint)
    if split.time is not None and config.series is not None and (split.time,) != config.series.time:
        add(node.entries["split"], "data.split.time", "a series is split by `data.series.time`", "leave data.split.time out")
    if config.task in ("classification", "reconstruction"):
        add(node.entries["task"], "data.task", f"a series foretells numbers, not a {config.task}")
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


def _check_encoding(context: Context, node: Node, encoding: str) -> None:
    import codecs

    try:
        codecs.lookup(encoding)
    except (LookupError, ValueError):
        context.faults.add(
            node, "data.encoding", f"unknown text encoding {quote(encoding)}", "such as utf-8, latin-1, cp1252, utf-16"
        )


def has_validation(config: DataConfig) -> bool:
    """Whether there will be a validation part, as far as the config tells."""
    return bool(config.validation or config.split.validation or config.split.column or config.split.folds)


def plain_data(config: DataConfig) -> dict[str, Any] | str:
    """The block as plain values, with what the reader was given or resolved; `none` where there is no data."""
    from dltrain.config.components import plain_component, plain_value

    if config.source == NO_DATA:
        return NO_DATA

    plain: dict[str, Any] = {"source": config.source, **config.arguments}
    for name in keys_of("data"):
        value = getattr(config, name)
        if (
            name in ("source", "split", "augment", "transform", "corrupt", "text", "images", "series")
            or value is None
            or value in ((), {})
        ):
            continue
        if name == "features":
            plain[name] = list(value) if all(kind is None for kind in value.values()) else dict(value)
        elif name in ("path", "validation", "test", "target") and len(value) == 1:
            plain[name] = value[0]
        else:
            plain[name] = plain_value(value)
    plain["split"] = {
        name: getattr(config.split, name) for name in keys_of("data.split") if getattr(config.split, name) is not None
    }
    if config.corrupt is not None:
        plain["corrupt"] = {"noise": config.corrupt.noise, "mask": config.corrupt.mask}
    if config.text != TextConfig():
        plain["text"] = _given(config.text)
    if config.images != ImagesConfig():
        plain["images"] = _given(config.images)
    if config.series is not None:
        plain["series"] = {"history": config.series.history, **_given(config.series)}
    for name in ("augment", "transform"):
        if getattr(config, name):
            plain[name] = [plain_component(component) for component in getattr(config, name)]
    return plain


def _given(block: Any) -> dict[str, Any]:
    """The fields of a small block that have not their defaults."""
    values = {field.name: getattr(block, field.name) for field in fields(block) if getattr(block, field.name) != field.default}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def is_given(node: Node | None, name: str) -> bool:
    """Whether a mapping gives a value for a key."""
    value = node.entries.get(name) if isinstance(node, MappingNode) else None
    return value is not None and not is_absent(value)
