"""Fits on a local Ray cluster of two nodes; a lost node's trials are retried."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import polars
import pytest

from dltrain.cli.again import go_on
from dltrain.cli.commands.fit import _require_engine
from dltrain.cli.console import Console
from dltrain.config.load import load_config_text
from dltrain.errors import RunError, UsageError, WorkerLostError, as_warning
from dltrain.reporting import Reporter
from dltrain.storage.run import Run
from dltrain.sweep.engines import ray
from dltrain.sweep.engines.ray import RayEngine, _pack, _unpack
from dltrain.sweep.engines.ray_workers import workers_on_ray
from dltrain.sweep.sweep import sweep
from tests.support import run_dltrain
from tests.sweep.support import small
from tests.training.workers.support import ports_heard

RATES = "training.optimizer.learning_rate=0.0001,0.001,0.01,0.1"


def test_without_ray_there_is_one_message(monkeypatch):
    monkeypatch.setattr(ray, "find_spec", lambda name: None)
    with pytest.raises(UsageError) as caught:
        RayEngine().why_not(())
    assert caught.value.faults[0].hint == "pip install 'dltrain[ray]'"


def sent(folder: Path) -> bytes:
    """A run as a node sends it."""
    (folder / "checkpoints").mkdir(parents=True)
    (folder / "manifest.json").write_text("{}")
    (folder / "checkpoints" / "best.h5").write_bytes(b"weights")
    return _pack(folder)


def test_a_run_that_is_sent_back_is_whole_and_replaces_an_earlier_try(tmp_path):
    here = tmp_path / "here" / "0001"
    (here / "checkpoints").mkdir(parents=True)
    for name in ("metrics.json", "checkpoints/best.h5", "notes.txt", "checkpoints/precious.txt"):
        (here / name).write_text("of an earlier try")
    _unpack(sent(tmp_path / "there"), here)
    assert sorted(str(path.relative_to(here)) for path in here.rglob("*")) == [
        "checkpoints", "checkpoints/best.h5", "checkpoints/precious.txt", "manifest.json", "notes.txt", "state",
    ]  # fmt: skip
    assert (here / "checkpoints" / "best.h5").read_bytes() == b"weights"
    assert [path.name for path in here.parent.iterdir()] == ["0001"]


@pytest.mark.parametrize("link", ["here/trials/0001", "here/trials/0001/checkpoints"])
def test_a_run_that_is_sent_back_goes_through_no_link(link, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "best.h5").write_text("precious")
    (tmp_path / link).parent.mkdir(parents=True)
    (tmp_path / link).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RunError):
        _unpack(sent(tmp_path / "there"), tmp_path / "here" / "trials" / "0001")
    assert [path.name for path in (tmp_path / "elsewhere").iterdir()] == ["best.h5"]
    assert (tmp_path / "elsewhere" / "best.h5").read_text() == "precious"
    assert [path.name for path in (tmp_path / "here" / "trials").iterdir()] == ["0001"]


@pytest.mark.slow
def test_the_cluster_is_met_from_this_machine_alone(cluster):
    assert cluster.address.startswith("127.0.0.1:")
    found = ports_heard([os.getpid(), *descendants(b"")])
    assert len(found) > 5
    assert [place for place in found if not place[0].is_loopback] == []


class Watch(Reporter):
    """Remembers warnings, and which trials began."""

    def __init__(self) -> None:
        self.warnings: list[str] = []
        self.begun: list[int] = []

    def warning(self, warning):
        self.warnings.append(as_warning(warning).message)

    def trial_changed(self, trial):
        if trial["status"] == "running":
            self.begun.append(trial["number"])


@pytest.mark.slow
def test_a_cluster_of_two_nodes_one_of_which_is_lost(cluster, tmp_path):
    watch = Watch()
    folder = tmp_path / "s"

    def lose_a_node() -> None:
        until = time.monotonic() + 200
        while time.monotonic() < until:
            states = [path for path in folder.glob("trials/*/history.csv") if path.read_text().count("\n") > 3]
            if len({path.parent for path in states}) >= 2:
                break
            time.sleep(0.1)
        cluster.remove_node(cluster.second)

    thread = threading.Thread(target=lose_a_node)
    thread.start()
    config = small("training.epochs=400")
    result = sweep(config, over=[RATES], engine="ray", run_dir=folder, reporter=watch)
    thread.join()
    assert [trial["status"] for trial in result.trials] == ["finished"] * 4
    assert any("its node is lost" in text for text in watch.warnings)
    stored = Run(Path(result.trials[2]["run"]))
    assert stored.read_manifest()["threads"] == 1


class Details(Reporter):
    """Remembers what `-v` tells."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def detail(self, text):
        self.told.append(str(text))


@pytest.mark.slow
def test_a_card_of_the_cluster_is_shared_by_fits(cluster, tmp_path):
    cluster.add_node(num_cpus=2, num_gpus=1, node_ip_address="127.0.0.1")
    cluster.wait_for_nodes()
    details = Details()
    options = {"over": ["training.optimizer.learning_rate=0.01,0.1"], "gpus_per_trial": 0.5, "reporter": details}
    result = sweep(small("training.epochs=1"), run_dir=tmp_path / "s", **options)
    assert [trial["status"] for trial in result.trials] == ["finished"] * 2
    assert any("2 fits at a time, 1 thread and 0.5 of a card each" in text for text in details.told)
    with pytest.raises(UsageError, match="a fit is to take 2 of a card, and no node of the Ray cluster has more than 1"):
        sweep(small(), over=[RATES], engine="ray", gpus_per_trial=2, run_dir=tmp_path / "t")


