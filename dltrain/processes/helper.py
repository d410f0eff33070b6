"""One helper process that works while this one imports TensorFlow and trains.

TensorFlow's import holds the interpreter's lock for seconds, so a thread beside it gains little. The helper is forked
before TensorFlow is there, reads and prepares the data, and later draws. What it returns comes back without a copy:
arrays are laid into shared anonymous memory whose descriptor is sent over a socket.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import mmap
import os
import pickle
import signal
import socket
import struct
import sys
import threading
from collections.abc import Callable
from typing import Any

from dltrain import system
from dltrain.errors import DltrainError, Fault, RunError, refusal
from dltrain.machine import IN_WAITING
from dltrain.reporting import Reporter

_HEADER = struct.Struct("<cQQ")  # kind of message, bytes of the pickle, bytes of the arrays beside it


def runs_tensorflow() -> bool:
    """Whether TensorFlow is there with threads of its own; forks of a warm process have it, and it has not begun."""
    return "tensorflow" in sys.modules and not hasattr(sys.modules.get("keras"), IN_WAITING)


def can_fork() -> bool:
    """Whether a fork is safe and useful here: Linux, no other Python thread, TensorFlow not running, polars not yet loaded.

    Both keep a pool of threads, which a fork loses: in the helper its first query would wait for ever.
    """
    return system.can_fork() and not runs_tensorflow() and "polars" not in sys.modules and threading.active_count() == 1


class HelperLostError(RunError):
    """The helper process was ended from outside, by a person or for want of memory."""


class ForwardingReporter(Reporter):
    """In another process: sends what is reported to the parent."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel

    def status(self, text: str) -> None:
        """As in `Reporter`."""
        send_message(self._channel, b"r", ("status", text))

    def detail(self, text: str) -> None:
        """As in `Reporter`."""
        send_message(self._channel, b"r", ("detail", text))

    def warning(self, warning: str | Fault) -> None:
        """As in `Reporter`."""
        send_message(self._channel, b"r", ("warning", warning))


def _close_inherited(channel: socket.socket) -> None:
    """Close the files of the process that forked this one: a lock among them would outlive it, were it killed."""
    for handler in logging.getLogger("dltrain").handlers:
        if isinstance(handler, logging.FileHandler):
            handler.close()  # opened anew when there is something to write
    os.closerange(3, channel.fileno())
    os.closerange(channel.fileno() + 1, system.most_open_files())


