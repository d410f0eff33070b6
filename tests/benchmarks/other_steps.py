"""The step of a model by other means: a hand-written `tf.function` with XLA, PyTorch compiled, JAX jitted.

Each function takes a case of `steps.py` and its rows, and gives a function that trains so many epochs on them, batch by batch in
the same order each time, with Adam at its defaults. PyTorch and JAX read the same list of layers that the Keras model is made of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np

Case = dict[str, Any]
Train = Callable[[int], None]


def by_tf_function(case: Case, model: Any, x: Any, y: Any) -> Train:
    """Keras's model, loss and optimizer, in a step of the user's own."""
    import keras
    import tensorflow as tf

    loss_of = keras.losses.BinaryCrossentropy() if model.output_shape[-1] == 1 else keras.losses.SparseCategoricalCrossentropy()

    @tf.function(jit_compile=case.get("xla_by_hand", True))
    def step(xs: Any, ys: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = loss_of(ys, model(xs, training=True))
        variables = model.trainable_variables
        model.optimizer.apply(tape.gradient(loss, variables), variables)
        return loss

    batches = [(tf.constant(xs), tf.constant(ys)) for xs, ys in batches_of(case, x, y)]

    def train(epochs: int) -> None:
        for _ in range(epochs):
            for xs, ys in batches:
                loss = step(xs, ys)
        float(loss)

    return train


def by_torch(case: Case, x: Any, y: Any) -> Train:
    """PyTorch's own layers, the whole step compiled by `torch.compile`."""
    import torch

    net = _torch_net(torch, case)
    optimizer = torch.optim.Adam(net.parameters())

    def loss_of(xs: Any, ys: Any) -> Any:
        return torch.nn.functional.cross_entropy(net(xs), ys)

    compiled = torch.compile(loss_of)
    to_front = (lambda rows: rows.transpose(0, 3, 1, 2)) if x.ndim == 4 else (lambda rows: rows)
    batches = [
        (torch.from_numpy(np.ascontiguousarray(to_front(xs))), torch.from_numpy(ys.astype(np.int64)))
        for xs, ys in batches_of(case, x, y)
    ]

    def train(epochs: int) -> None:
        for _ in range(epochs):
            for xs, ys in batches:
                optimizer.zero_grad(set_to_none=True)
                loss = compiled(xs, ys)
                loss.backward()
                optimizer.step()
        float(loss.detach())

    return train


def _torch_net(torch: Any, case: Case) -> Any:
    nn = torch.nn

    class Net(nn.Module):  # type: ignore[misc, name-defined]
        """The layers of a case by their names."""

        def __init__(self) -> None:
            super().__init__()
            self.parts = nn.ModuleDict()
            for name, made, given, _, _ in _plan(case):
                if made == "Dense":
                    self.parts[name] = nn.LazyLinear(given["units"])
                elif made == "Conv2D":
                    size, strides = given["kernel_size"], given.get("strides", 1)
                    self.parts[name] = nn.LazyConv2d(
                        given["filters"], size, strides, padding=size // 2 if given.get("padding") == "same" else 0
                    )
                elif made == "BatchNormalization":
                    self.parts[name] = nn.LazyBatchNorm2d(eps=1e-3)
                elif made == "LSTM":
                    self.parts[name] = nn.LSTM(case["shape"][-1], given["units"], batch_first=True)

        def forward(self, value: Any) -> Any:
            """Logits."""
            found = {"": value}
            for name, made, _, takes, activation in _plan(case):
                value = found[takes[0]]
                if made == "LSTM":
                    value = self.parts[name](value)[0][:, -1]
                elif name in self.parts:
                    value = self.parts[name](value)
                elif made == "MaxPooling2D":
                    value = nn.functional.max_pool2d(value, 2)
                elif made == "Flatten":
                    value = value.flatten(1)
                elif made == "GlobalAveragePooling2D":
                    value = value.mean((2, 3))
                elif made == "Add":
                    value = value + found[takes[1]]
                found[name] = nn.functional.relu(value) if activation else value
            return found[name]

    net = Net()
    shape = case["shape"]
    net(torch.zeros(2, shape[-1], *shape[:-1]) if len(shape) == 3 else torch.zeros(2, *shape))
    return net


