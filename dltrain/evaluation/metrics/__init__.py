"""How good a model is, in numbers: metrics, baselines, standard errors, gates, verdicts.

Those of series stand in `forecasts`. Begin with `report.py`.
"""
