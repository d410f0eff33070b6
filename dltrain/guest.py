"""Being a guest in somebody's Python: what is set for the whole process there is theirs again after each call.

A training decides seeds, types and layouts by its config alone, and sets them for the process. Whoever calls it from a notebook
has set them as well: their policies hold for their own models, and their random numbers go on, as if nothing had been between.
"""

from __future__ import annotations

import contextlib
import random
import sys
from collections.abc import Callable, Iterator
from typing import Any

from dltrain.machine import SETTLED

# Setting of `keras.config` -> the function there that gives it another value.
_SETTINGS = {name: f"set_{name}" for name in ("floatx", "epsilon", "image_data_format", "max_epochs", "max_steps_per_epoch")}
# What Keras keeps beside them; None where nobody has set it yet.
_ATTRIBUTES = ("dtype_policy", "global_random_seed", "global_seed_generator")
Undo = Callable[[], Any]


@contextlib.contextmanager
def as_guest() -> Iterator[None]:
    """Within, Keras has the settings of a run; after it, settings and random numbers are the caller's."""
    undo = [_of_python(), _of_numpy(), _of_tensorflow(), _of_keras()]
    try:
        yield
    finally:
        for each in undo:
            each()


def _of_python() -> Undo:
    state = random.getstate()
    return lambda: random.setstate(state)


def _of_numpy() -> Undo:
    if "numpy" in sys.modules:
        state = sys.modules["numpy"].random.get_state()
        return lambda: sys.modules["numpy"].random.set_state(state)
    return lambda: sys.modules["numpy"].random.seed() if "numpy" in sys.modules else None


def _of_tensorflow() -> Undo:
    """The seed of its operations, and which of them is next."""
    before = _context()
    seed = getattr(before, "_seed", None)
    drawn = before._rng.getstate() if hasattr(before, "_rng") else None
    eager = before is not None and sys.modules["tensorflow"].config.functions_run_eagerly()
    if eager:
        sys.modules["tensorflow"].config.run_functions_eagerly(False)

    def undo() -> None:
        now = _context()
        if now is None:
            return
        sys.modules["tensorflow"].random.set_seed(seed)
        if drawn is not None and hasattr(now, "_rng"):
            now._rng.setstate(drawn)
        if eager:
            sys.modules["tensorflow"].config.run_functions_eagerly(True)

    return undo


def _context() -> Any:
    """TensorFlow's, where it was imported."""
    module = sys.modules.get("tensorflow.python.eager.context")
    return module.context() if module is not None and "random" in vars(sys.modules.get("tensorflow", random)) else None


def _of_keras() -> Undo:
    keras: Any = sys.modules.get("keras")
    if keras is None or not hasattr(keras, "config"):
        return lambda: None
    state: Any = sys.modules["keras.src.backend.common.global_state"]
    settings = {name: getattr(keras.config, name)() for name in _SETTINGS}
    attributes = {name: state.get_global_attribute(name) for name in _ATTRIBUTES}
    _ask_to_settle(keras)

    def undo() -> None:
        for name, value in settings.items():
            getattr(keras.config, _SETTINGS[name])(value)
        for name, value in attributes.items():
            state.set_global_attribute(name, value)
        _ask_to_settle(keras)

    return undo


def _ask_to_settle(keras: Any) -> None:
    """Have the next import of Keras by dltrain give it the settings of a run anew."""
    if hasattr(keras, SETTLED):
        delattr(keras, SETTLED)
