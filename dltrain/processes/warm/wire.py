"""What a command and the warm process say to each other: one document with open files, then single bytes."""

from __future__ import annotations

import array
import contextlib
import json
import os
import socket
import struct
from typing import Any

# From the warm process: it listens; a fork waits for the word to begin; its code was changed; the command has ended so.
HELLO, READY, STALE, ENDED = b"h", b"r", b"s", b"e"
# From the command: begin.
GO = b"g"
MOST_FILES = 200  # of one message; the kernel takes 253
_MOST_BYTES = 16 << 20
_SIZES = struct.Struct("<II")
STATUS = struct.Struct("<i")


def send_document(channel: socket.socket, document: dict[str, Any], files: list[int] | None = None) -> None:
    """Send a document and open files, to somebody who is known to listen: files in a queue that nobody reads stay open.

    Raises:
        OSError: nobody takes it.
    """
    body = json.dumps(document).encode()
    files = files or []
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", files))] if files else []
    channel.sendmsg([_SIZES.pack(len(body), len(files))], rights)
    channel.sendall(body)


def receive_document(channel: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """Receive what `send_document` sent.

    Raises:
        OSError: the other side is gone, or sent something else.
    """
    head, rights, _, _ = channel.recvmsg(_SIZES.size, socket.CMSG_SPACE(MOST_FILES * 4))
    files = array.array("i")
    for level, kind, data in rights:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            files.frombytes(data[: len(data) - len(data) % files.itemsize])
    try:
        if len(head) != _SIZES.size:
            raise ConnectionResetError("the other side is gone")
        size, count = _SIZES.unpack(head)
        if size > _MOST_BYTES or count != len(files):
            raise ConnectionResetError("not a document")
        document = json.loads(receive_exactly(channel, size))
        if not isinstance(document, dict):
            raise ConnectionResetError("not a document")
    except (OSError, ValueError, RecursionError) as error:  # the last: of brackets without end
        for file in files:
            with contextlib.suppress(OSError):
                os.close(file)
        raise ConnectionResetError("not a document") from error
    return document, list(files)


def receive_exactly(channel: socket.socket, size: int) -> bytes:
    """Receive so many bytes.

    Raises:
        ConnectionResetError: the other side ended before.
    """
    found = b""
    while len(found) < size:
        part = channel.recv(size - len(found))
        if not part:
            raise ConnectionResetError("the other side is gone")
        found += part
    return found


def user_of(channel: socket.socket) -> int:
    """The user at the other end."""
    _, user, _ = struct.unpack("3i", channel.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    return int(user)
