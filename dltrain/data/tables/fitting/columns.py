"""Each column fitted to the training rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.types import DataConfig, config_fault
from dltrain.data.columns.column import FeatureColumn, fit_feature
from dltrain.data.columns.date import DATE
from dltrain.data.columns.kind import Learning
from dltrain.data.columns.scaling import IMPUTES, SCALES
from dltrain.data.columns.tokens import odd_texts
from dltrain.data.dataset import TargetSpec
from dltrain.data.giveaways import warn_of_giveaways
from dltrain.data.splits import Rows
from dltrain.data.tables.fitting.alike import alike_words, counted_words
from dltrain.data.tables.fitting.far_codes import far_codes, far_dates, squeezed
from dltrain.errors import ConfigError, Note


def _option(config: DataConfig, key: str, column: str, default: Any, words: tuple[str, ...]) -> Any:
    option = getattr(config, key)
    value = option.get(column, default) if isinstance(option, dict) else option
    value = default if value is None else value
    if isinstance(value, str) and value not in words:
        message = f"expected one of {', '.join(words)}, got {value}"
        raise ConfigError(config_fault(config, f"data.{key}", message))
    return value


def min_count_of(config: DataConfig, column: str) -> int:
    """Training rows that a category of the column needs to be one of its own."""
    return _of_column(config.min_count, column) or 1


def _of_column(option: int | Mapping[str, int] | None, column: str) -> int | None:
    return option.get(column) if isinstance(option, Mapping) else option


def fit_column(config: DataConfig, column: FeatureColumn, values: Any, rows: Rows) -> FeatureColumn:
    """Fit a column to the training rows, with the options that the config has for it."""
    for key in ("encode", "min_count", "embedding_size"):
        option = getattr(config, key)
        if not isinstance(option, dict) or column.name not in option or column.by_kind.has_categories:
            continue
        message = f"{column.name} is {column.by_kind.many}, and `{key}` is for categories"
        hint = f"`data.features: {{{column.name}: category}}` takes each different value for a category"
        raise ConfigError(config_fault(config, f"data.{key}.{column.name}", message, hint))
    scale = _option(config, "scale", column.name, "standard", (*SCALES, "unit"))
    how = Learning(
        scale="minmax" if scale == "unit" else scale,
        impute=_option(config, "impute", column.name, "median", IMPUTES),
        encode=_option(config, "encode", column.name, None, ("one_hot", "embedding")),
        min_count=min_count_of(config, column.name),
        embedding_size=_of_column(config.embedding_size, column.name),
        text=config.text,
        keeps_rounding=isinstance(config.scale, dict) and column.name in config.scale,
    )
    fitted = fit_feature(column, values, rows, how)
    if isinstance(config.embedding_size, Mapping) and column.name in config.embedding_size and not fitted.is_embedded:
        message = f"{column.name} is one-hot: it has no embedding"
        hint = f"`data.encode: {{{column.name}: embedding}}` gives it one"
        raise ConfigError(config_fault(config, f"data.embedding_size.{column.name}", message, hint))
    return fitted


def odd_columns(
    columns: Sequence[FeatureColumn],
    shown: Mapping[str, Any],
    specs: Sequence[TargetSpec],
    targets: Mapping[str, NDArray[Any]],
    rows: NDArray[np.int64],
) -> list[Note]:
    """Warnings of columns that tell the target, hold codes for numbers, or texts that no blank divides.

    Args:
        columns: fitted to the training part.
        shown: column -> its values in some rows.
        specs, targets: what is predicted, in all rows.
        rows: which rows are shown.
    """
    told = {name: target[rows] for name, target in targets.items()}
    warnings = odd_texts({column.name: column.tokenizer for column in columns})
    warnings += warn_of_giveaways(columns, shown, specs, told)
    amounts = {spec.name: told[spec.name] for spec in specs if spec.task == "regression" and spec.name in told}
    return [
        *warnings,
        *odd_numbers(columns, shown, amounts),
        *alike_words(columns, specs, counted_words(columns, shown, specs, told)),
    ]


def odd_numbers(
    columns: Sequence[FeatureColumn], shown: Mapping[str, Any], amounts: Mapping[str, NDArray[np.float64]]
) -> list[Note]:
    """Warnings of numbers and dates that look like codes for "no value", and of columns that a number far out makes one.

    Args:
        columns: fitted to the training part.
        shown: column -> its values in some rows.
        amounts: target -> its numbers in the same rows; one that is a column as well is told of once.
    """
    numbers = {column.name: shown[column.name] for column in columns if column.by_kind.holds_numbers and column.name in shown}
    dates = {c.name: (shown[c.name], c.date_format) for c in columns if c.kind == DATE.name and c.name in shown}
    warnings = far_codes({**numbers, **amounts}, [*amounts]) + far_dates(dates)
    for column in columns:
        if column.name in amounts or not column.by_kind.holds_numbers:
            continue
        if column.numbers[0].scale in ("standard", "minmax") and len(column.numbers[0].seen):
            how = f"`data.scale: {{{column.name}: smooth_clip}}` keeps the others apart"
            warnings += squeezed(column.name, column.numbers[0].spread, column.numbers[0].seen, how)
    return warnings
