"""Series: their times, their windows, and what comes after the last row.

Begin with `preprocessing.py`.
"""
