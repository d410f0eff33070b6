"""Weights that were stored or published: what an `.h5` can hold, and how it is read without running anything.

Begin with `weights.py`.
"""
