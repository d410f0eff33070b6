"""What is to be learned: which task a target makes, its labels in order, and how its numbers are scaled."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dltrain.data.arrays.curve import Curve
from dltrain.data.columns.dates.durations import are_durations
from dltrain.data.columns.kinds import PICTURE_NAME, date_writing
from dltrain.data.columns.reading import Reading, is_duration, is_text, is_unreadable, text_of, to_numbers, type_name
from dltrain.data.columns.spoken import nearly_numbers
from dltrain.data.columns.units import MOST_UNITS, units_of
from dltrain.data.dataset import TargetSpec
from dltrain.data.facts import faults_without_numbers
from dltrain.data.raw import Locate
from dltrain.data.tables.column_names import name_of
from dltrain.errors import DataError, Fault, Note, warn
from dltrain.later import polars
from dltrain.wording import cut_middle, listed, quoted, shares_of, the_target

if TYPE_CHECKING:
    from dltrain.config.types import DataConfig

FEW_LABELS = 10  # so few whole numbers may be meant as labels
FEW_VALUES = 2
LONGEST_WORD = 40  # that a hint writes out
# So many different numbers are no labels, and words are strays where there are but so many beside them.
MANY_NUMBERS, STRAY_WORDS = 20, 0.1
# More labels than these, many of them numbers, are hardly meant as such.
MANY_LABELS = 20
# Whole numbers from here on are not all told apart by a float64.
EXACT = 2.0**53
# The interval of a mean of squares takes sixth powers, of which the sums are still float64 numbers.
LARGEST = 1e45
WHOLE = r"^[+-]?[0-9]+$"
CODE = r"^[+-]?0[0-9]+$"
HINT_ONE_CLASS = "a class to tell it from is needed; to train all the same: fit --allow-one-class"
HINT_CONSTANT = "a constant needs no model; to train all the same: fit --allow-one-class"


def infer_target(
    series: polars.Series,
    reading: Reading,
    *,
    task: str | None,
    classes: Sequence[str],
    labelled: bool = False,
    allow_one: bool = False,
) -> TargetSpec:
    """Task and labels of a target column: text, booleans, or numbers of at most two values classify; other numbers regress.

    Digits with leading zeros are codes, so labels, which stay as they are written. Labels that are other numbers are told apart
    by value, however large.

    Args:
        series: the mended column.
        reading: how its numbers are written.
        task: what the config says, or None.
        classes: label names of a column of integer codes, or empty.
        labelled: whether the file says that the column holds categories.
        allow_one: one class, or one number, is enough.

    Raises:
        DataError: no values, one value only, or not what `task` needs.
    """
    name = name_of(series)
    series = text_of(series) if series.dtype.is_temporal() and not is_duration(series) else series
    values = series.drop_nulls()
    if not len(values):
        raise DataError(f"the target {name} is empty in every row", path="data.target")
    if classes:
        return TargetSpec(name, "classification", tuple(classes), reason=f"`{name}` holds {len(classes)} classes")
    _refuse_type(name, series)
    numbers = to_numbers(values, reading) if str(series.dtype) != "Boolean" else np.full(len(values), np.nan)
    readable = np.isfinite(numbers)
    codes = task != "regression" and are_codes(values)
    is_amount = not codes and not labelled and task != "classification" and not np.isnan(numbers).any()
    all_numbers = not codes and (bool(readable.all()) or (task == "regression" and bool(readable.any())))
    if task is None and is_amount and not all_numbers:  # infinite ones among them: no labels, but numbers to be refused
        return TargetSpec(name, "regression", reason=f"`{name}` holds numbers")
    if task is None and not (codes or all_numbers or labelled):
        _refuse_no_labels(name, values, numbers, reading)
    what = "codes with leading zeros" if codes else _what(values, all_numbers, (reading.units or {}).get(name, ""))
    labels = _labels_of(values, numbers, all_numbers) if task != "regression" else []
    if task is None:
        regresses = all_numbers and not labelled and len(labels) > FEW_VALUES
        task = "regression" if regresses else "classification"
        what = f"categories, by the type in its file, that are {what}" if labelled else what
        reason = f"`{name}` holds {what}" + (words_on_few(numbers, len(labels)) if regresses else f" of {len(labels):,} values")
    else:
        reason = f"data.task says so; `{name}` holds {what}"
    if task == "regression":
        if not all_numbers:
            _refuse_words(name, values, what)
        refuse_alike(name, numbers, len(labels), allow_one=allow_one)
        return TargetSpec(name, task, reason=reason)
    if len(labels) < 2 and not allow_one:
        raise DataError(f"the target {name} has one class only: {cut_middle(labels[0])}", path="data.target", hint=HINT_ONE_CLASS)
    labels = [*others_of(labels), *labels]
    return TargetSpec(name, task, tuple(labels), reason=reason + _remark(values, reading, all_numbers or codes, labels))


def words_on_few(numbers: NDArray[Any], count: int) -> str:
    """What is added where the numbers of a regression, `count` different ones, may be meant as labels."""
    if count > FEW_LABELS or (numbers != np.floor(numbers)).any():
        return ""
    return f", {count} different whole ones; data.task: classification would make each a class"


def _refuse_words(name: str, values: polars.Series, what: str) -> None:
    message = f"the target {name} holds {what} ({listed(values.unique(maintain_order=True).to_list(), 4)})"
    raise DataError(f"{message}: no numbers to regress on", path="data.task", hint="data.task: classification")


def refuse_alike(name: str, numbers: NDArray[np.float64], num_labels: int, *, allow_one: bool) -> None:
    """Refuse numbers that a float64 does not tell apart, numbers that are all the same, and those beyond any measure of error."""
    if num_labels:
        _refuse_equal_numbers(name, numbers, num_labels)
    finite = numbers[np.isfinite(numbers)]
    most = float(np.abs(finite).max(initial=0.0))
    if most > LARGEST:
        message = f"{the_target(name)} has numbers as large as {most:.3g}, of whose squares no float64 can tell the error"
        raise DataError(message, path="data.target", hint="write it in a larger unit, or as its logarithm")
    if not allow_one:
        _refuse_constant(name, finite)


def _refuse_type(name: str, series: polars.Series) -> None:
    if is_unreadable(series):
        message = f"the target {name} holds values of type {type_name(series.dtype)}"
        raise DataError(message, path="data.target", hint="a target is a class or a number")


def _refuse_no_labels(name: str, values: polars.Series, numbers: NDArray[np.float64], reading: Reading) -> None:
    """Refuse dates, numbers with stray words and names of pictures as a target, unless `task` says that they are classes."""
    _refuse_dates(name, values, reading)
    _refuse_stray_words(name, values, numbers)
    refuse_names_of_pictures(name, values.unique(maintain_order=True).to_list() if is_text(values) else (), len(values))


def _refuse_dates(name: str, values: polars.Series, reading: Reading) -> None:
    """Text that is many different dates is hardly meant as classes."""
    distinct = values.unique(maintain_order=True) if is_text(values) else values.head(0)
    if len(distinct) > MANY_LABELS and date_writing(values, distinct, reading):
        hint = "a target is a class or a number: a column of days or seconds from a fixed day, or data.task: classification"
        message = f"the target {name} holds {len(distinct):,} different dates ({listed(distinct.to_list(), 3)})"
        raise DataError(message, path="data.target", hint=f"{hint} takes each date for a label")


def refuse_names_of_pictures(name: str, labels: Sequence[str], num_rows: int) -> None:
    """A picture in each row is hardly meant as so many classes: they are masks (raises DataError)."""
    if len(labels) <= FEW_VALUES or 2 * len(labels) < num_rows or not all(re.search(PICTURE_NAME, label) for label in labels):
        return
    hint = "where their pixels say what is to be learnt: task: segmentation, with source: image_folder"
    message = f"the target {name} names {len(labels):,} picture files ({listed(labels, 3)})"
    raise DataError(message, path="data.target", hint=f"{hint}; data.task: classification takes each name for a label")


def _refuse_stray_words(name: str, values: polars.Series, numbers: NDArray[np.float64]) -> None:
    """Numbers but for a few words are neither numbers nor labels: which of both has to be said."""
    words = values.filter(np.isnan(numbers)).unique(maintain_order=True)
    count = len(np.unique(numbers[~np.isnan(numbers)]))
    if not is_text(values) or count < MANY_NUMBERS or len(words) > STRAY_WORDS * count:
        return
    told = listed([repr(word) for word in words.to_list()], 3)
    word = json.dumps(words[0], ensure_ascii=False)
    hint = f'data.replace: {{{name}: {{{word}: ""}}}} with data.missing_target: drop leaves such rows out; '
    message = f"the target {name} holds {count:,} different numbers, and {told}: is it a number or a label?"
    raise DataError(message, path="data.target", hint=hint + "data.task: classification takes all for labels")


def others_of(labels: Sequence[str]) -> list[str]:
    """What a single class is told from, though no row is it: `not spam`."""
    return [f"not {labels[0]}"] if len(labels) == 1 else []


def are_codes(values: polars.Series) -> bool:
    """Whether a column holds digits with leading zeros, such as 01."""
    return is_text(values) and bool(values.str.contains(CODE).any()) and bool(values.str.contains(WHOLE).all())


def _labels_of(values: polars.Series, numbers: NDArray[np.float64], all_numbers: bool) -> list[str]:
    """The different labels in order."""
    if not all_numbers:
        return sort_labels(text_of(values).unique().to_list())
    exact = _whole_texts(values) if (np.abs(numbers) >= EXACT).any() else None
    distinct = label_texts(values.head(0), np.unique(numbers)) if exact is None else exact.unique()
    return sort_labels(distinct.to_list())


def _whole_texts(values: polars.Series) -> polars.Series | None:
    """Whole numbers as text, digit by digit, whatever their size; None where there are others."""
    if values.dtype.is_integer():
        return text_of(values)
    if is_text(values) and values.str.contains(WHOLE).all():
        return values.str.strip_prefix("+")
    return None


def _refuse_equal_numbers(name: str, numbers: NDArray[np.float64], num_different: int) -> None:
    if num_different > len(np.unique(numbers)):
        message = f"{the_target(name)} holds whole numbers beyond 2^53, some of which a float64 does not tell apart"
        raise DataError(message, path="data.target", hint="data.task: classification takes each for a label")


def _remark(values: polars.Series, reading: Reading, as_expected: bool, labels: Sequence[str]) -> str:
    """A remark where labels may be meant otherwise: one number written in several ways, or words among numbers."""
    if not is_text(values):
        return ""
    if as_expected:
        different = values.unique(maintain_order=True)
        if len(different) <= len(labels):
            return ""
        return f"; a number that is written in several ways is one label: {listed(different.to_list(), 6)}"
    different = values.unique(maintain_order=True)
    is_word = np.isnan(to_numbers(different, reading))
    if 2 * is_word.sum() >= len(different):
        return ""
    words = listed(different.filter(is_word).to_list(), 3)
    hint = 'if they mean "no value": data.missing names them, with data.missing_target: drop'
    return f"; {int((~is_word).sum()):,} of its {len(different):,} different values are numbers, not: {words}; {hint}"


def _what(values: polars.Series, all_numbers: bool, unit: str) -> str:
    if str(values.dtype) == "Boolean":
        return "booleans"
    if all_numbers and (is_duration(values) or are_durations(values)):
        return "hours, minutes and seconds (as seconds)"
    return f"numbers with a unit ({unit})" if all_numbers and unit else "numbers" if all_numbers else "text"


def _refuse_constant(name: str, numbers: NDArray[np.float64]) -> None:
    if (numbers == numbers[0]).all():
        message = f"{the_target(name)} is {numbers[0]:g} in every row"
        raise DataError(message, path="data.target", hint=HINT_CONSTANT)


def label_texts(values: polars.Series, numbers: NDArray[np.float64] | None) -> polars.Series:
    """Labels as text; numbers the same however they are written (`1`, `1.0`)."""
    if numbers is not None:
        return text_of(polars.Series(values.name, numbers, nan_to_null=True))
    return text_of(values)


def sort_labels(labels: Sequence[str]) -> list[str]:
    """Numbers numerically, other text in text order."""
    try:
        return sorted(labels, key=lambda label: (int(label) if re.fullmatch(WHOLE, label) else float(label), label))
    except ValueError:
        return sorted(labels)


def have_targets(targets: Mapping[str, NDArray[Any]], num_rows: int) -> NDArray[np.bool_]:
    """Boolean [rows]: whether every target has a value."""
    found = np.ones(num_rows, bool)
    for values in targets.values():
        known = ~np.isnan(values) if values.dtype.kind == "f" else values >= 0
        found &= known if values.ndim == 1 else known.all(axis=1)  # several labels: a column each
    return found


def numbers_among_labels(config_task: str | None, specs: Sequence[TargetSpec], reading: Reading) -> list[Note]:
    """Warnings of targets that are many labels, half of them or more numbers, or nearly so: they may be meant as an amount."""
    warnings = []
    for spec in specs if config_task is None else ():
        if spec.task != "classification" or len(spec.classes) <= MANY_LABELS:
            continue
        labels = polars.Series("", spec.classes, dtype=polars.String)
        units = units_of(labels)
        if 1 < len(units) <= MOST_UNITS:
            found = f"the {len(spec.classes):,} labels of {spec.name} are numbers with different units ({listed(units)})"
            said = f"{found}: it is learnt as classes; write one unit, `data.task: classification` agrees"
            warnings.append(warn(said, "several_units"))
            continue
        is_number = np.isfinite(to_numbers(labels, reading))
        if what := nearly_numbers(labels.filter(~is_number)):
            such = quoted(spec.classes[0])
            said = f"the {len(spec.classes):,} labels of {spec.name}, such as {such}, look like {what}, which are not"
            how = "read as numbers: it is learnt as classes; write plain numbers, `data.task: classification` agrees"
            warnings.append(warn(f"{said} {how}", "nearly_numbers"))
        elif not is_number.all() and 2 * is_number.sum() >= len(is_number):
            words = listed([repr(label) for label, number in zip(spec.classes, is_number, strict=True) if not number], 3)
            found = f"{int(is_number.sum()):,} of the {len(spec.classes):,} labels of {spec.name} are numbers, not {words}"
            how = f'`data.replace: {{{spec.name}: {{"word": ""}}}}` with `data.missing_target: drop` makes numbers of the others'
            said = f"{found}: it is learnt as classes; {how}, `data.task: classification` agrees"
            warnings.append(warn(said, "numbers_among_labels"))
    return warnings


def numbers_as_text(spec: TargetSpec) -> list[Note]:
    """A warning of an array of text that is many different numbers, none of them a code: they may be meant as an amount."""
    if len(spec.classes) <= MANY_LABELS or any(re.match(CODE, label) for label in spec.classes):
        return []
    labels = polars.Series("", spec.classes, dtype=polars.String)
    if not np.isfinite(to_numbers(labels, Reading())).all():
        return []
    said = f"the {len(spec.classes):,} labels of {spec.name}, such as {spec.classes[0]!r}, are numbers that are kept as text"
    how = "it is learnt as classes; keep them as numbers, `data.task: classification` agrees"
    return [warn(f"{said}: {how}", "nearly_numbers")]


def describe_dropped(targets: Mapping[str, NDArray[Any]], num_rows: int) -> list[str]:
    """How many rows are left out because a target has no value; nothing where all have."""
    num_dropped = int(np.count_nonzero(~have_targets(targets, num_rows)))
    if not num_dropped:
        return []
    names = " or ".join(targets)
    return [f"rows left out: {num_dropped:,} of {num_rows:,} have no value for {names} (data.missing_target: drop)"]


def row_fault(locate: Locate, row: int, message: str, hint: str | None = None) -> Fault:
    """A fault of a row, at its place."""
    file, line = locate(int(row))
    return Fault(message if line else f"row {int(row) + 1:,}: {message}", file=file, line=line, hint=hint)


def no_number_fault(locate: Locate, row: int, name: str, value: Any) -> Fault:
    """A fault of a row whose target is no finite number."""
    word = json.dumps(str(value), ensure_ascii=False)
    how = f'data.replace: {{{name}: {{{word}: ""}}}} with data.missing_target: drop leaves such rows out'
    hint = f'if it means "no value": {how}' if len(word) <= LONGEST_WORD else None
    return row_fault(locate, row, f"the target {name} is {quoted(value)}, not a finite number", hint)


def scale_target(config: DataConfig, spec: TargetSpec, values: NDArray[np.float64]) -> TargetSpec:
    """The spec of a number with what the training rows show of it, for `data.scale_target` and `data.clip_target`.

    Args:
        config: the `data:` block.
        spec: of the target.
        values: of the training rows.

    Raises:
        DataError: a logarithm is to be learned of a number that has none, or a number as it is that float32 does not hold.
    """
    bends = spec.transform != "standard"
    if spec.is_log:
        if values.min() <= 0:
            raise DataError(spec.no_logarithm(float(values.min())))
        values = np.log(values)
    most = float(np.abs(values).max(initial=0.0))
    if not config.scale_target and most > float(np.finfo(np.float32).max):
        message = f"{the_target(spec.name)} has numbers as large as {most:.3g}, more than the float32 numbers of a net hold"
        raise DataError(message, path="data.scale_target", hint="leave it out: the target is scaled then")
    deviation = float(values.std())
    # A single value is to be learnt as it is: less its mean, nothing of it is left.
    if config.scale_target and (deviation > 0 or spec.is_log):
        spec = replace(spec, mean=float(values.mean()), scale=deviation if deviation > 0 else 1.0)
    if spec.transform == "quantile":
        spec = replace(spec, curve=Curve.of((values - spec.mean) / spec.scale))
    # What comes later may well be beyond what has been seen.
    in_time = config.series is not None or config.split.time is not None
    if not (bends and not in_time if config.clip_target is None else config.clip_target):
        return spec
    if spec.curve is not None:
        return replace(spec, limits=(spec.curve.scores[0], spec.curve.scores[-1]))
    low, high = float(values.min()), float(values.max())
    return replace(spec, limits=((low - spec.mean) / spec.scale, (high - spec.mean) / spec.scale))


def transformed(spec: TargetSpec, scale_target: bool | str) -> TargetSpec:
    """The spec of a number that is to be learned as `data.scale_target` says, before anything is fitted."""
    return replace(spec, transform=scale_target) if scale_target in ("log", "quantile") and spec.task == "regression" else spec


def refuse_without_numbers(config: DataConfig, specs: Sequence[TargetSpec]) -> None:
    """Raises DataError where `scale_target` or `clip_target` is asked for and no target is numeric."""
    faults = faults_without_numbers(config, specs)
    if faults:
        raise DataError(faults)


def smeared(targets: Sequence[TargetSpec], factors: Mapping[str, float]) -> tuple[TargetSpec, ...]:
    """The targets with the smearing that is found for them by name."""
    return tuple(replace(spec, smearing=factors[spec.name]) if spec.name in factors else spec for spec in targets)


def count_labels(spec: TargetSpec, codes: NDArray[Any]) -> str:
    """`target income: 2 classes: <=50K 24,720 (75.9 %), >50K 7,841 (24.1 %)`."""
    counts = np.bincount(codes, minlength=len(spec.classes))
    parts = shares_of(zip(spec.classes, counts.tolist(), strict=True), len(codes))
    return f"{the_target(spec.name).removeprefix('the ')}: {len(spec.classes):,} classes: {parts}"
