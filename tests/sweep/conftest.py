"""Engines of the tests in the place of the real ones, and a Ray cluster on this machine."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from dltrain.sweep import sweep as module
from tests.support import REPOSITORY
from tests.sweep.support import InlineEngine


@pytest.fixture
def inline(monkeypatch: pytest.MonkeyPatch) -> Callable[..., InlineEngine]:
    """Let `sweep` use an engine that fits in this process."""

    def use(before: object = None) -> InlineEngine:
        engine = InlineEngine(before)  # type: ignore[arg-type]
        monkeypatch.setattr(module, "choose_engine", lambda *arguments: engine)
        return engine

    return use


@pytest.fixture
def cluster(monkeypatch):
    """Two nodes of one processor each."""
    ray = pytest.importorskip("ray")
    from ray._private import ray_constants
    from ray.cluster_utils import Cluster

    # As on macOS, where Ray's servers are met at the loopback alone: else any host may have tasks run here.
    monkeypatch.setenv("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    monkeypatch.setattr(ray_constants, "ENABLE_RAY_CLUSTER", False)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(REPOSITORY), os.environ.get("PYTHONPATH", "")]))
    # Connected while the head is alone: of two nodes on one machine Ray would take either.
    node = {"num_cpus": 1, "node_ip_address": "127.0.0.1"}
    cluster = Cluster(initialize_head=True, connect=True, head_node_args=node)
    cluster.second = cluster.add_node(**node)
    cluster.wait_for_nodes()
    yield cluster
    ray.shutdown()
    cluster.shutdown()
