"""What is drawn again and again to tell how far chance may have moved a metric.

Begin with `studentized.py`; what uses it is `intervals.py` one room up.
"""
