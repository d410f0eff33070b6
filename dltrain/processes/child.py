"""A process of the package's own that is told over a socket what to do: isolated, and ended with its parent."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import IO, Any

import dltrain
from dltrain.processes.helper import send_message

# What a child is at when its parent has gone is given up after so many seconds.
_LAST_SECONDS = 20.0
_START = "import sys; sys.path += {path!r}; from {module} import main; main({socket}, {life})"


def import_path() -> list[str]:
    """Where a process of dltrain imports from: this process's own paths behind the package's, the working directory left out."""
    here = {os.path.realpath(""), ""}
    own = str(Path(dltrain.__file__).parent.parent)
    return [own, *(place for place in sys.path if os.path.realpath(place) not in here and place != own)]


class Child:
    """A process that runs a module's `main(descriptor, lifeline)`.

    Attributes:
        channel: this end of the socket whose other end is `descriptor`. `lifeline` is the reading end of a pipe that ends when
            this process does.
        process: the process.

    Args:
        module: dotted name of a module of the package.
    """

    def __init__(self, module: str) -> None:
        self.channel, theirs = socket.socketpair()
        ours, self._lifeline = os.pipe()
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - open for as long as the process
        # Isolated: neither the working directory nor the environment says what is imported, this process's own paths do, last.
        start = _START.format(path=import_path(), module=module, socket=theirs.fileno(), life=ours)
        # A group of its own: Ctrl-C on the terminal is for this process, which lets the others save what they are at.
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-c", start],
            pass_fds=(theirs.fileno(), ours),
            stdin=subprocess.DEVNULL,
            stdout=self._errors,
            stderr=self._errors,
            process_group=0,
        )
        theirs.close()
        os.close(ours)

    def send(self, kind: bytes, value: Any) -> None:
        """Send a message; that the process is gone shows when it is listened to."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            send_message(self.channel, kind, value)

    def stop(self) -> None:
        """Ask it to save its work and end."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)

    def let_go(self) -> None:
        """Tell it that nothing more will come, and that its parent no longer waits."""
        self.channel.close()
        if self._lifeline >= 0:
            os.close(self._lifeline)
            self._lifeline = -1

    def close(self, seconds: float = 5.0) -> None:
        """End it; at once, if it does not by itself."""
        self.let_go()
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._errors.close()

    def last_words(self) -> str:
        """How it ended, waiting ten seconds for it, and the last line it wrote."""
        try:
            code: int | None = self.process.wait(10.0)
        except subprocess.TimeoutExpired:
            code = None
        if code is not None and code < 0:
            name = signal.Signals(-code).name
            how = f"its process was killed by {name}" + (", perhaps for want of memory" if name == "SIGKILL" else "")
        else:
            how = f"its process ended with {code}"
        self._errors.seek(0)
        lines = [line.strip() for line in self._errors.read()[-20000:].decode(errors="replace").splitlines() if line.strip()]
        return f"{how}: {lines[-1][:300]}" if lines else how


def begin_child(descriptor: int, lifeline: int) -> socket.socket:
    """What a child's `main` begins with: it ignores Ctrl-C, which its parent decides about, and ends when its parent has.

    Args:
        descriptor: of the socket to the parent.
        lifeline: of the reading end of a pipe whose other end only the parent holds.

    Returns:
        The socket.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, args=(lifeline,), daemon=True).start()
    return socket.socket(fileno=descriptor)


def _end_with_parent(lifeline: int) -> None:
    os.read(lifeline, 1)
    os.kill(os.getpid(), signal.SIGTERM)  # a fit saves its state
    time.sleep(_LAST_SECONDS)
    os._exit(1)
