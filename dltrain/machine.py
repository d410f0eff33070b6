"""What this machine has: the memory that a process may take, control groups and limits included."""

from __future__ import annotations

import os
import resource
from functools import lru_cache
from pathlib import Path

_UNLIMITED = 1 << 60
_GROUPS = Path("/sys/fs/cgroup")


@lru_cache(maxsize=1)
def memory_bytes() -> int:
    """Bytes of memory that a process may take at the most: the machine's, or what a control group or `ulimit -v` leaves of it."""
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), *_group_limits(_GROUPS, Path("/proc/self/cgroup"))]
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    if soft != resource.RLIM_INFINITY:
        limits.append(soft)
    return min(limit for limit in limits if limit > 0)


def _group_limits(root: Path, membership: Path) -> list[int]:
    """The limits of the control groups that this process is in, of versions 1 and 2, and of those above them."""
    found = []
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        return []
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers not in ("", "memory"):
            continue
        top = root / "memory" if controllers == "memory" else root
        name = "memory.limit_in_bytes" if controllers == "memory" else "memory.max"
        folder = top / path.lstrip("/")
        for place in [folder, *folder.parents]:
            if not place.is_relative_to(top):
                break
            found += _number(place / name)
    return found


def _number(file: Path) -> list[int]:
    try:
        text = file.read_text().strip()
    except OSError:
        return []
    return [int(text)] if text.isdecimal() and int(text) < _UNLIMITED else []
