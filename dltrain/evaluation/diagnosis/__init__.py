"""Diagnosis of a fit from its metrics, history and layers: one fault a function, each silent unless its numbers are clear.

What is wrong before training is said by `checking`; begin with `diagnose.py`.
"""

from dltrain.evaluation.diagnosis.diagnose import diagnose
from dltrain.evaluation.diagnosis.evidence import Evidence, Finding

__all__ = ["Evidence", "Finding", "diagnose"]
