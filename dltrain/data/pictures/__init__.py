"""Pictures: found in folders or tables, decoded, brought to one form.

Pictures in a column beside numbers stand in `data.columns.image`; begin with `reader.py`.
"""
