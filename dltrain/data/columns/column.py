"""Feature columns of a table: values read by kind, statistics of the training rows, the model's numbers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.catalog.date_formats import EPOCHS, epoch_of, is_zone, split_writing
from dltrain.config.types import ImagesConfig
from dltrain.data.columns.boolean import BOOLEAN
from dltrain.data.columns.category import CATEGORY
from dltrain.data.columns.date import DATE, DATE_PARTS
from dltrain.data.columns.image import (
    BESIDE_THE_TABLE,
    IMAGE,
    find_pictures,
    form_from,
    form_state,
    images_from,
    unusable_pictures,
)
from dltrain.data.columns.kind import Kind, Learning, Unseen
from dltrain.data.columns.kinds import KINDS
from dltrain.data.columns.number import NUMBER
from dltrain.data.columns.reading import Reading
from dltrain.data.columns.scaling import BY_ROUNDING, NumberTransform
from dltrain.data.columns.text import TEXT, text_from, text_state
from dltrain.data.columns.tokens import Tokenizer
from dltrain.data.dataset import InputSpec
from dltrain.data.pictures.files import skipped_notes
from dltrain.data.pictures.form import PictureForm
from dltrain.data.raw import Locate
from dltrain.data.tables.column_names import column_of
from dltrain.errors import NUM_SHOWN, DataError, Fault, Note, capped, warn
from dltrain.later import polars
from dltrain.storage.values import one_of, texts, typed
from dltrain.wording import listed, shown_column

KIND_OF: Mapping[str, Kind] = {kind.name: kind for kind in (NUMBER, CATEGORY, BOOLEAN, DATE, TEXT, IMAGE)}
AS_IN_TRAINING = "as in the training"  # how the kinds of later rows are known


@dataclass(frozen=True, slots=True)
class FeatureColumn:
    """One column of the raw table and how it is made into numbers.

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
        embedding_size: how many numbers the embedding of a category has; None: by the number of categories.
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
    embedding_size: int | None = None

    @property
    def by_kind(self) -> Kind:
        """The column's kind, which knows how such columns are read, learned and written."""
        return KIND_OF[self.kind]

    @property
    def is_embedded(self) -> bool:
        """Whether it is an input of its own: of category indices, of a text's tokens, or of pixels."""
        return self.by_kind.is_embedded(self)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the numbers that it adds to the input "features"."""
        return self.by_kind.columns(self)

    @property
    def unit_range(self) -> bool:
        """Whether its numbers lie between 0 and 1, as those of categories and booleans always do."""
        return self.by_kind.unit_range(self)

    @property
    def vocabulary_size(self) -> int:
        """How many indices its embedding has."""
        return self.by_kind.vocabulary_size(self)

    def make_input(self, name: str) -> InputSpec:
        """The input that it makes where it has one of its own."""
        return self.by_kind.make_input(self, name)

    def to_state(self) -> dict[str, Any]:
        """What was learned, as plain values; the numbers' arrays are kept with those of all columns."""
        numbers = [{"name": number.name, "scale": number.scale, "indicator": number.indicator} for number in self.numbers]
        return {
            "name": self.name,
            "kind": self.kind,
            "date_format": self.date_format,
            "numbers": numbers,
            "date_parts": list(self.date_parts),
            "categories": list(self.categories),
            **({"rare": list(self.rare)} if self.rare else {}),
            "has_missing": self.has_missing,
            "encode": self.encode,
            **({"embedding_size": self.embedding_size} if self.embedding_size else {}),
            **text_state(self),
            **form_state(self.form, self.images, self.on_error),
        }

    @classmethod
    def from_state(cls, item: Mapping[str, Any], numbers: Sequence[NumberTransform]) -> FeatureColumn:
        """What `to_state` made, again, with its numbers. Any exception means that the state is damaged."""
        column = cls(
            typed(item, "name", str),
            one_of(item, "kind", KINDS),
            writing_from(item["date_format"]),
            tuple(numbers),
            texts(item, "date_parts"),
            texts(item, "categories"),
            typed(item, "has_missing", bool),
            one_of(item, "encode", ("one_hot", "embedding")),
            **text_from(item),
            rare=texts(item, "rare") if "rare" in item else (),
            embedding_size=typed(item, "embedding_size", int) if "embedding_size" in item else None,
            form=form_from(item),
            images=images_from(item.get("images")),
            on_error=one_of(item, "on_error", ("fail", "skip")) if "on_error" in item else "fail",
        )
        if column.embedding_size is not None and column.embedding_size < 1:
            raise ValueError(f"the column {column.name} has an embedding of {column.embedding_size} numbers")
        if set(column.date_parts) - set(DATE_PARTS):
            raise ValueError(f"unknown parts of a date: {column.date_parts}")
        column.by_kind.check(column)
        return column


