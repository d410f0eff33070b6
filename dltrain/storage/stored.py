"""Reading back what a run stored: by a schema with types and bounds, for a file may be damaged or a stranger's."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import math
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dltrain.errors import RunError, reason_of
from dltrain.storage.bounds import most_of_run

logger = logging.getLogger(__name__)

DEEPEST = 64
MOST_DIGITS = 300  # what a float can hold
_AS_WRITTEN = "its digests are right: who wrote it meant it so, or this is a fault of dltrain, of which -vv shows the place"
_DAMAGED = "the run is damaged or not dltrain's"

# What a value may be: returns whether it is.
Check = Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Nested:
    """A check of a list or a mapping, which knows of each thing in it what that may be.

    Attributes:
        is_kind: whether the value is a list or mapping of this kind, whatever is in it.
        parts: key or place, value and check of each thing in it that is looked at.
    """

    is_kind: Check
    parts: Callable[[Any], Iterable[tuple[object, Any, Check]]]

    def __call__(self, value: Any) -> bool:
        """Whether the value and all in it are what they may be."""
        return self.is_kind(value) and all(check(one) for _, one, check in self.parts(value))

    def first_wrong(self, value: Any) -> tuple[list[str], Any]:
        """Where in a value that is not what it may be the first wrong thing is, and that thing; the value itself: nowhere."""
        for key, one, check in self.parts(value) if self.is_kind(value) else ():
            if not check(one):
                where, found = check.first_wrong(one) if isinstance(check, Nested) else ([], one)
                return [str(key), *where], found
        return [], value


def text(value: Any) -> bool:
    """Whether a value is a text."""
    return isinstance(value, str)


def flag(value: Any) -> bool:
    """Whether a value is true or false."""
    return isinstance(value, bool)


def number(value: Any) -> bool:
    """Whether a value is a number; null stands for one that is not finite."""
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < math.inf)


def whole(low: int, high: int) -> Check:
    """A whole number between two bounds, both included."""
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def word(*words: str) -> Check:
    """A check that takes one of these words."""
    return lambda value: isinstance(value, str) and value in words


def maybe(check: Check) -> Check:
    """A check that takes null, and what another check takes."""
    return lambda value: value is None or check(value)


def list_of(check: Check) -> Check:
    """A check that takes a list whose every entry another check takes."""
    return Nested(lambda value: isinstance(value, list), lambda value: ((place, one, check) for place, one in enumerate(value)))


def map_of(check: Check) -> Check:
    """A mapping; its keys are any text."""
    return Nested(lambda value: isinstance(value, dict), lambda value: ((key, one, check) for key, one in value.items()))


def fields(schema: Mapping[str, Check], *, required: Iterable[str] = (), others: Check | None = None) -> Check:
    """A mapping in which these keys, where they are there, hold what is asked; others what `others` takes, or anything."""
    names = tuple(required)
    rest = anything if others is None else others
    return Nested(
        lambda value: isinstance(value, dict) and all(key in value for key in names),
        lambda value: ((key, one, schema.get(key, rest)) for key, one in value.items()),
    )


def anything(value: Any) -> bool:
    """A check that takes every value: what is only kept and shown."""
    return True


def read_json(path: Path, schema: Mapping[str, Check], *, limit: int | None = None) -> dict[str, Any]:
    """A JSON object that dltrain wrote.

    Args:
        path: the file.
        schema: key -> what its value may be, if it is there. Keys that are not in it are taken as they are.
        limit: bytes that the file may have; None: as many as a file of its name in a run.

    Raises:
        FileNotFoundError: there is none.
        RunError: it cannot be read, is too large or too deep, or a value is not of its kind.
    """
    try:
        most = most_of_run(path.name) if limit is None else limit
        with open(path, "rb") as file:
            content = file.read(most + 1)
        if len(content) > most:
            raise RunError(f"{path} is larger than dltrain ever writes it", hint=_DAMAGED)
        value = json.loads(content, parse_int=_whole)
    except FileNotFoundError:
        raise
    except (OSError, ValueError, RecursionError) as error:
        raise RunError(f"{path} cannot be read: {error}", hint="the run is damaged") from error
    if not isinstance(value, dict):
        raise RunError(f"{path} should hold a JSON object", hint=_DAMAGED)
    if depth(value) > DEEPEST:
        raise RunError(f"{path} is nested more deeply than dltrain ever writes it", hint=_DAMAGED)
    hold_against(schema, value, path)
    return value


def hold_against(
    schema: Mapping[str, Check], value: Mapping[str, Any], path: Path, *, within: str = "", required: Iterable[str] = ()
) -> None:
    """Refuse a mapping that was read, of which a value is not of its kind.

    Args:
        schema: as for `read_json`.
        value: the mapping.
        path: the file that it was read from.
        within: the key of the mapping in the file; empty: it is the whole of it.
        required: keys that it must have.

    Raises:
        RunError: a value is not of its kind, or lacks.
    """
    place = f"{within}." if within else ""
    for key in required:
        if key not in value:
            raise RunError(f"{path} has no {place}{key}", hint=_DAMAGED)
    for key, check in schema.items():
        if key in value and not check(value[key]):
            where, found = check.first_wrong(value[key]) if isinstance(check, Nested) else ([], value[key])
            named = ".".join([f"{place}{key}", *where])
            raise RunError(f"{path}: {named} is not what dltrain writes there, {_brief(found)}", hint=_DAMAGED)


def _whole(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        raise ValueError(f"a number of {len(digits):,} digits")
    return int(digits)


@contextlib.contextmanager
def wrong_values_told(path: Path, *, is_as_written: Callable[[], bool] = lambda: False) -> Iterator[None]:
    """What comes of using a stored value of another kind than dltrain writes, far from where it was read, is told as damage.

    Schemas say of each file what its parts are; within the parts that are only shown, the first use is what finds out.

    Args:
        path: of the run.
        is_as_written: whether what is used has the digests that were stored with it: then it may be a bug as well, which is said.

    Raises:
        RunError: in the place of what a value of a wrong kind raises.
    """
    try:
        yield
    except (TypeError, ValueError, KeyError, IndexError, AttributeError, ArithmeticError) as error:
        logger.debug("%s holds a value of a wrong kind", path, exc_info=error)
        message = f"{path} holds a value that dltrain does not write there: {str(error)[:200] or type(error).__name__}"
        raise RunError(message, hint=_AS_WRITTEN if is_as_written() else _DAMAGED) from error


def depth(value: Any) -> int:
    """How deeply lists and mappings are nested in each other."""
    found, level = 0, [value]
    while level:
        found += 1
        inner: list[Any] = []
        for item in level:
            inner += item.values() if isinstance(item, dict) else item if isinstance(item, list) else ()
        level = [item for item in inner if isinstance(item, dict | list)]
    return found


def _brief(value: Any) -> str:
    shown = json.dumps(value, default=str)
    return shown if len(shown) <= 60 else shown[:57] + "..."


def digests(folder: Path, files: Iterable[Path]) -> dict[str, str]:
    """SHA-256 of files, by their names below a folder; of those that are there."""
    found = {}
    for file in files:
        if file.is_file() and not file.is_symlink():
            with open(file, "rb") as stream:
                found[str(file.relative_to(folder))] = hashlib.file_digest(stream, "sha256").hexdigest()
    return found


def check_digest(folder: Path, file: Path, recorded: Any, *, most: int | None = None) -> None:
    """Hold a file against the digest that was recorded when the run ended; one that was not recorded is not checked.

    Args:
        folder: the run.
        file: one of its files.
        recorded: name below the run -> digest.
        most: bytes that the file may have; None: as many as one of its name.

    Raises:
        RunError: it is not the file of then, or larger than dltrain writes it: a file with holes takes for ever to be hashed.
    """
    name = str(file.relative_to(folder))
    expected = recorded.get(name) if isinstance(recorded, dict) else None
    if not isinstance(expected, str):
        return
    refuse_larger(file, most_of_run(name) if most is None else most)
    if digests(folder, [file]).get(name) != expected:
        is_config = file.name == "config.yaml"
        hint = "the run is damaged" + (", or was edited; where moved data is can be said by data.path=WHERE" if is_config else "")
        if not file.exists():
            raise RunError(f"{file} was there when the run ended, and is gone", hint="the run is damaged")
        raise RunError(f"{file} was changed since the run ended: its SHA-256 is not that of manifest.json", hint=hint)


def refuse_larger(file: Path, most: int) -> None:
    """Refuse a file of a run, if it is there, that is larger than dltrain ever writes it.

    Raises:
        RunError: it is, or the system does not say.
    """
    try:
        size = file.lstat().st_size
    except FileNotFoundError:
        return
    except OSError as error:
        raise RunError(f"{file} cannot be read: {reason_of(error)}", hint="the run is damaged") from error
    if size > most:
        raise RunError(f"{file} is larger than dltrain ever writes it", hint=_DAMAGED)


def require_own(path: Path, folder: Path) -> None:
    """Refuse a path that leads out of its folder or is neither a file nor a folder: a pipe or a device may never end.

    Args:
        path: what is to be read or written; it need not exist.
        folder: the run that it belongs to.

    Raises:
        RunError: it is refused.
    """
    try:
        real, mode = path.resolve(), path.stat().st_mode
    except FileNotFoundError:
        if not path.is_symlink():
            return
        raise RunError(f"{path} is a link to nothing", hint="the run is damaged") from None
    except (OSError, RuntimeError) as error:  # RuntimeError: a link that leads to itself
        raise RunError(f"{path} cannot be read: {reason_of(error)}", hint="the run is damaged") from error
    if not real.is_relative_to(folder.resolve()):
        raise RunError(f"{path} leads out of the run", hint="refused as unsafe")
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise RunError(f"{path} is neither a file nor a folder", hint="refused as unsafe")
