"""What an `.h5` file cannot hold, though Keras may write it without a word: found before training, not after it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dltrain.errors import is_own_bug, reason_of
from dltrain.later import h5py

# Layers that are known to come back from an .h5 file as they went in; others are tried out once before training.
_KNOWN_GOOD = {
    "InputLayer", "Dense", "Flatten", "Reshape", "Permute", "RepeatVector", "Activation", "ReLU", "LeakyReLU", "PReLU", "ELU",
    "Softmax", "Dropout", "SpatialDropout1D", "SpatialDropout2D", "GaussianNoise", "GaussianDropout", "AlphaDropout",
    "BatchNormalization", "Conv1D", "Conv2D", "Conv3D", "DepthwiseConv2D", "SeparableConv2D", "Conv2DTranspose",
    "MaxPooling1D", "MaxPooling2D", "AveragePooling1D", "AveragePooling2D", "GlobalAveragePooling1D", "GlobalAveragePooling2D",
    "GlobalMaxPooling1D", "GlobalMaxPooling2D", "ZeroPadding2D", "Cropping2D", "UpSampling2D", "Concatenate", "Add",
    "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Rescaling", "EinsumDense",
}  # fmt: skip
OPTIMIZERS_NOT_IN_H5 = {"Lamb": "Keras does not find it again by its name"}


def why_not_h5(model: Any, optimizer: str, write: Callable[[], bytes]) -> str | None:
    """Why the `.h5` file of a model would not open in plain Keras; None where it would.

    Args:
        model: the model.
        optimizer: the optimizer's class name.
        write: gives the file's bytes; asked only where the model holds layers of which it is not known.
    """
    if optimizer in OPTIMIZERS_NOT_IN_H5:
        return f"{optimizer}: {OPTIMIZERS_NOT_IN_H5[optimizer]}"
    own = [layer.name for layer in model.layers if getattr(getattr(layer, "activation", None), "__name__", "") == "binary_step"]
    if own:
        return f"the activation binary_step (layer {own[0]!r}) is dltrain's own"
    return None if all(map(_is_known_good, model.layers)) else _try(model, write())


def _is_known_good(layer: Any) -> bool:
    """Whether HDF5 keeps all of a layer, or of a network of `keras.applications`."""
    if type(layer).__name__ == "Functional":
        return all(map(_is_known_good, layer.layers))
    return type(layer).__name__ in _KNOWN_GOOD


def _try(model: Any, data: bytes) -> str | None:
    import io

    import numpy as np
    from keras.src.legacy.saving import legacy_h5_format

    try:
        with h5py.File(io.BytesIO(data), "r") as file:
            loaded = legacy_h5_format.load_model_from_hdf5(file, compile=False)
        inputs = [np.ones((1, *(length or 4 for length in tensor.shape[1:])), tensor.dtype) for tensor in model.inputs]
        call = inputs if len(inputs) > 1 else inputs[0]
        before, after = model(call, training=False), loaded(call, training=False)
        pairs = zip(before if isinstance(before, list) else [before], after if isinstance(after, list) else [after])
        if not all(np.allclose(np.asarray(a), np.asarray(b), atol=1e-4, equal_nan=True) for a, b in pairs):
            return "the model that comes back computes something else"
    except Exception as error:  # whatever Keras raises here is the answer that is asked for
        if is_own_bug(error):
            raise
        return f"Keras does not read it back: {reason_of(error)}"
    return None
