"""Metrics, confusion matrices, per-class tables and gates as text and as plain values."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dltrain.cli.console import Console
from dltrain.cli.text import format_number, signed, table
from dltrain.config.catalog.metrics import canonical
from dltrain.errors import Fault, GateError, fault_documents
from dltrain.parts import PARTS
from dltrain.storage.documents import targets_of
from dltrain.wording import display_width, one_line, shortened

_MOST_CLASSES = 15
_LABEL_WIDTH = 24
_MOST_THRESHOLDS = 8
_MOST_WRONG = 5  # series
_TO = "\u2013"  # an en dash: a hyphen would be a sign
NO_INTERVALS: Mapping[str, Sequence[float]] = {}
NO_REPORT: Mapping[str, Any] = {}


def metrics_table(
    metrics: Mapping[str, Mapping[str, float]],
    baseline: Mapping[str, Any],
    report: Mapping[str, Any] = NO_REPORT,
    width: int | None = None,
    intervals: Mapping[str, Sequence[float]] = NO_INTERVALS,
) -> str:
    """A row for each metric, a column for each part, and the baseline's value on the last part.

    Args:
        metrics: part -> metric -> value.
        baseline: part -> metric -> value, or metric -> value.
        report: of the last part; that of a series holds several baselines, others may hold models that learned as well.
        width: of the terminal.
        intervals: of the last part's metrics.
    """
    rows, said = table_and_words(metrics, baseline, report, width, intervals)
    return "\n".join([rows, *said]) if rows else ""


def table_and_words(
    metrics: Mapping[str, Mapping[str, float]],
    baseline: Mapping[str, Any],
    report: Mapping[str, Any] = NO_REPORT,
    width: int | None = None,
    intervals: Mapping[str, Sequence[float]] = NO_INTERVALS,
) -> tuple[str, list[str]]:
    """The table of `metrics_table`, and the sentences below it, which say what the baseline is."""
    parts = [part for part in dict.fromkeys((*PARTS, *metrics)) if metrics.get(part)]
    if not parts:
        return "", []
    own = baseline_of(baseline, parts[-1])
    learned: Mapping[str, Mapping[str, float]] = report.get("learned", {})
    rows = metric_rows(metrics, parts, intervals, [*([own] if own else []), *learned.values()])
    heading = f"baseline ({parts[-1]})" if len(parts) > 1 else "baseline"
    text = table(["", *parts, *([heading] if own else []), *learned], rows, width=width)
    if "baselines" in report:
        scaled = [str(report["scaled"])] if report.get("scaled") else []
        return text, [*_simple_forecasts(metrics[parts[-1]], report["baselines"]), *scaled]
    return text, [*([f"baseline: {_strategy(own)}"] if own else []), *_learned_ways(learned, parts[-1])]


def metric_rows(
    metrics: Mapping[str, Mapping[str, float]],
    parts: Sequence[str],
    intervals: Mapping[str, Sequence[float]],
    beside: Sequence[Mapping[str, float]],
) -> list[list[str]]:
    """Cells of each metric, the loss first: its name, its value on each part, on the last one with its interval, and beside it.

    Of two names for one metric with the same values one is enough.

    Args:
        metrics: part -> metric -> value.
        parts: which, in this order.
        intervals: of the last part's metrics.
        beside: values of baselines on the last part, by any spelling of the metrics.
    """
    shown = [metrics[part] for part in parts]
    names = sorted(dict.fromkeys(name for values in shown for name in values), key=lambda name: name != "loss")
    return [
        [
            name,
            *(format_number(values.get(name)) for values in shown[:-1]),
            with_interval(shown[-1].get(name), intervals.get(name)),
            *(format_number(values.get(name, values.get(canonical(name)))) for values in beside),
        ]
        for name in names
        if not _said_already(name, names, shown)
    ]


def _learned_ways(learned: Mapping[str, Any], part: str) -> list[str]:
    """What the baselines that learn are, where there are any."""
    words = {"linear": "linear is a linear model", "boosting": "boosting gradient boosted trees"}
    said = " and ".join(words[name] for name in learned if name in words)
    return [f"{said}, of scikit-learn, on the same rows; {part} part"] if said else []


def with_interval(value: float | None, interval: Sequence[float] | None) -> str:
    """`0.9792 (0.948-0.992)`: the ends with as many decimals as their distance makes sense of."""
    text = format_number(value)
    if interval is None or value is None or not all(map(math.isfinite, interval)):
        return text
    low, high = interval
    if "e" in text or max(abs(low), abs(high)) >= 1e9:
        return f"{text} ({low:.2e}{_TO}{high:.2e})"
    decimals = len(text.partition(".")[2])
    if high > low:
        decimals = min(max(decimals, 2), max(0, 1 - math.floor(math.log10(high - low))))
    between = _TO if low >= 0 else " to "
    return f"{text} ({low:,.{decimals}f}{between}{high:,.{decimals}f})"


def _simple_forecasts(metrics: Mapping[str, float], baselines: Mapping[str, Mapping[str, float]]) -> list[str]:
    """A line for each simple forecast of a series: its error, and how much less that of the model is."""
    lines: list[str] = []
    for name, values in baselines.items():
        words = []
        for metric, value in values.items():
            if metric.endswith("rmse") and value > 0 and metric in metrics:
                share = 100 * (1 - metrics[metric] / value)
                than = f"the model's is {abs(share):.1f} % {'less' if share >= 0 else 'more'}"
                words.append(f"{metric} {format_number(value)} ({than})")
        lines.append(f"{'' if lines else 'baseline: '}{name}: {', '.join(words)}")
    return [lines[0], *(f"also: {line}" for line in lines[1:])]


def _said_already(name: str, names: Sequence[str], metrics: Sequence[Mapping[str, float]]) -> bool:
    """Whether another name stands for the same metric with the same values (Keras's `root_mean_squared_error` beside `rmse`)."""
    same = canonical(name)
    if same == name or same not in names:
        return False
    return all(math.isclose(values.get(name, math.nan), values.get(same, math.nan), rel_tol=1e-4) for values in metrics)


def _strategy(baseline: Mapping[str, float]) -> str:
    if "explained_variance" in baseline:
        return "principal components, as many as the code layer has numbers"
    if "hamming_loss" in baseline:
        return "always the training part's most frequent set of labels"
    classes = any(name.endswith("accuracy") for name in baseline)
    numbers = any(name.endswith("rmse") for name in baseline)
    said = ["the training part's most frequent class"] * classes + ["the training part's mean"] * numbers
    return f"always {' or '.join(said)}" if said else "what the training part alone tells"


def baseline_of(baseline: Mapping[str, Any], part: str) -> dict[str, float]:
    """The baseline's numbers on one part, whether they are kept by part or not."""
    values = baseline.get(part, baseline)
    if not isinstance(values, Mapping):
        return {}
    return {name: value for name, value in values.items() if isinstance(value, (int, float)) and not isinstance(value, bool)}


def report_text(report: Mapping[str, Any], width: int | None = None) -> list[str]:
    """Confusion matrix and per-class table of each classified target in the report."""
    return [block for heading, one in targets_of(report) for block in _blocks(heading, one, width)]


def members_lines(metrics: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> list[str]:
    """A line for each part with the metrics of each member of an ensemble.

    Args:
        metrics: part -> metric -> mean, min, max.
    """
    lines = []
    for part, values in metrics.items():
        if values:
            number = len(next(iter(values.values()))["values"])
            words = [
                f"{name} {format_number(one['mean'])} ({format_number(one['min'])} to {format_number(one['max'])}"
                f"{_of_how_many(one['values'])})"
                for name, one in values.items()
                if not _said_already(name, list(values), [{key: entry["mean"] for key, entry in values.items()}])
            ]
            lines.append(f"the {number} members by themselves, {part}: {', '.join(words)}")
    return lines


def _of_how_many(values: Sequence[float | None]) -> str:
    """Says it where not all members have a metric."""
    return f"; {len(values) - values.count(None)} of them have it" if None in values else ""


def answers_lines(report: Mapping[str, Any]) -> list[str]:
    """What became of probabilities and labels between the model and its answers: calibration and threshold of each target."""
    lines = []
    for heading, one in targets_of(report):
        of = f" ({heading})" if heading else ""
        if found := one.get("calibrated"):
            several = found.get("temperatures", ())
            how = f"by a temperature for each label ({_of_labels(several, 'temperature')})" if several else "by rising curves"
            how = f"by a temperature of {found['temperature']:.4g}" if "temperature" in found else how
            words = {"ece": "expected calibration error", "brier": "Brier score", "log_loss": "log loss"}
            moved = [
                f"{said} {format_number(found['before'][name])} before, {format_number(found['after'][name])} after"
                for name, said in words.items()
            ]
            lines.append(f"calibrated{of} {how}, of the validation part: {'; '.join(moved)}")
        if found := one.get("series_answers"):
            lines.append(f"series{of}: {_told_series(found)}")
        if found := one.get("threshold"):
            label, asked = _name(found["label"]), str(found["asked"])
            chosen = "" if asked in ("", "--threshold") or asked.startswith("as ") else ", on the validation part"
            lines.append(f"threshold{of}: {label} from a probability of {found['value']:.9g} on ({asked}{chosen})")
        if several := one.get("thresholds"):
            asked = str(several[0]["asked"])
            chosen = "" if asked in ("", "--threshold") or asked.startswith("as ") else ", on the validation part"
            lines.append(f"thresholds{of}: {_of_labels(several, 'value')} ({asked}{chosen})")
    return lines


def _of_labels(several: Sequence[Mapping[str, Any]], key: str) -> str:
    shown, more = several[:_MOST_THRESHOLDS], len(several) - _MOST_THRESHOLDS
    return ", ".join(f"{_name(each['label'])} {each[key]:.4g}" for each in shown) + (f" and {more:,} more" if more > 0 else "")


def _told_series(found: Mapping[str, Any]) -> str:
    """How many whole series are told right, and which are not."""
    wrong = [
        f"{_name(one['series'])} ({_name(one['true'])} taken for {_name(one['predicted'])})"
        for one in found["wrong"][:_MOST_WRONG]
    ]
    more = found["series"] - found["right"] - len(wrong)
    named = f"; wrong: {', '.join(wrong)}{f' and {more:,} more' if more else ''}" if wrong else ""
    return f"{found['right']:,} of {found['series']:,} are told right by the mean probability of their windows{named}"


def gate_documents(gates: Iterable[Any]) -> list[dict[str, Any]]:
    """Gates as plain values: require, value, met and, where known, part and metric."""
    found = (gate if isinstance(gate, Mapping) else {name: getattr(gate, name) for name in gate.__slots__} for gate in gates)
    maybe = ("interval", "old")
    return [{name: value for name, value in gate.items() if name not in maybe or value is not None} for gate in found]


def gate_lines(gates: Iterable[Any]) -> list[str]:
    """A line for each gate: what was required, what came out."""
    return [f"gate {gate['require']}: {'met' if gate['met'] else 'NOT MET'}, {_outcome(gate)}" for gate in gate_documents(gates)]


def unmet_faults(gates: Iterable[Any]) -> list[Fault]:
    """An error for each gate that was not met."""
    return [
        Fault(f"the gate {gate['require']} was not met, {_outcome(gate)}") for gate in gate_documents(gates) if not gate["met"]
    ]


def show_outcome(
    console: Console,
    faults: Sequence[Fault],
    document: Mapping[str, Any],
    text: str,
    code: int = GateError.exit_code,
) -> int:
    """Show what a command found and the faults for which it is to fail; its exit code, which is `code` if there are any."""
    code = code if faults else 0
    ended = {"status": "error", "exit": code, "errors": fault_documents(faults)} if faults else {"status": "finished"}
    console.document({**ended, **document})
    console.result(text)
    console.faults(faults)
    return code


def _outcome(gate: Mapping[str, Any]) -> str:
    value = gate["value"]
    found = "not a number" if value is None or not math.isfinite(value) else format_exactly(value, gate["require"])
    if gate.get("old") is not None:
        return _outcome_beside(gate, found)
    if gate.get("interval") is not None and value is not None:
        low, high = (format_exactly(end, gate["require"]) for end in gate["interval"])
        found = f"{found} ({low}{_TO}{high} with 95 % confidence)"
    return f"it is {found} on the {gate['part']} part" if gate.get("part") else f"it is {found}"


def _outcome_beside(gate: Mapping[str, Any], found: str) -> str:
    """What came out of a comparison with an old model."""
    said = f"it is {found}, the old one {format_number(gate['old'])}, the difference {signed(gate['value'] - gate['old'])}"
    if gate.get("interval") is not None:
        low, high = map(signed, gate["interval"])
        said += f" ({low} to {high} with 95 % confidence)"
    return f"{said}, on the {gate['part']} part"


def format_exactly(value: float, require: str) -> str:
    """Four digits, or as many as it takes to see on which side of the threshold the value lies."""
    text = format_number(value)
    words = require.replace("=", " ").replace("<", " ").replace(">", " ").replace("@95%", "")
    threshold = words.split()[-1]
    try:
        hidden = float(text.replace(",", "")) == float(threshold) != value
    except ValueError:
        return text
    return repr(value) if hidden else text


def _blocks(heading: str, report: Mapping[str, Any], width: int | None) -> list[str]:
    labels = [_name(label) for label in report.get("labels", report.get("classes", ()))]
    if "averages" in report:
        return [_label_table(labels, report, width)]
    matrix: Sequence[Sequence[float]] = report.get("confusion_matrix", ())
    of = f" ({heading})" if heading else ""
    blocks = []
    if len(labels) <= _MOST_CLASSES:
        rows = [[label, *map(_count, row)] for label, row in zip(labels, matrix)]
        blocks.append(f"confusion matrix{of}: rows are true, columns predicted\n" + table(["true", *labels], rows, width=width))
    classes: Mapping[str, Mapping[str, float]] = report.get("classes", {})
    names, headings = columns_of_classes(report)
    rows = [[label, *_scores(row, names)] for label, row in zip(labels, classes.values())] if len(labels) <= _MOST_CLASSES else []
    rows += [[f"({name} mean)", *_scores(report[name], names)] for name in ("macro", "weighted") if name in report]
    if rows:
        blocks.append(table([f"class{of}", *headings], rows, width=width))
    if len(labels) > _MOST_CLASSES:
        said = f"{len(labels)} classes: the confusion matrix and each class's numbers are in metrics.json"
        blocks.append("\n".join([said, *worst_classes(report, 2 * (width or 80))]))
    return blocks


def columns_of_classes(report: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What is told of each class, and the headings of it and of how many there are: rows, or pixels."""
    if report.get("counts") == "pixels":
        return ("iou", "dice", "precision", "recall"), ("IoU", "Dice", "precision", "recall", "pixels")
    return ("precision", "recall", "f1"), ("precision", "recall", "F1", "rows")


def _label_table(labels: Sequence[str], report: Mapping[str, Any], width: int | None) -> str:
    """Of several labels a line each, then the averages."""
    some = list(zip(labels, report["classes"].values()))
    rows = [[label, *_scores(row), _optional(row["average_precision"]), _optional(row["roc_auc"])] for label, row in some]
    rows = rows if len(labels) <= _MOST_CLASSES else []
    rows += [[f"({name})", *_scores(row), "", ""] for name, row in report["averages"].items()]
    text = table(["label", "precision", "recall", "F1", "rows", "average precision", "roc_auc"], rows, width=width)
    return text if len(labels) <= _MOST_CLASSES else f"{text}\n{len(labels)} labels: each one's numbers are in metrics.json"


def _name(label: object) -> str:
    """A label on one line, of a long one its beginning and its end: long labels often begin alike."""
    return shortened(one_line(str(label)), _LABEL_WIDTH)


def _optional(value: float | None) -> str:
    return "-" if value is None else format_number(value)


def worst_classes(report: Mapping[str, Any], width: int) -> list[str]:
    """`worst classes: Shirt F1 0.56 (38 of 120 taken for Coat), ...`: a line for each target of classes.

    Args:
        report: of a part.
        width: of a line at most.
    """
    return [line for heading, one in targets_of(report) if (line := _worst_of(heading, one, width))]


def _worst_of(heading: str, report: Mapping[str, Any], width: int) -> str:
    classes: Mapping[str, Mapping[str, float]] = report.get("classes", {})
    score, heading_of_score = ("iou", "IoU") if report.get("counts") == "pixels" else ("f1", "F1")
    found = [
        (row[score], place, _name(label))
        for place, (label, row) in enumerate(classes.items())
        if row.get("support") and math.isfinite(row[score])
    ]
    found.sort(key=lambda entry: entry[:2])
    if found and found[0][0] == 1:
        return ""  # none is told wrongly
    names = [_name(label) for label in classes]
    said: list[str] = []
    for value, place, label in found[: min(3, len(found) - 1)]:
        if "confusion_matrix" not in report:  # of several labels, none is taken for another
            said.append(f"{label} {heading_of_score} {value:.3f}")
            continue
        matrix_row = [count if column != place else -1 for column, count in enumerate(report["confusion_matrix"][place])]
        other = matrix_row.index(max(matrix_row))
        wrong, rows = matrix_row[other], classes[list(classes)[place]]["support"]
        taken = f" ({_count(wrong)} of {_count(rows)} taken for {names[other]})" if wrong > 0 else ""
        said.append(f"{label} {heading_of_score} {value:.3f}{taken}")
    of = f" of {heading}" if heading else ""
    while said:
        many = ("classes" if len(said) > 1 else "class") if "confusion_matrix" in report else "labels"[: 5 + (len(said) > 1)]
        line = f"worst {many}{of}: {', '.join(said)}"
        if display_width(line) <= width or len(said) == 1:
            return line
        said.pop()
    return ""


def _scores(row: Mapping[str, float], names: Sequence[str] = ("precision", "recall", "f1")) -> list[str]:
    return [
        *(format_number(float(row.get(name, math.nan))) for name in names),
        _count(row.get("support")),
    ]


def _count(value: Any) -> str:
    return format_number(int(value)) if isinstance(value, float) and value.is_integer() else format_number(value)
