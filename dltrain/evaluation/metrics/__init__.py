"""What a model is worth in numbers: metrics, baselines, standard errors, gates, verdicts.

Begin with `report.py`.
"""
