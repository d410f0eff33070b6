"""What a field of a config's dataclasses says of its key: the one place where reader, writer, `explain` and JSON Schema look."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, is_dataclass, replace
from typing import Any

_SAME: Any = object()


@dataclass(frozen=True, slots=True)
class Key:
    """One key of the config language.

    Attributes:
        path: dotted, such as `data.split.test`.
        type: in the notation of `kinds.py`; "block" for a mapping of further keys; a key that a reader of its own takes apart
            has the nearest type.
        default: what holds where the key is absent, as plain values; None: nothing, or inferred.
        description: one line.
        required: it has no default.
        example: a value that might stand there.
        block: the dataclass of a block, or of each entry of a list of blocks.
        is_path: it names files, which are relative to the config's folder.
        is_several: one value or several, held as a tuple.
        of: names of the sources, or what they hold, that the key is for; empty: for all.
        names_columns: its values, or the keys of its mapping, are columns of the table.
    """

    path: str
    type: str
    default: Any
    description: str
    required: bool = False
    example: Any = None
    block: Any = None
    is_path: bool = False
    is_several: bool = False
    of: tuple[str, ...] = ()
    names_columns: bool = False

    @property
    def is_auto(self) -> bool:
        """Whether the word `auto` stands for a field that is None."""
        return self.default is None and "'auto'" in self.type


def keyed(
    kind: str,
    description: str,
    default: Any = MISSING,
    *,
    told: Any = _SAME,
    required: bool = False,
    compare: bool = True,
    **traits: Any,
) -> Any:
    """The field of a key.

    Args:
        kind: its type, in the notation of `kinds.py`.
        description: one line.
        default: of the field; where it is left out, None unless the key is required.
        told: the default as `explain` tells it, where that is another.
        required: whether the key must be given.
        compare: whether two blocks that differ in it are two.
        traits: further attributes of `Key`.
    """
    if default is MISSING and not required:
        default = None
    key = Key("", kind, _plain_default(default, kind) if told is _SAME else told, description, required, **traits)
    given: dict[str, Any] = {"default_factory": dict} if default == {} else {} if default is MISSING else {"default": default}
    return dataclasses.field(**given, compare=compare, metadata={"key": key})


def _plain_default(default: Any, kind: str) -> Any:
    if default is MISSING:
        return None
    if isinstance(default, tuple):
        return list(default)
    if is_dataclass(default):  # a component, or a block
        return {} if kind == "block" else getattr(default, "name", None)
    return default


def keys_in(block: type[Any], prefix: str = "") -> Iterator[Key]:
    """The keys of a block and those below it, each block before what it holds."""
    for field in dataclasses.fields(block):
        key = field.metadata.get("key")
        if key is not None:
            path = f"{prefix}{field.name}"
            yield replace(key, path=path, is_several=str(field.type).startswith("tuple[str"))
            if key.block is not None:
                yield from keys_in(key.block, f"{path}.")


def default_of(block: Any, name: str) -> Any:
    """What a field of a block holds where its key is absent; MISSING: nothing."""
    field = type(block).__dataclass_fields__[name]
    return {} if field.default is MISSING and field.default_factory is not MISSING else field.default
