"""A command asks the warm process for a fork, hands over what it has, and stands for it until it ends: signals, exit code."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import sys

from dltrain import system
from dltrain.processes.warm.circumstances import circumstances, folder, is_own, key_of
from dltrain.processes.warm.wire import ENDED, GO, HELLO, MOST_FILES, READY, STATUS, receive_exactly, send_document, user_of

# The warm process answers at once, or the command goes on alone.
_PATIENCE = 2.0
# Not for others: what the kernel sends a process for its own faults, and what this one waits with.
_OWN = {
    signal.SIGKILL, signal.SIGSTOP, signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGABRT, signal.SIGTRAP,
    signal.SIGSYS, signal.SIGCHLD, signal.SIGPIPE, signal.SIGURG, signal.SIGIO,
}  # fmt: skip
_FROM_KERNEL = 0x80  # si_code: the terminal sent it, to all processes of the group
TO_GROUP = 0x80


def run_warm(words: list[str]) -> int | None:
    """Run a command line as a fork of the warm process.

    Args:
        words: as in `sys.argv`.

    Returns:
        The exit code; None where there is no warm process for these circumstances, and nothing has been done.
    """
    place = folder()
    if not is_own(place):
        return None
    path = place / key_of(circumstances())
    if not path.exists():
        return None
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as channel:
        try:
            channel.settimeout(_PATIENCE)
            channel.connect(str(path))
            if user_of(channel) != os.getuid():
                return None
            if receive_exactly(channel, 1) != HELLO or not _hand_over(channel, words) or receive_exactly(channel, 1) != READY:
                return None
        except OSError:
            return None
        forwarded = {n for n in signal.valid_signals() if n not in _OWN and signal.getsignal(n) != signal.SIG_IGN}
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {*forwarded, signal.SIGIO})
        try:
            channel.sendall(GO)
        except OSError:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            return None
        return _stand_for(channel, forwarded - before)


def _hand_over(channel: socket.socket, words: list[str]) -> bool:
    """Send what a fork needs to be this command; False where that is too much."""
    here = os.open(".", os.O_PATH | os.O_CLOEXEC)
    try:
        numbers = [int(name) for name in os.listdir("/proc/self/fd")]
        others = [number for number in numbers if number > 2 and _is_inherited(number)]
        if len(others) + 4 > MOST_FILES:
            return False
        mask = os.umask(0o077)
        os.umask(mask)
        send_document(
            channel,
            {
                "ask": "run",
                "words": words,
                "path": sys.path,
                "environment": dict(os.environ),
                "umask": mask,
                "files": [0, 1, 2, *others],
                "ignored": [int(n) for n in signal.valid_signals() if signal.getsignal(n) == signal.SIG_IGN],
                "blocked": [int(n) for n in signal.pthread_sigmask(signal.SIG_BLOCK, set())],
            },
            [here, 0, 1, 2, *others],
        )
    finally:
        os.close(here)
    return True


def _is_inherited(number: int) -> bool:
    try:
        return os.get_inheritable(number)
    except OSError:  # of the listing itself
        return False


def _stand_for(channel: socket.socket, forwarded: set[signal.Signals]) -> int:
    """Pass signals on until the command has ended; end as it did."""
    channel.setblocking(False)
    # The end is a signal as well, so that one call waits for both.
    system.signal_when_readable(channel.fileno(), True)
    while not select.select([channel], [], [], 0)[0]:
        came = signal.sigwaitinfo({*forwarded, signal.SIGIO})
        if came.si_signo == signal.SIGIO:
            continue
        with contextlib.suppress(OSError):
            channel.send(bytes([came.si_signo | (TO_GROUP if came.si_code == _FROM_KERNEL else 0)]))
        if came.si_signo in (signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU):
            os.kill(os.getpid(), signal.SIGSTOP)
    system.signal_when_readable(channel.fileno(), False)
    channel.setblocking(True)
    try:
        kind = receive_exactly(channel, 1)
        (status,) = STATUS.unpack(receive_exactly(channel, STATUS.size)) if kind == ENDED else (int(signal.SIGKILL),)
    except OSError:  # who kept it was killed, and the command with it
        status = int(signal.SIGKILL)
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
        return 128 + number
    return os.WEXITSTATUS(status)
