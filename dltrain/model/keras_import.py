"""Importing Keras without what it does not need.

`import keras` also imports scikit-learn, matplotlib, pandas and more where they are installed, each behind a
`try: ... except ImportError`. Hidden from sight during the import, with the garbage collector off, they cost nothing; they
can be imported as usual afterwards.

Keras's own settings file (`keras.json`) and the variables of the environment that change what it computes are kept from it:
one config trains the same numbers for everybody.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import importlib
import importlib.abc
import importlib.util
import json
import logging
import os
import sys
import tempfile
import threading
import typing
from collections.abc import Callable, Iterator, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

from dltrain.cards import CPU, Placement, asked_cards, no_libraries
from dltrain.errors import ConfigError, RunError, UsageError
from dltrain.later import LateLoader
from dltrain.machine import IN_WAITING, SETTLED, require_address_space, require_open_files
from dltrain.settings import keras_folder
from dltrain.system import limits, release_library_pages
from dltrain.wording import counted

logger = logging.getLogger(__name__)
# Layers that TensorFlow 2.21 does not compute in numbers of 16 bits, or not on a processor: with `mixed_…` they keep float32.
NOT_IN_HALF = ("CutMix", "RandomElasticTransform", "RandomErasing", "RandomGaussianBlur", "AveragePooling3D", "MaxPooling3D")

# Imported by Keras or TensorFlow only if present, and used by neither for what dltrain does.
UNNEEDED = (
    "sklearn", "scipy", "matplotlib", "pandas", "PIL", "pydot", "torchvision", "tensorboard", "jax", "flax", "torch", "polars",
)  # fmt: skip
# Other names of what TensorFlow has, and what no model needs: imported when somebody asks for it. Not `tf.lite` and
# `tf.distribute` themselves, in whose place a package of the same name would come when it was imported first.
RARELY_NEEDED = (
    *(
        f"tensorflow._api.v2.{name}"
        for name in (
            "compat.v1", "compat.v2", "debugging.experimental", "experimental.numpy", "feature_column",
            "__internal__.feature_column", "profiler", "raw_ops", "tpu",
        )
    ),
    "tensorflow.lite.experimental.microfrontend.python.ops.audio_microfrontend_op",
)  # fmt: skip
# What Keras asks one of them for whenever it builds a model: name -> where it comes from.
OFTEN_NEEDED = {"tensorflow._api.v2.compat.v1": {"placeholder": "tensorflow.python.ops.array_ops"}}

LIBRARIES = "libtensorflow"  # that the names of its files begin with
# What Keras computes with, whatever `keras.json` says: Keras's own defaults.
SETTINGS = {"floatx": "float32", "epsilon": 1e-7, "image_data_format": "channels_last"}
# Read by Keras when it is imported; the first two would cut a training short.
_VARIABLES = ("KERAS_MAX_EPOCHS", "KERAS_MAX_STEPS_PER_EPOCH", "KERAS_NNX_ENABLED")
_NO_MEMORY = "failed to map segment"  # says the loader of libraries
_ANYWHERE = Placement()
ignored_settings: dict[str, Any] = {}  # what the file and the environment asked for when Keras was imported, and was not done


class _Hide(importlib.abc.MetaPathFinder):
    """Answers for the unneeded packages that they are not installed, and puts off the import of what is rarely needed."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if fullname.partition(".")[0] in UNNEEDED and fullname not in sys.modules:
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)
        found = PathFinder.find_spec(fullname, path) if fullname in RARELY_NEEDED else None
        if found is not None and found.loader is not None:
            sources = OFTEN_NEEDED.get(fullname, {})
            names = {name: functools.partial(_named, source, name) for name, source in sources.items()}
            found.loader = LateLoader(found.loader, names)
        return found


def _named(module: str, name: str) -> Any:
    return getattr(importlib.import_module(module), name)


