"""Calls of Python, and mappings of other tools, spelled as components of a config."""

from __future__ import annotations

import ast
import json
import operator
import re
from collections.abc import Mapping, Sequence
from typing import Any

from dltrain.config.catalog.catalog import Argument, Catalog, ComponentEntry, load_catalog
from dltrain.config.old_words.arguments import LEFT_OUT, POSITIONS, argument_of_today
from dltrain.config.old_words.keys import said_here
from dltrain.config.old_words.names import KNOWN_ELSEWHERE
from dltrain.config.text.nodes import MappingNode, Node, ScalarNode
from dltrain.wording import nearest, normalize

# What stands in place of the arguments of a callback, or of a block's keys -> the one that is meant.
_ALONE: Mapping[str, Mapping[type, str]] = {
    "EarlyStopping": {int: "patience", str: "monitor"},
    "ReduceLROnPlateau": {int: "patience", float: "factor", str: "monitor"},
    "TensorBoard": {str: "log_dir"},
    "training.checkpoint": {str: "filepath"},
    "data": {str: "source"},
    "data.split": {float: "test"},
    "model": {list: "layers"},
    "evaluation": {str: "require"},
}


def from_alone(name: str, value: Any) -> str | None:
    """The arguments of a callback, or a block, of which one stands alone: of `early_stopping: 5` `{patience: 5}`; else None."""
    if isinstance(value, str) and "(" in value:
        spelled = from_call(value, load_catalog(), ("callback",))
        return None if spelled is None else spelled.partition(": ")[2] or "true"
    if isinstance(value, str) and value.lower() in ("yes", "on", "auto", "default"):
        return "true"
    if (
        name == "data.split"
        and isinstance(value, list)
        and 2 <= len(value) <= 3
        and all(isinstance(each, float) for each in value)
    ):
        rest = value[1] / (1 - value[2]) if len(value) == 3 and value[2] < 1 else None
        return _flow({"test": value[-1]} | ({"validation": float(f"{rest:.4g}")} if rest else {}))
    argument = _ALONE.get(name, {}).get(type(value))
    return None if argument is None else f"{{{argument}: {_flow(value)}}}"


def without_module(name: str) -> str:
    """The name without the module that Python needs: `Dense` of `tf.keras.layers.Dense`; other names as they are."""
    module, _, bare = name.rpartition(".")
    return bare if bare and all(part.isidentifier() for part in module.split(".")) else name


# What stands for a component's name in the mappings of other tools, and what holds its arguments there.
_NAME_KEYS = ("type", "name", "class", "class_name", "layer", "kind", "algorithm", "optimizer", "loss", "metric", "_target_")
_ARGUMENT_KEYS = ("config", "arguments", "args", "params", "kwargs", "parameters")


def find_here(catalog: Catalog, kinds: Sequence[str], name: str) -> ComponentEntry | None:
    """The component that a name stands for: by itself, below a module, or as it is called elsewhere; else None."""
    bare = without_module(name)
    for kind in (kind for kind in kinds if kind in catalog.kinds()):
        elsewhere = KNOWN_ELSEWHERE.get(kind, {}).get(normalize(bare))
        entry = catalog.find(kind, elsewhere) if elsewhere else catalog.find(kind, bare)
        if entry is not None:
            return entry
    return None


def from_call(text: str, catalog: Catalog, kinds: Sequence[str]) -> str | None:
    """A Python call as a config spells it: `SGD(lr=0.01)` is `SGD: {learning_rate: 0.01}`.

    Args:
        text: what stands where a component should.
        catalog: Keras's components.
        kinds: the kinds of component that may stand there.

    Returns:
        The spelling, with what is left out and why in brackets behind it; None where the text is no call of a component.
    """
    text = text.strip().strip("'\"")
    match = re.fullmatch(r"([\w.]+)\s*,\s*(\w+\s*=.*)", text) or re.fullmatch(r"([\w.]+)\s+(-?[\d.]+(?:e-?\d+)?)", text)
    text = f"{match[1]}({match[2]})" if match else text  # `adam, lr=0.01` and `sgd 0.1`
    name = text.partition("(")[0].strip()
    if "(" not in text:
        return None
    left_out: dict[str, str] = {}
    try:
        call = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        entry = find_here(catalog, kinds, name)
        return f"{entry.name}: {{…}}" if entry else None  # such as one half of a call
    made = _component(call, catalog, kinds, left_out) if isinstance(call, ast.Call) else None
    return None if made is None else _written(made, left_out)


def from_mapping(values: Mapping[str, Any], catalog: Catalog, kinds: Sequence[str]) -> str | None:
    """A component that is named by one of its keys, such as `{type: Dense, units: 4}`, as a config spells it; else None."""
    for key in _NAME_KEYS:
        name = values.get(key)
        if not isinstance(name, str):
            continue
        entry = find_here(catalog, kinds, name) or _misspelt(catalog, kinds, name)
        if entry is None:
            continue
        rest = {other: value for other, value in values.items() if other != key}
        for inner in _ARGUMENT_KEYS:
            if isinstance(rest.get(inner), Mapping):
                rest |= rest.pop(inner)
        return from_arguments(entry, rest, catalog)
    return None


