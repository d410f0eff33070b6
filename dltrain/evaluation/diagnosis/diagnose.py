"""All diagnoses in turn."""

from __future__ import annotations

from dltrain.evaluation.diagnosis.evidence import Evidence, Finding
from dltrain.evaluation.diagnosis.fit_quality import find_overfitting, find_stuck_loss, find_underfitting
from dltrain.evaluation.diagnosis.gradients import find_exploding_gradients, find_vanishing_gradients
from dltrain.evaluation.diagnosis.learning_rate import find_large_beginning, find_too_high_rate, find_too_low_rate
from dltrain.evaluation.diagnosis.parts import find_small_validation, find_unpredicted_classes, find_wrong_bands
from dltrain.evaluation.diagnosis.units import find_dead_units, find_saturated_units

FINDERS = (
    find_dead_units,
    find_saturated_units,
    find_vanishing_gradients,
    find_exploding_gradients,
    find_large_beginning,
    find_too_high_rate,
    find_too_low_rate,
    find_stuck_loss,
    find_underfitting,
    find_overfitting,
    find_unpredicted_classes,
    find_wrong_bands,
    find_small_validation,
)


def diagnose(evidence: Evidence) -> list[Finding]:
    """What is wrong with a fit, causes before symptoms; empty where its numbers show nothing."""
    findings = [finding for find in FINDERS for finding in find(evidence)]
    kinds = {finding.kind for finding in findings}
    # A model that learnt nothing predicts one class; that is no illness of its own.
    if "loss_begins_too_high" in kinds:  # a straight fall from there is of the beginning, not of the rate
        findings = [finding for finding in findings if finding.kind != "learning_rate_too_low"]
    if "stuck_at_baseline" in kinds:
        findings = [finding for finding in findings if finding.kind != "class_never_predicted"]
    return findings
