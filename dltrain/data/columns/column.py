"""Feature columns of a table: values read by kind, statistics of the training rows, the model's numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.catalog.date_formats import split_writing
from dltrain.config.types import ImagesConfig, TextConfig
from dltrain.data.columns.dates import to_dates
from dltrain.data.columns.kinds import Reading, mend, read_numbers, text_of, to_booleans, unreadable
from dltrain.data.columns.pictures import BESIDE_THE_TABLE, find_pictures, read_pictures_of, unusable_pictures
from dltrain.data.columns.scaling import (
    BY_ROUNDING,
    NO_VALUE,
    NumberTransform,
    fit_number,
    ignoring_constant,
    same_value,
    vary_by_rounding,
    why_untaught,
)
from dltrain.data.columns.tokens import TokenCounts, Tokenizer
from dltrain.data.dataset import InputSpec
from dltrain.data.pictures.files import skipped_note
from dltrain.data.pictures.form import PictureForm
from dltrain.data.tables.column_names import column_of
from dltrain.data.targets import Locate
from dltrain.errors import NUM_SHOWN, DataError, Fault, capped
from dltrain.wording import listed, shown_column

if TYPE_CHECKING:
    import polars

ONE_HOT_LIMIT = 64
MISSING = "(missing)"
OTHER = "(other)"
# As text; digits with leading zeros are codes, not numbers.
NUMBER = re.compile(r"[+-]?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
# A comma before one zero or two separates no thousands.
WHOLE_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.0*|,00?)?")
DECIMAL_COMMA = re.compile(r"[+-]?[0-9]*,([0-9]{1,2}|[0-9]{4,})")
# Zeros behind a number that is a category, up to which an exported model, which only knows words, meets it by value.
MOST_ZEROS = 6
USUAL_TEXT = TextConfig()


@dataclass(frozen=True, slots=True)
class FeatureColumn:
    """One column of the raw table and what becomes of it.

    Attributes:
        name: of the column.
        kind: "number", "boolean", "date", "category", "text" or "image" (the path of a picture file).
        date_format: how dates are written, where they are text.
        numbers: the transforms of a number or boolean (one) or of a date's parts.
        date_parts: names of the parts of a date, in the order of `numbers`.
        categories: sorted; empty where it is no category.
        rare: categories of the training part with too few rows, which are one together: the place of those it has not seen.
        has_missing: the training part had rows without a category, which then are a category of their own.
        encode: "one_hot" or "embedding".
        form: of the pictures that a column names.
        images: where these pictures are.
        on_error: what one that cannot be used does: "fail", or "skip" its row.
        tokenizer: of a text, once it is fitted.
        vector_length: of a text whose embedding begins with word vectors: how many numbers a word has; else None.
        trainable: whether training changes a text's embedding.
        vectors: float32 [tokenizer.size, vector_length] of a text, while a fit has them; a run's weights hold them from then on.
        untaught: why the training part has nothing to teach about it, once it is fitted; empty where it has. Such a column is
            left out: what it shows later would meet weights that were never trained.
    """

    name: str
    kind: str
    date_format: str | None = None
    numbers: tuple[NumberTransform, ...] = ()
    date_parts: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    has_missing: bool = False
    encode: str = "one_hot"
    form: PictureForm | None = None
    images: ImagesConfig = BESIDE_THE_TABLE
    on_error: str = "fail"
    tokenizer: Tokenizer | None = None
    vector_length: int | None = None
    trainable: bool = True
    vectors: NDArray[np.float32] | None = field(default=None, compare=False, repr=False)
    untaught: str = ""
    rare: tuple[str, ...] = ()

    @property
    def is_embedded(self) -> bool:
        """Whether it is an input of its own: of category indices, of a text's tokens, or of pixels."""
        return self.kind in ("text", "image") or (self.kind == "category" and self.encode == "embedding")

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the numbers that it adds to the input "features"."""
        if self.is_embedded:
            return ()
        if self.kind == "category":
            return tuple(f"{self.name}={category}" for category in self.categories) + (
                (f"{self.name}={MISSING}",) if self.has_missing else ()
            )
        return tuple(column for number in self.numbers for column in number.columns)

    @property
    def unit_range(self) -> bool:
        """Whether its numbers lie between 0 and 1, as those of categories and booleans always do."""
        return self.kind in ("category", "boolean") or all(number.scale in ("minmax", "quantile") for number in self.numbers)

    @property
    def vocabulary_size(self) -> int:
        """Indices of an embedded category: 0 for rare and unseen ones, the categories, and missing where training saw it."""
        return self.tokenizer.size if self.tokenizer else 1 + len(self.categories) + self.has_missing

    def make_input(self, name: str) -> InputSpec:
        """The input that it makes where it has one of its own."""
        if self.form is not None:
            return InputSpec(name, self.form.shape, unit_range=True)
        size = self.vocabulary_size
        return InputSpec(
            name,
            (self.tokenizer.length,) if self.tokenizer else (),
            "int32",
            vocabulary_size=size,
            embedding_dimension=self.vector_length or embedding_dimension(size),
            vectors=self.vectors,
            trainable=self.trainable,
        )


def embedding_dimension(vocabulary_size: int) -> int:
    """Suggested size of an embedding: 1.6 n^0.56, at most 50 (the rule of thumb of fastai's tabular models)."""
    return int(min(50, max(2, round(1.6 * vocabulary_size**0.56))))


def read_feature(series: polars.Series, column: FeatureColumn, reading: Reading) -> tuple[Any, NDArray[np.int64], polars.Series]:
    """The mended column's values by kind (float64 array, or a series of dates or text), rows that cannot be read, mended text."""
    if column.kind == "number":
        numbers, bad = read_numbers(series, reading)
        return numbers, bad, series
    series = mend(series, reading)
    if column.kind in ("category", "text", "image"):
        return text_of(series), np.zeros(0, np.int64), series
    values = to_dates(series, column.date_format) if column.kind == "date" else to_booleans(series)
    return values, unreadable(series, values), series


def take(values: Any, rows: NDArray[np.int64]) -> Any:
    """Some rows of a column's values, as `read_feature` gives them."""
    return values[rows] if isinstance(values, np.ndarray) else values.gather(rows)


def read_features(
    frame: polars.DataFrame, columns: Sequence[FeatureColumn], reading: Reading, locate: Locate, known_by: str
) -> dict[str, Any]:
    """Values of all feature columns.

    Args:
        frame: raw columns.
        columns: which, and their kinds.
        reading: how text is written.
        locate: the place of a row.
        known_by: how the kinds are known ("by its first 10,000 rows").

    Raises:
        DataError: values that are not of the column's kind, with their rows.
    """
    values: dict[str, Any] = {}
    found: dict[str, Surprises] = {}
    for column in columns:
        values[column.name], bad, mended = read_feature(column_of(frame, column.name), column, reading)
        if len(bad):
            found[column.name] = Surprises()
            found[column.name].add(bad, mended, 0)
        if column.form is not None:
            values[column.name] = find_pictures(values[column.name], locate, column.images)
    refuse_surprises(columns, found, locate, known_by)
    return values


def usable_rows(
    columns: Sequence[FeatureColumn], values: Mapping[str, Any], rows: NDArray[np.int64], notes: list[str]
) -> NDArray[np.int64]:
    """Rows without those that are to be left out because a picture of theirs cannot be used; a sentence on these goes to `notes`.

    Raises:
        DataError: none is left.
    """
    skipping = [column for column in columns if column.on_error == "skip" and column.form and not column.form.unread]
    found: dict[str, Fault] = {}
    kept = np.ones(len(rows), bool)
    for column in skipping:
        paths = values[column.name].gather(rows)
        bad = unusable_pictures(paths, column.form)  # type: ignore[arg-type]
        found |= bad
        kept &= ~paths.is_in(list(bad)).to_numpy()
    if found:
        notes.append(skipped_note(list(found.values())).removeprefix("warning: "))
    if not kept.any() and len(rows):
        raise DataError("none of the pictures can be used", hint="data.on_error: fail names each")
    return rows[kept]


@dataclass(slots=True)
class Surprises:
    """Values of a column that are not of its kind.

    Attributes:
        total: how many.
        rows: row and value of the first ten.
    """

    total: int = 0
    rows: list[tuple[int, Any]] = field(default_factory=list)

    def add(self, rows: NDArray[np.int64], values: polars.Series, first_row: int) -> None:
        """Take in the next ones: rows counted from `first_row`, and the values that all rows from there on hold."""
        self.total += len(rows)
        self.rows += [(first_row + int(row), values[int(row)]) for row in rows[: NUM_SHOWN - len(self.rows)]]


def refuse_surprises(columns: Sequence[FeatureColumn], found: Mapping[str, Surprises], locate: Locate, known_by: str) -> None:
    """Refuse values that are not of their column's kind; the arguments are those of `read_features`.

    Raises:
        DataError: there are some; with the rows of the first ten.
    """
    faults = [
        _surprise(column, value, row, locate, known_by)
        for column in columns
        if column.name in found
        for row, value in found[column.name].rows
    ]
    total = sum(found[column.name].total for column in columns if column.name in found)
    if faults:
        raise DataError(capped(faults, total))


def _surprise(column: FeatureColumn, value: object, row: int, locate: Locate, known_by: str) -> Fault:
    file, line = locate(row)
    written = split_writing(column.date_format)[0]
    date = f"a date written {written}" if written else "a date"
    expected = {"number": "a finite number", "boolean": "true or false", "date": date}[column.kind]
    message = f"column {column.name} holds {value!r}, expected {expected} ({known_by})"
    hint = f'if it means "no value": data.replace: {{{column.name}: {{"{value}": ""}}}}; if the column holds words: '
    hint += f"data.features: {{{column.name}: category}}"
    return Fault(message if line else f"row {row + 1:,}: {message}", file=file, line=line, hint=hint)


def date_numbers(values: polars.Series, parts: Sequence[str]) -> list[NDArray[np.float64]]:
    """Float64 [rows] for each part of the dates, NaN where there is none."""
    import polars

    made = []
    for part in parts:
        if part == "day number":
            number = values.dt.epoch("s").cast(polars.Float64) / 86400.0
        elif part == "hour":
            number = values.dt.hour().cast(polars.Float64) + values.dt.minute().cast(polars.Float64) / 60.0
        else:
            number = getattr(values.dt, part)().cast(polars.Float64)
        made.append(number.fill_null(float("nan")).to_numpy(writable=True))
    return made


def fit_feature(
    column: FeatureColumn,
    values: Any,
    rows: NDArray[np.int64],
    *,
    scale: str,
    impute: str | float,
    encode: str | None,
    min_count: int = 1,
    text: TextConfig = USUAL_TEXT,
    keeps_rounding: bool = False,
) -> FeatureColumn:
    """Learn from the training rows: categories, or fill and scale of each number.

    Args:
        column: name and kind.
        values: of all rows, as `read_features` gives them.
        rows: the training part.
        scale, impute: for numbers and dates.
        encode: "one_hot", "embedding", or None: one-hot up to 64 categories.
        min_count: rows that a category needs to be one of its own.
        text: how a text becomes tokens.
        keeps_rounding: numbers that differ by less than float32 tells apart are scaled like others.
    """
    if column.kind == "image":
        return column
    if column.kind == "text":
        counts = TokenCounts(text)
        counts.add(values.gather(rows))
        return fit_text(column, counts)
    if column.kind == "category":
        seen = values.gather(rows)
        categories, rare = _categories(seen.drop_nulls(), min_count)
        has_missing = bool(seen.null_count())
        untaught = NO_VALUE if not categories and not rare else ""
        if len(categories) + bool(rare) + has_missing == 1 and not untaught:
            untaught = same_value(categories[0] if categories else f"rarer than data.min_count: {min_count}")
        encode = encode or ("one_hot" if len(categories) <= ONE_HOT_LIMIT else "embedding")
        return replace(column, categories=categories, rare=rare, has_missing=has_missing, encode=encode, untaught=untaught)
    if column.kind == "boolean":
        fill = impute if not isinstance(impute, str) or impute == "none" else "most_frequent"
        number = fit_number(column.name, values[rows], "none", fill)
        untaught = why_untaught(values[rows])
        if untaught and untaught != NO_VALUE:
            untaught = same_value("true" if values[rows[0]] else "false")
        return replace(column, numbers=(number,), untaught=untaught)
    if column.kind == "date":
        seen = values.gather(rows)
        has_hours = bool(((seen.dt.hour() != 0) | (seen.dt.minute() != 0)).any())
        parts = ("year", "month", "day", "weekday", "day number", *(("hour",) if has_hours else ()))
        numbers = date_numbers(seen, parts)
        made = []
        for part, shown in zip(parts, numbers, strict=True):
            number = ignoring_constant(fit_number(f"{column.name} {part}", shown, scale, impute), shown)
            made.append(replace(number, indicator=bool(seen.null_count()) and part == "year"))
        reasons = [why_untaught(shown) for shown in numbers]
        untaught = "" if not all(reasons) else NO_VALUE if NO_VALUE in reasons else same_value(str(seen[0]))
        return replace(column, date_parts=parts, numbers=tuple(made), untaught=untaught)
    seen = values[rows]
    number = ignoring_constant(fit_number(column.name, seen, scale, impute), seen, keeps_rounding=keeps_rounding)
    untaught = why_untaught(seen)
    if not untaught and not keeps_rounding and not np.isnan(seen).any() and vary_by_rounding(seen, scale):
        untaught = BY_ROUNDING
    return replace(column, numbers=(number,), untaught=untaught)


def fit_text(column: FeatureColumn, counts: TokenCounts) -> FeatureColumn:
    """Learn the vocabulary of a text from the tokens of the training rows."""
    tokenizer = counts.finish()
    untaught = "" if tokenizer.vocabulary else "no word in the training part"
    return replace(column, tokenizer=tokenizer, trainable=counts.config.trainable, untaught=untaught)


def split_untaught(
    columns: Sequence[FeatureColumn], num_rows: int
) -> tuple[list[FeatureColumn], list[tuple[str, str]], list[str]]:
    """Columns fitted to so many training rows, less those that they teach nothing about.

    Returns:
        Those that are kept, the others with the reason, and sentences that warn: of a column that has no value in training, since
        it is there for something. Of one that does not vary it is enough to tell. In a single row nothing varies.
    """
    gone = [(c.name, c.untaught) for c in columns if c.untaught and (num_rows > 1 or c.untaught.startswith("no "))]
    names = dict(gone)
    kept = [column for column in columns if column.name not in names]
    empty = [shown_column(name) for name, reason in gone if reason.startswith("no ")]
    rounded = [shown_column(name) for name, reason in gone if reason == BY_ROUNDING]
    warnings = []
    if empty:
        what = "these columns have" if len(empty) > 1 else "this column has"
        warnings.append(f"left out, because {what} no value in the training part: {listed(empty, 20)}")
    if rounded:
        how = f"data.scale: {{{rounded[0]}: standard}} keeps it"
        warnings.append(f"left out: {listed(rounded, 20)}: {BY_ROUNDING}; {how}")
    return kept, gone, warnings


def _categories(words: polars.Series, min_count: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The different words in order, and those with fewer rows than `min_count`.

    A whole number that is written in several ways (`1`, `1.0`) is one category, in the shortest.
    """
    counted = (
        dict(words.alias("word").value_counts(name="rows").iter_rows()) if min_count > 1 else dict.fromkeys(words.unique(), 1)
    )
    kept: dict[str, str] = {}
    rows: dict[str, int] = {}
    for word in sorted(counted, key=lambda word: (len(word), word)):
        key = re.split("[.,]", word)[0] if WHOLE_NUMBER.fullmatch(word) else word
        kept.setdefault(key, word)
        rows[key] = rows.get(key, 0) + counted[word]
    common = sorted(word for key, word in kept.items() if rows[key] >= min_count)
    return tuple(common), tuple(sorted(word for key, word in kept.items() if rows[key] < min_count))


def _same_numbers(categories: Sequence[str], unknown: polars.Series) -> dict[str, str]:
    """Unknown words that are the same number as one category: word -> category."""
    known: dict[Decimal, str | None] = {}
    for category in categories:
        number = _number_in(category)
        if number is not None:
            known[number] = None if number in known else category
    if not known:
        return {}
    words = {word: _number_in(word) for word in unknown.unique().to_list()}
    found = {word: known.get(number) for word, number in words.items() if number is not None}
    return {word: category for word, category in found.items() if category is not None}


def _number_in(word: str) -> Decimal | None:
    """The number that a word is, with a decimal point or with a comma that separates no thousands."""
    plain = word.replace(",", ".") if DECIMAL_COMMA.fullmatch(word) else word
    return Decimal(plain) if NUMBER.fullmatch(plain) else None


def ways_of_writing(category: str) -> list[str]:
    """A category that is a number as other programs write it: `1` as `1.0` and `1,00`, `1.5` as `1.50`; of other words none."""
    number = _number_in(category)
    if number is None:
        return []
    whole, _, fraction = f"{number.normalize():f}".partition(".")
    ways = [whole] if not fraction else []
    for num_zeros in range(0 if fraction else 1, MOST_ZEROS + 1):
        digits = fraction + "0" * num_zeros
        ways += [f"{whole}.{digits}", f"{whole},{digits}"]
    return ways


def category_codes(column: FeatureColumn, values: polars.Series) -> tuple[NDArray[np.int32], polars.Series]:
    """Codes [rows]: 0 for unknown and rare, 1... for the categories, the last for missing; and values new since training."""
    import polars

    codes = values.cast(polars.Enum(column.categories), strict=False).to_physical().cast(polars.Int32) + 1
    unknown = values.filter(codes.is_null() & values.is_not_null())
    same = _same_numbers(column.categories, unknown) if len(unknown) else {}
    if same:  # a number is a category however it is written
        values = values.replace(same)
        codes = values.cast(polars.Enum(column.categories), strict=False).to_physical().cast(polars.Int32) + 1
        unknown = values.filter(codes.is_null() & values.is_not_null())
    array = codes.fill_null(0).to_numpy(writable=True)
    if column.has_missing:
        array[values.is_null().to_numpy()] = len(column.categories) + 1
    if column.rare and len(unknown):
        unknown = unknown.filter(~unknown.is_in([*column.rare, *_same_numbers(column.rare, unknown)]))
    return array, unknown


@dataclass(slots=True)
class Unseen:
    """Categories that training has not seen: column -> rows and the different words; gathered over any number of turns."""

    rows: dict[str, int] = field(default_factory=dict)
    words: dict[str, dict[str, None]] = field(default_factory=dict)

    def add(self, column: str, values: polars.Series) -> None:
        """Take in the unknown values of some rows."""
        self.rows[column] = self.rows.get(column, 0) + len(values)
        self.words.setdefault(column, {}).update(dict.fromkeys(values.unique(maintain_order=True).to_list()))

    def notes(self, columns: Sequence[FeatureColumn]) -> list[str]:
        """A sentence for the user where there are any, in the order of the columns."""
        names = [column.name for column in columns if column.name in self.rows]
        found = [f"{name} {self.rows[name]:,} ({listed([*self.words[name]], 3)})" for name in names]
        return [f"rows with a category that training has not seen (treated as unknown): {listed(found, 8)}"] if found else []


def fill_features(
    matrix: NDArray[np.float32], columns: Sequence[FeatureColumn], values: Mapping[str, Any], unseen: Unseen
) -> dict[str, NDArray[Any]]:
    """Write the numbers of all columns into `matrix` [rows, width] (zeros before); return the inputs of other columns.

    A category that is rare, or that training has not seen, is index 0 of an embedding, and all zeros in one-hot; the latter goes
    to `unseen`.
    """
    embedded: dict[str, NDArray[Any]] = {}
    place = 0
    for column in columns:
        if column.form is not None:
            embedded[column.name] = read_pictures_of(values[column.name], column.form)
            continue
        if column.tokenizer is not None:
            embedded[column.name] = column.tokenizer.encode(values[column.name])
            continue
        if column.kind == "category":
            codes, unknown = category_codes(column, values[column.name])
            if len(unknown):
                unseen.add(column.name, unknown)
            if column.is_embedded:
                embedded[column.name] = codes
                continue
            known = np.flatnonzero(codes)
            matrix[known, place + codes[known] - 1] = 1.0
            place += len(column.columns)
            continue
        numbers = date_numbers(values[column.name], column.date_parts) if column.kind == "date" else [values[column.name]]
        for transform, number in zip(column.numbers, numbers, strict=True):
            matrix[:, place] = transform.transform(number)
            if transform.indicator:
                matrix[:, place + 1] = np.isnan(number)
            place += len(transform.columns)
    return embedded


def read_back(columns: Sequence[FeatureColumn], matrix: NDArray[Any]) -> dict[str, Any]:
    """What a model's numbers [rows, width], in the order of `fill_features`, say of the columns of the table.

    Returns:
        Column -> values in its own units: numbers, `true` or `false`, the category with the largest number ("" where that is the
        missing one, "(other)" where none is near 1 and some are rare); a date's parts are columns of their own.
    """
    found: dict[str, Any] = {}
    place = 0
    for column in columns:
        width = len(column.columns)
        block = matrix[:, place : place + width].astype(np.float64)
        place += width
        if column.kind == "category" and width:
            words = [*column.categories, *([""] if column.has_missing else [])]
            found[column.name] = [words[index] for index in block.argmax(axis=1)]
            if column.rare:
                is_other = block.max(axis=1) < 0.5
                found[column.name] = [OTHER if other else word for other, word in zip(is_other, found[column.name], strict=True)]
            continue
        start = 0
        for number in column.numbers:
            values = number.inverse(block[:, start])
            start += len(number.columns)
            if column.kind == "boolean":
                found[number.name] = ["true" if value >= 0.5 else "false" for value in values]
            else:
                found[number.name] = values.astype(np.float32)  # as exact as the model's numbers are
    return found


def check_gaps(columns: Sequence[FeatureColumn], values: Mapping[str, Any], locate: Locate) -> None:
    """Refuse rows without a value in columns that are not to be filled (`impute: none`).

    Raises:
        DataError: with the rows.
    """
    gaps = Gaps()
    for column in columns:
        if any(np.isnan(number.fill) for number in column.numbers):
            gaps.add(column, values[column.name], locate)
    gaps.refuse()


@dataclass(slots=True)
class Gaps:
    """Rows without a value in columns that are not to be filled."""

    faults: list[Fault] = field(default_factory=list)
    total: int = 0

    def add(self, column: FeatureColumn, values: Any, locate: Locate) -> None:
        """Take in those of a column's values."""
        rows = np.flatnonzero(values.is_null().to_numpy() if column.kind == "date" else np.isnan(values))
        self.total += len(rows)
        for row in rows[: NUM_SHOWN - len(self.faults)]:
            file, line = locate(int(row))
            message = f"column {column.name} has no value" if line else f"row {int(row) + 1:,}: column {column.name} has no value"
            self.faults.append(Fault(message, file=file, line=line, hint="data.impute: median fills it"))

    def refuse(self) -> None:
        """Raise DataError with them where there are any."""
        if self.faults:
            raise DataError(capped(self.faults, self.total))
