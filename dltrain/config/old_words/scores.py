"""Names that others have for what is computed of each run, and what to ask for in their place."""

from __future__ import annotations

import re
from collections.abc import Iterable

from dltrain.config.old_words.names import SENTENCES
from dltrain.config.old_words.spread import spread
from dltrain.wording import did_you_mean, normalize

_MEAN_RECALL = "of more than two classes it is `recall`, their mean; of two ask for `recall[LABEL]` of each"
_MACRO = "of more than two classes `{0}` is their mean; of one it is `{0}[LABEL]`"
_OF_ALL = "macro{0} {0}macro avg{0} mean{0}"
_MEANT = {
    **spread(
        {
            _MEAN_RECALL: "balancedaccuracy balancedaccuracyscore uar macroaccuracy",
            "it is the recall of the other class: `recall[LABEL]`": "specificity tnr truenegativerate",
            "ask for accuracy, which is 1 - the share of errors": "error errorrate zerooneloss",
            "it is `recall`": "sensitivity tpr truepositiverate hitrate",
            "it is `precision`": "ppv positivepredictivevalue",
            "it is `roc_auc`, which there is of two classes": "auroc rocaucscore aucroc cstatistic",
            "it is `log_loss`": "crossentropy nll negloglikelihood neglogloss",
            "it is `accuracy`": "accuracyscore",
            "it is `brier`": "brierscore brierscoreloss",
            "MeanSquaredLogarithmicError among `training.metrics` computes it": "meansquaredlogerror",
            "MeanSquaredLogarithmicError among `training.metrics` computes its square": "rmsle",
            "it is `r2`": "rsquare",
        }
    ),
    **spread({_MACRO.format(name): _OF_ALL.format(name) for name in ("precision", "recall", "f1")}),
}
_AMONG_METRICS = re.compile(r"write (.+)")


def metric_hint(name: str, known: Iterable[str], otherwise: str | None = None) -> str | None:
    """What helps one who asks for a metric that is not there: what it is called here, the nearest name, or something else.

    Args:
        name: with or without a part.
        known: the metrics that there are.
        otherwise: what to say where nothing is near.
    """
    names = list(known)
    bare = name.rpartition(".")[2].removeprefix("val_")
    of_a_part = [known for known in names if known.endswith(f".{bare}")]  # of the training part, which must be named
    return score_meant(bare, names) or did_you_mean(of_a_part[0] if of_a_part else name, names) or otherwise


def score_meant(name: str, there: Iterable[str] = ()) -> str | None:
    """What to ask for in the place of a metric that is called so elsewhere; None where that is not known.

    Args:
        name: without a part and a label.
        there: the metrics that there are; of several labels a row they have averages by names of their own.
    """
    word = normalize(name)
    if any(known.endswith("_macro") for known in there):
        return None
    if word in _MEANT:
        return _MEANT[word]
    said = SENTENCES["metric"].get(word)
    found = _AMONG_METRICS.fullmatch(said) if said else None
    return f"{found[1]} among `training.metrics` computes it" if found else said
