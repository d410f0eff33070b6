"""Errors raised by a config's own code are told as errors of that code, at its line, never as bugs of dltrain."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from typing import ParamSpec, TypeVar

from dltrain.config.types.own_code import CodeFile, OwnCode
from dltrain.errors import ConfigError, DltrainError, Fault, is_own_bug

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

# What an imported file is called in a trace -> the file as messages name it.
_files: dict[str, str] = {}


def remember(file: CodeFile, code: OwnCode) -> str:
    """A name for the file in traces, which no other file has."""
    place = f"<{file.shown} {code.digest[:12]}>"
    _files[place] = file.shown
    return place


def fault_of(error: BaseException) -> Fault | None:
    """The fault of own code that an error tells of; None where no line of own code is among those that led to it."""
    chain: list[BaseException] = []
    behind: BaseException | None = error
    while behind is not None and behind not in chain:  # an error may stand behind itself, where it is raised once more
        chain.append(behind)
        behind = behind.__cause__ or behind.__context__
    return next((fault for each in chain if (fault := _fault_in(each)) is not None), None) or _node_of(chain[-1])


def _fault_in(error: BaseException) -> Fault | None:
    trace, line, file = error.__traceback__, None, None
    while trace is not None:
        shown = _files.get(trace.tb_frame.f_code.co_filename)
        if shown is not None:
            file, line = shown, trace.tb_lineno
        trace = trace.tb_next
    if isinstance(error, SyntaxError) and file is None and error.filename in _files:
        file, line = _files[error.filename], error.lineno
    if file is None:
        return None
    return Fault(f"{type(error).__name__}: {_first_line(error)}", file, line, 1, path="code", hint=_hint(error))


def _node_of(error: BaseException) -> Fault | None:
    """The fault where a compiled graph fails: TensorFlow's text says at which lines the node was made, the innermost last."""
    text = str(error)
    made = [
        (shown, match)
        for place, shown in _files.items()
        for match in re.finditer(rf'File "{re.escape(place)}", line (\d+)', text)
    ]
    if not made:
        return None
    shown, last = max(made, key=lambda each: each[1].start())
    said = [
        line.strip() for line in text[last.end() :].splitlines() if line.strip() and not line.lstrip().startswith(("File ", "[["))
    ]
    message = said[1] if len(said) > 1 else "without a word"  # the first is the rest of the line with the file
    return Fault(f"{type(error).__name__}: {message[:300]}", shown, int(last[1]), 1, path="code", hint="mend this line")


def blames_own_code(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Decorator: an error out of own code is told as one of the config.

    Raises:
        ConfigError: at the line of the file.
    """

    @functools.wraps(function)
    def call(*arguments: Parameters.args, **named: Parameters.kwargs) -> Result:
        try:
            return function(*arguments, **named)
        except DltrainError:
            raise
        except Exception as error:  # whatever own code raises
            fault = fault_of(error)
            if fault is None:
                raise
            raise ConfigError(fault) from error

    return call


def reraise_ours(error: Exception) -> None:
    """Raise what a call of Keras met that is not of Keras: a bug of dltrain as it is, a fault of own code as one of the config.

    Raises:
        ConfigError: at the line of the file.
    """
    if is_own_bug(error):
        raise error
    fault = fault_of(error)
    if fault is not None:
        raise ConfigError(fault) from error


def _first_line(error: BaseException) -> str:
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error.args[0] if error.args else error))
    told = (line.strip() for line in text.splitlines())
    lines: Sequence[str] = [line for line in told if line and not line.startswith("Exception encountered when calling")]
    return lines[0][:300] if lines else "without a word"


def _hint(error: BaseException) -> str:
    if isinstance(error, ImportError):
        return "install it beside dltrain; a file of yours stands before this one: code: [that.py, this.py]"
    if isinstance(error, SystemExit):
        return "a file of own code ends no program"
    return "mend this line"
