"""Ensembles: the fits of the members, and their average.

Begin with `fit.py`.
"""
