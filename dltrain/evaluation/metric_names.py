"""Names of metrics: spellings that mean the same, and whether more is better."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

# Canonical spelling -> the other spellings that mean the same number.
_SPELLINGS = {
    "accuracy": ("acc", "binary_accuracy", "categorical_accuracy", "sparse_categorical_accuracy"),
    "rmse": ("root_mean_squared_error",),
    "mse": ("mean_squared_error",),
    "mae": ("mean_absolute_error",),
    "mape": ("mean_absolute_percentage_error",),
    "msle": ("mean_squared_logarithmic_error",),
    "r2": ("r2_score", "r_squared"),
    "f1": ("f1_score",),
    "roc_auc": ("auc", "auc_roc"),
    "log_loss": ("logloss",),
}
_CANONICAL = {spelling.replace("_", ""): name for name, spellings in _SPELLINGS.items() for spelling in (name, *spellings)}

_PART_PREFIXES = {"val_": "validation", "test_": "test", "train_": "train"}

# Last words of names of which less is better; whatever is not known here counts as "more is better", like a score.
_LOWER_IS_BETTER = re.compile(
    r"(loss|error|rmse|mse|mae|mape|msle|entropy|hinge|divergence|poisson|cosh|huber|deviance|false_(posi|nega)tives|perplexity|seconds)$"
)


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


def split_part(name: str) -> tuple[str | None, str]:
    """Take `validation.accuracy`, `val_accuracy` or `test.accuracy` apart into part and name; None: no part was named."""
    head, dot, tail = name.partition(".")
    if dot and head in ("train", "validation", "test"):
        return head, tail
    if dot and head == "val":
        return "validation", tail
    for prefix, part in _PART_PREFIXES.items():
        if name.startswith(prefix) and len(name) > len(prefix):
            return part, name[len(prefix) :]
    return None, name


def is_higher_better(name: str) -> bool:
    """Whether more of this metric is better (`accuracy`, `r2`), or less (`loss`, `rmse`)."""
    bare = split_part(name)[1].split("[")[0]
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", bare).lower()
    return _LOWER_IS_BETTER.search(words) is None and canonical(bare) not in ("rmse", "mse", "mae", "mape", "msle", "log_loss")


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
