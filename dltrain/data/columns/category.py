"""Columns of categories: one number for each (one-hot), or an input of indices for an embedding."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dltrain.data.columns.kind import GAPS, Kind, Learning, Unseen
from dltrain.data.columns.scaling import NO_VALUE, same_value
from dltrain.data.tables.column_names import column_of
from dltrain.errors import Note, warn
from dltrain.later import polars
from dltrain.wording import listed, shown_column

if TYPE_CHECKING:
    from dltrain.data.columns.column import FeatureColumn

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
UNSEEN = "a word that nobody wrote"


class Category(Kind):
    """Words, each of which names a category."""

    name = "category"
    tells_alone = True
    has_categories = True

    def why_alone(self, column: FeatureColumn) -> tuple[str, str]:
        """Why an embedded category needs an input of its own; one that is one-hot does not."""
        what = f"a category of {len(column.categories):,} values, which goes through an Embedding"
        return what, f"give it an input of its own, or say `data.encode: {{{column.name}: one_hot}}`"

    def learn(self, column: FeatureColumn, seen: Any, how: Learning) -> FeatureColumn:
        """Which categories there are, which are rare, and whether rows have none."""
        categories, rare = _categories(seen.drop_nulls(), how.min_count)
        has_missing = bool(seen.null_count())
        untaught = NO_VALUE if not categories and not rare else ""
        if len(categories) + bool(rare) + has_missing == 1 and not untaught:
            untaught = same_value(categories[0] if categories else f"rarer than data.min_count: {how.min_count}")
        encode = how.encode or ("one_hot" if len(categories) <= ONE_HOT_LIMIT else "embedding")
        column = replace(column, categories=categories, rare=rare, has_missing=has_missing, untaught=untaught)
        return replace(column, encode=encode, embedding_size=how.embedding_size if encode == "embedding" else None)

    def is_embedded(self, column: FeatureColumn) -> bool:
        """See `Kind.is_embedded`."""
        return column.encode == "embedding"

    def columns(self, column: FeatureColumn) -> tuple[str, ...]:
        """See `Kind.columns`; one for each category, and one for no value where training had such rows."""
        if self.is_embedded(column):
            return ()
        words = (*column.categories, MISSING) if column.has_missing else column.categories
        return tuple(f"{column.name}={word}" for word in words)

    def vocabulary_size(self, column: FeatureColumn) -> int:
        """Indices: 0 for rare and unseen ones, the categories, and missing where training saw it."""
        return 1 + len(column.categories) + column.has_missing

    def write(self, column: FeatureColumn, values: Any, block: NDArray[np.float32], unseen: Unseen) -> NDArray[Any] | None:
        """Codes, or a 1 in the place of each row's category.

        One that is rare, or that training has not seen, is index 0 of an embedding, and all zeros in one-hot; the latter goes to
        `unseen`.
        """
        codes, unknown = category_codes(column, values)
        if len(unknown):
            unseen.add(column.name, unknown)
        unseen.add_gaps(column, self.are_gaps(values))
        if self.is_embedded(column):
            return codes
        known = np.flatnonzero(codes)
        block[known, codes[known] - 1] = 1.0
        return None

    def had_no_gaps(self, column: FeatureColumn) -> bool:
        """See `Kind.had_no_gaps`."""
        return not column.has_missing

    def read_back(self, column: FeatureColumn, block: NDArray[np.float64]) -> dict[str, Any]:
        """The category with the largest number: "" for the missing one, "(other)" where none is near 1 and some are rare."""
        if not block.shape[1]:
            return {}
        words = [*column.categories, *([""] if column.has_missing else [])]
        found = [words[index] for index in block.argmax(axis=1)]
        if column.rare:
            found = [OTHER if other else word for other, word in zip(block.max(axis=1) < 0.5, found, strict=True)]
        return {column.name: found}

    def group(self, column: FeatureColumn) -> str:
        """See `Kind.group`."""
        return column.encode

    def describe(self, columns: Sequence[FeatureColumn]) -> str:
        """`(one-hot, 12 columns)` or `(city: embedding of 300)`, and what became of categories with too few rows."""
        rare = [f"{len(column.rare):,} of {column.name}" for column in columns if column.rare]
        words = f"; rare ones taken together: {listed(rare, 8)}" if rare else ""
        if not self.is_embedded(columns[0]):
            return f" (one-hot, {sum(len(column.columns) for column in columns)} columns{words})"
        sizes = ", ".join(f"{column.name}: embedding of {column.vocabulary_size:,}" for column in columns)
        return f" ({sizes}{words})"

    def make_up(self, column: FeatureColumn, generator: np.random.Generator, count: int, words: Sequence[str]) -> NDArray[Any]:
        """See `Kind.make_up`."""
        made = generator.choice(np.array([*words, UNSEEN], object), count)
        made[generator.random(count) < GAPS] = ""
        return np.asarray(made)


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


def shortened_codes(frame: polars.DataFrame, columns: Sequence[FeatureColumn]) -> list[Note]:
    """Warnings of numbers where training had text of which several values are one number: versions 1.1 and 1.10."""
    met, there = [], {*frame.columns}
    for column in columns:
        if column.name not in there or not column_of(frame, column.name).dtype.is_float():
            continue
        words = set(column.categories)
        longer = next((word for word in column.categories if "." in word and word.endswith("0") and word[:-1] in words), None)
        if longer is not None:
            met.append(f"{shown_column(column.name)} ({longer} is {longer[:-1]} here)")
    said = "numbers where the training has text, which tells more of them apart: give text"
    return [warn(f"{said}: {listed(met, 8)}", "shortened_codes")] if met else []


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


CATEGORY = Category()
