"""dltrain: train Keras models from one YAML file.

The same that the command line does, from Python: `fit`, `sweep`, `evaluate`, `predict`, `compare`, `report`, `load_run` (see
`dltrain.api`). Nothing heavy is imported before one of them is used.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dltrain.api import compare, evaluate, fit, load_run, predict, report, sweep
    from dltrain.config import load_config

__version__ = "0.1.0"
__all__ = ["__version__", "compare", "evaluate", "fit", "load_config", "load_run", "predict", "report", "sweep"]

_HOMES = dict.fromkeys(("compare", "evaluate", "fit", "load_run", "predict", "report", "sweep"), "dltrain.api")
_HOMES["load_config"] = "dltrain.config"


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """What is there, also before it is imported: for prompts that complete names."""
    return sorted({*globals(), *__all__})


class _Package(ModuleType):
    """The package, whose `sweep` is the function although a room is called so: importing that does not put it there."""

    @property
    def sweep(self) -> Any:
        """See `dltrain.api.sweep`."""
        return __getattr__("sweep")

    @sweep.setter
    def sweep(self, room: ModuleType) -> None:
        """What the import system does for each package within a package."""


sys.modules[__name__].__class__ = _Package
