"""Whether XLA compiles the training steps: decided once per run, from the work ahead and the kind of layers alone.

Nothing that is measured enters the decision, so that two processes with one config decide alike and give the same bits.
"""

from __future__ import annotations

from typing import Any

# Layers of which XLA makes one fused program; it is slow to compile convolutions for a CPU, and slower to run them.
_FUSED = {
    "InputLayer", "Dense", "Flatten", "Reshape", "Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "Softmax", "Dropout",
    "GaussianNoise", "GaussianDropout", "BatchNormalization", "LayerNormalization", "Embedding", "Concatenate", "Add",
    "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Rescaling", "Permute", "RepeatVector",
}  # fmt: skip
# Compiling costs seconds; a step of a small model gains some tenths of a millisecond.
_MIN_STEPS = 12_000
_MAX_PARAMETERS = 2_000_000


def decide_jit_compile(wanted: bool | None, model: Any, num_steps: int) -> tuple[bool, str]:
    """Decide about XLA.

    Args:
        wanted: `training.jit_compile`; None: decide.
        model: the Keras model.
        num_steps: training steps of the whole run.

    Returns:
        The decision, and the reason in a few words.
    """
    if wanted is not None:
        return wanted, f"training.jit_compile is {str(wanted).lower()}"
    others = sorted({type(layer).__name__ for layer in model.layers} - _FUSED)
    if others:
        return False, f"XLA gains nothing for {', '.join(others[:3])} on a CPU"
    if model.count_params() > _MAX_PARAMETERS:
        return False, f"{model.count_params():,} parameters keep the processor busy without XLA"
    if num_steps < _MIN_STEPS:
        return False, f"{num_steps:,} steps are over before XLA's compilation pays (from {_MIN_STEPS:,} on it does)"
    return True, f"{num_steps:,} steps of a small dense model: XLA's compilation pays"
