"""The steps of fitting a table, one a file, which `tables/fit.py` takes in their order.

Begin with `kinds.py`; how a kind of column is read and what it learns is in `data/columns`.
"""
