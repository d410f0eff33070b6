"""Several labels per row: read from cells, columns or arrays, learnt of the training part, and spread evenly over the parts.

Begin with `cells.py`: what a cell such as `a|b` holds.
"""
