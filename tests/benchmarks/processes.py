"""Whole processes: `dltrain fit` against the same experiment written by hand, one after the other, several times.

    python -m tests.benchmarks.processes [--repeats 5] [--warm] [--lfw-by-hand FILE] [--json FILE]

Needs the real data (`$DLTRAIN_DATA`, or `../shared/data`). The LFW script by hand is `../shared/baselines/lfw_keras.py`
beside the data unless another is named. Wall time and peak memory are the operating system's, imports included; the first
run of each is not counted (it fills caches). The table shows medians, and the median of the ratios pair by pair. `--warm` forks
dltrain from a warm process (`dltrain warm`); its memory is then that of the command that waits.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.support import REPOSITORY, data_folder

ADULT = """
seed: 0
data:
  source: csv
  path: tabular/adult/adult-train.csv
  test: tabular/adult/adult-test.csv
  columns: [age, workclass, fnlwgt, education, education_num, marital_status, occupation, relationship, race, sex, capital_gain, capital_loss, hours_per_week, native_country, income]
  target: income
  replace: {income: {"<=50K.": "<=50K", ">50K.": ">50K"}}
  split: {validation: 0.1}
model:
  layers:
    - Dense: {units: 64, activation: relu}
    - Dense: {units: 32, activation: relu}
training: {epochs: 20, batch_size: 128}
"""


def run_once(command: Sequence[str], folder: Path) -> tuple[float, float]:
    """Wall seconds, and peak memory in MiB of the largest process of the command."""
    environment = {
        **os.environ,
        "DLTRAIN_DATA": str(data_folder()),
        "DLTRAIN_CACHE": str(folder / "cache"),
        "PYTHONPATH": str(REPOSITORY),
        "XDG_RUNTIME_DIR": str(folder),
    }
    started = time.perf_counter()
    pid = os.posix_spawnp(command[0], list(command), environment, file_actions=[
        (os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_WRONLY, 0) for number in (1, 2)
    ])  # fmt: skip
    _, status, usage = os.wait4(pid, 0)
    seconds = time.perf_counter() - started
    if status:
        raise SystemExit(f"{' '.join(command)} ended with {os.waitstatus_to_exitcode(status)}")
    return seconds, usage.ru_maxrss / 1024


def main(words: Sequence[str] | None = None) -> None:
    data = data_folder()
    if data is None:
        raise SystemExit("the real data is not here: set DLTRAIN_DATA")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--lfw-by-hand", type=Path, default=data.parent / "baselines" / "lfw_keras.py")
    parser.add_argument("--warm", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(words)
    results = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.chdir(folder)
        shutil.copytree(data / "lfw", folder / "lfw")  # scikit-learn writes a cache into its folder
        (folder / "adult.yaml").write_text(ADULT)
        fit = [sys.executable, "-m", "dltrain", "fit"]
        cases = {
            "LFW, 8 epochs": (
                [*fit, str(REPOSITORY / "configs" / "lfw.yaml"), "training.epochs=8", "-q"],
                [sys.executable, str(options.lfw_by_hand), str(folder / "lfw")],
                0.20 if options.warm else 0.60,
            ),
            "adult 64-32, 20 epochs": (
                [*fit, "adult.yaml", "-q"],
                [
                    sys.executable,
                    str(REPOSITORY / "tests" / "benchmarks" / "by_hand" / "adult.py"),
                    str(data / "tabular" / "adult"),
                ],
                0.35,
            ),
        }
        print(
            f"{'experiment':24} {'dltrain':>9} {'by hand':>9} {'ratio':>6} {'goal':>5} {'memory':>9} {'by hand':>9} {'ratio':>6} {'goal':>5}"
        )
        if options.warm:
            run_once([sys.executable, "-m", "dltrain", "warm", "start"], folder)
        for case, (ours, theirs, goal) in cases.items():
            run_once(ours, folder), run_once(theirs, folder)
            pairs = [(run_once(ours, folder), run_once(theirs, folder)) for _ in range(options.repeats)]
            wall = [statistics.median(pair[side][0] for pair in pairs) for side in (0, 1)]
            memory = [statistics.median(pair[side][1] for pair in pairs) for side in (0, 1)]
            row = {
                "seconds": wall[0], "seconds_by_hand": wall[1], "ratio": statistics.median(a[0] / b[0] for a, b in pairs),
                "ratios": [round(a[0] / b[0], 3) for a, b in pairs], "goal": goal,
                "memory_mib": memory[0], "memory_mib_by_hand": memory[1], "memory_ratio": memory[0] / memory[1], "memory_goal": 1.1,
            }  # fmt: skip
            results[case] = row
            print(
                f"{case:24} {wall[0]:7.2f} s {wall[1]:7.2f} s {row['ratio']:6.3f} {goal:5.2f} "
                f"{memory[0]:5.0f} MiB {memory[1]:5.0f} MiB {row['memory_ratio']:6.3f} {1.1:5.2f}",
                flush=True,
            )
        run_once([sys.executable, "-m", "dltrain", "warm", "stop"], folder)
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
