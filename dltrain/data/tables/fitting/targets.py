"""What is predicted: the targets of a table, with task, labels and values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.types import MULTILABEL, DataConfig, config_fault
from dltrain.data.columns.reading import Reading, is_labelled, mend
from dltrain.data.columns.scaling import seen_range
from dltrain.data.dataset import RECONSTRUCTED, TargetSpec
from dltrain.data.fitted import check_labels, placed
from dltrain.data.labels.encode import encode_target
from dltrain.data.labels.learn import learn_labels, read_labels
from dltrain.data.raw import RawTable, locator
from dltrain.data.splits import Rows
from dltrain.data.tables.column_names import column_of
from dltrain.data.tables.fitting.far_codes import squeezed
from dltrain.data.tables.preprocessing import DROP
from dltrain.data.targets import (
    HINT_CONSTANT,
    HINT_ONE_CLASS,
    infer_target,
    numbers_among_labels,
    refuse_without_numbers,
    scale_target,
    transformed,
)
from dltrain.errors import ConfigError, DataError, Fault, Note, warn
from dltrain.wording import listed, the_target

ReadTarget = Callable[[DataConfig, RawTable, Reading, str], tuple[TargetSpec, NDArray[Any]]]


def target_names(config: DataConfig, raw: RawTable) -> tuple[str, ...]:
    """The columns to predict (raises ConfigError where none is named)."""
    if config.is_reconstruction:
        return ()
    names = config.target or raw.target
    if not names:
        hint = f"say data.target: one of {listed(raw.frame.columns, 30)}; or data.task: reconstruction"
        raise ConfigError(config_fault(config, "data.target", "the column to predict is not named", hint))
    return names


def read_target(config: DataConfig, raw: RawTable, reading: Reading, name: str) -> tuple[TargetSpec, NDArray[Any]]:
    """Task and labels of a target, and its values [rows].

    Raises:
        DataError: values that are missing, unreadable, or all the same.
    """
    series = mend(column_of(raw.frame, name), reading)
    classes = raw.classes if name in raw.target else ()
    spec = infer_target(
        series,
        reading,
        task=config.task,
        classes=classes,
        labelled=is_labelled(column_of(raw.frame, name)),
        allow_one=config.allow_one_class,
    )
    spec = transformed(spec, config.scale_target)
    return spec, encode_target(series, spec, reading, locator(raw), drop=config.missing_target == DROP)


def fit_targets(
    config: DataConfig, raw: RawTable, reading: Reading, read: ReadTarget = read_target
) -> tuple[tuple[TargetSpec, ...], dict[str, NDArray[Any]]]:
    """All targets; `read` gives one of them.

    Raises:
        DataError: values that are missing, unreadable, or all the same.
    """
    if config.is_reconstruction:
        _refuse_without_numbers(config, (RECONSTRUCTED,))
        return (RECONSTRUCTED,), {}
    if config.task == MULTILABEL:
        try:
            spec, codes = read_labels(
                config, raw, target_names(config, raw), reading, locator(raw), drop=config.missing_target == DROP
            )
            _refuse_without_numbers(config, (spec,))
        except DataError as error:
            raise placed(error, config) from error
        return (spec,), {spec.name: codes}
    specs: list[TargetSpec] = []
    values: dict[str, NDArray[Any]] = {}
    faults: list[Fault] = []
    for name in target_names(config, raw):
        try:
            spec, values[name] = read(config, raw, reading, name)
            specs.append(spec)
        except DataError as error:
            faults.extend(placed(error, config).faults)
    if faults:
        raise DataError(faults)
    _refuse_without_numbers(config, specs)
    return tuple(specs), values


def _refuse_without_numbers(config: DataConfig, specs: Sequence[TargetSpec]) -> None:
    try:
        refuse_without_numbers(config, specs)
    except DataError as error:
        raise placed(error, config) from error


def learnt_targets(
    config: DataConfig, specs: tuple[TargetSpec, ...], targets: dict[str, NDArray[Any]], rows: Mapping[str, Rows]
) -> tuple[tuple[TargetSpec, ...], dict[str, NDArray[Any]], list[Note]]:
    """Targets of several labels with those labels that the training part can teach, and warnings of the others."""
    if config.task != MULTILABEL:
        return specs, targets, []
    (spec,) = specs
    try:
        spec, codes, notes = learn_labels(config, spec, targets[spec.name], rows)
    except DataError as error:
        raise placed(error, config) from error
    return (spec,), {spec.name: codes}, notes


def check_targets(
    config: DataConfig,
    specs: tuple[TargetSpec, ...],
    targets: dict[str, NDArray[Any]],
    rows: dict[str, Rows],
    raw: RawTable,
    reading: Reading,
) -> list[Note]:
    """Labels must be known to training, numbers must vary in it; unless `data.allow_one_class` says that they need not."""
    notes = list[Note]()
    for spec in specs:
        if spec.is_reconstruction or spec.is_multilabel:
            continue
        taught = targets[spec.name][rows["train"]]
        if spec.task != "classification":
            notes += warn_of_numbers(config, spec, taught)
            continue
        is_one = np.ptp(taught) == 0
        if not (is_one and config.allow_one_class):
            notes += check_labels(spec.name, spec.classes, targets[spec.name], rows, locator(raw))
        if is_one:
            notes += _warn_of_one(config, f"the training part has one class of {spec.name} only", HINT_ONE_CLASS)
    return [*notes, *numbers_among_labels(config.task, specs, replace(reading, units=None))]


def warn_of_numbers(config: DataConfig, spec: TargetSpec, taught: NDArray[np.float64]) -> list[Note]:
    """Warnings of numbers to predict of which float32, or their scale, does not tell most apart, or that are one number.

    Args:
        config: the `data:` block.
        spec: of the target.
        taught: its values in the training part [rows], at least one.

    Raises:
        DataError: they are one number, and the config does not allow that.
    """
    notes = _beyond_float32(spec.name, taught)
    if config.scale_target in (None, True):
        how = "`data.scale_target: quantile` keeps the others apart"
        notes += squeezed(spec.name, float(taught.std()), seen_range(taught), how)
    if np.ptp(taught) == 0:
        same = f"{the_target(spec.name)} is the same in every row of the training part"
        notes += _warn_of_one(config, same, HINT_CONSTANT)
    return notes


def _warn_of_one(config: DataConfig, message: str, hint: str) -> list[Note]:
    if not config.allow_one_class:
        raise DataError(config_fault(config, "data.target", message, hint))
    return [warn(f"{message}: to say it always is all that can be learnt", "one_value")]


def _beyond_float32(name: str, numbers: NDArray[np.float64]) -> list[Note]:
    """A warning of numbers whose squares float32 does not hold, in which Keras computes metrics."""
    most = float(np.abs(numbers).max(initial=0.0))
    if most**2 <= float(np.finfo(np.float32).max):
        return []
    said = f"{the_target(name)} has numbers as large as {most:.3g}, of which float32 does not hold the squares"
    how = "the metrics of the epochs may be infinite or no number, those at the end are right; a larger unit avoids it"
    return [warn(f"{said}: {how}", "beyond_float32")]


def scaled_target(config: DataConfig, spec: TargetSpec, targets: dict[str, NDArray[Any]], rows: Rows) -> TargetSpec:
    """A target of numbers with mean, deviation and range of the training rows, or of their logarithms."""
    return scale_target(config, spec, targets[spec.name][rows]) if spec.task == "regression" else spec
