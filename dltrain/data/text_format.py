"""How a delimited text is written: its separator and decimal sign, found out from its first lines where they are not given."""

from __future__ import annotations

import re

import numpy as np

from dltrain.data.text_scan import scan_text

SEPARATORS = (",", ";", "\t", "|")
SAMPLE_BYTES = 1 << 16
NAMES = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "space": " "}


def find_separator(content: bytes, quote: str | None) -> str:
    """The separator with which the most records of the first 64 KB have the same number of fields, at least two.

    Ties go to the one that makes more fields. A text of one column has a comma.
    """
    sample = content[:SAMPLE_BYTES]
    if len(sample) < len(content):
        sample = sample[: sample.rfind(b"\n") + 1] or sample
    best, best_score = ",", (0.0, 0)
    for separator in SEPARATORS:
        num_fields = scan_text(sample, separator, quote, "").num_fields
        if len(num_fields) > 2 and len(sample) < len(content):
            num_fields = num_fields[:-1]
        if not len(num_fields) or num_fields.max() < 2:
            continue
        values, counts = np.unique(num_fields[num_fields > 1], return_counts=True)
        most = int(np.argmax(counts))
        score = (round(float(counts[most]) / len(num_fields), 2), int(values[most]))
        if score > best_score:
            best, best_score = separator, score
    return best


def is_followed_by_blank(content: bytes, separator: str) -> bool:
    """Whether the text is written `a, b, c`."""
    sample = content[:SAMPLE_BYTES]
    separators = sample.count(separator.encode())
    return separator != " " and separators > 0 and sample.count(separator.encode() + b" ") > 0.9 * separators


def find_decimal(content: bytes, separator: str) -> str:
    """`,` where commas do not separate, several numbers are written with a comma, and none with a point; else `.`."""
    if separator == ",":
        return "."
    fields = re.split(rb"[\n" + re.escape(separator.encode()) + rb"]", content[:SAMPLE_BYTES])
    with_comma = sum(re.fullmatch(rb"\s*\"?[-+]?\d+,\d+\"?\s*", field) is not None for field in fields)
    with_point = sum(re.fullmatch(rb"\s*\"?[-+]?\d+\.\d+\"?\s*", field) is not None for field in fields)
    return "," if with_comma and not with_point else "."


def show_separator(separator: str, followed_by_blank: bool = False) -> str:
    """The separator as a message shows it."""
    return "tab" if separator == "\t" else f'"{separator}{" " if followed_by_blank else ""}"'