class HelperProcess:
    """Runs functions one after the other in a forked process.

    Where no fork is possible they run here, when their result is asked for.

    Args:
        forked: False runs everything in this process.
    """

    def __init__(self, *, forked: bool = True) -> None:
        self._channel: socket.socket | None = None
        self._pid = 0
        self._waiting: list[tuple[Callable[..., Any], tuple[Any, ...]]] = []
        if forked and can_fork():
            self._fork()

    def _fork(self) -> None:
        parent, child = socket.socketpair()
        sys.stdout.flush()
        sys.stderr.flush()
        self._pid = system.fork()
        if self._pid == 0:
            _close_inherited(child)
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl-C means
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            status = 1
            try:
                _serve(child)
                status = 0
            finally:
                os._exit(status)
        child.close()
        self._channel = parent

    def submit(self, function: Callable[..., Any], *args: Any) -> None:
        """Queue `function(*args, reporter=...)`; its result is taken with `result`, in the order of submission."""
        if self._channel is not None:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # that it is gone is said where its answer is wanted
                send_message(self._channel, b"t", (function, args))
        else:
            self._waiting.append((function, args))

    def result(self, reporter: Reporter) -> Any:
        """Wait for the oldest submitted function and return what it returned.

        Raises:
            DltrainError: the one that the function raised.
            HelperLostError: the helper is gone.
            RuntimeError: the function failed in another way.
        """
        if self._channel is None:
            function, args = self._waiting.pop(0)
            return function(*args, reporter=reporter)
        while True:
            kind, value = receive_message(self._channel)
            if kind == b"r":
                getattr(reporter, value[0])(value[1])
            elif kind == b"v":
                return value
            elif kind == b"e":
                raise value
            else:
                hint = "give the machine more memory, or ask for less at once" if "memory" in str(value) else None
                raise HelperLostError(f"the process that reads and draws beside this one is gone: {value}", hint=hint)

    def close(self) -> None:
        """Let the helper end."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self._pid, 0)

    def kill(self) -> None:
        """End the helper now, whatever it does."""
        if self._channel is not None:
            with contextlib.suppress(ProcessLookupError):
                system.kill(self._pid)
            self.close()


def _serve(channel: socket.socket) -> None:
    reporter = ForwardingReporter(channel)
    while True:
        kind, task = receive_message(channel)
        if kind != b"t":
            return
        function, args = task
        try:
            value = function(*args, reporter=reporter)
        except DltrainError as error:
            send_message(channel, b"e", error)
        except BaseException as error:
            import traceback

            told = refusal(error) or RuntimeError(f"{type(error).__name__}: {error}\n{traceback.format_exc()}")
            send_message(channel, b"e", told)
        else:
            send_message(channel, b"v", value)


def send_message(channel: socket.socket, kind: bytes, value: Any) -> None:
    """Send a value, with the kind of message that it is."""
    parcel = Parcel.of(value)
    try:
        parcel.send(channel, kind)
    finally:
        parcel.close()


def receive_message(channel: socket.socket) -> tuple[bytes, Any]:
    """Wait for a message; `b"x"` and a sentence where the sender is gone."""
    kind, parcel = receive_parcel(channel)
    if isinstance(parcel, str):
        return kind, parcel
    try:
        return kind, parcel.load()
    finally:
        parcel.close()


class Parcel:
    """A value on its way between processes: pickled, its arrays in shared anonymous memory.

    One parcel can be sent to several processes; the arrays are there once. Whoever loads it may write to its arrays: the others
    do not see it.
    """

    def __init__(self, data: bytes, sizes: tuple[int, ...], descriptor: int | None) -> None:
        self._data, self._sizes, self._descriptor = data, sizes, descriptor

    @classmethod
    def of(cls, value: Any) -> Parcel:
        """Pack a value."""
        buffers: list[pickle.PickleBuffer] = []
        data = pickle.dumps(value, protocol=5, buffer_callback=buffers.append)
        views = [buffer.raw() for buffer in buffers]
        descriptor = None
        if sum(view.nbytes for view in views):
            descriptor = os.memfd_create("dltrain")
            with open(descriptor, "wb", closefd=False, buffering=0) as file:
                for view in views:
                    rest = memoryview(view).cast("B")
                    while len(rest):
                        rest = rest[file.write(rest[: 1 << 30]) :]
        return cls(data, tuple(view.nbytes for view in views), descriptor)

    @property
    def num_bytes(self) -> int:
        """How much memory it takes."""
        return len(self._data) + sum(self._sizes)

    def send(self, channel: socket.socket, kind: bytes) -> None:
        """Send it, with the kind of message that it is."""
        sizes = struct.pack(f"<{len(self._sizes)}Q", *self._sizes)
        channel.sendall(_HEADER.pack(kind, len(self._data), len(sizes)))
        channel.sendall(sizes + self._data)
        if self._descriptor is not None:
            socket.send_fds(channel, [b"m"], [self._descriptor])

    def load(self) -> Any:
        """Unpack the value."""
        if self._descriptor is None:
            buffers = [memoryview(b"") for _ in self._sizes]
        else:
            shared = memoryview(mmap.mmap(self._descriptor, sum(self._sizes), access=mmap.ACCESS_COPY))
            ends = list(itertools.accumulate(self._sizes, initial=0))
            buffers = [shared[first:last] for first, last in itertools.pairwise(ends)]
        return pickle.loads(self._data, buffers=buffers)

    def close(self) -> None:
        """Let go of the shared memory here; values that were loaded keep theirs."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def receive_parcel(channel: socket.socket) -> tuple[bytes, Parcel | str]:
    """Wait for a message: its kind and what came with it, still packed; `b"x"` and a sentence where the sender is gone."""
    header = _read(channel, _HEADER.size)
    if header is None:
        return b"x", "it was killed, or ran out of memory"
    kind, length, size_bytes = _HEADER.unpack(header)
    rest = _read(channel, length + size_bytes)
    if rest is None:
        return b"x", "it was killed in the middle of an answer"
    sizes = struct.unpack(f"<{size_bytes // 8}Q", rest[:size_bytes])
    descriptor = None
    if sum(sizes):
        _, descriptors, _, _ = socket.recv_fds(channel, 1, 1)
        if not descriptors:
            return b"x", "it was killed in the middle of an answer"
        descriptor = descriptors[0]
    return kind, Parcel(rest[size_bytes:], sizes, descriptor)


def _read(channel: socket.socket, count: int) -> bytes | None:
    parts = []
    while count:
        try:
            part = channel.recv(min(count, 1 << 20))
        except ConnectionResetError:
            return None
        if not part:
            return None
        parts.append(part)
        count -= len(part)
    return b"".join(parts)
