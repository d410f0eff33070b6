"""Words of the command line that name a config or data."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from dltrain.errors import UsageError


def refuse_other_than_one(files: Sequence[str], usage: str, what: str = "config file", *, command: str = "") -> None:
    """Refuse a command line that names no config, or several.

    Args:
        files: that it names.
        usage: how the command is called, which is the hint.
        what: is expected.
        command: a command whose hint for several configs says how they become one run or a sweep.

    Raises:
        UsageError: there is not one.
    """
    if len(files) != 1:
        found = f"found {len(files)}: {', '.join(files)}" if files else "found none"
        hint = _several_hint(files, command) if command and files else usage
        raise UsageError(f"one {what} was expected, {found}", hint=hint)


def _several_hint(files: Sequence[str], command: str) -> str:
    """What to write where a command that takes one config was given several: one that begins with the others, or a sweep.

    A config that begins with another already stands in front: the other one could not begin with it.
    """
    from dltrain.config.bases import bases_of

    below = {file: bases_of(Path(file)) for file in files}
    head = next((file for file in files if not any(os.path.realpath(file) in bases for bases in below.values())), files[0])
    others = [file for file in files if file != head and os.path.realpath(file) not in below[head]]
    if not others:
        return f"{head} begins with {' and '.join(file for file in files if file != head) or 'itself'} already: {command} {head}"
    bases = others[0] if len(others) == 1 else f"'[{','.join(others)}]'"
    one = f"one run that begins with the others: dltrain fit {head} extends={bases}"
    return f"{one}; a run for each: dltrain sweep {head} --over extends={','.join(others)}"


def data_words(data: Sequence[str] | None, more: Sequence[str] | None) -> tuple[str, ...]:
    """All paths of `--data A B C`: a shell puts the files of a pattern after the option as further words.

    Raises:
        UsageError: further words without --data.
    """
    if more and not data:
        raise UsageError(
            f"a single RUN was expected, found also {' '.join(map(repr, more))}", hint="data is given with --data PATH"
        )
    return (*(data or ()), *(more or ()))
