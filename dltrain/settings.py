"""The environment variables that dltrain reads, each by one function, so that everybody understands it alike.

Not here: what belongs to others and is passed on (`TF_…`, `NO_COLOR`, `TERM`).
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from dltrain.errors import UsageError


def whole_number(variable: str, default: int) -> int:
    """The whole number that a variable gives, `default` where it is not set or empty.

    Raises:
        UsageError: it holds something else.
    """
    given = os.environ.get(variable, "").strip()
    if not given:
        return default
    if not (given.isascii() and given.isdigit() and len(given) < 19):
        raise UsageError(f"the environment variable {variable}: expected a whole number, found {given[:40]!r}")
    return int(given)


def warm_process() -> str:
    """`$DLTRAIN_WARM`: "0" uses no warm process, "1" starts one with the first command, "auto" uses one that is there.

    Raises:
        UsageError: it holds something else.
    """
    given = os.environ.get("DLTRAIN_WARM", "").strip() or "auto"
    if given not in ("0", "1", "auto"):
        raise UsageError(f"the environment variable DLTRAIN_WARM: expected 0, 1 or auto, found {given[:40]!r}")
    return given


def is_offline() -> bool:
    """Whether nothing may be downloaded: `$DLTRAIN_OFFLINE` is set, to something other than 0."""
    return os.environ.get("DLTRAIN_OFFLINE", "") not in ("", "0")


def trusts_code() -> bool:
    """Whether own code of configs and runs may be imported: `$DLTRAIN_TRUST_CODE` is set, to something other than 0."""
    return os.environ.get("DLTRAIN_TRUST_CODE", "") not in ("", "0")


@contextlib.contextmanager
def trusting_code(trusted: bool = True) -> Iterator[None]:
    """For as long as the context lasts the word is given, in this process and those that it starts."""
    before = os.environ.get("DLTRAIN_TRUST_CODE")
    if trusted:
        os.environ["DLTRAIN_TRUST_CODE"] = "1"
    try:
        yield
    finally:
        if trusted and before is None:
            os.environ.pop("DLTRAIN_TRUST_CODE", None)
        elif trusted and before is not None:
            os.environ["DLTRAIN_TRUST_CODE"] = before


def data_folder() -> Path | None:
    """`$DLTRAIN_DATA`, absolute: where data is looked for beside the config."""
    return _folder("DLTRAIN_DATA")


def cache_folder() -> Path:
    """`$DLTRAIN_CACHE`, else `$XDG_CACHE_HOME/dltrain`, else `~/.cache/dltrain`. It need not exist yet."""
    own = _folder("DLTRAIN_CACHE")
    if own is not None:
        return own
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "dltrain"


def keras_folder() -> Path:
    """Keras's own folder, as Keras finds it: `$KERAS_HOME`, else `~/.keras`, or `/tmp/.keras` where no home can be written."""
    own = _folder("KERAS_HOME")
    if own is not None:
        return own
    home = Path.home()
    return (home if os.access(home, os.W_OK) else Path("/tmp")) / ".keras"


def scikit_learn_folder() -> Path:
    """scikit-learn's data_home: `$SCIKIT_LEARN_DATA`, else `~/scikit_learn_data`."""
    return _folder("SCIKIT_LEARN_DATA") or Path.home() / "scikit_learn_data"


def _folder(variable: str) -> Path | None:
    given = os.environ.get(variable)
    return Path(os.path.abspath(os.path.expanduser(given))) if given else None
