"""The way back through a layer, written out: the slopes of the loss and the gradients of the weights."""

from __future__ import annotations

import numpy as np

from dltrain.cli.tracing.numbers import WIDTH, factor, few, length, number, places, products, shape_of, signed, wrapped
from dltrain.evaluation.tracing.trace import Trace
from dltrain.model.numbers.passes import LayerNumbers

# Losses whose terms are short enough to be written out.
SQUARED = ("MeanSquaredError", "HalfSquaredError")


def backward(layer: LayerNumbers, following: LayerNumbers | None, trace: Trace, units: int) -> str:
    """The slopes of the loss at one layer, and the gradients of its weights; empty where there are none."""
    lines = [f"{layer.name}: {layer.layer}"]
    if layer.sums_gradient is None or layer.sums is None:
        if layer.outputs_gradient is not None:
            lines.append(
                f"  dL/da: {few(layer.outputs_gradient[0].reshape(-1), units)}, length {number(length(layer.outputs_gradient))}"
            )
    else:
        lines += _slopes(layer, following, trace, units)
    lines += _weight_gradients(layer, units)
    return "\n".join(lines) if len(lines) > 1 else ""


def _slopes(layer: LayerNumbers, following: LayerNumbers | None, trace: Trace, units: int) -> list[str]:
    """dL/da and dL/dz of the first units of the first row."""
    assert layer.sums_gradient is not None
    assert layer.sums is not None
    assert layer.activation is not None
    gradient = layer.outputs_gradient[0] if layer.outputs_gradient is not None else None
    sums = layer.sums_gradient[0]
    keep = len(sums) if len(sums) <= units + 1 else units
    merged = following is None and trace.first.by_sums and layer.activation.name in ("softmax", "sigmoid")
    lines = []
    over = f" / {len(trace.names)}" if len(trace.names) > 1 else ""
    if merged:
        rule = f"(y - t){over}" if over else "y - t"
        lines.append(f"  {layer.activation.name} and cross-entropy together: dL/dz = {rule}")
    for unit in range(keep):
        tag = str(unit) if len(sums) > 1 else ""
        if not merged and gradient is not None:
            arrived = _arrived(layer, following, unit, units)
            if arrived:
                lines.append(wrapped([*arrived, f"= {number(gradient[unit])}"], f"  dL/da{tag} = ", "      "))
            elif following is None:
                lines.append(f"  dL/da{tag} = {_loss_slope(trace, unit)}{number(gradient[unit])}")
        if merged:
            output = float(layer.outputs[0, unit])
            target = output - float(sums[unit]) * len(trace.names)
            words = f"{number(output)} - {number(round(target, 9))}"
            lines.append(f"  dL/dz{tag} = {f'({words}){over}' if over else words} = {number(sums[unit])}")
        elif layer.activation.slope is None or gradient is None:
            lines.append(f"  dL/dz{tag} = {number(sums[unit])}")
        elif layer.activation.name == "linear":
            lines.append(f"  dL/dz{tag} = dL/da{tag} = {number(sums[unit])}")
        else:
            slope = float(layer.activation.slope(layer.sums)[0, unit])
            how = f"{layer.activation.name}'({number(layer.sums[0, unit])})"
            text = f"  dL/dz{tag} = dL/da{tag} · {how} = {number(gradient[unit])} · {factor(slope)} = {number(sums[unit])}"
            lines.append(wrapped(text.split(" = "), "", "      ", " = ") if len(text) > WIDTH else text)
    if keep < len(sums):
        lines.append(f"  {len(sums) - keep:,} more units: length of dL/dz in all {number(length(sums))}")
    return lines


def _loss_slope(trace: Trace, unit: int) -> str:
    """The terms of dL/dy where they are short: of the squared error."""
    if trace.targets is None or len(trace.heads) != 1 or trace.heads[0].loss.name not in SQUARED:
        return ""
    output, target = trace.first.outputs[0], np.asarray(trace.targets[0], np.float64)
    if output.ndim != 2 or output.shape != target.shape:
        return ""
    over = f" / {output.size}" if output.size > 1 else ""
    times = "2·" if trace.heads[0].loss.name == "MeanSquaredError" else ""
    return f"{times}({number(output[0, unit])} - {factor(target[0, unit])}){over} = "


def _arrived(layer: LayerNumbers, following: LayerNumbers | None, unit: int, units: int) -> list[str]:
    """The terms by which the slopes of the next layer come back: its weights times its dL/dz."""
    if following is None or following.sums_gradient is None or "kernel" not in following.weights or following.inputs is None:
        return []
    if following.inputs.shape != layer.outputs.shape:
        return []
    return products(following.weights["kernel"][unit], following.sums_gradient[0], None, units)


def _weight_gradients(layer: LayerNumbers, units: int) -> list[str]:
    """Gradient of the first weights of a dense layer with its terms; of other layers the length."""
    lines = []
    if layer.sums_gradient is not None and layer.inputs is not None and "kernel" in layer.gradients:
        return _dense_gradients(layer, units)
    for name, gradient in layer.gradients.items():
        flat = gradient.reshape(-1)
        lines.append(f"  dL/d{name} {shape_of(gradient)}: {few(flat, units)}, length {number(length(flat))}")
    return lines


def _dense_gradients(layer: LayerNumbers, units: int) -> list[str]:
    assert layer.sums_gradient is not None
    assert layer.inputs is not None
    gradient, slopes, values = layer.gradients["kernel"], layer.sums_gradient, layer.inputs
    num_inputs, num_units = gradient.shape
    lines = []
    for place, unit in places(num_inputs, num_units, units):
        rows = min(len(slopes), 3)
        words = signed(f"{number(slopes[row, unit])}·{factor(values[row, place])}" for row in range(rows))
        if len(slopes) > rows:
            rest = float(gradient[place, unit] - np.dot(slopes[:rows, unit], values[:rows, place]))
            words += [f"+ [{len(slopes) - rows:,} more rows:", f"{number(rest)}]"]
        name = f"dL/dw{_tag(place, num_inputs)}{_to(unit, num_units)}"
        lines.append(wrapped([*words, f"= {number(gradient[place, unit])}"], f"  {name} = dL/dz·x = ", "      "))
    of_rows = " over the rows" if len(slopes) > 1 else ""
    if "bias" in layer.gradients:
        for unit in range(min(num_units, units)):
            tag = str(unit) if num_units > 1 else ""
            lines.append(f"  dL/db{tag} = dL/dz{tag}{of_rows} = {number(layer.gradients['bias'][unit])}")
    if gradient.size > units * units:
        lines.append(f"  {gradient.size:,} weights: length of dL/dw in all {number(length(gradient))}")
    return lines


def _tag(place: int, count: int) -> str:
    return str(place) if count > 1 else ""


def _to(unit: int, count: int) -> str:
    return f"→{unit}" if count > 1 else ""
