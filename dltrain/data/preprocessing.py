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

from dltrain.data.dataset import Part, Schema
from dltrain.data.raw import Raw
from dltrain.errors import Note
from dltrain.storage.atomic import write_atomically
from dltrain.wording import json_without_controls

JSON_FILE = "preprocessing.json"
ARRAYS_FILE = "preprocessing.npz"
VERSION = 1


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
        self, raw: Raw, *, with_targets: bool, rows: NDArray[np.int64] | None = None, notes: list[Note] | None = None
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

    @abstractmethod
    def with_smearing(self, factors: Mapping[str, float]) -> Preprocessing:
        """The same with the smearing (see `TargetSpec`) of its schema's targets, by name."""

    def save(self, folder: Path) -> None:
        """Write `preprocessing.npz`, then `preprocessing.json`, each wholly or not at all."""
        state, arrays = self.to_state()
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, **arrays)
        write_atomically(Path(folder) / ARRAYS_FILE, buffer.getvalue())
        document = {"version": VERSION, "kind": self.kind, **state}
        text = json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False)
        write_atomically(Path(folder) / JSON_FILE, json_without_controls(text).encode())
