"""Tables: text and Parquet to columns, columns to rows of numbers, in memory or in blocks from disk.

What one column means stands in `data.columns`; the steps of a fit are in `fitting`,
tables that do not fit in memory in `streamed`. Begin with `fit.py`.
"""
