"""Tables: text and Parquet to columns, columns to rows of numbers, in memory or in blocks from disk.

What one column means stands in `data.columns`; the steps of a fit are in `fitting`. Begin with `fit.py`.
"""
