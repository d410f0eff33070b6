"""A stored preprocessing read back: executes nothing, and sizes are bounded, whoever wrote it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dltrain.data.pictures.preprocessing import PicturePreprocessing
from dltrain.data.preprocessing import ARRAYS_FILE, JSON_FILE, VERSION, Preprocessing
from dltrain.data.series.preprocessing import SeriesPreprocessing
from dltrain.data.tables.preprocessing import TablePreprocessing
from dltrain.errors import DataError, DltrainError, RunError, reason_of
from dltrain.storage.arrays import read_arrays
from dltrain.storage.bounds import most_of_run
from dltrain.wording import shown

_ALL: tuple[type[Preprocessing], ...] = (TablePreprocessing, PicturePreprocessing, SeriesPreprocessing)
KINDS = {one.kind: one for one in _ALL}
MAX_JSON_CONTAINERS = 1_000_000  # each costs many times its two bytes of text
MAX_ARRAY_BYTES = 512 << 20
ALWAYS_ALLOWED = 16 << 20


def load_preprocessing(folder: Path) -> Preprocessing:
    """Read what `Preprocessing.save` wrote. Executes nothing; sizes are bounded.

    Raises:
        RunError: a file is missing, damaged, too large, or of a newer version.
    """

    path = Path(folder) / JSON_FILE
    state = _read_json(path)
    if state.get("version") != VERSION or str(state.get("kind")) not in KINDS:
        raise RunError(f"not a preprocessing of version {VERSION}: {str(state.get('version'))[:20]}", file=shown(str(path)))
    try:
        arrays = read_arrays(Path(folder) / ARRAYS_FILE, limit=_array_limit(Path(folder) / ARRAYS_FILE))
    except DataError as error:
        raise RunError(error.faults) from error
    try:
        preprocessing = KINDS[str(state["kind"])].from_state(state, arrays)
        if not preprocessing.schema.inputs or not preprocessing.schema.targets:
            raise ValueError("no inputs, or nothing to predict")
        return preprocessing
    except DltrainError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError) as error:
        raise RunError(f"damaged: {type(error).__name__}: {str(error)[:200]}", file=shown(str(path))) from error


def _array_limit(path: Path) -> int:
    """Most bytes to unpack: `save` does not compress, so what unpacks to much more than the file is none of its own."""
    try:
        return min(MAX_ARRAY_BYTES, max(ALWAYS_ALLOWED, 2 * path.stat().st_size))
    except OSError:
        return ALWAYS_ALLOWED  # reading it says what is the matter


def _read_json(path: Path) -> dict[str, Any]:
    try:
        with open(path, "rb") as file:
            text = file.read(most_of_run(JSON_FILE) + 1)
    except OSError as error:
        raise RunError(f"cannot be read: {reason_of(error)}", file=shown(str(path))) from error
    if len(text) > most_of_run(JSON_FILE):
        raise RunError(f"larger than {most_of_run(JSON_FILE) >> 20} MB", file=shown(str(path)))
    try:
        if text.count(b"[") + text.count(b"{") > MAX_JSON_CONTAINERS:
            raise ValueError(f"more than {MAX_JSON_CONTAINERS:,} lists and mappings")
        state = json.loads(text.decode(), parse_constant=_refuse_constant)
        if b"\\ud" in text.lower():
            json.dumps(state, ensure_ascii=False).encode()  # half a character, which no text column can hold, fails here
    except (ValueError, RecursionError) as error:
        raise RunError(f"damaged: {str(error)[:200]}", file=shown(str(path))) from error
    if not isinstance(state, dict):
        raise RunError("damaged: not a mapping", file=shown(str(path)))
    return state


def _refuse_constant(word: str) -> None:
    raise ValueError(f"the number {word} does not belong here")
