"""Whole processes: sweeps against single fits, and against a loop written by hand, one after the other, several times.

    python -m tests.benchmarks.sweeps [--repeats 3] [--only NAME] [--fits 4] [--json FILE]

Needs the real data (`$DLTRAIN_DATA`, or `../shared/data`). Wall time is the operating system's, imports and pictures included;
the first run of each is not counted (it fills caches). The table shows medians, and the median of the ratios pair by pair.
Of the 16 fits of the small network `--fits` are timed, and the rest taken to be as long.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.processes import ADULT, run_once
from tests.support import REPOSITORY, data_folder

MNIST = """
seed: 0
data: {source: mnist, limit: 10000, scale: unit}
model:
  layers:
    - Conv2D: {filters: 8, kernel_size: 3, activation: relu}
    - MaxPooling2D
    - Conv2D: {filters: 16, kernel_size: 3, activation: relu}
    - MaxPooling2D
    - Flatten
    - Dense: {units: 32, activation: relu}
training: {epochs: 2, batch_size: 64, metrics: [accuracy]}
"""
RATE = "training.optimizer.learning_rate"
EIGHT = [1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1]
# Up to a tenth: none of them diverges, so that all train to the end.
THIRTY_TWO = [round(10 ** (-4 + 3 * index / 31), 9) for index in range(32)]
EIGHT_OF_THEM = THIRTY_TWO[::4]
SIXTEEN = [round(10 ** (-4 + 2 * index / 15), 9) for index in range(16)]


def over(values: Sequence[float]) -> str:
    """A word for `--over`."""
    return f"{RATE}={','.join(f'{value:g}' for value in values)}"


@dataclass(frozen=True)
class Case:
    """Two things that are timed: each gives its seconds."""

    ours: Callable[[], float]
    theirs: Callable[[], float]
    goal: float


def cases_in(folder: Path, data: Path, fits: int) -> dict[str, Case]:
    """The table of comparisons."""
    dltrain = [sys.executable, "-m", "dltrain"]
    lfw = str(REPOSITORY / "configs" / "lfw.yaml")

    def seconds(*words: str) -> float:
        for old in folder.glob("runs/*"):
            shutil.rmtree(old)
        return run_once(words, folder)[0]

    def sweep(config: str, *words: str) -> float:
        return seconds(*dltrain, "sweep", config, "-q", *words)

    def sixteen_fits() -> float:
        chosen = SIXTEEN[:: max(1, 16 // fits)]
        return 16 * statistics.mean(seconds(*dltrain, "fit", "mnist.yaml", "-q", f"{RATE}={rate:g}") for rate in chosen)

    by_hand = str(REPOSITORY / "tests" / "benchmarks" / "by_hand" / "lfw_rates.py")
    eight = lambda: sweep(lfw, "--over", over(EIGHT))  # noqa: E731
    return {
        "8 rates on LFW / one fit": Case(eight, lambda: seconds(*dltrain, "fit", lfw, "-q"), 1.5),
        "8 rates on LFW / by hand": Case(eight, lambda: seconds(sys.executable, by_hand, str(folder / "lfw")), 0.25),
        "32 rates / 8 rates": Case(
            lambda: sweep(lfw, "--over", over(THIRTY_TWO)), lambda: sweep(lfw, "--over", over(EIGHT_OF_THEM)), 1.6
        ),
        "16 CNNs on MNIST / 16 fits": Case(lambda: sweep("mnist.yaml", "--over", over(SIXTEEN)), sixteen_fits, 0.55),
        "5 folds on adult / one fit": Case(
            lambda: sweep("adult.yaml", "data.split={folds: 5}"), lambda: seconds(*dltrain, "fit", "adult.yaml", "-q"), 3.0
        ),
    }


def main(words: Sequence[str] | None = None) -> None:
    data = data_folder()
    if data is None:
        raise SystemExit("the real data is not here: set DLTRAIN_DATA")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", help="cases whose name holds this")
    parser.add_argument("--fits", type=int, default=4, help="how many of the 16 fits are timed")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(words)
    if options.json is not None:
        options.json = options.json.absolute()
    results = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.chdir(folder)
        shutil.copytree(data / "lfw", folder / "lfw")  # scikit-learn writes a cache into its folder
        (folder / "adult.yaml").write_text(ADULT)
        (folder / "mnist.yaml").write_text(MNIST)
        print(f"{'experiment':28} {'sweep':>9} {'against':>9} {'ratio':>6} {'goal':>5}")
        for case, timed in cases_in(folder, data, options.fits).items():
            if options.only and options.only not in case:
                continue
            timed.ours(), timed.theirs()
            pairs = [(timed.ours(), timed.theirs()) for _ in range(options.repeats)]
            ours, theirs = (statistics.median(pair[side] for pair in pairs) for side in (0, 1))
            ratio = statistics.median(a / b for a, b in pairs)
            ratios = [round(a / b, 3) for a, b in pairs]
            results[case] = {"seconds": ours, "seconds_against": theirs, "ratio": ratio, "ratios": ratios, "goal": timed.goal}
            print(f"{case:28} {ours:7.2f} s {theirs:7.2f} s {ratio:6.3f} {timed.goal:5.2f}", flush=True)
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
