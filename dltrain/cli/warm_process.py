"""The warm process: imports all that commands use, and serves forks of itself that become them."""

from __future__ import annotations

import gc
import importlib
import os
import pkgutil
import signal
import sys
from pathlib import Path

import dltrain
from dltrain.processes.warm.circumstances import circumstances, folder, key_of
from dltrain.processes.warm.manage import READY_MARK
from dltrain.processes.warm.server import serve, stamps_of


def main(key: str, ready: int) -> None:
    """Serve; in each fork, be the command that was asked for.

    Args:
        key: of the circumstances in which commands may be forked from this process: they must be its own.
        ready: an open file that hears when commands can come, or why they can't.
    """
    package = Path(dltrain.__file__).parent
    stamps = stamps_of(package)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if key != key_of(circumstances()):
        os.write(ready, b"it would run in other circumstances than the command that started it")
        sys.exit(1)
    import_all()
    from dltrain.__main__ import interrupted, leave, run

    try:
        code = run(serve(folder() / key, package, stamps=stamps, ready=lambda: _say(ready)))
    except KeyboardInterrupt:  # in the fork, before the command line was looked at
        code = interrupted()
    leave(code)


def _say(ready: int) -> None:
    os.write(ready, READY_MARK)
    os.close(ready)


def import_all() -> None:
    """Import the package, Keras and TensorFlow; run nothing, start no thread that a fork would lose."""
    importlib.import_module("dltrain.cli.app")  # first, as in a command: what hides from what depends on the order
    from dltrain.model.keras_import import load_keras

    load_keras()
    for module in pkgutil.walk_packages(dltrain.__path__, "dltrain."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    importlib.import_module("scipy.special")  # whatever is evaluated asks it for its intervals
    gc.collect()
    gc.freeze()
