"""What the values of a column tell of the target: numbers that are codes, codes that are numbers, words that only name rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dltrain.data.columns.kinds import INDEX_REASON, LONG_TEXT, ColumnKind
from dltrain.data.columns.reading import LEADING_ZERO, SAMPLE_ROWS, find_units, is_text, mend, read_numbers
from dltrain.data.columns.units import units_of
from dltrain.data.tables.column_names import column_of
from dltrain.data.tables.fitting.owners import names_rows
from dltrain.later import polars
from dltrain.starting.columns import (
    HARDLY_ANY,
    IS_TIME,
    MANY_NAMES,
    MOST_ODD_WORDS,
    MOSTLY_NUMBERS,
    NUMBERED,
    Columns,
    count_reason,
    with_any_word,
)
from dltrain.wording import rough_percent

if TYPE_CHECKING:
    from dltrain.starting.target import Target

# Fewer values an order explains nearly as well as each by itself, and of fewer rows a value not enough is known.
FEWEST_VALUES, ROWS_OF_VALUE = 32, 5
MOST_ROWS = 200_000
FEWEST_ROWS = 300
MOST_CLASSES = 20
YEARS = (1800, 2100)
# Neighbours in order that are taken together, in turn; the number has the benefit of the best.
BINS = (4, 8, 16, 32, 64, 128)
# What a value's mean is drawn to that of all rows by, as if it were so many rows more.
DRAWN_BY = 5.0
# Of the target's variance a code must explain so much more than the number, by so many standard errors, and the number no more
# than this share of it. On adult (gains and losses of capital: 17 % and 12 %, 7 % and 4 %) the log loss fell from .300 to .271.
LEAST_GAIN, LEAST_ERRORS, MOST_OF_ORDER = 0.01, 5.0, 0.95
# Of words whose different ones are more than this share of the rows, next to nothing can be learnt about each, unless they tell.
NAMES_SHARE = 0.2
# Where so few rows have each word, those of which none tells anything are names as well: on made customers with 1,105 surnames
# the AUC rose from .788 to .799 without them.
FEW_ROWS_OF_NAME = 20
# Words of texts must explain so much, for a text's many numbers cost something. On a survey with free answers (32 %) the accuracy
# rose from .50 to .70; titles of films (1.8 %) made the error of the net 4 % larger.
LEAST_OF_WORDS = 0.1
Numbers = NDArray[np.float64]
Groups = NDArray[np.int64]


def with_names(columns: Columns, frame: polars.DataFrame, target: Target, truth: Numbers | None) -> Columns:
    """The columns, with those that only name the rows pointed out, as long as something else is left to learn from.

    Args:
        columns, frame: the table.
        target: what is predicted; of classes a table often lists one after the other: a count of its rows tells them.
        truth: from `truth_of`.
    """
    classes = target.spec.task == "classification"
    found: dict[str, str] = {}
    one_after_other = classes and _in_runs(column_of(frame, target.name))
    others = {name: kind for name, kind in columns.kinds.items() if name != target.name and not kind.left_out}
    for name, kind in others.items():
        if kind.kind == "category":
            words = mend(column_of(frame, name), columns.reading)
            reason = "" if _are_amounts(words) else _name_reason(words, truth)
            found |= {name: reason} if reason else {}
        elif kind.kind == "number" and name in columns.numbers:
            reason = count_reason(name, columns.numbers[name], classes=classes, one_after_other=one_after_other)
            reason = reason or _numbers_of_rows(name, columns.numbers[name], truth)
            found |= {name: reason} if reason else {}
    left = [name for name in others if name not in found and name not in columns.constant]
    kinds = columns.kinds if truth is None else _with_order_of_rows(columns, truth)
    return replace(columns, kinds=kinds, names=found if left else columns.names)


def _with_order_of_rows(columns: Columns, truth: Numbers) -> dict[str, ColumnKind]:
    """Of counts of rows, which are left out, it is said what they would tell: models that see it look better than they are."""
    kinds = dict(columns.kinds)
    for name, numbers in columns.numbers.items():
        if kinds[name].left_out.startswith((INDEX_REASON, "counts the rows")) and (told := _told_in_order(numbers, truth)):
            why = f"{kinds[name].left_out}; the order of rows explains {rough_percent(told)} of the target"
            kinds[name] = replace(kinds[name], left_out=why)
    return kinds


def _are_amounts(words: polars.Series) -> bool:
    """Whether these are numbers with units, if several, of which it is said that no number is made of them."""
    return is_text(words) and bool(units_of(words.drop_nulls().head(SAMPLE_ROWS)))


def _name_reason(words: polars.Series, truth: Numbers | None) -> str:
    """Why words name rows: most have few rows each, and half of the rows does not show what the others' target is by them."""
    different, count = words.drop_nulls().n_unique(), len(words) - words.null_count()
    if different <= MANY_NAMES or different * FEW_ROWS_OF_NAME < count:
        return ""
    told, errors = _told(words, truth) if truth is not None else (0.0, 0.0)
    if told >= LEAST_GAIN and errors >= LEAST_ERRORS:
        return ""
    reason = f"{different:,} different in {count:,} rows"
    if different > NAMES_SHARE * count:
        return reason
    return f"{reason}, which tell nothing of the target" if truth is not None and told <= 0 else ""


