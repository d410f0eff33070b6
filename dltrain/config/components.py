"""Reads components: a bare Keras name or `Name: {arguments}`, checked against the catalog."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from dltrain.config.catalog.catalog import ComponentEntry
from dltrain.config.found_rate import FOUND
from dltrain.config.kinds import MISMATCH, parse_kind
from dltrain.config.old_words.arguments import LEFT_OUT, argument_of_today
from dltrain.config.old_words.calls import (
    as_value,
    find_here,
    from_arguments,
    from_call,
    from_mapping,
    from_positions,
    whole_entries,
    without_module,
)
from dltrain.config.old_words.keys import said_here
from dltrain.config.old_words.names import KNOWN_ELSEWHERE, SENTENCES
from dltrain.config.reading import Context, Special, is_absent, is_removed
from dltrain.config.text.nodes import ListNode, MappingNode, Node, ScalarNode
from dltrain.config.text.scalars import describe, quote
from dltrain.config.types import Component
from dltrain.wording import did_you_mean, nearest, normalize, one_of, snake_case

NOUNS = {"application": "application network", "composed": "layer"}

REFUSED = {
    "lambda": "a config holds no code; write the step with Keras's own layers",
    "tfsmlayer": "it would run a saved program",
    "jaxlayer": "it needs Python objects",
    "flaxlayer": "it needs Python objects",
    "torchmodulewrapper": "it needs Python objects",
    "input": "the input follows from the data; leave it out",
    "inputlayer": "the input follows from the data; leave it out",
}

# What Keras looks up when it sees the targets; they stay words.
TARGET_METRICS = {"accuracy": "accuracy", "acc": "accuracy"}


# Arguments that Keras needs and the data says.
BY_THE_DATA = {("metric", "num_classes")}


def with_article(kind: str) -> str:
    """`a layer`, `an optimizer`, ..."""
    noun = NOUNS.get(kind, kind)
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


def split_component(context: Context, kind: str, node: Node, path: str) -> tuple[str, Node, Node | None] | None:
    """Takes a component apart into its name, the node to blame for it, and its arguments; None where it is none (noted)."""
    if isinstance(node, ScalarNode) and isinstance(node.value, str) and node.value:
        return node.value, node, None
    expected = f"expected {with_article(kind)}, a name or `Name: {{arguments}}`"
    if not isinstance(node, MappingNode):
        number = node.plain()
        is_units = kind == "layer" and isinstance(number, int) and not isinstance(number, bool)
        hint = f"write Dense: {{units: {number}}}" if is_units else None
        hint = f"{hint}; auto adds what the task needs" if hint and path == "model.output" else hint
        if isinstance(node, ListNode) and len(node.items) == 1 and isinstance(node.items[0], ScalarNode):
            hint = f"write {node.items[0].text}"
        context.faults.add(node, path, f"{expected}, found {describe(number)}", hint)
        return None
    if len(node.entries) != 1:
        names = list(node.entries)
        hint = None
        if len(names) > 1 and context.catalog.find(kind, names[0]):
            rest = ", ".join(f"{name}: …" for name in names[1:4])
            hint = f"indent the arguments below the name, or write {names[0]}: {{{rest}}}"
        spelled = from_mapping(node.plain(), context.catalog, _with_applications((kind,)))
        hint = f"write {as_value(spelled, path)}" if spelled else hint
        context.faults.add(node, path, f"{expected}, found a mapping of {len(names)} keys", hint)
        return None
    [(name, arguments)] = node.entries.items()
    if isinstance(arguments, ScalarNode) and context.catalog.find(kind, name) is None:
        spelled = from_mapping(node.plain(), context.catalog, _with_applications((kind,)))
        if spelled:
            context.faults.add(node, path, f"{expected}, found {name}: {arguments.text}", f"write {as_value(spelled, path)}")
            return None
    blame = ScalarNode(node.keys[name], node.word or arguments.word, node.parameter, name, name)
    return name, blame, arguments


def _with_applications(kinds: tuple[str, ...]) -> tuple[str, ...]:
    return (*kinds, "application") if "layer" in kinds and "application" not in kinds else kinds


def find_entry(
    context: Context, kinds: tuple[str, ...], name: str, blame: Node, path: str, arguments: Node | None = None
) -> ComponentEntry | None:
    """The catalog's entry of that name, or None (noted, with the nearest name and its arguments as they are called here)."""
    catalog = context.catalog
    for kind in kinds:
        entry = catalog.find(kind, name)
        if entry:
            return entry
    kind = kinds[0]
    bare = without_module(name.partition("(")[0].strip())
    if "layer" in kinds and (refused := REFUSED.get(normalize(bare))) is not None:
        context.faults.add(blame, path, f"{name} is not offered: {refused}")
        return None
    if (found := context.unregistered.get(name)) is not None:
        message = f"{name} stands in {found.file}:{found.line}, but is not registered with Keras"
        context.faults.add(blame, path, message, "put @keras.saving.register_keras_serializable() above it")
        return None
    if kind in SENTENCES and (said := SENTENCES[kind].get(normalize(bare))) is not None:
        context.faults.add(blame, path, f"unknown {kind} {quote(name)}", said)
        return None
    spelled = from_call(name, catalog, _with_applications(kinds))
    if spelled:
        message = f"expected {with_article(kind)} without Python's brackets, found {quote(name)}"
        context.faults.add(blame, path, message, f"write {as_value(spelled, path)}")
        return None
    hint = _name_hint(context, kinds, name, arguments, path)
    message = f"unknown {kind} {quote(name)}"
    listed = kinds if kind in ("schedule", "curve") else (kind,)
    if kind in ("schedule", "curve") and not hint:  # which stand where a number may stand as well
        words = [FOUND] if "schedule" in kinds else []
        message = f"expected a number or {' or '.join([*map(with_article, kinds), *words])}, found {quote(name)}"
        hint = did_you_mean(name, words)
        share = re.fullmatch(r"(\d+(?:\.\d+)?) *%", name)
        hint = f"write {float(share[1]) / 100:.12g}" if share else hint
        if re.fullmatch(r"\d+,\d+", name):
            hint = f"write {name.replace(',', '.')}"
    several = {word: f"{word}es" if word.endswith("s") else f"{word}s" for word in listed}
    names = "; ".join(f"{several[word]}: {one_of(catalog.names(word), 24)}" for word in listed)
    context.faults.add(blame, path, message, hint or names)
    return None


