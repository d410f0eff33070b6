"""The compiled loop, epoch-end callbacks, checkpoints, exact resume."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dltrain.training.fit import FitResult, fit

__all__ = ["FitResult", "fit"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from importlib import import_module

        return getattr(import_module("dltrain.training.fit"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
