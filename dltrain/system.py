"""What only some systems have: locks on files, forks, limits of a process, files handed to another one. All others ask here.

Linux has all of it, macOS all but a safe fork beside libraries with threads; on Windows there are locks and nothing else. What
cannot be done is said before anything is trained: `why_no_processes`. Nothing but this file names the modules behind it.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import signal
import sys
import time
from pathlib import Path
from typing import IO, Any

fcntl: Any
resource: Any
try:
    import fcntl
except ImportError:  # Windows
    fcntl = None
try:
    import resource
except ImportError:
    resource = None

# Flags of `os.open`; where a system has none of the name, there is nothing to ask for.
NO_LINK = getattr(os, "O_NOFOLLOW", 0)
NO_WAIT = getattr(os, "O_NONBLOCK", 0)
NO_CHILD = getattr(os, "O_CLOEXEC", 0)
NO_TERMINAL = getattr(os, "O_NOCTTY", 0)
FOLDER = getattr(os, "O_DIRECTORY", 0)
BINARY = getattr(os, "O_BINARY", 0)  # Windows would else change the ends of lines
# Whether open files can be handed to a new process, waited for together, and folders be opened as files are.
HANDS_OVER_FILES: bool = os.name == "posix"
IS_LINUX: bool = sys.platform == "linux"
_FAR = 1 << 30  # the byte that is locked on Windows, behind the end of every lock file
_WAIT_SECONDS = 0.1


def lock(file: IO[Any] | int, *, shared: bool = False, wait: bool = False) -> None:
    """Lock a file until it is closed, or its process ends, however it ends.

    Args:
        file: open.
        shared: others may share the lock; on Windows nobody can.
        wait: for whoever holds it.

    Raises:
        BlockingIOError: another process holds it.
        OSError: its file system has no locks.
    """
    if fcntl is not None:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB))
        return
    while not _lock_byte(file if isinstance(file, int) else file.fileno()):
        if not wait:
            raise BlockingIOError("locked by another process")
        time.sleep(_WAIT_SECONDS)


def _lock_byte(descriptor: int) -> bool:
    """Lock as Windows can; True as well where a system has no locks at all."""
    if sys.platform == "win32":
        import msvcrt

        before = os.lseek(descriptor, 0, os.SEEK_CUR)
        try:
            os.lseek(descriptor, _FAR, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            os.lseek(descriptor, before, os.SEEK_SET)
    return True


def can_fork() -> bool:
    """Whether this system forks processes that have imported large libraries safely: Linux."""
    return IS_LINUX and hasattr(os, "fork")


def fork() -> int:
    """As `os.fork`; only where `can_fork`."""
    return os.fork()


def why_no_processes() -> str | None:
    """Why this system cannot run several processes of a command that talk to each other, a clause; None where it can."""
    return None if HANDS_OVER_FILES else "this system cannot hand open files to another process, by which dltrain's talk"


def is_running(pid: int) -> bool:
    """Whether there is a process of this number; where the system is not to be asked (Windows ends it), False."""
    if not HANDS_OVER_FILES:
        return False
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True  # of another user
    except (ProcessLookupError, OverflowError):
        return False
    return True


def kill(pid: int) -> None:
    """End a process at once."""
    os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))


def limits(name: str) -> tuple[int | None, int | None]:
    """What a process may take, now and at the most; None: as much as there is.

    Args:
        name: such as `RLIMIT_AS`.
    """
    if resource is None or not hasattr(resource, name):
        return None, None
    soft, hard = resource.getrlimit(getattr(resource, name))
    return (None if soft == resource.RLIM_INFINITY else soft), (None if hard == resource.RLIM_INFINITY else hard)


def most_open_files() -> int:
    """How many files a process may have open; on Linux and macOS."""
    return os.sysconf("SC_OPEN_MAX")


def allow_open_files(number: int) -> None:
    """Let this process have so many files open; the system's own bound stays."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (number, hard))


