"""Baselines that learn, fitted on the same rows as the network: scikit-learn's linear models and gradient boosted trees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.types import LEARNED_BASELINES
from dltrain.data.arrays.disk_array import rows_in_memory
from dltrain.data.dataset import Part, Schema, TargetSpec
from dltrain.evaluation.metrics.metrics import classification_metrics, regression_metrics

LINEAR = LEARNED_BASELINES[0]
# Of a larger training part so many rows, evenly spread, are learned from.
MOST_ROWS = 100_000
# The trees take no more categories as such; the numbers of others are split like any number.
MOST_CATEGORIES = 255


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows as these models take them.

    Attributes:
        numbers: float64 [rows, numbers], prepared as for the network.
        categories: int64 [rows, columns] of the categories that the network embeds.
        targets: as they are stored.
        weights: of the rows, or None.
    """

    numbers: NDArray[np.float64]
    categories: NDArray[np.int64]
    targets: NDArray[Any]
    weights: NDArray[Any] | None


def learned_baselines(names: Sequence[str], schema: Schema, train: Part, part: Part, seed: int) -> dict[str, dict[str, float]]:
    """Metrics on a part of models fitted on the training part, by their names.

    Args:
        names: some of `LEARNED_BASELINES`.
        schema: a table's, without texts and pictures; one target.
        train: the training part.
        part: what is predicted.
        seed: of the trees' draws.
    """
    [target] = schema.targets
    seen, shown = _rows(schema, target, train, most=MOST_ROWS), _rows(schema, target, part)
    found = {}
    for name in names:
        model = _linear(target.task, seen) if name == LINEAR else _boosting(target.task, seen, seed)
        x, x_shown = (np.concatenate([rows.numbers, rows.categories], axis=1) for rows in (seen, shown))
        step = model.steps[-1][0]
        model.fit(x, seen.targets, **({} if seen.weights is None else {f"{step}__sample_weight": seen.weights}))
        if target.task == "classification":
            probabilities = np.zeros((len(x_shown), len(target.classes)))
            probabilities[:, model.classes_] = model.predict_proba(x_shown)
            found[name] = classification_metrics(shown.targets, probabilities)
        else:
            own = target.with_smearing(seen.targets, model.predict(x), seen.weights) if target.is_log else target
            found[name] = regression_metrics(target.to_own(shown.targets), own.to_prediction(model.predict(x_shown)))
    return found


def _rows(schema: Schema, target: TargetSpec, part: Part, most: int | None = None) -> Rows:
    count = part.num_rows
    chosen = np.arange(count) if most is None or count <= most else np.linspace(0, count - 1, most).astype(np.int64)
    numbers, categories = [np.zeros((len(chosen), 0))], [np.zeros((len(chosen), 0), np.int64)]
    for spec in schema.inputs:
        values = rows_in_memory(part.inputs[spec.name], chosen)
        if spec.vocabulary_size is None:
            numbers.append(values.reshape(len(values), -1).astype(np.float64))  # of a window the numbers of all its rows
        else:
            categories.append(values.astype(np.int64)[:, None])
    weights = None if part.weights is None else part.weights[chosen]
    targets = part.targets[target.name][chosen]
    return Rows(np.concatenate(numbers, axis=1), np.concatenate(categories, axis=1), targets, weights)


def _linear(task: str, rows: Rows) -> Any:
    """Logistic regression, or ridge regression whose strength cross-validation chooses; a column for each category."""
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression, RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    width = rows.numbers.shape[1]
    places = list(range(width, width + rows.categories.shape[1]))
    prepared = make_column_transformer(
        (SimpleImputer(keep_empty_features=True), list(range(width))), (OneHotEncoder(handle_unknown="ignore"), places)
    )
    model = LogisticRegression(max_iter=1000) if task == "classification" else RidgeCV(np.logspace(-2, 3, 6))
    return make_pipeline(prepared, model)


def _boosting(task: str, rows: Rows, seed: int) -> Any:
    """Histogram-based gradient boosting with scikit-learn's defaults; categories as such."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.pipeline import make_pipeline

    width, most = rows.numbers.shape[1], rows.categories.max(axis=0, initial=0)
    places = [width + index for index, value in enumerate(most) if value < MOST_CATEGORIES]
    kind = HistGradientBoostingClassifier if task == "classification" else HistGradientBoostingRegressor
    return make_pipeline(kind(categorical_features=places or None, random_state=seed))
