"""Series: an untouched `dltrain init --series` and `dltrain fit`, beside the simple forecasts of the same windows.

    python -m tests.benchmarks.forecasts [FILE …]

Each file is a table whose first column is the time and whose last is foretold; without files those of
`$DLTRAIN_DATA/timeseries/classic`. The mean absolute error of the test part, the last fifth of the rows, stands beside those of the
last value and of the value a season before; the ratio is to the better of the two, and its geometric mean over the files ends the
table. Seconds are those of the whole command `dltrain fit`.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.support import REPOSITORY, data_folder


def run(folder: Path, *words: str) -> None:
    """Run `dltrain`, and end with what it says where it fails."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-m", "dltrain", *words]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr}")


def measure(file: Path) -> tuple[dict[str, float], dict[str, dict[str, float]], float]:
    """Metrics of the test part, those of the simple forecasts by name, and the seconds of the fit."""
    with file.open() as stream:
        names = [name.strip('"') for name in stream.readline().strip().lstrip("\ufeff").split(",")]
    with tempfile.TemporaryDirectory() as there:
        folder = Path(there)
        run(folder, "init", str(file.resolve()), "--target", names[-1], "--series", names[0], "-o", "c.yaml")
        started = time.monotonic()
        run(folder, "fit", "c.yaml", "--run-dir", "run", "-q")
        seconds = time.monotonic() - started
        found: dict[str, Any] = json.loads((folder / "run" / "metrics.json").read_text())
    return found["metrics"]["test"], found["report"]["baselines"], seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path)
    data = data_folder()
    files = parser.parse_args().files or sorted((data / "timeseries" / "classic").glob("*.csv") if data else ())
    print(f"{'file':32} {'dltrain':>10} {'last value':>10} {'season ago':>10} {'ratio':>6} {'s':>6}", flush=True)
    ratios = []
    for file in files:
        metrics, simple, seconds = measure(file)
        last = simple["last value"]["mae"]
        season = next((each["mae"] for name, each in simple.items() if name.endswith("rows before")), math.nan)
        ratios.append(metrics["mae"] / min(last, season if season == season else last))
        print(
            f"{file.stem[:32]:32} {metrics['mae']:10.4g} {last:10.4g} {season:10.4g} {ratios[-1]:6.2f} {seconds:6.1f}", flush=True
        )
    if ratios:
        print(f"geometric mean of {len(ratios)}: {math.exp(sum(map(math.log, ratios)) / len(ratios)):.3f}")


if __name__ == "__main__":
    main()
