"""Noise and masks on the input of a reconstruction while it is trained: a denoising autoencoder.

Vincent et al. 2008, "Extracting and Composing Robust Features with Denoising Autoencoders". What is drawn is a function of the
run's seed and of the step's number.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dltrain.config.types import Config, CorruptConfig
from dltrain.data.dataset import Schema
from dltrain.later import tensorflow as tf
from dltrain.model.build import derive_seed

Corrupt = Callable[[Any, Any], Any]


def make_corruption(config: CorruptConfig | None, *, seed: int, unit_range: bool) -> Corrupt | None:
    """A function (rows [batch, ...], number of the step) -> corrupted rows; None where nothing is to be done.

    Args:
        config: `data.corrupt`.
        seed: the run's.
        unit_range: the input is scaled to 0...1: noise is cut off there.
    """
    if config is None or not (config.noise or config.mask):
        return None
    noise, mask = config.noise, config.mask
    noise_key, mask_key = derive_seed(seed, "corrupt", "noise"), derive_seed(seed, "corrupt", "mask")

    def corrupt(rows: Any, step: Any) -> Any:
        # One algorithm whether XLA compiles the step or not; `auto` would choose two.
        number = tf.cast(step, tf.int32)
        if noise:
            drawn = tf.random.stateless_normal(tf.shape(rows), seed=tf.stack([noise_key, number]), alg="philox")
            rows = rows + noise * tf.cast(drawn, rows.dtype)
            if unit_range:
                rows = tf.clip_by_value(rows, 0.0, 1.0)
        if mask:
            drawn = tf.random.stateless_uniform(tf.shape(rows), seed=tf.stack([mask_key, number]), alg="philox")
            rows = tf.where(drawn < mask, tf.zeros_like(rows), rows)
        return rows

    return corrupt


def corruption_of(config: Config, schema: Schema) -> Corrupt | None:
    """`make_corruption` for a config and the inputs of its data."""
    return make_corruption(config.data.corrupt, seed=config.draw_seed, unit_range=schema.inputs[0].unit_range)
