"""How good a model is, in numbers: metrics, baselines, standard errors, gates, verdicts.

Those of series stand in `forecasts`, studentized intervals of errors in `bootstrap`. Begin with `report.py`.
"""