def writing_from(stored: Any) -> str | None:
    """How dates are written (raises ValueError where its zone is none)."""
    zone = None if stored is None else split_writing(str(stored))[1]
    if zone is not None and not is_zone(zone):
        raise ValueError(f"unknown time zone {zone}")
    return None if stored is None else str(stored)


def read_feature(series: polars.Series, column: FeatureColumn, reading: Reading) -> tuple[Any, NDArray[np.int64], polars.Series]:
    """The column's values by kind (float64 array, or a series of dates or text), rows that cannot be read, mended text."""
    return column.by_kind.read(series, column, reading)


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
    refuse_surprises(columns, found, locate, known_by, reading.gaps)
    return values


def usable_rows(
    columns: Sequence[FeatureColumn], values: Mapping[str, Any], rows: NDArray[np.int64], notes: list[Note]
) -> NDArray[np.int64]:
    """Rows without those that are to be left out because a picture of theirs cannot be used; a warning of these goes to `notes`.

    Raises:
        DataError: none is left.
    """
    skipping = [column for column in columns if column.on_error == "skip" and column.form and not column.form.unread]
    if not skipping:
        return rows
    found: dict[str, Fault] = {}
    kept = np.ones(len(rows), bool)
    for column in skipping:
        paths = values[column.name].gather(rows)
        bad = unusable_pictures(paths, column.form)  # type: ignore[arg-type]
        found |= bad
        kept &= ~paths.is_in(list(bad)).to_numpy()
    notes += skipped_notes(list(found.values()))
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
        """Add unreadable values: their rows, counted from `first_row`, out of the values of all rows from there on."""
        self.total += len(rows)
        self.rows += [(first_row + int(row), values[int(row)]) for row in rows[: NUM_SHOWN - len(self.rows)]]


def refuse_surprises(
    columns: Sequence[FeatureColumn], found: Mapping[str, Surprises], locate: Locate, known_by: str, gaps: Collection[str] = ()
) -> None:
    """Refuse values that are not of their column's kind, but in `gaps`; the arguments are those of `read_features`.

    Raises:
        DataError: there are some; with the rows of the first ten.
    """
    columns = [column for column in columns if column.name not in gaps]
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
    shown, is_date = value if isinstance(value, float) else repr(str(value)), column.kind == "date"
    message = f"column {column.name} holds {shown}, expected {column.by_kind.expected(column)} ({known_by})"
    written, epoch = split_writing(column.date_format)[0] if is_date else None, epoch_of(value) if is_date else None
    hint = f'if it means "no value": data.replace: {{{column.name}: {{"{value}": ""}}}}; if the column holds words: '
    hint += f"data.features: {{{column.name}: category}}"
    if known_by == AS_IN_TRAINING:
        hint = f"write it as the training rows have it{', or as 2020-12-31' * is_date}; a cell without a value stays empty"
    elif epoch is not None and column.date_format not in EPOCHS:
        hint = f"numbers since 1970 are read by data.dates: {{{column.name}: {epoch}}}"
    elif written and written not in EPOCHS:
        hint += f"; how dates are written: data.dates: {{{column.name}: day_first}}, month_first or a format such as '{written}'"
    return Fault(message if line else f"row {row + 1:,}: {message}", file=file, line=line, hint=hint)


