"""Forward passes of K models of one structure, whose weights are stacked along a first axis.

Tensors between layers are [K, rows, ...], or [1, rows, ...] as long as they are the same for all. A layer without weights and
draws is Keras's own, called with trials and rows as one axis; those below have a rule each. Layers with neither a rule nor a
place among the rowwise ones are not stacked: a convolution over K filters at once (grouped, or as matrix products of patches)
is slower on a CPU than K convolutions, and a recurrence cannot leave its own loop.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from dltrain.config.composed import COMPOSED
from dltrain.config.curves import curve_at
from dltrain.later import tensorflow as tf
from dltrain.training.curves import TensorMath
from dltrain.training.stacked.numbers import number_of, shaped

# Layers that treat each row by itself and hold nothing. Of the first kind each number by itself too: trials are one axis more.
ELEMENTWISE = {
    "Activation",
    "ReLU",
    "LeakyReLU",
    "ELU",
    "Rescaling",
    "Add",
    "Subtract",
    "Multiply",
    "Average",
    "Maximum",
    "Minimum",
}
ROWWISE = {
    "Flatten", "Reshape", "Permute", "RepeatVector", "Concatenate", "Softmax", "UnitNormalization", "Dot",
    "MaxPooling1D", "MaxPooling2D", "AveragePooling1D", "AveragePooling2D", "GlobalAveragePooling1D", "GlobalAveragePooling2D",
    "GlobalMaxPooling1D", "GlobalMaxPooling2D", "ZeroPadding1D", "ZeroPadding2D", "Cropping1D", "Cropping2D", "UpSampling1D",
    "UpSampling2D",
}  # fmt: skip


class Pass:
    """One pass forward.

    Args:
        models: a Keras model a trial, all of one structure; trials may share one.
        values: id of a variable of the first model -> its values of all trials [K, ...].
        training: as Keras means it.
        valid: float32 [K or 1, rows], 0 for rows that only fill up a batch; None: all rows count.
        tape: records the pass, see `looked_up`.
        share: of the training that is done [K], for numbers that follow curves.

    Attributes:
        penalty: what regularizers of the layers' outputs add to each trial's loss [K or 1].
        updates: id of a variable -> its values after the pass (moving statistics, random generators).
        looked_up: with a tape: id of an embedding's variable -> indices, and the vectors found, which the tape watches in
            place of the variable.
    """

    def __init__(
        self,
        models: Sequence[Any],
        values: Mapping[int, Any],
        *,
        training: bool,
        valid: Any = None,
        tape: Any = None,
        share: Any = None,
    ) -> None:
        self.models, self.values, self.training, self.valid, self.tape = models, values, training, valid, tape
        self.share = share
        self.penalty: Any = 0.0
        self.updates: dict[int, Any] = {}
        self.looked_up: dict[int, tuple[Any, Any]] = {}

    def value(self, variable: Any) -> Any:
        """The values of a variable, those set earlier in this pass."""
        return self.updates.get(id(variable), self.values[id(variable)])

    def layers(self, layer: Any) -> list[Any]:
        """The trials' layers of that name."""
        return [model.get_layer(layer.name) for model in self.models]

    def number(self, layer: Any, name: str) -> Any:
        """An attribute of the trials' layers, see `number_of`."""
        return number_of(self.layers(layer), name)

    def run(self, inputs: Sequence[Any]) -> list[Any]:
        """Outputs for inputs [K or 1, rows, ...]."""
        model = self.models[0]
        outputs = model._run_through_graph(list(inputs), operation_fn=lambda layer: functools.partial(self._apply, layer))
        return list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]

    def _apply(self, layer: Any, *args: Any, **kwargs: Any) -> Any:
        name = type(layer).__name__
        if name in RULES:
            output = RULES[name](self, layer, *args)
        elif name in ELEMENTWISE:
            output = layer.call(*args)
        elif name in ROWWISE:
            output = _rowwise(layer, *args, **kwargs)
        else:
            raise RuntimeError(f"layers of the class {name} are not stacked")
        if layer.activity_regularizer is not None:
            self.penalty = self.penalty + self._penalty(layer.activity_regularizer, output)
        return output

    def _penalty(self, regularizer: Any, output: Any) -> Any:
        """What one regularizer, the same in all trials, adds for an output: the mean over the rows that count."""
        axes = list(range(2, len(output.shape)))
        by_row: Any = 0.0
        for name, measure in (("l1", tf.abs), ("l2", tf.square)):
            if hasattr(regularizer, name):
                by_row = by_row + float(getattr(regularizer, name)) * tf.reduce_sum(measure(output), axes)
        if self.valid is None:
            return tf.reduce_mean(by_row, axis=1)
        return tf.math.divide_no_nan(tf.reduce_sum(by_row * self.valid, axis=1), tf.reduce_sum(self.valid, axis=1))


