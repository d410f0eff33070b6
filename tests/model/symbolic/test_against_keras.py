"""Keras's own answer decides: shape, parameters, or a refusal."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from dltrain.config.types import Component, ModelConfig
from dltrain.data.dataset import InputSpec, Schema, TargetSpec
from dltrain.errors import ConfigError
from dltrain.model.build import build_model, describe_layers, make_component
from dltrain.model.heads.head import Head
from dltrain.model.keras_import import import_keras
from dltrain.model.symbolic import Inferred, ShapeError, infer_network
from dltrain.model.symbolic.layers import infer_layer
from tests.model.symbolic.architectures import RANKS, layers, merges, networks

RELAXED = {"deadline": None, "suppress_health_check": list(HealthCheck), "database": None, "print_blob": False}
FEW = settings(max_examples=60, derandomize=True, **RELAXED)
MANY = settings(max_examples=3000, **RELAXED)
REFUSALS = (ValueError, TypeError, KeyError, IndexError, AssertionError, ArithmeticError, NotImplementedError)
# Without height and width Keras would take the batch for the height of one picture, or leave all as it is.
STRICTER = {name for name, rank in RANKS.items() if rank == 3 and name.startswith(("Random", "Resizing", "CenterCrop"))}


def is_stricter(name: str, shape: tuple[int, ...]) -> bool:
    """Whether the arithmetic refuses on purpose what Keras takes for something else, or what would end the process."""
    # Keras's adaptive pooling looks neither at the rank of its input nor at whether TensorFlow can make its windows.
    return (name in STRICTER and len(shape) <= 2) or name.startswith("Adaptive")


def keras_answer(component: Component, shapes: tuple[tuple[int, ...], ...]) -> tuple[tuple[int, ...], int, int] | str:
    """Output shape, parameters and those of them that are trained, or why Keras refuses."""
    keras = import_keras()
    tensors = [keras.KerasTensor((None, *shape)) for shape in shapes]
    try:
        layer = make_component(keras, component)
        output = layer(tensors if len(tensors) > 1 else tensors[0])
        trained = sum(int(np.prod(weight.shape)) for weight in layer.trainable_weights)
        return tuple(output.shape[1:]), layer.count_params() if layer.weights else 0, trained
    except REFUSALS as error:
        return f"{type(error).__name__}: {str(error)[:200]}"


def runs(component: Component, shapes: tuple[tuple[int, ...], ...]) -> bool:
    """Whether the layer really works on a batch of such inputs."""
    import tensorflow as tf

    keras = import_keras()
    arrays = [np.zeros((2, *shape), "float32") for shape in shapes]
    try:
        make_component(keras, component)(arrays if len(arrays) > 1 else arrays[0])
    except (*REFUSALS, tf.errors.OpError):
        return False
    return True


def works(model: Any, shape: tuple[int, ...]) -> bool:
    """Whether a model that was built takes a batch."""
    import tensorflow as tf

    try:
        model(np.zeros((2, *shape), "float32"))
    except (*REFUSALS, tf.errors.OpError):
        return False
    return True


def arithmetic_answer(component: Component, shapes: tuple[tuple[int, ...], ...]) -> Inferred | ShapeError:
    try:
        return infer_layer(component, shapes)
    except ShapeError as error:
        return error


def check_layer(component: Component, shapes: tuple[tuple[int, ...], ...]) -> None:
    expected = keras_answer(component, shapes)
    found = arithmetic_answer(component, shapes)
    if isinstance(found, ShapeError):
        strict = is_stricter(component.name, shapes[0])
        assert strict or isinstance(expected, str) or not runs(component, shapes), (
            f"refused ({found}), but Keras gives {expected}"
        )
    else:
        assert not isinstance(expected, str), f"taken, but Keras refuses: {expected}"
        assert (found.output, found.parameters, found.trainable) == expected


def keras_network(model: ModelConfig, schema: Schema) -> Any:
    """The model, whatever its output's shape, or the path of the layer that Keras refuses ("": it does not say)."""
    try:
        return build_model(model, schema, (), seed=0)
    except ConfigError as error:
        return str(error.faults[0].path)
    except IndexError:
        return ""


def check_network(model: ModelConfig, shape: tuple[int, ...]) -> None:
    """The table of a whole network against the model that is built; a refusal at the same layer."""
    schema = Schema((InputSpec("image" if len(shape) == 3 else "features", shape),), (TargetSpec("y", "regression"),))
    head = Head("y", schema.targets, 1, (), Component("loss", "MeanSquaredError"), 1.0, "value", False, "")
    network = infer_network(model, schema, (head,))
    built = keras_network(model, schema)
    if isinstance(built, str):
        assert network.faults, f"taken, but Keras refuses {built}"
    if network.faults:
        refused = next(row for row in network.rows if row.config and row.config.path == network.faults[0].path)
        if refused.inputs[0] is not None and is_stricter(refused.layer, refused.inputs[0]):
            return
        if isinstance(built, str):
            assert network.faults[0].path == (built or network.faults[0].path)
        else:
            assert not works(built, shape), f"refused ({network.faults[0]}), but it works"
        return
    rows = {row.name: row for row in network.rows}
    for layer in describe_layers(built):
        if layer["class"] != "InputLayer":
            found = rows[layer["name"]].found
            expected = (layer["name"], tuple(layer["output_shape"][1:]), layer["parameters"])
            assert (layer["name"], found.output, found.parameters) == expected
    [(end, _)] = network.outputs
    needed = network.needed_for(end)
    assert sum(row.found.parameters or 0 for row in network.rows if row.name in needed) == built.count_params()


@FEW
@given(layers())
def test_a_layer(case: tuple[Component, tuple[int, ...]]) -> None:
    component, shape = case
    check_layer(component, (shape,))


@FEW
@given(merges())
def test_a_merge(case: tuple[Component, tuple[tuple[int, ...], ...]]) -> None:
    check_layer(*case)


@pytest.mark.slow
@MANY
@given(layers())
def test_thousands_of_layers(case: tuple[Component, tuple[int, ...]]) -> None:
    component, shape = case
    check_layer(component, (shape,))


@pytest.mark.slow
@MANY
@given(merges())
def test_thousands_of_merges(case: tuple[Component, tuple[tuple[int, ...], ...]]) -> None:
    check_layer(*case)


@FEW
@given(networks())
def test_a_network(case: tuple[ModelConfig, tuple[int, ...]]) -> None:
    check_network(*case)


@pytest.mark.slow
@MANY
@given(networks())
def test_thousands_of_networks(case: tuple[ModelConfig, tuple[int, ...]]) -> None:
    check_network(*case)


@pytest.mark.parametrize(("shape", "size"), [((6, 6, 4), 1), ((1, 6, 4), 2), ((6, 6, 4), [1, 3])])
def test_what_would_end_the_process_is_refused(shape: tuple[int, ...], size: int | list[int]) -> None:
    """TensorFlow 2.21 dies of SIGFPE of a maximum over a window that is one larger than what it slides over."""
    with pytest.raises(ShapeError, match="TensorFlow cannot compute") as error:
        infer_layer(Component("layer", "AdaptiveMaxPooling2D", {"output_size": size}), (shape,))
    assert "GlobalMaxPooling2D" in (error.value.hint or "")
