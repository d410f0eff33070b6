"""What a card does: steps against Keras's `fit`, eight stacked rates against one fit, memory, resume; one table with its name.

    python -m tests.gpu.measure [--repeats 5] [--on-cpu] [--quick]

Where there is no card it says so and measures nothing; `--on-cpu` measures the processor all the same, which shows that the
measuring works. `--quick` takes the smallest model and one repeat.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dltrain.cards import CPU, GPU, Placement
from dltrain.config import load_config_text
from dltrain.model.keras_import import import_keras
from dltrain.training.environment import computing_device
from dltrain.training.fit import fit
from tests.benchmarks.steps import CASES, measure

RATES = [1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1]
DIGITS = """\
seed: 1
data: {source: digits, scale: unit, split: {test: 0.25, validation: 0.2}}
model: {layers: [Flatten, {Dense: {units: 64, activation: relu}}, {Dropout: {rate: 0.2}}]}
training: {epochs: EPOCHS, batch_size: 32, devices: DEVICES, deterministic: true}
"""


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--on-cpu", action="store_true")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args(words)
    import_keras(placement=Placement(CPU) if options.on_cpu else Placement())
    device = computing_device()
    if device == CPU and not options.on_cpu:
        print("no card: nothing was measured (--on-cpu measures the processor)")
        return 0
    print(f"device: {device}")
    devices, repeats = CPU if options.on_cpu else GPU, 1 if options.quick else options.repeats
    for lines in (_steps(repeats, options.quick), _rates(devices, options.quick), _memory(device), _resume(devices)):
        for line in lines:
            print(line, flush=True)
    return 0


def _steps(repeats: int, quick: bool) -> Iterator[str]:
    for name, case in list(CASES.items())[: 1 if quick else None]:
        row = measure(case, repeats)
        yield (
            f"step of {name:34} dltrain {row['dltrain_ms']:8.3f} ms, Keras fit {row['fit_ms']:8.3f} ms, "
            f"ratio {row['ratio']:.3f}, XLA {'on' if row['xla'] else 'off'}"
        )


def _rates(devices: str, quick: bool) -> Iterator[str]:
    """One fit and a sweep of eight rates, both without the import of TensorFlow; the second of each counts."""
    import dltrain

    config = _digits(devices, 2 if quick else 20)
    rates = ",".join(map(str, RATES))
    seconds: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(1 if quick else 2):
            for what in ("fit", "sweep"):
                started = time.perf_counter()
                target = Path(folder) / f"{what}{turn}"
                if what == "fit":
                    fit(config, run_dir=target, draws=False)
                else:
                    dltrain.sweep(dict(config.resolved), over=[f"training.optimizer.learning_rate={rates}"], run_dir=target)
                seconds[what] = time.perf_counter() - started
    yield f"8 stacked rates {seconds['sweep']:.2f} s, one fit {seconds['fit']:.2f} s: {seconds['sweep'] / seconds['fit']:.2f} times"


def _memory(device: str) -> Iterator[str]:
    import tensorflow as tf

    if device == CPU:
        yield f"memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB of the process at most"
        return
    peak = tf.config.experimental.get_memory_info("GPU:0")["peak"]
    yield f"memory: {peak / 1e9:.2f} GB of the card at most"


def _resume(devices: str) -> Iterator[str]:
    """Four epochs at once, and two and two: with `deterministic` the bits are the same."""
    config = _digits(devices, 4)
    short = _digits(devices, 2)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fit(config, run_dir=folder / "whole", draws=False)
        fit(short, run_dir=folder / "halves", draws=False)
        fit(config, resume=folder / "halves", draws=False)
        whole, halves = (_weights(folder / run / "checkpoints" / "last.h5") for run in ("whole", "halves"))
        farthest = max(float(np.max(np.abs(a - b))) for a, b in zip(whole, halves, strict=True))
    yield f"resume: {'the same bits' if farthest == 0 else f'weights differ by {farthest:.2g}'}"


def _weights(file: Path) -> list[Any]:
    import keras

    return [np.asarray(weight) for weight in keras.models.load_model(file, compile=False).get_weights()]


def _digits(devices: str, epochs: int) -> Any:
    return load_config_text(DIGITS.replace("EPOCHS", str(epochs)).replace("DEVICES", devices), folder=Path.cwd())


if __name__ == "__main__":
    raise SystemExit(main())
