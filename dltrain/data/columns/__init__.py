"""What one column holds and becomes.

Numbers, categories, dates, words, pictures; fitted on the training part, stored, applied again. Begin with `kind.py`, which says
what a kind of column is, then `column.py`. `reading.py` turns text into values, `kinds.py` tells kinds, `dates/` knows dates.
"""
