"""What this machine has: the memory and the open files that a process may take, control groups and limits included."""

from __future__ import annotations

import os
import sys
from functools import lru_cache
from pathlib import Path

from dltrain import system
from dltrain.errors import RunError

_UNLIMITED = 1 << 60
_GROUPS = Path("/sys/fs/cgroup")
_MEMBERSHIP = Path("/proc/self/cgroup")
# A fit takes 20 open files at a time; where there are fewer, TensorFlow and polars end the process themselves.
LEAST_OPEN_FILES = 32
# Address space that importing TensorFlow and a first step take (1.67 GB as of 2.21 on two cores), and a core's threads more.
IMPORT_BYTES = 1_700_000_000
# The same of others that end the process, or interrupt it, where they get too little: numpy 2.4, polars 2.1 and a small table.
_LIBRARY_BYTES = {"numpy": 150_000_000, "polars": 1_150_000_000}
_THREAD_BYTES = 8 << 20
IN_WAITING = "_waits_for_dltrain"  # an attribute of the module `keras` while TensorFlow is imported and has run nothing
SETTLED = "_settled_by_dltrain"  # an attribute of the module `keras` while it has the settings of a run


def require_open_files() -> None:
    """Take as many open files as a process of dltrain needs, as far as the hard limit allows.

    Raises:
        RunError: it does not.
    """
    soft, hard = system.limits("RLIMIT_NOFILE")
    if soft is None or soft >= LEAST_OPEN_FILES:
        return
    if hard is not None and hard < LEAST_OPEN_FILES:
        raise RunError(
            f"the system allows a process {hard} open files (ulimit -n), and dltrain needs {LEAST_OPEN_FILES}",
            hint="`ulimit -n 1024` in a new shell raises it, or who set the limit can",
        )
    system.allow_open_files(LEAST_OPEN_FILES)


def require_address_space(library: str = "TensorFlow", size: int = IMPORT_BYTES) -> None:
    """Refuse to import a library where `ulimit -v` leaves too little for it: it would end the process itself.

    Args:
        library: its name, for people.
        size: bytes of addresses that importing it and a first step take.

    Raises:
        RunError: it does.
    """
    soft, _ = system.limits("RLIMIT_AS")
    if soft is None:
        return
    taken, _, _ = system.bytes_of_process()
    needed = taken + size + (os.cpu_count() or 1) * _THREAD_BYTES
    if soft < needed:
        raise RunError(
            f"the system allows a process {soft / 1e9:.2f} GB of addresses (ulimit -v); {library} needs {needed / 1e9:.2f} GB",
            hint=f"`ulimit -v {needed // 1024 + 1}` and more in a new shell, better `ulimit -v unlimited`; "
            "a control group limits memory without limiting addresses",
        )


class _BeforeLibraries:
    """Stands before the other finders of modules, and finds none: looks at the address space when a library is to be imported."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        """Raises RunError where there is too little for it."""
        if name in _LIBRARY_BYTES:
            require_address_space(name, _LIBRARY_BYTES[name])


def watch_address_space() -> None:
    """Where `ulimit -v` sets a bound, look at it before numpy and polars are imported, whichever command comes to need them."""
    if system.limits("RLIMIT_AS")[0] is not None and not any(isinstance(finder, _BeforeLibraries) for finder in sys.meta_path):
        sys.meta_path.insert(0, _BeforeLibraries())


@lru_cache(maxsize=1)
def memory_bytes() -> int:
    """Bytes of memory that a process may take at the most: the machine's, or what a control group or `ulimit -v` leaves of it."""
    limits = [system.memory_of_machine(), *_group_limits(_GROUPS, _MEMBERSHIP)]
    soft, _ = system.limits("RLIMIT_AS")
    if soft is not None:
        limits.append(soft)
    return min((limit for limit in limits if limit > 0), default=_UNLIMITED)


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
        is_first = "memory" in controllers.split(",")  # version 1, in which a hierarchy may have several controllers
        if controllers and not is_first:
            continue
        top = root / controllers if is_first else root
        name = "memory.limit_in_bytes" if is_first else "memory.max"
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
