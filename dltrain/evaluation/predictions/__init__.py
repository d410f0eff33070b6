"""Predictions from raw rows, and the files they are written to.

Begin with `predict.py`.
"""
