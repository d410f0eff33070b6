"""Which processes train together: TF_CONFIG and SLURM's variables as their own documents describe them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dltrain.errors import UsageError
from dltrain.training.workers.cluster import Cluster, cluster_of, expand_counts, expand_hosts, local_addresses
from dltrain.training.workers.group import Alone


def tf_config(cluster: object, task: object) -> dict[str, str]:
    return {"TF_CONFIG": json.dumps({"cluster": cluster, "task": task})}


def test_nothing_said_is_one_process() -> None:
    assert cluster_of({}) is None
    assert cluster_of({"TF_CONFIG": " "}) is None
    assert cluster_of(tf_config({"worker": ["a:1"]}, {"type": "worker", "index": 0})) is None
    assert cluster_of({"SLURM_STEP_NUM_TASKS": "1", "SLURM_PROCID": "0"}) is None


def test_tf_config_puts_a_chief_before_the_workers() -> None:
    both = {"chief": ["a:1"], "worker": ["b:1", "c:1"]}
    assert cluster_of(tf_config(both, {"type": "worker", "index": 1})) == Cluster(("a:1", "b:1", "c:1"), 2)
    assert cluster_of(tf_config(both, {"type": "chief", "index": 0})) == Cluster(("a:1", "b:1", "c:1"), 0)
    workers = {"worker": ["b:1", "c:1"], "ps": ["d:1"]}
    assert cluster_of(tf_config(workers, {"type": "worker", "index": "1"})) == Cluster(("b:1", "c:1"), 1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not as TensorFlow reads it"),
        ("[1]", "not as TensorFlow reads it"),
        ('{"cluster": {"worker": 3}}', "not as TensorFlow reads it"),
        ('{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 2}}', "worker 2"),
        ('{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "evaluator", "index": 0}}', "evaluator 0"),
        ("[" * 100_000, "not as TensorFlow reads it"),
    ],
)
def test_a_tf_config_that_says_nothing_is_refused(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        cluster_of({"TF_CONFIG": text})


def test_slurm_names_nodes_and_their_tasks() -> None:
    step = {
        "SLURM_STEP_NUM_TASKS": "5",
        "SLURM_PROCID": "3",
        "SLURM_STEP_NODELIST": "gpu[08-09],login",
        "SLURM_STEP_TASKS_PER_NODE": "2(x2),1",
        "SLURM_JOB_ID": "7",
    }
    hosts = ("gpu08:12007", "gpu08:12008", "gpu09:12007", "gpu09:12008", "login:12007")
    assert cluster_of(step) == Cluster(hosts, 3)
    for name in ("SLURM_PROCID", "SLURM_STEP_NODELIST", "SLURM_STEP_TASKS_PER_NODE"):
        with pytest.raises(UsageError, match="srun"):
            cluster_of({key: value for key, value in step.items() if key != name})
    with pytest.raises(UsageError, match="SLURM"):
        cluster_of({**step, "SLURM_STEP_NODELIST": "gpu[1-999999999]"})


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=6))
def test_counts_are_expanded(runs: list[tuple[int, int]]) -> None:
    text = ",".join(f"{count}(x{times})" if times > 1 else str(count) for count, times in runs)
    assert expand_counts(text) == [count for count, times in runs for _ in range(times)]


def test_hosts_are_expanded() -> None:
    assert expand_hosts("a") == ["a"]
    assert expand_hosts("n[1-3,7],m") == ["n1", "n2", "n3", "n7", "m"]
    assert expand_hosts("n[098-101]-ib") == ["n098-ib", "n099-ib", "n100-ib", "n101-ib"]


def test_local_addresses_differ() -> None:
    assert len(set(local_addresses(8))) == 8


@given(st.integers(0, 200), st.integers(1, 17))
def test_shares_of_rows_are_all_rows_once(num_rows: int, count: int) -> None:
    class One(Alone):
        def __init__(self, index: int) -> None:
            self.index, self.count = index, count

    shares = [One(index).rows(num_rows) for index in range(count)]
    assert [row for share in shares for row in range(num_rows)[share]] == list(range(num_rows))
    sizes = [share.stop - share.start for share in shares]
    assert max(sizes) - min(sizes) <= 1
