"""A training step against Keras's `fit`, side by side in one process; and with `--others` against what else trains such a model.

    python -m tests.benchmarks.steps [--repeats 5] [--only WORD] [--others] [--json FILE]

The same model twice, on the same rows in the same order; `fit` is timed as it is called by hand (arrays, `shuffle=True`, quiet).
Each repeat times one stretch of both, one after the other; the table shows medians and the ratio of the pairs.

Others are a hand-written `tf.function` with XLA, PyTorch (`pip install torch`, compiled) and JAX (`pip install jax`, jitted), each
left out where it is not installed. The limit is the time that the step's multiplications take at the speed of a product of two
matrices of 2048 × 2048 numbers, measured here: three times those forwards.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dltrain.config.types import Component, LayerConfig, ModelConfig, TrainingConfig
from dltrain.data.dataset import InputSpec, Part, Schema, TargetSpec
from dltrain.model.build import build_model
from dltrain.model.compile import build_metrics, compile_model
from dltrain.model.encode import encode_part
from dltrain.model.heads.rules import resolve_heads
from dltrain.model.keras_import import import_keras
from dltrain.training.compiler import decide_jit_compile
from dltrain.training.loop import CompiledLoop, epoch_order
from dltrain.training.segments import to_tensors
from tests.benchmarks.other_steps import Train, by_jax, by_tf_function, by_torch


def layer(class_name: str, name: str | None = None, inputs: tuple[str, ...] | None = None, **arguments: Any) -> LayerConfig:
    return LayerConfig(Component("layer", class_name, arguments), name=name, inputs=inputs)


def resnet() -> list[LayerConfig]:
    """A small residual network: a stem, then three stages of two blocks."""
    layers = [layer("Conv2D", "stem", filters=32, kernel_size=3, strides=2, padding="same", activation="relu")]
    last = "stem"
    for stage, filters in enumerate((32, 64, 128)):
        for block in range(2):
            key = f"s{stage}b{block}"
            strides = 2 if block == 0 else 1
            layers += [
                layer("Conv2D", f"{key}_c1", (last,), filters=filters, kernel_size=3, strides=strides, padding="same"),
                layer("BatchNormalization", f"{key}_n1"),
                layer("Activation", f"{key}_a1", activation="relu"),
                layer("Conv2D", f"{key}_c2", filters=filters, kernel_size=3, padding="same"),
                layer("BatchNormalization", f"{key}_n2"),
                layer("Conv2D", f"{key}_short", (last,), filters=filters, kernel_size=1, strides=strides, padding="same"),
                layer("Add", f"{key}_add", (f"{key}_n2", f"{key}_short")),
                layer("Activation", key, activation="relu"),
            ]
            last = key
    return [*layers, layer("GlobalAveragePooling2D")]


CASES: dict[str, dict[str, Any]] = {
    "MLP 713-20-10-1, batch 16": {
        "layers": [layer("Dense", units=20, activation="relu"), layer("Dense", units=10, activation="relu")],
        "shape": (713,), "classes": 2, "rows": 576, "batch": 16, "epochs": 20, "run_steps": 100_000, "goal": 0.08,
    },
    "CNN 8-16-32 on 31×23, batch 16": {
        "layers": [
            layer("Conv2D", filters=8, kernel_size=3, activation="relu"), layer("MaxPooling2D"),
            layer("Conv2D", filters=16, kernel_size=3, activation="relu"), layer("MaxPooling2D"),
            layer("Flatten"), layer("Dense", units=32, activation="relu"),
        ],
        "shape": (31, 23, 1), "classes": 2, "rows": 576, "batch": 16, "epochs": 3, "run_steps": 100_000, "goal": 0.45,
    },
    "MLP 713-20-10-1, batch 1024": {
        "layers": [layer("Dense", units=20, activation="relu"), layer("Dense", units=10, activation="relu")],
        "shape": (713,), "classes": 2, "rows": 8192, "batch": 1024, "epochs": 5, "run_steps": 100_000, "goal": 0.9,
    },
    "LSTM 32 over 100 steps, batch 32": {
        "layers": [layer("LSTM", units=32)],
        "shape": (100, 8), "classes": 2, "rows": 512, "batch": 32, "epochs": 2, "run_steps": 100_000, "goal": 0.9,
    },
    "Xception's head, batch 32": {
        "layers": [layer("Dense", units=256, activation="relu")],
        "shape": (2048,), "classes": 10, "rows": 2048, "batch": 32, "epochs": 3, "run_steps": 100_000, "goal": 0.9,
    },
    "residual net on 96×96, batch 32": {
        "layers": resnet(), "shape": (96, 96, 3), "classes": 10, "rows": 256, "batch": 32, "epochs": 1, "run_steps": 1000, "goal": 0.95,
    },
}  # fmt: skip


def make(case: dict[str, Any]) -> tuple[Any, Any]:
    """A compiled model of a case with an optimizer that is built, and rows for it."""
    schema = Schema(
        (InputSpec("x", case["shape"]),), (TargetSpec("target", "classification", tuple(map(str, range(case["classes"])))),)
    )
    rng = np.random.default_rng(0)
    x = rng.normal(size=(case["rows"], *case["shape"])).astype("float32")
    part = Part(
        {"x": x}, {"target": rng.integers(0, case["classes"], case["rows"]).astype("int32")}, None, np.arange(case["rows"])
    )
    config = ModelConfig(layers=tuple(case["layers"]))
    heads = resolve_heads(config, schema, None)
    model = build_model(config, schema, heads, seed=1)
    compile_model(model, heads, TrainingConfig())
    encoded = encode_part(part, schema, heads)
    build_metrics(model, encoded)
    return model, encoded


def measure(case: dict[str, Any], repeats: int) -> dict[str, Any]:
    import tensorflow as tf

    model, encoded = make(case)
    reference, _ = make(case)
    jit_compile, _ = decide_jit_compile(None, model, case["run_steps"])
    loop, data = CompiledLoop(model, case["batch"], jit_compile=jit_compile), to_tensors(encoded)
    steps = -(-case["rows"] // case["batch"])

    def ours(epochs: int) -> float:
        started = time.perf_counter()
        for epoch in range(epochs):
            model.reset_metrics()
            order = tf.constant(epoch_order(case["rows"], seed=1, epoch=epoch, shuffle=True))
            loop.run(data, order, 0, steps)
            for value in model.get_metrics_result().values():
                float(value)
        return (time.perf_counter() - started) / (epochs * steps)

    def theirs(epochs: int) -> float:
        started = time.perf_counter()
        reference.fit(encoded.inputs[0], encoded.targets[0], batch_size=case["batch"], epochs=epochs, verbose=0)
        return (time.perf_counter() - started) / (epochs * steps)

    ours(1), theirs(1)
    pairs = [(ours(case["epochs"]), theirs(case["epochs"])) for _ in range(repeats)]
    return {
        "dltrain_ms": 1000 * statistics.median(pair[0] for pair in pairs),
        "fit_ms": 1000 * statistics.median(pair[1] for pair in pairs),
        "ratio": statistics.median(pair[0] / pair[1] for pair in pairs),
        "ratios": [round(pair[0] / pair[1], 4) for pair in pairs],
        "xla": jit_compile,
        "goal": case["goal"],
    }


def measure_others(case: dict[str, Any], repeats: int, speed: float) -> dict[str, Any]:
    """Milliseconds a step by other means, or why they are left out."""
    model, encoded = make(case)
    x, y = encoded.inputs[0], encoded.targets[0]
    steps = case["rows"] // case["batch"]
    means: dict[str, Callable[[], Train]] = {
        "tf.function, XLA": lambda: by_tf_function(case, model, x, y),
        "PyTorch, compiled": lambda: by_torch(case, x, y),
        "JAX, jitted": lambda: by_jax(case, x, y),
    }
    found: dict[str, float | str] = {}
    for name, make_train in means.items():
        try:
            train = make_train()
            train(1)
        except ImportError as error:
            found[name] = f"left out: {error}"
            continue
        times = []
        for _ in range(repeats):
            started = time.perf_counter()
            train(case["epochs"])
            times.append((time.perf_counter() - started) / (case["epochs"] * steps))
        found[name] = 1000 * statistics.median(times)
    found["limit of products"] = 1000 * 6 * case["batch"] * products_a_row(model) / speed
    return {"others": found}


def products_a_row(model: Any) -> int:
    """Multiplications of weights forwards, for one row."""
    total = 0
    for item in model.layers:
        kernels = [weight for weight in item.trainable_weights if len(weight.shape) > 1]
        if kernels:
            places = item.input.shape[1:-1] if type(item).__name__ == "LSTM" else item.output.shape[1:-1]
            total += math.prod(places) * sum(math.prod(kernel.shape) for kernel in kernels)
    return total


def product_speed() -> float:
    """Operations a second of TensorFlow's product of two matrices, the best of ten."""
    import tensorflow as tf

    side = 2048
    a = tf.random.normal((side, side))
    times = []
    for _ in range(10):
        started = time.perf_counter()
        tf.matmul(a, a).numpy()
        times.append(time.perf_counter() - started)
    return 2 * side**3 / min(times)


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", metavar="WORD", default="", help="cases whose name has this word")
    parser.add_argument("--others", action="store_true", help="also what else trains such a model, and the limit")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(words)
    import_keras()
    results = {}
    print(f"{'model':34} {'dltrain':>11} {'fit':>11} {'ratio':>7} {'goal':>6}  XLA")
    speed = product_speed() if options.others else 0.0
    for name, case in CASES.items():
        if options.only not in name:
            continue
        row = results[name] = measure(case, options.repeats)
        print(
            f"{name:34} {row['dltrain_ms']:8.3f} ms {row['fit_ms']:8.3f} ms {row['ratio']:7.3f} {row['goal']:6.2f}  {'on' if row['xla'] else 'off'}",
            flush=True,
        )
        if options.others:
            row |= measure_others(case, options.repeats, speed)
            for means, value in row["others"].items():
                told = value if isinstance(value, str) else f"{value:8.3f} ms, dltrain / it {row['dltrain_ms'] / value:.3f}"
                print(f"    {means:26} {told}", flush=True)
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
