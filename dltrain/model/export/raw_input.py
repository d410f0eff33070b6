"""What one raw input of an exported model is."""

from __future__ import annotations

from dataclasses import dataclass

from dltrain.data.columns.tokens import Tokenizer
from dltrain.errors import Fault


@dataclass(frozen=True, slots=True)
class RawInput:
    """One raw input.

    Attributes:
        column: the column, or "image".
        name: of the input: the column's own, as far as the file's format allows.
        dtype: "string", "float32" or "int64".
        shape: without the rows; None where any extent will do.
        meaning: how values are written, for the user.
        words: for a word: those that mean something to the model; all others are alike. Else empty.
        fixed_shape: a shape without None, for formats that resize no pictures.
        tokenizer: of free text. Else None.
        missing: for free text: texts that stand for none.
    """

    column: str
    name: str
    dtype: str
    shape: tuple[int | None, ...]
    meaning: str
    words: tuple[str, ...] = ()
    fixed_shape: tuple[int, ...] = ()
    tokenizer: Tokenizer | None = None
    missing: tuple[str, ...] = ()

    @property
    def coded_shape(self) -> tuple[int | None, ...]:
        """The shape, without the rows, of the whole numbers that stand for its text."""
        return (self.tokenizer.length,) if self.tokenizer is not None else self.shape

    @property
    def is_text(self) -> bool:
        """Whether it is a word or free text, for which formats without text have whole numbers."""
        return bool(self.words) or self.tokenizer is not None


def example_value(item: RawInput) -> str | float | int:
    """A value for a usage example: a word that the model knows, a sentence, a small number, the first of January 2024."""
    if item.words:
        return next((word for word in item.words if word), "")
    if item.dtype == "string":
        return "a sentence of your own"
    return 1_704_067_200 if item.dtype == "int64" else 1.0


def too_fine(what: str, center: float, spread: float, path: str | None = None) -> Fault:
    """The fault for numbers that an exported model, which takes float32, cannot tell apart."""
    values = f"they differ by {spread:.3g} at {center:.10g}"
    return Fault(
        f"the export takes float32 numbers, which do not tell the values of {what} apart: {values}",
        path=path,
        hint="`dltrain predict RUN --data FILE` can; or train on the differences from a number of their size",
    )


def no_way(what: str, path: str | None = None) -> Fault:
    """The fault for something that an export cannot say."""
    return Fault(
        f"the export cannot hold {what}: Keras has no layers that do it",
        path=path,
        hint="`dltrain predict RUN --data FILE` answers from raw input; checkpoints/*.h5 take preprocessed input in plain Keras",
    )