def _numbers_of_rows(name: str, numbers: Numbers, truth: Numbers | None) -> str:
    """Why whole numbers name rows: they are called so, have few rows each, and neither they nor their order tell the target."""
    is_numbered = NUMBERED.fullmatch(name) is not None
    known = numbers[np.isfinite(numbers)]
    if truth is None or not (is_numbered or names_rows(name)) or (known != np.floor(known)).any():
        return ""
    different = len(np.unique(known))
    if different <= MANY_NAMES or different * FEW_ROWS_OF_NAME < len(known) or (is_numbered and different < len(numbers)):
        return ""
    rows = np.flatnonzero(np.isfinite(numbers) & np.isfinite(truth).all(axis=1))
    codes = np.unique(numbers[rows], return_inverse=True)[1]
    told, errors = _share_told(codes, truth[rows]) if len(rows) >= FEWEST_ROWS else (1.0, LEAST_ERRORS)
    if (told >= LEAST_GAIN and errors >= LEAST_ERRORS) or _told_in_order(numbers, truth) is not None:
        return ""
    return f"{different:,} different in {len(known):,} rows, which tell nothing of the target"


def _told(words: polars.Series, truth: Numbers) -> tuple[float, float]:
    """What words explain of the target's variance by themselves, in half of the rows by the others; and by how many errors."""
    rows = np.flatnonzero(np.isfinite(truth).all(axis=1))
    if len(rows) < FEWEST_ROWS:
        return 0.0, 0.0
    rows = rows[:: -(-len(rows) // MOST_ROWS)]
    codes = words.gather(rows).fill_null("").rank("dense").cast(int).to_numpy()  # that there is none may tell something
    return _share_told(codes, truth[rows])


def _share_told(groups: Groups, truth: Numbers) -> tuple[float, float]:
    learned = half_of_rows(len(truth))
    spread = ((truth[~learned] - truth[learned].mean(axis=0)) ** 2).sum(axis=1)
    gain = spread - squared_errors(groups, truth, learned)
    total, error = float(spread.mean()), float(gain.std()) / np.sqrt(len(gain))
    return (float(gain.mean()) / total, float(gain.mean()) / error) if total > 0 and error > 0 else (0.0, 0.0)


def _in_runs(labels: polars.Series) -> bool:
    """Whether far fewer rows than by chance have another label than the row before."""
    shares = labels.value_counts()["count"].to_numpy() / max(len(labels), 1)
    by_chance = len(labels) * (1 - float((shares**2).sum()))
    return 2 * float((labels != labels.shift()).sum() or 0) < by_chance


def with_telling_kinds(columns: Columns, frame: polars.DataFrame, target: Target) -> Columns:
    """The columns, each of the kind as which it tells most of the target: categories, numbers or text.

    Args:
        columns, frame: the table.
        target: what is predicted.
    """
    truth = truth_of(columns, target)
    if truth is None:
        return columns
    columns = _with_codes(columns, target, truth)
    return _with_words(_with_order(columns, frame, target, truth), frame, target, truth)


def _many_words(
    columns: Columns, frame: polars.DataFrame, target: Target, *, amounts: bool = False
) -> Iterator[tuple[str, polars.Series]]:
    """Columns of text with too many values to be categories, or of amounts; none is called as names of rows are."""
    for name, kind in columns.kinds.items():
        is_read = kind.kind == "category" and not kind.left_out
        if name == target.name or names_rows(name) or not (is_read or kind.left_out.startswith("text, ")):
            continue
        words = mend(column_of(frame, name), columns.reading)
        are_many = is_text(words) and words.n_unique() > NAMES_SHARE * len(words)
        if are_many or (amounts and words.n_unique() > MANY_NAMES and _are_amounts(words)):
            yield name, words


def _with_order(columns: Columns, frame: polars.DataFrame, target: Target, truth: Numbers) -> Columns:
    """The columns, of which words that are too many to be categories become numbers where their order tells.

    These are codes with leading zeros, and numbers with other words, or other units, among them.
    """
    for name, words in _many_words(columns, frame, target, amounts=True):
        are_codes = bool(words.str.contains(LEADING_ZERO).any())
        reading = find_units(words.to_frame(), replace(columns.reading, gaps=(name,)))
        numbers, bad = read_numbers(words, reading)
        numbers[bad] = np.nan
        odd = words.gather(bad).unique(maintain_order=True).to_list()
        if len(bad) > (HARDLY_ANY if are_codes else 1 - MOSTLY_NUMBERS) * (len(words) - words.null_count()):
            continue
        told = _told_in_order(numbers, truth)
        if told is None:
            continue
        units = {**(columns.reading.units or {}), **(reading.units or {})}
        reading, odd_words = replace(columns.reading, units=units), dict(columns.odd_words)
        if len(odd) > MOST_ODD_WORDS:
            reading = with_any_word(reading, [name])
        elif odd:
            odd_words[name] = tuple(odd)
            reading = replace(reading, replace={**(reading.replace or {}), name: dict.fromkeys(odd, "")})
        missing = float(np.isnan(numbers).mean())
        reason = f"their order explains {rough_percent(told)} of the target"
        what = "codes" if are_codes else "words, of which most are numbers,"
        columns = replace(
            columns,
            kinds={**columns.kinds, name: ColumnKind("number")},
            reading=reading,
            numbers={**columns.numbers, name: numbers},
            missing={**columns.missing, name: missing} if missing else columns.missing,
            odd_words=odd_words,
            read_as={**columns.read_as, name: f"{what} read as numbers: {reason}; `{name}: category` takes each for itself"},
        )
    return columns


def _with_words(columns: Columns, frame: polars.DataFrame, target: Target, truth: Numbers) -> Columns:
    """The columns, of which short texts that nearly all differ are read as text where their single words tell something."""
    for name, texts in _many_words(columns, frame, target):
        told, errors = _told_by_words(texts, truth)
        if told < LEAST_OF_WORDS or errors < LEAST_ERRORS or told < _told(texts, truth)[0] + LEAST_GAIN:
            continue
        how = f"read as text, word by word: its words explain {rough_percent(told)} of the target"
        columns = replace(columns, kinds={**columns.kinds, name: ColumnKind("text")}, read_as={**columns.read_as, name: how})
    return columns


def with_presence(columns: Columns, frame: polars.DataFrame, target: str, truth: Numbers) -> Columns:
    """The columns, of which texts that are too many to learn become categories where it tells something that there is one.

    Args:
        columns, frame: the table.
        target: the column to predict.
        truth: from `truth_of`.
    """
    for name, kind in columns.kinds.items():
        are_many = kind.left_out.startswith(("text, ", LONG_TEXT)) or (name in columns.names and kind.kind == "category")
        if not are_many or name not in columns.missing or name == target or names_rows(name):
            continue
        told, errors = _told_by_gaps(mend(column_of(frame, name), columns.reading).is_null().to_numpy(), truth)
        if told < LEAST_GAIN or errors < LEAST_ERRORS:
            continue
        why = f"its texts are too many to learn, but that a row has one explains {rough_percent(told)} of the target"
        read_as = {**columns.read_as, name: f"read as categories: {why}"}
        names = {other: why for other, why in columns.names.items() if other != name}
        kinds = {**columns.kinds, name: ColumnKind("category")}
        columns = replace(columns, kinds=kinds, names=names, read_as=read_as, present=(*columns.present, name))
    return columns


def _told_by_gaps(gaps: NDArray[np.bool_], truth: Numbers) -> tuple[float, float]:
    """What gaps explain of the target's variance; and how many standard errors their correlation with it is from none."""
    known = np.isfinite(truth).all(axis=1)
    truth = truth[known] - truth[known].mean(axis=0)
    apart = gaps[known] - gaps[known].mean() if known.any() else gaps[known] * 0.0
    total = float((apart**2).sum()) * (truth**2).sum(axis=0)
    if len(truth) < FEWEST_ROWS or not total.all():
        return 0.0, 0.0
    told = (apart @ truth) ** 2 / total
    return float(told @ total / total.sum()), float(np.sqrt(told.max() * len(truth)))


def _told_by_words(texts: polars.Series, truth: Numbers) -> tuple[float, float]:
    """What the words of texts explain of the target's variance: each row by the mean, or the sum, of what its words tell."""
    rows = np.flatnonzero(np.isfinite(truth).all(axis=1))
    rows = rows[:: -(-len(rows) // MOST_ROWS) or 1]
    if len(rows) < FEWEST_ROWS:
        return 0.0, 0.0
    cleaned = texts.gather(rows).fill_null("").str.to_lowercase().str.replace_all(r"[^\w\s]", "").str.extract_all(r"\S+")
    words = polars.DataFrame({"row": np.arange(len(rows)), "word": cleaned}).explode("word").drop_nulls()
    codes, places = words["word"].rank("dense").cast(int).to_numpy(), words["row"].to_numpy()
    if not len(codes):
        return 0.0, 0.0
    truth, learned = truth[rows], half_of_rows(len(rows))
    apart = truth - truth[learned].mean(axis=0)
    of_word = _means(codes, apart[places], learned[places])
    sums = np.stack([np.bincount(places, weights=column, minlength=len(rows)) for column in of_word[codes].T], axis=1)
    counts = np.maximum(np.bincount(places, minlength=len(rows)), 1)[:, None]
    best = 0.0, 0.0
    for told in (sums, sums / counts):
        gain = (apart[~learned] ** 2 - (apart - told)[~learned] ** 2).sum(axis=1)
        total, error = float((apart[~learned] ** 2).sum(axis=1).mean()), float(gain.std()) / np.sqrt(len(gain))
        if total > 0 and error > 0:
            best = max(best, (float(gain.mean()) / total, float(gain.mean()) / error))
    return best


def _told_in_order(numbers: Numbers, truth: Numbers) -> float | None:
    """What the order of numbers explains of the target's variance; None: nothing that is sure."""
    rows = np.flatnonzero(np.isfinite(numbers) & np.isfinite(truth).all(axis=1))
    if len(rows) < FEWEST_ROWS:
        return None
    rows = rows[:: -(-len(rows) // MOST_ROWS)]
    codes = np.unique(numbers[rows], return_inverse=True)[1]
    told, errors = max((_share_told(bins, truth[rows]) for bins in in_order(codes)), default=(0.0, 0.0))
    return told if told >= LEAST_GAIN and errors >= LEAST_ERRORS else None


def _with_codes(columns: Columns, target: Target, truth: Numbers) -> Columns:
    """The columns, of which whole numbers become categories where these tell far more about the target.

    Half of the rows give the target's mean for each value, and for neighbouring values; the other half shows which are nearer.
    """
    codes: dict[str, str] = {}
    for name, values in columns.numbers.items():
        is_feature = name != target.name and columns.kinds[name].kind == "number" and not columns.kinds[name].left_out
        if is_feature and not IS_TIME.search(name):
            reason = _code_reason(values, truth)
            how = f"whole numbers read as categories, {reason}; `{name}: number` takes them for amounts"
            codes |= {name: how} if reason else {}
    kinds = {**columns.kinds, **dict.fromkeys(codes, ColumnKind("category"))}
    numbers = {name: values for name, values in columns.numbers.items() if name not in codes}
    return replace(columns, kinds=kinds, numbers=numbers, read_as={**columns.read_as, **codes}) if codes else columns


def truth_of(columns: Columns, target: Target) -> Numbers | None:
    """The target as numbers [rows, 1], or its classes one-hot [rows, classes]; NaN where missing. None: neither."""
    if target.labels is None:
        return columns.numbers[target.name][:, None] if target.name in columns.numbers else None
    words = target.labels.drop_nulls().unique().sort()
    if target.spec.is_multilabel or len(words) > MOST_CLASSES:
        return None
    return np.stack([(target.labels == word).cast(float).fill_null(np.nan).to_numpy() for word in words], axis=1)


def _code_reason(values: Numbers, truth: Numbers) -> str:
    """Why the numbers are codes; empty: they need not be."""
    rows = np.flatnonzero(np.isfinite(values) & np.isfinite(truth).all(axis=1))
    rows = rows[:: -(-len(rows) // MOST_ROWS) or 1]
    values, truth = values[rows], truth[rows]
    if len(rows) < FEWEST_ROWS or (values != np.floor(values)).any():
        return ""
    different, codes = np.unique(values, return_inverse=True)
    are_years = YEARS[0] <= different[0] and different[-1] <= YEARS[1]  # later ones are none of those that were seen
    if are_years or not FEWEST_VALUES <= len(different) <= len(values) / ROWS_OF_VALUE:
        return ""
    learned = half_of_rows(len(values))
    mean = truth[learned].mean(axis=0)
    spread = ((truth[~learned] - mean) ** 2).sum(axis=1)
    as_code = squared_errors(codes, truth, learned)
    ordered = [squared_errors(bins, truth, learned) for bins in in_order(codes)]
    ordered += [squared_errors(codes, truth, learned, spread_out=True), errors_of_curve(values, truth, learned)]
    as_number = min(ordered, key=lambda errors: float(errors.mean()))
    gain = as_number - as_code
    total = float(spread.mean())
    if total <= 0 or gain.mean() < LEAST_ERRORS * gain.std() / np.sqrt(len(gain)):
        return ""
    told, by_order = 1 - float(as_code.mean()) / total, max(0.0, 1 - float(as_number.mean()) / total)
    if told - by_order < LEAST_GAIN or by_order > MOST_OF_ORDER * told:
        return ""
    shares = f"({rough_percent(told)}) than their order ({rough_percent(by_order)})"
    return f"{len(different):,} different: each by itself explains more of the target {shares}"


def in_order(codes: Groups) -> Iterator[Groups]:
    """The values in groups of neighbours, of about as many rows each."""
    ranks = np.cumsum(np.bincount(codes)) / len(codes)
    most = len(ranks) // 2
    for count in BINS:
        if count <= most:
            yield np.minimum((ranks * count).astype(np.int64), count - 1)[codes]


def half_of_rows(count: int) -> NDArray[np.bool_]:
    """The half of the rows that the other half is judged by."""
    return np.random.default_rng(0).permutation(count) < count // 2


def squared_errors(groups: Groups, truth: Numbers, learned: NDArray[np.bool_], *, spread_out: bool = False) -> Numbers:
    """Of the rows not learned from [rows], by their group's mean of the target in the others; with that of its neighbours."""
    mean = truth[learned].mean(axis=0)
    means = mean + _means(groups, truth - mean, learned, spread_out=spread_out)
    return np.asarray(((truth[~learned] - means[groups[~learned]]) ** 2).sum(axis=1), np.float64)


def _means(groups: Groups, apart: Numbers, learned: NDArray[np.bool_], *, spread_out: bool = False) -> Numbers:
    """How far each group's target lies from the mean of all, in the rows learned from, drawn to nothing where they are few."""
    size = int(groups.max()) + 1
    counts = np.asarray(np.bincount(groups[learned], minlength=size), np.float64)[:, None]
    columns = [np.bincount(groups[learned], weights=column, minlength=size) for column in apart[learned].T]
    sums: Numbers = np.stack(columns, axis=1).astype(np.float64)
    if spread_out:
        counts, sums = (of + (np.roll(of, 1, axis=0) + np.roll(of, -1, axis=0)) / 2 for of in (counts, sums))
    return np.asarray(sums / (counts + DRAWN_BY), np.float64)


def errors_of_curve(values: Numbers, truth: Numbers, learned: NDArray[np.bool_]) -> Numbers:
    """Of the rows not learned from [rows], by a parabola over the values, fitted to the others."""
    low, high = values.min(), values.max()
    powers = np.vander((values - low) / (high - low), 3)
    answers = powers @ np.linalg.lstsq(powers[learned], truth[learned], rcond=None)[0]
    return np.asarray(((truth - answers)[~learned] ** 2).sum(axis=1), np.float64)
