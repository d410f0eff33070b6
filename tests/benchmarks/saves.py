"""What saving costs: the same training with all its files, and with none.

    python -m tests.benchmarks.saves [--repeats 5] [--only long] [--json FILE]

Short epochs: an MLP 713-20-10-1 on 576 rows, batch 16, 400 epochs of some 20 ms. Long epochs: an MLP of 20 million parameters,
10 epochs of some 10 s. Each pair is run one after the other in one process, every second pair in the other order, because a
machine that has worked for a while is slower; the table shows the median of the ratios, of the seconds that passed and of
those of the processor, which other work on the machine does not change.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
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
from dltrain.model.head import resolve_heads
from dltrain.model.keras_import import import_keras
from dltrain.reporting import Reporter
from dltrain.runs import create_run
from dltrain.training.callbacks import EpochCallbacks
from dltrain.training.checkpoints import Checkpoints
from dltrain.training.history import History
from dltrain.training.loop import CompiledLoop
from dltrain.training.segments import ResidentSegments, to_tensors
from dltrain.training.signals import StopSignals
from dltrain.training.train import Trainer

CASES: dict[str, dict[str, Any]] = {
    "short epochs": {"units": [20, 10], "inputs": 713, "rows": 576, "batch": 16, "epochs": 400, "goal": 0.10},
    "long epochs, 20 million parameters": {
        "units": [4000, 4000],
        "inputs": 1000,
        "rows": 5120,
        "batch": 64,
        "epochs": 10,
        "goal": 0.03,
    },
}


class Nothing:
    """Stands for a file that is never written."""

    rows: list[Any] = []

    def append(self, row: Any) -> None:
        pass


def train(case: dict[str, Any], folder: Path, *, saving: bool) -> tuple[float, float]:
    """Seconds of training: those that passed, and those of the processor."""
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
    trainer = Trainer(
        model,
        ResidentSegments(tensors, part.num_rows, batch_size=case["batch"], seed=0, shuffle=True),
        (to_tensors(encoded), Forward(model, 256)) if case["rows"] < 1000 else None,
        training,
        loop=CompiledLoop(model, case["batch"], jit_compile=False),
        callbacks=EpochCallbacks(model, training, names, has_validation=True, folder=run.path),
        checkpoints=Checkpoints(run, model, CheckpointConfig(), monitor="val_loss" if case["rows"] < 1000 else "loss"),
        history=History(run.history_file) if saving else Nothing(),  # type: ignore[arg-type]
        run=run,
        reporter=Reporter(),
    )
    trainer.loop.run(tensors, next(iter(trainer.data.segments(0, 0))).order, 0, 1)
    started, busy = time.perf_counter(), time.process_time()
    if saving:
        trainer.train(StopSignals())
    else:
        none = lambda *_, **__: None  # noqa: E731
        with mock.patch.object(Trainer, "_begin_save", none), mock.patch.object(Checkpoints, "epoch_end", none):
            trainer.train(StopSignals())
    return time.perf_counter() - started, time.process_time() - busy


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", default="", help="part of a case's name")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(words)
    import_keras()
    results = {}
    print(f"{'training':36} {'saving':>9} {'not saving':>11} {'lost':>7} {'processor':>10} {'goal':>6}")
    for name, case in CASES.items():
        if options.only not in name:
            continue
        pairs = []
        for index in range(options.repeats):
            with tempfile.TemporaryDirectory() as folder:
                found = {saving: train(case, Path(folder), saving=saving) for saving in (index % 2 == 0, index % 2 == 1)}
            pairs.append((found[True], found[False]))
            both = f"{found[True][0]:.2f} s and {found[False][0]:.2f} s"
            print(f"  {name}, pair {index + 1} of {options.repeats}: {both}", file=sys.stderr, flush=True)
        row = {
            "saving": statistics.median(saving for (saving, _), _ in pairs),
            "not_saving": statistics.median(not_saving for _, (not_saving, _) in pairs),
            "lost": statistics.median(1 - b / a for (a, _), (b, _) in pairs),
            "processor_lost": statistics.median(1 - b / a for (_, a), (_, b) in pairs),
        }
        results[name] = {**row, "goal": case["goal"]}
        lost, processor = 100 * row["lost"], 100 * row["processor_lost"]
        times = f"{row['saving']:7.2f} s {row['not_saving']:9.2f} s"
        print(f"{name:36} {times} {lost:5.1f} % {processor:8.1f} % {100 * case['goal']:4.0f} %", flush=True)
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
