"""The grammar of gates, such as `accuracy>=0.9`: the same in a config and on the command line."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

from dltrain.errors import Fault, UsageError

OPERATORS = (">=", "<=", ">", "<")
# The same for editors, which know no named groups.
SCHEMA_PATTERN = r"^\s*\S(.*[^<>=!\s])?\s*(>=|<=|>|<)\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*(@\s*95\s*%\s*)?$"
# The last comparison counts, so that a label may hold one: f1[a>b]>=0.9.
_LEVEL = re.compile(r"^(?P<number>.*?)\s*@\s*(?P<level>.*?)\s*$")
_OLD = re.compile(r"^\s*old\s*([-+].*)?$")
_FORM = re.compile(r"^\s*(?P<name>.*[^<>=!\s])\s*(?P<operator>[<>=!]+)\s*(?P<number>[^<>=!]*?)\s*$", re.DOTALL)
_EXAMPLE = "write a metric, one of >= > <= <, and a number, such as accuracy>=0.9, rmse<=7, val_loss<0.3 or f1[spam]>=0.9"
_LEVEL_HINT = "write @95%: the end of the 95 % interval nearest to the threshold has to meet it"


@dataclass(frozen=True, slots=True)
class Requirement:
    """A gate as asked for.

    Attributes:
        text: as the user wrote it.
        name: `accuracy`, `test.accuracy`, `val_loss`, `f1[spam]`.
        operator: one of `>=`, `>`, `<=`, `<`.
        threshold: the finite number on its right.
        level: 95 where the end of the interval has to meet it, None: the value itself.
        is_relative: the threshold is to be added to the old model's value: `accuracy>=old-0.005`.
    """

    text: str
    name: str
    operator: str
    threshold: float
    level: int | None = None
    is_relative: bool = False


def parse_gate(text: str, *, may_compare: bool = False) -> Requirement:
    """Take one gate apart.

    Args:
        text: such as `accuracy>=0.9`.
        may_compare: there is an old model, whose metric `old` stands for.

    Raises:
        UsageError: the form is wrong.
    """
    match = _FORM.match(text)
    if match is None:
        raise UsageError(f"a requirement was expected, found {text!r}", hint=_EXAMPLE)
    sign = match["operator"]
    if sign not in OPERATORS:
        nearest = {"=>": ">=", "=<": "<=", "=": ">=", "==": ">="}.get(sign)
        hint = f"did you mean {match['name']}{nearest}{match['number']}?" if nearest else _EXAMPLE
        raise UsageError(f"in the requirement {text!r} one of >= > <= < was expected, found {sign!r}", hint=hint)
    number, level = match["number"], None
    if leveled := _LEVEL.match(number):
        number, level = leveled["number"], 95
        if leveled["level"].replace(" ", "") != "95%":
            message = f"in the requirement {text!r} 95% was expected after @, found {leveled['level']!r}"
            raise UsageError(message, hint=_LEVEL_HINT)
    is_relative = _OLD.match(number) is not None
    if is_relative and not may_compare:
        message = f"the requirement {text!r} compares with an old model, and none is named"
        raise UsageError(message, hint="dltrain evaluate RUN --against OLD --require ... names it")
    if is_relative:
        number = number.strip().removeprefix("old").replace(" ", "") or "0"
    try:
        threshold = float(number)
    except ValueError:
        threshold = math.nan
    if not math.isfinite(threshold):
        found = repr(number) if number else "nothing"
        percent = re.fullmatch(r"(\d+(?:\.\d+)?)\s*%", number)
        hint = f"write {match['name'].strip()}{sign}{float(percent[1]) / 100:g}" if percent else _EXAMPLE
        raise UsageError(
            Fault(f"in the requirement {text!r} a finite number was expected after {sign}, found {found}", hint=hint)
        )
    return Requirement(text, match["name"].strip(), sign, threshold, level, is_relative)


def parse_gates(requires: Iterable[str], *, may_compare: bool = False) -> list[Requirement]:
    """Take gates apart.

    Args:
        requires: the gates.
        may_compare: there is an old model, whose metric `old` stands for.

    Raises:
        UsageError: with a fault for each whose form is wrong.
    """
    requirements: list[Requirement] = []
    faults: list[Fault] = []
    for text in requires:
        try:
            requirements.append(parse_gate(text, may_compare=may_compare))
        except UsageError as error:
            faults.extend(error.faults)
    if faults:
        raise UsageError(faults)
    return requirements
