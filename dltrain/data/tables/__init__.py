"""Tables: text and Parquet to columns, columns to rows of numbers, in memory or in blocks from disk.

What one column means stands in `data.columns`; begin with `fit.py`.
"""
