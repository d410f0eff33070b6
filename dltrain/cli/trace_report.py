"""A trace as text of at most 80 columns, to be followed with pen and paper."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from dltrain.cli.text import table
from dltrain.data.labels.cells import joined
from dltrain.evaluation.tracing.trace import Trace
from dltrain.model.numbers.activations import Floats
from dltrain.model.numbers.losses import find_loss
from dltrain.model.numbers.passes import LayerNumbers
from dltrain.model.numbers.pixel import middle_pixel
from dltrain.wording import one_line

WIDTH = 80
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
            blocks.append(_backward(layer, following, trace, units))
            following = layer
        blocks.append(_step(trace, units))
    if len(trace.losses) > 1:
        blocks.append(_descent(trace.losses))
    blocks += ["\n".join(_wrapped(note.split(" "), "note: ", "  ", " ") for note in trace.notes)]
    return "\n\n".join(block for block in blocks if block)


def number(value: float) -> str:
    """Six significant digits at the most, no zeros behind them."""
    text = f"{float(value):.6g}"
    return "0" if text == "-0" else text


def factor(value: float) -> str:
    """A number behind a sign of calculation: negative ones in brackets."""
    text = number(value)
    return f"({text})" if text.startswith("-") else text


def _signed(terms: Iterable[str]) -> list[str]:
    """Terms as they follow each other in a sum: `2·3`, `+ 4·5`, `- 5·5`."""
    words = []
    for index, term in enumerate(terms):
        sign = "- " if term.startswith("-") else "+ "
        words.append(term if index == 0 else sign + term.removeprefix("-"))
    return words


def _wrapped(words: Sequence[str], begin: str, indent: str, gap: str = " ") -> str:
    """Words in lines of `WIDTH`, broken only between them."""
    lines, line = [], begin
    for index, word in enumerate(words):
        joined = f"{line}{gap if index and line.strip() else ''}{word}"
        if index and len(joined) > WIDTH:
            lines.append(line)
            joined = indent + word
        line = joined
    return "\n".join([*lines, line])


def _products(weights: Floats, values: Floats, bias: float | None, shown: int) -> list[str]:
    """The terms of a weighted sum, those beyond the first ones together."""
    keep = len(weights) if len(weights) <= shown + 1 else shown
    words = _signed(f"{number(weight)}·{factor(value)}" for weight, value in zip(weights[:keep], values[:keep]))
    if keep < len(weights):
        rest = float(np.dot(weights[keep:], values[keep:]))
        words += [f"+ [{len(weights) - keep:,} more:", f"{number(rest)}]"]
    if bias is not None:
        words += [("- " if bias < 0 else "+ ") + number(abs(bias))]
    return words


def _head(trace: Trace, units: int) -> str:
    lines = [f"{one_line(trace.source)}: weights {trace.weights}"]
    for spec, array in zip(trace.schema.inputs, trace.inputs):
        flat = np.asarray(array[0], np.float64).reshape(-1)
        names = spec.columns if len(spec.columns) == len(flat) else ()
        keep = len(flat) if len(flat) <= max(8, units) else max(8, units)
        words = [f"{one_line(names[i], 24)} {number(flat[i])}," if names else f"{number(flat[i])}," for i in range(keep)]
        words += [f"… {len(flat) - keep:,} more"] if keep < len(flat) else []
        words[-1] = words[-1].removesuffix(",")
        lines.append(_wrapped(words, f"{spec.name} = ", "  "))
    if len(trace.names) > 1:
        lines.append(f"written out is the first of {len(trace.names)} rows: {one_line(trace.names[0], 50)}")
    elif trace.names[0].startswith("row "):
        lines.append(trace.names[0])
    return "\n".join(lines)


def _forward(layer: LayerNumbers, units: int) -> str:
    sizes = f"{_shape(layer.inputs)} → {_shape(layer.outputs)}" if layer.inputs is not None else f"→ {_shape(layer.outputs)}"
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
        lines.append(_wrapped([*_products(weights, values, bias, max(units, 4)), f"= {number(pixel.total)}"], "  z = ", "      "))
        out = float(layer.outputs[(0, *pixel.position, pixel.filter)])
        lines.append(f"  a = {_applied(layer, pixel.total, out)}")
    else:
        flat = layer.outputs[0].reshape(-1)
        lines.append(f"  {_few(flat, units)}")
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
        words = _products(kernel[:, unit], values, None if bias is None else float(bias[unit]), units)
        head = "w·x + b" if bias is not None else "w·x"
        sum_line = _wrapped([*words, f"= {number(sums[unit])}"], f"  z{tag} = {head} = ", "       ")
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
    """Prediction, target and loss."""
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
        return [f"prediction{of}: {_few(outputs[0].reshape(-1), 3)}"]
    rows = []
    for row in range(min(len(outputs), MOST_ROWS)):
        values, found = outputs[row], trace.predictions[row][head.name]
        if head.is_multilabel:
            shown = f"{found} ({'z' if head.logits else 'y'} = {_few(values, 6)})"
        elif head.task == "classification":
            value = values.max() if len(values) > 1 else values[0]
            shown = f"{found} ({'z' if head.logits else 'y'} = {number(value)})"
        else:
            own = found if isinstance(found, list) else [found]
            shown = ", ".join(number(value) for value in own[:6]) + (", …" if len(own) > 6 else "")
            if any(spec.is_scaled for spec in head.targets):
                shown += f" (y = {', '.join(number(value) for value in values[:6])}, scaled)"
        target = _target(trace, index, row)
        rows.append([one_line(trace.names[row], 40), shown, *([target] if target else [])])
    if len(rows) == 1:
        target = f", target {rows[0][2]}" if len(rows[0]) > 2 else ""
        return _wrapped(f"prediction{of}: {rows[0][1]}{target}".split(" "), "", "  ").splitlines()
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
        return head.classes[which]
    if head.task == "reconstruction":
        return "the input"
    own = [float(spec.to_own(value)) for value, spec in zip(values, head.targets)]
    return ", ".join(number(value) for value in own[:6])


# Losses whose terms are short enough to be written out.
_SQUARED = ("MeanSquaredError", "HalfSquaredError")


def _loss_lines(trace: Trace, units: int) -> list[str]:
    first = trace.first
    assert first.loss is not None
    if len(trace.heads) != 1 or trace.targets is None:
        return [f"loss L = {number(first.loss)}"]
    head = trace.heads[0]
    loss = find_loss(head.loss)
    lines = [f"loss: {head.loss.name}" + (f", {loss.formula}" if loss and not loss.smoothing else "")]
    outputs = first.outputs[0]
    if outputs.ndim == 2 and outputs.shape[1] <= units + 1 and head.loss.name in _SQUARED:
        target = np.asarray(trace.targets[0][0], np.float64).reshape(-1)
        half = head.loss.name == "HalfSquaredError"
        words = [f"({number(y)} - {factor(t)})²{'/2' if half else ''}" for y, t in zip(outputs[0], target)]
        total = float(((outputs[0] - target) ** 2).mean()) / (2 if half else 1)
        sum_of = (
            _signed(words)
            if len(words) == 1
            else ["(" + words[0], *[f"+ {word}" for word in words[1:-1]], f"+ {words[-1]}) / {len(words)}"]
        )
        lines.append(_wrapped([*sum_of, f"= {number(total)}"], "  ", "  "))
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
        lines.append(_wrapped(f"  of each row: {shown}{more}".split(" "), "", "  "))
    penalty = f", {number(first.penalty)} of it the penalty of the regularizers" if first.penalty else ""
    lines.append(f"  L = {number(first.loss)}{penalty}")
    return lines


def _backward(layer: LayerNumbers, following: LayerNumbers | None, trace: Trace, units: int) -> str:
    lines = [f"{layer.name}: {layer.layer}"]
    if layer.sums_gradient is None or layer.sums is None:
        if layer.outputs_gradient is not None:
            lines.append(
                f"  dL/da: {_few(layer.outputs_gradient[0].reshape(-1), units)}, length {number(_length(layer.outputs_gradient))}"
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
                lines.append(_wrapped([*arrived, f"= {number(gradient[unit])}"], f"  dL/da{tag} = ", "      "))
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
            lines.append(_wrapped(text.split(" = "), "", "      ", " = ") if len(text) > WIDTH else text)
    if keep < len(sums):
        lines.append(f"  {len(sums) - keep:,} more units: length of dL/dz in all {number(_length(sums))}")
    return lines


def _loss_slope(trace: Trace, unit: int) -> str:
    """The terms of dL/dy where they are short: of the squared error."""
    if trace.targets is None or len(trace.heads) != 1 or trace.heads[0].loss.name not in _SQUARED:
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
    return _products(following.weights["kernel"][unit], following.sums_gradient[0], None, units)


def _weight_gradients(layer: LayerNumbers, units: int) -> list[str]:
    """Gradient of the first weights of a dense layer with its terms; of other layers the length."""
    lines = []
    if layer.sums_gradient is not None and layer.inputs is not None and "kernel" in layer.gradients:
        return _dense_gradients(layer, units)
    for name, gradient in layer.gradients.items():
        flat = gradient.reshape(-1)
        lines.append(f"  dL/d{name} {_shape_of(gradient)}: {_few(flat, units)}, length {number(_length(flat))}")
    return lines


def _dense_gradients(layer: LayerNumbers, units: int) -> list[str]:
    assert layer.sums_gradient is not None
    assert layer.inputs is not None
    gradient, slopes, values = layer.gradients["kernel"], layer.sums_gradient, layer.inputs
    num_inputs, num_units = gradient.shape
    lines = []
    for place, unit in _places(num_inputs, num_units, units):
        rows = min(len(slopes), 3)
        words = _signed(f"{number(slopes[row, unit])}·{factor(values[row, place])}" for row in range(rows))
        if len(slopes) > rows:
            rest = float(gradient[place, unit] - np.dot(slopes[:rows, unit], values[:rows, place]))
            words += [f"+ [{len(slopes) - rows:,} more rows:", f"{number(rest)}]"]
        name = f"dL/dw{_tag(place, num_inputs)}{_to(unit, num_units)}"
        lines.append(_wrapped([*words, f"= {number(gradient[place, unit])}"], f"  {name} = dL/dz·x = ", "      "))
    of_rows = " over the rows" if len(slopes) > 1 else ""
    if "bias" in layer.gradients:
        for unit in range(min(num_units, units)):
            tag = str(unit) if num_units > 1 else ""
            lines.append(f"  dL/db{tag} = dL/dz{tag}{of_rows} = {number(layer.gradients['bias'][unit])}")
    if gradient.size > units * units:
        lines.append(f"  {gradient.size:,} weights: length of dL/dw in all {number(_length(gradient))}")
    return lines


def _places(num_inputs: int, num_units: int, units: int) -> list[tuple[int, ...]]:
    return [(place, unit) for unit in range(min(num_units, units)) for place in range(min(num_inputs, units))]


def _tag(place: int, count: int) -> str:
    return str(place) if count > 1 else ""


def _to(unit: int, count: int) -> str:
    return f"→{unit}" if count > 1 else ""


def _step(trace: Trace, units: int) -> str:
    """The new weights."""
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
        return _places(shape[0], shape[1], units)
    return [tuple(int(word) for word in np.unravel_index(index, shape)) for index in range(min(int(np.prod(shape)), units))]


def _descent(losses: Sequence[float]) -> str:
    """The loss before the first step and after some of the others."""
    last = len(losses) - 1
    wanted = sorted({*range(min(last, 5) + 1), *(last * part // 10 for part in range(11))})
    rows = [[str(step), number(losses[step])] for step in wanted]
    return table(["after step", "loss"], rows, left=0)


def _few(values: Floats, units: int) -> str:
    keep = len(values) if len(values) <= units + 1 else units
    text = ", ".join(number(value) for value in values[:keep])
    if keep < len(values):
        text += f", … ({len(values):,} numbers from {number(values.min())} to {number(values.max())})"
    return text


def _length(values: Floats) -> float:
    return float(np.linalg.norm(values))


def _shape(array: Floats | None) -> str:
    if array is None:
        return "?"
    return _shape_of(array[0]) if array.ndim > 2 else str(array.shape[1]) if array.ndim == 2 else "1"


def _shape_of(array: Floats) -> str:
    return "×".join(map(str, array.shape)) or "1"
