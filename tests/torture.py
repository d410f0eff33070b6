"""Kill real runs, over and over, and print what was lost.

    python -m tests.torture [--kills 1000] [--seed 0] [--keep]

Three experiments (dropout, augmentation, batch normalization, plateau, early stopping, best-only checkpoints; in memory and
streamed) are each run once to the end. Then they are run again under SIGKILL: half of the kills at a random time, half at a
numbered file-system call of a save (the process counts its own fsync, rename and unlink calls and kills itself at one of
them, as `DLTRAIN_TORTURE_AT` says). After each kill what is on disk is looked at - every state file whole, history neither
torn nor doubled, no best file worse than before - and the run goes on with `--resume auto`. When it is done, weights,
optimizer state and history must have the bits of the run that was left alone.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from dltrain.errors import RunError
from dltrain.storage.run import Run
from dltrain.training.saving.state import list_states, load_state
from tests.support import REPOSITORY, history_rows

TABLE = """
name: table
seed: {seed}
data: {{source: csv, path: rows.csv, target: y, split: {{validation: 0.2}}}}
model:
  layers:
    - Dense: {{units: 32, activation: relu}}
    - BatchNormalization
    - Dropout: {{rate: 0.3}}
training:
  epochs: 60
  batch_size: 16
  save_interval: 0.2
  reduce_lr_on_plateau: {{patience: 2}}
  early_stopping: {{patience: 20}}
  checkpoint: {{filepath: "mine.h5", monitor: val_loss, save_best_only: true}}
"""
PICTURES = """
name: pictures
seed: {seed}
data:
  source: noise
  rows: 400
  shape: [12, 12, 1]
  split: {{validation: 0.2}}
  augment: [RandomFlip: {{mode: horizontal}}, RandomRotation: {{factor: 0.1}}]
model:
  layers:
    - Conv2D: {{filters: 4, kernel_size: 3, activation: relu}}
    - GaussianNoise: {{stddev: 0.1}}
    - Flatten
training: {{epochs: 25, batch_size: 16, save_interval: 0.2, optimizer: {{SGD: {{learning_rate: 0.01, momentum: 0.9}}}}}}
"""
# Run by the child: counts the calls that a save makes and kills its own process at one of them.
CHILD = """
import os, signal, sys
at = int(os.environ.get("DLTRAIN_TORTURE_AT", 0))
count = 0
import dltrain.training.trainer as train
train.EPOCH_SAVE_SECONDS = 0.15
train.CALL_SECONDS = 0.02
def counted(name):
    real = getattr(os, name)
    def call(*args, **kwargs):
        global count
        count += 1
        if count == at:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*args, **kwargs)
    setattr(os, name, call)
for name in ("fsync", "replace", "unlink"):
    counted(name)
from dltrain.cli.app import run
sys.exit(run(sys.argv[1:]))
"""
# Forks a child for each line it is sent, and says how it ended. TensorFlow's runtime must not have started before a fork.
SERVER = """
import json, os, sys
os.environ.update(KERAS_BACKEND="tensorflow", TF_CPP_MIN_LOG_LEVEL="3")
import tensorflow, keras
import dltrain.cli.app, dltrain.training.fit
answers = os.fdopen(os.dup(1), "w")
for line in sys.stdin:
    request = json.loads(line)
    child = os.fork()
    if child == 0:
        answers.close()
        nothing = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nothing, descriptor)
        os.chdir(request["folder"])
        os.environ.update(request["environment"])
        sys.argv = ["-c", *request["words"]]
        code = 1
        try:
            exec(request["code"], {"__name__": "__main__"})
        except SystemExit as end:
            code = end.code or 0
        finally:
            os._exit(code)
    print(child, file=answers, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), file=answers, flush=True)
