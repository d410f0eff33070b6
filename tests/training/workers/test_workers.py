"""Several processes train as one does: the same rows in the same order, the same losses but for the last digits, and no run lost."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dltrain import system
from dltrain.cli.app import run as run_here
from dltrain.config import load_config
from dltrain.training.fit import fit as fit_here
from dltrain.training.workers.group import _close_to_others
from tests.support import REPOSITORY, run_dltrain, shared_data
from tests.training.workers.support import answers, own_address, ports_heard

DIGITS = """\
seed: 1
data: {source: digits, scale: unit, split: {test: 0.25, validation: 0.2}}
model:
  layers:
    - Conv2D: {filters: 4, kernel_size: 3, activation: relu}
    - BatchNormalization
    - Flatten
    - Dense: {units: 32, activation: relu}
    - Dropout: {rate: 0.3}
    - GaussianNoise: {stddev: 0.1}
training:
  epochs: 3
  batch_size: 33
  optimizer: {Adam: {learning_rate: 0.01}}
  metrics: [accuracy, F1Score, AUC]
"""


def history(run: Path) -> tuple[list[str], np.ndarray]:
    """Columns and rows of a run's history, but for the seconds."""
    lines = (run / "history.csv").read_text().splitlines()
    names = lines[0].split(",")[:-1]
    return names, np.array([[float(cell) for cell in line.split(",")[: len(names)]] for line in lines[1:]])


def fit(folder: Path, run: str, *words: str, exit_code: int = 0) -> str:
    done = run_dltrain("fit", "c.yaml", "--run-dir", run, *words, cwd=folder, DLTRAIN_WARM="0")
    assert done.returncode == exit_code, done.stdout + done.stderr
    return done.stdout + done.stderr


def assert_same_fit(folder: Path, config: str, *counts: int, tolerance: float = 1e-5) -> None:
    (folder / "c.yaml").write_text(config)
    fit_here(load_config(folder / "c.yaml"), run_dir=folder / "alone")
    names, alone = history(folder / "alone")
    for count in counts:
        fit(folder, f"by{count}", "--workers", str(count))
        together_names, together = history(folder / f"by{count}")
        assert together_names == names
        np.testing.assert_allclose(together, alone, rtol=tolerance, atol=tolerance)


