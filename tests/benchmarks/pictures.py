"""Pictures a second, read and trained on, against `keras.utils.image_dataset_from_directory` and `fit`.

    python -m tests.benchmarks.pictures [--repeats 3] [--epochs 4] [--json FILE]

Needs the pictures of clothing (`$DLTRAIN_DATA/clothing`, or those of `../shared/data`). Both sides train the net of
`configs/clothing_cnn.yaml` in a process of their own, validated each epoch. The first epoch holds all before its end: Keras's
import, during which dltrain's helper process decodes, listing and decoding the pictures with nothing in dltrain's cache, and
building the net; later epochs are the mean of the others. A row with the cache filled by an earlier run comes third.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from dltrain.config import load_config
from dltrain.reporting import Reporter
from dltrain.training.fit import fit
from tests.support import CONFIGS, REPOSITORY, data_folder

GOALS = {"first epoch": 1.0, "later epochs": 1.5}


class _Clock(Reporter):
    """Remembers when each epoch ended."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def epoch_end(self, epoch: int, logs: object, seconds: float) -> None:
        self.ends.append(time.perf_counter())


def ours(epochs: int) -> list[float]:
    """Seconds of each epoch, in this process."""
    started = time.perf_counter()
    config = load_config(CONFIGS / "clothing_cnn.yaml", [f"training.epochs={epochs}", "training.early_stopping=null"])
    clock = _Clock()
    with tempfile.TemporaryDirectory() as folder:
        fit(config, runs=Path(folder), reporter=clock)
    ends = [started, *clock.ends]
    return [after - before for before, after in itertools.pairwise(ends)]


def run(command: Sequence[str], cache: Path) -> list[float]:
    """Seconds of each epoch that a process of its own prints."""
    environment = {**os.environ, "DLTRAIN_DATA": str(data_folder()), "DLTRAIN_CACHE": str(cache), "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr[-3000:])
    seconds: list[float] = json.loads(done.stdout.splitlines()[-1])
    return seconds


def main(words: Sequence[str] | None = None) -> None:
    data = data_folder()
    if data is None or not (data / "clothing").is_dir():
        raise SystemExit("the pictures of clothing are not here: set DLTRAIN_DATA")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--ours", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(words)
    if options.ours:
        print(json.dumps(ours(options.epochs)))
        return
    num_pictures = sum(len(files) for part in ("train", "validation") for _, _, files in os.walk(data / "clothing" / part))
    own = [sys.executable, "-m", "tests.benchmarks.pictures", "--ours", "--epochs", str(options.epochs)]
    by_hand = [
        sys.executable,
        str(Path(__file__).parent / "by_hand" / "pictures.py"),
        str(data / "clothing"),
        str(options.epochs),
    ]
    rates: dict[str, dict[str, list[float]]] = {}
    for _ in range(options.repeats):
        with tempfile.TemporaryDirectory() as folder:
            for name, command in (("dltrain", own), ("by hand", by_hand), ("dltrain, again", own)):
                first, *later = run(command, Path(folder))
                found = rates.setdefault(name, {"first epoch": [], "later epochs": []})
                found["first epoch"].append(num_pictures / first)
                found["later epochs"].append(num_pictures / statistics.mean(later))
    print(f"{num_pictures:,} pictures; pictures a second (medians of {options.repeats})")
    print(f"{'':14} {'dltrain':>9} {'by hand':>9} {'again':>9} {'ratio':>7} {'goal':>6}")
    results = {}
    for when, goal in GOALS.items():
        medians = {name: statistics.median(found[when]) for name, found in rates.items()}
        ratio = statistics.median(a / b for a, b in zip(rates["dltrain"][when], rates["by hand"][when]))
        results[when] = {
            "pictures_per_second": medians,
            "ratio": ratio,
            "goal": goal,
            "all": {n: f[when] for n, f in rates.items()},
        }
        print(
            f"{when:14} {medians['dltrain']:9.0f} {medians['by hand']:9.0f} {medians['dltrain, again']:9.0f} {ratio:7.2f} {goal:6.1f}"
        )
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
