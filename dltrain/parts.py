"""The parts of the data by name, and the orders in which one of them is asked for."""

from __future__ import annotations

from collections.abc import Container

# As they are shown side by side.
PARTS = ("train", "validation", "test")
# Which one a run is judged by: the first that it has.
JUDGED_BY = ("test", "validation", "train")
# Which one trials are compared on: what is chosen by a test part is no longer tested by it.
COMPARED_ON = ("validation", "test", "train")


def judged_part(there: Container[str]) -> str | None:
    """The part that a run with these parts is judged by; None where it has none of them."""
    return next((name for name in JUDGED_BY if name in there), None)
