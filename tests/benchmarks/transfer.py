"""Transfer learning on the clothing pictures: `dltrain fit configs/clothing.yaml` against the same by hand in Keras.

    python -m tests.benchmarks.transfer [--repeats 3] [--hand-epochs 2] [--without-sweep] [--json FILE]

Needs the real data (`$DLTRAIN_DATA`, or `../shared/data`). The script by hand is tests/benchmarks/by_hand/clothing.py; it is run
for two of its ten epochs, and what ten would take is worked out from them: all before training, ten times the second epoch
(the first one also traces the graph: its surplus is added once), and the test. dltrain is run for all ten: first with an
empty cache, then again with what the first run left there; then a sweep of four learning rates on it.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.support import CONFIGS, REPOSITORY, data_folder

EPOCHS = 10
GOALS = {"first": 0.2, "second": 0.05, "sweep": 1.5}


def timed(command: Sequence[str], folder: Path) -> tuple[float, float, str]:
    """Wall seconds, peak memory in MiB of the largest process, and stdout."""
    environment = {
        **os.environ,
        "DLTRAIN_DATA": str(data_folder()),
        "DLTRAIN_CACHE": str(folder / "cache"),
        "PYTHONPATH": str(REPOSITORY),
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    started = time.perf_counter()
    with open(folder / "stdout", "wb") as out, open(folder / "stderr", "wb") as errors:
        process = subprocess.Popen(command, env=environment, cwd=folder, stdout=out, stderr=errors)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - started
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}:\n{(folder / 'stderr').read_text()[-2000:]}")
    return seconds, usage.ru_maxrss / 1024, (folder / "stdout").read_text()


def by_hand(folder: Path, epochs: int) -> dict[str, Any]:
    """What the script takes for some epochs, and what it would take for ten."""
    data = data_folder()
    assert data is not None
    script = REPOSITORY / "tests" / "benchmarks" / "by_hand" / "clothing.py"
    weights = data / "weights" / "xception_imagenet_notop.weights.h5"
    words = [sys.executable, str(script), str(data / "clothing"), str(weights), str(epochs)]
    seconds, memory, out = timed(words, folder)
    stages = json.loads(out.strip().splitlines()[-1])
    later = statistics.median(stages["epochs"][1:] or stages["epochs"])
    ten = seconds - sum(stages["epochs"]) + stages["epochs"][0] + (EPOCHS - 1) * later
    return {"seconds": seconds, "memory": memory, "ten_epochs": ten, "stages": stages}


def fit(folder: Path, name: str) -> dict[str, Any]:
    """All ten epochs by dltrain."""
    words = [sys.executable, "-m", "dltrain", "fit", str(CONFIGS / "clothing.yaml"), "--json", "--run-dir", str(folder / name)]
    seconds, memory, out = timed(words, folder)
    document = json.loads(out)
    return {
        "seconds": seconds,
        "memory": memory,
        "accuracy": document["metrics"]["test"]["accuracy"],
        "stages": document["seconds"],
    }


def sweep(folder: Path, number: int) -> dict[str, Any]:
    """Four learning rates of ten epochs each, with the features stored."""
    into = str(folder / f"sweep{number}")
    words = [sys.executable, "-m", "dltrain", "sweep", str(CONFIGS / "clothing.yaml"), "--json", "--run-dir", into]
    seconds, memory, _ = timed(words, folder)
    return {"seconds": seconds, "memory": memory}


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--hand-epochs", type=int, default=2)
    parser.add_argument("--without-sweep", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(words)
    if data_folder() is None:
        raise SystemExit("the real data is not here; name its folder in DLTRAIN_DATA")
    results: dict[str, list[dict[str, Any]]] = {"by_hand": [], "first": [], "second": [], "sweep": []}
    for number in range(options.repeats):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            results["by_hand"].append(by_hand(folder, options.hand_epochs))
            results["first"].append(fit(folder, "first"))
            results["second"].append(fit(folder, "second"))
            if not options.without_sweep:
                results["sweep"].append(sweep(folder, number))
    ratios = {
        "first": [a["seconds"] / b["ten_epochs"] for a, b in zip(results["first"], results["by_hand"])],
        "second": [a["seconds"] / b["ten_epochs"] for a, b in zip(results["second"], results["by_hand"])],
        "sweep": [a["seconds"] / b["seconds"] for a, b in zip(results["sweep"], results["second"])],
    }
    show(results, ratios, options.hand_epochs)
    if options.json:
        options.json.write_text(json.dumps({"results": results, "ratios": ratios, "goals": GOALS}, indent=2) + "\n")


def show(results: dict[str, list[dict[str, Any]]], ratios: dict[str, list[float]], hand_epochs: int) -> None:
    """The table: medians."""
    hand = results["by_hand"]
    print(f"{'clothing, 10 epochs':42} {'seconds':>9} {'MiB':>7} {'ratio':>7} {'goal':>6}  test accuracy")
    ten = statistics.median(row["ten_epochs"] for row in hand)
    memory = statistics.median(row["memory"] for row in hand)
    print(f"{f'by hand (worked out from {hand_epochs} epochs)':42} {ten:9.1f} {memory:7.0f}")
    labels = {
        "first": "dltrain, empty cache",
        "second": "dltrain, features stored",
        "sweep": "4 learning rates, of one stored fit",
    }
    for name, label in labels.items():
        rows = results[name]
        if rows:
            seconds, memory = (statistics.median(row[key] for row in rows) for key in ("seconds", "memory"))
            accuracy = f"{statistics.median(row['accuracy'] for row in rows):.3f}" if "accuracy" in rows[0] else ""
            ratio = statistics.median(ratios[name])
            print(f"{label:42} {seconds:9.1f} {memory:7.0f} {ratio:7.3f} {GOALS[name]:6.2f}  {accuracy}")


if __name__ == "__main__":
    main()
