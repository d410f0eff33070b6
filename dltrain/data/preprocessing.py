"""Raw rows or pictures to what the model takes: fitted on the training part alone, stored beside the model as JSON and npz."""

from __future__ import annotations

import io
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from dltrain.data.arrays import read_arrays
from dltrain.data.dataset import Part, Schema
from dltrain.data.faults import shown
from dltrain.data.raw import Raw
from dltrain.errors import DataError, DltrainError, Fault, RunError
from dltrain.runs import write_atomically

JSON_FILE = "preprocessing.json"
ARRAYS_FILE = "preprocessing.npz"
VERSION = 1
MAX_JSON_BYTES = 64 << 20
MAX_JSON_CONTAINERS = 1_000_000  # each costs many times its two bytes of text
MAX_ARRAY_BYTES = 512 << 20
ALWAYS_ALLOWED = 16 << 20


class Preprocessing(ABC):
    """What was fitted to the training part, as one value: transforms raw data, the same bits in every process.

    Attributes:
        kind: "table", "pictures" or "series".
        source: the config's `data.source`.
    """

    kind: ClassVar[str]
    source: str

    @property
    @abstractmethod
    def schema(self) -> Schema:
        """Inputs and targets of the model."""

    @abstractmethod
    def transform(
        self, raw: Raw, *, with_targets: bool, rows: NDArray[np.int64] | None = None, notes: list[str] | None = None
    ) -> Part:
        """Preprocess all rows, or the given ones; sentences for the user are appended to `notes`.

        Raises:
            DataError: the data does not fit: columns missing, values unreadable, labels unknown, another shape.
        """

    @abstractmethod
    def describe(self) -> list[str]:
        """Lines for the user: inputs and how they are made."""

    @abstractmethod
    def to_state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Plain values and arrays that `from_state` takes."""

    @classmethod
    @abstractmethod
    def from_state(cls, state: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Preprocessing:
        """The same preprocessing again. Any exception means that the state is damaged."""

    def inverse_target(self, name: str, values: NDArray[Any]) -> NDArray[Any]:
        """A target in its own units: float64 for regression, label names (objects) for class indices."""
        spec = next(target for target in self.schema.targets if target.name == name)
        if spec.task == "classification":
            names: NDArray[Any] = np.array(spec.classes, dtype=object)
            labels: NDArray[Any] = names[np.asarray(values)]
            return labels
        numbers: NDArray[np.float64] = np.asarray(values, np.float64) * spec.scale + spec.mean
        return numbers

    def save(self, folder: Path) -> None:
        """Write `preprocessing.npz`, then `preprocessing.json`, each wholly or not at all."""
        state, arrays = self.to_state()
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, **arrays)
        write_atomically(Path(folder) / ARRAYS_FILE, buffer.getvalue())
        document = {"version": VERSION, "kind": self.kind, **state}
        write_atomically(Path(folder) / JSON_FILE, json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False).encode())

    @classmethod
    def load(cls, folder: Path) -> Preprocessing:
        """Read what `save` wrote. Executes nothing; sizes are bounded.

        Raises:
            RunError: a file is missing, damaged, too large, or of a newer version.
        """
        from dltrain.data.picture_preprocessing import PicturePreprocessing
        from dltrain.data.series_preprocessing import SeriesPreprocessing
        from dltrain.data.table_preprocessing import TablePreprocessing

        kinds: dict[str, type[Preprocessing]] = {
            "table": TablePreprocessing,
            "pictures": PicturePreprocessing,
            "series": SeriesPreprocessing,
        }
        path = Path(folder) / JSON_FILE
        state = _read_json(path)
        if state.get("version") != VERSION or str(state.get("kind")) not in kinds:
            raise RunError(
                Fault(f"not a preprocessing of version {VERSION}: {str(state.get('version'))[:20]}", file=shown(str(path)))
            )
        try:
            arrays = read_arrays(Path(folder) / ARRAYS_FILE, limit=_array_limit(Path(folder) / ARRAYS_FILE))
        except DataError as error:
            raise RunError(error.faults) from error
        try:
            preprocessing = kinds[str(state["kind"])].from_state(state, arrays)
            if not preprocessing.schema.inputs or not preprocessing.schema.targets:
                raise ValueError("no inputs, or nothing to predict")
            return preprocessing
        except DltrainError:
            raise
        except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError) as error:
            raise RunError(Fault(f"damaged: {type(error).__name__}: {str(error)[:200]}", file=shown(str(path)))) from error


def _array_limit(path: Path) -> int:
    """Most bytes to unpack: `save` does not compress, so what unpacks to much more than the file is none of its own."""
    try:
        return min(MAX_ARRAY_BYTES, max(ALWAYS_ALLOWED, 2 * path.stat().st_size))
    except OSError:
        return ALWAYS_ALLOWED  # reading it says what is the matter


def _read_json(path: Path) -> dict[str, Any]:
    try:
        with open(path, "rb") as file:
            text = file.read(MAX_JSON_BYTES + 1)
    except OSError as error:
        raise RunError(Fault(f"cannot be read: {error.strerror or error}", file=shown(str(path)))) from error
    if len(text) > MAX_JSON_BYTES:
        raise RunError(Fault(f"larger than {MAX_JSON_BYTES >> 20} MB", file=shown(str(path))))
    try:
        if text.count(b"[") + text.count(b"{") > MAX_JSON_CONTAINERS:
            raise ValueError(f"more than {MAX_JSON_CONTAINERS:,} lists and mappings")
        state = json.loads(text.decode(), parse_constant=_refuse_constant)
        if b"\\ud" in text.lower():
            json.dumps(state, ensure_ascii=False).encode()  # half a character, which no text column can hold, fails here
    except (ValueError, RecursionError) as error:
        raise RunError(Fault(f"damaged: {str(error)[:200]}", file=shown(str(path)))) from error
    if not isinstance(state, dict):
        raise RunError(Fault("damaged: not a mapping", file=shown(str(path))))
    return state


def _refuse_constant(word: str) -> None:
    raise ValueError(f"the number {word} does not belong here")
