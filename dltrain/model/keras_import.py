"""Importing Keras without what it does not need.

`import keras` also imports scikit-learn, matplotlib, pandas and more where they are installed, each behind a
`try: ... except ImportError`. Hidden from sight during the import, with the garbage collector off, they cost nothing; they
can be imported as usual afterwards.
"""

from __future__ import annotations

import contextlib
import gc
import importlib.abc
import logging
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

logger = logging.getLogger(__name__)

# Imported by Keras or TensorFlow only if present, and used by neither for what dltrain does.
UNNEEDED = ("sklearn", "matplotlib", "pandas", "PIL", "pydot", "torchvision", "tensorboard", "jax", "flax", "torch", "polars")


class _Hide(importlib.abc.MetaPathFinder):
    """Answers for the unneeded packages that they are not installed."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if fullname.partition(".")[0] in UNNEEDED and fullname not in sys.modules:
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)
        return None


def import_keras(threads: int | None = None) -> Any:
    """Import TensorFlow and Keras once, quickly and quietly.

    Args:
        threads: how many threads an operation may use; None: as many as there are cores. Fixed by the first call.

    Returns:
        The `keras` module.
    """
    if "keras" in sys.modules:
        return sys.modules["keras"]
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["KERAS_BACKEND"] = "tensorflow"
    hide = _Hide()
    collecting = gc.isenabled()
    gc.disable()
    sys.meta_path.insert(0, hide)
    try:
        with quiet_stderr():
            import tensorflow as tf

            if threads:
                tf.config.threading.set_intra_op_parallelism_threads(threads)
                tf.config.threading.set_inter_op_parallelism_threads(threads)
            import keras

            tf.constant(0.0)  # starts the runtime, which writes its notices now and not into later output
    finally:
        sys.meta_path.remove(hide)
        if collecting:
            gc.enable()
        # Thousands of modules will never be garbage; looking through them at each collection costs time.
        gc.freeze()
    return keras


@contextlib.contextmanager
def quiet_stderr() -> Iterator[None]:
    """TensorFlow's C++ notices go to the log: they are written to the file descriptor, whatever its log level says."""
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as notices:
        os.dup2(notices.fileno(), 2)
        failed = False
        try:
            yield
        except ImportError:
            failed = True
            raise
        finally:
            sys.stderr.flush()
            os.dup2(saved, 2)
            os.close(saved)
            notices.seek(0)
            text = notices.read().decode(errors="replace")
            if text.strip():
                logger.log(logging.ERROR if failed else logging.DEBUG, "TensorFlow: %s", text.strip())