def usable_cores() -> int:
    """How many cores this process may compute on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory_of_machine() -> int:
    """Bytes of memory that the machine has; 0: not known."""
    if hasattr(os, "sysconf"):
        return mmap.PAGESIZE * os.sysconf("SC_PHYS_PAGES")
    if sys.platform == "win32":
        import ctypes

        status = (ctypes.c_ulonglong * 8)(64)  # MEMORYSTATUSEX: two halves of 32 bits (its length, the load), then sizes
        if ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):
            return int(status[1])
    return 0


def bytes_of_process() -> tuple[int, int, int]:
    """Bytes of addresses, of memory and of shared memory that this process has; zeros where the system does not say."""
    with contextlib.suppress(OSError, ValueError):
        size, resident, shared = map(int, Path("/proc/self/statm").read_text().split()[:3])
        return size * mmap.PAGESIZE, resident * mmap.PAGESIZE, shared * mmap.PAGESIZE
    return 0, 0, 0


def signal_when_readable(descriptor: int, is_on: bool) -> None:
    """Let SIGIO come to this process when there is something to read, or no longer; on Linux."""
    if is_on:
        fcntl.fcntl(descriptor, fcntl.F_SETOWN, os.getpid())
    flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
    fcntl.fcntl(descriptor, fcntl.F_SETFL, flags | os.O_ASYNC if is_on else flags & ~os.O_ASYNC)


def hear_loopback_alone(port: int) -> bool:
    """Drop what comes to a port of this process by another address than the loopback's of IPv4; on Linux, elsewhere nothing.

    For a server of a library that hears all addresses and cannot be told otherwise: the kernel looks at each packet by a filter.
    What has come before is not undone, but its connections are cut off as well.

    Returns:
        Whether this process has such a port, and the system took the filter.
    """
    if not IS_LINUX:
        return False
    import ctypes
    import socket
    import struct

    # Classic BPF: code, where to go on if true and if false, operand. -0x100000 is the beginning of the network's header.
    header, drop, take = (1 << 32) - 0x100000, 0, (1 << 32) - 1
    steps = [
        (0x30, 0, 0, header),  # a byte: version and length
        (0x54, 0, 0, 0xF0),  # and
        (0x15, 0, 4, 0x40),  # IPv4?
        (0x20, 0, 0, header + 16),  # a word: the address that it is sent to
        (0x54, 0, 0, 0xFF000000),
        (0x15, 0, 1, 0x7F000000),  # 127.0.0.0/8?
        (0x06, 0, 0, take),
        (0x06, 0, 0, drop),
    ]
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    attach = getattr(socket, "SO_ATTACH_FILTER", 26)
    taken = []
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # no socket
            each = socket.socket(fileno=int(name))
            try:
                if each.family in (socket.AF_INET, socket.AF_INET6) and each.getsockname()[1] == port:
                    taken.append(False)
                    each.setsockopt(socket.SOL_SOCKET, attach, struct.pack("HP", len(steps), ctypes.addressof(program)))
                    taken[-1] = True
            finally:
                each.detach()  # it belongs to whoever opened it
    return bool(taken) and all(taken)


def release_library_pages(name: str) -> None:
    """Take no memory for what libraries hold on disk until it is asked for again; on Linux, elsewhere nothing.

    When a large library is opened, the system reads all the tables that say where its code is to be put, once, and counts them to
    the process from then on. What is given back are the parts that nobody writes into: the first, which these tables are in, and
    the code. (The third part is written to and then closed for writing: that is memory of the process's own.)

    Args:
        name: that the names of the libraries' files begin with.
    """
    if not IS_LINUX:
        return
    import ctypes

    release = ctypes.CDLL(None).madvise
    release.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/maps").read_text().splitlines():
            # address range, permissions, offset in the file, device, inode, file
            place, rights, offset, *_, file = line.split(None, 5)
            if not os.path.basename(file).startswith(name) or (rights != "r-xp" and (rights != "r--p" or int(offset, 16))):
                continue
            begin, end = (int(number, 16) for number in place.split("-"))
            release(begin, end - begin, mmap.MADV_DONTNEED)


def duplicate_from(descriptor: int, least: int) -> int:
    """A second number of an open file, the first that is free from `least` on; on Linux."""
    return int(fcntl.fcntl(descriptor, fcntl.F_DUPFD, least))
