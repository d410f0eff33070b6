"""What `check` found, as text and as annotations of a GitHub workflow."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from dltrain.cli.text import format_bytes, table
from dltrain.errors import Fault
from dltrain.wording import one_line, printable

_SMALL = 10_000_000  # fewer bytes are nothing to speak of

if TYPE_CHECKING:
    from dltrain.checking import CheckResult


def report_lines(result: CheckResult) -> list[str]:
    """The data, the decisions, the table of layers, the sums."""
    from dltrain.model.symbolic import show_shape

    lines = [one_line(line) for line in (*result.data, *result.decisions)]
    if result.layers:
        rows = []
        for row in result.layers:
            count = "?" if row.parameters is None else f"{row.parameters:,}"
            rows.append([row.name, row.layer, show_shape(row.output_shape), count, _arithmetic(row.arithmetic) or row.note])
        lines += table(["layer", "class", "output", "parameters", ""], rows, left=3, left_after=4).splitlines()
    lines += _sums(result)
    return lines


def _arithmetic(text: str) -> str:
    """The sum without its result, which stands beside it."""
    return text.rpartition(" = ")[0] + (f" ({text.partition(', ')[2]})" if "fixed" in text else "") if " = " in text else ""


def _sums(result: CheckResult) -> list[str]:
    if not result.layers:
        return []
    known = sum(row.parameters or 0 for row in result.layers)
    total = f"{result.parameters:,}" if result.parameters is not None else f"at least {known:,}"
    trained = f", {result.trainable:,} of them trained" if result.trainable not in (None, result.parameters) else ""
    lines = [f"{total} parameters{trained}"]
    if result.memory is not None:
        parts = [f"model with optimizer {format_bytes(result.memory.model)}", f"a batch {format_bytes(result.memory.batch)}"]
        if result.memory.data is not None:
            parts.append(f"data {format_bytes(result.memory.data)}")
        if result.memory.answers > max(_SMALL, result.memory.batch):
            parts.append(f"its answers while they are scored {format_bytes(result.memory.answers)}")
        if result.memory.reading and result.memory.reading == result.memory.total:
            parts.append(f"reading it {format_bytes(result.memory.reading)}")
        lines.append(f"memory: about {format_bytes(result.memory.total)} beside the framework's own ({', '.join(parts)})")
    return lines


def github_lines(faults: Iterable[Fault]) -> list[str]:
    """`::error file=configs/x.yaml,line=14,col=9::message` for each fault, as GitHub workflow commands are written."""
    lines = []
    for fault in faults:
        places = {"file": fault.file, "line": fault.line, "col": fault.column}
        properties = ",".join(f"{name}={_escape_property(str(value))}" for name, value in places.items() if value is not None)
        message = ": ".join(word for word in (fault.path, fault.message) if word) + (f" ({fault.hint})" if fault.hint else "")
        kind = "error" if fault.severity == "error" else "warning"
        lines.append(f"::{kind}{' ' + properties if properties else ''}::{_escape(message)}")
    return lines


def _escape(text: str) -> str:
    return printable(text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A"))


def _escape_property(text: str) -> str:
    return _escape(text).replace(":", "%3A").replace(",", "%2C")
