"""What a kind of column is: how it is read, learnt, written into the model's inputs, described and made up; one file a kind.

`number.py`, `boolean.py`, `date.py`, `category.py`, `text.py` and `image.py` each hold one.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.types import TextConfig
from dltrain.data.columns.reading import Reading, mend, text_of
from dltrain.data.dataset import InputSpec
from dltrain.errors import Note, warn
from dltrain.later import polars
from dltrain.wording import counted, listed, no_row_hint, quoted

if TYPE_CHECKING:
    from dltrain.data.columns.column import FeatureColumn

USUAL_TEXT = TextConfig()
# So many rows of what is made up have no value.
GAPS = 0.15
# So many times as far from the training's values as these are from each other is far.
FAR_TIMES = 3
# Of so many rows it is said that most of them lie where few of the training's do.
ENOUGH_ROWS = 20
# From such a share of rows on it is said that most of their tokens are unknown.
MANY_UNKNOWN = 0.05


@dataclass(frozen=True, slots=True)
class Learning:
    """The config's options for fitting a column.

    Attributes:
        scale, impute: of numbers and dates.
        encode: "one_hot", "embedding", or None: one-hot up to 64 categories.
        min_count: rows that a category needs to be one of its own.
        embedding_size: how many numbers the embedding of a category has; None: by the number of categories.
        text: how a text becomes tokens.
        keeps_rounding: numbers that differ by less than float32 tells apart are scaled like others.
    """

    scale: str = "none"
    impute: str | float = "none"
    encode: str | None = None
    min_count: int = 1
    embedding_size: int | None = None
    text: TextConfig = USUAL_TEXT
    keeps_rounding: bool = False


def plain_word(word: str) -> str:
    """A word without what readers overlook: capitals, signs that nobody sees, further blanks, points at its end."""
    seen = "".join(letter for letter in word if unicodedata.category(letter) != "Cf")  # such as U+200B
    return " ".join(unicodedata.normalize("NFKC", seen).casefold().split()).rstrip(" .")


@dataclass(slots=True)
class Elsewhere:
    """How the numbers of some rows lie beside those of training.

    Attributes:
        seen: see `NumberTransform`.
        rows: that have a number.
        below, above: rows with one below 95 % of the training's, and above.
        far: rows with one far beyond all of the training's.
        least, greatest: of all.
    """

    seen: NDArray[np.float64]
    rows: int = 0
    below: int = 0
    above: int = 0
    far: int = 0
    least: float = np.inf
    greatest: float = -np.inf

    def add(self, numbers: NDArray[np.float64]) -> None:
        """Take in some rows, NaN where there is none."""
        first, low, high, last = self.seen
        span = FAR_TIMES * (last - first)
        self.rows += len(numbers) - int(np.count_nonzero(np.isnan(numbers)))
        self.below += int(np.count_nonzero(numbers < low))
        self.above += int(np.count_nonzero(numbers > high))
        self.least = min(self.least, float(np.fmin.reduce(numbers, initial=np.inf)))
        self.greatest = max(self.greatest, float(np.fmax.reduce(numbers, initial=-np.inf)))
        if self.least < first - span or self.greatest > last + span:
            self.far += int(np.count_nonzero((numbers < first - span) | (numbers > last + span)))

    def count(self, *, may_move: bool) -> int:
        """The rows whose numbers are elsewhere than training's; those that only lie where few of these do count if most do."""
        most = max(self.below, self.above) if may_move else 0
        return max(self.far, most if self.rows >= ENOUGH_ROWS and 2 * most >= self.rows else 0)


