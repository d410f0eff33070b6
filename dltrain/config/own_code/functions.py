"""What a registered function can be, by the arguments that it takes: as Keras calls functions in the place of its classes."""

from __future__ import annotations

import ast
from typing import Any

from dltrain.config.catalog.catalog import Catalog
from dltrain.config.own_code.signatures import BASE_ARGUMENTS, Resolve, own_arguments, with_passed_on

# Kinds of functions of one tensor: what comes out of a layer, or a weight. Which of them is meant the place tells.
OF_ONE = ("activation", "regularizer", "constraint")
OF_TWO = ("loss", "metric")
TAKEN = (
    "such as `def my_loss(y_true, y_pred)`, which is a metric as well, `def my_activation(x)`, which is a regularizer and a"
    " constraint as well, or `def my_initializer(shape, dtype=None)`"
)

Entries = dict[str, dict[str, Any]]


def function_entries(node: ast.FunctionDef, where: str, resolve: Resolve, catalog: Catalog) -> Entries | str:
    """Each kind of component that a function can be, with what the catalog would hold of it; or why it is none, a clause.

    Args:
        node: the function.
        where: its file and line.
        resolve: gives the dotted name that an expression of the file stands for.
        catalog: Keras's components.
    """
    given = node.args
    positional = [argument.arg for argument in (*given.posonlyargs, *given.args)]
    required = positional[: len(positional) - len(given.defaults)]
    asked = [argument.arg for argument, default in zip(given.kwonlyargs, given.kw_defaults) if default is None]
    if asked:
        return f"it cannot be called without {asked[0]}, which stands behind a *"
    doc = " ".join((ast.get_docstring(node) or "").split("\n\n")[0].split())[:200]
    plain = {"doc": doc, "arguments": [], "where": where}
    if positional[:1] == ["shape"]:
        takes_type = "dtype" in (*positional, *(argument.arg for argument in given.kwonlyargs)) or given.kwarg is not None
        if not takes_type or len(required) > 2 or required[1:] not in ([], ["dtype"]):
            return "an initializer is called with `shape` and `dtype`, and nothing else"
        return {"initializer": plain}
    if len(required) == 1:
        return dict.fromkeys(OF_ONE, plain)
    if len(required) != len(OF_TWO):
        return f"it needs {len(required)} arguments"
    named = {argument[0] for argument in BASE_ARGUMENTS["loss"]}
    own = [item for item in own_arguments(node, resolve, catalog, first=2) if item[0] not in named]
    return {
        kind: {
            **plain,
            "arguments": [
                [*item[:3], node.name] if item[0] == "name" else item for item in with_passed_on(own, BASE_ARGUMENTS[kind])
            ],
        }
        for kind in OF_TWO
    }
