"""Several fits that differ in numbers only, trained together as one compiled program over stacked weights.

Which fits can be is said by `structure.py`; begin with `fit.py`.
"""
