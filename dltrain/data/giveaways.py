"""Columns that alone tell the target: what is known only after it, or is the target in other words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.data.columns.column import FeatureColumn
from dltrain.data.dataset import TargetSpec
from dltrain.errors import Note, warn
from dltrain.later import polars
from dltrain.wording import listed

GIVES_AWAY = 0.999
FEW_FEATURES = 2  # beside so few others, the target is rather a rule that is to be found
LEAST_ROWS = 50
MOST_COLUMNS = 1_000
MOST_NAMED = 8
SAMPLE = 5_000
ADVICE = "is it known before the target is? If not, {}: a model that uses it is of no use on new data"


def sampled(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """At most 5,000 of the rows, from all over them: enough to see what tells nearly everything."""
    return rows[:: max(1, -(-len(rows) // SAMPLE))]


def warn_of_giveaways(
    columns: Sequence[FeatureColumn], values: Mapping[str, Any], specs: Sequence[TargetSpec], targets: Mapping[str, NDArray[Any]]
) -> list[Note]:
    """A warning of each feature that alone tells a target; none where looking would take long.

    Args:
        columns: the features.
        values: column -> float64 array, or series of text, of a sample of the training rows.
        specs: what is to be learnt.
        targets: target -> class indices or numbers of the same rows.
    """
    if not FEW_FEATURES < len(columns) <= MOST_COLUMNS:
        return []
    shown = {f"column {c.name}": (values[c.name], c.by_kind.is_amount) for c in columns if c.by_kind.tells_alone}
    found: list[Note] = []
    for spec in specs:
        if not spec.is_multilabel and spec.name in targets:
            found += _telling(shown, spec, targets[spec.name], ADVICE.format("leave it out (data.drop)"))
    return found


def warn_of_giveaways_in_array(inputs: NDArray[Any], spec: TargetSpec, target: NDArray[Any]) -> list[Note]:
    """The same of an array without names of columns, of which each is told by its number from 1.

    Args:
        inputs: numbers of a sample of the training rows [rows, columns].
        spec: what is to be learnt.
        target: class indices or numbers of the same rows [rows].
    """
    if not FEW_FEATURES < inputs.shape[1] <= MOST_COLUMNS:
        return []
    shown = {f"column {place} of the inputs": (values, True) for place, values in enumerate(inputs.T.astype(np.float64), 1)}
    return _telling(shown, spec, target, ADVICE.format("take it out of the array"))


def _telling(shown: Mapping[str, tuple[Any, bool]], spec: TargetSpec, target: NDArray[Any], advice: str) -> list[Note]:
    """A warning of each column that tells a target.

    Args:
        shown: what it is called -> values, and whether they are amounts.
        spec, target: what is told, and its class indices or numbers.
        advice: what to do about it.
    """
    if len(target) < LEAST_ROWS:
        return []
    telling: dict[str, list[tuple[str, str]]] = {}
    target_name = "the target" if spec.name == "target" else spec.name
    classes = len(spec.classes) if spec.task == "classification" else None
    for name, (values, is_amount) in shown.items():
        score = told_by(values, target, classes)
        if score >= GIVES_AWAY:
            how = "correlates with" if classes is None and is_amount else "alone tells"
            telling.setdefault(f"{{}} {how} {target_name} almost perfectly", []).append((name, f"{score:.4f}"))
        elif classes is not None and (filled := classes_with_values(values, target, classes)):
            named = listed([spec.classes[code] for code in filled])
            how = f"whether {{}} has a value tells the {spec.name} {named} almost perfectly"
            telling.setdefault(how, []).append((name, ""))
    return [warn(f"{said}: {advice}", "tells_the_target") for how, several in telling.items() for said in _said(how, several)]


def _said(how: str, telling: Sequence[tuple[str, str]]) -> list[str]:
    """A sentence of each column that tells a target, or one of all where they are many, as the years of a wide table are.

    Args:
        how: the sentence, `{}` where the column stands.
        telling: each column, and how much it tells where that is measured.
    """
    if len(telling) > MOST_NAMED:
        named = listed([f"{name.removeprefix('column ')} {score}".rstrip() for name, score in telling], MOST_NAMED)
        return [f"{how.replace('{}', f'each of {len(telling)} columns', 1)} ({named})"]
    return [how.replace("{}", name, 1) + (f" ({score})" if score else "") for name, score in telling]


def classes_with_values(values: Any, codes: NDArray[Any], num_classes: int) -> list[int]:
    """The classes of whose rows nearly all have a value, where nearly none of the others have; empty: it is otherwise.

    Args:
        values: float64 [rows], NaN where there is none, or a series of text.
        codes: class indices [rows].
        num_classes: of two, what `told_by` says is enough.
    """
    if num_classes < 3 or len(codes) < LEAST_ROWS:
        return []
    known = np.isfinite(values) if isinstance(values, np.ndarray) else values.is_not_null().to_numpy()
    count = np.bincount(codes, minlength=num_classes)
    filled = np.bincount(codes, weights=known, minlength=num_classes) > count / 2
    is_so = (known == filled[codes]).mean() >= GIVES_AWAY and 0 < filled.sum() < (count > 0).sum()
    return [int(code) for code in np.flatnonzero(filled)] if is_so else []


def told_by(values: Any, target: NDArray[Any], num_classes: int | None) -> float:
    """How much of a target a column alone tells, 0 to 1; 0 where that is not much, or cannot be said.

    Args:
        values: float64 [rows], NaN where there is none, or a series of text.
        target: class indices [rows], or numbers.
        num_classes: None: the target is a number.
    """
    if not isinstance(values, np.ndarray):
        return _told_by_category(values, target, num_classes)
    known = np.isfinite(values)
    gaps = 0.0
    if num_classes is not None and not known.all():  # that there is a value may tell it
        gaps = _told_by_number(known.astype(np.float64), target, num_classes)
    numbers, target = values[known], target[known]
    return max(gaps, _correlation(numbers, target) if num_classes is None else _told_by_number(numbers, target, num_classes))


def _correlation(numbers: NDArray[np.float64], target: NDArray[Any]) -> float:
    """That of the numbers or, where it is more, of their ranks: the logarithm of a target goes up wherever the target does."""
    y = np.asarray(target, np.float64)
    if len(numbers) < 10 or numbers.std() == 0 or y.std() == 0:
        return 0.0
    linear = abs(float(np.corrcoef(numbers, y)[0, 1]))
    return linear if linear >= GIVES_AWAY else max(linear, abs(float(np.corrcoef(ranks(numbers), ranks(y))[0, 1])))


def ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """1-based ranks, equal values sharing their mean."""
    _, codes, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[codes], np.float64)


def _told_by_number(numbers: NDArray[np.float64], codes: NDArray[Any], num_classes: int) -> float:
    """Share of rows that cutting the line at the best places between runs of classes would get right, for few runs.

    For two classes also the area under the ROC curve, which sees it where some rows are on the wrong side.
    """
    if len(numbers) < 20 or (codes == codes[0]).all():
        return 0.0
    order = np.argsort(numbers, kind="stable")
    sorted_codes, sorted_numbers = codes[order], numbers[order]
    # Equal numbers cannot be told apart: a cut lies between different ones only.
    changes = np.flatnonzero(np.diff(sorted_codes) != 0)
    ties = int((sorted_numbers[changes] == sorted_numbers[changes + 1]).sum()) if len(changes) else 0
    extra = max(0, len(changes) + 1 - num_classes) + ties
    area = area_under_curve(numbers, codes == codes.max()) if num_classes == 2 and extra < 0.1 * len(order) else 0.0
    return max(1.0 - extra / len(order), max(area, 1.0 - area) if area else 0.0)


def _told_by_category(series: polars.Series, codes: NDArray[Any], num_classes: int | None) -> float:
    """Share of rows that the most frequent class of their category gets right (or R² of the category's mean).

    Of more categories than can tell anything, that there is one.
    """
    if series.n_unique() > 0.1 * len(series):
        if not 0 < series.null_count() < len(series):
            return 0.0
        series = series.is_null()
    frame = polars.DataFrame({"key": series, "target": codes})
    if num_classes is None:
        means = frame.select((polars.col("target") - polars.col("target").mean().over("key")).var()).item()
        total = frame["target"].var()
        return 0.0 if not isinstance(total, float) or total == 0 or means is None else 1.0 - float(means) / total
    counts = frame.group_by("key", "target").len()
    right = counts.group_by("key").agg(polars.col("len").max())["len"].sum()
    share = float(right) / len(series)
    majority = float(np.bincount(codes).max()) / len(codes)
    return share if share > majority else 0.0


def area_under_curve(score: NDArray[np.float64], truth: NDArray[np.bool_]) -> float:
    """Area under the ROC curve of a score without gaps (Mann and Whitney 1947); 0 where there is one class only."""
    positive, negative = int(truth.sum()), int((~truth).sum())
    if not positive or not negative:
        return 0.0
    return (float(ranks(score)[truth].sum()) - positive * (positive + 1) / 2) / (positive * negative)
