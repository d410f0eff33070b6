"""What the figures of a fit say is wrong with it: one illness a function, each silent unless its figures are clear.

What is wrong before training is said by `checking`; begin with `diagnose.py`.
"""

from dltrain.evaluation.diagnosis.diagnose import diagnose
from dltrain.evaluation.diagnosis.evidence import Evidence, Finding

__all__ = ["Evidence", "Finding", "diagnose"]
