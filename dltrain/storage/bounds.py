"""How much a file may be, or become when it is unpacked, and a pattern match, before it is refused; variables raise it."""

from __future__ import annotations

from dataclasses import dataclass

from dltrain.machine import memory_bytes
from dltrain.settings import whole_number

# Files that unpack to less are never taken for bombs, whatever they are packed to.
ALWAYS_ALLOWED = 512 << 20
# The same of text: a table of short cells takes some thirty times its text while it is read.
TEXT_ALWAYS_ALLOWED = 64 << 20


@dataclass(frozen=True, slots=True)
class Bound:
    """A bound that no honest file is expected to pass.

    Attributes:
        variable: the environment variable that sets another.
        default: without it.
    """

    variable: str
    default: int

    @property
    def value(self) -> int:
        """The bound that holds."""
        return whole_number(self.variable, self.default)

    @property
    def hint(self) -> str:
        """What to do about a file that is meant so."""
        return f"if it is meant so, set the environment variable {self.variable} to more than {self.value}"


# A table compresses 5 to 50 times, arrays of pictures and of labels up to some hundred times; a bomb, about 1,000 times.
RATIO = Bound("DLTRAIN_MAX_RATIO", 200)
# Text that is unpacked into memory as a whole.
TEXT_BYTES = Bound("DLTRAIN_MAX_TEXT_BYTES", 2 << 30)
# A quoted field may hold a document.
LINE_BYTES = Bound("DLTRAIN_MAX_LINE_BYTES", 64 << 20)
COLUMNS = Bound("DLTRAIN_MAX_COLUMNS", 100_000)
# A question of a survey is a name of some hundred bytes; each is copied wherever a column is spoken of.
NAME_BYTES = Bound("DLTRAIN_MAX_NAME_BYTES", 1 << 16)
# Of text that is held in memory; what a cell takes, however short it is: a view of it, and its number.
CELLS = Bound("DLTRAIN_MAX_CELLS", 200_000_000)
CELL_BYTES = 24
# Of arrays that are read into memory as a whole.
ARRAY_BYTES = Bound("DLTRAIN_MAX_ARRAY_BYTES", 64 << 30)
# That a pattern may match; it may look at so many times more.
FILES = Bound("DLTRAIN_MAX_FILES", 10_000)
LOOKED_AT_PER_FILE = 20
# What a row takes beside its values: its place, its order in the parts, its target and what is reckoned of it.
ROW_BYTES = 40
# Of the files that a run reads back, by name or folder: what is larger dltrain never wrote. (How large a checkpoint may be its
# model says.)
_OF_RUN = {
    "manifest.json": 32 << 20,  # a line of digests for each file of the data
    "metrics.json": 64 << 20,  # cells of confusion: one a row at the most, of each part
    "config.yaml": 4 << 20,  # as much as any config
    "history.csv": 256 << 20,  # a million epochs of ten metrics
    "preprocessing.json": 64 << 20,
    "preprocessing.npz": 528 << 20,
    "answers.json": 64 << 20,
    "sweep.json": 256 << 20,
    "optuna.journal": 1 << 30,
    "best.json": 64 << 20,  # a long run may name a file for each epoch
    "findings.json": 16 << 20,
    "code": 256 << 10,
}
_OF_OTHERS = 4 << 30
# Pillow's own threshold of suspicion.
PIXELS = Bound("DLTRAIN_MAX_PIXELS", 89_478_485)


def most_of_run(name: str) -> int:
    """Bytes that a file may have which a run reads back, looked at before it is read or its digest is taken.

    Args:
        name: of the file below the run, such as `metrics.json`, or `code/layers.py`.
    """
    folder, _, last = name.rpartition("/")
    return _OF_RUN.get(folder.partition("/")[0]) or _OF_RUN.get(last, _OF_OTHERS)


def most_unpacked(num_bytes: int) -> int:
    """To how many bytes a file of so many may unpack."""
    return max(ALWAYS_ALLOWED, RATIO.value * num_bytes)


def most_text(num_bytes: int) -> int:
    """To how many bytes of text a file of so many may unpack."""
    return max(TEXT_ALWAYS_ALLOWED, RATIO.value * num_bytes)


def most_of_arrays() -> int:
    """Bytes that arrays read as a whole may take: no more than this machine has memory, unless the variable says so."""
    return whole_number(ARRAY_BYTES.variable, min(ARRAY_BYTES.default, memory_bytes()))


def most_cells(num_bytes: int) -> int:
    """How many cells of text may be held in memory: no more than this machine has memory for, unless the variable says so.

    Args:
        num_bytes: of the text itself.
    """
    held = (memory_bytes() - num_bytes) // CELL_BYTES
    return whole_number(CELLS.variable, max(0, min(CELLS.default, held)))
