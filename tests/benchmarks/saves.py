"""What saving costs: the same training with all its files, and with none.

    python -m tests.benchmarks.saves [--repeats 5] [--only long] [--json FILE]

Short epochs: an MLP 713-20-10-1 on 576 rows, batch 16, 400 epochs of some 20 ms, with all files and with none, one after the
other; the median of the ratios. Long epochs: MLPs of 2 and of 20 million parameters, of which every second epoch ends with a
save. A save is written beside the next epoch, so what that one takes longer than its two neighbours is what the save costs,
whether an epoch takes 3 s, as here, or minutes. Where the host of a virtual machine took more than 2 % of the processors from
one of the three, they are left out. The median of the others, and of the time that the end waits for the last save, are put
together for a training of 10 epochs of 10 s that saves after each.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from dltrain.config.types import CheckpointConfig, Component, LayerConfig, ModelConfig, TrainingConfig
from dltrain.data.dataset import InputSpec, Part, Schema, TargetSpec
from dltrain.model.build import build_model
from dltrain.model.compile import build_metrics, compile_model
from dltrain.model.encode import encode_part
from dltrain.model.forward import Forward
from dltrain.model.heads.rules import resolve_heads
from dltrain.model.keras_import import import_keras
from dltrain.processes.signals import StopSignals
from dltrain.reporting import Reporter
from dltrain.storage.new_run import create_run
from dltrain.training.callbacks import EpochCallbacks
from dltrain.training.history import History
from dltrain.training.loop import CompiledLoop
from dltrain.training.pace import Pace
from dltrain.training.saving.checkpoints import Checkpoints
from dltrain.training.segments import ResidentSegments, to_tensors
from dltrain.training.trainer import Trainer

SHORT = {"units": [20, 10], "inputs": 713, "rows": 576, "batch": 16, "epochs": 400}
LONG: dict[str, dict[str, Any]] = {
    "long epochs, 2 million parameters": {"units": [1000, 1000], "inputs": 1000, "rows": 15_360, "batch": 64, "epochs": 40},
    "long epochs, 20 million parameters": {"units": [4000, 4000], "inputs": 1000, "rows": 1536, "batch": 64, "epochs": 40},
}
EPOCHS, SECONDS = 10, 10.0  # of a training that saves after each epoch and waits for its last save
STOLEN = 0.02  # of the processors, at most


class Nothing:
    """Stands for a file that is never written."""

    rows: list[Any] = []

    def append(self, row: Any) -> None:
        pass


def build_trainer(case: dict[str, Any], folder: Path, *, saving: bool = True) -> Trainer:
    """A trainer whose steps are compiled."""
    rng = np.random.default_rng(0)
    schema = Schema((InputSpec("x", (case["inputs"],)),), (TargetSpec("target", "classification", ("a", "b")),))
    x = rng.normal(size=(case["rows"], case["inputs"])).astype("float32")
    part = Part({"x": x}, {"target": rng.integers(0, 2, case["rows"]).astype("int32")}, None, np.arange(case["rows"]))
    layers = tuple(LayerConfig(Component("layer", "Dense", {"units": units, "activation": "relu"})) for units in case["units"])
    training = TrainingConfig(epochs=case["epochs"], batch_size=case["batch"])
    heads = resolve_heads(ModelConfig(layers), schema, None)
    model = build_model(ModelConfig(layers), schema, heads, seed=0)
    compile_model(model, heads, training)
    encoded = encode_part(part, schema, heads)
    build_metrics(model, encoded)
    run = create_run("saves", runs=folder)
    tensors = to_tensors(encoded)
    names = ["loss", "accuracy", "val_loss", "val_accuracy", "learning_rate"]
    callbacks = EpochCallbacks(model, training, names, has_validation=True, folder=run.path)
    checkpoints = Checkpoints(run, model, CheckpointConfig(), monitor="val_loss" if case["rows"] < 1000 else "loss")
    history = History(run.history_file) if saving else Nothing()
    trainer = Trainer(
        model,
        ResidentSegments(tensors, part.num_rows, batch_size=case["batch"], seed=0, shuffle=True),
        (to_tensors(encoded), Forward(model, 256)) if case["rows"] < 1000 else None,
        CompiledLoop(model, case["batch"], jit_compile=False),
        Pace(training, callbacks, checkpoints, history),  # type: ignore[arg-type]
        run=run,
        reporter=Reporter(),
    )
    trainer.loop.run(tensors, next(iter(trainer.data.segments(0, 0))).order, 0, 1)
    return trainer


def train(case: dict[str, Any], folder: Path, *, saving: bool) -> tuple[float, float]:
    """Seconds of training: those that passed, and those of the processor."""
    trainer = build_trainer(case, folder, saving=saving)
    none = lambda *_, **__: None  # noqa: E731
    with contextlib.ExitStack() as stack:
        if not saving:
            stack.enter_context(mock.patch.object(Trainer, "_begin_save", none))
            stack.enter_context(mock.patch.object(Checkpoints, "epoch_end", none))
        started, busy = time.perf_counter(), time.process_time()
        trainer.train(StopSignals())
    return time.perf_counter() - started, time.process_time() - busy


def stolen() -> float:
    """Seconds of all processors that the host of a virtual machine has given to others (proc(5), the eighth field of `cpu`)."""
    return int(Path("/proc/stat").read_text().split(maxsplit=9)[8]) / os.sysconf("SC_CLK_TCK")


def train_by_turns(case: dict[str, Any], folder: Path) -> tuple[list[float], list[float], float]:
    """A training that saves at the end of every second epoch.

    Returns:
        Seconds of the undisturbed epochs beside a save, without the first, which builds the file; what each took longer than
        its neighbours, which had no save; and what the end of the training waited for the last save.
    """
    trainer = build_trainer(case, folder)
    run_epoch, begin_save = Trainer._run_epoch, Trainer._begin_save
    epochs: list[float] = []
    taken: list[float] = []

    begun = 0.0

    def timed(self: Trainer, signals: StopSignals) -> None:
        nonlocal begun
        started, before = time.perf_counter(), stolen()
        run_epoch(self, signals)
        ended = time.perf_counter()
        epochs.append(begun + ended - started)
        taken.append((stolen() - before) / (ended - started) / (os.cpu_count() or 1))
        if self.epoch % 2 == 0 and self.epoch < self.last_epoch:
            begin_save(self)
        begun = time.perf_counter() - ended

    none = lambda *_: None  # noqa: E731
    with mock.patch.object(Trainer, "_run_epoch", timed), mock.patch.object(Trainer, "_save_if_due", none):
        started = time.perf_counter()
        trainer.train(StopSignals())
        seconds = time.perf_counter() - started
    # The save at the end of an epoch with an odd index is written in the next.
    beside = [index for index in range(4, len(epochs) - 1, 2) if max(taken[index - 1 : index + 2]) <= STOLEN]
    longer = [epochs[index] - (epochs[index - 1] + epochs[index + 1]) / 2 for index in beside]
    return [epochs[index] for index in beside], longer, seconds - sum(epochs)


def measure_short(repeats: int) -> dict[str, float]:
    """The whole training, with all its files and with none; every second pair in the other order."""
    pairs = []
    for index in range(repeats):
        with tempfile.TemporaryDirectory() as folder:
            found = {saving: train(SHORT, Path(folder), saving=saving) for saving in (index % 2 == 0, index % 2 == 1)}
        pairs.append((found[True], found[False]))
    return {
        "seconds": statistics.median(saving for (saving, _), _ in pairs),
        "not_saving": statistics.median(not_saving for _, (not_saving, _) in pairs),
        "lost": statistics.median(1 - b / a for (a, _), (b, _) in pairs),
        "goal": 0.10,
    }


def measure_long(case: dict[str, Any], repeats: int) -> dict[str, float]:
    """The epochs beside a save, the others, and the share of a training of `EPOCHS` epochs of `SECONDS`."""
    beside: list[float] = []
    longer: list[float] = []
    waited: list[float] = []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as folder:
            found = train_by_turns(case, Path(folder))
        beside, longer, waited = beside + found[0], longer + found[1], [*waited, found[2]]
    if not beside:
        raise SystemExit("the host took too much of the processors; nothing can be said")
    epoch, extra, wait = statistics.median(beside), statistics.median(longer), statistics.median(waited)
    more = (EPOCHS - 1) * extra + wait
    return {
        "seconds": epoch,
        "not_saving": epoch - extra,
        "waited_at_the_end": wait,
        "saves": len(beside),
        "lost": more / (EPOCHS * SECONDS + more),
        "goal": 0.03,
    }


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", default="", help="part of a case's name")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(words)
    import_keras()
    results = {}
    measures: dict[str, Callable[[], dict[str, float]]] = {
        "short epochs, the whole training": lambda: measure_short(options.repeats)
    }
    measures |= {name: functools.partial(measure_long, case, options.repeats) for name, case in LONG.items()}
    print(f"{'training':36} {'saving':>9} {'not saving':>11} {'at the end':>11} {'saves':>6} {'lost':>7} {'goal':>6}")
    for name, measure in measures.items():
        if options.only not in name:
            continue
        row = results[name] = measure()
        wait = f"{row['waited_at_the_end']:9.2f} s" if "waited_at_the_end" in row else f"{'-':>11}"
        times = f"{row['seconds']:7.2f} s {row['not_saving']:9.2f} s {wait} {row.get('saves', '-'):>6}"
        print(f"{name:36} {times} {100 * row['lost']:5.1f} % {100 * row['goal']:4.0f} %", flush=True)
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
