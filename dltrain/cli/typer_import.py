"""Typer, imported without rich.

Where rich is installed Typer imports all of it, for help pages and tracebacks in colour that this program does not use: more
than half of the time that importing Typer takes. Hidden from sight meanwhile, rich can be imported as usual afterwards.
"""

from __future__ import annotations

import sys

_hides = "rich" not in sys.modules
if _hides:
    sys.modules["rich"] = None  # type: ignore[assignment]  # the import system takes None for "there is no such module"
try:
    import typer
finally:
    if _hides:
        del sys.modules["rich"]

__all__ = ["typer"]
