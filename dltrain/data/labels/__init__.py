"""Labels beyond one cell a row: several per row, from cells, columns or arrays, and those of an array file (`array_targets.py`).

Begin with `cells.py`: what a cell such as `a|b` holds. `learn.py` takes them from the training part, `stratify.py` spreads them
evenly over the parts.
"""