def import_keras(threads: int | None = None, connect: Callable[[], None] | None = None, placement: Placement = _ANYWHERE) -> Any:
    """Import TensorFlow and Keras once, quickly and quietly.

    Args:
        threads: how many threads an operation may use; None: as many as there are cores. Fixed by the first call.
        connect: meets other processes, which must be done before the runtime begins.
        placement: what to compute on. Which cards are seen is fixed by the first call.

    Returns:
        The `keras` module.

    Raises:
        ConfigError: TensorFlow cannot compute on what was asked for.
        UsageError: Keras was imported before, on another backend, or computes on something else already.
        RunError: the system leaves too little memory or too few open files for TensorFlow.
    """
    if hasattr(sys.modules.get("keras"), IN_WAITING):
        return _begin(threads, connect, placement)
    if "keras" in sys.modules:
        keras: Any = sys.modules["keras"]
        if keras.config.backend() != "tensorflow":
            raise UsageError(
                f"Keras was imported with the backend {keras.config.backend()}, and dltrain trains with tensorflow",
                hint='set KERAS_BACKEND to "tensorflow" before Keras is imported',
            )
        if connect is not None:
            raise UsageError("several processes train together only where TensorFlow has computed nothing before")
        if not hasattr(keras, SETTLED):  # somebody else's import, with their settings
            _settle(keras)
        if placement is not _ANYWHERE:
            _place(placement)
        return keras
    require_open_files()
    require_address_space()
    ignored_settings.update(_asked_otherwise())
    return _load(threads, begins=True, connect=connect, placement=placement)


def load_keras() -> None:
    """Import TensorFlow and Keras for forks of this process, and run nothing: `import_keras` in a fork begins to."""
    setattr(_load(None, begins=False), IN_WAITING, True)


def _begin(threads: int | None, connect: Callable[[], None] | None, placement: Placement) -> Any:
    """What `import_keras` does beside the import, where that was done before this process was forked."""
    keras: Any = sys.modules["keras"]
    require_open_files()
    ignored_settings.update(_asked_otherwise())
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["KERAS_BACKEND"] = "tensorflow"
    delattr(keras, IN_WAITING)
    with quiet_stderr():
        _start(threads, connect, placement)
    return keras


def _load(
    threads: int | None, *, begins: bool, connect: Callable[[], None] | None = None, placement: Placement = _ANYWHERE
) -> Any:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["KERAS_BACKEND"] = "tensorflow"
    hide = _Hide()
    collecting = gc.isenabled()
    gc.disable()
    sys.meta_path.insert(0, hide)
    try:
        with quiet_stderr(), _without_settings(), _type_names_compiled_once():
            _open_libraries()
            import tensorflow  # noqa: F401 - before Keras, which would import more of it

            keras = importlib.import_module("keras")
            release_library_pages(LIBRARIES)
            _settle(keras)
            if begins:
                _start(threads, connect, placement)
    except ImportError as error:
        if _NO_MEMORY not in str(error):
            raise
        raise RunError(
            "there is not enough memory to import TensorFlow", hint="end other programs, or raise the limit"
        ) from error
    finally:
        sys.meta_path.remove(hide)
        if collecting:
            gc.enable()
        # Thousands of modules will never be garbage; looking through them at each collection costs time.
        gc.freeze()
    return keras


def open_libraries_beside(*modules: str) -> None:
    """Open TensorFlow's libraries while another thread imports modules: either takes most of a second.

    No thread is left when this returns, so that processes can be forked. Does nothing where TensorFlow is there already, where no
    thread is to be had, and where the system limits addresses, which `import_keras` counts before anything is opened.

    Args:
        modules: what is needed as well; a fault of theirs is left to the statement that imports them.
    """
    if "tensorflow" in sys.modules or limits("RLIMIT_AS")[0] is not None:
        return
    importing = threading.Thread(target=_import_quietly, args=(modules,), name="dltrain-import")
    with quiet_stderr():
        try:
            importing.start()
        except RuntimeError:
            return
        _open_libraries()
        importing.join()


def _import_quietly(modules: Sequence[str]) -> None:
    with contextlib.suppress(Exception):  # the statement that needs the module says why
        for module in modules:
            importlib.import_module(module)


def _open_libraries() -> None:
    """Open TensorFlow's largest library before its import does, and give back at once what only that needed: 290 of 330 MB."""
    import ctypes

    found = importlib.util.find_spec("tensorflow")
    for folder in (found.submodule_search_locations or ()) if found is not None else ():
        for file in Path(folder).glob(f"{LIBRARIES}_cc.so*"):
            # The system's own function: Python's lets no other thread run meanwhile. Where it fails, the import says why.
            opening = ctypes.CDLL(None).dlopen
            opening.restype, opening.argtypes = ctypes.c_void_p, [ctypes.c_char_p, ctypes.c_int]
            opening(os.fsencode(file), os.RTLD_NOW)
    release_library_pages(LIBRARIES)


