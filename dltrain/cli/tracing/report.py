"""A trace as text of at most 80 columns, to be followed with pen and paper."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dltrain.cli.text import table
from dltrain.cli.tracing.backward import SQUARED, backward
from dltrain.cli.tracing.numbers import WIDTH, factor, few, number, places, products, shape_text, signed, wrapped
from dltrain.data.labels.cells import joined
from dltrain.evaluation.tracing.trace import Trace
from dltrain.model.numbers.losses import find_loss
from dltrain.model.numbers.passes import LayerNumbers
from dltrain.model.numbers.pixel import middle_pixel
from dltrain.wording import cut_middle, one_line

MOST_ROWS = 10


def report(trace: Trace, units: int) -> str:
    """The whole text.

    Args:
        trace: what was computed.
        units: how many units, inputs and weights of a layer are written out; the rest is summed up.
    """
    blocks = [_head(trace, units)]
    blocks += [_forward(layer, units) for layer in trace.first.layers]
    blocks.append(_outcome(trace, units))
    if trace.first.loss is not None:
        following: LayerNumbers | None = None
        blocks.append("backwards: L is the loss" + (f", the mean of {len(trace.names)} rows" if len(trace.names) > 1 else ""))
        for layer in reversed(trace.first.layers):
            blocks.append(backward(layer, following, trace, units))
            following = layer
        blocks.append(_step(trace, units))
    if len(trace.losses) > 1:
        blocks.append(_descent(trace.losses))
    blocks += ["\n".join(wrapped(note.split(" "), "note: ", "  ", " ") for note in trace.notes)]
    return "\n\n".join(block for block in blocks if block)


def _head(trace: Trace, units: int) -> str:
    lines = [f"{one_line(trace.source)}: weights {trace.weights}"]
    for spec, array in zip(trace.schema.inputs, trace.inputs):
        flat = np.asarray(array[0], np.float64).reshape(-1)
        names = spec.columns if len(spec.columns) == len(flat) else ()
        keep = len(flat) if len(flat) <= max(8, units) else max(8, units)
        words = [f"{one_line(names[i], 24)} {number(flat[i])}," if names else f"{number(flat[i])}," for i in range(keep)]
        words += [f"… {len(flat) - keep:,} more"] if keep < len(flat) else []
        words[-1] = words[-1].removesuffix(",")
        lines.append(wrapped(words, f"{spec.name} = ", "  "))
    if len(trace.names) > 1:
        lines.append(f"written out is the first of {len(trace.names)} rows: {one_line(trace.names[0], 50)}")
    elif trace.names[0].startswith("row "):
        lines.append(trace.names[0])
    return "\n".join(lines)


def _forward(layer: LayerNumbers, units: int) -> str:
    sizes = (
        f"{shape_text(layer.inputs)} → {shape_text(layer.outputs)}"
        if layer.inputs is not None
        else f"→ {shape_text(layer.outputs)}"
    )
    named = f", {_activation(layer)}" if layer.activation and layer.activation.name != "linear" else ""
    lines = [f"{layer.name}: {layer.layer}{named}, {sizes}"]
    if layer.sums is not None and layer.inputs is not None:
        lines += _dense_units(layer, units)
    elif (pixel := middle_pixel(layer)) is not None:
        weights = np.array([weight for _, weight, _ in pixel.terms])
        values = np.array([value for *_, value in pixel.terms])
        at = ", ".join(map(str, pixel.position))
        lines.append(f"  filter {pixel.filter} at ({at}) of its output, kernel · window:")
        bias = pixel.bias if "bias" in layer.weights else None
        lines.append(wrapped([*products(weights, values, bias, max(units, 4)), f"= {number(pixel.total)}"], "  z = ", "      "))
        out = float(layer.outputs[(0, *pixel.position, pixel.filter)])
        lines.append(f"  a = {_applied(layer, pixel.total, out)}")
    else:
        flat = layer.outputs[0].reshape(-1)
        lines.append(f"  {few(flat, units)}")
    return "\n".join(lines)


def _dense_units(layer: LayerNumbers, units: int) -> list[str]:
    assert layer.sums is not None
    assert layer.inputs is not None
    sums, outputs, values = layer.sums[0], layer.outputs[0], layer.inputs[0]
    kernel, bias = layer.weights.get("kernel"), layer.weights.get("bias")
    keep = len(sums) if len(sums) <= units + 1 else units
    lines = []
    for unit in range(keep):
        tag = str(unit) if len(sums) > 1 else ""
        if kernel is None:
            lines.append(f"  a{tag} = {_applied(layer, float(sums[unit]), float(outputs[unit]))}")
            continue
        words = products(kernel[:, unit], values, None if bias is None else float(bias[unit]), units)
        head = "w·x + b" if bias is not None else "w·x"
        sum_line = wrapped([*words, f"= {number(sums[unit])}"], f"  z{tag} = {head} = ", "       ")
        out_line = f"a{tag} = {_applied(layer, float(sums[unit]), float(outputs[unit]))}"
        if "\n" not in sum_line and len(sum_line) + 3 + len(out_line) <= WIDTH:
            lines.append(f"{sum_line}   {out_line}")
        else:
            lines += [sum_line, f"  {out_line}"]
    if keep < len(sums):
        rest = outputs[keep:]
        lines.append(
            f"  {len(rest):,} more units: a from {number(rest.min())} to {number(rest.max())}, in all {number(rest.sum())}"
        )
    return lines


def _activation(layer: LayerNumbers) -> str:
    assert layer.activation is not None
    options = ", ".join(f"{name} {number(value)}" for name, value in layer.activation.options.items())
    return layer.activation.name + (f" ({options})" if options else "")


def _applied(layer: LayerNumbers, total: float, output: float) -> str:
    """`relu(26) = 26`; a linear unit's output is its sum."""
    if layer.activation is None or layer.activation.name == "linear":
        return number(output)
    if layer.activation.name == "softmax" and layer.sums is not None and total < 300:
        return f"e^{factor(total)} / {number(float(np.exp(layer.sums[0]).sum()))} = {number(output)}"
    return f"{layer.activation.name}({number(total)}) = {number(output)}"


