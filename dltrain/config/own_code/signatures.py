"""The arguments of a class of own code, from its source: names, defaults, and what their annotations say they take."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from dltrain.config.catalog.catalog import Catalog

# What a name of Keras stands for as a base class, or in an annotation.
ROOTS = {
    "Layer": "layer",
    "Loss": "loss",
    "Metric": "metric",
    "Optimizer": "optimizer",
    "LearningRateSchedule": "schedule",
    "Regularizer": "regularizer",
    "Initializer": "initializer",
    "Constraint": "constraint",
}
_SIMPLE = {
    "int": "int", "float": "number", "bool": "bool", "str": "text", "None": "none", "dict": "mapping", "Mapping": "mapping",
    "list": "list(any)", "tuple": "list(any)", "List": "list(any)", "Tuple": "list(any)", "Sequence": "list(any)",
    "Dict": "mapping",
}  # fmt: skip
_LISTS = {"list", "List", "tuple", "Tuple", "Sequence", "Iterable", "Collection"}
_DEEPEST = 8
# What Keras's base classes take of what a class passes on by `**kwargs`.
_NAME = ["name", "text|none", "Its own name, unique in the model.", None]
_DTYPE = ["dtype", "text|mapping|none", "The data type or mixed-precision policy of its computation.", None]
BASE_ARGUMENTS: dict[str, list[list[Any]]] = {
    "layer": [_NAME, ["trainable", "bool", "Whether training changes its weights.", True], _DTYPE],
    "loss": [
        _NAME,
        [
            "reduction",
            "'sum'|'sum_over_batch_size'|'mean'|'mean_with_sample_weight'|'none'|none",
            "How the losses of the rows become one.",
            "sum_over_batch_size",
        ],
        _DTYPE,
    ],
    "metric": [_NAME, _DTYPE],
}

Resolve = Callable[[ast.expr], str | None]


def own_arguments(init: ast.FunctionDef, resolve: Resolve, catalog: Catalog, first: int = 1) -> list[list[Any]]:
    """The arguments that a constructor itself names, as the catalog holds them: [name, type, description, default?].

    Args:
        init: the constructor, or a function.
        resolve: gives the dotted name that an expression of the file stands for.
        catalog: Keras's components.
        first: how many arguments a config does not give: `self`, or what Keras calls a function with.
    """
    given = init.args
    positional = [*given.posonlyargs, *given.args][first:]
    last = given.defaults[-len(positional) :] if positional else []
    defaults: list[ast.expr | None] = [None] * (len(positional) - len(last)) + list(last)
    pairs = [*zip(positional, defaults), *zip(given.kwonlyargs, given.kw_defaults)]
    found: list[list[Any]] = []
    for argument, default in pairs:
        value = None if default is None else literal(default)
        kind = None if argument.annotation is None else _annotated(argument.annotation, resolve)
        kind = kind or _guessed(argument.arg, default, value, catalog)
        if default is not None and value is None and "none" not in kind.split("|") and kind != "any":
            kind += "|none"
        found.append([argument.arg, kind, "", *([] if default is None else [value])])
    return found


def base_arguments(kind: str, base: str | None, catalog: Catalog) -> list[list[Any]]:
    """What Keras's class takes, of which a class of own code is derived.

    Args:
        kind: of component.
        base: the class, where it is one of the catalog.
        catalog: Keras's components.
    """
    entry = catalog.find(kind, base) if base else None
    if entry is None and kind == "optimizer":
        sgd = catalog.find("optimizer", "SGD")
        assert sgd is not None
        named = [argument for argument in sgd.arguments.values() if argument.name not in ("momentum", "nesterov")]
        return [[item.name, item.type, item.description, item.default] for item in named]
    if entry is None:
        return [list(argument) for argument in BASE_ARGUMENTS.get(kind, [])]
    return [
        [item.name, item.type, item.description, *([] if item.required else [item.default])] for item in entry.arguments.values()
    ]


def in_terms_of_training(argument: list[Any]) -> list[Any]:
    """An argument of a schedule that counts steps by its name takes `3 epochs` and `10 %` as well, as Keras's own do."""
    name, kind, *rest = argument
    counts = name in ("steps", "boundaries") or name.endswith("_steps")
    if not counts or kind == "any":
        return argument
    kinds = [f"list({word[5:-1]}|duration)" if word.startswith("list(") else word for word in kind.split("|")]
    return [name, "|".join([*kinds, "duration"] if name != "boundaries" else kinds), *rest]


