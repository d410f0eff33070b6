"""What one column holds and becomes.

Numbers, categories, dates, words, pictures; fitted on the training part, stored, applied again. Begin with `column.py`.
"""
