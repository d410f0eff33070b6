"""A first config: its text, and what it says of the data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Starter:
    """A first config.

    Attributes:
        text: the YAML, with comments.
        summary: what was found, a line each.
    """

    text: str
    summary: tuple[str, ...]