def fit_feature(column: FeatureColumn, values: Any, rows: NDArray[np.int64], how: Learning) -> FeatureColumn:
    """Learn from the training rows: categories, or fill and scale of each number.

    Args:
        column: name and kind.
        values: of all rows, as `read_features` gives them.
        rows: the training part.
        how: what the config says of it.
    """
    return column.by_kind.learn(column, take(values, rows), how)


def split_untaught(
    columns: Sequence[FeatureColumn], num_rows: int, *, keep: bool = False
) -> tuple[list[FeatureColumn], list[tuple[str, str]], list[Note]]:
    """The fitted columns without those whose training rows teach nothing, such as constant ones, and which these are.

    Args:
        columns: fitted to the training part.
        num_rows: of that.
        keep: those that do not vary stay, as `data.constant_columns: keep` has it; not those without a value.

    Returns:
        Those that are kept, the others with the reason, and warnings: of a column that has no value in training, since
        it is there for something. Of one that does not vary it is enough to tell. In a single row nothing varies.
    """
    varies = num_rows > 1 and not keep
    gone = [(c.name, c.untaught) for c in columns if c.untaught and (varies or c.untaught.startswith("no "))]
    names = dict(gone)
    kept = [column for column in columns if column.name not in names]
    empty = [shown_column(name) for name, reason in gone if reason.startswith("no ")]
    rounded = [shown_column(name) for name, reason in gone if reason == BY_ROUNDING]
    warnings = []
    if empty:
        what = "these columns have" if len(empty) > 1 else "this column has"
        said = f"left out, because {what} no value in the training part: {listed(empty, 20)}"
        warnings.append(warn(said, "column_without_values"))
    if rounded:
        how = f"data.scale: {{{rounded[0]}: standard}} keeps it"
        warnings.append(warn(f"left out: {listed(rounded, 20)}: {BY_ROUNDING}; {how}", "varies_by_rounding"))
    return kept, gone, warnings


def fill_features(
    matrix: NDArray[np.float32], columns: Sequence[FeatureColumn], values: Mapping[str, Any], unseen: Unseen
) -> dict[str, NDArray[Any]]:
    """Write the numbers of all columns into `matrix` [rows, width] (zeros before); return the inputs of other columns.

    Categories that training has not seen go to `unseen`.
    """
    embedded: dict[str, NDArray[Any]] = {}
    place = 0
    for column in columns:
        width = len(column.columns)
        made = column.by_kind.write(column, values[column.name], matrix[:, place : place + width], unseen)
        if made is not None:
            embedded[column.name] = made
        place += width
    return embedded


def read_back(columns: Sequence[FeatureColumn], matrix: NDArray[Any]) -> dict[str, Any]:
    """The values of the table's columns that a model's numbers [rows, width], in the order of `fill_features`, stand for.

    Returns:
        Column -> values in its own units: numbers, `true` or `false`, the category with the largest number ("" where that is the
        missing one, "(other)" where none is near 1 and some are rare); a date's parts are columns of their own.
    """
    found: dict[str, Any] = {}
    place = 0
    for column in columns:
        width = len(column.columns)
        found |= column.by_kind.read_back(column, matrix[:, place : place + width].astype(np.float64))
        place += width
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
        """Add the rows in which a column has no value."""
        rows = np.flatnonzero(column.by_kind.are_gaps(values))
        self.total += len(rows)
        for row in rows[: NUM_SHOWN - len(self.faults)]:
            file, line = locate(int(row))
            message = f"column {column.name} has no value" if line else f"row {int(row) + 1:,}: column {column.name} has no value"
            self.faults.append(Fault(message, file=file, line=line, hint="data.impute: median fills it"))

    def refuse(self) -> None:
        """Raise DataError where rows without a value were added."""
        if self.faults:
            raise DataError(capped(self.faults, self.total))
