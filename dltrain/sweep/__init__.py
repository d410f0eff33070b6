"""Many fits over values of any key: space, trials, comparison, result.

Who runs them stands in `engines`, which come next in `strategies`; begin with `sweep.py`.
"""
