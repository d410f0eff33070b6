"""The command `dltrain`, also as `python -m dltrain`."""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import sys
import threading
import warnings
from typing import NoReturn


def main() -> None:
    """Run the command line and leave with its exit code."""
    _open_what_is_closed()
    _let_warn()
    try:
        code = _run_warm()
    except KeyboardInterrupt:
        code = interrupted()
    leave(run(sys.argv) if code is None else code)


def _let_warn() -> None:
    """A warning of a library is no error, here and in processes started from here, whatever PYTHONWARNINGS makes of it."""
    if any(action == "error" for action, *_ in warnings.filters):
        warnings.simplefilter("ignore")
        os.environ.pop("PYTHONWARNINGS", None)


def leave(code: int) -> NoReturn:
    """End this process with a code. All is done: Ctrl-C while Python clears up no longer changes how it ended.

    Taking down what TensorFlow has made, piece by piece, takes a third of a second; the system takes all of it at once.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    is_alone = all(thread.daemon for thread in threading.enumerate() if thread is not threading.main_thread())
    if "tensorflow" in sys.modules and is_alone:
        with contextlib.suppress(OSError, ValueError):  # what cannot be written is given up below
            atexit._run_exitfuncs()
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    sys.exit(code)


def run(words: list[str]) -> int:
    """Run a command line, in this process; return its exit code.

    Args:
        words: as in `sys.argv`.
    """
    try:
        if words[1:3] == ["completion", "words"]:  # a shell asks at every press of a key: not even the command line is read
            from dltrain.cli.completion import answer

            return answer(words[3:])
        from dltrain.cli.app import run

        return run(words[1:])
    except KeyboardInterrupt:  # while the command line itself was being imported
        return interrupted()


def interrupted() -> int:
    """Say that Ctrl-C came before there was anything to save; return the exit code for it."""
    sys.stderr.write("error: interrupted\n")
    return 130


def _run_warm() -> int | None:
    """Let a warm process do it (`dltrain warm`); None where there is none, or it cannot."""
    from dltrain import system

    if not system.can_fork() or sys.argv[1:2] == ["warm"]:
        return None
    from dltrain.errors import DltrainError
    from dltrain.processes.warm.circumstances import folder
    from dltrain.settings import warm_process

    try:
        asked = warm_process()
    except DltrainError:  # said where all errors are
        return None
    if asked == "0" or (asked == "auto" and not folder().exists()):
        return None
    from dltrain.processes.warm.client import run_warm

    code = run_warm(sys.argv)
    if code is None and asked == "1":
        from dltrain.processes.warm.manage import start

        try:
            start()
        except (DltrainError, OSError):  # the command goes on alone
            return None
        code = run_warm(sys.argv)
    return code


def _open_what_is_closed() -> None:
    """Give standard streams that were closed (`>&-`) to nobody: the next file that is opened would get their number."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free, which is this one
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "r" if number == 0 else "w", closefd=False))  # noqa: SIM115


def _leave_working_directory() -> None:
    """Import nothing from the working directory, where `python -m` looks first: a `numpy.py` beside a config would be run."""
    if not sys.flags.safe_path and sys.path and os.path.realpath(sys.path[0]) == os.path.realpath(""):
        del sys.path[0]
    own = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    if own not in sys.path:  # it was found there itself, as in a checkout
        sys.path.append(own)


if __name__ == "__main__":
    _leave_working_directory()
    main()