"""


class Warm:
    """Processes forked from one that has imported TensorFlow."""

    def __init__(self) -> None:
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
        command = [sys.executable, "-c", SERVER]
        # Unbuffered, so that `select` sees all there is.
        self._server = subprocess.Popen(command, env=environment, bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def start(self, words: Sequence[str], environment: dict[str, str], folder: Path) -> WarmProcess:
        """Fork a process that runs `dltrain WORDS`."""
        assert self._server.stdin is not None
        request = {"words": list(words), "environment": environment, "folder": str(folder), "code": CHILD}
        self._server.stdin.write((json.dumps(request) + "\n").encode())
        return WarmProcess(self, int(self.read_line(None)))

    def read_line(self, timeout: float | None) -> bytes:
        """What the server says next."""
        assert self._server.stdout is not None
        if timeout is not None and not select.select([self._server.stdout], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired("dltrain", timeout)
        line = self._server.stdout.readline()
        if not line:
            raise SystemExit("the process that forks the others has ended")
        return bytes(line)


class WarmProcess:
    """One of them, with what is used here of `subprocess.Popen`."""

    def __init__(self, warm: Warm, pid: int) -> None:
        self._warm, self.pid = warm, pid

    def wait(self, timeout: float | None = None) -> int:
        """As `Popen.wait`."""
        return int(self._warm.read_line(timeout))

    def kill(self) -> None:
        """SIGKILL, if it has not ended meanwhile."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", action="store_true", help="keep the folder of runs")
    options = parser.parse_args(words)
    folder = Path(tempfile.mkdtemp(prefix="torture-"))
    dice = random.Random(options.seed)
    rows = [f"{dice.gauss(0, 1):.4f},{dice.gauss(0, 1):.4f},{dice.choice('abc')},{dice.choice(['x', 'y'])}" for _ in range(1500)]
    (folder / "rows.csv").write_text("p,q,r,y\n" + "\n".join(rows) + "\n")
    kills, rounds, lost = 0, 0, []
    warm = Warm()

    def begin(config: Path, run_dir: Path, extra: dict[str, str]) -> subprocess.Popen[bytes] | WarmProcess:
        return start(config, run_dir, extra, None if dice.random() < 0.1 else warm)

    while kills < options.kills and not lost:
        name, text, extra = dice.choice(
            [("table", TABLE, {}), ("pictures", PICTURES, {}), ("streamed", TABLE, {"DLTRAIN_STREAM_BYTES": "1"})]
        )
        config = folder / f"{name}{rounds}.yaml"
        config.write_text(text.format(seed=rounds))
        whole, cut = folder / f"{config.stem}-whole", folder / f"{config.stem}-cut"
        started = time.monotonic()
        if start(config, whole, extra, warm).wait() != 0:
            raise SystemExit(f"{config} does not run")
        length = time.monotonic() - started
        done = False
        while not done:
            if kills >= options.kills:
                done = begin(config, cut, extra).wait() == 0
                break
            by_call = dice.random() < 0.5
            process = begin(config, cut, {**extra, "DLTRAIN_TORTURE_AT": str(dice.randint(1, 120))} if by_call else extra)
            try:
                code = process.wait(None if by_call else dice.uniform(0.05 * length, 0.95 * length))
                done = code == 0
                if code not in (0, -signal.SIGKILL):
                    lost.append(f"{cut.name}: ended with {code}")
                    break
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if not done:
                kills += 1
                lost += look_at(cut)
        rounds += 1
        if not lost:
            lost += compare(whole, cut)
        print(f"{kills:5} kills, {rounds} runs, lost: {len(lost) or 'nothing'}", flush=True)
        if not lost and not options.keep:
            shutil.rmtree(whole), shutil.rmtree(cut)
    print("\n".join(lost) if lost else f"{kills} kills over {rounds} runs: nothing was lost")
    if lost:
        raise SystemExit(f"the runs are in {folder}")
    shutil.rmtree(folder)


def start(config: Path, run_dir: Path, extra: dict[str, str], warm: Warm | None) -> subprocess.Popen[bytes] | WarmProcess:
    """Begin a run or go on with it; without `warm` by the whole command."""
    environment = {"DLTRAIN_CACHE": str(config.parent / "cache"), "DLTRAIN_TORTURE_AT": "0", "DLTRAIN_STREAM_BYTES": "", **extra}
    words = ["fit", str(config), "--run-dir", str(run_dir), "--resume", "auto", "-q"]
    if warm is not None:
        return warm.start(words, environment, config.parent)
    whole = {**os.environ, "PYTHONPATH": str(REPOSITORY), **environment}
    command = [sys.executable, "-c", CHILD, *words]
    return subprocess.Popen(command, env=whole, cwd=config.parent, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def look_at(run_dir: Path) -> list[str]:
    """What is wrong with what a killed process left."""
    run, wrong = Run(run_dir), []
    if not run.manifest_file.exists():
        return []
    for path in list_states(run):
        try:
            load_state(path)
        except RunError as error:
            wrong.append(f"{path}: {error}")
    rows = history_rows(run.history_file)
    if [row["epoch"] for row in rows] != list(range(1, len(rows) + 1)):
        wrong.append(f"{run.history_file}: epochs {[row['epoch'] for row in rows]}")
    for path in run.checkpoints.glob("*.h5"):
        import h5py

        try:
            with h5py.File(path, "r") as file:
                file["model_weights"].visit(lambda name: None)
        except (OSError, KeyError) as error:
            wrong.append(f"{path}: {error}")
    return wrong


def compare(whole: Path, cut: Path) -> list[str]:
    """What differs between the run that was left alone and the one that was not."""
    from tests.training.support import assert_same_bits

    try:
        assert_same_bits(whole, cut)
    except AssertionError as error:
        return [f"{cut.name} is not {whole.name}: {str(error).strip().splitlines()[0]}"]
    names = [sorted(path.name for path in Run(path).checkpoints.iterdir()) for path in (whole, cut)]
    if names[0] != names[1]:
        return [f"{cut.name}: checkpoints {names[1]} instead of {names[0]}"]
    differing = [
        name for name in names[0] if (whole / "checkpoints" / name).read_bytes() != (cut / "checkpoints" / name).read_bytes()
    ]
    return [f"{cut.name}: other bytes in {', '.join(differing)}"] if differing else []


if __name__ == "__main__":
    main()
