"""`check --build`: Keras itself builds the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from dltrain.checking.places import in_order, placed
from dltrain.checking.result import CheckResult, LayerRow
from dltrain.config.found_rate import with_rate
from dltrain.config.types import Config
from dltrain.data.dataset import Schema
from dltrain.data.facts import DataFacts
from dltrain.errors import DltrainError, Fault
from dltrain.model.build import build_model, describe_layers
from dltrain.model.compile import compile_model
from dltrain.model.heads.head import Head
from dltrain.model.heads.rules import heads_of
from dltrain.model.own_code.blame import blames_own_code


def build_with_keras(config: Config, facts: DataFacts, result: CheckResult) -> CheckResult:
    """The result with Keras's own shapes, counts and refusals.

    Args:
        config: without errors so far.
        facts: what is known of the data.
        result: of the arithmetic.
    """
    if facts.schema is None:
        message = "--build needs the data's shape, which is not known"
        return replace(result, warnings=(*result.warnings, Fault(message, severity="warning")))
    try:
        model = _build(config, facts.schema, heads_of(config, facts.schema))
    except DltrainError as error:
        errors = in_order(placed(config, (*result.errors, *error.faults)))
        return replace(result, errors=errors, exit_code=error.exit_code)
    arithmetic = {row.name: row for row in result.layers}
    rows = []
    for layer in describe_layers(model):
        if layer["class"] == "InputLayer":
            continue
        known = arithmetic.get(layer["name"])
        shape = layer["output_shape"]
        single = not shape or not isinstance(shape[0], list)
        agrees = known is not None and known.parameters == layer["parameters"]
        rows.append(
            LayerRow(
                layer["name"],
                layer["class"],
                tuple(shape[1:]) if single else None,
                layer["parameters"],
                known.trainable if known is not None and agrees else None,
                known.arithmetic if known is not None and agrees else "",
                "" if single else "several outputs",
            )
        )
    return replace(
        result,
        layers=tuple(rows),
        parameters=int(model.count_params()),
        trainable=sum(int(weight.shape.num_elements()) for weight in model.trainable_weights),
        built=True,
    )


@blames_own_code
def _build(config: Config, schema: Schema, heads: Sequence[Head]) -> Any:
    model = build_model(config.model, schema, heads, seed=config.seed, augment=config.data.augment, pretrained=False)
    training = with_rate(config, None).training
    if training is not None:
        compile_model(model, heads, training)
    return model
