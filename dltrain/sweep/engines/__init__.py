"""What runs the fits of a sweep, one engine a file.

Begin with `engine.py`, which is the contract.
"""

from __future__ import annotations

from importlib import import_module

from dltrain.sweep.engines.engine import Engine, EngineContext, FitObserver, FitSource

# Name -> (module, class). In the order in which `auto` asks them.
ENGINES = {
    "stacked": ("dltrain.sweep.engines.stacked", "StackedEngine"),
    "processes": ("dltrain.sweep.engines.processes", "ProcessesEngine"),
    "ray": ("dltrain.sweep.engines.ray", "RayEngine"),
}

__all__ = ["ENGINES", "Engine", "EngineContext", "FitObserver", "FitSource", "load_engine"]


def load_engine(name: str, **options: object) -> Engine:
    """Make the engine of that name."""
    module, title = ENGINES[name]
    engine: Engine = getattr(import_module(module), title)(**options)
    return engine
