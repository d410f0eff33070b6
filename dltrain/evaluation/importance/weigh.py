"""`--importance`: permutation importances of columns and words, or occlusion maps of pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dltrain.errors import UsageError
from dltrain.evaluation.importance.occlusion import Occlusions, is_on_pictures, occlusions
from dltrain.evaluation.importance.permutation import REPEATS, Importances, importances

if TYPE_CHECKING:
    from dltrain.evaluation.evaluate import EvaluateResult


def weigh(result: EvaluateResult, metric: str | None = None, repeats: int = REPEATS) -> Importances | Occlusions:
    """Importances of columns and words, or the occlusion maps of pictures; what there is to say of them is added to its notes.

    Raises:
        UsageError: what is predicted has none, or there is no such metric.
    """
    if result.scored is None:
        raise UsageError(
            "--importance needs a run that predicts one answer for a row",
            hint="where masks or reconstructions are wrong is in masks.png or reconstructions.png of the run",
        )
    found: Importances | Occlusions
    if is_on_pictures(result.scored):
        if metric is not None:
            raise UsageError(
                "--importance-metric is for columns and words", hint="pictures are asked for the probability of what is said"
            )
        found = occlusions(result.scored, result.part)
    else:
        found = importances(result.scored, metric, repeats)
    result.notes += found.notes
    return found
