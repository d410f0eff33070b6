"""The errors of single rows by which a model is held against the baseline: by proper scores, as the verdict on the whole is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dltrain.evaluation.metrics.forecasts.forecast import columns_ahead, stack_steps
from dltrain.evaluation.metrics.intervals import Floats, Sums, Units, add_columns
from dltrain.evaluation.metrics.label_metrics import label_losses
from dltrain.evaluation.metrics.label_report import prior_for_labels
from dltrain.evaluation.metrics.metrics import class_losses, ratio
from dltrain.evaluation.metrics.paired import leave_out
from dltrain.evaluation.metrics.report import prior_for, restore_priors, restore_reference
from dltrain.evaluation.metrics.verdicts import Prior
from dltrain.evaluation.scored import Scored
from dltrain.model.heads.answers import is_mended
from dltrain.model.heads.head import layer_name

BETTER, WORSE, NOT_SHOWN = "better", "worse", "not shown"


@dataclass(frozen=True, slots=True)
class RowErrors:
    """One target's errors on the rows of a part.

    Attributes:
        model, baseline: log losses, or squared errors [rows].
        weights: of the rows [rows].
    """

    model: Floats
    baseline: Floats
    weights: Floats

    def standing(self, rows: NDArray[np.int64], units: Units | None) -> str:
        """Whether the model is better or worse than the baseline on some rows, by more than chance explains.

        Args:
            rows: which.
            units: of these rows; None: they are too few to tell.
        """
        weights = self.weights[rows]
        columns = [weights * (self.model[rows] - self.baseline[rows]), weights]

        def compute(sums: Floats) -> dict[str, Floats]:
            return {"": ratio(sums[..., 0], sums[..., 1])}

        def add_up(codes: NDArray[np.int64], count: int) -> Floats:
            return add_columns(columns, codes, count)

        if units is None or not np.isfinite(columns[0]).all():
            return NOT_SHOWN
        found = leave_out(Sums(len(rows), 2, add_up, compute), units)[""].interval()
        if found is None or found[0] <= 0 <= found[1]:
            return NOT_SHOWN
        return WORSE if found[0] > 0 else BETTER


def row_errors(scored: Scored) -> dict[str, RowErrors]:
    """The errors of each target, by its metrics' prefix; empty where the run has no description of its training part."""
    described, targets = scored.stored.manifest.get("reference", {}), scored.stored.preprocessing.schema.targets
    if scored.part.references:
        return _of_forecasts(scored)
    if any(target.name not in described for target in targets):
        return {}
    reference, priors = restore_reference(described, targets), restore_priors(described, targets)
    several = sum(len(head.targets) for head in scored.heads) > 1
    found: dict[str, RowErrors] = {}
    ones = np.ones(scored.part.num_rows)
    weights = ones if scored.part.weights is None else np.asarray(scored.part.weights, np.float64)
    for head, values in zip(scored.heads, scored.answers, strict=True):
        if head.is_multilabel:
            target = head.targets[0]
            true = np.asarray(scored.part.targets[target.name]) > 0
            shares = prior_for_labels(head, priors[target.name], reference[target.name][0]).shares
            assert shares is not None
            mine, constant = (label_losses(true, said).mean(axis=1) for said in (values, np.broadcast_to(shares, values.shape)))
            found[f"{head.name}_" if several else ""] = RowErrors(mine, constant, ones if is_mended(head) else weights)
        elif head.classes:
            name = head.targets[0].name
            prior = prior_for(head, priors[name], reference[name])
            rows = ones if is_mended(head) else weights
            found[f"{head.name}_" if several else ""] = _of_classes(scored.part.targets[name], values, prior, rows)
        else:
            for index, target in enumerate(head.targets):
                truth, mean = target.to_own(scored.part.targets[target.name]), priors[target.name].mean
                assert mean is not None
                mine, constant = (values[:, index] - truth) ** 2, (float(target.to_own(mean)) - truth) ** 2
                found[f"{layer_name(target.name)}_" if several else ""] = RowErrors(mine, constant, weights)
    return found


def _of_classes(codes: NDArray[np.int64], probabilities: Floats, prior: Prior, weights: Floats) -> RowErrors:
    """Log losses, in the world of the training's class weights, as the verdict has them."""
    assert prior.shares is not None
    if prior.class_weights is not None:
        weights = weights * prior.class_weights[codes]
    constant = np.broadcast_to(prior.shares, probabilities.shape)
    return RowErrors(class_losses(codes, probabilities), class_losses(codes, constant), weights)


def _of_forecasts(scored: Scored) -> dict[str, RowErrors]:
    """Squared errors, all steps ahead together, beside those of the first simple forecast."""
    simple, part = next(iter(scored.part.references.values())), scored.part
    columns = columns_ahead(scored.heads, scored.outputs)
    found: dict[str, RowErrors] = {}
    for column, steps in columns.items():
        specs = [target for target, _ in steps]
        said = np.stack([target.to_prediction(output) for target, output in steps], axis=1)
        truth, naive = stack_steps(specs, part.targets), stack_steps(specs, simple)
        mine, theirs = (((forecast - truth) ** 2).mean(axis=1) for forecast in (said, naive))
        found[f"{column}_" if len(columns) > 1 else ""] = RowErrors(mine, theirs, np.ones(part.num_rows))
    return found
