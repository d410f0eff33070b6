"""One fit: the compiled loop, callbacks at the end of an epoch, phases, exact resume.

What it leaves on disk stands in `saving`, fits that are trained together in `stacked`; begin with `fit.py`.
"""
