"""What arrays of an archive, and files of arrays, are called: inputs and targets, of the whole or of each part."""

from __future__ import annotations

import re
from collections.abc import Collection

from dltrain.parts import PARTS, part_called

INPUTS = ("x", "X", "inputs", "images", "data", "features")
TARGETS = ("y", "Y", "targets", "target", "labels", "label")
_INPUTS = {name.casefold() for name in INPUTS}
_TARGETS = {name.casefold() for name in TARGETS}
_ROLE = "|".join(sorted(_INPUTS | _TARGETS, key=len, reverse=True))
_OF_PART = re.compile(rf"(?:(?P<first>{_ROLE})_?(?P<behind>[a-z]+)|(?P<before>[a-z]+?)_?(?P<last>{_ROLE}))")


def targets_for(inputs: str, names: Collection[str]) -> str | None:
    """The name of the targets of such inputs: `y_train` for `X_train`, `labels` for `features`; None: none."""
    role = _role_of(inputs)
    if role is None or role[0]:
        return None
    return next((name for name in sorted(names) if _role_of(name) == (True, role[1])), None)


def _role_of(name: str) -> tuple[bool, str] | None:
    """Whether a name is one of targets, and the rest of it, such as that of a part; None: it is none of inputs or targets."""
    bare = name.casefold()
    if bare in _TARGETS or bare in _INPUTS:
        return bare in _TARGETS, ""
    match = _OF_PART.fullmatch(bare)
    return ((match["first"] or match["last"]) in _TARGETS, match["behind"] or match["before"]) if match else None


def arrays_of_parts(names: Collection[str], *, for_training: bool = True) -> dict[str, tuple[str, str]]:
    """Part -> its arrays of inputs and of targets, of an archive whose arrays are called by parts.

    Keras's `x_train, y_train, x_test, y_test`, whatever their case, and such as `train_images, train_labels, val_images,
    val_labels`. A part without inputs or without targets is left out. Empty: there is no training part, or arrays that are
    called `x` and `y`, or two that are called alike.

    Args:
        names: of all arrays.
        for_training: False: rows to predict or to measure, of whatever part; the targets may lack, and are "" then.
    """
    found: dict[str, dict[bool, str]] = {}
    if "x" in names:
        return {}
    for name in names:
        role = _role_of(name)
        part = part_called(role[1]) if role else None
        if role and part and found.setdefault(part, {}).setdefault(role[0], name) != name:
            return {}
    there = {part: (found[part].get(False, ""), found[part].get(True, "")) for part in PARTS if part in found}
    if for_training:
        there = {part: pair for part, pair in there.items() if all(pair)}
        return there if "train" in there else {}
    return {part: (x, y) for part, (x, y) in there.items() if x and (y or not any(y for _, y in there.values()))}