def from_arguments(entry: ComponentEntry, values: Mapping[str, Any], catalog: Catalog) -> str:
    """A component with arguments by their names elsewhere as a config spells it: `Dense: {units: 3}` of `out_features: 3`."""
    left_out: dict[str, str] = {}
    return _written(_with_arguments(entry, values, catalog, left_out), left_out)


def from_positions(entry: ComponentEntry, values: Sequence[Any], catalog: Catalog, *, is_list: bool) -> str | None:
    """A component whose arguments stand in a list: `Conv2D: [32, 3]` as `Conv2D: {filters: 32, kernel_size: 3}`."""
    names = list(entry.arguments)
    if not names or not values:
        return None
    first = entry.arguments[next((name for name in names if entry.arguments[name].required), names[0])]
    if is_list and "list(" in first.type and all(isinstance(value, int) for value in values):
        return from_arguments(entry, {first.name: list(values)}, catalog)
    return from_arguments(entry, dict(zip(names, values)), catalog) if len(values) <= len(names) else None


def whole_items(items: Sequence[Node]) -> list[Node]:
    """The entries of a list, a call that YAML tore at its commas put together: `Dense(3`, `activation='relu')` is one."""
    whole: list[Node] = []
    for item in items:
        last = whole[-1] if whole else None
        if isinstance(last, ScalarNode) and _is_open(last) and isinstance(item, ScalarNode):
            text = f"{last.text}, {item.text}"
            whole[-1] = ScalarNode(last.place, last.word, last.parameter, text, text)
        else:
            whole.append(item)
    return whole


def whole_entries(node: MappingNode) -> MappingNode:
    """A mapping, with values that YAML tore at their commas put together: `{optimizer: SGD(lr=0.1, momentum=0.9)}`."""
    if not any(isinstance(value, ScalarNode) and _is_open(value) for value in node.entries.values()):
        return node
    entries: dict[str, Node] = {}
    for name, value in node.entries.items():
        last = entries[tail] if (tail := next(reversed(entries), None)) is not None else None
        torn = isinstance(value, ScalarNode) and value.value is None and value.text == ""
        if tail is not None and torn and isinstance(last, ScalarNode) and _is_open(last):
            text = f"{last.text}, {name}"
            entries[tail] = ScalarNode(last.place, last.word, last.parameter, text, text)
        else:
            entries[name] = value
    return MappingNode(node.place, node.word, node.parameter, entries, {name: node.keys.get(name) for name in entries})


def _is_open(node: ScalarNode) -> bool:
    return not node.quoted and isinstance(node.value, str) and node.text.count("(") > node.text.count(")")


def _misspelt(catalog: Catalog, kinds: Sequence[str], name: str) -> ComponentEntry | None:
    bare = without_module(name)
    found = (catalog.find(kind, nearest(bare, catalog.names(kind)) or "") for kind in kinds)
    return next((entry for entry in found if entry is not None), None)


def _component(call: ast.Call, catalog: Catalog, kinds: Sequence[str], left_out: dict[str, str]) -> Any:
    """What a call makes: a name, or `{name: arguments}`; None where it is of no component."""
    name = ast.unparse(call.func)
    bare = without_module(name)
    entry = find_here(catalog, kinds, name)
    if entry is None:
        activation = catalog.find_activation(bare) if "layer" in kinds else None
        return None if activation is None else {"Activation": {"activation": activation}}
    words = {word.arg: word.value for word in call.keywords if word.arg is not None}
    is_torch = "nn" in name.split(".") or (normalize(bare) in POSITIONS and catalog.find(entry.kind, bare) is None)
    names: Sequence[str] = POSITIONS.get(normalize(bare), ()) if is_torch else ()
    positions = [value for value in call.args if not (entry.kind == "optimizer" and "param" in ast.unparse(value))]
    if not names and (normalize(bare).startswith("convolution") or {"border_mode", "subsample"} & set(words)):
        sizes = [value for value in positions[1:4] if isinstance(value, ast.Constant)]  # Keras 1: filters, rows, columns
        if len(sizes) > 1:
            positions = [positions[0], ast.Tuple(elts=[*sizes], ctx=ast.Load()), *positions[1 + len(sizes) :]]
    given: dict[str, Any] = dict(zip(names or list(entry.arguments), positions)) | words
    return _with_arguments(entry, given, catalog, left_out)


