"""Plain scalars as the core schema of YAML 1.2 reads them (https://yaml.org/spec/1.2.2/#103-core-schema)."""

from __future__ import annotations

import re
from typing import Any

from dltrain.wording import without_secrets

NULLS = {"", "~", "null", "Null", "NULL"}
BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
INFINITY = re.compile(r"([-+]?)\.(?:inf|Inf|INF)")
NAN = {".nan", ".NaN", ".NAN"}
LONGEST_NUMBER = 400


def read_scalar(text: str) -> Any:
    """The value of an unquoted scalar: None, a boolean, a number, or the text itself.

    `NO`, `yes` and `12:30:00` are text, `1e-3` is a number, `017` is 17. What is longer than 400 characters is text.
    """
    if text in NULLS:
        return None
    if text in BOOLEANS:
        return BOOLEANS[text]
    if text[0] not in "+-.0123456789" or len(text) > LONGEST_NUMBER:
        return text
    if INTEGER.fullmatch(text):
        return (
            int(text, 8 if text.startswith("0o") else 16 if text.startswith("0x") else 10)
            if text[:2] in ("0o", "0x")
            else int(text)
        )
    if FLOAT.fullmatch(text):
        return float(text)
    match = INFINITY.fullmatch(text)
    if match:
        return float("-inf") if match.group(1) == "-" else float("inf")
    return float("nan") if text in NAN else text


LONGEST_QUOTE = 60


def quote(text: str) -> str:
    """A text in quotes, shortened where it is long."""
    text = without_secrets(text)
    return f'"{text}"' if len(text) <= LONGEST_QUOTE else f'"{text[: LONGEST_QUOTE - 1]}…"'


def describe(value: Any) -> str:
    """A value for a message: `text "ten"`, `1.5`, `true`, `nothing`, `a list of 3`, `a mapping`."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"text {quote(value)}"
    if isinstance(value, list):
        return f"a list of {len(value)}" if value else "an empty list"
    if isinstance(value, dict):
        return "a mapping"
    return f"{value!r}"[:80]
