"""From raw pictures (or other arrays of one shape) to parts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.types import MULTILABEL, SEGMENTATION, DataConfig, config_fault
from dltrain.data.arrays.disk_array import rows_in_memory
from dltrain.data.columns.reading import USUAL_MISSING, Reading
from dltrain.data.columns.scaling import FLOAT32_ROUNDING
from dltrain.data.dataset import RECONSTRUCTED, TargetSpec
from dltrain.data.fitted import Fitted, check_labels, given_parts, split_at_random
from dltrain.data.giveaways import sampled, warn_of_giveaways_in_array
from dltrain.data.kept.pictures import kept_pictures
from dltrain.data.labels.array_targets import NO_CODE, have_values
from dltrain.data.labels.learn import describe_labels, labels_of_array, learn_labels
from dltrain.data.pictures.depth import bits_of
from dltrain.data.pictures.folders import MASKS, PICTURES
from dltrain.data.pictures.masked import check_parts, describe_masks, mask_spec, refuse_target
from dltrain.data.pictures.preprocessing import (
    PicturePreprocessing,
    class_labels,
    fit_pixel_scale,
    scale_pictures,
)
from dltrain.data.pictures.seen_range import range_of
from dltrain.data.preprocessing import Preprocessing
from dltrain.data.raw import Locate, RawPictures, RawTable
from dltrain.data.splits import Rows
from dltrain.data.tables.fitting.alike import alike_words
from dltrain.data.tables.fitting.copies import warn_of_same_files
from dltrain.data.tables.fitting.far_codes import far_codes
from dltrain.data.tables.fitting.reading import reading_of
from dltrain.data.tables.fitting.rows import choose_rows
from dltrain.data.tables.fitting.targets import warn_of_numbers
from dltrain.data.tables.preprocessing import DROP
from dltrain.data.targets import (
    FEW_VALUES,
    HINT_ONE_CLASS,
    count_labels,
    describe_dropped,
    have_targets,
    numbers_among_labels,
    numbers_as_text,
    others_of,
    refuse_alike,
    refuse_names_of_pictures,
    refuse_without_numbers,
    scale_target,
    transformed,
    words_on_few,
)
from dltrain.data.transform import fit_steps
from dltrain.errors import DataError, Note, warn
from dltrain.later import polars
from dltrain.parts import PARTS
from dltrain.wording import amount, cut_middle, listed


def fit_pictures(config: DataConfig, raw: RawPictures, seed: int, stored: Preprocessing | None) -> Fitted:
    """Fit to pictures, or put them through the preprocessing of a stored run.

    Raises:
        DataError: arrays, targets or rows that do not do.
        ConfigError: options that are for tables.
    """
    if stored is not None and not isinstance(stored, PicturePreprocessing):
        raise DataError("the run was trained on a table, this holds pictures")
    spec, values = describe_target(config, raw)
    codes = values if spec.classes and not spec.is_mask else None
    parts, manner = _choose_rows(config, raw, spec, codes, seed)
    same = warn_of_same_files(raw.names, raw.digests, parts)
    if codes is not None and spec.is_multilabel:
        spec, values, notes = learn_labels(config, spec, codes, parts)
    else:
        notes = _warn_of_target(config, raw, spec, values, parts, is_new=stored is None)
    preprocessing = stored
    if preprocessing is None:
        preprocessing, said = _fit_or_keep(config, raw, _fit(config, raw, spec, values, parts["train"]), parts["train"], seed)
        notes += said
    made = {name: preprocessing.transform(raw, with_targets=True, rows=chosen) for name, chosen in parts.items()}
    notes[:0] = [*map(Note, (*_describe(spec, values), *preprocessing.describe())), *same]
    resolved: dict[str, Any] = {"data.task": spec.task}
    if raw.labels is not None:
        resolved["data.labels.separator"] = spec.separator
    if isinstance(preprocessing, PicturePreprocessing):
        resolved["data.scale"] = preprocessing.scale
        bits = bits_of((preprocessing.reader or {}).get("white"))
        if bits is not None:
            resolved["data.depth"] = bits
    return Fitted(preprocessing, made, notes, resolved, manner)


def _warn_of_target(
    config: DataConfig, raw: RawPictures, spec: TargetSpec, values: NDArray[Any], parts: dict[str, Rows], *, is_new: bool
) -> list[Note]:
    """Warnings of masks, labels or numbers that the training part hardly teaches, or that one input alone tells."""
    if spec.is_mask:
        return check_parts(spec, values, parts, raw.names)
    notes: list[Note] = []
    if spec.classes:
        notes += check_labels(spec.name, spec.classes, values, parts, _locator(raw))
    if spec.is_reconstruction or not is_new:
        return notes
    if spec.classes:
        notes += alike_words((), (spec,), of_folders=config.source == "image_folder")
        if config.source == "npz" and config.task is None:
            notes += [*numbers_as_text(spec), *numbers_among_labels(None, (spec,), Reading())]
    else:
        taught = values[parts["train"]]
        notes += [*far_codes({spec.name: taught}, [spec.name]), *warn_of_numbers(config, spec, taught)]
    if len(raw.images.shape) == 2:
        some = sampled(parts["train"])
        notes += warn_of_giveaways_in_array(rows_in_memory(raw.images, some), spec, values[some])
    return notes


def _fit_or_keep(
    config: DataConfig, raw: RawPictures, fitted: PicturePreprocessing, rows: Rows, seed: int
) -> tuple[PicturePreprocessing, list[Note]]:
    """The same with the scale and the steps of the run that the config keeps, or with steps fitted to these pictures."""
    kept = kept_pictures(config, fitted)
    if kept is not None:
        return kept
    notes = _told_apart_by_rounding(fitted)
    if not config.transform:
        return fitted, notes
    matrix = scale_pictures(raw.images, rows, fitted.center, fitted.spread)
    steps, more = fit_steps(config, matrix.reshape(len(matrix), -1), seed)
    return replace(fitted, steps=steps), [*notes, *more]


def _choose_rows(
    config: DataConfig, raw: RawPictures, spec: TargetSpec, codes: NDArray[Any] | None, seed: int
) -> tuple[dict[str, Rows], str]:
    """Rows of each part, and the manner of the split in a word."""
    key = config.split.key
    if key is not None:  # of the table that names the pictures
        table = RawTable(polars.DataFrame({key: polars.Series(raw.keys, dtype=polars.String)}), parts=raw.parts)
        return choose_rows(config, table, reading_of(config, table), (spec,), {} if codes is None else {spec.name: codes}, seed)
    brought, rows = given_parts(config, raw.parts, len(raw.images))
    if raw.target is not None and not spec.is_reconstruction:
        is_taught = have_values(raw.target, raw.classes)
        rows, brought = rows[is_taught[rows]], {name: part[is_taught[part]] for name, part in brought.items()}
    if raw.pictures is None:
        parts, manner = split_at_random(config, rows, codes, spec.classes, seed, _locator(raw))
    else:  # tiles, of which those of a picture stay together
        first = rows[np.unique(raw.pictures[rows], return_index=True)[1]]
        chosen, manner = split_at_random(config, np.sort(first), codes, spec.classes, seed, _locator(raw))
        parts = {name: rows[np.isin(raw.pictures[rows], raw.pictures[part])] for name, part in chosen.items()}
    parts = {**parts, **brought}
    return {name: parts[name] for name in PARTS if name in parts}, manner


def _locator(raw: RawPictures) -> Locate:
    return lambda row: (raw.names[row] if raw.names else None, None)


def describe_target(config: DataConfig, raw: RawPictures) -> tuple[TargetSpec, NDArray[Any]]:
    """Task and labels of the target, and its values as class codes or numbers.

    Raises:
        DataError: there is none, or it has one value only.
    """
    name = config.target[0] if config.target else "target"
    if config.is_reconstruction:
        return RECONSTRUCTED, np.zeros(len(raw.images), np.int32)
    if config.task == SEGMENTATION or (config.task is None and raw.target is not None and raw.target.ndim == 3):
        return _describe_masks(config, raw)
    if raw.target is None:
        raise DataError(
            config_fault(config, "data.task", f"{config.source} brings no target", "data.task: reconstruction needs none")
        )
    values = raw.target
    if config.task == MULTILABEL and values.ndim != 2:
        message = "several labels are an array of 0 and 1 [rows, labels]; this one has a value a row"
        raise DataError(config_fault(config, "data.task", message, "data.task: classification, or regression"))
    is_there = have_values(values, raw.classes)
    _refuse_without_values(config, is_there)
    if values.ndim == 2:
        return raw.labels or labels_of_array(config, values, name), values
    if raw.classes and config.task is None:
        refuse_names_of_pictures(name, raw.classes, len(values))
    if raw.classes and config.task != "regression":
        spec = TargetSpec(name, "classification", raw.classes, reason=f"{config.source} has {len(raw.classes)} classes")
        return _with_two_classes(config, spec, values.astype(np.int32))
    return _describe_numbers(config, name, values, is_there)


def _refuse_without_values(config: DataConfig, is_there: NDArray[np.bool_]) -> None:
    """Raise DataError where rows have no value for the target and may not be left out, or no row has one."""
    if not is_there.all() and config.missing_target != DROP:
        count = int(np.count_nonzero(~is_there))
        message = f"row {int(np.argmin(is_there)) + 1:,}: no value for the target ({count:,} such rows)"
        raise DataError(config_fault(config, "data.missing_target", message, "data.missing_target: drop leaves such rows out"))
    if not is_there.any():
        raise DataError(config_fault(config, "data.target", "the target is empty in every row"))


def _describe_numbers(
    config: DataConfig, name: str, values: NDArray[Any], is_there: NDArray[np.bool_]
) -> tuple[TargetSpec, NDArray[Any]]:
    """A target of numbers or booleans: those of two values are classes where the config does not say otherwise."""
    infinite = np.isinf(values) if values.dtype.kind == "f" else np.zeros(len(values), bool)
    if infinite.any():
        raise DataError(f"row {int(np.argmax(infinite)) + 1:,}: the target is not a finite number")
    distinct = np.unique(values[is_there])
    task = config.task or ("classification" if len(distinct) <= FEW_VALUES else "regression")
    what = "booleans" if values.dtype.kind == "b" else "numbers"
    few = words_on_few(distinct, len(distinct)) if task == "regression" else ""
    reason = "data.task says so" if config.task else f"the target holds {what}{few or f' of {len(distinct):,} values'}"
    if task == "classification":
        spec = TargetSpec(name, task, tuple(class_labels(distinct)), reason=reason)
        codes = np.searchsorted(distinct, values).astype(np.int32)
        return _with_two_classes(config, spec, np.where(is_there, codes, np.int32(NO_CODE)))
    numbers = values.astype(np.float64)
    refuse_alike(name, numbers[is_there], 0 if config.task else len(distinct), allow_one=config.allow_one_class)
    return TargetSpec(name, task, reason=reason), numbers


def _describe_masks(config: DataConfig, raw: RawPictures) -> tuple[TargetSpec, NDArray[Any]]:
    refuse_target(config, is_table="table" in (raw.reader or {}))
    if raw.target is None or raw.target.ndim != 3:
        hint = f"source: image_folder reads {PICTURES}/ and {MASKS}/, and source: shapes draws some"
        raise DataError(config_fault(config, "data.task", f"{config.source} brings no masks", hint))
    return mask_spec(raw.classes), raw.target


def _with_two_classes(config: DataConfig, spec: TargetSpec, codes: NDArray[np.int32]) -> tuple[TargetSpec, NDArray[np.int32]]:
    if len(np.unique(codes[codes != NO_CODE])) < 2 and not config.allow_one_class:
        raise DataError(f"there is one class only: {cut_middle(spec.classes[int(codes.max())])}", hint=HINT_ONE_CLASS)
    others = others_of(spec.classes)
    if others:
        return replace(spec, classes=(*others, *spec.classes)), np.where(codes == NO_CODE, codes, codes + 1).astype(np.int32)
    return spec, codes


def _fit(config: DataConfig, raw: RawPictures, spec: TargetSpec, values: NDArray[Any], rows: Rows) -> PicturePreprocessing:
    scale = str(config.scale or ("unit" if raw.value_range is not None else "standard"))
    center, spread = fit_pixel_scale(raw.images, rows, scale, raw.value_range)
    if spec.task == "regression":
        spec = scale_target(config, transformed(spec, config.scale_target), np.asarray(values, np.float64)[rows])
    refuse_without_numbers(config, (spec,))
    return PicturePreprocessing(
        source=config.source,
        shape=tuple(raw.images.shape[1:]),
        targets=(spec,),
        scale=scale,
        center=center,
        spread=spread,
        reader=raw.reader,
        arguments={key: value for key, value in config.arguments.items() if isinstance(value, str)},
        missing=USUAL_MISSING if config.missing is None else tuple(config.missing),
        replace=config.replace,
        missing_target=config.missing_target,
        seen=range_of(raw.images, rows) if raw.reader is None else None,
    )


def _told_apart_by_rounding(fitted: PicturePreprocessing) -> list[Note]:
    """A warning of positions that vary in training by less than float32 holds: scaled by that, other values are far outside."""
    center, spread = np.broadcast_arrays(np.abs(fitted.center), fitted.spread)
    fractional = center != np.floor(center)
    places = np.flatnonzero((fractional & (spread <= FLOAT32_ROUNDING * center)).reshape(-1))
    if not len(places):
        return []
    first = listed([str(place + 1) for place in places.tolist()], 8)
    said = (
        f"{len(places):,} of the {center.size:,} values of a row vary in the training part by less than float32 numbers of their "
        f"size are told apart (number {first}); scaled by that, any other value is far outside: leave them out"
    )
    return [warn(said, "varies_by_rounding")]


def _describe(spec: TargetSpec, values: NDArray[Any]) -> list[str]:
    if spec.is_reconstruction:
        return ["target: the input itself (reconstruction)"]
    if spec.is_mask:
        return [describe_masks(spec, values)]
    is_taught = have_targets({spec.name: values}, len(values))
    dropped = describe_dropped({spec.name: values}, len(values))
    if spec.is_multilabel:
        return [*describe_labels(spec, values[is_taught]), *dropped]
    if spec.task == "classification":
        return [f"{count_labels(spec, values[is_taught])} (classification: {spec.reason})", *dropped]
    numbers = np.asarray(values, np.float64)[is_taught]
    line = f"target {spec.name}: a number from {amount(numbers.min())} to {amount(numbers.max())} (regression: {spec.reason})"
    return [line, *dropped]
