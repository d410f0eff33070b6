"""Starts the other processes of a fit on this machine, and ends them with it."""

from __future__ import annotations

import contextlib
import os
import select
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

from dltrain.cards import CPU, Placement, asked_cards, count_cards
from dltrain.config.types import Config, TrainingConfig
from dltrain.errors import UsageError, WorkerLostError
from dltrain.processes.child import Child
from dltrain.processes.helper import receive_message
from dltrain.reporting import Reporter
from dltrain.system import usable_cores
from dltrain.training.session import FitOptions, placement_of
from dltrain.training.workers.cluster import Cluster, local_addresses
from dltrain.training.workers.folder import remove_left
from dltrain.training.workers.group import Alone, Group
from dltrain.wording import counted

# Messages. To a process: what to train, the others are there. From it: it has imported TensorFlow.
TASK, GO, READY = b"t", b"g", b"y"
_MODULE = "dltrain.training.workers.member"
# A process that has lost another is waited for so long, and ends by itself.
_LOST_SECONDS = 20.0
# All those that are no longer needed have so long to end by themselves.
_LAST_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class MemberTask:
    """What a process is to train.

    Attributes:
        config: whole.
        cluster: of all processes, as that one sees it.
        threads: for one operation.
        card: which one it computes on, where there are cards.
    """

    config: Config
    cluster: Cluster
    threads: int
    card: int


class LocalWorkers:
    """The other processes of a fit, which this one, the chief, has started.

    Args:
        config: what they train.
        count: processes in all, this one included.
        threads: for one operation, in each.
    """

    def __init__(self, config: Config, count: int, threads: int) -> None:
        addresses = local_addresses(count)
        self._children = [Child(_MODULE) for _ in range(1, count)]
        for index, child in enumerate(self._children, 1):
            child.send(TASK, MemberTask(config, Cluster(addresses, index), threads, card=index))
        self.group = Group(Cluster(addresses, 0), before=self._wait, lost=self._lost, words=f" --workers {count}")

    def _wait(self) -> None:
        """Wait until all have imported TensorFlow; then they and this process meet at once.

        Raises:
            WorkerLostError: one ended before.
        """
        for index, child in enumerate(self._children, 1):
            if receive_message(child.channel)[0] != READY:
                raise WorkerLostError(f"worker {index} did not start: {child.last_words()}")
        for child in self._children:
            child.send(GO, None)

    def _lost(self) -> str | None:
        """Which one is gone, and how it ended."""
        pollers = {os.pidfd_open(child.process.pid): (index, child) for index, child in enumerate(self._children, 1)}
        try:
            ended, _, _ = select.select(list(pollers), [], [], _LOST_SECONDS)
            # Those that lost it end as well: the one that was killed, or ended with another code than theirs, is the cause.
            found = [(pollers[descriptor], pollers[descriptor][1].process.wait(0)) for descriptor in ended]
        finally:
            for descriptor in pollers:
                os.close(descriptor)
        if not found:
            return None
        (index, child), _ = min(found, key=lambda item: item[1] == WorkerLostError.exit_code)
        return f"worker {index} of {len(self._children) + 1} is gone: {child.last_words()}"

    def close(self) -> None:
        """End them: they have ended by themselves, unless they wait for a chief that has nothing left to do."""
        end = time.monotonic() + _LAST_SECONDS
        for child in self._children:
            child.let_go()
        for child in self._children:
            child.close(max(end - time.monotonic(), 0.1))
        remove_left()


@contextlib.contextmanager
def group_of(
    config: Config, training: TrainingConfig, given: FitOptions, threads: int | None, reporter: Reporter
) -> Iterator[tuple[Alone, Placement, int | None]]:
    """The processes of a fit, for as long as it lasts, what this one computes on, and threads of each.

    Args:
        config: what is trained.
        training: its training block.
        given: how many processes of this machine there shall be, or those that somebody else has started.
        threads: for one operation; None: the cores, shared among processes of this machine.
        reporter: told what is started.

    Raises:
        UsageError: there are more or fewer cards than processes.
    """
    placement = placement_of(training, given.card)
    if given.group is not None:
        if given.group.count > 1 and given.card is None:  # as many cards as processes of one machine were started there
            placement = replace(placement, card=given.group.local_index)
        yield given.group, placement, threads
        return
    workers = _count_workers(training.devices, given.workers)
    if workers == 1:
        yield Alone(), placement, threads
        return
    cores = usable_cores()
    threads = threads or max(1, cores // workers)
    reporter.detail(f"{workers} workers of this machine, each with {counted(threads, 'thread')}")
    started = LocalWorkers(config, workers, threads)
    try:
        yield started.group, replace(placement, card=0), threads
    finally:
        started.close()


def _count_workers(devices: str, workers: int) -> int:
    """How many processes of this machine train: as many as are asked for, or one for each card.

    Raises:
        UsageError: the one contradicts the other, or there are too few cards for so many.
    """
    asked = asked_cards(devices)
    if asked > 1:
        if workers not in (1, asked):
            hint = f"leave --workers out: {asked} cards are {asked} processes"
            raise UsageError(f"--workers {workers} contradicts training.devices: {devices}", hint=hint)
        return asked
    there = count_cards() if devices != CPU else 0
    if workers > 1 and 0 < there < workers:
        hint = f"--workers {there} takes one each; training.devices=cpu trains by processors"
        message = f"{workers} workers of this machine would share {counted(there, 'NVIDIA card')}"
        raise UsageError(message, hint=hint)
    return workers
