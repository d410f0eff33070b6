"""An ensemble beside one fit: seconds, and what averaging gives.

Run with `python -m tests.benchmarks.members`; `--tables NAME,…` adds real tables (of `$DLTRAIN_DATA/tabular`), one fit beside
eight members of one seed. Each fit is a process of its own, as a user starts it; the seconds of the processor, of all threads
together, do not depend on what else the machine does.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from tests.support import REPOSITORY, data_folder

ROWS, COLUMNS = 30_000, 20
CONFIG = """
data: {source: csv, path: rows.csv, target: y, split: {test: 0.2, validation: 0.2}}
model:
  layers:
    - Dense: {units: 256, activation: relu}
    - Dense: {units: 256, activation: relu}
    - Dense: {units: 256, activation: relu}
training: {epochs: EPOCHS, batch_size: BATCH, optimizer: {Adam: {learning_rate: 0.001}}}
"""


def make_rows(folder: Path) -> None:
    """Two classes, of which a net learns more the longer it is trained."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(ROWS, COLUMNS))
    logit = x @ rng.normal(size=COLUMNS) * 0.5 + np.sin(2 * x[:, 0]) * 2 * x[:, 1]
    y = np.where(rng.random(ROWS) < 1 / (1 + np.exp(-logit)), "yes", "no")
    header = ",".join(f"x{index}" for index in range(COLUMNS))
    lines = [",".join(f"{value:.5f}" for value in row) + f",{target}" for row, target in zip(x, y)]
    (folder / "rows.csv").write_text(f"{header},y\n" + "\n".join(lines) + "\n")


def measure(folder: Path, config: Path, name: str, *overrides: str) -> tuple[float, float, dict[str, object]]:
    """Wall time and processor time of one `dltrain fit`, and its JSON."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    before, started = os.times(), time.monotonic()
    words = ["-m", "dltrain", "-q", "--json", "fit", str(config), "--run-dir", str(folder / name), *overrides]
    done = subprocess.run([sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True, check=True)
    wall, after = time.monotonic() - started, os.times()
    processor = after.children_user + after.children_system - before.children_user - before.children_system
    return wall, processor, json.loads(done.stdout)


def compare(folder: Path, epochs: int, batch: int, members: int) -> None:
    """One line of the table of seconds."""
    config = folder / f"net-{epochs}-{batch}.yaml"
    config.write_text(CONFIG.replace("EPOCHS", str(epochs)).replace("BATCH", str(batch)))
    wall, processor, one = measure(folder, config, f"one-{epochs}-{batch}")
    more_wall, more_processor, several = measure(folder, config, f"several-{epochs}-{batch}", f"training.members={members}")
    losses = [result["metrics"]["test"]["log_loss"] for result in (one, several)]  # type: ignore[index]
    print(
        f"{epochs:>7} {batch:>6} {wall:>9.1f} {more_wall:>9.1f} {more_wall / wall:>7.2f}"
        f" {processor:>9.1f} {more_processor:>9.1f} {more_processor / processor:>7.2f} {losses[0]:>9.4f} {losses[1]:>9.4f}"
    )


def compare_table(folder: Path, name: str, members: int) -> None:
    """One line of the table of qualities: `init`'s config untouched, and with members."""
    config = folder / f"{name}.yaml"
    found = data_folder()
    assert found is not None, "set DLTRAIN_DATA"
    source, target = name.split(":")
    words = [sys.executable, "-m", "dltrain", "init", str(found / "tabular" / source), "--target", target, "-o", str(config)]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    subprocess.run(words, cwd=folder, env=environment, capture_output=True, check=True)
    _, _, one = measure(folder, config, f"{target}-one", "training.members=1")
    _, _, several = measure(folder, config, f"{target}-several", f"training.members={members}")
    for result, label in ((one, "one"), (several, f"{members} members")):
        metrics = result["metrics"]["test"]  # type: ignore[index]
        shown = {key: metrics[key] for key in ("roc_auc", "log_loss", "rmse") if key in metrics}
        print(f"{source:<40} {label:<10} " + "  ".join(f"{key} {value:.5g}" for key, value in shown.items()))


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, default=5)
    parser.add_argument("--tables", default="", help="FILE:TARGET below tabular/, several with commas between")
    parser.add_argument("--epochs", default="10,40")
    parser.add_argument("--batch", default="32,256")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for table in filter(None, arguments.tables.split(",")):
            compare_table(folder, table, 8)
        if arguments.epochs:
            make_rows(folder)
            print(f"{ROWS:,} rows, {COLUMNS} columns, 3 x 256; seconds of one fit and of {arguments.members} members")
            print(" epochs  batch  wall one  members   ratio  cpu one   members   ratio  loss one   members")
            for epochs in map(int, arguments.epochs.split(",")):
                for batch in map(int, arguments.batch.split(",")):
                    compare(folder, epochs, batch, arguments.members)


if __name__ == "__main__":
    main()