def _outcome(trace: Trace, units: int) -> str:
    """Prediction, target and loss of a row."""
    lines = []
    for index, head in enumerate(trace.heads):
        lines += _prediction(trace, index, head.name if len(trace.heads) > 1 else "")
    if not trace.heads:
        return ""
    first = trace.first
    if first.loss is not None:
        lines.append("")
        lines += _loss_lines(trace, units)
    return "\n".join(lines)


def _prediction(trace: Trace, index: int, name: str) -> list[str]:
    head, outputs = trace.heads[index], trace.first.outputs[index]
    of = f" of {name}" if name else ""
    if outputs.ndim != 2:
        return [f"prediction{of}: {few(outputs[0].reshape(-1), 3)}"]
    rows = []
    for row in range(min(len(outputs), MOST_ROWS)):
        values, found = outputs[row], trace.predictions[row][head.name]
        if head.is_multilabel:
            shown = f"{cut_middle(str(found))} ({'z' if head.logits else 'y'} = {few(values, 6)})"
        elif head.task == "classification":
            value = values.max() if len(values) > 1 else values[0]
            shown = f"{cut_middle(str(found))} ({'z' if head.logits else 'y'} = {number(value)})"
        else:
            own = found if isinstance(found, list) else [found]
            shown = ", ".join(number(value) for value in own[:6]) + (", …" if len(own) > 6 else "")
            if any(spec.is_scaled for spec in head.targets):
                shown += f" (y = {', '.join(number(value) for value in values[:6])}, scaled)"
        target = _target(trace, index, row)
        rows.append([one_line(trace.names[row], 40), shown, *([target] if target else [])])
    if len(rows) == 1:
        target = f", target {rows[0][2]}" if len(rows[0]) > 2 else ""
        return wrapped(f"prediction{of}: {rows[0][1]}{target}".split(" "), "", "  ").splitlines()
    header = ["row", f"prediction{of}", *(["target"] if len(rows[0]) > 2 else [])]
    lines = table(header, rows, left=3).splitlines()
    return [*lines, f"{len(outputs) - MOST_ROWS} more rows"] if len(outputs) > MOST_ROWS else lines


def _target(trace: Trace, index: int, row: int) -> str:
    if trace.targets is None:
        return ""
    head, values = trace.heads[index], np.asarray(trace.targets[index][row], np.float64).reshape(-1)
    if head.is_multilabel:
        return joined(values[None], head.targets[0])[0] or "no label"
    if head.task == "classification":
        which = int(values[0]) if head.encoding in ("index", "binary") else int(values.argmax())
        return cut_middle(head.classes[which])
    if head.is_reconstruction:
        return "the input"
    own = [float(spec.to_own(value)) for value, spec in zip(values, head.targets)]
    return ", ".join(number(value) for value in own[:6])


