"""Tables that do not fit in memory: read in chunks, kept as columns on disk, fitted column by column, written as rows.

`fit.py`, where to begin, has the order of the steps; `survey.py` looks at the first rows, `plan.py` says by them as what each
column is kept, `chunks.py` and `text_chunks.py` read, `convert.py` makes the columns that `column_files.py` reads back, `rows.py`
writes the rows.
"""
