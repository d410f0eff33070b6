"""The result of fitting the preprocessing, for tables and pictures alike, and the rows of each part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.types import LIKE_SCIKIT_LEARN, DataConfig, config_fault
from dltrain.data.columns.kind import plain_word
from dltrain.data.dataset import Part
from dltrain.data.part_sizes import SplitError
from dltrain.data.preprocessing import Preprocessing
from dltrain.data.raw import Locate
from dltrain.data.splits import Rows, fold_indices, split_in_order, split_like_scikit_learn, split_rows
from dltrain.errors import ConfigError, DataError, Fault, Note, capped, warn
from dltrain.wording import counted, label_hint, listed, no_row_hint, quoted


@dataclass(slots=True)
class Fitted:
    """The fitted preprocessing and the preprocessed parts, with notes for the user.

    Attributes:
        preprocessing: fitted, or the stored one.
        parts: preprocessed.
        notes: what the user should know, facts and warnings.
        resolved: inferred values by key path.
        manner: how the rows were split ("stratified"), or empty.
        details: of further files that were read, as `RawTable.details` has them: they enter the fingerprint.
    """

    preprocessing: Preprocessing
    parts: dict[str, Part]
    notes: list[Note] = field(default_factory=list)
    resolved: dict[str, Any] = field(default_factory=dict)
    manner: str = ""
    details: dict[str, Any] = field(default_factory=dict)


def given_parts(config: DataConfig, parts: Mapping[str, Rows], num_rows: int) -> tuple[dict[str, Rows], Rows]:
    """Parts that the source or the config's paths bring, and the rows that are to be split.

    Raises:
        ConfigError: the config splits off a part that is there already.
    """
    for name in ("validation", "test"):
        if name in parts and getattr(config.split, name) is not None:
            message = f"{config.source} brings a {name} part of its own"
            raise ConfigError(config_fault(config, f"data.split.{name}", message, f"leave data.split.{name} out"))
    if parts and (config.split.column or (config.split.time and config.test)):
        raise ConfigError(config_fault(config, "data.split", "the parts are given already", "leave the split out"))
    brought = {name: rows for name, rows in parts.items() if name != "train"}
    return brought, parts.get("train", np.arange(num_rows))


def split_at_random(
    config: DataConfig, rows: Rows, codes: NDArray[Any] | None, labels: tuple[str, ...], seed: int, locate: Locate
) -> tuple[dict[str, Rows], str]:
    """Random parts of `rows`, stratified by the class codes of all rows unless the config says no; and the manner in a word.

    Raises:
        DataError: too few rows, or a class of a single row.
    """
    split = config.split
    if split.test is None and split.validation is None and split.folds is None:
        return {"train": rows}, ""
    # By default as the program does that is followed: train_test_split stratifies where it is told to.
    by_default = split.like is None and split.shuffle is not False
    stratify = codes is not None and (by_default if split.stratify is None else split.stratify)
    if codes is None and split.stratify:
        message = "there are no classes to stratify by"
        raise ConfigError(config_fault(config, "data.split.stratify", message, "leave it out for regression"))
    if stratify and codes is not None and codes.ndim == 1:
        _refuse_single_rows(codes[rows], rows, labels, locate)
    seed = seed if split.seed is None else split.seed
    labelled = codes[rows] if stratify and codes is not None else None
    try:
        shares = {"test": split.test, "validation": split.validation}
        if split.shuffle is False:
            return {
                name: rows[chosen] for name, chosen in split_in_order(len(rows), **shares).items()
            }, "in the order of the rows"
        if split.like is not None:
            last = split.validates_on_the_last
            chosen = split_like_scikit_learn(len(rows), seed=seed, labels=labelled, last_validation=last, **shares)
            manner = f"as {split.like} draw{'s' if split.like == LIKE_SCIKIT_LEARN else ''} with seed {seed}"
            return {name: rows[places] for name, places in chosen.items()}, f"{manner}, {'' if stratify else 'not '}stratified"
        parts = split_rows(len(rows), seed=seed, labels=labelled, **shares)
        if split.folds is not None:
            rest = parts.pop("train")
            folds = fold_indices(len(rest), split.folds, seed=seed, labels=None if labelled is None else labelled[rest])
            train, held_out = folds[(split.fold or 1) - 1]
            parts = {"train": rest[train], "validation": rest[held_out], **parts}
    except SplitError as error:
        raise DataError(config_fault(config, "data.split", str(error))) from error
    manner = "at random" if not stratify else "stratified by label" if codes is not None and codes.ndim == 2 else "stratified"
    if split.folds is not None:
        manner = f"fold {split.fold} of {split.folds}, {manner}"
    return {name: rows[chosen] for name, chosen in parts.items()}, manner


def _refuse_single_rows(codes: NDArray[np.int32], rows: Rows, labels: tuple[str, ...], locate: Locate) -> None:
    single = np.flatnonzero(np.bincount(codes, minlength=len(labels)) == 1)
    faults = []
    for code in single:
        row = int(rows[np.flatnonzero(codes == code)[0]])
        file, line = locate(row)
        message = f"the label {quoted(labels[code])} stands in one row only, so it cannot be in two parts"
        hint = "leave that row out, merge the label with another by data.replace, or say data.split.stratify: false"
        word = labels[code]
        alike = next((label for label in labels if label != word and plain_word(label) == plain_word(word)), None)
        hint = no_row_hint(word) + ("" if alike is None else f"it reads like {quoted(alike)}; ") + hint
        faults.append(Fault(message if line else f"row {row + 1:,}: {message}", file=file, line=line, hint=hint))
    if faults:
        raise DataError(capped(faults))


def check_labels(
    name: str, labels: tuple[str, ...], codes: NDArray[np.int32], parts: Mapping[str, Rows], locate: Locate
) -> list[Note]:
    """Every label must be known to the training part. Returns warnings of labels that only the training part has.

    Raises:
        DataError: a label that the training part does not have; named with its first row.
    """
    known = np.bincount(codes[parts["train"]], minlength=len(labels)) > 0
    faults, notes = [], []
    for part, rows in parts.items():
        if part == "train":
            continue
        counts = np.bincount(codes[rows], minlength=len(labels))
        for code in np.flatnonzero((counts > 0) & ~known):
            row = int(rows[np.flatnonzero(codes[rows] == code)[0]])
            trained = [labels[index] for index in np.flatnonzero(known)]
            faults.append(_stray_label(name, labels[code], trained, part, int(counts[code]), row, locate))
        lacking = [labels[code] for code in np.flatnonzero((counts == 0) & known)]
        if lacking:
            notes.append(warn(f"the {part} part has no row of {name}: {listed(lacking)}", "part_without_label"))
    if faults:
        raise DataError(capped(faults))
    return notes


def _stray_label(name: str, label: str, trained: list[str], part: str, count: int, row: int, locate: Locate) -> Fault:
    hint = label_hint(name, label, trained, "labels of the training part")
    file, line = locate(row)
    message = f"the label {quoted(label)} of {name} is in the {part} part only ({counted(count, 'row')}), not in training"
    return Fault(message if line else f"row {row + 1:,}: {message}", file=file, line=line, hint=hint)


def placed(error: DataError, config: DataConfig) -> DataError:
    """The error with faults of config keys at their place in the config."""
    faults = []
    for fault in error.faults:
        if fault.path and fault.file is None:
            at = config_fault(config, fault.path, fault.message, fault.hint)
            fault = replace(at, severity=fault.severity)
        faults.append(fault)
    return DataError(faults)