def _name_hint(context: Context, kinds: tuple[str, ...], name: str, arguments: Node | None, path: str) -> str | None:
    """What an unknown name of a component was probably meant to be."""
    catalog, kind = context.catalog, kinds[0]
    bare = without_module(name)
    entry = find_here(catalog, _with_applications(kinds), name)
    activation = catalog.find_activation(bare) if kind == "layer" else None
    if activation and path == "model.output":
        return f"write auto, which adds what the task needs, or Dense: {{units: …, activation: {activation}}}"
    if entry is not None and isinstance(arguments, MappingNode) and arguments.entries:
        return f"write {as_value(from_arguments(entry, arguments.plain(), catalog), path)}"
    if activation and (entry is None or bare == activation):
        return f"as a layer it is `Activation: {{activation: {activation}}}`"
    if entry is not None and normalize(KNOWN_ELSEWHERE.get(entry.kind, {}).get(normalize(name), "")) == normalize(entry.name):
        called = TARGET_METRICS.get(normalize(entry.name), entry.name) if kind == "metric" else entry.name
        return f'did you mean "{called}"?'
    known = [other for kind in kinds for other in (*catalog.names(kind), *catalog.aliases(kind))]
    known += list(TARGET_METRICS) if kind == "metric" else []
    near = nearest(bare.strip("'\""), known)
    if bare != name and (entry is not None or near is not None):
        return f"write {entry.name if entry else near}: a config names no module"
    if kind == "metric" and name.startswith("val_"):
        return f"write {name[4:]}; its value on the validation part is {name}, in the history and for monitors"
    other = catalog.kind_of(name)
    if other is not None and kind != "callback":
        return f"{name} is {with_article(other)}, not {with_article(kind)}"
    return did_you_mean(name.strip("'\""), known) or said_here(name)


