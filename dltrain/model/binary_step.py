"""The binary step: 1 where the weighted sum is above 0, else 0 (McCulloch and Pitts, 1943). It has no gradient to train by."""

from __future__ import annotations

from typing import Any


def make_binary_step(keras: Any) -> Any:
    """The activation as a function registered with Keras, so that saved models name it."""
    registered = keras.saving.get_registered_object("dltrain>binary_step")
    if registered is not None:
        return registered

    def binary_step(x: Any) -> Any:
        return keras.ops.cast(x > 0, x.dtype)

    return keras.saving.register_keras_serializable(package="dltrain", name="binary_step")(binary_step)
