"""Windows that are classified: the label of a row, or of a whole series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from dltrain.config.types import DataConfig, config_fault
from dltrain.data.columns.reading import Reading, is_labelled, mend
from dltrain.data.dataset import TargetSpec
from dltrain.data.fitted import split_at_random
from dltrain.data.labels.encode import encode_target
from dltrain.data.raw import Locate, RawTable
from dltrain.data.series.covariates import one_value, refuse_changing
from dltrain.data.series.groups import Groups, shown_names
from dltrain.data.splits import Rows
from dltrain.data.tables.column_names import column_of
from dltrain.data.targets import infer_target
from dltrain.errors import DataError, Fault
from dltrain.wording import quoted

WHOLE_SERIES, ROW = "series", "row"


def label_specs(config: DataConfig, raw: RawTable, reading: Reading, names: Sequence[str]) -> tuple[TargetSpec, ...]:
    """A target for each column that holds labels.

    Raises:
        DataError: a column is empty, or has one label alone.
    """
    return tuple(
        infer_target(
            mend(column_of(raw.frame, name), reading),
            reading,
            task="classification",
            classes=raw.classes if name in raw.target else (),
            labelled=is_labelled(column_of(raw.frame, name)),
            allow_one=config.allow_one_class,
        )
        for name in names
    )


def read_label_codes(raw: RawTable, spec: TargetSpec, reading: Reading, locate: Locate) -> NDArray[np.float64]:
    """The place of each row's label among the classes, NaN where it has none.

    Raises:
        DataError: labels that training has not seen.
    """
    codes = encode_target(mend(column_of(raw.frame, spec.name), reading), spec, reading, locate, drop=True)
    found: NDArray[np.float64] = np.where(codes < 0, np.nan, codes.astype(np.float64))
    return found


def series_of_parts(raw: RawTable, groups: Groups) -> Groups:
    """The series, those of each part's file apart: where files count their series, the first of each is another one."""
    if not raw.parts:
        return groups
    codes, count = groups.codes.copy(), len(groups.names)
    for place, rows in enumerate(raw.parts.values()):
        codes[rows] += place * count
    return Groups(codes, groups.names * len(raw.parts))


def are_of_series(config: DataConfig, targets: Mapping[str, NDArray[np.float64]], groups: Groups) -> bool:
    """Whether each series has one label: as the config says, or where no label changes within one.

    Args:
        config: the `data:` block.
        targets: name -> codes of the labels, NaN where a row has none.
        groups: the series.
    """
    assert config.series is not None
    if config.series.label_of is not None:
        return config.series.label_of == WHOLE_SERIES
    if not config.series.id or config.split.time is not None or config.series.offset:
        return False
    if len(np.unique(groups.codes)) == len(groups.codes):
        return False
    return all(bool(((values == one_value(values, groups.codes)) | np.isnan(values)).all()) for values in targets.values())


def labels_of_series(
    raw: RawTable, targets: Mapping[str, NDArray[np.float64]], groups: Groups, reading: Reading, locate: Locate
) -> dict[str, NDArray[np.float64]]:
    """Each row with the label of its series.

    Raises:
        DataError: a series has two labels.
    """
    hint = "data.series.label_of: row gives each window the label of its last row"
    refuse_changing(raw.frame, list(targets), groups, reading, locate, key="data.series.label_of", hint=hint)
    return {name: one_value(values, groups.codes) for name, values in targets.items()}


def split_series(
    config: DataConfig, spec: TargetSpec, labels: NDArray[np.float64], groups: Groups, seed: int
) -> tuple[dict[str, Rows], str]:
    """Whole series to the parts, each label in the same shares; and the manner in words.

    Args:
        config: the `data:` block.
        spec: of the label that is stratified by.
        labels: of each row the code of its series' label, NaN where that has none.
        groups: of the rows; those of one series stand together.
        seed: of the split.

    Raises:
        DataError: too few series, or a label of one series alone.
    """
    there, first, inverse = np.unique(groups.codes, return_index=True, return_inverse=True)
    known = np.flatnonzero(np.isfinite(labels[first]))
    codes = labels[first[known]].astype(np.int32)
    _refuse_single(config, spec, codes, [groups.names[code] for code in there[known].tolist()])
    chosen, manner = split_at_random(config, np.arange(len(codes)), codes, spec.classes, seed, lambda row: (None, None))
    parts = {name: np.flatnonzero(np.isin(inverse, known[series])) for name, series in chosen.items()}
    named = ", ".join(config.series.id) if config.series is not None else ""
    return parts, f"whole series of {named}{', ' if manner else ''}{manner}"


def _refuse_single(config: DataConfig, spec: TargetSpec, codes: NDArray[np.int32], names: Sequence[tuple[str, ...]]) -> None:
    """Refuse a label of one series alone where each part is to have its share of each label."""
    split = config.split
    is_split = not (split.test is None and split.validation is None and split.folds is None)
    by_default = split.like is None and split.shuffle is not False
    if not is_split or not (by_default if split.stratify is None else split.stratify):
        return
    counts = np.bincount(codes, minlength=len(spec.classes))
    single = np.flatnonzero(counts == 1)
    if len(single):
        of = shown_names([names[int(np.flatnonzero(codes == code)[0])] for code in single])
        message = f"the label {quoted(spec.classes[single[0]])} is that of one series alone ({of}), which cannot be in two parts"
        hint = "merge it with another by data.replace, or say data.split.stratify: false"
        fault: Fault = config_fault(config, "data.split", message, hint)
        raise DataError(fault)
