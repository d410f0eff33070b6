"""Plain values → YAML text that `yaml_reader` reads back to the same values."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from dltrain.config.text.scalars import read_scalar
from dltrain.wording import without_controls

WIDTH = 120
LONGEST_KEY = 1000  # of YAML's simple keys, which end within 1,024 characters
# A plain scalar that means itself in block and in flow context, in YAML 1.1 as well as in 1.2.
PLAIN = re.compile(r"[A-Za-z_/.][A-Za-z0-9_/.+<>=~()-]*(?: [A-Za-z0-9_/.+<>=~()-]+)*")
WORDS_OF_YAML_1_1 = {"y", "yes", "n", "no", "on", "off", "true", "false", "null", "~", "<<", "="}
ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r", "\0": "\\0"}


def dump_yaml(mapping: Mapping[str, Any], remarks: Mapping[str, str] | None = None) -> str:
    """YAML text of a mapping, keys in order; components (`Dense: {units: 8}`) and other small values in flow form.

    Args:
        mapping: plain values: None, bool, int, float, str, lists, and mappings with text keys.
        remarks: path of a key, such as `data.source` -> what a comment behind it says.

    Returns:
        text that the reader of configs reads back to equal values (a tuple as a list).
    """
    if not mapping:
        return "{}\n"
    return "\n".join(_block_mapping(mapping, 0, "", remarks or {})) + "\n"


def _block_mapping(
    mapping: Mapping[str, Any], indent: int, path: str | None = None, remarks: Mapping[str, str] = MappingProxyType({})
) -> list[str]:
    """Lines of a mapping; `path` is its key, "" for the top level, or None inside of lists, which are not remarked on."""
    lines: list[str] = []
    for key, value in mapping.items():
        where = None if path is None else f"{path}.{key}" if path else str(key)
        first, *rest = _entry(_head(str(key), indent), value, indent + 2, where, remarks, nested=path == "")
        remark = None if rest and isinstance(value, Mapping) else remarks.get(where or "")
        lines += [f"{first}  # {remark}" if remark else first, *rest]
    return lines


def _entry(
    head: str,
    value: Any,
    indent: int,
    path: str | None = None,
    remarks: Mapping[str, str] = MappingProxyType({}),
    *,
    nested: bool = False,
) -> list[str]:
    """`head` and its value: on one line where it fits (but the blocks of the top level always open), else indented below."""
    opens = (
        any(other.startswith(f"{path}.") and remarks[other] != remarks.get(path or "") for other in remarks) if path else False
    )
    if isinstance(value, Mapping) and value and (nested or opens or not _fits(head, value)):
        return [head, *_block_mapping(value, indent, path, remarks)]
    if _is_list(value) and value and (not _fits(head, value) or any(_is_component(item) for item in value)):
        return [head, *_block_list(value, indent)]
    return [f"{head} {_flow(value)}"]


def _block_list(values: Sequence[Any], indent: int) -> list[str]:
    lines: list[str] = []
    margin = " " * indent
    for value in values:
        if isinstance(value, Mapping) and value:
            body = (
                _block_mapping(value, indent + 2) if len(value) > 1 or not _is_component(value) else _component(value, indent + 2)
            )
            lines += [margin + "- " + body[0].lstrip(" "), *body[1:]]
        elif _is_list(value) and value and not _fits(margin + "- ", value):
            lines += [margin + "-", *_block_list(value, indent + 2)]
        else:
            lines.append(f"{margin}- {_flow(value)}")
    return lines


def _component(value: Mapping[str, Any], indent: int) -> list[str]:
    [(name, arguments)] = value.items()
    return _entry(_head(str(name), indent), arguments, indent + 2)


def _head(key: str, indent: int) -> str:
    """A key with its colon, after which a value stands; YAML asks for a mark before a long one."""
    margin, text = " " * indent, _text(key)
    return f"{margin}{text}:" if len(text) <= LONGEST_KEY else f"{margin}? {text}\n{margin}:"


def _is_component(value: Any) -> bool:
    return isinstance(value, Mapping) and len(value) == 1 and isinstance(next(iter(value.values())), Mapping)


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _fits(head: str, value: Any) -> bool:
    return len(head) + 1 + len(_flow(value)) <= WIDTH


def _flow(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_flow_head(str(key))} {_flow(item)}" for key, item in value.items()) + "}"
    if _is_list(value):
        return "[" + ", ".join(_flow(item) for item in value) + "]"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, float):
        return _number(float(value))
    if isinstance(value, str):
        return _text(value)
    raise TypeError(f"cannot write {type(value).__name__} as YAML")


def _flow_head(key: str) -> str:
    text = _text(key)
    return f"{text}:" if len(text) <= LONGEST_KEY else f"? {text} :"


def _number(value: float) -> str:
    if math.isnan(value):
        return ".nan"
    if math.isinf(value):
        return ".inf" if value > 0 else "-.inf"
    text = repr(value)
    return text if "." in text or "e" not in text else text.replace("e", ".0e")


def _text(text: str) -> str:
    plain = PLAIN.fullmatch(text) and len(text) <= 100 and text.lower() not in WORDS_OF_YAML_1_1
    if plain and read_scalar(text) == text and not text.startswith((".", "-")):
        return text
    if text.startswith("./") and plain:
        return text
    return '"' + "".join(ESCAPES.get(character) or _escape(character) for character in text) + '"'


def _escape(character: str) -> str:
    code = ord(character)
    is_shown = without_controls(character) == character  # else a reader of the text would see another order, or nothing
    if 0x20 <= code <= 0x7E or (0xA0 <= code <= 0xFFFD and is_shown and not 0xD800 <= code <= 0xDFFF):
        return character
    if code > 0xFFFF:
        return character
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}"
