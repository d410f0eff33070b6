"""What is said of one key, component, argument or source: its sentence, its type, its parts and an example."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dltrain.config.blocks.phases import PHASE_KEYS
from dltrain.config.catalog.catalog import Argument, ComponentEntry
from dltrain.config.catalog.sources import SOURCES, SourceArgument, sources_with_argument
from dltrain.config.components import TARGET_METRICS
from dltrain.config.found_rate import FOUND, MEANING
from dltrain.config.help.examples import example_of_component, example_of_key, example_of_source
from dltrain.config.help.known import known_catalog
from dltrain.config.keys import CALLBACKS, KEYS, LAYER_KEYS, LAYER_KINDS, OPTIMIZER_KEYS, keys_of
from dltrain.config.kinds import COMPONENTS, Kind, parse_kind
from dltrain.config.text.yaml_writer import dump_yaml
from dltrain.config.types.key import Key

_ACCURACY = "The share of rows whose most probable class is the right one: Keras's form of it that fits the targets."
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


def plural(kind: str) -> str:
    """The word for several of a kind of component."""
    return f"{kind}es" if kind.endswith("s") else f"{kind}s"


def normalize_key(name: str) -> str:
    """The spelling of keys and sources: lower case, underscores."""
    return name.lower().replace("-", "_")


def explain_key(key: Key) -> Explanation:
    """What is said of a key of a config."""
    callback = CALLBACKS.get(key.path.removeprefix("training."))
    entry = known_catalog().find("callback", callback) if callback else None
    parts = _parts(entry.arguments.items()) if entry else parts_of_block(key.path)
    names = tuple(SOURCES) if key.path == "data.source" else _names_of(kinds_of(key))
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


def explain_own(key: Key, owner: str, parts: Sequence[tuple[str, Key]] = ()) -> Explanation:
    """What is said of a key of ours that stands among the arguments of a component of Keras."""
    return Explanation(
        "argument",
        key.path,
        key.description,
        type=_words(key.type),
        default=key.default,
        parts=_parts(parts),
        owners=(owner,),
    )


def explain_component(entry: ComponentEntry) -> Explanation:
    """What is said of a component."""
    aliases = tuple(alias for alias, name in known_catalog().aliases(entry.kind).items() if name == entry.name)
    if entry.name == "ModelCheckpoint":
        return explain_key(KEYS["training.checkpoint"])
    parts = _parts(entry.arguments.items())
    if entry.kind in LAYER_KINDS:
        of_several = ("weights",) if entry.kind == "composed" else tuple(entry.arguments)
        own = {name: key for name, key in LAYER_KEYS.items() if entry.kind == "layer" or name not in of_several}
        parts = (*(part for part in parts if part.name not in own), *_parts(own.items()))
    if entry.kind == "optimizer":
        parts = (*parts, *_parts(OPTIMIZER_KEYS.items()))
    example = dump_yaml(example_of_component(entry))
    kind = "layer" if entry.kind == "composed" else entry.kind
    doc = entry.doc if entry.where is None else f"{entry.doc} It stands in {entry.where}.".lstrip()
    return Explanation(kind, entry.name, doc, example=example, parts=parts, other_names=aliases)


def explain_accuracy() -> Explanation:
    """What is said of the metric `accuracy`, which is none of Keras's classes."""
    example = dump_yaml({"training": {"metrics": ["accuracy"]}})
    return Explanation("metric", "accuracy", _ACCURACY, example=example, other_names=("acc",))


def explain_activation(name: str) -> Explanation:
    """What is said of an activation."""
    catalog = known_catalog()
    canonical = catalog.find_activation(name) or name
    dense = {"Dense": {"units": 64, "activation": canonical}}
    return Explanation("activation", canonical, catalog.activations[canonical], example=dump_yaml({"model": {"layers": [dense]}}))


def explain_kind(kind: str) -> Explanation:
    """What is said of a kind of component: the names of all."""
    article = "an" if kind[0] in "aeiou" else "a"
    kinds = ("layer", "composed") if kind == "layer" else (kind,)
    return Explanation("kind", plural(kind), f"What may stand where {article} {kind} is expected.", names=_names_of(kinds))