def test_two_workers_train_as_one(tmp_path: Path) -> None:
    assert_same_fit(tmp_path, DIGITS, 2)
    assert json.loads((tmp_path / "by2" / "manifest.json").read_text())["environment"]["workers"] == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["training.members=3"], "training.members"),
        (["training.loss=Dice"], "makes one number of a whole batch"),
        (["training.loss={SparseCategoricalCrossentropy: {reduction: sum}}"], "reduction"),
        (["training.loss={SparseCategoricalCrossentropy: {ignore_class: 3}}"], "ignore_class"),
        (["data={source: shapes}", "model.layers=[{Conv2D: {filters: 4, kernel_size: 3, padding: same}}]"], "data.task"),
    ],
)
def test_what_rows_make_together_is_refused(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "c.yaml").write_text(DIGITS)
    assert run_here(["fit", str(tmp_path / "c.yaml"), "--run-dir", str(tmp_path / "run"), "--workers", "2", *words]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


AUTOENCODER = """\
seed: 3
data: {source: digits, scale: unit, task: reconstruction, corrupt: {noise: 0.2, mask: 0.1}, split: {test: 0.25, validation: 0.2}}
model: {layers: [Flatten, {Dense: {units: 8, activation: relu}}, {Dense: {units: 64, activation: sigmoid}}, {Reshape: {target_shape: [8, 8, 1]}}]}
training: {epochs: 3, batch_size: 100}
"""

PICTURES = """\
seed: 5
data:
  source: digits
  scale: unit
  split: {test: 0.25, validation: 0.2}
  augment: [{RandomRotation: {factor: 0.1}}, {RandomTranslation: {height_factor: 0.1, width_factor: 0.1}}, {RandomZoom: {height_factor: 0.1}}]
model: {layers: [{Conv2D: {filters: 4, kernel_size: 3}}, {SpatialDropout2D: {rate: 0.2}}, Flatten]}
training: {epochs: 2, batch_size: 50, optimizer: {SGD: {learning_rate: 0.05, momentum: 0.9, clipnorm: 1.0}}, class_weight: balanced}
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "config", [AUTOENCODER, PICTURES, DIGITS.replace("batch_size: 33", "batch_size: 2").replace("epochs: 3", "epochs: 1")]
)
def test_four_workers_train_as_one(config: str, tmp_path: Path) -> None:
    assert_same_fit(tmp_path, config, 2, 4, tolerance=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("stream", [False, True])
def test_adult_by_workers(stream: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = shared_data("tabular/adult/adult-train.csv")
    if stream:
        monkeypatch.setenv("DLTRAIN_STREAM_BYTES", "1000000")
    config = f"""\
seed: 2
data: {{source: csv, path: {path}, header: false, target: column_15, split: {{test: 0.2, validation: 0.2}}}}
model: {{layers: [{{Dense: {{units: 16, activation: relu}}}}, {{Dropout: {{rate: 0.2}}}}]}}
training: {{epochs: 3, batch_size: 256, metrics: [AUC]}}
"""
    assert_same_fit(tmp_path, config, 2, 4)


class Fit:
    """A fit by two workers that is being disturbed."""

    def __init__(self, folder: Path, run: str, *words: str) -> None:
        self.path = folder / run
        self.process = subprocess.Popen(
            [sys.executable, "-m", "dltrain", "fit", *words],
            cwd=folder,
            env={**os.environ, "DLTRAIN_WARM": "0", "PYTHONPATH": str(REPOSITORY)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def workers(self) -> list[int]:
        """Processes that the chief started, but for the one that reads and draws."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    words, stat = (entry / "cmdline").read_bytes(), (entry / "stat").read_text()
                except OSError:
                    continue
                if b"workers.member" in words and int(stat.rpartition(")")[2].split()[1]) == self.process.pid:
                    found.append(int(entry.name))
        return found

    def wait_for_epoch(self, epoch: int) -> None:
        file, end = self.path / "history.csv", time.monotonic() + 300
        while time.monotonic() < end and self.process.poll() is None:
            if file.exists() and file.read_bytes().count(b"\n") > epoch:
                return
            time.sleep(0.02)
        raise AssertionError(f"epoch {epoch} was not seen: {self.process.communicate()[0]}")

    def ended(self, within: float = 120) -> tuple[int, str]:
        text, _ = self.process.communicate(timeout=within)
        return self.process.returncode, text


KILLED = DIGITS.replace("epochs: 3", "epochs: 14").replace("batch_size: 33", "batch_size: 8")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    """The history of a fit of `KILLED` by two workers that nobody disturbs."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "c.yaml").write_text(KILLED)
    fit(folder, "whole", "--workers", "2")
    return history(folder / "whole")[1]


@pytest.mark.slow
def test_a_signal_saves_and_a_resume_is_exact(whole: np.ndarray, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(KILLED)
    fitting = Fit(tmp_path, "run", "c.yaml", "--run-dir", "run", "--workers", "2")
    for epoch in (2, 9):
        fitting.wait_for_epoch(epoch)
        time.sleep(0.05)
        fitting.process.send_signal(signal.SIGTERM)
        code, text = fitting.ended()
        assert code == 143, text
        assert "dltrain fit --resume run --workers 2" in text
        fitting = Fit(tmp_path, "run", "--resume", "run", "--workers", "2")
    assert fitting.ended(300)[0] == 0
    np.testing.assert_array_equal(history(tmp_path / "run")[1], whole)


@pytest.mark.skipif(not system.IS_LINUX, reason="elsewhere a firewall has to")
def test_a_server_that_hears_all_addresses_is_met_from_this_machine_alone() -> None:
    with socket.socket() as server, socket.socket() as other:
        for each in (server, other):
            each.bind(("0.0.0.0", 0))
            each.listen()
        ports = [each.getsockname()[1] for each in (server, other)]
        others = [address for address in [own_address()] if address]
        assert all(answers(address, port) for address in ["127.0.0.1", *others] for port in ports)
        assert system.hear_loopback_alone(ports[0])
        assert [answers("127.0.0.1", port) for port in ports] == [True, True]
        assert all([answers(address, port) for port in ports] == [False, True] for address in others)


def test_a_port_that_the_system_does_not_close_is_told(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as server:
        server.bind(("0.0.0.0", 0))
        port = server.getsockname()[1]
        if system.IS_LINUX:
            _close_to_others(port)
        assert not caplog.records
        monkeypatch.setattr(socket, "SO_ATTACH_FILTER", 9_999, raising=False)  # as in a sandbox that has none
        _close_to_others(port)
    assert f"port {port}, by which the workers talk, could not be closed to other machines" in caplog.text
    caplog.clear()
    monkeypatch.undo()
    _close_to_others(port)  # nobody has it
    assert "keep it behind a firewall" in caplog.text


@pytest.mark.slow
def test_workers_of_one_machine_are_met_from_it_alone(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(DIGITS.replace("epochs: 3", "epochs: 2000"))
    fitting = Fit(tmp_path, "run", "c.yaml", "--run-dir", "run", "--workers", "2")
    try:
        fitting.wait_for_epoch(1)
        found = ports_heard([fitting.process.pid, *fitting.workers()])
        assert len(found) == 2
        assert all(answers("127.0.0.1", port) for _, port in found)
        address = own_address()
        assert not any(answers(address, port) for _, port in found if address)
    finally:
        fitting.process.terminate()
    assert fitting.ended()[0] == 143


@pytest.mark.slow
@pytest.mark.parametrize("epochs", [(1,), (2,), (3,), (5,), (6,), (8,), (10,), (11,), (13,), (4, 9)], ids=str)
@pytest.mark.parametrize("who", ["worker", "chief"])
def test_a_process_that_is_killed_costs_nothing(who: str, epochs: tuple[int, ...], whole: np.ndarray, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(KILLED)
    words = ["c.yaml", "--run-dir", "run", "--workers", "2"]
    for epoch in epochs:
        fitting = Fit(tmp_path, "run", *words)
        fitting.wait_for_epoch(epoch)
        (worker,) = fitting.workers()
        os.kill(worker if who == "worker" else fitting.process.pid, signal.SIGKILL)
        code, text = fitting.ended()
        assert code == (8 if who == "worker" else -signal.SIGKILL), text
        if who == "worker":
            assert "worker 1 of 2 is gone" in text
            assert "--workers 2" in text
        end = time.monotonic() + 60
        while Path(f"/proc/{worker}").exists():
            assert time.monotonic() < end, "the worker outlives its chief"
            time.sleep(0.1)
        words = ["--run-dir", "run", "--resume", "auto", "c.yaml", "--workers", "2"]
    assert Fit(tmp_path, "run", *words).ended(300)[0] == 0
    np.testing.assert_array_equal(history(tmp_path / "run")[1], whole)


@pytest.mark.slow
def test_another_number_of_workers_goes_on(whole: np.ndarray, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(KILLED)
    fit(tmp_path, "run", "training.epochs=2")
    for epochs, count in ((3, 3), (4, 1), (5, 2)):
        done = run_dltrain(
            "fit", "--resume", "run", f"training.epochs={epochs}", "--workers", str(count), cwd=tmp_path, DLTRAIN_WARM="0"
        )
        assert done.returncode == 0, done.stdout + done.stderr
    np.testing.assert_allclose(history(tmp_path / "run")[1], whole[:5], rtol=1e-3, atol=1e-3)


def tf_config(index: int, addresses: tuple[str, ...]) -> dict[str, str]:
    return {"TF_CONFIG": json.dumps({"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}})}


def slurm(index: int, addresses: tuple[str, ...]) -> dict[str, str]:
    """As `srun` sets them for two tasks of one node; a job number whose ports are free just now."""
    job = int(addresses[0].rpartition(":")[2]) % 20_000
    return {
        "SLURM_STEP_NUM_TASKS": "2",
        "SLURM_PROCID": str(index),
        "SLURM_STEP_NODELIST": "localhost",
        "SLURM_STEP_TASKS_PER_NODE": "2",
        "SLURM_JOB_ID": str(job),
    }


@pytest.mark.slow
@pytest.mark.parametrize("variables", [tf_config, slurm])
def test_processes_that_somebody_else_starts(variables: Callable[..., dict[str, str]], tmp_path: Path) -> None:
    from dltrain.training.workers.cluster import local_addresses

    (tmp_path / "c.yaml").write_text(DIGITS)
    fit(tmp_path, "alone")
    addresses = local_addresses(2)
    started = []
    for index in range(2):
        folder = tmp_path / f"machine{index}"
        folder.mkdir()
        (folder / "c.yaml").write_text(DIGITS)
        started.append(
            subprocess.Popen(
                [sys.executable, "-m", "dltrain", "fit", "c.yaml", "--run-dir", "run"],
                cwd=folder,
                env={**os.environ, "DLTRAIN_WARM": "0", "PYTHONPATH": str(REPOSITORY), **variables(index, addresses)},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
    ends = [(*process.communicate(timeout=300), process.returncode) for process in started]
    assert [code for _, _, code in ends] == [0, 0], ends
    assert "worker 1 of 2: trained 3 epochs" in ends[1][0]
    assert [path.name for path in (tmp_path / "machine1").iterdir()] == ["c.yaml"]
    np.testing.assert_allclose(history(tmp_path / "machine0" / "run")[1], history(tmp_path / "alone")[1], rtol=1e-5, atol=1e-5)
