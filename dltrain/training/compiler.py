"""Whether XLA compiles the training steps: decided once per run, from the work ahead and the kind of layers alone.

Nothing that is measured enters the decision, so that two processes with one config decide alike and give the same bits.
"""

from __future__ import annotations

from typing import Any

# Layers of which XLA makes one fused program; it is slow to compile convolutions for a CPU, and slower to run them.
_FUSED = {
    "InputLayer", "Dense", "Flatten", "Reshape", "Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "Softmax", "Dropout",
    "GaussianNoise", "GaussianDropout", "BatchNormalization", "LayerNormalization", "Embedding", "Concatenate", "Add",
    "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Rescaling", "Permute", "RepeatVector", "EinsumDense",
}  # fmt: skip
# Their steps over time gain more: a batch of 256 through LSTM(32) took 0.6, a GRU and a SimpleRNN 0.2 of the time without XLA.
_RECURRENT = {"LSTM", "GRU", "SimpleRNN", "Bidirectional"}
_MIN_RECURRENT_STEPS = 2_000
# Compiling costs seconds; a step of a small model gains some tenths of a millisecond.
#
# TensorFlow can keep what XLA compiled for a CPU between runs (TF_XLA_FLAGS=--tf_xla_persistent_cache_directory=DIR). Of the
# second of processor time that XLA adds to the fit of LFW, nine tenths go with a warm cache, and the fit then takes what it
# takes without XLA. It is not switched on: short fits are not compiled at all, long ones do not feel it, and the files are
# machine code that is run as it is found, whatever processor made it.
_MIN_STEPS = 12_000
_MAX_PARAMETERS = 2_000_000


def decide_jit_compile(wanted: bool | None, model: Any, num_steps: int, *, workers: int = 1) -> tuple[bool, str]:
    """Decide about XLA.

    Args:
        wanted: `training.jit_compile`; None: decide.
        model: the Keras model.
        num_steps: training steps of the whole run.
        workers: processes that train together.

    Returns:
        The decision, and the reason in a few words.
    """
    if workers > 1:
        return False, "XLA cannot compile what several workers tell each other"
    if wanted is not None:
        return wanted, f"training.jit_compile is {str(wanted).lower()}"
    names = {type(layer).__name__ for layer in model.layers}
    recurrent = bool(names & _RECURRENT)
    if recurrent and any(getattr(layer, "mask_zero", False) or type(layer).__name__ == "Masking" for layer in model.layers):
        return False, "XLA takes minutes to compile a recurrent layer behind a mask"
    others = sorted(names - _FUSED - _RECURRENT)
    if others:
        return False, f"XLA gains nothing for {', '.join(others[:3])} on a CPU"
    if model.count_params() > _MAX_PARAMETERS:
        return False, f"{model.count_params():,} parameters keep the processor busy without XLA"
    least = _MIN_RECURRENT_STEPS if recurrent else _MIN_STEPS
    if num_steps < least:
        return False, f"{num_steps:,} steps are over before XLA's compilation pays (from {least:,} on it does)"
    return True, f"{num_steps:,} steps of a small {'recurrent' if recurrent else 'dense'} model: XLA's compilation pays"
