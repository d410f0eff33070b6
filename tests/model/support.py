"""Schemas, parts and layers without files."""

from __future__ import annotations

from typing import Any

import numpy as np

from dltrain.config.types import Component, LayerConfig, ModelConfig
from dltrain.data.dataset import InputSpec, Part, Schema, TargetSpec


def layer(
    class_name: str, *, name: str | None = None, inputs: tuple[str, ...] | None = None, weights: Any = None, **arguments: Any
) -> LayerConfig:
    """An entry of `model.layers`."""
    return LayerConfig(
        Component("layer", class_name, arguments), name=name, inputs=inputs, weights=weights, path="model.layers.0"
    )


def model_of(*layers: LayerConfig, output: str | LayerConfig = "auto", logits: bool = False) -> ModelConfig:
    """A `model:` block."""
    return ModelConfig(layers=layers, output=output, logits=logits)


def schema_of(
    shape: tuple[int, ...], *, classes: int = 0, targets: int = 1, name: str = "features", scale: float = 1.0
) -> Schema:
    """One input, and classes or numbers to predict."""
    if classes:
        return Schema(
            (InputSpec(name, shape),), (TargetSpec("target", "classification", tuple(f"c{i}" for i in range(classes))),)
        )
    specs = tuple(
        TargetSpec(f"t{i}" if targets > 1 else "target", "regression", mean=3.0 * (scale != 1), scale=scale)
        for i in range(targets)
    )
    return Schema((InputSpec(name, shape),), specs)


def part_of(schema: Schema, rows: int, *, seed: int = 0, weights: bool = False) -> Part:
    """Rows whose targets depend on their inputs."""
    rng = np.random.default_rng(seed)
    inputs = {spec.name: rng.normal(size=(rows, *spec.shape)).astype("float32") for spec in schema.inputs}
    score = inputs[schema.inputs[0].name].reshape(rows, -1)[:, :3].sum(axis=1)
    targets: dict[str, Any] = {}
    for target in schema.targets:
        if target.task == "classification":
            targets[target.name] = np.clip(np.floor(score + len(target.classes) / 2), 0, len(target.classes) - 1).astype("int32")
        else:
            targets[target.name] = (score + rng.normal(size=rows) * 0.1).astype("float32")
    weight = rng.uniform(0.5, 2.0, rows).astype("float32") if weights else None
    return Part(inputs, targets, weight, np.arange(rows))
