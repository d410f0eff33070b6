"""Which processes train one fit together: said by `--workers`, by TF_CONFIG, or by SLURM."""

from __future__ import annotations

import contextlib
import json
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass

from dltrain.errors import UsageError

MOST_WORKERS = 1024
LOOPBACK = "127.0.0.1:"  # addresses that begin so are of this machine alone
_SLURM_PORT = 12_000  # plus the job's number, so that two jobs on one node do not meet


@dataclass(frozen=True, slots=True)
class Cluster:
    """The processes of a fit.

    Attributes:
        addresses: host and port of each, the chief's first.
        index: which of them this one is, 0-based.
    """

    addresses: tuple[str, ...]
    index: int


def cluster_of(environment: Mapping[str, str]) -> Cluster | None:
    """What the environment says of a cluster; None: this process is alone.

    TF_CONFIG is read as TensorFlow does (`tf.distribute.cluster_resolver.TFConfigClusterResolver`): a chief, if there is one,
    comes before the workers. Of SLURM the step's variables are read, which `srun` sets for each task.

    Raises:
        UsageError: it cannot be understood, or names a task that trains nothing.
    """
    if environment.get("TF_CONFIG", "").strip():
        return _of_tf_config(environment["TF_CONFIG"])
    if environment.get("SLURM_STEP_NUM_TASKS", "1") != "1":
        return _of_slurm(environment)
    return None


def _of_tf_config(text: str) -> Cluster | None:
    wrong = UsageError(
        "TF_CONFIG is not as TensorFlow reads it",
        hint='expected {"cluster": {"worker": ["HOST:PORT", …]}, "task": {"type": "worker", "index": 0}}; or unset it',
    )
    try:
        document = json.loads(text)
        cluster, task = document.get("cluster") or {}, document.get("task") or {}
        chiefs, workers = (tuple(map(str, cluster.get(kind, ()))) for kind in ("chief", "worker"))
        kind, index = str(task.get("type", "worker")), int(task.get("index", 0))
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise wrong from error
    addresses = (*chiefs, *workers)
    if len(addresses) < 2:
        return None
    if kind not in ("chief", "worker") or not 0 <= index < len(chiefs if kind == "chief" else workers):
        raise UsageError(f"TF_CONFIG makes this process {kind} {index}, which is no chief or worker of its cluster")
    if len(addresses) > MOST_WORKERS:
        raise UsageError(f"TF_CONFIG names {len(addresses):,} processes; at most {MOST_WORKERS:,} train together")
    return Cluster(addresses, index if kind == "chief" else len(chiefs) + index)


def _of_slurm(environment: Mapping[str, str]) -> Cluster:
    try:
        count, index = int(environment["SLURM_STEP_NUM_TASKS"]), int(environment["SLURM_PROCID"])
        hosts = expand_hosts(environment["SLURM_STEP_NODELIST"])
        tasks = expand_counts(environment["SLURM_STEP_TASKS_PER_NODE"])
        job = int(environment.get("SLURM_JOB_ID", 0))
        if not 1 < count <= MOST_WORKERS or not 0 <= index < count or len(hosts) != len(tasks) or sum(tasks) != count:
            raise ValueError("counts")
    except (KeyError, ValueError) as error:
        names = "SLURM_STEP_NUM_TASKS, SLURM_PROCID, SLURM_STEP_NODELIST, SLURM_STEP_TASKS_PER_NODE"
        hint = "start it with srun, or use TF_CONFIG"
        raise UsageError(f"SLURM's variables do not say which processes there are ({names})", hint=hint) from error
    first = _SLURM_PORT + job % 20_000
    addresses = [f"{host}:{first + task}" for host, number in zip(hosts, tasks) for task in range(number)]
    return Cluster(tuple(addresses), index)


def expand_hosts(text: str) -> list[str]:
    """The names in a list of SLURM's: `node[01-03,07],login` are five.

    Raises:
        ValueError: it is no such list.
    """
    hosts: list[str] = []
    for prefix, inner, suffix in re.findall(r"([^,\[\]]+)(?:\[([^\]]+)\])?([^,\[\]]*)", text):
        if not inner:
            hosts.append(prefix)
            continue
        for part in inner.split(","):
            low, _, high = part.partition("-")
            if int(high or low) - int(low) >= MOST_WORKERS:
                raise ValueError(part)
            hosts += [f"{prefix}{number:0{len(low)}d}{suffix}" for number in range(int(low), int(high or low) + 1)]
    if not hosts:
        raise ValueError(text)
    return hosts


def expand_counts(text: str) -> list[int]:
    """The numbers in a list of SLURM's: `2(x3),1` is 2, 2, 2, 1.

    Raises:
        ValueError: it is no such list.
    """
    counts: list[int] = []
    for part in text.split(","):
        found = re.fullmatch(r"(\d+)(?:\(x(\d+)\))?", part.strip())
        if found is None or int(found[2] or 1) > MOST_WORKERS:
            raise ValueError(part)
        counts += [int(found[1])] * int(found[2] or 1)
    return counts


def local_addresses(count: int) -> tuple[str, ...]:
    """Addresses on the loopback for so many processes of this machine, each with a port that was free just now."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return tuple(f"{LOOPBACK}{each.getsockname()[1]}" for each in sockets)
