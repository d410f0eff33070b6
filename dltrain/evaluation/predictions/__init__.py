"""Predictions from raw rows, and the files they are written to and read from.

What a head's outputs mean stands in `model.heads`; begin with `predict.py`.
"""
