"""What a word of the config language means: looked up in the tables that configs are read by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from dltrain.config.catalog.catalog import Argument, ComponentEntry
from dltrain.config.catalog.sources import SOURCES, sources_with_argument
from dltrain.config.components import REFUSED, TARGET_METRICS
from dltrain.config.help.explanations import (
    Explanation,
    component_kinds,
    explain_accuracy,
    explain_activation,
    explain_argument,
    explain_component,
    explain_key,
    explain_kind,
    explain_own,
    explain_source,
    kinds_of,
    normalize_key,
    parts_of_block,
    plural,
    source_arguments,
)
from dltrain.config.help.known import known_catalog
from dltrain.config.help.near_names import longer_name, near_names
from dltrain.config.keys import CALLBACKS, GROUP_KEYS, KEYS, LAYER_KEYS, LOSS_KEYS, OPTIMIZER_KEYS
from dltrain.config.kinds import parse_kind
from dltrain.config.old_words.calls import from_call, without_module
from dltrain.config.old_words.keys import said_here
from dltrain.config.old_words.names import KNOWN_ELSEWHERE, SENTENCES
from dltrain.config.presets import PRESETS
from dltrain.config.text.yaml_writer import dump_yaml
from dltrain.config.types.key import Key
from dltrain.errors import UsageError
from dltrain.wording import listed, nearest, normalize, one_of

LONGEST_NAME = 1_000
# Kinds of the catalog that a config's reader has no word for.
_NO_WORDS = ("callback", "composed")
_CALLBACK_KEYS = tuple(f"training.{key}" for key in (*CALLBACKS, "checkpoint"))
# Words for several keys.
_COLLECTIONS: Mapping[str, Sequence[str]] = {
    **dict.fromkeys(("sources", "dataset", "datasets"), ("data.source",)),
    **dict.fromkeys(("callback", "callbacks"), _CALLBACK_KEYS),
}


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
    if len(word) > LONGEST_NAME:
        raise UsageError(f"there is nothing called {listed([word])}", hint=f"no name has {len(word):,} characters")
    found = tuple(_keys(parts)) or tuple(_names(parts)) or tuple(_ends_of_keys(parts))
    if found:
        return found
    reason = REFUSED.get(normalize(parts[0]))
    if reason and normalize(parts[0]) not in ("input", "inputlayer"):
        raise UsageError(f"{parts[0]} is not offered: {reason}")
    raise UsageError(f"there is nothing called {word!r}", hint=_nearest_hint(word))


def _explain_top() -> Explanation:
    example = dump_yaml({"data": {"source": "digits", "split": {"test": 0.25}}, "model": {"layers": ["Flatten"]}})
    kinds = tuple(plural(kind) for kind in (*known_catalog().kinds(), "activation") if kind not in _NO_WORDS)
    description = "A config is one experiment; these are its keys. Each word below can be explained in turn."
    return Explanation("config", "", description, example=example, parts=parts_of_block(""), names=(*kinds, "datasets"))


def _keys(parts: Sequence[str]) -> Iterator[Explanation]:
    """The key that the whole path names, or what it leads to inside one."""
    for length in range(len(parts), 0, -1):
        key = KEYS.get(".".join(parts[:length]))
        if key is not None:
            yield from _inside(key, parts[length:])
            return


def _ends_of_keys(parts: Sequence[str]) -> Iterator[Explanation]:
    """The key whose path ends so, or what it leads to inside one: `series.id`, `optimizer.learning_rate`."""
    for path in KEYS:
        if len(parts) > 1 and path.endswith(f".{parts[0]}"):
            yield from _keys([*path.split("."), *parts[1:]])


def _inside(key: Key, rest: Sequence[str]) -> Iterator[Explanation]:
    callback = CALLBACKS.get(key.path.removeprefix("training."))
    last = rest[0] if rest else ""
    if not rest:
        yield explain_key(key)
    elif callback:
        yield from _arguments(("callback",), rest, callback)
    elif key.path == "data" and sources_with_argument(last):
        yield from source_arguments(last)
    elif key.path == "training.loss" and rest[-1] in LOSS_KEYS:
        yield explain_own(LOSS_KEYS[rest[-1]], "a loss, where there are several targets")
    elif kinds_of(key):
        yield from _components(key, rest)
    elif "block" not in key.type and any(word in key.type for word in ("map", "list(")):
        yield explain_key(key)  # a name of the user's own


def _components(key: Key, rest: Sequence[str]) -> Iterator[Explanation]:
    """What stands behind the position or the name of a component: `model.layers.0.units`, `training.optimizer.Adam`."""
    kinds = kinds_of(key)
    default = str(key.default) if isinstance(key.default, str) else None
    found = list(_arguments(kinds, rest, default))
    if not found and (key.type.startswith("list(") or key.path == "training.loss"):
        found = list(_arguments(kinds, rest[1:])) if len(rest) > 1 else [explain_key(key)]
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
        yield from map(explain_component, entries)
        return
    if "activation" in kinds and catalog.find_activation(head):
        yield explain_activation(head)
        return
    if head in OPTIMIZER_KEYS and "optimizer" in kinds:
        if not rest:
            yield explain_own(OPTIMIZER_KEYS[head], "any optimizer", tuple(GROUP_KEYS.items()))
        elif rest[-1] in GROUP_KEYS:
            yield explain_own(GROUP_KEYS[rest[-1]], "a group of an optimizer's weights")
        return
    if head in LAYER_KEYS and "layer" in kinds and not rest:
        yield explain_own(LAYER_KEYS[head], "any layer of the model")
    yield from _arguments_of(kinds, head, rest, owner)


def _arguments_of(kinds: Sequence[str], head: str, rest: Sequence[str], owner: str | None) -> Iterator[Explanation]:
    """The argument of that name of components, or what further parts lead to in the components that it takes."""
    owners = _owners(kinds, head, owner)
    nested = tuple(dict.fromkeys(kind for _, argument in owners for kind in component_kinds(parse_kind(argument.type))))
    if rest and nested:
        yield from _arguments(nested, rest)
    elif owners and not rest:
        yield from explain_argument(owners)


def _owners(kinds: Sequence[str], name: str, owner: str | None) -> list[tuple[ComponentEntry, Argument]]:
    """The components that have an argument of this name; of those the `owner` alone, where it has."""
    catalog = known_catalog()
    found = []
    for kind in kinds:
        for component in catalog.names(kind) if kind in catalog.kinds() else ():
            entry = catalog.find(kind, component)
            argument = entry.argument(name) if entry else None
            if entry and argument:
                found.append((entry, argument))
    own = [(entry, argument) for entry, argument in found if owner and normalize(entry.name) == normalize(owner)]
    return own or found


def _names(parts: Sequence[str]) -> Iterator[Explanation]:
    """What a name means wherever it stands: as a key, source, component, activation or kind; else as an argument or a value."""
    name, catalog = parts[0], known_catalog()
    kinds = list(catalog.kinds())
    if len(parts) > 1:
        source = SOURCES.get(name)
        if source and parts[1] in source.arguments:
            yield from source_arguments(parts[1], name)
        elif any(catalog.find(kind, name) for kind in kinds):
            yield from _arguments(kinds, parts)
        return
    found = _keys_called(name)
    if name.lower() in PRESETS:
        found.append(explain_key(KEYS["model.preset"]))
    if normalize_key(name) in SOURCES:
        found.append(explain_source(normalize_key(name)))
    if normalize(name) in TARGET_METRICS:
        found.append(explain_accuracy())
    entries = [entry for kind in kinds if (entry := catalog.find(kind, name))]
    found += [explain_component(entry) for entry in entries if entry.kind != "metric" or entry.name != "Accuracy"]
    if catalog.find_activation(name):
        found.append(explain_activation(name))
    if not any(explanation.names for explanation in found):
        named = [kind for kind in (*kinds, "activation") if normalize(name) in (kind, plural(kind))]
        found += [explain_kind(kind) for kind in named if kind not in _NO_WORDS]
    found = found or [explain_key(KEYS[key]) for key in _COLLECTIONS.get(normalize(name), ())]
    yield from found or [*source_arguments(name), *_arguments(kinds, parts)] or _taking(name)


def _taking(word: str) -> Iterator[Explanation]:
    """The keys that take the word as a value (`balanced`); where none does, such arguments of components (`same`, `found`)."""
    value, catalog = f"'{word.lower()}'", known_catalog()
    keys = [key for key in KEYS.values() if value in key.type]
    score = catalog.find("metric", f"{word}score")  # `f1` is short for F1Score as well
    yield from [explain_component(score)] if keys and score else []
    yield from map(explain_key, keys)
    named: dict[str, list[tuple[ComponentEntry, Argument]]] = {}
    for kind in () if keys else catalog.kinds():
        for entry in filter(None, (catalog.find(kind, name) for name in catalog.names(kind))):
            for name, argument in entry.arguments.items():
                if value in argument.type:
                    named.setdefault(name, []).append((entry, argument))
    for owners in named.values():
        yield from explain_argument(owners)


def _keys_called(name: str) -> list[Explanation]:
    """The keys whose last word is the name, those further up first; else those that are it without underscores: `batchsize`."""
    last = {path: path.rpartition(".")[2] for path in KEYS}
    found = [path for path in KEYS if last[path] == normalize_key(name)]
    if not found and "_" not in name:
        found = [path for path in KEYS if "_" in path and normalize(last[path]) == normalize(name)]
    return [explain_key(KEYS[path]) for path in sorted(found, key=lambda path: path.count("."))]


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
    is_component = any(catalog.find(kind, last) for kind in catalog.kinds()) or catalog.find_activation(last)
    is_path = any(path.partition(".")[0] == word.partition(".")[0] for path in KEYS)
    is_elsewhere = any(normalize(last) in known for known in KNOWN_ELSEWHERE.values())
    if last != word and is_component and not is_path and not is_elsewhere:
        return f"did you mean {last}? A config names no module"
    path = nearest(word, KEYS) if last != word else None
    found = [path] if path else near_names(last, is_argument=last != word)
    if found:
        return f"did you mean {' or '.join(found)}?"
    return f"`dltrain explain` lists the keys of a config, `dltrain explain layers` the layers; data sets: {one_of(SOURCES, 20)}"


def _prefixes(word: str) -> Iterator[str]:
    while "." in word:
        word = word.rpartition(".")[0]
        yield word
