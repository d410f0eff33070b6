"""Time series: their times, the windows they are cut into, and forecasts beyond the last row.

A series is a table whose rows follow each other: its columns are read by `data.tables` and `data.columns`. Begin with
`preprocessing.py`, then `fit.py`; errors of forecasts stand in `evaluation.metrics.forecasts`.
"""
