"""Where processes can be met."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
import sys
from collections.abc import Iterable
from pathlib import Path

_LISTENS = "0A"


Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def ports_heard(processes: Iterable[int]) -> list[tuple[Address, int]]:
    """The addresses and ports at which processes of this machine wait for connections, one for each socket; on Linux."""
    theirs = set()
    for number in processes:
        with contextlib.suppress(OSError):
            theirs |= {os.readlink(file) for file in Path(f"/proc/{number}/fd").iterdir()}
    found = []
    for name in ("tcp", "tcp6"):
        for line in Path(f"/proc/self/net/{name}").read_text().splitlines()[1:]:
            cells = line.split()
            if cells[3] == _LISTENS and f"socket:[{cells[9]}]" in theirs:
                place, _, port = cells[1].partition(":")
                words = bytes.fromhex(place)
                if sys.byteorder == "little":
                    words = b"".join(words[at : at + 4][::-1] for at in range(0, len(words), 4))
                address = ipaddress.ip_address(words)
                found.append((getattr(address, "ipv4_mapped", None) or address, int(port, 16)))
    return found


def own_address() -> str | None:
    """An address of this machine that others can reach; None: it has none."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as none_is_sent:
        none_is_sent.connect(("192.0.2.1", 9))
        found = str(none_is_sent.getsockname()[0])
        return None if found.startswith("127.") else found
    return None


def answers(host: str, port: int) -> bool:
    """Whether a connection is taken there."""
    with contextlib.suppress(OSError):
        socket.create_connection((host, port), timeout=0.5).close()
        return True
    return False
