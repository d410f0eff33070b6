"""What a process has from outside and a fork cannot be given: a command is forked only where the warm process has the same.

The rest (working directory, other variables of the environment, standard streams, mask of files, signals) is handed over.
"""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

# Variables that the interpreter, the loader of libraries or a library reads when it is loaded. Others are handed over.
_PREFIXES = (
    "PYTHON", "LD_", "LC_", "LANG", "HOME", "TMPDIR", "TEMP", "TMP", "XDG_", "MALLOC_", "GLIBC_", "TF_", "XLA_", "KERAS_", "TPU_",
    "CUDA_", "NVIDIA_", "NCCL_", "OMP_", "GOMP_", "KMP_", "MKL_", "OPENBLAS_", "GOTO_", "BLIS_", "ONEDNN_", "DNNL_", "NPY_",
    "NUMPY_", "NUMEXPR_", "ABSL_", "GRPC_", "PROTOCOL_BUFFERS_", "VIRTUAL_ENV", "CONDA_",
)  # fmt: skip
_LONGEST = 50  # characters: the whole name of a socket takes 108 at the most
_STATUS = ("CapEff", "CapBnd", "NoNewPrivs", "Seccomp")


def folder() -> Path:
    """Where the sockets of this user's warm processes are; it need not exist."""
    own = os.environ.get("XDG_RUNTIME_DIR", "")
    if own.startswith("/") and len(own) <= _LONGEST and is_own(Path(own)):
        return Path(own) / "dltrain-warm"
    return Path(f"/tmp/dltrain-warm-{os.getuid()}")


def is_own(place: Path) -> bool:
    """Whether a folder belongs to this user and nobody else may go into it."""
    try:
        found = place.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077


def circumstances() -> dict[str, str]:
    """What a command and its warm process must have in common: name -> value."""
    import resource  # not before a warm process was seen

    flags = {name: getattr(sys.flags, name) for name in dir(sys.flags) if name[0].islower() and name not in _NOT_FLAGS}
    limits = {name: resource.getrlimit(getattr(resource, name)) for name in dir(resource) if name.startswith("RLIMIT_")}
    return {
        "interpreter": f"{sys.executable} {sys.prefix} {sys.version} {flags} {sys.warnoptions} {sys._xoptions}",
        "user": f"{os.getresuid()} {os.getresgid()} {sorted(os.getgroups())}",
        "limits": f"{limits}",
        "priority": f"{os.getpriority(os.PRIO_PROCESS, 0)} {os.sched_getscheduler(0)} {_text('/proc/self/oom_score_adj')}",
        "cores": f"{sorted(os.sched_getaffinity(0))}",
        "control groups": _text("/proc/self/cgroup"),
        "namespaces": f"{[_link(f'/proc/self/ns/{name}') for name in _names('/proc/self/ns')]} {_link('/proc/self/root')}",
        "rights": "\n".join(line for line in _text("/proc/self/status").splitlines() if line.startswith(_STATUS)),
        **{name: value for name, value in sorted(os.environ.items()) if name.startswith(_PREFIXES)},
    }


def key_of(found: dict[str, str]) -> str:
    """The name of the socket of those who have these circumstances."""
    import hashlib

    text = "\n".join(f"{name}={value}" for name, value in sorted(found.items()))
    return hashlib.blake2b(text.encode(errors="surrogateescape"), digest_size=12).hexdigest()


# What `-P` sets (the warm process is started with it, a command may not be), and methods.
_NOT_FLAGS = ("safe_path", "count", "index", "n_fields", "n_sequence_fields", "n_unnamed_fields")


def _text(path: str) -> str:
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return ""


def _link(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""


def _names(path: str) -> list[str]:
    try:
        return sorted(name for name in os.listdir(path) if not name.endswith("_for_children"))
    except OSError:
        return []
