"""A file of own code for tests, with one component of each kind."""

from __future__ import annotations

from pathlib import Path

SOURCE = '''\
"""Components of one kind each."""
from typing import Literal

import keras
from keras import layers as l

print("imported")  # goes to stderr: stdout belongs to the command


@keras.saving.register_keras_serializable()
class Scale(l.Layer):
    """Multiplies by a factor that is learnt.

    And more.
    """

    def __init__(self, start: float = 1.0, mode: Literal["all", "each"] = "all", **kwargs):
        super().__init__(**kwargs)
        self.start, self.mode = start, mode

    def build(self, shape):
        count = shape[-1] if self.mode == "each" else 1
        self.factor = self.add_weight(shape=(count,), initializer=keras.initializers.Constant(self.start), name="factor")

    def call(self, inputs):
        return inputs * self.factor

    def compute_output_shape(self, shape):
        return shape

    def get_config(self):
        return {**super().get_config(), "start": self.start, "mode": self.mode}


@keras.saving.register_keras_serializable("mine")
class Halves(l.Dense):
    def __init__(self, units: int, **kwargs):
        super().__init__(units // 2, **kwargs)
        self.given = units

    def get_config(self):
        return {**super().get_config(), "units": self.given}


@keras.saving.register_keras_serializable()
class Cubic(keras.losses.Loss):
    def __init__(self, power: float = 3.0, **kwargs):
        super().__init__(**kwargs)
        self.power = power

    def call(self, y_true, y_pred):
        return keras.ops.mean(keras.ops.abs(y_true - y_pred) ** self.power, axis=-1)

    def get_config(self):
        return {**super().get_config(), "power": self.power}


@keras.saving.register_keras_serializable()
class Largest(keras.metrics.Metric):
    def __init__(self, name="largest_error", **kwargs):
        super().__init__(name=name, **kwargs)
        self.most = self.add_weight(name="most", initializer="zeros")

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.most.assign(keras.ops.maximum(self.most, keras.ops.max(keras.ops.abs(y_true - y_pred))))

    def result(self):
        return self.most


@keras.saving.register_keras_serializable()
class Hyperbola(keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self, first: float = 0.1):
        self.first = first

    def __call__(self, step):
        return self.first / (1.0 + keras.ops.cast(step, "float32") / 10.0)

    def get_config(self):
        return {"first": self.first}


@keras.saving.register_keras_serializable()
class Damped(keras.optimizers.SGD):
    def __init__(self, learning_rate=0.01, damping: float = 1.0, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self.damping = damping

    def update_step(self, gradient, variable, learning_rate):
        super().update_step(gradient * self.damping, variable, learning_rate)

    def get_config(self):
        return {**super().get_config(), "damping": self.damping}


@keras.saving.register_keras_serializable()
def squash(x):
    """A soft step."""
    return x / (1.0 + keras.ops.abs(x))


@keras.saving.register_keras_serializable()
def powers(y_true, y_pred, power: float = 4.0):
    """The error to a power."""
    return keras.ops.mean(keras.ops.abs(y_true - y_pred) ** power, axis=-1)


@keras.saving.register_keras_serializable("mine")
def twentieth(shape, dtype=None):
    return keras.ops.full(shape, 0.05, dtype=dtype)


@keras.saving.register_keras_serializable()
def shrink(w):
    return 0.5 * keras.ops.sum(keras.ops.square(w))


class NotYet(l.Layer):
    pass


def not_yet(x):
    return x
'''

# Fits a table that `write_config` writes.
CONFIG = """\
name: own
code: [my_layers.py]
data: {source: csv, path: rows.csv, target: y, scale_target: false, split: {test: 0.2, validation: 0.2}}
model:
  layers:
    - Dense: {units: 4, activation: squash, bias_initializer: twentieth, kernel_constraint: squash}
    - Scale: {start: 0.5, mode: each}
    - Halves: {units: 6}
training:
  epochs: 3
  loss: {Cubic: {power: 2.0}}
  metrics: [Largest, {powers: {power: 2}}, {Cubic: {power: 2.0}}]
  optimizer: {Damped: {learning_rate: {Hyperbola: {first: 0.2}}, damping: 0.5}}
"""


def write_config(folder: Path, text: str = CONFIG, source: str = SOURCE) -> Path:
    """A config with own code and its data in a folder; returns the config's file."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = "".join(f"{n % 7 / 7:.4f},{n % 5 / 5:.4f},{(n % 7) / 7 - (n % 5) / 10:.4f}\n" for n in range(60))
    (folder / "rows.csv").write_text("a,b,y\n" + rows)
    (folder / "my_layers.py").write_text(source)
    (folder / "own.yaml").write_text(text)
    return folder / "own.yaml"
