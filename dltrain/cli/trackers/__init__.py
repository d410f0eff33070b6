"""What runs hand to trackers of experiments, while they are trained or afterwards.

Begin with `send.py`; what is told of a run stands in `told.py`.
"""