def literal(node: ast.expr, depth: int = 0) -> Any:
    """A default as plain value; what is none that a config could hold is told by its text."""
    if isinstance(node, ast.Constant):
        return node.value if node.value is None or isinstance(node.value, bool | int | float | str) else repr(node.value)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant):
        value = node.operand.value
        return -value if isinstance(value, int | float) else repr(value)
    if isinstance(node, ast.List | ast.Tuple) and depth < _DEEPEST and len(node.elts) <= 100:
        return [literal(item, depth + 1) for item in node.elts]
    return "…"


def _guessed(name: str, default: ast.expr | None, value: Any, catalog: Catalog) -> str:
    """What an argument without annotation takes, by its name and its default."""
    for suffix in ("initializer", "regularizer", "constraint"):
        if name.endswith(suffix):
            return suffix
    if name == "activation" and (value is None or (isinstance(value, str) and catalog.find_activation(value))):
        return "activation"
    if name == "learning_rate":
        return "number>=0|schedule|curve|'found'"
    if name in ("name", "trainable", "dtype"):
        return {"name": "text|none", "trainable": "bool", "dtype": "text|mapping|none"}[name]
    if isinstance(default, ast.Constant):
        if isinstance(value, bool):
            return "bool"
        if isinstance(value, int | float):
            return "number"
        if isinstance(value, str):
            return "text"
    return "any"


def _annotated(node: ast.expr, resolve: Resolve, depth: int = 0) -> str | None:
    """The notation of `kinds.py` for an annotation; None where it says nothing that is known."""
    if depth > _DEEPEST:
        return None
    if isinstance(node, ast.Constant):
        if node.value is None:
            return "none"
        return _quoted(node.value, resolve, depth) if isinstance(node.value, str) else None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return _either([node.left, node.right], resolve, depth)
    if isinstance(node, ast.Subscript):
        return _subscripted(node, resolve, depth)
    name = resolve(node)
    if name is None:
        return None
    last = name.rpartition(".")[2]
    if name.startswith("keras."):
        return ROOTS.get(last)
    return _SIMPLE.get(last)


def _quoted(text: str, resolve: Resolve, depth: int) -> str | None:
    try:
        return _annotated(ast.parse(text[:200], mode="eval").body, resolve, depth + 1)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _either(nodes: list[ast.expr], resolve: Resolve, depth: int) -> str | None:
    found = [_annotated(node, resolve, depth + 1) for node in nodes]
    words = [word for word in found if word is not None]
    return "|".join(words) if len(words) == len(found) else None


def _subscripted(node: ast.Subscript, resolve: Resolve, depth: int) -> str | None:
    name = (resolve(node.value) or "").rpartition(".")[2]
    inner = list(node.slice.elts) if isinstance(node.slice, ast.Tuple) else [node.slice]
    if name == "Optional":
        found = _annotated(inner[0], resolve, depth + 1)
        return None if found is None else f"{found}|none"
    if name == "Union":
        return _either(inner, resolve, depth)
    if name == "Literal":
        words = [item.value for item in inner if isinstance(item, ast.Constant) and isinstance(item.value, str)]
        is_plain = len(words) == len(inner) and not any(set(word) & set("'|()") or not word for word in words)
        return "|".join(f"'{word}'" for word in words) if is_plain else None
    if name in _LISTS:
        kinds = {
            _annotated(item, resolve, depth + 1)
            for item in inner
            if not (isinstance(item, ast.Constant) and item.value is Ellipsis)
        }
        only = kinds.pop() if len(kinds) == 1 else None
        return f"list({only or 'any'})"
    return _SIMPLE.get(name)


def with_passed_on(own: list[list[Any]], passed: list[list[Any]]) -> list[list[Any]]:
    """The arguments of a constructor with those that it passes on by `**kwargs`, of which none is required."""
    known = {argument[0] for argument in own}
    return own + [[*argument[:3], argument[3] if len(argument) > 3 else None] for argument in passed if argument[0] not in known]
