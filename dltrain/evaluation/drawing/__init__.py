"""Every picture that a run or an evaluation draws, in one style (`figure.py`, where to begin).

Pictures of sweeps stand in `sweep.pictures`; `svg.py` draws those of reports without matplotlib.
"""
