"""Output, loss and encoding follow from the task; what is written by hand counts where it fits, and is refused where it cannot."""

from __future__ import annotations

import pytest

from dltrain.config.types import Component, LossConfig
from dltrain.data.dataset import InputSpec, Schema, TargetSpec
from dltrain.errors import ConfigError
from dltrain.model.heads.head import Head
from dltrain.model.heads.rules import resolve_heads
from tests.model.support import layer, model_of, schema_of


def head_of(*layers: object, classes: int = 0, loss: str | None = None, **options: object) -> Head:
    wanted = LossConfig(Component("loss", loss)) if loss else None
    schema = schema_of((4,), classes=classes, targets=int(options.pop("targets", 1)))  # type: ignore[call-overload]
    (head,) = resolve_heads(model_of(*layers, **options), schema, wanted)  # type: ignore[arg-type]
    return head


@pytest.mark.parametrize(
    ("options", "units", "activation", "loss", "encoding"),
    [
        ({"classes": 2}, 1, "sigmoid", "BinaryCrossentropy", "binary"),
        ({"classes": 5}, 5, "softmax", "SparseCategoricalCrossentropy", "index"),
        ({"targets": 1}, 1, None, "MeanSquaredError", "value"),
        ({"targets": 3}, 3, None, "MeanSquaredError", "value"),
        ({"classes": 2, "loss": "CategoricalCrossentropy"}, 2, "softmax", "CategoricalCrossentropy", "one_hot"),
        ({"classes": 2, "loss": "SparseCategoricalCrossentropy"}, 2, "softmax", "SparseCategoricalCrossentropy", "index"),
        ({"classes": 4, "loss": "CategoricalCrossentropy"}, 4, "softmax", "CategoricalCrossentropy", "one_hot"),
        ({"classes": 2, "loss": "MeanSquaredError"}, 1, "sigmoid", "MeanSquaredError", "binary"),
    ],
)
def test_output_follows_from_the_task(options: dict, units: int, activation: str | None, loss: str, encoding: str) -> None:
    head = head_of(layer("Dense", units=8, activation="relu"), **options)
    (added,) = head.layers
    assert added.component.arguments.get("units") == units
    assert added.component.arguments.get("activation") == activation
    assert (head.loss.name, head.encoding) == (loss, encoding)


@pytest.mark.parametrize(
    ("layers", "options"),
    [
        ([layer("Dense", units=10, activation="softmax")], {"classes": 10}),
        ([layer("Dense", units=2, activation="softmax")], {"classes": 2}),
        ([layer("Dense", units=1, activation="sigmoid")], {"classes": 2}),
        ([layer("Dense", units=3), layer("Activation", activation="softmax")], {"classes": 3}),
        ([layer("Dense", units=3), layer("Softmax")], {"classes": 3}),
        ([layer("Dense", units=10)], {"classes": 10, "logits": True}),
        ([layer("Dense", units=1, activation="tanh")], {"classes": 2, "loss": "Hinge"}),
        ([layer("Dense", units=1)], {"targets": 1}),
        ([layer("Dense", units=1, activation="linear")], {"targets": 1}),
    ],
)
def test_a_last_layer_that_fits_is_the_output(layers: list, options: dict) -> None:
    assert head_of(*layers, **options).layers == ()


@pytest.mark.parametrize(
    ("layers", "options"),
    [
        ([layer("Dense", units=1, activation="relu")], {"classes": 2}),
        ([layer("Dense", units=4, activation="sigmoid")], {"classes": 2}),
        ([layer("Dense", units=10)], {"classes": 10}),
        ([layer("Dense", units=2)], {"targets": 1}),
    ],
)
def test_a_last_layer_that_does_not_fit_is_a_hidden_one(layers: list, options: dict) -> None:
    assert len(head_of(*layers, **options).layers) == 1


@pytest.mark.parametrize(
    ("layers", "options", "message"),
    [
        ([layer("Dense", units=1, activation="softmax")], {"classes": 2}, "softmax over 1 unit cannot be the output"),
        ([layer("Dense", units=3, activation="softmax")], {"classes": 10}, "softmax over 3 units"),
        ([layer("Dense", units=3)], {"classes": 10, "output": "none"}, "cannot tell 10 classes apart"),
        ([layer("Dense", units=3)], {"targets": 1, "output": "none"}, "does not fit the regression"),
        ([], {"targets": 1, "loss": "BinaryCrossentropy"}, "is a loss for classes"),
        ([], {"targets": 1, "loss": "SquaredHinge"}, "is a loss for classes"),
        ([layer("Dense", units=1, activation="sigmoid")], {"classes": 2, "loss": "Hinge"}, "ends in sigmoid, between 0 and 1"),
        (
            [layer("Dense", units=1, activation="sigmoid")],
            {"classes": 2, "loss": "SquaredHinge", "output": "none"},
            "takes the classes for -1 and 1",
        ),
        ([], {"targets": 1, "loss": "Dice"}, "is a loss for classes"),
        ([], {"targets": 1, "loss": "CosineSimilarity"}, "its sign alone"),
        ([], {"classes": 2, "loss": "CosineSimilarity"}, "its sign alone"),
        (
            [layer("Dense", units=1, activation="sigmoid")],
            {"classes": 2, "output": "none", "loss": "CategoricalCrossentropy"},
            "needs one unit",
        ),
    ],
)
def test_contradictions_are_config_errors(layers: list, options: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        head_of(*layers, **options)


def test_logits_leave_the_activation_out_and_tell_the_loss() -> None:
    for classes, loss in ((2, "BinaryCrossentropy"), (6, "SparseCategoricalCrossentropy")):
        head = head_of(classes=classes, logits=True)
        assert "activation" not in head.layers[0].component.arguments
        assert head.loss == Component("loss", loss, {"from_logits": True})
        assert head.logits


def test_several_targets_with_a_loss_each() -> None:
    schema = Schema(
        (InputSpec("features", (4,)),), (TargetSpec("a", "regression"), TargetSpec("b", "classification", ("x", "y")))
    )
    losses = {
        "a": LossConfig(Component("loss", "MeanAbsoluteError"), 0.5),
        "b": LossConfig(Component("loss", "BinaryCrossentropy")),
    }
    first, second = resolve_heads(model_of(), schema, losses)
    assert (first.name, first.units, first.loss_weight) == ("a", 1, 0.5)
    assert (second.name, second.encoding) == ("b", "binary")
    with pytest.raises(ConfigError, match="no loss for the target 'b'"):
        resolve_heads(model_of(), schema, {"a": losses["a"]})