def _loss_lines(trace: Trace, units: int) -> list[str]:
    first = trace.first
    assert first.loss is not None
    if len(trace.heads) != 1 or trace.targets is None:
        return [f"loss L = {number(first.loss)}"]
    head = trace.heads[0]
    loss = find_loss(head.loss)
    lines = [f"loss: {head.loss.name}" + (f", {loss.formula}" if loss and not loss.smoothing else "")]
    outputs = first.outputs[0]
    if outputs.ndim == 2 and outputs.shape[1] <= units + 1 and head.loss.name in SQUARED:
        target = np.asarray(trace.targets[0][0], np.float64).reshape(-1)
        half = head.loss.name == "HalfSquaredError"
        words = [f"({number(y)} - {factor(t)})²{'/2' if half else ''}" for y, t in zip(outputs[0], target)]
        total = float(((outputs[0] - target) ** 2).mean()) / (2 if half else 1)
        sum_of = (
            signed(words)
            if len(words) == 1
            else ["(" + words[0], *[f"+ {word}" for word in words[1:-1]], f"+ {words[-1]}) / {len(words)}"]
        )
        lines.append(wrapped([*sum_of, f"= {number(total)}"], "  ", "  "))
    elif (
        head.loss.name in ("SparseCategoricalCrossentropy", "CategoricalCrossentropy")
        and loss
        and not loss.smoothing
        and not head.logits
    ):
        target = np.asarray(trace.targets[0][0]).reshape(-1)
        which = int(target[0]) if head.encoding == "index" else int(target.argmax())
        lines.append(f"  -ln {number(outputs[0, which])} = {number(float(-np.log(max(outputs[0, which], 1e-300))))}")
    elif head.loss.name == "BinaryCrossentropy" and loss and not loss.smoothing and not head.logits and outputs.shape[1:] == (1,):
        target_one = float(np.asarray(trace.targets[0][0]).reshape(-1)[0])
        chance = float(outputs[0, 0]) if target_one > 0.5 else 1 - float(outputs[0, 0])
        inside = number(chance) if target_one > 0.5 else f"(1 - {number(outputs[0, 0])})"
        lines.append(f"  t = {number(target_one)}: -ln {inside} = {number(float(-np.log(max(chance, 1e-300))))}")
    if first.losses is not None and len(first.losses) > 1:
        shown = ", ".join(number(value) for value in first.losses[:MOST_ROWS])
        more = ", …" if len(first.losses) > MOST_ROWS else ""
        lines.append(wrapped(f"  of each row: {shown}{more}".split(" "), "", "  "))
    penalty = f", {number(first.penalty)} of it the penalty of the regularizers" if first.penalty else ""
    lines.append(f"  L = {number(first.loss)}{penalty}")
    return lines


def _step(trace: Trace, units: int) -> str:
    """The weights after one step of the optimizer."""
    assert trace.optimizer is not None
    lines = [f"one step of {trace.optimizer.name}, rate {number(trace.learning_rate or 0.0)}"]
    clipped = [name for name in ("clipnorm", "clipvalue", "global_clipnorm") if trace.optimizer.arguments.get(name)]
    plain = trace.formulas == ("new w = w - rate·g",) and not clipped
    lines += [f"  {line}" for line in trace.formulas if not plain]
    lines += [f"  the gradients are first clipped ({name} {trace.optimizer.arguments[name]})" for name in clipped]
    rows, words = [], []
    for layer in trace.first.layers:
        if layer.updated:
            rows.append([one_line(layer.name, 20)])
        for name, array in layer.updated.items():
            kept = layer.memories.get(name, {})
            words = list(kept)
            for place in _first_places(array.shape, units):
                label = f"  {name}[{', '.join(map(str, place))}]" if array.size > 1 else f"  {name}"
                old, new, slope = float(layer.weights[name][place]), float(array[place]), float(layer.gradients[name][place])
                if plain:
                    rows.append([label, f"{number(old)} - {number(trace.learning_rate or 0.0)}·{factor(slope)} = {number(new)}"])
                else:
                    memories = [f"{float(memory[place]):.4g}" for memory in kept.values()]
                    rows.append([label, number(old), f"{slope:.4g}", *memories, number(new)])
    if not rows:
        return ""
    header = ["weight", "new w = w - rate·g"] if plain else ["weight", "w", "g", *words, "new w"]
    rows = [[*row, *[""] * (len(header) - len(row))] for row in rows]
    return "\n".join([*lines, *(f"  {line}" for line in table(header, rows, left=2 if plain else 1).splitlines())])


def _first_places(shape: tuple[int, ...], units: int) -> list[tuple[int, ...]]:
    """The first places of an array: of a kernel the first inputs of the first units, of a bias the first units."""
    if len(shape) == 2:
        return places(shape[0], shape[1], units)
    return [tuple(int(word) for word in np.unravel_index(index, shape)) for index in range(min(int(np.prod(shape)), units))]


def _descent(losses: Sequence[float]) -> str:
    """The loss before the first step and after some of the others."""
    last = len(losses) - 1
    wanted = sorted({*range(min(last, 5) + 1), *(last * part // 10 for part in range(11))})
    rows = [[str(step), number(losses[step])] for step in wanted]
    return table(["after step", "loss"], rows, left=0)
