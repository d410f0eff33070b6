"""`dltrain check` of a config with three bases and own code, against `import keras` alone; on a data set and on a CSV file.

    python -m tests.benchmarks.checks [--repeats 7] [--json FILE]

Whole processes, one after the other, in turns; the first of each is not counted. The table shows medians, of the processors'
seconds as well: those do not hang on what else the machine does. It should take a fifteenth at the most; of a file, whose
beginning is read, polars and NumPy are imported besides. What `dltrain completion` answers a shell takes 0.15 s at the most.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.own_code import write_config
from tests.support import REPOSITORY

MOST = 1 / 15
BASES = {
    "first": "seed: 3\ndata: {source: diabetes, scale_target: false}\n",
    "second": "extends: first.yaml\ndata: {split: {test: 0.2, validation: 0.2}}\n",
    "third": "extends: second.yaml\ncode: [my_layers.py]\ntraining: {epochs: 3, loss: {Cubic: {power: 2.0}}}\n",
}
OWN = """\
extends: third.yaml
model:
  layers:
    - Dense: {units: 4, activation: squash}
    - Scale: {start: 0.5, mode: each}
    - Halves: {units: 6}
training:
  metrics: [Largest, powers]
  optimizer: {Damped: {learning_rate: {Hyperbola: {first: 0.2}}, damping: 0.5}}
"""


def write_bases(folder: Path) -> tuple[Path, Path]:
    """The config with its bases and own code in a folder; returns its file, and one that does the same with rows of a file."""
    for name, text in BASES.items():
        (folder / f"{name}.yaml").write_text(text)
    config = write_config(folder, OWN)
    (folder / "rows.yaml").write_text("extends: own.yaml\ndata: {source: csv, path: rows.csv, target: y}\n")
    return config, folder / "rows.yaml"


def seconds_of(command: Sequence[str], folder: Path) -> tuple[float, float]:
    """Wall seconds and processor seconds of one process."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "DLTRAIN_WARM": "0", "TF_CPP_MIN_LOG_LEVEL": "3"}
    started = time.perf_counter()
    pid = os.posix_spawnp(command[0], list(command), environment, file_actions=[
        (os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_WRONLY, 0) for number in (1, 2)
    ])  # fmt: skip
    _, status, usage = os.wait4(pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} ended with {os.waitstatus_to_exitcode(status)}")
    return time.perf_counter() - started, usage.ru_utime + usage.ru_stime


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(words)
    with tempfile.TemporaryDirectory() as name:
        config, of_file = write_bases(Path(name))
        commands = {
            "check": [sys.executable, "-m", "dltrain", "check", str(config)],
            "check of a CSV": [sys.executable, "-m", "dltrain", "check", str(of_file)],
            "an answer to a shell": [sys.executable, "-m", "dltrain", "completion", "words", "zsh", "fit", "x", "training.o"],
            "import keras": [sys.executable, "-c", "import keras"],
        }
        found: dict[str, list[tuple[float, float]]] = {what: [] for what in commands}
        for repeat in range(options.repeats + 1):
            for what, command in commands.items():
                seconds = seconds_of(command, Path(name))
                if repeat:
                    found[what].append(seconds)
    medians = {what: [statistics.median(column) for column in zip(*rows, strict=True)] for what, rows in found.items()}
    keras = medians["import keras"]
    ratios = {what: [there / here for here, there in zip(seconds, keras, strict=True)] for what, seconds in medians.items()}
    print(f"{'':22}{'wall':>16}{'processor':>16}")
    for what, seconds in medians.items():
        print(f"{what:22}" + "".join(f"{one:8.3f}s  1/{ratio:<4.1f}" for one, ratio in zip(seconds, ratios[what], strict=True)))
    print(f"wanted of the first: 1/{1 / MOST:.0f} at the most")
    if options.json:
        options.json.write_text(json.dumps({"seconds": medians, "ratios": ratios}))


if __name__ == "__main__":
    main()