def read_component(
    context: Context, kinds: tuple[str, ...], node: Node, path: str, extras: Mapping[str, Special] | None = None
) -> Component | None:
    """Reads a component.

    Args:
        context: faults, catalog and the rest.
        kinds: the kinds of component that may stand here; the first is the one that messages name.
        node: a name, or a mapping of one name to arguments.
        path: its key in override form.
        extras: further keys that may stand among the arguments -> their readers.

    Returns:
        the component, or None where a fault keeps it from being one.
    """
    parts = split_component(context, kinds[0], node, path)
    if parts is None:
        return None
    name, blame, arguments = parts
    context.note(blame, path)
    if "metric" in kinds and normalize(name) in TARGET_METRICS:
        return _target_metric(context, name, blame, arguments, path)
    entry = find_entry(context, kinds, name, blame, path, arguments)
    if entry is None:
        return None
    values = _read_arguments(context, entry, blame, arguments, path, extras or {})
    if entry.kind == "metric" and entry.metric_name and "name" not in values:
        spelled = name.lower()
        if normalize(spelled) != normalize(entry.name) and spelled != entry.metric_name:
            values["name"] = spelled
    if "metric" in kinds and entry.is_own and "name" not in values:  # what the history calls it is known without its class
        default = entry.arguments["name"].default
        values["name"] = default if isinstance(default, str) else snake_case(entry.name)
    return Component(entry.kind, entry.name, values, blame.place, context.code if entry.is_own else None)


def _target_metric(context: Context, name: str, blame: Node, arguments: Node | None, path: str) -> Component:
    given: dict[str, Any] = {"name": "acc"} if normalize(name) == "acc" else {}
    if arguments is not None and not is_absent(arguments):
        if not isinstance(arguments, MappingNode) or set(arguments.entries) - {"name"}:
            context.faults.add(
                arguments, path, f"{name} takes no arguments but `name`", "for a threshold use BinaryAccuracy: {threshold: …}"
            )
        else:
            given = {key: value.plain() for key, value in arguments.entries.items() if not is_removed(value)}
    return Component("metric", TARGET_METRICS[normalize(name)], given, blame.place)


def _read_arguments(
    context: Context, entry: ComponentEntry, blame: Node, node: Node | None, path: str, extras: Mapping[str, Special]
) -> dict[str, Any]:
    """Checks the arguments of a component against its entry; what is missing is blamed on its name."""
    values: dict[str, Any] = {}
    given: set[str] = set()
    if isinstance(node, MappingNode):
        values, given = _read_given(context, entry, whole_entries(node), path, extras)
    elif node is not None and not is_absent(node):
        _refuse_no_mapping(context, entry, node, path)
        return values
    for argument in entry.arguments.values():
        if argument.required and argument.name not in given and (entry.kind, argument.name) not in BY_THE_DATA:
            hint = f"{argument.name}: {parse_kind(argument.type).describe()}"
            context.faults.add(blame, path, f"{entry.name} needs the argument {argument.name}", hint)
    return values


def _read_given(
    context: Context, entry: ComponentEntry, node: MappingNode, path: str, extras: Mapping[str, Special]
) -> tuple[dict[str, Any], set[str]]:
    """The arguments that are right, and all that are named."""
    values: dict[str, Any] = {}
    given: set[str] = set()
    for name, value in node.entries.items():
        where = f"{path}.{name}"
        if name in extras:
            if not is_removed(value):
                context.note(value, where)
                extras[name](value, where)
            continue
        argument = entry.argument(name)
        if argument is None:
            given |= _note_unknown_argument(context, entry, node, name, path, extras)
            continue
        if argument.name in given:
            context.faults.add(value, where, f"the argument {argument.name} of {entry.name} is given twice")
        given.add(argument.name)
        if is_removed(value) or (is_absent(value) and not argument.required and argument.default is None):
            continue
        context.note(value, where)
        found = context.read(parse_kind(argument.type), value, where)
        if found is not MISMATCH:
            values[argument.name] = found
    return values, given


def _refuse_no_mapping(context: Context, entry: ComponentEntry, node: Node, path: str) -> None:
    """Notes arguments that are given by their place, or as a single value."""
    values = node.plain() if isinstance(node, ListNode) else [node.plain()]
    spelled = from_positions(entry, values, context.catalog, is_list=isinstance(node, ListNode) and len(node.items) > 1)
    hint = f"write {as_value(spelled, path)}" if spelled else None
    context.misfit(node, path, f"the arguments of {entry.name} as a mapping", hint)


