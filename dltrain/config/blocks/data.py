"""Reads the `data:` block."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from dltrain.config.blocks.data_checks import check_data
from dltrain.config.blocks.earlier_run import read_preprocessing_file
from dltrain.config.catalog.date_formats import DATE_ORDERS, NO_DATES, why_no_writing
from dltrain.config.catalog.sources import SOURCES, Source, sources_with_argument
from dltrain.config.components import plain_value, read_component
from dltrain.config.keys import KEYS, keys_of
from dltrain.config.kinds import MISMATCH, parse_kind
from dltrain.config.old_words.values import KNOWN_SOURCES
from dltrain.config.reading import (
    Context,
    Special,
    add_unknown_key,
    is_none,
    is_removed,
    items_of,
    plain_block,
    read_block,
    read_key,
    scalars_of,
)
from dltrain.config.text.nodes import ListNode, MappingNode, Node, ScalarNode
from dltrain.config.text.scalars import describe, quote
from dltrain.config.types import (
    LIKE_BOTH,
    MULTILABEL,
    NO_DATA,
    SEGMENTATION,
    Component,
    DataConfig,
    ImagesConfig,
    LabelsConfig,
    SeriesConfig,
    SplitConfig,
    TextConfig,
)
from dltrain.config.types.data import FEATURE_KINDS
from dltrain.wording import did_you_mean, edit_distance, nearest, normalize, one_of

MIDDLE = 0.5
HOW = ("column", "group", "time", "folds")
MOST_RANDOM_STATE = 2**32 - 1


def read_data(context: Context, node: Node | None) -> DataConfig:
    """The `data:` block as a `DataConfig`; what is wrong with it is noted."""
    if is_none(node):
        return DataConfig(NO_DATA)
    source = _find_source(context, node)
    arguments: dict[str, Any] = {}
    formats: dict[str, Any] = {}  # of dates, as `features` names them

    def unknown(name: str, value: Node) -> bool:
        return _read_argument(context, source, name, value, node, arguments)

    special: dict[str, Special] = {
        "source": lambda _value, _path: source.name if source else MISMATCH,
        "target": lambda value, path: _names_once(context, value, path),
        "columns": lambda value, path: _names_once(context, value, path),
        "missing": lambda value, path: _words(context, value, path),
        "features": lambda value, path: _read_features(context, value, path, formats),
        "dates": lambda value, path: _read_dates(context, value, path),
        "replace": lambda value, path: _read_replace(context, value, path),
        "split": lambda value, _path: read_split(context, value),
        "augment": lambda value, path: _read_components(context, value, path, "layer", "[{RandomFlip: {mode: horizontal}}]"),
        "transform": lambda value, path: _read_components(context, value, path, "transformer", "[{PCA: {n_components: 20}}]"),
        "text": lambda value, _path: _read_text(context, value),
        "images": lambda value, _path: _read_images(context, value),
        "series": lambda value, _path: _read_series(context, value),
        "labels": lambda value, _path: _read_labels(context, value),
        "preprocessing": lambda value, path: read_preprocessing_file(context, value, path),
    }
    values = read_block(context, node, "data", special, unknown)
    if source is not None and source.name == "npz" and len(values.get("target") or ()) == 1:
        arguments.setdefault("targets", values["target"][0])  # a name of its own is given with `targets`
    if formats and isinstance(values.get("dates"), str) and isinstance(node, MappingNode):
        message = "`features` names formats of dates as well"
        context.faults.add(node.entries["dates"], "data.dates", message, "give each column its own here")
    elif formats:
        values["dates"] = {**(values.get("dates") or {}), **formats}
    places = {path: place for path, place in context.places.items() if path.startswith("data.")}
    config = _with_own_offset(_with_own_task(DataConfig(values.pop("source", ""), arguments, places=places, **values)))
    if isinstance(node, MappingNode):
        check_data(context, node, config, source)
    return config


def _find_source(context: Context, node: Node | None) -> Source | None:
    value = node.entries.get("source") if isinstance(node, MappingNode) else None
    if value is None or is_removed(value):
        return None
    if not isinstance(value, ScalarNode) or not isinstance(value.value, str):
        context.misfit(value, "data.source", "the name of a source", f"sources: {one_of(SOURCES, 40)}")
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
                arguments[name] = context.path_of(found, value, path) if argument.is_path else found
        return True
    owners = sources_with_argument(name)
    assert isinstance(node, MappingNode)
    if owners:
        if source is not None:
            takes = f"takes: {one_of(source.arguments)}" if source.arguments else "takes no arguments of its own"
            message = f"{name} is an argument of the source {', '.join(owners)}, not of {source.name}"
            near = nearest(name, keys_of("data"))
            meant = f'did you mean "{near}"? ' if near and edit_distance(name, near, 1) == 1 else ""
            context.faults.add(node.keys[name], path, message, f"{meant}{source.name} {takes}", word=value.word)
        return True
    if source is not None and source.arguments:
        add_unknown_key(context, node, "data", name, tuple(source.arguments))
        return True
    return False


def _names_once(context: Context, value: Node, path: str) -> Any:
    names = read_key(context, KEYS[path], value)
    if names is not MISMATCH:
        for index, name in enumerate(names):
            if name in names[:index]:
                context.faults.add(scalars_of(value)[index], f"{path}.{index}", f"the column {name} is named twice")
    return names


def _words(context: Context, value: Node, path: str) -> Any:
    """Words that may be empty or look like numbers, as they were written."""
    if not isinstance(value, ListNode):
        word = context.read(parse_kind("name|list(name)"), value, path)
        return word if word is MISMATCH else (word,)
    words = []
    for index, item in enumerate(value.items):
        if isinstance(item, ScalarNode):
            words.append(item.text)
        else:
            context.misfit(item, f"{path}.{index}", "a word")
    return tuple(words)


def _read_features(context: Context, value: Node, path: str, formats: dict[str, Any]) -> Any:
    if isinstance(value, ListNode):
        names = context.read(parse_kind("list(name)"), value, path)
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
    return context.misfit(value, path, "a list of columns or a mapping column: kind", hint)


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
        return context.misfit(value, path, "a mapping", 'such as {income: {"<=50K.": "<=50K"}}')
    columns: dict[str, dict[str, str]] = {}
    for column, texts in value.entries.items():
        if not isinstance(texts, MappingNode):
            context.misfit(texts, f"{path}.{column}", "a mapping of old text to new")
            continue
        columns[column] = {}
        for old, new in texts.entries.items():
            if isinstance(new, ScalarNode):
                columns[column][old] = new.text
            else:
                context.misfit(new, f"{path}.{column}.{old}", "text")
    return columns


def read_split(context: Context, node: Node) -> SplitConfig:
    """The `data.split:` block; ways that contradict each other are noted."""
    values = read_block(context, node, "data.split", {})
    config = SplitConfig(**values)
    hows = [how for how in HOW if values.get(how) is not None]
    if len(hows) > 1 and hows != ["time", "folds"]:  # of a series: a rolling origin
        context.faults.add(node, "data.split", f"expected one of column, group, time, folds, found {' and '.join(hows)}")
    if config.column is not None:
        for name in ("test",) if config.validation is not None else ("test", "stratify"):
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
        if values.get(name) is not None and config.test is None and config.validation is None and config.folds is None:
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
    values = read_block(context, node, "data.text", {})
    if isinstance(values.get("ngrams"), int):
        values["ngrams"] = tuple(range(1, values["ngrams"] + 1))  # as Keras has it
    elif "ngrams" in values:
        values["ngrams"] = tuple(values["ngrams"])
        if not values["ngrams"]:
            message = "expected a list of whole numbers, found an empty one"
            context.faults.add(node.entries["ngrams"], "data.text.ngrams", message, "such as [1, 2]")  # type: ignore[attr-defined]
    config = TextConfig(**values)
    if isinstance(node, MappingNode):
        _check_pieces(context, node, config)
    return config


def _check_pieces(context: Context, node: MappingNode, config: TextConfig) -> None:
    """What pieces of words exclude, and what only they have."""
    add, is_subword = context.faults.add, config.split in ("wordpiece", "bpe")
    if config.vocabulary is not None and not is_subword:
        message = f"`vocabulary` is of pieces of words (split: wordpiece or bpe), found split: {config.split}"
        add(node.entries["vocabulary"], "data.text.vocabulary", message, f"write max_tokens: {config.vocabulary}")
    if not is_subword:
        return
    if config.max_tokens != TextConfig().max_tokens:
        hint = f"write vocabulary: {config.max_tokens}" if config.max_tokens else "leave it out"
        add(node.entries["max_tokens"], "data.text.max_tokens", f"of split: {config.split} it is `vocabulary`", hint)
    if config.ngrams != (1,):
        message = f"n-grams are of whole words or characters; split: {config.split} finds by itself what stands together"
        add(node.entries["ngrams"], "data.text.ngrams", message, "leave it out")
    if config.vectors is not None:
        message = f"word vectors are of whole words, split: {config.split} makes pieces"
        add(node.entries["vectors"], "data.text.vectors", message, "leave one of them out")


def _read_labels(context: Context, node: Node) -> LabelsConfig | Any:
    if isinstance(node, ScalarNode | ListNode) and not is_none(node):
        sign = node.plain()
        hint = "`target` names the column to predict; `labels` says how several labels stand in its cells"
        hint = f'write labels: {{separator: "{sign}"}}' if isinstance(sign, str) and not sign.isalnum() else hint
        context.faults.add(node, "data.labels", f"expected a mapping of keys, found {describe(sign)}", hint)
        return MISMATCH
    return LabelsConfig(**read_block(context, node, "data.labels", {}))


def _with_own_task(config: DataConfig) -> DataConfig:
    """`data.labels`, and a source of masks, say which task it is."""
    if config.task is not None:
        return config
    source = SOURCES.get(config.source)
    own = MULTILABEL if config.labels is not None else source.task if source and source.task == SEGMENTATION else None
    return config if own is None else replace(config, task=own)


def _with_own_offset(config: DataConfig) -> DataConfig:
    """The label of a window is by default that of its last row."""
    if config.series is None or config.task != "classification" or config.series.offset is not None:
        return config
    return replace(config, series=replace(config.series, offset=0))


def _read_images(context: Context, node: Node) -> ImagesConfig:
    images: ImagesConfig = read_key(context, KEYS["data.images"], node)
    return replace(images, suffix=f".{images.suffix}") if (images.suffix or "").isalnum() else images  # `jpg` means `.jpg`


def _read_series(context: Context, node: Node) -> Any:
    series = read_key(context, KEYS["data.series"], node)
    if not isinstance(series, SeriesConfig):
        return series
    for text in series.holidays:
        if not _is_day(text):
            context.faults.add(node, "data.series.holidays", f"{quote(text)} is no date", "such as 2024-12-25")
    if not series.quantiles:
        return series
    quantiles = tuple(sorted(set(series.quantiles)))
    if MIDDLE not in quantiles:
        hint = "such as [0.1, 0.5, 0.9]"
        context.faults.add(node, "data.series.quantiles", "0.5 is not among the quantiles, which is the forecast itself", hint)
    return replace(series, quantiles=quantiles)


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


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


def plain_data(config: DataConfig) -> dict[str, Any] | str:
    """The block as plain values, with what the reader was given or resolved; `none` where there is no data."""
    if config.source == NO_DATA:
        return NO_DATA
    plain = {"source": config.source, **config.arguments, **plain_block(config, plain_value, whole=True)}
    if config.features is not None and not any(config.features.values()):
        plain["features"] = list(config.features)
    return plain