@dataclass(slots=True)
class Unseen:
    """Categories, tokens, gaps and numbers that the training rows do not have, counted over any number of blocks of rows.

    Attributes:
        rows, words: of categories: column -> rows with others, and the different ones.
        texts: of free text: column -> rows that have some, and those of which most tokens are unknown.
        gaps: of columns that have a value in each training row: column -> rows without.
        filled: how their numbers are filled.
        numbers: of numbers and dates: column -> how they lie beside those of training.
        of_new_rows: the rows are none of the data that was split, so that most of them should look as training's do.
    """

    rows: dict[str, int] = field(default_factory=dict)
    words: dict[str, dict[str, None]] = field(default_factory=dict)
    texts: dict[str, tuple[int, int]] = field(default_factory=dict)
    gaps: dict[str, int] = field(default_factory=dict)
    filled: str = "numbers are filled as data.impute says"
    numbers: dict[str, Elsewhere] = field(default_factory=dict)
    of_new_rows: bool = False

    def add(self, column: str, values: polars.Series) -> None:
        """Take in the unknown values of some rows."""
        self.rows[column] = self.rows.get(column, 0) + len(values)
        self.words.setdefault(column, {}).update(dict.fromkeys(values.unique(maintain_order=True).to_list()))

    def add_texts(self, column: str, num_rows: int, num_unknown: int) -> None:
        """Take in some rows of a text, and how many of these are mostly unknown."""
        rows, unknown = self.texts.get(column, (0, 0))
        self.texts[column] = rows + num_rows, unknown + num_unknown

    def add_gaps(self, column: FeatureColumn, gaps: NDArray[np.bool_]) -> None:
        """Take in which rows of a column have no value; it counts where each training row has one."""
        if column.by_kind.had_no_gaps(column) and (num_rows := int(np.count_nonzero(gaps))):
            self.gaps[column.name] = self.gaps.get(column.name, 0) + num_rows

    def add_numbers(self, name: str, seen: NDArray[np.float64], numbers: NDArray[np.float64]) -> None:
        """Take in the numbers of some rows of a column, and where training's lie (see `NumberTransform`)."""
        if len(seen) and seen[0] < seen[-1]:
            self.numbers.setdefault(name, Elsewhere(seen)).add(numbers)

    def _of_numbers(self, columns: Sequence[FeatureColumn]) -> list[Note]:
        found = []
        for column in columns:
            of = self.numbers.get(column.name)
            say = column.by_kind.say_number
            if of and (count := of.count(may_move=self.of_new_rows and column.by_kind.holds_numbers)):
                first, low, high, last = map(say, of.seen)
                mostly = f", nine in ten of them {low} to {high}" if count > of.far else ""
                found.append(
                    f"{column.name} in {count:,} of {counted(of.rows, 'row')}: {say(of.least)} to {say(of.greatest)} "
                    f"(training: {first} to {last}{mostly})"
                )
        hint = "if they are in another unit or written with another decimal sign, bring them to the training's first"
        said = f"values far from nearly all that training has seen: {listed(found, 8)}; {hint}"
        return [warn(said, "another_scale")] if found else []

    def _of_gaps(self, columns: Sequence[FeatureColumn]) -> list[Note]:
        found = [f"{column.name} {self.gaps[column.name]:,}" for column in columns if column.name in self.gaps]
        how = f"{self.filled}, categories are unknown"
        said = f"rows without a value in columns that have one in every training row ({how}): {listed(found, 8)}"
        return [warn(said, "unseen_gaps")] if found else []

    def _of_texts(self) -> list[Note]:
        return [
            warn(
                f"most tokens of {name} are unknown to training in {unknown:,} of {counted(rows, 'row')}: "
                "what the model says of such rows, it says of next to nothing",
                "unknown_tokens",
            )
            for name, (rows, unknown) in self.texts.items()
            if unknown > MANY_UNKNOWN * rows
        ]

    def notes(self, columns: Sequence[FeatureColumn]) -> list[Note]:
        """A warning of each where there are any, in the order of the columns."""
        names = [column.name for column in columns if column.name in self.rows]
        found = [f"{name} {self.rows[name]:,} ({listed([*self.words[name]], 3)})" for name in names]
        said = f"rows with a category that training has not seen (treated as unknown): {listed(found, 8)}"
        odd = [f"{quoted(word)}: {hint}" for name in names for word in self.words[name] if (hint := no_row_hint(word or ""))]
        alike = [f"{name} {pair}" for column in columns if (name := column.name) in self.rows for pair in self._alike(column)]
        said += f"; only capitals, blanks or points differ: {listed(alike, 3)}" if alike else ""
        categories = [warn("; ".join([said, *odd[:1]]).removesuffix("; "), "unseen_categories")] if found else []
        return [*categories, *self._of_numbers(columns), *self._of_gaps(columns), *self._of_texts()]

    def _alike(self, column: FeatureColumn) -> list[str]:
        """The unseen words of a column that training has too, but for what readers overlook, with what it has."""
        known = {plain_word(word): word for word in (*column.rare, *column.categories)}
        plain = {word: plain_word(word) for word in self.words[column.name] if word}
        return [f"{word} (training: {known[folded]})" for word, folded in plain.items() if folded in known]


