"""What the processes of one fit tell each other, by TensorFlow's collective operations.

All of them run the same program in the same order, and each operation waits until all have come to it. Where a clock or a signal
decides, which differ from process to process, the chief's word holds.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain import system
from dltrain.errors import RunError, WorkerLostError
from dltrain.later import tensorflow as tf
from dltrain.training.workers.cluster import LOOPBACK, Cluster
from dltrain.training.workers.share import Share, Whole

# One group of the devices that train, and one of the processors, by which the processes tell each other what is no tensor.
_GROUP_KEY, _HOST_KEY = 1, 2
# Seconds to wait for processes on other machines, which are started by somebody else.
_MEETING_SECONDS = 600
_HEARTBEAT_SECONDS = 20

logger = logging.getLogger(__name__)


class Alone:
    """A fit by one process: what it says is what all say.

    Attributes:
        count: how many processes there are.
        index: which of them this one is, 0-based.
        words: of a command line that starts as many.
    """

    count = 1
    index = 0
    words = ""

    @property
    def is_chief(self) -> bool:
        """Whether this process writes the run."""
        return self.index == 0

    @property
    def local_index(self) -> int:
        """Which of the processes of its machine this one is, 0-based."""
        return 0

    @property
    def connect(self) -> Callable[[], None] | None:
        """What meets the others, before TensorFlow's runtime begins; None: there are none."""
        return None

    def of_chief(self, value: float) -> float:
        """A number of this process, replaced by the first process's."""
        return value

    def any(self, flag: bool) -> bool:
        """Whether the flag is set in at least one process."""
        return flag

    def gather(self, arrays: Sequence[NDArray[Any]]) -> list[list[NDArray[Any]]]:
        """For each process, in their order, its arrays, which are of the same shapes and kinds in all."""
        return [list(arrays)]

    def bytes_of_chief(self, content: bytes | None) -> bytes | None:
        """Bytes of the first process, given to all."""
        return content

    def require_same(self, text: str, what: str) -> None:
        """Refuse to train together on what is not the same in all processes."""

    def rows(self, count: int) -> slice:
        """This process's share of so many rows."""
        return slice(self.index * count // self.count, (self.index + 1) * count // self.count)

    @contextlib.contextmanager
    def step(self, model: Any, index: Any) -> Iterator[Whole]:
        """What of a step's rows this process takes, while the step is traced."""
        yield Whole(index)

    def guarded(self) -> contextlib.AbstractContextManager[None]:
        """A context in which errors that come of the loss of another process are raised as WorkerLostError."""
        return contextlib.nullcontext()


class Group(Alone):
    """The processes of a fit, this one among them.

    Args:
        cluster: which they are.
        before: called before this process waits for the others to be there.
        lost: a sentence on what became of a process that was lost, where it is known.
        words: of a command line that starts as many.
    """

    def __init__(
        self,
        cluster: Cluster,
        *,
        before: Callable[[], None] | None = None,
        lost: Callable[[], str | None] | None = None,
        words: str = "",
    ) -> None:
        self.cluster, self.index, self.count = cluster, cluster.index, len(cluster.addresses)
        self._before, self._lost, self.words = before, lost, words
        self._keys = 0
        self._totals: dict[tuple[str, tuple[int, ...]], Any] = {}
        self._strategy: Any = None

    @property
    def local_index(self) -> int:
        """As in `Alone`: by the host's name in the addresses."""
        hosts = [address.rpartition(":")[0] for address in self.cluster.addresses]
        return hosts[: self.index].count(hosts[self.index])

    @property
    def connect(self) -> Callable[[], None] | None:
        """As in `Alone`."""
        return self._connect

    def _connect(self) -> None:
        """Meet the others.

        Raises:
            WorkerLostError: one did not come.
        """
        from tensorflow.compiler.xla.tsl.protobuf.coordination_config_pb2 import CoordinatedJob
        from tensorflow.python.eager import context

        if self._before is not None:
            self._before()
        addresses = list(self.cluster.addresses)
        # As MultiWorkerMirroredStrategy does where nobody did before, but not waiting for an hour.
        context.context().configure_coordination_service(
            "standalone",
            service_leader="/job:worker/replica:0/task:0",
            cluster_register_timeout_in_ms=_MEETING_SECONDS * 1000,
            heartbeat_timeout_in_ms=_HEARTBEAT_SECONDS * 1000,
            coordinated_jobs=[CoordinatedJob(name="worker", num_tasks=self.count)],
        )
        with self.guarded():
            self._strategy = tf.distribute.MultiWorkerMirroredStrategy(
                cluster_resolver=tf.distribute.cluster_resolver.SimpleClusterResolver(
                    tf.train.ClusterSpec({"worker": addresses}), task_type="worker", task_id=self.index, rpc_layer="grpc"
                )
            )
        _keep_handlers()
        if all(address.startswith(LOOPBACK) for address in addresses):
            _close_to_others(int(addresses[self.index].rpartition(":")[2]))

    def reduce(self, tensor: Any, key: int, *, on_host: bool = False) -> Any:
        """The sum of a tensor over all processes; an operation of TensorFlow's, on the card where there is one."""
        on_card = bool(tf.config.get_visible_devices("GPU")) and not on_host
        with tf.device("/device:GPU:0" if on_card else "/device:CPU:0"):
            return tf.raw_ops.CollectiveReduceV2(
                input=tensor,
                group_size=self.count,
                group_key=_HOST_KEY if on_host else _GROUP_KEY,
                instance_key=key,
                ordering_token=[],
                merge_op="Add",
                final_op="Id",
                communication_hint="auto",
            )

    def next_key(self) -> int:
        """A number for an operation: the same in all processes, for all make their operations in the same order."""
        self._keys += 1
        return 1_000 + self._keys

    def total(self, array: NDArray[Any]) -> NDArray[Any]:
        """The sum of an array over all processes.

        Args:
            array: of float32, float64, int32 or int64.

        Raises:
            WorkerLostError: one of them is gone.
        """
        array = np.asarray(array)
        kind = (array.dtype.name, array.shape)
        if kind not in self._totals:
            key = self.next_key()
            self._totals[kind] = tf.function(lambda tensor: self.reduce(tensor, key, on_host=True), autograph=False)
        with self.guarded():
            return np.asarray(self._totals[kind](tf.constant(array)))

    def of_chief(self, value: float) -> float:
        """A number of this process, replaced by the first process's."""
        return float(self.total(np.asarray(value if self.is_chief else 0.0, np.float64)))

    def any(self, flag: bool) -> bool:
        """Whether the flag is set in at least one process."""
        return bool(self.total(np.asarray(flag, np.float64)))

    def gather(self, arrays: Sequence[NDArray[Any]]) -> list[list[NDArray[Any]]]:
        """As in `Alone`."""
        if not arrays:
            return [[] for _ in range(self.count)]
        own = np.concatenate([array.reshape(-1).astype(np.float64) for array in arrays])
        rows = np.zeros((self.count, own.size))
        rows[self.index] = own
        ends = np.cumsum([array.size for array in arrays])[:-1]
        return [
            [piece.reshape(array.shape).astype(array.dtype) for piece, array in zip(np.split(row, ends), arrays)]
            for row in self.total(rows)
        ]

    def bytes_of_chief(self, content: bytes | None) -> bytes | None:
        """Bytes of the first process, given to all."""
        size = int(self.of_chief(-1 if content is None else len(content)))
        if size < 0:
            return None
        words = np.zeros(-(-size // 4), np.int32)
        if self.is_chief:
            words.view(np.uint8)[:size] = np.frombuffer(content or b"", np.uint8)
        return self.total(words).view(np.uint8)[:size].tobytes()

    def require_same(self, text: str, what: str) -> None:
        """As in `Alone`.

        Raises:
            RunError: it is not.
        """
        own = np.frombuffer(hashlib.sha256(text.encode()).digest(), np.int32)
        chiefs = self.total(own if self.is_chief else np.zeros_like(own))
        others = self.total(np.eye(self.count, dtype=np.int32)[self.index] * int((own != chiefs).any()))
        if others.any():
            named = ", ".join(str(index) for index in np.flatnonzero(others))
            hint = "all workers need the same files and the same config"
            raise RunError(f"worker {named} has not the same {what} as the chief", hint=hint)

    @contextlib.contextmanager
    def step(self, model: Any, index: Any) -> Iterator[Whole]:
        """As in `Alone`."""
        share = Share(self, model, index)
        with share.applied():
            yield share

    @contextlib.contextmanager
    def guarded(self) -> Iterator[None]:
        """As in `Alone`.

        Raises:
            WorkerLostError: another process is gone.
        """
        errors = tf.errors
        lost = (errors.UnavailableError, errors.AbortedError, errors.CancelledError, errors.InternalError,
                errors.DeadlineExceededError, errors.FailedPreconditionError)  # fmt: skip
        try:
            yield
        except lost as error:
            if isinstance(error, errors.InternalError | errors.FailedPreconditionError) and "ollective" not in str(error):
                raise
            known = self._lost() if self._lost is not None else None
            raise WorkerLostError(known or "a worker of this fit is gone, or cannot be reached") from error


def _close_to_others(port: int) -> None:
    """Let a port be met from here alone: TensorFlow's server hears all addresses, asks nobody, and runs what it is sent."""
    if not system.hear_loopback_alone(port):
        said = "port %d, by which the workers talk, could not be closed to other machines: keep it behind a firewall"
        logger.warning(said, port)


def _keep_handlers() -> None:
    """Put Python's handlers of signals back: TensorFlow takes SIGTERM for itself when it meets other processes."""
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            if (handler := signal.getsignal(number)) is not None:
                signal.signal(number, handler)
