"""dltrain: train Keras models from one YAML file.

The same that the command line does, from Python: `fit`, `sweep`, `evaluate`, `predict`, `compare`, `load_run`. Nothing heavy
is imported before one of them is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dltrain.config import load_config
    from dltrain.evaluation.evaluate import evaluate
    from dltrain.evaluation.load_run import load_run
    from dltrain.evaluation.predict import predict
    from dltrain.sweep.compare import compare
    from dltrain.sweep.sweep import sweep
    from dltrain.training.fit import fit

__version__ = "0.1.0"
__all__ = ["__version__", "compare", "evaluate", "fit", "load_config", "load_run", "predict", "sweep"]

_HOMES = {
    "fit": "dltrain.training.fit",
    "evaluate": "dltrain.evaluation.evaluate",
    "predict": "dltrain.evaluation.predict",
    "load_run": "dltrain.evaluation.load_run",
    "load_config": "dltrain.config",
    "sweep": "dltrain.sweep.sweep",
    "compare": "dltrain.sweep.compare",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