def _start(threads: int | None, connect: Callable[[], None] | None, placement: Placement) -> None:
    """Start TensorFlow's runtime, which writes its notices now and not into later output."""
    tf: Any = sys.modules["tensorflow"]
    if threads:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    _place(placement)
    if connect is not None:
        connect()
    tf.constant(0.0)


def _place(placement: Placement) -> None:
    """Show TensorFlow the cards that are meant, whose memory it takes as it needs it, and say how operations add.

    Raises:
        ConfigError: it can compute on no such card.
        UsageError: it computes on something else already.
    """
    tf: Any = sys.modules["tensorflow"]
    _switch_determinism(placement.deterministic)
    there = tf.config.list_physical_devices("GPU")
    if len(there) < asked_cards(placement.devices):
        message, hint = no_libraries()
        raise ConfigError(f"TensorFlow finds {counted(len(there), 'card')}: {message}", path="training.devices", hint=hint)
    if not there:
        return
    # A process that was given one card alone by who started it has no second one.
    first = placement.card if placement.card is not None and placement.card < len(there) else 0
    wanted = [] if placement.devices == CPU else [there[first]]
    try:
        for device in wanted:
            tf.config.experimental.set_memory_growth(device, True)
        tf.config.set_visible_devices(wanted, "GPU")
    except RuntimeError as error:
        if bool(tf.config.get_visible_devices("GPU")) != bool(wanted):
            hint = "training.devices is decided once a process: train in another one"
            raise UsageError("TensorFlow computes on other devices in this process already", hint=hint) from error


def _settle(keras: Any) -> None:
    """Give Keras the settings that every run is computed with."""
    keras.config.set_dtype_policy(SETTINGS["floatx"])
    keras.config.set_floatx(SETTINGS["floatx"])
    keras.config.set_epsilon(SETTINGS["epsilon"])
    keras.config.set_image_data_format(SETTINGS["image_data_format"])
    keras.config.set_max_epochs(None)
    keras.config.set_max_steps_per_epoch(None)
    setattr(keras, SETTLED, True)


def _switch_determinism(wanted: bool) -> None:
    switch: Any = importlib.import_module("tensorflow.python.framework.config")
    if wanted != switch.is_op_determinism_enabled():
        (switch.enable_op_determinism if wanted else switch.disable_op_determinism)()


@contextlib.contextmanager
def _without_settings() -> Iterator[None]:
    """Keras finds no settings while it is imported: neither its file, in which a wrong word ends the import, nor variables.

    Its home is what it would have been all the same, for what it downloads.
    """
    home = keras_folder()
    saved = {name: os.environ.pop(name, None) for name in ("KERAS_HOME", *_VARIABLES)}
    try:
        with tempfile.TemporaryDirectory() as folder:
            os.environ["KERAS_HOME"] = folder
            yield
        sys.modules["keras.src.backend.config"]._KERAS_DIR = str(home)  # type: ignore[attr-defined]
    finally:
        os.environ.pop("KERAS_HOME", None)
        os.environ.update({name: value for name, value in saved.items() if value is not None})


@contextlib.contextmanager
def _type_names_compiled_once() -> Iterator[None]:
    """TensorFlow's operations write the names of some thirty types as text 18,000 times; Python compiles each text by itself."""
    vars(typing)["compile"] = functools.cache(compile)  # found there before Python's own
    try:
        yield
    finally:
        del vars(typing)["compile"]


def _asked_otherwise() -> dict[str, Any]:
    """Settings of Keras's file and environment that are ignored: name -> value."""
    usual = {**SETTINGS, "backend": "tensorflow"}
    found: dict[str, Any] = {name: os.environ[name] for name in _VARIABLES if name in os.environ}
    if os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow":
        found["KERAS_BACKEND"] = os.environ["KERAS_BACKEND"]
    with contextlib.suppress(OSError, ValueError):
        written = json.loads((keras_folder() / "keras.json").read_text())
        if isinstance(written, dict):
            found |= {name: written[name] for name, value in usual.items() if written.get(name, value) != value}
    return found


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
