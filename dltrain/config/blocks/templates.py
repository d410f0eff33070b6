"""Checks the file name templates of checkpoints: plain `{name}` or `{name:format}`, inside of the run, nothing else."""

from __future__ import annotations

import os
import re
import string
from collections.abc import Collection

from dltrain.config.catalog.metrics import find_name
from dltrain.config.text.nodes import Faults, Node
from dltrain.config.text.scalars import describe
from dltrain.wording import did_you_mean, one_of

FORMATS = {".h5": "h5", ".hdf5": "h5", ".keras": "keras"}
FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# A small part of Python's formats: a free fill or type (`c`, `/>9`) could put any letter into a path.
WHOLE = re.compile(r"0?\d{0,2}d?")
FRACTION = re.compile(r"0?\d{0,2}(\.\d{1,2})?[eEfFgG%]?")
LONGEST_NAME = 200


def format_of(template: str) -> str | None:
    """`h5` or `keras` by the template's ending, or None."""
    return next((name for ending, name in FORMATS.items() if template.lower().endswith(ending)), None)


def stays_inside(name: str) -> bool:
    """Whether a name leads to a place below the folder that it is put into, on every system."""
    parts = re.split(r"[/\\]", name)
    return not ("\\" in name or name.startswith(("/", "~")) or re.match(r"[A-Za-z]:", name) or ".." in parts or "\0" in name)


def check_template(
    faults: Faults, node: Node, path: str, template: str, metrics: Collection[str] | None, *, has_validation: bool
) -> None:
    """Notes what is wrong with a template.

    Args:
        faults: where it is noted.
        node: the template's node.
        path: its key.
        template: such as `lfw_{epoch:02d}_{val_accuracy:.3f}.h5`.
        metrics: the names that the history will have; None: not known.
        has_validation: whether there is a validation part.
    """
    if not stays_inside(template):
        faults.add(
            node,
            path,
            f"expected a file name inside of the run, found {describe(template)}",
            "no absolute path, no .., no backslash",
        )
    if "\0" in template or template.endswith("/") or any(len(os.fsencode(part)) > LONGEST_NAME for part in template.split("/")):
        faults.add(node, path, f"expected a file name, of at most {LONGEST_NAME} bytes")
    if format_of(template) is None:
        faults.add(
            node,
            path,
            f"expected a file name that ends in .h5 or .keras, found {describe(template)}",
            "such as model_{epoch:02d}.h5",
        )
    try:
        fields = list(string.Formatter().parse(template))
    except ValueError as error:
        faults.add(node, path, f"the template cannot be read: {error}", "{ and } as text are written {{ and }}")
        return
    for _, name, form, conversion in fields:
        if name is not None and _check_field(faults, node, path, name, form or "", conversion) and name != "epoch":
            check_metric(faults, node, path, name, metrics, has_validation=has_validation)


def _check_field(faults: Faults, node: Node, path: str, name: str, form: str, conversion: str | None) -> bool:
    """Whether it is a field whose name can be looked up; what is wrong with its form is noted."""
    if not FIELD.fullmatch(name) or conversion is not None or "{" in form:
        written = "{" + name + (f"!{conversion}" if conversion else "") + (f":{form}" if form else "") + "}"
        faults.add(node, path, f"expected {{name}} or {{name:format}}, found {written}")
        return False
    if not (WHOLE if name == "epoch" else FRACTION).fullmatch(form):
        faults.add(node, path, f"the format {form!r} does not fit {name}", "such as {epoch:02d} and {val_accuracy:.3f}")
    return True


def no_validation(name: str) -> tuple[str, str]:
    """What is wrong with a metric of the validation part where there is none, and what to do."""
    return f"{name} needs a validation part, and there is none", "add `data.split.validation`, such as 0.2, or `data.validation`"


def check_metric(
    faults: Faults, node: Node, path: str, name: str, metrics: Collection[str] | None, *, has_validation: bool
) -> None:
    """Notes a metric that the history will not have: one of a part that does not exist, or an unknown name."""
    if name.startswith("val_") and not has_validation:
        faults.add(node, path, *no_validation(name))
        return
    if metrics is None or find_name(name.removeprefix("val_"), metrics) is not None:
        return
    known = [*metrics, *(f"val_{metric}" for metric in metrics if has_validation and metric != "learning_rate")]
    hint = did_you_mean(name, known)
    faults.add(
        node,
        path,
        f"no metric {name}",
        f"{hint} known: {one_of(known)}" if hint else f"known: {one_of(known)}; more through training.metrics",
    )