def _with_arguments(entry: ComponentEntry, given: Mapping[str, Any], catalog: Catalog, left_out: dict[str, str]) -> Any:
    """A component as plain values, of arguments by whatever names and of parts of a call as values."""
    arguments: dict[str, Any] = {}
    for word, value in given.items():
        if word == "betas" and "beta_2" in entry.arguments:
            both = _plain(value, None, catalog, left_out)
            if isinstance(both, list) and len(both) == 2:
                arguments |= {"beta_1": both[0], "beta_2": both[1]}
                continue
        known = entry.argument(word) or entry.arguments.get(argument_of_today(entry, word) or "")
        if known is None and word not in ("name", "from"):
            if word != "decay" or entry.kind != "optimizer":
                left_out[word] = LEFT_OUT.get(normalize(word)) or said_here(word) or f"{entry.name} has none"
            continue
        arguments[known.name if known else word] = _plain(value, known, catalog, left_out)
    if isinstance(arguments.get("padding"), int) and "'same'" in entry.arguments["padding"].type:  # PyTorch counts the pixels
        arguments["padding"] = "same" if arguments["padding"] else "valid"
    decay = _plain(given["decay"], None, catalog, left_out) if "decay" in given and entry.kind == "optimizer" else 0
    if isinstance(decay, int | float) and decay > 0:
        rate = arguments.get("learning_rate", entry.arguments["learning_rate"].default)
        falling = {"initial_learning_rate": rate, "decay_steps": 1, "decay_rate": decay}
        arguments = {"learning_rate": {"InverseTimeDecay": falling}} | {
            k: v for k, v in arguments.items() if k != "learning_rate"
        }
    return {entry.name: arguments} if arguments else entry.name


def _plain(value: Any, argument: Argument | None, catalog: Catalog, left_out: dict[str, str]) -> Any:
    """A part of a call, or a plain value, as the plain value of an argument; components and activations by their names here."""
    kinds = [kind for kind in (*catalog.kinds(), "activation") if argument and re.search(rf"\b{kind}\b", argument.type)]
    if isinstance(value, ast.Call):
        made = _component(value, catalog, [*kinds, "application"] if "layer" in kinds else kinds, left_out)
        return ast.unparse(value) if made is None else made
    if isinstance(value, ast.expr):
        value = _literal(value)
    if isinstance(value, str) and "activation" in kinds:
        bare = without_module(value.partition("(")[0])
        elsewhere = KNOWN_ELSEWHERE["activation"].get(normalize(bare))
        return catalog.find_activation(bare) or elsewhere or value
    if isinstance(value, str) and re.fullmatch(r"\(\s*-?\d+(\s*,\s*-?\d+)*,?\s*\)", value):
        return [int(number) for number in re.findall(r"-?\d+", value)]
    if isinstance(value, str) and kinds:
        try:
            call = ast.parse(value, mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return value
        return (_component(call, catalog, kinds, left_out) if isinstance(call, ast.Call) else None) or value
    if isinstance(value, int | float) and not isinstance(value, bool) and kinds == ["regularizer"]:
        return {"L2": {"l2": value}}
    return value


_SIGNS: Mapping[type, Any] = {ast.Div: operator.truediv, ast.Mult: operator.mul, ast.Add: operator.add, ast.Sub: operator.sub}


def _literal(node: ast.expr) -> Any:
    """A literal of a call, the value of `1./255`, or the text of anything else."""
    if isinstance(node, ast.BinOp) and type(node.op) in _SIGNS:
        left, right = _literal(node.left), _literal(node.right)
        if all(isinstance(side, int | float) for side in (left, right)) and not (isinstance(node.op, ast.Div) and not right):
            return _SIGNS[type(node.op)](left, right)
    if isinstance(node, ast.List | ast.Tuple):
        return [_literal(item) for item in node.elts]
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return ast.unparse(node)


def as_value(spelled: str, path: str) -> str:
    """A spelled component as it stands at a path: behind a key in braces, as an entry of a list without."""
    body, remark, why = spelled.partition(" (without ")
    is_entry = path.rpartition(".")[2].isdigit()
    return f"{{{body}}}{remark}{why}" if ": {" in body and not is_entry else spelled


def _written(made: Any, left_out: Mapping[str, str]) -> str:
    """A component in YAML's flow style, with what is left out in brackets."""
    if isinstance(made, str):
        text = made
    else:
        [(name, arguments)] = made.items()
        text = f"{name}: {_flow(arguments)}"
    if not left_out:
        return text
    return f"{text} ({'; '.join(f'without {word}: {why}' for word, why in left_out.items())})"


def _flow(value: Any) -> str:
    """A value as YAML's flow style has it, shortened."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_flow, value))}]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {_flow(item)}" for name, item in value.items()) + "}"
    if isinstance(value, str):
        text = value[:80]
        return (
            text
            if re.fullmatch(r"[\w./%$+-]+(?: [\w./%$+-]+)*", text) or re.fullmatch(r"[\w.]+\(.*\)", text)
            else json.dumps(text)
        )
    return "null" if value is None else str(value)[:80]
