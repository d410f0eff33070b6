"""What a word of the config language means: looked up in the tables that configs are read by."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from dltrain.config.blocks.model import LAYER_KINDS
from dltrain.config.blocks.training import CALLBACKS
from dltrain.config.catalog.catalog import Argument, ComponentEntry
from dltrain.config.catalog.sources import SOURCES, SourceArgument, sources_with_argument
from dltrain.config.components import REFUSED, TARGET_METRICS
from dltrain.config.found_rate import FOUND, MEANING
from dltrain.config.help.examples import example_of_component, example_of_key, example_of_source
from dltrain.config.help.known import known_catalog
from dltrain.config.help.near_names import longer_name, near_names
from dltrain.config.keys import GROUP_KEYS, KEYS, LAYER_KEYS, LOSS_KEYS, OPTIMIZER_KEYS, keys_of
from dltrain.config.kinds import COMPONENTS, Kind, parse_kind
from dltrain.config.old_words.calls import from_call, without_module
from dltrain.config.old_words.keys import said_here
from dltrain.config.old_words.names import KNOWN_ELSEWHERE, SENTENCES
from dltrain.config.presets import PRESETS
from dltrain.config.text.yaml_writer import dump_yaml
from dltrain.config.types.key import Key
from dltrain.errors import UsageError
from dltrain.wording import nearest, normalize, one_of

_ACCURACY = "The share of rows whose most probable class is the right one: Keras's form of it that fits the targets."
# Kinds of the catalog that a config's reader has no word for.
_NO_WORDS = ("callback", "composed")
_MOST_GROUPS = 6


@dataclass(frozen=True, slots=True)
class Part:
    """A key of a block, or an argument of a component or a source.

    Attributes:
        name: its name.
        type: what it takes, in words.
        required: it has no default.
        default: what holds without it, as plain values.
        description: one sentence; may be empty.
    """

    name: str
    type: str
    required: bool
    default: Any
    description: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """One meaning of a word.

    Attributes:
        kind: "config", "key", "source", "argument", "activation", a kind of component, or "kind" for all components of one.
        name: the canonical name: `training.epochs`, `Dense`, `lfw_people`.
        description: one sentence or more.
        type: what it takes, in words; "" where it takes nothing.
        required: it has no default.
        default: what holds without it, as plain values.
        example: YAML that a config may hold.
        parts: the keys or arguments that it has.
        names: what may stand there by name.
        other_names: further spellings of its own.
        owners: the components or sources of which it is an argument.
    """

    kind: str
    name: str
    description: str
    type: str = ""
    required: bool = False
    default: Any = None
    example: str = ""
    parts: tuple[Part, ...] = ()
    names: tuple[str, ...] = ()
    other_names: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()


def explain(word: str = "") -> tuple[Explanation, ...]:
    """All that a word means.

    Args:
        word: a key (`training.epochs`, or its last part alone), a component (`Dense`, in any of the spellings that a config
            takes), an argument (`units`, `Dense.units`, `training.optimizer.learning_rate`), a source of data, an activation,
            or a kind of component; "": the top level of a config.

    Raises:
        UsageError: nothing of that name is known; says what is near.
    """
    word = word.strip().rstrip(".:")
    parts = [part for part in word.split(".") if part]
    if not parts:
        return (_explain_top(),)
    found = tuple(_keys(parts)) or tuple(_names(parts))
    if found:
        return found
    reason = REFUSED.get(normalize(parts[0]))
    if reason and normalize(parts[0]) not in ("input", "inputlayer"):
        raise UsageError(f"{parts[0]} is not offered: {reason}")
    raise UsageError(f"there is nothing called {word!r}", hint=_nearest_hint(word))


def _explain_top() -> Explanation:
    example = dump_yaml({"data": {"source": "digits", "split": {"test": 0.25}}, "model": {"layers": ["Flatten"]}})
    kinds = tuple(_plural(kind) for kind in (*known_catalog().kinds(), "activation") if kind not in _NO_WORDS)
    description = "A config is one experiment; these are its keys. Each word below can be explained in turn."
    return Explanation("config", "", description, example=example, parts=_parts_of_block(""), names=(*kinds, "datasets"))


def _plural(kind: str) -> str:
    return f"{kind}es" if kind.endswith("s") else f"{kind}s"


def _keys(parts: Sequence[str]) -> Iterator[Explanation]:
    """The key that the whole path names, or what it leads to inside one."""
    for length in range(len(parts), 0, -1):
        key = KEYS.get(".".join(parts[:length]))
        if key is not None:
            yield from _inside(key, parts[length:])
            return


def _inside(key: Key, rest: Sequence[str]) -> Iterator[Explanation]:
    callback = CALLBACKS.get(key.path.removeprefix("training."))
    last = rest[0] if rest else ""
    if not rest:
        yield _explain_key(key)
    elif callback:
        yield from _arguments(("callback",), rest, callback)
    elif key.path == "data" and sources_with_argument(last):
        yield from _source_arguments(last)
    elif key.path == "training.loss" and rest[-1] in LOSS_KEYS:
        yield _explain_own(LOSS_KEYS[rest[-1]], "a loss, where there are several targets")
    elif _kinds_of(key):
        yield from _components(key, rest)
    elif "block" not in key.type and any(word in key.type for word in ("map", "list(")):
        yield _explain_key(key)  # a name of the user's own


def _components(key: Key, rest: Sequence[str]) -> Iterator[Explanation]:
    """What stands behind the position or the name of a component: `model.layers.0.units`, `training.optimizer.Adam`."""
    kinds = _kinds_of(key)
    default = str(key.default) if isinstance(key.default, str) else None
    found = list(_arguments(kinds, rest, default))
    if not found and (key.type.startswith("list(") or key.path == "training.loss"):
        found = list(_arguments(kinds, rest[1:])) if len(rest) > 1 else [_explain_key(key)]
    yield from found


def _arguments(kinds: Sequence[str], parts: Sequence[str], owner: str | None = None) -> Iterator[Explanation]:
    """The component that the first part names, else the argument of that name; further parts lead into its own components.

    Args:
        kinds: the kinds of component that may stand here.
        parts: at least one name.
        owner: the component whose argument is meant, if it has one of that name.
    """
    head, rest = parts[0], parts[1:]
    catalog = known_catalog()
    entries = [entry for kind in kinds if kind in catalog.kinds() and (entry := catalog.find(kind, head))]
    # `l2` is an argument of regularizers, and `L2` one of them.
    if any(argument.name == head for _, argument in _owners(kinds, head, None)):
        entries = [entry for entry in entries if entry.name == head]
    if entries and rest:
        yield from _arguments([entry.kind for entry in entries], rest, entries[0].name)
        return
    if entries:
        yield from map(_explain_component, entries)
        return
    if "activation" in kinds and catalog.find_activation(head):
        yield _explain_activation(head)
        return
    if head in LAYER_KEYS and "layer" in kinds and not rest:
        yield _explain_own(LAYER_KEYS[head], "any layer of the model")
    if head in OPTIMIZER_KEYS and "optimizer" in kinds:
        if not rest:
            yield _explain_own(OPTIMIZER_KEYS[head], "any optimizer", tuple(GROUP_KEYS.items()))
        elif rest[-1] in GROUP_KEYS:
            yield _explain_own(GROUP_KEYS[rest[-1]], "a group of an optimizer's weights")
        return
    owners = _owners(kinds, head, owner)
    nested = tuple(dict.fromkeys(kind for _, argument in owners for kind in _component_kinds(parse_kind(argument.type))))
    if rest and nested:
        yield from _arguments(nested, rest)
    elif owners and not rest:
        yield from _explain_argument(owners)


def _owners(kinds: Sequence[str], name: str, owner: str | None) -> list[tuple[ComponentEntry, Argument]]:
    """The components that have an argument of this name; of those the `owner` alone, where it has."""
    catalog = known_catalog()
    found = []
    for kind in kinds:
        for component in catalog.names(kind) if kind in catalog.kinds() else ():
            entry = catalog.find(kind, component)
            for argument in entry.arguments.values() if entry else ():
                if entry and normalize(argument.name) == normalize(name):
                    found.append((entry, argument))
    own = [(entry, argument) for entry, argument in found if owner and normalize(entry.name) == normalize(owner)]
    return own or found


def _names(parts: Sequence[str]) -> Iterator[Explanation]:
    """What a name means wherever it stands: the last word of keys, sources, components, activations, kinds; else arguments."""
    name, catalog = parts[0], known_catalog()
    kinds = list(catalog.kinds())
    if len(parts) > 1:
        source = SOURCES.get(name)
        if source and parts[1] in source.arguments:
            yield from _source_arguments(parts[1], name)
        elif any(catalog.find(kind, name) for kind in kinds):
            yield from _arguments(kinds, parts)
        return
    found = [_explain_key(key) for path, key in KEYS.items() if path.rpartition(".")[2] == normalize_key(name)]
    if name.lower() in PRESETS:
        found.append(_explain_key(KEYS["model.preset"]))
    if normalize_key(name) in SOURCES:
        found.append(_explain_source(normalize_key(name)))
    if normalize(name) in TARGET_METRICS:
        found.append(_explain_accuracy())
    entries = [entry for kind in kinds if (entry := catalog.find(kind, name))]
    found += [_explain_component(entry) for entry in entries if entry.kind != "metric" or entry.name != "Accuracy"]
    if catalog.find_activation(name):
        found.append(_explain_activation(name))
    if not any(explanation.names for explanation in found):
        found += [
            _explain_kind(kind)
            for kind in (*kinds, "activation")
            if kind not in _NO_WORDS and normalize(name) in (kind, _plural(kind))
        ]
    if not found and normalize(name) in ("sources", "dataset", "datasets"):
        found = [_explain_key(KEYS["data.source"])]
    if not found and normalize(name) in ("callback", "callbacks"):
        found = [_explain_key(KEYS[f"training.{key}"]) for key in (*CALLBACKS, "checkpoint")]
    yield from found or [*_source_arguments(name), *_arguments(kinds, parts)]


def normalize_key(name: str) -> str:
    """The spelling of keys and sources: lower case, underscores."""
    return name.lower().replace("-", "_")


def _explain_key(key: Key) -> Explanation:
    callback = CALLBACKS.get(key.path.removeprefix("training."))
    entry = known_catalog().find("callback", callback) if callback else None
    parts = _parts_of_component(entry) if entry else _parts_of_block(key.path)
    names = tuple(SOURCES) if key.path == "data.source" else _names_of(_kinds_of(key))
    return Explanation(
        "key",
        key.path,
        key.description,
        type=_words(key.type),
        required=key.required,
        default=key.default,
        example=dump_yaml(example_of_key(key)),
        parts=parts,
        names=names,
    )


def _explain_own(key: Key, owner: str, parts: Sequence[tuple[str, Key]] = ()) -> Explanation:
    return Explanation(
        "argument",
        key.path,
        key.description,
        type=_words(key.type),
        default=key.default,
        parts=tuple(_part_of_key(name, part) for name, part in parts),
        owners=(owner,),
    )


def _explain_component(entry: ComponentEntry) -> Explanation:
    aliases = tuple(alias for alias, name in known_catalog().aliases(entry.kind).items() if name == entry.name)
    if entry.name == "ModelCheckpoint":
        return _explain_key(KEYS["training.checkpoint"])
    parts = _parts_of_component(entry)
    if entry.kind in LAYER_KINDS:
        of_several = ("weights",) if entry.kind == "composed" else tuple(entry.arguments)
        own = {name: key for name, key in LAYER_KEYS.items() if entry.kind == "layer" or name not in of_several}
        parts = (*(part for part in parts if part.name not in own), *(_part_of_key(name, key) for name, key in own.items()))
    if entry.kind == "optimizer":
        parts = (*parts, *(_part_of_key(name, key) for name, key in OPTIMIZER_KEYS.items()))
    example = dump_yaml(example_of_component(entry))
    kind = "layer" if entry.kind == "composed" else entry.kind
    doc = entry.doc if entry.where is None else f"{entry.doc} It stands in {entry.where}.".lstrip()
    return Explanation(kind, entry.name, doc, example=example, parts=parts, other_names=aliases)


def _explain_accuracy() -> Explanation:
    example = dump_yaml({"training": {"metrics": ["accuracy"]}})
    return Explanation("metric", "accuracy", _ACCURACY, example=example, other_names=("acc",))


def _explain_activation(name: str) -> Explanation:
    catalog = known_catalog()
    canonical = catalog.find_activation(name) or name
    dense = {"Dense": {"units": 64, "activation": canonical}}
    return Explanation("activation", canonical, catalog.activations[canonical], example=dump_yaml({"model": {"layers": [dense]}}))


def _explain_kind(kind: str) -> Explanation:
    article = "an" if kind[0] in "aeiou" else "a"
    kinds = ("layer", "composed") if kind == "layer" else (kind,)
    return Explanation("kind", _plural(kind), f"What may stand where {article} {kind} is expected.", names=_names_of(kinds))


def _explain_argument(owners: Sequence[tuple[ComponentEntry, Argument]]) -> Iterator[Explanation]:
    """One explanation for all components that take an argument of the same type and default."""
    groups: dict[tuple[Any, ...], list[tuple[ComponentEntry, Argument]]] = {}
    for entry, argument in owners:
        groups.setdefault((argument.type, argument.required, repr(argument.default)), []).append((entry, argument))
    largest = sorted(groups.values(), key=len, reverse=True)[:_MOST_GROUPS]
    for group in largest:
        entry, argument = group[0]
        part = _part_of_argument(argument)
        described = next((other.description for _, other in group if other.description), "")
        yield Explanation(
            "argument",
            part.name,
            f"{described} {MEANING}".lstrip() if f"'{FOUND}'" in argument.type else described,
            type=part.type,
            required=part.required,
            default=part.default,
            example=dump_yaml(example_of_component(entry, argument)),
            names=_names_of(_component_kinds(parse_kind(argument.type))),
            owners=tuple(dict.fromkeys(other.name for other, _ in group)),
        )


def _explain_source(name: str) -> Explanation:
    source = SOURCES[name]
    facts = [f"{source.rows:,} rows" if source.rows else "", f"{source.classes:,} classes" if source.classes else ""]
    facts += [f"of shape {' x '.join(map(str, source.shape))}" if source.shape else "", source.task or "", source.origin]
    described = "; ".join(fact for fact in facts if fact)
    return Explanation(
        "source",
        name,
        f"{source.description} {described}".rstrip(),
        example=dump_yaml(example_of_source(source)),
        parts=tuple(_part_of_source_argument(key, argument) for key, argument in source.arguments.items()),
    )


def _source_arguments(name: str, source: str | None = None) -> Iterator[Explanation]:
    owners = [source] if source else sources_with_argument(normalize_key(name))
    if owners:
        name = normalize_key(name)
        argument = SOURCES[owners[0]].arguments[name]
        explained = _part_of_source_argument(name, argument)
        yield Explanation(
            "argument",
            f"data.{name}",
            argument.description,
            type=explained.type,
            required=argument.required,
            default=argument.default,
            example=dump_yaml(example_of_source(SOURCES[owners[0]], name)),
            owners=tuple(owners),
        )


def _parts_of_block(path: str) -> tuple[Part, ...]:
    return tuple(_part_of_key(name, key) for name, key in keys_of(path).items())


def _parts_of_component(entry: ComponentEntry) -> tuple[Part, ...]:
    return tuple(map(_part_of_argument, entry.arguments.values()))


def _part_of_key(name: str, key: Key) -> Part:
    return Part(name, _words(key.type), key.required, key.default, key.description)


def _part_of_argument(argument: Argument) -> Part:
    return Part(argument.name, _words(argument.type), argument.required, argument.default, argument.description)


def _part_of_source_argument(name: str, argument: SourceArgument) -> Part:
    return Part(name, _words(argument.type), argument.required, argument.default, argument.description)


def _words(notation: str) -> str:
    """A type in words."""
    if notation == "block":
        return "a mapping of keys"
    if notation == "bool|block":
        return "true, or a mapping of keys"
    if notation.endswith("|block"):
        return f"{parse_kind(notation.removesuffix('|block')).describe()}, or a mapping of keys"
    return parse_kind(notation).describe()


def _kinds_of(key: Key) -> tuple[str, ...]:
    """The kinds of component that a key takes."""
    kinds = () if "block" in key.type else _component_kinds(parse_kind(key.type))
    if key.path in ("model.layers", "model.output"):
        return LAYER_KINDS
    return kinds


def _component_kinds(kind: Kind) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for alternative in kind.alternatives:
        if alternative.word in COMPONENTS:
            found[alternative.word] = None
        elif alternative.item is not None:
            found |= dict.fromkeys(_component_kinds(alternative.item))
    return tuple(found)


def _names_of(kinds: Sequence[str]) -> tuple[str, ...]:
    catalog = known_catalog()
    names = [name for kind in kinds for name in (catalog.activations if kind == "activation" else catalog.names(kind))]
    return (*(TARGET_METRICS.values() if "metric" in kinds else ()), *names) if names else ()


def _nearest_hint(word: str) -> str:
    """How a config says what an older word means; names that are near; else what the part of the word that does exist takes."""
    catalog, bare = known_catalog(), without_module(word.partition("(")[0])
    for kind in (*catalog.kinds(), "activation"):
        if "(" in word and (spelled := from_call(word, catalog, (kind,))) is not None:
            return f"write {spelled}; `dltrain explain {spelled.partition(':')[0]}` says more"
        sentence = SENTENCES.get(kind, {}).get(normalize(bare))
        if sentence is not None and not any(normalize(bare) in known for known in KNOWN_ELSEWHERE.values()):
            return f"as a {kind}, {sentence}" if kind != "optimizer" else sentence
    said = said_here(word)
    if said is not None:
        return said
    word = word.partition("(")[0]
    for prefix in _prefixes(word):
        parts = prefix.split(".")
        explained = tuple(_keys(parts)) or tuple(_names(parts))
        known = [part.name for one in explained for part in one.parts]
        known += [name for source in SOURCES.values() for name in source.arguments if prefix == "data"]
        rest = word[len(prefix) + 1 :]
        if known:
            match = nearest(rest, known) or longer_name(rest, known)
            return f"did you mean {prefix}.{match}?" if match else f"{prefix} takes: {one_of(known, 40)}"
        if explained:
            break
    last = word.rpartition(".")[2]
    path = nearest(word, KEYS) if last != word else None
    found = [path] if path else near_names(last, is_argument=last != word)
    if found:
        return f"did you mean {' or '.join(found)}?"
    return f"`dltrain explain` lists the keys of a config, `dltrain explain layers` the layers; data sets: {one_of(SOURCES, 20)}"


def _prefixes(word: str) -> Iterator[str]:
    while "." in word:
        word = word.rpartition(".")[0]
        yield word
