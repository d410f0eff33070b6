"""What is said of pixels that each have a class.

Begin with `score.py`: how well it is told. `sheet.py` draws some pictures, `predicted.py` makes the masks of new ones.
"""
