"""The interface of a file format of `dltrain export`."""

from __future__ import annotations

import importlib.util
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from dltrain.errors import UsageError
from dltrain.model.export.outputs import RawOutput
from dltrain.model.export.raw_input import RawInput, example_value
from dltrain.model.export.raw_model import RawModel


class ExportFormat(ABC):
    """One file format.

    Attributes:
        name: as in `--format`.
        suffix: of the file's name.
        is_folder: whether it is a folder of files.
        with_text: whether its graph is made with text in and labels out (see `build_raw_model`).
        text_dtype: what words, free text and labels are in the file: "string", or whole numbers that stand for them.
        any_size: whether it resizes pictures by itself.
        in_float32: whether what reads it may know no other numbers.
        knows_case: whether `a` and `A` are names of two inputs.
        names_once: whether no input may be called as an output is.
        names_classes: whether it holds the names of layers' classes, not what they compute.
        packages: what must be installed to write it.
        extra: the extra of dltrain that brings them.
    """

    name: ClassVar[str]
    suffix: ClassVar[str]
    is_folder: ClassVar[bool] = False
    with_text: ClassVar[bool] = True
    text_dtype: ClassVar[str] = "string"
    any_size: ClassVar[bool] = True
    in_float32: ClassVar[bool] = False
    knows_case: ClassVar[bool] = True
    names_once: ClassVar[bool] = False
    names_classes: ClassVar[bool] = False
    packages: ClassVar[tuple[str, ...]] = ()
    extra: ClassVar[str] = ""

    @property
    def takes_text(self) -> bool:
        """Whether free text goes in as text: of ONNX, whose graph is made without, its own nodes make tokens of it."""
        return self.text_dtype == "string"

    def require_packages(self) -> None:
        """Raise UsageError where a package is missing; says how to install it."""
        missing = [package for package in self.packages if importlib.util.find_spec(package) is None]
        if missing:
            raise UsageError(
                f"--format {self.name} needs {' and '.join(missing)}", hint=f"pip install 'dltrain[{self.extra}]' installs it"
            )

    def input_name(self, column: str) -> str:
        """The name of a column's input: its own but for slashes, which Keras takes in no name and ONNX in names of the graph."""
        return column.replace("/", "_") or "column"

    def input_names(self, columns: Sequence[str], outputs: Sequence[str] = ()) -> list[str]:
        """The names of the columns' inputs: as `input_name` says, each another one, where the format asks it in small letters.

        Args:
            columns: of the run.
            outputs: the names of the file's outputs.
        """
        names: list[str] = []
        taken = set(outputs) if self.names_once else set()
        for column in columns:
            word = self.input_name(column)
            while (word if self.knows_case else word.lower()) in taken:
                word += "_"
            taken.add(word if self.knows_case else word.lower())
            names.append(word)
        return names

    @abstractmethod
    def write(self, raw: RawModel, path: Path) -> None:
        """Write the file or folder, which is not there yet.

        Raises:
            UsageError: the format cannot hold this model.
        """

    @abstractmethod
    def answer(self, path: Path, raw: RawModel, rows: Mapping[str, Any]) -> dict[str, Any] | None:
        """What the written file says to raw rows, asked as a stranger would ask it.

        Args:
            path: the file.
            raw: what was written.
            rows: input name → array: texts (objects), float32, int64.

        Returns:
            Output name → array [rows, ...] (labels as texts); None where nothing is installed that reads the format.
        """

    @abstractmethod
    def usage(self, file: str, inputs: Sequence[RawInput], outputs: Sequence[RawOutput]) -> list[str]:
        """Lines of Python that open the file and ask it."""


def document(
    inputs: Sequence[RawInput], outputs: Sequence[RawOutput], chosen: ExportFormat, *, with_words: bool = False
) -> dict[str, Any]:
    """Inputs and outputs as plain values.

    Args:
        inputs: of the model.
        outputs: of the model.
        chosen: the format.
        with_words: every word of an input in order, and how free text becomes whole numbers.
    """
    described: list[dict[str, Any]] = []
    for item in inputs:
        is_coded = item.is_text and chosen.text_dtype != "string"
        shape = item.coded_shape if is_coded else item.shape if chosen.any_size or not item.fixed_shape else item.fixed_shape
        meaning = item.meaning if not is_coded else "places of its tokens" if item.tokenizer else "place among the words known"
        entry: dict[str, Any] = {"name": item.name, "column": item.column, "shape": [None, *shape], "meaning": meaning}
        entry["dtype"] = chosen.text_dtype if is_coded else item.dtype
        if with_words and item.words:
            entry["words"] = list(item.words)
        if with_words and item.tokenizer is not None:
            entry |= {"tokens": item.tokenizer.to_state(), "missing": list(item.missing)}
        described.append(entry)
    results = [
        {
            "name": item.name,
            "dtype": chosen.text_dtype if item.dtype == "string" else item.dtype,
            "shape": [None, *item.shape],
            "meaning": item.meaning,
            **({"labels": list(item.labels)} if item.labels else {}),
            **({"threshold": item.threshold} if item.threshold is not None else {}),
            **({"calibration": item.calibration} if item.calibration is not None else {}),
        }
        for item in outputs
    ]
    return {"inputs": described, "outputs": results}


def example_arrays(inputs: Sequence[RawInput], tensor: str) -> str:
    """A mapping of one raw row in Python, as `{"age": np.array([1.0], "float32")}`."""
    entries = []
    for item in inputs[:3]:
        if item.shape and item.dtype == "string":
            value = tensor.format(value="texts", dtype=item.dtype)
        elif item.shape:
            value = f'pictures.astype("{item.dtype}")' if len(item.shape) == 3 else f'values.astype("{item.dtype}")'
        else:
            value = tensor.format(value=repr([example_value(item)]), dtype=item.dtype)
        entries.append(f"{item.name!r}: {value}")
    return "{" + ", ".join([*entries, *(["..."] if len(inputs) > 3 else [])]) + "}"
