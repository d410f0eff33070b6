"""Real worker processes: bits, deaths, interruptions, growth, memory."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dltrain.processes.helper import receive_message
from dltrain.processes.signals import StopSignals
from dltrain.reporting import Reporter
from dltrain.storage.run import Run
from dltrain.sweep.engines.engine import EngineContext
from dltrain.sweep.engines.processes import ProcessesEngine, Worker
from dltrain.sweep.engines.worker import BEGIN
from dltrain.sweep.sweep import sweep
from dltrain.sweep.trials import TrialFit
from dltrain.training.fit import fit
from tests.support import REPOSITORY, run_dltrain
from tests.sweep.support import SMALL, small
from tests.training.support import assert_same_bits

RATES = "training.optimizer.learning_rate=0.001,0.01,0.1"


def holder_of(path: Path) -> int:
    """The process that holds a run."""
    match = re.match(r"process (\d+) ", (path / ".lock").read_text())
    assert match is not None
    return int(match[1])


class Killer(Reporter):
    """Kills the worker of one trial at its first epoch's end."""

    def __init__(self, folder: Path, number: int, sent: int = signal.SIGKILL) -> None:
        self.folder, self.number, self.sent = folder, number, sent
        self.pid: int | None = None

    def trial_changed(self, trial):
        if trial["number"] == self.number and trial["epoch"] == 1 and self.pid is None:
            self.pid = holder_of(self.folder / "trials" / f"{self.number:04d}")
            assert self.pid != os.getpid()
            os.kill(self.pid, self.sent)


def test_a_killed_worker_fails_its_trial_and_the_others_have_the_bits_of_fit(tmp_path):
    config = small("training.epochs=60")
    folder, over = tmp_path / "s", "training.optimizer.learning_rate=0.01,0.1"
    result = sweep(config, over=[over], engine="processes", jobs=1, run_dir=folder, reporter=Killer(folder, 1))
    assert [trial["status"] for trial in result.trials] == ["failed", "finished"]
    assert "SIGKILL" in result.trials[0]["error"]
    assert result.status == "trials_crashed"
    alone = fit(small("training.epochs=60", "training.optimizer.learning_rate=0.1"), run_dir=tmp_path / "alone")
    assert alone.metrics == result.trials[1]["metrics"]
    assert_same_bits(tmp_path / "alone", folder / "trials" / "0002")


class OneFit:
    """A source of fits."""

    def __init__(self, fits):
        self.fits = list(fits)

    def take(self, most):
        taken, self.fits = self.fits[:most], self.fits[most:]
        return taken


@pytest.mark.slow
def test_a_worker_that_grows_is_replaced(tmp_path):
    fits = [TrialFit(n, {}, small(), tmp_path / f"{n:04d}") for n in (1, 2, 3)]
    with StopSignals() as signals:
        signals.defer()
        holders = []
        for done in ProcessesEngine(most_growth=-1).run(OneFit(fits), EngineContext(Reporter(), signals, jobs=1)):
            assert done.status == "finished"
            holders.append(holder_of(done.path))
    assert len(set(holders)) == 3


@pytest.mark.slow
def test_a_strangers_signal_does_not_end_a_trial(tmp_path):
    config = small("training.epochs=300")
    killer = Killer(tmp_path / "s", 1, signal.SIGTERM)
    result = sweep(config, over=["droprate=0.1"], engine="processes", jobs=1, run_dir=tmp_path / "s", reporter=killer)
    assert killer.pid is not None
    assert result.status == "finished"
    fit(small("training.epochs=300"), run_dir=tmp_path / "alone")
    assert_same_bits(tmp_path / "alone", tmp_path / "s" / "trials" / "0001")


@pytest.mark.slow
@pytest.mark.parametrize(("sent", "code"), [(signal.SIGKILL, -9), (signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("engine", ["processes", "stacked"])
def test_an_ended_sweep_goes_on_to_the_bit_and_repeats_nothing(tmp_path, sent, code, engine):
    (tmp_path / "small.yaml").write_text(SMALL.replace("epochs: 2", "epochs: 600"))
    words = ["sweep", "small.yaml", "--over", RATES, "--engine", engine, "--jobs", "2"]
    whole = run_dltrain(*words, "--run-dir", "whole", cwd=tmp_path)
    assert whole.returncode == 0, whole.stderr
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    process = subprocess.Popen(
        [sys.executable, "-m", "dltrain", *words, "--run-dir", "cut"],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    history = tmp_path / "cut" / "trials" / "0002" / "history.csv"
    until = time.monotonic() + 300
    while not (history.exists() and history.read_text().count("\n") > 60) and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(sent)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == code, errors
    if sent != signal.SIGKILL:
        assert errors.strip().splitlines()[-1] == "dltrain sweep --resume cut"
    ended = [path for path in (tmp_path / "cut" / "trials").iterdir() if (path / "metrics.json").exists()]
    before = {path: (path / "metrics.json").stat().st_mtime_ns for path in ended}
    done = run_dltrain("sweep", "--resume", "cut", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["trials"]) == 3
    assert all((path / "metrics.json").stat().st_mtime_ns == when for path, when in before.items())
    for number in (1, 2, 3):
        assert_same_bits(tmp_path / "whole" / "trials" / f"{number:04d}", tmp_path / "cut" / "trials" / f"{number:04d}")


@pytest.mark.slow
def test_the_sweeps_own_memory_is_flat_over_200_trials(tmp_path):
    (tmp_path / "small.yaml").write_text(SMALL.replace("epochs: 2", "epochs: 1"))
    over = "training.optimizer.learning_rate={low: 1e-4, high: 1e-1, log: true}"
    code = (
        "import sys\nfrom pathlib import Path\nfrom dltrain.config import load_config\nfrom dltrain.reporting import Reporter\n"
        "from dltrain.sweep.sweep import sweep\n"
        "class Watch(Reporter):\n"
        "    def trial_changed(self, trial):\n"
        "        if trial['is_ended']:\n"
        "            rss = int(Path('/proc/self/statm').read_text().split()[1]) * 4096\n"
        "            print(trial['number'], rss, flush=True)\n"
        f"sweep(load_config('small.yaml'), over=[{over!r}], trials=200, engine='processes', run_dir=Path('s'), reporter=Watch())\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    sizes = [int(line.split()[1]) for line in done.stdout.splitlines()]
    assert len(sizes) == 200
    assert sum(1 for _ in (tmp_path / "s" / "trials").iterdir()) == 200
    assert max(sizes[20:]) - sizes[20] < 20 << 20
    statuses = [Run(path).read_manifest()["status"] for path in (tmp_path / "s" / "trials").iterdir()]
    assert set(statuses) == {"finished"}


def test_attack_6_a_worker_imports_nothing_from_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("selectors.py", "numpy.py", "sitecustomize.py", "usercustomize.py", "yaml.py"):
        (tmp_path / name).write_text(f"open({str(tmp_path / 'executed')!r}, 'a').write({name!r})\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["", str(tmp_path)]))
    worker = Worker()
    try:
        worker.send(BEGIN, 1)
        assert receive_message(worker.channel)[0]
    finally:
        worker.close()
    assert not (tmp_path / "executed").exists()
