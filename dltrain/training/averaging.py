"""The average of the weights that an optimizer with `use_ema` keeps: put in for a look, or for good at the end of training."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from dltrain.model.compile import inner_optimizer


@contextlib.contextmanager
def averaged_weights(model: Any) -> Iterator[None]:
    """The model with the averaged weights, for as long as the context lasts; afterwards with its own again, to the bit.

    What Keras's SwapEMAWeights does, which adds and subtracts to save memory, so that its weights come back rounded.
    """
    pairs = _averages(model)
    own = [variable.value.read_value() for variable, _ in pairs]
    for variable, average in pairs:
        variable.assign(average.value)
    try:
        yield
    finally:
        for (variable, _), value in zip(pairs, own):
            variable.assign(value)


def finalize_weights(model: Any) -> bool:
    """What `Model.fit` does after its last epoch: an optimizer that averages the weights leaves the average in the model.

    Returns:
        Whether it did.
    """
    model.optimizer.finalize_variable_values(model.trainable_variables)
    return bool(_averages(model))


def _averages(model: Any) -> list[tuple[Any, Any]]:
    """Each trained variable of the model with its average; none where the optimizer keeps no average."""
    optimizer = inner_optimizer(model.optimizer)
    if not getattr(optimizer, "use_ema", False):
        return []
    averages = optimizer._model_variables_moving_average
    return [(variable, average) for variable, average in zip(optimizer._trainable_variables, averages) if average is not None]
