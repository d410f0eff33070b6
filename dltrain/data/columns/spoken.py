"""What is said about columns that could be read otherwise: codes, numbers among words, rows of totals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dltrain.config.types import DataConfig
from dltrain.data.columns.dates.counted import CALLED_DATE, counted_dates
from dltrain.data.columns.dates.formats import candidates
from dltrain.data.columns.dates.reading import to_dates
from dltrain.data.columns.kinds import ColumnKind
from dltrain.data.columns.measures import MEASURES
from dltrain.data.columns.reading import (
    LEADING_ZERO,
    OF_TYPE,
    SAMPLE_ROWS,
    Reading,
    coded_by,
    first_values,
    is_duration,
    is_text,
    is_unreadable,
    mend,
    read_numbers,
    to_numbers,
    type_name,
)
from dltrain.data.columns.units import (
    FLAGS,
    MANY_AMOUNTS,
    MOST_UNITS,
    PERCENT,
    TIMES,
    has_no_unit,
    is_currency,
    is_cut,
    is_measure,
    units_of,
)
from dltrain.data.tables.cells_apart import APART, apart_command, numbers_in_lists
from dltrain.data.tables.column_names import column_of, marked, name_of
from dltrain.errors import NUM_SHOWN, Fault, Note, warn
from dltrain.later import polars
from dltrain.wording import TOTALS, listed, shown, shown_column

# Of more categories some may be names that differ in capitals alone.
FEW_CATEGORIES = 64
# Where at least so many of a column's values are numbers, it is said that words make it a category.
MANY_NUMBERS = 0.5
# Where fewer are, many different words are texts of which some are digits, as numbers of tickets are.
MOSTLY_NUMBERS, MOST_WORDS = 0.8, 20
NEARLY_ALL = 0.9
MOST_SAID = 3
_NUMBER = r"[-+]?[\d.,' ]*\d[\d.,]*"
_SCRIPT = r"[\p{Nd}.,\x{66b}\x{66c}\x{ff0e}\x{ff0c}]"
# How people write what they take for a number -> what it is called.
NEARLY_NUMBERS = (
    (rf"^ *[<>≤≥]=? *{_NUMBER}$|^{_NUMBER} ?\+$", "bounds of a measurement"),
    (r"^(?:19|20)\d\d ?/ ?(?:(?:19|20)\d\d|\d\d)$", "years that begin in one and end in the next"),
    (r"^-?(?:\d+ )?\d+ ?[/\x{2044}] ?\d+$|^-?\d*[¼½¾⅓⅔⅛⅜⅝⅞]$", "fractions"),
    (r"^[-+]?\d+(?:\.\d+)?[dD][-+]?\d+$", "numbers of Fortran (1.5D+02)"),
    (r"^[-+]?\d+(?:\.\d+)? ?[x×*] ?10(?:\^|\*\*)?[-+]?[\d⁰¹²³⁴-⁹⁻]+$", "powers of ten"),
    (rf"^=?[\"'“”]{_NUMBER}[\"'“”]?$", "numbers in quotes"),
    # Not c39, a kind of cabbage; c1830 is a year.
    (rf"^(?:Rs\.?|₹|INR)? ?{_NUMBER} ?/[-=]$", "rupees (Rs. 90,000/-)"),
    (rf"^[~≈] ?{_NUMBER}$|^(?:ca?\. ?|(?:ca?|about|approx\.?) ){_NUMBER}$|^ca?(?:1[5-9]|20)\d\d$", "rounded numbers"),
    (rf"^{_NUMBER} ?[*†‡]+$|^{_NUMBER} ?\[\w\]$|^{_NUMBER} ?\([a-z]\)$", "numbers with a mark behind them"),
    (rf"^{_NUMBER} ?(?:±|\+/-) ?{_NUMBER}$", "numbers with their error"),
    (r"^[-+]?[0-9]{1,3}(?:_[0-9]{3})+(?:\.[0-9]+)?$", "numbers with _ between thousands"),
    (rf"^{_NUMBER} ?‰$", "per mille"),
    (r"^[3-8]-(?:\d|1[01])$", "feet and inches"),
    (rf"^[-+\x{{2212}}\x{{ff0d}}\x{{61c}}\x{{200e}}\x{{200f}}]*{_SCRIPT}*[\p{{Nd}}--0-9]{_SCRIPT}*$", "digits of another script"),
)
# What a spreadsheet shows for 0 in a column of amounts.
LEDGER_ZERO = r"^[$€£¥]? *-+ *[$€£¥]?$"
# Formats that much else fits: codes, results of games.
MONTHS = r"^(0?[1-9]|1[0-2])/\d\d$"
WEAK_FORMATS = ("%m/%y", "%m.%Y", "%Y-%j", "%y%m%d")


def unusable_types(frame: polars.DataFrame, columns: Mapping[str, str], file: str | None) -> list[Fault]:
    """A fault for each column whose type holds nothing that can be learnt from.

    Args:
        frame: raw columns.
        columns: those that are needed, and what as ("the target").
        file: where they stand.
    """
    there = columns.keys() & {*frame.columns}
    unreadable = [name for name in columns if name in there and is_unreadable(column_of(frame, name))]
    hint = "numbers, text, categories, booleans and dates can be read: write it as one of these, one value a cell"
    lists = {name: "" if "data.target" in columns[name] else numbers_in_lists(column_of(frame, name)) for name in unreadable}
    apart = apart_command(lists, file or "t.parquet")
    held = {name: lists[name] or OF_TYPE + type_name(column_of(frame, name).dtype) for name in unreadable}
    return [
        Fault(
            f"the column {name}, {columns[name]}, holds {held[name]}",
            file=file,
            hint=apart if lists[name] else hint,
        )
        for name in unreadable
    ]


def _lists_left_out(config: DataConfig, kinds: Mapping[str, ColumnKind]) -> list[Note]:
    """A warning of columns of lists of numbers, which are no features as they are, with the command that makes some of them."""
    lists = {name: kind.left_out for name, kind in kinds.items() if kind.left_out.startswith(APART)}
    if not lists:
        return []
    apart = apart_command(lists, shown(config.path[0]) if config.path else "t.csv")
    names = listed([f"{shown_column(name)} ({reason})" for name, reason in lists.items()], 8)
    return [warn(f"left out: {names}; {apart}", "lists_of_numbers")]


def how_read(config: DataConfig, frame: polars.DataFrame, kinds: Mapping[str, ColumnKind], reading: Reading) -> list[Note]:
    """Facts on columns of codes, and warnings of columns that are numbers but for some words; by their `first_values`."""
    codes, warnings = dict[str, list[str]](), [*_counted_dates(config, frame, kinds, reading), *_lists_left_out(config, kinds)]
    for name, kind in kinds.items():
        if (
            (config.features or {}).get(name) is not None
            or kind.kind not in ("category", "text")
            or not is_text(column_of(frame, name))
        ):
            continue
        sample = first_values(column_of(frame, name), reading)
        if months := _months(name, kind, sample):
            warnings += months
            continue
        is_word = np.isnan(to_numbers(sample, replace(reading, units=None)))
        if is_word.any():
            warnings += _with_words(name, kind, sample, is_word)
        elif len(sample) and (what := coded_by(sample)):
            codes.setdefault(what, []).append(shown_column(name))
    lines = []
    for what, names in codes.items():
        hint = f"`data.features: {{{names[0]}: number}}` reads numbers"
        lines.append(f"digits with {what}, taken for codes: {listed(names, 8)}; {hint}")
    return [*map(Note, lines), *map(Note, _units_said(frame, kinds, reading)), *warnings]


def _with_words(name: str, kind: ColumnKind, sample: polars.Series, is_word: NDArray[np.bool_]) -> list[Note]:
    """Warnings of a column that holds words, with or without numbers."""
    if nearly := _nearly_numbers(name, kind, sample, is_word) or _nearly_dates(name, kind, sample):
        return nearly
    if is_word.all():
        return _different_units(name, kind, sample)
    words, rows = is_word.sum(), len(sample)
    are_many = words > (1 - MOSTLY_NUMBERS) * rows and sample.filter(is_word).n_unique() > MOST_WORDS
    are_told = words <= (1 - MANY_NUMBERS) * rows and not are_many
    return [_said_of_words(name, kind, sample, is_word, "numbers")] if are_told else []


def _counted_dates(config: DataConfig, frame: polars.DataFrame, kinds: Mapping[str, ColumnKind], reading: Reading) -> list[Note]:
    """Notes on columns that are called dates and hold numbers that look like ones."""
    found = []
    for name, kind in kinds.items():
        if kind.kind != "number" or (config.features or {}).get(name) is not None or not CALLED_DATE.fullmatch(name):
            continue
        numbers = to_numbers(first_values(column_of(frame, name), reading), reading)
        what, first, key = counted_dates(name, numbers[np.isfinite(numbers)])
        if what:
            said = f"{shown_column(name)}: numbers such as {numbers[0]:.15g} look like {what} ({first}) and are read as amounts"
            how = f"`data.features: {{{name}: date}}` with `data.dates: {{{name}: {key}}}` reads dates"
            found.append(Note(f"{said}; {how}"))
    return found


def _said_of_words(name: str, kind: ColumnKind, sample: polars.Series, is_word: NDArray[np.bool_], what: str) -> Note:
    """A warning that a column would hold numbers, or dates, but for some words."""
    words = listed([repr(word) for word in sample.filter(is_word).unique(maintain_order=True).to_list()], 3)
    count = f"{int((~is_word).sum()):,} of {len(sample):,} values are {what}"
    how = f'`data.replace: {{{name}: {{"word": ""}}}}` makes a word no value, `data.features: {{{name}: category}}` agrees'
    totals = [word for word in sample.filter(is_word).unique().to_list() if TOTALS.fullmatch(word.strip())]
    how = f"if {totals[0]!r} is the sum of others, `data.comment` or `data.skip` leaves that row out; {how}" if totals else how
    return warn(
        f"{shown_column(name)}: {count}; because of {words} {_fate(kind)}; {how}", f"{what.partition(' ')[0]}_among_words"
    )


def _fate(kind: ColumnKind) -> str:
    return f"it is left out ({kind.left_out})" if kind.left_out else f"it is of kind {kind.kind}"


def _months(name: str, kind: ColumnKind, sample: polars.Series) -> list[Note]:
    """A warning on months of years, such as 1/86, of which there are all twelve: fractions would be written so as well."""
    months = sample.str.extract(MONTHS, 1)
    if not len(sample) or months.null_count() or months.cast(int).n_unique() < 12:
        return []
    said = f"{shown_column(name)}: values such as {sample[0]!r} look like months of years, and may be fractions, so {_fate(kind)}"
    how = f'`data.features: {{{name}: date}}` with `data.dates: {{{name}: "%m/%y"}}` reads months'
    return [warn(f"{said}; {how}", "nearly_dates")]


def _nearly_numbers(name: str, kind: ColumnKind, sample: polars.Series, is_word: NDArray[np.bool_]) -> list[Note]:
    """A warning on values such as `<5`, `1/2` or `1.5K`, which a person reads as numbers and nothing here does."""
    words = sample.filter(is_word)
    if words.str.contains(LEDGER_ZERO).any() and sample.str.contains(rf"^\(?[$€£¥]? ?{_NUMBER}\)?$|{LEDGER_ZERO}").all():
        said = f"{shown_column(name)}: a dash stands among amounts, of which it may mean 0 or no value, so {_fate(kind)}"
        return [warn(f'{said}; `data.replace: {{{name}: {{"-": "0"}}}}` or `{{"-": ""}}` says which', "nearly_numbers")]
    units = units_of(words) if words.n_unique() > 1 and not is_word.all() else []
    if len(units) == 1:
        said = f"{shown_column(name)}: some numbers have {units[0]!r} behind them or before, others not, so {_fate(kind)}"
        return [warn(f"{said}: write all of them alike", "several_units")]
    if what := nearly_numbers(words):
        examples = listed([repr(word) for word in words.unique(maintain_order=True).to_list()], 3)
        said = f"{shown_column(name)}: values such as {examples} look like {what}, which are not read as numbers, so"
        how = f"write plain numbers, or `data.features: {{{name}: category}}` agrees"
        return [warn(f"{said} {_fate(kind)}; {how}", "nearly_numbers")]
    return []


def nearly_numbers(words: polars.Series) -> str:
    """What nearly all of several texts are that a person reads as numbers and nothing here does; empty: no such thing."""
    several = words.n_unique() > 1
    return next(
        (what for pattern, what in NEARLY_NUMBERS if several and words.str.contains(pattern).sum() >= NEARLY_ALL * len(words)), ""
    )


def _nearly_dates(name: str, kind: ColumnKind, sample: polars.Series) -> list[Note]:
    """A warning on a column that holds dates but for a few values, such as one that no calendar has."""
    if not sample.str.contains(r"^\D{0,12}\d.*\d").any():
        return []
    several = sample.unique(maintain_order=True).head(FEW_CATEGORIES)
    for value in several.filter(several.str.contains(r"\d")).head(3).to_list():
        for date_format in candidates(value):
            dates = to_dates(sample, date_format, with_iso=False)
            if dates.null_count() == 0 or dates.null_count() > (1 - MANY_NUMBERS) * len(sample) or date_format in WEAK_FORMATS:
                continue
            return [_said_of_words(name, kind, sample, dates.is_null().to_numpy(), f"dates written {date_format}")]
    return []


def _units_said(frame: polars.DataFrame, kinds: Mapping[str, ColumnKind], reading: Reading) -> list[str]:
    """Lines on numbers that are written with more than digits."""
    units = {name: unit for name, unit in (reading.units or {}).items() if name in kinds and kinds[name].kind == "number"}
    by_type = {name for name, kind in kinds.items() if kind.kind == "number" and is_duration(column_of(frame, name))}
    durations = [shown_column(name) for name in kinds if name in by_type or units.get(name) in TIMES]
    cut = [name for name, unit in units.items() if is_cut(unit)]
    measures = [f"{shown_column(name)} ({unit})" for name, unit in units.items() if unit in MEASURES]
    others = [name for name, unit in units.items() if unit not in (*TIMES, *MEASURES) and not is_cut(unit)]
    lines = [f"hours, minutes and seconds, read as numbers of seconds: {listed(durations, 8)}"] if durations else []
    lines += [f"amounts in several units, read as one number: {listed(measures, 8)}"] if measures else []
    if cut:
        how = f"`data.features: {{{cut[0]}: category}}` reads words"
        lines.append(f"numbers cut to thousands (K), millions (M) or billions (B), read in full: {listed(cut, 8)}; {how}")
    if others:
        said = listed([f"{shown_column(name)} ({units[name]})" for name in others], 8)
        lines.append(f"numbers with a unit, read without it: {said}; `data.features: {{{others[0]}: category}}` reads words")
    return lines


def words_as_gaps(found: Mapping[str, tuple[int, Sequence[object]]], num_rows: int, *, are_later: bool = False) -> list[Note]:
    """What is said of words that are read as no value, for `data.gaps` says so.

    Args:
        found: column -> how many there are, and the first of them.
        num_rows: of the table.
        are_later: these are rows that come after the fit, of which it is a warning.
    """
    said = []
    for name, (count, words) in found.items():
        first = [repr(str(word)) for word in dict.fromkeys(words)][:MOST_SAID]
        said += [f"{shown_column(name)}: {count:,} of {num_rows:,} ({listed(first, MOST_SAID)})"] if count else []
    text = f"no numbers, so read as no value, as data.gaps says: {listed(said, 8)}"
    return [] if not said else [warn(text, "words_as_gaps")] if are_later else [Note(text)]


def words_among(frame: polars.DataFrame, names: Sequence[str], reading: Reading) -> dict[str, tuple[int, list[object]]]:
    """Of each column, how many values are no numbers, and the first of them."""
    found: dict[str, tuple[int, list[object]]] = {}
    for name in names:
        series = column_of(frame, name)
        bad = read_numbers(series, reading)[1]
        found[name] = len(bad), series.gather(bad[:NUM_SHOWN]).to_list()
    return found


def bare_number(series: polars.Series, reading: Reading) -> float | None:
    """The first number of a column without the percent sign or unit that those of the training have; None: there is none."""
    unit = (reading.units or {}).get(name_of(series))
    if unit is None or unit in (FLAGS, *TIMES, *MEASURES) or is_cut(unit) or is_currency(unit):
        return None
    bare = series.drop_nulls() if not is_text(series) else series.filter(series.str.contains(r"^[-+\d.,' ]*$"))
    numbers = to_numbers(mend(bare, replace(reading, units=None)), replace(reading, units=None))
    told = numbers[np.isfinite(numbers) & (numbers != 0)]
    return float(told[0]) if len(told) else None


def bare_numbers(found: Mapping[str, float | None], reading: Reading) -> list[Note]:
    """Warnings of numbers without the percent sign or unit that those of the training have.

    Spreadsheets keep 35% as 0.35; a bare 35 may be of another unit.

    Args:
        found: column -> its first such number.
        reading: with the units.
    """
    units = reading.units or {}
    told = [(shown_column(name), number, units[name]) for name, number in found.items() if number is not None]
    percents = listed([f"{name} {number:g}" for name, number, unit in told if unit == PERCENT], 8)
    others = listed([f"{name} {number:g} for {number:g} {unit}" for name, number, unit in told if unit != PERCENT], 8)
    what = "numbers without the % that those of the training have are taken for percent (0.35 for 0.35%)"
    notes = [warn(f"{what}: {percents}", "without_unit")] if percents else []
    what = "numbers without the unit that those of the training have are taken for it"
    return [*notes, warn(f"{what}: {others}", "without_unit")] if others else notes


def _different_units(name: str, kind: ColumnKind, sample: polars.Series) -> list[Note]:
    """What is said of numbers with several units; a warning where they are many, or have one unit and words among them."""
    units = units_of(sample)
    if 1 < len(units) <= MOST_UNITS:
        said = (
            f"{shown_column(name)}: numbers with different units ({listed(units, MOST_UNITS)}), so {_fate(kind)}: write one unit"
        )
        if sample.n_unique() > MANY_AMOUNTS:
            return [warn(said, "several_units")]
        return [Note(said)] if all(map(is_measure, units)) else []
    is_word = has_no_unit(sample)
    if not is_word.any() or is_word.sum() > (1 - MOSTLY_NUMBERS) * len(sample) or sample.filter(is_word).n_unique() > MOST_WORDS:
        return []
    units = units_of(sample.filter(~is_word))
    if len(units) != 1 or sample.filter(~is_word).n_unique() <= MANY_AMOUNTS:
        return []
    return [_said_of_words(name, kind, sample, is_word, f"numbers with a unit ({units[0]})")]


def first_code(series: polars.Series, reading: Reading) -> str | None:
    """The first whole number with zeros before it of a text; None: there is none."""
    if not is_text(series):
        return None
    codes = series.filter(series.str.contains(rf"{LEADING_ZERO}+$").fill_null(False))
    codes = mend(codes.alias(marked(name_of(series))), reading).drop_nulls() if len(codes) else codes
    return str(codes[0]) if len(codes) else None


def late_codes(found: Mapping[str, str | None]) -> list[Note]:
    """Warnings of codes with leading zeros in columns of numbers, where the first rows, by which the kind is told, have none.

    Args:
        found: column -> its first such code.
    """
    return [
        warn(
            f"{shown_column(name)}: values with leading zeros, such as {code}, stand behind the first {SAMPLE_ROWS:,} rows; they "
            f"are read as numbers, as those before are: `data.features: {{{name}: category}}` reads codes, `{{{name}: number}}` "
            "agrees",
            "late_codes",
        )
        for name, code in found.items()
        if code is not None
    ]
