"""The processes of one fit on a Ray cluster: this one is the chief, each other one an actor with a place of its own there."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from typing import Any

import dltrain
from dltrain.cards import AUTO, CPU, asked_cards, count_cards
from dltrain.config.types import Config
from dltrain.errors import DltrainError, UsageError, WorkerLostError, reason_of
from dltrain.settings import trusting_code
from dltrain.sweep.engines.ray import RayEngine, connect, off_stdout
from dltrain.training.workers.cluster import Cluster
from dltrain.training.workers.group import Group
from dltrain.wording import counted

# So long a cluster may take to make room; an actor that has lost another ends by itself within that of the second.
_ROOM_SECONDS = 60.0
_LOST_SECONDS = 20.0
_VISIBLE = "CUDA_VISIBLE_DEVICES"


class Seat:
    """A place of the cluster: what one process of a fit has for itself."""

    def place(self, version: str) -> tuple[str, str | None]:
        """The address at which the process can be met, and the cards that it may see.

        Args:
            version: of the chief's dltrain; the node's must be the same.

        Raises:
            UsageError: it is not.
        """
        if version != dltrain.__version__:
            raise UsageError(f"a node has dltrain {dltrain.__version__}, and this process {version}")
        import ray

        with socket.socket() as free:
            free.bind(("", 0))
            return f"{ray.util.get_node_ip_address()}:{free.getsockname()[1]}", os.environ.get(_VISIBLE)

    def train(self, config: Config, cluster: Cluster, threads: int) -> str:
        """Train along; what went wrong is said, and not raised, as errors of this package are not those of Ray."""
        from dltrain.training.workers.member import train_along

        try:
            with trusting_code(config.code is not None):  # the process that sent it has the word
                train_along(config, Group(cluster), threads=threads)
        except DltrainError as error:
            return error.faults[0].message
        return ""


@contextlib.contextmanager
def workers_on_ray(config: Config, count: int, *, address: str | None, threads: int) -> Iterator[Group]:
    """The processes of a fit, for as long as it lasts; the others are there and train.

    The chief's place is held by an actor as well, whose processors and cards it uses.

    Args:
        config: what they train.
        count: how many there are, this one included.
        address: of the cluster; None: that of this machine.
        threads: for one operation, in each.

    Raises:
        UsageError: Ray is not installed, no cluster answers, or it has no room for so many.
    """
    RayEngine(address).why_not(())
    devices = config.training.devices if config.training is not None else CPU
    if asked_cards(devices) > 1:
        hint = "training.devices=gpu: each worker takes one card"
        raise UsageError(f"training.devices: {devices} is of one machine, and Ray's workers may be on many", hint=hint)
    with off_stdout():
        yield from _workers(config, count, address, threads, devices)


def _workers(config: Config, count: int, address: str | None, threads: int, devices: str) -> Iterator[Group]:
    """`workers_on_ray`, once it is known that Ray can be asked."""
    ray, is_ours = connect(address)
    cards = 1 if asked_cards(devices) or (devices == AUTO and count_cards()) else 0
    group = None
    try:
        group = _room(ray, count, threads, cards)
        seats = _seats(ray, group, count, threads, cards)
        places = _places(ray, seats)
        if cards and places[0][1] is not None:
            os.environ[_VISIBLE] = places[0][1]
        addresses = tuple(place for place, _ in places)
        training = [
            seat.train.remote(config, Cluster(addresses, index), threads) for index, seat in enumerate(seats) if index > 0
        ]
        yield Group(
            Cluster(addresses, 0),
            lost=lambda: _why_lost(ray, training),
            words=f" --engine ray --workers {count}",
        )
        ray.wait(training, num_returns=len(training), timeout=_LOST_SECONDS)
    finally:
        if group is not None:
            ray.util.remove_placement_group(group)  # its actors end with it
        if is_ours:
            ray.shutdown()


def _room(ray: Any, count: int, threads: int, cards: int) -> Any:
    """A place for each process, spread over the nodes, the first of them on this one.

    Raises:
        UsageError: there is none.
    """
    place = {"CPU": threads, **({"GPU": cards} if cards else {})}
    here = {f"node:{ray.util.get_node_ip_address()}": 0.001}
    group = ray.util.placement_group([place | here, *[place] * (count - 1)], strategy="SPREAD")
    if not group.wait(_ROOM_SECONDS):
        ray.util.remove_placement_group(group)
        there = ray.cluster_resources()
        each = counted(threads, "processor") + (f" and {cards} card" if cards else "")
        has = f"{there.get('CPU', 0):g} processors and {there.get('GPU', 0):g} cards"
        hint = "fewer --workers, or --threads 1; `ray status` says what is taken"
        raise UsageError(f"the Ray cluster has no room for {count} workers of {each} each: it has {has} in all", hint=hint)
    return group


def _seats(ray: Any, group: Any, count: int, threads: int, cards: int) -> list[Any]:
    strategy = ray.util.scheduling_strategies.PlacementGroupSchedulingStrategy
    seat = ray.remote(Seat)
    return [
        seat.options(num_cpus=threads, num_gpus=cards, max_restarts=0, scheduling_strategy=strategy(group, index)).remote()
        for index in range(count)
    ]


def _places(ray: Any, seats: list[Any]) -> list[tuple[str, str | None]]:
    try:
        places: list[tuple[str, str | None]] = ray.get([seat.place.remote(dltrain.__version__) for seat in seats])
    except ray.exceptions.RayTaskError as error:
        raise UsageError(reason_of(error.cause)) from error
    except ray.exceptions.RayError as error:
        raise WorkerLostError(f"a worker did not start: {reason_of(error)}") from error
    return places


def _why_lost(ray: Any, training: list[Any]) -> str | None:
    """Which one is gone, and how it ended; what the others say of it tells nothing."""
    ended, _ = ray.wait(training, num_returns=len(training), timeout=_LOST_SECONDS)
    for index, reference in enumerate(training, 1):
        if reference in ended:
            try:
                ray.get(reference)
            except ray.exceptions.RayError as error:
                return f"worker {index} of {len(training) + 1} is gone: {reason_of(error)}"
    return None