def by_jax(case: Case, x: Any, y: Any) -> Train:
    """Plain functions of arrays, the whole step with Adam in one `jax.jit`."""
    import jax
    import jax.numpy as jnp

    weights, forward = _jax_net(jax, case)

    def loss_of(weights: Any, xs: Any, ys: Any) -> Any:
        return -jnp.take_along_axis(jax.nn.log_softmax(forward(weights, xs)), ys[:, None], axis=1).mean()

    @jax.jit
    def step(state: Any, xs: Any, ys: Any) -> Any:
        weights, first, second, count = state
        loss, slopes = jax.value_and_grad(loss_of)(weights, xs, ys)
        first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, slopes)
        second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, second, slopes)
        rate = 0.001 * jnp.sqrt(1 - 0.999**count) / (1 - 0.9**count)
        weights = jax.tree.map(lambda w, m, v: w - rate * m / (jnp.sqrt(v) + 1e-7), weights, first, second)
        return (weights, first, second, count + 1), loss

    nothing = jax.tree.map(jnp.zeros_like, weights)
    held = [(weights, nothing, nothing, jnp.float32(1))]
    batches = [(jnp.asarray(xs), jnp.asarray(ys)) for xs, ys in batches_of(case, x, y)]

    def train(epochs: int) -> None:
        for _ in range(epochs):
            for xs, ys in batches:
                held[0], loss = step(held[0], xs, ys)
        float(loss)

    return train


def _jax_net(jax: Any, case: Case) -> tuple[Any, Callable[[Any, Any], Any]]:
    """Weights, and the function from them and rows to logits."""
    jnp, lax = jax.numpy, jax.lax
    rng = np.random.default_rng(0)
    weights: dict[str, list[Any]] = {}

    def drawn(name: str, *shapes: tuple[int, ...]) -> list[Any]:
        if name not in weights:  # on the pass that finds the shapes
            weights[name] = [jnp.asarray(rng.normal(0, 0.05, shape), jnp.float32) for shape in shapes]
        return weights[name]

    def lstm(value: Any, kernel: Any, recurrent: Any, bias: Any) -> Any:
        def tell(state: Any, inputs: Any) -> Any:
            h, c = state
            i, f, g, o = jnp.split(inputs + h @ recurrent, 4, axis=1)
            c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
            return (jax.nn.sigmoid(o) * jnp.tanh(c), c), None

        start = jnp.zeros((value.shape[0], recurrent.shape[0]))
        return lax.scan(tell, (start, start), jnp.swapaxes(value @ kernel + bias, 0, 1))[0][0]

    def forward(known: Any, value: Any) -> Any:
        found = {"": value}
        for name, made, given, takes, activation in _plan(case):
            value = found[takes[0]]
            width = value.shape[-1]
            if made == "Dense":
                kernel, bias = known.get(name) or drawn(name, (width, given["units"]), (given["units"],))
                value = value @ kernel + bias
            elif made == "Conv2D":
                shape = (given["kernel_size"],) * 2 + (width, given["filters"])
                kernel, bias = known.get(name) or drawn(name, shape, shape[-1:])
                strides, padding = (given.get("strides", 1),) * 2, given.get("padding", "valid").upper()
                value = (
                    lax.conv_general_dilated(value, kernel, strides, padding, dimension_numbers=("NHWC", "HWIO", "NHWC")) + bias
                )
            elif made == "BatchNormalization":
                scale, shift = known.get(name) or drawn(name, (width,), (width,))
                spread = lax.rsqrt(value.var((0, 1, 2)) + 1e-3)
                value = (value - value.mean((0, 1, 2))) * spread * scale + shift
            elif made == "LSTM":
                wide = 4 * given["units"]
                value = lstm(value, *(known.get(name) or drawn(name, (width, wide), (given["units"], wide), (wide,))))
            elif made == "MaxPooling2D":
                value = lax.reduce_window(value, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
            elif made == "Flatten":
                value = value.reshape(value.shape[0], -1)
            elif made == "GlobalAveragePooling2D":
                value = value.mean((1, 2))
            elif made == "Add":
                value = value + found[takes[1]]
            found[name] = jax.nn.relu(value) if activation else value
        return found[name]

    forward({}, jnp.zeros((2, *case["shape"])))
    return weights, forward


def _plan(case: Case) -> Iterator[tuple[str, str, dict[str, Any], tuple[str, ...], bool]]:
    """Name, class, arguments, the names of what it takes, and whether a ReLU follows, of each layer and of the output."""
    names = [""]
    for index, layer in enumerate(case["layers"]):
        given = dict(layer.component.arguments)
        name = layer.name or f"layer{index}"
        yield name, layer.component.name, given, layer.inputs or (names[-1],), given.get("activation") == "relu"
        names.append(name)
    yield "out", "Dense", {"units": case["classes"]}, (names[-1],), False


def batches_of(case: Case, x: Any, y: Any) -> Iterator[tuple[Any, Any]]:
    """The rows in batches of one size, which a compiled step needs; what is left over is left out."""
    edges = range(0, len(x) + 1, case["batch"])
    for first, last in pairwise(edges):
        yield x[first:last], np.asarray(y[first:last]).reshape(-1).astype(np.int32)
