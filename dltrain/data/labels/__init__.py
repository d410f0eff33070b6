"""Labels as a model learns them: one a row (`encode.py`), several from cells, columns or arrays, those of an array file.

Begin with `encode.py`, then `cells.py`: what a cell such as `a|b` holds. `learn.py` takes several from the training part,
`stratify.py` spreads them evenly over the parts; `array_targets.py` reads those of an array file, `class_folders.py` knows
folders that are named after labels.
"""
