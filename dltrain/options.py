"""The options that Python gives to the functions of `dltrain.api`, held against what they are to be."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from dltrain.errors import UsageError
from dltrain.wording import did_you_mean, one_of

_PATHS = ("run_dir", "runs", "resume", "picture")
_NUMBERS = ("threads", "trials", "jobs", "top", "steps", "tiles", "workers")
_WORDS = ("require", "over", "overrides", "images", "words")
_CHOICES = {
    "engine": ("auto", "stacked", "processes", "ray"),
    "strategy": ("grid", "random", "tpe", "capacity"),
    "weights": ("best", "last"),
}
_NOT_OPTIONS = ("self", "config", "run", "data", "argv", "options", "shared", "rows")
MOST_THREADS = 1024


def options_of(name: str, options: Mapping[str, Any], *takers: Callable[..., Any] | type[Any] | Sequence[str]) -> dict[str, Any]:
    """The options of a call, with directories that are words as paths and single words as lists of one.

    Args:
        name: of the function, as the caller knows it.
        options: what was given.
        takers: the functions and data classes that have them, or their names.

    Raises:
        UsageError: one that none of them has, or that is not what it is to be.
    """
    known: list[str] = []
    for taker in takers:
        if isinstance(taker, type):
            known += [item.name for item in fields(taker)]
        elif not callable(taker):
            known += taker
        else:
            known += inspect.signature(taker).parameters
    known = [item for item in known if item not in _NOT_OPTIONS]
    for option in options.keys() - {*known, "argv"}:
        raise UsageError(
            f"{name if ',' in name else name + '()'} has no option {option}",
            hint=did_you_mean(option, known) or one_of(known, 30),
        )
    return {option: value if value is None else _read(option, value) for option, value in options.items()}


def words_of(name: str, words: Sequence[Any]) -> Sequence[str]:
    """The overrides of a call, each a word `KEY=VALUE` (raises UsageError)."""
    for word in words:
        if not isinstance(word, str):
            hint = 'each by itself: fit(config, "training.epochs=5", "seed=3")'
            raise UsageError(f"{name}: expected KEY=VALUE words, found {_kind(word)}", hint=hint)
    return words


def path_of(name: str, value: Any, hint: str | None = None) -> Path:
    """A path that Python gives (raises UsageError)."""
    if not isinstance(value, (str, os.PathLike)):
        raise UsageError(f"{name}: expected a path, found {_kind(value)}", hint=hint)
    return Path(value)


def _read(name: str, value: Any) -> Any:
    if name in _PATHS:
        return value if (name, value) == ("resume", "auto") else path_of(name, value)
    if name in _NUMBERS:
        return _number(name, value)
    if name in _WORDS:
        return _words(name, value)
    if name in _CHOICES and value not in _CHOICES[name]:
        raise UsageError(f"{name}: expected one of {', '.join(_CHOICES[name])}, found {str(value)[:100]}")
    return value


def _number(name: str, value: Any) -> int:
    whole = not isinstance(value, bool) and hasattr(value, "__index__")
    if not whole or int(value) < 1 or (name == "threads" and int(value) > MOST_THREADS):
        most = f" to {MOST_THREADS:,}" if name == "threads" else ""
        shown = str(value)[:40] if whole else _kind(value)
        raise UsageError(f"{name}: expected a whole number {'of 1' if most else 'of at least 1'}{most}, found {shown}")
    return int(value)


def _words(name: str, value: Any) -> Sequence[str]:
    if isinstance(value, str):
        return (value,)
    if isinstance(value, Mapping) and name == "over":
        hint = 'over=["training.batch_size=8,16"], or `sweep: {parameters: ...}` in the config'
        raise UsageError("over: expected KEY=VALUE,VALUE words, found a mapping", hint=hint)
    if not isinstance(value, (list, tuple)) or not all(isinstance(word, (str, os.PathLike)) for word in value):
        raise UsageError(f"{name}: expected a word or a list of words, found {_kind(value)}")
    return [os.fspath(word) for word in value]


def _kind(value: Any) -> str:
    if isinstance(value, Mapping):
        return "a mapping"
    return "nothing (None)" if value is None else type(value).__name__
