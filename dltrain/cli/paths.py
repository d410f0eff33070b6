"""Words of the command line that name a config or data."""

from __future__ import annotations

from collections.abc import Sequence

from dltrain.errors import Fault, UsageError


def refuse_other_than_one(files: Sequence[str], hint: str, what: str = "config file") -> None:
    """Refuse a command line that names no config, or several.

    Raises:
        UsageError: there is not one.
    """
    if len(files) != 1:
        found = f"found {len(files)}: {', '.join(files)}" if files else "found none"
        raise UsageError(Fault(f"one {what} was expected, {found}", hint=hint))


def data_words(data: Sequence[str] | None, more: Sequence[str] | None) -> tuple[str, ...]:
    """All paths of `--data A B C`: a shell puts the files of a pattern after the option as further words.

    Raises:
        UsageError: further words without --data.
    """
    if more and not data:
        raise UsageError(
            Fault(f"a single RUN was expected, found also {' '.join(map(repr, more))}", hint="data is given with --data PATH")
        )
    return (*(data or ()), *(more or ()))
