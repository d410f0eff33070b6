"""A CSV that does not fit in memory: memory and speed of `dltrain fit` on it, beside a bare polars scan.

    python -m tests.benchmarks.large_csv --folder FOLDER [--rows 20000000] [--json FILE] [--keep]

Makes the CSV (20 columns; 20 million rows are 3.4 GB) in the folder, scans it with polars (the sum of every column, streaming),
then fits twice: the first time converts, the second finds columns and rows in dltrain's cache. Memory is the largest sum, at
one moment, of the proportional set sizes of the command and its helper: up to the end of the epoch, and with the evaluation
after it. Needs about three times the CSV's size on disk.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from tests.support import REPOSITORY

CHUNK_ROWS = 500_000
NUM_NUMBERS = 17
CONFIG = """
name: large
seed: 1
data:
  source: csv
  path: {path}
  target: y
model:
  layers:
    - Dense: {{units: 64, activation: relu}}
    - Dense: {{units: 32, activation: relu}}
training: {{epochs: 1, batch_size: 4096}}
"""
SCAN = """
import sys, time, polars
started = time.perf_counter()
lazy = polars.scan_csv(sys.argv[1])
total = lazy.select(polars.len().alias("rows"), polars.col(polars.Float64, polars.Int64).sum()).collect(engine="streaming")
print(total["rows"][0], time.perf_counter() - started)
"""


def make_csv(path: Path, num_rows: int) -> None:
    """Numbers of six decimals, a category, a count, and a label that two of the numbers tell."""
    import polars

    with open(path, "wb") as file:
        for number, first in enumerate(range(0, num_rows, CHUNK_ROWS)):
            count = min(CHUNK_ROWS, num_rows - first)
            generator = np.random.default_rng([1, number])
            values = generator.standard_normal((NUM_NUMBERS, count)) * np.arange(1, NUM_NUMBERS + 1)[:, None]
            columns: dict[str, Any] = {f"x{index}": np.round(column, 6) for index, column in enumerate(values)}
            columns["color"] = np.array(["red", "green", "blue", "white"])[generator.integers(0, 4, count)]
            columns["count"] = generator.integers(0, 1000, count)
            columns["y"] = np.where(values[0] + values[1] > generator.normal(0, 0.5, count), "yes", "no")
            polars.DataFrame(columns).write_csv(file, include_header=first == 0)


def scan(path: Path) -> tuple[int, float]:
    """Rows and seconds of the bare scan, in a process of its own."""
    output = subprocess.run([sys.executable, "-c", SCAN, str(path)], capture_output=True, text=True, check=True).stdout.split()
    return int(output[0]), float(output[1])


def fit(folder: Path, path: Path, number: int) -> dict[str, Any]:
    """What `dltrain fit --json` says, with the peak memory of its processes in MB."""
    config = folder / "large.yaml"
    config.write_text(CONFIG.format(path=path))
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "DLTRAIN_CACHE": str(folder / "cache")}
    command = [sys.executable, "-m", "dltrain", "fit", str(config), "--json", "-v", "--run-dir", str(folder / f"run-{number}")]
    with open(folder / f"fit-{number}.log", "wb") as log:
        started = time.perf_counter()
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log)
        peaks = {"until trained": dict.fromkeys(("together", "parent", "helper"), 0.0)}
        peaks["evaluation"] = dict(peaks["until trained"])
        history = folder / f"run-{number}" / "history.csv"
        while process.poll() is None:
            parent, helper = resident(process.pid), sum(resident(child) for child in children(process.pid))
            trained = history.exists() and history.read_bytes().count(b"\n") > 1
            peak = peaks["evaluation" if trained else "until trained"]
            for name, now in (("together", parent + helper), ("parent", parent), ("helper", helper)):
                peak[name] = max(peak[name], now)
            time.sleep(0.1)
        assert process.stdout is not None
        output = process.stdout.read()
    if process.returncode:
        raise SystemExit(f"fit ended with {process.returncode}:\n{output.decode()}\n{(folder / f'fit-{number}.log').read_text()}")
    return {**json.loads(output), "wall": time.perf_counter() - started, "memory": peaks}


def children(pid: int) -> list[int]:
    """Processes that a process has started."""
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def resident(pid: int) -> float:
    """Proportional set size in MB; 0 where the process is gone."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1000


def measure(folder: Path, num_rows: int) -> dict[str, Any]:
    """All figures."""
    path = folder / "large.csv"
    make_csv(path, num_rows)
    rows, seconds = scan(path)
    assert rows == num_rows
    result: dict[str, Any] = {
        "rows": rows,
        "bytes": path.stat().st_size,
        "scan": {"seconds": seconds, "rows_per_second": rows / seconds},
    }
    for number, name in enumerate(("first fit", "second fit")):
        found = fit(folder, path, number)
        result[name] = {
            "wall": found["wall"],
            "seconds": found["seconds"],
            "memory": found["memory"],
            "metrics": found["metrics"],
            "rows_per_second": {"data": rows / found["seconds"]["data"], "train": rows / found["seconds"]["train"]},
        }
    return result


def show(result: dict[str, Any]) -> None:
    """Print the table."""
    scanned = result["scan"]["rows_per_second"]
    print(
        f"{result['rows']:,} rows, {result['bytes'] / 1e9:.2f} GB; polars scan: {result['scan']['seconds']:.1f} s, {scanned:,.0f} rows/s"
    )
    print(f"{'':12} {'wall s':>7} {'data':>6} {'train':>6} {'evaluate':>8} {'train rows/s':>13} {'of scan':>8}")
    for name in ("first fit", "second fit"):
        row = result[name]
        seconds, rate = row["seconds"], row["rows_per_second"]["train"]
        print(
            f"{name:12} {row['wall']:7.1f} {seconds['data']:6.1f} {seconds['train']:6.1f} {seconds['evaluate']:8.1f} "
            f"{rate:13,.0f} {rate / scanned:8.2f}"
        )
    for name in ("first fit", "second fit"):
        for stage, peak in result[name]["memory"].items():
            figures = ", ".join(f"{who} {size:,.0f} MB" for who, size in peak.items())
            print(f"{name}, peak memory {stage}: {figures}")


def main() -> None:
    """Parse, measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="where the CSV, the cache and the runs go; made and removed")
    parser.add_argument("--rows", type=int, default=20_000_000)
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--keep", action="store_true", help="leave the folder there")
    options = parser.parse_args()
    options.folder.mkdir(parents=True)
    try:
        result = measure(options.folder, options.rows)
    finally:
        if not options.keep:
            shutil.rmtree(options.folder)
    show(result)
    if options.json:
        options.json.write_text(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
