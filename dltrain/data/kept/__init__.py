"""`data.preprocessing`: what an earlier run has learnt about columns or pictures, kept for other rows.

Read `run.py` first: which run, and whether it fits. `table.py` (of series as well) and `pictures.py` say what is kept;
`target.py` what is learnt, which is fitted anew unless it is the same.
"""