def explain_argument(owners: Sequence[tuple[ComponentEntry, Argument]]) -> Iterator[Explanation]:
    """One explanation for all components that take an argument of the same type and default."""
    groups: dict[tuple[Any, ...], list[tuple[ComponentEntry, Argument]]] = {}
    for entry, argument in owners:
        groups.setdefault((argument.type, argument.required, repr(argument.default)), []).append((entry, argument))
    largest = sorted(groups.values(), key=len, reverse=True)[:_MOST_GROUPS]
    for group in largest:
        entry, argument = group[0]
        described = next((other.description for _, other in group if other.description), "")
        yield Explanation(
            "argument",
            argument.name,
            f"{described} {MEANING}".lstrip() if f"'{FOUND}'" in argument.type else described,
            type=_words(argument.type),
            required=argument.required,
            default=argument.default,
            example=dump_yaml(example_of_component(entry, argument)),
            names=_names_of(component_kinds(parse_kind(argument.type))),
            owners=tuple(dict.fromkeys(other.name for other, _ in group)),
        )


def explain_source(name: str) -> Explanation:
    """What is said of a source of data."""
    source = SOURCES[name]
    facts = [f"{source.rows:,} rows" if source.rows else "", f"{source.classes:,} classes" if source.classes else ""]
    facts += [f"of shape {' x '.join(map(str, source.shape))}" if source.shape else "", source.task or "", source.origin]
    described = "; ".join(fact for fact in facts if fact)
    return Explanation(
        "source",
        name,
        f"{source.description} {described}".rstrip(),
        example=dump_yaml(example_of_source(source)),
        parts=_parts(source.arguments.items()),
    )


def source_arguments(name: str, source: str | None = None) -> Iterator[Explanation]:
    """What is said of an argument of sources; of one source where that is named."""
    owners = [source] if source else sources_with_argument(normalize_key(name))
    if owners:
        name = normalize_key(name)
        argument = SOURCES[owners[0]].arguments[name]
        yield Explanation(
            "argument",
            f"data.{name}",
            argument.description,
            type=_words(argument.type),
            required=argument.required,
            default=argument.default,
            example=dump_yaml(example_of_source(SOURCES[owners[0]], name)),
            owners=tuple(owners),
        )


def parts_of_block(path: str) -> tuple[Part, ...]:
    """The keys of a block; of a phase those of `training` as well that it may give: without one it does as the block says."""
    above = [(name, KEYS[f"training.{name}"]) for name in PHASE_KEYS] if path == "training.phases" else []
    return (*(replace(part, default=None) for part in _parts(above)), *_parts(keys_of(path).items()))


def _parts(told: Iterable[tuple[str, Key | Argument | SourceArgument]]) -> tuple[Part, ...]:
    return tuple(Part(name, _words(part.type), part.required, part.default, part.description) for name, part in told)


def _words(notation: str) -> str:
    """A type in words."""
    if notation == "block":
        return "a mapping of keys"
    if notation == "bool|block":
        return "true, or a mapping of keys"
    if notation.endswith("|block"):
        return f"{parse_kind(notation.removesuffix('|block')).describe()}, or a mapping of keys"
    return parse_kind(notation).describe()


def kinds_of(key: Key) -> tuple[str, ...]:
    """The kinds of component that a key takes."""
    kinds = () if "block" in key.type else component_kinds(parse_kind(key.type))
    if key.path in ("model.layers", "model.output"):
        return LAYER_KINDS
    return kinds


def component_kinds(kind: Kind) -> tuple[str, ...]:
    """The kinds of component that a type names."""
    found: dict[str, None] = {}
    for alternative in kind.alternatives:
        if alternative.word in COMPONENTS:
            found[alternative.word] = None
        elif alternative.item is not None:
            found |= dict.fromkeys(component_kinds(alternative.item))
    return tuple(found)


def _names_of(kinds: Sequence[str]) -> tuple[str, ...]:
    catalog = known_catalog()
    names = [name for kind in kinds for name in (catalog.activations if kind == "activation" else catalog.names(kind))]
    return (*(TARGET_METRICS.values() if "metric" in kinds else ()), *names) if names else ()