def test_cards_of_trials_are_of_a_ray_cluster(tmp_path):
    with pytest.raises(UsageError, match="--gpus-per-trial is of a Ray cluster, and the engine is processes"):
        sweep(small(), over=[RATES], engine="processes", gpus_per_trial=0.5, run_dir=tmp_path / "s")


def test_no_cluster_is_one_message(tmp_path):
    pytest.importorskip("ray")
    with pytest.raises(UsageError, match="no Ray cluster answers"):
        sweep(small(), engine="ray", address="127.0.0.1:1", run_dir=tmp_path / "s")


WORKERS = """\
seed: 1
data: {source: digits, scale: unit, split: {test: 0.25, validation: 0.2}}
model: {layers: [{Conv2D: {filters: 4, kernel_size: 3, activation: relu}}, BatchNormalization, Flatten, {Dropout: {rate: 0.3}}]}
training: {epochs: 3, batch_size: 33}
"""


def test_workers_of_one_fit_need_ray_and_a_number(monkeypatch, tmp_path):
    monkeypatch.setattr(ray, "find_spec", lambda name: None)
    with (
        pytest.raises(UsageError, match="which is not installed"),
        workers_on_ray(load_config_text(WORKERS, folder=tmp_path), 2, address=None, threads=1),
    ):
        pass
    with pytest.raises(UsageError, match="needs --workers"):
        _require_engine("ray", None, None)
    with pytest.raises(UsageError, match="of a Ray cluster"):
        _require_engine(None, 2, "here:1")


@pytest.mark.slow
def test_workers_of_one_fit_are_actors(cluster, tmp_path):
    (tmp_path / "c.yaml").write_text(WORKERS)
    there = ["--engine", "ray", "--address", cluster.address, "--workers"]
    for run, words in {"alone": [], "both": [*there, "2"]}.items():
        done = run_dltrain("fit", "c.yaml", "--run-dir", run, *words, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    alone, both = (polars.read_csv(tmp_path / run / "history.csv").drop("seconds") for run in ("alone", "both"))
    np.testing.assert_allclose(both.to_numpy(), alone.to_numpy(), rtol=1e-5, atol=1e-5)
    assert Run(tmp_path / "both").read_manifest()["environment"]["workers"] == 2
    done = run_dltrain("fit", "c.yaml", *there, "5", cwd=tmp_path)
    assert done.returncode == 2
    assert "has no room for 5 workers" in done.stderr


def descendants(words: bytes) -> list[int]:
    """Processes below this one whose command line begins so."""
    parents, found = {}, []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if (folder / "cmdline").read_bytes().startswith(words):
                found.append(int(folder.name))

    def is_below(number: int) -> bool:
        while number > 1:
            number = parents.get(number, 0)
            if number == os.getpid():
                return True
        return False

    return [number for number in found if is_below(number)]


@pytest.mark.slow
def test_a_fit_that_loses_a_worker_on_ray_goes_on_by_itself(cluster, tmp_path):
    (tmp_path / "c.yaml").write_text(WORKERS)
    words = ["training.epochs=60", "--threads", "1"]
    there = ["--engine", "ray", "--address", cluster.address, "--workers", "2"]
    history = tmp_path / "lost" / "history.csv"

    def lose_a_worker() -> None:
        until = time.monotonic() + 200
        while time.monotonic() < until and not (history.is_file() and history.read_text().count("\n") > 5):
            time.sleep(0.1)
        for number in descendants(b"ray::Seat.train"):
            os.kill(number, signal.SIGKILL)

    thread = threading.Thread(target=lose_a_worker)
    thread.start()
    done = run_dltrain("fit", "c.yaml", *words, "--run-dir", "lost", *there, "--require", "accuracy>=0.1", "--json", cwd=tmp_path)
    thread.join()
    assert done.returncode == 0, done.stderr
    assert "going on with what was saved (try 1 of 3)" in done.stderr
    document = json.loads(done.stdout)
    assert (document["status"], document["epochs"], document["resumed"]) == ("finished", 60, True)
    assert [gate["met"] for gate in document["gates"]] == [True]
    assert polars.read_csv(history)["epoch"].to_list() == list(range(1, 61))


def test_a_fit_does_not_go_on_for_ever(monkeypatch):
    console = Console()
    begun = []
    monkeypatch.setattr(os, "execve", lambda *words: begun.append(words))
    error = WorkerLostError("worker 1 of 2 is gone")
    go_on(["fit", "--resume", "x"], error, console)
    [(_, words, environment)] = begun
    assert "['fit', '--resume', 'x']" in words[-1]
    assert environment["DLTRAIN_WORKERS_LOST"] == "1"
    monkeypatch.setenv("DLTRAIN_WORKERS_LOST", "3")
    with pytest.raises(WorkerLostError, match="worker 1 of 2 is gone"):
        go_on(["fit", "--resume", "x"], error, console)