def _rowwise(layer: Any, x: Any, mask: Any = None) -> Any:
    """Call a layer with trials and rows as one axis."""
    several = isinstance(x, (list, tuple))
    tensors = [*(x if several else [x]), *([] if mask is None else [mask])]
    num_trials = max(tensor.shape[0] for tensor in tensors)
    flat = []
    for tensor in tensors:
        if tensor.shape[0] != num_trials:
            tensor = tf.tile(tensor, [num_trials, *[1] * (len(tensor.shape) - 1)])
        flat.append(tf.reshape(tensor, [-1, *tensor.shape[2:]]))
    more = {} if mask is None else {"mask": flat.pop()}
    output = layer.call(flat if several else flat[0], **more)
    return tf.reshape(output, [num_trials, -1, *output.shape[1:]])


def _activated(layer: Any, x: Any) -> Any:
    return x if layer.activation is None else layer.activation(x)


def _dense(run: Pass, layer: Any, x: Any) -> Any:
    kernel = run.value(layer.kernel)
    middle = x.shape[2:-1]
    if middle:
        x = tf.reshape(x, [x.shape[0], -1, x.shape[-1]])
    x = tf.matmul(x, kernel)
    if middle:
        x = tf.reshape(x, [x.shape[0], -1, *middle, x.shape[-1]])
    if layer.bias is not None:
        bias = run.value(layer.bias)
        x = x + tf.reshape(bias, [bias.shape[0], *[1] * (len(x.shape) - 2), bias.shape[1]])
    return _activated(layer, x)


