"""How good a model is, in numbers: metrics, baselines, standard errors, gates, verdicts.

Begin with `report.py`.
"""