class Kind:
    """How columns of one kind are read, fitted and encoded; the defaults are those of free text.

    Attributes:
        name: as in `data.features`.
        is_array: its values are float64 [rows], NaN where there is none; else a series, null where there is none.
        is_amount: its values have an order and distances.
        tells_alone: a value is one number or one word, so that the column by itself may tell a target.
        has_categories: its values are a few words, for which `encode`, `min_count` and `embedding_size` are.
        what: it is, in a sentence that says why it cannot share an input.
        many: what a column of it is, in a sentence.
    """

    name = ""
    is_array = False
    is_amount = False
    tells_alone = False
    has_categories = False
    what = ""
    many = ""

    @property
    def holds_numbers(self) -> bool:
        """Whether its values are numbers that have an order, as they stand in the table."""
        return self.is_array and self.is_amount

    def check(self, column: FeatureColumn) -> None:
        """Raise ValueError where a stored column has not all that one of its kind has, or more."""
        if (column.form is not None) != (self.name == "image"):
            what = "no form of its pictures" if column.form is None else "a form of pictures, and names none"
            raise ValueError(f"the column {column.name} has {what}")
        if (column.tokenizer is not None) != (self.name == "text"):
            what = "no tokens" if column.tokenizer is None else "tokens, and is no text"
            raise ValueError(f"the column {column.name} has {what}")
        if len(column.numbers) != self.num_numbers(column):
            raise ValueError(f"the column {column.name} has {len(column.numbers)} numbers")

    def why_alone(self, column: FeatureColumn) -> tuple[str, str]:
        """Why such a column cannot share an input with others, and what to do about it."""
        return self.what, f"give it an input of its own: `{column.name}_input: [{column.name}]`"

    def read(
        self, series: polars.Series, column: FeatureColumn, reading: Reading
    ) -> tuple[Any, NDArray[np.int64], polars.Series]:
        """The values, the rows that cannot be read, and the mended column."""
        series = mend(series, reading)
        return text_of(series), np.zeros(0, np.int64), series

    def expected(self, column: FeatureColumn) -> str:
        """What each value has to be, in words; empty where any will do."""
        return ""

    def learn(self, column: FeatureColumn, seen: Any, how: Learning) -> FeatureColumn:
        """The column fitted to the values of the training rows."""
        return column

    def is_embedded(self, column: FeatureColumn) -> bool:
        """Whether it is an input of its own."""
        return True

    def columns(self, column: FeatureColumn) -> tuple[str, ...]:
        """Names of the numbers that it adds to the input "features"."""
        return ()

    def unit_range(self, column: FeatureColumn) -> bool:
        """Whether its numbers lie between 0 and 1."""
        return True

    def vocabulary_size(self, column: FeatureColumn) -> int:
        """How many indices its embedding has, where it has one."""
        return 1

    def make_input(self, column: FeatureColumn, name: str) -> InputSpec:
        """The model input of a column that does not join the input "features": one of indices."""
        size = self.vocabulary_size(column)
        dimension = column.embedding_size or embedding_dimension(size)
        return InputSpec(name, (), "int32", vocabulary_size=size, embedding_dimension=dimension)

    def write(self, column: FeatureColumn, values: Any, block: NDArray[np.float32], unseen: Unseen) -> NDArray[Any] | None:
        """Write its numbers into `block` [rows, its columns], zeros before; or return the input that it makes of its own."""
        raise NotImplementedError

    def read_back(self, column: FeatureColumn, block: NDArray[np.float64]) -> dict[str, Any]:
        """The values that its encoded numbers [rows, its columns] stand for: column -> values in the table's units."""
        return {}

    def are_gaps(self, values: Any) -> NDArray[np.bool_]:
        """Which rows have no value."""
        found: NDArray[np.bool_] = np.isnan(values) if self.is_array else values.is_null().to_numpy()
        return found

    def say_number(self, value: float) -> str:
        """A number of the column as text for people, such as a day number as its date."""
        return f"{value:.6g}"

    def had_no_gaps(self, column: FeatureColumn) -> bool:
        """Whether each training row has a value, so that what a row without becomes was never learnt."""
        return False

    def group(self, column: FeatureColumn) -> str:
        """The name under which such columns are counted in the summary."""
        return self.name

    def describe(self, columns: Sequence[FeatureColumn]) -> str:
        """How columns of one group become numbers, in brackets."""
        return ""

    def num_numbers(self, column: FeatureColumn) -> int:
        """How many numbers it has, each with a transform of its own."""
        return 0

    def to_series(self, name: str, values: NDArray[Any]) -> polars.Series:
        """What `make_up` gave, as a column of a table; here of words."""
        return polars.Series(name, values.tolist(), dtype=polars.String)

    def make_up(self, column: FeatureColumn, generator: np.random.Generator, count: int, words: Sequence[str]) -> NDArray[Any]:
        """Values as training may have seen them, and among them gaps, values beyond, and words that nobody has seen.

        Args:
            column: fitted.
            generator: draws them.
            count: how many rows.
            words: that a category knows as they stand in raw text.
        """
        raise NotImplementedError


def embedding_dimension(vocabulary_size: int) -> int:
    """Suggested size of an embedding: 1.6 n^0.56, at most 50 (the rule of thumb of fastai's tabular models)."""
    return int(min(50, max(2, round(1.6 * vocabulary_size**0.56))))
