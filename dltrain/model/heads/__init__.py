"""The end of a model: which output, loss and encoding a target asks for, and the way back to its own units.

Begin with `rules.py`.
"""
