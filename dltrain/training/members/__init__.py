"""Ensembles: the fits of the members and what they come to together.

Begin with `fit.py`.
"""