def _einsum_dense(run: Pass, layer: Any, x: Any) -> Any:
    kernel = run.value(layer.kernel)
    incoming, rest = layer.equation.replace(" ", "").split(",")
    letters, outgoing = rest.split("->")
    own = next(letter for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" if letter not in layer.equation)
    if incoming == outgoing and incoming.endswith(letters):
        # A factor for each number: einsum makes a product of matrices of each, which takes five times as long.
        x = x * tf.reshape(kernel, [kernel.shape[0], *[1] * (len(x.shape) - len(kernel.shape)), *kernel.shape[1:]])
    else:
        if x.shape[0] != kernel.shape[0]:
            x = tf.tile(x, [kernel.shape[0], *[1] * (len(x.shape) - 1)])
        x = tf.einsum(f"{own}{incoming},{own}{letters}->{own}{outgoing}", x, kernel)
    if layer.bias is not None:
        bias = run.value(layer.bias)
        x = x + tf.reshape(bias, [bias.shape[0], *[1] * (len(x.shape) - len(bias.shape)), *bias.shape[1:]])
    return _activated(layer, x)


def _embedding(run: Pass, layer: Any, x: Any) -> Any:
    table = run.value(layer.embeddings)
    x = tf.cast(x, "int32")
    if x.shape[0] != table.shape[0]:
        x = tf.tile(x, [table.shape[0], *[1] * (len(x.shape) - 1)])
    if run.tape is None or not layer.embeddings.trainable:
        return tf.gather(table, x, axis=1, batch_dims=1)
    vectors = tf.gather(tf.stop_gradient(table), x, axis=1, batch_dims=1)
    run.tape.watch(vectors)
    run.looked_up[id(layer.embeddings)] = (x, vectors)
    return vectors


def _prelu(run: Pass, layer: Any, x: Any) -> Any:
    return tf.nn.relu(x) - run.value(layer.alpha)[:, None] * tf.nn.relu(-x)


def _batch_normalization(run: Pass, layer: Any, x: Any) -> Any:
    axis = layer.axis % (len(x.shape) - 1) + 1
    axes = [index for index in range(1, len(x.shape)) if index != axis]

    def spread(values: Any) -> Any:
        return tf.reshape(
            values, [values.shape[0], *(values.shape[1] if index == axis else 1 for index in range(1, len(x.shape)))]
        )

    if run.training and layer.trainable:
        mean, variance = _moments(run, x, axes)
        momentum = run.number(layer, "momentum")
        for variable, value in ((layer.moving_mean, mean), (layer.moving_variance, variance)):
            value = tf.reshape(value, [value.shape[0], value.shape[axis]])
            run.updates[id(variable)] = run.value(variable) * shaped(momentum, 2) + value * shaped(1.0 - momentum, 2)
    else:
        mean, variance = spread(run.value(layer.moving_mean)), spread(run.value(layer.moving_variance))
    scale = spread(run.value(layer.gamma)) if layer.scale else None
    offset = spread(run.value(layer.beta)) if layer.center else None
    epsilon = shaped(run.number(layer, "epsilon"), len(x.shape))
    return tf.nn.batch_normalization(x, mean, variance, offset, scale, epsilon)


def _moments(run: Pass, x: Any, axes: list[int]) -> tuple[Any, Any]:
    """Mean and variance over rows that count, the other axes kept."""
    if run.valid is None:
        mean, variance = tf.nn.moments(x, axes, keepdims=True)
        return mean, variance
    weight = tf.reshape(run.valid, [run.valid.shape[0], -1, *[1] * (len(x.shape) - 2)])
    per_row = math.prod(x.shape[index] for index in axes if index > 1)
    count = tf.reduce_sum(weight, axis=1, keepdims=True) * per_row
    mean = tf.math.divide_no_nan(tf.reduce_sum(x * weight, axes, keepdims=True), count)
    variance = tf.math.divide_no_nan(tf.reduce_sum(tf.square(x - mean) * weight, axes, keepdims=True), count)
    return mean, variance


def _layer_normalization(run: Pass, layer: Any, x: Any) -> Any:
    given = [layer.axis] if isinstance(layer.axis, int) else layer.axis
    axes = sorted(axis % (len(x.shape) - 1) + 1 for axis in given)

    def spread(values: Any) -> Any:
        lengths = iter(values.shape[1:])
        return tf.reshape(values, [values.shape[0], *(next(lengths) if index in axes else 1 for index in range(1, len(x.shape)))])

    mean, variance = tf.nn.moments(x, axes, keepdims=True)
    inverse = tf.math.rsqrt(variance + shaped(run.number(layer, "epsilon"), len(x.shape)))
    if layer.gamma is not None:
        inverse = inverse * spread(run.value(layer.gamma))
    shift = -mean * inverse
    if layer.beta is not None:
        shift = shift + spread(run.value(layer.beta))
    return x * inverse + shift


def _draws(run: Pass, layer: Any, shape: Any, draw: Callable[..., Any], active: np.ndarray[Any, Any]) -> Any:
    """A layer's random numbers [K or 1, *shape], those that each trial's own fit draws.

    Keras's generators hold a seed and a count of draws; a trial in which the layer is off draws nothing, and does not count.
    Trials with one seed share their draws.
    """
    state = layer.seed_generator.state
    values = run.value(state)
    run.updates[id(state)] = values + tf.constant([[0, int(on)] for on in active], values.dtype)
    seeds = [int(other.seed_generator._initial_seed) for other in run.layers(layer)]
    first = {seed: next(i for i, on in enumerate(active) if on and seeds[i] == seed) for seed, on in zip(seeds, active) if on}
    order = list(first)
    drawn = []
    for seed in order:
        # As Keras's TensorFlow backend casts it for the stateless draws.
        key = tf.cast(tf.math.floormod(values[first[seed]], tf.int32.max - 1), "int32")
        drawn.append(draw(shape=shape, seed=key))
    if len(drawn) == 1:
        return drawn[0][None]
    return tf.gather(tf.stack(drawn), [order.index(seed) if seed in first else 0 for seed in seeds])


def _rates(run: Pass, layer: Any, name: str) -> np.ndarray[Any, Any]:
    return np.broadcast_to(np.asarray(run.number(layer, name), np.float64), (len(run.models),))


def _dropout(run: Pass, layer: Any, x: Any) -> Any:
    rates = _rates(run, layer, "rate")
    if not run.training or not rates.any():
        return x
    shape = tf.shape(x)[1:]
    noise_shape = layer.noise_shape
    if noise_shape is not None:
        shape = tf.stack([shape[index] if length is None else length for index, length in enumerate(noise_shape)])
    curve = getattr(layer, "dltrain_curves", {}).get("rate")
    if curve is not None:
        rate = tf.reshape(curve_at(curve, run.share, TensorMath), [-1, *[1] * (len(x.shape) - 1)])
        scale = 1.0 / (1.0 - rate)
    else:
        same = (rates == rates[0]).all()
        rate = shaped(float(rates[0]) if same else rates, len(x.shape))
        scale = shaped(float(1 / (1 - rates[0])) if same else 1 / (1 - rates), len(x.shape))
    draws = _draws(run, layer, shape, tf.random.stateless_uniform, rates > 0)
    return tf.where(draws >= rate, x * scale, 0.0)


def _gaussian_noise(run: Pass, layer: Any, x: Any) -> Any:
    deviations = _rates(run, layer, "stddev")
    if not run.training or not deviations.any():
        return x
    draws = _draws(run, layer, tf.shape(x)[1:], tf.random.stateless_normal, deviations > 0)
    return x + draws * shaped(deviations, len(x.shape))


def _gaussian_dropout(run: Pass, layer: Any, x: Any) -> Any:
    rates = _rates(run, layer, "rate")
    if not run.training or not rates.any():
        return x
    draws = _draws(run, layer, tf.shape(x)[1:], tf.random.stateless_normal, rates > 0)
    return x * (1.0 + draws * shaped(np.sqrt(rates / (1 - rates)), len(x.shape)))


RULES: dict[str, Callable[..., Any]] = {
    "Dense": _dense,
    "EinsumDense": _einsum_dense,
    "Embedding": _embedding,
    "PReLU": _prelu,
    "BatchNormalization": _batch_normalization,
    "LayerNormalization": _layer_normalization,
    "Dropout": _dropout,
    "GaussianNoise": _gaussian_noise,
    "GaussianDropout": _gaussian_dropout,
}
# What may differ between trials in a layer: arguments of numbers; the structure of the pass does not depend on them.
NUMBERS: dict[str, set[str]] = {
    "Dropout": {"rate", "seed"},
    "GaussianNoise": {"stddev", "seed"},
    "GaussianDropout": {"rate", "seed"},
    "BatchNormalization": {"momentum", "epsilon"},
    "LayerNormalization": {"epsilon"},
}
# Of these, 0 makes a layer without a generator of random numbers: all on or all off.
SWITCHES = {"rate", "stddev"}


def is_stackable(layer_class: str) -> bool:
    """Whether a layer of this class has a rule or needs none."""
    if layer_class in COMPOSED:
        return all(map(is_stackable, COMPOSED[layer_class].layers))
    return layer_class in RULES or layer_class in ELEMENTWISE or layer_class in ROWWISE
