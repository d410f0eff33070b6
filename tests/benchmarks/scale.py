"""What a step costs on this machine, and where several machines would end: from measured times, by arithmetic.

    python -m tests.benchmarks.scale [--repeats 7] [--gigabytes 1.25] [--latency 30e-6]

A step of B rows by N workers takes the time that B/N rows take on one machine, which is measured, then sends all gradients around
a ring: each worker 2 (N-1)/N of their bytes in 2 (N-1) messages. `--gigabytes` a second and `--latency` in seconds are the
network's; 1.25 is a cable of 10 Gbit/s. Rows are read while the step before is computed, and count where they take longer.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from dltrain.model.keras_import import import_keras
from dltrain.training.loop import CompiledLoop, epoch_order
from dltrain.training.segments import to_tensors
from tests.benchmarks.steps import CASES, make

WORKERS = (1, 8, 64)
BATCH = {"MLP": 512, "CNN": 512, "residual": 128}
FLOAT = 4


def seconds_of_step(case: dict[str, Any], rows: int, repeats: int, seconds: float = 0.5) -> tuple[float, int]:
    """The least time of a step of so many rows, which other programs hold up least, and how many weights are trained."""
    import tensorflow as tf

    model, encoded = make({**case, "rows": rows})
    loop, data = CompiledLoop(model, rows, jit_compile=False), to_tensors(encoded)
    rows_of_step = epoch_order(rows, seed=1, epoch=0, shuffle=True)

    def run(steps: int) -> float:
        order = tf.constant(np.tile(rows_of_step, steps))
        started = time.perf_counter()
        loop.run(data, order, 0, steps)
        return (time.perf_counter() - started) / steps

    run(2)
    steps = max(1, int(seconds / run(4)))
    trained = sum(int(np.prod(variable.shape)) for variable in model.trainable_variables)
    return min(run(steps) for _ in range(repeats)), trained


def step_by(workers: int, compute: float, gradient: int, rows: int, rate: float, latency: float) -> float:
    """Seconds of a step: what is computed or read, whichever takes longer, and the sum of the gradients.

    Args:
        workers: processes, each on a machine of its own.
        compute: seconds for a worker's share of the rows.
        gradient: bytes of all gradients.
        rows: bytes of a worker's share of the rows.
        rate: bytes a second that the network carries to a worker.
        latency: seconds that a message takes.
    """
    ring = 2 * (workers - 1) * (latency + gradient / workers / rate)
    return max(compute, rows / rate if workers > 1 else 0.0) + ring


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--gigabytes", type=float, default=1.25, help="that the network carries a second")
    parser.add_argument("--latency", type=float, default=30e-6, help="seconds of a message")
    parser.add_argument("--only", help="models whose name holds this")
    options = parser.parse_args(words)
    import_keras()
    print(f"{'model':32} {'batch':>6} {'gradients':>10} {'rows':>9}  workers: step (compute), times as fast")
    for name, case in CASES.items():
        if options.only and options.only not in name:
            continue
        batch = next(size for start, size in BATCH.items() if name.startswith(start))
        row_bytes = FLOAT * int(np.prod(case["shape"]))
        ends, alone = [], 0.0
        for workers in WORKERS:
            share = batch // workers
            compute, trained = seconds_of_step(case, share, options.repeats)
            step = step_by(workers, compute, FLOAT * trained, share * row_bytes, options.gigabytes * 1e9, options.latency)
            alone = alone or step
            ends.append(f"{workers}: {1000 * step:.2f} ms ({1000 * compute:.2f}), ×{alone / step:.1f}")
        sizes = f"{FLOAT * trained / 1e6:7.2f} MB {batch * row_bytes / 1e6:6.2f} MB"
        print(f"{name.partition(',')[0]:32} {batch:6} {sizes}  {'; '.join(ends)}", flush=True)


if __name__ == "__main__":
    main()