def _note_unknown_argument(
    context: Context, entry: ComponentEntry, node: MappingNode, name: str, path: str, extras: Mapping[str, Special]
) -> set[str]:
    """Notes an argument that a component does not have; the arguments that were likely meant."""
    value, others = node.entries[name], [extra for extra in extras if extra not in entry.arguments]
    near = _argument_hint(context, entry, name, value, [*entry.arguments, *extras])
    takes = f"{entry.name} takes: {one_of([*entry.arguments, *others], 6 if near else 30)}"
    hint = f"{near} {takes}" if near else takes
    context.faults.add(node.keys[name], f"{path}.{name}", f"unknown argument of {entry.name}", hint, word=value.word)
    return {argument for argument in entry.arguments if near == f'did you mean "{argument}"?'}


def _argument_hint(context: Context, entry: ComponentEntry, name: str, value: Node, known: list[str]) -> str | None:
    """What an unknown argument was probably meant to be."""
    today = argument_of_today(entry, name)
    if today is not None:
        return f'did you mean "{today}"?'
    other = context.catalog.find(entry.kind, name) if entry.kind in ("optimizer", "loss", "schedule") else None
    if other is not None and other.name != entry.name:
        arguments = value.plain() if isinstance(value, MappingNode) else {}
        written = from_arguments(other, arguments, context.catalog)
        written = f"{{{written}}}" if ":" in written else written
        return f"for {other.name} in the place of {entry.name} write {written}."
    inner = find_here(context.catalog, ("layer",), name) if "layer" in entry.arguments else None
    if inner is not None:
        arguments = value.plain() if isinstance(value, MappingNode) else {}
        return f"write {entry.name}: {{layer: {{{from_arguments(inner, arguments, context.catalog)}}}}}."
    said = said_here(name)
    if said is not None and entry.kind in ("optimizer", "callback"):
        return f"{said}."
    near = did_you_mean(name, known)
    left_out = LEFT_OUT.get(normalize(name)) if near is None or normalize(name) in LEFT_OUT else None
    if left_out is not None:
        return f"{left_out}." if left_out.startswith("write") else f"leave it out: {left_out}."
    return near or (f"{said}." if said is not None else None)


def read_nested(context: Context, kind: str, node: Node, path: str) -> Any:
    """Reads a component that is an argument: a `Component`, or an activation's name; `MISMATCH` where it is wrong (noted)."""
    if kind == "activation":
        return _read_activation(context, node, path)
    component = read_component(context, tuple(kind.split("|")), node, path)
    return MISMATCH if component is None else component


def _read_activation(context: Context, node: Node, path: str) -> Any:
    if not isinstance(node, ScalarNode):
        name = next(iter(node.entries), "") if isinstance(node, MappingNode) else ""
        entry = context.catalog.find("layer", name)
        hint = f"with arguments it is a layer of its own: `- {entry.name}: {{…}}`" if entry else None
        return context.misfit(node, path, "the name of an activation", hint)
    activation = context.catalog.find_activation(node.text)
    if activation is None and (found := context.unregistered.get(node.text)) is not None:
        message = f"{node.text} stands in {found.file}:{found.line}, but is not registered with Keras"
        context.faults.add(node, path, message, "put @keras.saving.register_keras_serializable() above it")
        return MISMATCH
    if activation is not None and context.code is not None and activation in context.code.components:
        return Component("activation", activation, {}, node.place, context.code)
    if activation is None:
        known = list(context.catalog.activations)
        bare = without_module(node.text.partition("(")[0].strip())
        meant = context.catalog.find_activation(bare) or KNOWN_ELSEWHERE["activation"].get(normalize(bare))
        hint = f"write {meant}" if meant else did_you_mean(bare, known) or f"activations: {one_of(known, 40)}"
        context.faults.add(node, path, f"unknown activation {quote(node.text)}", hint)
        return MISMATCH
    return activation


def plain_component(component: Component, extras: Mapping[str, Any] | None = None) -> Any:
    """A component as plain values: its bare name, or `{name: arguments}`; `extras` stand before the arguments."""
    arguments = {**(extras or {}), **{name: plain_value(value) for name, value in component.arguments.items()}}
    return {component.name: arguments} if arguments else component.name


def plain_value(value: Any) -> Any:
    """An argument's value without components."""
    if isinstance(value, Component):
        return plain_component(value)
    if isinstance(value, list | tuple):
        return [plain_value(item) for item in value]
    if isinstance(value, Mapping):
        return {key: plain_value(item) for key, item in value.items()}
    return value
