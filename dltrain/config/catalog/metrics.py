"""Names of metrics: spellings that mean the same, and whether more is better."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache

from dltrain.config.catalog.catalog import entry_of, load_catalog
from dltrain.config.types import Component
from dltrain.parts import PARTS

# Canonical spelling -> the other spellings that mean the same number.
_SPELLINGS = {
    "accuracy": ("acc", "pixel_accuracy", "binary_accuracy", "categorical_accuracy", "sparse_categorical_accuracy"),
    "rmse": ("root_mean_squared_error",),
    "mse": ("mean_squared_error",),
    "mae": ("mean_absolute_error",),
    "mape": ("mean_absolute_percentage_error",),
    "msle": ("mean_squared_logarithmic_error",),
    "r2": ("r2_score", "r_squared"),
    "f1": ("f1_score",),
    "roc_auc": ("auc", "auc_roc"),
    "average_precision": ("map", "mean_average_precision"),
    "mean_iou": ("miou", "jaccard"),
    "mean_dice": ("dice_score", "dice_coefficient"),
    "log_loss": ("logloss",),
}
_CANONICAL = {spelling.replace("_", ""): name for name, spellings in _SPELLINGS.items() for spelling in (name, *spellings)}

_PART_PREFIXES = {"val_": "validation", "test_": "test", "train_": "train"}

# Keras's metrics of which more is better; of all others, and of losses, less is.
_MORE_IS_BETTER = {
    "AUC", "Accuracy", "accuracy", "BinaryAccuracy", "CategoricalAccuracy", "SparseCategoricalAccuracy",
    "TopKCategoricalAccuracy", "SparseTopKCategoricalAccuracy", "BinaryIoU", "IoU", "MeanIoU", "OneHotIoU", "OneHotMeanIoU",
    "ConcordanceCorrelation", "PearsonCorrelation", "CosineSimilarity", "F1Score", "FBetaScore", "Precision",
    "PrecisionAtRecall", "R2Score", "Recall", "RecallAtPrecision", "SensitivityAtSpecificity", "SpecificityAtSensitivity",
    "TrueNegatives", "TruePositives",
}  # fmt: skip
# What is computed for each run of a task, whatever the config says, in the order in which it is told.
SCORES_OF_CLASSES = ("accuracy", "log_loss", "precision", "recall", "f1")
SCORES_OF_TWO_CLASSES = (*SCORES_OF_CLASSES, "roc_auc")
SCORES_OF_NUMBERS = ("mae", "mse", "rmse", "r2")
SCORES_OF_QUANTILES = ("crps", "pinball")
# Of windows whose series has one label as a whole: of the mean probability of its windows.
SCORES_OF_WHOLE_SERIES = ("series_accuracy", "series_log_loss")
SCORES_OF_SERIES = ("mase", "rmsse", "smape")
SCORES_OF_RECONSTRUCTIONS = ("mae", "mse", "rmse", "explained_variance")
# Of the pixels of masks; of each class there are those of `SCORES_OF_A_MASK`.
SCORES_OF_MASKS = ("accuracy", "mean_iou", "mean_dice", "log_loss")
# Of several labels per row, by scikit-learn's names; in their report each average of precision, recall and F1.
SCORES_OF_LABELS = (
    "f1_micro", "f1_macro", "f1_weighted", "f1_samples", "subset_accuracy", "hamming_loss", "log_loss", "average_precision",
    "roc_auc",
)  # fmt: skip
AVERAGES = ("micro", "macro", "weighted", "samples")
SCORES_OF_A_LABEL = ("precision", "recall", "f1", "average_precision", "roc_auc")
SCORES_OF_A_MASK = ("iou", "dice", "precision", "recall")
# Of these there is one for each class as well, such as `recall[spam]`.
SCORES_OF_A_CLASS = ("precision", "recall", "f1")
# In the report of classes, not in the table of metrics.
SCORES_BESIDE = ("ece", "brier")
# What is usually told of a task where nobody asks for anything.
USUAL_SCORES = (
    "f1_micro",
    "mean_iou",
    "accuracy",
    "rmse",
    "mae",
)  # several labels have an accuracy as well, of all labels of a row
_OWN_SCORES = {
    **dict.fromkeys(("accuracy", "precision", "recall", "f1", "roc_auc", "r2", "explained_variance"), "max"),
    **dict.fromkeys([f"{score}_{average}" for score in SCORES_OF_A_CLASS for average in AVERAGES], "max"),
    **dict.fromkeys(("average_precision", "mean_iou", "mean_dice", "iou"), "max"),
    **dict.fromkeys(("loss", "log_loss", *SCORES_BESIDE, "rmse", "mse", "mae", "mape", "msle", "seconds"), "min"),
    **dict.fromkeys((*SCORES_OF_SERIES, *SCORES_OF_QUANTILES), "min"),
}
# What fits of any task can be compared by.
COMPARABLE = (
    "loss",
    "accuracy",
    *SCORES_OF_A_CLASS,
    "roc_auc",
    "log_loss",
    "rmse",
    "mse",
    "mae",
    "r2",
    *SCORES_OF_LABELS,
    *SCORES_OF_MASKS[1:3],
)


def quantile_pairs(quantiles: Iterable[float]) -> list[tuple[float, float]]:
    """The quantiles that bound an interval with as much left out above as below, the widest first."""
    known = sorted(quantiles)
    return [(low, high) for low in known for high in known if low < high and abs(low + high - 1) < 1e-9]


def coverage_name(low: float, high: float) -> str:
    """The name of the share of truths between two quantiles, such as `coverage_80`, which should be 0.8."""
    return f"coverage_{100 * (high - low):g}"


def canonical(name: str) -> str:
    """One spelling for all that mean the same metric: `RootMeanSquaredError`, `root_mean_squared_error`, `rmse` give `rmse`.

    A name that has no known other spelling comes back in lower case without underscores, so that `top_k` equals `TopK`.
    """
    key = name.strip().lower().replace("_", "").replace(" ", "")
    return _CANONICAL.get(key, key)


def find_name(name: str, known: Iterable[str]) -> str | None:
    """The one of `known` that `name` means: spelled exactly so, else by `canonical`; None where there is none."""
    known = list(known)
    if name in known:
        return name
    return next((candidate for candidate in known if canonical(candidate) == canonical(name)), None)


def find_column(wanted: str, columns: Iterable[str]) -> str | None:
    """The column of a history that a monitor such as `val_mae` means; None where there is none."""
    columns = list(columns)
    if wanted in columns:
        return wanted
    prefix = "val_" if wanted.startswith("val_") else ""
    of_part = [name.removeprefix(prefix) for name in columns if name.startswith("val_") == bool(prefix)]
    found = find_name(wanted.removeprefix(prefix), of_part)
    return None if found is None else prefix + found


def split_part(name: str) -> tuple[str | None, str]:
    """Take `validation.accuracy`, `val_accuracy` or `test.accuracy` apart into part and name; None: no part was named."""
    head, dot, tail = name.partition(".")
    if dot and head in PARTS:
        return head, tail
    if dot and head == "val":
        return "validation", tail
    for prefix, part in _PART_PREFIXES.items():
        if name.startswith(prefix) and len(name) > len(prefix):
            return part, name[len(prefix) :]
    return None, name


def metric_name(metric: Component) -> str:
    """The name under which a metric of a config appears in the history."""
    given = metric.arguments.get("name")
    if isinstance(given, str):
        return given
    entry = entry_of(metric)
    if entry is None:
        return metric.name
    default = entry.arguments["name"].default if "name" in entry.arguments else None
    return entry.metric_name or (default if isinstance(default, str) else None) or metric.name


def find_direction(name: str, metrics: Iterable[Component] = ()) -> str | None:
    """Whether less ("min") or more ("max") of a metric is better; None: it is not known.

    Args:
        name: as in the history, in the tables of metrics or in a gate, with or without a part (`val_`, `test.`).
        metrics: those of the config, whose classes tell, whatever their names are.
    """
    whole, bracket, _ = split_part(name)[1].partition("[")
    bare = re.sub(r"_step_\d+$", "", whole)
    if bracket and bare in SCORES_OF_A_MASK:  # of the pixels of one class; the loss of that name is what lacks
        return "max"
    own = [(metric_name(metric), metric) for metric in metrics]
    # With several targets a name begins with its target's.
    fitting = [(given, metric) for given, metric in own if _is_same(bare, given)]
    if fitting:
        return _direction_of(max(fitting, key=lambda item: len(item[0]))[1])
    # The longest: more of a squared_hinge is not what more of a hinge is only by chance.
    scores = {known: direction for known, direction in _known_directions().items() if _is_same(bare, known)}
    return scores[max(scores, key=len)] if scores else None


@cache
def _known_directions() -> dict[str, str]:
    """Names that tell by themselves: of Keras's losses and metrics, and of what is computed for each run."""
    catalog = load_catalog()
    components = [Component(kind, name) for kind in ("loss", "metric") for name in catalog.names(kind)]
    keras = {metric_name(component): _direction_of(component) for component in components}
    known = {**keras, **{component.name: _direction_of(component) for component in components}, **_OWN_SCORES}
    return {name: direction for name, direction in known.items() if direction is not None}


def _is_same(name: str, known: str) -> bool:
    return canonical(name) == canonical(known) or name.endswith(f"_{known}")


def _direction_of(metric: Component) -> str | None:
    if metric.own is not None and metric.own.base is None:
        return None if metric.kind == "metric" else "min"
    return "max" if metric.kind == "metric" and metric.like in _MORE_IS_BETTER else "min"


def find_value(name: str, metrics: Mapping[str, Mapping[str, float]], parts: Iterable[str]) -> tuple[str, str, float] | None:
    """The (part, metric, value) that `name` means in `metrics` (part -> name -> value).

    Args:
        name: `accuracy`, `test.accuracy`, `val_loss`; without a part it is looked for in `parts`, in their order.
        metrics: values of each part.
        parts: where a name without a part is looked for.
    """
    named_part, bare = split_part(name)
    for part, wanted in [(part, name) for part in parts] + ([(named_part, bare)] if named_part else []):
        found = find_name(wanted, metrics.get(part, {}))
        if found is not None:
            return part, found, metrics[part][found]
    return None
