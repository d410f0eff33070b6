"""Many fits over values of any key: space, trials, comparison, result.

`engines` run the fits, `strategies` choose the values of the trials; begin with `sweep.py`. One fit stands in `training`.
"""
