"""One fit: the compiled loop, callbacks at the end of an epoch, phases, exact resume.

What it leaves on disk stands in `saving`, fits that are trained together in `stacked`, one fit by several processes in `workers`,
ensembles in `members`, what a short run finds out in `finding`; begin with `fit.py`, then `trainer.py`.
"""
