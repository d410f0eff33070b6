"""How far chance may have moved a metric.

Begin with `studentized.py`, of errors whose rows are drawn again and again; what uses it is `intervals.py` one room up.
`jackknife.py` leaves out one group of rows after the other: so the metrics that Keras alone computes have intervals.
"""
